"""What the headers of a mail say, for a search that only wants to know whether anybody is in it: all of them at once where they are plain.

A header that is encoded, or an address that is written oddly, is read as `mime_headers` reads it, by itself.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from dsr_engine.content.gate import Gate
from dsr_engine.content.mail.mime_headers import ADDRESSES, DIGITS_GO_ON, FOLDED, SEALS, header_units, part_units, plain
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
_APART = b"\n\n \n\n"
#: Headers of a part are remembered: so many, up to so long.
_MOST_BLOCKS, _LONGEST_BLOCK = 1_000, 400
_MULTIPART = re.compile(rb"""[ \t]*multipart/(?:alternative|mixed|related);\s*boundary="([A-Za-z0-9'+_,./:=-]+)"\s*""")
#: Stands between the values while they are unfolded; a mail with such a byte is not skimmed.
_SPLIT = b"\x03"
_SUMS = frozenset(name.encode() for name in SEALS)
_ADDRESS_NAMES = frozenset(name.encode() for name in ADDRESSES)

#: What was noted: bytes and texts.
Noted = tuple[list[bytes], list[str]]


class Headers:
    """The headers of a message or a part, name (in lower case) and raw value each."""

    __slots__ = ("found", "is_common", "own", "said")

    def __init__(self, found: Sequence[tuple[bytes, bytes]], own: tuple[tuple[str, bytes], ...]) -> None:
        self.found = found
        #: Those that say how to read the content.
        self.own = own
        #: True if many parts may have the same, and what they say, once it was noted.
        self.is_common = False
        self.said: Noted | None = None


def headers_in(block: bytes) -> Headers | None:
    """The headers of a block that ends before its empty line. None: a line in it is no header, or one that counts stands there twice."""
    found = [(name.lower(), value.rstrip(b"\r")) for name, value in _HEADER.findall(block)]
    if len(found) != block.count(b"\n") - block.count(b"\n ") - block.count(b"\n\t"):
        return None
    own = tuple((name.decode("ascii"), value) for name, value in found if name in _CONTENT)
    return Headers(found, own) if len({name for name, _ in own}) == len(own) else None


class Blocks:
    """Remembers the headers of parts, for most parts of a mailbox have the same few."""

    def __init__(self) -> None:
        self._known: dict[bytes, Headers | None] = {}

    def headers_in(self, block: bytes) -> Headers | None:
        """As `headers_in`."""
        if len(block) > _LONGEST_BLOCK:
            return headers_in(block)
        if block in self._known:
            return self._known[block]
        if len(self._known) >= _MOST_BLOCKS:
            self._known.clear()
        headers = self._known[block] = headers_in(block)
        if headers is not None:
            headers.is_common = True
        return headers


@lru_cache(maxsize=2048)
def meta_said(own: tuple[tuple[str, bytes], ...]) -> Meta:
    """What headers say of the content. Most parts say the same."""
    return meta_of(own)


def boundary_said(own: tuple[tuple[str, bytes], ...]) -> bytes:
    """The boundary of an ordinary multipart, which says nothing else. Empty: `meta_said` tells what it is."""
    found = _MULTIPART.fullmatch(own[0][1]) if len(own) == 1 and own[0][0] == "content-type" else None
    return found[1] if found else b""


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
        folded = [value for name, value in headers.found if b"\n" in value and _may_be_cut(name, value)]
        gate.passes(FOLDED.sub(b"", _SPLIT.join(folded)).replace(_SPLIT, _APART))
    if not is_part and _CARRIED.search(said):
        for name, value in headers.found:
            if b"=" in value and b"@" in value:
                _note_fully(name, value, gate, is_part=False)


def _may_be_cut(name: bytes, value: bytes) -> bool:
    """False where the reader leaves no fold out (`mime_headers`)."""
    has_at = b"@" in value or b"=40" in value or b"%40" in value
    return has_at or (name not in _SUMS and DIGITS_GO_ON.search(value) is not None)


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
    if not (is_part or name in _ADDRESS_NAMES or (b"=" in value and b"@" in value) or (b"\n" in value and _may_be_cut(name, value))):
        # It says nothing else.
        gate.passes_text(plain(header, gate))
        return
    units = part_units((header,), "", "", "", gate) if is_part else header_units((header,), "", "", gate)
    for unit in units:
        gate.passes_text(unit.text)
