"""IMAP: mails are named by UIDVALIDITY and UID, and never change; removing means UID EXPUNGE of exactly those UIDs (RFC 4315).

A rewrite appends the new mail and removes the old one after the new one was read back. Killed between the two: both are there; the next try finds the
successor by its content and only removes the old one. After both: the old UID is gone, and the successor is known by Message-ID and date.
"""

import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from dsr_engine.domain.errors import DsrError, ManifestWrong, NotAllowed, NotSupported, Unreachable
from dsr_engine.domain.record import Gap
from dsr_engine.drivers.driver import Done, Drifted, Failed, Outcome, Problem, Traits
from dsr_engine.drivers.mailstore.imap_session import CHUNK, UNAVAILABLE, Account, Meta, Selected, Session, is_large, large_file, shown_name
from dsr_engine.drivers.mailstore.store import Folder, Gone, Key, Mail, Order, Rewriting, Sighting, digest_of, digest_written, short

#: Mails in one slice, about.
_SLICE = 5_000

#: A rewritten mail is held in memory while it is appended; larger ones are refused. Bytes.
_LARGEST_REWRITE = 64 * 1024 * 1024

_HEAD = 256 * 1024
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_MESSAGE_ID = re.compile(rb"^message-id:\s*(\S{1,1000})", re.IGNORECASE | re.MULTILINE)

#: Flags that are not the user's, or that would put the new mail in danger.
_NOT_KEPT = frozenset({b"\\recent", b"\\deleted"})


class Imap:
    """The store behind `imap://` and `imaps://`."""

    traits = Traits()

    def __init__(self, account: Account) -> None:
        self._account = account
        self._session = Session(account)
        self._wires: dict[str, bytes] = {}

    def server(self) -> str:
        """Host, port, mailbox and the UIDVALIDITY of INBOX. A master user's name after `*` is left out, so that another login may look again."""
        try:
            validity = self._session.status(b"INBOX", "UIDVALIDITY")
        except (NotAllowed, ManifestWrong):
            validity = 0
        owner = self._account.user.partition("*")[0]
        line = f"{self._account.host.lower()}\0{self._account.port}\0{owner}\0{validity}"
        return f"imap:{hashlib.sha256(line.encode()).hexdigest()[:32]}"

    def check(self) -> Iterator[Problem]:
        if not self._session.has("UIDPLUS"):
            yield Problem("mail.no_uidplus", "The mail server cannot remove single mails (UIDPLUS)", "mail there can be found but not erased")
        for name in self._listed():
            try:
                self._session.select(self._wires[name], writing=True)
            except NotAllowed as error:
                if error.code == "mail.read_only":
                    yield Problem("mail.read_only", f"Folder {name} may be read only", error.hint)
                else:
                    yield Problem("mail.folder_unreadable", f"Folder {name} cannot be opened", error.hint)
            except (ManifestWrong, NotSupported, Unreachable) as error:
                _pass_on_if_cut_off(error)
                yield Problem("mail.folder_unreadable", f"Folder {name} cannot be opened", error.hint)

    def folders(self) -> Sequence[Folder]:
        return tuple(self._folder(name) for name in self._listed())

    def parts(self, folder: str) -> Sequence[tuple[str, ...]]:
        """Ranges of UIDs; the last is open, for mail that comes meanwhile. A folder that cannot be opened is one part, whose search says so."""
        try:
            opened = self._open(folder)
        except (NotAllowed, ManifestWrong, NotSupported, Unreachable) as error:
            _pass_on_if_cut_off(error)
            return (("0", "1", "*"),)
        lows = [1, *self._session.uids_at(range(_SLICE + 1, opened.exists + 1, _SLICE))]
        highs = [str(low - 1) for low in lows[1:]]
        return tuple((str(opened.validity), str(low), high) for low, high in zip(lows, [*highs, "*"], strict=True))

    def mails(self, folder: str, part: tuple[str, ...]) -> Iterator[Mail | Gap]:
        """The mails of one part; of the whole folder where it was renumbered since, for the part means nothing any more."""
        opened = self._open(folder)
        validity, low, high = part
        is_known = int(validity) == opened.validity
        uids = self._session.uids_between(int(low), high) if is_known else self._session.uids_between(1, "*")
        for at in range(0, len(uids), CHUNK):
            self._session.ensure(self._wire(folder))
            small, large = _split(self._session.metas(uids[at : at + CHUNK]))
            for meta, body in self._session.bodies(small):
                if body is None:
                    yield Gap(folder, "mail.unreadable", "the server lists a mail and does not give it")
                else:
                    yield self._mail(folder, opened.validity, meta, body)
                self._session.ensure(self._wire(folder))
            yield from (self._mail(folder, opened.validity, meta, None) for meta in large)

    def locate(self, folder: str, keys: Sequence[Key]) -> Sequence[Sighting | None]:
        return self._located(folder, self._open(folder), keys)

    def becomes(self, sighting: Sighting, rewriting: Rewriting) -> bytes:
        if int(sighting.key[3]) > _LARGEST_REWRITE:
            raise _too_large()
        return digest_written(sighting.mail, rewriting)

    def change(self, folder: str, orders: Sequence[Order]) -> Sequence[Outcome]:
        if not self._session.has("UIDPLUS"):
            raise NotSupported("The mail server cannot remove single mails", code="mail.no_uidplus", hint="remove the found mails by hand")
        opened = self._session.select(self._wire(folder), writing=True)
        sightings = self._located(folder, opened, [order.key for order in orders])
        outcomes = [self._prepared(folder, opened, order, sighting) for order, sighting in zip(orders, sightings, strict=True)]
        leaving = [
            int(order.key[1]) for order, outcome in zip(orders, outcomes, strict=True) if isinstance(outcome, Done) and outcome.state != order.expect
        ]
        refused = self._remove(opened, leaving)
        return tuple(refused.get(int(order.key[1]), outcome) for order, outcome in zip(orders, outcomes, strict=True))

    def close(self) -> None:
        self._session.close()

    # --- folders -----------------------------------------------------------------------------------------------------

    def _listed(self) -> list[str]:
        self._wires = {shown_name(wire): wire for wire in self._session.folders()}
        return list(self._wires)

    def _folder(self, name: str) -> Folder:
        try:
            return Folder(name, self._session.status(self._wires[name], "MESSAGES"))
        except (NotAllowed, ManifestWrong, NotSupported, Unreachable) as error:
            _pass_on_if_cut_off(error)
            return Folder(name, None, "the server lists the folder and does not open it")

    def _wire(self, folder: str) -> bytes:
        if folder not in self._wires:
            self._listed()
        if folder not in self._wires:
            raise ManifestWrong("A mail folder of this name is not there", code="mail.no_folder", hint="search again: it was removed or renamed")
        return self._wires[folder]

    def _open(self, folder: str) -> Selected:
        return self._session.select(self._wire(folder))

    # --- looking -----------------------------------------------------------------------------------------------------

    def _mail(self, folder: str, validity: int, meta: Meta, body: bytes | None) -> Mail:
        def opened() -> BinaryIO:
            return self._file(folder, meta) if body is None else io.BytesIO(body)

        def sighted() -> Sighting:
            state = digest_of(opened())
            key = (str(validity), str(meta.uid), meta.epoch, str(meta.size), _message_digest(opened()), short(state))
            # Sightings of a whole batch are held at a time, so they fetch a content again when it is wanted.
            return Sighting(mail if body is None else self._mail(folder, validity, meta, None), key, state)

        mail = Mail(meta.date, opened, sighted)
        return mail

    def _file(self, folder: str, meta: Meta) -> BinaryIO:
        wire = self._wire(folder)
        if is_large(meta):
            return large_file(self._session, wire, meta)
        self._session.ensure(wire)
        _, body = next(self._session.bodies([meta]))
        if body is None:
            raise Gone
        return io.BytesIO(body)

    def _sighted(self, folder: str, validity: int, metas: Sequence[Meta]) -> Iterator[Sighting]:
        small, large = _split(metas)
        for meta, body in self._session.bodies(small):
            if body is None:
                raise Unreachable("The mail server lists a mail and does not give it", code="mail.unreadable")
            yield self._mail(folder, validity, meta, body).sight()
        for meta in large:
            yield self._mail(folder, validity, meta, None).sight()

    def _located(self, folder: str, opened: Selected, keys: Sequence[Key]) -> list[Sighting | None]:
        asked = {int(key[1]) for key in keys if int(key[0]) == opened.validity}
        there = {int(sighting.key[1]): sighting for sighting in self._sighted(folder, opened.validity, self._session.metas(sorted(asked)))}
        missing = [key for key in keys if int(key[0]) != opened.validity or int(key[1]) not in there]
        others = self._elsewhere(folder, opened, missing, asked) if missing else {}
        return [there.get(int(key[1])) if int(key[0]) == opened.validity and int(key[1]) in there else others.get(key) for key in keys]

    def _elsewhere(self, folder: str, opened: Selected, missing: list[Key], asked: set[int]) -> dict[Key, Sighting]:
        """Mails whose UID is gone. In a renumbered folder: the one with the same content. Else only a successor: same Message-ID and date, later UID.

        A mail that is itself asked for is nobody's successor, and nobody's twice.
        """
        renumbered = {key[3] for key in missing if int(key[0]) != opened.validity}
        rewritten = {key[2] for key in missing if int(key[0]) == opened.validity and key[4]}
        uids = self._session.uids_at(range(1, opened.exists + 1))
        metas = [meta for meta in self._session.metas(uids) if meta.uid not in asked and (str(meta.size) in renumbered or meta.epoch in rewritten)]
        free = list(self._sighted(folder, opened.validity, metas))
        found: dict[Key, Sighting] = {}
        for key in sorted(missing, key=lambda each: (int(each[0]), int(each[1]))):
            match = next((sighting for sighting in free if _is_heir(key, sighting, opened.validity)), None)
            if match is not None:
                free.remove(match)
                found[key] = Sighting(match.mail, match.key, match.state, is_same=False)
        return found

    # --- changing ----------------------------------------------------------------------------------------------------

    def _prepared(self, folder: str, opened: Selected, order: Order, sighting: Sighting | None) -> Outcome:
        """What an order comes to, with the successor in place where there is one; the old mail is still there."""
        if sighting is None:
            return Drifted("absent")
        if not sighting.is_same or sighting.state != order.expect:
            return Drifted("changed" if sighting.is_same else "moved")
        if order.rewriting is None:
            return Done(None)
        try:
            return self._write_successor(folder, opened, sighting, order.rewriting)
        except (NotSupported, NotAllowed) as error:
            return Failed(error.code, error.message)
        except Gone:
            return Drifted("absent")

    def _write_successor(self, folder: str, opened: Selected, sighting: Sighting, rewriting: Rewriting) -> Outcome:
        becomes = self.becomes(sighting, rewriting)
        if becomes == sighting.state or self._has_successor(folder, opened, sighting, becomes):
            return Done(becomes)
        new = io.BytesIO()
        rewriting.write(sighting.mail, new)
        if new.tell() > _LARGEST_REWRITE:
            raise _too_large()
        old = self._session.metas([int(sighting.key[1])])
        if not old:
            return Drifted("absent")
        flags = [flag for flag in old[0].flags if flag.lower() not in _NOT_KEPT]
        place = self._session.append(self._wire(folder), new.getvalue(), flags, old[0].date)
        if place is None:
            found = self._has_successor(folder, opened, sighting, becomes)
            return Done(becomes) if found else Failed("mail.not_appended", "the server took a rewritten mail and does not show it")
        made = next(self._sighted(folder, place[0], self._session.metas([place[1]])), None)
        if made is not None and made.state == becomes:
            return Done(becomes)
        self._remove(opened, [place[1]])
        return Failed("mail.altered_by_server", "the server stores another mail than it was given; the old one was left")

    def _has_successor(self, folder: str, opened: Selected, sighting: Sighting, becomes: bytes) -> bool:
        """True if a try that was interrupted has already appended the new mail."""
        uid, epoch = int(sighting.key[1]), sighting.key[2]
        metas = [meta for meta in self._session.metas(self._session.uids_between(uid + 1, "*")) if meta.epoch == epoch]
        return any(made.state == becomes for made in self._sighted(folder, opened.validity, metas))

    def _remove(self, opened: Selected, uids: Sequence[int]) -> dict[int, Outcome]:
        """Removes exactly these messages and gives those that would not go."""
        refused: dict[int, Outcome] = {}
        for at in range(0, len(uids), CHUNK):
            refused.update(self._remove_chunk(opened, uids[at : at + CHUNK]))
        return refused

    def _remove_chunk(self, opened: Selected, uids: Sequence[int]) -> dict[int, Outcome]:
        """Killed after the mark: the mail is there, marked, and the next try removes it."""
        were_marked = {meta.uid for meta in self._session.metas(uids) if b"\\deleted" in {flag.lower() for flag in meta.flags}}
        changed = self._session.mark_deleted(uids, opened.modseq)
        refused: dict[int, Outcome] = {uid: Drifted("changed") for uid in changed}
        going = [uid for uid in uids if uid not in changed]
        if not going:
            return refused
        try:
            self._session.expunge(going)
        except NotAllowed:
            left = set(going)
        else:
            left = {meta.uid for meta in self._session.metas(going)}
        self._session.unmark_deleted(sorted(left - were_marked))
        return refused | {uid: Failed("mail.still_there", "the server keeps the mail; this account may lack a right (ACL e)") for uid in left}


def _split(metas: Sequence[Meta]) -> tuple[list[Meta], list[Meta]]:
    """Mails that are fetched together, and those that are read piece by piece."""
    return [meta for meta in metas if not is_large(meta)], [meta for meta in metas if is_large(meta)]


def _message_digest(source: BinaryIO) -> str:
    """A digest of the Message-ID; empty where the mail has none."""
    with source:
        head = source.read(_HEAD)
    match = _MESSAGE_ID.search(_HEAD_END.split(head, maxsplit=1)[0])
    return short(hashlib.sha256(match[1]).digest()) if match else ""


def _is_heir(key: Key, sighting: Sighting, validity: int) -> bool:
    """True if a mail is what became of the one with this key. What a rewrite made is never equal to what it was: an equal mail is a copy."""
    now = sighting.key
    if int(key[0]) != validity:
        return key[3:] == now[3:]
    return bool(key[4]) and (key[2], key[4]) == (now[2], now[4]) and key[5] != now[5] and int(now[1]) > int(key[1])


def _pass_on_if_cut_off(error: DsrError) -> None:
    """Raises what concerns the whole server. The rest is about one folder: Dovecot calls it an internal error where it may not open a file."""
    if isinstance(error, Unreachable) and error.code != UNAVAILABLE:
        raise error


def _too_large() -> NotSupported:
    return NotSupported("A mail is too large to be rewritten over IMAP", code="mail.too_large", hint="delete it as a whole, or redact it by hand")
