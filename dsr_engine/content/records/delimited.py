"""Tables as text: CSV, TSV, semicolons, any dialect. A row is a record of its own (`row:17`), a cell one whole value (`row:17/email`).

Rows are numbered from 1, whatever stands before the header included. A column is named by its header, or by its number where there is none, where two
columns share a name, or where the name may be personal. Changing a cell changes its bytes only; a dropped row goes with its line end. What
neighbouring cells say only together (`row:17/2-3`) is a text of its own.
"""

from collections.abc import Iterator, Sequence

from dsr_engine.content.charset import Charset, as_utf8, from_utf8, is_faithful
from dsr_engine.content.charset_guess import hidden_signs, redacted, replaced, text_of
from dsr_engine.content.format import Opener, Reading, Writer
from dsr_engine.content.gate import Gate
from dsr_engine.content.opaque import opaque_units
from dsr_engine.content.places import by_number, inside
from dsr_engine.content.records.dialect import SAMPLE, Sniffed, sniffed
from dsr_engine.content.records.rows import Dialect, Rows, cells, quoted, unquoted
from dsr_engine.content.records.split_cells import joined, parted, place_of, run_of
from dsr_engine.content.records.table_head import known_names
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.scan import Block, Found, blocks, candidates
from dsr_engine.content.stream import Splice, cannot_rewrite, head_of, opened, spliced
from dsr_engine.domain.anonymize import FieldFacts, Misfit
from dsr_engine.domain.plan import DropPart, Edit, Fence, How, Point, RedactSpans, SetValue
from dsr_engine.domain.record import Gap, Unit


class Delimited:
    """A table; that it is one was decided before."""

    name = "csv"

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        open_file = as_utf8(open_file, _charset(open_file, reading))
        table = _table(open_file, reading)
        is_told = False
        yield from _column_names(table, reading)
        with opened(open_file) as source:
            for found in candidates(source, Rows(table.dialect), _across(reading.gate, table.dialect), reading.limits.line_bytes):
                if found.is_overlong:
                    yield from opaque_units(found.data, f"row:{found.number}", reading)
                    if not is_told:
                        yield Gap(reading.collection, "csv.row_too_long", "a row is longer than the limit; it was searched as bytes only")
                    is_told = True
                elif found.number != table.head.row:
                    yield from _row(found, table, reading)

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        charset = _charset(open_file, reading)
        if not is_faithful(open_file, charset):
            raise cannot_rewrite("The file is not valid in its charset and cannot be written back.")
        return from_utf8(self._prepared(as_utf8(open_file, charset), edits, rewriter, reading), charset)

    def _prepared(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        table = _table(open_file, reading)
        names = [edit for edit in edits if edit.place.startswith(f"{reading.prefix}column:")]
        wanted = dict(by_number([edit for edit in edits if edit not in names], "row", reading))
        if names:
            renamed = by_number(names, "column", reading)
            wanted[table.head.row] = tuple(Edit(str(column), edit.how) for column, several in renamed.items() for edit in several)
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


def _table(open_file: Opener, reading: Reading) -> Sniffed:
    found = sniffed(head_of(open_file, SAMPLE), is_named=True, known=known_names(reading))
    assert found is not None  # a named file is always a table
    return found


def _charset(open_file: Opener, reading: Reading) -> Charset:
    """The charset that the file has to be read through: one whose characters may hold the sign that parts the columns."""
    codec = hidden_signs(head_of(open_file, SAMPLE))
    if not codec:
        return Charset()
    dialect = _table(as_utf8(open_file, Charset(wide=codec)), reading).dialect
    return Charset(wide=codec) if dialect.delimiter in b"|^~" or dialect.escapes else Charset()


def _column_names(table: Sniffed, reading: Reading) -> Iterator[Unit]:
    for column, name in enumerate(table.head.names):
        if reading.gate is None or reading.gate.passes_text(name):
            yield Unit(f"{reading.prefix}column:{column + 1}/name", name, inside(reading))


class _Across:
    """A gate that also sees what lies across cells: it is shown the rows with commas for delimiters and spaces for quotes, too.

    Entities end with a semicolon and encoded names may have quotes, so where there is a sign of either the bytes are looked at as they are as well.
    """

    def __init__(self, gate: Gate, dialect: Dialect) -> None:
        self._gate = gate
        self._changed = (b'"', *(byte for byte in (dialect.delimiter,) if byte not in (b",", b"\t")))
        self._table = bytes.maketrans(b"".join(self._changed), b" " + b"," * (len(self._changed) - 1))

    @property
    def reach(self) -> int:
        return self._gate.reach

    def _looks(self, data: bytes) -> Sequence[bytes]:
        if not any(byte in data for byte in self._changed):
            return (data,)
        plain = data.translate(self._table)
        return (data, plain) if b"&" in data or b"?=" in data else (plain,)

    def passes(self, data: bytes) -> bool:
        return any(self._gate.passes(look) for look in self._looks(data))

    def passes_text(self, text: str) -> bool:
        return self._gate.passes_text(text)

    def hits(self, data: bytes) -> Sequence[int]:
        return sorted({hit for look in self._looks(data) for hit in self._gate.hits(look)})


def _across(gate: Gate | None, dialect: Dialect) -> Gate | None:
    return _Across(gate, dialect) if gate is not None else None


def _row(found: Found, table: Sniffed, reading: Reading) -> Iterator[Unit]:
    row = f"row:{found.number}"
    several = [unquoted(found.data[cell.start : cell.end], cell.is_quoted, table.dialect) for cell in cells(found.data, table.dialect)]
    texts = [text_of(content, reading.gate) for content in several]
    for column, text in enumerate(texts):
        place = f"{reading.prefix}{row}/{table.head.place(column, found.number, reading)}"
        yield Unit(place, text, inside(reading, row), table.head.field(column, found.number, reading), is_value=True)
    if reading.gate is not None:
        for first, last, text in joined(texts, reading.gate):
            yield Unit(f"{reading.prefix}{row}/{place_of(first, last)}", text, inside(reading, row))


# ---- rewriting


def _block_splices(block: Block, rows: Rows, wanted: dict[int, tuple[Edit, ...]], table: Sniffed, rewriter: Rewriter) -> Iterator[Splice]:
    if block.is_overlong and block.first in wanted:
        raise cannot_rewrite("A row is longer than the limit and cannot be rewritten.")
    for number, start, end in block.picked(rows, sorted(wanted)):
        edits = wanted.pop(number)
        if any(isinstance(edit.how, DropPart) and not edit.place for edit in edits):
            yield Splice(block.offset + start, block.offset + end, b"")
        else:
            yield from _row_splices(block.data[start:end], block.offset + start, edits, table, rewriter)


def _row_splices(row: bytes, offset: int, edits: Sequence[Edit], table: Sniffed, rewriter: Rewriter) -> Iterator[Splice]:
    found = list(cells(row, table.dialect))
    contents = [unquoted(row[cell.start : cell.end], cell.is_quoted, table.dialect) for cell in found]
    now = list(contents)
    for edit in sorted(edits, key=lambda edit: run_of(edit.place) is None):
        run = run_of(edit.place)
        column = run[1] if run else table.head.column(edit.place)
        if not 0 <= column < len(found):
            raise cannot_rewrite("A cell of the plan is not in the file.", "plan again: the file is not what it was")
        if run:
            _part(now, run, edit.how, rewriter)
        else:
            now[column] = _changed(now[column], edit.how, table, column, rewriter)
    for cell, was, content in zip(found, contents, now, strict=True):
        if content != was:
            yield Splice(offset + cell.start, offset + cell.end, quoted(content, cell.is_quoted, table.dialect))


def _part(now: list[bytes], run: tuple[int, int], how: How, rewriter: Rewriter) -> None:
    """Cuts what several cells hold only together out of them."""
    if not isinstance(how, RedactSpans):
        raise cannot_rewrite("What several cells hold together can be redacted, nothing else.")
    for index, text in parted([text_of(content) for content in now], *run, rewriter).items():
        now[index] = replaced(now[index], text)


def _changed(content: bytes, how: How, table: Sniffed, column: int, rewriter: Rewriter) -> bytes:
    match how:
        case RedactSpans():
            return redacted(content, rewriter.redacted)
        case SetValue():
            try:
                value = rewriter.replaced(how, text_of(content), FieldFacts(table.head.called(column)))
            except Misfit as misfit:
                raise cannot_rewrite(f"A cell cannot hold what the method gives: {misfit}.") from None
            return replaced(content, "" if value is None else str(value))
        case Fence(value) | Point(value):
            return replaced(content, str(value))
        case DropPart():
            raise cannot_rewrite("A cell cannot be dropped: drop its row or set its value.")
