"""Finds the records that may hold one of some people: by equality where a key is known, and past the gate in one pass. Nothing is decided here."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from itertools import islice

import sqlalchemy as sa

from dsr_engine.domain.finding import Extent
from dsr_engine.domain.record import Gap, Record, Unit
from dsr_engine.drivers.driver import AboutSubjects, Looked
from dsr_engine.drivers.sql.finding.facts import facts_of
from dsr_engine.drivers.sql.finding.pacing import Pages, TooLong
from dsr_engine.drivers.sql.finding.pushdown import Asked, Pushdown
from dsr_engine.drivers.sql.finding.scanning import LARGEST, Scan, Values
from dsr_engine.drivers.sql.finding.slicing import within
from dsr_engine.drivers.sql.finding.units import files, record
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Table
from dsr_engine.drivers.sql.server.database import Database
from dsr_engine.drivers.sql.values.rows import BATCH, Key, key_of

#: A row that passed, and what its files held.
Candidate = tuple[Values, tuple[Unit | Gap, ...]]


class PersonSearch:
    """One query on one part of one table."""

    def __init__(self, database: Database, catalogue: Catalogue, table: Table, query: AboutSubjects, part: tuple[str, ...]) -> None:
        self._database, self._catalogue, self._table, self._query = database, catalogue, table, query
        self._where = within(table, part)
        self._scan = Scan(table, self._where)

    def run(self) -> Iterator[Record | Gap | Looked]:
        """Every candidate once, then what was not looked at, then the last word."""
        table, caveats, count = self._table, [self._table.relation.caveat], 0
        seen: set[Key] = set()
        pages = Pages(self._database, table, self._where, is_short=self._is_short)
        while (page := pages.next()) is not None:
            self._where, self._scan = page, Scan(table, page, took=pages.took)
            try:
                yield from self._page(seen)
            except TooLong as why:
                if pages.halved():
                    continue
                caveats.append(f"without a key that can be continued at, the search was cut off: {why}")
            count += self._scan.count
        caveat = "; ".join(filter(None, caveats))
        if caveat:
            yield Gap(table.collection, "sql.unread", caveat)
        yield Looked(table.collection, count, Extent.PARTIAL if caveat else Extent.FULL, caveat)

    def _page(self, seen: set[Key]) -> Iterator[Record | Gap]:
        """One transaction."""
        with self._database.reading(f"searching {self._table.collection}") as connection:
            server = self._database.identity(connection)
            with closing(self._candidates(connection)) as candidates:  # before the connection goes back, also when nobody reads on
                while batch := list(islice(candidates, BATCH)):
                    yield from self._records(batch, server, seen)

    def _is_short(self) -> bool:
        """True if an index answers all that is asked, so that nothing has to be paced."""
        with self._database.reading(f"asking {self._table.collection}") as connection:
            return self._asked(connection).is_enough

    def _records(self, batch: list[Candidate], server: str, seen: set[Key]) -> Iterator[Record | Gap]:
        names = self._query.facts.get(self._table.collection, ())
        with self._database.reading(f"reading dates for {self._table.collection}") as connection:
            facts = facts_of(self._database.dialect, connection, self._catalogue, self._table, names, [values for values, _ in batch])
        for (values, inside), known in zip(batch, facts, strict=True):
            key = key_of(self._table, values)
            if key is None:
                yield Gap(self._table.collection, "sql.null_key", "a row that may hold the person has NULL in its primary key and cannot be named")
            elif key not in seen:
                seen.add(key)
                yield record(self._database.system, server, self._table, key, values, inside, known)

    def _candidates(self, connection: sa.Connection) -> Generator[Candidate]:
        asked = self._asked(connection)
        for condition in asked.conditions:
            scan = Scan(self._table, sa.and_(self._where, condition))
            for values, big in scan.everything(connection):
                yield values, (*files(self._table, values, self._query.gate), *_too_big(self._table, big))
            self._scan.count += scan.count if asked.is_enough else 0
        if asked.is_enough:
            return
        for row in self._scan.passing(connection, self._query.gate):
            inside = (*files(self._table, row.values, self._query.gate), *_too_big(self._table, row.too_big))
            if row.is_seen or inside:
                yield row.values, inside

    def _asked(self, connection: sa.Connection) -> Asked:
        selectors = [selector for group in self._query.subjects.values() for selector in group]
        is_logged = self._database.dialect.logs_values(connection)
        return Pushdown(self._database.system, self._catalogue, self._table, is_logged=is_logged).asked(selectors)


def _too_big(table: Table, names: Iterable[str]) -> Iterator[Gap]:
    return (Gap(table.collection, "sql.too_big", f"a value in {name} is larger than {LARGEST // 1024**2} MiB") for name in names)
