"""Rows and cells of an OpenDocument table (ODF 1.3 part 3 §9.1) with their bytes: what a cell shows, what it stores, what is noted beside it."""

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from dsr_engine.content.documents.runs import Joined, Run
from dsr_engine.content.documents.xml_runs import Written, XmlRun, xml_run
from dsr_engine.content.documents.xml_stream import End, Start, Text, events_of
from dsr_engine.content.sheets.sheet_rows import Shown, ShownRow

_CELLS = ("table-cell", "covered-table-cell")
_STORED = ("string-value", "date-value", "time-value", "value")
#: What stands for white space in a paragraph (§6.1).
_SPACES: Mapping[str, str] = {"s": " ", "tab": "\t", "line-break": "\n"}
#: Elements that are no end of a word, and attributes that may tell of somebody.
_IN_LINE = ("span", "a", "s")
_TELLING = ("href", "name", "title", "author", "value")
_MOST_SPACES = 1000
_MOST_REPEATED = 1_048_576
_ATTRIBUTES = rb'(?:\s[\w:.\-]+="[^"<&]*")*+'
_ROW = re.compile(rb"<table:table-row(" + _ATTRIBUTES + rb")>")
_QUICK = re.compile(
    rb"<table:(?:covered-)?table-cell(" + _ATTRIBUTES + rb")(?:/>|>(?:<text:p>([^<&\r]*)</text:p>)?</table:(?:covered-)?table-cell>)\s*"
)
#: Attributes of cells that store something beside what they show, or have a formula.
_SLOW = (b"value=", b"formula=")
_ROWS_REPEATED = re.compile(rb'\stable:number-rows-repeated="(\d{1,9})"')
_COLUMNS_REPEATED = re.compile(rb'\stable:number-columns-repeated="(\d{1,9})"')
_NAME = re.compile(rb"<([^\s/>]+)")


@dataclass(frozen=True, slots=True)
class Blank:
    """An empty element that is one character of white space; it goes as a whole."""

    start: int
    end: int
    text: str

    def span(self, first: int, last: int) -> tuple[int, int]:
        return (self.start, self.end) if first < last else (self.end, self.end) if first else (self.start, self.start)

    def written(self, text: str) -> bytes:
        return xml_run(0, b"", "text", Written()).written(text)


@dataclass(slots=True)
class OdsCell:
    """One cell: offsets into its row, its attributes by local name. `kept` are its children that are no paragraphs, `noted` what they say."""

    column: int
    start: int
    tag_end: int
    name: str
    attributes: dict[str, XmlRun]
    end: int = 0
    pieces: list[Run | str] = field(default_factory=list)
    has_paragraph: bool = False
    noted: list[XmlRun | str] = field(default_factory=list)
    kept: list[tuple[int, int]] = field(default_factory=list)

    @property
    def text(self) -> str:
        return self.paragraphs.text or self.stored

    @property
    def paragraphs(self) -> Joined:
        """What the cell shows, with its bytes; without text where it only stores something."""
        return Joined(tuple(self.pieces))

    @property
    def stored(self) -> str:
        return next((self.attributes[word].text for word in _STORED if word in self.attributes), "")

    @property
    def note(self) -> Joined:
        """What comments, links and shapes in the cell say."""
        return Joined(tuple(self.noted))

    @property
    def formula(self) -> str:
        return self.attributes["formula"].text if "formula" in self.attributes else ""

    @property
    def repeated(self) -> int:
        return times(self.attributes.get("number-columns-repeated"))

    def shown(self) -> Iterator[Shown]:
        """What the cell shows; what it stores beside that, and what is noted, come as words of the same column."""
        formula = self.formula if '"' in self.formula else ""
        stored = self.stored if self.stored != self.text else ""
        beside = (("stored", stored), ("note", self.note.text.strip()))
        yield Shown(self.column, self.text, formula, more=tuple((word, text) for word, text in beside if text))


def times(run: XmlRun | None) -> int:
    """How often a row or cell is repeated; never more than a sheet can hold."""
    return min(_MOST_REPEATED, max(1, int(run.text))) if run is not None and run.text.isdecimal() and len(run.text) < 10 else 1


@dataclass(frozen=True, slots=True)
class OdsRow:
    """The first of as many equal rows as `repeated` says."""

    repeated: int
    tag_end: int
    cells: tuple[OdsCell, ...]

    def shown(self, number: int) -> ShownRow:
        """What its cells show."""
        cells = (shown for cell in self.cells for shown in cell.shown())
        return ShownRow(number, tuple(cell for cell in cells if any(cell[1:])))


def shown_row(data: bytes, number: int) -> tuple[int, ShownRow]:
    """How often the row in these bytes is repeated, and what it shows: the quick way where it is written as most are. Raises `Unreadable`."""
    head = _ROW.match(data)
    if head is not None:
        cells = _quickly(data, head.end())
        if cells is not None:
            return _repeated(head[1], _ROWS_REPEATED), ShownRow(number, tuple(cells))
    row = row_of(data)
    return row.repeated, row.shown(number)


def _quickly(data: bytes, at: int) -> list[Shown] | None:
    cells = []
    column = 0
    for found in _QUICK.finditer(data, at):
        if found.start() != at:
            break
        at = found.end()
        attributes, text = found.groups()
        if any(word in attributes for word in _SLOW):
            return None
        if text:
            cells.append(Shown(column, text.decode("utf-8", "replace")))
        column += _repeated(attributes, _COLUMNS_REPEATED) if b"-repeated" in attributes else 1
    return cells if data[at:] == b"</table:table-row>" else None


def _repeated(attributes: bytes, pattern: re.Pattern[bytes]) -> int:
    found = pattern.search(attributes)
    return min(_MOST_REPEATED, max(1, int(found[1]))) if found else 1


def row_of(data: bytes) -> OdsRow:
    """The row in these bytes. Raises `Unreadable`."""
    reader = _Reader(data)
    cells = tuple(reader.cells())
    return OdsRow(reader.repeated, reader.tag_end, cells)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._names: list[str] = []
        self._cell: OdsCell | None = None
        self._column = 0
        self._child = 0
        self.repeated = 1
        self.tag_end = 0

    def cells(self) -> Iterator[OdsCell]:
        for event in events_of(lambda: cast(BinaryIO, io.BytesIO(self._data)), len(self._data) + 1):
            if isinstance(event, Start):
                self._started(event)
                self._names.append(event.name.local)
            elif isinstance(event, Text):
                self._said(event.run)
            else:
                self._names.pop()
                yield from self._ended(event)

    def _started(self, event: Start) -> None:
        attributes = {attribute.name.local: attribute.value for attribute in event.attributes if attribute.name.local != "value-type"}
        local, cell = event.name.local, self._cell
        if not self._names:
            self.repeated, self.tag_end = times(attributes.get("number-rows-repeated")), event.end
        elif cell is None and local in _CELLS:
            name = _NAME.match(self._data, event.start)
            assert name is not None  # it was found by its tag
            self._cell = OdsCell(self._column, event.start, event.end, name[1].decode("utf-8", "replace"), attributes)
            self._column += self._cell.repeated
        elif cell is not None:
            self._inside(cell, event, attributes)

    def _inside(self, cell: OdsCell, event: Start, attributes: Mapping[str, XmlRun]) -> None:
        """An element in a cell."""
        local = event.name.local
        if len(self._names) == 2:
            self._child = event.start
            if local == "p":
                cell.pieces += ["\n"] if cell.has_paragraph else []
                cell.has_paragraph = True
        if self._is_shown and local in _SPACES:
            blank = _SPACES[local] * (min(times(attributes.get("c")), _MOST_SPACES) if local == "s" else 1)
            is_one = len(blank) == 1 and self._data.endswith(b"/>", event.start, event.end)
            cell.pieces.append(Blank(event.start, event.end, blank) if is_one else blank)
        if not self._is_shown and local not in _IN_LINE and cell.noted:
            cell.noted.append("\n")
        for word in _TELLING:
            cell.noted += ["\n", attributes[word], "\n"] if word in attributes else []

    @property
    def _is_shown(self) -> bool:
        """True inside of a paragraph that the cell shows."""
        return len(self._names) > 2 and self._names[2] == "p" and self._cell is not None

    def _said(self, run: XmlRun) -> None:
        if self._cell is None:
            return
        if self._is_shown and run.kind in ("text", "cdata"):
            self._cell.pieces.append(run)
        elif run.text.strip():
            self._cell.noted.append(run)

    def _ended(self, event: End) -> Iterator[OdsCell]:
        cell = self._cell
        if cell is None:
            return
        if len(self._names) == 2 and event.name.local != "p":
            cell.kept.append((self._child, event.end))
        elif len(self._names) == 1:
            cell.end = event.end
            self._cell = None
            yield cell
