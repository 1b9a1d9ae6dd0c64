"""Which columns this driver may come to write, and which of them the account may not: the same answer for grants, checks and plans."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import sqlalchemy as sa

from dsr_engine.domain.anonymize import ValueType
from dsr_engine.domain.plan import Rewrite
from dsr_engine.domain.system import Discover
from dsr_engine.drivers.driver import Change, Foreseen, Problem
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Table
from dsr_engine.drivers.sql.schema.columns import Column
from dsr_engine.drivers.sql.server.database import Database
from dsr_engine.drivers.sql.server.dialects import Shape
from dsr_engine.drivers.sql.server.shown_grants import shown

#: Types from which something may be cut wherever the person stands in them. Others are written only where a connector or a link says so.
_CUT = frozenset({ValueType.TEXT, ValueType.ENUM, ValueType.JSON, ValueType.BINARY, ValueType.OTHER})

UNSEEN = "tables that the account may not read do not show here at all, so nobody would miss them"

#: Columns that the account may not update, of all tables of a schema.
_FORBIDDEN = {
    "postgresql": sa.text("""
SELECT c.relname AS name, a.attname AS field FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE n.nspname = :schema AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND NOT has_column_privilege(c.oid, a.attnum, 'UPDATE')
"""),
    "mariadb": sa.text("""
SELECT TABLE_NAME AS name, COLUMN_NAME AS field FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = :schema AND CONCAT(',', PRIVILEGES, ',') NOT LIKE '%update%'
"""),
}


def searched(catalogue: Catalogue) -> tuple[Table, ...]:
    """The tables in scope that hold rows of their own on this server, readable or not."""
    known = [catalogue.tables[name] for name in catalogue.scope() if name in catalogue.tables]
    return tuple(table for table in known if table.relation.shape in (Shape.TABLE, Shape.SNAPSHOT))


def read_beside(catalogue: Catalogue) -> tuple[Table, ...]:
    """Tables outside the scope that point at it, at any distance: their rows are counted before anything is deleted."""
    inside = {table.collection for table in searched(catalogue)}
    found: dict[str, Table] = {}
    todo = list(inside)
    while todo:
        for inbound in catalogue.inbound(todo.pop()):
            name = inbound.table.collection
            if name not in inside and name not in found:
                found[name] = inbound.table
                todo.append(name)
    return tuple(found[name] for name in sorted(found))


def changed(catalogue: Catalogue) -> tuple[Table, ...]:
    """The tables in scope in which something can be deleted or rewritten."""
    return tuple(table for table in searched(catalogue) if table.relation.shape is Shape.TABLE and not table.relation.fixed)


def receiving(catalogue: Catalogue) -> tuple[Table, ...]:
    """The tables that take restricted rows."""
    return tuple(table for table in changed(catalogue) if table.map is not None and table.map.moved_from)


def written(table: Table) -> tuple[Column, ...]:
    """The columns that a treatment may write: what the person can be cut from, what a connector names, and what links by."""
    named = {entry.name for entry in table.map.fields if entry.category or entry.neutral is not None} if table.map else set()
    named |= {name for name, _ in table.map.fence} if table.map else set()
    named |= {name for link in table.links for name in link.fields}
    return tuple(
        column
        for column in table.columns.values()
        if not column.is_generated and not column.facts.is_key and (column.name in named or column.type in _CUT or column.is_array)
    )


def forbidden(connection: sa.Connection, kind: str, catalogue: Catalogue) -> Mapping[str, frozenset[str]]:
    """Collection → columns that a treatment may write and that the account may not. Empty for servers that do not tell."""
    statement = _FORBIDDEN.get(kind)
    if statement is None:
        return {}
    tables = changed(catalogue)
    denied = {
        (schema, row.name, row.field)
        for schema in {table.relation.schema for table in tables}
        for row in connection.execute(statement, {"schema": schema})
    }
    found = {
        table.collection: frozenset(column.name for column in written(table) if (table.relation.schema, table.relation.name, column.name) in denied)
        for table in tables
    }
    return {collection: names for collection, names in found.items() if names}


def missing_updates(denied: Mapping[str, frozenset[str]]) -> Iterator[Problem]:
    """A warning for each table that may be changed in some columns only: a treatment that needs another one is refused while it is planned."""
    for collection, names in denied.items():
        listed = ", ".join(sorted(names))
        yield Problem(
            "sql.missing_update",
            f"the account may not UPDATE {listed} of {collection}",
            f"GRANT UPDATE ({listed}) ON {collection}",
            is_fatal=False,
        )


def forbidding(database: Database, catalogue: Catalogue, foreseen: Sequence[Foreseen], changes: Sequence[Change]) -> Sequence[Foreseen]:
    """Refuses rewrites of columns that the account may not update: before anybody approves, not in the middle of the effects."""
    if not any(isinstance(one.effect, Rewrite) for one in foreseen):
        return foreseen
    with database.reading("checking permissions") as connection:
        denied = forbidden(connection, database.dialect.name, catalogue)
    return [_judged(change, one, denied.get(change.locator.collection, frozenset())) for change, one in zip(changes, foreseen, strict=True)]


def _judged(change: Change, one: Foreseen, denied: frozenset[str]) -> Foreseen:
    edits = one.effect.edits if isinstance(one.effect, Rewrite) and one.refusal is None else ()
    names = sorted({name for edit in edits if (name := edit.place.split("/", 1)[0]) in denied})
    if not names:
        return one
    text = f"the account may not UPDATE {', '.join(names)} of {change.locator.collection}"
    return replace(one, refusal=Problem("sql.missing_update", text, f"GRANT UPDATE ({', '.join(names)}) ON {change.locator.collection}"))


def hides_tables(database: Database, catalogue: Catalogue) -> bool:
    with database.reading("checking permissions") as connection:
        return unseen(connection, database.dialect.name, catalogue) is not None


def unseen(connection: sa.Connection, kind: str, catalogue: Catalogue) -> Problem | None:
    """MariaDB and MySQL hide tables without any privilege altogether: who may not read the whole database cannot know what is missing."""
    if kind != "mariadb" or catalogue.manifest.discover is Discover.NONE:
        return None
    schema = connection.engine.url.database or ""
    if any(grant.gives("SELECT", schema) for grant in shown(connection)):
        return None
    return Problem(
        "sql.unseen",
        UNSEEN,
        f"GRANT SELECT ON {schema}.*",
        is_fatal=False,
    )
