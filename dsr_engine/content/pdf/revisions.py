"""Older states of a PDF: whoever saves incrementally appends to the file, and what was there before is still there (ISO 32000-2, 7.5.6).

Runs in the child only.
"""

import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from dsr_engine.content.stream import Positioned

_END = re.compile(rb"startxref\s+(\d+)\s+%%EOF[\r\n]{0,2}")
_BLOCK = 4 * 1024 * 1024
_OVERLAP = 128


class Cut(Positioned):
    """The first `end` bytes of a file, as if it ended there."""

    def __init__(self, source: BinaryIO, end: int) -> None:
        super().__init__(end)
        self._source = source

    def bytes_at(self, offset: int, count: int) -> bytes:
        self._source.seek(offset)
        return self._source.read(count)


def revisions_of(source: BinaryIO) -> Sequence[int]:
    """Where each older revision ends, the oldest first. The first part of a file that is made for the web (Annex F) is none."""
    ends = [end for end, start in _ends(source) if start]
    source.seek(0)
    return ends[:-1]


def _ends(source: BinaryIO) -> Iterator[tuple[int, int]]:
    source.seek(0)
    offset, carry = 0, b""
    while block := source.read(_BLOCK):
        data = carry + block
        kept = max(0, len(data) - _OVERLAP)
        is_last = len(block) < _BLOCK
        for found in _END.finditer(data):
            if is_last or found.start() < kept:
                yield offset + found.end(), int(found[1][:12])
        offset, carry = offset + kept, data[kept:]
