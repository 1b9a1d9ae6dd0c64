"""One noun of the API: how an operation is declared, so that permission, idempotency, schemas and documentation cannot be forgotten one by one."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import flask_smorest  # type: ignore[import-untyped]  # published without type information
from flask import abort, current_app, jsonify, request
from marshmallow import Schema
from werkzeug.wrappers import Response

from dsr_engine.domain.user import Permission
from dsr_engine.web.api import keys
from dsr_engine.web.api.callers import allows, check_caller
from dsr_engine.web.api.problems import MEDIA_TYPE, problem
from dsr_engine.web.api.schemas import ProblemSchema
from dsr_engine.web.api.strict_json import is_strict
from dsr_engine.web.guard import csrf, looks_itself

_View = TypeVar("_View", bound=Callable[..., Any])

PREFIX = "/api/v1"
_KEY = {
    "in": "header",
    "name": keys.HEADER,
    "required": True,
    "description": "A random text of your own for this act. The same call with the same key is done once and answered the same for a day.",
    "schema": {"type": "string", "pattern": keys.PATTERN},
}
#: On a view: which words its query has, and whether it may carry If-Match.
_QUERY, _GUARDED = "dsr_api_query", "dsr_api_guarded"
_IF_NONE_MATCH = {"in": "header", "name": "If-None-Match", "description": "The ETag that you have.", "schema": {"type": "string"}}
_IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "description": "Act only if it still has this ETag.",
    "schema": {"type": "string"},
}


class Interface(flask_smorest.Api):  # type: ignore[misc]  # has no types
    """flask-smorest as a maker of the OpenAPI document. It registers neither pages nor error handlers of its own."""

    ERROR_SCHEMA = ProblemSchema

    def _register_doc_blueprint(self) -> None:
        """Document and page have views of our own, in `docs.py`."""

    def _register_error_handlers(self) -> None:
        """`problems.py` answers."""

    def _register_responses(self) -> None:
        schema = {"$ref": "#/components/schemas/Problem"}
        self.spec.components.schema("Problem", schema=ProblemSchema)
        answer = {"description": "It did not work (RFC 9457)", "content": {MEDIA_TYPE: {"schema": schema}}}
        self.spec.components.response("DEFAULT_ERROR", answer)
        self.spec.components.response("UNPROCESSABLE_ENTITY", answer)


class Noun:
    """The operations of one noun under `/api/v1`."""

    def __init__(self, name: str, description: str) -> None:
        self.name = name
        self.blueprint = flask_smorest.Blueprint(f"api-{name}", __name__, url_prefix=PREFIX, description=description)
        csrf.exempt(self.blueprint)
        self.blueprint.before_request(_check_words)
        self.blueprint.before_request(check_caller)
        self.blueprint.before_request(_check_media)
        self.blueprint.before_request(_check_query)
        self.blueprint.before_request(_check_body)
        self.blueprint.before_request(keys.begin)
        self.blueprint.after_request(_tagged)
        self.blueprint.after_request(keys.end)

    def get(self, rule: str, needs: Permission, gives: Schema | Mapping[str, Any], query: Schema | None = None) -> Callable[[_View], _View]:
        """Declares a look. The view takes the query's values first if there is a schema for them, then the path's by name."""

        def declared(view: _View) -> _View:
            made = self._answering(view, 200, gives)
            made = self.blueprint.doc(parameters=[_IF_NONE_MATCH], responses={304: {"description": "It is as you have it"}})(made)
            if query is not None:
                made = self.blueprint.arguments(query, location="query")(made)
            setattr(made, _QUERY, frozenset(query.fields if query is not None else ()))
            self._add(rule, "GET", view, needs, made)
            return view

        return declared

    def post(
        self, rule: str, needs: Permission, gives: Schema, body: Schema | None = None, status: int = 200, *, is_guarded: bool = False
    ) -> Callable[[_View], _View]:
        """Declares an act. The view takes the body's values first if there is a schema for them. `is_guarded`: it may carry If-Match."""

        def declared(view: _View) -> _View:
            made = self._answering(view, status, gives)
            made = self.blueprint.doc(parameters=[_KEY, *([_IF_MATCH] if is_guarded else [])])(made)
            setattr(made, _GUARDED, is_guarded)
            if body is not None:
                made = self.blueprint.arguments(body)(made)
            self._add(rule, "POST", view, needs, made)
            return view

        return declared

    def register(self, interface: Interface) -> None:
        """Adds the operations to app and document."""
        interface.register_blueprint(self.blueprint)

    def _answering(self, view: Callable[..., Any], status: int, gives: Schema | Mapping[str, Any]) -> Callable[..., Any]:
        if isinstance(gives, Schema):
            made: Callable[..., Any] = self.blueprint.response(status, gives)(view)
        else:
            made = self.blueprint.response(status, **gives)(view)
        return made

    def _add(self, rule: str, method: str, view: Callable[..., Any], needs: Permission, made: Callable[..., Any]) -> None:
        made = self.blueprint.doc(
            security=[{"token": []}], **{"x-permission": needs.value, "operationId": f"{self.name}.{view.__name__.rstrip('_')}"}
        )(made)
        endpoint = view.__name__.rstrip("_")
        self.blueprint.add_url_rule(rule, endpoint, looks_itself(allows(needs, made)), methods=[method], tags=[self.name])


def _check_words() -> None:
    """Ids of ours have no other characters; anything else is nobody's id."""
    for value in (request.view_args or {}).values():
        if isinstance(value, str) and not (len(value) <= 100 and value.isascii() and all(mark.isalnum() or mark in "-_.:" for mark in value)):
            abort(404)


def _check_query() -> Response | None:
    """Only words that the operation knows, each once: a filter that is mistyped would show more than was asked for."""
    known: frozenset[str] = getattr(_view(), _QUERY, frozenset())
    wrong = {name if name in known else "(unknown)" for name, values in request.args.lists() if name not in known or len(values) > 1}
    if wrong:
        return problem(422, "request.invalid", errors={name: ["Unknown field." if name not in known else "Given twice."] for name in sorted(wrong)})
    if request.method == "POST" and request.if_match and not getattr(_view(), _GUARDED, False):
        return problem(400, "etag.not_here", "this act is about nothing that has a version", "leave out If-Match")
    return None


def _check_body() -> Response | None:
    data = request.get_data(cache=True)
    if request.method == "POST" and data and not is_strict(data):
        return problem(400, "request.malformed", "the body is not one JSON object in UTF-8, whose names stand once each, without control characters")
    return None


def _view() -> Callable[..., Any]:
    return current_app.view_functions[request.endpoint or ""]


def _check_media() -> None:
    """Only JSON is read, and what is answered has to be welcome."""
    if request.method == "POST" and request.content_length and not request.is_json:
        abort(415)
    accepted = request.accept_mimetypes
    if accepted and accepted.best_match(("application/json", MEDIA_TYPE, "application/pdf")) is None:
        abort(406)


def _tagged(answer: Response) -> Response:
    """Every look has an ETag, and who has that version already gets none."""
    if request.method in ("GET", "HEAD") and answer.status_code == 200:
        answer.add_etag()
        answer.make_conditional(request)
    return answer


def refuse_changed(document: Schema, now: Mapping[str, Any]) -> None:
    """412 if the caller named a version of the thing (If-Match) and it is another one by now."""
    if request.if_match and not request.if_match.star_tag:
        shown = jsonify(document.dump(now))
        shown.add_etag()
        if not request.if_match.contains(shown.get_etag()[0] or ""):
            abort(412)
