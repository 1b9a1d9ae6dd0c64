"""Rows of a sheet as people see them, whatever program wrote them: what passes the gate, each row as a record (`row:17`), its cells as values."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import NamedTuple

from dsr_engine.content.format import Reading
from dsr_engine.content.places import inside
from dsr_engine.content.records.dialect import SampleRow, head_of_rows
from dsr_engine.content.records.split_cells import joined, place_of
from dsr_engine.content.records.table_head import Head, known_names
from dsr_engine.domain.record import Unit

#: Rows that are looked at to find out what the columns are called.
_SAMPLE = 200
#: Characters that the gate is asked about at once, and what lies between two rows of them.
_BATCH = 64 * 1024
_APART = "\n\n \n\n"
#: Columns behind this one have no names.
_WIDEST = 16_384
_NOTHING = ("", "", ())


class Shown(NamedTuple):
    """A cell: its column (from 0), what it shows, its formula, how it is spoken, and what else it holds by the word for it."""

    column: int
    text: str
    formula: str = ""
    spoken: str = ""
    more: tuple[tuple[str, str], ...] = ()

    @property
    def beside(self) -> Iterator[tuple[str, str]]:
        """What is in the cell beside what it shows."""
        yield from (("formula", self.formula), ("spoken", self.spoken), *self.more)


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row with its number (from 1) and those of its cells that show something."""

    number: int
    cells: tuple[Shown, ...]


def headed(rows: Iterator[ShownRow], reading: Reading) -> tuple[Head, Iterator[ShownRow]]:
    """What the columns are called, and all rows."""
    first = list(islice(rows, _SAMPLE))
    return head_of_rows([SampleRow(row.number, _dense(row)) for row in first if row.cells], known_names(reading), is_ragged=True), chain(first, rows)


def _dense(row: ShownRow) -> list[str]:
    cells = [cell for cell in row.cells if cell.column < _WIDEST]
    texts = [""] * (max((cell.column for cell in cells), default=0) + 1)
    for cell in cells:
        texts[cell.column] = cell.text.strip()
    return texts


def units_of_rows(rows: Iterator[ShownRow], reading: Reading) -> Iterator[Unit]:
    """The rows that pass the gate, whole. Raises `Unreadable` where the limits are reached."""
    head, rows = headed(rows, reading)
    for row in _passing(rows, reading):
        yield from _row(row, head, reading)


def _passing(rows: Iterator[ShownRow], reading: Reading) -> Iterator[ShownRow]:
    batch: list[tuple[ShownRow, str]] = []
    size = 0
    for row in rows:
        if row.cells:
            said = _said(row)
            batch.append((row, said))
            size += len(said)
        if size > _BATCH:
            if reading.budget is not None:
                reading.budget.check()
            yield from _judged(batch, reading)
            batch, size = [], 0
    yield from _judged(batch, reading)


def _said(row: ShownRow) -> str:
    more = [text for cell in row.cells if cell[2:] != _NOTHING for _, text in cell.beside if text]
    return _APART.join((", ".join([cell.text for cell in row.cells]), *more))


def _judged(batch: Sequence[tuple[ShownRow, str]], reading: Reading) -> Iterator[ShownRow]:
    if reading.gate is None:
        yield from (row for row, _ in batch)
    elif batch and reading.gate.passes_text(_APART.join([said for _, said in batch])):
        if len(batch) == 1:
            yield batch[0][0]
        else:
            middle = len(batch) // 2
            yield from _judged(batch[:middle], reading)
            yield from _judged(batch[middle:], reading)


def _row(row: ShownRow, head: Head, reading: Reading) -> Iterator[Unit]:
    local = f"row:{row.number}"
    record = inside(reading, local)
    for cell in row.cells:
        place = f"{reading.prefix}{local}/{head.place(cell.column, row.number, reading)}"
        if cell.text:
            yield Unit(place, cell.text, record, head.field(cell.column, row.number, reading), is_value=True)
        yield from (Unit(f"{place}/{word}", text, record) for word, text in cell.beside if text)
    if reading.gate is not None:
        shown = [cell for cell in row.cells if cell.text]
        for first, last, text in joined([cell.text for cell in shown], reading.gate):
            yield Unit(f"{reading.prefix}{local}/{place_of(shown[first].column, shown[last].column)}", text, record)
