"""The directory of a zip archive, byte by byte (APPNOTE 6.3.10): read as a stream, written with members left out, renamed or moved.

The standard library reads the whole directory into memory and cannot copy members as they are stored.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from dsr_engine.content.format import Unreadable

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
#: The extra field with a name in UTF-8.
UNICODE_PATH = 0x7075
ENTRY = struct.Struct("<4s6H3L5H2L")
LOCAL = struct.Struct("<4s5H3L2H")
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Directory:
    """Where the directory is: from `start` to `end`; the records that close the archive begin at `closing` and end with the comment at `rest`.

    Offsets of members are counted from `shift`: a program stands before archives that unpack themselves, and not all correct for it.
    """

    start: int
    end: int
    count: int
    has_zip64: bool
    comment: bytes
    closing: int
    rest: int
    shift: int = 0


@dataclass(frozen=True, slots=True)
class Member:
    """One entry, or a member that no entry lists. `number` counts from 1 in the directory's order; `fixed` is an entry's fixed part."""

    number: int
    fixed: tuple[bytes, int, int, int, int, int, int, int, int, int, int, int, int, int, int, int, int]
    name: bytes
    extra: bytes
    comment: bytes
    offset: int
    packed: int
    size: int
    is_listed: bool = True

    @property
    def step(self) -> str:
        """What places in it begin with."""
        return f"{'member' if self.is_listed else 'unlisted'}:{self.number}"

    @property
    def flags(self) -> int:
        return self.fixed[3]

    @property
    def method(self) -> int:
        return self.fixed[4]

    @property
    def crc(self) -> int:
        return self.fixed[7]

    @property
    def is_encrypted(self) -> bool:
        return bool(self.flags & 1)

    @property
    def title(self) -> str:
        """The name as text: UTF-8 where it is valid, else code page 437 (APPNOTE D)."""
        try:
            return self.name.decode()
        except UnicodeDecodeError:
            return self.name.decode("cp437")

    @property
    def unicode_name(self) -> bytes:
        """The name in UTF-8 from an Info-ZIP Unicode Path field (APPNOTE 4.6.9), whatever its checksum says."""
        return next((body[5:] for kind, body in extras(self.extra) if kind == UNICODE_PATH), b"")


def directory_of(source: BinaryIO) -> Directory:
    """Finds the directory at the end of the file. Raises `Unreadable` (`zip.damaged`)."""
    size = source.seek(0, 2)
    start = max(0, size - _END.size - 2 * _FULL16)
    source.seek(start)
    tail = source.read(size - start)
    at = tail.rfind(b"PK\x05\x06")
    while at >= 0:
        found = _directory(source, tail, at, start) if at + _END.size <= len(tail) else None
        if found is not None:
            return found
        at = tail.rfind(b"PK\x05\x06", 0, at)
    raise damaged()


def _directory(source: BinaryIO, tail: bytes, found: int, before: int) -> Directory | None:
    """The directory that the end record at `found` of the file's tail closes; None where that is none."""
    _, disk, first_disk, _, count, length, start, words = _END.unpack_from(tail, found)
    at = before + found
    comment = tail[found + _END.size :][:words]
    if len(comment) < words:
        return None
    source.seek(max(0, at - _LOCATOR.size))
    locator = source.read(_LOCATOR.size)
    end, has_zip64 = at, locator[:4] == b"PK\x06\x07" and len(locator) == _LOCATOR.size
    if has_zip64:
        end = _wide_end(source, at - _LOCATOR.size, _LOCATOR.unpack(locator)[2])
        source.seek(end)
        _, _, _, _, disk, first_disk, _, count, length, start = _END64.unpack(source.read(_END64.size))
    if disk or first_disk:
        raise Unreadable("zip.split", "an archive is one of several volumes; it was not read")
    rest = at + _END.size + words
    for shift in (end - length - start, 0):
        if shift >= 0 and start + shift + length <= end and (not length or _is_entry(source, start + shift)):
            return Directory(start + shift, start + shift + length, count, has_zip64, comment, end, rest, shift)
    return None


def _wide_end(source: BinaryIO, locator: int, told: int) -> int:
    """Where the Zip64 end record is: where the locator says, or right before it where something stands before the archive."""
    for at in (told, locator - _END64.size):
        if at >= 0:
            source.seek(at)
            record = source.read(_END64.size)
            if len(record) == _END64.size and record[:4] == b"PK\x06\x06":
                return at
    raise damaged()


def _is_entry(source: BinaryIO, at: int) -> bool:
    source.seek(at)
    return source.read(4) == b"PK\x01\x02"


def members_of(source: BinaryIO, directory: Directory) -> Iterator[Member]:
    """The entries in their order, as many as there are: the count has 16 bits in old archives. Raises `Unreadable` where one is damaged."""
    at, number = directory.start, 0
    while at < directory.end:
        source.seek(at)
        head = source.read(ENTRY.size)
        if len(head) < ENTRY.size or head[:4] != b"PK\x01\x02":
            raise damaged()
        number += 1
        fixed = ENTRY.unpack(head)
        words = source.read(fixed[10] + fixed[11] + fixed[12])
        name, extra, comment = words[: fixed[10]], words[fixed[10] : fixed[10] + fixed[11]], words[fixed[10] + fixed[11] :]
        told = sizes_of(fixed[8], fixed[9], fixed[16], extra)
        if told is None:
            raise damaged()
        packed, size, offset = told
        at += ENTRY.size + len(words)
        offset += directory.shift
        if offset + LOCAL.size + packed > directory.start or at > directory.end:
            raise damaged()
        yield Member(number, fixed, name, extra, comment, offset, packed, size)
    if number < directory.count:
        raise damaged()


def sizes_of(packed: int, size: int, offset: int, extra: bytes) -> tuple[int, int, int] | None:
    """Packed size, size and offset, from the Zip64 extra field where they do not fit 32 bits; None where they are missing there."""
    wide = next((body for kind, body in extras(extra) if kind == 1), b"")
    numbers = iter(struct.unpack(f"<{len(wide) // 8}Q", wide[: len(wide) // 8 * 8]))
    try:
        size = next(numbers) if size == _FULL32 else size
        packed = next(numbers) if packed == _FULL32 else packed
        offset = next(numbers) if offset == _FULL32 else offset
    except StopIteration:
        return None
    return packed, size, offset


def extras(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """The extra fields: id and body."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        yield kind, extra[at + 4 : at + 4 + length]
        at += 4 + length


def without(extra: bytes, is_gone: Callable[[int, bytes], bool]) -> bytes:
    """The extra fields but some; not a byte of them changes if none is."""
    if not any(is_gone(kind, body) for kind, body in extras(extra)):
        return extra
    return b"".join(struct.pack("<HH", kind, len(body)) + body for kind, body in extras(extra) if not is_gone(kind, body))


def _but(extra: bytes, number: int) -> bytes:
    return without(extra, lambda kind, _: kind == number)


@dataclass(frozen=True, slots=True)
class Now:
    """A member as it is written: its words, and its data where that changes. `flags` and `method` as in the header (APPNOTE 4.4.4, 4.4.5)."""

    name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int


def local_header(stored: bytes, now: Now, extra: bytes, *, keeps_sizes: bool) -> bytes:
    """The local header for a member that changes. `stored` is the one in the file, with name and extra fields; `extra` are those that stay.

    `keeps_sizes`: only words change, so sizes and the bit for a data descriptor stay as they are.
    """
    fields: list[Any] = list(LOCAL.unpack_from(stored))
    fields[2] = now.flags
    if not keeps_sizes:
        extra = _but(extra, 1)
        fields[2] &= ~8
        fields[3], fields[6] = now.method, now.crc
        fields[7], fields[8] = now.packed, now.size
        if max(now.packed, now.size) >= _FULL32:
            fields[7] = fields[8] = _FULL32
            extra = struct.pack("<HHQQ", 1, 16, now.size, now.packed) + extra
            fields[1] = max(fields[1], 45)
    fields[9], fields[10] = len(now.name), len(extra)
    return LOCAL.pack(*fields) + now.name + extra


def entry(member: Member, now: Now, extra: bytes, comment: bytes, offset: int) -> bytes:
    """The directory entry of a member as it is now."""
    fields: list[Any] = list(member.fixed)
    extra = _but(extra, 1)
    wide = b""
    for at, number in ((9, now.size), (8, now.packed), (16, offset)):
        fields[at] = min(number, _FULL32)
        wide += struct.pack("<Q", number) if number >= _FULL32 else b""
    if wide:
        extra = struct.pack("<HH", 1, len(wide)) + wide + extra
        fields[2] = max(fields[2], 45)
    fields[3], fields[4], fields[7] = now.flags, now.method, now.crc
    fields[10], fields[11], fields[12] = len(now.name), len(extra), len(comment)
    return ENTRY.pack(*fields) + now.name + extra + comment


def directory_end(directory: Directory, count: int, start: int, length: int, between: int, comment: bytes) -> bytes:
    """What closes the archive: the Zip64 records where they are needed or were there, and the end record with its comment.

    `start` is counted as the members' offsets are; `between` bytes stand between the directory and what closes it.
    """
    wide = b""
    if directory.has_zip64 or count >= _FULL16 or max(start, length) >= _FULL32:
        wide = _END64.pack(b"PK\x06\x06", _END64.size - 12, 45, 45, 0, 0, count, count, length, start)
        wide += _LOCATOR.pack(b"PK\x06\x07", 0, start + length + between, 1)
    short = min(count, _FULL16)
    return wide + _END.pack(b"PK\x05\x06", 0, 0, short, short, min(length, _FULL32), min(start, _FULL32), len(comment)) + comment


def damaged() -> Unreadable:
    return Unreadable("zip.damaged", "an archive is damaged or ends too early; what could not be found in it was not read")
