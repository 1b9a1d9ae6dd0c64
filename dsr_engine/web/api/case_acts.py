"""What is done to a case over the API. Each act is the workflow's own, under the name of the user whose token it is."""

from collections.abc import Callable
from typing import Any

from dsr_engine.domain.case import Outcome
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.pause import Doubt, Stop
from dsr_engine.domain.regime import PauseWhy
from dsr_engine.domain.user import Permission
from dsr_engine.web.api import schemas
from dsr_engine.web.api.callers import caller
from dsr_engine.web.api.cases import noun, row_of, shown
from dsr_engine.web.api.noun import refuse_changed
from dsr_engine.web.guard import house
from dsr_engine.workflow.claims import claims_of
from dsr_engine.workflow.decide import close_unfulfilled, decide_findings
from dsr_engine.workflow.identity.adding import add_claims
from dsr_engine.workflow.identity.matching_points import match_points
from dsr_engine.workflow.law import acknowledging, extending, pausing
from dsr_engine.workflow.law.entitling import ASSESSED, name_grounds
from dsr_engine.workflow.settling import GO_ON, SAME_PERSON, settle
from dsr_engine.workflow.verify_identity import confirm_identity
from dsr_engine.workflow.waking import wake as wake_case
from dsr_engine.workflow.wiping import wipe

#: The noun of `cases.py`, with its acts.
acts = noun
_ROW = schemas.CaseRowSchema()
_WRITE = Permission.CASE_WRITE


def _act(case_id: str, act: Callable[[str], object]) -> dict[str, Any]:
    """Does it under the caller's name, unless the case changed since they looked; gives the case as it then stands."""
    refuse_changed(schemas.CaseSchema(), shown(case_id))
    act(caller().user.name)
    return _now(case_id)


def _now(case_id: str) -> dict[str, Any]:
    with house().store.snapshot() as tx:
        return row_of(tx.cases.get(case_id))


@noun.post("/cases/<case_id>/verify", _WRITE, _ROW, schemas.VerifySchema(), is_guarded=True)
def verify(body: dict[str, Any], case_id: str) -> dict[str, Any]:
    """Records on your word that the requester is the person. Methods that rest on a paper need the console or the command line."""
    return _act(case_id, lambda by: confirm_identity(house(), case_id, body["method"], by, tuple(body.get("kinds", ()))))


@noun.post("/cases/<case_id>/match", _WRITE, schemas.MatchedSchema(), schemas.MatchSchema(), is_guarded=True)
def match(body: dict[str, Any], case_id: str) -> dict[str, Any]:
    """Holds what the requester said against what the systems hold. Kinds are kept, never a value."""
    refuse_changed(schemas.CaseSchema(), shown(case_id))
    points = claims_of((entry["kind"], entry["value"]) for entry in body["points"])
    matched = match_points(house(), case_id, points, caller().user.name)
    return {**row_of(matched.case), "matched": list(matched.kinds), "is_ambiguous": matched.is_ambiguous}


@noun.post("/cases/<case_id>/identifiers", _WRITE, _ROW, schemas.MoreSchema(), is_guarded=True)
def add_identifiers(body: dict[str, Any], case_id: str) -> dict[str, Any]:
    """Adds identifiers that the requester gave later, before it is settled who they are."""
    claims = claims_of((entry["kind"], entry["value"]) for entry in body["identifiers"])
    return _act(case_id, lambda by: add_claims(house(), case_id, claims, by))


@noun.post("/cases/<case_id>/ground", _WRITE, _ROW, schemas.GroundSchema(), is_guarded=True)
def ground(body: dict[str, Any], case_id: str) -> dict[str, Any]:
    """Names the ground on which the data have to go, by category (`user` for all), or takes one back."""
    if not body["grounds"] and not body["take_back"]:
        raise InputWrong("no ground was named", code="option.ground", hint="grounds: {user: purpose_over}, or take_back")
    reasoning = body.get("reasoning", ASSESSED)
    return _act(case_id, lambda by: name_grounds(house(), case_id, body["grounds"], by, reasoning, tuple(body["take_back"])))


@noun.post("/cases/<case_id>/extend", _WRITE, _ROW, schemas.ExtendSchema(), is_guarded=True)
def extend(body: dict[str, Any], case_id: str) -> dict[str, Any]:
    """Records that the limit for the answer is extended, and when the requester was told so."""
    return _act(case_id, lambda by: extending.extend(house(), case_id, body["reason"], body["notified_on"], by))


@noun.post("/cases/<case_id>/pause", _WRITE, _ROW, schemas.PauseSchema(), is_guarded=True)
def pause(body: dict[str, Any], case_id: str) -> dict[str, Any]:
    """Records that something was asked of the requester; some laws stop their clocks for it."""
    stop = Stop(PauseWhy(body["why"]), body["asked_on"], doubt=Doubt(body["doubt"]) if "doubt" in body else None)
    return _act(case_id, lambda by: pausing.pause(house(), case_id, stop, by))


@noun.post("/cases/<case_id>/unpause", _WRITE, _ROW, schemas.UnpauseSchema(), is_guarded=True)
def unpause(body: dict[str, Any], case_id: str) -> dict[str, Any]:
    """Records that what was asked for has come."""
    why = PauseWhy(body["why"]) if "why" in body else None
    return _act(case_id, lambda by: pausing.unpause(house(), case_id, body["on"], by, why))


@noun.post("/cases/<case_id>/acknowledge", _WRITE, _ROW, schemas.AcknowledgeSchema(), is_guarded=True)
def acknowledge(body: dict[str, Any], case_id: str) -> dict[str, Any]:
    """Records that you confirmed the receipt of the request outside of the engine."""
    return _act(case_id, lambda by: acknowledging.acknowledge(house(), case_id, body["on"], by))


@noun.post("/cases/<case_id>/decide", _WRITE, _ROW, schemas.DecideSchema(), is_guarded=True)
def decide(body: dict[str, Any], case_id: str) -> dict[str, Any]:
    """Decides what the engine must not decide: possible findings, shared identifiers, drift. One of the three in one call."""
    words = [manner for manner, is_said in ((SAME_PERSON, body["same_person"]), (GO_ON, body["go_on"])) if is_said]
    verdicts = [(entry["finding"], entry["verdict"]) for entry in body["findings"]]
    if len(words) + bool(verdicts) != 1:
        raise InputWrong("a call decides one thing", code="option.decide", hint="findings with verdicts, same_person or go_on")

    def act(by: str) -> None:
        for manner in words:
            settle(house(), case_id, manner, by)
        if verdicts:
            decide_findings(house(), case_id, verdicts, by, because=body["because"], law=body["law"], weighed=body["weighed"])

    return _act(case_id, act)


@noun.post("/cases/<case_id>/refuse", _WRITE, _ROW, schemas.RefuseSchema(), is_guarded=True)
def refuse(body: dict[str, Any], case_id: str) -> dict[str, Any]:
    """Closes the case without effect because the request is refused. Its identifiers are forgotten at once."""
    return _act(case_id, lambda by: _close(case_id, Outcome.REFUSED, body["reason"], by))


@noun.post("/cases/<case_id>/withdraw", _WRITE, _ROW, schemas.NothingSchema(), is_guarded=True)
def withdraw(_: dict[str, Any], case_id: str) -> dict[str, Any]:
    """Closes the case without effect because the requester withdrew it. Its identifiers are forgotten at once."""
    return _act(case_id, lambda by: _close(case_id, Outcome.WITHDRAWN, "withdrawn", by))


def _close(case_id: str, outcome: Outcome, reason: str, by: str) -> None:
    close_unfulfilled(house(), case_id, outcome, reason, by)
    wipe(house())


@noun.post("/cases/<case_id>/wake", _WRITE, _ROW, schemas.NothingSchema(), is_guarded=True)
def wake(_: dict[str, Any], case_id: str) -> dict[str, Any]:
    """Lets the worker try the case again now. The work itself takes as long as it takes; a webhook tells when the case moves."""
    return _act(case_id, lambda by: wake_case(house(), case_id, by))
