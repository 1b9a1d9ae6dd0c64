"""PostgreSQL 14 and later. Every value is read as text in a fixed rendering, which is also what COPY gives."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.sql.elements import ColumnElement

from dsr_engine.domain.anonymize import ValueType
from dsr_engine.drivers.driver import Problem
from dsr_engine.drivers.sql.schema.columns import AsIs, Declared
from dsr_engine.drivers.sql.server.dialects import Generic, Relation, Shape, missing_rights, read_only

#: `row_security` off makes the server refuse a query that a policy would silently thin out, instead of answering less.
_SESSION = {
    "timezone": "UTC",
    "datestyle": "ISO",
    "intervalstyle": "iso_8601",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "row_security": "off",
    "client_encoding": "UTF8",
    "lock_timeout": "10s",
}

_RELATIONS = sa.text("""
SELECT c.relname AS name, c.relkind::text AS kind, c.relispopulated AS is_populated, c.reltuples::bigint AS estimate,
       row_security_active(c.oid) AS is_filtered, c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid) AS is_inherited,
       has_schema_privilege(n.oid, 'USAGE') AS is_open, has_any_column_privilege(c.oid, 'SELECT') AS is_readable,
       COALESCE((SELECT array_agg(a.attname::text) FROM pg_attribute a
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND NOT has_column_privilege(c.oid, a.attnum, 'SELECT')),
                ARRAY[]::text[]) AS hidden
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = :schema AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
ORDER BY c.relname
""")

_DECLARED = sa.text("""
SELECT c.relname AS name, a.attname AS field, format_type(a.atttypid, a.atttypmod) AS declared
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE n.nspname = :schema AND c.relkind IN ('r', 'p', 'm') AND a.attnum > 0 AND NOT a.attisdropped
""")

_RIGHTS = sa.text("""
SELECT has_table_privilege(c.oid, 'SELECT') AS can_select, has_any_column_privilege(c.oid, 'UPDATE') AS can_update,
       has_table_privilege(c.oid, 'DELETE') AS can_delete
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = :schema AND c.relname = :name
""")

#: The cluster's own identifier and the database in it; a physical standby has the same.
_BY_SYSTEM = sa.text("""
SELECT 'postgresql:' || system_identifier || ':' || (SELECT oid FROM pg_database WHERE datname = current_database()) FROM pg_control_system()
""")

#: Where the control file may not be read: the address, and the database's name and oid.
_BY_ADDRESS = sa.text("""
SELECT concat_ws(':', 'postgresql', COALESCE(host(inet_server_addr()), 'local'), COALESCE(inet_server_port(), 0), current_database(), oid)
FROM pg_database WHERE datname = current_database()
""")

_LOGGING = sa.text("""
SELECT current_setting('log_parameter_max_length') <> '0'
   AND (current_setting('log_statement') = 'all' OR current_setting('log_duration')::boolean
        OR current_setting('log_min_duration_statement') <> '-1' OR current_setting('log_min_duration_sample') <> '-1'
        OR current_setting('log_transaction_sample_rate') <> '0')
""")

_SHAPES = {"r": Shape.TABLE, "p": Shape.TABLE, "v": Shape.VIEW, "m": Shape.SNAPSHOT, "f": Shape.FOREIGN}


class PostgreSQL(Generic):
    """The identity comes from `pg_control_system()`, which everybody may call unless it was revoked; then the address must do."""

    name = "postgresql"

    def prepare(self, connection: DBAPIConnection) -> None:
        cursor = connection.cursor()
        try:
            for setting, value in _SESSION.items():
                cursor.execute("SELECT set_config(%s, %s, false)", (setting, value))
        finally:
            cursor.close()
        connection.commit()

    def __init__(self) -> None:
        self._identity: sa.TextClause | None = None

    def identity(self, connection: sa.Connection) -> str:
        if self._identity is None:
            may_call = connection.scalar(sa.text("SELECT has_function_privilege('pg_control_system()', 'EXECUTE')"))
            self._identity = _BY_SYSTEM if may_call else _BY_ADDRESS
        return str(connection.scalar(self._identity))

    def schemas(self, connection: sa.Connection, chosen: str) -> Sequence[str]:
        if chosen:
            return (chosen,)
        default = str(connection.scalar(sa.text("SELECT COALESCE(current_schema(), 'public')")))
        rest = connection.scalars(
            sa.text("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', :default) ORDER BY 1"),
            {"default": default},
        )
        return (default, *rest)

    def relations(self, connection: sa.Connection, schema: str) -> Sequence[Relation]:
        return [_relation(schema, row) for row in connection.execute(_RELATIONS, {"schema": schema})]

    def declared(self, connection: sa.Connection, schema: str) -> Mapping[tuple[str, str], str]:
        return {(row.name, row.field): row.declared for row in connection.execute(_DECLARED, {"schema": schema})}

    def as_text(self, element: ColumnElement[Any], kind: ValueType, is_array: bool) -> ColumnElement[Any]:
        if kind is ValueType.BINARY:
            return element
        return sa.cast(sa.func.to_jsonb(element), sa.Text) if is_array else sa.cast(element, sa.Text)

    def parameter(self, kind: ValueType, text: str) -> object:
        return bytes.fromhex(text) if kind is ValueType.BINARY else text  # the server takes it in its column's type

    def among(self, elements: Sequence[ColumnElement[Any]], declared: Sequence[str], rows: Sequence[Sequence[object]]) -> ColumnElement[bool]:
        """One array for each column: a parameter for each value would take the connector longer to write than the server to answer."""
        arrays = [
            sa.cast(sa.literal(list(part), AsIs()), Declared(f"{words}[]")) for part, words in zip(zip(*rows, strict=True), declared, strict=True)
        ]
        if len(elements) == 1:
            return elements[0] == sa.func.any(arrays[0])
        return sa.tuple_(*elements).in_(sa.select(sa.text("*")).select_from(sa.func.unnest(*arrays)))

    def exactly(self, read: ColumnElement[Any], value: object) -> ColumnElement[bool]:
        return read.is_not_distinct_from(sa.literal(value, AsIs() if isinstance(value, bytes) else sa.Text()))

    def logs_values(self, connection: sa.Connection) -> bool:
        """A logged statement brings its parameters along (PostgreSQL manual, `log_parameter_max_length`)."""
        return bool(connection.scalar(_LOGGING))

    def permissions(self, connection: sa.Connection, relations: Sequence[Relation]) -> Sequence[Problem]:
        state = connection.execute(sa.text("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean"))
        if state.scalar():
            return (read_only(),)
        return [problem for relation in relations if relation.shape is not Shape.OBJECTS for problem in self._rights(connection, relation)]

    def _rights(self, connection: sa.Connection, relation: Relation) -> Sequence[Problem]:
        row = connection.execute(_RIGHTS, {"schema": relation.schema, "name": relation.name}).one()
        missing = [right for right, held in (("SELECT", row.can_select), ("UPDATE", row.can_update), ("DELETE", row.can_delete)) if not held]
        return missing_rights(f"{relation.schema}.{relation.name}", missing)


def _relation(schema: str, row: sa.Row[Any]) -> Relation:
    shape = _SHAPES[row.kind]
    hidden = tuple(row.hidden)
    estimate = None if row.estimate < 0 else int(row.estimate)
    return Relation(schema, row.name, shape, _unread(shape, row), _caveat(row), _fixed(shape), hidden, estimate, row.is_inherited)


def _unread(shape: Shape, row: sa.Row[Any]) -> str:
    if shape is Shape.VIEW:
        return "a view: it shows what other collections hold"
    if shape is Shape.FOREIGN:
        return "a foreign table: its rows live on another server"
    if not row.is_populated:
        return "a materialized view that was never filled"
    if not row.is_open:
        return "the account may not read it (grant USAGE on its schema)"
    if not row.is_readable:
        return "the account may not read it (grant SELECT)"
    return "row level security hides rows from this account (grant BYPASSRLS)" if row.is_filtered else ""


def _caveat(row: sa.Row[Any]) -> str:
    return f"{len(row.hidden)} columns that the account may not read" if row.hidden else ""


def _fixed(shape: Shape) -> str:
    return f"a {shape.value} cannot be changed; change what it is made from" if shape is not Shape.TABLE else ""
