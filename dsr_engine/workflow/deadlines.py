"""When a case is due: its regime's clock, the moment of receipt, and the calendar of the place where the answer is given.

Nothing is stored but the moment of receipt and the regimes' digests: a due day is computed each time it is asked for, by the regimes in the version
that the case was opened under.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from dsr_engine.domain.case import Case, CaseKind
from dsr_engine.domain.deadline import Calendar, Deadlines, deadlines, earliest
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.regime import Regime

#: A regime that nobody held against the law for so long is pointed out.
STALE_AFTER = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Due:
    """How a case stands against its limits. `days_left` counts to the answer; below zero it is overdue."""

    limits: Deadlines
    days_left: int

    @property
    def is_overdue(self) -> bool:
        return self.days_left < 0


def calendar_of(zone: str, region: str) -> Calendar:
    """The calendar of a region (`DE-BY`, `FR`; empty: weekends only). Raises `InputWrong` for one whose holidays nobody knows."""
    if not region:
        return Calendar(ZoneInfo(zone))
    days = _holidays(region)
    return Calendar(ZoneInfo(zone), lambda day: day in days)


def due(case: Case, regimes: Iterable[Regime], calendar: Calendar, today: date, *, extended: bool = False) -> Due | None:
    """The limits of an open request; None for what no limit runs for: a closed case, a sweep, regimes without a clock.

    Where several regimes apply, of each limit the earliest day counts. `extended`: somebody extended the case in time (`extending.py`).
    """
    if case.kind is not CaseKind.REQUEST or case.outcome is not None:
        return None
    received = case.received_at or case.opened_at
    by_regime = {regime.name: deadlines(regime.clocks, received, calendar, is_extended=extended) for regime in regimes if regime.clocks is not None}
    if not by_regime:
        return None
    limits = earliest(by_regime)
    return Due(limits, (limits.answer - today).days)


def is_stale(regime: Regime, today: date) -> bool:
    """True if the file was last held against the law longer ago than `STALE_AFTER`."""
    return today - regime.checked_on > STALE_AFTER


@cache
def _holidays(region: str) -> "_Holidays":
    return _Holidays(region)


class _Holidays:
    """The public holidays of a region, by the year as they are asked for. The library is big, so it is loaded with the first question."""

    def __init__(self, region: str) -> None:
        import holidays  # noqa: PLC0415  # takes longer to load than most commands run

        country, _, subdivision = region.partition("-")
        try:
            self._days = holidays.country_holidays(country, subdiv=subdivision or None)
        except NotImplementedError:
            raise InputWrong(
                f"the holidays of {region} are not known", code="calendar.region", hint="name a country, or a country and a region, such as DE-BY"
            ) from None

    def __contains__(self, day: date) -> bool:
        return day in self._days
