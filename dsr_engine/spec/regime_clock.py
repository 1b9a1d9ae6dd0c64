"""When what is due under a law: how limits are written in a regime, what stops its clock, and how long an appeal takes."""

import re
from dataclasses import replace
from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from dsr_engine.domain.deadline import Clocks, ClockStart, ClockUnit, Limit
from dsr_engine.domain.regime import Appeal, Pause, PauseEffect, PauseWhy
from dsr_engine.domain.request import Right
from dsr_engine.spec.nearest import did_you_mean
from dsr_engine.spec.scalars import Choice, Parsed, Words, yes_no
from dsr_engine.spec.schema import ListOf, StrictSchema, TableOf

_LIMIT = re.compile(r"(?P<length>[1-9][0-9]{0,3}) (?P<unit>day|working day|month)s?")
_ROLLING = "next_working_day"
_EARLIER = re.compile(r"0|[1-9] days?")


def _parse_limit(text: str) -> Limit | None:
    found = _LIMIT.fullmatch(text)
    return Limit(int(found["length"]), ClockUnit(found["unit"].replace(" ", "_") + "s")) if found else None


def limit(*, required: bool = False) -> Parsed:
    """`1 month`, `45 days`, `15 working days`. How it ends and whether its first day counts is the clock's word (`as_counted_by`)."""
    return Parsed(_parse_limit, "a limit", "1 month, 45 days or 15 working days", required=required)


def citation(*, required: bool = False) -> Words:
    return Words(wanted="a citation", most=300, required=required, default=None if required else "")


def as_counted_by(clocks: Clocks | None, found: Limit | None) -> Limit | None:
    """A limit outside of the clock, counted as the clock's limits are; one without a clock beside it runs as it is written."""
    if found is None or clocks is None:
        return found
    return replace(found, rolls=clocks.answer.rolls, counts_first_day=clocks.answer.counts_first_day and found.unit is ClockUnit.DAYS)


_RIGHTS = tuple(right.value for right in Right)


def _check_right(text: str) -> None:
    if text not in _RIGHTS:
        raise ValidationError(f"no such right{did_you_mean(text, _RIGHTS)}")


class ClockSchema(StrictSchema):
    """When what is due. All limits run from the same start."""

    answer = limit(required=True)
    refusal = limit()
    extended = limit()
    refusal_extends = yes_no()
    acknowledge = limit()
    erase = limit(required=True)
    starts = Choice(tuple(start.value for start in ClockStart), default=ClockStart.RECEIPT.value)
    ends = Choice((_ROLLING, "as_counted"), required=True)
    counts_first_day = yes_no()
    alarm_earlier = Parsed(lambda text: int(text.split()[0]) if _EARLIER.fullmatch(text) else None, "a few days", "1 day", default=0)
    answers = TableOf(limit(), check_key=_check_right)
    cite = citation()

    @validates_schema
    def be_longer_when_extended(self, data: dict[str, Any], **kwargs: object) -> None:  # noqa: ARG002 -- marshmallow's signature
        extended, answer = data.get("extended"), data.get("answer")
        if extended and answer and (extended.unit is not answer.unit or extended.length <= answer.length):
            raise ValidationError(
                {"extended": ["must be in the unit of `answer` and longer: it is the whole limit from the start, not what is added"]}
            )

    @post_load
    def make(self, data: dict[str, Any], **kwargs: object) -> Clocks:  # noqa: ARG002 -- marshmallow's signature
        rolls, counts = data["ends"] == _ROLLING, data["counts_first_day"]

        def counted(found: Limit) -> Limit:
            return replace(found, rolls=rolls, counts_first_day=counts and found.unit is ClockUnit.DAYS)

        limits = {key: counted(data[key]) for key in ("answer", "refusal", "erase", "extended", "acknowledge") if data[key]}
        return Clocks(
            answer=limits["answer"],
            refusal=limits.get("refusal", limits["answer"]),
            erase=limits["erase"],
            extended=limits.get("extended"),
            acknowledge=limits.get("acknowledge"),
            refusal_extends=data["refusal_extends"],
            start=ClockStart(data["starts"]),
            alarm_earlier=data["alarm_earlier"],
            answers={right: counted(found) for right, found in data["answers"].items()},
            cite=data["cite"],
        )


def check_why(text: str) -> None:
    """Raises `ValidationError` for a pause of which no regime can know."""
    known = [why.value for why in PauseWhy]
    if text not in known:
        raise ValidationError(f"nothing that stops a clock{did_you_mean(text, known)}")


class PauseSchema(StrictSchema):
    """What one reason for a pause does to the clock."""

    effect = Choice(tuple(effect.value for effect in PauseEffect), required=True)
    rights = ListOf(Choice(_RIGHTS), single=True)
    cite = citation(required=True)


def pauses_from(blocks: dict[str, dict[str, Any]]) -> tuple[Pause, ...]:
    return tuple(Pause(PauseWhy(why), PauseEffect(found["effect"]), found["rights"], found["cite"]) for why, found in blocks.items())


class AppealSchema(StrictSchema):
    """How a refusal is appealed against to the controller itself."""

    answer = limit(required=True)
    window = limit()
    extended = limit()
    authority = Words(wanted="an authority", most=300, default="")
    cite = citation()


def appeal_from(found: dict[str, Any] | None, clocks: Clocks | None) -> Appeal | None:
    if found is None:
        return None
    answer = as_counted_by(clocks, found["answer"])
    assert answer is not None
    window = found["window"]  # the person's time to act: counting its first day would cut it short
    return Appeal(answer, window, as_counted_by(clocks, found["extended"]), found["authority"], found["cite"])
