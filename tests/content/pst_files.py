"""Outlook data files as MS-PST describes them, as small as can be: nodes in one leaf each, properties in one heap each, nothing encoded.

Written from the specification, so that tests need no file of anybody's mail.
"""

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

#: Nodes that every file has (MS-PST 2.4.1), and the types of others.
_STORE, _NAMES, _ROOT = 0x21, 0x61, 0x122
_FOLDER, _MESSAGE, _RECIPIENTS, _ATTACHMENTS, _ATTACHMENT = 0x02, 0x04, 0x692, 0x671, 0x8025

Properties = Mapping[int, "str | bytes | int | Letter"]

#: The node of a message that is attached, below the attachment.
_INNER = 0x100 << 5 | _MESSAGE


@dataclass(frozen=True)
class Letter:
    """One message: its properties, its recipients, its attachments."""

    properties: Properties
    recipients: Sequence[Properties] = ()
    attachments: Sequence[Properties] = ()


@dataclass
class _File:
    """What lies in the file so far: blocks by identifier with their place and length, and nodes."""

    data: bytearray = field(default_factory=lambda: bytearray(0x4600))
    blocks: list[tuple[int, int, int]] = field(default_factory=list)
    nodes: list[tuple[int, int, int, int]] = field(default_factory=list)
    next_block: int = 4

    def block(self, content: bytes, *, is_internal: bool = False) -> int:
        identifier = self.next_block | (2 if is_internal else 0)
        self.next_block += 4
        at = len(self.data)
        size = -(-(len(content) + 16) // 64) * 64
        self.data += content.ljust(size - 16, b"\0") + struct.pack("<HHIQ", len(content), _signature(at, identifier), _crc(content), identifier)
        self.blocks.append((identifier, at, len(content)))
        return identifier

    def page(self, kind: int, entries: Sequence[bytes], width: int) -> tuple[int, int]:
        """A leaf of one of the two trees."""
        assert len(entries) * width <= 488, "one leaf is enough for tests"
        self.data += bytes(-len(self.data) % 512)
        at, identifier = len(self.data), self.next_block
        self.next_block += 4
        body = b"".join(entries).ljust(488, b"\0") + bytes((len(entries), 488 // width, width, 0)) + bytes(4)
        self.data += body + struct.pack("<BBHIQ", kind, kind, _signature(at, identifier), _crc(body), identifier)
        return identifier, at


def pst(letters: Mapping[str, Sequence[Letter]], lost: Sequence[Letter] = ()) -> bytes:
    """A file with these messages by the names of their folders; `lost` ones hang in a folder that is not there any more."""
    file = _File()
    file.nodes.append((_STORE, file.block(_context({0x3001: "store"})), 0, 0))
    file.nodes.append(
        (_NAMES, file.block(_context({0x0001: 251, 0x0002: bytes(16), 0x0003: struct.pack("<IHH", 0x8501, 4, 0), 0x0004: bytes(4)})), 0, 0)
    )
    file.nodes.append((_ROOT, file.block(_context({0x3001: ""})), 0, _ROOT))
    index = 0x400
    for name, messages in letters.items():
        index += 1
        folder = index << 5 | _FOLDER
        file.nodes.append((folder, file.block(_context({0x3001: name, 0x3602: len(messages)})), 0, _ROOT))
        for message in messages:
            index += 1
            file.nodes.append((index << 5 | _MESSAGE, file.block(_context(message.properties)), _subnodes(file, message), folder))
    for message in lost:
        index += 1
        file.nodes.append((index << 5 | _MESSAGE, file.block(_context(message.properties)), _subnodes(file, message), 0x9999 << 5 | _FOLDER))
    nodes = [struct.pack("<QQQII", node, data, sub, parent, 0) for node, data, sub, parent in sorted(file.nodes)]
    node_tree = file.page(0x81, nodes, 32)
    block_tree = file.page(0x80, [struct.pack("<QQHHI", block, at, size, 2, 0) for block, at, size in sorted(file.blocks)], 24)
    file.data[:564] = _header(len(file.data), node_tree, block_tree, file.next_block)
    return bytes(file.data)


def _subnodes(file: _File, message: Letter) -> int:
    entries: list[tuple[int, int, int]] = []
    if message.recipients:
        entries.append((_RECIPIENTS, file.block(_table(message.recipients)), 0))
    if message.attachments:
        numbers = [_ATTACHMENT + 0x20 * at for at in range(len(message.attachments))]
        entries.append((_ATTACHMENTS, file.block(_table([{0x67F2: number} for number in numbers])), 0))
        for number, found in zip(numbers, message.attachments, strict=True):
            inner = [(_INNER, file.block(_context(one.properties)), _subnodes(file, one)) for one in found.values() if isinstance(one, Letter)]
            entries.append((number, file.block(_context(found)), _subnode_block(file, inner)))
    return _subnode_block(file, entries)


def _subnode_block(file: _File, entries: Sequence[tuple[int, int, int]]) -> int:
    if not entries:
        return 0
    return file.block(struct.pack("<BBHI", 2, 0, len(entries), 0) + b"".join(struct.pack("<QQQ", *one) for one in sorted(entries)), is_internal=True)


def _context(properties: Properties) -> bytes:
    """A property context (2.3.3): a heap with a tree of records, whose values lie behind it."""
    values: list[bytes] = []
    records = b""
    for number, value in sorted(properties.items()):
        kind, data = _value(value)
        if isinstance(value, int):
            records += struct.pack("<HHi", number, kind, value)
        else:
            values.append(data)
            records += struct.pack("<HHI", number, kind, (len(values) + 2) << 5 if data else 0)
            if not data:
                values.pop()
    return _heap(0xBC, struct.pack("<BBBBI", 0xB5, 2, 6, 0, 2 << 5), records, *values)


def _table(rows: Sequence[Properties]) -> bytes:
    """A table context (2.3.4) whose rows lie in its heap."""
    columns = sorted({(number, _value(value)[0]) for row in rows for number, value in row.items()} | {(0x67F2, 3), (0x67F3, 3)})
    order = sorted(columns, key=lambda column: (column[0] not in (0x67F2, 0x67F3), column[0]))
    width = 4 * len(order)
    total = width + -(-len(order) // 8)
    described = b"".join(
        struct.pack("<HHHBB", kind, number, 4 * order.index((number, kind)), 4, order.index((number, kind))) for number, kind in columns
    )
    info = struct.pack("<BBHHHHIII", 0x7C, len(columns), width, width, width, total, 2 << 5, 4 << 5, 0) + described
    values: list[bytes] = []
    matrix = b""
    for index, row in enumerate(rows):
        cells: Properties = {0x67F2: index + 1, 0x67F3: 1, **row}
        there = 0
        for position, (number, _) in enumerate(order):
            value = cells.get(number)
            there |= (value is not None) << (7 - position % 8) << (8 * (position // 8))
            if value is None or isinstance(value, int):
                matrix += struct.pack("<I", value or 0)
            else:
                values.append(_value(value)[1])
                matrix += struct.pack("<I", (len(values) + 4) << 5)
        matrix += there.to_bytes(total - width, "little")
    index_of_rows = b"".join(struct.pack("<II", row.get(0x67F2, at + 1), at) for at, row in enumerate(rows))
    return _heap(0x7C, info, struct.pack("<BBBBI", 0xB5, 4, 4, 0, 3 << 5), index_of_rows, matrix, *values)


def _value(value: str | bytes | int | Letter) -> tuple[int, bytes]:
    if isinstance(value, Letter):
        return 0xD, struct.pack("<II", _INNER, 100)
    if isinstance(value, int):
        return 0x3, struct.pack("<i", value)
    return (0x1F, value.encode("utf-16-le")) if isinstance(value, str) else (0x102, value)


def _heap(client: int, *pieces: bytes) -> bytes:
    """A heap on a node (2.3.1), of one block; the first piece is what its user begins with."""
    body, starts = bytes(12), []
    for piece in pieces:
        starts.append(len(body))
        body += piece
    ends = [*starts, len(body)]
    body += bytes(len(body) % 2)
    head = struct.pack("<HBBII", len(body), 0xEC, client, 1 << 5, 0)
    whole = head + body[12:] + struct.pack("<HH", len(pieces), 0) + b"".join(struct.pack("<H", at) for at in ends)
    assert len(whole) <= 8176, "one block is enough for tests"
    return whole


def _header(size: int, nodes: tuple[int, int], blocks: tuple[int, int], next_block: int) -> bytes:
    root = struct.pack("<IQQQQQQQQBBH", 0, size, 0x4400, 0, 0, *nodes, *blocks, 2, 0, 0)
    body = struct.pack("<HHHBBIIQQI", 0x4D53, 23, 19, 1, 1, 0, 0, 0, next_block, 1) + bytes(128) + bytes(8) + root + bytes(4)
    body += b"\xff" * 256 + struct.pack("<BBHQ", 0x80, 0, 0, next_block)
    return b"!BDN" + struct.pack("<I", _crc(body[:471])) + body + struct.pack("<I", _crc(body)) + bytes(36)


def _crc(data: bytes) -> int:
    """CRC-32 without the two inversions (5.3)."""
    return zlib.crc32(data, 0xFFFFFFFF) ^ 0xFFFFFFFF


def _signature(at: int, identifier: int) -> int:
    mixed = (at ^ identifier) & 0xFFFFFFFF
    return (mixed >> 16) ^ (mixed & 0xFFFF)
