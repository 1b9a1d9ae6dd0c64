"""Reads a whole table past the gate. Only rows that pass become Python values: that is where the speed of a search comes from.

Rows are judged in blocks first (one call of the gate for a quarter of a mebibyte), row by row only where a block passes.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from dsr_engine.content.gate import Gate
from dsr_engine.domain.anonymize import ValueType
from dsr_engine.drivers.sql.catalogue import Table
from dsr_engine.drivers.sql.columns import Column, Value, as_value
from dsr_engine.drivers.sql.rows import BATCH

Values = Mapping[str, Value]

#: Bytes that are judged in one call of the gate.
BLOCK = 256 * 1024
#: The largest binary value that is read, in bytes; a larger one is a gap.
LARGEST = 64 * 1024**2

_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_ESCAPED = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


@dataclass(slots=True)
class Scan:
    """One pass over a part of a table. `count` says how many rows were read so far."""

    table: Table
    where: ColumnElement[bool]
    count: int = 0

    def everything(self, connection: sa.Connection) -> Iterator[tuple[Values, tuple[str, ...]]]:
        """Every row, with the names of columns whose value was too big to read."""
        columns, sizes = self.table.readable, _size_checks(self.table)
        query = self._query(columns, sizes)
        for raw in connection.execute(query.execution_options(yield_per=BATCH)):
            self.count += 1
            values = {column.name: as_value(part) for column, part in zip(columns, raw, strict=False)}
            yield values, tuple(name for name, is_big in zip(sizes, raw[len(columns) :], strict=True) if is_big)

    def passing(self, connection: sa.Connection, gate: Gate) -> Iterator[Values]:
        """Rows without binary values that pass the gate."""
        if connection.dialect.name == "postgresql":
            return self._copied(connection, gate)
        return self._streamed(connection, gate)

    def _query(self, columns: tuple[Column, ...], sizes: Mapping[str, ColumnElement[Any]]) -> sa.Select[Any]:
        reads = [
            sa.case((sa.not_(sizes[column.name]), column.read)).label(column.name) if column.name in sizes else column.read.label(column.name)
            for column in columns
        ]
        flags = [check.label(f"is_big_{number}") for number, check in enumerate(sizes.values())]
        return sa.select(*reads, *flags).select_from(self.table.element).where(self.where)

    def _streamed(self, connection: sa.Connection, gate: Gate) -> Iterator[Values]:
        columns = self.table.readable
        query = self._query(columns, {})
        for rows in connection.execute(query.execution_options(yield_per=BATCH)).partitions():
            self.count += len(rows)
            lines = ["\n".join(str(part) for part in raw if part is not None) for raw in rows]
            if gate.passes_text("\n".join(lines)):
                for raw, line in zip(rows, lines, strict=True):
                    if gate.passes_text(line):
                        yield {column.name: as_value(part) for column, part in zip(columns, raw, strict=True)}

    def _copied(self, connection: sa.Connection, gate: Gate) -> Iterator[Values]:
        columns = self.table.readable
        compiled = self._query(columns, {}).compile(dialect=connection.dialect)
        cursor: Any = connection.connection.cursor()
        block: list[bytes] = []
        size = 0
        parameters = dict(compiled.params)
        # SQLAlchemy doubles a % in a name; psycopg halves it again only where there are parameters.
        query = str(compiled) if parameters else str(compiled).replace("%%", "%")
        with cursor, cursor.copy(f"COPY ({query}) TO STDOUT", parameters) as copy:
            for data in copy:
                block.append(bytes(data))
                size += len(block[-1])
                if size >= BLOCK:
                    yield from self._judged(block, gate, columns)
                    block, size = [], 0
        yield from self._judged(block, gate, columns)

    def _judged(self, block: list[bytes], gate: Gate, columns: tuple[Column, ...]) -> Iterator[Values]:
        self.count += len(block)
        data = b"".join(block)
        is_escaped = b"\\" in data.replace(b"\\N", b"")
        if not gate.passes(_ESCAPE.sub(_unescaped, data) if is_escaped else data):
            return
        for line in block:
            parts = line[:-1].split(b"\t")
            if gate.passes(b"\n".join(_plain(part) for part in parts) if b"\\" in line else line):
                yield {column.name: None if part == b"\\N" else _plain(part).decode() for column, part in zip(columns, parts, strict=True)}


def _plain(part: bytes) -> bytes:
    r"""A field of COPY's text format without its escapes (PostgreSQL manual, COPY, "Text Format"); `\N` is NULL."""
    if b"\\" not in part:
        return part
    return b"" if part == b"\\N" else _ESCAPE.sub(_unescaped, part)


def _unescaped(match: re.Match[bytes]) -> bytes:
    return _ESCAPED.get(match[1], match[1])


def _size_checks(table: Table) -> dict[str, ColumnElement[Any]]:
    """For each binary column: is the value too big? A table without a key is named by all its values, so there nothing is left out."""
    if not table.key:
        return {}
    return {
        column.name: sa.func.coalesce(sa.func.length(column.element) > LARGEST, sa.false())
        for column in table.readable
        if column.type is ValueType.BINARY
    }
