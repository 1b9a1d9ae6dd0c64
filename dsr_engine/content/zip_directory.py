"""The directory of a zip archive, byte by byte (APPNOTE 6.3.10): read as a stream, written with members left out, renamed or moved.

The standard library reads the whole directory into memory and cannot copy members as they are stored.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from dsr_engine.content.format import Unreadable

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
ENTRY = struct.Struct("<4s6H3L5H2L")
LOCAL = struct.Struct("<4s5H3L2H")
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Directory:
    """Where the directory is. `tail` is all from the end of central directory record on, comment included."""

    start: int
    end: int
    count: int
    has_zip64: bool
    tail: bytes

    @property
    def comment(self) -> bytes:
        return self.tail[_END.size :]


@dataclass(frozen=True, slots=True)
class Member:
    """One entry. `number` counts from 1 in the directory's order; `raw` is its fixed part."""

    number: int
    fixed: tuple[bytes, int, int, int, int, int, int, int, int, int, int, int, int, int, int, int, int]
    name: bytes
    extra: bytes
    comment: bytes
    offset: int
    packed: int
    size: int

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
        """The name as text: UTF-8 where the flag says so or it is valid, else code page 437 (APPNOTE D)."""
        try:
            return self.name.decode()
        except UnicodeDecodeError:
            return self.name.decode("cp437")


def directory_of(source: BinaryIO) -> Directory:
    """Finds the directory at the end of the file. Raises `Unreadable` (`zip.damaged`)."""
    size = source.seek(0, 2)
    start = max(0, size - _END.size - _FULL16)
    source.seek(start)
    tail = source.read(size - start)
    at = tail.rfind(b"PK\x05\x06")
    while at >= 0 and at + _END.size <= len(tail):
        fields = _END.unpack_from(tail, at)
        if at + _END.size + fields[7] == len(tail):
            return _directory(source, fields, start + at, tail[at:])
        at = tail.rfind(b"PK\x05\x06", 0, at)
    raise damaged()


def _directory(source: BinaryIO, fields: tuple[bytes, int, int, int, int, int, int, int], at: int, tail: bytes) -> Directory:
    _, disk, first_disk, _, count, length, start, _ = fields
    source.seek(max(0, at - _LOCATOR.size))
    locator = source.read(_LOCATOR.size)
    end = at
    has_zip64 = locator[:4] == b"PK\x06\x07" and len(locator) == _LOCATOR.size
    if has_zip64:
        end = _LOCATOR.unpack(locator)[2]
        source.seek(end)
        record = source.read(_END64.size)
        if len(record) < _END64.size or record[:4] != b"PK\x06\x06":
            raise damaged()
        _, _, _, _, disk, first_disk, _, count, length, start = _END64.unpack(record)
    if disk or first_disk:
        raise Unreadable("zip.split", "an archive is one of several volumes; it was not read")
    if start + length != end:
        raise damaged()
    return Directory(start, end, count, has_zip64, tail)


def members_of(source: BinaryIO, directory: Directory) -> Iterator[Member]:
    """The entries in their order. Raises `Unreadable` where one is damaged."""
    at = directory.start
    for number in range(1, directory.count + 1):
        source.seek(at)
        head = source.read(ENTRY.size)
        if len(head) < ENTRY.size or head[:4] != b"PK\x01\x02":
            raise damaged()
        fixed = ENTRY.unpack(head)
        words = source.read(fixed[10] + fixed[11] + fixed[12])
        name, extra, comment = words[: fixed[10]], words[fixed[10] : fixed[10] + fixed[11]], words[fixed[10] + fixed[11] :]
        packed, size, offset = _wide(fixed, extra)
        at += ENTRY.size + len(words)
        if offset + LOCAL.size + packed > directory.start or at > directory.end:
            raise damaged()
        yield Member(number, fixed, name, extra, comment, offset, packed, size)


def _wide(fixed: tuple[bytes, int, int, int, int, int, int, int, int, int, int, int, int, int, int, int, int], extra: bytes) -> tuple[int, int, int]:
    """Packed size, size and offset, from the Zip64 extra field where they do not fit 32 bits."""
    packed, size, offset = fixed[8], fixed[9], fixed[16]
    wide = next((body for kind, body in extras(extra) if kind == 1), b"")
    numbers = iter(struct.unpack(f"<{len(wide) // 8}Q", wide[: len(wide) // 8 * 8]))
    try:
        size = next(numbers) if size == _FULL32 else size
        packed = next(numbers) if packed == _FULL32 else packed
        offset = next(numbers) if offset == _FULL32 else offset
    except StopIteration:
        raise damaged() from None
    return packed, size, offset


def extras(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """The extra fields: id and body."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        yield kind, extra[at + 4 : at + 4 + length]
        at += 4 + length


def _without(extra: bytes, *kinds: int) -> bytes:
    return b"".join(struct.pack("<HH", kind, len(body)) + body for kind, body in extras(extra) if kind not in kinds)


def local_header(member: Member, stored: bytes, name: bytes, crc: int, packed: int, size: int, *, keeps_sizes: bool) -> bytes:
    """The local header for a member that changes. `stored` is the one in the file, with name and extra fields.

    `keeps_sizes`: only the name changes, so sizes and the bit for a data descriptor stay as they are.
    """
    fields: list[Any] = list(LOCAL.unpack_from(stored))
    old_name = LOCAL.size + fields[9]
    extra = _without(stored[old_name : old_name + fields[10]], *((0x7075,) if name != member.name else ()))
    if not keeps_sizes:
        extra = _without(extra, 1)
        fields[2] &= ~8
        fields[6] = crc
        fields[7], fields[8] = packed, size
        if max(packed, size) >= _FULL32:
            fields[7] = fields[8] = _FULL32
            extra = struct.pack("<HHQQ", 1, 16, size, packed) + extra
            fields[1] = max(fields[1], 45)
    fields[9], fields[10] = len(name), len(extra)
    return LOCAL.pack(*fields) + name + extra


def entry(member: Member, name: bytes, flags: int, crc: int, packed: int, size: int, offset: int) -> bytes:
    """The directory entry of a member as it is now."""
    fields: list[Any] = list(member.fixed)
    extra = _without(member.extra, 1, *((0x7075,) if name != member.name else ()))
    wide = b""
    for at, number in ((9, size), (8, packed), (16, offset)):
        fields[at] = min(number, _FULL32)
        wide += struct.pack("<Q", number) if number >= _FULL32 else b""
    if wide:
        extra = struct.pack("<HH", 1, len(wide)) + wide + extra
        fields[2] = max(fields[2], 45)
    fields[3], fields[7] = flags, crc
    fields[10], fields[11] = len(name), len(extra)
    return ENTRY.pack(*fields) + name + extra + member.comment


def directory_end(directory: Directory, count: int, start: int, length: int, comment: bytes) -> bytes:
    """What closes the archive: the Zip64 records where they are needed or were there, and the end record with its comment."""
    wide = b""
    if directory.has_zip64 or count >= _FULL16 or max(start, length) >= _FULL32:
        wide = _END64.pack(b"PK\x06\x06", _END64.size - 12, 45, 45, 0, 0, count, count, length, start)
        wide += _LOCATOR.pack(b"PK\x06\x07", 0, start + length, 1)
    short = min(count, _FULL16)
    return wide + _END.pack(b"PK\x05\x06", 0, 0, short, short, min(length, _FULL32), min(start, _FULL32), len(comment)) + comment


def damaged() -> Unreadable:
    return Unreadable("zip.damaged", "an archive is damaged or ends too early; what could not be found in it was not read")
