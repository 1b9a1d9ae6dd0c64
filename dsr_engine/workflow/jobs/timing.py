"""When something is due: every so often, or by a line of cron on the wall clock of the controller's time zone.

Daylight saving follows what cron does (Vixie cron 3.0, crontab(5)): a time that the wall clock skips comes as much later, one that it shows twice
comes once; a line that runs in every hour runs in each hour that passes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, takewhile
from typing import TypeAlias
from zoneinfo import ZoneInfo

from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger

_BORDERS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: The wall clock is never further than this from where it would be without a change of daylight saving.
_SHIFT = timedelta(hours=3)
#: How far back one looks for the last moment, in steps; most schedules have one in the first.
_BACK = (timedelta(hours=2), timedelta(days=2), timedelta(days=40), timedelta(days=400), timedelta(days=8 * 366))


@dataclass(frozen=True, slots=True)
class Every:
    """Due every so many seconds, counted from midnight UTC on 1 January 1970."""

    seconds: int

    def __str__(self) -> str:
        for unit, length in (("hour", 3600), ("minute", 60), ("second", 1)):
            if self.seconds % length == 0:
                count = self.seconds // length
                return f"every {unit}" if count == 1 else f"every {count} {unit}s"
        raise AssertionError


@dataclass(frozen=True, slots=True)
class Cron:
    """Due by a line of five fields (minute, hour, day of the month, month, day of the week), as `spec/scalars.py` lets it through."""

    line: str
    zone: str = "UTC"

    def __str__(self) -> str:
        return f"{self.line} ({self.zone})"


Schedule: TypeAlias = Every | Cron


def latest(schedule: Schedule, after: datetime, now: datetime) -> tuple[datetime | None, int]:
    """The last moment of the schedule in (after, now], and how many others lie there (of a long time: in the stretch before it only)."""
    if isinstance(schedule, Every):
        last = datetime.fromtimestamp(now.timestamp() // schedule.seconds * schedule.seconds, UTC)
        passed = int(last.timestamp() // schedule.seconds - after.timestamp() // schedule.seconds)
        return (last, passed - 1) if passed > 0 else (None, 0)
    for stretch in _BACK:
        start = max(after, now - stretch)
        found = list(_between(schedule, start, now))
        if found or start == after:
            return (found[-1], len(found) - 1) if found else (None, 0)
    return None, 0


def following(schedule: Schedule, now: datetime) -> datetime | None:
    """The next moment after now; None for a line that never comes, such as 30 February."""
    if isinstance(schedule, Every):
        return datetime.fromtimestamp((now.timestamp() // schedule.seconds + 1) * schedule.seconds, UTC)
    # Around a change of daylight saving neighbours on the wall may change places: those of the next hours are put in order.
    first = next((moment for moment in _from(schedule, now) if moment > now), None)
    return None if first is None else min(moment for moment in _between(schedule, now, first))


def upcoming(schedule: Schedule, now: datetime, until: datetime, most: int = 100) -> tuple[datetime, ...]:
    """The moments in (now, until], at most so many."""
    if isinstance(schedule, Cron):
        return tuple(islice(_between(schedule, now, until), most))
    found = takewhile(lambda moment: moment <= until, (now + timedelta(seconds=schedule.seconds) * step for step in range(1, most + 1)))
    return tuple(datetime.fromtimestamp(moment.timestamp() // schedule.seconds * schedule.seconds, UTC) for moment in found)


def _between(cron: Cron, start: datetime, end: datetime) -> Iterator[datetime]:
    """The moments in (start, end], in order."""
    reached = takewhile(lambda moment: moment <= end + _SHIFT, _from(cron, start))
    yield from sorted({moment for moment in reached if start < moment <= end})


def _from(cron: Cron, start: datetime) -> Iterator[datetime]:
    """Moments from a little before `start` on, in the order of the wall clock."""
    zone = ZoneInfo(cron.zone)
    trigger = _trigger(cron.line)
    is_hourly = cron.line.split()[1].startswith("*")
    wall = (start.astimezone(zone).replace(tzinfo=None) - _SHIFT).replace(tzinfo=UTC)
    while (fire := trigger.get_next_fire_time(None, wall)) is not None:
        naive = fire.replace(tzinfo=None)
        yield from _moments(naive, zone, is_hourly=is_hourly)
        wall = fire + timedelta(seconds=1)


def _moments(wall: datetime, zone: ZoneInfo, *, is_hourly: bool) -> Iterator[datetime]:
    """When the wall clock shows this: once as a rule; never or twice where daylight saving begins or ends."""
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        yield first
    elif first > second:  # the wall clock skips it: read by the offset before the change, it is as much later
        if not is_hourly:
            yield first
    else:
        yield first
        if is_hourly:
            yield second


@lru_cache(maxsize=256)
def _trigger(line: str) -> OrTrigger | CronTrigger:
    """APScheduler's trigger over the wall clock, which is given to it as if it were UTC."""
    minute, hour, day, month, weekday = (_spelt(field, *borders) for field, borders in zip(line.split(), _BORDERS, strict=True))
    fields = {"minute": minute, "hour": hour, "month": month, "timezone": UTC}
    # APScheduler counts weekdays from Monday, cron from Sunday: by name they are the same.
    named = weekday if weekday == "*" else ",".join(dict.fromkeys(_DAYS[int(number)] for number in weekday.split(",")))
    if not line.split()[2].startswith("*") and not line.split()[4].startswith("*"):  # crontab(5): where both are restricted, either is enough
        return OrTrigger([CronTrigger(day=day, **fields), CronTrigger(day_of_week=named, **fields)])
    return CronTrigger(day=day, day_of_week=named, **fields)


def _spelt(field: str, least: int, most: int) -> str:
    """A field of cron as the list of its values: APScheduler refuses steps that are longer than the range."""
    if field == "*":
        return field
    values: set[int] = set()
    for part in field.split(","):
        stretch, _, step = part.partition("/")
        first, _, last = stretch.partition("-") if stretch != "*" else (str(least), "", str(most))
        values |= set(range(int(first), int(last or first) + 1, int(step or 1)))
    return ",".join(map(str, sorted(values)))
