"""One item of a plan: its records, masked samples of them read at that moment, and the correction of what should not happen to them."""

from flask import Blueprint, flash, redirect, render_template, request, url_for

from dsr_engine.domain.errors import DsrError, InputWrong
from dsr_engine.domain.policy import Treatment
from dsr_engine.domain.user import Permission
from dsr_engine.web.answers import status_of
from dsr_engine.web.forms import Answer, one_of, text
from dsr_engine.web.guard import house, may, needs, user
from dsr_engine.web.pages.plans import WORDS
from dsr_engine.workflow.correcting.choosing import choices_of, records_shown
from dsr_engine.workflow.correcting.correct import Corrected, Targets, exclude, is_correctable, move
from dsr_engine.workflow.correcting.showing import item_of, shown_item
from dsr_engine.workflow.masking import mask_of
from dsr_engine.workflow.previewing import Preview, previews_of_item

blueprint = Blueprint("plan_items", __name__, url_prefix="/cases/<case_id>/plan/items/<item_id>")
#: Records on a page, and samples of one look.
PAGE, SAMPLES = 100, 5
#: What a correction may be about.
SCOPES = ("records", "item", "collection")
_LEAVE = "exclude"


@blueprint.get("")
@needs(Permission.CASE_READ)
def show(case_id: str, item_id: str) -> str:
    return _page(case_id, item_id)


@blueprint.post("/samples")
@needs(Permission.CASE_PREVIEW)
def samples(case_id: str, item_id: str) -> str:
    """Reads a few records from their system and shows them masked, on this one answer only."""
    start = text("start")
    first = int(start) if start.isascii() and start.isdigit() and len(start) < 6 else 0
    found = previews_of_item(house(), case_id, item_id, user().name, start=first, most=SAMPLES)
    return _page(case_id, item_id, samples=found, first=first)


@blueprint.post("")
@needs(Permission.CASE_WRITE)
def correct(case_id: str, item_id: str) -> Answer:
    """Takes records out of the plan, or moves them to a gentler treatment."""
    try:
        done = _corrected(case_id, item_id)
    except DsrError as error:
        if error.code == "plan.changed":
            raise
        return _page(case_id, item_id, problem=error), status_of(error)
    flash(f"{done.records} record(s) corrected. The plan is made anew; that takes a moment.", "done")
    return redirect(url_for("plans.show", case_id=case_id), 303)


def _corrected(case_id: str, item_id: str) -> Corrected:
    scope, wanted = one_of("scope", "which records", SCOPES), text("treatment")
    targets = _targets(case_id, item_id, scope)
    if wanted == _LEAVE:
        return exclude(house(), case_id, targets, text("reason"), user().name, law=text("law"), hold=text("hold"))
    if wanted not in set(Treatment):
        raise InputWrong("nothing was chosen: what is to become of them", code="form.choice", hint="choose one of what the form offers")
    staying = wanted in (Treatment.RETAIN, Treatment.RESTRICT)
    ground, law = (text("reason"), text("law")) if staying else ("", "")
    return move(house(), case_id, targets, Treatment(wanted), user().name, ground=ground, law=law)


def _targets(case_id: str, item_id: str, scope: str) -> Targets:
    if scope == "item":
        return Targets(items=(item_id,))
    if scope == "collection":
        with house().store.snapshot() as tx:
            item = item_of(tx, tx.cases.get(case_id), item_id)
        return Targets(collections=(f"{item.system}.{item.collection}",))
    chosen = tuple(request.form.getlist("record"))
    if not chosen:
        raise InputWrong("no record was ticked", code="form.choice", hint="tick records in the list, or choose the whole item")
    return Targets(findings=chosen)


def _page(case_id: str, item_id: str, *, samples: tuple[Preview, ...] | None = None, first: int = 0, problem: DsrError | None = None) -> str:
    given = request.args.get("from", "")
    with house().store.snapshot() as tx:
        case = tx.cases.get(case_id)
        item = item_of(tx, case, item_id)
        mask = mask_of(tx, case)
        can_correct = may(Permission.CASE_WRITE) and is_correctable(case)
        choices = choices_of(tx, house(), case, item) if can_correct else None
        shown = shown_item(house(), case, item, mask)
    start = min(int(given) if given.isascii() and given.isdigit() and len(given) < 6 else 0, max(0, len(item.records) - 1))
    return render_template(
        "plans/item.html",
        case=case,
        item=shown,
        records=records_shown(item.records[start : start + PAGE], mask),
        start=start,
        page=PAGE,
        words=WORDS,
        can_correct=can_correct,
        choices=choices,
        samples=samples,
        first=first,
        sample_count=SAMPLES,
        problem=problem,
        asked=request.form if problem is not None else {},
    )
