"""What connecting an account to a database takes and costs (`drivers/access.py`): privileges as SQL, sizes, and the speed of a search."""

import time
from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from dsr_engine.content.gate import Gate
from dsr_engine.content.match import Matcher
from dsr_engine.domain.anonymize import ValueType
from dsr_engine.domain.selector import Secret, Selector
from dsr_engine.domain.system import System
from dsr_engine.drivers.access import Estimate, Grant
from dsr_engine.drivers.sql.asking.estimating import Bulk, bulks
from dsr_engine.drivers.sql.asking.grants import grants_of
from dsr_engine.drivers.sql.asking.hiding import hiding
from dsr_engine.drivers.sql.finding.scanning import Scan
from dsr_engine.drivers.sql.finding.slicing import parts
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Table
from dsr_engine.drivers.sql.schema.reflection import read_catalogue
from dsr_engine.drivers.sql.server.database import Database

#: The sample by which the speed is measured: bytes, and seconds.
_MOST_BYTES, _MOST_SECONDS = 16 * 1024**2, 1.0
#: Rows whose length is looked at where the server knows no size.
_MOST_ROWS = 500
#: What a row takes beside its values in PostgreSQL's pages (manual, 73.6: header and line pointer), where ANALYZE never counted the rows.
_ROW_HEADER = 28
#: Nobody, so that the sample is searched exactly as a person is.
_NOBODY = Selector("nobody", "email", Secret("nobody@invalid.invalid"), verified=True)


class _Enough(Exception):
    """The sample is large enough."""


class SqlAccess:
    """One database, for questions before it is used."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._database = Database(system)

    def grants(self, account: str) -> Sequence[Grant]:
        with self._database.reading("reading the catalogue") as connection:
            catalogue = read_catalogue(self._database, connection, self._system.manifest)
            kind = self._database.dialect.name
            return (*grants_of(connection, kind, self._system, catalogue, account), *hiding(connection, kind, catalogue, account))

    def estimates(self) -> Sequence[Estimate]:
        with self._database.reading("estimating") as connection:
            catalogue = read_catalogue(self._database, connection, self._system.manifest)
            known = bulks(connection, self._database.dialect.name, catalogue.tables, is_exact=True)
            return tuple(self._estimate(connection, catalogue, name, known.get(name)) for name in catalogue.scope())

    def _estimate(self, connection: sa.Connection, catalogue: Catalogue, name: str, bulk: Bulk | None) -> Estimate:
        table = catalogue.tables.get(name)
        if table is None or table.relation.reason:
            return Estimate(name, None, None, 0, table.relation.reason if table else "there is no such table")
        rows, size = (bulk.rows, bulk.size) if bulk else (None, None)
        if size is None and rows is not None:
            size = rows * _length(connection, table)
        elif rows is None and size is not None:
            rows = size // max(1, _length(connection, table) + _ROW_HEADER)
        return Estimate(name, rows, size, len(parts(self._database, table)), table.relation.caveat)

    def throughput(self) -> float:
        with self._database.reading("measuring") as connection:
            catalogue = read_catalogue(self._database, connection, self._system.manifest)
            known = bulks(connection, self._database.dialect.name, catalogue.tables)
            tables = [catalogue.tables[name] for name in catalogue.scope() if name in catalogue.tables]
            # Files in columns are of any size and slow to search: neither a bounded sample nor one that says anything of the other tables.
            readable = [table for table in tables if not table.relation.reason and table.readable and not _has_files(table)]
            readable.sort(key=lambda table: -_weight(known.get(table.collection)))
            return _speed(connection, readable, Matcher({"nobody": (_NOBODY,)}).gate)

    def close(self) -> None:
        self._database.close()


def _has_files(table: Table) -> bool:
    return any(column.type is ValueType.BINARY for column in table.readable)


def _weight(bulk: Bulk | None) -> int:
    return (bulk.size or bulk.rows or 0) if bulk else 0


def _speed(connection: sa.Connection, tables: Sequence[Table], gate: Gate) -> float:
    """Bytes a second over the largest tables, read and searched as a search does it, until the sample is large enough."""
    taken = 0
    began = time.monotonic()

    def took(size: int) -> None:
        nonlocal taken
        taken += size
        if taken >= _MOST_BYTES or time.monotonic() - began >= _MOST_SECONDS:
            raise _Enough

    try:
        for table in tables:
            _exhaust(Scan(table, sa.true(), took=took).passing(connection, gate))
    except _Enough:
        pass
    seconds = time.monotonic() - began
    return taken / seconds if taken and seconds > 0 else 0


def _exhaust(rows: Iterator[object]) -> None:
    for _ in rows:
        pass


def _length(connection: sa.Connection, table: Table) -> int:
    """The average length of a row in bytes, by the first ones. The server counts: a value may be as large as it likes."""
    lengths = [sa.func.coalesce(sa.func.length(column.read), 0).label(f"n{number}") for number, column in enumerate(table.readable)]
    rows = connection.execute(sa.select(*lengths).select_from(table.element).limit(_MOST_ROWS)).all()
    return sum(sum(row) for row in rows) // len(rows) if rows else 0
