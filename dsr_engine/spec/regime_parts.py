"""What a regime says beside its clock: reasons to erase and to keep, verification, who is told, what is kept afterwards."""

import re
from datetime import date
from typing import Any

import re2
from marshmallow import ValidationError, post_load

from dsr_engine.domain.regime import Assurance, Backups, Duty, Entitlement, Ground, Metrics, Notify, StayErased, Verification
from dsr_engine.domain.request import Right
from dsr_engine.spec.nearest import did_you_mean
from dsr_engine.spec.regime_clock import citation
from dsr_engine.spec.scalars import Category, Choice, Parsed, Value, Words, whole, words, yes_no
from dsr_engine.spec.schema import ListOf, StrictSchema, TableOf

_MONTH_DAY = re.compile(r"[0-9]{2}-[0-9]{2}")


class Pattern(Value):
    """A pattern of RE2, which runs in linear time whatever it is given."""

    def read(self, value: object) -> str:
        text = words(value, "a pattern")
        if len(text) > 500:
            raise ValidationError("longer than 500 characters")
        try:
            matches_nothing = pattern(text).search("") is None
        except re2.error as error:
            raise ValidationError(f"not a pattern of RE2: {_said(error)}") from None
        if not matches_nothing:
            raise ValidationError("matches an empty text, and so every law there is")
        return text


def pattern(text: str) -> Any:
    """The compiled pattern. Raises `re2.error`; unlike RE2 by itself it writes nothing to standard error."""
    options = re2.Options()
    options.log_errors = False
    return re2.compile(text, options)


def _said(error: re2.error) -> str:
    said = error.args[0] if error.args else ""
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)


class GroundSchema(StrictSchema):
    """An exemption that lets data stay although its person asked."""

    cite = citation(required=True)
    about = Words(default="")
    needs_law = yes_no(True)
    never = ListOf(Pattern(), single=True, most=50)


def grounds_from(blocks: dict[str, dict[str, Any]]) -> tuple[Ground, ...]:
    return tuple(Ground(name, found["cite"], found["about"], found["needs_law"], found["never"]) for name, found in blocks.items())


class EntitlementSchema(StrictSchema):
    """Why data have to go."""

    cite = citation(required=True)
    about = Words(default="")
    absolute = yes_no()


def entitlements_from(blocks: dict[str, dict[str, Any]]) -> tuple[Entitlement, ...]:
    return tuple(Entitlement(name, found["cite"], found["about"], found["absolute"]) for name, found in blocks.items())


_LEVELS = tuple(level.value for level in Assurance)


def _check_level(text: str) -> None:
    if text not in _LEVELS:
        raise ValidationError(f"no such level of assurance{did_you_mean(text, _LEVELS)}")


class VerificationSchema(StrictSchema):
    """How a requester is verified."""

    points = TableOf(whole(least=1, most=9), check_key=_check_level)
    declared = ListOf(Choice(_LEVELS), single=True)
    sensitive = ListOf(Category())
    reauthenticate = yes_no(True)
    permission = yes_no(True)
    confirm = yes_no(True)
    attorney = yes_no(True)
    only_on_doubt = yes_no()
    guardian_below = whole(least=1, most=25)
    unverified = ListOf(Choice(tuple(right.value for right in Right)), single=True)
    cite = citation()

    @post_load
    def make(self, data: dict[str, Any], **kwargs: object) -> Verification:  # noqa: ARG002 -- marshmallow's signature
        data["points"] = {Assurance(level): count for level, count in data["points"].items()}
        data["declared"] = frozenset(Assurance(level) for level in data["declared"])
        data["unverified"] = frozenset(data["unverified"])
        return Verification(**data)


_DUTIES = tuple(duty.value for duty in Duty)


class NotifySchema(StrictSchema):
    """Who must be told of an erasure."""

    processors = Choice(_DUTIES, default=Duty.REQUIRED.value)
    recipients = Choice(_DUTIES, default=Duty.UNLESS_DISPROPORTIONATE.value)
    public = Choice(_DUTIES, default=Duty.NONE.value)
    names = yes_no()
    cite = citation()

    @post_load
    def make(self, data: dict[str, Any], **kwargs: object) -> Notify:  # noqa: ARG002 -- marshmallow's signature
        duties = {key: Duty(data[key]) for key in ("processors", "recipients", "public")}
        return Notify(**duties, names=data["names"], cite=data["cite"])


class StayErasedSchema(StrictSchema):
    """Whether a person who was erased is kept from being taken in again."""

    by_default = yes_no()
    months = whole(0, most=1_200)
    every_days = whole(least=1, most=3_660)
    cite = citation()

    @post_load
    def make(self, data: dict[str, Any], **kwargs: object) -> StayErased:  # noqa: ARG002 -- marshmallow's signature
        if data["by_default"] and not data["months"]:
            raise ValidationError({"months": ["missing: a record that keeps people out for ever needs a law of its own"]})
        return StayErased(**data)


class BackupsSchema(StrictSchema):
    """How long a backup may go on holding what was erased."""

    may_wait = yes_no()
    most_days = whole(least=1, most=3_660)
    cite = citation()

    @post_load
    def make(self, data: dict[str, Any], **kwargs: object) -> Backups:  # noqa: ARG002 -- marshmallow's signature
        return Backups(**data)


def _parse_month_day(text: str) -> str | None:
    if not _MONTH_DAY.fullmatch(text):
        return None
    try:
        date.fromisoformat(f"2027-{text}")  # a common year: what is due on 29 February would be due in leap years only
    except ValueError:
        return None
    return str(text)


class MetricsSchema(StrictSchema):
    """Figures that must be published."""

    publish_on = Parsed(_parse_month_day, "a day of the year", '"07-01"', required=True)
    from_people = whole(0)
    cite = citation()

    @post_load
    def make(self, data: dict[str, Any], **kwargs: object) -> Metrics:  # noqa: ARG002 -- marshmallow's signature
        return Metrics(**data)
