"""What people typed into a form, as the workflow takes it; and an act with the two ways in which it may end."""

from collections.abc import Callable
from datetime import date, datetime, time

from flask import flash, redirect, request
from werkzeug.wrappers import Response

from dsr_engine.domain.errors import DsrError, InputWrong
from dsr_engine.spec.selector_kinds import KINDS
from dsr_engine.web.answers import status_of
from dsr_engine.web.guard import house

Answer = Response | str | tuple[str, int]


def text(name: str) -> str:
    """What stands in this field, without blanks at its ends."""
    return request.form.get(name, "").strip()


def day(name: str, label: str) -> date:
    """The day in this field. Raises `InputWrong`, without repeating what was typed."""
    try:
        return date.fromisoformat(text(name))
    except ValueError:
        raise InputWrong(f"{label} is no date", code="form.date", hint="write it as 2026-11-21") from None


def day_or_none(name: str, label: str) -> date | None:
    return day(name, label) if text(name) else None


def midnight(on: date) -> datetime:
    """The first moment of a day where the controller is."""
    return datetime.combine(on, time(), house().calendar.zone)


def one_of(name: str, label: str, known: tuple[str, ...]) -> str:
    """The choice in this field. Raises `InputWrong` for none, and for one that the form does not offer."""
    chosen = text(name)
    if chosen not in known:
        raise InputWrong(f"nothing was chosen: {label}", code="form.choice", hint="choose one of what the form offers")
    return chosen


def typed_identifiers() -> tuple[tuple[str, str], ...]:
    """Every row for an identifier (kind, value) that the form sent, empty ones included."""
    return tuple(zip(request.form.getlist("kind"), request.form.getlist("value"), strict=False))


def filled_identifiers() -> tuple[tuple[str, str], ...]:
    """The rows of those that have a value."""
    return tuple((kind, value) for kind, value in typed_identifiers() if value.strip())


def identifier_kinds() -> dict[str, str]:
    """The kinds of identifiers that a form offers, each in a few words."""
    return {kind: about.partition(";")[0] for kind, about in KINDS.items()}


def attempt(act: Callable[[], str], onward: str, again: Callable[[DsrError], str]) -> Answer:
    """Does it; says what was done and leads on. What was refused is said on the page of the form, which is shown again with what stood in it."""
    try:
        told = act()
    except DsrError as error:
        return again(error), status_of(error)
    flash(told, "done")
    return redirect(onward, 303)


def plain_hint(error: DsrError) -> str:
    """What mends it, unless that speaks of commands that somebody at a page does not type."""
    return "" if "dsr " in error.hint or "--" in error.hint else error.hint
