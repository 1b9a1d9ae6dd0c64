"""When a case is due: its regime's clock, the moment of receipt, and the calendar of the place where the answer is given.

Nothing is stored but the moment of receipt, what stopped the clock, and the regimes' digests: a due day is computed each time it is asked for, by the
regimes in the version that the case was opened under.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from dsr_engine.domain.case import Case, CaseKind
from dsr_engine.domain.deadline import Calendar, Deadlines, deadlines, earliest
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.pause import Stop, moves, stopped
from dsr_engine.domain.regime import Regime

#: A regime that nobody held against the law for so long is pointed out.
STALE_AFTER = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Due:
    """How a case stands against its limits. `days_left` counts to the answer; below zero it is overdue.

    `shown` is a later day for the answer that supervisory authorities may accept after a pause; alarms never wait for it.
    `is_moving`: the clock of the regime that sets the answer waits for something that has not come, so its last day moves on every day.
    """

    limits: Deadlines
    days_left: int
    shown: date | None = None
    is_moving: bool = False

    @property
    def is_overdue(self) -> bool:
        return self.days_left < 0


def calendar_of(zone: str, region: str) -> Calendar:
    """The calendar of a region (`DE-BY`, `FR`; empty: weekends only). Raises `InputWrong` for one whose holidays nobody knows."""
    if not region:
        return Calendar(ZoneInfo(zone))
    days = _holidays(region)
    return Calendar(ZoneInfo(zone), lambda day: day in days)


def due(case: Case, regimes: Iterable[Regime], calendar: Calendar, today: date, *, extended: bool = False, stops: Sequence[Stop] = ()) -> Due | None:
    """The limits of an open request; None for what no limit runs for: a closed case, a sweep, regimes without a clock.

    Where several regimes apply, of each limit the earliest day counts. `extended`: somebody extended the case in time (`extending.py`).
    `stops` are what the controller asked the person for (`pausing.py`); `standing` finds both for a case.
    """
    if case.kind is not CaseKind.REQUEST or case.outcome is not None:
        return None
    hard: dict[str, Deadlines] = {}
    shown: dict[str, Deadlines] = {}
    moving = set()
    received = case.received_at or case.opened_at
    for regime in regimes:
        if regime.clocks is None:
            continue
        effect = stopped(regime, case.right, stops, today)
        starts = [datetime.combine(day, time(12), calendar.zone) for day in effect.starts]
        clocks = regime.clocks.for_right(case.right)
        hard[regime.name] = deadlines(clocks, received, calendar, starts, is_extended=extended, stopped=effect.added)
        shown[regime.name] = deadlines(clocks, received, calendar, starts, is_extended=extended, stopped=effect.added + effect.shown)
        if moves(regime, case.right, stops):
            moving.add(regime.name)
    if not hard:
        return None
    limits, later = earliest(hard), earliest(shown).answer
    return Due(limits, (limits.answer - today).days, later if later > limits.answer else None, limits.set_by["answer"] in moving)


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
