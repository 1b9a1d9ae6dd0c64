"""Which mails of a folder may be what became of others: found by what a server tells of mails without giving them.

A rewritten mail has another UID. It is known by Message-ID and date; and where a plan says what was to become of the old one, by that alone: our mark
in its headers, which no other mail bears, and then the digest of its whole content. So a mail without a Message-ID, or whose Message-ID named the
person, is known too, and no mail that merely looks alike is taken for it.

A mail never changes under its UID (RFC 9051 § 2.3.1.1), so size, date and Message-ID are asked once for each and remembered while the connection
lasts; which mails are there is asked each time. In a folder of 100,000 that is the difference between one search and a hundred thousand answers.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from typing import BinaryIO

from dsr_engine.drivers.mailstore.imap_answers import fetched, uid_set
from dsr_engine.drivers.mailstore.imap_session import CHUNK, Session
from dsr_engine.drivers.mailstore.marks import MARK
from dsr_engine.drivers.mailstore.store import Key, Sighting, short

_MESSAGE_ID = re.compile(rb"^message-id:\s*(\S{1,1000})", re.IGNORECASE | re.MULTILINE)
_MARK = re.compile(rb"^" + MARK.encode("ascii") + rb"[ \t]*:", re.IGNORECASE | re.MULTILINE)
_FIELD = f"BODY.PEEK[HEADER.FIELDS (MESSAGE-ID {MARK.upper()})]"

#: As much of a mail as headers are looked for in, in bytes.
_HEAD = 256 * 1024
_HEAD_END = re.compile(rb"\r?\n\r?\n")


def name_of(head: bytes) -> str:
    """A digest of the Message-ID in these headers; empty where there is none."""
    match = _MESSAGE_ID.search(head)
    return short(hashlib.sha256(match[1]).digest()) if match else ""


def message_digest(source: BinaryIO) -> str:
    """A digest of the Message-ID of the mail in this file, which is closed; empty where the mail has none."""
    with source:
        head = source.read(_HEAD)
    return name_of(_HEAD_END.split(head, maxsplit=1)[0])


def heirs_among(key: Key, free: Iterable[Sighting], validity: int, is_planned: Callable[[bytes], bool] | None) -> dict[int, Sighting]:
    """Which of these mails may be what became of the one with this key, by UID, the likeliest first.

    What a rewrite made is never equal to what it was: an equal mail is a copy. In a renumbered folder it is the one with the same content.
    """
    made: dict[int, Sighting] = {}
    tied: dict[int, Sighting] = {}
    for sighting in free:
        now, uid = sighting.key, int(sighting.key[1])
        if int(key[0]) != validity:
            if key[3:] == now[3:]:
                tied[uid] = sighting
        elif key[2] == now[2] and key[5] != now[5] and uid > int(key[1]):
            if is_planned is not None and is_planned(sighting.state):
                made[uid] = sighting
            elif key[4] and key[4] == now[4]:
                tied[uid] = sighting
    return made | tied


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
    """Size and date of the mails of one folder under one UIDVALIDITY; where somebody asked, digests of their Message-IDs and which bear our mark."""

    def __init__(self) -> None:
        self._of: dict[int, tuple[int, str]] = {}
        self._names: dict[int, str] = {}
        self._marked: set[int] = set()
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
        self._ask(session, asked)
        # Of which the server says nothing, the content has to.
        return [uid for uid in asked if self._names.get(uid) is None or self._names[uid] in wanted]

    def marked(self, session: Session, uids: Iterable[int]) -> list[int]:
        """Those of the mails that bear our mark, ascending; and those of which the server says nothing."""
        asked = sorted(uids)
        self._ask(session, asked)
        return [uid for uid in asked if uid not in self._names or uid in self._marked]

    def _ask(self, session: Session, uids: Sequence[int]) -> None:
        unknown = [uid for uid in uids if uid not in self._names]
        for at in range(0, len(unknown), CHUNK):
            with session.speaking() as client:
                answer = fetched(client, uid_set(unknown[at : at + CHUNK]), f"({_FIELD})")
            for uid, entry in answer.items():
                head = next((value for name, value in entry.items() if name.startswith(b"BODY[") and isinstance(value, bytes)), b"")
                self._names[uid] = name_of(head)
                if _MARK.search(head):
                    self._marked.add(uid)
