"""Folders of mails as files: `.eml` as programs save and export them, `.msg`, `.emlx`, MH folders, and whatever else lies among them.

Each file is a record, each folder a collection, and a mail is named by its file. What is no mail (a text, an archive, an mbox, a PST) is read as what
its content says, so nothing is passed over. The date of a mail is the file's time of last change: when it was saved here. Its `Date` header is the
sender's claim, and a later date errs towards keeping.

Rewrite: 1. write a file of a fixed name beside the old one, 2. fsync it, 3. read it back, 4. compare the old file once more, 5. rename over it,
6. fsync the folder. Killed before 5: the old file stands, and the next try writes anew. After 5: the new one stands, under the old name and with the
old times.
"""

import contextlib
import errno
import hashlib
import os
import shutil
import stat
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from dsr_engine.domain.errors import ManifestWrong, NotSupported
from dsr_engine.domain.record import Gap
from dsr_engine.drivers.driver import Done, Drifted, Failed, Outcome, Problem, Traits
from dsr_engine.drivers.mailstore.disk import disk_errors, dress, foreign_store, identity, open_folder, open_plain
from dsr_engine.drivers.mailstore.disk_renaming import DiskRenaming
from dsr_engine.drivers.mailstore.rested import told_of
from dsr_engine.drivers.mailstore.store import (
    BLOCK,
    NOTHING,
    DigestSink,
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
)

#: Files in one slice, about; and the most slices of a folder, since each lists all its names.
_SLICE = 5_000
_SLICES = 64

#: What the topmost folder is called.
TOP = "."


class Eml:
    """The store behind `eml:PATH`."""

    traits = Traits(conditional_change=False)

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def server(self) -> str:
        with disk_errors():
            return identity("eml", self._root, self._root)

    def check(self) -> Iterator[Problem]:
        for folder in self.folders():
            path = self._root / _inner(folder.name)
            if folder.reason:
                yield Problem("mail.folder_unreadable", f"Folder {folder.name}: {folder.reason}", "give access to it or move it away")
            elif not os.access(path, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
                yield Problem("mail.read_only", f"Folder {folder.name} may not be written", "run as the account that owns the mail")

    def folders(self) -> Sequence[Folder]:
        if not self._root.is_dir():
            raise ManifestWrong("There is no folder of mails at the given path", code="mail.no_store", hint="see that the path is right and mounted")
        with disk_errors():
            return tuple(self._walk(""))

    def owner(self, folder: str) -> str:  # noqa: ARG002  # a path does not say whose mail lies there
        return ""

    def parts(self, folder: str) -> Sequence[tuple[str, ...]]:
        """A folder that cannot be listed is one part, whose search says so."""
        of = 1
        with contextlib.suppress(OSError, ManifestWrong, NotSupported), self._opened(folder) as handle:
            of = min(len(_names(handle)) // _SLICE + 1, _SLICES)
        return tuple((str(index), str(of)) for index in range(of))

    def mails(self, folder: str, part: tuple[str, ...]) -> Iterator[Mail | Gap]:
        index, of = int(part[0]), int(part[1])
        with disk_errors(), self._opened(folder) as handle:
            names = sorted(name for name in _names(handle) if zlib.crc32(os.fsencode(name)) % of == index)
        for name in names:
            try:
                if (mail := self._mail(folder, name)) is not None:
                    yield mail
            except Gone:
                continue
            except NotSupported as error:
                yield Gap(folder, error.code, error.message)
            except OSError:
                yield Gap(folder, "mail.unreadable", "a file could not be read from disk")

    def locate(self, folder: str, keys: Sequence[Key], planned: Planned = NOTHING) -> Sequence[Sighting | None]:  # noqa: ARG002 -- files keep names
        with disk_errors(), self._opened(folder):
            return tuple(self._sighting(folder, key[0]) for key in keys)

    def becomes(self, sighting: Sighting, rewriting: Rewriting) -> bytes:
        return digest_written(sighting.mail, rewriting)

    def change(self, folder: str, orders: Sequence[Order]) -> Sequence[Outcome]:
        with disk_errors(), self._opened(folder) as handle:
            return tuple(self._carry_out(folder, handle, order) for order in orders)

    def renaming(self, folder: str) -> DiskRenaming:  # noqa: ARG002  # one place, one set of names
        return DiskRenaming(self._root, self.folders)

    def close(self) -> None:
        """Nothing is held open."""

    # --- looking -----------------------------------------------------------------------------------------------------

    def _walk(self, inner: str) -> Iterator[Folder]:
        """The folder and all below it; what cannot be searched with its reason."""
        name = inner or TOP
        try:
            entries = sorted(os.scandir(self._root / inner), key=lambda entry: entry.name)
        except PermissionError:
            yield Folder(name, None, "the folder may not be listed")
            return
        if foreign := foreign_store(entry.name for entry in entries):
            yield Folder(name, None, f"it is {foreign}, which only the server may change; search it over IMAP")
            return
        deeper = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
        yield Folder(name, len(entries) - len(deeper))
        for entry in deeper:
            path = f"{inner}/{entry.name}" if inner else entry.name
            yield from self._walk(path) if _is_text(entry.name) else (Folder(_shown(path), None, "its name is not UTF-8"),)

    def _opened(self, folder: str) -> contextlib.AbstractContextManager[int]:
        return _opened(self._root, folder)

    def _mail(self, folder: str, name: str) -> Mail | None:
        """The mail in a file; None for a folder."""
        if not _is_text(name):
            raise NotSupported("A file's name is not UTF-8; it was not searched", code="mail.file_name")
        try:
            with self._opened(folder) as handle:
                if stat.S_ISDIR(os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode):
                    return None
            with self._open(folder, name) as file:
                facts = os.fstat(file.fileno())
        except FileNotFoundError:
            raise Gone from None
        created = datetime.fromtimestamp(facts.st_mtime, UTC)
        told = (name, *rested) if (rested := told_of(facts)) else ()
        mail = Mail(created, lambda: self._open(folder, name), lambda: self._sight(mail, name), file=name, told=told)
        return mail

    def _open(self, folder: str, name: str) -> BinaryIO:
        try:
            with self._opened(folder) as handle:
                return open_plain(name, handle)
        except FileNotFoundError:
            raise Gone from None

    def _sight(self, mail: Mail, name: str) -> Sighting:
        return Sighting(mail, (name,), digest_of(mail.open()))

    def _sighting(self, folder: str, name: str) -> Sighting | None:
        with contextlib.suppress(Gone):
            mail = self._mail(folder, name)
            return None if mail is None else self._sight(mail, name)
        return None

    # --- changing ----------------------------------------------------------------------------------------------------

    def _carry_out(self, folder: str, handle: int, order: Order) -> Outcome:
        name = order.key[0]
        try:
            file = open_plain(name, handle)
        except FileNotFoundError:
            return Drifted("absent")
        except NotSupported:
            return Drifted("changed")
        with file:
            if _digest(file) != order.expect:
                return Drifted("changed")
            facts = _facts(os.fstat(file.fileno()))
            try:
                if order.rewriting is None:
                    return self._remove(handle, name, facts)
                return self._replace(folder, handle, file, order, facts)
            except NotSupported as error:
                return Failed(error.code, error.message)

    def _remove(self, handle: int, name: str, facts: tuple[int, ...]) -> Outcome:
        _remove(_draft(name), handle)
        if not _is_still(handle, name, facts):
            return Drifted("changed")
        os.unlink(name, dir_fd=handle)
        os.fsync(handle)
        return Done(None)

    def _replace(self, folder: str, handle: int, file: BinaryIO, order: Order, facts: tuple[int, ...]) -> Outcome:
        name, rewriting = order.key[0], order.rewriting
        mail = self._mail(folder, name)
        if rewriting is None or mail is None:
            return Drifted("changed")
        becomes = digest_written(mail, rewriting)
        if becomes == order.expect:
            return Done(becomes)
        if os.fstat(file.fileno()).st_nlink > 1:
            return Failed("mail.hard_link", "the file has a second name, which would keep the old mail")
        draft = _draft(name)
        _remove(draft, handle)
        try:
            if self._write(handle, draft, file, mail, rewriting) != becomes:
                raise NotSupported("A mail did not come out of its rewriting as foreseen", code="mail.rewrite_differs")
            if not _is_still(handle, name, facts):
                return Drifted("changed")
            os.rename(draft, name, src_dir_fd=handle, dst_dir_fd=handle)
        finally:
            _remove(draft, handle)
        os.fsync(handle)
        return Done(becomes)

    def _write(self, handle: int, draft: str, like: BinaryIO, mail: Mail, rewriting: Rewriting) -> bytes:
        """Writes the new file and gives the digest of what is read back."""
        made = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=handle)
        with os.fdopen(made, "w+b") as new:
            rewriting.write(mail, new)
            new.flush()
            dress(new.fileno(), like.fileno())
            os.fsync(new.fileno())
        with open_plain(draft, handle) as written:
            return _digest(written)


def _inner(folder: str) -> str:
    return "" if folder == TOP else folder


@contextlib.contextmanager
def _opened(root: Path, folder: str) -> Iterator[int]:
    with contextlib.ExitStack() as held:
        try:
            handle = held.enter_context(open_folder(root, _inner(folder)))
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                raise
            raise no_folder() from None
        yield handle


def _names(handle: int) -> list[str]:
    names = os.listdir(handle)
    if foreign_store(names):
        raise NotSupported(
            "A mail folder belongs to a store that only its server may change", code="mail.folder_unreadable", hint="search it over IMAP"
        )
    return names


def _digest(file: BinaryIO) -> bytes:
    """SHA-256 of the file, which stays open."""
    file.seek(0)
    sink = DigestSink()
    shutil.copyfileobj(file, sink, BLOCK)
    return sink.digest()


def _facts(found: os.stat_result) -> tuple[int, ...]:
    """What changes whenever content or identity of a file do."""
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _is_still(handle: int, name: str, facts: tuple[int, ...]) -> bool:
    try:
        return _facts(os.stat(name, dir_fd=handle, follow_symlinks=False)) == facts
    except FileNotFoundError:
        return False


def _draft(name: str) -> str:
    """What a new file is called until it takes its place: always the same, so that a killed try leaves nothing twice, and without the old name."""
    return f".dsr-{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}.tmp"


def _remove(name: str, handle: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=handle)


def _is_text(name: str) -> bool:
    """True for a name in UTF-8: others could be searched, but not kept as text."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "replace")
