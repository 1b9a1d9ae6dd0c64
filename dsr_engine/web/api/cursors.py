"""Where a list goes on: an opaque, signed word for the place of the last entry, so that nothing is skipped or told twice when rows come."""

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence

from dsr_engine.domain.errors import InputWrong
from dsr_engine.web.guard import house

#: Bytes of the signature that a cursor carries.
_MARK = 16
MOST = 200
USUAL = 50


def list_name(what: str, filters: Mapping[str, object]) -> str:
    """The name of a list for its cursors: one for each filter, so that a cursor of one is none of another."""
    chosen = {name: value for name, value in filters.items() if name not in ("limit", "cursor")}
    return f"{what} {json.dumps(chosen, sort_keys=True)}"


def cursor_for(what: str, place: Sequence[str | int]) -> str:
    """The cursor after this place of the list `what`."""
    body = json.dumps(list(place)).encode()
    return urlsafe_b64encode(_mark(what, body) + body).decode().rstrip("=")


def place_of(what: str, cursor: str) -> tuple[str | int, ...]:
    """The place that a cursor of ours names. Raises `InputWrong` (`cursor.wrong`) for any other text, and for a cursor of another list or filter."""
    try:
        data = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        mark, body = data[:_MARK], data[_MARK:]
        if secrets.compare_digest(mark, _mark(what, body)):
            return tuple(json.loads(body))
    except ValueError:
        pass
    raise InputWrong(
        "this is no cursor of this list", code="cursor.wrong", hint="send `next` of the page before with the same filters, or none to begin"
    )


def _mark(what: str, body: bytes) -> bytes:
    return house().store.web_key.digest(f"cursor of {what}", body.hex())[:_MARK]
