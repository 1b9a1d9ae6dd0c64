"""Maildir: one file per mail (https://cr.yp.to/proto/maildir.html, https://doc.dovecot.org/admin_manual/mailbox_formats/maildir/).

A mail is named by the unique part of its file name (before `,S=…` and `:2,FLAGS`) and a digest of its content, so that delivery into `cur`
and changed flags are no move. A rewritten mail gets a *new* unique name, `NAME_r1`: Dovecot answers from its index for a name that it knows,
and would go on showing the old subject. The name tells where the mail came from, so an interrupted rewrite is recognised without any mark.
The old file is never written to, so another name of it (a hard link, as Dovecot makes for copies) keeps the old mail, is found where it is, and is
rewritten there.
"""

import contextlib
import os
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, TypeVar

from dsr_engine.domain.errors import ManifestWrong, NotSupported, Unreachable
from dsr_engine.domain.record import Gap
from dsr_engine.drivers.driver import Done, Drifted, Failed, Outcome, Problem, Traits
from dsr_engine.drivers.mailstore.ages import flags_of_name
from dsr_engine.drivers.mailstore.disk import create_private, disk_errors, dress, identity, open_plain, sync_folder
from dsr_engine.drivers.mailstore.disk_renaming import MaildirRenaming
from dsr_engine.drivers.mailstore.maildir_folders import SUBFOLDERS, Place, places, separator
from dsr_engine.drivers.mailstore.maildir_names import Entry, entry_of, fields_for, lineage, next_name, successors, unique_of
from dsr_engine.drivers.mailstore.maildir_packed import Packed, facts_of, open_mail, packing_of
from dsr_engine.drivers.mailstore.maildir_quota import settle
from dsr_engine.drivers.mailstore.rested import told_of
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

_T = TypeVar("_T")

#: Mails in one slice, about; and the most slices of a folder, since each lists all its names.
_SLICE = 5_000
_SLICES = 64

#: How often a folder is read again when it changed under the reader.
_LOOKS = 20


class Maildir:
    """The store behind `maildir:PATH`."""

    traits = Traits(conditional_change=False)

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def server(self) -> str:
        with disk_errors():
            return identity("maildir", self._root, self._root)

    def check(self) -> Iterator[Problem]:
        for name, place in self._places().items():
            if place.reason:
                yield Problem("mail.folder_unreadable", f"Folder {name}: {place.reason}", "give access to it or take it out of the store")
            elif not all(
                os.access(place.path / part, os.R_OK | os.W_OK | os.X_OK, effective_ids=True) for part in SUBFOLDERS if (place.path / part).exists()
            ):
                yield Problem("mail.read_only", f"Folder {name} may not be written", "run as the account that owns the mail")

        if linked := self._linked_elsewhere():
            hint = "the copy stays there: look for it (a snapshot made by cp -al, another account's mail) and treat it as a system of its own"
            yield Problem("mail.hard_link", f"{linked} mails have a further name on disk outside of this store", hint, is_fatal=False)

    def _linked_elsewhere(self) -> int:
        """How many files have more names than this store shows."""
        names: Counter[tuple[int, int]] = Counter()
        links: dict[tuple[int, int], int] = {}
        for place in self._places().values():
            for part in SUBFOLDERS if not place.reason else ():
                with contextlib.suppress(OSError), os.scandir(place.path / part) as entries:
                    for entry in entries:
                        facts = entry.stat(follow_symlinks=False)
                        if facts.st_nlink > 1 and entry.is_file(follow_symlinks=False):
                            names[facts.st_dev, facts.st_ino] += 1
                            links[facts.st_dev, facts.st_ino] = facts.st_nlink
        return sum(count > names[file] for file, count in links.items())

    def folders(self) -> Sequence[Folder]:
        with disk_errors():
            return tuple(Folder(name, *self._count(place), separator=separator(name, place, self._root)) for name, place in self._places().items())

    def owner(self, folder: str) -> str:  # noqa: ARG002  # a path does not say whose mail lies there
        return ""

    def parts(self, folder: str) -> Sequence[tuple[str, ...]]:
        place = self._places().get(folder)
        count = 0 if place is None else self._count(place)[0] or 0
        of = min(count // _SLICE + 1, _SLICES)
        return tuple((str(index), str(of)) for index in range(of))

    def mails(self, folder: str, part: tuple[str, ...]) -> Iterator[Mail | Gap]:
        index, of = int(part[0]), int(part[1])
        listing = self._listing(folder, lambda unique: zlib.crc32(unique.encode("utf-8", "surrogateescape")) % of == index)
        for unique in sorted(listing):
            yield from self._distinct(folder, listing[unique])

    def locate(self, folder: str, keys: Sequence[Key], planned: Planned = NOTHING) -> Sequence[Sighting | None]:  # noqa: ARG002 -- files keep names
        listing = self._kin(folder, [key[0] for key in keys])
        return tuple(self._sighting(folder, listing, key) for key in keys)

    def becomes(self, sighting: Sighting, rewriting: Rewriting) -> bytes:
        return digest_written(sighting.mail, rewriting)

    def change(self, folder: str, orders: Sequence[Order]) -> Sequence[Outcome]:
        listing = self._kin(folder, [order.key[0] for order in orders])
        return tuple(self._carry_out(folder, listing, order) for order in orders)

    def renaming(self, folder: str) -> MaildirRenaming:  # noqa: ARG002  # one Maildir, one set of names
        return MaildirRenaming(self._root, self.folders)

    def close(self) -> None:
        """Nothing is held open."""

    # --- listing -----------------------------------------------------------------------------------------------------

    def _places(self) -> dict[str, Place]:
        found = places(self._root)
        if any(place.is_foreign for place in found.values()) and all(place.reason for place in found.values()):
            raise ManifestWrong("The path holds a store that only its mail server may change", code="mail.foreign_store", hint="search it over IMAP")
        if not found or all(place.path == self._root and place.reason for place in found.values()):
            raise ManifestWrong(
                "There is no readable Maildir under the given path", code="mail.no_store", hint="see that the path is right and mounted"
            )
        return found

    def _count(self, place: Place) -> tuple[int | None, str]:
        if place.reason:
            return None, place.reason
        return sum(len(os.listdir(place.path / part)) for part in SUBFOLDERS if (place.path / part).exists()), ""  # noqa: PTH208  # as below

    def _listing(self, folder: str, is_wanted: Callable[[str], bool]) -> dict[str, list[Entry]]:
        """The wanted files of a folder by unique name, read until the folder stands still: a listing may skip a file that is renamed meanwhile."""
        place = self._places().get(folder)
        if place is None:
            raise no_folder()
        if place.reason:
            raise NotSupported(f"A mail folder cannot be searched: {place.reason}", code="mail.folder_unreadable")
        with disk_errors():
            for _ in range(_LOOKS):
                before = _stamps(place.path)
                listing = _read_listing(place.path, is_wanted)
                if _stamps(place.path) == before:
                    return listing
        raise _too_busy()

    def _kin(self, folder: str, names: Sequence[str]) -> dict[str, list[Entry]]:
        """The files of these unique names and of what rewrites made of them."""
        stems = {lineage(name)[0] for name in names}
        return self._listing(folder, lambda unique: lineage(unique)[0] in stems)

    def _distinct(self, folder: str, entries: list[Entry]) -> Iterator[Mail | Gap]:
        """One mail per content: a crash may leave the same file in `new` and `cur`."""
        seen: set[bytes] = set()
        for entry in entries:
            try:
                mail = self._mail(folder, entry)
                state = mail.sight().state if len(entries) > 1 else b""
            except Gone:
                continue
            except NotSupported as error:
                yield Gap(folder, error.code, error.message)
                continue
            except OSError:
                yield Gap(folder, "mail.unreadable", "a mail could not be read from disk")
                continue
            if state not in seen:
                seen.add(state)
                yield mail

    def _mail(self, folder: str, entry: Entry) -> Mail:
        facts = self._opened(folder, entry, facts_of)
        created = datetime.fromtimestamp(facts.st_mtime, UTC)
        told = (entry.unique, *rested) if (rested := told_of(facts)) else ()
        mail = Mail(created, lambda: self._open(folder, entry), lambda: self._sight(mail, entry), told=told, flags=flags_of_name(entry.flags))
        return mail

    def _open(self, folder: str, entry: Entry) -> BinaryIO:
        """The mail, unpacked where its server keeps it compressed."""
        return self._opened(folder, entry, open_mail)

    def _plain(self, folder: str, entry: Entry) -> BinaryIO:
        """The file as it lies there."""
        return self._opened(folder, entry, open_plain)

    def _opened(self, folder: str, entry: Entry, how: Callable[[Path], _T]) -> _T:
        """The file under its present name: flags may have changed since it was listed."""
        for _ in range(_LOOKS):
            try:
                return how(entry.path)
            except FileNotFoundError:
                current = self._kin(folder, [entry.unique]).get(entry.unique)
                if not current:
                    raise Gone from None
                entry = current[0]
        raise _too_busy()

    def _sight(self, mail: Mail, entry: Entry) -> Sighting:
        state = digest_of(mail.open())
        return Sighting(mail, (entry.unique, short(state)), state)

    def _sighting(self, folder: str, listing: dict[str, list[Entry]], key: Key) -> Sighting | None:
        """The file with the name and the content, else with the name, else what a rewrite made of it."""
        unique, digest = key
        own = self._sightings(folder, listing.get(unique, []))
        if own:
            return next((sighting for sighting in own if sighting.key[1] == digest), own[0])
        for name in reversed(successors(_delivered(listing), unique)):
            for sighting in self._sightings(folder, listing[name]):
                return Sighting(sighting.mail, sighting.key, sighting.state, is_same=False)
        return None

    def _sightings(self, folder: str, entries: list[Entry]) -> list[Sighting]:
        found = []
        for entry in entries:
            with disk_errors(), contextlib.suppress(Gone):
                found.append(self._mail(folder, entry).sight())
        return found

    # --- changing ----------------------------------------------------------------------------------------------------

    def _carry_out(self, folder: str, listing: dict[str, list[Entry]], order: Order) -> Outcome:
        entries = listing.get(order.key[0], [])
        states = [(entry, sighting) for entry in entries for sighting in self._sightings(folder, [entry])]
        expected = [(entry, sighting) for entry, sighting in states if sighting.state == order.expect]
        if not expected:
            return Drifted("changed" if states else "absent")
        state = None
        if order.rewriting is not None:
            try:
                state = self._write_successor(folder, listing, expected[0], order.rewriting)
            except NotSupported as error:
                return Failed(error.code, error.message)
            if state == order.expect:
                return Done(state)
        for entry, _ in expected:
            self._unlink(folder, entry, order.expect)
        return Done(state)

    def _unlink(self, folder: str, entry: Entry, expect: bytes) -> None:
        """Removes a file whose content was checked, under the name that it has by now: flags in a name change, the content of a mail never."""
        for _ in range(_LOOKS):
            try:
                with disk_errors(FileNotFoundError):
                    size = entry.told_size or entry.path.lstat().st_size
                    entry.path.unlink()
                    sync_folder(entry.path.parent)
            except FileNotFoundError:
                current = self._kin(folder, [entry.unique]).get(entry.unique, [])
                same = [other for other in current for seen in self._sightings(folder, [other]) if seen.state == expect]
                if not same:
                    return
                entry = same[0]
                continue
            settle(self._root, entry.path.parent.parent, entry.flags, size=size, count=-1)
            return
        raise _too_busy()

    def _write_successor(self, folder: str, listing: dict[str, list[Entry]], old: tuple[Entry, Sighting], rewriting: Rewriting) -> bytes:
        """Writes the new mail beside the old one and gives its state.

        Killed while writing: a file in `tmp` that the next try replaces. Killed after the rename: the next try finds the successor and only the old
        mail is left to remove.
        """
        entry, sighting = old
        becomes = digest_written(sighting.mail, rewriting)
        made = [later.state for name in successors(_delivered(listing), entry.unique) for later in self._sightings(folder, listing[name])]
        if becomes in (sighting.state, *made):
            return becomes
        draft = entry.path.parent.parent / "tmp" / next_name(_delivered(listing), entry.unique)
        with disk_errors():
            draft.unlink(missing_ok=True)
            with self._plain(folder, entry) as source, create_private(draft) as file:
                packed = Packed(file, packing_of(source))
                packed.write_by(lambda sink: rewriting.write(sighting.mail, sink))
                file.flush()
                dress(file.fileno(), source.fileno())
                os.fsync(file.fileno())
            if digest_of(open_mail(draft)) != becomes:
                draft.unlink()
                raise NotSupported("A mail did not come out of its rewriting as foreseen", code="mail.rewrite_differs")
            target = entry.path.with_name(draft.name + fields_for(entry.fields, packed.size) + entry.flags)
            draft.rename(target)
            sync_folder(target.parent)
            settle(self._root, target.parent.parent, entry.flags, size=entry_of(target).told_size or target.stat().st_size, count=1)
        return becomes


def _too_busy() -> Unreachable:
    return Unreachable("A mail folder changes faster than it can be read", code="mail.busy", hint="try again when it is quieter")


def _stamps(folder: Path) -> tuple[int, ...]:
    """The times of last change of the three parts."""
    return tuple((folder / part).stat().st_mtime_ns for part in SUBFOLDERS if (folder / part).exists())


def _read_listing(folder: Path, is_wanted: Callable[[str], bool]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = defaultdict(list)
    for part in SUBFOLDERS:
        try:
            names = os.listdir(folder / part)  # noqa: PTH208  # a folder may hold millions, of which a slice makes paths of a few
        except FileNotFoundError:
            continue
        for name in names:
            unique = unique_of(name)
            if is_wanted(unique):
                found[unique].append(entry_of(folder / part / name))
    return dict(found)


def _delivered(listing: dict[str, list[Entry]]) -> list[str]:
    """The names of mails that are no drafts: a file in `tmp` may be half written."""
    return [name for name, entries in listing.items() if any(entry.path.parent.name != "tmp" for entry in entries)]
