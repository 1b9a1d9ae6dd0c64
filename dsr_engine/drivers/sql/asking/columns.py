"""Reads a few columns of whole tables, in the pages and at the pace of a search."""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from dsr_engine.domain.anonymize import ValueType
from dsr_engine.domain.errors import ManifestWrong, NotSupported
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.record import Gap
from dsr_engine.domain.system import System
from dsr_engine.drivers.columns import Page, Row
from dsr_engine.drivers.driver import Looked
from dsr_engine.drivers.sql.finding.pacing import Pages, TooLong
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Table
from dsr_engine.drivers.sql.schema.columns import Column, as_value
from dsr_engine.drivers.sql.schema.reflection import read_catalogue
from dsr_engine.drivers.sql.server.database import Database
from dsr_engine.drivers.sql.server.replicas import reading_side, refuse_stranger
from dsr_engine.drivers.sql.values.rows import BATCH


class SqlColumns:
    """One database, read from its replica where it has one."""

    def __init__(self, system: System) -> None:
        """Connects to nothing yet. Raises `InputWrong` for a url that cannot be used."""
        self._system, self._primary = reading_side(system)
        self._database = Database(self._system)
        self._known: Catalogue | None = None

    def fields(self, collection: str, among: Sequence[str]) -> tuple[str, ...]:
        columns = self._table(collection).columns
        return tuple(name for name in among if name in columns and _is_text(columns[name]))

    def read(self, collection: str, fields: Sequence[str]) -> Iterator[Page | Gap | Looked]:
        table = self._table(collection)
        columns = tuple(self._column(table, name) for name in fields)
        count, caveats = 0, [table.relation.caveat]
        pages = Pages(self._database, table, sa.true())
        while (where := pages.next()) is not None:
            try:
                for page in self._pages(table, columns, where, pages):
                    count += len(page.rows)
                    yield page
            except TooLong as why:
                if not pages.halved():
                    caveats.append(f"without a key that can be continued at, the reading was cut off: {why}")
        caveat = "; ".join(filter(None, caveats))
        if caveat:
            yield Gap(collection, "sql.unread", caveat)
        yield Looked(collection, count, Extent.PARTIAL if caveat else Extent.FULL, caveat)

    def close(self) -> None:
        self._database.close()

    def _pages(self, table: Table, columns: Sequence[Column], where: ColumnElement[bool], pages: Pages) -> Iterator[Page]:
        """One transaction. Rows without any of the values stay on the server."""
        query = sa.select(*(column.read.label(f"c{number}") for number, column in enumerate(columns))).select_from(table.element)
        query = query.where(where, sa.or_(*(column.element.is_not(None) for column in columns)))
        with self._database.reading(f"reading columns of {table.collection}") as connection:
            for raws in connection.execute(query.execution_options(yield_per=BATCH)).partitions():
                rows = [_row(raw) for raw in raws]
                pages.took(sum(len(value) for row in rows for value in row if value is not None))
                yield Page(rows)

    def _table(self, collection: str) -> Table:
        if self._known is None:
            if self._primary is not None:
                refuse_stranger(self._system, self._primary)
            with self._database.reading("reading the catalogue") as connection:
                self._known = read_catalogue(self._database, connection, self._system.manifest)
        table = self._known.table(collection)
        if table.relation.reason:
            raise NotSupported(f"{collection} cannot be read: {table.relation.reason}", code="sql.unsearchable", hint="make it readable")
        return table

    def _column(self, table: Table, name: str) -> Column:
        column = table.columns.get(name)
        if column is None or not _is_text(column):
            raise ManifestWrong(f"{table.collection} has no field {name} that may be read as text", code="sql.unknown_field", hint="see `dsr check`")
        return column


def _is_text(column: Column) -> bool:
    """True for a column whose values can be read as text; bytes are no identifier."""
    return column.is_readable and column.type is not ValueType.BINARY


def _row(raw: sa.Row[Any]) -> Row:
    return tuple(value if value is None or isinstance(value, str) else _text(value) for value in raw)


def _text(value: object) -> str | None:
    """SQLite keeps a value of any type in any column."""
    found = as_value(value)
    return found.decode(errors="replace") if isinstance(found, bytes) else found
