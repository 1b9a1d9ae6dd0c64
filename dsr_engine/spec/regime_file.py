"""The schema of a regime: a law as data. Each case stores the version and digest of the file that it was opened under."""

from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from dsr_engine.domain.regime import Ground, Regime
from dsr_engine.spec.document import Document
from dsr_engine.spec.scalars import Words, day, name, whole, yes_no
from dsr_engine.spec.schema import AtKey, ListOf, StrictSchema, TableOf, block_of, load

_CLOCKS = "clocks and their arithmetic come in a later release; the engine would not keep it"


class GroundSchema(StrictSchema):
    """An exemption that lets data stay although its person asked."""

    cite = Words(wanted="a citation", most=300, required=True)
    about = Words(default="")
    needs_law = yes_no(True)

    @post_load
    def make(self, data: dict[str, Any], **kwargs: object) -> dict[str, Any]:  # noqa: ARG002 -- marshmallow's signature
        return data


class RegimeSchema(StrictSchema):
    """One file in `policies/regimes/`."""

    later = dict.fromkeys(("clock", "extension", "acknowledgement", "refusal_deadline", "verification", "appeal", "notify", "metrics"), _CLOCKS)

    regime = name(required=True)
    title = Words(wanted="a title", most=200, required=True)
    version = Words(wanted="a version", most=40, required=True)
    valid_from = day(required=True)
    checked_on = day(required=True)
    sources = ListOf(Words(wanted="a source", most=300), single=True, required=True)
    grounds = TableOf(block_of(GroundSchema()), required=True)
    log_keep_months = whole(least=1, most=1_200, required=True)
    confirmation_elements = ListOf(Words(most=500))
    denial_elements = ListOf(Words(most=500))

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
        confirmation_elements=data["confirmation_elements"],
        denial_elements=data["denial_elements"],
        source=document.source(document.root.place),
    )
