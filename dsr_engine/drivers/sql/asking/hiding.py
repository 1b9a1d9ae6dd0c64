"""What hides restricted rows from everybody by default, as SQL that an administrator reads, changes and runs. Nothing here is executed.

A mark that every query has to remember protects nobody. PostgreSQL can keep marked rows back by itself (manual, 5.8, Row Security Policies);
elsewhere a view without them takes the table's place in what applications are granted. Rows that were moved are kept apart by privileges on their
table.
"""

from collections.abc import Iterator

import sqlalchemy as sa

from dsr_engine.domain.anonymize import ValueType
from dsr_engine.drivers.access import Grant
from dsr_engine.drivers.sql.asking.rights import receiving, searched
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Table
from dsr_engine.drivers.sql.schema.columns import Column
from dsr_engine.drivers.sql.server.dialects import Shape

HIDE = "hide"
#: Whoever needs restricted rows for the ground on which they stay is made a member of it.
READERS = "dsr_restricted_readers"
_ROLE = f"DO $dsr$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{READERS}') THEN CREATE ROLE {READERS} NOLOGIN; END IF; END $dsr$;"
_HAS_POLICIES = sa.text(
    "SELECT c.relrowsecurity FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = :schema AND c.relname = :name"
)


def hiding(connection: sa.Connection, kind: str, catalogue: Catalogue, account: str) -> Iterator[Grant]:
    """Every statement in the order in which they are run; none where no connector says how records are restricted."""
    marked = [table for table in searched(catalogue) if table.map is not None and table.map.fence and table.relation.shape is Shape.TABLE]
    apart = receiving(catalogue)
    if kind == "postgresql" and (marked or apart):
        yield Grant(HIDE, _ROLE, f"who needs restricted rows for the ground on which they stay, and nobody else: GRANT {READERS} TO somebody")
    for table in marked:
        yield from _by_policy(connection, table, account) if kind == "postgresql" else _by_view(connection, kind, table)
    for table in apart:
        yield from _by_privileges(connection, kind, table)


def _by_policy(connection: sa.Connection, table: Table, account: str) -> Iterator[Grant]:
    assert table.map is not None
    name = _name(connection, table.relation.schema, table.relation.name)
    role = f"pg_has_role('{READERS}', 'MEMBER')"
    shown = " AND ".join(
        f"{_name(connection, column)} IS DISTINCT FROM {_literal(table.columns[column], value)}" for column, value in table.map.fence
    )
    row = connection.execute(_HAS_POLICIES, {"schema": table.relation.schema, "name": table.relation.name}).one_or_none()
    if row is None or not row.relrowsecurity:
        yield Grant(
            HIDE, f"CREATE POLICY dsr_everything ON {name} USING (true) WITH CHECK (true);", "everything that is not restricted stays as it was"
        )
    yield Grant(
        HIDE,
        f"CREATE POLICY dsr_hide_restricted ON {name} AS RESTRICTIVE FOR SELECT USING (({shown}) OR {role});",
        f"restricted rows of {table.collection} are invisible to every role but members of {READERS}; superusers and the table's owner pass it by, "
        "so let applications log in as neither",
    )
    yield Grant(HIDE, f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY;")
    yield Grant(
        HIDE, f"ALTER ROLE {_name(connection, account)} BYPASSRLS;", "the engine has to see what it restricted, to erase it when its time has come"
    )


def _by_view(connection: sa.Connection, kind: str, table: Table) -> Iterator[Grant]:
    assert table.map is not None
    name, view = (_name(connection, table.relation.schema, text) for text in (table.relation.name, f"{table.relation.name}_usable"))
    shown = " AND ".join(
        f"NOT ({_name(connection, column)} <=> {_literal(table.columns[column], value)})"
        if kind == "mariadb"
        else f"{_name(connection, column)} IS NOT {_literal(table.columns[column], value)}"
        if kind == "sqlite"
        else f"({_name(connection, column)} IS NULL OR {_name(connection, column)} <> {_literal(table.columns[column], value)})"
        for column, value in table.map.fence
    )
    why = f"{table.collection} without its restricted rows: let applications read this instead of the table (REVOKE SELECT there, GRANT SELECT here)"
    yield Grant(HIDE, f"CREATE VIEW {view} AS SELECT * FROM {name} WHERE {shown};", why)  # noqa: S608  # printed, never run


def _by_privileges(connection: sa.Connection, kind: str, table: Table) -> Iterator[Grant]:
    name = _name(connection, table.relation.schema, table.relation.name)
    if kind == "postgresql":
        yield Grant(HIDE, f"REVOKE ALL ON TABLE {name} FROM PUBLIC;", f"{table.collection} takes restricted rows")
        yield Grant(HIDE, f"GRANT SELECT ON TABLE {name} TO {READERS};")
    else:
        yield Grant(HIDE, "", f"{table.collection} takes restricted rows: no application may read it. A privilege on the whole database includes it")


def _name(connection: sa.Connection, *parts: str) -> str:
    preparer = connection.dialect.identifier_preparer
    quoted = [preparer.quote_identifier(part) for part in parts if part]
    return ".".join(text.replace("%%", "%") if preparer._double_percents else text for text in quoted)


def _literal(column: Column, value: str | int | bool) -> str:
    """A value as it is written into a statement; it stands in a connector and is nobody's."""
    if column.type is ValueType.BOOLEAN:
        return "TRUE" if value else "FALSE"
    if isinstance(value, bool | int):
        return str(int(value)) if column.type in (ValueType.INTEGER, ValueType.NUMBER) else f"'{int(value)}'"
    return "'" + value.replace("'", "''") + "'"
