"""What an address asks a page for: days, places in a list, numbers. A broken one is refused in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Generic, TypeVar

from flask import request

from dsr_engine.domain.errors import InputWrong
from dsr_engine.web.guard import house

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Turned(Generic[_T]):
    """The rows of one page of a list, the newest first, and whether there are newer and older ones."""

    rows: Sequence[_T]
    has_newer: bool
    has_older: bool


def turned(found: Sequence[_T], count: int, before: int | None, after: int | None) -> Turned[_T]:
    """The page for rows that were asked for one more than fit: before a place in the list, after one, or from its beginning."""
    is_upward = after is not None and before is None
    rest = len(found) > count
    rows = (found[1:] if is_upward else found[:-1]) if rest else found
    return Turned(rows, bool(rows) and (rest if is_upward else before is not None), bool(rows) and (rest or is_upward))


def day(name: str) -> date | None:
    """The day that is asked for under this name; None if none is. Raises `InputWrong` (`form.date`)."""
    given = request.args.get(name, "")
    if not given:
        return None
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise InputWrong("that is no date", code="form.date", hint="write it as 2026-11-21") from None


def begin(on: date | None) -> datetime | None:
    """The moment at which this day begins where the controller is."""
    return None if on is None else datetime.combine(on, time.min, house().calendar.zone)


def end(on: date | None) -> datetime | None:
    """The moment at which this day is over where the controller is."""
    return None if on is None else begin(on + timedelta(days=1) if on < date.max else on)


def number(name: str, default: int | None = None) -> int | None:
    """The whole number that is asked for under this name. Raises `InputWrong` (`form.number`)."""
    given = request.args.get(name, "")
    if not given:
        return default
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        raise InputWrong("that is no number", code="form.number", hint="write it in digits")
    return int(given)


def asked() -> dict[str, str]:
    """Everything that the address asks for but the place in the list, so that links to other pages of the list keep it."""
    return {name: value for name, value in request.args.items() if value and name not in ("before", "after")}


def year() -> int:
    """The year that is asked for; this one if none is. Raises `InputWrong` (`form.year`)."""
    this_year = house().calendar.day_of(house().clock.now()).year
    found = number("year") or this_year
    if not 1990 <= found <= 2999:
        raise InputWrong("there is nothing in that year", code="form.year", hint="choose one between 1990 and 2999")
    return found
