"""Asks whether somebody was erased, before a program takes them in again. Every question is counted in the ledger under the asker's name."""

from collections.abc import Sequence
from typing import Any

from dsr_engine.domain.user import Permission
from dsr_engine.web.api import proof_schemas
from dsr_engine.web.api.callers import caller
from dsr_engine.web.api.noun import Noun
from dsr_engine.web.guard import house
from dsr_engine.workflow.claims import claims_of
from dsr_engine.workflow.staying_erased.screening import are_listed

noun = Noun("suppression", "Who must not be taken in again.")


@noun.post("/suppression/check", Permission.SUPPRESSION_CHECK, proof_schemas.ListedSchema(), proof_schemas.CheckSchema())
def check(body: dict[str, Any]) -> dict[str, Any]:
    """Tells whether one of these identifiers is of somebody who was erased; neither who that was nor why."""
    (is_listed,) = are_listed(house(), [_asked(body["identifiers"])], caller().user.name)
    return {"is_listed": is_listed}


@noun.post("/suppression/check-all", Permission.SUPPRESSION_CHECK, proof_schemas.BulkListedSchema(), proof_schemas.BulkCheckSchema())
def check_all(body: dict[str, Any]) -> dict[str, Any]:
    """The same for up to 500 people at once."""
    found = are_listed(house(), [_asked(person) for person in body["people"]], caller().user.name)
    return {"listed": [number for number, is_listed in enumerate(found) if is_listed]}


def _asked(person: Sequence[dict[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((claim.kind, claim.value.reveal()) for claim in claims_of((entry["kind"], entry["value"]) for entry in person))
