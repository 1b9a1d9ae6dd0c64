"""A folder, or one file, as a shelf. No symbolic link is ever followed: every path is walked part by part from the root's own descriptor.

Rewrite: 1. write a temporary file beside the old one (same name at every try), 2. fsync it, 3. compare the old file once more,
4. rename over it, 5. fsync the folder.
Killed before 4: the old file stands, and the next try writes the temporary file anew. After 4: the new one stands.
The modification time stays, because ages are counted by it; a mirror that goes by time and size alone (`rsync` without `--checksum`) may pass over
a rewrite of equal length.
A file system cannot refuse a change that races with step 4, so `conditional_change` is not claimed; the window is one system call.
"""

import contextlib
import io
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, cast

from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.plan import Delete, Effect
from dsr_engine.domain.record import Gap
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import Problem, Traits
from dsr_engine.drivers.objectstore.composed import Composed
from dsr_engine.drivers.objectstore.folder_errors import touching
from dsr_engine.drivers.objectstore.folder_files import Steady, attributes, keep_attributes, write_sparsely
from dsr_engine.drivers.objectstore.folder_times import unchanged_since
from dsr_engine.drivers.objectstore.folder_walk import is_odd, leaf, walked
from dsr_engine.drivers.objectstore.shelf import BLOCK, WHOLE, Labels, Sameness, Stored, Stretch

#: How NFS clients name what was deleted while somebody had it open; it goes when it is closed, and comes back when it is deleted before.
_STILL_OPEN = ".nfs0"
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class FolderShelf:
    """Files below one root. Names have no version, so a locator's key is the relative path alone."""

    def __init__(self, system: System) -> None:
        path = system.setting("url").removeprefix("folder:")
        if not path:
            raise InputWrong("no folder is named", code="folder.settings", hint="set url: folder:/path, or give a path")
        given = Path(path).resolve()
        self._only = given.name if given.is_file() else ""
        self._root = given.parent if self._only else given
        self.traits = Traits(conditional_change=False)

    @property
    def server(self) -> str:
        """The real path with its device and inode: another folder mounted at the same path is another server."""
        with touching("look at the folder"):
            found = self._root.stat()
        return f"folder:{self._root / self._only}:{found.st_dev}:{found.st_ino}"

    def check(self) -> Sequence[Problem]:
        if not self._root.is_dir():
            return (Problem("folder.absent", "the folder is not there", "check the path and whether it is mounted"),)
        folders = [self._root] if self._only else [Path(folder) for folder, _, _ in os.walk(self._root)]
        closed = sum(not os.access(folder, os.R_OK | os.W_OK | os.X_OK) for folder in folders)
        if not closed:
            return ()
        return (
            Problem("folder.read_only", f"{closed} folder(s) cannot be written by this account", "grant write access, or run as the files' owner"),
        )

    def segments(self) -> Iterator[str]:
        if self._only:
            return
        with touching("list the folder"), os.scandir(self._root) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False) and not is_odd(entry.name))
        yield from names

    @property
    def is_ordered(self) -> bool:
        """A folder is walked folder by folder, and cannot be entered behind a name."""
        return False

    def listing(self, prefix: str, *, is_deep: bool = True, within: Stretch = WHOLE) -> Iterator[Stored | Gap]:
        if not self._root.is_dir():
            raise InputWrong("the folder is not there", code="folder.absent", hint="check the path and whether it is mounted")
        folder, _, _ = prefix.rpartition("/")
        with touching("list the folder"):
            entries = walked(self._root, folder, is_deep=is_deep, within=within)
        for found in entries:
            path = found.collection if isinstance(found, Gap) else found.path
            if path.startswith(prefix) and self._only in ("", path):
                yield found

    def versions(self, key: str) -> Sequence[Stored]:
        try:
            with self._parent(key) as (parent, name), touching("look at a file"):
                return (self._stored(parent, name, key),)
        except Conflict as error:
            if error.code == "folder.gone":
                return ()
            raise

    def uploads(self, key: str) -> Sequence[Stored]:  # noqa: ARG002  # the protocol's argument
        return ()

    def _stored(self, parent: int, name: str, key: str) -> Stored:
        found = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if stat.S_ISDIR(found.st_mode) != key.endswith("/"):
            raise FileNotFoundError
        target = os.fsencode(os.readlink(name, dir_fd=parent)) if stat.S_ISLNK(found.st_mode) else None
        return leaf(key, found, target)

    @contextmanager
    def _parent(self, key: str) -> Iterator[tuple[int, str]]:
        """The descriptor of the folder that holds this path, reached without following any link, and the last part."""
        *parts, name = key.rstrip("/").split("/")
        if any(part in ("", ".", "..") for part in (*parts, name)):
            raise Conflict("a path leads out of the folder", code="folder.out_of_scope", hint="was the system's path changed since the search?")
        with touching("open a folder"):
            descriptor = os.open(self._root, _OPEN_FOLDER)
        try:
            for part in parts:
                with touching("open a folder"):
                    deeper = os.open(part, _OPEN_FOLDER, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = deeper
            yield descriptor, name
        finally:
            os.close(descriptor)

    def open(self, stored: Stored) -> BinaryIO:
        with self._parent(stored.key) as (parent, name), touching("open a file"):
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=parent)
            file = Steady(descriptor, stored.tag)
            try:
                file.insist()
            except Conflict:
                file.close()
                raise
            return cast("BinaryIO", io.BufferedReader(file, BLOCK))

    def labels(self, stored: Stored) -> Labels:
        """Extended attributes of users are metadata. A link's are not read: only its target can have any."""
        if stored.bare is not None:
            return Labels()
        with self._parent(stored.key) as (parent, name), touching("open a file"):
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=parent)
            try:
                return Labels(metadata=attributes(descriptor))
            finally:
                os.close(descriptor)

    def sameness(self, stored: Stored) -> Sameness | None:
        return unchanged_since(stored.tag)

    def refusal(self, stored: Stored, effect: Effect, _going: frozenset[str | None]) -> Problem | None:
        if stored.path.rpartition("/")[2].startswith(_STILL_OPEN):
            return Problem("folder.still_open", "a program still has the file open that was deleted under this name (NFS)", "end the program")
        if isinstance(effect, Delete):
            return None
        if stored.bare is not None:
            return Problem("objectstore.name", "a link or an empty folder has no content to rewrite", "delete it")
        with self._parent(stored.key) as (parent, name), touching("look at a file"):
            links = os.stat(name, dir_fd=parent, follow_symlinks=False).st_nlink
        if links > 1:
            return Problem(
                "folder.hard_link", "the file has further names (hard links), which a rewrite would cut off", "remove the other names first"
            )
        return None

    def delete(self, stored: Stored) -> None:
        with self._parent(stored.key) as (parent, name), touching("delete a file"):
            self._insist_same(parent, name, stored)
            _remove_if_there(_temporary(name), parent)
            if stored.bare == b"folder":
                os.rmdir(name, dir_fd=parent)
            else:
                os.unlink(name, dir_fd=parent)
            os.fsync(parent)

    def _insist_same(self, parent: int, name: str, stored: Stored) -> None:
        if self._stored(parent, name, stored.key).tag != stored.tag:
            raise Conflict("a file changed", code="folder.changed")

    def successor(self, _stored: Stored) -> Stored | None:
        return None

    def replace(self, stored: Stored, labels: Labels, content: Composed) -> Stored:
        with self._parent(stored.key) as (parent, name), touching("rewrite a file"):
            temporary = _temporary(name)
            _remove_if_there(temporary, parent)
            with contextlib.ExitStack() as undo:
                undo.callback(_remove_if_there, temporary, parent)
                self._write(parent, temporary, name, labels, content)
                self._insist_same(parent, name, stored)
                os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
                undo.pop_all()
            os.fsync(parent)
            return self._stored(parent, name, stored.key)

    def _write(self, parent: int, temporary: str, like: str, labels: Labels, content: Composed) -> None:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=parent)
        with os.fdopen(descriptor, "wb") as sink:
            source = os.open(like, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
            try:
                with contextlib.closing(content.read_from()) as new:
                    write_sparsely(new, sink, os.fstat(source))
                keep_attributes(source, sink.fileno(), labels.metadata)
            finally:
                os.close(source)
            os.fsync(sink.fileno())

    def withdraw(self, successor: Stored, stored: Stored) -> None:
        """What was renamed over the old file cannot be taken back."""

    def close(self) -> None:
        """Nothing stays open between calls."""


def _temporary(name: str) -> str:
    """The name under which a file is written before it takes its place: always the same, so that a killed try leaves nothing twice."""
    return f".dsr-{sha256(os.fsencode(name)).hexdigest()[:16]}.tmp"


def _remove_if_there(name: str, parent: int) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=parent)
