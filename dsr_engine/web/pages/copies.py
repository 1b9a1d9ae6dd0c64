"""The copy of a person's data: what it will hold, an officer's look over it, its release, and fetching it."""

from flask import Blueprint, Response, flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as Answer

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.user import Permission
from dsr_engine.store.access import Possible
from dsr_engine.web.guard import house, may, needs, user, with_second_factor
from dsr_engine.web.pages.findings import LOOKING
from dsr_engine.workflow.access.beginning import begin_copy, search_again
from dsr_engine.workflow.access.bounds import COPYING
from dsr_engine.workflow.access.choosing import REASONS
from dsr_engine.workflow.access.copying import copy_of
from dsr_engine.workflow.access.reviewing import TREATMENTS, naming_others, release, review_of, take_back, treat_record
from dsr_engine.workflow.access.wording import copy_languages, copy_words
from dsr_engine.workflow.previewing import previews

blueprint = Blueprint("copies", __name__, url_prefix="/cases/<case_id>/copy")


@blueprint.get("")
@needs(Permission.CASE_READ)
def show(case_id: str) -> str:
    review = review_of(house(), case_id)
    return render_template(
        "copies/show.html",
        case=review.case,
        review=review,
        is_copying=review.case.right in COPYING,
        systems=sorted(house().systems),
        languages=copy_languages(house().settings.home),
        language=house().settings.letters.language,
    )


@blueprint.post("/begin")
@needs(Permission.CASE_WRITE)
def begin(case_id: str) -> Answer:
    systems = request.form.getlist("systems")
    if not systems:
        raise InputWrong("no system was chosen", code="copy.systems", hint="choose at least one; all, unless the request is about one only")
    begin_copy(house(), case_id, user().name, systems)
    flash("The case is on its way: who asked has to be verified, then the systems are searched.", "done")
    return redirect(url_for("copies.show", case_id=case_id), 303)


@blueprint.post("/again")
@needs(Permission.CASE_WRITE)
def again(case_id: str) -> Answer:
    search_again(house(), case_id, user().name)
    flash("The systems are searched again. Records have to be decided about anew.", "done")
    return redirect(url_for("copies.show", case_id=case_id), 303)


@blueprint.post("/release")
@needs(Permission.CASE_WRITE)
@with_second_factor
def let_go(case_id: str) -> Answer:
    release(house(), case_id, user().name)
    flash("The copy is released. It is made from the systems whenever it is fetched.", "done")
    return redirect(url_for("copies.show", case_id=case_id), 303)


@blueprint.post("/take-back")
@needs(Permission.CASE_WRITE)
def hold_back(case_id: str) -> Answer:
    take_back(house(), case_id, user().name)
    flash("The copy is held back again.", "done")
    return redirect(url_for("copies.show", case_id=case_id), 303)


@blueprint.post("/fetch")
@needs(Permission.CASE_WRITE)
@with_second_factor
def fetch(case_id: str) -> Response:
    """The ZIP, as it is made. Nothing of it is kept here, nor by what lies between: the answer may not be stored."""
    pieces = copy_of(house(), case_id, request.form.get("language", ""), user().name)
    headers = {"Content-Disposition": f'attachment; filename="copy-{case_id}.zip"', "Cache-Control": "no-store"}
    return Response(pieces, mimetype="application/zip", headers=headers)


@blueprint.get("/records")
@needs(Permission.CASE_READ)
def records(case_id: str) -> str:
    found = naming_others(house(), case_id, request.args.get("after", ""))
    is_looking = session.get(LOOKING) == case_id and may(Permission.CASE_PREVIEW)
    words = copy_words(house().settings, "en")
    return render_template(
        "copies/records.html",
        case=found.case,
        found=found,
        is_looking=is_looking,
        reasons={code: words.reasons[code] for code in REASONS},
        previews=_previews(case_id, found.records) if is_looking else {},
        after=request.args.get("after", ""),
    )


@blueprint.post("/records")
@needs(Permission.CASE_WRITE)
def treat(case_id: str) -> Answer:
    chosen = {key.removeprefix("treat."): value for key, value in request.form.items() if key.startswith("treat.")}
    for finding, treatment in chosen.items():
        how = treatment if treatment in TREATMENTS else ""
        treat_record(house(), case_id, finding, how, request.form.get(f"reason.{finding}", "") if how else "", user().name)
    flash(f"{len(chosen)} decided." if chosen else "Nothing was chosen, so nothing was decided.", "done" if chosen else "wait")
    return redirect(url_for("copies.records", case_id=case_id, after=request.form.get("after") or None), 303)


def _previews(case_id: str, found: tuple[Possible, ...]) -> dict[str, object]:
    ids = [entry.id for entry in found]
    return {shown.finding: shown for shown in previews(house(), case_id, ids, user().name, most=len(ids), shows_others=True)} if ids else {}
