"""The SQL driver: PostgreSQL, MariaDB, MySQL and SQLite, and other servers that SQLAlchemy reaches by plain SQL."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from dsr_engine.content.rewriter import Rewriter
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.record import Gap, Record
from dsr_engine.domain.system import PRIMARY, System
from dsr_engine.drivers.driver import (
    AboutSubjects,
    Change,
    CollectionFacts,
    Counted,
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
from dsr_engine.drivers.sql.asking.checking import problems
from dsr_engine.drivers.sql.asking.estimating import bulks
from dsr_engine.drivers.sql.asking.rights import UNSEEN, forbidding, hides_tables
from dsr_engine.drivers.sql.effects.foreseeing import Foresight
from dsr_engine.drivers.sql.effects.observing import observe as observe_rows
from dsr_engine.drivers.sql.effects.snapshots import sources
from dsr_engine.drivers.sql.finding.ageing import every_record
from dsr_engine.drivers.sql.finding.largeobjects import change as change_records
from dsr_engine.drivers.sql.finding.largeobjects import forbidding as forbidding_objects
from dsr_engine.drivers.sql.finding.largeobjects import with_objects
from dsr_engine.drivers.sql.finding.paging import count_rows, is_page, page
from dsr_engine.drivers.sql.finding.search import PersonSearch
from dsr_engine.drivers.sql.finding.slicing import parts
from dsr_engine.drivers.sql.schema.catalogue import Catalogue
from dsr_engine.drivers.sql.schema.reflection import read_catalogue
from dsr_engine.drivers.sql.server.database import Database
from dsr_engine.drivers.sql.server.replicas import refuse_stranger

#: Stands for the tables that a server may hide from this account altogether.
EVERYTHING_ELSE = "*"


def _unread(collection: str, code: str, reason: str) -> Iterator[Record | Gap | Looked]:
    return iter((Gap(collection, code, reason), Looked(collection, 0, Extent.NONE, reason)))


class SqlDriver:
    """One database. The catalogue is read when it is first needed and again before every plan (`foresee`, `describe`, `check`)."""

    traits = Traits(set_based=True, in_key_order=True)

    def __init__(self, system: System) -> None:
        """Connects to nothing yet. Settings: `url`; optionally `schema`, `user`, `password`. Raises `InputWrong` for a url that cannot be used."""
        self._system = system
        self._database = Database(system)
        self._known: Catalogue | None = None

    def check(self) -> Sequence[Problem]:
        return list(problems(self._system, self._database, self._read_catalogue()))

    def describe(self) -> Sequence[CollectionFacts]:
        catalogue = self._read_catalogue()
        with self._database.reading("estimating") as connection:
            known = bulks(connection, self._database.dialect.name, catalogue.tables)
            made_from = sources(connection, catalogue)
        entries = [replace(entry, made_from=made_from.get(entry.name, ())) for entry in catalogue.facts()]
        return [replace(entry, count=bulk.rows, size=bulk.size) if (bulk := known.get(entry.name)) is not None else entry for entry in entries]

    def slices(self, query: Query) -> Iterator[Slice]:
        primary = self._system.settings.get(PRIMARY)
        if primary is not None:
            refuse_stranger(self._system, primary)
        catalogue = self._catalogue()
        names = [query.collection] if isinstance(query, OlderThan) else catalogue.scope()
        for name in names:
            table = catalogue.tables.get(name)
            is_whole = table is None or bool(table.relation.reason) or is_page(query)
            cuts: tuple[tuple[str, ...], ...] = ((),) if table is None or is_whole else parts(self._database, table)
            yield from (Slice(self._system.name, name, cut) for cut in cuts)
        if isinstance(query, AboutSubjects) and hides_tables(self._database, catalogue):
            yield Slice(self._system.name, EVERYTHING_ELSE)

    def find(self, query: Query, part: Slice) -> Iterator[Record | Gap | Looked]:
        catalogue = self._catalogue()
        if part.collection == EVERYTHING_ELSE:
            return _unread(part.collection, "sql.unseen", UNSEEN)
        table = catalogue.table(part.collection)
        if table.relation.reason:
            return _unread(part.collection, "sql.unsearchable", table.relation.reason)
        if isinstance(query, AboutSubjects):
            return PersonSearch(self._database, catalogue, table, query, part.part).run()
        if isinstance(query, OlderThan) and is_page(query):
            return page(self._database, table, catalogue, query)
        return every_record(self._database, table, catalogue, part.part, query if isinstance(query, OlderThan) else None)

    def count(self, collection: str, queries: Sequence[OlderThan]) -> Counted:
        return count_rows(self._database, self._catalogue(), collection, queries)

    def observe(self, watched: Sequence[Watched]) -> Sequence[Observation]:
        return observe_rows(self._database, self._catalogue(), watched)

    def foresee(self, changes: Sequence[Change], rewriter: Rewriter) -> Sequence[Foreseen]:
        catalogue = self._read_catalogue()
        foreseen = forbidding_objects(catalogue, Foresight(self._database, catalogue, changes, rewriter).run(), changes)
        return forbidding(self._database, catalogue, foreseen, changes)

    def change(self, changes: Sequence[Change], rewriter: Rewriter) -> Sequence[Outcome]:
        return change_records(self._database, self._catalogue(), changes, rewriter)

    def close(self) -> None:
        self._database.close()

    def _catalogue(self) -> Catalogue:
        return self._known or self._read_catalogue()

    def _read_catalogue(self) -> Catalogue:
        with self._database.reading("reading the catalogue") as connection:
            self._known = with_objects(connection, read_catalogue(self._database, connection, self._system.manifest))
        return self._known
