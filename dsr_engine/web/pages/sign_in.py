"""Signing in and out: name and password or a passkey or the company's own sign-in, and a second factor where there is one."""

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from dsr_engine.domain.errors import DsrError, InputWrong, NotAllowed
from dsr_engine.domain.user import User
from dsr_engine.web.answers import status_of
from dsr_engine.web.guard import SECRET, house, local_path, public, signed_in, who
from dsr_engine.workflow.users.factors import check_code
from dsr_engine.workflow.users.invitations import accept, invited
from dsr_engine.workflow.users.passkeys import authentication_options, check_passkey, place_of
from dsr_engine.workflow.users.signing_in import (
    SignedIn,
    check_password,
    half_of,
    open_half,
    open_session,
    sign_out,
    throttle_address,
)
from dsr_engine.workflow.users.single_sign_on import begin, finish

blueprint = Blueprint("sign_in", __name__)
#: Where a browser keeps that its first factor was right, and what it set out with to the identity provider.
HALF, JOURNEY = "half", "journey"


@blueprint.get("/sign-in")
@public
def form() -> str:
    return _form(local_path(request.args.get("next", "/")))


@blueprint.post("/sign-in")
@public
def enter() -> Response | tuple[str, int]:
    name, onward = request.form.get("name", ""), local_path(request.form.get("next", "/"))
    try:
        user = check_password(house(), name, request.form.get("password", ""), _address())
    except NotAllowed as problem:
        return _form(onward, problem, name), status_of(problem)
    return go_on(user, onward)


@blueprint.get("/sign-in/passkey")
@public
def passkey_options() -> Response:
    """What a browser is asked for that signs in with a passkey: of anybody, or of whoever gave the right password."""
    half = _half()
    return as_json(lambda: authentication_options(house(), half.user if half else None))


@blueprint.post("/sign-in/passkey")
@public
def enter_with_passkey() -> Response | tuple[str, int]:
    onward = local_path(request.form.get("next", "/"))
    try:
        throttle_address(house(), _address())
        user = check_passkey(house(), request.form.get("credential", ""), None)
    except NotAllowed as problem:
        return _form(onward, problem), status_of(problem)
    let_in(user, is_confirmed=True)
    return redirect(onward, 303)


@blueprint.get("/sign-in/second")
@public
def second() -> Response | str:
    half = _half()
    if half is None:
        return redirect(url_for("sign_in.form", next=local_path(request.args.get("next", "/"))), 303)
    return _second(half.user, local_path(request.args.get("next", "/")))


@blueprint.post("/sign-in/second")
@public
def enter_second() -> Response | tuple[str, int]:
    half, onward = _half(), local_path(request.form.get("next", "/"))
    if half is None:
        flash("That took too long. Please sign in again.", "wait")
        return redirect(url_for("sign_in.form", next=onward), 303)
    try:
        prove(half.user)
    except NotAllowed as problem:
        return _second(half.user, onward, problem), status_of(problem)
    sign_out(house(), half.session)
    let_in(half.user, is_confirmed=True)
    return redirect(onward, 303)


@blueprint.post("/sign-out")
@signed_in
def leave() -> Response:
    found = who()
    if found is not None:
        sign_out(house(), found.session)
    session.clear()
    return redirect(url_for("sign_in.form"), 303)


# --- The company's own sign-in -----------------------------------------------------------------------------------------------------


@blueprint.get("/sign-in/elsewhere")
@public
def elsewhere() -> Response | tuple[str, int]:
    """Leads to the identity provider. What has to come back from there is kept, sealed, in this browser."""
    onward = local_path(request.args.get("next", "/"))
    try:
        throttle_address(house(), _address())
        address, journey = begin(house(), _return_address(), onward)
    except DsrError as problem:
        return _form(onward, problem), status_of(problem)
    session[JOURNEY] = journey
    return redirect(address, 303)


@blueprint.get("/sign-in/back")
@public
def back() -> Response | tuple[str, int]:
    """Where the identity provider leads back to."""
    journey = session.pop(JOURNEY, "")
    try:
        throttle_address(house(), _address())
        arrived = finish(house(), _return_address(), journey if isinstance(journey, str) else "", request.args)
    except DsrError as problem:
        return _form("/", problem), status_of(problem)
    if arrived.is_confirmed:
        let_in(arrived.user, is_confirmed=True)
        return redirect(local_path(arrived.onward), 303)
    return go_on(arrived.user, local_path(arrived.onward))


def _return_address() -> str:
    return house().settings.web.url + url_for("sign_in.back")


# --- Invitations -------------------------------------------------------------------------------------------------------------------


@blueprint.get("/invitation/<secret>")
@public
def invitation(secret: str) -> str:
    return render_template("sign_in/invitation.html", invited=invited(house(), secret), problem=None)


@blueprint.post("/invitation/<secret>")
@public
def take(secret: str) -> Response | tuple[str, int]:
    guest, password = invited(house(), secret), request.form.get("password", "")
    try:
        if password != request.form.get("again", ""):
            raise InputWrong("the two passwords differ", code="user.password", hint="type it again")
        accept(house(), secret, password)
    except InputWrong as problem:
        return render_template("sign_in/invitation.html", invited=guest, problem=problem), 400
    session.clear()
    flash("Your password is set. Sign in with it.", "done")
    return redirect(url_for("sign_in.form"), 303)


# --- What other pages use too ------------------------------------------------------------------------------------------------------


def let_in(user: User, *, is_confirmed: bool = False) -> None:
    """Opens a session for this user in this browser; what the browser had before is void (CWE-384)."""
    with house().store.transaction() as tx:
        secret = open_session(tx, house(), user, is_confirmed=is_confirmed)
    session.clear()
    session[SECRET] = secret.reveal()
    session.permanent = True


def go_on(user: User, onward: str) -> Response:
    """The first factor was right: on to the second, or in if there is none."""
    if not user.has_second_factor:
        let_in(user)
        return redirect(onward, 303)
    with house().store.transaction() as tx:
        secret = open_half(tx, house(), user)
    session.clear()
    session[HALF] = secret.reveal()
    return redirect(url_for("sign_in.second", next=onward), 303)


def prove(user: User) -> None:
    """Checks the code or the passkey that was sent. Raises `NotAllowed`."""
    credential = request.form.get("credential", "")
    if credential:
        check_passkey(house(), credential, user)
    else:
        check_code(house(), user, request.form.get("code", ""))


def as_json(options: Callable[[], str]) -> Response:
    """Options for a script, or what is the matter."""
    return Response(options(), mimetype="application/json")


def _half() -> SignedIn | None:
    secret = session.get(HALF)
    return half_of(house(), secret) if isinstance(secret, str) else None


def _form(onward: str, problem: DsrError | None = None, name: str = "") -> str:
    sign_on = house().settings.sign_on
    return render_template(
        "sign_in/form.html",
        next=onward,
        problem=problem,
        name=name,
        has_passkeys=place_of(house()) is not None,
        elsewhere=sign_on.label if sign_on else "",
        has_portal=house().settings.web.has_portal,
    )


def _second(user: User, onward: str, problem: DsrError | None = None) -> str:
    return render_template("sign_in/second.html", who=user, next=onward, problem=problem, has_passkeys=place_of(house()) is not None)


def _address() -> str:
    return request.remote_addr or ""
