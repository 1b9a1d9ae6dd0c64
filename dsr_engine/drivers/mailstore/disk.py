"""Files on disk as mail stores need them: opened without following links, named for good, and changes that survive a power cut."""

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from dsr_engine.domain.errors import NotAllowed, NotSupported, Unreachable


@contextlib.contextmanager
def disk_errors(*kept: type[OSError]) -> Iterator[None]:
    """Turns the errors of the operating system into the engine's, but for those `kept`. Their texts name paths, which may tell of a person."""
    try:
        yield
    except kept:
        raise
    except PermissionError:
        raise NotAllowed(
            "The mail store's files may not be read or written", code="mail.not_allowed", hint="run as the account that owns the mail"
        ) from None
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0, "unknown")
        raise Unreachable(
            f"The mail store's files could not be used ({name})", code="mail.io", hint="see that the disk is mounted and sound"
        ) from None


def open_plain(path: Path) -> BinaryIO:
    """A regular file for reading. Raises `NotSupported` for links and everything else; never waits (a pipe would)."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise _not_a_file() from None
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise _not_a_file()
    return os.fdopen(handle, "rb")


def _not_a_file() -> NotSupported:
    return NotSupported("An entry of the mail folder is a link or no file at all", code="mail.not_a_file", hint="look at it by hand")


def identity(kind: str, root: Path, anchor: Path) -> str:
    """Names a store: its real path and the device and inode of `anchor`, as a digest because a path may hold a person's name."""
    facts = anchor.stat()
    line = f"{kind}\0{root}\0{facts.st_dev}\0{facts.st_ino}".encode("utf-8", "surrogateescape")
    return f"{kind}:{hashlib.sha256(line).hexdigest()[:32]}"


def sync_folder(path: Path) -> None:
    """Makes renames and removals in a folder last."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def dress(handle: int, like: os.stat_result) -> None:
    """Gives an open file the mode, owner and times of another. Raises `PermissionError` where the owner cannot be kept."""
    own = os.fstat(handle)
    if (own.st_uid, own.st_gid) != (like.st_uid, like.st_gid):
        os.fchown(handle, like.st_uid, like.st_gid)
    os.fchmod(handle, stat.S_IMODE(like.st_mode))
    os.utime(handle, ns=(like.st_atime_ns, like.st_mtime_ns))
