"""How errors are answered: one table from the families of errors to HTTP statuses, and one page. Nobody ever sees a traceback."""

import logging

from flask import Flask, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError

from dsr_engine.domain.errors import Conflict, DsrError, InputWrong, ManifestWrong, NotAllowed, NotSupported, NotVerified, Unreachable, place_of
from dsr_engine.web.guard import house

_log = logging.getLogger(__name__)

STATUSES: dict[type[DsrError], int] = {
    InputWrong: 400,
    ManifestWrong: 422,
    Unreachable: 503,
    NotAllowed: 403,
    NotSupported: 422,
    Conflict: 409,
    NotVerified: 422,
}
_REFUSED = "store.refused"
_OFTEN = "sign_in.often"
_WORDS = {
    400: "This request cannot be understood",
    401: "Please sign in",
    403: "You may not do this",
    404: "There is no such page",
    405: "This page is not called like that",
    413: "That is too large",
    421: "This server has another name",
    429: "That was tried too often",
    500: "A mistake of the engine itself",
}
_HINTS = {
    400: "Load the page again and send the form anew: a form counts for twelve hours, and in the browser that opened it.",
    403: "Your account has no permission for it; an administrator can change that.",
    404: "It may have been taken away, or the address is mistyped.",
    421: "Call it by the address that [web] of dsr.toml names.",
    500: "Nothing that was begun is lost. Whoever runs this server finds the place in its log.",
}


def status_of(error: DsrError) -> int:
    """The HTTP status for an error: by its family, but for what is not there (404) and what came too often (429)."""
    if error.code == _OFTEN:
        return 429
    if isinstance(error, InputWrong) and error.code.endswith(".unknown"):
        return 404
    if error.code == _REFUSED:
        # No input of a browser is at fault where the store's database does not take a statement.
        return 500
    return next((status for family, status in STATUSES.items() if isinstance(error, family)), 500)


def answer_errors(app: Flask) -> None:
    """Registers the handlers of this app's pages. The API answers in its own way (`web/api/problems.py`)."""

    @app.errorhandler(DsrError)
    def expected(error: DsrError) -> tuple[str, int]:
        return page(status_of(error), error.message, error.hint, error.code)

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[str, int]:
        status = error.code or 500
        return page(status, _WORDS.get(status, error.name), _HINTS.get(status, ""))

    @app.errorhandler(InternalServerError)
    def unforeseen(error: InternalServerError) -> tuple[str, int]:
        cause = error.original_exception or error
        _log.error("mistake of the engine: %s at %s, endpoint %s", type(cause).__name__, place_of(cause), request.endpoint)
        return page(500, _WORDS[500], _HINTS[500])


def page(status: int, message: str, hint: str = "", code: str = "") -> tuple[str, int]:
    """The page that tells of an error."""
    return render_template(
        "error.html", status=status, message=message, hint=hint, code=code, controller=house().settings.controller.get("name", "")
    ), status
