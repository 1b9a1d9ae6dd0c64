"""An Avro object container file as a header and blocks, with their offsets (Avro 1.11 specification, "Object Container Files")."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from dsr_engine.content.containers.inflate import Ratio
from dsr_engine.content.format import Budget, Unreadable
from dsr_engine.content.records.avro_codec import is_codec, unpacked
from dsr_engine.content.records.avro_data import damaged, number_at, number_bytes
from dsr_engine.content.records.avro_schema import Node, schema_of

#: Most bytes of a header, of a stored block, and of a block's content. Writers start a new block after some kilobytes.
_HEADER_BYTES = 16 * 1024 * 1024
_BLOCK_BYTES = 64 * 1024 * 1024
_MOST_ENTRIES = 10_000
_SYNC = 16
_NUMBERS = 20


@dataclass(frozen=True, slots=True)
class Header:
    """The file's metadata in its order, the schema, the codec, the marker between blocks, and where the first block begins."""

    entries: tuple[tuple[bytes, bytes], ...]
    root: Node
    codec: str
    sync: bytes
    end: int

    def written(self, entries: tuple[tuple[bytes, bytes], ...]) -> bytes:
        """The same header with other metadata."""
        body = b"".join(number_bytes(len(word)) + word for entry in entries for word in entry)
        return b"Obj\x01" + number_bytes(len(entries)) + body + number_bytes(0) + self.sync


@dataclass(frozen=True, slots=True)
class Block:
    """Rows that were compressed together. `first` is the number of the first one; `stored` are the bytes between its numbers and its marker."""

    start: int
    end: int
    first: int
    count: int
    stored: bytes

    def content(self, header: Header, budget: Budget) -> bytes:
        """The rows. Raises `Unreadable`."""
        content = unpacked(header.codec, self.stored, _BLOCK_BYTES)
        ratio = Ratio(budget)
        ratio.taken = len(self.stored)
        ratio.gave(len(content))
        return content


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that are no block; the next one begins behind them, or the file ends there."""

    start: int
    end: int


def header_of(source: BinaryIO) -> Header:
    """Raises `Unreadable` where it is damaged or its schema or codec is not understood."""
    data = source.read(_HEADER_BYTES)
    entries, at = _entries(data)
    sync = data[at : at + _SYNC]
    if data[:4] != b"Obj\x01" or len(sync) < _SYNC:
        raise damaged()
    known = dict(entries)
    codec = known.get(b"avro.codec", b"null").decode("ascii", "replace") or "null"
    if not is_codec(codec):
        raise Unreadable("avro.codec", "an Avro file is compressed in a way that is not known; its bytes were searched as they are")
    return Header(tuple(entries), schema_of(known.get(b"avro.schema", b"")), codec, sync, at + _SYNC)


def _entries(data: bytes) -> tuple[list[tuple[bytes, bytes]], int]:
    entries: list[tuple[bytes, bytes]] = []
    at = 4
    while True:
        count, at = number_at(data, at)
        if count == 0:
            return entries, at
        if count < 0:
            _, at = number_at(data, at)
        if abs(count) + len(entries) > _MOST_ENTRIES:
            raise damaged()
        for _ in range(abs(count)):
            words: list[bytes] = []
            for _ in range(2):
                size, at = number_at(data, at)
                if size < 0 or at + size > len(data):
                    raise damaged()
                words.append(data[at : at + size])
                at += size
            entries.append((words[0], words[1]))


def blocks_of(source: BinaryIO, header: Header) -> Iterator[Block | Damage]:
    """The blocks in their order; a damaged stretch up to the next marker is one `Damage`."""
    at, first = header.end, 1
    while True:
        source.seek(at)
        head = source.read(_NUMBERS)
        if not head:
            return
        block = _block(source, head, at, first, header)
        if block is None:
            end = _next_marker(source, at, header.sync)
            yield Damage(at, end)
            at = end
        else:
            yield block
            at, first = block.end, first + block.count


def _block(source: BinaryIO, head: bytes, at: int, first: int, header: Header) -> Block | None:
    try:
        count, behind = number_at(head, 0)
        size, behind = number_at(head, behind)
    except Unreadable:
        return None
    if count < 0 or not 0 <= size <= _BLOCK_BYTES:
        return None
    source.seek(at + behind)
    data = source.read(size + _SYNC)
    if len(data) < size + _SYNC or data[size:] != header.sync:
        return None
    return Block(at, at + behind + size + _SYNC, first, count, data[:size])


def _next_marker(source: BinaryIO, at: int, sync: bytes) -> int:
    """Behind the next marker, or the end of the file."""
    source.seek(at)
    carry = b""
    while piece := source.read(1024 * 1024):
        data = carry + piece
        found = data.find(sync)
        if found >= 0:
            return at - len(carry) + found + _SYNC
        at += len(piece)
        carry = data[-_SYNC + 1 :]
    return at
