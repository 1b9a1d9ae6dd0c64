"""How gently a system is treated, as `systems.yaml` says it: `window: "22:00-05:00 Europe/Berlin"`, `max_bytes_per_s: 20 MB`, `max_snapshot: 10 min`.

A bare `10` is refused everywhere here: ten of what is a guess, and a wrong guess loads somebody's production.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dsr_engine.domain.system import Pace, Window
from dsr_engine.spec.scalars import Parsed
from dsr_engine.spec.schema import StrictSchema, block_of

_WINDOW = re.compile(r"(\d{1,2}):(\d{2}) ?(?:-|–|to) ?(\d{1,2}):(\d{2})(?: +([A-Za-z][A-Za-z0-9_+/-]{0,63}))?")
_AMOUNT = re.compile(r"(\d{1,9}(?:\.\d{1,3})?) ?([A-Za-z]{1,7})(?:/s)?")
_BYTES = MappingProxyType({"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30})
_SECONDS = MappingProxyType(
    {
        **dict.fromkeys(("s", "sec", "second", "seconds"), 1),
        **dict.fromkeys(("min", "minute", "minutes"), 60),
        **dict.fromkeys(("h", "hour", "hours"), 3600),
    }
)
#: Slower than a modem, or longer than a week, is a slip of the pen.
_FEWEST_BYTES, _MOST_BYTES, _SHORTEST, _LONGEST = 1_000, 10**12, 1, 7 * 24 * 3600


def parse_window(text: str) -> Window | None:
    """`22:00-05:00`, UTC, or with a zone of the tz database behind it; None if it is not that, or if it is never open."""
    match = _WINDOW.fullmatch(text.strip())
    if match is None:
        return None
    start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    is_right = int(match[2]) < 60 and int(match[4]) < 60 and start < 24 * 60 and end <= 24 * 60 and start != end
    zone = match[5] or "UTC"
    return Window(start, end, zone) if is_right and _is_zone(zone) else None


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def parse_bytes(text: str) -> int | None:
    """`20 MB`, `512 KiB`; None for anything else, and for less than a kilobyte."""
    amount = _amount(text, _BYTES)
    return int(amount) if amount is not None and _FEWEST_BYTES <= amount <= _MOST_BYTES else None


def parse_seconds(text: str) -> float | None:
    """`30 s`, `10 min`, `2 h`; None for anything else, for less than a second and for more than a week."""
    if "/" in text:
        return None
    amount = _amount(text, _SECONDS)
    return amount if amount is not None and _SHORTEST <= amount <= _LONGEST else None


def _amount(text: str, units: Mapping[str, int]) -> float | None:
    match = _AMOUNT.fullmatch(text.strip())
    unit = units.get(match[2].lower()) if match else None
    return float(match[1]) * unit if match and unit else None


def window() -> Parsed:
    return Parsed(parse_window, "hours of the day", '"22:00-05:00", UTC, or "22:00-05:00 Europe/Berlin"')


def bytes_per_second() -> Parsed:
    return Parsed(parse_bytes, "a number of bytes with its unit", "20 MB")


def seconds() -> Parsed:
    return Parsed(parse_seconds, "a time of a second to a week with its unit", "10 min")


class PauseSchema(StrictSchema):
    """`pause_when`."""

    replication_lag = Parsed(parse_seconds, "a time of a second to a week with its unit", "30 s")
    waiting_lock = Parsed({"true": True, "false": False, "yes": True, "no": False}.get, "true or false", "true", default=False)


def pause_when() -> Any:
    """The block `pause_when`."""
    return block_of(PauseSchema())


def pace_of(entry: Mapping[str, Any]) -> Pace:
    """What the keys of one system say together."""
    pause = entry["pause_when"] or {"replication_lag": None, "waiting_lock": False}
    return Pace(
        window=entry["window"],
        bytes_per_second=entry["max_bytes_per_s"],
        longest_snapshot=entry["max_snapshot"],
        replication_lag=pause["replication_lag"],
        yields_to_locks=pause["waiting_lock"],
    )
