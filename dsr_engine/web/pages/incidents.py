"""Incidents: what went wrong, who has to be told of it until when, and from where lost data can be brought back."""

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for

from dsr_engine.domain.errors import DsrError, InputWrong
from dsr_engine.domain.incident import Incident, IncidentKind, Risk, Told
from dsr_engine.domain.user import Permission
from dsr_engine.web.answers import status_of
from dsr_engine.web.forms import Answer, attempt, one_of, text
from dsr_engine.web.guard import house, needs, user
from dsr_engine.workflow.incidents import CLOSINGS, close_incident, judge_risk, open_incident, record_told, recoveries

blueprint = Blueprint("incidents", __name__, url_prefix="/incidents")

_KINDS = {
    IncidentKind.WRONG_PERSON: "somebody else's data were erased",
    IncidentKind.OUTSIDE_PLAN: "an effect went beyond what was approved",
    IncidentKind.RESIDUE: "an erasure was not complete",
}
_CLOSINGS = {
    "restored": "what was lost was brought back",
    "told_and_mended": "who had to be told was told, and it is mended",
    "no_loss": "nothing was lost after all",
    "risk_unlikely": "a risk for the people is unlikely",
}


@blueprint.get("")
@needs(Permission.INCIDENT_READ)
def index() -> str:
    is_all = request.args.get("all") == "1"
    with house().store.snapshot() as tx:
        found = tx.incidents.list(open_only=not is_all)
    return render_template("incidents/index.html", incidents=tuple(reversed(found)), is_all=is_all, kinds=_KINDS, hours_left=_hours_left)


def _hours_left(entry: Incident) -> int | None:
    """Whole hours until the authority has to be told; negative where that is over, None where it is not owed."""
    by = entry.tell_authority_by
    return None if by is None else int((by - house().clock.now()).total_seconds() // 3600)


@blueprint.get("/new")
@needs(Permission.INCIDENT_WRITE)
def new() -> str:
    return _form()


def _form(problem: DsrError | None = None) -> str:
    kept = {name: text(name) or request.args.get(name, "")[:64] for name in ("case", "kind", "aware")}
    breaches = {kind: about for kind, about in _KINDS.items() if kind.is_breach}
    return render_template("incidents/new.html", problem=problem, values=kept, kinds=breaches)


@blueprint.post("/new")
@needs(Permission.INCIDENT_WRITE)
def add() -> Answer:
    try:
        kind = IncidentKind(one_of("kind", "what went wrong", tuple(kind.value for kind in IncidentKind if kind.is_breach)))
        opened = open_incident(house(), kind, text("case"), _moment("aware"), user().name)
    except DsrError as error:
        return _form(error), status_of(error)
    flash("The incident is open. A certificate of the case is withdrawn from now on.", "done")
    return redirect(url_for("incidents.show", incident_id=opened.id), 303)


@blueprint.get("/<incident_id>")
@needs(Permission.INCIDENT_READ)
def show(incident_id: str) -> str:
    return _one(incident_id)


def _one(incident_id: str, problem: DsrError | None = None) -> str:
    with house().store.snapshot() as tx:
        entry = tx.incidents.get(incident_id)
        people = {each: tx.people.name_of(each) for each in (entry.opened_by, entry.closed_by) if each}
    return render_template(
        "incidents/show.html",
        incident=entry,
        people=people,
        kinds=_KINDS,
        closings={code: _CLOSINGS[code] for code in CLOSINGS},
        recoveries=recoveries(house(), entry),
        hours_left=_hours_left(entry),
        risks=[risk for risk in Risk if risk is not Risk.NOT_JUDGED],
        told=list(Told),
        problem=problem,
    )


@blueprint.post("/<incident_id>/risk")
@needs(Permission.INCIDENT_WRITE)
def risk(incident_id: str) -> Answer:
    def act() -> str:
        chosen = Risk(one_of("risk", "the risk", tuple(risk.value for risk in Risk if risk is not Risk.NOT_JUDGED)))
        judge_risk(house(), incident_id, chosen, user().name)
        return "The risk is recorded; it decides who has to be told."

    return _done(incident_id, act)


@blueprint.post("/<incident_id>/told")
@needs(Permission.INCIDENT_WRITE)
def told(incident_id: str) -> Answer:
    def act() -> str:
        who = Told(one_of("who", "who was told", tuple(who.value for who in Told)))
        record_told(house(), incident_id, who, _moment("at"), user().name)
        return f"Recorded: the {who.value} was told." if who is not Told.PEOPLE else "Recorded: the people were told."

    return _done(incident_id, act)


@blueprint.post("/<incident_id>/close")
@needs(Permission.INCIDENT_WRITE)
def close(incident_id: str) -> Answer:
    def act() -> str:
        close_incident(house(), incident_id, one_of("closing", "why it is closed", CLOSINGS), user().name)
        return "The incident is closed. It stays on record."

    return _done(incident_id, act)


def _done(incident_id: str, act: Callable[[], str]) -> Answer:
    return attempt(act, url_for("incidents.show", incident_id=incident_id), lambda error: _one(incident_id, error))


def _moment(name: str) -> datetime:
    """The moment in this field, on the controller's clock; now where nothing is given. Raises `InputWrong`."""
    if not text(name):
        return house().clock.now()
    try:
        found = datetime.fromisoformat(text(name))
    except ValueError:
        raise InputWrong("that is no moment", code="form.moment", hint="write it as 2026-11-21 14:30") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=house().calendar.zone)
