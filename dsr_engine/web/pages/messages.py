"""What requesters wrote through the portal: which cases have something unread, and the messages of one case."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.portal import NoteKind
from dsr_engine.domain.user import Permission
from dsr_engine.web.guard import house, needs, user
from dsr_engine.workflow.portal.answering import answer, refusal
from dsr_engine.workflow.portal.denial import clear_denial, is_denied
from dsr_engine.workflow.portal.reading import has_links, mark_read, messages_of
from dsr_engine.workflow.portal.texts import LONGEST
from dsr_engine.workflow.portal.visiting import revoke

blueprint = Blueprint("messages", __name__)
#: Cases on one page, the longest unread first.
MOST = 200
#: What a note is, in words for an officer.
KINDS = {
    NoteKind.ASKED: "The requester's own words in the request",
    NoteKind.ACTS_FOR: "Somebody acts for the person; ask for the paper that shows it, and verify it under the case's identity",
    NoteKind.MORE: "A message of the requester",
    NoteKind.OBJECTION: "The requester objects to the answer",
    NoteKind.AGENT_CONFIRMED: "Whoever reads the person's address says that the agent acts for them",
    NoteKind.AGENT_DENIED: "Whoever reads the person's address says that nobody acts for them: refuse the request unless that is cleared up",
    NoteKind.AGENT_CLEARED: "Somebody here found out that the agent acts for the person after all",
    NoteKind.ANSWER: "Your answer",
    NoteKind.LAW_LEFT_OUT: "The law of the requester's place could not be added to the case: it is not in force, or the policy keeps data on grounds "
    "that it does not know. Open the case by hand under a policy for that law, if it applies to you. It is",
}


@blueprint.get("/messages")
@needs(Permission.CASE_READ)
def index() -> str:
    """Cases with something unread. Who wrote what stands on the next page."""
    with house().store.snapshot() as tx:
        unread = tx.portal.unread(MOST)
    return render_template("messages/index.html", unread=unread, most=MOST)


@blueprint.get("/cases/<case_id>/messages")
@needs(Permission.CASE_PREVIEW)
def show(case_id: str) -> str:
    return _page(case_id)


@blueprint.post("/cases/<case_id>/messages")
@needs(Permission.CASE_WRITE)
def answer_(case_id: str) -> Response | tuple[str, int]:
    text = request.form.get("text", "")
    try:
        answer(house(), case_id, text, user().name)
    except InputWrong as error:
        if error.code not in ("message.empty", "message.long"):
            raise
        return _page(case_id, text=text, problem=error), 400
    flash("The message is there for the requester, and a mail tells them so.", "done")
    return redirect(url_for("messages.show", case_id=case_id), 303)


@blueprint.post("/cases/<case_id>/messages/cleared")
@needs(Permission.CASE_WRITE)
def cleared(case_id: str) -> Response:
    """The agent acts for the person after all: the case may go on."""
    clear_denial(house(), case_id, user().name)
    flash("It is recorded that the agent acts for the person. The case goes on.", "done")
    return redirect(url_for("messages.show", case_id=case_id), 303)


@blueprint.post("/cases/<case_id>/messages/read")
@needs(Permission.CASE_WRITE)
def read(case_id: str) -> Response:
    mark_read(house(), case_id, user().name)
    flash("The messages count as read.", "done")
    return redirect(url_for("messages.index"), 303)


def _page(case_id: str, *, text: str = "", problem: InputWrong | None = None) -> str:
    case, notes = messages_of(house(), case_id)
    with house().store.snapshot() as tx:
        why, denied = refusal(tx, house(), case_id), is_denied(tx, case_id)
    return render_template(
        "messages/show.html",
        case=case,
        notes=notes,
        kinds=KINDS,
        has_link=has_links(house(), case_id),
        why=why,
        is_denied=denied and case.outcome is None,
        text=text,
        problem=problem,
        longest=LONGEST,
    )


@blueprint.post("/cases/<case_id>/messages/end-links")
@needs(Permission.CASE_WRITE)
def end_links(case_id: str) -> Response:
    """A link that fell into wrong hands is ended; the requester asks again, or writes."""
    flash("The private link has ended." if revoke(house(), case_id, user().name) else "The case has no private link.", "done")
    return redirect(url_for("messages.index"), 303)
