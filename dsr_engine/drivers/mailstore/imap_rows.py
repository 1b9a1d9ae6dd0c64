"""Answers to FETCH in the shape that nearly all have, taken apart at once: the client library's parser goes through them character by character.

Whatever looks otherwise in any way is left to that parser, and so is the whole answer around it.
"""

import re
from collections.abc import Sequence
from typing import Any

_BODY = re.compile(rb"[0-9]+ \(UID ([1-9][0-9]*) BODY\[\] \{([0-9]+)\}")
_DATE = rb"[ 0-9]?[0-9]-[A-Za-z]{3}-[0-9]{4} [0-9:]{8} [+-][0-9]{4}"
_FACTS = re.compile(
    rb'[0-9]+ \(UID ([1-9][0-9]*) RFC822\.SIZE ([0-9]+) INTERNALDATE "(' + _DATE + rb')" FLAGS \(([^()\[\]"{}]*)\)\)',
)


def plain_rows(answer: Sequence[Any]) -> list[tuple[int, dict[bytes, Any]]] | None:
    """UID and items of each response; None where any of them is not in the usual shape. Dates are as they were written."""
    rows: list[tuple[int, dict[bytes, Any]]] = []
    is_open = False
    for piece in answer:
        if isinstance(piece, tuple) and not is_open and len(piece) == 2:
            found = _BODY.fullmatch(piece[0])
            if found is None or int(found[2]) != len(piece[1]):
                return None
            rows.append((int(found[1]), {b"UID": int(found[1]), b"BODY[]": piece[1]}))
            is_open = True
        elif is_open and piece == b")":
            is_open = False
        elif isinstance(piece, bytes) and not is_open and (found := _FACTS.fullmatch(piece)):
            items = {b"UID": int(found[1]), b"RFC822.SIZE": int(found[2]), b"INTERNALDATE": found[3], b"FLAGS": tuple(found[4].split())}
            rows.append((int(found[1]), items))
        else:
            return None
    return None if is_open else rows
