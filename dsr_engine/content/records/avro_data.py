"""Rows of an Avro block as leaves that know where their bytes are (Avro 1.11 specification, "Binary Encoding").

Nothing is built: a value that changes is a splice, and everything around it keeps its bytes, the order of maps and the form of numbers included.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from dsr_engine.content.format import Unreadable
from dsr_engine.content.records.avro_schema import DEEPEST, Node

#: Values of one row; more are an attack, since empty ones take no bytes.
_MOST_LEAVES = 500_000
#: One step of a path: a field's name, the position of an array's item, the position of a map's entry.
Step = str | int | tuple[int]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value that is no container. `choice` is where the union's branch number stands that made it this type (-1: no union).

    `null` is the branch of that union that is null (-1: none). A map's key is a leaf too (`is_key`).
    """

    path: tuple[Step, ...]
    node: Node
    start: int
    end: int
    choice: int = -1
    null: int = -1
    is_key: bool = False
    names: tuple[str, ...] = ()


KEY = Node("string")


def damaged() -> Unreadable:
    return Unreadable("avro.damaged", "a block of an Avro file is damaged; its bytes were searched as they are")


def number_at(data: bytes, at: int) -> tuple[int, int]:
    """A zigzag number of at most 64 bits, and where the next thing begins."""
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise damaged()
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value >> 1 ^ -(value & 1), at
        shift += 7


def number_bytes(value: int) -> bytes:
    value = value << 1 ^ value >> 63
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class Rows:
    """Reads one row after the other."""

    def __init__(self, root: Node, data: bytes) -> None:
        self._root = root
        self._data = data
        self.at = 0
        self._leaves: list[Leaf] = []
        self._steps = 0
        #: Items that say how many bytes they take: where that number begins, where they begin, where they end.
        self.sized: list[tuple[int, int, int]] = []

    def next(self) -> list[Leaf]:
        """The leaves of the next row. Raises `Unreadable` where the bytes do not follow the schema."""
        self._leaves, self._steps, self.sized = [], 0, []
        self._value(self._root, (), (), -1, -1)
        return self._leaves

    def _value(self, node: Node, path: tuple[Step, ...], names: tuple[str, ...], choice: int, null: int) -> None:
        self._steps += 1
        if self._steps > _MOST_LEAVES or len(path) > DEEPEST:
            raise Unreadable("avro.too_deep", "a row of an Avro file has more values or levels than the limit; its bytes were searched as they are")
        if node.kind == "record":
            for name, part in zip(node.names, node.parts, strict=True):
                self._value(part, (*path, name), (*names, name), -1, -1)
        elif node.kind == "union":
            at = self.at
            branch, self.at = number_at(self._data, at)
            if not 0 <= branch < len(node.parts) or node.parts[branch].kind == "union":
                raise damaged()
            self._value(node.parts[branch], path, names, at, node.null_branch)
        elif node.kind in ("array", "map"):
            self._items(node, path, names)
        else:
            self._scalar(node, path, names, choice, null)

    def _scalar(self, node: Node, path: tuple[Step, ...], names: tuple[str, ...], choice: int, null: int) -> None:
        start, self.at = self.at, self._end(node)
        if self.at > len(self._data):
            raise damaged()
        if node.kind != "null":
            self._leaves.append(Leaf(path, node, start, self.at, choice, null, False, names))

    def _items(self, node: Node, path: tuple[Step, ...], names: tuple[str, ...]) -> None:
        index = 0
        while True:
            count, self.at = number_at(self._data, self.at)
            if count == 0:
                return
            measured = self.at
            if count < 0:
                _, self.at = number_at(self._data, measured)
            begin = self.at
            for position in range(index, index + abs(count)):
                if node.kind == "map":
                    key = self._key((*path, (position,)), names)
                    self._value(node.parts[0], (*path, (position,)), (*names, key), -1, -1)
                else:
                    self._value(node.parts[0], (*path, position), names, -1, -1)
            index += abs(count)
            if count < 0:
                self.sized.append((measured, begin, self.at))

    def _key(self, path: tuple[Step, ...], names: tuple[str, ...]) -> str:
        start, self.at = self.at, self._end(KEY)
        if self.at > len(self._data):
            raise damaged()
        self._leaves.append(Leaf(path, KEY, start, self.at, is_key=True, names=names))
        return text_of(KEY, self._data[start : self.at])

    def _end(self, node: Node) -> int:
        kind, at = node.kind, self.at
        if kind in ("bytes", "string"):
            size, at = number_at(self._data, at)
            if size < 0:
                raise damaged()
            return at + size
        if kind in ("int", "long", "enum"):
            return number_at(self._data, at)[1]
        return at + {"null": 0, "boolean": 1, "float": 4, "double": 8, "fixed": node.size}[kind]


def content_of(node: Node, raw: bytes) -> bytes:
    """The bytes of a string, bytes or fixed leaf, without its length."""
    return raw if node.kind == "fixed" else raw[number_at(raw, 0)[1] :]


def with_length(node: Node, content: bytes) -> bytes:
    return content if node.kind == "fixed" else number_bytes(len(content)) + content


_DAY = date(1970, 1, 1)
_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"timestamp-millis": 1000, "timestamp-micros": 1, "local-timestamp-millis": 1000, "local-timestamp-micros": 1}


def text_of(node: Node, raw: bytes) -> str:
    """What a leaf says, as text; of a bytes or fixed leaf without a logical type, nothing."""
    kind = node.kind
    if kind == "string":
        return content_of(node, raw).decode("utf-8", "replace")
    if kind in ("int", "long"):
        return _number_text(node.logical, number_at(raw, 0)[0])
    if kind == "enum":
        index = number_at(raw, 0)[0]
        return node.names[index] if 0 <= index < len(node.names) else ""
    if kind in ("float", "double"):
        return repr(struct.unpack("<f" if kind == "float" else "<d", raw)[0])
    if kind == "boolean":
        return "true" if raw != b"\0" else "false"
    return _bytes_text(node, content_of(node, raw))


def _number_text(logical: str, number: int) -> str:
    try:
        if logical == "date":
            return (_DAY + timedelta(days=number)).isoformat()
        if logical in _UNITS:
            return (_MOMENT + timedelta(microseconds=number * _UNITS[logical])).isoformat()
    except OverflowError:
        return str(number)
    return str(number)


def _bytes_text(node: Node, content: bytes) -> str:
    if node.logical == "decimal" and len(content) <= 64:
        return format(Decimal(int.from_bytes(content, "big", signed=True)).scaleb(-min(node.scale, 1000)), "f")
    if node.logical == "uuid" and len(content) == 16:
        return str(UUID(bytes=content))
    return ""


def is_file_like(node: Node) -> bool:
    """True for bytes that may be anything, a file included."""
    return node.kind in ("bytes", "fixed") and node.logical not in ("decimal", "uuid", "duration")


def texts_of(leaves: list[Leaf], data: bytes) -> Iterator[str]:
    """What the gate judges a row by."""
    for leaf in leaves:
        raw = data[leaf.start : leaf.end]
        yield content_of(leaf.node, raw).decode("latin-1") if is_file_like(leaf.node) else text_of(leaf.node, raw)
