"""A new Parquet file as ranges of files that are there already, so that it can be checked, and be written, without being made twice.

It is most of all the old file with some bytes of the child that wrote columns anew between. Parent and child read it by the same class.
"""

import os
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import itemgetter
from typing import BinaryIO

from dsr_engine.content.format import Opener
from dsr_engine.content.pread_file import copy
from dsr_engine.content.stream import BLOCK, Composing, Positioned

#: A range of a file: the number of the file, first byte, byte behind the last.
Piece = tuple[int, int, int]


class Pieces(Positioned):
    """Ranges of open files with descriptors, one behind the other, as a file that is read from any offset."""

    def __init__(self, files: Sequence[BinaryIO], pieces: Sequence[Piece]) -> None:
        self._files = [file.fileno() for file in files]
        self._pieces = [piece for piece in pieces if piece[1] < piece[2]]
        self._ends = list(accumulate(end - start for _, start, end in self._pieces))
        super().__init__(self._ends[-1] if self._ends else 0)

    def bytes_at(self, offset: int, count: int) -> bytes:
        number = bisect_right(self._ends, offset)
        file, _, end = self._pieces[number]
        left = self._ends[number] - offset
        return os.pread(self._files[file], min(count, left), end - left)


@dataclass(frozen=True, slots=True)
class Range:
    """Bytes of an open file with a descriptor."""

    file: BinaryIO
    start: int
    end: int


class Made:
    """A file with ranges of it replaced: (start, end, what stands there instead), which do not overlap. `rest` takes what is in no file yet."""

    def __init__(self, old: BinaryIO, size: int, replaced: Sequence[tuple[int, int, bytes | Range]], rest: BinaryIO) -> None:
        self.files = [old, rest]
        self.pieces: list[Piece] = []
        at = 0
        for start, end, content in sorted(replaced, key=itemgetter(0, 1)):
            self._add(old, at, start)
            if isinstance(content, Range):
                self._add(content.file, content.start, content.end)
            else:
                self._add(rest, rest.tell(), rest.tell() + len(content))
                rest.write(content)
            at = end
        self._add(old, at, size)
        rest.flush()

    def _add(self, file: BinaryIO, start: int, end: int) -> None:
        number = next((at for at, each in enumerate(self.files) if each is file), len(self.files))
        if number == len(self.files):
            self.files.append(file)
        if self.pieces and self.pieces[-1][0] == number and self.pieces[-1][2] == start:
            start = self.pieces.pop()[1]
        if start < end:
            self.pieces.append((number, start, end))

    @property
    def size(self) -> int:
        return sum(end - start for _, start, end in self.pieces)

    def reading(self) -> Pieces:
        """The file, to be read."""
        return Pieces(self.files, self.pieces)

    def write(self, sink: BinaryIO, original: Opener | None = None) -> None:
        """Writes the file; `original` opens the old one, so that a sink can be told what is a copy of it."""
        keeps = isinstance(sink, Composing) and sink.original is original
        for number, start, end in self.pieces:
            if keeps and not number and isinstance(sink, Composing):
                for at in range(start, end, BLOCK):
                    sink.copy(os.pread(self.files[0].fileno(), min(BLOCK, end - at), at), at)
            else:
                copy(self.files[number], sink, start, end)
