"""A rewritten file before it is written: which of its bytes are new, and which stretches of the old one it goes on with.

Only new bytes are kept, in an unnamed temporary file once they are many; the others are read again where they lie. So rewriting a line of a large
file needs no room for the file, and a store that copies ranges by itself is not sent them.
"""

import hashlib
import io
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import BinaryIO, cast

from dsr_engine.content.format import Opener
from dsr_engine.content.stream import BLOCK, Composing, chunks, flowing, opened

#: New bytes that are kept in memory; more lie in an unnamed temporary file (0600).
_IN_MEMORY = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Piece:
    """The bytes from `start` to `end` of the old file where `is_copy`, else of the new bytes."""

    start: int
    end: int
    is_copy: bool

    @property
    def size(self) -> int:
        return self.end - self.start


class Composed(Composing):
    """A sink for a rewrite of `original`. Whoever goes back in it gets a plain file, of which nothing is known to be a copy."""

    def __init__(self, original: Opener) -> None:
        super().__init__()
        self.original = original
        self._pieces: list[Piece] = []
        self._new = _spool()
        self._is_plain = False
        self._hash = hashlib.sha256()
        self._size = 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._new.tell() if self._is_plain else self._size

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.tell(), io.SEEK_END: self.size}[whence]
        if not self._is_plain and base + offset != self._size:
            self._become_plain()
        return self._new.seek(base + offset) if self._is_plain else self._size

    def truncate(self, size: int | None = None) -> int:
        wanted = self.tell() if size is None else size
        if not self._is_plain and wanted != self._size:
            self._become_plain()
        return self._new.truncate(wanted) if self._is_plain else wanted

    def write(self, data: bytes) -> int:  # type: ignore[override]  # typeshed's Buffer has no name before 3.12
        if self._is_plain:
            return self._new.write(data)
        start = self._new.tell()
        self._new.write(data)
        self._note(Piece(start, start + len(data), is_copy=False), data)
        return len(data)

    def copy(self, data: bytes, start: int) -> None:
        if self._is_plain:
            self._new.write(data)
        else:
            self._note(Piece(start, start + len(data), is_copy=True), data)

    def _note(self, piece: Piece, data: bytes) -> None:
        if not piece.size:
            return
        self._hash.update(data)
        self._size += piece.size
        last = self._pieces[-1] if self._pieces else None
        if last is not None and last.is_copy == piece.is_copy and last.end == piece.start:
            self._pieces[-1] = Piece(last.start, piece.end, piece.is_copy)
        else:
            self._pieces.append(piece)

    def _become_plain(self) -> None:
        plain = _spool()
        for block in self._blocks(self._pieces):
            plain.write(block)
        self._new.close()
        self._new, self._is_plain = plain, True

    @property
    def size(self) -> int:
        """Bytes so far."""
        if not self._is_plain:
            return self._size
        here = self._new.tell()
        end = self._new.seek(0, io.SEEK_END)
        self._new.seek(here)
        return end

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """What the new file is put together from, once all was written."""
        return (Piece(0, self.size, is_copy=False),) if self._is_plain else tuple(self._pieces)

    def digest(self) -> bytes:
        """SHA-256 of the new file, once all was written."""
        if not self._is_plain:
            return self._hash.digest()
        digest = hashlib.sha256()
        for block in self._blocks(self.pieces):
            digest.update(block)
        return digest.digest()

    def read_from(self, pieces: Sequence[Piece] | None = None) -> BinaryIO:
        """These pieces, by default all, as a file that is read forward. One at a time, and only once all was written."""
        return flowing(self._blocks(self.pieces if pieces is None else pieces))

    def _blocks(self, pieces: Sequence[Piece]) -> Iterator[bytes]:
        with ExitStack() as stack:
            old: BinaryIO | None = None
            for piece in pieces:
                if piece.is_copy and old is None:
                    old = stack.enter_context(closing(opened(self.original)))
                source = old if piece.is_copy and old is not None else self._new
                source.seek(piece.start)
                left = piece.size
                while left > 0 and (block := source.read(min(BLOCK, left))):
                    left -= len(block)
                    yield block

    def close(self) -> None:
        if not self.closed:
            self._new.close()
        super().close()


def _spool() -> BinaryIO:
    return cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY))


def copied(open_file: Opener, sink: Composed) -> None:
    """The whole file as it is."""
    at = 0
    with closing(chunks(open_file)) as blocks:
        for block in blocks:
            sink.copy(block, at)
            at += len(block)
