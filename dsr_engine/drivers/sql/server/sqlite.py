"""SQLite files. Types are per value here, so values are read as they are stored and a column's declared type is only a hint."""

import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.sql.elements import ColumnElement

from dsr_engine.domain.anonymize import ValueType
from dsr_engine.domain.errors import InputWrong, Unreachable
from dsr_engine.drivers.driver import Problem
from dsr_engine.drivers.sql.schema.columns import AsIs
from dsr_engine.drivers.sql.server.dialects import Generic, Relation, Shape, read_only

_RELATIONS = sa.text(
    "SELECT t.name, t.type, s.sql FROM pragma_table_list AS t JOIN sqlite_schema AS s ON s.name = t.name"
    " WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND s.type IN ('table', 'view') ORDER BY t.name"
)

#: A full-text index whose texts stand in another table, or (empty) nowhere: https://www.sqlite.org/fts5.html, sections 4.4.1 and 4.4.3.
_CONTENT = re.compile(r"""\bUSING\s+["'`\[]?fts[345]\b.*?[(,]\s*content\s*=\s*(?:'([^']*)'|"([^"]*)"|`([^`]*)`|(\w*))""", re.IGNORECASE | re.DOTALL)

#: SQLAlchemy does not tell the ON DELETE of a foreign key that is written behind its column.
_DELETE_RULES = sa.text(
    'SELECT one.name AS own, link."from" AS field, link."table" AS referred, link.on_delete AS rule'
    " FROM pragma_table_list AS one JOIN pragma_foreign_key_list(one.name) AS link WHERE one.schema = 'main' AND one.type = 'table' AND link.seq = 0"
)

#: The written form of a date that can be compared as text; anything else (an epoch number, another order) is no known date.
_ISO = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*"


def opener(url: sa.URL) -> Callable[[], sqlite3.Connection]:
    """Opens the file that the url names, and never creates one: a wrong path must not look like an empty database."""
    if not url.database or url.database == ":memory:":
        raise InputWrong("a sqlite url needs a file", code="sql.no_database", hint="sqlite:////absolute/path.db")
    path = Path(url.database).resolve()
    mode = "ro" if url.query.get("mode") == "ro" else "rw"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(f"file:{quote(str(path))}?mode={mode}", uri=True, timeout=10, isolation_level=None, check_same_thread=False)
        connection.text_factory = _text
        return connection

    return connect


class SQLite(Generic):
    name = "sqlite"

    def __init__(self, url: sa.URL) -> None:
        self._path = Path(url.database or "").resolve()

    def prepare(self, connection: DBAPIConnection) -> None:
        cursor = connection.cursor()
        try:
            for pragma in ("PRAGMA foreign_keys=ON", "PRAGMA secure_delete=ON"):
                cursor.execute(pragma)
        finally:
            cursor.close()

    def identity(self, connection: sa.Connection) -> str:  # noqa: ARG002  # the protocol's signature
        """A digest of where the file is and which file it is; a path may hold a name."""
        try:
            facts = self._path.stat()
        except OSError:
            raise Unreachable("the database file is gone", code="sql.unreachable", hint="check the path in the url") from None
        return "sqlite:" + sha256(f"{self._path}:{facts.st_dev}:{facts.st_ino}".encode(errors="surrogateescape")).hexdigest()[:32]

    def begin(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def schemas(self, connection: sa.Connection, chosen: str) -> Sequence[str]:  # noqa: ARG002  # the protocol's signature
        return ("main",)

    def relations(self, connection: sa.Connection, schema: str) -> Sequence[Relation]:
        found = []
        for row in connection.execute(_RELATIONS):
            if row.type == "view":
                found.append(Relation(schema, row.name, Shape.VIEW, "a view: it shows what other collections hold", fixed="a view cannot be changed"))
            elif row.type in ("table", "virtual"):
                found.append(_index(schema, row.name, row.sql) or Relation(schema, row.name))
        return found

    def delete_rules(self, connection: sa.Connection, schema: str) -> Mapping[tuple[str, str, str], str]:  # noqa: ARG002  # the protocol's signature
        return {(row.own.lower(), row.field.lower(), row.referred.lower()): row.rule for row in connection.execute(_DELETE_RULES)}

    def parameter(self, kind: ValueType, text: str) -> object:
        value = super().parameter(kind, text)
        return float(value) if isinstance(value, Decimal) else value

    def exactly(self, read: ColumnElement[Any], value: object) -> ColumnElement[bool]:
        bound = sa.literal(value, AsIs())
        return sa.and_(read.is_not_distinct_from(sa.collate(bound, "BINARY")), sa.func.typeof(read) == sa.func.typeof(bound))

    def row_address(self) -> ColumnElement[Any] | None:
        return sa.literal_column("_rowid_", AsIs())

    def logs_values(self, connection: sa.Connection) -> bool:  # noqa: ARG002  # the protocol's signature
        return False

    def dated(self, element: ColumnElement[Any]) -> ColumnElement[Any]:
        return sa.case(
            (
                sa.and_(sa.func.typeof(element) == "text", element.op("GLOB")(sa.literal(_ISO, AsIs())), element >= sa.literal("0001-01-02", AsIs())),
                element,
            )
        )

    def permissions(self, connection: sa.Connection, relations: Sequence[Relation]) -> Sequence[Problem]:  # noqa: ARG002  # the protocol's signature
        version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # which a read-only file still grants: only a write is refused
            connection.exec_driver_sql(f"PRAGMA user_version = {int(version)}")
            connection.exec_driver_sql("ROLLBACK")
        except exc.OperationalError as error:
            if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY:
                return (read_only(),)
            raise
        return ()


def _index(schema: str, name: str, sql: str) -> Relation | None:
    """A full-text index that has no texts of its own. Its words follow those of its table, by triggers that somebody must have written."""
    content = _CONTENT.search(sql)
    if content is None:
        return None
    shows = "".join(filter(None, content.groups()))
    if shows:
        reason = f"a search index: it shows what {shows} holds"
        return Relation(schema, name, Shape.VIEW, reason, fixed="a search index cannot be changed", shows=shows)
    reason = "a search index without its texts: only its words are kept, and they cannot be read back"
    return Relation(schema, name, Shape.FOREIGN, reason, fixed=reason)


def _text(raw: bytes) -> Any:
    """A text as SQLite stores it; one that is no UTF-8 comes as bytes and is searched like a file."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw
