"""Snappy blocks (google/snappy, format_description.txt): read with bounds, written as literals, which every reader understands.

Avro files of Hadoop and Spark are compressed so by default, and a library for it would be one more for little.
"""

from dsr_engine.content.format import Unreadable


def unsnapped(data: bytes, limit: int) -> bytes:
    """The content. Raises `Unreadable` where the block is damaged or says that it is longer than `limit` bytes."""
    length, at = _length(data)
    if length > limit:
        raise Unreadable("archive.too_large", "a compressed block is larger than the limit; it was not read")
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        kind = tag & 3
        if kind == 0:
            size, at = _literal(data, tag >> 2, at)
            out += data[at : at + size]
            at += size
        else:
            size, offset, at = _copy(data, tag, kind, at)
            _repeat(out, size, offset)
        if len(out) > length:
            raise _damaged()
    if len(out) != length:
        raise _damaged()
    return bytes(out)


def snapped(data: bytes) -> bytes:
    """A valid block with this content, not made smaller."""
    out = bytearray()
    rest = len(data)
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    for start in range(0, len(data), 65536):
        piece = data[start : start + 65536]
        out += bytes(((61 << 2),)) + (len(piece) - 1).to_bytes(2, "little") + piece
    return bytes(out)


def _length(data: bytes) -> tuple[int, int]:
    value = 0
    for at in range(min(5, len(data))):
        value |= (data[at] & 0x7F) << (7 * at)
        if data[at] < 0x80:
            return value, at + 1
    raise _damaged()


def _literal(data: bytes, size: int, at: int) -> tuple[int, int]:
    if size >= 60:
        width = size - 59
        size, at = int.from_bytes(data[at : at + width], "little"), at + width
    if at + size + 1 > len(data):
        raise _damaged()
    return size + 1, at


def _copy(data: bytes, tag: int, kind: int, at: int) -> tuple[int, int, int]:
    width = (0, 1, 2, 4)[kind]
    if at + width > len(data):
        raise _damaged()
    number = int.from_bytes(data[at : at + width], "little")
    if kind == 1:
        return (tag >> 2 & 7) + 4, (tag >> 5 << 8) | number, at + 1
    return (tag >> 2) + 1, number, at + width


def _repeat(out: bytearray, size: int, offset: int) -> None:
    start = len(out) - offset
    if offset == 0 or start < 0:
        raise _damaged()
    if offset >= size:
        out += out[start : start + size]
    else:
        out += (bytes(out[start:]) * (size // offset + 1))[:size]


def _damaged() -> Unreadable:
    return Unreadable("archive.damaged", "a compressed block is damaged; it was not read")
