"""The requester's door: asking, confirming, following, downloading; without an account."""

from flask import Blueprint, redirect, request, session, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from dsr_engine.bootstrap import pin_policy
from dsr_engine.domain.errors import Conflict, DsrError, InputWrong
from dsr_engine.domain.portal import Asked, Who
from dsr_engine.domain.request import Right
from dsr_engine.domain.selector import Secret
from dsr_engine.web.guard import house, keeper, looks_itself, public
from dsr_engine.web.speaking import SPOKEN, language, page, problem, refused, spoken, told_of
from dsr_engine.workflow.portal.asking import Mail, confirm, has_mail, mail_state, receive, send_again, waiting
from dsr_engine.workflow.portal.forms import FIELDS, RIGHTS, asked_from, problems_of
from dsr_engine.workflow.portal.hurdle import begun, is_too_quick
from dsr_engine.workflow.portal.laws import PLACES, default_policy, is_unverified
from dsr_engine.workflow.portal.renewing import ask_anew, give_anew, is_asked
from dsr_engine.workflow.portal.secret import is_secret
from dsr_engine.workflow.portal.visiting import first_visit
from dsr_engine.workflow.records.logbook import kept_for

blueprint = Blueprint("portal", __name__, url_prefix="/portal")
blueprint.register_error_handler(HTTPException, refused)
blueprint.register_error_handler(DsrError, told_of)

#: Under which name a browser keeps that a code was answered in it.
VISIT = "portal"
#: A field that people do not see.
TRAP = "website"
#: What a link to the form may say beforehand.
_CHOSEN = ("what", "who", "where")


@blueprint.get("", strict_slashes=False)
@public
@spoken
def door() -> Response:
    """Leads to the portal in the reader's language."""
    answer = redirect(url_for("portal.start", language=language()), 302)
    answer.headers["Vary"] = "Accept-Language"
    return answer


@blueprint.get(f"/{SPOKEN}", strict_slashes=False)
@public
@spoken
def start(language: str) -> str:  # noqa: ARG001 -- stands in the address
    rights = RIGHTS if has_mail(house()) else (Right.OPT_OUT,) if _is_opt_out_free() else ()
    chosen = request.args.get("what", "")
    return page("portal/start.html", rights=rights, whos=tuple(Who), places=tuple(PLACES), has_mail=has_mail(house()), chosen=chosen)


@blueprint.get(f"/{SPOKEN}/ask")
@public
@spoken
def form(language: str) -> str | tuple[str, int]:
    asked = asked_from({name: request.args[name] for name in _CHOSEN if name in request.args}, language)  # nothing of a person, whoever made the link
    if not has_mail(house()) and not _is_free(asked):
        return problem("mail", 503)
    return _form(asked, {}, "")


@blueprint.post(f"/{SPOKEN}/ask")
@public
@spoken
def ask(language: str) -> Response | tuple[str, int]:
    asked = asked_from(request.form, language)
    problems = problems_of(asked, is_unverified=_is_free(asked))
    if problems:
        return _form(asked, problems, ""), 400
    if request.form.get(TRAP) or is_too_quick(house(), request.form.get("begun", "")):
        return _form(asked, {}, "ask.fast"), 400
    pin_policy(keeper().home, default_policy(house()))
    received = receive(house(), asked, request.remote_addr or "")
    if received.ticket is not None:
        return redirect(url_for("portal.code", language=language, ticket=received.ticket.reveal()), 303)
    assert received.link is not None
    return redirect(url_for("portal_case.follow", language=language, secret=received.link.reveal(), new=1), 303)


@blueprint.get(f"/{SPOKEN}/code/<ticket>")
@looks_itself
@spoken
def code(language: str, ticket: str) -> str | tuple[str, int]:  # noqa: ARG001 -- stands in the address
    try:
        return _code_page(ticket, again=request.args.get("again", ""))
    except InputWrong:
        return page("portal/gone.html"), 404


@blueprint.post(f"/{SPOKEN}/code/<ticket>")
@looks_itself
@spoken
def answer(language: str, ticket: str) -> Response | tuple[str, int]:
    pin_policy(keeper().home, default_policy(house()))
    try:
        _look_at(ticket)
        secret = confirm(house(), Secret(ticket), request.form.get("code", ""), request.remote_addr or "")
    except Conflict as error:
        return _code_page(ticket, problem="code.wrong" if error.code == "portal.wrong" else "code.over"), 400
    except InputWrong as error:
        if error.code != "portal.over":
            raise
        return page("portal/gone.html"), 404
    session[VISIT] = first_visit(house(), secret).reveal()
    return redirect(url_for("portal_case.follow", language=language, secret=secret.reveal(), new=1), 303)


@blueprint.post(f"/{SPOKEN}/code/<ticket>/again")
@looks_itself
@spoken
def again(language: str, ticket: str) -> Response | tuple[str, int]:
    _look_at(ticket)
    try:
        send_again(house(), Secret(ticket))
    except Conflict:
        return _code_page(ticket, problem="code.enough", switch=("portal.code", {"ticket": ticket})), 429
    return redirect(url_for("portal.code", language=language, ticket=ticket, again=1), 303)


@blueprint.get(f"/{SPOKEN}/renew")
@public
@spoken
def renew(language: str) -> str | tuple[str, int]:  # noqa: ARG001 -- stands in the address
    """Where somebody whose link was lost or has ended gets another one."""
    return page("portal/renew.html", given={}, problems={}) if has_mail(house()) else problem("mail", 503)


@blueprint.post(f"/{SPOKEN}/renew")
@public
@spoken
def renew_asked(language: str) -> Response | tuple[str, int]:
    given = {name: request.form.get(name, "") for name in ("reference", "email")}
    try:
        ticket = ask_anew(house(), given["reference"], given["email"], language, request.remote_addr or "")
    except InputWrong as error:
        problems = {"portal.reference": {"reference": "wrong.reference"}, "post.address": {"email": "wrong.email"}}.get(error.code)
        if problems is None:
            raise
        return page("portal/renew.html", given=given, problems=problems), 400
    return redirect(url_for("portal.renew_code", language=language, ticket=ticket.reveal()), 303)


@blueprint.get(f"/{SPOKEN}/renew/<ticket>")
@looks_itself
@spoken
def renew_code(language: str, ticket: str) -> str | tuple[str, int]:  # noqa: ARG001 -- stands in the address
    with house().store.snapshot() as tx:
        if not is_secret(ticket) or not is_asked(tx, house(), Secret(ticket)):
            return problem("link", 404)
    return page("portal/renew_code.html", ticket=ticket, problem="")


@blueprint.post(f"/{SPOKEN}/renew/<ticket>")
@looks_itself
@spoken
def renewed(language: str, ticket: str) -> Response | tuple[str, int]:
    if not is_secret(ticket):
        return problem("link", 404)
    try:
        secret = give_anew(house(), Secret(ticket), request.form.get("code", ""), request.remote_addr or "")
    except Conflict as error:
        if error.code == "portal.no_request":
            return problem("none", 404)
        wrong = "code.wrong" if error.code == "portal.wrong" else "renew.over"
        return page("portal/renew_code.html", ticket=ticket, problem=wrong), 400
    session[VISIT] = first_visit(house(), secret).reveal()
    return redirect(url_for("portal_case.follow", language=language, secret=secret.reveal(), new=1), 303)


@blueprint.get(f"/{SPOKEN}/privacy")
@public
@spoken
def privacy(language: str) -> str:  # noqa: ARG001 -- stands in the address
    policy = default_policy(house())
    months, _ = kept_for([house().regimes[name] for name in policy.regimes])
    return page("portal/privacy.html", days=house().followup_days, months=months)


def _form(asked: Asked, problems: dict[str, str], notice: str) -> str:
    choices = {"what": asked.right.value, "who": asked.who.value, "where": asked.place}
    return page(
        "portal/ask.html",
        given={name: getattr(asked, name).reveal() for name in FIELDS},
        problems=problems,
        notice=notice,
        choices=choices,
        begun=begun(house()),
        trap=TRAP,
        is_free=_is_free(asked),
        switch=("portal.form", choices),
    )


def _look_at(ticket: str) -> Mail:
    """How the mail with the code fares. Raises `InputWrong` (`portal.over`) for a ticket under which nothing waits."""
    if not is_secret(ticket):
        raise InputWrong("no request waits under this address", code="portal.over")
    with house().store.snapshot() as tx:
        return mail_state(tx, waiting(tx, house(), Secret(ticket)))


def _code_page(ticket: str, *, problem: str = "", again: str = "", switch: object = None) -> str:
    return page("portal/code.html", ticket=ticket, problem=problem, again=again, mail=_look_at(ticket).value, switch=switch)


def _is_free(asked: Asked) -> bool:
    """True if the request is taken without a code."""
    return is_unverified(house(), default_policy(house()), asked)


def _is_opt_out_free() -> bool:
    """True if somebody, somewhere, can opt out without a code."""
    return any(Right.OPT_OUT in regime.verification.unverified for regime in house().regimes.values())
