"""The request log is written where cases are opened: one row for each request, in the transaction that opens it (11 CCR § 7101(b)).

What closes a case fills the row (`replying.py`); what outlived its period is erased by the worker (`outliving.py`).
"""

from collections.abc import Iterable

from dsr_engine.domain.case import Case, CaseKind
from dsr_engine.domain.regime import Regime
from dsr_engine.domain.request import Manner
from dsr_engine.domain.request_log import LogEntry
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House

#: A replay repeats an erasure that was asked for before, and a sweep asks for itself: neither is a request.
LOGGED = frozenset({CaseKind.REQUEST, CaseKind.SUPERVISORY_ORDER})


def note_opened(tx: Transaction, house: House, case: Case, manner: Manner) -> None:
    """Writes the row of a case that is being opened; nothing for one that is no request."""
    if case.kind in LOGGED:
        tx.request_log.put(first_entry(house, case, manner))


def first_entry(house: House, case: Case, manner: Manner) -> LogEntry:
    """The row of an open request."""
    months, to_year_end = kept_for(house.regimes_of(case))
    return LogEntry(
        case=case.id,
        subject_ref=case.subject_ref,
        kind=case.kind,
        right=case.right,
        manner=manner,
        regimes=tuple((name, case.digests.get(f"regime_version:{name}", "")) for name in case.regimes),
        received=house.calendar.day_of(case.received_at or case.opened_at),
        keep_months=months,
        to_year_end=to_year_end,
    )


def kept_for(regimes: Iterable[Regime]) -> tuple[int, bool]:
    """For how many months the record of a request is kept, and whether they begin with the year's end: the longest of the laws that apply."""
    found = [(regime.log_keep_months, regime.log_to_year_end) for regime in regimes]
    return max((months for months, _ in found), default=36), any(to_year_end for _, to_year_end in found)
