"""How each kind of value is written: `8 years`, `1%`, `automatic`. The schema decides what a text means, never its looks.

The fields take the texts of `document.py`. Their messages say what is wanted and never quote what was written.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from marshmallow import ValidationError, fields

from dsr_engine.domain.period import Period, PeriodUnit
from dsr_engine.spec.categories import categories
from dsr_engine.spec.nearest import did_you_mean, one_of

_PERIOD = re.compile(r"([0-9]{1,5}) ?(day|week|month|year)s?")
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,4})?) ?%")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
#: A century: what is to be kept longer has no period.
_LONGEST_DAYS = 36_525
_DAYS_IN = {PeriodUnit.DAYS: 1, PeriodUnit.WEEKS: 7, PeriodUnit.MONTHS: 30, PeriodUnit.YEARS: 365}


def parse_period(text: str) -> Period | None:
    """`8 years`, `35 days`, `1 month`; None if it is not a period of one day to a century."""
    match = _PERIOD.fullmatch(text.strip())
    if match is None:
        return None
    count, unit = int(match[1]), PeriodUnit(match[2] + "s")
    return Period(count, unit) if 0 < count * _DAYS_IN[unit] <= _LONGEST_DAYS else None


def parse_share(text: str) -> float | None:
    """`1%` → 0.01; None if it is not a percentage between 0 and 100."""
    match = _SHARE.fullmatch(text.strip())
    if match is None or float(match[1]) > 100:
        return None
    return float(match[1]) / 100


def words(value: object, wanted: str = "a text") -> str:
    """The text of a scalar, without spaces around it. Raises `ValidationError` for blocks, lists and empty texts."""
    if not isinstance(value, str):
        raise ValidationError(f"not {wanted}")
    if not value.strip():
        raise ValidationError(f"empty; {wanted} is needed")
    return value.strip()


class Value(fields.Field[Any]):
    """A field that reads what `document.py` gives, in one call of `read`. Empty is never taken for "left out"."""

    default_error_messages: dict[str, str | list[Any] | dict[Any, Any]] = {"required": "missing", "null": "empty; a value is needed"}  # noqa: RUF012 -- marshmallow's

    def __init__(self, *, required: bool = False, default: object = None) -> None:
        if required:
            super().__init__(required=True)
        else:
            super().__init__(load_default=default)
        # marshmallow would allow null wherever the default is None.
        self.allow_none = False

    def _deserialize(self, value: object, attr: str | None, data: Mapping[str, object] | None, **kwargs: object) -> Any:  # noqa: ARG002 -- its signature
        return self.read(value)

    def read(self, value: object) -> Any:
        """The value as the domain wants it. Raises `ValidationError`."""
        raise NotImplementedError


class Words(Value):
    """A text of up to `most` characters."""

    def __init__(self, *, wanted: str = "a text", most: int = 2_000, required: bool = False, default: str | None = None) -> None:
        super().__init__(required=required, default=default)
        self.wanted = wanted
        self.most = most

    def read(self, value: object) -> str:
        text = words(value, self.wanted)
        if len(text) > self.most:
            raise ValidationError(f"longer than {self.most} characters")
        return text


class Parsed(Value):
    """A text that a function understands (None: it does not); `example` shows how it is written."""

    def __init__(self, parse: Callable[[str], object], what: str, example: str, *, required: bool = False, default: object = None) -> None:
        super().__init__(required=required, default=default)
        self.parse = parse
        self.what = what
        self.example = example

    def read(self, value: object) -> object:
        parsed = self.parse(value) if isinstance(value, str) else None
        if parsed is None:
            raise ValidationError(f"not {self.what} (try {self.example})")
        return parsed


def period(*, required: bool = False) -> Parsed:
    return Parsed(parse_period, "a period", '"2 years"', required=required)


def share(default: float) -> Parsed:
    return Parsed(parse_share, "a percentage", '"1%"', default=default)


def name(*, required: bool = False) -> Parsed:
    """What systems, connectors, policies and regimes are called: it becomes part of file names, commands and `system.collection`."""
    return Parsed(_parse_name, "a name of small letters, digits, - and _", '"web-shop"', required=required)


def is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None


def day(*, required: bool = False) -> Parsed:
    return Parsed(_parse_day, "a date", '"2026-01-31"', required=required)


def cron() -> Parsed:
    return Parsed(_parse_cron, "a schedule of five fields: minute, hour, day, month, weekday", '"0 3 * * *"', required=True)


def whole(default: int | None = None, *, least: int = 0, most: int = 1_000_000_000, required: bool = False) -> Parsed:
    """A whole number, written with digits only."""

    def parse(text: str) -> int | None:
        number = int(text) if re.fullmatch(r"[0-9]{1,10}", text) else None
        return number if number is not None and least <= number <= most else None

    what = f"a whole number of at least {least}" if most == 1_000_000_000 else f"a whole number between {least} and {most}"
    return Parsed(parse, what, str(max(least, 10)), required=required, default=default)


def yes_no(default: bool = False) -> Parsed:
    """`true` or `false`; `yes` and `no` are refused, because half of all YAML readers take them for texts."""
    return Parsed({"true": True, "false": False}.get, "true or false", "true", default=default)


def _parse_name(text: str) -> str | None:
    return str(text) if is_name(text) else None


def _parse_day(text: str) -> date | None:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


_CRON_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_CRON_PART = re.compile(r"(?:\*|([0-9]{1,2})(?:-([0-9]{1,2}))?)(?:/([0-9]{1,2}))?")


def _parse_cron(text: str) -> str | None:
    parts = text.split()
    if len(parts) != len(_CRON_RANGES):
        return None
    return " ".join(parts) if all(map(_is_cron_field, parts, _CRON_RANGES)) else None


def _is_cron_field(text: str, limits: tuple[int, int]) -> bool:
    return all(_is_cron_part(part, *limits) for part in text.split(","))


def _is_cron_part(part: str, least: int, most: int) -> bool:
    match = _CRON_PART.fullmatch(part)
    if match is None:
        return False
    first, last, step = (int(group) if group else None for group in match.groups())
    if step == 0 or (step is not None and first is not None and last is None):
        return False
    low = least if first is None else first
    high = low if last is None else last
    return least <= low <= high <= most


class Choice(Value):
    """One of a few words. `later` maps words that a later release brings to the reason why they are refused today."""

    def __init__(self, known: Iterable[str], *, later: Mapping[str, str] | None = None, required: bool = False, default: str | None = None) -> None:
        super().__init__(required=required, default=default)
        self.known = tuple(known)
        self.later = later or {}

    def read(self, value: object) -> str:
        text = words(value, one_of(self.known))
        if text in self.later:
            raise ValidationError(self.later[text])
        if text not in self.known:
            raise ValidationError(f"must be {one_of(self.known)}{did_you_mean(text, self.known)}")
        return text


class Category(Value):
    """A category of the taxonomy (`dsr catalog` lists it)."""

    def read(self, value: object) -> str:
        return checked_category(words(value, "a category such as user.contact.email"))


def checked_category(text: str) -> str:
    """The category, if the taxonomy has it. Raises `ValidationError`."""
    if text not in categories():
        raise ValidationError(f"not a category{did_you_mean(text, categories()) or ' (`dsr catalog` lists them)'}")
    return text
