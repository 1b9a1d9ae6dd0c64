"""The headers of mails without their bodies: a sweep reads when a mail was sent and by whom, and never what it says."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from dsr_engine.drivers.mailstore.imap_answers import fetched
from dsr_engine.drivers.mailstore.imap_session import Meta, Session
from dsr_engine.drivers.mailstore.store import Gone

_FIELDS = "(BODY.PEEK[HEADER.FIELDS (DATE FROM)])"


class Heads:
    """The headers Date and From of the mails of a chunk, fetched together when the first of them is asked for; nothing is marked as read."""

    def __init__(self, session: Session, ensure: Callable[[], None], metas: Sequence[Meta]) -> None:
        self._session, self._ensure, self._uids = session, ensure, [meta.uid for meta in metas]
        self._found: dict[int, bytes] | None = None

    def of(self, meta: Meta) -> Callable[[], bytes]:
        """How the headers of one mail are had. That raises `Gone` for a mail that was removed meanwhile, `OSError` for one that is there."""
        return partial(self._head, meta.uid)

    def _head(self, uid: int) -> bytes:
        if self._found is None:
            self._ensure()
            with self._session.speaking() as client:
                answers = fetched(client, ",".join(map(str, self._uids)), _FIELDS)
            self._found = {each: head for each, answer in answers.items() if (head := _head_in(answer)) is not None}
        if uid not in self._found:
            self._ensure()
            if self._session.metas([uid]):
                raise OSError("the server lists a mail and does not give its headers")
            raise Gone
        return self._found[uid]


def _head_in(answer: Mapping[bytes, Any]) -> bytes | None:
    return next((value for name, value in answer.items() if name.startswith(b"BODY[HEADER") and isinstance(value, bytes)), None)
