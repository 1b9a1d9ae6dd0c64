"""What a database tells of its own storage after an erasure, and the works that an administrator, or the engine for them, can do about it."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from dsr_engine.domain.errors import Conflict, NotSupported
from dsr_engine.domain.residue import Assessment, Channel, ResidueState, Work
from dsr_engine.domain.system import System
from dsr_engine.drivers.sql.server.database import Database
from dsr_engine.drivers.sql.server.faults import translated
from dsr_engine.drivers.sql.upkeep import facts, mariadb, mariadb_look, postgresql, postgresql_look, sqlite
from dsr_engine.drivers.sql.upkeep.assessing import assessed

Told = tuple[tuple[Channel, ...], tuple[Work, ...], dict[str, str]]

#: How an assessment asks for storage: (connection, schema, collections, marks).
_Question = Callable[[sa.Connection, str, Sequence[str], Mapping[str, str]], Told]

#: How works on PostgreSQL begin, in the order in which they make sense: what writes to a catalog comes before the catalog is written anew.
_ORDER = ("SELECT lo_unlink", "VACUUM (FULL, ANALYZE)", "REFRESH", "ANALYZE", "DELETE", "VACUUM (FULL) ")

_CHECKPOINT = re.compile(r"PRAGMA wal_checkpoint", re.IGNORECASE)


class SqlUpkeep:
    """The administrator's side of one database.

    The storage is asked with `maintain_as` where it is given, for it sees more; who looks afresh and who erases are asked by their own accounts.
    """

    def __init__(self, system: System) -> None:
        """Connects to nothing yet. Raises `InputWrong` for a url that cannot be used."""
        looking = {**system.settings, **system.verify_as}
        self._name = system.name
        self._eraser = Database(system)
        self._reader = Database(replace(system, settings=looking))
        self._keeper = Database(replace(system, settings={**looking, **system.maintain_as}))

    def assess(self, collections: Sequence[str], since: datetime, marks: Mapping[str, str]) -> Assessment:  # noqa: ARG002  # the server's own clock is better
        with self._eraser.reading("asking who erases") as connection:
            erased_as = facts.role(self._eraser, connection)
            schema = self._eraser.dialect.schemas(connection, self._eraser.schema)[0]  # another account may have another default
        with self._reader.reading("asking who looks") as connection:
            server = replace(facts.server(self._reader, connection), erased_as=erased_as)
        with self._asking() as connection:
            if self._keeper.identity(connection) != server.identity:
                raise Conflict(
                    f"{self._name}: verify_as and maintain_as reach different servers", code="server.changed", hint="point them at the same database"
                )
            question = _QUESTIONS.get(self._keeper.dialect.name, _nothing_known)
            channels, works, found = question(connection, schema, collections, marks)
        return Assessment(server, channels, works, found)

    def maintain(self, works: Sequence[Work]) -> None:
        for work in works:
            if work.harms:
                raise NotSupported(
                    "a work that may take more than the person's data is done by a human only", code="upkeep.harms", hint="see `dsr maintenance`"
                )
        with self._asking() as connection:
            for work in works:
                row = self._done(connection, work)
                if _CHECKPOINT.match(work.statement) and row is not None and row[0]:
                    raise Conflict("a reader kept the write-ahead log busy", code="sql.locked", hint="close what reads the file, then try again")

    def close(self) -> None:
        for database in (self._eraser, self._reader, self._keeper):
            database.close()

    def _done(self, connection: sa.Connection, work: Work) -> tuple[object, ...] | None:
        # The connector would take a percent sign in a quoted name for a parameter of its own.
        statement = work.statement if self._keeper.dialect.name == "sqlite" else work.statement.replace("%", "%%")
        with translated(f"{self._name}: maintaining"):
            result = connection.exec_driver_sql(statement)
            return tuple(result.fetchall()[0]) if result.returns_rows else None

    @contextmanager
    def _asking(self) -> Iterator[sa.Connection]:
        """A connection whose statements are transactions of their own: maintenance allows no other, and an assessment must not hold a snapshot."""
        with translated(f"{self._name}: connecting"), self._keeper.engine.connect() as plain:
            yield plain.execution_options(isolation_level="AUTOCOMMIT")


def _postgresql(connection: sa.Connection, schema: str, collections: Sequence[str], marks: Mapping[str, str]) -> Told:
    channels, works, found = assessed(
        postgresql.ASSESSORS, postgresql_look.Look(connection, schema, collections, marks), is_touched=bool(collections)
    )
    return channels, _without_doubles(works), found


def _without_doubles(works: Sequence[Work]) -> tuple[Work, ...]:
    """Without the plain statistics of a table that is written anew with them; catalogs come last, after what writes to them."""
    anew = {work.statement.removeprefix("VACUUM (FULL, ANALYZE) ") for work in works}
    kept = [work for work in works if not (work.statement.startswith("ANALYZE ") and work.statement.removeprefix("ANALYZE ") in anew)]
    return tuple(sorted(kept, key=lambda work: next(rank for rank, words in enumerate(_ORDER) if work.statement.startswith(words))))


def _mariadb(connection: sa.Connection, schema: str, collections: Sequence[str], marks: Mapping[str, str]) -> Told:
    return assessed(mariadb.ASSESSORS, mariadb_look.Look(connection, schema, collections, marks), is_touched=bool(collections))


def _sqlite(connection: sa.Connection, _schema: str, collections: Sequence[str], marks: Mapping[str, str]) -> Told:
    path = Path(str(connection.exec_driver_sql("SELECT file FROM pragma_database_list WHERE name = 'main'").scalar()))
    channels, works, found = assessed(sqlite.ASSESSORS, sqlite.Look(connection, path, marks), is_touched=bool(collections))
    ranked = sorted(works, key=lambda work: next(rank for rank, words in enumerate(sqlite.RECIPE) if work.statement.startswith(words)))
    return channels, tuple(ranked), found


def _nothing_known(_c: sa.Connection, _schema: str, _collections: Sequence[str], _marks: Mapping[str, str]) -> Told:
    """A server that this engine was not made for: it says so instead of nothing."""
    detail = "this engine does not know how this kind of server keeps its data"
    return (Channel("sql.storage", "storage of the server", ResidueState.NOT_ASSESSED, detail),), (), {}


_QUESTIONS: Mapping[str, _Question] = {"postgresql": _postgresql, "mariadb": _mariadb, "sqlite": _sqlite}
