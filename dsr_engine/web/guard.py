"""Who may call what. Each view says it by exactly one mark; a view without one is refused, so that none is open by forgetfulness."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import quote

from flask import Flask, abort, current_app, g, redirect, request, session, url_for
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response

from dsr_engine.bootstrap import Keeper
from dsr_engine.domain.user import Permission, User
from dsr_engine.workflow.house import House
from dsr_engine.workflow.users.signing_in import SignedIn, is_confirmed, session_of

_View = TypeVar("_View", bound=Callable[..., Any])

csrf = CSRFProtect()
#: Under which name the keeper of the house stands among an app's extensions, and a session's secret in its cookie.
KEEPER, SECRET = "dsr-keeper", "secret"
MARK, STEP_UP, UNATTENDED = "dsr_needs", "dsr_step_up", "dsr_unattended"


class Anyone(StrEnum):
    """Marks of views that ask for no permission."""

    PUBLIC = "public"
    SIGNED_IN = "signed_in"
    #: The view looks itself: at a token, or at the secret of a private link.
    BY_ITSELF = "by_itself"


def needs(permission: Permission) -> Callable[[_View], _View]:
    """The view is for users with this permission."""
    return _marked(permission)


def public(view: _View) -> _View:
    """The view is for everybody."""
    return _marked(Anyone.PUBLIC)(view)


def signed_in(view: _View) -> _View:
    """The view is for every user, whatever their roles: it is about themselves."""
    return _marked(Anyone.SIGNED_IN)(view)


def looks_itself(view: _View) -> _View:
    """The view checks by itself who calls: by a token of the API, or by the secret of a requester's private link."""
    return _marked(Anyone.BY_ITSELF)(view)


def with_second_factor(view: _View) -> _View:
    """The view also wants a second factor that was proved minutes ago (step-up). Stands beside one of the other marks."""
    setattr(view, STEP_UP, True)
    return view


def unattended(view: _View) -> _View:
    """The view is called by a script again and again: no sign that anybody is there, so the session grows idle. Stands beside one of the marks."""
    setattr(view, UNATTENDED, True)
    return view


def _marked(mark: Permission | Anyone) -> Callable[[_View], _View]:
    def decorated(view: _View) -> _View:
        setattr(view, MARK, mark)
        return view

    return decorated


def house() -> House:
    """The house as its files say now; one and the same for the whole request."""
    if "house" not in g:
        g.house = keeper().house()
    found: House = g.house
    return found


def keeper() -> Keeper:
    found: Keeper = current_app.extensions[KEEPER]
    return found


def who() -> SignedIn | None:
    """Who is signed in with this request; None for a visitor."""
    if "who" not in g:
        secret = session.get(SECRET)
        is_click = not getattr(current_app.view_functions.get(request.endpoint or ""), UNATTENDED, False)
        g.who = session_of(house(), secret, is_click=is_click) if isinstance(secret, str) else None
        if secret is not None and g.who is None and is_click:
            session.clear()
    found: SignedIn | None = g.who
    return found


def user() -> User:
    """The user who calls. Only in views that are not open to visitors."""
    found = who()
    if found is None:
        abort(401)
    return found.user


def may(permission: Permission) -> bool:
    """True if the user who calls has this permission; for what a page offers."""
    found = who()
    return found is not None and found.user.may(permission)


def guard(app: Flask) -> None:
    """Puts the check in front of every view of this app."""
    app.before_request(_check)


def mark_of(view: Callable[..., Any]) -> Permission | Anyone | None:
    """What a view asks for; None if it forgot to say. The views of a class are marked on the class or on the method that is called."""
    marks = [getattr(view, MARK, None)]
    kind = getattr(view, "view_class", None)
    if kind is not None:
        marks += [getattr(getattr(kind, request.method.lower(), None), MARK, None), getattr(kind, MARK, None)]
    return next((mark for mark in marks if mark is not None), None)


def _check() -> Response | None:
    if request.endpoint in (None, "static"):
        return None  # no such page, as Flask will say; or a file of ours
    view = current_app.view_functions[request.endpoint]
    mark = mark_of(view)
    if mark is None:
        abort(403)
    if mark in (Anyone.PUBLIC, Anyone.BY_ITSELF):
        return None
    found = who()
    if found is None:
        return redirect(url_for("sign_in.form", next=_here()), 303)
    if isinstance(mark, Permission) and not found.user.may(mark):
        abort(403)
    if _has_zero():
        abort(400)
    if getattr(view, STEP_UP, False) and not is_confirmed(house(), found.session):
        # What was sent is not kept; the page that asks for the factor leads back to the page that it was sent from.
        return redirect(url_for("account.confirm", next=_here()), 303)
    return None


def _has_zero() -> bool:
    """True if this call brings the character NUL: no page of ours sends it, and PostgreSQL takes none."""
    forms = request.form.values() if request.method == "POST" else ()
    return any("\0" in text for text in (request.path, *request.args.values(), *forms))


def _here() -> str:
    """The page to come back to: this one, or the one whose form was sent."""
    if request.method in ("GET", "HEAD"):
        return request.full_path.rstrip("?")
    return _looked_at(local_path(request.referrer.removeprefix(request.host_url.rstrip("/")) if request.referrer else "/"))


def _looked_at(path: str) -> str:
    """The page, or the nearest one above it that can be opened: one that only answers a form (samples, a mistake in a form) cannot."""
    adapter = current_app.create_url_adapter(request)
    place, _, _ = path.partition("?")
    while adapter is not None and place.strip("/"):
        try:
            adapter.match(place, method="GET")
        except RequestRedirect:
            break
        except HTTPException:
            place = place.rpartition("/")[0]
        else:
            break
    return path if path.partition("?")[0] == place else place or "/"


def local_path(text: str) -> str:
    """The text if it is a path of this server, else the start page: nobody is led elsewhere by a link to us (CWE-601)."""
    is_local = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable() and "\\" not in text
    return quote(text, safe="/?=&%-._~:,+") if is_local else "/"
