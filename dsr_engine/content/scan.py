"""Candidates in a long file of lines or rows, found on raw buffers before anything is decoded. This is the hot path of every search.

A `Splitter` says where records end. Buffers are cut at record ends, so that a record is looked at as a whole; one that is longer than
the limit is handed out in pieces (`is_overlong`), which are searched as bytes and reported.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from dsr_engine.content.gate import Gate
from dsr_engine.content.stream import BLOCK

_JOINED_LINES = 4
#: Bytes in which line ends are counted at once on the way to a line.
_STEP = 8192
#: Digits of base64 and hex, and how many at least stand in a line that was wrapped.
_DIGITS, _WRAPPED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-", 32
#: What two pieces of one overlong record share, so that nothing is missed at the cut.
_OVERLAP = 8192


class Splitter(Protocol):
    """Where the records of a format end. All offsets are into the given buffer, which starts at a record's start."""

    def end(self, data: bytes) -> int:
        """Behind the last record that is surely complete although more bytes follow; 0 if there is none."""

    def count(self, data: bytes) -> int:
        """How many records these whole records are; a last one without a line end counts."""

    def spans(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Start and end of each record, its line end included."""

    def at(self, data: bytes, indices: Sequence[int]) -> Iterator[tuple[int, int, int]]:
        """Index, start and end of the records with these ascending indices, at least one; those behind the end are left out."""

    def around(self, data: bytes, offsets: Sequence[int]) -> Iterator[tuple[int, int, int]]:
        """Index, start and end of each record that contains one of the ascending offsets; none twice."""


class Lines:
    """Records that are lines. `newline` is one byte."""

    def __init__(self, newline: bytes = b"\n") -> None:
        self._newline = newline

    def end(self, data: bytes) -> int:
        return data.rfind(self._newline) + 1

    def count(self, data: bytes) -> int:
        return data.count(self._newline) + (bool(data) and not data.endswith(self._newline))

    def spans(self, data: bytes) -> Iterator[tuple[int, int]]:
        start = 0
        while start < len(data):
            end = data.find(self._newline, start) + 1 or len(data)
            yield start, end
            start = end

    def at(self, data: bytes, indices: Sequence[int]) -> Iterator[tuple[int, int, int]]:
        passed = start = 0
        for index in indices:
            while (count := data.count(self._newline, start, start + _STEP)) < index - passed and start + _STEP < len(data):
                passed, start = passed + count, start + _STEP
            for _ in range(index - passed):
                start = data.find(self._newline, start) + 1 or len(data)
            passed = index
            if start >= len(data):
                return
            # A step may have ended within a line.
            begin = data.rfind(self._newline, 0, start) + 1
            yield index, begin, data.find(self._newline, begin) + 1 or len(data)

    def around(self, data: bytes, offsets: Sequence[int]) -> Iterator[tuple[int, int, int]]:
        index = counted = end = 0
        for offset in offsets:
            if offset < end or offset >= len(data):
                continue
            start = data.rfind(self._newline, 0, offset) + 1
            end = data.find(self._newline, offset) + 1 or len(data)
            index += data.count(self._newline, counted, start)
            counted = start
            yield index, start, end


@dataclass(frozen=True, slots=True)
class Block:
    """Whole records: `first` is the number of the first one (from 1), `offset` where it starts in the file."""

    first: int
    offset: int
    data: bytes
    count: int = 1
    is_overlong: bool = False

    def picked(self, splitter: Splitter, numbers: Sequence[int]) -> Iterator[tuple[int, int, int]]:
        """Number, and start and end in `data`, of those records of the block that have one of the ascending numbers."""
        indices = [number - self.first for number in numbers if self.first <= number < self.first + self.count]
        if indices:
            yield from ((self.first + index, start, end) for index, start, end in splitter.at(self.data, indices))


@dataclass(frozen=True, slots=True)
class Found:
    """A record that may hold the subject: its number, where it starts in the file, its bytes with the line end."""

    number: int
    offset: int
    data: bytes
    is_overlong: bool = False


def blocks(source: BinaryIO, splitter: Splitter, line_bytes: int) -> Iterator[Block]:
    """The file in buffers of whole records. An overlong record goes on until the next line feed, whatever its quotes say."""
    number, offset, carry, tail, is_overlong = 1, 0, b"", b"", False
    while True:
        piece = source.read(BLOCK)
        is_last = len(piece) < BLOCK
        data = carry + piece if carry else piece
        carry = b""
        if is_overlong and data:
            cut = data.find(b"\n") + 1
            yield Block(number, offset - len(tail), tail + data[: cut or len(data)], is_overlong=True)
            offset += cut or len(data)
            tail = data[-_OVERLAP:]
            is_overlong = not cut
            number += not is_overlong
            data = data[cut:] if cut else b""
        cut = len(data) if is_last else splitter.end(data)
        if cut:
            whole = data[:cut]
            count = splitter.count(whole)
            yield Block(number, offset, whole, count)
            number, offset = number + count, offset + cut
            carry = data[cut:]
        elif len(data) > line_bytes:
            yield Block(number, offset, data, is_overlong=True)
            offset, is_overlong, tail = offset + len(data), True, data[-_OVERLAP:]
        else:
            carry = data
        if is_last:
            return


def candidates(source: BinaryIO, splitter: Splitter, gate: Gate | None, line_bytes: int) -> Iterator[Found]:
    """The records that pass the gate, in their order; all of them without a gate."""
    for block in blocks(source, splitter, line_bytes):
        if block.is_overlong:
            yield Found(block.first, block.offset, block.data, is_overlong=True)
        else:
            for index, start, end in around(splitter, block.data, gate):
                yield Found(block.first + index, block.offset + start, block.data[start:end])


def around(splitter: Splitter, data: bytes, gate: Gate | None) -> Iterator[tuple[int, int, int]]:
    """Index, start and end of the records in the buffer that pass the gate.

    A hit is inside its place or just behind it, so the byte before counts as well.
    """
    if gate is None:
        yield from ((index, start, end) for index, (start, end) in enumerate(splitter.spans(data)))
        return
    offsets = sorted({at for hit in gate.hits(data) for at in (hit - 1, hit) if 0 <= at < len(data)})
    yield from (found for found in splitter.around(data, offsets) if gate.passes(data[found[1] : found[2]]))


def joined(data: bytes, gate: Gate) -> Iterator[tuple[int, int, int, int]]:
    """Neighbouring lines that pass the gate together although none of them does alone (a name that is wrapped): first and last index, start, end.

    A line that passes alone is given with the next one where digits of one code (base64) go on in it: the gate is content with half of an address.
    """
    lines = Lines()
    reached = last = 0
    for hit in gate.hits(data):
        at = min(hit, len(data)) - 1
        if at < reached:
            continue
        end = data.find(b"\n", at) + 1 or len(data)
        start = data.rfind(b"\n", 0, max(at, 0)) + 1
        if gate.passes(data[start:end]):
            if not _goes_on(data, start, end, gate):
                continue
            end = data.find(b"\n", end) + 1 or len(data)
        elif (start := _joined_from(data, start, end, last, gate)) < 0:
            continue
        first = data.count(b"\n", 0, start)
        yield first, first + lines.count(data[start:end]) - 1, start, end
        reached, last = end, data.rfind(b"\n", 0, end - 1) + 1


def _goes_on(data: bytes, start: int, end: int, gate: Gate) -> bool:
    """True if digits of one code end this line, pass the gate, and go on in the next one."""
    line = data[max(start, end - _OVERLAP) : end].rstrip(b"\r\n")
    run = line[len(line.rstrip(_DIGITS)) :]
    behind = data[end : end + 2].lstrip(b" \t")[:1]
    return len(run) >= _WRAPPED and bool(behind) and behind in _DIGITS and gate.passes(run)


def _joined_from(data: bytes, start: int, end: int, last: int, gate: Gate) -> int:
    """Where the lines begin that pass together with this one; -1: there are none. None is taken that came before the last of those already given."""
    for _ in range(_JOINED_LINES):
        if start <= last:
            break
        start = data.rfind(b"\n", 0, start - 1) + 1
        if gate.passes(data[start:end]):
            return -1 if any(gate.passes(data[one:two]) for one, two in _shifted(Lines(), data, start, end)) else start
    return -1


def _shifted(lines: Lines, data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    return ((start + one, start + two) for one, two in lines.spans(data[start:end]))


def windows(source: BinaryIO, gate: Gate | None, reach: int) -> Iterator[tuple[int, bytes]]:
    """Bytes of no known shape, cut so that nothing is missed at a cut: offset and bytes of each window that passes the gate."""
    offset, carry = 0, b""
    while piece := source.read(BLOCK):
        data = carry + piece
        if gate is None:
            yield offset, data
        else:
            yield from ((offset + start, data[start:end]) for start, end in _regions(gate.hits(data), reach, len(data)))
        carry = data[-reach:] if reach else b""
        offset += len(data) - len(carry)


def any_passes(source: BinaryIO, gate: Gate) -> bool:
    """True if any of those windows passes: nobody asks where."""
    carry = b""
    while piece := source.read(BLOCK):
        data = carry + piece
        if gate.passes(data):
            return True
        carry = data[-gate.reach :] if gate.reach else b""
    return False


def _regions(hits: Sequence[int], reach: int, size: int) -> Iterator[tuple[int, int]]:
    """What lies around the hits, overlapping surroundings merged."""
    start = end = -1
    for hit in hits:
        low, high = max(0, hit - reach), min(size, hit + reach)
        if low <= end:
            end = high
            continue
        if end >= 0:
            yield start, end
        start, end = low, high
    if end >= 0:
        yield start, end
