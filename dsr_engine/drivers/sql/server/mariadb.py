"""MariaDB and MySQL (PyMySQL)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection, ReflectedForeignKeyConstraint
from sqlalchemy.sql.elements import ColumnElement

from dsr_engine.domain.anonymize import ValueType
from dsr_engine.drivers.driver import Problem
from dsr_engine.drivers.sql.schema.columns import AsIs
from dsr_engine.drivers.sql.server.dialects import Generic, Relation, Shape, missing_rights, read_only

#: Strict mode turns a value that does not fit into an error instead of a silent cut.
_SESSION = (
    "SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', "
    "foreign_key_checks = 1, unique_checks = 1, innodb_lock_wait_timeout = 10"
)

_RELATIONS = sa.text("""
SELECT t.TABLE_NAME AS name, t.TABLE_TYPE AS kind, t.ENGINE AS engine, t.TABLE_ROWS AS estimate, e.TRANSACTIONS AS transactions
FROM information_schema.TABLES t LEFT JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE
WHERE t.TABLE_SCHEMA = :schema AND t.TABLE_TYPE <> 'SEQUENCE' ORDER BY t.TABLE_NAME
""")

_HIDDEN = sa.text("""
SELECT TABLE_NAME AS name, COLUMN_NAME AS field FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = :schema AND CONCAT(',', PRIVILEGES, ',') NOT LIKE '%select%'
""")

_JSON_CHECKS = sa.text("""
SELECT c.TABLE_NAME AS name, c.COLUMN_NAME AS field FROM information_schema.COLUMNS c
JOIN information_schema.CHECK_CONSTRAINTS k ON k.CONSTRAINT_SCHEMA = c.TABLE_SCHEMA AND k.TABLE_NAME = c.TABLE_NAME
WHERE c.TABLE_SCHEMA = :schema AND k.CHECK_CLAUSE = CONCAT('json_valid(`', c.COLUMN_NAME, '`)')
""")

_FOREIGN_KEYS = sa.text("""
SELECT k.TABLE_NAME AS name, k.CONSTRAINT_NAME AS key_name, k.COLUMN_NAME AS field, k.REFERENCED_TABLE_SCHEMA AS referred_schema,
       k.REFERENCED_TABLE_NAME AS referred_table, k.REFERENCED_COLUMN_NAME AS referred_field, r.DELETE_RULE AS rule
FROM information_schema.KEY_COLUMN_USAGE k JOIN information_schema.REFERENTIAL_CONSTRAINTS r
  ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME AND r.TABLE_NAME = k.TABLE_NAME
WHERE k.TABLE_SCHEMA = :schema AND k.REFERENCED_TABLE_NAME IS NOT NULL ORDER BY k.TABLE_NAME, k.CONSTRAINT_NAME, k.ORDINAL_POSITION
""")

_GEOMETRIES = sa.text("""
SELECT TABLE_NAME AS name, COLUMN_NAME AS field FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = :schema AND DATA_TYPE IN
('geometry', 'point', 'linestring', 'polygon', 'multipoint', 'multilinestring', 'multipolygon', 'geometrycollection', 'geomcollection')
""")

_ALL_COLUMNS = sa.text("""
SELECT TABLE_NAME AS name, COLUMN_NAME AS field, IS_NULLABLE = 'YES' AS is_nullable FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = :schema ORDER BY TABLE_NAME, ORDINAL_POSITION
""")

_NAME = r"(?:\*|`(?:[^`]|``)*`|[^\s.`]+)"
_GRANT = re.compile(rf"GRANT (?P<rights>.+?) ON (?:TABLE )?(?P<schema>{_NAME})\.(?P<table>{_NAME}) TO ", re.DOTALL)
#: The columns behind a privilege that does not hold for the whole table.
_COLUMNS = re.compile(r"\s*\((?:`(?:[^`]|``)*`|[^`()])*\)")
_NEEDED = ("SELECT", "UPDATE", "DELETE")


class MariaDB(Generic):
    name = "mariadb"

    def prepare(self, connection: DBAPIConnection) -> None:
        cursor = connection.cursor()
        try:
            cursor.execute(_SESSION)
        finally:
            cursor.close()

    def identity(self, connection: sa.Connection) -> str:
        known = {
            str(row[0]).lower(): str(row[1])
            for row in connection.execute(
                sa.text("SHOW VARIABLES WHERE Variable_name IN ('server_uid', 'server_uuid', 'hostname', 'port', 'datadir')")
            )
        }
        server = known.get("server_uid") or known.get("server_uuid") or f"{known.get('hostname')}:{known.get('port')}:{known.get('datadir')}"
        return f"mariadb:{server}:{connection.engine.url.database}"

    def schemas(self, connection: sa.Connection, chosen: str) -> Sequence[str]:
        return (chosen or str(connection.scalar(sa.text("SELECT DATABASE()"))),)

    def relations(self, connection: sa.Connection, schema: str) -> Sequence[Relation]:
        hidden: dict[str, list[str]] = {}
        for row in connection.execute(_HIDDEN, {"schema": schema}):
            hidden.setdefault(row.name, []).append(row.field)
        return [_relation(schema, row, tuple(hidden.get(row.name, ()))) for row in connection.execute(_RELATIONS, {"schema": schema})]

    def foreign_keys(self, connection: sa.Connection, schema: str) -> Mapping[str, Sequence[ReflectedForeignKeyConstraint]]:
        """The inspector reads SHOW CREATE TABLE, and drops or misreads a key whose names hold parentheses or backticks, without a word."""
        found: dict[tuple[str, str], ReflectedForeignKeyConstraint] = {}
        for row in connection.execute(_FOREIGN_KEYS, {"schema": schema}):
            key = found.setdefault(
                (row.name, row.key_name),
                {
                    "name": row.key_name,
                    "constrained_columns": [],
                    "referred_schema": row.referred_schema,
                    "referred_table": row.referred_table,
                    "referred_columns": [],
                    "options": {"ondelete": row.rule},
                },
            )
            key["constrained_columns"].append(row.field)
            key["referred_columns"].append(row.referred_field)
        by_table: dict[str, list[ReflectedForeignKeyConstraint]] = {}
        for (table, _), key in found.items():
            by_table.setdefault(table, []).append(key)
        return by_table

    def json_columns(self, connection: sa.Connection, schema: str) -> frozenset[tuple[str, str]]:
        """MariaDB's JSON is a LONGTEXT with the check `json_valid(column)`; MySQL has a type for it."""
        if not getattr(connection.dialect, "is_mariadb", False):
            return frozenset()
        return frozenset((row.name, row.field) for row in connection.execute(_JSON_CHECKS, {"schema": schema}))

    def geometries(self, connection: sa.Connection, schema: str) -> frozenset[tuple[str, str]]:
        return frozenset((row.name, row.field) for row in connection.execute(_GEOMETRIES, {"schema": schema}))

    def unreflected(self, connection: sa.Connection, schema: str, known: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[tuple[str, bool]]]:
        """SQLAlchemy reads SHOW CREATE TABLE line by line, and a name may hold a line feed."""
        found: dict[str, list[tuple[str, bool]]] = {}
        for row in connection.execute(_ALL_COLUMNS, {"schema": schema}):
            if row.name in known and row.field not in known[row.name]:
                found.setdefault(row.name, []).append((row.field, bool(row.is_nullable)))
        return found

    def as_text(self, element: ColumnElement[Any], kind: ValueType, is_array: bool) -> ColumnElement[Any]:  # noqa: ARG002  # the protocol's signature
        if kind in (ValueType.BINARY, ValueType.TEXT, ValueType.ENUM, ValueType.JSON):
            return element
        return sa.cast(element, sa.CHAR)

    def exactly(self, read: ColumnElement[Any], value: object) -> ColumnElement[bool]:
        return sa.cast(read, sa.LargeBinary).is_not_distinct_from(sa.cast(sa.literal(value, AsIs()), sa.LargeBinary))

    def logs_values(self, connection: sa.Connection) -> bool:
        """PyMySQL writes parameters into the statement, and the general and the slow log keep statements as they came."""
        return bool(connection.scalar(sa.text("SELECT @@global.general_log OR @@global.slow_query_log")))

    def permissions(self, connection: sa.Connection, relations: Sequence[Relation]) -> Sequence[Problem]:
        grants = [match for row in connection.execute(sa.text("SHOW GRANTS")) if (match := _GRANT.match(str(row[0])))]
        if connection.scalar(sa.text("SELECT @@global.read_only")) and not any(_passes_read_only(match["rights"]) for match in grants):
            return (read_only(),)
        return [problem for relation in relations for problem in _missing(relation, grants)]


def _relation(schema: str, row: sa.Row[Any], hidden: tuple[str, ...]) -> Relation:
    if row.kind in ("VIEW", "SYSTEM VIEW"):
        return Relation(
            schema,
            row.name,
            Shape.VIEW,
            "a view: it shows what other collections hold",
            fixed="a view cannot be changed; change what it is made from",
        )
    caveats = [f"{len(hidden)} columns that the account may not read"] if hidden else []
    if row.kind == "SYSTEM VERSIONED":
        caveats.append("a system-versioned table keeps earlier versions of its rows, which were not searched")
    fixed = "" if row.transactions == "YES" else f"its storage engine ({row.engine}) has no transactions, so a change could stay half done"
    return Relation(
        schema, row.name, caveat="; ".join(caveats), fixed=fixed, hidden=hidden, count=None if row.estimate is None else int(row.estimate)
    )


def _missing(relation: Relation, grants: Sequence[re.Match[str]]) -> list[Problem]:
    held: set[str] = set()
    for grant in grants:
        if _covers(_unquoted(grant["schema"]), _unquoted(grant["table"]), relation):
            plain = _COLUMNS.sub("", grant["rights"])
            held.update(_NEEDED if "ALL PRIVILEGES" in plain else {right.strip() for right in plain.split(",")})
    missing = [right for right in _NEEDED if right not in held]
    return missing_rights(f"{relation.schema}.{relation.name}", missing)


def _unquoted(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name


def _covers(schema: str, table: str, relation: Relation) -> bool:
    """True if a grant's target (`*.*`, a database that may hold the wildcards % and _, or one table) covers the table."""
    pattern = re.escape(schema).replace("%", ".*").replace(r"\\_", "\0").replace("_", ".").replace("\0", "_")
    return (schema == "*" or re.fullmatch(pattern, relation.schema) is not None) and table in ("*", relation.name)


def _passes_read_only(rights: str) -> bool:
    return any(word in rights for word in ("ALL PRIVILEGES", "SUPER", "READ_ONLY ADMIN", "READ ONLY ADMIN", "CONNECTION_ADMIN"))
