"""What a user does about their own account: password, second factors, sessions, tokens. And the page that asks for a second factor in between."""

import base64
import binascii
from datetime import timedelta

from flask import Blueprint, current_app, flash, redirect, render_template, request, session, url_for
from reportlab.graphics.barcode.qrencoder import QRCode, QRErrorCorrectLevel
from werkzeug.wrappers import Response

from dsr_engine.domain.errors import DsrError, InputWrong, NotAllowed, NotVerified
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.user import Permission
from dsr_engine.store.web_sessions import WebSession
from dsr_engine.web.answers import status_of
from dsr_engine.web.guard import SECRET, house, local_path, signed_in, user, who, with_second_factor
from dsr_engine.web.pages.sign_in import as_json, prove
from dsr_engine.web.permissions import HAPPENING_WORDS, PERMISSION_WORDS, ROLE_WORDS, for_programs, sorted_by_weight
from dsr_engine.workflow.users.factors import add_totp, make_recovery, new_totp, remove_totp, seal_totp, totp_uri, unseal_totp
from dsr_engine.workflow.users.happenings import happenings
from dsr_engine.workflow.users.passkeys import add_passkey, authentication_options, place_of, registration_options, remove_passkey
from dsr_engine.workflow.users.signing_in import (
    change_password,
    check_own_password,
    is_confirmed,
    is_fresh,
    renew_session,
    sessions_of,
    sign_out_others,
)
from dsr_engine.workflow.users.tokens import make_token, revoke_token

blueprint = Blueprint("account", __name__, url_prefix="/account")
#: Where the browser keeps the sealed secret of one-time codes between the QR code and the first code.
PENDING = "codes"


@blueprint.get("")
@signed_in
def show() -> str:
    return _page()


@blueprint.post("/password")
@signed_in
def password() -> Response | tuple[str, int]:
    new = request.form.get("new", "")
    try:
        if new != request.form.get("again", ""):
            raise InputWrong("the two new passwords differ", code="user.password", hint="type it again")
        change_password(house(), user(), request.form.get("old", ""), new, _session().digest)
    except DsrError as problem:
        return _page(problem), 400
    _renew()
    flash("Your password is changed. Every other session of yours has ended.", "done")
    return redirect(url_for("account.show"), 303)


@blueprint.post("/sessions")
@signed_in
def end_sessions() -> Response:
    sign_out_others(house(), _session())
    _renew()
    flash("Every other session of yours has ended.", "done")
    return redirect(url_for("account.show", _anchor="sessions"), 303)


# --- Step-up -----------------------------------------------------------------------------------------------------------------------


@blueprint.get("/confirm")
@signed_in
def confirm() -> str:
    """Asks for the second factor before something that needs it; who has none is led to setting one up."""
    return _confirm(local_path(request.args.get("next", "/")))


@blueprint.post("/confirm")
@signed_in
def confirmed() -> Response | tuple[str, int]:
    onward = local_path(request.form.get("next", "/"))
    try:
        prove(user())
    except NotAllowed as problem:
        return _confirm(onward, problem), status_of(problem)
    _renew(is_confirmed=True)
    return redirect(onward, 303)


@blueprint.get("/confirm/passkey")
@signed_in
def confirm_options() -> Response:
    return as_json(lambda: authentication_options(house(), user()))


# --- One-time codes ----------------------------------------------------------------------------------------------------------------


@blueprint.get("/codes")
@signed_in
def codes() -> Response | str:
    return _sure() or _codes()


@blueprint.post("/codes")
@signed_in
def add_codes() -> Response | str | tuple[str, int]:
    unsure = _sure()
    if unsure is not None:
        return unsure
    try:
        _check_fresh()
        made = add_totp(house(), user(), _pending(), request.form.get("code", ""), _session().digest)
    except NotAllowed as problem:
        return _codes(problem), status_of(problem)
    session.pop(PENDING, None)
    return _added("One-time codes are set up.", made)


@blueprint.post("/codes/remove")
@signed_in
@with_second_factor
def remove_codes() -> Response:
    remove_totp(house(), user(), _session().digest)
    _renew()
    flash("The app's codes do not count any more. Every other session of yours has ended.", "done")
    return redirect(url_for("account.show", _anchor="factors"), 303)


@blueprint.post("/recovery")
@signed_in
@with_second_factor
def recovery() -> str:
    return render_template("account/recovery.html", codes=make_recovery(house(), user()), done="New recovery codes are made; earlier ones are void.")


# --- Passkeys ----------------------------------------------------------------------------------------------------------------------


@blueprint.get("/passkeys")
@signed_in
def passkeys() -> Response | str:
    return _sure() or _passkeys()


@blueprint.get("/passkeys/options")
@signed_in
def passkey_options() -> Response:
    return as_json(lambda: registration_options(house(), user()))


@blueprint.post("/passkeys")
@signed_in
def add() -> Response | str | tuple[str, int]:
    unsure = _sure()
    if unsure is not None:
        return unsure
    try:
        _check_fresh()
        made = add_passkey(house(), user(), request.form.get("name", ""), request.form.get("credential", ""), _session().digest)
    except DsrError as problem:
        return _passkeys(problem), status_of(problem)
    return _added("The passkey is added.", made)


@blueprint.post("/passkeys/remove")
@signed_in
@with_second_factor
def remove() -> Response:
    remove_passkey(house(), user(), request.form.get("passkey", ""), _session().digest)
    _renew()
    flash("The passkey does not count any more. Every other session of yours has ended.", "done")
    return redirect(url_for("account.show", _anchor="factors"), 303)


# --- Tokens ------------------------------------------------------------------------------------------------------------------------


@blueprint.get("/tokens/new")
@signed_in
@with_second_factor
def new_token() -> str:
    return _token()


@blueprint.post("/tokens/new")
@signed_in
@with_second_factor
def add_token() -> str | tuple[str, int]:
    name, days = request.form.get("name", ""), request.form.get("days", "")
    try:
        chosen = [permission for permission in _offered() if permission.value in request.form.getlist("permission")]
        token = make_token(house(), user(), name, chosen, int(days) if days.isdecimal() and len(days) < 5 else 0)
    except DsrError as problem:
        return _token(problem), 400
    return render_template("account/token.html", token=token, name=" ".join(name.split()))


@blueprint.post("/tokens/revoke")
@signed_in
def revoke() -> Response:
    revoke_token(house(), user(), request.form.get("token", ""))
    flash("The token does not work any more.", "done")
    return redirect(url_for("account.show", _anchor="tokens"), 303)


# --- Pages -------------------------------------------------------------------------------------------------------------------------


def _page(problem: DsrError | None = None) -> str:
    me = user()
    with house().store.snapshot() as tx:
        found = {
            "passkeys": tx.passkeys.of(me.id),
            "sessions": sessions_of(tx, house(), me),
            "happened": happenings(tx, house(), me),
            "tokens": tx.api_tokens.of(me.id),
            "recovery_left": tx.users.recovery_left(me.id),
        }
    return render_template(
        "account/show.html",
        problem=problem,
        here=_session().digest,
        has_place=place_of(house()) is not None,
        roles=ROLE_WORDS,
        words=HAPPENING_WORDS,
        **found,
    )


def _confirm(onward: str, problem: NotAllowed | None = None) -> str:
    return render_template("account/confirm.html", next=onward, problem=problem, has_passkeys=place_of(house()) is not None)


def _codes(problem: NotAllowed | None = None) -> str:
    secret = _pending()
    rows = _squares(totp_uri(house(), user(), secret).reveal())
    return render_template("account/codes.html", secret=secret, rows=rows, problem=problem, is_fresh=_is_fresh(), next=_onward())


def _passkeys(problem: DsrError | None = None) -> str:
    return render_template("account/passkeys.html", problem=problem, has_place=place_of(house()) is not None, is_fresh=_is_fresh(), next=_onward())


def _token(problem: DsrError | None = None) -> str:
    return render_template(
        "account/new_token.html",
        problem=problem,
        offered=_offered(),
        words=PERMISSION_WORDS,
        chosen=request.form.getlist("permission"),
        name=request.form.get("name", ""),
        days=request.form.get("days", "90"),
        ends=[(days, house().clock.now() + timedelta(days=days)) for days in (7, 30, 90, 365)],
    )


def _offered() -> tuple[Permission, ...]:
    """What this user can let a program do."""
    return sorted_by_weight(user().permissions & for_programs(current_app))


def _added(done: str, made: tuple[Secret, ...]) -> Response | str:
    # Whoever just set a factor up has proved it: they need not do so again for what they came for.
    _renew(is_confirmed=True)
    if made:
        return render_template("account/recovery.html", codes=made, done=done, next=_onward())
    flash(f"{done} Every other session of yours has ended.", "done")
    return redirect(_onward() or url_for("account.show", _anchor="factors"), 303)


def _onward() -> str:
    """Where somebody wanted to go who was led here to set up a factor; empty if they came by themselves."""
    given = request.values.get("next", "")
    return local_path(given) if given else ""


# --- Being sure that it is them ----------------------------------------------------------------------------------------------------


def _sure() -> Response | None:
    """Leads whoever has a second factor to proving it, before they may add one."""
    if user().has_second_factor and not is_confirmed(house(), _session()):
        return redirect(url_for("account.confirm", next=request.full_path.rstrip("?")), 303)
    return None


def _is_fresh() -> bool:
    return is_fresh(house(), _session())


def _check_fresh() -> None:
    """Whoever has no second factor yet gives their password again, unless they signed in a moment ago. Raises `NotAllowed`."""
    if _is_fresh():
        return
    if not user().has_password:
        raise NotAllowed("you signed in too long ago", code="sign_in.old", hint="sign out, sign in again, and come back within ten minutes")
    check_own_password(house(), user(), request.form.get("password", ""))


def _pending() -> Secret:
    """The secret of one-time codes that this browser was shown, or a new one."""
    kept = session.get(PENDING)
    try:
        secret = unseal_totp(house(), user(), base64.b64decode(str(kept), validate=True))
    except (NotVerified, binascii.Error, ValueError):
        secret = new_totp()
        session[PENDING] = base64.b64encode(seal_totp(house(), user(), secret)).decode()
    return secret


def _squares(text: str) -> list[list[bool]]:
    """The modules of a QR code, row by row."""
    drawn = QRCode(None, QRErrorCorrectLevel.M)
    drawn.addData(text)
    drawn.make()
    size = drawn.getModuleCount()
    return [[bool(drawn.isDark(row, column)) for column in range(size)] for row in range(size)]


def _renew(*, is_confirmed: bool = False) -> None:
    """Lets this browser's session go on under a new secret: whoever had learnt the old one is out, as from every other session."""
    session[SECRET] = renew_session(house(), _session(), is_confirmed=is_confirmed).reveal()


def _session() -> WebSession:
    found = who()
    assert found is not None  # every view here is for those who are signed in
    return found.session
