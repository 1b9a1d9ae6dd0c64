"""Legal holds: what is protected from erasure, for whom, and who reviewed it."""

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from dsr_engine.domain.errors import DsrError
from dsr_engine.domain.hold import Hold, HoldState
from dsr_engine.domain.user import Permission
from dsr_engine.spec.categories import categories
from dsr_engine.spec.selector_kinds import KINDS
from dsr_engine.web.answers import status_of
from dsr_engine.web.forms import Answer, attempt, day_or_none, text
from dsr_engine.web.guard import house, needs, user, with_second_factor
from dsr_engine.workflow.claims import claims_of
from dsr_engine.workflow.holds.drawing_up import Wanted, drawn_up
from dsr_engine.workflow.holds.placing import InFlight, ask_lift, confirm_hold, lift_hold, place_hold, refuse_lift
from dsr_engine.workflow.holds.reviewing import attest, hold_alarms

blueprint = Blueprint("holds", __name__, url_prefix="/holds")

_STATES = {
    HoldState.PLACED: ("in force, waits for a second person", "wait"),
    HoldState.CONFIRMED: ("in force", "good"),
    HoldState.LIFTING: ("in force, somebody wants it lifted", "wait"),
    HoldState.LIFTED: ("lifted", "quiet"),
}


@blueprint.get("")
@needs(Permission.HOLD_READ)
def index() -> str:
    return _list()


def _list(problem: DsrError | None = None) -> str:
    is_all = request.args.get("all") == "1"
    with house().store.snapshot() as tx:
        found = tx.holds.list(active_only=not is_all)
        active = [entry for entry in found if entry.state is not HoldState.LIFTED]
        last = tx.holds.last_review()
        reviewer = tx.people.name_of(last.by) if last else None
    return render_template(
        "holds/index.html",
        holds=found,
        is_all=is_all,
        states=_STATES,
        scope=scope_of,
        last=last,
        reviewer=reviewer,
        alarms=[sentence.partition(": `")[0] for _, sentence in hold_alarms(active, last, house())],
        is_reviewed=last is not None and last.is_valid(house().clock.now()),
        in_force=len(active),
        problem=problem,
    )


def scope_of(entry: Hold) -> str:
    """What it protects, in a few words; of a person only that it is one."""
    person = "one person" if entry.is_of_person else ""
    period = f"{entry.since or '…'} to {entry.until or '…'}" if entry.since or entry.until else ""
    case = f"case {entry.case}" if entry.case else ""
    return ", ".join(part for part in (person, case, entry.system, entry.collection, entry.category, period) if part) or "everything"


@blueprint.get("/new")
@needs(Permission.HOLD_WRITE)
def new() -> str:
    return _form()


def _form(problem: DsrError | None = None) -> str:
    """The form; identifiers of a person are not written into it again."""
    kept = {name: text(name) for name in ("reason", "matter", "case", "system", "collection", "category", "since", "until", "everything")}
    kept["case"] = kept["case"] or request.args.get("case", "")  # from the page of a case
    return render_template(
        "holds/new.html", problem=problem, values=kept, systems=sorted(house().systems), categories=sorted(categories()), kinds=sorted(KINDS)
    )


@blueprint.post("/new")
@needs(Permission.HOLD_WRITE)
def add() -> Answer:
    try:
        placed, people = drawn_up(house(), _wanted(), user().name)
        # A page does not wait for what is in flight; it says what is, and the hold counts from now on.
        in_flight = place_hold(house(), placed, people, patience_seconds=0)
    except DsrError as error:
        return _form(error), status_of(error)
    flash(f"Hold {placed.id} is in force. Somebody else confirms it.", "done")
    for entry in in_flight:
        flash(_in_flight(entry), "wait")
    return redirect(url_for("holds.show", hold_id=placed.id), 303)


def _wanted() -> Wanted:
    pairs = [(kind, text(kind)) for kind in ("email", "phone", "name") if text(kind)]
    if text("value"):
        pairs.append((text("kind"), text("value")))
    return Wanted(
        text("reason"),
        text("matter"),
        text("case") or None,
        text("system") or None,
        text("collection") or None,
        text("category") or None,
        day_or_none("since", "The first day"),
        day_or_none("until", "The last day"),
        claims_of(pairs) if pairs else (),
        bool(text("everything")),
    )


def _in_flight(entry: InFlight) -> str:
    place = f"{entry.system}.{entry.collection}"
    if entry.is_over:
        return f"A batch of case {entry.case} in {place} was finished before the hold could stop it."
    return f"A batch of case {entry.case} in {place} was being made when the hold came; whoever runs the case again finishes or leaves it."


@blueprint.get("/<hold_id>")
@needs(Permission.HOLD_READ)
def show(hold_id: str) -> str:
    return _one(hold_id)


def _one(hold_id: str, problem: DsrError | None = None) -> str:
    with house().store.snapshot() as tx:
        entry = tx.holds.get(hold_id)
        people = {each: tx.people.name_of(each) for each in (entry.placed_by, entry.confirmed_by, entry.lift_asked_by, entry.lifted_by) if each}
        kept, counts = tx.kept.cases_of_hold(hold_id), tx.kept.counts_of_hold(hold_id)
        me = tx.people.known(user().name)
    return render_template(
        "holds/show.html",
        hold=entry,
        state=_STATES[entry.state],
        scope=scope_of(entry),
        people=people,
        kept=kept,
        counts=counts,
        me=me,
        problem=problem,
    )


@blueprint.post("/<hold_id>/confirm")
@needs(Permission.HOLD_WRITE)
def confirm(hold_id: str) -> Answer:
    return _done(hold_id, lambda: confirm_hold(house(), hold_id, user().name), "The hold is confirmed.")


@blueprint.post("/<hold_id>/ask-lift")
@needs(Permission.HOLD_WRITE)
def ask(hold_id: str) -> Answer:
    return _done(hold_id, lambda: ask_lift(house(), hold_id, user().name, text("reason")), "The hold protects until somebody else agrees.")


@blueprint.post("/<hold_id>/keep")
@needs(Permission.HOLD_WRITE)
def keep(hold_id: str) -> Answer:
    return _done(hold_id, lambda: refuse_lift(house(), hold_id, user().name), "The hold stays in force.")


@blueprint.post("/<hold_id>/lift")
@needs(Permission.HOLD_WRITE)
@with_second_factor
def lift(hold_id: str) -> Answer:
    return _done(hold_id, lambda: _lifted(hold_id), "The hold is lifted; what it protected falls under its rules again at the next round or sweep.")


def _lifted(hold_id: str) -> None:
    cases = lift_hold(house(), hold_id, user().name)
    if cases:
        flash(f"Closed cases kept something back for it: {', '.join(cases[:20])}. Open new cases for these people.", "wait")


def _done(hold_id: str, act: Callable[[], None], told: str) -> Answer:
    def acted() -> str:
        act()
        return told

    return attempt(acted, url_for("holds.show", hold_id=hold_id), lambda error: _one(hold_id, error))


@blueprint.post("/attest")
@needs(Permission.HOLD_WRITE)
def review() -> Response | Answer:
    def reviewed() -> str:
        review = attest(house(), user().name, text("looked_at"))
        return f"Reviewed, with {review.in_force} hold(s) in force. That counts for 90 days and stands on certificates with your id."

    return attempt(reviewed, url_for("holds.index"), _list)
