"""Looks again, from the system itself: every planned record is observed, and every system is searched afresh, through new connections.

A hit is *expected* (planned or decided to stay, and unchanged), *arrived* (created after the case was opened) or *residue*, which opens a new round.

What is expected is counted out beforehand as *excuses*: one for each finding that was to stay, on the record where it now is, with the look of the
hits that were to stay. A fresh finding without an excuse is residue; so a span that a redaction left behind, or a row that changed, cannot hide.

Only when nothing is left that is returned, the systems are asked what stays in their storage (`upkeep.py`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dsr_engine.domain.case import Case, CaseKind, Stage, Wait
from dsr_engine.domain.errors import Conflict
from dsr_engine.domain.finding import Finding, Hit
from dsr_engine.domain.plan import DropPart, Plan, PlanItem, Planned, ResultState, Rewrite
from dsr_engine.domain.record import Locator, split_fields
from dsr_engine.drivers.driver import Absent, Driver, Moved, Watched
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.batching import is_renaming
from dsr_engine.workflow.decide import NOT_THEIRS, STAYS
from dsr_engine.workflow.discover import FOUND, VERIFIED, Seeker, coverage_gaps, reader_of, search_systems
from dsr_engine.workflow.errands import open_errand
from dsr_engine.workflow.foresight import fingerprint, watched
from dsr_engine.workflow.house import House
from dsr_engine.workflow.incidents import report_lost
from dsr_engine.workflow.judgement import judge
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.make_plan import decided
from dsr_engine.workflow.masking import mask_of
from dsr_engine.workflow.step import Advance, NewRound, Stand, Step
from dsr_engine.workflow.turn import Turn
from dsr_engine.workflow.upkeep import attend

#: What a finding looks like, whatever its place: a rewrite moves rows, and sometimes the whole record.
Look = tuple[tuple[str, str, str], ...]
Excuses = Counter[tuple[Locator, Look]]
_Place = tuple[str, str, tuple[str, ...]]

UNSEEN = "absence.unseen"


@dataclass(frozen=True, slots=True)
class _Round:
    """One round of the case: its plan, what had been found, and what happened to each record (item, position)."""

    plan: Plan
    found: dict[Locator, list[Finding]]
    results: dict[tuple[str, int], ResultState]
    is_last: bool


def verify_absence(case: Case, turn: Turn, house: House) -> Step:
    """Goes on to the certificate when nothing of the person is left but what is expected to be there; else a new round.

    Stands while a system has not reached the level that it is to reach.
    """
    if case.wait is not None and case.wait.code == UNSEEN:
        return NewRound()  # whoever runs the case again has made readable what refused the last look
    errand = open_errand(case, turn, house)
    if errand is not None:
        return Stand(errand)
    rounds = _rounds(case, turn)
    moved: dict[Locator, Locator] = {}
    seen = _observed(case, rounds, moved, house)
    _follow_renamed(case, rounds, moved, turn, house)
    excuses = seen.excuses | _decided_to_stay(case, rounds, moved, turn)
    fresh = _fresh_look(case, turn, house)
    if isinstance(fresh, Wait):
        return Stand(fresh)
    residue, arrived = _residue(fresh, excuses, case, _worked_on(rounds, moved))

    def write(tx: Transaction) -> None:
        counts = {"residue": residue, "arrived": arrived, "still_there": seen.still_there}
        tx.ledger.append(leaf(house.clock, "absence.checked", f"{case.id}:{case.round}:absence", case=case.id, round=case.round, counts=counts))
        if seen.lost:
            mask = mask_of(tx, case)
            report_lost(tx, house, case, {mask.place(*place): count for place, count in sorted(seen.lost.items())})

    if residue or seen.still_there:
        return NewRound(write)
    wait = attend(case, turn, house)
    return Stand(wait) if wait is not None else Advance(Stage.NOTIFY, write)


def _fresh_look(case: Case, turn: Turn, house: House) -> list[Finding] | Wait:
    """What is found now; or the wait for a system that is down, or that refuses the look which it granted before the effects."""
    waits = search_systems((Seeker(case, turn),), VERIFIED, house)
    if waits:
        return waits[0]
    with turn.transaction() as tx:
        fresh = [finding for _, finding in tx.findings.of(case.id, case.round, VERIFIED)]
        before = coverage_gaps(tx.coverage.of(case.id, case.round, FOUND))
        unseen = [gap for place, gap in coverage_gaps(tx.coverage.of(case.id, case.round, VERIFIED)).items() if place not in before]
    if unseen:
        reason = f"{unseen[0].system} was searched before the effects and cannot be looked at now: {unseen[0].reason}"
        return Wait(UNSEEN, reason, "make it readable, then run the case again: everything is looked at anew", house.clock.now())
    if case.kind is CaseKind.SWEEP:  # the search brings what is old by any rule; a more specific one may keep it longer
        policy, today = house.policy_of(case), house.clock.now().date()
        fresh = [finding for finding in fresh if judge(finding, finding.match, policy, today, is_sweep=True, origin=house.origin_of).is_outlived]
    return fresh


def _rounds(case: Case, turn: Turn) -> list[_Round]:
    rounds = []
    with turn.transaction() as tx:
        for number in range(1, case.round + 1):
            plan = tx.plans.of(case.id, number)
            if plan is None:
                continue
            found: dict[Locator, list[Finding]] = {}
            for _, finding in tx.findings.of(case.id, number, FOUND):
                found.setdefault(finding.locator.whole, []).append(finding)
            results = {(result.item, result.position): result.state for result in tx.results.of(plan.id)}
            rounds.append(_Round(plan, found, results, number == case.round))
    return rounds


def _follow_renamed(case: Case, rounds: Iterable[_Round], moved: dict[Locator, Locator], turn: Turn, house: House) -> None:
    """Notes where mails are that somebody said stay, if folders were given another name: nothing was planned for them, and they went along."""
    with turn.transaction() as tx:
        verdicts = decided(tx, case)
    for name in sorted({item.system for one in rounds for item in one.plan.items if is_renaming(item.effect)}):
        stay = [place.whole for place, verdict in verdicts.items() if place.system == name and verdict in (NOT_THEIRS, STAYS)]
        driver = reader_of(house.system_named(name), VERIFIED, house)
        try:
            seen = driver.observe([Watched(place) for place in stay])
            moved |= {place: now.to for place, now in zip(stay, seen, strict=True) if isinstance(now, Moved)}
        finally:
            driver.close()


@dataclass(slots=True)
class _Seen:
    """What the records of one round's plan look like now: the excuses that they give, how many are there although they were deleted, and by place how
    many are gone although they were to stay."""

    excuses: Excuses
    still_there: int
    lost: Counter[tuple[str, str]]


def _observed(case: Case, rounds: Iterable[_Round], moved: dict[Locator, Locator], house: House) -> _Seen:
    """What all planned records look like now. Notes where records moved to."""
    told = _Seen(Counter(), 0, Counter())
    for name in case.systems:
        for one in rounds:
            seen = _observe_round(case, name, one, moved, house)
            told = _Seen(told.excuses | seen.excuses, told.still_there + seen.still_there, told.lost | seen.lost)
    return told


def _observe_round(case: Case, system: str, one: _Round, moved: dict[Locator, Locator], house: House) -> _Seen:
    told = _Seen(Counter(), 0, Counter())
    items = [item for item in one.plan.items if item.system == system]
    if not items:
        return told
    driver = reader_of(house.system_named(system), VERIFIED, house)
    try:
        for item in items:
            for position, mark in enumerate(_marks(case, item, driver, moved, house)):
                planned, result = item.records[position], one.results.get((item.id, position))
                if _is_as_expected(planned, result, mark):
                    where = moved.get(planned.locator, planned.locator)
                    told.excuses.update((where, look) for look in _looks_left(item, result, one.found.get(planned.locator, ())))
                elif one.is_last and mark is not None and planned.becomes is None and result is ResultState.DONE:
                    told.still_there += 1
                elif one.is_last and mark is None and result is ResultState.KEPT:
                    told.lost[item.system, item.collection] += 1
    finally:
        driver.close()
    return told


def _marks(case: Case, item: PlanItem, driver: Driver, moved: dict[Locator, Locator], house: House) -> list[bytes | None]:
    """The fingerprint of each record of the item as it is now; None where it is absent. Notes where records moved to."""
    marks: list[bytes | None] = []
    for planned, now in zip(item.records, driver.observe(watched(house, case, item)), strict=True):
        if now.server != item.server:
            raise Conflict(f"{item.system} is not the server that was worked on", code="server.changed", hint="point systems.yaml at the right one")
        if isinstance(now, Moved):
            moved[planned.locator] = now.to
        marks.append(None if isinstance(now, Absent) else fingerprint(house, case, now.state))
    return marks


def _is_as_expected(planned: Planned, result: ResultState | None, mark: bytes | None) -> bool:
    """True for a record that is there and is what it was to stay or to become."""
    if result is ResultState.KEPT:
        return mark == planned.expect
    return result is ResultState.DONE and planned.becomes is not None and mark == planned.becomes


def _looks_left(item: PlanItem, result: ResultState | None, findings: Iterable[Finding]) -> list[Look]:
    """What may still be found in the record: everything if it was kept, else the hits that the effect left alone on purpose."""
    looks = []
    for finding in findings:
        hits = finding.hits if result is ResultState.KEPT else tuple(hit for hit in finding.hits if not _is_treated(hit, finding, item))
        if hits or not finding.hits:  # what a sweep found by its age has no hits
            looks.append(_look(hits))
    return looks


def _is_treated(hit: Hit, finding: Finding, item: PlanItem) -> bool:
    if not isinstance(item.effect, Rewrite):
        return item.effect is not None
    for edit in item.effect.edits:
        if isinstance(edit.how, DropPart):
            if finding.locator.inside == edit.place:
                return True
        elif hit.place == edit.place or hit.place.startswith(f"{edit.place}/") or edit.place in split_fields(hit.place):
            return True
    return False


def _look(hits: Iterable[Hit]) -> Look:
    return tuple(sorted((hit.selector, hit.form, hit.category) for hit in hits))


def _decided_to_stay(case: Case, rounds: Iterable[_Round], moved: dict[Locator, Locator], turn: Turn) -> Excuses:
    """Excuses for what people decided: somebody else's record, or one that stays all the same."""
    with turn.transaction() as tx:
        verdicts = decided(tx, case)
    excuses: Excuses = Counter()
    for one in rounds:
        of_round: Excuses = Counter()
        for whole, findings in one.found.items():
            stay = [finding for finding in findings if verdicts.get(finding.locator) in (NOT_THEIRS, STAYS)]
            of_round.update((moved.get(whole, whole), _look(finding.hits)) for finding in stay)
        excuses |= of_round
    return excuses


def _worked_on(rounds: Iterable[_Round], moved: dict[Locator, Locator]) -> frozenset[_Place]:
    """The places of all planned records and the folders that they lay in: what the engine wrote there is newer than the case and did not arrive."""
    planned = [record.locator for one in rounds for item in one.plan.items for record in item.records]
    places = (*planned, *moved.values())
    return frozenset(_place(locator) for locator in places) | {folder for locator in places for folder in _folders(locator)}


def _folders(locator: Locator) -> Iterator[_Place]:
    """The folders in which a file lay: one that the engine emptied is listed by its own name from then on, and its date is that of the deletion."""
    name = str(locator.key[0]) if locator.key else ""
    for end, sign in enumerate(name):
        if sign == "/":
            yield locator.system, "", (name[: end + 1],)


def _place(locator: Locator) -> _Place:
    """A record whatever its version: the first part of its key stays when an object is written anew."""
    return locator.system, locator.collection, locator.key[:1]


def _is_ours(locator: Locator, worked_on: frozenset[_Place]) -> bool:
    """True for a place that the engine wrote, and for a folder out of which it deleted."""
    return _place(locator) in worked_on or (locator.system, "", locator.key[:1]) in worked_on


def _residue(fresh: Iterable[Finding], excuses: Excuses, case: Case, worked_on: frozenset[_Place]) -> tuple[int, int]:
    """How many fresh findings are residue, and how many merely arrived since the case was opened."""
    residue = arrived = 0
    for finding in fresh:
        excuse = (finding.locator.whole, _look(finding.hits))
        if excuses[excuse] > 0:
            excuses[excuse] -= 1
        elif finding.created is not None and finding.created > case.opened_at and not _is_ours(finding.locator, worked_on):
            arrived += 1
        else:
            residue += 1
    return residue, arrived
