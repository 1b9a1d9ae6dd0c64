"""Figures by hand: a log of which every number was counted on paper."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.domain.case import CaseKind
from dsr_engine.domain.figures import ALL, RightFigures, figures
from dsr_engine.domain.request import Manner, Right
from dsr_engine.domain.request_log import Decision, LogEntry, Punctuality, kept_until, punctuality


def _entry(
    number: int,
    received: str,
    decision: Decision | None = None,
    decided: str = "",
    answered: str = "",
    *basis: str,
    right: Right = Right.ERASURE,
    regimes: tuple[str, ...] = ("ccpa",),
    answer_by: str = "",
) -> LogEntry:
    return LogEntry(
        case=f"case-{number}",
        subject_ref=f"subject-{number}",
        kind=CaseKind.REQUEST,
        right=right,
        manner=Manner.WEB,
        regimes=tuple((name, "2026.1") for name in regimes),
        received=date.fromisoformat(received),
        keep_months=24,
        decision=decision,
        decided=date.fromisoformat(decided) if decided else None,
        answered=date.fromisoformat(answered) if answered else None,
        basis=basis,
        limits={"answer": answer_by, "refusal": answer_by} if answer_by else {},
    )


#: Six requests for erasure and three others in 2026, one of 2025 and one of 2027.
LOG = (
    _entry(1, "2025-12-31", Decision.FULFILLED, "2026-01-10", "2026-01-12"),
    _entry(2, "2026-01-01", Decision.FULFILLED, "2026-01-11", "2026-01-11"),  # 10 days
    _entry(3, "2026-02-27", Decision.PARTLY, "2026-03-09", "2026-03-12", "legal_obligation", "contract", answer_by="2026-04-12"),  # 13 days
    _entry(4, "2026-06-01", Decision.PARTLY, "2026-06-30", "", "legal_obligation", answer_by="2026-07-15"),  # 29 days to the decision
    _entry(5, "2026-07-01", Decision.REFUSED, "2026-09-01", "2026-09-02", "unverified", answer_by="2026-08-14"),  # 63 days, late
    _entry(6, "2026-12-31", Decision.FULFILLED, "2027-01-20", "2027-01-31"),  # 31 days, answered in the next year
    _entry(7, "2026-08-08", Decision.WITHDRAWN, "2026-08-09"),
    _entry(8, "2026-12-01"),
    _entry(9, "2026-03-03", Decision.FULFILLED, "2026-03-04", "2026-03-04", right=Right.ACCESS, regimes=("gdpr",)),  # 1 day
    _entry(10, "2026-05-05", Decision.REFUSED, "2026-05-15", "2026-05-15", "excessive", right=Right.ACCESS, regimes=("ccpa", "gdpr")),  # 10 days
    _entry(11, "2027-01-01", Decision.FULFILLED, "2027-01-02", "2027-01-02"),
)


def test_the_golden_year_is_counted_by_right() -> None:
    erasure, access, _ = figures(LOG, 2026).rights
    assert erasure == RightFigures(
        right="erasure",
        received=7,
        complied_whole=2,
        complied_part=2,
        denied=1,
        withdrawn=1,
        open=1,
        denied_by={"unverified": 1},
        kept_by={"contract": 1, "legal_obligation": 2},
        timed=5,
        by_decision=1,
        late=1,
        median_days=Decimal("29.0"),  # of 10, 13, 29, 31, 63
        mean_days=Decimal("29.2"),  # 146 / 5
    )
    assert (access.right, access.received, access.complied_whole, access.denied, access.denied_by) == ("access", 2, 1, 1, {"excessive": 1})
    assert (access.median_days, access.mean_days) == (Decimal("5.5"), Decimal("5.5"))


def test_all_rights_add_up() -> None:
    total = figures(LOG, 2026).rights[-1]
    assert (total.right, total.received, total.timed) == (ALL, 9, 7)
    assert (total.median_days, total.mean_days) == (Decimal("13.0"), Decimal("22.4"))  # of 1, 10, 10, 13, 29, 31, 63; 157 / 7 = 22.43


def test_one_law_counts_only_its_own_requests() -> None:
    ccpa, gdpr = figures(LOG, 2026, "ccpa").rights[-1], figures(LOG, 2026, "gdpr").rights[-1]
    assert (ccpa.received, gdpr.received) == (8, 2)


def test_a_year_without_a_request_has_a_row_of_noughts_and_no_days() -> None:
    (total,) = figures(LOG, 2020).rights
    assert (total.received, total.median_days, total.mean_days) == (0, None, None)


def test_halves_are_rounded_up() -> None:
    log = [_entry(1, "2026-01-01", Decision.FULFILLED, "2026-01-02"), *(_entry(n, "2026-01-01", Decision.FULFILLED, "2026-01-01") for n in range(19))]
    assert figures(log, 2026).rights[-1].mean_days == Decimal("0.1")  # 1 / 20 = 0.05


_DAYS = st.dates(date(2025, 12, 1), date(2027, 2, 1))
_ENTRIES = st.lists(
    st.builds(
        lambda received, days, decision, right: _entry(
            0, received.isoformat(), decision, (received + timedelta(days=days)).isoformat() if decision else "", "", right=right
        ),
        _DAYS,
        st.integers(0, 400),
        st.sampled_from([None, *Decision]),
        st.sampled_from(Right),
    ),
    max_size=30,
)


@settings(deadline=None)
@given(_ENTRIES)
def test_every_request_of_the_year_is_counted_once(entries: list[LogEntry]) -> None:
    *rights, total = figures(entries, 2026).rights
    assert total.received == sum(entry.received.year == 2026 for entry in entries) == sum(row.received for row in rights)
    for row in (*rights, total):
        assert row.received == row.complied_whole + row.complied_part + row.denied + row.withdrawn + row.open
        assert row.timed == row.received - row.withdrawn - row.open
        assert (row.median_days is None) == (row.timed == 0)


@pytest.mark.parametrize(
    ("closed", "months", "to_year_end", "last"),
    [
        ("2026-11-21", 24, False, "2028-11-21"),
        ("2026-11-21", 36, False, "2029-11-21"),
        ("2026-11-21", 36, True, "2029-12-31"),
        ("2026-01-01", 36, True, "2029-12-31"),
        ("2026-12-31", 36, True, "2029-12-31"),
        ("2024-02-29", 72, False, "2030-02-28"),
        ("2028-02-29", 24, False, "2030-02-28"),
    ],
)
def test_a_record_is_kept_until_its_last_day(closed: str, months: int, to_year_end: bool, last: str) -> None:
    assert kept_until(date.fromisoformat(closed), months, to_year_end=to_year_end) == date.fromisoformat(last)


def test_each_limit_is_met_missed_open_or_not_recorded() -> None:
    today = date(2026, 3, 10)
    late = _entry(1, "2026-01-01", Decision.FULFILLED, "2026-02-02", "2026-02-10", answer_by="2026-02-01")
    assert punctuality(late, today) == {"answer": Punctuality.LATE}
    assert punctuality(_entry(2, "2026-03-01", answer_by="2026-03-10"), today) == {"answer": Punctuality.OPEN}
    assert punctuality(_entry(3, "2026-03-01", answer_by="2026-03-09"), today) == {"answer": Punctuality.LATE}
    unknown = _entry(4, "2026-01-01", Decision.FULFILLED, "2026-01-02", answer_by="2026-02-01")
    assert punctuality(unknown, today) == {"answer": Punctuality.NOT_RECORDED}
    refused = _entry(5, "2026-01-01", Decision.REFUSED, "2026-01-02", "2026-01-03", "excessive", answer_by="2026-02-01")
    assert punctuality(refused, today) == {"refusal": Punctuality.IN_TIME}
    assert punctuality(_entry(6, "2026-01-01", Decision.WITHDRAWN, "2026-01-02", answer_by="2026-02-01"), today) == {}


def test_a_case_that_a_granted_appeal_opened_is_no_further_request() -> None:
    again = replace(_entry(12, "2026-09-20", Decision.FULFILLED, "2026-09-25", "2026-09-25"), appeal_of="case-5")
    assert figures((*LOG, again), 2026) == figures(LOG, 2026)
