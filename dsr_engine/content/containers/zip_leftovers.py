"""Bytes of a zip archive that its directory does not list: members that an earlier edit left behind, and what stands between and around.

Programs that change archives often write a new directory and leave the old members where they were. Nobody sees them who goes by the directory, and
everybody who looks at the bytes. A damaged archive without a directory is all leftover.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from dsr_engine.content.containers.inflate import METHODS, Ratio
from dsr_engine.content.containers.zip_directory import LOCAL, Directory, Member, sizes_of
from dsr_engine.content.format import Budget, Unreadable
from dsr_engine.content.stream import BLOCK

_SIGNATURE = b"PK\x03\x04"
_DESCRIPTOR = b"PK\x07\x08"
_LONGEST_NAME = 4096
#: Shorter stretches of nothing but zeros are padding.
_PADDING = 64 * 1024
#: Bytes in which a header is looked for first.
_NEAR = 256
_STREAMED = 8


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes from `start` to `end` that are no member. `number` counts together with members that are not listed."""

    number: int
    start: int
    end: int

    @property
    def step(self) -> str:
        """What places in it begin with."""
        return f"unlisted:{self.number}"


def leftovers(source: BinaryIO, directory: Directory | None, taken: Iterable[tuple[int, int]], budget: Budget) -> Iterator[Member | Stretch]:
    """What no entry of the directory covers, in the order in which it lies there; `taken` is from where to where the members are.

    Raises `Unreadable` where the limits are reached.
    """
    number = 0
    for start, end in _uncovered(source, directory, taken):
        for found in _hidden(source, start, end, budget):
            if isinstance(found, Member):
                number += 1
                yield _numbered(found, number)
            elif not _is_padding(source, *found):
                number += 1
                yield Stretch(number, *found)


def start_of(source: BinaryIO, member: Member) -> int:
    """Where the member's data begin, behind its local header; where that is missing, behind what is there."""
    source.seek(member.offset)
    head = source.read(LOCAL.size)
    return member.offset + (LOCAL.size + sum(LOCAL.unpack(head)[9:11]) if len(head) == LOCAL.size else len(head))


def end_of(source: BinaryIO, member: Member, start: int | None = None) -> int:
    """Where the member ends, its data descriptor included (APPNOTE 4.3.9). `start` is where its data begin, if that is known."""
    end = (start if start is not None else start_of(source, member)) + member.packed
    return end + _descriptor(source, end, member) if member.flags & _STREAMED else end


def _descriptor(source: BinaryIO, at: int, member: Member) -> int:
    """How long the data descriptor at this offset is; the signature and sizes of 64 bits are optional. 0 where there is none."""
    source.seek(at)
    data = source.read(24)
    skip = 4 if data[:4] == _DESCRIPTOR else 0
    for numbers in (struct.pack("<LQQ", member.crc, member.packed, member.size), struct.pack("<LLL", member.crc, *_narrow(member))):
        if data[skip:].startswith(numbers):
            return skip + len(numbers)
    return 0


def _narrow(member: Member) -> tuple[int, int]:
    return member.packed & 0xFFFFFFFF, member.size & 0xFFFFFFFF


def _uncovered(source: BinaryIO, directory: Directory | None, taken: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    size = source.seek(0, 2)
    if directory is None:
        yield 0, size
        return
    at = 0
    for start, end in sorted(taken):
        if start > at:
            yield at, start
        at = max(at, end)
    for start, end in ((at, directory.start), (directory.end, directory.closing), (directory.rest, size)):
        if start < end:
            yield start, end


def _hidden(source: BinaryIO, start: int, end: int, budget: Budget) -> Iterator[Member | tuple[int, int]]:
    """Members whose headers are in the range, and what lies between them."""
    at = begin = start
    while (found := _next_header(source, at, end)) >= 0:
        budget.check()
        member = _claimed(source, found, end, budget)
        if member is None:
            at = found + len(_SIGNATURE)
            continue
        if begin < found:
            yield begin, found
        yield member
        at = begin = max(end_of(source, member), found + LOCAL.size)
    if begin < end:
        yield begin, end


def _next_header(source: BinaryIO, start: int, end: int) -> int:
    """Where the next local header may begin; -1 if there is none. It often stands right there, so little is read at first."""
    at, carry, size = start, b"", _NEAR
    source.seek(start)
    while at < end and (piece := source.read(min(size, end - at))):
        data = carry + piece
        found = data.find(_SIGNATURE)
        if found >= 0:
            return at - len(carry) + found
        at, carry, size = at + len(piece), data[-3:], min(2 * size, BLOCK)
    return -1


def _claimed(source: BinaryIO, at: int, end: int, budget: Budget) -> Member | None:
    """The member whose local header seems to stand there; None where it cannot be one."""
    source.seek(at)
    head = source.read(LOCAL.size)
    if len(head) < LOCAL.size:
        return None
    _, needed, flags, method, time, date, crc, packed, size, name_length, extra_length = LOCAL.unpack(head)
    words = source.read(name_length + extra_length)
    name, extra = words[:name_length], words[name_length:]
    data = at + LOCAL.size + len(words)
    if not 0 < name_length <= _LONGEST_NAME or b"\0" in name or method not in METHODS or data > end:
        return None
    packed, size, _ = sizes_of(packed, size, 0, extra) or (end, 0, 0)
    if flags & _STREAMED and not packed and not flags & 1:
        length = _deflated(source, data, end, budget) if method == 8 else None
        if length is None:
            return None
        packed, size = length
        source.seek(data + packed)
        trailer = source.read(8)
        crc = int.from_bytes(trailer[4:8] if trailer[:4] == _DESCRIPTOR else trailer[:4], "little")
    if data + packed > end:
        return None
    fixed = (b"PK\x01\x02", needed, needed, flags, method, time, date, crc, packed, size, name_length, extra_length, 0, 0, 0, 0, at)
    return Member(0, fixed, name, extra, b"", at, packed, size, is_listed=False)


def _deflated(source: BinaryIO, start: int, end: int, budget: Budget) -> tuple[int, int] | None:
    """How many bytes the deflated data at `start` take and give; None where it is none or has no end."""
    inflater, ratio, at = zlib.decompressobj(-15), Ratio(budget), start
    while not inflater.eof:
        piece = inflater.unconsumed_tail
        if not piece:
            source.seek(at)
            piece = source.read(min(BLOCK // 4, end - at))
            at += len(piece)
            ratio.taken += len(piece)
        try:
            out = inflater.decompress(piece, BLOCK // 4)
            ratio.gave(len(out))
        except (zlib.error, Unreadable):
            return None
        if not piece and not out and not inflater.eof:
            return None
    return at - len(inflater.unused_data) - start, ratio.given


def _is_padding(source: BinaryIO, start: int, end: int) -> bool:
    source.seek(start)
    return end - start <= _PADDING and not source.read(end - start).strip(b"\0")


def _numbered(member: Member, number: int) -> Member:
    return replace(member, number=number)
