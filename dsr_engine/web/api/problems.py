"""How the API answers what goes wrong: `application/problem+json` (RFC 9457) with the stable code of the error, never with what was sent."""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, g, request
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.wrappers import Response

from dsr_engine.domain.errors import DsrError, place_of
from dsr_engine.web.answers import status_of

#: What begins like this is for programs.
ROOTS = ("/api/", "/opendsr/", "/iab/", "/metrics", "/dsrdelete.json", "/.well-known/")
MEDIA_TYPE = "application/problem+json"
#: How long somebody waits who called too often, in seconds.
RETRY_AFTER = 60
_UNSIGNED = "token.wrong"
_TITLES = {
    400: "The request cannot be understood",
    401: "A valid token is needed",
    403: "This token may not do that",
    404: "There is nothing of this name",
    405: "This is not called with that method",
    406: "Only application/json is answered",
    409: "Something else stands in the way",
    412: "It changed since you looked",
    413: "That is too large",
    415: "Only application/json is read",
    421: "This server has another name",
    422: "A value cannot be used",
    429: "That was called too often",
    500: "A mistake of the engine itself",
    503: "A system does not answer",
}
_CODES = {
    400: "request.malformed",
    401: _UNSIGNED,
    403: "token.permission",
    404: "path.unknown",
    405: "method.wrong",
    406: "accept.wrong",
    412: "etag.changed",
    413: "request.too_large",
    415: "content_type.wrong",
    421: "host.wrong",
    422: "request.invalid",
    429: "calls.often",
    500: "internal_error",
}
_log = logging.getLogger(__name__)


def is_for_programs() -> bool:
    """True if whoever called is a program: it gets no page."""
    return request.path.startswith(ROOTS)


def problem(status: int, code: str, detail: str = "", hint: str = "", errors: Mapping[str, Any] | None = None) -> Response:
    """The answer. `detail` and `hint` are sentences of the engine's own; `errors` names fields, never their values."""
    body: dict[str, Any] = {"type": f"urn:dsr:problem:{code}", "title": _TITLES.get(status, "It did not work"), "status": status, "code": code}
    body |= {name: text for name, text in (("detail", detail), ("hint", hint), ("request_id", g.get("request_id", ""))) if text}
    if errors:
        body["errors"] = errors
    if request.path.startswith("/opendsr/"):  # the specification has a word of its own for it (§ 7.6)
        body["error"] = {"code": status, "message": detail, "errors": [{"domain": "dsr", "reason": code, "message": detail}]}
    answer = Response(json.dumps(body), status, mimetype=MEDIA_TYPE)
    if status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    if status in (429, 503):
        answer.headers["Retry-After"] = str(RETRY_AFTER)
    return answer


def answer_programs(app: Flask) -> None:
    """Programs get problems where browsers get pages. Call it after the pages' own handlers are registered."""
    for kind, answer in ((DsrError, _expected), (HTTPException, _refused), (InternalServerError, _unforeseen)):
        code = 500 if kind is InternalServerError else None
        page = app.error_handler_spec[None][code][kind]
        app.register_error_handler(kind, _chosen(answer, page))


def _chosen(answer: Callable[[Any], Response], page: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def chosen(error: Exception) -> Any:
        return answer(error) if is_for_programs() else page(error)

    return chosen


def _expected(error: DsrError) -> Response:
    status = 401 if error.code == _UNSIGNED else status_of(error)
    return problem(status, "calls.often" if status == 429 else error.code, error.message, error.hint)


def _refused(error: HTTPException) -> Response:
    status = error.code or 500
    if status < 400 and error.response is None:
        return error.get_response()
    messages = getattr(error, "data", {}).get("messages")
    answer = problem(status, _CODES.get(status, f"http.{status}"), errors=_named(messages) if messages else None)
    if status == 405 and isinstance(getattr(error, "valid_methods", None), list | set | tuple):
        answer.headers["Allow"] = ", ".join(sorted(error.valid_methods))  # type: ignore[attr-defined]  # a MethodNotAllowed
    return answer


def _unforeseen(error: InternalServerError) -> Response:
    cause = error.original_exception or error
    _log.error("mistake of the engine: %s at %s, endpoint %s", type(cause).__name__, place_of(cause), request.endpoint)
    return problem(500, _CODES[500], hint="Nothing that was begun is lost. Whoever runs this server finds the place in its log.")


def _named(messages: Any) -> dict[str, Any]:
    """The fields and what is wrong with each. Unknown names may be anything, a person's address included, so they are counted only."""
    found: dict[str, Any] = {}
    for part in messages.values() if isinstance(messages, dict) else ():
        for field, wrong in part.items() if isinstance(part, dict) else ():
            texts = sorted(set(_texts(wrong)))
            name = "(unknown)" if "Unknown field." in texts else str(field)
            found[name] = sorted({*found.get(name, ()), *texts})
    return found


def _texts(wrong: Any) -> list[str]:
    if isinstance(wrong, dict):
        return [text for inner in wrong.values() for text in _texts(inner)]
    return [str(text) for text in wrong] if isinstance(wrong, list) else [str(wrong)]
