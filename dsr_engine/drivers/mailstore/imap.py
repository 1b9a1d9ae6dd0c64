"""IMAP: mails are named by UIDVALIDITY and UID, and never change; removing means UID EXPUNGE of exactly those UIDs (RFC 4315).

A rewrite appends the new mail and removes the old one after the new one was read back. Killed between the two: both are there; the next try finds the
successor by its content and only removes the old one. After both: the old UID is gone, and the successor is known (`imap_heirs.py`).
"""

import contextlib
import hashlib
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import BinaryIO, cast

from dsr_engine.domain.errors import ManifestWrong, NotAllowed, NotSupported, Unreachable
from dsr_engine.domain.record import Gap
from dsr_engine.drivers.driver import Done, Drifted, Failed, Outcome, Problem, Traits
from dsr_engine.drivers.mailstore.imap_account import Account
from dsr_engine.drivers.mailstore.imap_answers import pass_on_if_cut_off
from dsr_engine.drivers.mailstore.imap_fetch import LEFT, Ahead, Large, Small, is_large
from dsr_engine.drivers.mailstore.imap_gmail import hidden, whole
from dsr_engine.drivers.mailstore.imap_heads import Heads
from dsr_engine.drivers.mailstore.imap_heirs import Facts, Heirs, heirs_among, message_digest
from dsr_engine.drivers.mailstore.imap_listing import Listed, listing
from dsr_engine.drivers.mailstore.imap_renaming import ImapRenaming
from dsr_engine.drivers.mailstore.imap_session import CHUNK, GMAIL, Meta, Selected, Session, shown_name
from dsr_engine.drivers.mailstore.imap_slices import SLICE, parts_of, range_of
from dsr_engine.drivers.mailstore.imap_views import Homes
from dsr_engine.drivers.mailstore.store import (
    NOTHING,
    Folder,
    Gone,
    Key,
    Mail,
    Order,
    Planned,
    Rewriting,
    Sighting,
    digest_of,
    digest_written,
    no_folder,
    short,
)

#: A rewritten mail up to so many bytes is held in memory while it is appended; a larger one on disk, in a file without a name.
_IN_MEMORY = 4 * 1024 * 1024

#: Flags that are not the user's, or that would put the new mail in danger.
_NOT_KEPT = frozenset({b"\\recent", b"\\deleted"})


class Imap:
    """The store behind `imap://` and `imaps://`."""

    traits = Traits(has_successors=True)

    def __init__(self, account: Account) -> None:
        self._account = account
        self._session = Session(account)
        self._wires: dict[str, bytes] = {}
        self._listings: dict[str, Listed] = {}
        self._ahead = Ahead()
        self._large: tuple[tuple[str, int, int], bool, Large] | None = None
        self._facts: dict[tuple[str, int], Facts] = {}
        self._homes = Homes()
        self._heirs: defaultdict[tuple[str, int], Heirs] = defaultdict(Heirs)

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
        refusal = self._session.refusal()
        if refusal is not None:
            yield refusal
        for name in self._listed():
            try:
                self._session.select(self._wires[name], writing=refusal is None)
            except NotAllowed as error:
                if error.code == "mail.read_only":
                    yield Problem("mail.read_only", f"Folder {name} may be read only", error.hint)
                else:
                    yield Problem("mail.folder_unreadable", f"Folder {name} cannot be opened", error.hint)
            except NotSupported as error:
                yield Problem(error.code, f"Folder {name}: {error.message}", error.hint)
            except (ManifestWrong, Unreachable) as error:
                pass_on_if_cut_off(error)
                yield Problem("mail.folder_unreadable", f"Folder {name} cannot be opened", error.hint)

    def folders(self) -> Sequence[Folder]:
        names = self._listed()
        return (*(self._folder(name) for name in names), *(hidden(self._listings) if self._session.has(GMAIL) else ()))

    def owner(self, folder: str) -> str:
        self._wire(folder)
        holder = self._listings[folder].holder
        return self._account.mailbox if holder is None else holder

    def parts(self, folder: str) -> Sequence[tuple[str, ...]]:
        """Ranges of UIDs below the next one, and a late one (`imap_slices.py`). A folder that cannot be opened is one part, whose search says so.

        A folder that was small when it was listed need not be opened for that.
        """
        known = self._listings.get(folder)
        if known is not None and known.validity and known.next and known.messages is not None and known.messages <= SLICE:
            return parts_of(known.validity, (1,) if known.messages else (), known.next)
        try:
            opened = self._open(folder)
            uids = self._session.uids_between(1, "*")
        except (NotAllowed, ManifestWrong, NotSupported, Unreachable) as error:
            pass_on_if_cut_off(error)
            return (("0", "1", "*"),)
        return parts_of(opened.validity, uids, opened.next or (uids[-1] + 1 if uids else 1))

    def mails(self, folder: str, part: tuple[str, ...]) -> Iterator[Mail | Gap]:
        """The mails of one part; of the whole folder where it was renumbered since, for the part means nothing any more."""
        opened = self._open(folder)
        asked = range_of(part)
        if asked.validity != opened.validity:
            uids = self._session.uids_between(1, "*")
        elif asked.is_late and 0 < opened.next <= asked.low:
            uids = []
        else:
            uids = self._session.uids_between(asked.low, asked.high)
        for at in range(0, len(uids), CHUNK):
            self._ensure(folder, opened.validity)
            metas = self._session.metas(uids[at : at + CHUNK])
            small = Small(self._session, partial(self._ensure, folder, opened.validity), [meta for meta in metas if not is_large(meta)], self._ahead)
            heads = Heads(self._session, partial(self._ensure, folder, opened.validity), metas)
            for meta in metas:
                mail = self._large_mail(folder, opened.validity, meta) if is_large(meta) else self._mail(folder, opened.validity, meta, small)
                yield replace(mail, flags=tuple(flag.decode("latin-1") for flag in meta.flags), head=heads.of(meta))

    def locate(self, folder: str, keys: Sequence[Key], planned: Planned = NOTHING) -> Sequence[Sighting | None]:
        return self._located(folder, self._open(folder), keys, planned)

    def becomes(self, sighting: Sighting, rewriting: Rewriting) -> bytes:
        if 0 < self._session.append_limit < int(sighting.key[3]):
            raise _too_large()
        return digest_written(sighting.mail, rewriting)

    def change(self, folder: str, orders: Sequence[Order]) -> Sequence[Outcome]:
        refusal = self._session.refusal()
        if refusal is not None:
            raise NotSupported(refusal.message, code=refusal.code, hint=refusal.hint)
        opened = self._session.select(self._wire(folder), writing=True)
        sightings = self._located(folder, opened, [order.key for order in orders])
        if any(order.rewriting is not None for order in orders):
            self._known_facts(folder, opened)
        outcomes = [self._prepared(folder, opened, order, sighting) for order, sighting in zip(orders, sightings, strict=True)]
        leaving = [
            int(order.key[1]) for order, outcome in zip(orders, outcomes, strict=True) if isinstance(outcome, Done) and outcome.state != order.expect
        ]
        refused = self._remove(opened, leaving)
        return tuple(refused.get(int(order.key[1]), outcome) for order, outcome in zip(orders, outcomes, strict=True))

    def renaming(self, folder: str) -> ImapRenaming:  # noqa: ARG002  # one account, one set of names
        return ImapRenaming(self._session)

    def close(self) -> None:
        self._put_away()
        self._facts.clear()
        self._heirs.clear()
        self._session.close()

    # --- folders -----------------------------------------------------------------------------------------------------

    def _listed(self) -> list[str]:
        self._listings = {shown_name(entry.wire): entry for entry in listing(self._session)}
        self._wires = {name: entry.wire for name, entry in self._listings.items()}
        if not self._wires:
            raise NotAllowed(
                "The mail server shows no folder of a mailbox", code="mail.no_folders", hint="grant the account the right l on its folders (RFC 4314)"
            )
        return whole(self._listings) if self._session.has(GMAIL) else list(self._wires)

    def _folder(self, name: str) -> Folder:
        entry = self._listings[name]
        made = Folder(name, entry.messages, is_own=entry.holder is None, holder=entry.holder or "", role=entry.role, separator=entry.separator)
        if entry.messages is not None:
            return made
        try:
            return replace(made, count=self._session.status(entry.wire, "MESSAGES"))
        except (NotAllowed, ManifestWrong, NotSupported, Unreachable) as error:
            pass_on_if_cut_off(error)
            return replace(made, reason="the server lists the folder and does not open it")

    def _wire(self, folder: str) -> bytes:
        if folder not in self._wires:
            self._listed()
        if folder not in self._wires:
            raise no_folder()
        return self._wires[folder]

    def _open(self, folder: str) -> Selected:
        return self._session.select(self._wire(folder))

    # --- looking -----------------------------------------------------------------------------------------------------

    def _ensure(self, folder: str, validity: int) -> None:
        """Opens the folder again where the connection was lost or another folder was read. Raises `Unreachable` where its UIDs mean others now."""
        opened = self._session.ensure(self._wire(folder))
        if opened is not None and opened.validity != validity:
            raise Unreachable("A mail folder was renumbered while it was read", code="mail.renumbered", hint="it is searched again")

    def _mail(self, folder: str, validity: int, meta: Meta, small: Small | None = None) -> Mail:
        """A mail that is fetched when it is opened: with those that follow it, as one of these small ones, or else by itself."""
        open_file = partial(small.open, meta) if small is not None else partial(self._file, folder, validity, meta)
        return Mail(meta.date, open_file, partial(self._sight, folder, validity, meta, open_file), told=self._told(validity, meta))

    def _large_mail(self, folder: str, validity: int, meta: Meta) -> Mail:
        """A mail of which films and recordings are left where it is, until somebody wants its digest."""

        def opened() -> BinaryIO:
            return self._in_file(folder, validity, meta, leaves=self._account.leaves_media).open()

        def left() -> tuple[Gap, ...]:
            count = self._in_file(folder, validity, meta, leaves=self._account.leaves_media).left
            reason = "the middle of a film or recording in a mail was not fetched; attachments: all fetches it"
            return (Gap(folder, LEFT, reason),) * min(count, 1)

        whole = partial(self._file, folder, validity, meta)
        return Mail(meta.date, opened, partial(self._sight, folder, validity, meta, whole), told=self._told(validity, meta), left=left)

    def _told(self, validity: int, meta: Meta) -> tuple[object, ...]:
        return (validity, meta.uid, meta.size, meta.epoch) if self._session.lasts else ()

    def _sight(self, folder: str, validity: int, meta: Meta, open_file: Callable[[], BinaryIO]) -> Sighting:
        state = digest_of(open_file())
        key = (str(validity), str(meta.uid), meta.epoch, str(meta.size), message_digest(open_file()), short(state))
        # Sightings of a whole batch are held at a time, so they fetch a content again when it is wanted.
        return Sighting(self._mail(folder, validity, meta), key, state, refusal=self._session.refusal())

    def _file(self, folder: str, validity: int, meta: Meta) -> BinaryIO:
        if is_large(meta):
            return self._in_file(folder, validity, meta, leaves=False).open()
        return Small(self._session, partial(self._ensure, folder, validity), (meta,), Ahead(1)).open(meta)

    def _in_file(self, folder: str, validity: int, meta: Meta, *, leaves: bool) -> Large:
        """The one large mail that is at hand, the one that was asked for last."""
        name = (folder, validity, meta.uid)
        if self._large is not None and self._large[0] == name and (self._large[1] == leaves or not self._large[2].left):
            return self._large[2]
        self._put_away()
        large = Large(self._session, partial(self._ensure, folder, validity), meta)
        self._large = (name, leaves, large)
        if leaves:
            large.leave_media()
        return large

    def _put_away(self) -> None:
        if self._large is not None:
            self._large[2].close()
            self._large = None

    def _sighted(self, folder: str, validity: int, metas: Sequence[Meta]) -> Iterator[Sighting]:
        small = Small(self._session, partial(self._ensure, folder, validity), [meta for meta in metas if not is_large(meta)], Ahead())
        for meta in metas:
            with contextlib.suppress(Gone):
                try:
                    yield self._mail(folder, validity, meta, None if is_large(meta) else small).sight()
                except OSError:
                    raise Unreachable("The mail server lists a mail and does not give it", code="mail.unreadable") from None

    def _located(self, folder: str, opened: Selected, keys: Sequence[Key], planned: Planned = NOTHING) -> list[Sighting | None]:
        asked = {int(key[1]) for key in keys if int(key[0]) == opened.validity}
        there = {int(sighting.key[1]): sighting for sighting in self._sighted(folder, opened.validity, self._session.metas(sorted(asked)))}
        missing = [key for key in keys if int(key[0]) != opened.validity or int(key[1]) not in there]
        others = self._elsewhere(folder, opened, missing, asked, planned) if missing else {}
        return [there.get(int(key[1])) if int(key[0]) == opened.validity and int(key[1]) in there else others.get(key) for key in keys]

    def _elsewhere(self, folder: str, opened: Selected, missing: list[Key], asked: set[int], planned: Planned) -> dict[Key, Sighting]:
        """Mails whose UID is gone: in a renumbered folder the one with the same content, else only a successor (`imap_heirs.py`).

        A mail that is itself asked for is nobody's successor, and nobody's twice.
        """
        facts = self._known_facts(folder, opened)
        renumbered = [key for key in missing if int(key[0]) != opened.validity]
        rewritten = [key for key in missing if int(key[0]) == opened.validity and key[4]]
        uids = {
            *facts.named(self._session, facts.sized({int(key[3]) for key in renumbered}), {key[4] for key in renumbered}),
            *facts.named(self._session, facts.dated({key[2] for key in rewritten}), {key[4] for key in rewritten}),
            *facts.marked(self._session, facts.dated({key[2] for key in missing if key in planned})),
        }
        metas = self._session.metas(sorted(uids - asked))
        free = list(self._sighted(folder, opened.validity, metas))
        found: dict[Key, Sighting] = {}
        for key in sorted(missing, key=lambda each: (int(each[0]), int(each[1]))):
            mine = heirs_among(key, free, opened.validity, planned.get(key))
            is_renumbered = int(key[0]) != opened.validity
            uid = next(iter(mine), None) if is_renumbered else self._heirs[folder, opened.validity].chosen(int(key[1]), list(mine))
            if uid is not None:
                match = mine[uid]
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
        """Appends the new mail unless a try that was interrupted has done so."""
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spool:
            new = cast("BinaryIO", spool)
            rewriting.write(sighting.mail, new)
            return self._append_successor(folder, opened, sighting, new, new.tell())

    def _append_successor(self, folder: str, opened: Selected, sighting: Sighting, new: BinaryIO, size: int) -> Outcome:
        new.seek(0)
        becomes = hashlib.file_digest(new, "sha256").digest()  # type: ignore[arg-type]  # typeshed does not know its `readinto`
        if becomes == sighting.state or self._has_successor(folder, opened, sighting, becomes, size):
            return Done(becomes)
        old = self._session.metas([int(sighting.key[1])])
        if not old:
            return Drifted("absent")
        flags = [flag for flag in old[0].flags if flag.lower() not in _NOT_KEPT]
        new.seek(0)
        home = self._homes.of(self._session, self._wire(folder), opened.validity, int(sighting.key[1]))
        place = self._session.append(home, new, size, flags, old[0].date)
        # A UID of another UIDVALIDITY, or one that was there before, is another mail's: servers that refuse to store a mail twice name the first.
        if place is None or home != self._wire(folder) or place[0] != opened.validity or self._facts[folder, opened.validity].has(place[1]):
            self._known_facts(folder, opened)
            found = self._has_successor(folder, opened, sighting, becomes, size)
            return Done(becomes) if found else Failed("mail.not_appended", "the server took a rewritten mail and does not show it")
        made = next(self._sighted(folder, place[0], self._session.metas([place[1]])), None)
        if made is not None and made.state == becomes:
            self._heirs[folder, opened.validity].note(int(sighting.key[1]), place[1])
            return Done(becomes)
        self._remove(opened, [place[1]])
        return Failed("mail.altered_by_server", "the server stores another mail than it was given; the old one was left")

    def _has_successor(self, folder: str, opened: Selected, sighting: Sighting, becomes: bytes, size: int) -> bool:
        """True if there is a later mail of the same date with the new content that is no other mail's successor."""
        name, old = (folder, opened.validity), int(sighting.key[1])
        facts, heirs = self._facts[name], self._heirs[name]
        uids = facts.dated((sighting.key[2],)) & facts.sized((size,)) - heirs.of_others(old)
        metas = self._session.metas(sorted(uid for uid in uids if uid > old))
        found = next((made for made in self._sighted(folder, opened.validity, metas) if made.state == becomes), None)
        if found is not None:
            heirs.note(old, int(found.key[1]))
        return found is not None

    def _known_facts(self, folder: str, opened: Selected) -> Facts:
        """What is known of the mails that are in the folder now."""
        name = (folder, opened.validity)
        facts = self._facts.get(name) or Facts()
        self._facts = {name: facts}
        facts.learn(self._session, self._session.uids_between(1, "*"))
        return facts

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


def _too_large() -> NotSupported:
    return NotSupported("A mail is too large to be rewritten over IMAP", code="mail.too_large", hint="delete it as a whole, or redact it by hand")
