"""How a delimited file is written, found out from its beginning: delimiter, quotes, escapes, line ends, header.

Rows before the table proper (a bank's name and period, `sep=;`, lines of comments) are rows like any others; the header is the first one that is as
wide as the table.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dsr_engine.content.charset_guess import text_of
from dsr_engine.content.records.rows import Dialect, Rows, cells, unquoted
from dsr_engine.content.records.table_head import Head

#: Bytes of the file's beginning that are looked at.
SAMPLE = 65536
_DELIMITERS = (b",", b";", b"\t", b"|", b"^", b"\x01", b"\x1f", b"~")
#: What Excel reads as the delimiter of the whole file.
_SEP = re.compile(rb"(?i)\A\"?sep=(.)\"?\r?[\r\n]")
_ESCAPED = re.compile(rb"\\[\"',;|^\t\n\x01\x1f]")
_COMMENT = ("#", "//", "--")
_HEADER_WORDS = re.compile(
    r"(?i)(.*[_ .-])?(id|name|names|first|last|surname|firstname|lastname|vorname|nachname|e-?mail|mail|phone|tel|telefon|mobile|address"
    r"|street|city|stadt|ort|zip|plz|postcode|country|land|date|datum|birth\w*|born|created\w*|updated\w*"
    r"|status|type|amount|price|total|note|notes|comment|comments|text|value|key|number|nr|no|code"
    r"|user|customer|order|company|firma|strasse|title|description|gender|url|ip|age|quantity|sku|product|account|message|subject|reference)"
)
_DATA_LIKE = re.compile(r".*@.*|[\d\s.,:/+()%-]*\d[\d\s.,:/+()%T Z-]*|(?i:true|false|null|none|yes|no)|.{65,}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Sniffed:
    """The dialect, and what the columns are called."""

    dialect: Dialect
    head: Head = field(default_factory=Head)


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One row of the sample, by its number in the file."""

    number: int
    cells: Sequence[str]


def sniffed(head: bytes, *, is_named: bool = False, known: frozenset[str] = frozenset()) -> Sniffed | None:
    """The dialect of a file that begins so; None where it is no table.

    Without a telling name (`is_named`) all rows from the first one of the table on must have the same number of cells. `known` are column names
    that a manifest has.
    """
    is_whole = len(head) < SAMPLE
    best: tuple[tuple[bool, float, int], Sniffed] | None = None
    for dialect in _dialects(head):
        rows = _sample(head, dialect, is_whole)
        rated = _rated(rows, is_named=is_named)
        if rated is not None and (best is None or rated > best[0]):
            best = (rated, _described(dialect, rows, known))
    if best is not None:
        return best[1]
    if not is_named:
        return None
    simple = Dialect(b",", newline=_newlines(head)[0])
    return _described(simple, _sample(head, simple, is_whole), known)


def _rated(rows: Sequence[SampleRow], *, is_named: bool) -> tuple[bool, float, int] | None:
    """How well the rows fit a table: whether there are several, the share of those that are as wide as most, and that width. None: not at all."""
    if len(rows) < 2 and not (is_named and rows):
        return None
    widths = [len(row.cells) for row in rows]
    width = _width(rows)
    if not is_named:
        preamble = widths.index(width)
        if preamble > 10 or len(widths) - preamble < 3 * (preamble > 0):
            return None
        widths = widths[preamble:]
    share = widths.count(width) / len(widths)
    return (len(rows) > 1, share, width) if width >= 2 and share >= (0.5 if is_named else 1.0) else None


def _width(rows: Sequence[SampleRow]) -> int:
    """The commonest number of cells; of two equally common ones, the greater."""
    found = Counter(len(row.cells) for row in rows)
    return max(found, key=lambda width: (found[width], width))


def _described(dialect: Dialect, rows: Sequence[SampleRow], known: frozenset[str]) -> Sniffed:
    return Sniffed(dialect, head_of_rows(rows, known))


def head_of_rows(rows: Sequence[SampleRow], known: frozenset[str], *, is_ragged: bool = False) -> Head:
    """The header of a table that begins so: the first row as wide as most, if it names columns. `known` are column names that a manifest has.

    `is_ragged`: rows end where their last value is, as on a sheet; the header is the first one with half as many values as usual.
    """
    if is_ragged:
        usual = sorted(map(_filled, rows))[len(rows) // 2] if rows else 0
        first = next((at for at, row in enumerate(rows) if 2 * _filled(row) >= usual), 0)
    else:
        width = _width(rows) if rows else 0
        first = next((at for at, row in enumerate(rows) if len(row.cells) == width and _filled(row) > 0.6 * width), 0)
    named = next((at for at, row in enumerate(rows[:20]) if known.intersection(row.cells)), first)
    header = _header([row.cells for row in rows[named:]], known)
    return Head(header, rows[named].number) if header else Head()


def _filled(row: SampleRow) -> int:
    return sum(1 for cell in row.cells if cell)


def _newlines(head: bytes) -> tuple[bytes, ...]:
    """What may end the rows, the likeliest first. A lone carriage return counts where line feeds are rarer: those may stand in quoted cells."""
    feeds, returns = head.count(b"\n"), head.count(b"\r") - head.count(b"\r\n")
    if not feeds and b"\x1e" in head and not returns:
        return (b"\x1e",)
    if not feeds:
        return (b"\r",) if returns else (b"\n",)
    return (b"\r", b"\n") if returns > feeds else (b"\n",)


def _dialects(head: bytes) -> Iterator[Dialect]:
    told = _SEP.match(head)
    delimiters = (told[1],) if told else tuple(delimiter for delimiter in _DELIMITERS if delimiter in head)
    for newline in _newlines(head):
        for delimiter in delimiters:
            if b'"' not in head and head.count(b"'" + delimiter + b"'") > head.count(newline) // 2:
                yield Dialect(delimiter, b"'", escapes=b"\\'" in head, newline=newline)
            if b'\\"' not in head:
                yield Dialect(delimiter, b'"', newline=newline)
            if _ESCAPED.search(head):
                yield Dialect(delimiter, b'"', escapes=True, newline=newline)


def _sample(head: bytes, dialect: Dialect, is_whole: bool) -> list[SampleRow]:
    """The first rows, without empty lines, comments and what Excel calls `sep=`."""
    rows = Rows(dialect)
    end = len(head) if is_whole else rows.end(head)
    found: list[SampleRow] = []
    for number, (start, stop) in enumerate(rows.spans(head[:end]), 1):
        row = head[start:stop]
        is_told = number == 1 and _SEP.match(row)
        if row.strip(b"\r\n\x1a") and not is_told:
            texts = [text_of(unquoted(row[c.start : c.end], c.is_quoted, dialect)).strip() for c in cells(row, dialect)]
            found.append(SampleRow(number, texts))
        if len(found) >= 200:
            break
    kept = [row for row in found if not row.cells[0].startswith(_COMMENT)]
    return kept if len(kept) >= min(2, len(found)) else found


def _header(rows: Sequence[Sequence[str]], known: frozenset[str]) -> tuple[str, ...]:
    """The first row, if it names columns: a manifest knows one of them, or its words are those of headers, or it differs in kind from the others."""
    if not rows:
        return ()
    first, *others = rows
    if known.intersection(first):
        return tuple(first)
    names = [cell for cell in first if cell]
    if not names or 2 * len(names) < len(first) or any(_DATA_LIKE.fullmatch(name) for name in names) or len(set(names)) < len(names):
        return ()
    if any(_HEADER_WORDS.fullmatch(name) for name in names):
        return tuple(first)
    columns = [at for at, cell in enumerate(first) if cell]
    differs = any(others) and any(all(len(row) > at and _DATA_LIKE.fullmatch(row[at]) for row in others) for at in columns)
    return tuple(first) if differs else ()
