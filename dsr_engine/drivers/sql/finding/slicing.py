"""How a search of a table is cut, so that workers can share it and a killed one repeats little.

A key that begins with a whole number or a UUID is cut, in ranges with round bounds that say nothing about a row; the first and the last range are
open, so rows that arrive meanwhile fall into one, and a NULL falls into the first. Physical addresses would cut any table, but a row that moves while
it is updated could slip from one part to another.
"""

from collections.abc import Iterator
from itertools import pairwise
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from dsr_engine.domain.anonymize import ValueType
from dsr_engine.domain.errors import DsrError, Unreachable
from dsr_engine.drivers.sql.schema.catalogue import Table
from dsr_engine.drivers.sql.schema.columns import AsIs, Column
from dsr_engine.drivers.sql.server.database import Database

#: Keys (or, of UUIDs, rows) in the narrowest slice, and slices that one table gives at most.
_NARROWEST = 500_000
_MOST = 64


def parts(database: Database, table: Table) -> tuple[tuple[str, ...], ...]:
    """Lower and upper bound of each range, empty where it is open; one empty part for a table that is searched in one go.

    Also for one whose keys cannot be read now: its search will say why, and that of other tables goes on.
    """
    if _leading(table) is None:
        return ((),)
    try:
        with database.reading(f"cutting {table.collection}") as connection:
            return tuple(_parts(connection, table))
    except DsrError as error:
        if isinstance(error, Unreachable) and error.code != "sql.locked":
            raise
        return ((),)


def _parts(connection: sa.Connection, table: Table) -> Iterator[tuple[str, ...]]:
    column = _leading(table)
    bounds: tuple[str, ...] = ()
    if column is not None and column.type is ValueType.INTEGER:
        bounds = _whole_bounds(connection, table, column)
    elif column is not None and connection.dialect.name == "postgresql":  # other servers order UUIDs by other bytes than the first
        bounds = _uuid_bounds(table.relation.count or 0)
    if not bounds:
        yield ()
        return
    yield from pairwise(("", *bounds, ""))


def within(table: Table, part: tuple[str, ...]) -> ColumnElement[bool]:
    """True for the rows of this part: from the lower bound on, up to and without the upper one."""
    column = _leading(table)
    if not part or column is None:
        return sa.true()
    lower, upper = part
    bounds = [column.element >= _bound(column, lower)] if lower else []
    bounds += [column.element < _bound(column, upper)] if upper else []
    inside = sa.and_(sa.true(), *bounds)
    return inside if lower or not column.facts.is_nullable else sa.or_(inside, column.element.is_(None))


def _bound(column: Column, bound: str) -> ColumnElement[object]:
    return sa.literal(int(bound) if column.type is ValueType.INTEGER else bound, AsIs())


def _whole_bounds(connection: sa.Connection, table: Table, column: Column) -> tuple[str, ...]:
    # One by one: SQLite looks up a lone min() or max(), and reads the whole table for both at once.
    low, high = (connection.scalar(sa.select(end(column.element)).select_from(table.element)) for end in (sa.func.min, sa.func.max))
    if not isinstance(low, int) or not isinstance(high, int) or high - low < _NARROWEST:
        return ()
    step = _NARROWEST
    while (high - low) // step >= _MOST:
        step *= 2
    return tuple(str(bound) for bound in range((low // step + 1) * step, high + 1, step))


def _uuid_bounds(rows: int) -> tuple[str, ...]:
    """Equal shares of all UUIDs there can be, so many that each has about as many rows as the narrowest slice."""
    count = 1
    while count < _MOST and rows // count > _NARROWEST:
        count *= 2
    return tuple(str(UUID(int=number * (2**128 // count))) for number in range(1, count))


def _leading(table: Table) -> Column | None:
    """The first column of the key, if it can be cut."""
    first = table.key[0] if table.key else None
    return first if first is not None and first.type in (ValueType.INTEGER, ValueType.UUID) else None
