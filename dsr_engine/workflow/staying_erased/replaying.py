"""After a restored backup: everyone who was erased since it was made is erased again, and until then the system is not ready (7022(d), EDPB 2025).

A restore is noted first. Then a case is opened for each person: from the identifiers of their case while its key lives, afterwards from what the
restored system itself holds where a keyed digest equals. Each case is found again by its restore, so whoever is killed simply begins again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dsr_engine.domain.case import Case, CaseKind, Outcome, Stage
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.selector import Selector
from dsr_engine.domain.suppression import Suppressed
from dsr_engine.store.aftercare import Restore, Why, root_of
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.discover import VERIFIED, coverage_gaps
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.masking import Mask
from dsr_engine.workflow.staying_erased.digest_search import Roll, Sightings, forgotten, is_key, search_by_digest
from dsr_engine.workflow.staying_erased.lookback import look_back
from dsr_engine.workflow.staying_erased.repeating import is_readable, repeat, selectors_of
from dsr_engine.workflow.staying_erased.suppressing import left_alone

_DONE = frozenset({Outcome.FULFILLED, Outcome.FULFILLED_WITH_EXCEPTIONS})
#: Stages in which a case has had effects that a restored backup may undo, and after which it would not look again by itself.
_UNDER_WAY = frozenset({Stage.EXECUTE, Stage.VERIFY_ABSENCE, Stage.CERTIFY, Stage.PUBLISH})


@dataclass(slots=True)
class Replayed:
    """What a restore came to: the cases that were opened for it, and what keeps it from being complete."""

    restore: Restore
    cases: tuple[str, ...] = ()
    missing: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a system may be opened. `missing` says in sentences what has to be done before."""

    system: str
    missing: tuple[str, ...]

    @property
    def is_ready(self) -> bool:
        return not self.missing


def note_restore(house: House, system: str, as_of: datetime, by: str) -> Restore:
    """Notes that a system is now what it was at that moment. Raises `InputWrong` for a system that is not declared, or a moment that lies ahead."""
    if system not in house.systems:
        raise InputWrong(f"no such system: {system}", code="system.unknown", hint="systems.yaml declares them; `dsr check` lists them")
    now = house.clock.now()
    if as_of > now:
        raise InputWrong("a backup cannot have been made in the future", code="replay.since", hint="name the day on which it was made")
    with house.store.transaction() as tx:
        person = tx.people.id_of(by)
        restore = tx.restores.note(system, as_of, now, person)
        if restore.noted_at == now:
            moment = as_of.strftime("%Y-%m-%dT%H:%M:%SZ")
            tx.ledger.append(leaf(house.clock, "restore.noted", restore.id, restore=restore.id, system=system, backup_of=moment, by=person))
    return restore


def open_replays(house: House, restore: Restore, *, accept_unknown: bool = False) -> Replayed:
    """Opens the case of everyone who has to be erased again; may be repeated. What could not be looked at is said, and the restore stays open.

    `accept_unknown`: a person answers for those of whom the engine knows nothing any more, and for what cannot be looked at.
    """
    done = Replayed(restore)
    with house.store.snapshot() as tx:
        known, lost = _erased_since(tx, restore)
        entries = [entry for entry in tx.suppression.live() if _is_of(entry, restore.system)]
        keys = tx.suppression.keys
        unknown = [chain for chain in lost if not {case.id for case in chain} & {entry.case for entry in entries} and _had_effects(tx, chain)]
        accepted = {place for chain in lost for case in chain for place in coverage_gaps(tx.coverage.of(case.id, case.round, VERIFIED))}
    for case in known:
        done.missing += _opened(house, case, restore)
    wanted = {case.id for chain in lost for case in chain}
    roll = Roll(keys, (entry for entry in entries if entry.case in wanted))
    seen = search_by_digest(house, roll, [restore.system])
    for chain in lost:
        if selectors := {key: selector for case in chain for key, selector in seen.selectors.get(case.id, {}).items()}:
            done.missing += _opened(house, chain[0], restore, selectors.values())
    doubts = list(_not_looked_at(house, seen, known, roll, accepted))
    doubts += [_too_late(len(unknown))] if unknown else []
    if not accept_unknown or seen.until is not None:
        done.missing += doubts
    _note_opened(house, done, accepted=len(doubts))
    return done


def _note_opened(house: House, done: Replayed, accepted: int) -> None:
    restore = done.restore
    with house.store.transaction() as tx:
        done.cases = tuple(sequel.case for sequel in tx.sequels.on(_occasion(restore)))
        known = tx.restores.get(restore.id)
        if done.missing or known is None or known.opened_at is not None:
            return
        tx.restores.opened(restore.id, house.clock.now())
        facts = {"cases": len(done.cases), "accepted_unknown": accepted}
        tx.ledger.append(leaf(house.clock, "restore.opened", restore.id, restore=restore.id, system=restore.system, counts=facts))


def _too_late(count: int) -> str:
    return (
        f"{count} erased person(s) are forgotten and left no digest that lives: either the backup is older than declared, or only a name or a "
        "telephone number was known of them. Find them by their requests and erase them by hand; then `dsr replay … --accept-unknown`"
    )


def _not_looked_at(house: House, seen: Sightings, cases: Iterable[Case], roll: Roll, accepted: set[tuple[str, str]]) -> Iterator[str]:
    """Hides everybody who is looked for: those whose identifiers are known, and the addresses of those of whom there are digests only."""
    if not seen.gaps:
        return
    with house.store.snapshot() as tx:
        known = [selector for case in cases for selector in selectors_of(tx, case.id) or ()]
    yield from (f"not looked at: {gap}" for gap in seen.unseen(Mask(known, roll.has_address), accepted))


def _had_effects(tx: Transaction, chain: Iterable[Case]) -> bool:
    return any(tx.ledger.find("effect.done", case=case.id) for case in chain)


def _is_of(entry: Suppressed, system: str) -> bool:
    """True for what may be looked up in the system: a key that another system knew somebody by proves nothing there."""
    return not is_key(entry.kind) or entry.kind.partition(":")[2].startswith(f"{system}.")


def _occasion(restore: Restore) -> str:
    return f"restore:{restore.id}"


def _erased_since(tx: Transaction, restore: Restore) -> tuple[list[Case], list[tuple[Case, ...]]]:
    """The cases that have to be repeated: those whose identifiers are known, and those that were forgotten. Each person's chain of cases once.

    Who was lifted is left alone: after the erasure of a wrong person a backup is how their data come back.
    """
    origins = tx.sequels.origins()
    lifted = {root_of(origins, case) for case in left_alone(tx)}
    chains: dict[str, list[Case]] = {}
    for case in tx.cases.list():
        root = root_of(origins, case.id)
        if _is_erased(case, restore) and root not in lifted:
            chains.setdefault(root, []).append(case)
    known: list[Case] = []
    lost: list[tuple[Case, ...]] = []
    for chain in chains.values():
        living = next((case for case in chain if selectors_of(tx, case.id) is not None), None)
        if living is not None:
            known.append(living)
        else:
            lost.append(tuple(chain))
    return known, lost


def _is_erased(case: Case, restore: Restore) -> bool:
    is_done = case.stage is Stage.CLOSED and case.outcome in _DONE and case.kind.is_of_a_person
    return is_done and restore.system in case.systems and case.closed_at is not None and case.closed_at >= restore.as_of


def _opened(house: House, case: Case, restore: Restore, selectors: Iterable[Selector] | None = None) -> Iterator[str]:
    """Opens the case that repeats this one; says why it cannot."""
    if not is_readable(house, case):
        yield f"case {case.id}: its policy or law is gone in the version that it was opened under; put the file back"
        return
    with house.store.transaction() as tx:
        own = selectors if selectors is not None else selectors_of(tx, case.id)
        if own is not None:
            repeat(tx, house, case, Why.RESTORED, _occasion(restore), selectors=own, systems=[restore.system], by=restore.noted_by)


# ---- may the system be opened?


def readiness(house: House, system: str, *, look: bool = True) -> Readiness:
    """Whether everyone who was erased is erased in this system now: by what is noted, and (`look`) by a fresh look for all of them."""
    if system not in house.systems:
        raise InputWrong(f"no such system: {system}", code="system.unknown", hint="systems.yaml declares them; `dsr check` lists them")
    with house.store.snapshot() as tx:
        missing = [*_store_is_behind(tx, house), *_noted(tx, system)]
        cases = [case for case in tx.cases.list() if _may_be_back(case, system)]
        accepted = {place for case in cases for place in coverage_gaps(tx.coverage.of(case.id, case.round, VERIFIED))}
        living = frozenset(case.id for case in cases if selectors_of(tx, case.id) is not None)
        entries = tuple(tx.suppression.live())
        keys = tx.suppression.keys
        origins = tx.sequels.origins()
        lifted = {root_of(origins, case) for case in left_alone(tx)}
        pending = {root_of(origins, case.id) for case in tx.cases.list(open_only=True) if case.id in origins}
    if look:
        known = [case for case in cases if case.id in living and root_of(origins, case.id) not in lifted]
        missing += _found_again(house, system, known, pending, origins)
        roll = Roll(keys, (entry for entry in forgotten(entries, living) if not is_key(entry.kind)))
        seen = search_by_digest(house, roll, [system])
        missing += _forgotten_again(system, seen, pending, origins)
        missing += _not_looked_at(house, seen, known, roll, accepted)
    if not missing:
        _finish(house, system)
    return Readiness(system, tuple(missing))


def _may_be_back(case: Case, system: str) -> bool:
    return case.stage is Stage.CLOSED and case.outcome in _DONE and case.kind.is_of_a_person and system in case.systems


def _noted(tx: Transaction, system: str) -> Iterator[str]:
    restores = tx.restores.open(system)
    for restore in restores:
        day = f"{restore.as_of:%Y-%m-%d %H:%M}"
        if restore.opened_at is None:
            again = f"`dsr replay --since {restore.as_of:%Y-%m-%dT%H:%M} --system {system}`"
            yield f"{system} was restored to {day} UTC and not everyone's case is open: {again}"
        for sequel in tx.sequels.on(_occasion(restore)):
            yield from _unfinished(tx.cases.get(sequel.case))
        yield from _sweeps_undone(tx, restore)
    if restores:
        for case in tx.cases.list(open_only=True):
            if case.stage in _UNDER_WAY and system in case.systems and tx.sequels.of(case.id) is None:
                yield f"case {case.id} was at {case.stage.value.replace('_', ' ')} when {system} was restored: `dsr case run {case.id}`"


def _unfinished(case: Case) -> Iterator[str]:
    if case.stage is not Stage.CLOSED:
        why = f"waits: {case.wait.reason}" if case.wait is not None else f"`dsr case run {case.id}`"
        yield f"case {case.id} is open at {case.stage.value.replace('_', ' ')} ({why})"


def _sweeps_undone(tx: Transaction, restore: Restore) -> Iterator[str]:
    """Sweeps whose effects the backup brought back: what was due then is due now, so the next sweep does it again."""
    done: dict[str, list[datetime]] = {}
    for case in tx.cases.list():
        is_sweep = case.kind is CaseKind.SWEEP and case.outcome in _DONE and not case.is_dry
        if is_sweep and restore.system in case.systems and case.closed_at is not None:
            done.setdefault(case.policy, []).append(case.closed_at)
    for policy, moments in sorted(done.items()):
        if any(moment >= restore.as_of for moment in moments) and max(moments) < restore.noted_at:
            yield f"what the sweep of {policy} had erased is there again: `dsr sweep {policy}`"


def _found_again(house: House, system: str, cases: Sequence[Case], pending: set[str], origins: Mapping[str, str]) -> Iterator[str]:
    seen = look_back(house, [case for case in cases if is_readable(house, case)], [system])
    back = {root_of(origins, case) for case, found in seen.items() if found.residue} - pending
    if back:
        yield _back(len(back), "who were erased", system, back)
    yield from dict.fromkeys(f"not looked at: {gap}" for found in seen.values() for gap in found.gaps)
    if any(found.until is not None for found in seen.values()):
        yield f"{system} does not answer, or may not be searched now"


def _forgotten_again(system: str, seen: Sightings, pending: set[str], origins: Mapping[str, str]) -> Iterator[str]:
    back = {root_of(origins, case) for case in seen.selectors} - pending
    if back:
        yield _back(len(back), "whose cases are forgotten", system, back)


def _back(count: int, who: str, system: str, cases: Iterable[str]) -> str:
    return (
        f"{count} person(s) {who} are in {system} again (case {', '.join(sorted(cases)[:5])}): "
        f"`dsr replay --since DAY-OF-THE-BACKUP --system {system}`; for somebody who came back by themselves, `dsr suppress lift`"
    )


def _store_is_behind(tx: Transaction, house: House) -> Iterator[str]:
    """The certificates lie outside of the store: one that the store does not know was issued after the backup that the store was restored from."""
    newest = max((int(path.stem.partition("-")[2]) for path in house.paper.folder.glob("certificate-*.pdf") if _is_number(path.stem)), default=0)
    known = tx.certificates.next_serial() - 1
    if newest > known:
        yield (
            f"the engine's own store was restored: it knows {known} certificate(s), and {house.paper.folder.name} holds number {newest}. "
            "Who was erased since then is unknown to it: open their cases anew from the requests, for every system that was restored too"
        )


def _is_number(stem: str) -> bool:
    return stem.partition("-")[2].isdecimal()


def _finish(house: House, system: str) -> None:
    with house.store.transaction() as tx:
        for restore in tx.restores.open(system):
            tx.restores.done(restore.id, house.clock.now())
            cases = len(tx.sequels.on(_occasion(restore)))
            tx.ledger.append(leaf(house.clock, "restore.replayed", restore.id, restore=restore.id, system=system, cases=cases))
