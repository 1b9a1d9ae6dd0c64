"""Which mails of a folder may be what became of others: found by what a server tells of mails without giving them.

A mail never changes under its UID (RFC 9051 § 2.3.1.1), so size, date and Message-ID are asked once for each and remembered while the connection
lasts; which mails are there is asked each time. In a folder of 100,000 that is the difference between one search and a hundred thousand answers.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence

from dsr_engine.drivers.mailstore.imap_answers import fetched, uid_set
from dsr_engine.drivers.mailstore.imap_session import CHUNK, Session
from dsr_engine.drivers.mailstore.store import short

_MESSAGE_ID = re.compile(rb"^message-id:\s*(\S{1,1000})", re.IGNORECASE | re.MULTILINE)
_FIELD = "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"


def name_of(head: bytes) -> str:
    """A digest of the Message-ID in these headers; empty where there is none."""
    match = _MESSAGE_ID.search(head)
    return short(hashlib.sha256(match[1]).digest()) if match else ""


class Heirs:
    """Which mail of a folder became of which, by UID: of equal mails each has a successor of its own, also where they are changed one by one."""

    def __init__(self) -> None:
        self._of: dict[int, int] = {}

    def note(self, old: int, new: int) -> None:
        self._of[old] = new

    def of_others(self, old: int) -> set[int]:
        """The successors of all but this mail."""
        return {new for each, new in self._of.items() if each != old}

    def chosen(self, old: int, uids: Sequence[int]) -> int | None:
        """Of the mails that may be its successor the one that it is known to be, else the first that nobody else's is; it is remembered."""
        taken, own = self.of_others(old), self._of.get(old)
        found = own if own in uids else next((uid for uid in uids if uid not in taken), None)
        if found is not None:
            self.note(old, found)
        return found


class Facts:
    """Size and date of the mails of one folder under one UIDVALIDITY, and the digests of their Message-IDs where somebody asked."""

    def __init__(self) -> None:
        self._of: dict[int, tuple[int, str]] = {}
        self._names: dict[int, str] = {}
        self._by_date: dict[str, list[int]] = {}
        self._by_size: dict[int, list[int]] = {}

    def learn(self, session: Session, there: Sequence[int]) -> None:
        """Asks for what is not known yet of these mails, which are all that there are."""
        for meta in session.metas([uid for uid in there if uid not in self._of]):
            self._of[meta.uid] = (meta.size, meta.epoch)
            self._by_date.setdefault(meta.epoch, []).append(meta.uid)
            self._by_size.setdefault(meta.size, []).append(meta.uid)

    def has(self, uid: int) -> bool:
        """True for a mail that was there when this was learnt last, or before."""
        return uid in self._of

    def dated(self, epochs: Iterable[str]) -> set[int]:
        return {uid for epoch in epochs for uid in self._by_date.get(epoch, ())}

    def sized(self, sizes: Iterable[int]) -> set[int]:
        return {uid for size in sizes for uid in self._by_size.get(size, ())}

    def named(self, session: Session, uids: Iterable[int], names: Iterable[str]) -> list[int]:
        """Those of the mails that have one of these Message-IDs (digests), ascending."""
        asked, wanted = sorted(uids), set(names)
        unknown = [uid for uid in asked if uid not in self._names]
        for at in range(0, len(unknown), CHUNK):
            with session.speaking() as client:
                answer = fetched(client, uid_set(unknown[at : at + CHUNK]), f"({_FIELD})")
            for uid, entry in answer.items():
                head = next((value for name, value in entry.items() if name.startswith(b"BODY[") and isinstance(value, bytes)), b"")
                self._names[uid] = name_of(head)
        # Of which the server says nothing, the content has to.
        return [uid for uid in asked if self._names.get(uid) is None or self._names[uid] in wanted]
