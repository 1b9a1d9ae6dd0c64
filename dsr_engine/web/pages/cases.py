"""Cases: the list, and the story of each from intake to certificate."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlencode

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from dsr_engine.domain.case import Case, CaseKind, Outcome, Stage
from dsr_engine.domain.request import Right
from dsr_engine.domain.user import Permission
from dsr_engine.store.case_lists import Place, Wanted
from dsr_engine.store.transaction import Transaction
from dsr_engine.web.asked import begin, day, end
from dsr_engine.web.clicks import APPROVALS, permission_for
from dsr_engine.web.guard import house, may, needs, user
from dsr_engine.web.pages.ledger import said_of
from dsr_engine.web.pages.plans import WORDS
from dsr_engine.web.pages.progress import progress_of
from dsr_engine.web.story import STAGE_NAMES, STAGES, named, stand_of, story
from dsr_engine.workflow.access.bounds import COPYING
from dsr_engine.workflow.law.attention import Urgency, urgency
from dsr_engine.workflow.law.standing import standings
from dsr_engine.workflow.waking import wake

blueprint = Blueprint("cases", __name__, url_prefix="/cases")
PAGE = 50
#: Characters of a case's whole number.
_WHOLE = 16
#: Entries of the ledger that the page of one case shows; the ledger itself has all of them.
MOST_LEAVES = 500
_MOST_SAID = 5
#: What the filter of the list says beside the kinds that the store knows.
STATES = {"": "All", "open": "Open", "waiting": "Waiting", "overdue": "Overdue", "closed": "Closed"}

_Word = TypeVar("_Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the list. `answer` is the last day for the answer (None: no limit runs), `tone` how near it is."""

    case: Case
    answer: date | None
    set_by: str
    tone: str


@blueprint.get("")
@needs(Permission.CASE_READ)
def index() -> Response | str:
    """The newest first, a page at a time. What is searched for is a case's number, never a person; a whole number leads to the case itself."""
    wanted, after, before = _wanted(), _place("after"), _place("before")
    with house().store.snapshot() as tx:
        if len(wanted.number) == _WHOLE and tx.case_lists.those((wanted.number,)):
            return redirect(url_for("cases.show", case_id=wanted.number), 303)
        if request.args.get("state") == "overdue":
            wanted = replace(wanted, ids=_overdue(tx))
        found = tx.case_lists.page(wanted, PAGE + 1, after=after, before=before)
        total = tx.case_lists.count(wanted)
        policies = tx.case_lists.policies()
        is_more = len(found) > PAGE
        shown = (found[1:] if is_more else found) if before is not None else found[:PAGE]
        lines = _lines(tx, shown)
    earlier = _turned("before", shown[0]) if shown and (after is not None or (before is not None and is_more)) else ""
    later = _turned("after", shown[-1]) if shown and (before is not None or is_more) else ""
    return render_template(
        "cases/index.html",
        lines=lines,
        total=total,
        earlier=earlier,
        later=later,
        policies=policies,
        states=STATES,
        stages=[(stage.value, name) for stage, name, _ in STAGES],
        kinds=list(CaseKind),
        rights=list(Right),
        outcomes=list(Outcome),
        asked=request.args,
        is_filtered=any(value for name, value in request.args.items() if name not in ("after", "before")),
        stand_of=stand_of,
        names=STAGE_NAMES,
    )


@blueprint.get("/<case_id>")
@needs(Permission.CASE_READ)
def show(case_id: str) -> str:
    with house().store.snapshot() as tx:
        case = tx.cases.get(case_id)
        told = story(tx, house(), case)
        progress = progress_of(tx, case)
        is_own = case.opened_by == tx.people.known(user().name)
    is_waiting = case.wait is not None and case.wait.code in APPROVALS
    return render_template(
        "cases/show.html",
        case=case,
        told=told,
        progress=progress,
        plan_words=WORDS,
        permission_for=permission_for,
        approvals=APPROVALS,
        is_own=is_own,
        is_copying=case.right in COPYING,
        is_for_me=is_waiting and not is_own and may(Permission.PLAN_APPROVE),
    )


@blueprint.get("/<case_id>/ledger")
@needs(Permission.LEDGER_READ)
def leaves(case_id: str) -> str:
    """Every entry of the ledger about this case, oldest first: what happened and when, with no data of the person."""
    with house().store.snapshot() as tx:
        case = tx.cases.get(case_id)
        found = tx.ledger_lists.of_case(case_id, MOST_LEAVES + 1)
        told = [(entry, [(name, _person(tx, name, value)) for name, value in said_of(entry)][:_MOST_SAID]) for entry in found[:MOST_LEAVES]]
    return render_template("cases/ledger.html", case=case, leaves=told, is_cut=len(found) > MOST_LEAVES, most=MOST_LEAVES)


def _person(tx: Transaction, name: str, value: str) -> str:
    """People stand in the ledger by random ids; here by their names, as long as those are not forgotten."""
    return named(tx, value) if name == "by" else value


@blueprint.post("/<case_id>/run")
@needs(Permission.CASE_WRITE)
def run(case_id: str) -> Response:
    """Lets the worker look at the case again at once; nothing is run here."""
    case = wake(house(), case_id, user().name)
    flash("The engine looks at it again, in a few seconds if it is not busy." if case.wait else "The engine works on it already.", "done")
    return redirect(url_for("cases.show", case_id=case_id), 303)


def _wanted() -> Wanted:
    given = request.args
    return Wanted(
        state=given.get("state", "") if given.get("state") in ("open", "waiting", "closed") else "",
        kind=_word(CaseKind, "kind"),
        right=_word(Right, "right"),
        stage=_word(Stage, "stage"),
        outcome=_word(Outcome, "outcome"),
        policy=given.get("policy", ""),
        number="".join(character for character in given.get("number", "").lower() if character.isalnum())[:32],
        opened_from=begin(day("from")),
        opened_before=end(day("to")),
    )


def _word(kind: type[_Word], name: str) -> _Word | None:
    given = request.args.get(name, "")
    return kind(given) if given in set(kind) else None


def _place(name: str) -> Place | None:
    """Where a page begins, from an address that this list made. A broken one gives the first page."""
    moment, _, id_ = request.args.get(name, "").partition("_")
    try:
        found = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return Place(found, id_) if found.tzinfo is not None else None


def _turned(name: str, case: Case) -> str:
    kept = {key: value for key, value in request.args.items() if key not in ("after", "before") and value}
    return f"{url_for('cases.index')}?{urlencode({**kept, name: f'{case.opened_at.isoformat()}_{case.id}'})}"


def _overdue(tx: Transaction) -> frozenset[str]:
    """The open cases whose answer is overdue: days are computed and not stored, so all open ones are looked at."""
    return frozenset(case for case, due in standings(tx, house(), tx.cases.list(open_only=True)).items() if due.is_overdue)


def _lines(tx: Transaction, cases: tuple[Case, ...]) -> list[Line]:
    stood, today = standings(tx, house(), cases), house().calendar.day_of(house().clock.now())
    tones = {Urgency.OVERDUE: "wrong", Urgency.TODAY: "wrong", Urgency.SOON: "wait", Urgency.LATER: ""}
    lines = []
    for case in cases:
        due = stood.get(case.id)
        answer = due.limits.answer if due is not None else None
        tone = tones[urgency(due.limits.alarm_of("answer") or due.limits.answer, today, due.limits.answer)] if due is not None else ""
        lines.append(Line(case, answer, due.limits.set_by.get("answer", "") if due is not None else "", tone))
    return lines
