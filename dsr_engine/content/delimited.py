"""Tables as text: CSV, TSV, semicolons, any dialect. A row is a record of its own (`row:17`), a cell one whole value (`row:17/email`).

Rows are numbered from 1, the header included. A column is named by its header, or by its number where there is none, where two
columns share a name, or where the name may be personal. Changing a cell changes its bytes only; a dropped row goes with its line end.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dsr_engine.content.charset import decoded, encoded_like
from dsr_engine.content.dialect import SAMPLE, sniffed
from dsr_engine.content.format import Opener, Reading, Writer
from dsr_engine.content.opaque import opaque_units
from dsr_engine.content.places import by_number, inside, is_plain
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.rows import Dialect, Rows, cells, quoted, unquoted
from dsr_engine.content.scan import Block, Found, blocks, candidates
from dsr_engine.content.stream import Splice, cannot_rewrite, head_of, opened, spliced
from dsr_engine.domain.anonymize import FieldFacts, Misfit
from dsr_engine.domain.plan import DropPart, Edit, Fence, How, Point, RedactSpans, SetValue
from dsr_engine.domain.record import Gap, Unit
from dsr_engine.domain.system import FieldMap


@dataclass(frozen=True, slots=True)
class _Table:
    dialect: Dialect
    header: tuple[str, ...]

    def place(self, column: int, reading: Reading) -> str:
        """How a column (from 0) is called in places."""
        if column < len(self.header):
            name = self.header[column]
            if self.header.count(name) == 1 and is_plain(name, reading):
                return name
        return str(column + 1)

    def columns(self, place: str) -> Iterator[int]:
        """The column that a place names, by name or number."""
        if place.isdecimal():
            yield int(place) - 1
        elif self.header.count(place) == 1:
            yield self.header.index(place)


class Delimited:
    """A table; that it is one was decided before."""

    name = "csv"

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        table = _table(open_file, reading)
        is_told = False
        yield from _column_names(table, reading)
        with opened(open_file) as source:
            for found in candidates(source, Rows(table.dialect), reading.gate, reading.limits.line_bytes):
                if found.is_overlong:
                    yield from opaque_units(found.data, f"row:{found.number}", reading)
                    if not is_told:
                        yield Gap(reading.collection, "csv.row_too_long", "a row is longer than the limit; it was searched as bytes only")
                    is_told = True
                elif found.number > 1 or not table.header:
                    yield from _row(found, table, reading)

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        table = _table(open_file, reading)
        names = [edit for edit in edits if edit.place.startswith(f"{reading.prefix}column:")]
        wanted = dict(by_number([edit for edit in edits if edit not in names], "row", reading))
        if names:
            renamed = by_number(names, "column", reading)
            wanted[1] = tuple(Edit(str(column), edit.how) for column, several in renamed.items() for edit in several)
        splices: list[Splice] = []
        rows = Rows(table.dialect)
        with opened(open_file) as source:
            for block in blocks(source, rows, reading.limits.line_bytes):
                if not wanted:
                    break
                splices += _block_splices(block, rows, wanted, table, rewriter)
        if wanted:
            raise cannot_rewrite("A row of the plan is not in the file.", "plan again: the file is not what it was")
        return spliced(open_file, splices)


def _table(open_file: Opener, reading: Reading) -> _Table:
    known = frozenset(entry.name for entry in reading.map.fields) if reading.map else frozenset[str]()
    found = sniffed(head_of(open_file, SAMPLE), is_named=True, known=known)
    assert found is not None  # a named file is always a table
    return _Table(found.dialect, found.header)


def _column_names(table: _Table, reading: Reading) -> Iterator[Unit]:
    for column, name in enumerate(table.header):
        if reading.gate is None or reading.gate.passes_text(name):
            yield Unit(f"{reading.prefix}column:{column + 1}/name", name, inside(reading))


def _row(found: Found, table: _Table, reading: Reading) -> Iterator[Unit]:
    row = f"row:{found.number}"
    for column, cell in enumerate(cells(found.data, table.dialect)):
        text, _ = decoded(unquoted(found.data[cell.start : cell.end], cell.is_quoted, table.dialect))
        place = f"{reading.prefix}{row}/{table.place(column, reading)}"
        yield Unit(place, text, inside(reading, row), _field(column, table, reading), is_value=True)


def _field(column: int, table: _Table, reading: Reading) -> FieldMap | None:
    if reading.map is None:
        return None
    name = table.header[column] if column < len(table.header) else str(column + 1)
    return reading.map.field_named(name)


# ---- rewriting


def _block_splices(block: Block, rows: Rows, wanted: dict[int, tuple[Edit, ...]], table: _Table, rewriter: Rewriter) -> Iterator[Splice]:
    if block.is_overlong and block.first in wanted:
        raise cannot_rewrite("A row is longer than the limit and cannot be rewritten.")
    for number, start, end in block.picked(rows, sorted(wanted)):
        edits = wanted.pop(number)
        if any(isinstance(edit.how, DropPart) and not edit.place for edit in edits):
            yield Splice(block.offset + start, block.offset + end, b"")
        else:
            yield from _row_splices(block.data[start:end], block.offset + start, edits, table, rewriter)


def _row_splices(row: bytes, offset: int, edits: Sequence[Edit], table: _Table, rewriter: Rewriter) -> Iterator[Splice]:
    found = list(cells(row, table.dialect))
    hows: dict[int, How] = {}
    for edit in edits:
        column = next(table.columns(edit.place), -1)
        if not 0 <= column < len(found):
            raise cannot_rewrite("A cell of the plan is not in the file.", "plan again: the file is not what it was")
        hows[column] = edit.how
    for column, how in hows.items():
        cell = found[column]
        raw = row[cell.start : cell.end]
        now = _changed(raw, cell.is_quoted, how, table, column, rewriter)
        if now != raw:
            yield Splice(offset + cell.start, offset + cell.end, now)


def _changed(raw: bytes, is_quoted: bool, how: How, table: _Table, column: int, rewriter: Rewriter) -> bytes:
    content = unquoted(raw, is_quoted, table.dialect)
    text, codec = decoded(content)
    match how:
        case RedactSpans():
            now = rewriter.redacted(text)
        case SetValue():
            name = table.header[column] if column < len(table.header) else str(column + 1)
            try:
                value = rewriter.replaced(how, text, FieldFacts(name))
            except Misfit as misfit:
                raise cannot_rewrite(f"A cell cannot hold what the method gives: {misfit}.") from None
            now = "" if value is None else str(value)
        case Fence(value) | Point(value):
            now = str(value)
        case DropPart():
            raise cannot_rewrite("A cell cannot be dropped: drop its row or set its value.")
    return raw if now == text else quoted(encoded_like(content, codec, text, now), is_quoted, table.dialect)
