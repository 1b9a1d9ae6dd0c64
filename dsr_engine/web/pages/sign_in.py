"""Signing in and out."""

from flask import Blueprint, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from dsr_engine.domain.errors import NotAllowed
from dsr_engine.domain.user import User
from dsr_engine.web.guard import SECRET, house, local_path, public, signed_in, who
from dsr_engine.workflow.users.signing_in import check_password, open_session, sign_out

blueprint = Blueprint("sign_in", __name__)


@blueprint.get("/sign-in")
@public
def form() -> str:
    return render_template("sign_in/form.html", next=local_path(request.args.get("next", "/")), problem=None, name="")


@blueprint.post("/sign-in")
@public
def enter() -> Response | tuple[str, int]:
    name, onward = request.form.get("name", ""), local_path(request.form.get("next", "/"))
    try:
        user = check_password(house(), name, request.form.get("password", ""), request.remote_addr or "")
    except NotAllowed as problem:
        return render_template("sign_in/form.html", next=onward, problem=problem, name=name), 403
    let_in(user)
    return redirect(onward, 303)


@blueprint.post("/sign-out")
@signed_in
def leave() -> Response:
    found = who()
    if found is not None:
        sign_out(house(), found.session)
    session.clear()
    return redirect(url_for("sign_in.form"), 303)


def let_in(user: User, *, is_confirmed: bool = False) -> None:
    """Opens a session for this user in this browser; what the browser had before is void (CWE-384)."""
    with house().store.transaction() as tx:
        secret = open_session(tx, house(), user, is_confirmed=is_confirmed)
    session.clear()
    session[SECRET] = secret.reveal()
    session.permanent = True
