"""The SQL driver: PostgreSQL, MariaDB, MySQL and SQLite, and other servers that SQLAlchemy reaches by plain SQL."""

from collections.abc import Iterator, Sequence

from dsr_engine.content.rewriter import Rewriter
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.record import Gap, Record
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import (
    AboutSubjects,
    Change,
    CollectionFacts,
    Foreseen,
    Looked,
    Observation,
    OlderThan,
    Outcome,
    Problem,
    Query,
    Slice,
    Traits,
    Watched,
)
from dsr_engine.drivers.sql.ageing import every_record
from dsr_engine.drivers.sql.catalogue import Catalogue
from dsr_engine.drivers.sql.changing import change as change_rows
from dsr_engine.drivers.sql.database import Database
from dsr_engine.drivers.sql.foreseeing import Foresight
from dsr_engine.drivers.sql.observing import observe as observe_rows
from dsr_engine.drivers.sql.reflection import read_catalogue
from dsr_engine.drivers.sql.search import PersonSearch
from dsr_engine.drivers.sql.slicing import parts


class SqlDriver:
    """One database. The catalogue is read when it is first needed and again before every plan (`foresee`, `describe`, `check`)."""

    traits = Traits(set_based=True)

    def __init__(self, system: System) -> None:
        """Connects to nothing yet. Settings: `url`; optionally `schema`, `user`, `password`. Raises `InputWrong` for a url that cannot be used."""
        self._system = system
        self._database = Database(system)
        self._known: Catalogue | None = None

    def check(self) -> Sequence[Problem]:
        catalogue = self._read_catalogue()
        found = list(catalogue.problems())
        tables = [catalogue.tables[name] for name in catalogue.scope() if name in catalogue.tables]
        changeable = [table.relation for table in tables if not table.relation.fixed and not table.relation.reason]
        with self._database.reading("checking permissions") as connection:
            found += self._database.dialect.permissions(connection, changeable)
        for table in tables:
            why = table.relation.reason or table.relation.caveat or table.relation.fixed
            if why:
                found.append(Problem("sql.limited", f"{table.collection}: {why}", "the certificate will name it as a gap", is_fatal=False))
        return found

    def describe(self) -> Sequence[CollectionFacts]:
        return self._read_catalogue().facts()

    def slices(self, query: Query) -> Iterator[Slice]:
        catalogue = self._catalogue()
        names = [query.collection] if isinstance(query, OlderThan) else catalogue.scope()
        with self._database.reading("cutting slices") as connection:
            for name in names:
                table = catalogue.tables.get(name)
                cuts = parts(connection, table) if table is not None and not table.relation.reason else iter([()])
                yield from (Slice(self._system.name, name, cut) for cut in cuts)

    def find(self, query: Query, part: Slice) -> Iterator[Record | Gap | Looked]:
        catalogue = self._catalogue()
        table = catalogue.table(part.collection)
        if table.relation.reason:
            return iter(
                (Gap(part.collection, "sql.unsearchable", table.relation.reason), Looked(part.collection, 0, Extent.NONE, table.relation.reason))
            )
        if isinstance(query, AboutSubjects):
            return PersonSearch(self._database, catalogue, table, query, part.part).run()
        return every_record(self._database, table, catalogue, part.part, query if isinstance(query, OlderThan) else None)

    def observe(self, watched: Sequence[Watched]) -> Sequence[Observation]:
        return observe_rows(self._database, self._catalogue(), watched)

    def foresee(self, changes: Sequence[Change], rewriter: Rewriter) -> Sequence[Foreseen]:
        return Foresight(self._database, self._read_catalogue(), changes, rewriter).run()

    def change(self, changes: Sequence[Change], rewriter: Rewriter) -> Sequence[Outcome]:
        return change_rows(self._database, self._catalogue(), changes, rewriter)

    def close(self) -> None:
        self._database.close()

    def _catalogue(self) -> Catalogue:
        return self._known or self._read_catalogue()

    def _read_catalogue(self) -> Catalogue:
        with self._database.reading("reading the catalogue") as connection:
            self._known = read_catalogue(self._database, connection, self._system.manifest)
        return self._known
