"""Pages in the language of their reader: which one it is, its texts, its dates, and the page that tells of a problem in it."""

from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Any

from flask import abort, g, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from dsr_engine.certificate.letter import words_of
from dsr_engine.domain.errors import DsrError, InputWrong
from dsr_engine.web.answers import status_of
from dsr_engine.web.guard import house
from dsr_engine.workflow.portal.wording import FIRST, LANGUAGES, Texts, texts_of

#: The languages, as they stand in an address.
SPOKEN = f"<any({', '.join(LANGUAGES)}):language>"
#: Codes of errors → which problem the portal tells of.
_PROBLEMS = {
    "sign_in.often": "often",
    "link.unknown": "link",
    "letter.unknown": "link",
    "portal.over": "link",
    "mail.not_configured": "mail",
    "copy.unreleased": "late",
    "copy.busy": "busy",
    "portal.file": "file",
    "portal.papers": "file",
    "evidence.size": "file",
    "portal.notes": "notes",
    "case.stage": "late",
    "case.kind": "late",
    "case.had_effect": "late",
    "order.binding": "late",
    "portal.answered": "late",
}
_STATUSES = {400: "form", 404: "unknown", 405: "unknown", 413: "long", 429: "often"}
#: What may stand behind the address of a page and is no part of it.
CHOICES = ("what", "who", "where", "new", "again")


def language() -> str:
    """The language of this page: as its address says, else as the browser asks, else that of the letters."""
    said = (request.view_args or {}).get("language", "")
    if said in LANGUAGES:
        return str(said)
    usual = house().settings.letters.language
    return request.accept_languages.best_match(list(LANGUAGES), usual if usual in LANGUAGES else FIRST) or FIRST


def texts() -> Texts:
    if "texts" not in g:
        g.texts = texts_of(language(), house().settings.home)
    found: Texts = g.texts
    return found


def spoken_day(day: date) -> str:
    """A day as the language writes it."""
    try:
        return words_of(language(), house().settings.home).day(day)
    except InputWrong:
        return day.isoformat()


def page(template: str, **values: Any) -> str:
    """The template in the language of this page. `switch` are the address's parts beside the language, where they differ from this request's."""
    settings = house().settings
    t = texts()
    return render_template(
        template,
        t=t,
        language=t.language,
        languages=[(code, name, _address(code, values.get("switch"))) for code, name in LANGUAGES.items()],
        skip_words=t("skip"),
        is_open=settings.web.has_portal,
        spoken_day=spoken_day,
        reach={key: settings.controller[key] for key in ("name", "contact", "address", "dpo") if settings.controller.get(key)},
        **values,
    )


def _address(code: str, switch: Any) -> str:
    if request.endpoint is None or "language" not in (request.view_args or {}):
        return url_for("portal.start", language=code)
    endpoint, parts = switch or (request.endpoint, request.view_args or {})
    # Of what else stands in the address only choices of our own are carried on: some names have a meaning for `url_for`.
    carried = {name: request.args[name] for name in CHOICES if name in request.args} if switch is None else {}
    return url_for(endpoint, **{**parts, **carried, "language": code})


def problem(name: str, status: int, **values: Any) -> tuple[str, int]:
    """The page that tells of a problem, in the reader's language."""
    return page("portal/problem.html", problem=name, switch=("portal.start", {}), **values), status


def told_of(error: DsrError) -> tuple[str, int]:
    """An error of the engine, without its words, which are meant for whoever runs it."""
    name = _PROBLEMS.get(error.code, "take" if isinstance(error, InputWrong) else "mistake")
    return problem(name, 404 if name == "link" else status_of(error))


def refused(error: HTTPException) -> tuple[str, int]:
    """An error of the web, in the reader's language."""
    name = "form" if isinstance(error, CSRFError) else _STATUSES.get(error.code or 500, "mistake")
    return problem(name, error.code or 500)


def spoken(view: Callable[..., Any]) -> Callable[..., Any]:
    """The view answers errors of the engine in the reader's language; and there is no portal where dsr.toml closes it."""

    @wraps(view)
    def answered(**arguments: Any) -> Any:
        if not house().settings.web.has_portal:
            abort(404)
        try:
            return view(**arguments)
        except DsrError as error:
            return told_of(error)

    return answered
