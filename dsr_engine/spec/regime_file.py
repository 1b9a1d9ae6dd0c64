"""The schema of a regime: a law as data. Each case stores the version and digest of the file that it was opened under."""

from typing import Any

from marshmallow import ValidationError, validates_schema

from dsr_engine.domain.deadline import ClockStart
from dsr_engine.domain.letter import ELEMENTS, LetterKind
from dsr_engine.domain.regime import Backups, Notify, Regime, StayErased, Verification
from dsr_engine.spec.document import Document
from dsr_engine.spec.nearest import did_you_mean
from dsr_engine.spec.problems import SpecProblem, SpecWrong
from dsr_engine.spec.regime_clock import AppealSchema, ClockSchema, PauseSchema, appeal_from, check_why, citation, pauses_from
from dsr_engine.spec.regime_parts import (
    BackupsSchema,
    EntitlementSchema,
    GroundSchema,
    MetricsSchema,
    NotifySchema,
    StayErasedSchema,
    VerificationSchema,
    entitlements_from,
    grounds_from,
)
from dsr_engine.spec.regime_variants import variants_of
from dsr_engine.spec.scalars import Choice, Words, day, name, whole, yes_no
from dsr_engine.spec.schema import AtKey, ListOf, StrictSchema, TableOf, block_of, load

#: What a law reaches: everything; what a company got from the person or about them elsewhere; only what the person gave.
SCOPES = ("all", "obtained_about", "from_the_person")
#: Numbers that a controller may have to choose because the law names none.
MEASURES = (
    *("clock.answer", "clock.acknowledge", "clock.erase", "verification.points", "notify.recipients", "appeal.answer"),
    *("stay_erased.months", "log_keep_months"),
)


def _check_letter(text: str) -> None:
    known = [kind.value for kind in LetterKind]
    if text not in known:
        raise ValidationError(f"no such letter{did_you_mean(text, known)}")


def _check_element(text: str) -> None:
    if text not in ELEMENTS:
        raise ValidationError(f"no such element of a letter{did_you_mean(text, ELEMENTS)}")


class RegimeSchema(StrictSchema):
    """One file in `policies/regimes/`, or one variant of it."""

    regime = name(required=True)
    title = Words(wanted="a title", most=200, required=True)
    version = Words(wanted="a version", most=40, required=True)
    valid_from = day(required=True)
    valid_to = day()
    checked_on = day(required=True)
    sources = ListOf(Words(wanted="a source", most=300), single=True, required=True)
    to_check = ListOf(Words(wanted="a question", most=500), single=True)
    own_measures = ListOf(Choice(MEASURES))
    scope = Choice(SCOPES, default=SCOPES[0])
    clock = block_of(ClockSchema())
    pauses = TableOf(block_of(PauseSchema()), check_key=check_why)
    entitlements = TableOf(block_of(EntitlementSchema()))
    grounds = TableOf(block_of(GroundSchema()), required=True)
    verification = block_of(VerificationSchema())
    notify = block_of(NotifySchema())
    appeal = block_of(AppealSchema())
    stay_erased = block_of(StayErasedSchema())
    backups = block_of(BackupsSchema())
    metrics = block_of(MetricsSchema())
    log_keep_months = whole(least=1, most=1_200, required=True)
    log_to_year_end = yes_no()
    letters = TableOf(TableOf(citation(), check_key=_check_element), check_key=_check_letter)

    @validates_schema
    def keep_purpose_free(self, data: dict[str, Any], **kwargs: object) -> None:  # noqa: ARG002 -- marshmallow's signature
        if "purpose" in data["grounds"]:
            raise ValidationError({"grounds": {"purpose": [AtKey("purpose is no ground: it ends when the person asks")]}})

    @validates_schema
    def end_after_it_begins(self, data: dict[str, Any], **kwargs: object) -> None:  # noqa: ARG002 -- marshmallow's signature
        if data["valid_to"] is not None and data["valid_to"] < data["valid_from"]:
            raise ValidationError({"valid_to": ["lies before `valid_from`"]})

    @validates_schema
    def have_a_clock_to_stop(self, data: dict[str, Any], **kwargs: object) -> None:  # noqa: ARG002 -- marshmallow's signature
        clock, starting = data["clock"], [why for why, pause in data["pauses"].items() if pause["effect"] == "starts"]
        if data["pauses"] and clock is None:
            raise ValidationError({"pauses": [AtKey("there is no `clock` that they could stop")]})
        if clock is not None and clock.start is not ClockStart.RELEVANT_TIME and starting:
            raise ValidationError({"pauses": {starting[0]: {"effect": ["the clock has to say `starts: relevant_time`; it starts with receipt"]}}})


def regimes_from(document: Document) -> tuple[Regime, ...]:
    """Every regime in this document: one, or one for each variant. Raises `SpecWrong` with the mistakes of all."""
    found: list[Regime] = []
    problems: list[SpecProblem] = []
    for variant in variants_of(document):
        try:
            found.append(regime_from(variant))
        except SpecWrong as wrong:
            problems.extend(wrong.problems)
    if problems:
        raise SpecWrong(problems)
    return tuple(found)


def regime_from(document: Document) -> Regime:
    """The regime in a document without variants. Raises `SpecWrong`."""
    data = load(RegimeSchema(), document)
    clocks = data["clock"]
    return Regime(
        name=data["regime"],
        title=data["title"],
        version=data["version"],
        valid_from=data["valid_from"],
        checked_on=data["checked_on"],
        sources=data["sources"],
        grounds=grounds_from(data["grounds"]),
        log_keep_months=data["log_keep_months"],
        log_to_year_end=data["log_to_year_end"],
        letters={LetterKind(kind): elements for kind, elements in data["letters"].items()},
        clocks=clocks,
        entitlements=entitlements_from(data["entitlements"]),
        pauses=pauses_from(data["pauses"]),
        verification=data["verification"] or Verification(),
        notify=data["notify"] or Notify(),
        appeal=appeal_from(data["appeal"], clocks),
        stay_erased=data["stay_erased"] or StayErased(),
        backups=data["backups"] or Backups(),
        metrics=data["metrics"],
        scope=data["scope"],
        valid_to=data["valid_to"],
        to_check=data["to_check"],
        own_measures=frozenset(data["own_measures"]),
        source=document.source(document.root.place),
    )
