"""Rows as this driver sees them: what names a row, and how many named rows are fetched in one statement."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from dsr_engine.domain.anonymize import ValueType
from dsr_engine.drivers.sql.schema.catalogue import Table
from dsr_engine.drivers.sql.schema.columns import Column, Value, as_value
from dsr_engine.drivers.sql.server.dialects import Dialect
from dsr_engine.drivers.sql.values.canonical import digest

#: The most rows that one statement names.
BATCH = 1000

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Row:
    """One row. `raw` keeps what the connector gave for the columns that name the row, to address it again in the same transaction."""

    key: Key
    values: Mapping[str, Value]
    raw: tuple[object, ...] = ()


def key_of(table: Table, values: Mapping[str, Value]) -> Key | None:
    """The key of a row as text. None: SQLite allows NULL in a primary key, and such a row cannot be named."""
    if not table.key:
        return (row_digest(table, values),)
    parts = [_key_part(column, values[column.name]) for column in table.key]
    return None if None in parts else tuple(part for part in parts if part is not None)


def row_digest(table: Table, values: Mapping[str, Value]) -> str:
    """The name of a row in a table without a key: a digest of all that it holds. Identical rows share it."""
    return "row:" + digest((column, values[column.name]) for column in table.readable).hex()


def _key_part(column: Column, value: Value) -> str | None:
    if isinstance(value, bytes):
        return value.hex() if column.type is ValueType.BINARY else None
    return value


def keyed(dialect: Dialect, table: Table, keys: Iterable[Key], source: sa.FromClause | None = None) -> ColumnElement[bool]:
    """True for the rows of the table (or of `source`, an alias of it) that these keys name. Only for tables that have a key."""
    wanted = [
        [dialect.parameter(column.type, part) for column, part in zip(table.key, key, strict=True)] for key in keys if len(key) == len(table.key)
    ]
    elements = [column.element if source is None else source.c[column.name] for column in table.key]
    return dialect.among(elements, [column.declared for column in table.key], wanted) if wanted else sa.false()


def batches(keys: Iterable[Key]) -> Iterator[tuple[Key, ...]]:
    distinct = tuple(dict.fromkeys(keys))
    for start in range(0, len(distinct), BATCH):
        yield distinct[start : start + BATCH]


def fetch(
    dialect: Dialect, connection: sa.Connection, table: Table, keys: Sequence[Key], columns: Sequence[Column], *, lock: bool = False
) -> dict[Key, tuple[Row, ...]]:
    """The rows that these keys name now, at most `BATCH` of them; a key that names no row is not in the answer.

    More than one row for a key means identical rows of a table without a key, or a key that is none: the caller decides.
    Rows are locked in the order of their key, so that two workers cannot wait for each other in a circle. A table without a key is read as a whole.
    """
    if not table.key:
        return _fetch_by_digest(dialect, connection, table, frozenset(keys))
    wanted = tuple({column.name: column for column in (*table.key, *columns)}.values())
    query = sa.select(*(_labelled(column) for column in wanted)).select_from(table.element).where(keyed(dialect, table, keys))
    if lock:
        query = query.order_by(*(column.element for column in table.key)).with_for_update()
    found: dict[Key, tuple[Row, ...]] = {}
    asked = frozenset(keys)
    for raw in connection.execute(query):
        values = {column.name: as_value(part) for column, part in zip(wanted, raw, strict=True)}
        key = key_of(table, values)
        if key in asked and key is not None:  # a collation may call more keys equal than are
            found[key] = (*found.get(key, ()), Row(key, values))
    return found


def _labelled(column: Column) -> ColumnElement[Any]:
    return column.read.label(column.name)


def _fetch_by_digest(dialect: Dialect, connection: sa.Connection, table: Table, digests: frozenset[Key]) -> dict[Key, tuple[Row, ...]]:
    columns = table.readable
    address = dialect.row_address()
    extra = [] if address is None else [address]
    query = sa.select(*(_labelled(column) for column in columns), *extra).select_from(table.element)
    found: dict[Key, tuple[Row, ...]] = {}
    for raw in connection.execute(query.execution_options(yield_per=BATCH)):
        values = {column.name: as_value(part) for column, part in zip(columns, raw, strict=False)}
        key = (row_digest(table, values),)
        if key in digests:
            found[key] = (*found.get(key, ()), Row(key, values, tuple(raw)))
    return found


def addressed(dialect: Dialect, table: Table, rows: Sequence[Row]) -> ColumnElement[bool]:
    """True for exactly these rows, which were fetched in the same transaction."""
    if table.key:
        return keyed(dialect, table, [row.key for row in rows])
    address = dialect.row_address()
    if address is not None:
        return address.in_([row.raw[-1] for row in rows])
    distinct = {row.key: row for row in rows}.values()
    return sa.or_(
        *(sa.and_(*(dialect.exactly(column.read, value) for column, value in zip(table.readable, row.raw, strict=True))) for row in distinct)
    )
