"""Where the headers and parts of a mail are (RFC 5322, RFC 2046), as offsets, so that everything that is not edited stays as it is.

Mail in the wild is broken: a header block may end without a blank line, a boundary may never be closed, or be another than the one that is named.
Nothing here fails on that; where programs read such a mail differently, the reading is taken in which more of it is parts. What is beyond a limit
is text of the part before it, and is told (`Mail.damage`): so all bytes of a mail belong to some header or part.
"""

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import BinaryIO

from dsr_engine.content.charset import decoded
from dsr_engine.content.format import Limits, Opener, Unreadable
from dsr_engine.content.mail.mime_meta import Meta, meta_of
from dsr_engine.content.scan import Lines, blocks
from dsr_engine.content.stream import opened

_HEADER_BYTES = 1024 * 1024
#: Most headers have a few kilobytes: so much is read first.
_FIRST_BYTES = 16 * 1024
#: Nobody's mail has more of them in one block.
_MOST_HEADERS = 20_000
_MOST_PARTS = 50_000
_HEADER_LINE = re.compile(rb"([!-9;-~]+)[ \t]*:")
_TELLING = re.compile(rb"(?i)\n(?:content-(?:type|transfer-encoding|disposition)|mime-version)[ \t]*:")
_SAYING = frozenset({"content-type", "content-transfer-encoding"})
_BLANK = re.compile(rb"\n[\r]?\n")
_DASHES = re.compile(rb"(?m)^--[^\n]*")
_LONE_RETURN = re.compile(rb"\r(?!\r*\n)")
_FOLD = re.compile(r"(?:\r\n?|\n)(?=[ \t])")
_MARK = b"\xef\xbb\xbf"
#: A line that may be a boundary where none is named, or a wrong one: what follows it looks like a header or is empty.
_GUESS = re.compile(rb"(?:\A|\n)--([^\s-][^\r\n]{0,200}?|)[ \t]*\r?\n(?=\r?\n|[!-9;-~]+[ \t]*:)")
_DEEPEST = 100


@dataclass(frozen=True, slots=True)
class Header:
    """One header: its name in lower case, its raw bytes with the line end, where they start, and how many of them precede the value.

    A line among the headers that is none has no name, nor has the line of an mbox before them.
    """

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

    `meta` is what its headers say about its content.
    """

    kind: str
    number: int
    headers: tuple[Header, ...]
    start: int
    end: int
    meta: Meta = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Mail:
    """The headers of the message, and of each multipart inside it, and the leaves in their order. `damage` is what went beyond a limit.

    `guessed` are delimiters that no header names: no header and no part has what they say.
    """

    headers: tuple[Header, ...]
    parts: tuple[Part, ...]
    damage: tuple[Unreadable, ...] = ()
    guessed: tuple[bytes, ...] = ()


@dataclass(slots=True)
class _Open:
    """A multipart that is open. `is_met`: one of its delimiters was there."""

    boundaries: tuple[bytes, ...]
    sub: str
    is_met: bool = False


def structure_of(open_file: Opener, limits: Limits) -> Mail:
    """The parts of the mail."""
    with closing(opened(open_file)) as source:
        parser = _Parser(source)
        mail = parser.parse(_delimiters(open_file, limits))
        if parser.has_unmet:
            mail = _Parser(source, is_guessing=True).parse(_delimiters(open_file, limits))
    return mail


class _Parser:
    """Goes through the lines that may be delimiters; `_open` holds the multiparts around the current place, outermost first."""

    def __init__(self, source: BinaryIO, *, is_guessing: bool = False) -> None:
        self._source = source
        self._is_guessing = is_guessing
        self._open: list[_Open] = []
        self._ended: dict[bytes, int] = {}
        self._parts: list[Part] = []
        self._numbers = {"part": 0, "preamble": 0}
        self._headers: tuple[Header, ...] = ()
        self._meta = Meta()
        self._start = 0
        self._kind = "part"
        self._damage: dict[str, Unreadable] = {}
        self._guessed: dict[bytes, None] = {}
        self.has_unmet = False

    def parse(self, delimiters: Iterator[tuple[int, int, int, bytes]]) -> Mail:
        top = self._begin(0)
        for before, start, end, line in delimiters if self._open else ():
            if start < self._start:
                continue
            level, is_last = self._level(line)
            if level < 0:
                continue
            if len(self._parts) >= _MOST_PARTS:
                self._damaged("mime.too_many_parts", "a mail has more parts than the limit; the others were searched as text")
                break
            self._open[level].is_met = True
            self._finish(max(self._start, before))
            self._leave(level + 1)
            if is_last:
                self._ended.update(dict.fromkeys(self._open[level].boundaries, level))
                self._leave(level)
                self._kind, self._headers, self._meta, self._start = "preamble", (), Meta(), end
            else:
                self._begin(end)
        self._source.seek(0, 2)
        self._finish(max(self._start, self._source.tell()))
        self._leave(0)
        return Mail(top, tuple(self._parts), tuple(self._damage.values()), tuple(self._guessed))

    def _leave(self, level: int) -> None:
        self.has_unmet = self.has_unmet or any(not multipart.is_met for multipart in self._open[level:])
        del self._open[level:]

    def _damaged(self, code: str, reason: str) -> None:
        self._damage[code] = Unreadable(code, reason)

    def _begin(self, at: int) -> tuple[Header, ...]:
        """Reads the headers of a part and opens it."""
        is_in_digest = bool(self._open) and self._open[-1].sub == "digest"
        self._headers, self._start, is_whole = headers_at(self._source, at, is_message=at == 0)
        if not is_whole:
            self._damaged("mime.header_too_long", "the headers of a mail are longer than the limit; the rest of them was searched as text")
        default = "message/rfc822" if is_in_digest else "text/plain"
        self._meta = meta_of([(header.name, header.value) for header in self._headers], default)
        self._kind = "part"
        headers = self._headers
        if self._meta.main == "multipart":
            boundaries = self._boundaries()
            if boundaries and len(self._open) >= _DEEPEST:
                self._damaged("mime.too_deep", "a mail is nested deeper than the limit; what lies below was searched as text")
            elif not boundaries:
                # Its parts are nowhere: then it is what another of its headers says, or a text.
                self._meta = self._meta.other or self._meta
            else:
                self._open.append(_Open(boundaries, self._meta.sub))
                self._kind = "preamble"
        return headers

    def _boundaries(self) -> tuple[bytes, ...]:
        """What separates the parts of the multipart that begins here: what it says, or what it seems to be."""
        named = tuple(boundary for boundary in self._meta.boundaries if boundary)
        if named and not self._is_guessing:
            return named
        self._source.seek(self._start)
        data = _levelled(self._source.read(_HEADER_BYTES))
        if any(b"\n--" + boundary in b"\n" + data for boundary in named):
            return named
        guess = _GUESS.search(data)
        if guess:
            self._guessed[guess[1]] = None
        return (guess[1],) if guess else named if len(data) == _HEADER_BYTES else ()

    def _level(self, line: bytes) -> tuple[int, bool]:
        """Which multipart the delimiter belongs to (-1: none), and whether it closes it. One that was closed too early is opened again."""
        word = line[2:].rstrip(b" \t\r")
        for level in range(len(self._open) - 1, -1, -1):
            for boundary in self._open[level].boundaries:
                if word == boundary:
                    return level, False
                if word == boundary + b"--":
                    return level, True
        level = self._ended.get(word, -1)
        if 0 <= level <= len(self._open):
            self._leave(level)
            self._open.append(_Open((word,), "mixed", is_met=True))
            return level, False
        return -1, False

    def _finish(self, end: int) -> None:
        """Notes what lies between the last delimiter and this one."""
        if self._kind == "preamble" and end <= self._start and not self._headers:
            return
        self._numbers[self._kind] += 1
        self._parts.append(Part(self._kind, self._numbers[self._kind], self._headers, self._start, end, self._meta))


def _levelled(data: bytes) -> bytes:
    """The bytes with line feeds for carriage returns that stand alone: as many bytes as before."""
    return _LONE_RETURN.sub(b"\n", data) if b"\r" in data and data.count(b"\r") != data.count(b"\r\n") else data


def _delimiters(open_file: Opener, limits: Limits) -> Iterator[tuple[int, int, int, bytes]]:
    """Lines that begin with two dashes: where the line break before them begins, where they begin and end, the line."""
    last = b""
    with closing(opened(open_file)) as source:
        head = source.read(_FIRST_BYTES)
        source.seek(0)
        lines = Lines(b"\r") if b"\n" not in head and b"\r" in head else Lines()
        for block in blocks(source, lines, limits.line_bytes):
            if not block.is_overlong:
                data = _levelled(block.data) if b"\r--" in block.data else block.data
                for found in _DASHES.finditer(data):
                    start, end = found.span()
                    before = data[max(0, start - 2) : start] if start else last
                    back = 2 if before.endswith(b"\r\n") else 1
                    yield block.offset + start - back, block.offset + start, block.offset + min(end + 1, len(data)), found[0]
            last = block.data[-2:]


def headers_at(source: BinaryIO, at: int, *, is_message: bool) -> tuple[tuple[Header, ...], int, bool]:
    """The headers that begin here, where the body begins, and whether these are all of them."""
    for size in (_FIRST_BYTES, _HEADER_BYTES):
        source.seek(at)
        data = source.read(size)
        found, end, is_ended = _lines(_levelled(data), is_message=is_message)
        if is_ended or (len(data) < size and len(found) < _MOST_HEADERS):
            is_ended = True
            break
    return tuple(Header(name, at + one, data[one:two], colon) for one, two, name, colon in found), at + end, is_ended


def _lines(data: bytes, *, is_message: bool) -> tuple[list[tuple[int, int, str, int]], int, bool]:
    """Where headers begin and end, their names, and where their values begin; where the body begins; whether the end of the headers was seen."""
    headers: list[tuple[int, int, str, int]] = []
    end = _beginning(data) if is_message else 0
    first = end
    while end < len(data):
        start, end = end, data.find(b"\n", end) + 1 or len(data)
        line = data[start:end]
        if line in (b"\n", b"\r\n") or not line.strip(b"\r\n"):
            return headers, end, True
        found = _HEADER_LINE.match(line)
        if found and len(headers) < _MOST_HEADERS:
            headers.append((start, end, found[1].decode("ascii").lower(), found.end()))
        elif line[:1] in (b" ", b"\t") and headers:
            headers[-1] = (headers[-1][0], end, *headers[-1][2:])
        elif found:
            return headers, start, False
        elif is_message and start == first and line.startswith((b"From ", b">From ")):
            headers.append((start, end, "", 0))  # an mbox had it; it names the sender
        else:
            if any(name in _SAYING for _, _, name, _ in headers) or not _goes_on(data, start):
                return headers, start, True
            headers.append((start, end, "", 0))
    return headers, end, False


def _beginning(data: bytes) -> int:
    """Where the headers of a message begin: behind a byte order mark and empty lines, if there are headers then."""
    start = len(_MARK) if data.startswith(_MARK) else 0
    rest = len(data) - len(data[start:].lstrip(b"\r\n"))
    return rest if rest == start or _HEADER_LINE.match(data, rest) else start


def _goes_on(data: bytes, start: int) -> bool:
    """True if behind a line that is no header, and before an empty line, there are headers that say how to read the body."""
    blank = _BLANK.search(data, start)
    return bool(_TELLING.search(data, start, blank.end() if blank else len(data)))


def text_of(header: Header) -> str:
    """The raw value as one line of text, nothing decoded."""
    return _FOLD.sub("", decoded(header.value)[0]).strip()
