"""Rows and cells of a delimited file as ranges of bytes. Exact, because rows are dropped and cells replaced by them (RFC 4180 and its relatives)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from dsr_engine.content.scan import Lines


@dataclass(frozen=True, slots=True)
class Dialect:
    """One byte each. `escapes`: a backslash takes the meaning of the next byte, quotes included."""

    delimiter: bytes
    quote: bytes = b'"'
    escapes: bool = False
    newline: bytes = b"\n"


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a cell's content is in its row; `is_quoted` means that the bytes around it are quotes."""

    start: int
    end: int
    is_quoted: bool


@dataclass(frozen=True, slots=True)
class _Patterns:
    row: re.Pattern[bytes]
    cell: re.Pattern[bytes]
    unclosed: re.Pattern[bytes]
    regular: re.Pattern[bytes]
    flat: re.Pattern[bytes]
    quoted: re.Pattern[bytes]


@lru_cache(maxsize=64)
def _patterns(dialect: Dialect) -> _Patterns:
    # No capturing group inside a possessive repeat: Python 3.11 reports wrong spans for them.
    d, q, n = (re.escape(byte) for byte in (dialect.delimiter, dialect.quote, dialect.newline))
    escape = rb"|\\(?s:.)" if dialect.escapes else b""
    stop = rb"\\" if dialect.escapes else b""
    inner = rb"(?:[^" + q + stop + rb"]++|" + q + q + escape + rb")*+"
    quoted = rb" *+" + q + inner + q + rb" *+(?=" + d + rb"|\r?" + n + rb"|\r?\Z)"
    plain = rb"(?:[^" + d + n + stop + rb"]++" + escape + (rb"|\\\Z" if dialect.escapes else b"") + rb")*+"
    any_cell = rb"(?:" + quoted + rb"|" + plain + rb")"
    row = any_cell + rb"(?:" + d + any_cell + rb")*+\r?+(?:" + n + rb"|\Z)"
    cell = rb" *+" + q + rb"(?P<quoted>" + inner + rb")" + q + rb" *+(?=" + d + rb"|\r?" + n + rb"|\r?\Z)|(?P<plain>" + plain + rb")"
    whole = q + rb"(?:[^" + q + rb"]++|" + q + q + rb")*+" + q
    flat_cell = q + rb"(?:[^" + q + n + rb"]++|" + q + q + rb")*+" + q
    regular, flat = (
        rb"(?:[^" + q + rb"]*+(?<![^" + d + n + rb"])" + closed + rb"(?=" + d + rb"|\r?" + n + rb"|\r?\Z))*+[^" + q + rb"]*+\Z"
        for closed in (whole, flat_cell)
    )
    unclosed = rb" *+" + q + inner + rb"(?:" + q + rb" *+\r?)?\Z"
    return _Patterns(*(re.compile(pattern) for pattern in (row, cell, unclosed, regular, flat, whole)))


class Rows:
    """Records that are rows: a quoted cell may hold line ends. A quote that is never closed, or has text behind it, is an ordinary character.

    Most buffers are *regular*: every quote opens or closes a whole cell, so a line end is a row's end if the quotes before it are even
    in number, which takes a few calls of C. Any other buffer is matched row by row.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._lines = Lines(dialect.newline)
        self._patterns = _patterns(dialect)
        self._judged: tuple[bytes, str] = (b"", "simple")

    def _is_simple(self, data: bytes) -> bool:
        """True if each line is a row."""
        return self._shape(data) == "simple"

    def _is_regular(self, data: bytes) -> bool:
        return self._shape(data) == "regular"

    def _shape(self, data: bytes) -> str:
        """`simple`, `regular` or `any`. A buffer is asked about several times; the last answer is kept."""
        if self._judged[0] != data:
            self._judged = data, self._seen_shape(data)
        return self._judged[1]

    def _seen_shape(self, data: bytes) -> str:
        if self._dialect.escapes:
            return "any" if self._dialect.quote in data or b"\\" in data else "simple"
        if self._dialect.quote not in data or self._patterns.flat.match(data):
            return "simple"
        return "regular" if self._patterns.regular.match(data) else "any"

    def end(self, data: bytes) -> int:
        if self._dialect.quote not in data and not self._dialect.escapes:
            return self._lines.end(data)
        end = self._start_before(data, 0, len(data))
        if self._shape(data[:end]) != "any":
            return end
        end = 0
        for start, stop in self._complete(data):
            if not data.endswith(self._dialect.newline, start, stop):
                break
            end = stop
        return end

    def _start_before(self, data: bytes, low: int, at: int) -> int:
        """Where the row begins in which a regular buffer's offset lies; `low` is the start of some row before it."""
        quote, newline = self._dialect.quote, self._dialect.newline
        is_odd = data.count(quote, low, at) & 1
        while (found := data.rfind(newline, low, at)) >= 0:
            is_odd ^= data.count(quote, found, at) & 1
            if not is_odd:
                return found + 1
            at, is_odd = max(low, data.rfind(quote, low, found)), 0
        return low

    def _end_behind(self, data: bytes, start: int, at: int) -> int:
        """Where the row that begins at `start` ends, which is behind `at`, in a regular buffer."""
        quote, newline = self._dialect.quote, self._dialect.newline
        is_odd = data.count(quote, start, at) & 1
        while (found := data.find(newline, at)) >= 0:
            is_odd ^= data.count(quote, at, found) & 1
            if not is_odd:
                return found + 1
            at, is_odd = data.find(quote, found), 1
            if at < 0:
                break
        return len(data)

    def _complete(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Rows up to the first one with a quote that is still open at the end of the buffer."""
        for found in self._patterns.row.finditer(data):
            if found.end() == found.start():
                return
            if self._dialect.quote in found[0] and any(
                self._patterns.unclosed.match(data, found.start() + cell) for cell in self._cell_starts(found[0])
            ):
                return
            yield found.start(), found.end()

    def _cell_starts(self, row: bytes) -> Iterator[int]:
        return (cell.start for cell in cells(row, self._dialect) if not cell.is_quoted)

    def count(self, data: bytes) -> int:
        if self._is_simple(data):
            return self._lines.count(data)
        if self._is_regular(data):
            return self._patterns.quoted.sub(b"", data).count(self._dialect.newline) + (not data.endswith(self._dialect.newline))
        return sum(1 for _ in self.spans(data))

    def spans(self, data: bytes) -> Iterator[tuple[int, int]]:
        if self._is_simple(data):
            yield from self._lines.spans(data)
        elif self._is_regular(data):
            start = 0
            while start < len(data):
                end = self._end_behind(data, start, start)
                yield start, end
                start = end
        else:
            yield from (found.span() for found in self._patterns.row.finditer(data) if found.end() > found.start())

    def at(self, data: bytes, indices: Sequence[int]) -> Iterator[tuple[int, int, int]]:
        if self._is_simple(data):
            yield from self._lines.at(data, indices)
            return
        wanted = set(indices)
        for index, (start, end) in enumerate(self.spans(data)):
            if index in wanted:
                yield index, start, end
            if index >= indices[-1]:
                return

    def around(self, data: bytes, offsets: Sequence[int]) -> Iterator[tuple[int, int, int]]:
        if self._is_simple(data):
            yield from self._lines.around(data, offsets)
        elif self._is_regular(data):
            yield from self._around_regular(data, offsets)
        else:
            yield from self._around_any(data, offsets)

    def _around_regular(self, data: bytes, offsets: Sequence[int]) -> Iterator[tuple[int, int, int]]:
        index = counted = end = 0
        for offset in offsets:
            if offset < end or offset >= len(data):
                continue
            start = self._start_before(data, end, offset)
            end = self._end_behind(data, start, offset)
            index += self._patterns.quoted.sub(b"", data[counted:start]).count(self._dialect.newline)
            counted = start
            yield index, start, end

    def _around_any(self, data: bytes, offsets: Sequence[int]) -> Iterator[tuple[int, int, int]]:
        pending = iter(offsets)
        offset = next(pending, None)
        for index, (start, end) in enumerate(self.spans(data)):
            if offset is None:
                return
            if offset < end:
                yield index, start, end
            while offset is not None and offset < end:
                offset = next(pending, None)


def cells(row: bytes, dialect: Dialect) -> Iterator[Cell]:
    """The cells of one row, whose line end may be included."""
    body = len(row) - len(dialect.newline) if row.endswith(dialect.newline) else len(row)
    if dialect.newline == b"\n" and row[body - 1 : body] == b"\r":
        body -= 1
    at = 0
    row = row[:body]
    while True:
        found = _patterns(dialect).cell.match(row, at)
        if found is None:
            return
        is_quoted = found["quoted"] is not None
        name = "quoted" if is_quoted else "plain"
        yield Cell(found.start(name), found.end(name), is_quoted)
        at = found.end()
        if at >= body:
            return
        at += 1


def unquoted(raw: bytes, is_quoted: bool, dialect: Dialect) -> bytes:
    """The content of a cell as its writer meant it."""
    if is_quoted:
        raw = raw.replace(dialect.quote * 2, dialect.quote)
    return re.sub(rb"\\((?s:.))", rb"\1", raw) if dialect.escapes else raw


def quoted(content: bytes, is_quoted: bool, dialect: Dialect) -> bytes:
    """The content as the bytes of a cell between quotes that are there already (`is_quoted`), or with quotes where it needs them."""
    special = (dialect.delimiter, dialect.quote, b"\n", b"\r", *((b"\\",) if dialect.escapes else ()))
    if not is_quoted and not any(byte in content for byte in special):
        return content
    if dialect.escapes:
        inner = content.replace(b"\\", b"\\\\").replace(dialect.quote, b"\\" + dialect.quote)
    else:
        inner = content.replace(dialect.quote, dialect.quote * 2)
    return inner if is_quoted else dialect.quote + inner + dialect.quote
