"""What a whole sweep has before it, counted by the systems themselves before its first tranche: caps are held against the whole."""

from collections.abc import Callable
from dataclasses import replace

from dsr_engine.domain.case import Case, Wait
from dsr_engine.domain.errors import DsrError, Unreachable
from dsr_engine.domain.plan import Plan
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import Driver
from dsr_engine.store.sweep_counts import SweepCount
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.pacing import wait_of
from dsr_engine.workflow.sweeps.ageing import Ageing, ageings
from dsr_engine.workflow.turn import Turn


def take_census(case: Case, turn: Turn, house: House, open_reader: Callable[[System], Driver]) -> Wait | None:
    """Counts once for all tranches; the wait for a system that does not answer. Where a collection cannot be counted a person will be asked."""
    assert case.tranche is not None
    with turn.transaction() as tx:
        if case.tranche.number > 1 or tx.sweep_counts.of(case.tranche.sweep):
            return None
    counts: list[SweepCount] = []
    for name in case.systems:
        system = house.system_named(name)
        try:
            counts += _counted(case, system, house, open_reader)
        except Unreachable as error:
            return wait_of(error, house, [system])
    with turn.transaction() as tx:
        tx.sweep_counts.put(case.tranche.sweep, counts)
    return None


def _counted(case: Case, system: System, house: House, open_reader: Callable[[System], Driver]) -> list[SweepCount]:
    assert case.tranche is not None
    wanted = [] if system.is_disabled else list(ageings(house.policy_of(case), system, case.tranche.begun.date()))
    if not wanted:
        return []
    what = f"{system.name}: counting"
    house.progress.begin(what, len(wanted))
    counts = []
    for ageing in wanted:
        counts += _of_collection(system, ageing, open_reader)
        house.progress.advance(what)
    house.progress.end(what)
    return counts


def _of_collection(system: System, ageing: Ageing, open_reader: Callable[[System], Driver]) -> list[SweepCount]:
    blank = SweepCount(system.name, ageing.collection, "", "", None, None, None)
    named = [replace(blank, rule=rule.name, ground=rule.keep.because if rule.keep else "") for rule, _ in ageing.unknown]
    try:
        driver = open_reader(system)
        try:
            answer = driver.count(ageing.collection, (ageing.due, *(query for _, query in ageing.unknown)))
        finally:
            driver.close()
    except Unreachable:
        raise
    except DsrError:
        return named  # the search will be refused as well and says why
    due, *unknown = answer.found
    return [
        replace(entry, due=due if entry.rule == ageing.rule.name else 0, unknown=number, total=answer.total)
        for entry, number in zip(named, unknown, strict=True)
    ]


def whole_of(tx: Transaction, case: Case, plan: Plan) -> int:
    """How many records the whole sweep affects: as many as were counted, or as many as its tranches so far planned, if those are more."""
    if case.tranche is None:
        return plan.affected
    due = sum(entry.due or 0 for entry in tx.sweep_counts.of(case.tranche.sweep))
    return max(due, case.tranche.before + plan.affected)
