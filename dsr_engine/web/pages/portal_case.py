"""The private link of a requester: where the request stands, and after a code, what they can do with it."""

from io import BytesIO

from flask import Blueprint, abort, flash, redirect, request, send_file, session, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from dsr_engine.domain.errors import Conflict, DsrError, InputWrong
from dsr_engine.domain.portal import Link, Part
from dsr_engine.domain.selector import Secret
from dsr_engine.web.guard import house, looks_itself
from dsr_engine.web.pages.portal import VISIT
from dsr_engine.web.speaking import SPOKEN, page, refused, spoken, spoken_day, texts, told_of
from dsr_engine.web.uploads import takes_file
from dsr_engine.workflow.access.copying import copy_of
from dsr_engine.workflow.access.wording import copy_languages
from dsr_engine.workflow.identity.showing import MOST_BYTES
from dsr_engine.workflow.portal.answering import thread_of
from dsr_engine.workflow.portal.denial import is_denied
from dsr_engine.workflow.portal.edition import certificate_for
from dsr_engine.workflow.portal.following import Download, letter_for, story_of
from dsr_engine.workflow.portal.visiting import enter, is_visitor, link_of, send_visit_code, waits_for_code
from dsr_engine.workflow.portal.writing import KINDS, answer_for_agent, object_to, show, take_back, write_more

blueprint = Blueprint("portal_case", __name__, url_prefix="/portal")
blueprint.register_error_handler(HTTPException, refused)
blueprint.register_error_handler(DsrError, told_of)

#: What is wrong with what was written, as keys of the portal's texts.
_TEXTS = {"portal.empty": "wrong.missing", "portal.long": "wrong.long", "portal.letters": "wrong.letters", "option.email": "wrong.email"}


@blueprint.after_request
def hide(answer: Response) -> Response:
    """A private link is for no index, whoever found it."""
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer


@blueprint.get(f"/{SPOKEN}/follow/<secret>")
@looks_itself
@spoken
def follow(language: str, secret: str) -> str:  # noqa: ARG001 -- stands in the address
    return _page(_link(secret), secret)


@blueprint.post(f"/{SPOKEN}/follow/<secret>/code")
@looks_itself
@spoken
def send_code(language: str, secret: str) -> Response:
    send_visit_code(house(), _link(secret), Secret(secret))
    return _back(language, secret, "enter")


@blueprint.post(f"/{SPOKEN}/follow/<secret>/open")
@looks_itself
@spoken
def open_(language: str, secret: str) -> Response | tuple[str, int]:
    link = _link(secret)
    try:
        session[VISIT] = enter(house(), link, Secret(secret), request.form.get("code", ""), request.remote_addr or "").reveal()
    except Conflict as error:
        return _page(link, secret, problem="code.wrong" if error.code == "portal.wrong" else "code.over"), 400
    return _back(language, secret, "files")


@blueprint.post(f"/{SPOKEN}/follow/<secret>/more")
@looks_itself
@spoken
def more(language: str, secret: str) -> Response | tuple[str, int]:
    link, fields = _visited(secret), request.form
    try:
        write_more(house(), link, fields.get("kind", KINDS[0]), fields.get("value", ""), fields.get("text", ""))
    except InputWrong as error:
        return _page(link, secret, problem=_TEXTS.get(error.code, "wrong.short")), 400
    return _done(language, secret, "more.done")


@blueprint.post(f"/{SPOKEN}/follow/<secret>/paper")
@looks_itself
@takes_file(MOST_BYTES)
@spoken
def paper(language: str, secret: str) -> Response:
    link, file = _visited(secret), request.files.get("paper")
    show(house(), link, file.read() if file is not None else b"")
    return _done(language, secret, "paper.done")


@blueprint.post(f"/{SPOKEN}/follow/<secret>/withdraw")
@looks_itself
@spoken
def withdraw(language: str, secret: str) -> Response | tuple[str, int]:
    link = _visited(secret)
    if not request.form.get("sure"):
        return _page(link, secret, problem="wrong.missing"), 400
    take_back(house(), link)
    return _done(language, secret, "withdraw.done")


@blueprint.post(f"/{SPOKEN}/follow/<secret>/object")
@looks_itself
@spoken
def object_(language: str, secret: str) -> Response | tuple[str, int]:
    link = _visited(secret)
    try:
        objected = object_to(house(), link, request.form.get("text", ""))
    except InputWrong as error:
        if error.code not in _TEXTS:
            raise
        return _page(link, secret, problem=_TEXTS[error.code]), 400
    if objected.due is None:
        return _done(language, secret, "object.done_note")
    flash(texts()("object.done", day=spoken_day(objected.due.day)), "done")
    return _back(language, secret, "")


@blueprint.get(f"/{SPOKEN}/follow/<secret>/letter/<letter>")
@looks_itself
@spoken
def letter(language: str, secret: str, letter: str) -> Response:  # noqa: ARG001 -- stands in the address
    return _file(letter_for(house(), _visited(secret), letter))


@blueprint.get(f"/{SPOKEN}/follow/<secret>/certificate")
@looks_itself
@spoken
def certificate(language: str, secret: str) -> Response:  # noqa: ARG001 -- stands in the address
    return _file(certificate_for(house(), _visited(secret)))


@blueprint.get(f"/{SPOKEN}/follow/<secret>/copy")
@looks_itself
@spoken
def copy(language: str, secret: str) -> Response:
    """The copy of the requester's data, made while it is fetched; nothing of it is kept here."""
    link = _visited(secret)
    with house().store.snapshot() as tx:
        if is_denied(tx, link.case):
            raise InputWrong("the person says that this agent does not act for them", code="letter.unknown")
    pieces = copy_of(house(), link.case, language if language in copy_languages(house().settings.home) else "")
    return Response(
        pieces, mimetype="application/zip", headers={"Content-Disposition": 'attachment; filename="copy.zip"', "Cache-Control": "no-store"}
    )


@blueprint.get(f"/{SPOKEN}/agent/<secret>")
@looks_itself
@spoken
def agent(language: str, secret: str) -> str:  # noqa: ARG001 -- stands in the address
    link_of(house(), secret, request.remote_addr or "", Part.PERSON)
    return page("portal/agent.html", secret=secret, answered="")


@blueprint.post(f"/{SPOKEN}/agent/<secret>")
@looks_itself
@spoken
def agent_answered(language: str, secret: str) -> str:  # noqa: ARG001 -- stands in the address
    link, is_agent = link_of(house(), secret, request.remote_addr or "", Part.PERSON), request.form.get("answer") == "yes"
    answer_for_agent(house(), link, is_agent=is_agent)
    return page("portal/agent.html", secret=secret, answered="yes" if is_agent else "no", switch=("portal_case.agent", {"secret": secret}))


def _link(secret: str) -> Link:
    return link_of(house(), secret, request.remote_addr or "")


def _visited(secret: str) -> Link:
    """The link, if a code was answered lately in this browser; else the reader is led back to where one is entered."""
    link = _link(secret)
    if not is_visitor(house(), link, session.get(VISIT)):
        abort(_back(str((request.view_args or {})["language"]), secret, "enter"))
    return link


def _page(link: Link, secret: str, problem: str = "") -> str:
    is_inside = is_visitor(house(), link, session.get(VISIT))
    with house().store.snapshot() as tx:
        story = story_of(tx, house(), link, is_inside=is_inside)
        thread = thread_of(tx, link) if is_inside else ()
        is_sent = waits_for_code(tx, house(), link)
    return page(
        "portal/follow.html",
        story=story,
        secret=secret,
        problem=problem,
        kinds=KINDS,
        is_inside=is_inside,
        thread=[(note.kind.value, house().calendar.day_of(note.at), note.text.reveal()) for note in thread],
        is_sent=is_sent,
        is_new="new" in request.args,
        has_mail=house().settings.mail is not None,
        authority=house().settings.letters.authority,
        switch=("portal_case.follow", {"secret": secret}),
    )


def _done(language: str, secret: str, key: str) -> Response:
    flash(texts()(key), "done")
    return _back(language, secret, "")


def _back(language: str, secret: str, anchor: str) -> Response:
    return redirect(url_for("portal_case.follow", language=language, secret=secret, _anchor=anchor or None), 303)


def _file(download: Download) -> Response:
    answer = send_file(BytesIO(download.data), mimetype="application/pdf", as_attachment=True, download_name=download.name, max_age=0)
    answer.headers["Cache-Control"] = "no-store"
    return answer
