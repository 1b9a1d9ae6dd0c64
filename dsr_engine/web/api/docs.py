"""The API's own description: the OpenAPI 3.1 document, and a page that shows it to people, made here and served from here."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Flask, current_app, jsonify, render_template
from werkzeug.wrappers import Response

from dsr_engine.web.api import case_acts, certificates, holds, plans, suppression, surroundings, sweeps
from dsr_engine.web.api.callers import count_calls
from dsr_engine.web.api.links import add_links
from dsr_engine.web.api.noun import PREFIX, Interface, Noun
from dsr_engine.web.api.partner_doors import add_doors
from dsr_engine.web.api.problems import answer_programs
from dsr_engine.web.guard import house, public
from dsr_engine.workflow.users.tokens import PREFIX as TOKEN

NOUNS: tuple[Noun, ...] = (
    case_acts.acts,
    plans.noun,
    certificates.noun,
    certificates.ledger,
    surroundings.systems,
    surroundings.policies,
    sweeps.noun,
    holds.noun,
    suppression.noun,
)
INTERFACE = "dsr-interface"
#: What a receiver of webhooks does, in its own program.
RECEIVER = """import hashlib, hmac, time

def verify_signature(secret: bytes, timestamp: str, body: bytes, signature: str) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit()) or abs(time.time() - int(timestamp)) > 300:
        return False
    mark = hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(f"sha256={mark}".encode(), signature.encode())"""
_ABOUT = (
    "Cases from intake to certificate, and what is around them. A plan is approved by a person with a second factor, never by a program; letters, "
    "corrections, papers and copies of somebody's data are for the console. Identifiers of people go into bodies of POST calls only; they are sealed "
    "at once, never told back and never logged."
)
blueprint = Blueprint("api_docs", __name__, url_prefix=PREFIX)


def add_api(app: Flask) -> None:
    """Adds the API to the app. Call it after the pages' error handlers are registered."""
    app.config.update(API_TITLE="DSR Engine", API_VERSION="v1", OPENAPI_VERSION="3.1.0")
    count_calls(app)
    answer_programs(app)
    interface = Interface(app, spec_kwargs={"info": {"description": _ABOUT}, "servers": [{"url": "/"}]})
    interface.spec.components.security_scheme("token", {"type": "http", "scheme": "bearer", "bearerFormat": f"{TOKEN}…"})
    for noun in NOUNS:
        noun.register(interface)
    app.extensions[INTERFACE] = interface
    app.register_blueprint(blueprint)
    add_doors(app)


@blueprint.get("/openapi.json")
@public
def document() -> Response:
    """The document, for programs."""
    return jsonify(_document())


@blueprint.get("")
@public
def page() -> str:
    """The same for people."""
    found = _document()
    shown = {tag["name"].removeprefix("api-"): tag.get("description", "") for tag in found["tags"]}
    operations = tuple(_operations(found))
    nouns = [(name, about, [each for each in operations if each.noun == name]) for name, about in shown.items()]
    schemas = tuple(_schemas(found))
    return render_template(
        "api/docs.html",
        about=found["info"]["description"],
        nouns=nouns,
        schemas=schemas,
        fields_of={name: rows for name, _, rows in schemas},
        receiver=RECEIVER,
        per_minute=house().settings.web.calls_per_minute,
        own=house().settings.web.url,
    )


def _document() -> dict[str, Any]:
    found: dict[str, Any] = current_app.extensions[INTERFACE].spec.to_dict()
    add_links(found)
    return found


@dataclass(frozen=True, slots=True)
class Field:
    """One value that is sent or told. `kind` says what it may be, in words; `schema` names the schema of which it is."""

    name: str
    kind: str
    is_needed: bool
    about: str = ""
    schema: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One call, as the page shows it. `body` and `answer` name schemas."""

    noun: str
    id: str
    method: str
    path: str
    about: str
    permission: str
    parameters: tuple[Field, ...]
    body: str
    answer: str


def _operations(found: dict[str, Any]) -> Iterator[Operation]:
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            if method not in ("get", "post"):
                continue
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            yield Operation(
                operation["tags"][0],
                operation["operationId"],
                method.upper(),
                path,
                " ".join(part for part in (operation.get("summary", ""), operation.get("description", "")) if part),
                operation["x-permission"],
                tuple(_parameter(each) for each in [*methods.get("parameters", ()), *operation.get("parameters", ())]),
                _named(content.get("schema", {})),
                _answer(operation["responses"]),
            )


def _parameter(given: dict[str, Any]) -> Field:
    schema = given.get("schema", {})
    return Field(f"{given['name']} ({given['in']})", _kind(schema), given.get("required", False), given.get("description", ""))


def _answer(responses: dict[str, Any]) -> str:
    for status, answer in responses.items():
        if status.startswith("2"):
            content = answer.get("content", {})
            return next((_named(each.get("schema", {})) or name for name, each in content.items()), "")
    return ""


def _schemas(found: dict[str, Any]) -> Iterator[tuple[str, str, tuple[Field, ...]]]:
    for name, schema in sorted(found["components"]["schemas"].items()):
        needed = schema.get("required", ())
        fields = tuple(
            Field(field, _kind(each), field in needed, each.get("description", ""), _schema(each))
            for field, each in sorted(schema.get("properties", {}).items())
        )
        yield name, schema.get("description", ""), fields


def _named(schema: dict[str, Any]) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _schema(schema: dict[str, Any]) -> str:
    """The schema that a value, or each entry of a list, is described by; empty for a plain one."""
    return _named(schema) or (_schema(schema["items"]) if "items" in schema else "")


def _kind(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return _named(schema)
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"] if value is not None)
    kinds = schema.get("type", "object")
    listed = ", ".join(kinds) if isinstance(kinds, list) else str(kinds)
    if listed == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    words = (("minimum", "from"), ("maximum", "to"), ("maxLength", "at most"), ("format", "as"))
    limits = [f"{word} {schema[key]}" for key, word in words if key in schema]
    return " ".join([listed, *limits])
