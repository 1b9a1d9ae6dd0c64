"""New values as SQL: how a value is bound for writing, and what a column is set to for each of many rows in one statement."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from dsr_engine.domain.anonymize import ValueType
from dsr_engine.drivers.sql.schema.catalogue import Table
from dsr_engine.drivers.sql.schema.columns import AsIs, Column, Declared, Value
from dsr_engine.drivers.sql.server.dialects import Dialect
from dsr_engine.drivers.sql.values.arrays import array_literal
from dsr_engine.drivers.sql.values.canonical import canonical_text
from dsr_engine.drivers.sql.values.rows import Key


def bound(dialect: Dialect, connection: sa.Connection, column: Column, value: Value) -> object:
    """A value as it is bound for writing into its column."""
    if value is None or isinstance(value, bytes):
        return value
    if column.is_array:
        return array_literal(value)
    if column.type is ValueType.BOOLEAN and connection.dialect.name != "postgresql":
        return int(canonical_text(column, value) == "true")
    return dialect.parameter(column.type, value) if column.type in (ValueType.INTEGER, ValueType.NUMBER) else value


def assigned(dialect: Dialect, connection: sa.Connection, table: Table, column: Column, values: Mapping[Key, Value]) -> ColumnElement[Any]:
    """What a column is set to: one value for all rows, or one for each key. Only for tables that have a key."""
    distinct = {value: sa.literal(bound(dialect, connection, column, value), AsIs()) for value in values.values()}
    if len(distinct) == 1:
        chosen: ColumnElement[Any] = next(iter(distinct.values()))
    else:
        chosen = sa.case(*((_is_key(dialect, table, key), distinct[value]) for key, value in values.items()))
    return sa.cast(chosen, Declared(column.declared)) if column.declared else chosen


def _is_key(dialect: Dialect, table: Table, key: Key) -> ColumnElement[bool]:
    return sa.and_(*(column.element == sa.literal(dialect.parameter(column.type, part), AsIs()) for column, part in zip(table.key, key, strict=True)))
