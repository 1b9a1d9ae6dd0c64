"""One sheet of a workbook: its rows are records, its cells values; what lies around the rows is a document of its own (`around/`).

A row that goes is emptied and stays in its place, because formulas, tables and charts name cells by their addresses.
"""

import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from dsr_engine.content.documents.xml_elements import Stretch, stretches
from dsr_engine.content.format import Nested, Opener, Reading, Unreadable, Writer
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.sheets.sheet_cells import cells_of, exact_cells, row_number
from dsr_engine.content.sheets.sheet_change import RowChange
from dsr_engine.content.sheets.sheet_rows import Shown, ShownRow, headed, units_of_rows
from dsr_engine.content.sheets.sheet_values import Values
from dsr_engine.content.stream import Splice, cannot_rewrite, spliced
from dsr_engine.domain.plan import Edit
from dsr_engine.domain.record import Gap, Unit

_HIDDEN = (b"<!--", b"<?")
#: Bytes around the rows that are kept in memory.
_MOST_AROUND = 64 * 1024 * 1024
_ROWS = re.compile(rb"<(?:[\w.\-]+:)?sheetData(?:\s[^<>]*)?>")
_END_OF_ROWS = re.compile(rb"</(?:[\w.\-]+:)?sheetData\s*>")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet as UTF-8. `values` is what its workbook says about cells."""

    open_file: Opener
    values: Values
    reading: Reading

    def rows(self, beside: bytearray | None = None) -> Iterator[tuple[int, Stretch]]:
        """Its rows in their order, by their numbers; `beside` gathers what is around them. Raises `Unreadable`."""
        number = 0
        for found in stretches(self.open_file, "row", self.reading.limits.line_bytes):
            if found.is_element:
                if any(mark in found.data for mark in _HIDDEN):
                    raise Unreadable("xlsx.comments", "a sheet has comments of XML in its rows, which no program writes; it was read as plain XML")
                number = row_number(found.data, number)
                yield number, found
            elif beside is not None:
                beside += found.data
                if len(beside) > _MOST_AROUND:
                    raise Unreadable("xlsx.around", "what is around the rows of a sheet is longer than the limit; the rest of the sheet was not read")

    def shown(self, beside: bytearray | None = None) -> Iterator[ShownRow]:
        """What its rows show. Raises `Unreadable`."""
        values = self.values
        for number, found in self.rows(beside):
            cells = [Shown(cell.column, values.text(cell), _told(cell.formula), values.spoken(cell)) for cell in cells_of(found.data)]
            yield ShownRow(number, tuple(cell for cell in cells if cell.text or cell.formula or cell.spoken))

    def around(self) -> bytes:
        """What is not rows. Raises `Unreadable`."""
        beside = bytearray()
        for _ in self.rows(beside):
            pass
        return bytes(beside)


def _told(formula: str) -> str:
    """The formula, if there is a text in it."""
    return formula if '"' in formula else ""


def units_of_sheet(sheet: Sheet, nested: Nested) -> Iterator[Unit | Gap]:
    """What passes the gate: rows whole, and what is around them. Raises `Unreadable`."""
    beside = bytearray()
    yield from units_of_rows(sheet.shown(beside), sheet.reading)
    yield from nested.read(partial(io.BytesIO, bytes(beside)), _beside(sheet.reading))


def _beside(reading: Reading) -> Reading:
    return Reading(
        reading.collection, reading.gate, reading.map, "around.xml", f"{reading.prefix}around/", reading.depth + 1, reading.limits, reading.budget
    )


# ---- rewriting


@dataclass(slots=True)
class SheetEdits:
    """What becomes of one sheet. `released` counts the cells that no longer name a string; `gone` are the rows that were emptied."""

    writer: Writer
    released: Counter[int] = field(default_factory=Counter)
    gone: set[int] = field(default_factory=set)
    has_lost_formulas: bool = False


def sheet_edits(sheet: Sheet, edits: Mapping[int, Sequence[Edit]], beside: Sequence[Edit], nested: Nested, rewriter: Rewriter) -> SheetEdits:
    """What writes the sheet with the edits of its rows (by number) and of what is around them. Raises `NotSupported`, `Unreadable`."""
    result = SheetEdits(spliced(sheet.open_file, ()))
    splices: list[Splice] = []
    pending = dict(edits)
    head, _ = headed(sheet.shown(), sheet.reading)
    for number, found in sheet.rows():
        of_row = pending.pop(number, None)
        if of_row is None:
            continue
        change = RowChange(found.data, exact_cells(found.data), head, sheet.values, rewriter)
        splices.append(Splice(found.offset, found.end, change.made(of_row)))
        result.released.update(change.released)
        result.has_lost_formulas |= change.has_lost_formulas
        if change.is_gone:
            result.gone.add(number)
    if pending:
        raise cannot_rewrite("A row of the plan is not on the sheet.", "plan again: the file is not what it was")
    if beside:
        was = sheet.around()
        splices += _around(sheet, was, nested.prepare(partial(io.BytesIO, was), beside, rewriter, _beside(sheet.reading)))
    result.writer = spliced(sheet.open_file, splices)
    return result


def _around(sheet: Sheet, was: bytes, writer: Writer) -> Iterator[Splice]:
    """The splices that put what is around the rows, written anew, around the rows that stay where they are."""
    sink = io.BytesIO()
    writer(sink)
    now = sink.getvalue()
    size = sum(len(found.data) for found in stretches(sheet.open_file, "row", sheet.reading.limits.line_bytes))
    begins = [_ROWS.search(text) for text in (was, now)]
    ends = [_END_OF_ROWS.search(text) for text in (was, now)]
    if begins[0] and begins[1] and ends[0] and ends[1]:
        yield Splice(0, begins[0].end(), now[: begins[1].end()])
        yield Splice(size - len(was) + ends[0].start(), size, now[ends[1].start() :])
    elif size == len(was):
        yield Splice(0, size, now)
    else:
        raise cannot_rewrite("What is around the rows of a sheet cannot be told from them.")
