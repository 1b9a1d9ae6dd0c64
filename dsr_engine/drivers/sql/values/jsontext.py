"""The texts inside a JSON value and where they are: read as units, rewritten in place."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

#: A member that is named like this may stand in a path; any other may be personal (an address as a key) and is named by its position.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")


class NotJson(ValueError):
    """The text is no JSON after all, or nested beyond reason."""


def parsed(text: str) -> Any:
    """The value of a JSON text; numbers keep their digits."""
    try:
        return json.loads(text, parse_float=_Number, parse_int=_Number)
    except (ValueError, RecursionError):
        raise NotJson from None


class _Number(float):
    """A number that remembers how it was written, so that a rewrite of its neighbour does not touch it."""

    __slots__ = ("text",)

    def __new__(cls, text: str) -> "_Number":
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str

    def __repr__(self) -> str:
        return self.text


def scalars(value: Any, path: str = "$") -> Iterator[tuple[str, str, bool]]:
    """(path, text, is a value) of every scalar, and of every member's name: a name is a text too, but no value."""
    if isinstance(value, dict):
        for position, (name, inner) in enumerate(value.items()):
            yield path, name, False
            yield from scalars(inner, _member(path, position, name))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from scalars(inner, f"{path}[{position}]")
    elif isinstance(value, str):
        yield path, value, True
    elif isinstance(value, _Number):
        yield path, value.text, True


def rewritten(value: Any, at: str, change: Callable[[Any], Any], *, names: bool, path: str = "$", inside: bool = False) -> Any:
    """The value with `change` applied to every scalar at or below the path `at`, and to the members' names there where `names` says so."""
    inside = inside or path == at
    if isinstance(value, dict):
        return {
            (change(name) if inside and names else name): rewritten(inner, at, change, names=names, path=_member(path, position, name), inside=inside)
            for position, (name, inner) in enumerate(value.items())
        }
    if isinstance(value, list):
        return [rewritten(inner, at, change, names=names, path=f"{path}[{position}]", inside=inside) for position, inner in enumerate(value)]
    return change(value) if inside else value


def written(value: Any) -> str:
    """JSON text. Numbers are written as they were read."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name, ensure_ascii=False)}: {written(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(written(inner) for inner in value) + "]"
    return value.text if isinstance(value, _Number) else json.dumps(value, ensure_ascii=False)


def _member(path: str, position: int, name: str) -> str:
    return f"{path}.{name}" if _PLAIN.fullmatch(name) else f"{path}.{{{position}}}"
