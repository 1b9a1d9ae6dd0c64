"""What the headers of a mail say, for a search that only wants to know whether anybody is in it: all of them at once where they are plain.

A header that is encoded, or an address that is written oddly, is read as `mime_headers` reads it, by itself.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from dsr_engine.content.gate import Gate
from dsr_engine.content.mail.mime_headers import ADDRESSES, SEALS, header_units, part_units
from dsr_engine.content.mail.mime_meta import Meta, meta_of
from dsr_engine.content.mail.mime_structure import Header

_CONTENT = frozenset({b"content-type", b"content-transfer-encoding", b"content-disposition"})
#: A header with its folds.
_HEADER = re.compile(rb"(?m)^([!-9;-~]+)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)\n")
#: Addresses of which nothing is left out when they are read: without comments, escapes and spaces.
_PLAIN = re.compile(
    rb'(?:(?:\s*"[^"\\]*"\s*|[^"\\<>(),;:@]*)<[^\s"\\<>(),;:@]+@[^\s"\\<>(),;:@]+>\s*(?:,|\Z)|\s*[^\s"\\<>(),;:@]+@[^\s"\\<>(),;:@]+\s*(?:,|\Z))+'
)
#: One address that may be carried in another one.
_CARRIED = re.compile(rb"=[\w.-]+(?:=[^\s=@<>,;:\"]+)?@")
_AT = re.compile(rb"@|[=%]40")
_FOLDED = re.compile(rb"(?<=[^\s])[ \t]*(?:\r\n?|\n)[ \t]+(?=[^\s])")
_APART = b"\n\n \n\n"
#: Stands between the values while they are unfolded; a mail with such a byte is not skimmed.
_SPLIT = b"\x03"
_SUMS = frozenset(name.encode() for name in SEALS)
_ADDRESS_NAMES = frozenset(name.encode() for name in ADDRESSES)


class Headers:
    """The headers of a message or a part, name (in lower case) and raw value each."""

    __slots__ = ("found", "own")

    def __init__(self, found: Sequence[tuple[bytes, bytes]], own: tuple[tuple[str, bytes], ...]) -> None:
        self.found = found
        #: Those that say how to read the content.
        self.own = own


def headers_in(block: bytes) -> Headers | None:
    """The headers of a block that ends before its empty line. None: a line in it is no header, or one that counts stands there twice."""
    found = [(name.lower(), value.rstrip(b"\r")) for name, value in _HEADER.findall(block)]
    if len(found) != block.count(b"\n") - block.count(b"\n ") - block.count(b"\n\t"):
        return None
    own = tuple((name.decode("ascii"), value) for name, value in found if name in _CONTENT)
    return Headers(found, own) if len({name for name, _ in own}) == len(own) else None


@lru_cache(maxsize=2048)
def meta_said(own: tuple[tuple[str, bytes], ...]) -> Meta:
    """What headers say of the content. Most parts say the same."""
    return meta_of(own)


def note_headers(headers: Headers, gate: Gate, *, is_part: bool) -> None:
    """Asks the gate about every text that these headers hold, of the message or of a part in it."""
    values: list[bytes] = []
    for name, value in headers.found:
        if b"@" in name:
            gate.passes(name)
        if _is_simple(name, value, is_part=is_part):
            values.append(value)
        else:
            _note_fully(name, value, gate, is_part=is_part)
    joined = _SPLIT.join(values)
    said = (joined.replace(b"\r\n", b"").replace(b"\n", b"") if b"\n" in joined else joined).replace(_SPLIT, _APART)
    gate.passes(said)
    if b"\n" in joined:
        # What a fold cuts: an address, digits of a code.
        folded = [value for name, value in headers.found if b"\n" in value and (name not in _SUMS or _AT.search(value))]
        gate.passes(_FOLDED.sub(b"", _SPLIT.join(folded)).replace(_SPLIT, _APART))
    if not is_part and _CARRIED.search(said):
        for name, value in headers.found:
            if b"=" in value and b"@" in value:
                _note_fully(name, value, gate, is_part=False)


def _is_simple(name: bytes, value: bytes, *, is_part: bool) -> bool:
    """True if the header says what stands in it, but for its folds."""
    if not value.isascii() or b"=?" in value:
        return False
    if name in _CONTENT:
        return b"*" not in value and b"name" not in value.lower()
    return is_part or name not in _ADDRESS_NAMES or _is_plain(value)


def _is_plain(value: bytes) -> bool:
    return (b"@" not in value and b"<" not in value) or _PLAIN.fullmatch(value) is not None


def _note_fully(name: bytes, value: bytes, gate: Gate, *, is_part: bool) -> None:
    """One header, read as it is read in a mail that holds somebody."""
    header = Header(name.decode("ascii"), 0, name + b":" + value + b"\n", len(name) + 1)
    units = part_units((header,), "", "", "", gate) if is_part else header_units((header,), "", "", gate)
    for unit in units:
        gate.passes_text(unit.text)
