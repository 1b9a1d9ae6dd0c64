"""What requesters wrote through the portal: which cases have something unread, and the messages of one case."""

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from dsr_engine.domain.portal import NoteKind
from dsr_engine.domain.user import Permission
from dsr_engine.web.guard import house, needs, user
from dsr_engine.workflow.portal.reading import has_links, mark_read, messages_of
from dsr_engine.workflow.portal.visiting import revoke

blueprint = Blueprint("messages", __name__)
#: What a note is, in words for an officer.
KINDS = {
    NoteKind.ASKED: "The requester's own words in the request",
    NoteKind.ACTS_FOR: "Somebody acts for the person; ask for the paper that shows it, and verify it under the case's identity",
    NoteKind.MORE: "A message of the requester",
    NoteKind.OBJECTION: "The requester objects to the answer",
    NoteKind.AGENT_CONFIRMED: "Whoever reads the person's address says that the agent acts for them",
    NoteKind.AGENT_DENIED: "Whoever reads the person's address says that nobody acts for them: refuse the request unless that is cleared up",
    NoteKind.LAW_LEFT_OUT: "The law of the requester's place could not be added to the case: it is not in force, or the policy keeps data on grounds "
    "that it does not know. Open the case by hand under a policy for that law, if it applies to you. It is",
}


@blueprint.get("/messages")
@needs(Permission.CASE_READ)
def index() -> str:
    """Cases with something unread. Who wrote what stands on the next page."""
    with house().store.snapshot() as tx:
        unread = tx.portal.unread()
    return render_template("messages/index.html", unread=unread)


@blueprint.get("/cases/<case_id>/messages")
@needs(Permission.CASE_PREVIEW)
def show(case_id: str) -> str:
    case, notes = messages_of(house(), case_id)
    return render_template("messages/show.html", case=case, notes=notes, kinds=KINDS, has_link=has_links(house(), case_id))


@blueprint.post("/cases/<case_id>/messages/read")
@needs(Permission.CASE_WRITE)
def read(case_id: str) -> Response:
    mark_read(house(), case_id, user().name)
    flash("The messages count as read.", "done")
    return redirect(url_for("messages.index"), 303)


@blueprint.post("/cases/<case_id>/messages/end-links")
@needs(Permission.CASE_WRITE)
def end_links(case_id: str) -> Response:
    """A link that fell into wrong hands is ended; the requester asks again, or writes."""
    flash("The private link has ended." if revoke(house(), case_id, user().name) else "The case has no private link.", "done")
    return redirect(url_for("messages.index"), 303)
