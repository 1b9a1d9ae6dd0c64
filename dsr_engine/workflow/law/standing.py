"""How a case stands against its limits, with everything that was recorded about it: an extension, and what stopped its clock."""

from collections.abc import Iterable, Mapping
from datetime import date

from dsr_engine.domain.case import Case, CaseKind
from dsr_engine.domain.pause import Stop
from dsr_engine.domain.regime import Regime
from dsr_engine.domain.request import Right
from dsr_engine.store.approvals import Approval
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.law.deadlines import Due, due

EXTENDED = "extended"
#: What two open cases with the same limits have in common: laws, kind, right, day of receipt, whether it was extended, what stopped the clock.
_Alike = tuple[tuple[str, ...], CaseKind, Right, date, bool, tuple[Stop, ...]]


def standing(tx: Transaction, house: House, case: Case) -> Due | None:
    """The limits of an open request as of today; None for what no limit runs for."""
    return standings(tx, house, (case,)).get(case.id)


def standings(tx: Transaction, house: House, cases: Iterable[Case]) -> Mapping[str, Due]:
    """The limits of these cases by case. Cases for which no limit runs are not in it."""
    cases = tuple(case for case in cases if case.outcome is None)
    today = house.calendar.day_of(house.clock.now())
    stops = tx.pauses.of_all([case.id for case in cases])
    # A look at one case asks for its rows; a look at thousands asks once for all.
    extended = tx.approvals.cases(EXTENDED) if len(cases) > 1 else {case.id for case in cases if is_extended(tx.approvals.of(case.id))}
    regimes: dict[tuple[str, ...], tuple[Regime, ...]] = {}
    same: dict[_Alike, Due | None] = {}
    found = {}
    for case in cases:
        stood = tuple(paused.stop for paused in stops.get(case.id, ()))
        laws = (*case.regimes, *(case.digests.get(f"regime:{name}", "") for name in case.regimes))
        if laws not in regimes:
            regimes[laws] = house.regimes_of(case)
        alike = (laws, case.kind, case.right, house.calendar.day_of(case.received_at or case.opened_at), case.id in extended, stood)
        if alike not in same:
            same[alike] = due(case, regimes[laws], house.calendar, today, extended=case.id in extended, stops=stood)
        limits = same[alike]
        if limits is not None:
            found[case.id] = limits
    return found


def is_extended(approvals: Iterable[Approval]) -> bool:
    """True if somebody extended the case in time."""
    return any(entry.manner == EXTENDED for entry in approvals)


def refusal_late(tx: Transaction, house: House, case: Case) -> int:
    """By how many days a refusal of today would come after its limit, which an extension of the answer may not move (GDPR Art. 12(4)); 0 if none."""
    found = standing(tx, house, case)
    return max(0, (house.calendar.day_of(house.clock.now()) - found.limits.refusal).days) if found is not None else 0
