"""What stays when a case is over, and under which lock: restricted data is listed, may be used for its ground only, and is freed only after a notice.

GDPR Art. 4(3), 18(2) and (3): restricted data is stored and, beside that, used for a few purposes only; whoever restricted it tells the person before
it is used again. 11 CCR 7022(f)(3): what an exception keeps may be used for that exception only.
"""

import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.letter import LetterKind
from dsr_engine.domain.plan import HELD, Edit, Fence, Plan, PlanItem, Planned, Relocate, ResultState, Rewrite
from dsr_engine.domain.policy import KEEPING
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import Change, Done, Driver, Moved, Present, Watched
from dsr_engine.store.kept import Kept
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.foresight import fingerprint, rewriter_for
from dsr_engine.workflow.holds.protecting import may_concern
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.masking import Mask
from dsr_engine.workflow.sweeps.ageing import ageings
from dsr_engine.workflow.sweeps.tranche import day_of
from dsr_engine.workflow.turn import Turn

FLAG = "flag"


def purpose_of(because: str, law: str) -> str:
    """What data that stays may be used for, and nothing else: the ground on which it stays (Art. 18(2) GDPR; 11 CCR 7022(f)(3))."""
    if because == "legal_hold":
        return "only for the legal proceeding that the hold protects"
    ground = because.replace("_", " ") or "the reason for which it stays"
    return f"only for: {ground}{f' ({law})' if law else ''}"


def fence_of(item: PlanItem, system: System) -> str:
    """How records of this item are kept apart: by a mark, by their place, or (empty) not at all."""
    if isinstance(item.effect, Relocate):
        return f"moved to {item.effect.to}"
    if system.manifest.origin_of(item.collection) != item.collection:
        return f"moved to {item.collection}"
    marks = [edit for edit in item.effect.edits if isinstance(edit.how, Fence)] if isinstance(item.effect, Rewrite) else []
    return FLAG if marks else ""


def remember_kept(tx: Transaction, case: Case, house: House) -> None:
    """Notes what stays of a case that is being closed: places, counts, grounds and ends."""
    plan = tx.plans.of(case.id, case.round)
    entries = _entries(tx, case, plan, house) if plan is not None else ()
    if case.kind.is_of_a_person:
        tx.kept.put(case.id, entries)
    if case.tranche is not None and all(other.stage is Stage.CLOSED or other.id == case.id for other in tx.cases.of_sweep(case.tranche.sweep)):
        _end_swept(tx, case, house)


def _entries(tx: Transaction, case: Case, plan: Plan, house: House) -> Iterator[Kept]:
    mask = Mask(tx.selectors.of(case.id))
    items = {item.id: item for item in plan.items}
    holds = {str(body["item"]): str(body["hold"]) for _, body in tx.ledger.find("effect.held", case=case.id)}
    counts: Counter[tuple[str, str, str, str, str, str, str, date | None]] = Counter()
    for result in tx.results.of(plan.id):
        item = items[result.item]
        if result.code == HELD:
            counts[item.system, mask.text(item.collection), "", "legal_hold", "", "legal hold", holds.get(item.id, ""), None] += 1
        elif result.state in (ResultState.KEPT, ResultState.DONE):
            fence = fence_of(item, house.system_named(item.system))
            for reason in (entry for entry in item.reasons if entry.treatment in KEEPING):
                hold, law = (reason.law, "") if reason.because == "legal_hold" else ("", reason.law)
                counts[item.system, mask.text(item.collection), fence, reason.because, law, reason.rule, hold, reason.until] += 1
    for position, (entry, count) in enumerate(sorted(counts.items(), key=repr)):
        system, collection, fence, ground, law, rule, hold, until = entry
        place = (case.id, position, case.subject_ref, house.clock.now(), system, collection)
        yield Kept(*place, count, fence, ground, law, rule, hold, purpose_of(ground, law), until)


def _end_swept(tx: Transaction, case: Case, house: House) -> None:
    """A sweep that is over has erased what was due before its day in the collections that it looks after."""
    policy, day = house.policy_of(case), day_of(case)
    swept = {
        (name, place)
        for name in case.systems
        for ageing in ageings(policy, house.system_named(name), day)
        for place in (ageing.collection, house.origin_of(name, ageing.collection))
    }
    holds = tx.holds.list()
    for entry in tx.kept.list():
        is_over = entry.until is not None and entry.until < day and (entry.system, entry.collection) in swept
        if is_over and not any(may_concern(hold, case.id, house.system_named(entry.system), entry.collection) for hold in holds):
            tx.kept.end(entry.case, entry.position)


@dataclass(frozen=True, slots=True)
class Freed:
    """What lifting came to: how many records are free again, and how many had changed or gone since and were left alone."""

    records: int
    left: int


def lift_restriction(house: House, case_id: str, by: str, worker: str, *, collection: str = "") -> Freed:
    """Frees what the case restricted: marks are taken back, moved records return. Repeatable: what is free already is left as it is.

    Raises `Conflict` (`restriction.untold`) until the person was told (Art. 18(3) GDPR), `InputWrong` where nothing is restricted.
    """
    with house.store.transaction() as tx:
        case, person = tx.cases.get(case_id), tx.people.id_of(by)
        wanted = [entry for entry in tx.kept.of(case_id) if entry.fence and collection in ("", f"{entry.system}.{entry.collection}")]
        _refuse_untold(tx, case_id)
        plan = tx.plans.latest(case_id)
    if not wanted or plan is None:
        raise InputWrong("nothing of this case is restricted there", code="restriction.none", hint="`dsr restricted` lists what is")
    key = f"{case_id}:{secrets.token_hex(8)}"
    with Turn.take(house.store, case_id, worker) as turn:
        with turn.transaction() as tx:
            tx.ledger.append(leaf(house.clock, "restriction.lifting", key, case=case_id, by=person))
        freed = [_freed(house, case, item) for item in plan.items if _is_wanted(item, wanted, house)]
        total = Freed(sum(one.records for one in freed), sum(one.left for one in freed))
        with turn.transaction() as tx:
            for entry in wanted:
                tx.kept.lift(case_id, entry.position, person, house.clock.now())
            counts = {"records": total.records, "left": total.left}
            tx.ledger.append(leaf(house.clock, "restriction.lifted", key, case=case_id, by=person, counts=counts))
    return total


def _refuse_untold(tx: Transaction, case_id: str) -> None:
    sent = tx.ledger.find("letter.sent", case=case_id, letter=LetterKind.RESTRICTION_LIFTED.value)
    if not sent:
        raise Conflict(
            "the person has not been told that the restriction will be lifted (GDPR Art. 18(3))",
            code="restriction.untold",
            hint=f"send it first: `dsr letter {case_id} {LetterKind.RESTRICTION_LIFTED.value} --say 'reason=…' --send` (or --record-sent DATE)",
        )


def _is_wanted(item: PlanItem, wanted: Iterable[Kept], house: House) -> bool:
    fence = fence_of(item, house.system_named(item.system))
    return bool(fence) and any((entry.system, entry.fence) == (item.system, fence) for entry in wanted)


def _freed(house: House, case: Case, item: PlanItem) -> Freed:
    """Undoes what fenced the records of one item, where they still are what the engine made of them."""
    with house.store.snapshot() as tx:
        rewriter = rewriter_for(house, case, tx.selectors.of(case.id))
    driver = house.open_driver(house.system_named(item.system))
    try:
        changes = list(_undoing(house, case, item, driver))
        outcomes = driver.change(changes, rewriter) if changes else ()
        back = sum(isinstance(outcome, Done) for outcome in outcomes)
        return Freed(back, len(item.records) - back)
    finally:
        driver.close()


def _undoing(house: House, case: Case, item: PlanItem, driver: Driver) -> Iterator[Change]:
    system = house.system_named(item.system)
    effect, is_apart = _inverse(system, item), system.manifest.origin_of(item.collection) != item.collection
    seen = driver.observe([Watched(planned.locator, item.fields) for planned in item.records])
    for planned, now in zip(item.records, seen, strict=True):
        if isinstance(now, Moved) and isinstance(effect, Relocate) and _is_ours(house, case, planned, now.state):
            (there,) = driver.observe([Watched(now.to, item.fields)])
            if isinstance(there, Present):
                yield Change(now.to, effect, item.fields, there.state, item.server)
        elif isinstance(now, Present) and (is_apart or not isinstance(effect, Relocate)) and _is_ours(house, case, planned, now.state):
            yield Change(planned.locator, effect, item.fields, now.state, item.server)


def _is_ours(house: House, case: Case, planned: Planned, state: bytes) -> bool:
    return fingerprint(house, case, state) == planned.becomes


def _inverse(system: System, item: PlanItem) -> Rewrite:
    """What undoes the fence: the way back, or each mark's opposite. Raises `InputWrong` for a mark whose opposite is not known."""
    origin = system.manifest.origin_of(item.collection)
    if isinstance(item.effect, Relocate) or origin != item.collection:
        return Relocate((), origin)
    opposites = _opposites(system, item.collection)
    marks = [edit.place for edit in item.effect.edits if isinstance(edit.how, Fence)] if isinstance(item.effect, Rewrite) else []
    unknown = [name for name in marks if name not in opposites]
    if unknown:
        raise InputWrong(
            f"nobody said what {', '.join(unknown)} of {system.name}.{item.collection} is in a record that is not restricted",
            code="restriction.opposite",
            hint=f"add it to {system.manifest.source.file}: `restrict: {{set: …, lift: {{{unknown[0]}: VALUE}}}}`",
        )
    return Rewrite(tuple(Edit(name, Fence(opposites[name])) for name in marks))


def _opposites(system: System, collection: str) -> Mapping[str, str | int | bool]:
    """What each mark is in a record that is not restricted: as the connector says, and for yes and no the other one."""
    known = system.manifest.collection_named(collection)
    if known is None:
        return {}
    told = {name: not value for name, value in known.fence if isinstance(value, bool)}
    return {**told, **dict(known.unfence)}
