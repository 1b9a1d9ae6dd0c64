"""Thrift's compact protocol, as much of it as the footers of Parquet files are written in: structs by field number, so that unknown fields survive.

Apache Thrift, *thrift-compact-protocol.md*. A struct is {field number: (type, value)} in the order of the file; a value is an `int` (bytes,
zigzag integers), `bool`, `bytes` (doubles as their 8 bytes), a `List` or a struct. What was read is written as it was, byte for byte.
"""

from dataclasses import dataclass

from dsr_engine.content.format import Unreadable

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT, UUID = range(1, 14)
#: Footers are flat; whatever is nested deeper is an attack.
_DEPTH = 24
#: Bytes of values of fixed length.
_SIZES = {DOUBLE: 8, UUID: 16}
_INTEGERS = frozenset((I16, I32, I64))

Struct = dict[int, tuple[int, "Value"]]


@dataclass(slots=True)
class List:
    """Elements of one type. For a map, `of` is (type of keys, type of values) and `items` has them in turn."""

    of: int | tuple[int, int]
    items: list["Value"]


Value = int | bool | bytes | List | Struct


def damaged() -> Unreadable:
    """Bytes that are no Thrift."""
    return Unreadable("parquet.damaged", "a Parquet file is damaged; what could not be read in it was searched as bytes only")


class Reader:
    """Reads structs from a buffer; `at` is where it stands. Raises `Unreadable` (`parquet.damaged`)."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self.at = at

    def struct(self, depth: int = 0) -> Struct:
        if depth > _DEPTH:
            raise damaged()
        data, found, last = self._data, Struct(), 0
        try:
            while byte := data[self.at]:
                self.at += 1
                kind, delta = byte & 15, byte >> 4
                last = last + delta if delta else _unzigzag(self._varint())
                if last in found:
                    raise damaged()
                if kind in _INTEGERS:  # most of what is in a footer
                    value = self._varint()
                    found[last] = (kind, value >> 1 ^ -(value & 1))
                else:
                    found[last] = (kind, self._value(kind, depth))
            self.at += 1
        except IndexError:
            raise damaged() from None
        return found

    def _varint(self) -> int:
        data, at = self._data, self.at
        byte = data[at]
        at += 1
        if byte < 128:
            self.at = at
            return byte
        value, shift = byte & 127, 7
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                self.at = at
                return value
            shift += 7
            if shift > 63:
                raise damaged()

    def _value(self, kind: int, depth: int) -> Value:
        if kind == STRUCT:
            return self.struct(depth + 1)
        if kind == BINARY:
            return self._bytes(self._varint())
        if kind in _INTEGERS:
            return _unzigzag(self._varint())
        if kind in (TRUE, FALSE):
            return kind == TRUE
        if kind in _SIZES:
            return self._bytes(_SIZES[kind])
        if kind == BYTE:
            return self._bytes(1)[0]
        return self._nested(kind, depth)

    def _nested(self, kind: int, depth: int) -> Value:
        if kind in (LIST, SET):
            return self._list(depth)
        if kind == MAP:
            return self._map(depth)
        raise damaged()

    def _bytes(self, count: int) -> bytes:
        found = self._data[self.at : self.at + count]
        if len(found) != count:
            raise damaged()
        self.at += count
        return found

    def _list(self, depth: int) -> List:
        head = self._data[self.at]
        self.at += 1
        kind, count = head & 15, head >> 4
        if count == 15:
            count = self._varint()
        count = self._bounded(count)
        if kind == STRUCT:
            return List(kind, [self.struct(depth + 2) for _ in range(count)])
        if kind in _INTEGERS:
            return List(kind, [_unzigzag(self._varint()) for _ in range(count)])
        return List(kind, [self._element(kind, depth) for _ in range(count)])

    def _map(self, depth: int) -> List:
        count = self._varint()
        if not count:
            return List((0, 0), [])
        kinds = self._bytes(1)[0]
        key, value = kinds >> 4, kinds & 15
        return List((key, value), [self._element(kind, depth) for _ in range(self._bounded(count)) for kind in (key, value)])

    def _bounded(self, count: int) -> int:
        """Every element takes at least a byte, so a count beyond the buffer is a lie."""
        if count > len(self._data) - self.at:
            raise damaged()
        return count

    def _element(self, kind: int, depth: int) -> Value:
        if kind in (TRUE, FALSE):
            return self._bytes(1)[0]
        return self._value(kind, depth + 1)


def written(struct: Struct) -> bytes:
    """The struct in the compact protocol."""
    out = bytearray()
    _write_struct(out, struct)
    return bytes(out)


def _write_struct(out: bytearray, struct: Struct) -> None:
    last = 0
    for number, (kind, value) in struct.items():
        if kind <= FALSE:
            kind = TRUE if value else FALSE
        if 0 < number - last < 16:
            out.append((number - last) << 4 | kind)
        else:
            out.append(kind)
            _write_varint(out, _zigzag(number))
        last = number
        if kind > FALSE:
            _write_value(out, kind, value)
    out.append(0)


def _write_value(out: bytearray, kind: int, value: Value) -> None:
    if isinstance(value, int):
        if kind <= BYTE:
            out.append(value)
        else:
            _write_varint(out, _zigzag(value))
    elif isinstance(value, bytes):
        if kind == BINARY:
            _write_varint(out, len(value))
        out += value
    elif isinstance(value, dict):
        _write_struct(out, value)
    else:
        _write_list(out, value)


def _write_list(out: bytearray, value: List) -> None:
    if isinstance(value.of, tuple):
        _write_varint(out, len(value.items) // 2)
        if value.items:
            out.append(value.of[0] << 4 | value.of[1])
        for at, item in enumerate(value.items):
            _write_value(out, value.of[at % 2], item)
        return
    if len(value.items) < 15:
        out.append(len(value.items) << 4 | value.of)
    else:
        out.append(0xF0 | value.of)
        _write_varint(out, len(value.items))
    for item in value.items:
        _write_value(out, value.of, item)


def _write_varint(out: bytearray, value: int) -> None:
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def _unzigzag(value: int) -> int:
    return value >> 1 ^ -(value & 1)
