"""Does what was approved, exactly that, and exactly once, whatever kills it.

Per item (a batch of records of one collection, or one object):

    1. Tx A   holds, stops and the review of holds are checked; ledger `effect.intended`; item INTENDED
    2.        observe: what is there now?
    3.        equals *becomes*: nothing to do · absent as planned: already absent · equals *expect*: change · anything else: DRIFTED, untouched
    4. Tx B   ledger `effect.done`; results; item DONE. The sole commit point.

Items whose records point at each other go together: A intends all of them, one call of the driver changes them in one transaction of the system,
B writes all their results. So "the item" below may be several.

Killed before A: the item is PLANNED and is taken next time. Between A and the change: *expect* is seen, the change is made. After the change and
before B: *becomes* is seen, nothing is done twice, B is written. After B: nobody asks again. A time-out means *unknown*: the next try observes.

A hold keeps back the records that it protects and nothing else of an item. What was intended before the review of holds lapsed is finished, for it
may have happened already; nothing more is intended.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dsr_engine.content.rewriter import CaseRewriter
from dsr_engine.domain.case import Case, Stage, Wait
from dsr_engine.domain.errors import Conflict
from dsr_engine.domain.plan import HELD, Delete, ItemState, Plan, PlanItem, Planned, Result, ResultState
from dsr_engine.domain.record import Locator
from dsr_engine.drivers.driver import Absent, Accepted, Change, Done, Drifted, Driver, Failed, Moved, Observation, Outcome
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.access.bounds import refuse_effects
from dsr_engine.workflow.correcting.applying import stale_obstacle
from dsr_engine.workflow.errands import hand_out
from dsr_engine.workflow.foresight import fingerprint, rewriter_for, watched
from dsr_engine.workflow.holds.protecting import held_positions, people_of
from dsr_engine.workflow.holds.reviewing import is_reversible, unreviewed
from dsr_engine.workflow.house import House
from dsr_engine.workflow.incidents import report_lost
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.masking import mask_of
from dsr_engine.workflow.pacing import in_spite_of_races
from dsr_engine.workflow.step import Advance, Stand, Step
from dsr_engine.workflow.turn import Turn

GO_ON = "go_on_after_drift"
BLOCKED = "blocked"
#: Below this many drifted records the share of drift says nothing about the system.
FEW = 3


#: Item and position of a record that a hold keeps back → the hold; empty for one that only goes with a record that is held.
_Kept = Mapping[tuple[str, int], str]


@dataclass(frozen=True, slots=True)
class _Work:
    """What an item needs to be executed."""

    case: Case
    plan: Plan
    driver: Driver
    rewriter: CaseRewriter
    turn: Turn
    house: House
    people: frozenset[str]


def execute(case: Case, turn: Turn, house: House) -> Step:
    """Executes every item of the approved plan; goes on when each has its results. Stands when it is stopped or when too much drifted."""
    refuse_effects(case)
    with turn.transaction() as tx:
        plan = tx.plans.of(case.id, case.round)
        if plan is not None and stale_obstacle(tx, case, plan) is not None:
            return Advance(Stage.PLAN)  # nobody approved it with what was corrected since, whatever the case's row says
        selectors = tx.selectors.of(case.id)
    people = people_of(house.store.holding, selectors)
    wait = hand_out(case, turn, house, people)
    if wait is not None:
        return Stand(wait)
    if plan is None or not plan.items:
        return Advance(Stage.VERIFY_ABSENCE)
    rewriter = rewriter_for(house, case, selectors)
    for system in dict.fromkeys(item.system for item in plan.items):
        driver = house.open_driver(house.system_named(system))
        try:
            wait = _execute_system(_Work(case, plan, driver, rewriter, turn, house, people), system)
        finally:
            driver.close()
        if wait is not None:
            return Stand(wait)
    return Advance(Stage.VERIFY_ABSENCE)


def _execute_system(work: _Work, system: str) -> Wait | None:
    items = [item for item in work.plan.items if item.system == system]
    what = f"{system}: acting"
    if work.driver.traits.has_successors:
        _recall(work, items)
    work.house.progress.begin(what, sum(len(item.records) for item in items))
    try:
        for unit in _units(items):
            wait = _execute_unit(work, unit)
            if wait is not None:
                return wait
            work.house.progress.advance(what, sum(len(item.records) for item in unit))
    finally:
        work.house.progress.end(what)
    return None


def _recall(work: _Work, items: Sequence[PlanItem]) -> None:
    """Asks after what an earlier try finished, where something that is still to be changed will look the same.

    Else the driver would take the one's successor for the other's, put in by a try that was killed, and would do no more than remove the other.
    """
    with work.turn.transaction() as tx:
        states = tx.plans.states(work.plan.id)
    done = [item for item in items if states[item.id] is ItemState.DONE]
    to_come = {
        (item.collection, planned.becomes)
        for item in items
        for planned in item.records
        if states[item.id] is not ItemState.DONE and planned.becomes is not None and planned.becomes != planned.expect
    }
    equals = [
        record
        for item in done
        for record in watched(work.house, work.case, item, [planned for planned in item.records if (item.collection, planned.becomes) in to_come])
    ]
    if equals:
        work.driver.observe(equals)


def _units(items: Sequence[PlanItem]) -> list[list[PlanItem]]:
    """What is executed in one transaction: an item, or all items that go together."""
    units: dict[str, list[PlanItem]] = {}
    for item in items:
        units.setdefault(f"together {item.together}" if item.together else item.id, []).append(item)
    return list(units.values())


def _execute_unit(work: _Work, unit: Sequence[PlanItem]) -> Wait | None:
    with work.turn.transaction() as tx:
        states = tx.plans.states(work.plan.id)
        state = states[unit[0].id]  # one transaction writes the states of all
        if state in (ItemState.DONE, ItemState.BLOCKED):
            return None
        wait = _halted(tx, work, unit[0])
        if wait is not None:
            return wait
        is_rerun = state is ItemState.INTENDED
        kept = _kept_back(tx, work, unit)
        if not (is_rerun and kept) and _settled_without_effect(tx, work, unit, kept):
            return None
        wait = _unreviewed(tx, work, unit, is_rerun=is_rerun)
        if wait is not None:
            return wait
        for item in unit:
            _intend(tx, work, item, state)
    results = in_spite_of_races(lambda: _act(work, unit, kept, is_rerun=is_rerun))
    for item in (entry for entry in unit if _is_first(work, entry)):
        _look_at_first(work, item, results[item.id])
    with work.turn.transaction() as tx:
        for item in unit:
            _settle(tx, work, item, ItemState.BLOCKED if _is_blocked(item, kept) else ItemState.DONE, results[item.id], kept)
    return None


def _unreviewed(tx: Transaction, work: _Work, unit: Sequence[PlanItem], *, is_rerun: bool) -> Wait | None:
    """The wait for a review of holds, before something irreversible is intended; what was intended already may have happened."""
    return None if is_rerun or all(is_reversible(item.effect) for item in unit) else unreviewed(tx, work.house)


def _is_first(work: _Work, item: PlanItem) -> bool:
    """True for the small batch with which each collection begins."""
    first = next(
        entry for entry in work.plan.items if entry.effect is not None and (entry.system, entry.collection) == (item.system, item.collection)
    )
    return first.id == item.id


def _look_at_first(work: _Work, item: PlanItem, results: Sequence[Result]) -> None:
    """Reads the first batch again through a new connection; raises `Conflict` if it is not what it was to become."""
    driver = work.house.open_driver(work.house.system_named(item.system), read_only=True)
    try:
        seen = driver.observe(watched(work.house, work.case, item))
    finally:
        driver.close()
    wrong = 0
    for planned, now, result in zip(item.records, seen, results, strict=True):
        mark = None if isinstance(now, Absent) else fingerprint(work.house, work.case, now.state)
        wrong += result.state is ResultState.DONE and mark != planned.becomes
    if wrong:
        with work.turn.transaction() as tx:
            place = mask_of(tx, work.case).place(item.system, item.collection)
            report_lost(tx, work.house, work.case, {place: wrong})
        raise Conflict(
            f"{place}: the first records are not what they were to become",
            code="first_batch.failed",
            hint="nothing more was touched; find out what changes them (a trigger, a replica), look at `dsr incident list`, then run the case again",
        )


def _halted(tx: Transaction, work: _Work, item: PlanItem) -> Wait | None:
    """Somebody pulled the brake, or so much drifted that the plan does not describe the system any more."""
    now = work.house.clock.now()
    stops = tx.stops.active()
    if "*" in stops or item.system in stops:
        return Wait("stopped", f"{item.system} was stopped by hand", "`dsr stop --resume` lets it go on", now)
    tally: Counter[ResultState] = Counter()
    for (_, result), count in tx.results.tally(work.plan.id).items():
        tally[result] += count
    drifted, total = tally[ResultState.DRIFTED], sum(tally.values())
    most = work.house.policy_of(work.case).request.max_drift
    if drifted > FEW and drifted > most * total and not _is_drift_accepted(tx, work):
        reason = f"{drifted} of {total} records were not as planned any more, more than the policy allows ({most:.0%})"
        return Wait("too_much_drift", reason, f"find out who changes {item.system}; then `dsr case decide {work.case.id} --go-on`", now)
    return None


def _is_drift_accepted(tx: Transaction, work: _Work) -> bool:
    return any(entry.manner == GO_ON and entry.plan_digest == work.plan.digest() for entry in tx.approvals.of(work.case.id))


def _kept_back(tx: Transaction, work: _Work, unit: Sequence[PlanItem]) -> _Kept:
    """What a legal hold keeps back of the unit, by item and position.

    Where records go together, what keeps one of them keeps all: those that no hold protects wait, as parents do.
    """
    holds = tx.holds.list()
    held = {item.id: held_positions(holds, work.case.id, work.people, item, work.house.system_named(item.system)) for item in unit}
    is_one_for_all = len(unit) > 1 and any(held.values())
    return {
        (item.id, position): held[item.id].get(position, "")
        for item in unit
        for position in (range(len(item.records)) if is_one_for_all else held[item.id])
    }


def _untouched(kept: _Kept, item: PlanItem, position: int) -> tuple[ResultState, str]:
    return (ResultState.KEPT, HELD) if kept.get((item.id, position)) else (ResultState.DRIFTED, BLOCKED)


def _is_blocked(item: PlanItem, kept: _Kept) -> bool:
    return all((item.id, position) in kept for position in range(len(item.records)))


def _settled_without_effect(tx: Transaction, work: _Work, unit: Sequence[PlanItem], kept: _Kept) -> bool:
    """Items that nothing is done to: data that stays, data under a hold, and parents whose children are still there."""
    if unit[0].effect is None:
        for item in unit:
            _settle(tx, work, item, ItemState.DONE, [Result(item.id, position, ResultState.KEPT) for position in range(len(item.records))], {})
        return True
    if all(_is_blocked(item, kept) for item in unit) or any(item.after and _left_behind(tx, work, item) for item in unit):
        for item in unit:
            results = [Result(item.id, position, *_untouched(kept, item, position)) for position in range(len(item.records))]
            _settle(tx, work, item, ItemState.BLOCKED, results, kept)
        return True
    return False


def _left_behind(tx: Transaction, work: _Work, item: PlanItem) -> bool:
    """True if a record that had to go first is still there."""
    gone = {ResultState.DONE, ResultState.ALREADY_ABSENT, ResultState.ABSENT_AFTER_INTERRUPTION}
    return any(id_ in item.after and state not in gone for (id_, state), count in tx.results.tally(work.plan.id).items() if count)


def _intend(tx: Transaction, work: _Work, item: PlanItem, state: ItemState) -> None:
    if state is ItemState.INTENDED:
        return
    tx.plans.set_state(item.id, ItemState.INTENDED)
    tx.ledger.append(
        leaf(
            work.house.clock,
            "effect.intended",
            f"{item.id}:intended",
            case=work.case.id,
            plan=work.plan.id,
            item=item.id,
            treatment=item.treatment.value,
            rules=[str(reason.source) for reason in item.reasons],
            records=len(item.records),
            places=_places_digest(work, item),
        )
    )


def _places_digest(work: _Work, item: PlanItem) -> str:
    """One keyed digest over the item's locators: whoever has the case's key can show which records were meant, nobody else."""
    text = "\n".join(sorted("\0".join(planned.locator.key) for planned in item.records))
    return work.house.store.vault.mac(work.case.id, text.encode(), purpose="locators").hex()


def _settle(tx: Transaction, work: _Work, item: PlanItem, state: ItemState, results: Sequence[Result], kept: _Kept) -> None:
    tx.results.put(work.plan.id, results)
    tx.plans.set_state(item.id, state)
    counts = Counter(result.state.value for result in results)
    kind = "effect.done" if state is ItemState.DONE else "effect.blocked"
    tx.ledger.append(
        leaf(work.house.clock, kind, f"{item.id}:done", case=work.case.id, plan=work.plan.id, item=item.id, results=dict(sorted(counts.items())))
    )
    held = Counter(kept[item.id, result.position] for result in results if result.code == HELD)
    for hold_id, count in sorted(held.items()):
        facts: dict[str, str | int] = {"case": work.case.id, "item": item.id, "hold": hold_id, "records": count}
        tx.ledger.append(leaf(work.house.clock, "effect.held", f"{item.id}:{hold_id}", **facts))


def _act(work: _Work, unit: Sequence[PlanItem], kept: _Kept, *, is_rerun: bool) -> dict[str, list[Result]]:
    """The results of the records, by item. Looks first, so it may be repeated: what an interrupted or undone try did or did not do is seen.

    Held since an interrupted try began: what that try changed is told, and nothing more is changed.
    """
    results: dict[str, dict[int, Result]] = {item.id: {} for item in unit}
    changes: dict[tuple[str, int], Change] = {}
    for item in unit:
        seen = work.driver.observe(watched(work.house, work.case, item))
        for position, (planned, now) in enumerate(zip(item.records, seen, strict=True)):
            answer = _classified(work, item, planned, now, is_rerun)
            if isinstance(answer, Change) and (item.id, position) in kept:
                results[item.id][position] = Result(item.id, position, *_untouched(kept, item, position))
            elif isinstance(answer, Change):
                changes[item.id, position] = answer
            else:
                results[item.id][position] = Result(item.id, position, *answer)
    if changes:
        outcomes = work.driver.change(list(changes.values()), work.rewriter)
        for (id_, position), outcome in zip(changes, outcomes, strict=True):
            results[id_][position] = Result(id_, position, *_meaning(outcome))
    return {id_: [found[position] for position in sorted(found)] for id_, found in results.items()}


def _classified(work: _Work, item: PlanItem, planned: Planned, now: Observation, is_rerun: bool) -> Change | tuple[ResultState, str]:
    if now.server != item.server:
        raise Conflict(
            f"{item.system} is not the server that the plan was made against",
            code="server.changed",
            hint="point systems.yaml at the right server, or (it was restored or rebuilt) withdraw the case and open a new one",
        )
    if isinstance(now, Absent):
        if planned.becomes is not None:
            return ResultState.DRIFTED, "absent"
        return (ResultState.ABSENT_AFTER_INTERRUPTION if is_rerun else ResultState.ALREADY_ABSENT), ""
    mark = fingerprint(work.house, work.case, now.state)
    if planned.becomes is not None and mark == planned.becomes:
        return ResultState.DONE, ""
    if mark != planned.expect:
        return ResultState.DRIFTED, "changed"
    locator: Locator = now.to if isinstance(now, Moved) else planned.locator
    return Change(locator, item.effect or Delete(), item.fields, now.state, item.server, planned.dependents)


def _meaning(outcome: Outcome) -> tuple[ResultState, str]:
    match outcome:
        case Done():
            return ResultState.DONE, ""
        case Accepted():
            return ResultState.ACCEPTED, ""
        case Drifted(code=code):
            return ResultState.DRIFTED, code
        case Failed(code=code):
            return ResultState.FAILED, code
