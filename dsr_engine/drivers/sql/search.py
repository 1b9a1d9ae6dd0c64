"""Finds the records that may hold one of some people: past the gate in one pass, and by equality where a key is known.

Nothing is decided here. A scoped key (`customer_id = 17`) is compared by the server in the columns that hold that very key,
because a number means nothing in text.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from dsr_engine.domain.anonymize import ValueType
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.record import Gap, Record, Unit
from dsr_engine.domain.selector import Selector
from dsr_engine.drivers.driver import AboutSubjects, Looked
from dsr_engine.drivers.sql.catalogue import Catalogue, Table
from dsr_engine.drivers.sql.columns import AsIs, Column
from dsr_engine.drivers.sql.database import Database
from dsr_engine.drivers.sql.facts import facts_of
from dsr_engine.drivers.sql.rows import BATCH, Key, key_of
from dsr_engine.drivers.sql.scanning import LARGEST, Scan, Values
from dsr_engine.drivers.sql.slicing import within
from dsr_engine.drivers.sql.units import files, record

#: A row that passed, and what its files held.
Candidate = tuple[Values, tuple[Unit | Gap, ...]]

_FORMS = {
    ValueType.INTEGER: re.compile(r"-?\d{1,18}"),
    ValueType.NUMBER: re.compile(r"-?\d{1,18}(\.\d{1,9})?"),
    ValueType.UUID: re.compile(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}"),
}


class PersonSearch:
    """One query on one part of one table."""

    def __init__(self, database: Database, catalogue: Catalogue, table: Table, query: AboutSubjects, part: tuple[str, ...]) -> None:
        self._database, self._catalogue, self._table, self._query = database, catalogue, table, query
        self._where = within(table, part)
        self._scan = Scan(table, self._where)

    def run(self) -> Iterator[Record | Gap | Looked]:
        """Every candidate once, then what was not looked at, then the last word."""
        table = self._table
        with self._database.reading(f"searching {table.collection}") as connection:
            server = self._database.identity(connection)
            seen: set[Key] = set()
            candidates = self._candidates(connection)
            while batch := list(islice(candidates, BATCH)):
                yield from self._records(batch, server, seen)
        if table.relation.caveat:
            yield Gap(table.collection, "sql.unread", table.relation.caveat)
        extent = Extent.PARTIAL if table.relation.caveat else Extent.FULL
        yield Looked(table.collection, self._scan.count, extent, table.relation.caveat)

    def _records(self, batch: list[Candidate], server: str, seen: set[Key]) -> Iterator[Record | Gap]:
        names = self._query.facts.get(self._table.collection, ())
        with self._database.reading(f"reading dates for {self._table.collection}") as connection:
            facts = facts_of(self._database.dialect, connection, self._catalogue, self._table, names, [values for values, _ in batch])
        for (values, inside), known in zip(batch, facts, strict=True):
            key = key_of(self._table, values)
            if key is None:
                yield Gap(self._table.collection, "sql.null_key", "a row that may hold the person has NULL in its primary key and cannot be named")
            elif key not in seen:
                seen.add(key)
                yield record(self._database.system, server, self._table, key, values, inside, known)

    def _candidates(self, connection: sa.Connection) -> Iterator[Candidate]:
        if any(column.type is ValueType.BINARY for column in self._table.readable) or connection.dialect.name == "sqlite":
            yield from self._with_files(connection)
        else:
            yield from ((values, ()) for values in self._scan.passing(connection, self._query.gate))
        for condition in self._equalities():
            for values, big in Scan(self._table, sa.and_(self._where, condition)).everything(connection):
                yield values, (*files(self._table, values, self._query.gate), *_too_big(self._table, big))

    def _with_files(self, connection: sa.Connection) -> Iterator[Candidate]:
        """Rows with binary values: a row passes by a text, by what a file in it holds, or because something in it could not be read."""
        gate = self._query.gate
        for values, big in self._scan.everything(connection):
            inside = (*files(self._table, values, gate), *_too_big(self._table, big))
            if inside or gate.passes_text("\n".join(value for value in values.values() if isinstance(value, str))):
                yield values, inside

    def _equalities(self) -> Iterator[ColumnElement[bool]]:
        """Conditions for keys that only equality finds: scoped ones, and those that a number or UUID column selects."""
        wanted: dict[str, set[str]] = {}
        for selector in {selector for group in self._query.subjects.values() for selector in group}:
            for name in self._columns_of(selector):
                wanted.setdefault(name, set()).add(selector.value.reveal())
        for name, values in wanted.items():
            column = self._table.columns[name]
            known = sorted(value for value in values if fits(column, value))
            for start in range(0, len(known), BATCH):
                yield equals_any(column, known[start : start + BATCH])

    def _columns_of(self, selector: Selector) -> Iterable[str]:
        if selector.scope is not None:
            if selector.scope.system != self._database.system:
                return ()
            names = self._catalogue.names_of(selector.scope)
            return [column.name for column in self._table.readable if (self._table.collection, column.name) in names]
        return [column.name for column in self._table.readable if column.field and column.field.selects == selector.kind and column.type in _FORMS]


def _too_big(table: Table, names: Iterable[str]) -> Iterator[Gap]:
    return (Gap(table.collection, "sql.too_big", f"a value in {name} is larger than {LARGEST // 1024**2} MiB") for name in names)


def fits(column: Column, value: str) -> bool:
    """True if the text can be a value of the column at all; what cannot, equals nothing in it."""
    form = _FORMS.get(column.type)
    return form is None or form.fullmatch(value) is not None


def equals_any(column: Column, values: list[str]) -> ColumnElement[bool]:
    """True for rows whose column equals one of the texts, in a way that an index can serve where the type allows it."""
    if column.type is ValueType.INTEGER:
        return column.element.in_([sa.literal(int(value), AsIs()) for value in values])
    if column.type in (ValueType.TEXT, ValueType.UUID, ValueType.NUMBER):
        return column.element.in_([sa.literal(value, AsIs()) for value in values])
    return sa.cast(column.read, sa.Text).in_(values)
