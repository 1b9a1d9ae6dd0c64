"""JSON that has one meaning (RFC 7493): what two readers may understand differently, or no store can hold, is refused before anybody acts on it."""

import json
from collections.abc import Sequence
from typing import Any

#: No body of ours is nested deeper than five.
DEEPEST = 20


def is_strict(data: bytes) -> bool:
    """True for one JSON object in UTF-8 in which no name stands twice, and no number or character is none (NaN, NUL, half of a pair)."""
    try:
        found = json.loads(data.decode(), object_pairs_hook=_object, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and _is_sound(found)


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _refuse(_: str) -> None:
    raise ValueError


def _is_sound(found: dict[str, Any]) -> bool:
    level: list[Any] = [found]
    for _ in range(DEEPEST):
        below: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                below += [*each, *each.values()]
            elif isinstance(each, list):
                below += each
            elif isinstance(each, str) and not _is_text(each):
                return False
        level = below
    return not level


def _is_text(text: str) -> bool:
    """Line breaks and tabs may stand in it, other control characters and halves of pairs may not."""
    return not any((mark < " " and mark not in "\t\n\r") or "\ud800" <= mark <= "\udfff" for mark in text)
