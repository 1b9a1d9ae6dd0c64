"""Records by age, a page at a time in the order of the key, for sweeps: the server filters, orders, cuts and counts.

A page reads the key, the dates that decide and the fields with a category, and nothing else of the row: a sweep does not look for anybody.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from dsr_engine.domain.anonymize import ValueType
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.record import Gap, Locator, Record, Unit
from dsr_engine.drivers.counting import page_of
from dsr_engine.drivers.driver import Counted, Looked, OlderThan, Query
from dsr_engine.drivers.sql.finding.ageing import facts_named, is_due
from dsr_engine.drivers.sql.finding.facts import facts_of
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Table
from dsr_engine.drivers.sql.schema.columns import AsIs, Column, Value, as_value
from dsr_engine.drivers.sql.server.database import Database
from dsr_engine.drivers.sql.server.dialects import Dialect
from dsr_engine.drivers.sql.values.rows import BATCH, Key, key_of

#: Types whose values a server compares in the order in which it sorts them, given as text. MariaDB sorts an enum by its number and compares its word;
#: a float read as text may be another float.
_ORDERED = frozenset({ValueType.INTEGER, ValueType.TEXT, ValueType.UUID, ValueType.DATE, ValueType.TIMESTAMP, ValueType.BINARY})


def is_page(query: Query) -> bool:
    return isinstance(query, OlderThan) and (query.most is not None or bool(query.after) or query.upto is not None)


def page(database: Database, table: Table, catalogue: Catalogue, query: OlderThan) -> Iterator[Record | Gap | Looked]:
    """One page of the rows that are due. A table whose key has no order is read as a whole for each page."""
    if not table.key or any(column.type not in _ORDERED for column in table.key):
        return page_of(_rows(database, table, catalogue, query, is_ordered=False), query)
    return _rows(database, table, catalogue, query, is_ordered=True)


def count_rows(database: Database, catalogue: Catalogue, collection: str, queries: Sequence[OlderThan]) -> Counted:
    """One pass of the server over the table, whatever the number of queries."""
    table = catalogue.table(collection)
    if table.relation.reason:
        raise NotSupported(f"{collection} cannot be counted: {table.relation.reason}", code="sql.unsearchable", hint="make it readable")
    sums = [sa.func.sum(sa.case((is_due(database, catalogue, table, query), 1), else_=0)) for query in queries]
    with database.reading(f"counting {collection}") as connection:
        total, *found = connection.execute(sa.select(sa.func.count(), *sums).select_from(table.element)).one()
    return Counted(int(total), tuple(int(number or 0) for number in found))


def _rows(database: Database, table: Table, catalogue: Catalogue, query: OlderThan, *, is_ordered: bool) -> Iterator[Record | Gap | Looked]:
    columns = _read_columns(catalogue, table, facts_named(table, query))
    wanted = sa.select(*(column.read.label(column.name) for column in columns)).select_from(table.element)
    wanted = wanted.where(is_due(database, catalogue, table, query))
    if is_ordered:
        wanted = _cut(database.dialect, table, wanted, query)
    names = facts_named(table, query)
    count, is_cut = 0, False
    with database.reading(f"reading {table.collection}") as connection:
        server = database.identity(connection)
        rows: Iterator[Sequence[object]] = iter(connection.execute(wanted.execution_options(yield_per=BATCH)))
        if is_ordered and query.most is not None:
            held = list(rows)  # a page is small, and the server's cursor ends with it
            is_cut, rows = len(held) > query.most, iter(held[: query.most])
        mapped = ({column.name: as_value(part) for column, part in zip(columns, raw, strict=True)} for raw in rows)
        while batch := list(islice(mapped, BATCH)):
            with database.reading(f"reading dates for {table.collection}") as aside:
                facts = facts_of(database.dialect, aside, catalogue, table, names, batch)
            for values, known in zip(batch, facts, strict=True):
                count += 1
                key = key_of(table, values)
                if key is None:
                    yield Gap(table.collection, "sql.null_key", "a row has NULL in its primary key and cannot be named")
                    continue
                yield Record(Locator(database.system, table.collection, key), _units(table, values), server, facts=known)
    if table.relation.caveat:
        yield Gap(table.collection, "sql.unread", table.relation.caveat)
    yield Looked(table.collection, count, Extent.PARTIAL if table.relation.caveat else Extent.FULL, table.relation.caveat, is_cut)


def _read_columns(catalogue: Catalogue, table: Table, facts: Sequence[str]) -> tuple[Column, ...]:
    """All of a table without a key, whose rows are named by all that they hold; else the key and what a sweep judges by."""
    if not table.key:
        return table.readable
    joined = {name for link in table.links for name in link.fields}
    joined |= {name for inbound in catalogue.inbound(table.collection) for name in inbound.link.to_fields}
    plain = {name.rpartition(".")[2] for name in facts}
    keys = {column.name for column in table.key}
    return tuple(
        column
        for column in table.readable
        if column.name in keys | plain | joined or (column.field is not None and (column.field.category or column.field.selects))
    )


def _units(table: Table, values: dict[str, Value]) -> tuple[Unit, ...]:
    """One unit for each field with a category, or that says whose the record is, if it holds something."""
    return tuple(
        Unit(name, value if isinstance(value, str) else "", field=field)
        for name, value in values.items()
        if value is not None and (field := table.columns[name].field) is not None and (field.category or field.selects)
    )


def _cut(dialect: Dialect, table: Table, wanted: sa.Select[Any], query: OlderThan) -> sa.Select[Any]:
    """The page in the order of the key, with one row more, which tells that others follow."""
    if query.after:
        wanted = wanted.where(_is_after(dialect, table, query.after))
    if query.upto is not None:
        wanted = wanted.where(sa.not_(_is_after(dialect, table, query.upto)))
    wanted = wanted.order_by(*(column.element for column in table.key))
    return wanted if query.most is None else wanted.limit(query.most + 1)


def _is_after(dialect: Dialect, table: Table, key: Key) -> ColumnElement[bool]:
    """True for rows whose key comes later, column by column; written out, because not every server uses an index for a comparison of tuples."""
    parts = [(column.element, sa.literal(dialect.parameter(column.type, part), AsIs())) for column, part in zip(table.key, key, strict=True)]
    later: ColumnElement[bool] = sa.false()
    for element, value in reversed(parts):
        later = sa.or_(element > value, sa.and_(element == value, later)) if later is not sa.false() else element > value
    return later
