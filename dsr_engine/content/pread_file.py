"""An open file that several readers use at a time, each at offsets of its own."""

import contextlib
import io
import os
import tempfile
from typing import BinaryIO

from dsr_engine.content.stream import BLOCK, Positioned

#: Files by themselves, not something that changes what is written to it; and from which size on it matters. Bytes.
_FILES = (io.BufferedWriter, io.BufferedRandom, tempfile.SpooledTemporaryFile)
_LARGE = 1024 * 1024


class Seekable(Positioned):
    """A file with a descriptor, read without moving the position that belongs to all who have the descriptor."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(os.fstat(file.fileno()).st_size)
        self._descriptor = file.fileno()

    def bytes_at(self, offset: int, count: int) -> bytes:
        return os.pread(self._descriptor, count, offset)


class Part(Positioned):
    """A range of a file with a descriptor as a file of its own; nobody's position is moved."""

    def __init__(self, descriptor: int, start: int, end: int) -> None:
        super().__init__(max(0, end - start))
        self._descriptor, self._start = descriptor, start

    def bytes_at(self, offset: int, count: int) -> bytes:
        return os.pread(self._descriptor, count, self._start + offset)


def reopened(file: BinaryIO) -> BinaryIO:
    """The same file once more, at its start. It shares its position with `file`, so only one of the two may rely on it."""
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    return os.fdopen(os.dup(file.fileno()), "rb")


def copy(source: BinaryIO, sink: BinaryIO, start: int = 0, end: int | None = None) -> None:
    """A file, or a range of it, behind what the other has. Much of it goes from file to file within the system, where both are files."""
    size = os.fstat(source.fileno()).st_size if end is None else end
    at = _sent(source, sink, start, size) if size - start > _LARGE and isinstance(sink, _FILES) else start
    while at < size and (block := os.pread(source.fileno(), min(BLOCK, size - at), at)):
        sink.write(block)
        at += len(block)


def _sent(source: BinaryIO, sink: BinaryIO, at: int, end: int) -> int:
    """How far the system copied: not to the end where it only sends to sockets."""
    sink.flush()
    descriptor = sink.fileno()
    with contextlib.suppress(OSError):
        while at < end and (count := os.sendfile(descriptor, source.fileno(), at, end - at)):
            at += count
    sink.seek(os.lseek(descriptor, 0, os.SEEK_CUR))
    return at
