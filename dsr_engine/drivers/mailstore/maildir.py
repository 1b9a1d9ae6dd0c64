"""Maildir: one file per mail (https://cr.yp.to/proto/maildir.html, https://doc.dovecot.org/admin_manual/mailbox_formats/maildir/).

A mail is named by the unique part of its file name (before `,S=…` and `:2,FLAGS`) and a digest of its content, so that delivery into `cur`
and changed flags are no move. A rewritten mail gets a *new* unique name, `NAME_r1`: Dovecot answers from its index for a name that it knows,
and would go on showing the old subject. The name tells where the mail came from, so an interrupted rewrite is recognised without any mark.
"""

import contextlib
import os
import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from dsr_engine.domain.errors import ManifestWrong, NotSupported, Unreachable
from dsr_engine.domain.record import Gap
from dsr_engine.drivers.driver import Done, Drifted, Failed, Outcome, Problem, Traits
from dsr_engine.drivers.mailstore.disk import disk_errors, dress, identity, open_plain, sync_folder
from dsr_engine.drivers.mailstore.maildir_folders import SUBFOLDERS, Place, places
from dsr_engine.drivers.mailstore.store import Folder, Gone, Key, Mail, Order, Rewriting, Sighting, digest_of, digest_written, short

#: Mails in one slice, about.
_SLICE = 5_000

#: How often a folder is read again when it changed under the reader.
_LOOKS = 20

_SUCCESSOR = re.compile(r"(?P<stem>.*?)(?:_r(?P<count>[0-9]{1,6}))?", re.DOTALL)


@dataclass(frozen=True, slots=True, repr=False)
class _Entry:
    """One file of a folder. `unique` is the name without fields and flags, `fields` and `flags` the rest with their separators."""

    path: Path
    unique: str
    fields: str
    flags: str


def _entry(path: Path) -> _Entry:
    name, colon, flags = path.name.partition(":")
    unique, comma, fields = name.partition(",")
    return _Entry(path, unique, comma + fields, colon + flags)


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

    def folders(self) -> Sequence[Folder]:
        with disk_errors():
            return tuple(Folder(name, *self._count(place)) for name, place in self._places().items())

    def parts(self, folder: str) -> Sequence[tuple[str, ...]]:
        place = self._places().get(folder)
        count = 0 if place is None else self._count(place)[0] or 0
        of = count // _SLICE + 1
        return tuple((str(index), str(of)) for index in range(of))

    def mails(self, folder: str, part: tuple[str, ...]) -> Iterator[Mail | Gap]:
        index, of = int(part[0]), int(part[1])
        listing = self._listing(folder)
        for unique in sorted(listing):
            if zlib.crc32(unique.encode("utf-8", "surrogateescape")) % of == index:
                yield from self._distinct(folder, listing[unique])

    def locate(self, folder: str, keys: Sequence[Key]) -> Sequence[Sighting | None]:
        listing = self._listing(folder)
        return tuple(self._sighting(folder, listing, key) for key in keys)

    def becomes(self, sighting: Sighting, rewriting: Rewriting) -> bytes:
        return digest_written(sighting.mail, rewriting)

    def change(self, folder: str, orders: Sequence[Order]) -> Sequence[Outcome]:
        listing = self._listing(folder)
        return tuple(self._carry_out(folder, listing, order) for order in orders)

    def close(self) -> None:
        """Nothing is held open."""

    # --- listing -----------------------------------------------------------------------------------------------------

    def _places(self) -> dict[str, Place]:
        found = places(self._root)
        if not found or all(place.path == self._root and place.reason for place in found.values()):
            raise ManifestWrong(
                "There is no readable Maildir under the given path", code="mail.no_store", hint="see that the path is right and mounted"
            )
        return found

    def _count(self, place: Place) -> tuple[int | None, str]:
        if place.reason:
            return None, place.reason
        return sum(1 for part in SUBFOLDERS if (place.path / part).exists() for _ in (place.path / part).iterdir()), ""

    def _listing(self, folder: str) -> dict[str, list[_Entry]]:
        """All files of a folder by unique name, read until the folder stands still: a listing may skip a file that is renamed meanwhile."""
        place = self._places().get(folder)
        if place is None:
            raise ManifestWrong("A mail folder of this name is not there", code="mail.no_folder", hint="search again: it was removed or renamed")
        if place.reason:
            raise NotSupported(f"A mail folder cannot be searched: {place.reason}", code="mail.folder_unreadable")
        with disk_errors():
            for _ in range(_LOOKS):
                before = _stamps(place.path)
                listing = _read_listing(place.path)
                if _stamps(place.path) == before:
                    return listing
        raise _too_busy()

    def _distinct(self, folder: str, entries: list[_Entry]) -> Iterator[Mail | Gap]:
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

    def _mail(self, folder: str, entry: _Entry) -> Mail:
        with self._open(folder, entry) as file:
            created = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
        mail = Mail(created, lambda: self._open(folder, entry), lambda: self._sight(mail, entry))
        return mail

    def _open(self, folder: str, entry: _Entry) -> BinaryIO:
        """The file under its present name: flags may have changed since it was listed."""
        for _ in range(_LOOKS):
            try:
                return open_plain(entry.path)
            except FileNotFoundError:
                current = self._listing(folder).get(entry.unique)
                if not current:
                    raise Gone from None
                entry = current[0]
        raise _too_busy()

    def _sight(self, mail: Mail, entry: _Entry) -> Sighting:
        state = digest_of(mail.open())
        return Sighting(mail, (entry.unique, short(state)), state)

    def _sighting(self, folder: str, listing: dict[str, list[_Entry]], key: Key) -> Sighting | None:
        """The file with the name and the content, else with the name, else what a rewrite made of it."""
        unique, digest = key
        own = self._sightings(folder, listing.get(unique, []))
        if own:
            return next((sighting for sighting in own if sighting.key[1] == digest), own[0])
        for name in reversed(_successors(_delivered(listing), unique)):
            for sighting in self._sightings(folder, listing[name]):
                return Sighting(sighting.mail, sighting.key, sighting.state, is_same=False)
        return None

    def _sightings(self, folder: str, entries: list[_Entry]) -> list[Sighting]:
        found = []
        for entry in entries:
            with disk_errors(), contextlib.suppress(Gone):
                found.append(self._mail(folder, entry).sight())
        return found

    # --- changing ----------------------------------------------------------------------------------------------------

    def _carry_out(self, folder: str, listing: dict[str, list[_Entry]], order: Order) -> Outcome:
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
            self._unlink(folder, entry)
        return Done(state)

    def _unlink(self, folder: str, entry: _Entry) -> None:
        """Removes a file whose content was checked, under the name that it has by now: flags in a name change, the content of a mail never."""
        for _ in range(_LOOKS):
            try:
                with disk_errors(FileNotFoundError):
                    entry.path.unlink()
                    sync_folder(entry.path.parent)
            except FileNotFoundError:
                current = self._listing(folder).get(entry.unique)
                if not current:
                    return
                entry = current[0]
                continue
            return
        raise _too_busy()

    def _write_successor(self, folder: str, listing: dict[str, list[_Entry]], old: tuple[_Entry, Sighting], rewriting: Rewriting) -> bytes:
        """Writes the new mail beside the old one and gives its state.

        Killed while writing: a file in `tmp` that the next try replaces. Killed after the rename: the next try finds the successor and only the old
        mail is left to remove.
        """
        entry, sighting = old
        becomes = digest_written(sighting.mail, rewriting)
        made = [later.state for name in _successors(_delivered(listing), entry.unique) for later in self._sightings(folder, listing[name])]
        if becomes in (sighting.state, *made):
            return becomes
        draft = entry.path.parent.parent / "tmp" / _next_name(_delivered(listing), entry.unique)
        with disk_errors():
            draft.unlink(missing_ok=True)
            with self._open(folder, entry) as source:
                like = os.fstat(source.fileno())
            with draft.open("xb") as file:
                rewriting.write(sighting.mail, file)
                file.flush()
                size = file.tell()
                dress(file.fileno(), like)
                os.fsync(file.fileno())
            if digest_of(open_plain(draft)) != becomes:
                draft.unlink()
                raise NotSupported("A mail did not come out of its rewriting as foreseen", code="mail.rewrite_differs")
            draft.rename(entry.path.with_name(draft.name + _fields_for(entry.fields, size) + entry.flags))
            sync_folder(entry.path.parent)
        return becomes


def _too_busy() -> Unreachable:
    return Unreachable("A mail folder changes faster than it can be read", code="mail.busy", hint="try again when it is quieter")


def _stamps(folder: Path) -> tuple[int, ...]:
    """The times of last change of the three parts."""
    return tuple((folder / part).stat().st_mtime_ns for part in SUBFOLDERS if (folder / part).exists())


def _read_listing(folder: Path) -> dict[str, list[_Entry]]:
    found: dict[str, list[_Entry]] = defaultdict(list)
    for part in SUBFOLDERS:
        try:
            paths = list((folder / part).iterdir())
        except FileNotFoundError:
            continue
        for path in paths:
            entry = _entry(path)
            found[entry.unique].append(entry)
    return dict(found)


def _lineage(unique: str) -> tuple[str, int]:
    """The name that a mail was delivered under, and how often it was rewritten."""
    match = _SUCCESSOR.fullmatch(unique)
    assert match is not None
    return match["stem"], int(match["count"] or 0)


def _delivered(listing: dict[str, list[_Entry]]) -> list[str]:
    """The names of mails that are no drafts: a file in `tmp` may be half written."""
    return [name for name, entries in listing.items() if any(entry.path.parent.name != "tmp" for entry in entries)]


def _successors(names: Sequence[str], unique: str) -> list[str]:
    """Those of the names that rewrites of this mail made, oldest first."""
    stem, count = _lineage(unique)
    later = [(_lineage(name)[1], name) for name in names if name.startswith(stem) and _lineage(name)[0] == stem]
    return [name for number, name in sorted(later) if number > count]


def _next_name(names: Sequence[str], unique: str) -> str:
    stem, count = _lineage(unique)
    taken = [_lineage(name)[1] for name in _successors(names, unique)]
    return f"{stem}_r{max([count, *taken]) + 1}"


def _fields_for(fields: str, size: int) -> str:
    """The size fields of a file name after a rewrite: `S=` anew, `W=` (the size with CRLF) left out, which readers allow."""
    kept = [f"S={size}" if field.startswith("S=") else field for field in fields.split(",") if not field.startswith("W=")]
    return ",".join(kept)
