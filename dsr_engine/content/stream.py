"""Files as streams: opened again instead of kept, read in blocks, copied with splices. So memory stays bounded and unchanged bytes unchanged."""

import io
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO, cast

from dsr_engine.content.format import Opener, Writer
from dsr_engine.domain.errors import NotSupported

#: Bytes that are looked at in one go.
BLOCK = 1024 * 1024
#: Bytes that a stream which cannot seek remembers, so that looking at a header does not open it again.
_MEMORY = 128 * 1024


class _Rewindable(io.RawIOBase):
    """A file that can be read from any offset. Where the stream cannot seek, a short way back is in memory; a longer one opens the file again."""

    def __init__(self, open_file: Opener) -> None:
        super().__init__()
        self._open = open_file
        self._stream = open_file()
        self._can_seek = self._stream.seekable()
        self._at = 0
        self._passed = 0
        self._past = b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self.read(BLOCK), b""))
        back = self._passed - self._at
        pieces = [self._past[len(self._past) - back :][:size]] if back else []
        missing = size - sum(map(len, pieces))
        while missing > 0 and (piece := self._stream.read(missing)):
            pieces.append(piece)
            missing -= len(piece)
            self._pass(piece)
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._at += len(data)
        return data

    def _pass(self, piece: bytes) -> None:
        self._passed += len(piece)
        if not self._can_seek:
            self._past = piece if len(piece) >= _MEMORY else (self._past + piece)[-_MEMORY:]

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if self._can_seek:
            self._at = self._passed = self._stream.seek(offset, whence)
            return self._at
        if whence == io.SEEK_END:
            while self.read(BLOCK):
                pass
        target = max(0, offset if whence == io.SEEK_SET else self._at + offset)
        if target < self._passed - len(self._past):
            self._stream.close()
            self._stream = self._open()
            self._passed, self._past = 0, b""
        self._at = min(target, self._passed)
        while self._at < target and self.read(min(BLOCK, target - self._at)):
            pass
        return self._at

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


class Positioned(io.RawIOBase, ABC):
    """A file of `size` bytes that is read from any offset. A subclass gives the bytes; the position is kept here."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self._at = 0

    @abstractmethod
    def bytes_at(self, offset: int, count: int) -> bytes:
        """At least one and at most `count` of the bytes from the offset on, which lie within the size; empty where the file ends early."""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence])
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        left = max(0, self.size - self._at if size < 0 else min(size, self.size - self._at))
        found = []
        while left and (data := self.bytes_at(self._at, left)):
            found.append(data)
            self._at += len(data)
            left -= len(data)
        return found[0] if len(found) == 1 else b"".join(found)

    def readinto(self, buffer: "memoryview | bytearray", /) -> int:  # type: ignore[override]  # typeshed's Buffer has no name before 3.12
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Flowing(io.RawIOBase):
    """Pieces of bytes, made on the way, as a file that is read forward."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self.read(BLOCK), b""))
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._rest = piece
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def close(self) -> None:
        end = getattr(self._pieces, "close", None)
        if end is not None and not self.closed:
            end()
        super().close()


def opened(open_file: Opener) -> BinaryIO:
    """The file, readable from any offset. `read(n)` gives n bytes unless the file ends."""
    return cast(BinaryIO, _Rewindable(open_file))


def flowing(pieces: Iterator[bytes]) -> BinaryIO:
    """A forward-only file of these pieces; closing it closes the generator."""
    return cast(BinaryIO, _Flowing(pieces))


def chunks(open_file: Opener, start: int = 0, end: int | None = None, size: int = BLOCK) -> Generator[bytes, None, None]:
    """The bytes from `start` to `end` in pieces of at most `size`."""
    with opened(open_file) as source:
        if start:
            source.seek(start)
        left = end - start if end is not None else None
        while left is None or left > 0:
            piece = source.read(size if left is None else min(size, left))
            if not piece:
                return
            yield piece
            if left is not None:
                left -= len(piece)


def part_of(open_file: Opener, start: int, end: int | None = None) -> Opener:
    """A file that is a range of bytes of another."""
    return lambda: flowing(chunks(open_file, start, end))


def head_of(open_file: Opener, size: int) -> bytes:
    """The first bytes of the file."""
    with opened(open_file) as source:
        return source.read(size)


@dataclass(frozen=True, slots=True)
class Splice:
    """The bytes from `start` to `end` become `content`."""

    start: int
    end: int
    content: bytes | Writer


class Composing(io.RawIOBase, ABC):
    """A sink that wants to know which bytes are those of the file that is rewritten, `original`, and where they stand there."""

    original: Opener

    @abstractmethod
    def copy(self, data: bytes, start: int) -> None:
        """Writes `data`, which are the bytes of `original` from `start` on."""


def spliced(open_file: Opener, splices: Sequence[Splice]) -> Writer:
    """What writes the file with the splices made and every other byte copied. Raises `NotSupported` where splices overlap."""
    ordered = sorted(splices, key=lambda splice: (splice.start, splice.end))
    if any(one.end > other.start for one, other in pairwise(ordered)):
        raise cannot_rewrite("Two edits of the plan concern the same bytes.", "plan again")

    def write(sink: BinaryIO) -> None:
        keeps = isinstance(sink, Composing) and sink.original is open_file
        with closing(opened(open_file)) as source:
            at = 0
            for splice in ordered:
                _copy(source, sink, splice.start - at, at if keeps else None)
                if callable(splice.content):
                    splice.content(sink)
                else:
                    sink.write(splice.content)
                source.seek(splice.end)
                at = splice.end
            _copy(source, sink, None, at if keeps else None)

    return write


def _copy(source: BinaryIO, sink: BinaryIO | Composing, count: int | None, at: int | None) -> None:
    """Copies `count` bytes, or the rest; `at` is where they stand in the file that the sink composes anew."""
    while count is None or count > 0:
        piece = source.read(BLOCK if count is None else min(BLOCK, count))
        if not piece:
            return
        if at is not None and isinstance(sink, Composing):
            sink.copy(piece, at)
            at += len(piece)
        else:
            sink.write(piece)
        if count is not None:
            count -= len(piece)


def cannot_rewrite(reason: str, hint: str = "delete the whole file, or keep it and say why") -> NotSupported:
    """The one refusal of this room. `reason` is a sentence without personal data."""
    return NotSupported(reason, code="format.cannot_rewrite", hint=hint)
