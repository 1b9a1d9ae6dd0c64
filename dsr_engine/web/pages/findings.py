"""Findings that wait for a person: possible ones, and those that a rule leaves to them. Somebody looks at each, masked, and says whose it is."""

from collections.abc import Mapping

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from dsr_engine.domain.correction import LEGAL_HOLD, REASONS
from dsr_engine.domain.correction import NOT_THEIRS as CORRECTED_NOT_THEIRS
from dsr_engine.domain.request import Right
from dsr_engine.domain.user import Permission
from dsr_engine.web.guard import house, may, needs, user
from dsr_engine.workflow.asking import ERASE, KEEP, REDACT, WEIGHED, word_of
from dsr_engine.workflow.correcting.reasons import grounds_of
from dsr_engine.workflow.decide import MENTIONED, NOT_THEIRS, STAYS, THEIRS, VERDICTS, decide_findings
from dsr_engine.workflow.deciding import Deciding, deciding
from dsr_engine.workflow.law.exempting import provision
from dsr_engine.workflow.previewing import Preview, previews
from dsr_engine.workflow.settling import SAME_PERSON, settle

blueprint = Blueprint("findings", __name__, url_prefix="/cases/<case_id>/possible")

#: The case at whose records this browser looks, in the cookie; an id and nothing else.
LOOKING = "looking"
#: Each verdict with what it means, for an erasure and for a copy of the data.
_ERASING: Mapping[str, tuple[str, str]] = {
    THEIRS: ("Theirs", "treated by the policy like everything else of theirs"),
    MENTIONED: ("Mentions them", "somebody else's record: only the places that name the person are treated"),
    NOT_THEIRS: ("Somebody else", "left alone, and expected to be there afterwards"),
    STAYS: ("Theirs, but stays", "left alone; the certificate names it as an exception"),
}
#: Of what a rule leaves to a person: what shall become of it.
_ASKED: Mapping[str, tuple[str, str]] = {
    ERASE: ("Erase it", "the record goes as a whole, with whatever else is in it"),
    REDACT: ("Redact it", "only the places that name the person are cut out"),
    KEEP: ("Keep it", "stays as it is, for the reason that is named below"),
    NOT_THEIRS: ("Somebody else", "left alone, and expected to be there afterwards"),
}
_COPYING: Mapping[str, tuple[str, str]] = {
    THEIRS: ("Theirs", "goes into the copy as a whole"),
    MENTIONED: ("Mentions them", "only the passages that name the person go into the copy"),
    NOT_THEIRS: ("Somebody else", "stays out of the copy"),
}


@blueprint.get("")
@needs(Permission.CASE_READ)
def show(case_id: str) -> str:
    place = request.args.get("place", type=int)
    place = place if place is not None and place >= 0 else None
    is_decided = request.args.get("show") == "decided"
    found = deciding(house(), case_id, place=place, is_decided=is_decided, after=request.args.get("after", ""))
    is_looking = session.get(LOOKING) == case_id and may(Permission.CASE_PREVIEW)
    return render_template(
        "findings/show.html",
        case=found.case,
        found=found,
        place=place,
        is_decided=is_decided,
        is_looking=is_looking,
        verdicts=meanings(found.case.right),
        answers=_ASKED,
        word_of=word_of,
        reasons=_reasons(found),
        weighed=WEIGHED,
        previews=_previews(found) if is_looking else {},
        here={key: request.args[key] for key in ("place", "show", "after") if key in request.args},
    )


@blueprint.post("")
@needs(Permission.CASE_WRITE)
def decide(case_id: str) -> Response:
    chosen = [(key.removeprefix("verdict."), value) for key, value in request.form.items() if key.startswith("verdict.") and value in VERDICTS]
    reason = {key: request.form.get(key, "").strip() for key in ("because", "law", "weighed")}
    count = decide_findings(house(), case_id, chosen, user().name, **reason) if chosen else 0
    flash(f"{count} decided." if count else "Nothing was chosen, so nothing was decided.", "done" if count else "wait")
    return redirect(_back(case_id), 303)


@blueprint.post("/look")
@needs(Permission.CASE_PREVIEW)
def look(case_id: str) -> Response:
    if request.form.get("look") == "yes":
        session[LOOKING] = case_id
    else:
        session.pop(LOOKING, None)
    if request.form.get("of") == "copy":
        return redirect(url_for("copies.records", case_id=case_id), 303)
    return redirect(_back(case_id), 303)


@blueprint.post("/same-person")
@needs(Permission.CASE_WRITE)
def same_person(case_id: str) -> Response:
    settle(house(), case_id, SAME_PERSON, user().name)
    flash("Noted: all these records are one person's. The case goes on.", "done")
    return redirect(f"/cases/{case_id}", 303)


def meanings(right: Right) -> Mapping[str, tuple[str, str]]:
    """The verdicts that make sense for a case, with their names and what follows from each."""
    return _ERASING if right is Right.ERASURE else _COPYING


def _reasons(found: Deciding) -> list[tuple[str, str]]:
    """Why records may be kept that a rule leaves to a person; nothing where no such record is shown."""
    if not any(entry.is_asked for entry in found.found):
        return []
    regimes = house().regimes_of(found.case)
    grounds = [(name, provision(regimes, name)) for name in grounds_of(regimes)]
    return grounds + [(code, text) for code, text in REASONS.items() if code not in (CORRECTED_NOT_THEIRS, LEGAL_HOLD)]


def _previews(found: Deciding) -> dict[str, Preview]:
    ids = [entry.id for entry in found.found]
    return {shown.finding: shown for shown in previews(house(), found.case.id, ids, user().name, most=len(ids))} if ids else {}


def _back(case_id: str) -> str:
    """The list as it was filtered; decided ones have left it, so it begins where this page began."""
    kept = {key: request.form[key] for key in ("place", "show", "after") if request.form.get(key)}
    return url_for("findings.show", **{"case_id": case_id, **kept}, _external=False)
