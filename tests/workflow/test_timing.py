"""When a job is due, against an independent reading of cron: minute by minute, as crontab(5) tells it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.workflow.jobs.timing import Cron, Every, following, latest, upcoming

_BERLIN = "Europe/Berlin"
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def _holds(field: str, value: int, least: int, most: int) -> bool:
    for part in field.split(","):
        stretch, _, step = part.partition("/")
        low, _, high = (str(least), "-", str(min(most, 6) if most == 7 else most)) if stretch == "*" else stretch.partition("-")
        if value in range(int(low), int(high or low) + 1, int(step or 1)):
            return True
    return False


def _matches(line: str, wall: datetime) -> bool:
    minute, hour, day, month, weekday = line.split()
    number = wall.isoweekday() % 7
    on_day, on_weekday = _holds(day, wall.day, 1, 31), _holds(weekday, number, 0, 7) or (number == 0 and _holds(weekday, 7, 0, 7))
    is_day = (on_day or on_weekday) if not day.startswith("*") and not weekday.startswith("*") else (on_day and on_weekday)
    return is_day and _holds(minute, wall.minute, 0, 59) and _holds(hour, wall.hour, 0, 23) and _holds(month, wall.month, 1, 12)


def _by_minutes(line: str, start: datetime, end: datetime) -> Iterator[datetime]:
    moment = start.replace(second=0, microsecond=0) + timedelta(minutes=1)
    while moment <= end:
        if _matches(line, moment):
            yield moment
        moment += timedelta(minutes=1)


@st.composite
def _fields(draw: st.DrawFn, least: int, most: int) -> str:
    kind = draw(st.sampled_from(["*", "*", "one", "range", "step", "list"]))
    low = draw(st.integers(least, most))
    high = draw(st.integers(low, most))
    return {"*": "*", "one": str(low), "range": f"{low}-{high}", "step": f"*/{draw(st.integers(1, 20))}", "list": f"{low},{high}"}[kind]


_LINES = st.tuples(*(_fields(*borders) for borders in _RANGES)).map(" ".join)
_STARTS = st.datetimes(*(datetime(year, 1, 1) for year in (2024, 2028)), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis wants naive borders


@settings(deadline=None, max_examples=60)
@given(line=_LINES, start=_STARTS)
def test_moments_are_those_that_cron_would_run_at(line: str, start: datetime) -> None:
    end = start + timedelta(days=2)
    expected = list(_by_minutes(line, start, end))
    assert list(upcoming(Cron(line), start, end, most=5000)) == expected
    last, missed = latest(Cron(line), start, end)
    assert last == (expected[-1] if expected else None)
    assert missed <= max(len(expected) - 1, 0)


@pytest.mark.parametrize(
    ("line", "day", "expected"),
    [
        ("30 2 * * *", "2026-03-29", ["03:30+02:00"]),  # the wall clock goes from 1:59 to 3:00
        ("30 2 * * *", "2026-10-25", ["02:30+02:00"]),  # it shows 2:30 twice
        ("30 2,3 * * *", "2026-03-29", ["03:30+02:00"]),
        ("30 1-4 * * *", "2026-10-25", ["01:30+02:00", "02:30+02:00", "03:30+01:00", "04:30+01:00"]),
        ("0 3 * * *", "2026-03-29", ["03:00+02:00"]),
    ],
)
def test_daylight_saving_neither_skips_nor_repeats_a_daily_run(line: str, day: str, expected: list[str]) -> None:
    zone = ZoneInfo(_BERLIN)
    start = datetime.fromisoformat(day).replace(tzinfo=zone).astimezone(UTC) - timedelta(seconds=1)
    found = upcoming(Cron(line, _BERLIN), start, start + timedelta(hours=23))
    assert [f"{moment.astimezone(zone):%H:%M}{moment.astimezone(zone).isoformat()[-6:]}" for moment in found] == expected


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_what_runs_every_hour_runs_in_every_hour_that_passes(day: str, hours: int) -> None:
    zone = ZoneInfo(_BERLIN)
    start = datetime.fromisoformat(day).replace(tzinfo=zone)
    end = (start + timedelta(days=1)).astimezone(UTC)  # the next midnight on the wall
    found = upcoming(Cron("5 * * * *", _BERLIN), start.astimezone(UTC), end)
    assert len(found) == hours
    assert {after - before for before, after in pairwise(found)} == {timedelta(hours=1)}


def test_a_line_that_never_comes_has_no_next_moment() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    assert following(Cron("0 0 30 2 *"), now) is None
    assert latest(Cron("0 0 30 2 *"), now - timedelta(days=3000), now) == (None, 0)
    assert following(Cron("0 0 29 2 *"), now) == datetime(2028, 2, 29, tzinfo=UTC)


def test_of_a_long_absence_the_last_moment_is_caught_up() -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert latest(Cron("0 3 * * *"), now - timedelta(days=30), now) == (datetime(2026, 11, 21, 3, tzinfo=UTC), 1)
    assert latest(Cron("0 3 1 1 *"), datetime(2020, 1, 1, tzinfo=UTC), now)[0] == datetime(2026, 1, 1, 3, tzinfo=UTC)
    assert latest(Every(60), now - timedelta(minutes=5), now + timedelta(seconds=30)) == (now, 4)
    assert latest(Every(60), now, now + timedelta(seconds=30)) == (None, 0)


def test_schedules_are_told_in_words() -> None:
    assert [str(Every(seconds)) for seconds in (60, 600, 3600, 7200, 45)] == [
        "every minute",
        "every 10 minutes",
        "every hour",
        "every 2 hours",
        "every 45 seconds",
    ]
