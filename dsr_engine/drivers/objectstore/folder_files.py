"""One file of a folder: read only while it stays what it was, written with its holes, its owner and its attributes."""

import io
import os
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import BinaryIO

from dsr_engine.domain.errors import Conflict, NotSupported
from dsr_engine.drivers.objectstore.folder_errors import touching
from dsr_engine.drivers.objectstore.folder_walk import tag_of
from dsr_engine.drivers.objectstore.shelf import BLOCK

#: Extended attributes of users have names that begin so; all others (ACLs, capabilities, labels) belong to the system.
_USERS = "user."


class Steady(io.FileIO):
    """A file that raises `Conflict` as soon as it is not the one any more that `tag` names, so that no text is put together from two states."""

    def __init__(self, descriptor: int, tag: str) -> None:
        super().__init__(descriptor, "rb")
        self._tag = tag

    def insist(self) -> None:
        if tag_of(os.fstat(self.fileno())) != self._tag:
            raise Conflict("a file changed while it was read", code="folder.changed")

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]  # typeshed's Buffer has no name before 3.12
        with touching("read a file"):
            count = super().readinto(buffer)
        self.insist()
        return count or 0

    def readall(self) -> bytes:
        with touching("read a file"):
            data = super().readall()
        self.insist()
        return data or b""


def attributes(descriptor: int) -> dict[str, str]:
    """The extended attributes of users by name. Bytes that are no UTF-8 come as surrogates, and go back as the same bytes."""
    return {
        name.removeprefix(_USERS): os.getxattr(descriptor, name).decode(errors="surrogateescape")
        for name in _names(descriptor)
        if name.startswith(_USERS)
    }


def keep_attributes(source: int, sink: int, metadata: Mapping[str, str]) -> None:
    """Owner, mode, times and extended attributes (ACLs among them) as before, those of users as `metadata` says.

    Raises `NotSupported` where this account cannot keep them.
    """
    found = os.fstat(source)
    steps: list[Callable[[], None]] = [lambda: os.fchown(sink, found.st_uid, found.st_gid), lambda: os.fchmod(sink, stat.S_IMODE(found.st_mode))]
    kept = {name: os.getxattr(source, name) for name in _names(source) if not name.startswith(_USERS)}
    kept |= {_USERS + name: value.encode(errors="surrogateescape") for name, value in metadata.items()}
    for name, value in kept.items():
        steps.append(lambda name=name, value=value: os.setxattr(sink, name, value))  # type: ignore[misc]  # bound at once
    steps.append(lambda: os.utime(sink, ns=(found.st_atime_ns, found.st_mtime_ns)))
    for step in steps:
        try:
            step()
        except OSError:
            raise NotSupported("a file's owner or attributes cannot be kept", code="folder.attributes", hint="run as the files' owner") from None


def write_sparsely(content: BinaryIO, sink: BinaryIO, like: os.stat_result) -> None:
    """Writes the content; where the old file had holes, blocks of zeros become holes again."""
    has_holes = like.st_blocks * 512 < like.st_size
    size = 0
    while block := content.read(BLOCK):
        size += len(block)
        if has_holes and not block.strip(b"\0"):
            sink.seek(len(block), os.SEEK_CUR)
        else:
            sink.write(block)
    sink.flush()
    os.ftruncate(sink.fileno(), size)


def _names(descriptor: int) -> list[str]:
    """Names of the extended attributes; none where the file system (or the platform) has no such thing."""
    with suppress(OSError, AttributeError):
        return os.listxattr(descriptor)
    return []
