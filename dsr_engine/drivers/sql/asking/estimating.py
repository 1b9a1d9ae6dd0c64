"""What the server itself estimates of its tables: rows and bytes. Statistics only; no table is read (but a
bounded part of one in SQLite, which has none), no lock is waited for but the shortest.

Sources: PostgreSQL manual 54.11 `pg_class` (reltuples, relpages), 9.27.7 (`pg_table_size`); MariaDB, `information_schema.TABLES`;
https://www.sqlite.org/fileformat2.html 2.6.3 (`sqlite_stat1`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from dsr_engine.drivers.sql.schema.catalogue import Table
from dsr_engine.drivers.sql.schema.columns import AsIs
from dsr_engine.drivers.sql.server.dialects import Shape

#: Rows of a SQLite table that are counted one by one, in some milliseconds.
_COUNTED = 100_000


@dataclass(frozen=True, slots=True)
class Bulk:
    """`rows` and `size` (bytes) of a table, None where the server does not know."""

    rows: int | None
    size: int | None


#: Partitions are added up: the parent of a partitioned table holds nothing and is hardly ever analysed.
_POSTGRESQL = """
WITH RECURSIVE parts AS (
  SELECT c.oid AS root, c.oid AS part FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  UNION ALL
  SELECT p.root, i.inhrelid FROM parts p JOIN pg_inherits i ON i.inhparent = p.part JOIN pg_class k ON k.oid = i.inhrelid AND k.relispartition
)
SELECT n.nspname AS schema, c.relname AS name, bool_or(k.relkind <> 'p' AND k.reltuples < 0) AS is_unknown,
       COALESCE(sum(k.reltuples) FILTER (WHERE k.relkind <> 'p' AND k.reltuples > 0), 0)::bigint AS rows, sum({size})::bigint AS size
FROM parts p JOIN pg_class c ON c.oid = p.root JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_class k ON k.oid = p.part
LEFT JOIN pg_class t ON t.oid = k.reltoastrelid GROUP BY 1, 2
"""
#: What the last ANALYZE or VACUUM saw: no lock at all.
_BY_PAGES = sa.text(_POSTGRESQL.format(size="(k.relpages + COALESCE(t.relpages, 0)) * current_setting('block_size')::bigint"))
#: What the files are now: takes the lock of a SELECT for a moment.
_BY_FILES = sa.text(_POSTGRESQL.format(size="CASE WHEN k.relkind = 'p' THEN 0 ELSE COALESCE(pg_table_size(k.oid), 0) END"))

_MARIADB = sa.text("""
SELECT TABLE_SCHEMA AS `schema`, TABLE_NAME AS name, TABLE_ROWS AS `rows`, DATA_LENGTH AS size FROM information_schema.TABLES
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE <> 'VIEW'
""")

_HAS_STATISTICS = sa.text("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1')")
_SQLITE = sa.text("SELECT tbl, max(CAST(stat AS INTEGER)) AS rows FROM sqlite_stat1 GROUP BY tbl")


def bulks(connection: sa.Connection, kind: str, tables: Mapping[str, Table], *, is_exact: bool = False) -> Mapping[str, Bulk]:
    """Collection → what the server estimates. `is_exact`: sizes are those of the files now, where the server can tell them."""
    match kind:
        case "postgresql":
            found = {(schema, name): bulk for schema, name, bulk in _postgresql(connection, is_exact=is_exact)}
        case "mariadb":
            found = {(row.schema, row.name): Bulk(row.rows, row.size) for row in connection.execute(_MARIADB)}
        case "sqlite":
            return _sqlite(connection, tables)
        case _:
            found = {}
    return {name: bulk for name, table in tables.items() if (bulk := found.get((table.relation.schema, table.relation.name))) is not None}


def _postgresql(connection: sa.Connection, *, is_exact: bool) -> Iterator[tuple[str, str, Bulk]]:
    for row in connection.execute(_BY_FILES if is_exact else _BY_PAGES):
        size = None if row.is_unknown and not is_exact else row.size
        yield row.schema, row.name, Bulk(None if row.is_unknown else row.rows, size)


def _sqlite(connection: sa.Connection, tables: Mapping[str, Table]) -> Mapping[str, Bulk]:
    """Rows by ANALYZE, else counted as far as `_COUNTED`, and beyond that as many as row numbers lie between the first and the last."""
    analysed = {row.tbl: row.rows for row in connection.execute(_SQLITE)} if connection.scalar(_HAS_STATISTICS) else {}
    found = {}
    for name, table in tables.items():
        if table.relation.shape is Shape.TABLE and not table.relation.reason:
            rows = analysed.get(table.relation.name)
            found[name] = Bulk(_rows(connection, table) if rows is None else rows, None)
    return found


def _rows(connection: sa.Connection, table: Table) -> int | None:
    """How many rows about; None for a large table without row numbers. The highest number itself may be a customer's, so it is never given."""
    some = sa.select(sa.literal(1)).select_from(table.element).limit(_COUNTED + 1).subquery()
    counted = int(connection.scalar(sa.select(sa.func.count()).select_from(some)) or 0)
    if counted <= _COUNTED:
        return counted
    number: sa.ColumnClause[int] = sa.literal_column("_rowid_", AsIs())
    try:
        # One by one: SQLite looks up a lone min() or max(), and reads the whole table for both at once.
        first, last = (connection.scalar(sa.select(end(number)).select_from(table.element)) for end in (sa.func.min, sa.func.max))
    except sa.exc.OperationalError:
        return None
    return max(counted, last - first + 1) if isinstance(first, int) and isinstance(last, int) else None
