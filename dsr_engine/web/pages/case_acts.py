"""What an officer does about a case: grounds, limits, tasks, what only a person may decide, how it ends, and appeals."""

import hashlib
from collections.abc import Callable

from flask import Blueprint, Response, render_template, request, url_for

from dsr_engine.bootstrap import pin_policy
from dsr_engine.domain.case import Case, CaseKind, Outcome, Stage
from dsr_engine.domain.entitled import EVERYTHING, REASONINGS
from dsr_engine.domain.errors import DsrError, InputWrong
from dsr_engine.domain.letter import LetterKind
from dsr_engine.domain.pause import Doubt, Stop
from dsr_engine.domain.regime import PauseWhy
from dsr_engine.domain.request_log import DENIALS, REFUSALS, Decision
from dsr_engine.domain.user import Permission
from dsr_engine.store.transaction import Transaction
from dsr_engine.web.forms import Answer, attempt, day, day_or_none, filled_identifiers, identifier_kinds, one_of, plain_hint, text
from dsr_engine.web.guard import house, keeper, needs, user
from dsr_engine.web.papers import saved
from dsr_engine.web.story import named
from dsr_engine.web.uploads import file_of, takes_file
from dsr_engine.workflow.claims import claims_of
from dsr_engine.workflow.decide import close_unfulfilled
from dsr_engine.workflow.intake import Request
from dsr_engine.workflow.law import acknowledging, appealing, extending, ordering, pausing
from dsr_engine.workflow.law.entitling import ASSESSED, name_grounds, stated_grounds
from dsr_engine.workflow.law.passing import past_of
from dsr_engine.workflow.letters.corresponding import notice_day
from dsr_engine.workflow.records import replying
from dsr_engine.workflow.report import due_row
from dsr_engine.workflow.settling import GO_ON, SAME_PERSON, note_task, settle
from dsr_engine.workflow.waking import woken
from dsr_engine.workflow.wiping import wipe

blueprint = Blueprint("case_acts", __name__, url_prefix="/cases")
#: Bytes of a file that shows that something was done.
MOST_EVIDENCE = 25_000_000
_ANSWERS = {"fulfilled": Decision.FULFILLED, "partly": Decision.PARTLY, "refused": Decision.REFUSED}


# --- grounds -----------------------------------------------------------------------------------------------------------------


@blueprint.get("/<case_id>/grounds")
@needs(Permission.CASE_READ)
def grounds(case_id: str) -> str:
    return _grounds(case_id)


@blueprint.post("/<case_id>/grounds")
@needs(Permission.CASE_WRITE)
def name_ground(case_id: str) -> Answer:
    def act() -> str:
        taken = tuple(request.form.getlist("take_back"))
        named_now = {text("category") or EVERYTHING: text("ground")} if text("ground") else {}
        if not (taken or named_now):
            raise InputWrong("no ground was chosen", code="form.choice", hint="choose the ground on which the data have to go")
        name_grounds(house(), case_id, named_now, user().name, text("reasoning") or ASSESSED, taken)
        return "The ground is named." if named_now else "The ground is taken back."

    return attempt(act, url_for("case_acts.grounds", case_id=case_id), lambda problem: _grounds(case_id, problem))


def _grounds(case_id: str, problem: DsrError | None = None) -> str:
    def facts(tx: Transaction, case: Case) -> dict[str, object]:
        known = {entry.name: entry for regime in house().regimes_of(case) for entry in regime.entitlements}
        rows = [{**row, "by": named(tx, row["by"])} for row in stated_grounds(tx, house(), case)]
        return {"known": known, "stated": rows, "reasonings": REASONINGS}

    return _page("cases/grounds.html", case_id, facts, problem)


# --- limits ------------------------------------------------------------------------------------------------------------------


@blueprint.get("/<case_id>/clock")
@needs(Permission.CASE_READ)
def clock(case_id: str) -> str:
    return _clock(case_id)


@blueprint.post("/<case_id>/clock/<what>")
@needs(Permission.CASE_WRITE)
def set_clock(case_id: str, what: str) -> Answer:
    acts: dict[str, Callable[[str], str]] = {
        "acknowledged": _acknowledged,
        "asked": _asked,
        "came": _came,
        "extended": _extended,
        "received": _received,
    }
    if what not in acts:
        raise InputWrong("there is no such form", code="form.unknown")
    return attempt(lambda: acts[what](case_id), url_for("case_acts.clock", case_id=case_id), lambda problem: _clock(case_id, problem))


def _acknowledged(case_id: str) -> str:
    on = day("acknowledged_on", "the day of the confirmation")
    acknowledging.acknowledge(house(), case_id, on, user().name)
    return f"Receipt was confirmed on {on}."


def _asked(case_id: str) -> str:
    why = PauseWhy(one_of("why", "what was asked for", tuple(PauseWhy)))
    doubt = Doubt(text("doubt")) if text("doubt") in set(Doubt) else None
    lines = pausing.pause(house(), case_id, Stop(why, day("asked_on", "the day of the question"), doubt=doubt), user().name)
    return f"Noted. {'; '.join(lines)}."


def _came(case_id: str) -> str:
    why = PauseWhy(text("why")) if text("why") in set(PauseWhy) else None
    stop = pausing.unpause(house(), case_id, day("came_on", "the day on which it came"), user().name, why)
    return f"{stop.why.value.replace('_', ' ').capitalize()} came on {stop.ended}."


def _extended(case_id: str) -> str:
    notified = day_or_none("notified_on", "the day of the notice")
    reason = one_of("reason", "why the answer takes longer", extending.REASONS)
    extending.extend(house(), case_id, reason, notified or notice_day(house(), case_id, LetterKind.EXTENSION), user().name)
    return "The limit for the answer is extended."


def _received(case_id: str) -> str:
    on = day("received_on", "the day of receipt")
    replying.correct_receipt(house(), case_id, on, one_of("because", "why the day was wrong", replying.RECEIPT_REASONS), user().name)
    return f"The request arrived on {on}; every limit has moved with it."


def _clock(case_id: str, problem: DsrError | None = None) -> str:
    def facts(tx: Transaction, case: Case) -> dict[str, object]:
        entry = tx.request_log.of(case.id)
        return {
            "due": due_row(tx, house(), case),
            **past_of(tx, house(), case),
            "acknowledged": entry.acknowledged if entry is not None else None,
            "whys": [why.value for why in PauseWhy],
            "doubts": [doubt.value for doubt in Doubt],
            "reasons": extending.REASONS,
            "receipt_reasons": replying.RECEIPT_REASONS,
        }

    return _page("cases/clock.html", case_id, facts, problem)


# --- what only a person decides, and tasks -------------------------------------------------------------------------------------


@blueprint.get("/<case_id>/decide")
@needs(Permission.CASE_READ)
def decide(case_id: str) -> str:
    return _page("cases/decide.html", case_id, lambda _tx, _case: {}, None)


@blueprint.post("/<case_id>/decide")
@needs(Permission.CASE_WRITE)
def decided(case_id: str) -> Answer:
    def act() -> str:
        manner = one_of("manner", "what is decided", (SAME_PERSON, GO_ON))
        settle(house(), case_id, manner, user().name)
        return "Noted; the case goes on."

    onward = url_for("cases.show", case_id=case_id)
    return attempt(act, onward, lambda problem: _page("cases/decide.html", case_id, lambda _tx, _case: {}, problem))


@blueprint.get("/<case_id>/tasks")
@needs(Permission.CASE_READ)
def tasks(case_id: str) -> str:
    return _tasks(case_id)


@blueprint.post("/<case_id>/tasks/<task_id>")
@needs(Permission.CASE_WRITE)
@takes_file(MOST_EVIDENCE)
def task_done(case_id: str, task_id: str) -> Answer:
    """Of the file that shows it only the SHA-256 is kept."""

    def act() -> str:
        evidence = file_of("evidence")
        if evidence is None:
            raise InputWrong("no file was chosen that shows it", code="upload.none", hint="a picture of the screen will do")
        note_task(house(), case_id, task_id, hashlib.sha256(evidence).hexdigest(), user().name)
        with house().store.transaction() as tx:
            woken(tx, house(), tx.cases.locked(case_id))
        return "The task is done. Only a digest of your file is kept, so keep the file yourself."

    return attempt(act, url_for("case_acts.tasks", case_id=case_id), lambda problem: _tasks(case_id, problem))


def _tasks(case_id: str, problem: DsrError | None = None) -> str:
    def facts(tx: Transaction, case: Case) -> dict[str, object]:
        return {"tasks": tx.tasks.of(case.id), "names": {task.id: named(tx, task.done_by or "") for task in tx.tasks.of(case.id)}}

    return _page("cases/tasks.html", case_id, facts, problem)


# --- how it ends ---------------------------------------------------------------------------------------------------------------


@blueprint.get("/<case_id>/end")
@needs(Permission.CASE_READ)
def end(case_id: str) -> str:
    return _end(case_id)


@blueprint.post("/<case_id>/end/<how>")
@needs(Permission.CASE_WRITE)
@takes_file(MOST_EVIDENCE)
def set_end(case_id: str, how: str) -> Answer:
    acts: dict[str, Callable[[str], str]] = {"refused": _refused, "withdrawn": _withdrawn, "answered": _answered, "order": _order_ended}
    if how not in acts:
        raise InputWrong("there is no such form", code="form.unknown")
    return attempt(lambda: acts[how](case_id), url_for("cases.show", case_id=case_id), lambda problem: _end(case_id, problem))


def _refused(case_id: str) -> str:
    late = close_unfulfilled(house(), case_id, Outcome.REFUSED, one_of("reason", "why it is refused", REFUSALS), user().name)
    wipe(house())
    told = "The case is refused, and its identifiers are forgotten. Now tell the requester: the letter is under Letters."
    return f"{told} The limit for saying no was over for {late} day(s), and the ledger says so." if late else told


def _withdrawn(case_id: str) -> str:
    if "sure" not in request.form:
        raise InputWrong("nothing was done: the box is not ticked", code="form.choice", hint="tick it if the requester took the request back")
    close_unfulfilled(house(), case_id, Outcome.WITHDRAWN, "withdrawn", user().name)
    wipe(house())
    return "The case is withdrawn, and its identifiers are forgotten."


def _answered(case_id: str) -> str:
    decision = _ANSWERS[one_of("outcome", "what the person was told", tuple(_ANSWERS))]
    reply = replying.Reply(decision, day("answered_on", "the day of the answer"), text("because"))
    entry = replying.replied(house(), case_id, reply, user().name)
    wipe(house())
    return f"Answered on {entry.answered}, {entry.days} day(s) after it arrived."


def _order_ended(case_id: str) -> str:
    evidence = file_of("evidence")
    if evidence is None:
        raise InputWrong("no file was chosen that shows it", code="upload.none", hint="the letter of the authority or the court")
    ordering.end_order(house(), case_id, one_of("reason", "why the order does not bind any more", ordering.ENDINGS), evidence, user().name)
    wipe(house())
    return "The case is closed: the order does not bind any more. Its identifiers are forgotten."


def _end(case_id: str, problem: DsrError | None = None) -> str:
    def facts(tx: Transaction, case: Case) -> dict[str, object]:
        entry = tx.request_log.of(case.id)
        before = (Stage.INTAKE, Stage.VERIFY_IDENTITY, Stage.RESOLVE_IDENTITIES, Stage.DISCOVER, Stage.PLAN, Stage.APPROVE)
        laws = [ground.name for regime in house().regimes_of(case) for ground in regime.grounds]
        return {
            "entry": entry,
            "is_before_effect": case.stage in before,
            "is_order": case.kind is CaseKind.SUPERVISORY_ORDER,
            "can_answer": entry is not None and (case.right.value != "erasure" or entry.decision is not None),
            "refusals": REFUSALS,
            "answers": list(_ANSWERS),
            "denials": list(dict.fromkeys((*DENIALS, *laws))),
            "endings": ordering.ENDINGS,
            "due": due_row(tx, house(), case),
            "has_contact": tx.contacts.is_known(case.id),
        }

    return _page("cases/end.html", case_id, facts, problem)


# --- appeals -------------------------------------------------------------------------------------------------------------------


@blueprint.get("/<case_id>/appeals")
@needs(Permission.CASE_READ)
def appeals(case_id: str) -> str:
    return _appeals(case_id)


@blueprint.post("/<case_id>/appeals/<what>")
@needs(Permission.CASE_WRITE)
def set_appeal(case_id: str, what: str) -> Answer:
    acts: dict[str, Callable[[str], str]] = {"came": _appealed, "extended": _appeal_extended, "denied": _appeal_denied, "granted": _appeal_granted}
    if what not in acts:
        raise InputWrong("there is no such form", code="form.unknown")
    return attempt(lambda: acts[what](case_id), url_for("case_acts.appeals", case_id=case_id), lambda problem: _appeals(case_id, problem))


def _appealed(case_id: str) -> str:
    due, remark = appealing.appeal(house(), case_id, day("came_on", "the day on which it came"), user().name)
    return f"The appeal has to be answered by {due.day} ({due.set_by}). {remark}".strip()


def _appeal_extended(case_id: str) -> str:
    due = appealing.extend_appeal(house(), case_id, day("notified_on", "the day of the notice"), user().name)
    return f"The appeal has to be answered by {due.day} ({due.set_by})."


def _appeal_denied(case_id: str) -> str:
    due = appealing.deny_appeal(house(), case_id, day("denied_on", "the day of the answer"), user().name)
    return f"The appeal is denied.{f' Your answer has to say that the person may turn to {due.authority}.' if due.authority else ''}"


def _appeal_granted(case_id: str) -> str:
    on = day("granted_on", "the day of the answer")
    claims = claims_of(filled_identifiers())
    with house().store.snapshot() as tx:
        name = tx.cases.get(case_id).policy
    policy = keeper().home.declared.policies.get(name)
    if policy is None:
        raise InputWrong(f"policy {name} of the case is gone", code="policy.unknown", hint="put its file back; the new case goes on under it")
    pin_policy(keeper().home, policy)
    made, _ = appealing.grant_appeal(house(), case_id, Request(claims, policy, user().name, vouched="vouch" in request.form), on)
    return f"The appeal is granted, and case {made.id} is open for it."


def _appeals(case_id: str, problem: DsrError | None = None) -> str:
    def facts(tx: Transaction, case: Case) -> dict[str, object]:
        past = past_of(tx, house(), case)
        is_open = any(entry.decision is None for entry in tx.appeals.of(case.id))
        return {**past, "is_open": is_open, "kinds": identifier_kinds(), "rows": [("email", ""), ("customer_id", ""), ("name", "")]}

    return _page("cases/appeals.html", case_id, facts, problem)


# --- what all of them share ------------------------------------------------------------------------------------------------------


def _page(template: str, case_id: str, facts: Callable[[Transaction, Case], dict[str, object]], problem: DsrError | None) -> str:
    """The page of an act; after a wrong try with what is wrong, and with what was typed still in the form."""
    with house().store.snapshot() as tx:
        case = tx.cases.get(case_id)
        known = facts(tx, case)
    today = house().calendar.day_of(house().clock.now()).isoformat()
    hint = plain_hint(problem) if problem is not None else ""
    return render_template(template, case=case, problem=problem, hint=hint, typed=request.form, today=today, **known)


@blueprint.get("/<case_id>/certificate.pdf")
@needs(Permission.CERTIFICATE_READ)
def certificate(case_id: str) -> Response:
    """The paper of the case, as it was signed."""
    with house().store.snapshot() as tx:
        case = tx.cases.get(case_id)
        # Before the case is closed the paper is not checked yet.
        issued = tx.certificates.of(case_id) if case.stage is Stage.CLOSED else None
    path = house().paper.folder / issued.path if issued is not None else None
    if issued is None or path is None or not path.is_file():
        raise InputWrong("there is no paper of this case", code="certificate.unknown", hint="a case has one once it is closed with an effect")
    return saved(path.read_bytes(), path.name, "application/pdf")
