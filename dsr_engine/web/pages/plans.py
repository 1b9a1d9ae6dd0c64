"""A plan before its approval: what would happen, by rule, corrected, approved or given back; and the queue of plans that wait for somebody."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.correction import REASONS, RETURNS
from dsr_engine.domain.errors import Conflict, DsrError, InputWrong
from dsr_engine.domain.user import Permission
from dsr_engine.web.answers import status_of
from dsr_engine.web.forms import Answer, one_of, text
from dsr_engine.web.guard import house, may, needs, user, with_second_factor
from dsr_engine.workflow.approve import give_approval
from dsr_engine.workflow.correcting.choosing import one_of_each
from dsr_engine.workflow.correcting.correct import is_correctable, undo
from dsr_engine.workflow.correcting.queue import WAITS, awaiting, why_not
from dsr_engine.workflow.correcting.returning import give_back, hand_in
from dsr_engine.workflow.correcting.showing import ENDS, ItemShown, Shown, changes, groups, residuals, show_plan
from dsr_engine.workflow.previewing import Preview, previews

blueprint = Blueprint("plans", __name__)
#: Items on a page.
PAGE = 50
#: What becomes of records, as headings.
WORDS = {
    "gone": "Deleted",
    "anonymous": "Made anonymous",
    "cut": "Parts cut out",
    "partly": "Kept in part",
    "restricted": "Stay, restricted",
    "kept": "Stay as they are",
}
#: Samples of one look at the whole plan: one of each thing that happens to a collection.
SAMPLES = 12
#: Lines that are shown of one rule; files with different passages have lines of their own.
LINES = 100
_MOST_COUNTS = 1_000
_SHORTEST = 64


@blueprint.get("/plans")
@needs(Permission.CASE_READ)
def index() -> str:
    """Every plan that waits for an approval, the longest waiting first; on each page those of the caller before the others."""
    after = _after()
    with house().store.snapshot() as tx:
        found = awaiting(tx, user(), PAGE + 1, after)
        waits = tx.case_lists.waits()
    shown, rest = found[:PAGE], found[PAGE:]
    last = shown[-1].case if shown else None
    return render_template(
        "plans/index.html",
        mine=[entry for entry in shown if entry.is_for_me],
        others=[entry for entry in shown if not entry.is_for_me],
        total=sum(waits.get(code, 0) for code in WAITS),
        is_first=after is None,
        later={"since": last.wait.since.isoformat(), "after": last.id} if rest and last is not None and last.wait is not None else None,
    )


@blueprint.get("/cases/<case_id>/plan")
@needs(Permission.CASE_READ)
def show(case_id: str) -> str:
    return _page(case_id)


@blueprint.post("/cases/<case_id>/plan/samples")
@needs(Permission.CASE_PREVIEW)
def samples(case_id: str) -> str:
    """Reads a record of each thing that would happen from its system and shows them masked, before and after, on this one answer only."""
    with house().store.snapshot() as tx:
        case = tx.cases.get(case_id)
        lines = [line for group in groups(show_plan(tx, house(), case).items) for line in group.lines if line.end != "kept"]
        chosen = one_of_each(tx, case, [line.id for line in lines[:SAMPLES]])
    found = {preview.finding: preview for preview in previews(house(), case_id, tuple(chosen.values()), user().name, most=SAMPLES)}
    shown = [(line, found[chosen[line.id]]) for line in lines if chosen.get(line.id) in found]
    return _page(case_id, samples=shown)


@blueprint.post("/cases/<case_id>/plan/approve")
@needs(Permission.PLAN_APPROVE)
@with_second_factor
def approve(case_id: str) -> Answer:
    """Approves exactly the plan that was looked at; where it is another one by now, says what differs."""
    digest, are_gaps_accepted = text("digest"), request.form.get("accept_gaps") == "yes"
    try:
        if len(digest) != _SHORTEST:
            raise Conflict("this is not the digest of the plan", code="plan.other_digest", hint="look at the plan below, then decide")
        if request.form.get("gaps") and not are_gaps_accepted:
            raise InputWrong(
                "some collections were not looked at, and nobody has accepted that",
                code="approve.gaps",
                hint="tick the box to accept it by your name, or give the plan back",
            )
        missing = give_approval(house(), case_id, digest, user().name, accept_gaps=are_gaps_accepted)
    except DsrError as error:
        before = _seen() if error.code == "plan.other_digest" else None
        return _page(case_id, problem=error, before=before), status_of(error)
    if missing:
        flash("You approved this plan. The policy wants a second approval, of somebody else.", "wait")
    else:
        flash("The plan is approved. The engine carries it out by itself; nothing more is needed.", "done")
    return redirect(url_for("plans.show", case_id=case_id), 303)


@blueprint.post("/cases/<case_id>/plan/give-back")
@needs(Permission.PLAN_APPROVE)
def returned(case_id: str) -> Answer:
    try:
        give_back(house(), case_id, text("digest"), one_of("reason", "why you give it back", tuple(RETURNS)), user().name)
    except DsrError as error:
        before = _seen() if error.code == "plan.other_digest" else None
        return _page(case_id, problem=error, before=before), status_of(error)
    flash("The plan went back to the officers with your reason.", "done")
    return redirect(url_for("plans.show", case_id=case_id), 303)


@blueprint.post("/cases/<case_id>/plan/hand-in")
@needs(Permission.CASE_WRITE)
def handed_in(case_id: str) -> Response:
    hand_in(house(), case_id, user().name)
    flash("The plan was handed in again as it is. The approvers decide anew.", "done")
    return redirect(url_for("plans.show", case_id=case_id), 303)


@blueprint.post("/cases/<case_id>/plan/corrections/<correction_id>/undo")
@needs(Permission.CASE_WRITE)
def undone(case_id: str, correction_id: str) -> Response:
    undo(house(), case_id, correction_id, user().name)
    flash("The correction was taken back. The plan is made anew; that takes a moment.", "done")
    return redirect(url_for("plans.show", case_id=case_id), 303)


def _page(
    case_id: str,
    *,
    problem: DsrError | None = None,
    before: Mapping[str, int] | None = None,
    samples: Sequence[tuple[ItemShown, Preview]] | None = None,
) -> str:
    with house().store.snapshot() as tx:
        case = tx.cases.get(case_id)
        found = show_plan(tx, house(), case)
        names = {person: tx.people.name_of(person) or person for person in _people(found)}
        hindrance = why_not(tx, case, user(), found.digest)
        hindrance = hindrance or _not_now(case, found)
    place = _number("place")
    chosen = found.tallies[place] if place is not None and place < len(found.tallies) else None
    items = [item for item in found.items if chosen is None or (item.system, item.collection) == (chosen.system, chosen.collection)]
    start = min(_number("from") or 0, max(0, len(items) - 1))
    return render_template(
        "plans/show.html",
        plan=found,
        case=case,
        groups=groups(found.items),
        residuals=residuals(house(), found.items),
        items=items[start : start + PAGE],
        count=len(items),
        start=start,
        page=PAGE,
        place=place if chosen is not None else None,
        chosen=chosen,
        ends=ENDS,
        words=WORDS,
        names=names,
        hindrance=hindrance,
        state=_state(case, found),
        returns=RETURNS,
        reasons=REASONS,
        can_correct=may(Permission.CASE_WRITE) and is_correctable(case),
        problem=problem,
        samples=samples,
        most_lines=LINES,
        is_other=problem is not None and problem.code == "plan.other_digest",
        changes=[(_in_words(name), was, now_is) for name, was, now_is in changes(before, found.seen)] if before is not None else None,
        seen=json.dumps(found.seen) if len(found.seen) <= _MOST_COUNTS else "",
    )


def _in_words(name: str) -> str:
    """What a count is of: the collection, and what becomes of its records."""
    place, _, end = name.rpartition(": ")
    return f"{place}: {WORDS.get(end, end).lower()}"


def _people(found: Shown) -> set[str]:
    corrected = {person for entry in found.corrections for person in (entry.placed_by, entry.undone_by) if person is not None}
    returned_by = {person for entry in found.returns for person in (entry.returned_by, entry.answered_by) if person is not None}
    return corrected | returned_by | {entry.by for entry in found.approvals}


def _not_now(case: Case, found: Shown) -> str:
    """Why nobody can approve the plan at this moment."""
    if not found.is_current:
        return "the plan is not waiting for an approval"
    if found.is_given_back:
        return "somebody gave it back, and the officers have not answered yet"
    if found.obstacles:
        return "something stands in its way, which has to be settled first"
    if found.affected == 0:
        return "it changes nothing, so nobody has to approve it"
    if case.wait is not None and case.wait.code not in WAITS:
        return case.wait.reason
    return "it is approved" if found.missing == 0 else ""


def _state(case: Case, found: Shown) -> tuple[str, str]:
    """What the plan is at, in a word, and its tone."""
    if case.stage is Stage.PLAN or (case.stage is Stage.APPROVE and not found.is_current):
        return "is made anew", "info"
    if case.stage is not Stage.APPROVE:
        return "of the past" if case.stage is Stage.CLOSED else "being carried out", "quiet" if case.stage is Stage.CLOSED else "info"
    if found.is_given_back:
        return "given back", "wrong"
    if found.obstacles:
        return "something is in its way", "wait"
    return ("approved", "good") if found.missing == 0 else ("waits for approval", "wait")


def _seen() -> dict[str, int] | None:
    """The counts of the plan that the caller had looked at, as the form brought them; only ever shown back to them. None: it brought none."""
    try:
        given = json.loads(request.form.get("seen", ""))
    except ValueError:
        return None
    if not isinstance(given, dict) or not 0 < len(given) <= _MOST_COUNTS:
        return None
    return {name: count for name, count in given.items() if isinstance(count, int)}


def _after() -> tuple[datetime, str] | None:
    """Behind which case the page begins, as its own link said; the beginning where it says nothing that can be read."""
    try:
        since = datetime.fromisoformat(request.args.get("since", ""))
    except ValueError:
        return None
    return (since, request.args.get("after", "")) if since.tzinfo is not None else None


def _number(name: str) -> int | None:
    given = request.args.get(name, "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 9 else None
