"""The headers of a tar archive, read as a stream and written anew: ustar and pax (POSIX.1-2017, pax), and GNU tar's long names and sparse files.

The standard library reads damaged archives silently as shorter ones, and cannot write one member anew and leave the others as they are.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from dsr_engine.content.format import Unreadable

BLOCK = 512
#: Where the fields of a header are.
FIELDS = {
    "name": (0, 100),
    "size": (124, 136),
    "checksum": (148, 156),
    "link": (157, 257),
    "owner": (265, 297),
    "group": (297, 329),
    "prefix": (345, 500),
}
#: The fields of ustar headers that pax records take the place of.
PAX = {"path": "name", "linkpath": "link", "uname": "owner", "gname": "group", "GNU.sparse.name": "name"}
#: Records that hold numbers and dates.
_NUMBERS = ("size", "mtime", "atime", "ctime", "uid", "gid", "hdrcharset", "SCHILY.dev", "SCHILY.ino", "SCHILY.nlink", "LIBARCHIVE.creationtime")
_LONG = {b"L": "name", b"K": "link"}
#: What headers before the own one are called where they are not called after the member.
NEUTRAL = {b"x": b"././@PaxHeader", b"X": b"././@PaxHeader", b"g": b"././@PaxHeader", b"L": b"././@LongLink", b"K": b"././@LongLink"}
_ATTACHED = (b"x", b"X", b"L", b"K")
_WITHOUT_DATA = (b"1", b"2", b"3", b"4", b"5", b"6")
#: Most bytes that the headers of one member may take.
_MOST = 1024 * 1024
#: No file is larger; offsets beyond it do not fit what files are read by.
_LARGEST = 1 << 61


@dataclass(frozen=True, slots=True)
class Block:
    """One header and, where it speaks of the member behind it, what it says: pax records or a long name."""

    head: bytes
    said: bytes = b""

    @property
    def kind(self) -> bytes:
        return self.head[156:157]

    def field(self, name: str) -> bytes:
        """The bytes of a field up to its first NUL."""
        start, end = FIELDS[name]
        return self.head[start:end].partition(b"\0")[0]

    @property
    def is_ustar(self) -> bool:
        """True where the field `prefix` is part of the name: in GNU's own format other things stand there."""
        return self.head[257:263] == b"ustar\0"

    @property
    def path(self) -> bytes:
        prefix = self.field("prefix") if self.is_ustar else b""
        return prefix + b"/" + self.field("name") if prefix else self.field("name")

    def records(self) -> tuple[tuple[bytes, bytes], ...]:
        """Keys and values of a pax header. Raises `Unreadable` where there is something else."""
        found, at = [], 0
        while at < len(self.said):
            length, space, _ = self.said[at : at + 24].partition(b" ")
            end = at + int(length) if space and length.isdigit() else at
            record = self.said[at + len(length) + 1 : end]
            if not record.endswith(b"\n") or b"=" not in record or end > len(self.said):
                raise damaged()
            key, _, value = record[:-1].partition(b"=")
            found.append((key, value))
            at = end
        return tuple(found)


@dataclass(frozen=True, slots=True)
class TarMember:
    """One member, or a header for all that follow (`is_global`). Offsets are into the archive; `number` counts from 1, apart for the two kinds.

    `blocks` are its headers, its own last. The data stand from `start` to `end`; what follows begins at `next`. `sparse` are the (offset, length) of
    the pieces that are stored of a file of `size` bytes; None where all of it is.
    """

    number: int
    first: int
    blocks: tuple[Block, ...]
    start: int
    end: int
    size: int
    sparse: tuple[tuple[int, int], ...] | None = None
    is_global: bool = False

    @property
    def step(self) -> str:
        """What places in it begin with."""
        return f"{'global' if self.is_global else 'member'}:{self.number}"

    @property
    def next(self) -> int:
        return padded(self.end - self.start) + self.start

    @property
    def behind_headers(self) -> int:
        """Where its headers end: before the data, or before the list of the pieces that are stored."""
        return self.first + sum(BLOCK + padded(len(block.said)) for block in self.blocks)

    @property
    def own(self) -> Block:
        return self.blocks[-1]

    def words(self, wanted: str) -> Iterator[bytes]:
        """All writings of a word (`name`, `link`, `owner`, `group`): in its own header, in long names and pax records, in the headers of those."""
        yield self.own.path if wanted == "name" else self.own.field(wanted)
        for block in self.blocks:
            if _LONG.get(block.kind) == wanted:
                yield block.said.rstrip(b"\0")
            elif block.kind in (b"x", b"g", b"X"):
                yield from (value for key, value in block.records() if PAX.get(key.decode("latin-1")) == wanted)
            if wanted == "name" and block is not self.own and block.path not in NEUTRAL.values():
                yield block.path

    def others(self) -> Iterator[bytes]:
        """The pax records that are neither a word nor a number, as `key=value`."""
        for block in self.blocks:
            if block.kind in (b"x", b"g", b"X"):
                yield from (key + b"=" + value for key, value in block.records() if is_other(key))

    @property
    def title(self) -> bytes:
        """The name that counts."""
        said = {name: value for block in self.blocks for name, value in _names_in(block)}
        return said.get("GNU.sparse.name") or said.get("path") or self.own.path


def _names_in(block: Block) -> Iterator[tuple[str, bytes]]:
    if block.kind == b"L":
        yield "path", block.said.rstrip(b"\0")
    elif block.kind in (b"x", b"X"):
        yield from ((key.decode("latin-1"), value) for key, value in block.records())


def is_other(key: bytes) -> bool:
    """True for the key of a pax record that may hold any text."""
    name = key.decode("latin-1")
    return name not in PAX and name not in _NUMBERS and not name.startswith("GNU.sparse.")


def is_header(head: bytes) -> bool:
    """True if a tar header stands there: its checksum is right."""
    if len(head) < BLOCK or not head.strip(b"\0"):
        return False
    start, end = FIELDS["checksum"]
    told = head[start:end].strip(b" \0")
    if not told or any(digit not in b"01234567" for digit in told):
        return False
    return int(told, 8) == _sum(head) or int(told, 8) == _signed_sum(head)


def _sum(head: bytes) -> int:
    return sum(head[:148]) + 8 * 32 + sum(head[156:BLOCK])


def _signed_sum(head: bytes) -> int:
    """As some old programs computed it."""
    return _sum(head) - 256 * sum(byte > 127 for byte in head[:148] + head[156:BLOCK])


def number_of(field: bytes) -> int:
    """A number in octal digits, or in base 256 where the first bit is set (GNU)."""
    if field[:1] >= b"\x80":
        number = int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
        if number > _LARGEST:
            raise damaged()
        return number
    digits = field.split(b"\0")[0].strip()
    if not digits:
        return 0
    if any(digit not in b"01234567" for digit in digits):
        raise damaged()
    return int(digits, 8)


def padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def members_of(source: BinaryIO) -> Iterator[TarMember | int]:
    """The members in their order; at last the offset behind which no header stands any more.

    Blocks of zeros are passed: several archives may stand behind each other. Raises `Unreadable` where a header is damaged or the archive ends early.
    """
    counts = {False: 0, True: 0}
    at = behind = 0
    while True:
        first, head = _next_block(source, at)
        if not is_header(head):
            if not head and source.seek(0, 2) < behind:
                raise truncated()
            yield first
            return
        blocks, at = _blocks(source, first)
        is_global = blocks[-1].kind == b"g"
        counts[is_global] += 1
        member = _member(source, counts[is_global], first, blocks, at)
        yield member
        at = behind = member.next


def _next_block(source: BinaryIO, at: int) -> tuple[int, bytes]:
    """The next block that is not of zeros, and where it is; an empty one at the end."""
    while True:
        source.seek(at)
        head = source.read(BLOCK)
        if len(head) < BLOCK or head.strip(b"\0"):
            return at, head
        at += BLOCK


def _blocks(source: BinaryIO, at: int) -> tuple[tuple[Block, ...], int]:
    """The headers that begin here, to the member's own or a global one, and where they end."""
    blocks, taken = list[Block](), 0
    while True:
        source.seek(at)
        head = source.read(BLOCK)
        at += BLOCK
        if not is_header(head):
            raise damaged()
        kind = head[156:157]
        if kind not in (*_ATTACHED, b"g"):
            return (*blocks, Block(head)), at
        size = number_of(head[slice(*FIELDS["size"])])
        taken += size
        if taken > _MOST:
            raise Unreadable("tar.header", "a header of an archive is longer than the limit; the rest was not read")
        said = source.read(size)
        if len(said) < size:
            raise truncated()
        blocks.append(Block(head, said))
        at += padded(size)
        if kind == b"g":
            return tuple(blocks), at


def _member(source: BinaryIO, number: int, first: int, blocks: tuple[Block, ...], at: int) -> TarMember:
    own = blocks[-1]
    if own.kind == b"g":
        return TarMember(number, first, blocks, at, at, 0, is_global=True)
    pax = {key: value for block in blocks[:-1] if block.kind in (b"x", b"X") for key, value in block.records()}
    size = number_of(own.head[slice(*FIELDS["size"])])
    if pax.get(b"size", b"").isdigit():
        size = min(int(pax[b"size"][:20]), _LARGEST)
    stored = 0 if own.kind in _WITHOUT_DATA else size
    if own.kind == b"S":
        return _gnu_sparse(source, number, first, blocks, at, stored)
    if b"GNU.sparse.major" in pax or b"GNU.sparse.map" in pax or b"GNU.sparse.size" in pax:
        return _pax_sparse(source, TarMember(number, first, blocks, at, at + stored, stored), pax)
    return TarMember(number, first, blocks, at, at + stored, stored)


def _gnu_sparse(source: BinaryIO, number: int, first: int, blocks: tuple[Block, ...], at: int, stored: int) -> TarMember:
    """A file with holes as GNU tar writes it: four pieces in the header, and 21 in each block behind it."""
    head = blocks[-1].head
    pieces, more = _pieces(head[386:482]), head[482]
    real = number_of(head[483:495])
    while more:
        source.seek(at)
        block = source.read(BLOCK)
        if len(block) < BLOCK or len(pieces) > 1_000_000:
            raise damaged()
        pieces += _pieces(block[:504])
        more = block[504]
        at += BLOCK
    return TarMember(number, first, blocks, at, at + stored, real, tuple(pieces))


def _pieces(fields: bytes) -> list[tuple[int, int]]:
    numbers = [number_of(fields[at : at + 12]) for at in range(0, len(fields) - 11, 12)]
    return [(start, length) for start, length in zip(numbers[::2], numbers[1::2], strict=False) if start or length]


def _pax_sparse(source: BinaryIO, member: TarMember, pax: dict[bytes, bytes]) -> TarMember:
    """A file with holes in pax form 0.0, 0.1 (pieces in the records) or 1.0 (pieces in decimal lines before the data)."""
    real, start = pax.get(b"GNU.sparse.realsize", pax.get(b"GNU.sparse.size", b"0")), member.start
    if b"GNU.sparse.map" in pax:
        numbers = pax[b"GNU.sparse.map"].split(b",")
    elif pax.get(b"GNU.sparse.major") == b"1":
        numbers, start = _lines(source, member)
    else:
        records = (record for block in member.blocks[:-1] if block.kind == b"x" for record in block.records())
        numbers = [value for key, value in records if key in (b"GNU.sparse.offset", b"GNU.sparse.numbytes")]
    if not real.isdigit() or len(numbers) % 2 or not all(number.isdigit() and len(number) < 19 for number in (real, *numbers)):
        raise damaged()
    values = list(map(int, numbers))
    return replace(member, start=start, size=int(real), sparse=tuple(zip(values[::2], values[1::2], strict=True)))


def _lines(source: BinaryIO, member: TarMember) -> tuple[list[bytes], int]:
    """The numbers before the data, and where the data begin."""
    source.seek(member.start)
    lines = source.read(min(_MOST, member.end - member.start)).split(b"\n")
    count = 1 + 2 * int(lines[0]) if lines[0].isdigit() and len(lines[0]) < 9 else 0
    if not 0 < count < len(lines):
        raise damaged()
    return lines[1:count], member.start + padded(sum(len(line) + 1 for line in lines[:count]))


def damaged() -> Unreadable:
    return Unreadable("tar.damaged", "an archive is damaged; what could not be found in it was not read")


def truncated() -> Unreadable:
    return Unreadable("archive.truncated", "an archive ends too early; the rest was not read")
