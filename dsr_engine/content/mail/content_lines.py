"""Content lines, of which address cards and calendars are made (RFC 6350 §3.2, RFC 5545 §3.1, vCard 2.1): found, read, written again.

A line that nothing concerns is never written anew, so that its folds stay as its program made them.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import BinaryIO

from dsr_engine.content.charset import decoded
from dsr_engine.content.codec_names import known_codec
from dsr_engine.content.format import Unreadable
from dsr_engine.content.scan import Lines, blocks
from dsr_engine.content.stream import cannot_rewrite

#: Octets of a line, its end not counted.
_WIDTH = 75
_HEAD = re.compile(rb'(?:(?P<group>[A-Za-z0-9-]+)\.)?(?P<name>[A-Za-z0-9-]+)(?P<params>(?:;(?:"[^"]*"|[^":])*)?):', re.DOTALL)
_QUOTED = re.compile(rb";(?:ENCODING=)?QUOTED-PRINTABLE(?=[;:])", re.IGNORECASE)
_BINARY = re.compile(rb";(?:ENCODING=)?(?:BASE64|B)(?=[;:])", re.IGNORECASE)
_CHARSET = re.compile(rb';CHARSET="?([A-Za-z0-9._:-]+)', re.IGNORECASE)
_DATA = re.compile(rb"data:[^,;]*(?:;[^,;]*)*;base64,", re.IGNORECASE)
_SCHEME = re.compile(r"(?i)mailto:|tel:|sms:")
_CHARACTER = re.compile(r"\\[nN,;:\\]|.", re.DOTALL)
_ESCAPE = re.compile(r"\\[nN,;:\\]")
#: Longest text of which single characters are followed through a change.
_FOLLOWED = 6000


@dataclass(frozen=True, slots=True)
class Line:
    """One logical line: where it stands in the file, and its bytes as they stand there, its last line end included."""

    number: int
    start: int
    raw: bytes

    @property
    def end(self) -> int:
        return self.start + len(self.raw)

    @property
    def newline(self) -> bytes:
        return b"\r\n" if self.raw.endswith(b"\r\n") else b"\n" if self.raw.endswith(b"\n") else b""

    def property(self) -> "Property | None":
        """What the line says; None where it is no content line."""
        flat = re.sub(rb"=\r?\n", b"", self.raw) if _is_quoted(self.raw) else self.raw
        flat = re.sub(rb"\r?\n[ \t]", b"", flat).rstrip(b"\r\n")
        found = _HEAD.match(flat)
        if found is None:
            return None
        return Property(found["name"].decode("ascii").upper(), found.group(), found["params"], flat[found.end() :])


def _is_quoted(raw: bytes) -> bool:
    return bool(_QUOTED.search(raw[: raw.find(b":") + 1]))


@dataclass(frozen=True, slots=True)
class Property:
    """Name, everything up to the colon, parameters, and the value as it is encoded."""

    name: str
    head: bytes
    params: bytes
    value: bytes

    @property
    def is_quoted(self) -> bool:
        return bool(_QUOTED.search(self.head))

    @property
    def is_binary(self) -> bool:
        return bool(_BINARY.search(self.head)) or bool(_DATA.match(self.value))

    @property
    def _charset(self) -> str:
        found = _CHARSET.search(self.head)
        return known_codec(found[1].decode("ascii")) or "" if found else ""

    def content(self) -> bytes:
        """The bytes of a binary value."""
        raw = _DATA.sub(b"", self.value, count=1)
        digits = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
        return binascii.a2b_base64(digits[: len(digits) - (len(digits) % 4 == 1)] + b"=" * (-len(digits) % 4))

    def pieces(self) -> list[tuple[str, str]]:
        """The value as characters, each with how it is written: `\\,` is a comma that separates nothing. The scheme of an address is left out."""
        raw = self._raw()
        start = found.end() if (found := _SCHEME.match(raw)) else 0
        return [(_unescaped(one[0]), one[0]) for one in _CHARACTER.finditer(raw, start)]

    def _raw(self) -> str:
        data = binascii.a2b_qp(self.value) if self.is_quoted else self.value
        return data.decode(self._charset, "surrogateescape") if self._charset else decoded(data)[0]

    @property
    def text(self) -> str:
        raw = self._raw()
        start = found.end() if (found := _SCHEME.match(raw)) else 0
        return _ESCAPE.sub(lambda one: _unescaped(one[0]), raw[start:]) if "\\" in raw else raw[start:]

    def with_text(self, now: str) -> "Property":
        """The property with another text: what stays keeps its writing, what is new is escaped."""
        pieces = self.pieces()
        raw = self._raw()
        scheme = found[0] if (found := _SCHEME.match(raw)) else ""
        written = scheme + _woven(pieces, now, is_escaping=not self.is_quoted or "\\" in raw)
        data = written.encode(self._charset, "surrogateescape") if self._charset else _like(self.value if not self.is_quoted else b"", written)
        return Property(self.name, self.head, self.params, binascii.b2a_qp(data, istext=False).replace(b"=\n", b"") if self.is_quoted else data)

    def with_content(self, content: bytes) -> "Property":
        start = found[0] if (found := _DATA.match(self.value)) else b""
        return Property(self.name, self.head, self.params, start + binascii.b2a_base64(content, newline=False))

    def with_params(self, params: bytes) -> "Property":
        return Property(self.name, self.head[: len(self.head) - 1 - len(self.params)] + params + b":", params, self.value)

    def written(self, newline: bytes) -> bytes:
        """As a logical line, folded."""
        flat = self.head + self.value
        if self.is_quoted:
            return _soft(flat, newline or b"\r\n") + newline
        return _folded(flat, newline or b"\r\n") + newline


def _unescaped(written: str) -> str:
    if len(written) < 2:
        return written
    return "\n" if written[1] in "nN" else written[1]


def _woven(pieces: list[tuple[str, str]], now: str, *, is_escaping: bool) -> str:
    was = [character for character, _ in pieces]
    most = min(len(was), len(now))
    start = next((at for at in range(most) if was[at] != now[at]), most)
    end = next((at for at in range(most - start) if was[-1 - at] != now[-1 - at]), most - start)
    middle = pieces[start : len(pieces) - end]
    if len(middle) > _FOLLOWED and any(written in ",;" for _, written in middle):
        raise cannot_rewrite("A long list in an address card or a calendar cannot be written again.", "drop the card or the entry")
    out = [written for _, written in pieces[:start]]
    new = now[start : len(now) - end]
    matcher = SequenceMatcher(None, [character for character, _ in middle], new, autojunk=False) if len(middle) <= _FOLLOWED else None
    if matcher is None:
        out.append(_escaped(new) if is_escaping else new)
    else:
        for word, one, two, three, four in matcher.get_opcodes():
            kept = "".join(written for _, written in middle[one:two])
            out.append(kept if word == "equal" else _escaped(new[three:four]) if is_escaping else new[three:four])
    return "".join((*out, *(written for _, written in pieces[len(pieces) - end :])))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\r\n", "\n").replace("\n", "\\n").replace(",", "\\,").replace(";", "\\;")


def _like(before: bytes, text: str) -> bytes:
    return text.encode(decoded(before)[1] if before else "utf-8", "replace")


def _folded(flat: bytes, newline: bytes) -> bytes:
    """Lines of at most 75 octets; no character is cut in two."""
    out: list[bytes] = []
    width = _WIDTH
    while len(flat) > width:
        cut = width
        while cut > width - 4 and flat[cut] & 0xC0 == 0x80:
            cut -= 1
        out.append(flat[:cut])
        flat = flat[cut:]
        width = _WIDTH - 1
    return (newline + b" ").join((*out, flat))


def _soft(flat: bytes, newline: bytes) -> bytes:
    """A quoted-printable line broken softly, no escape cut in two."""
    out: list[bytes] = []
    while len(flat) > _WIDTH:
        cut = _WIDTH - 1
        while b"=" in flat[cut - 2 : cut]:
            cut -= 1
        out.append(flat[:cut])
        flat = flat[cut:]
    return (b"=" + newline).join((*out, flat))


def lines_of(source: BinaryIO, line_bytes: int) -> Iterator[Line]:
    """The logical lines. Raises `Unreadable` for one that is longer than the limit."""
    number = start = 0
    held: list[bytes] = []
    size = 0
    for at, line in _physical(source, line_bytes):
        goes_on = bool(held) and (line[:1] in (b" ", b"\t") or (held[-1].rstrip(b"\r\n").endswith(b"=") and _is_quoted(held[0])))
        if held and not goes_on:
            number += 1
            yield Line(number, start, b"".join(held))
            held, size = [], 0
        start = start if held else at
        held.append(line)
        size += len(line)
        if size > line_bytes:
            raise _too_long()
    if held:
        yield Line(number + 1, start, b"".join(held))


def _physical(source: BinaryIO, line_bytes: int) -> Iterator[tuple[int, bytes]]:
    lines = Lines()
    for block in blocks(source, lines, line_bytes):
        if block.is_overlong:
            raise _too_long()
        for start, end in lines.spans(block.data):
            yield block.offset + start, block.data[start:end]


def _too_long() -> Unreadable:
    return Unreadable("card.line_too_long", "a line of an address card or a calendar is longer than the limit; the rest was searched as bytes only")
