"""Reads a whole table past the gate. Only rows that pass become Python values: that is where the speed of a search comes from.

Rows are judged in blocks first, row by row only where a block passes. Values stand a tab apart and rows two line ends, which no encoding's line
wrapping spans: digits of one value and the next must not look like one number.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from dsr_engine.content.gate import Gate
from dsr_engine.domain.anonymize import ValueType
from dsr_engine.drivers.sql.finding import copyout
from dsr_engine.drivers.sql.finding.splitnames import side_by_side
from dsr_engine.drivers.sql.schema.catalogue import Table
from dsr_engine.drivers.sql.schema.columns import Column, Value, as_value
from dsr_engine.drivers.sql.values.rows import BATCH

Values = Mapping[str, Value]

#: The largest binary value that is read, in bytes; a larger one is a gap.
LARGEST = 64 * 1024**2
#: Rows with binary values that are read at a time.
_FILES = 50

#: Types whose text is never long enough to run on into the next row.
_SHORT = frozenset({ValueType.INTEGER, ValueType.BOOLEAN, ValueType.DATE, ValueType.TIMESTAMP})


#: What connectors give for binary values.
_BYTES = frozenset({bytes, bytearray, memoryview})


@dataclass(frozen=True, slots=True)
class Passed:
    """A row that may hold somebody. `too_big` are columns whose value was not read. `is_seen`: its texts pass; else only its bytes may."""

    values: Values
    too_big: tuple[str, ...] = ()
    is_seen: bool = True


@dataclass(slots=True)
class Scan:
    """One pass over a part of a table. `count` says how many rows were read so far; `took` is told of bytes as they come, and may raise."""

    table: Table
    where: ColumnElement[bool]
    count: int = 0
    took: Callable[[int], None] | None = None

    def everything(self, connection: sa.Connection) -> Generator[tuple[Values, tuple[str, ...]]]:
        """Every row, with the names of columns whose value was too big to read."""
        with closing(self.batches(connection)) as batches:
            for batch in batches:
                yield from batch

    def batches(self, connection: sa.Connection) -> Generator[list[tuple[Values, tuple[str, ...]]]]:
        """The same, as many rows at a time as the connector brings in one go."""
        columns, sizes = self.table.readable, _size_checks(self.table)
        query = self._query(columns, sizes)
        with closing(connection.execute(query.execution_options(yield_per=_FILES if sizes else BATCH))) as found:  # also when nobody reads on
            for rows in found.partitions():
                self.count += len(rows)
                self._tell(rows)
                yield [
                    (
                        {column.name: as_value(part) for column, part in zip(columns, raw, strict=False)},
                        tuple(name for name, is_big in zip(sizes, raw[len(columns) :], strict=True) if is_big) if sizes else (),
                    )
                    for raw in rows
                ]

    def passing(self, connection: sa.Connection, gate: Gate) -> Iterator[Passed]:
        """Rows that pass the gate by their texts, and rows with bytes, which have to be read as files before anybody knows."""
        if connection.dialect.name == "postgresql" and not any(column.type is ValueType.BINARY for column in self.table.readable):
            return self._copied(connection, gate)
        return self._streamed(connection, gate)

    def _query(self, columns: tuple[Column, ...], sizes: Mapping[str, ColumnElement[Any]]) -> sa.Select[Any]:
        reads = [
            sa.case((sa.not_(sizes[column.name]), column.read)).label(column.name) if column.name in sizes else column.read.label(column.name)
            for column in columns
        ]
        flags = [check.label(f"is_big_{number}") for number, check in enumerate(sizes.values())]
        return sa.select(*reads, *flags).select_from(self.table.element).where(self.where)

    def _streamed(self, connection: sa.Connection, gate: Gate) -> Iterator[Passed]:
        columns, sizes = side_by_side(self.table.readable, self.table.names), _size_checks(self.table)
        query = self._query(columns, sizes)
        for rows in connection.execute(query.execution_options(yield_per=_FILES if sizes else BATCH)).partitions():
            self.count += len(rows)
            with_bytes = {number for number, raw in enumerate(rows) if not _BYTES.isdisjoint(map(type, raw))}
            lines = ["\t".join(map(str, raw)) if number not in with_bytes else _texts(raw) for number, raw in enumerate(rows)]
            if self.took is not None:
                self.took(sum(map(len, lines)) + sum(len(part) for number in with_bytes for part in rows[number] if type(part) in _BYTES))
            seen = set(passing_rows(lines, gate))
            big = {number for number, raw in enumerate(rows) if any(raw[len(columns) :])} if sizes else set()
            for number in sorted(seen | with_bytes | big):
                raw = rows[number]
                values = {column.name: as_value(part) for column, part in zip(columns, raw, strict=False)}
                yield Passed(values, tuple(name for name, is_big in zip(sizes, raw[len(columns) :], strict=True) if is_big), number in seen)

    def _copied(self, connection: sa.Connection, gate: Gate) -> Iterator[Passed]:
        columns = sorted(side_by_side(self.table.readable, self.table.names), key=lambda column: column.type in _SHORT)
        query = self._query(tuple(columns), {})
        if not columns or columns[-1].type not in _SHORT:
            query = query.add_columns(sa.literal_column("'.'"))
        compiled = query.compile(dialect=connection.dialect)
        parameters = dict(compiled.params)
        # SQLAlchemy doubles a % in a name; psycopg halves it again only where there are parameters.
        statement = str(compiled) if parameters else str(compiled).replace("%%", "%")
        copy = copyout.Copy(connection)
        for block in copy.blocks(statement, parameters):
            if self.took is not None:
                self.took(len(block))
            for line in copyout.passing(block, gate):
                yield Passed({column.name: value for column, value in zip(columns, copyout.values(line), strict=False)})
        self.count += copy.count

    def _tell(self, rows: Sequence[sa.Row[Any]]) -> None:
        if self.took is not None:
            self.took(sum(len(part) if isinstance(part, str | bytes) else 8 for raw in rows for part in raw if part is not None))


def passing_rows(rows: Sequence[str], gate: Gate, start: int = 0) -> Iterator[int]:
    """The numbers of the rows that pass, found by halves: a row is looked at by itself only where something is."""
    if not rows or not gate.passes_text("\n\n".join(rows)):
        return
    if len(rows) == 1:
        yield start
        return
    middle = len(rows) // 2
    yield from passing_rows(rows[:middle], gate, start)
    yield from passing_rows(rows[middle:], gate, start + middle)


def _texts(raw: Sequence[object]) -> str:
    return "\t".join(str(part) for part in raw if part is not None and type(part) not in _BYTES)


def _size_checks(table: Table) -> dict[str, ColumnElement[Any]]:
    """For each binary column: is the value too big? A table without a key is named by all its values, so there nothing is left out."""
    if not table.key:
        return {}
    return {
        column.name: sa.func.coalesce(sa.func.length(column.element) > LARGEST, sa.false())
        for column in table.readable
        if column.type is ValueType.BINARY
    }
