"""Where the headers and parts of a mail are (RFC 5322, RFC 2046), as offsets, so that everything that is not edited stays as it is.

Mail in the wild is broken: a header block may end without a blank line, a boundary may never be closed. Nothing here fails on that.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from typing import BinaryIO

from dsr_engine.content.charset import decoded
from dsr_engine.content.format import Limits, Opener, Unreadable
from dsr_engine.content.scan import Lines, blocks
from dsr_engine.content.stream import opened

_HEADER_BYTES = 1024 * 1024
_HEADER_LINE = re.compile(rb"([!-9;-~]+)[ \t]*:")
_DASHES = re.compile(rb"(?m)^--[^\n]*")
_DEEPEST = 100


@dataclass(frozen=True, slots=True)
class Header:
    """One header: its name in lower case, its raw bytes with the line end, where they start, and how many of them precede the value."""

    name: str
    start: int
    raw: bytes
    colon: int

    @property
    def value(self) -> bytes:
        """What stands behind the colon, folds included, without the last line end."""
        return self.raw[self.colon :].rstrip(b"\r\n")


@dataclass(frozen=True, slots=True)
class Part:
    """A leaf of a mail. `kind` is `part`, or `preamble` for text that stands around the parts of a multipart.

    `meta` are its headers as the standard library understands them (content type, parameters, file name), parsed once.
    """

    kind: str
    number: int
    headers: tuple[Header, ...]
    start: int
    end: int
    meta: "Message[str, str]" = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Mail:
    """The headers of the message, and of each multipart inside it, and the leaves in their order."""

    headers: tuple[Header, ...]
    parts: tuple[Part, ...]


@dataclass(slots=True)
class _Open:
    """A multipart that is open."""

    boundary: bytes
    headers: tuple[Header, ...]


def structure_of(open_file: Opener, limits: Limits) -> Mail:
    """The parts of the mail. Raises `Unreadable` for more headers or parts than the limits allow."""
    with closing(opened(open_file)) as source:
        return _Parser(source, limits).parse(_delimiters(open_file, limits))


class _Parser:
    """Goes through the lines that may be delimiters; `_open` holds the multiparts around the current place, outermost first."""

    def __init__(self, source: BinaryIO, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._open: list[_Open] = []
        self._parts: list[Part] = []
        self._numbers = {"part": 0, "preamble": 0}
        self._headers: tuple[Header, ...] = ()
        self._meta = _meta(())
        self._start = 0
        self._kind = "part"

    def parse(self, delimiters: Iterator[tuple[int, int, int, bytes]]) -> Mail:
        top = self._begin(0)
        for before, start, end, line in delimiters:
            if start < self._start:
                continue
            level, is_last = self._level(line)
            if level < 0:
                continue
            self._finish(max(self._start, before))
            del self._open[level + 1 :]
            if is_last:
                self._open.pop()
                self._kind, self._headers, self._meta, self._start = "preamble", (), _meta(()), end
            else:
                self._begin(end)
        self._source.seek(0, 2)
        self._finish(max(self._start, self._source.tell()))
        return Mail(top, tuple(self._parts))

    def _begin(self, at: int) -> tuple[Header, ...]:
        """Reads the headers of a part and opens it."""
        self._headers, self._start = _headers(self._source, at, is_message=at == 0)
        self._meta = _meta(self._headers)
        self._kind = "part"
        boundary = self._meta.get_boundary()
        headers = self._headers
        if self._meta.get_content_maintype() == "multipart" and boundary:
            if len(self._open) >= _DEEPEST:
                raise Unreadable("mime.too_deep", "a mail is nested deeper than the limit; it was searched as bytes only")
            self._open.append(_Open(boundary.encode("latin-1", "replace"), headers))
            self._kind = "preamble"
        return headers

    def _level(self, line: bytes) -> tuple[int, bool]:
        """Which open multipart the delimiter belongs to (-1: none), and whether it closes it."""
        word = line[2:].rstrip(b" \t\r")
        for level in range(len(self._open) - 1, -1, -1):
            boundary = self._open[level].boundary
            if word == boundary:
                return level, False
            if word == boundary + b"--":
                return level, True
        return -1, False

    def _finish(self, end: int) -> None:
        """Notes what lies between the last delimiter and this one."""
        if self._kind == "preamble" and end <= self._start and not self._headers:
            return
        self._numbers[self._kind] += 1
        self._parts.append(Part(self._kind, self._numbers[self._kind], self._headers, self._start, end, self._meta))
        if len(self._parts) > self._limits.members:
            raise Unreadable("mime.too_many_parts", "a mail has more parts than the limit; it was searched as bytes only")


def _meta(headers: Sequence[Header]) -> "Message[str, str]":
    return BytesHeaderParser(policy=compat32).parsebytes(b"".join(header.raw for header in headers) + b"\n")


def _delimiters(open_file: Opener, limits: Limits) -> Iterator[tuple[int, int, int, bytes]]:
    """Lines that begin with two dashes: where the line break before them begins, where they begin and end, the line."""
    last = b""
    with closing(opened(open_file)) as source:
        for block in blocks(source, Lines(), limits.line_bytes):
            if not block.is_overlong:
                for found in _DASHES.finditer(block.data):
                    start, end = found.span()
                    before = block.data[max(0, start - 2) : start] if start else last
                    back = 2 if before.endswith(b"\r\n") else 1
                    yield block.offset + start - back, block.offset + start, block.offset + min(end + 1, len(block.data)), found[0]
            last = block.data[-2:]


def _headers(source: BinaryIO, at: int, *, is_message: bool) -> tuple[tuple[Header, ...], int]:
    """The headers that begin here, and where the body begins."""
    source.seek(at)
    data = source.read(_HEADER_BYTES)
    headers: list[tuple[int, int, str, int]] = []
    end = 0
    while end < len(data):
        start, end = end, data.find(b"\n", end) + 1 or len(data)
        line = data[start:end]
        if not line.strip(b"\r\n"):
            break
        found = _HEADER_LINE.match(line)
        if found:
            headers.append((start, end, found[1].decode("ascii").lower(), found.end()))
        elif line[:1] in (b" ", b"\t") and headers:
            headers[-1] = (headers[-1][0], end, *headers[-1][2:])
        elif not (is_message and start == 0 and line.startswith((b"From ", b">From "))):
            end = start
            break
    else:
        if len(data) == _HEADER_BYTES:
            raise Unreadable("mime.header_too_long", "the headers of a mail are longer than the limit; it was searched as bytes only")
    return tuple(Header(name, at + one, data[one:two], colon) for one, two, name, colon in headers), at + end


def text_of(header: Header) -> str:
    """The raw value as one line of text, nothing decoded."""
    return re.sub(r"\r?\n(?=[ \t])", "", decoded(header.value)[0]).strip()
