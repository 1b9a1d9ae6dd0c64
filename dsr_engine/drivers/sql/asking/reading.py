"""Reads rows again whose keys are known, on the primary: what a replica says may be a moment old."""

from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import closing

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from dsr_engine.content.gate import Gate
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.record import Gap, Locator, Record, Unit
from dsr_engine.domain.system import System
from dsr_engine.drivers.reading import CUT, Bounds, Gathering, Original, Reread, TooLate
from dsr_engine.drivers.sql.finding.largeobjects import with_objects
from dsr_engine.drivers.sql.finding.scanning import LARGEST, Scan, Values
from dsr_engine.drivers.sql.finding.units import files, record
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Table
from dsr_engine.drivers.sql.schema.reflection import read_catalogue
from dsr_engine.drivers.sql.server.database import Database
from dsr_engine.drivers.sql.values.rows import Key, key_of, keyed

#: Rows that are brought in one statement: each may hold tens of megabytes.
_AT_ONCE = 10
_CREDENTIALS = "user.authorization"


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
        try:
            for condition in _conditions(self._database, table, places):
                server, rows = self._rows(table, condition, left, bounds)
                for key, (values, too_big) in rows.items():
                    locator = left.pop(key)
                    record = self._record(table, server, locator, values, too_big, bounds)
                    yield Reread(locator, record, tuple(_originals(table, values, too_big, bounds)))
        except TooLate:
            gap = Gap(table.collection, CUT, "reading the collection took too long")
            yield from (Reread(locator, Record(locator, (), "", gaps=(gap,))) for locator in left.values())
            return
        yield from (Reread(locator, None) for locator in left.values())

    def _rows(
        self, table: Table, condition: ColumnElement[bool], left: Container[Key], bounds: Bounds
    ) -> tuple[str, Mapping[Key, tuple[Values, Sequence[str]]]]:
        """The server and the wanted rows of one statement; nothing stays open there while somebody slow takes them. Raises `TooLate`.

        A table without a key is read as a whole.
        """
        clock = Gathering(table.collection, bounds)
        found: dict[Key, tuple[Values, Sequence[str]]] = {}
        with self._database.reading(f"reading {table.collection} again") as connection:
            server = self._database.identity(connection)
            with closing(Scan(table, condition).everything(connection)) as rows:  # before the connection goes back, also when nobody reads on
                for values, too_big in rows:
                    clock.in_time()
                    key = key_of(table, values)
                    if key is not None and key in left:
                        found[key] = (values, too_big)
        return server, found

    def _record(self, table: Table, server: str, locator: Locator, values: Values, too_big: Sequence[str], bounds: Bounds) -> Record:
        """The row with all its texts, and those inside its binary values, as far as the bounds go. One long text takes nothing from the others."""
        whole = record(self._system.name, server, table, locator.key, values, (), {})
        gathering = Gathering(table.collection, bounds)
        if gathering.take(iter(sorted(whole.units, key=_length))):
            gathering.take(files(table, values, None))
        order = {unit.place: number for number, unit in enumerate(whole.units)}
        gathering.units.sort(key=lambda unit: order.get(unit.place, len(order)))
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
    keys = tuple(places)
    for start in range(0, len(keys), _AT_ONCE):
        yield keyed(database.dialect, table, keys[start : start + _AT_ONCE])


def _length(unit: Unit) -> int:
    return len(unit.text)


def _originals(table: Table, values: Values, too_big: Sequence[str], bounds: Bounds) -> Iterator[Original]:
    """The binary values of a row; what lets somebody in and who acted is neither a person's data nor anybody's to have."""
    left = bounds.originals
    for column in table.readable if left else ():
        value = values.get(column.name)
        if column.field is not None and (column.field.is_actor or (column.field.category or "").startswith(_CREDENTIALS)):
            continue
        if column.name in too_big or (isinstance(value, bytes) and len(value) > left):
            yield Original(column.name, None)
        elif isinstance(value, bytes) and value and column not in table.key:
            left -= len(value)
            yield Original(column.name, value)
