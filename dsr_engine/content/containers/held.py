"""A file that is read here and there many times, opened once: archives are read from their ends, and a file within a file cannot go back.

Opening a file in a bucket is a call, and opening one inside of a compressed archive decompresses all that lies before it. So what can seek is opened
once and shared, and what cannot is copied once: small files in memory, large ones on disk in a file without a name.
"""

import io
import tempfile
from contextlib import ExitStack, closing
from types import TracebackType
from typing import BinaryIO, Self, cast

from dsr_engine.content.format import Opener, Unreadable
from dsr_engine.content.stream import BLOCK

#: Bytes that a copy takes in memory, before it goes to disk.
_IN_MEMORY = 8 * 1024 * 1024
#: Bytes of a file that counts as small.
_SMALL = 64 * 1024


class Held:
    """While it is entered, `open` costs nothing; otherwise it opens the file anew. It can be entered again, by the writer of a rewrite."""

    def __init__(self, open_file: Opener) -> None:
        self._open_file = open_file
        self._source: BinaryIO | None = None

    def __enter__(self) -> Self:
        source = self._open_file()
        if not source.seekable():
            with ExitStack() as unfinished:
                copy = cast(BinaryIO, unfinished.enter_context(tempfile.SpooledTemporaryFile(_IN_MEMORY)))
                with source:
                    while piece := source.read(BLOCK):
                        copy.write(piece)
                unfinished.pop_all()
            source = copy
        self._source = source
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._source is not None:
            self._source.close()
            self._source = None

    def open(self) -> BinaryIO:
        """The file at its start."""
        return view_of(self._source) if self._source is not None else self._open_file()


def at_hand(open_file: Opener) -> Opener:
    """The file; where it is small and can only be read forward, out of memory: telling what it is and reading it opens it several times."""
    try:
        with closing(open_file()) as source:
            if source.seekable():
                return open_file
            pieces, left = [], _SMALL + 1
            while left > 0 and (piece := source.read(left)):
                pieces.append(piece)
                left -= len(piece)
    except Unreadable:
        return open_file
    content = b"".join(pieces)
    return (lambda: io.BytesIO(content)) if left > 0 else open_file


def view_of(source: BinaryIO) -> BinaryIO:
    """The file at its start, for one more reader. Closing it leaves the file open."""
    return cast(BinaryIO, _View(source))


class _View(io.RawIOBase):
    """A position of its own in a file that others read as well. Closing it leaves the file open."""

    def __init__(self, source: BinaryIO) -> None:
        super().__init__()
        self._source = source
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        self._source.seek(self._at)
        data = self._source.read(size)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at}.get(whence)
        self._at = max(0, base + offset) if base is not None else self._source.seek(offset, whence)
        return self._at

    def tell(self) -> int:
        return self._at
