"""Files on disk as mail stores need them: opened without following links, named for good, and changes that survive a power cut."""

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from dsr_engine.domain.errors import NotAllowed, NotSupported, Unreachable
from dsr_engine.drivers.remedies import DENIED, remedy

_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

#: Names by which the folders of servers' own formats are known.
_FOREIGN = {
    "dbox-Mails": "dbox of Dovecot",
    "dovecot.map.index": "mdbox of Dovecot",
    "cyrus.header": "a store of Cyrus",
    "cyrus.index": "a store of Cyrus",
}


@contextlib.contextmanager
def disk_errors(*kept: type[OSError]) -> Iterator[None]:
    """Turns the errors of the operating system into the engine's, but for those `kept`. Their texts name paths, which may tell of a person."""
    try:
        yield
    except kept:
        raise
    except OSError as error:
        if error.errno in DENIED:
            raise NotAllowed("The mail store's files may not be read or written", code="mail.not_allowed", hint=remedy(error)) from None
        name = errno.errorcode.get(error.errno or 0, "unknown")
        raise Unreachable(f"The mail store's files could not be used ({name})", code="mail.io", hint=remedy(error)) from None


def open_plain(path: Path | str, folder: int | None = None) -> BinaryIO:
    """A regular file for reading, in an open folder where one is given. Raises `NotSupported` for links and all else; never waits (a pipe would)."""
    return os.fdopen(handle_of(path, folder), "rb")


def handle_of(path: Path | str, folder: int | None = None) -> int:
    """The same as a handle of the operating system, which whoever asks for it closes."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise _not_a_file() from None
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise _not_a_file()
    return handle


def _not_a_file() -> NotSupported:
    return NotSupported("An entry of the mail folder is a link or no file at all", code="mail.not_a_file", hint="look at it by hand")


def identity(kind: str, root: Path, anchor: Path) -> str:
    """Names a store: its real path and the device and inode of `anchor`, as a digest because a path may hold a person's name."""
    facts = anchor.stat()
    line = f"{kind}\0{root}\0{facts.st_dev}\0{facts.st_ino}".encode("utf-8", "surrogateescape")
    return f"{kind}:{hashlib.sha256(line).hexdigest()[:32]}"


def create_private(path: Path) -> BinaryIO:
    """A new file that nobody else may read before it gets the mode of the one that it replaces. Raises `FileExistsError`."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    return os.fdopen(handle, "w+b")


@contextlib.contextmanager
def open_folder(root: Path, inner: str) -> Iterator[int]:
    """A folder below `root`, reached part by part so that no link on the way is followed. `inner` is its relative path, empty for the root itself."""
    handle = os.open(root, _OPEN_FOLDER)
    try:
        for part in inner.split("/") if inner else ():
            if part in ("", ".", ".."):
                raise FileNotFoundError(errno.ENOENT, "no such folder")
            deeper = os.open(part, _OPEN_FOLDER, dir_fd=handle)
            os.close(handle)
            handle = deeper
        yield handle
    finally:
        os.close(handle)


def foreign_store(names: Iterable[str]) -> str:
    """What kind of store of a mail server a folder with these entries is, whose files only that server may touch; empty: none that is known."""
    return next((_FOREIGN[name] for name in names if name in _FOREIGN), "")


def sync_folder(path: Path) -> None:
    """Makes renames and removals in a folder last."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def dress(handle: int, source: int) -> None:
    """Gives an open file the mode, owner, extended attributes (ACLs among them) and times of another open one.

    Raises `PermissionError` where this account cannot keep them.
    """
    own, like = os.fstat(handle), os.fstat(source)
    if (own.st_uid, own.st_gid) != (like.st_uid, like.st_gid):
        os.fchown(handle, like.st_uid, like.st_gid)
    os.fchmod(handle, stat.S_IMODE(like.st_mode))
    for name in _attributes(source):
        value = os.getxattr(source, name)
        if name not in _attributes(handle) or os.getxattr(handle, name) != value:
            _keep_attribute(handle, name, value)
    os.utime(handle, ns=(like.st_atime_ns, like.st_mtime_ns))


def _keep_attribute(handle: int, name: str, value: bytes) -> None:
    try:
        os.setxattr(handle, name, value)
    except OSError:
        raise PermissionError(errno.EPERM, "an attribute cannot be kept") from None


def _attributes(handle: int) -> list[str]:
    """Names of the extended attributes; none where the file system (or the platform) has no such thing."""
    with contextlib.suppress(OSError, AttributeError):
        return os.listxattr(handle)
    return []
