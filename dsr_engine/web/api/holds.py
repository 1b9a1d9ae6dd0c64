"""Legal holds over the API. One person places or asks, another confirms or agrees; a token is the person whose it is."""

from datetime import date, datetime
from typing import Any

from dsr_engine.domain.errors import NotAllowed
from dsr_engine.domain.hold import Hold
from dsr_engine.domain.user import Permission
from dsr_engine.web.api import proof_schemas
from dsr_engine.web.api.callers import caller
from dsr_engine.web.api.noun import Noun, refuse_changed
from dsr_engine.web.api.schemas import NothingSchema
from dsr_engine.web.guard import house
from dsr_engine.workflow.claims import claims_of
from dsr_engine.workflow.holds.drawing_up import Wanted, drawn_up
from dsr_engine.workflow.holds.placing import ask_lift, confirm_hold, place_hold, refuse_lift

noun = Noun("holds", "What must not be erased, whatever the rules say.")
_HOLD = proof_schemas.HoldSchema()


@noun.get("/holds", Permission.HOLD_READ, proof_schemas.HoldListSchema(), proof_schemas.HoldQuery())
def list_(query: dict[str, Any]) -> dict[str, Any]:
    """Lists the holds in force, the oldest first; there are few, so all come at once."""
    with house().store.snapshot() as tx:
        return {"holds": [_row(hold) for hold in tx.holds.list(active_only=not query["all"])]}


@noun.get("/holds/<hold_id>", Permission.HOLD_READ, _HOLD)
def show(hold_id: str) -> dict[str, Any]:
    """One hold."""
    return _now(hold_id)


@noun.post("/holds", Permission.HOLD_WRITE, proof_schemas.PlacedHoldSchema(), proof_schemas.PlaceHoldSchema(), 201)
def place(body: dict[str, Any]) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Places a hold, which protects at once. What was being changed at that moment is listed; a second person confirms the hold."""
    claims = claims_of((entry["kind"], entry["value"]) for entry in body["identifiers"]) if body.get("identifiers") else ()
    wanted = Wanted(
        body["reason"],
        body["matter"],
        body.get("case"),
        body.get("system"),
        body.get("collection"),
        body.get("category"),
        body.get("since"),
        body.get("until"),
        claims,
        body["everything"],
    )
    hold, people = drawn_up(house(), wanted, caller().user.name)
    in_flight = place_hold(house(), hold, people, patience_seconds=0)
    rows = [{"case": each.case, "system": each.system, "collection": each.collection, "is_over": each.is_over} for each in in_flight]
    return {**_row(hold), "in_flight": rows}, 201, {"Location": f"/api/v1/holds/{hold.id}"}


@noun.post("/holds/<hold_id>/confirm", Permission.HOLD_WRITE, _HOLD, NothingSchema(), is_guarded=True)
def confirm(_: dict[str, Any], hold_id: str) -> dict[str, Any]:
    """Confirms a hold that somebody else placed."""
    refuse_changed(_HOLD, _now(hold_id))
    confirm_hold(house(), hold_id, caller().user.name)
    return _now(hold_id)


@noun.post("/holds/<hold_id>/ask-lift", Permission.HOLD_WRITE, _HOLD, proof_schemas.AskLiftSchema(), is_guarded=True)
def ask(body: dict[str, Any], hold_id: str) -> dict[str, Any]:
    """Asks for a hold to be lifted. It protects until somebody else agrees."""
    refuse_changed(_HOLD, _now(hold_id))
    ask_lift(house(), hold_id, caller().user.name, body["reason"])
    return _now(hold_id)


@noun.post("/holds/<hold_id>/lift", Permission.HOLD_WRITE, _HOLD, NothingSchema())
def lift(_: dict[str, Any], hold_id: str) -> dict[str, Any]:
    """Always refused with 403 `hold.second_factor`: a second person ends a hold at the console, with a second factor; a token can be stolen."""
    _now(hold_id)
    raise NotAllowed(
        "a hold is not lifted by a program",
        code="hold.second_factor",
        hint="a second person opens the hold in the console and proves a second factor",
    )


@noun.post("/holds/<hold_id>/keep", Permission.HOLD_WRITE, _HOLD, NothingSchema(), is_guarded=True)
def keep(_: dict[str, Any], hold_id: str) -> dict[str, Any]:
    """Refuses the lifting: the hold stays."""
    refuse_changed(_HOLD, _now(hold_id))
    refuse_lift(house(), hold_id, caller().user.name)
    return _now(hold_id)


def _now(hold_id: str) -> dict[str, Any]:
    with house().store.snapshot() as tx:
        return _row(tx.holds.get(hold_id))


def _row(hold: Hold) -> dict[str, Any]:
    def text(moment: date | datetime | None) -> str | None:
        return moment.isoformat() if moment else None

    return {
        "hold": hold.id,
        "state": hold.state.value,
        "reason": hold.reason,
        "matter": hold.matter,
        "case": hold.case,
        "system": hold.system,
        "collection": hold.collection,
        "category": hold.category,
        "person": hold.is_of_person,
        "since": text(hold.since),
        "until": text(hold.until),
        "placed_by": hold.placed_by,
        "placed_at": text(hold.placed_at),
        "confirmed_by": hold.confirmed_by,
        "lift_asked_by": hold.lift_asked_by,
    }
