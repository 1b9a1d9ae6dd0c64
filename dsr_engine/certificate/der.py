"""Tells whether bytes are DER: the one canonical encoding of ASN.1 (X.690 § 10). Readers of ASN.1 accept far more, and so would a forger's bytes."""

from collections.abc import Iterator
from dataclasses import dataclass

from dsr_engine.domain.errors import NotVerified

_DEEPEST = 40
_BOOLEAN, _INTEGER, _BIT_STRING, _NULL, _OID, _SET = 0x01, 0x02, 0x03, 0x05, 0x06, 0x31


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its tag, its content, and both as they are written."""

    tag: int
    content: bytes
    raw: bytes

    @property
    def parts(self) -> "tuple[Element, ...]":
        return tuple(_elements(self.content))


def read(data: bytes) -> Element:
    """The element that `data` is. Raises `NotVerified` unless it is exactly one, in DER throughout."""
    require(data)
    return next(_elements(data))


def wrap(tag: int, *parts: bytes) -> bytes:
    """An element around these parts."""
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content


def _elements(data: bytes) -> Iterator[Element]:
    at = 0
    while at < len(data):
        start, size = _head(data, at, len(data))
        yield Element(data[at], data[start : start + size], data[at : start + size])
        at = start + size


def length_of(data: bytes) -> int:
    """The length of the first element, head included. Raises `NotVerified` if there is none."""
    start, size = _head(data, 0, len(data))
    return start + size


def require(data: bytes) -> None:
    """Raises `NotVerified` unless `data` is exactly one element in DER."""
    if _walk(data, 0, len(data), 0) != len(data):
        raise _refused()


def _refused() -> NotVerified:
    return NotVerified("the signature container is not in its canonical encoding", code="container.der")


def _head(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Where the content of the element at `at` begins, and its length."""
    if at + 2 > end or data[at] & 0x1F == 0x1F:
        raise _refused()
    first = data[at + 1]
    if first < 0x80:
        start, size = at + 2, first
    else:
        count = first & 0x7F
        start = at + 2 + count
        size = int.from_bytes(data[at + 2 : start], "big")
        if not 1 <= count <= 4 or start > end or size < 0x80 or data[at + 2] == 0:
            raise _refused()
    if start + size > end:
        raise _refused()
    return start, size


def _walk(data: bytes, at: int, end: int, depth: int) -> int:
    """Checks the element at `at`; gives where it ends."""
    tag = data[at] if at < end else 0
    start, size = _head(data, at, end)
    stop = start + size
    if depth > _DEEPEST:
        raise _refused()
    if tag & 0x20:
        children = []
        here = start
        while here < stop:
            after = _walk(data, here, stop, depth + 1)
            children.append(data[here:after])
            here = after
        if tag == _SET and children != sorted(children):
            raise _refused()
    elif not _is_canonical(tag, data[start:stop]):
        raise _refused()
    return stop


def _is_canonical(tag: int, content: bytes) -> bool:
    """True if a primitive value is in its one form. Kinds that are opaque octets have only one."""
    if tag == _BOOLEAN:
        return content in (b"\x00", b"\xff")
    if tag == _INTEGER:
        return _is_minimal(content)
    if tag == _NULL:
        return not content
    if tag == _OID:
        return bool(content) and not content[-1] & 0x80 and all(byte != 0x80 or (at and content[at - 1] & 0x80) for at, byte in enumerate(content))
    if tag == _BIT_STRING:
        return bool(content) and content[0] < 8 and (len(content) > 1 or content[0] == 0) and not content[-1] & ((1 << content[0]) - 1)
    return not (tag & 0xC0 == 0 and tag in (0x00, 0x10, 0x11))


def _is_minimal(content: bytes) -> bool:
    if len(content) < 2:
        return len(content) == 1
    return not (content[0] == 0 and content[1] < 0x80) and not (content[0] == 0xFF and content[1] >= 0x80)
