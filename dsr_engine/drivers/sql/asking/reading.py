"""Reads rows again whose keys are known, on the primary: what a replica says may be a moment old."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from dsr_engine.content.gate import Gate
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.record import Gap, Locator, Record
from dsr_engine.domain.system import System
from dsr_engine.drivers.reading import Bounds, Gathering, Reread, TooLate
from dsr_engine.drivers.sql.finding.largeobjects import with_objects
from dsr_engine.drivers.sql.finding.scanning import LARGEST, Scan, Values
from dsr_engine.drivers.sql.finding.units import files, record
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Table
from dsr_engine.drivers.sql.schema.reflection import read_catalogue
from dsr_engine.drivers.sql.server.database import Database
from dsr_engine.drivers.sql.values.rows import Key, batches, key_of, keyed


class SqlReader:
    """One database."""

    def __init__(self, system: System) -> None:
        """Connects to nothing yet. Raises `InputWrong` for a url that cannot be used."""
        self._system = system
        self._database = Database(system)
        self._known: Catalogue | None = None

    def read(self, locators: Sequence[Locator], _gate: Gate, bounds: Bounds) -> Iterator[Reread]:
        wanted: dict[str, dict[Key, Locator]] = {}
        for locator in locators:
            wanted.setdefault(locator.collection, {})[locator.key] = locator
        for collection, places in wanted.items():
            yield from self._collection(self._table(collection), places, bounds)

    def close(self) -> None:
        self._database.close()

    def _collection(self, table: Table, places: dict[Key, Locator], bounds: Bounds) -> Iterator[Reread]:
        """Each row once: the rows that are there as they come, then the places where there is none."""
        left = dict(places)
        clock = Gathering(table.collection, bounds)
        try:
            for condition in _conditions(self._database, table, places):
                with closing(self._rows(table, condition, left, bounds)) as rows:
                    for found in rows:
                        yield found
                        clock.in_time()
                        if not left:
                            return
        except TooLate:
            clock.take(_late(table))
            for locator in left.values():
                yield Reread(locator, Record(locator, (), "", gaps=tuple(clock.gaps)))
            return
        for locator in left.values():
            yield Reread(locator, None)

    def _rows(self, table: Table, condition: ColumnElement[bool], left: dict[Key, Locator], bounds: Bounds) -> Generator[Reread]:
        """The rows of one statement that are wanted. A table without a key is read as a whole, and stops as late as the bounds allow."""
        clock = Gathering(table.collection, bounds)
        with self._database.reading(f"reading {table.collection} again") as connection:
            server = self._database.identity(connection)
            with closing(Scan(table, condition).everything(connection)) as rows:  # before the connection goes back, also when nobody reads on
                for values, too_big in rows:
                    clock.in_time()
                    key = key_of(table, values)
                    locator = left.pop(key, None) if key is not None else None
                    if locator is not None:
                        yield Reread(locator, self._record(table, server, locator, values, too_big, bounds))

    def _record(self, table: Table, server: str, locator: Locator, values: Values, too_big: Sequence[str], bounds: Bounds) -> Record:
        """The row with all its texts, and those inside its binary values, as far as the bounds go."""
        whole = record(self._system.name, server, table, locator.key, values, (), {})
        gathering = Gathering(table.collection, bounds)
        if gathering.take(whole.units):
            gathering.take(files(table, values, None))
        gaps = (Gap(table.collection, "sql.too_big", f"a value in {name} is larger than {LARGEST // 1024**2} MiB") for name in too_big)
        return Record(locator, tuple(gathering.units), server, identifying=whole.identifying, gaps=(*gathering.gaps, *gaps))

    def _table(self, collection: str) -> Table:
        if self._known is None:
            with self._database.reading("reading the catalogue") as connection:
                self._known = with_objects(connection, read_catalogue(self._database, connection, self._system.manifest))
        table = self._known.table(collection)
        if table.relation.reason:
            raise NotSupported(f"{collection} cannot be read: {table.relation.reason}", code="sql.unsearchable")
        return table


def _conditions(database: Database, table: Table, places: dict[Key, Locator]) -> Iterator[ColumnElement[bool]]:
    if not table.key:
        yield sa.true()
        return
    for batch in batches(places):
        yield keyed(database.dialect, table, batch)


def _late(table: Table) -> Iterator[Gap]:
    yield Gap(table.collection, "reading.cut", "reading the collection took too long")
