"""The least privileges of an account, as SQL, from the live catalogue and the manifest. Nothing here is executed.

`find`: read the tables in scope. `erase`: in addition, lock, delete, and update the columns that a treatment may write. `verify`: read, and see what
the server says about its own storage; it may change nothing. `maintain`: rewrite tables. Sources: PostgreSQL 15 manual, 5.7 and SELECT, "The Locking
Clause" (FOR UPDATE takes UPDATE on one column); MariaDB, GRANT.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from dsr_engine.domain.system import Discover, System
from dsr_engine.drivers.access import Grant
from dsr_engine.drivers.sql.asking.rights import changed, read_beside, receiving, searched, written
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Table
from dsr_engine.drivers.sql.server.dialects import Shape

FIND, ERASE, VERIFY, MAINTAIN = "find", "erase", "verify", "maintain"

_OWNERS = sa.text("""
SELECT n.nspname AS schema, c.relname AS name, r.rolname AS owner, r.rolsuper AS is_super, c.relrowsecurity AS is_secured
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r ON r.oid = c.relowner WHERE c.relkind IN ('r', 'p', 'm')
""")

_OBJECT_OWNERS = sa.text("SELECT DISTINCT r.rolname FROM pg_largeobject_metadata m JOIN pg_roles r ON r.oid = m.lomowner ORDER BY 1")
_EACH_OBJECT = (
    "DO $dsr$ DECLARE o oid; BEGIN FOR o IN SELECT oid FROM pg_largeobject_metadata LOOP"
    " EXECUTE format('GRANT SELECT ON LARGE OBJECT %s TO %I', o, {to}); END LOOP; END $dsr$;"
)


class Sql:
    """Names as the server reads them, whatever characters are in them."""

    def __init__(self, connection: sa.Connection) -> None:
        self._preparer = connection.dialect.identifier_preparer

    def name(self, *parts: str) -> str:
        """Quoted, always. SQLAlchemy doubles % for the connector, and nobody halves it again in a printed statement."""
        quoted = [self._preparer.quote_identifier(part) for part in parts if part]
        return ".".join(text.replace("%%", "%") if self._preparer._double_percents else text for text in quoted)

    def table(self, table: Table) -> str:
        return self.name(table.relation.schema, table.relation.name)

    def names(self, names: Iterable[str]) -> str:
        return ", ".join(self.name(entry) for entry in names)


def grants_of(connection: sa.Connection, kind: str, system: System, catalogue: Catalogue, account: str) -> Sequence[Grant]:
    """Every statement, in the order in which they are run. Lines that begin with -- are for a human."""
    match kind:
        case "postgresql":
            return tuple(_Postgresql(connection, system, catalogue, account).all())
        case "mariadb":
            return tuple(_Mariadb(connection, system, catalogue, account).all())
        case "sqlite":
            return tuple(_of_a_file(connection))
    return tuple(_standard(Sql(connection), catalogue, account))


class _Postgresql:
    def __init__(self, connection: sa.Connection, system: System, catalogue: Catalogue, account: str) -> None:
        self._sql, self._system, self._catalogue = Sql(connection), system, catalogue
        self._account, self._to = account, self._sql.name(account)
        self._object_owners = [str(name) for name in connection.scalars(_OBJECT_OWNERS)]
        self._database = str(connection.scalar(sa.text("SELECT current_database()")))
        self._version: int = connection.scalar(sa.text("SELECT current_setting('server_version_num')::int")) or 0
        self._owners = {(row.schema, row.name): row for row in connection.execute(_OWNERS)}

    def all(self) -> Iterator[Grant]:
        for purpose in (FIND, VERIFY):
            yield from self._reading(purpose)
        yield from self._erasing()
        yield from self._refreshing()
        yield from self._unlinking()
        yield from self._watching()
        yield from self._maintaining()

    def _reading(self, purpose: str) -> Iterator[Grant]:
        tables = searched(self._catalogue)
        beside = read_beside(self._catalogue)
        yield Grant(purpose, f"GRANT CONNECT ON DATABASE {self._sql.name(self._database)} TO {self._to};")
        for schema, group in _by_schema((*tables, *beside)):
            yield Grant(purpose, f"GRANT USAGE ON SCHEMA {self._sql.name(schema)} TO {self._to};")
            listed = ", ".join(map(self._sql.table, group))
            why = "beside what is searched, tables that point at it: their rows are counted before anything is deleted" if beside else ""
            yield Grant(purpose, f"GRANT SELECT ON TABLE {listed} TO {self._to};", why)
            if self._catalogue.manifest.discover is not Discover.NONE:
                yield from self._future(purpose, schema, group)
        if self._object_owners:
            why = "every large object that there is now; one that comes later is a gap until this is run again"
            yield Grant(purpose, _EACH_OBJECT.format(to=_text(self._account)), why)
        secured = [table.collection for table in tables if (row := self._owner(table)) is not None and row.is_secured]
        if secured:
            why = f"row level security is on for {', '.join(secured)}: without this a part of the rows is hidden, and the whole table is a gap"
            yield Grant(purpose, f"ALTER ROLE {self._to} BYPASSRLS;", why)

    def _future(self, purpose: str, schema: str, tables: Sequence[Table]) -> Iterator[Grant]:
        where = f"IN SCHEMA {self._sql.name(schema)} GRANT SELECT ON TABLES TO {self._to};"
        why = "makes tables that come later readable; until then they show as gaps"
        for owner in sorted({row.owner for table in tables if (row := self._owner(table))}):
            yield Grant(purpose, f"-- ALTER DEFAULT PRIVILEGES FOR ROLE {self._sql.name(owner)} {where}", why)

    def _erasing(self) -> Iterator[Grant]:
        for table in changed(self._catalogue):
            name, columns = self._sql.table(table), [column.name for column in written(table)]
            yield Grant(ERASE, f"GRANT DELETE ON TABLE {name} TO {self._to};")
            if columns:
                yield Grant(ERASE, f"GRANT UPDATE ({self._sql.names(columns)}) ON TABLE {name} TO {self._to};")
            elif table.columns:
                first = next(iter(table.columns))
                why = "nothing is updated; SELECT … FOR UPDATE takes this privilege on one column, whichever it is"
                yield Grant(ERASE, f"GRANT UPDATE ({self._sql.names([first])}) ON TABLE {name} TO {self._to};", why)
        for table in receiving(self._catalogue):
            yield Grant(ERASE, f"GRANT INSERT ON TABLE {self._sql.table(table)} TO {self._to};", "restricted rows are moved there")

    def _unlinking(self) -> Iterator[Grant]:
        for owner in self._object_owners:
            why = f"only its owner may delete a large object; this gives all rights of {owner}, so better let the owner run lo_unlink()"
            yield Grant(ERASE, f"-- GRANT {self._sql.name(owner)} TO {self._to};", why)

    def _refreshing(self) -> Iterator[Grant]:
        """A materialized view is refreshed after what it is made from was erased; before version 17 only its owner may."""
        for table in searched(self._catalogue):
            row = self._owner(table)
            if table.relation.shape is not Shape.SNAPSHOT or row is None:
                continue
            if self._version >= 170000:
                yield Grant(ERASE, f"GRANT MAINTAIN ON TABLE {self._sql.table(table)} TO {self._to};", "refreshes a materialized view")
            else:
                why = f"only its owner may refresh {table.collection}; this gives all its rights, so better let the owner refresh it"
                yield Grant(ERASE, f"-- GRANT {self._sql.name(row.owner)} TO {self._to};", why)

    def _watching(self) -> Iterator[Grant]:
        if self._system.pace.replication_lag is not None:
            yield Grant(FIND, f"GRANT pg_read_all_stats TO {self._to};", "`pause_when.replication_lag` has to see how far replicas are behind")
        yield Grant(VERIFY, f"ALTER ROLE {self._to} SET default_transaction_read_only = on;", "whoever verifies changes nothing")
        yield Grant(VERIFY, f"GRANT pg_monitor TO {self._to};", "settings, sessions and logs tell which copies outlive an erasure")
        if self._system.level != "C0":
            why = "planner statistics hold values of rows; they are looked at after the maintenance"
            yield Grant(VERIFY, f"GRANT SELECT ON TABLE pg_catalog.pg_statistic, pg_catalog.pg_statistic_ext_data TO {self._to};", why)

    def _maintaining(self) -> Iterator[Grant]:
        tables = changed(self._catalogue)
        yield Grant(MAINTAIN, f"GRANT CONNECT ON DATABASE {self._sql.name(self._database)} TO {self._to};")
        for schema, group in _by_schema(tables):
            yield Grant(MAINTAIN, f"GRANT USAGE ON SCHEMA {self._sql.name(schema)} TO {self._to};")
            if self._version >= 170000:
                yield Grant(MAINTAIN, f"GRANT MAINTAIN, SELECT ON TABLE {', '.join(map(self._sql.table, group))} TO {self._to};")
        if self._version < 170000:
            for owner in sorted({(row.owner, row.is_super) for table in tables if (row := self._owner(table))}):
                why = "only the owner may rewrite a table here (a privilege of its own comes with PostgreSQL 17)"
                if owner[1]:
                    why += "; this owner is a superuser, so give the tables to another role first"
                yield Grant(MAINTAIN, f"GRANT {self._sql.name(owner[0])} TO {self._to};", why)

    def _owner(self, table: Table) -> sa.Row[Any] | None:
        return self._owners.get((table.relation.schema, table.relation.name))


class _Mariadb:
    """An account is `name@host` here; without a host it is one that may come from anywhere."""

    def __init__(self, connection: sa.Connection, system: System, catalogue: Catalogue, account: str) -> None:
        self._sql, self._system, self._catalogue = Sql(connection), system, catalogue
        self._is_mariadb = bool(getattr(connection.dialect, "is_mariadb", False))
        self._database = str(connection.engine.url.database)
        name, at, host = account.rpartition("@")
        self._to = f"{_text(name if at else account)}@{_text(host if at else '%')}"

    def all(self) -> Iterator[Grant]:
        for purpose in (FIND, VERIFY):
            yield from self._reading(purpose)
        for table in changed(self._catalogue):
            name, columns = self._sql.table(table), [column.name for column in written(table)]
            yield Grant(ERASE, f"GRANT DELETE ON {name} TO {self._to};")
            if columns:
                yield Grant(ERASE, f"GRANT UPDATE ({self._sql.names(columns)}) ON {name} TO {self._to};")
        for table in receiving(self._catalogue):
            yield Grant(ERASE, f"GRANT INSERT ON {self._sql.table(table)} TO {self._to};", "restricted rows are moved there")
        yield from self._watching()
        for table in changed(self._catalogue):
            what = "SELECT, INSERT, ALTER, CREATE, DROP" + (", DELETE HISTORY" if self._is_mariadb else "")
            yield Grant(MAINTAIN, f"GRANT {what} ON {self._sql.table(table)} TO {self._to};")

    def _reading(self, purpose: str) -> Iterator[Grant]:
        if self._catalogue.manifest.discover is not Discover.NONE:
            why = "the whole database: a table without any privilege would not even show, and nobody would miss it"
            pattern = self._database.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")
            yield Grant(purpose, f"GRANT SELECT ON {self._sql.name(pattern)}.* TO {self._to};", why)
            return
        for table in (*searched(self._catalogue), *read_beside(self._catalogue)):
            yield Grant(purpose, f"GRANT SELECT ON {self._sql.table(table)} TO {self._to};")

    def _watching(self) -> Iterator[Grant]:
        replicas, logs = ("REPLICA MONITOR", "BINLOG MONITOR") if self._is_mariadb else ("REPLICATION CLIENT", "REPLICATION CLIENT")
        if self._system.pace.replication_lag is not None or self._system.read_from is not None:
            yield Grant(FIND, f"GRANT {replicas} ON *.* TO {self._to};", "shows what a replica replicates, and how far it is behind")
        yield Grant(
            VERIFY,
            f"GRANT {', '.join(dict.fromkeys((logs, replicas, 'PROCESS')))} ON *.* TO {self._to};",
            "logs, replicas and storage tell which copies outlive an erasure",
        )


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _of_a_file(connection: sa.Connection) -> Iterator[Grant]:
    path = Path(connection.engine.url.database or "").resolve()
    yield Grant(FIND, "", f"SQLite knows no accounts. Reading takes read permission on {path}, and on the -wal and -shm files beside it")
    yield Grant(FIND, "", "in WAL mode also write permission on its folder, where SQLite keeps a file that readers share")
    yield Grant(VERIFY, "", "the same; append ?mode=ro to the url of `verify_as`, and nothing can be changed through it")
    yield Grant(ERASE, "", f"write permission on {path} and on its folder {path.parent}, where the journal is made")
    yield Grant(MAINTAIN, "", "the same, and free space of the file's size: it is written anew")


def _standard(sql: Sql, catalogue: Catalogue, account: str) -> Iterator[Grant]:
    """What the SQL standard says (ISO/IEC 9075-2, 12.3); how an account gets in is not known here."""
    to = sql.name(account)
    for table in (*searched(catalogue), *read_beside(catalogue)):
        for purpose in (FIND, VERIFY):
            yield Grant(purpose, f"GRANT SELECT ON {sql.table(table)} TO {to};")
    for table in changed(catalogue):
        yield Grant(ERASE, f"GRANT DELETE ON {sql.table(table)} TO {to};")
        columns = [column.name for column in written(table)]
        if columns:
            yield Grant(ERASE, f"GRANT UPDATE ({sql.names(columns)}) ON {sql.table(table)} TO {to};")


def _by_schema(tables: Iterable[Table]) -> Iterator[tuple[str, list[Table]]]:
    ordered = sorted(tables, key=lambda table: (table.relation.schema, table.relation.name))
    return ((schema, list(group)) for schema, group in groupby(ordered, key=lambda table: table.relation.schema))
