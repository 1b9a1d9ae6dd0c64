"""Finds records by their age, and everything where a whole system ends.

The server compares the dates. A record whose start is unknown is never old: NULL, a zero date,
and in SQLite anything that is not written as ISO 8601.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from dsr_engine.domain.anonymize import ValueType
from dsr_engine.domain.errors import ManifestWrong
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.policy import Pick
from dsr_engine.domain.record import Gap, Record
from dsr_engine.drivers.driver import Looked, OlderThan
from dsr_engine.drivers.sql.finding.facts import facts_of, linked_field, own_field
from dsr_engine.drivers.sql.finding.scanning import LARGEST, Scan
from dsr_engine.drivers.sql.finding.slicing import within
from dsr_engine.drivers.sql.finding.units import files, record
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Table
from dsr_engine.drivers.sql.schema.columns import AsIs, Column
from dsr_engine.drivers.sql.server.database import Database
from dsr_engine.drivers.sql.values.rows import BATCH, key_of

_DATES = frozenset({ValueType.DATE, ValueType.TIMESTAMP})


def every_record(
    database: Database, table: Table, catalogue: Catalogue, part: tuple[str, ...], query: OlderThan | None = None
) -> Iterator[Record | Gap | Looked]:
    """The rows of this part, all or only the old ones, whole: with all their units and, for an age, the dates it was judged by."""
    with database.reading(f"reading {table.collection}") as connection:
        server = database.identity(connection)
        where = within(table, part)
        scan = Scan(table, where if query is None else sa.and_(where, is_due(database, catalogue, table, query)))
        names = () if query is None else facts_named(table, query)
        rows = scan.everything(connection)
        while batch := list(islice(rows, BATCH)):
            with database.reading(f"reading dates for {table.collection}") as aside:
                facts = facts_of(database.dialect, aside, catalogue, table, names, [values for values, _ in batch])
            for (values, big), known in zip(batch, facts, strict=True):
                key = key_of(table, values)
                if key is None:
                    yield Gap(table.collection, "sql.null_key", "a row has NULL in its primary key and cannot be named")
                    continue
                too_big = (Gap(table.collection, "sql.too_big", f"a value in {name} is larger than {LARGEST // 1024**2} MiB") for name in big)
                yield record(database.system, server, table, key, values, (*files(table, values, None), *too_big), known)
    if table.relation.caveat:
        yield Gap(table.collection, "sql.unread", table.relation.caveat)
    yield Looked(table.collection, scan.count, Extent.PARTIAL if table.relation.caveat else Extent.FULL, table.relation.caveat)


def facts_named(table: Table, query: OlderThan) -> tuple[str, ...]:
    """The dates and states by which the query judges, and those that the connector marks."""
    marked = [entry.name for entry in table.map.fields if entry.starts_retention] if table.map else []
    named = [name for age in query.ages for name in (*age.start.fields, *age.while_not)]
    return tuple(dict.fromkeys((*named, *marked)))


def is_due(database: Database, catalogue: Catalogue, table: Table, query: OlderThan) -> ColumnElement[bool]:
    """True for rows in which every age that counts is over, and in which one counts at all. Never NULL."""
    conditions: list[ColumnElement[bool]] = []
    counting: list[ColumnElement[bool]] = []
    for age in query.ages:
        is_old = _is_old(database, catalogue, table, age)
        if not age.where_any:
            conditions.append(is_old)
            counting.append(sa.true())
            continue
        counts = _has_any(table, age.where_any)
        conditions.append(sa.or_(sa.not_(counts), is_old))
        counting.append(counts)
    return sa.and_(*conditions, sa.or_(*counting))


def _has_any(table: Table, names: Sequence[str]) -> ColumnElement[bool]:
    return sa.or_(sa.false(), *(table.columns[name].element.is_not(None) for name in names if name in table.columns))


def _is_old(database: Database, catalogue: Catalogue, table: Table, query: OlderThan) -> ColumnElement[bool]:
    if not query.start.fields:
        return sa.and_(sa.true(), *(_is_none_of(table, name, values) for name, values in query.while_not.items()))
    dates = [_Date(database, catalogue, table, name) for name in query.start.fields]
    end = sa.literal((query.cutoff + timedelta(days=1)).isoformat(), AsIs())
    known = sa.or_(*(date.is_known() for date in dates))
    if query.unknown:
        age = sa.not_(known)
    elif query.start.pick is Pick.LATEST:
        age = sa.and_(known, *(sa.not_(date.has_any_from(end)) for date in dates))
    else:
        age = sa.or_(*(date.has_any_before(end) for date in dates))
    return sa.and_(age, *(_is_none_of(table, name, values) for name, values in query.while_not.items()))


class _Date:
    """One of the dates that a start is picked from: a column, or a column of linked rows. Every answer is true or false, never NULL."""

    def __init__(self, database: Database, catalogue: Catalogue, table: Table, name: str) -> None:
        self._rows: sa.Select[Any] | None = None
        column = own_field(table, name)
        if column is None:
            linked = linked_field(catalogue, table, name)
            column = linked.column
            joined = [theirs.element == ours.element for theirs, ours in zip(linked.theirs, linked.ours, strict=True)]
            other = linked.table.element
            if linked.table is table:
                raise ManifestWrong(
                    f"{name} is a link of {table.collection} to itself", code="sql.self_link", hint="name a date of the record itself"
                )
            self._rows = sa.select(sa.literal(1, AsIs())).select_from(other).where(*joined).correlate(table.element)
        if column.type not in _DATES:
            raise ManifestWrong(
                f"{name} is no date (its type is {column.type.value})", code="sql.not_a_date", hint="a period starts from a date column"
            )
        self._moment = database.dialect.dated(column.element)

    def is_known(self) -> ColumnElement[bool]:
        return self._any(self._moment.is_not(None))

    def has_any_from(self, end: ColumnElement[Any]) -> ColumnElement[bool]:
        return self._any(sa.func.coalesce(self._moment >= end, sa.false()))

    def has_any_before(self, end: ColumnElement[Any]) -> ColumnElement[bool]:
        return self._any(sa.func.coalesce(self._moment < end, sa.false()))

    def _any(self, condition: ColumnElement[bool]) -> ColumnElement[bool]:
        return condition if self._rows is None else sa.exists(self._rows.where(condition))


def _is_none_of(table: Table, name: str, values: Sequence[str]) -> ColumnElement[bool]:
    """True for rows that are not in one of the states that keep them. A row without a state is in none."""
    column = own_field(table, name)
    if column is None:
        raise ManifestWrong(
            f"{name} is not a field of {table.collection}", code="sql.unknown_field", hint="`while` names a field of the record itself"
        )
    text = sa.cast(column.read, sa.Text)
    return sa.or_(column.element.is_(None), text.not_in(_spellings(column, values)))


def _spellings(column: Column, values: Sequence[str]) -> list[str]:
    if column.type is not ValueType.BOOLEAN:
        return list(values)
    pairs = (("true", "t", "1", "True"), ("false", "f", "0", "False"))
    return sorted({spelling for value in values for pair in pairs if value in pair for spelling in pair} | set(values))
