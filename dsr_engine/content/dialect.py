"""How a delimited file is written, found out from its beginning: delimiter, quotes, escapes, header."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dsr_engine.content.charset import decoded
from dsr_engine.content.rows import Dialect, Rows, cells, unquoted

#: Bytes of the file's beginning that are looked at.
SAMPLE = 65536
_DELIMITERS = (b",", b";", b"\t", b"|", b"^")
_HEADER_WORDS = re.compile(
    r"(?i)(.*[_ .-])?(id|name|names|first|last|surname|firstname|lastname|vorname|nachname|e-?mail|mail|phone|tel|telefon|mobile|address"
    r"|street|city|stadt|ort|zip|plz|postcode|country|land|date|datum|birth\w*|born|created\w*|updated\w*"
    r"|status|type|amount|price|total|note|notes|comment|comments|text|value|key|number|nr|no|code"
    r"|user|customer|order|company|firma|strasse|title|description|gender|url|ip|age|quantity|sku|product|account|message|subject|reference)"
)
_DATA_LIKE = re.compile(r".*@.*|[\d\s.,:/+()%-]*\d[\d\s.,:/+()%T Z-]*|(?i:true|false|null|none|yes|no)|.{65,}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Sniffed:
    """The dialect, and the names of the columns where the first row is a header."""

    dialect: Dialect
    header: tuple[str, ...] = field(default=())


def sniffed(head: bytes, *, is_named: bool = False, known: frozenset[str] = frozenset()) -> Sniffed | None:
    """The dialect of a file that begins so; None where it is no table.

    Without a telling name (`is_named`) all rows must have the same number of cells, two at least. `known` are column names that a manifest has.
    """
    newline = b"\r" if b"\r" in head and b"\n" not in head else b"\n"
    is_whole = len(head) < SAMPLE
    best: tuple[float, int, Sniffed] | None = None
    for dialect in _dialects(head, newline):
        rows = _sample(head, dialect, is_whole)
        if len(rows) < 2 and not (is_named and rows):
            continue
        width, frequency = Counter(len(row) for row in rows).most_common(1)[0]
        share = frequency / len(rows)
        if width < 2 or share < (0.6 if is_named else 1.0):
            continue
        if best is None or (share, width) > best[:2]:
            best = (share, width, Sniffed(dialect, _header(rows, known)))
    if best is not None:
        return best[2]
    return Sniffed(Dialect(b",", newline=newline), _header(_sample(head, Dialect(b",", newline=newline), is_whole), known)) if is_named else None


def _dialects(head: bytes, newline: bytes) -> Iterator[Dialect]:
    escapes = b'\\"' in head
    for delimiter in _DELIMITERS:
        if delimiter in head:
            yield Dialect(delimiter, b'"', escapes=escapes, newline=newline)
    if b'"' not in head and b"'" in head:
        for delimiter in _DELIMITERS:
            if b"'" + delimiter + b"'" in head:
                yield Dialect(delimiter, b"'", newline=newline)


def _sample(head: bytes, dialect: Dialect, is_whole: bool) -> list[list[str]]:
    rows = Rows(dialect)
    end = len(head) if is_whole else rows.end(head)
    found = []
    for start, stop in rows.spans(head[:end]):
        row = head[start:stop]
        if row.strip(b"\r\n"):
            found.append([decoded(unquoted(row[c.start : c.end], c.is_quoted, dialect))[0].strip() for c in cells(row, dialect)])
        if len(found) >= 200:
            break
    return found


def _header(rows: Sequence[Sequence[str]], known: frozenset[str]) -> tuple[str, ...]:
    """The first row, if it names columns: a manifest knows one of them, or its words are those of headers, or it differs in kind from the others."""
    if not rows:
        return ()
    first, *others = rows
    if known.intersection(first):
        return tuple(first)
    if any(not cell or _DATA_LIKE.fullmatch(cell) for cell in first) or len(set(first)) < len(first):
        return ()
    if any(_HEADER_WORDS.fullmatch(cell) for cell in first):
        return tuple(first)
    columns = range(len(first))
    differs = any(others) and any(all(len(row) > at and _DATA_LIKE.fullmatch(row[at]) for row in others) for at in columns)
    return tuple(first) if differs else ()
