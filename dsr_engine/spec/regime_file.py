"""The schema of a regime: a law as data. Each case stores the version and digest of the file that it was opened under."""

import re
from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from dsr_engine.domain.deadline import Clocks, ClockStart, ClockUnit, Limit
from dsr_engine.domain.letter import ELEMENTS, LetterKind
from dsr_engine.domain.regime import Ground, Regime
from dsr_engine.spec.document import Document
from dsr_engine.spec.nearest import did_you_mean
from dsr_engine.spec.scalars import Choice, Parsed, Words, day, name, whole, yes_no
from dsr_engine.spec.schema import AtKey, ListOf, StrictSchema, TableOf, block_of, load

_LATER = "comes in a later release; the engine would not keep it"
_LIMIT = re.compile(r"(?P<length>[1-9][0-9]{0,3}) (?P<unit>day|working day|month)s?")
_ROLLING = "next_working_day"


def _parse_limit(text: str) -> tuple[int, ClockUnit] | None:
    found = _LIMIT.fullmatch(text)
    return (int(found["length"]), ClockUnit(found["unit"].replace(" ", "_") + "s")) if found else None


def _limit(*, required: bool = False) -> Parsed:
    return Parsed(_parse_limit, "a limit", "1 month, 45 days or 15 working days", required=required)


class ClockSchema(StrictSchema):
    """When what is due. All limits run from the same start."""

    answer = _limit(required=True)
    refusal = _limit()
    extended = _limit()
    refusal_extends = yes_no()
    acknowledge = _limit()
    erase = _limit(required=True)
    starts = Choice(tuple(start.value for start in ClockStart), default=ClockStart.RECEIPT.value)
    ends = Choice((_ROLLING, "as_counted"), required=True)
    counts_first_day = yes_no()

    @validates_schema
    def be_longer_when_extended(self, data: dict[str, Any], **kwargs: object) -> None:  # noqa: ARG002 -- marshmallow's signature
        extended, answer = data.get("extended"), data.get("answer")
        if extended and answer and (extended[1] is not answer[1] or extended[0] <= answer[0]):
            raise ValidationError(
                {"extended": ["must be in the unit of `answer` and longer: it is the whole limit from the start, not what is added"]}
            )

    @post_load
    def make(self, data: dict[str, Any], **kwargs: object) -> Clocks:  # noqa: ARG002 -- marshmallow's signature
        rolls, counts = data["ends"] == _ROLLING, data["counts_first_day"]

        def limit(key: str) -> Limit | None:
            found = data[key]
            return Limit(found[0], found[1], rolls, counts and found[1] is ClockUnit.DAYS) if found else None

        answer, erase = limit("answer"), limit("erase")
        assert answer is not None
        assert erase is not None
        return Clocks(
            answer=answer,
            refusal=limit("refusal") or answer,
            erase=erase,
            extended=limit("extended"),
            acknowledge=limit("acknowledge"),
            refusal_extends=data["refusal_extends"],
            start=ClockStart(data["starts"]),
        )


class GroundSchema(StrictSchema):
    """An exemption that lets data stay although its person asked."""

    cite = Words(wanted="a citation", most=300, required=True)
    about = Words(default="")
    needs_law = yes_no(True)

    @post_load
    def make(self, data: dict[str, Any], **kwargs: object) -> dict[str, Any]:  # noqa: ARG002 -- marshmallow's signature
        return data


def _check_letter(text: str) -> None:
    known = [kind.value for kind in LetterKind]
    if text not in known:
        raise ValidationError(f"no such letter{did_you_mean(text, known)}")


def _check_element(text: str) -> None:
    if text not in ELEMENTS:
        raise ValidationError(f"no such element of a letter{did_you_mean(text, ELEMENTS)}")


class RegimeSchema(StrictSchema):
    """One file in `policies/regimes/`."""

    later = dict.fromkeys(("verification", "appeal", "notify", "metrics"), _LATER)

    regime = name(required=True)
    title = Words(wanted="a title", most=200, required=True)
    version = Words(wanted="a version", most=40, required=True)
    valid_from = day(required=True)
    checked_on = day(required=True)
    sources = ListOf(Words(wanted="a source", most=300), single=True, required=True)
    grounds = TableOf(block_of(GroundSchema()), required=True)
    log_keep_months = whole(least=1, most=1_200, required=True)
    letters = TableOf(TableOf(Words(wanted="a citation", most=300), check_key=_check_element), check_key=_check_letter)
    clock = block_of(ClockSchema())

    @validates_schema
    def keep_purpose_free(self, data: dict[str, Any], **kwargs: object) -> None:  # noqa: ARG002 -- marshmallow's signature
        if "purpose" in data["grounds"]:
            raise ValidationError({"grounds": {"purpose": [AtKey("purpose is no ground: it ends when the person asks")]}})


def regime_from(document: Document) -> Regime:
    """The regime in this document. Raises `SpecWrong`."""
    data = load(RegimeSchema(), document)
    return Regime(
        name=data["regime"],
        title=data["title"],
        version=data["version"],
        valid_from=data["valid_from"],
        checked_on=data["checked_on"],
        sources=data["sources"],
        grounds=tuple(Ground(name, ground["cite"], ground["about"], ground["needs_law"]) for name, ground in data["grounds"].items()),
        log_keep_months=data["log_keep_months"],
        letters={LetterKind(kind): elements for kind, elements in data["letters"].items()},
        clocks=data["clock"],
        source=document.source(document.root.place),
    )
