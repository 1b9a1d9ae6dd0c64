"""What differs between database servers, in one protocol: `postgresql.py`, `mariadb.py` and `sqlite.py` answer it; any other gets `Generic`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection, ReflectedForeignKeyConstraint
from sqlalchemy.sql.elements import ColumnElement

from dsr_engine.domain.anonymize import ValueType
from dsr_engine.drivers.driver import Problem
from dsr_engine.drivers.sql.schema.columns import AsIs

_WHOLE = re.compile(r"-?\d{1,38}")


class Shape(StrEnum):
    TABLE = "table"
    VIEW = "view"
    SNAPSHOT = "materialized view"
    FOREIGN = "foreign table"
    OBJECTS = "large objects"


@dataclass(frozen=True, slots=True)
class Relation:
    """One thing that looks like a table. `reason`: why it is not searched. `caveat`: what stays unseen although it is searched.

    `is_inherited`: other tables inherit from it, and show in it unless they are kept out.
    `shows`: for a search index without texts of its own, the table whose texts it shows.
    `fixed`: why nothing in it can be changed by this driver. `hidden` are columns that the account may not read. `count` is an estimate.
    """

    schema: str
    name: str
    shape: Shape = Shape.TABLE
    reason: str = ""
    caveat: str = ""
    fixed: str = ""
    hidden: tuple[str, ...] = ()
    count: int | None = None
    is_inherited: bool = False
    shows: str = ""


class Dialect(Protocol):
    """One kind of server."""

    name: str

    def prepare(self, connection: DBAPIConnection) -> None:
        """Settings of a new session: one time zone, one rendering, strict writes. Runs once for each connection."""

    def identity(self, connection: sa.Connection) -> str:
        """Names server and database, the same for every connection to it and different for any other. Holds no personal data."""

    def begin(self, connection: sa.Connection) -> None:
        """Begins a transaction that will write."""

    def schemas(self, connection: sa.Connection, chosen: str) -> Sequence[str]:
        """The schemas to look at, the default one first."""

    def relations(self, connection: sa.Connection, schema: str) -> Sequence[Relation]:
        """Everything in the schema that holds rows or shows them, also what we may not read."""

    def declared(self, connection: sa.Connection, schema: str) -> Mapping[tuple[str, str], str]:
        """(table, column) → the type in the server's words, where writing needs a cast."""

    def delete_rules(self, connection: sa.Connection, schema: str) -> Mapping[tuple[str, str, str], str]:
        """ON DELETE of foreign keys by (table, first column, referred table), where the inspector does not tell it."""

    def foreign_keys(self, connection: sa.Connection, schema: str) -> Mapping[str, Sequence[ReflectedForeignKeyConstraint]]:
        """All foreign keys of those tables of which the server tells them by itself; of the others the inspector does."""

    def json_columns(self, connection: sa.Connection, schema: str) -> frozenset[tuple[str, str]]:
        """(table, column) of texts that the server keeps as JSON although their type does not say so."""

    def geometries(self, connection: sa.Connection, schema: str) -> frozenset[tuple[str, str]]:
        """(table, column) of shapes and points that the server turns into text only by a function of their own (`ST_AsText`)."""

    def unreflected(self, connection: sa.Connection, schema: str, known: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[tuple[str, bool]]]:
        """Table → (column, may it be NULL) of columns that the inspector, which found `known`, has overlooked."""

    def as_text(self, element: ColumnElement[Any], kind: ValueType, is_array: bool) -> ColumnElement[Any]:
        """Reads a value as text in one fixed rendering; binary values as bytes."""

    def parameter(self, kind: ValueType, text: str) -> object:
        """A key part as the value that is compared with its column."""

    def among(self, elements: Sequence[ColumnElement[Any]], declared: Sequence[str], rows: Sequence[Sequence[object]]) -> ColumnElement[bool]:
        """True for rows whose columns, of these declared types, equal one of the given tuples. There is at least one."""

    def exactly(self, read: ColumnElement[Any], value: object) -> ColumnElement[bool]:
        """True for rows in which `read` is this very value, NULL included, whatever the collation says."""

    def row_address(self) -> ColumnElement[Any] | None:
        """What names a row without a key for the time of one transaction; None: only its values do."""

    def dated(self, element: ColumnElement[Any]) -> ColumnElement[Any]:
        """The moment in a column, NULL where there is none that can be compared."""

    def permissions(self, connection: sa.Connection, relations: Sequence[Relation]) -> Sequence[Problem]:
        """What is missing to find and change. Changes nothing."""

    def logs_values(self, connection: sa.Connection) -> bool:
        """True if the server may write the values of a query into a log of its own."""


class Generic:
    """A server that this driver was not made for: plain SQL only. It is told apart by its address."""

    name = "generic"

    def prepare(self, connection: DBAPIConnection) -> None:
        """Nothing is known that would have to be set."""

    def identity(self, connection: sa.Connection) -> str:
        url = connection.engine.url
        return f"{url.get_backend_name()}:{url.host}:{url.port}:{url.database}"

    def begin(self, connection: sa.Connection) -> None:
        """SQLAlchemy begins by itself."""

    def schemas(self, connection: sa.Connection, chosen: str) -> Sequence[str]:
        return (chosen or sa.inspect(connection).default_schema_name or "",)

    def relations(self, connection: sa.Connection, schema: str) -> Sequence[Relation]:
        inspector = sa.inspect(connection)
        views = [
            Relation(schema, name, Shape.VIEW, "a view: it shows what other collections hold") for name in inspector.get_view_names(schema or None)
        ]
        return [*(Relation(schema, name) for name in inspector.get_table_names(schema or None)), *views]

    def declared(self, connection: sa.Connection, schema: str) -> Mapping[tuple[str, str], str]:  # noqa: ARG002  # the protocol's signature
        return {}

    def delete_rules(self, connection: sa.Connection, schema: str) -> Mapping[tuple[str, str, str], str]:  # noqa: ARG002  # the protocol's signature
        return {}

    def foreign_keys(self, connection: sa.Connection, schema: str) -> Mapping[str, Sequence[ReflectedForeignKeyConstraint]]:  # noqa: ARG002  # the protocol's signature
        return {}

    def json_columns(self, connection: sa.Connection, schema: str) -> frozenset[tuple[str, str]]:  # noqa: ARG002  # the protocol's signature
        return frozenset()

    def geometries(self, connection: sa.Connection, schema: str) -> frozenset[tuple[str, str]]:  # noqa: ARG002  # the protocol's signature
        return frozenset()

    def unreflected(self, connection: sa.Connection, schema: str, known: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[tuple[str, bool]]]:  # noqa: ARG002  # the protocol's signature
        return {}

    def as_text(self, element: ColumnElement[Any], kind: ValueType, is_array: bool) -> ColumnElement[Any]:  # noqa: ARG002  # the protocol's signature
        return element

    def parameter(self, kind: ValueType, text: str) -> object:
        match kind:
            case ValueType.BINARY:
                return bytes.fromhex(text)
            case ValueType.INTEGER | ValueType.NUMBER if _WHOLE.fullmatch(text):
                return int(text)
            case ValueType.NUMBER:
                return Decimal(text)
        return text

    def among(self, elements: Sequence[ColumnElement[Any]], declared: Sequence[str], rows: Sequence[Sequence[object]]) -> ColumnElement[bool]:  # noqa: ARG002  # the protocol's signature
        if len(elements) == 1:
            return elements[0].in_([row[0] for row in rows])
        return sa.tuple_(*elements).in_([tuple(row) for row in rows])

    def exactly(self, read: ColumnElement[Any], value: object) -> ColumnElement[bool]:
        return read.is_(None) if value is None else read == value

    def row_address(self) -> ColumnElement[Any] | None:
        return None

    def logs_values(self, connection: sa.Connection) -> bool:  # noqa: ARG002  # the protocol's signature
        return True

    def dated(self, element: ColumnElement[Any]) -> ColumnElement[Any]:
        return sa.case((element >= sa.literal("0001-01-02", AsIs()), element))

    def permissions(self, connection: sa.Connection, relations: Sequence[Relation]) -> Sequence[Problem]:  # noqa: ARG002  # the protocol's signature
        return (
            Problem(
                "sql.permissions_unknown",
                f"permissions cannot be read from {connection.engine.url.get_backend_name()}",
                "make sure that the account may select, update and delete",
                is_fatal=False,
            ),
        )


def read_only() -> Problem:
    """The account or the server refuses every write."""
    return Problem("sql.read_only", "the database accepts no writes from this account", "connect to the primary with an account that may write")


def missing_rights(table: str, rights: Sequence[str]) -> list[Problem]:
    return [Problem(f"sql.missing_{right.lower()}", f"the account may not {right} on {table}", f"GRANT {right} ON {table}") for right in rights]
