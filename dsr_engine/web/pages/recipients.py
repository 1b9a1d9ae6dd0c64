"""Recipients: who gets personal data from us, and who of them was told that it is gone."""

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, render_template, request, url_for

from dsr_engine.domain.case import Stage
from dsr_engine.domain.errors import DsrError, InputWrong
from dsr_engine.domain.recipient import Channel, Notice, NoticeState
from dsr_engine.domain.regime import Duty
from dsr_engine.domain.user import Permission
from dsr_engine.web.forms import Answer, attempt, day_or_none, one_of, text
from dsr_engine.web.guard import house, needs, user
from dsr_engine.web.uploads import file_of, takes_file
from dsr_engine.workflow.notices.answering import (
    LEAST,
    PROPOSED,
    SAYABLE,
    acknowledge,
    approve_disproportionate,
    cancel,
    close_recipients,
    declare_impossible,
    propose_disproportionate,
    resend,
)
from dsr_engine.workflow.notices.recipients import CHANNELS, STATES, missing

blueprint = Blueprint("recipients", __name__, url_prefix="/recipients")

_PAGE = 50
#: No paper that shows a deletion is longer; only its digest is kept.
_LONGEST_PAPER = 20 * 1024 * 1024
_TONES = {
    NoticeState.PENDING: "wait",
    NoticeState.SENT: "info",
    NoticeState.ACKNOWLEDGED: "info",
    NoticeState.CONFIRMED: "good",
    NoticeState.FAILED: "wrong",
}
_UNTOLD = (NoticeState.PENDING, NoticeState.FAILED, NoticeState.SENT)


@blueprint.get("")
@needs(Permission.RECIPIENT_READ)
def index() -> str:
    is_all = request.args.get("all") == "1"
    with house().store.snapshot() as tx:
        found = tx.notices.listed(open_only=not is_all, before=_before(), most=_PAGE + 1)
    page, more = found[:_PAGE], len(found) > _PAGE
    later = url_for("recipients.index", all=int(is_all), before=f"{page[-1].made_at.isoformat()}_{page[-1].id}") if more else ""
    return render_template(
        "recipients/index.html",
        register=list(house().recipients.values()),
        notices=page,
        later=later,
        earlier=url_for("recipients.index", all=int(is_all)) if request.args.get("before") else "",
        is_all=is_all,
        states=STATES,
        tones=_TONES,
        channels=CHANNELS,
        missing=missing,
    )


def _before() -> tuple[datetime, str] | None:
    at, _, notice = request.args.get("before", "").partition("_")
    if not at:
        return None
    try:
        return datetime.fromisoformat(at), notice
    except ValueError:
        raise InputWrong("there is no such page of the list", code="form.page", hint="begin at the first page") from None


@blueprint.get("/cases/<case_id>")
@needs(Permission.RECIPIENT_READ)
def show(case_id: str) -> str:
    return _case(case_id)


def _case(case_id: str, problem: DsrError | None = None) -> str:
    with house().store.snapshot() as tx:
        case, notices = tx.cases.get(case_id), tx.notices.of(case_id)
        people = {each: tx.people.name_of(each) for notice in notices for each in (notice.decided_by, notice.approved_by) if each}
        me = tx.people.known(user().name)
    return render_template(
        "recipients/show.html",
        case=case,
        notices=notices,
        people=people,
        me=me,
        states=STATES,
        tones=_TONES,
        channels=CHANNELS,
        missing=missing,
        is_waiting=case.stage is Stage.NOTIFY and any(notice.is_open and notice.closed_at is None for notice in notices),
        acts=_acts,
        least=LEAST,
        proposed=PROPOSED,
        reason=text("reason"),
        problem=problem,
    )


def _acts(notice: Notice) -> frozenset[str]:
    """What can be said of this notice now."""
    found = set()
    if notice.state in (*_UNTOLD, NoticeState.ACKNOWLEDGED):
        found.add("answered")
    if notice.state in _UNTOLD:
        found.add("impossible")
        if notice.duty is Duty.UNLESS_DISPROPORTIONATE:
            found.add("disproportionate")
    known = house().recipients.get(notice.recipient)
    if notice.is_open and known is not None and (notice.channel, known.channel) != (Channel.MANUAL, Channel.MANUAL):
        found.add("resend")  # where a person tells it, there is nothing that the engine could send
    if notice.state is NoticeState.ACKNOWLEDGED and notice.channel not in ("mail", "manual"):
        found.add("cancel")
    return frozenset(found)


@blueprint.post("/cases/<case_id>/<name>/answered")
@needs(Permission.RECIPIENT_WRITE)
@takes_file(_LONGEST_PAPER)
def answered(case_id: str, name: str) -> Answer:
    def act() -> str:
        said = one_of("said", "what happened", tuple(SAYABLE))
        notice = acknowledge(house(), case_id, name, said, user().name, on=day_or_none("on", "The day"), evidence=file_of("evidence"))
        return f"{name}: {STATES[notice.state]}."

    return _done(case_id, act)


@blueprint.post("/cases/<case_id>/<name>/impossible")
@needs(Permission.RECIPIENT_WRITE)
def impossible(case_id: str, name: str) -> Answer:
    return _done(case_id, lambda: f"{name}: {STATES[declare_impossible(house(), case_id, name, text('reason'), user().name).state]}.")


@blueprint.post("/cases/<case_id>/<name>/disproportionate")
@needs(Permission.RECIPIENT_WRITE)
def disproportionate(case_id: str, name: str) -> Answer:
    def act() -> str:
        propose_disproportionate(house(), case_id, name, text("reason"), user().name)
        return f"{name}: the explanation is recorded; somebody else has to approve it."

    return _done(case_id, act)


@blueprint.post("/cases/<case_id>/<name>/approve")
@needs(Permission.RECIPIENT_WRITE)
def approve(case_id: str, name: str) -> Answer:
    return _done(case_id, lambda: f"{name}: {STATES[approve_disproportionate(house(), case_id, name, user().name).state]}.")


@blueprint.post("/cases/<case_id>/<name>/resend")
@needs(Permission.RECIPIENT_WRITE)
def send_again(case_id: str, name: str) -> Answer:
    def act() -> str:
        resend(house(), case_id, name)
        return f"{name} will be told again."

    return _done(case_id, act)


@blueprint.post("/cases/<case_id>/<name>/cancel")
@needs(Permission.RECIPIENT_WRITE)
def take_back(case_id: str, name: str) -> Answer:
    def act() -> str:
        cancel(house(), case_id, name, user().name)
        return f"{name} has taken the request back."

    return _done(case_id, act)


@blueprint.post("/cases/<case_id>/close")
@needs(Permission.RECIPIENT_WRITE)
def close(case_id: str) -> Answer:
    def act() -> str:
        found = close_recipients(house(), case_id, text("reason"), user().name)
        return f"The case goes on without {', '.join(notice.recipient for notice in found)}; its certificate says so."

    return _done(case_id, act)


def _done(case_id: str, act: Callable[[], str]) -> Answer:
    return attempt(act, url_for("recipients.show", case_id=case_id), lambda error: _case(case_id, error))
