"""Values in BER and DER (X.690), as far as one has to walk through them to find texts: tags, lengths, what lies inside, nothing decoded.

Streams are written with lengths that are not known before (§8.1.3.6) and texts in pieces (§8.7.3); both are followed. Every step goes forward or down
and depth is limited, so that hostile bytes cost no more than their length.
"""

from collections.abc import Iterator
from dataclasses import dataclass

_DEEPEST = 32
_MOST = 200_000
#: Octet string, bit string, and the kinds of text in names; context tags of a certificate's other names (RFC 5280 §4.2.1.6).
_TEXTS = frozenset({0x04, 0x0C, 0x12, 0x13, 0x14, 0x16, 0x1A, 0x1B, 0x1C, 0x1E, 0x80, 0x81, 0x82, 0x86})
_OCTETS = frozenset({0x04, 0x80})


@dataclass(frozen=True, slots=True)
class Value:
    """One value: its tag, and where its content begins and ends. `after` is where the next value begins."""

    tag: int
    start: int
    end: int
    after: int

    @property
    def is_made_of_others(self) -> bool:
        return bool(self.tag & 0x20)


def value_at(data: bytes, at: int, end: int | None = None, depth: int = 0) -> Value | None:
    """The value that begins here; None where there is none. What is cut off ends where the bytes end."""
    limit = len(data) if end is None else end
    if at + 2 > limit or data[at] & 0x1F == 0x1F:
        return None
    first = data[at + 1]
    if first == 0x80:
        return _open_ended(data, at, limit, depth)
    count = first & 0x7F if first & 0x80 else 0
    start = at + 2 + count
    if count > 8 or start > limit:
        return None
    size = int.from_bytes(data[at + 2 : start], "big") if count else first
    stop = min(limit, start + size)
    return Value(data[at], start, stop, stop)


def _open_ended(data: bytes, at: int, limit: int, depth: int) -> Value | None:
    """A value that ends with two zeros; where they lie is known only behind all that is in it."""
    if depth >= _DEEPEST or not data[at] & 0x20:
        return None
    inner = at + 2
    while inner + 2 <= limit and data[inner : inner + 2] != b"\0\0":
        value = value_at(data, inner, limit, depth + 1)
        if value is None or value.after <= inner:
            return Value(data[at], at + 2, limit, limit)
        inner = value.after
    return Value(data[at], at + 2, min(inner, limit), min(inner + 2, limit))


def values_in(data: bytes, value: Value) -> tuple[Value, ...]:
    """The values of which this one is made, in their order."""
    found: list[Value] = []
    at = value.start
    while at < value.end and len(found) < _MOST and (inner := value_at(data, at, value.end)) is not None:
        found.append(inner)
        at = max(inner.after, at + 1)
    return tuple(found)


def texts_in(data: bytes, value: Value, depth: int = 0, *, octets: bool = False) -> Iterator[bytes]:
    """The contents of all texts and octet strings in a value, in their order; with `octets` of octet strings only."""
    if depth > _DEEPEST:
        return
    if not value.is_made_of_others:
        if value.tag in (_OCTETS if octets else _TEXTS):
            yield from _of(data, value, depth, octets=octets)
        return
    for inner in values_in(data, value):
        yield from texts_in(data, inner, depth + 1, octets=octets)


def _of(data: bytes, value: Value, depth: int, *, octets: bool) -> Iterator[bytes]:
    """A text. The octet strings of certificates have values in them, the other names of a subject, say."""
    raw = data[value.start : value.end]
    if not octets and value.tag in _OCTETS and raw[:1] in (b"\x30", b"\x04"):
        inner = value_at(raw, 0)
        if inner is not None and inner.after == len(raw):
            yield from texts_in(raw, inner, depth + 1)
            return
    yield raw
