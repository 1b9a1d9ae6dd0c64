"""How a search of a table is cut, so that workers can share it and a killed one repeats little.

Only a whole-number key is cut, in ranges with round bounds that say nothing about a row; the first and the last range are open, so rows that arrive
meanwhile fall into one. Physical addresses would cut any table, but a row that moves while it is updated could slip from one part to another.
"""

from collections.abc import Iterator
from itertools import pairwise

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from dsr_engine.domain.anonymize import ValueType
from dsr_engine.drivers.sql.catalogue import Table
from dsr_engine.drivers.sql.columns import AsIs, Column

#: Keys in the narrowest slice, and slices that one table gives at most.
_NARROWEST = 500_000
_MOST = 64


def parts(connection: sa.Connection, table: Table) -> Iterator[tuple[str, ...]]:
    """Lower and upper bound of each range, empty where it is open; one empty part for a table that is searched in one go."""
    column = _whole_key(table)
    if column is None:
        yield ()
        return
    low, high = connection.execute(sa.select(sa.func.min(column.element), sa.func.max(column.element))).one()
    if not isinstance(low, int) or not isinstance(high, int) or high - low < _NARROWEST:
        yield ()
        return
    step = _NARROWEST
    while (high - low) // step >= _MOST:
        step *= 2
    bounds = ["", *(str(bound) for bound in range((low // step + 1) * step, high + 1, step)), ""]
    yield from pairwise(bounds)


def within(table: Table, part: tuple[str, ...]) -> ColumnElement[bool]:
    """True for the rows of this part: from the lower bound on, up to and without the upper one."""
    column = _whole_key(table)
    if not part or column is None:
        return sa.true()
    lower, upper = part
    bounds = [column.element >= sa.literal(int(lower), AsIs())] if lower else []
    bounds += [column.element < sa.literal(int(upper), AsIs())] if upper else []
    return sa.and_(sa.true(), *bounds)


def _whole_key(table: Table) -> Column | None:
    return table.key[0] if len(table.key) == 1 and table.key[0].type is ValueType.INTEGER else None
