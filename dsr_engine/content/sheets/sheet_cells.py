"""Rows and cells of a sheet (ECMA-376-1 §18.3.1), in two ways: fast, to be read by the million, and exactly, to be changed.

The fast way takes what nearly all programs write and nothing else; any other row goes the exact way, so that both see the same cells.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import BinaryIO, NamedTuple, cast

from dsr_engine.content.documents.xml_runs import XmlRun
from dsr_engine.content.documents.xml_stream import End, Start, Text, events_of
from dsr_engine.content.sheets.sheet_strings import Said, plain, said_in

_ATTRIBUTES = rb"""(?:\s+[\w:.\-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*+"""
_ROW = re.compile(rb"<(?:\w+:)?row(" + _ATTRIBUTES + rb")\s*(?:/>|>)")
_CELL = re.compile(
    rb'<c(?: r="([A-Z]{1,3})\d{1,7}")?(?: s="(\d{1,6})")?(?: t="([A-Za-z]+)")?(?: s="(\d{1,6})")?'
    rb"(?:/>|>(?:<f(?:\s[^<>]*)?(?:/>|>([^<&]*)</f>))?(?:<v(?:\s[^<>]*)?(?:/>|>([^<&\r]*)</v>))?"
    rb"(?:<is><t(?:\s[^<>]*)?>([^<&\r]*)</t></is>)?</c>)\s*"
)
_ROW_NUMBER = re.compile(rb"""\sr\s*=\s*["'](\d{1,7})["']""")
_REFERENCE = re.compile(r"\$?([A-Za-z]{1,3})\$?(\d{1,7})")
_LAST_COLUMN = 16384


class Cell(NamedTuple):
    """One cell as it is written. `kind` is its type (`s`, `str`, `inlineStr`, `n`, `b`, `e`, `d`), `style` its format."""

    column: int
    kind: str
    style: int
    value: str
    formula: str = ""
    spoken: str = ""


@dataclass(slots=True)
class ExactCell:
    """One cell with its bytes: offsets into the row; `attributes` are those of its tag as they are written."""

    column: int
    start: int
    tag_end: int
    end: int = 0
    tag: str = "c"
    attributes: dict[str, XmlRun] = field(default_factory=dict)
    formula: list[XmlRun] = field(default_factory=list)
    formula_at: tuple[int, int] | None = None
    formula_attributes: dict[str, str] = field(default_factory=dict)
    value: list[XmlRun] = field(default_factory=list)
    inline_at: tuple[int, int] | None = None
    inline: Said = field(default_factory=Said)

    @property
    def kind(self) -> str:
        return self.attributes["t"].text if "t" in self.attributes else "n"

    @property
    def plain(self) -> Cell:
        """The cell as the fast way gives it."""
        style = self.attributes["s"].text if "s" in self.attributes else ""
        value = self.inline.text if self.inline_at else plain("".join(run.text for run in self.value))
        return Cell(self.column, self.kind, number_of(style), value, "".join(run.text for run in self.formula), self.inline.spoken)


def row_number(row: bytes, last: int) -> int:
    """The number of a row that follows the row `last`. Rows that give no number, or one that is taken, are counted on."""
    found = _ROW.match(row)
    told = _ROW_NUMBER.search(found[1]) if found else None
    return max(int(told[1]), last + 1) if told else last + 1


def column_of(reference: str, last: int) -> int:
    """The column (from 0) of a cell reference; the one behind the last where there is none or it goes back."""
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        return last + 1
    column = 0
    for letter in found[1].upper():
        column = column * 26 + ord(letter) - 64
    return column - 1 if last < column - 1 < _LAST_COLUMN else last + 1


def number_of(text: str) -> int:
    """A small number as it stands in an attribute; 0 where it is none."""
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def cells_of(row: bytes) -> tuple[Cell, ...]:
    """The cells of a row. Raises `Unreadable` where it is no XML."""
    fast = _fast(row)
    return fast if fast is not None else tuple(cell.plain for cell in exact_cells(row))


def _fast(row: bytes) -> tuple[Cell, ...] | None:
    head = _ROW.match(row)
    if head is None:
        return None
    if head[0].endswith(b"/>"):
        return () if head.end() == len(row) else None
    at, last, cells = head.end(), -1, []
    for found in _CELL.finditer(row, at):
        if found.start() != at:
            break
        at = found.end()
        letters, style, kind, late, formula, value, inline = found.groups()
        column = _column(letters) if letters else last + 1
        if not last < column < _LAST_COLUMN:
            return None
        last = column
        text = _decoded(value if inline is None else inline)
        cells.append(Cell(column, kind.decode() if kind else "n", int(style or late or 0), plain(text), _decoded(formula)))
    return tuple(cells) if row[at:] == b"</row>" else None


@lru_cache(maxsize=2048)
def _column(letters: bytes) -> int:
    return column_of(letters.decode() + "1", -1)


def _decoded(data: bytes | None) -> str:
    return data.decode("utf-8", "replace") if data else ""


def exact_cells(row: bytes) -> list[ExactCell]:
    """The cells of a row with their bytes. Raises `Unreadable`."""
    return list(_Exact(row).cells())


class _Exact:
    """Goes through the events of one row."""

    def __init__(self, row: bytes) -> None:
        self._row = row
        self._names: list[str] = []
        self._starts: list[int] = []
        self._cell: ExactCell | None = None
        self._last = -1

    def cells(self) -> Iterator[ExactCell]:
        for event in events_of(lambda: cast(BinaryIO, io.BytesIO(self._row)), len(self._row) + 1):
            if isinstance(event, Start):
                self._started(event)
            elif isinstance(event, Text):
                self._said(event.run)
            else:
                yield from self._ended(event)

    def _started(self, event: Start) -> None:
        local = event.name.local
        attributes = {attribute.name.local: attribute.value for attribute in event.attributes if not attribute.name.namespace}
        if local == "c" and self._cell is None:
            reference = attributes["r"].text if "r" in attributes else ""
            self._last = column_of(reference, self._last)
            self._cell = ExactCell(self._last, event.start, event.end, tag=_tag(self._row, event.start), attributes=attributes)
        elif local == "f" and self._cell is not None:
            self._cell.formula_attributes = {name: run.text for name, run in attributes.items()}
        self._names.append(local)
        self._starts.append(event.start)

    def _said(self, run: XmlRun) -> None:
        if self._cell is None or run.kind not in ("text", "cdata") or "is" in self._names:
            return
        if self._names[-1] == "f":
            self._cell.formula.append(run)
        elif self._names[-1] == "v" or run.text.strip():
            self._cell.value.append(run)

    def _ended(self, event: End) -> Iterator[ExactCell]:
        local, start = self._names.pop(), self._starts.pop()
        cell = self._cell
        if cell is None:
            return
        if local == "f":
            cell.formula_at = (start, event.end)
        elif local == "is":
            cell.inline_at = (start, event.end)
            cell.inline = said_in(self._row[start : event.end], start)
        elif local == "c" and "c" not in self._names:
            cell.end = event.end
            self._cell = None
            yield cell


def _tag(row: bytes, start: int) -> str:
    found = re.compile(rb"<([^\s/>]+)").match(row, start)
    return found[1].decode("utf-8", "replace") if found else "c"
