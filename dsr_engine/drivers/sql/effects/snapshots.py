"""Materialized views: copies of rows that the server keeps, and that only a refresh can rid of somebody.

A finding in one is no obstacle: its item runs after the items of everything that the view is made from, and refreshes it. It counts as done only if
the rows are gone afterwards. A refresh may be repeated, so being killed around it does no harm. (PostgreSQL manual, REFRESH MATERIALIZED VIEW.)
"""

from collections.abc import Mapping

import sqlalchemy as sa

from dsr_engine.drivers.driver import Problem
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Table
from dsr_engine.drivers.sql.schema.naming import table_name
from dsr_engine.drivers.sql.server.dialects import Shape

#: What each materialized view reads, through views and other materialized views; a partition counts as its whole table.
_SOURCES = sa.text("""
WITH RECURSIVE reads AS (
  SELECT DISTINCT r.ev_class AS reader, d.refobjid AS source FROM pg_rewrite r
  JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class
), made AS (
  SELECT c.oid AS snapshot, reads.source FROM reads JOIN pg_class c ON c.oid = reads.reader WHERE c.relkind = 'm'
  UNION
  SELECT made.snapshot, reads.source FROM made JOIN reads ON reads.reader = made.source
)
SELECT DISTINCT sn.nspname AS schema, s.relname AS name, tn.nspname AS source_schema, t.relname AS source
FROM made JOIN pg_class s ON s.oid = made.snapshot JOIN pg_namespace sn ON sn.oid = s.relnamespace
JOIN pg_class p ON p.oid = made.source JOIN pg_class t ON t.oid = COALESCE(pg_partition_root(p.oid), p.oid)
JOIN pg_namespace tn ON tn.oid = t.relnamespace WHERE t.relkind IN ('r', 'p', 'm', 'f') ORDER BY 1, 2, 3, 4
""")

#: Its owner may refresh it, and since version 17 whoever was granted MAINTAIN.
_MAY_REFRESH = sa.text("""
SELECT pg_has_role(c.relowner, 'USAGE') OR EXISTS (
  SELECT FROM aclexplode(c.relacl) a WHERE a.privilege_type = 'MAINTAIN' AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE')))
FROM pg_class c WHERE c.oid = to_regclass(:name)
""")

#: A unique index over plain columns and all rows lets readers go on reading meanwhile.
_IS_UNIQUE = sa.text("""
SELECT EXISTS (
  SELECT FROM pg_index i
  WHERE i.indrelid = to_regclass(:name) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL)
""")


def is_snapshot(table: Table) -> bool:
    return table.relation.shape is Shape.SNAPSHOT and not table.relation.reason


def sources(connection: sa.Connection, catalogue: Catalogue) -> Mapping[str, tuple[str, ...]]:
    """Materialized view → the collections that it is made from."""
    if connection.dialect.name != "postgresql" or not any(table.relation.shape is Shape.SNAPSHOT for table in catalogue.tables.values()):
        return {}
    known = {(table.relation.schema, table.relation.name): name for name, table in catalogue.tables.items()}
    found: dict[str, list[str]] = {}
    for row in connection.execute(_SOURCES):
        snapshot, source = known.get((row.schema, row.name)), known.get((row.source_schema, row.source))
        if snapshot and source:
            found.setdefault(snapshot, []).append(source)
    return {name: tuple(names) for name, names in found.items()}


def refresh_refused(connection: sa.Connection, table: Table) -> Problem | None:
    """Why we may not refresh it, with the statement that somebody else has to run; None if we may."""
    if connection.scalar(_MAY_REFRESH, {"name": table_name(connection, table.relation)}):
        return None
    text = f"{table.collection} is a materialized view that this account may not refresh"
    return Problem("sql.snapshot_owner", text, f"let its owner run: {refresh_statement(connection, table)}")


def refresh_statement(connection: sa.Connection, table: Table) -> str:
    """The statement that refreshes it, without keeping readers out where it has a unique index."""
    name = table_name(connection, table.relation)
    quietly = "CONCURRENTLY " if connection.scalar(_IS_UNIQUE, {"name": name}) else ""
    return f"REFRESH MATERIALIZED VIEW {quietly}{name}"
