"""Makes changes in one transaction: only to rows that still are what was planned, and with nothing taken along that the plan does not know.

Order, for each collection and kind of effect: (1) which server is this, (2) lock the rows and compare their state, (3) recount what points at
them, under that lock, (4) one DELETE or UPDATE, (5) after an UPDATE read again what was written. Killed before the commit: the server rolls back,
everything is as it was. Killed after it: the rows show their new state, and whoever observes them sees that nothing is left to do.

The number of statements does not grow with the number of rows, up to `BATCH` rows of one collection; chains inside one self-referencing collection,
cascades in a circle and very wide rewrites take more.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from dsr_engine.content.rewriter import Rewriter
from dsr_engine.domain.anonymize import ValueType
from dsr_engine.domain.errors import DsrError
from dsr_engine.domain.plan import Delete, Rewrite
from dsr_engine.drivers.driver import Change, Done, Drifted, Failed, Outcome
from dsr_engine.drivers.sql.arrays import array_literal
from dsr_engine.drivers.sql.canonical import canonical_text, digest
from dsr_engine.drivers.sql.catalogue import Catalogue, Table
from dsr_engine.drivers.sql.columns import AsIs, Column, Declared, Value
from dsr_engine.drivers.sql.database import Database
from dsr_engine.drivers.sql.dependents import Dependents, Tally
from dsr_engine.drivers.sql.observing import column_of, covered, state_of
from dsr_engine.drivers.sql.rewriting import Refused, new_values
from dsr_engine.drivers.sql.rows import BATCH, Key, Row, addressed, fetch
from dsr_engine.drivers.sql.waves import waves

#: Parameters in one statement; PostgreSQL takes 65,535, SQLite as shipped 32,766.
_PARAMETERS = 30_000

#: Faults that concern the data of this batch: the batch is undone and reported, the connection is sound.
_OF_THE_DATA = frozenset({"sql.constraint", "sql.value"})


class _Undone(Exception):
    """The server did something else than it was told, so the transaction is rolled back as a whole."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


@dataclass(frozen=True, slots=True)
class _Group:
    """Changes of one collection with the same kind of effect and the same watched fields. `places` is empty for deletions."""

    collection: str
    is_delete: bool
    places: tuple[str, ...]
    fields: tuple[str, ...]


def change(database: Database, catalogue: Catalogue, changes: Sequence[Change], rewriter: Rewriter) -> Sequence[Outcome]:
    """One outcome for each change, in their order.

    Raises `Conflict` for a lost race, `Unreachable` when it is unknown what happened: observe before trying again.
    """
    outcomes: dict[int, Outcome] = {}
    try:
        with database.writing("changing") as connection:
            _Batch(database, catalogue, connection, changes, rewriter, outcomes).run()
    except _Undone as undone:
        return _failed(len(changes), outcomes, undone.code, undone.reason)
    except DsrError as error:
        if error.code not in _OF_THE_DATA:
            raise
        return _failed(len(changes), outcomes, error.code, error.hint)
    return [outcomes[number] for number in range(len(changes))]


def _failed(count: int, outcomes: Mapping[int, Outcome], code: str, reason: str) -> list[Outcome]:
    """After a rollback: what had drifted has drifted, nothing else happened."""
    failed = Failed(code, reason)
    return [found if isinstance(found := outcomes.get(number, failed), Drifted | Failed) else failed for number in range(count)]


class _Batch:
    """One transaction."""

    def __init__(
        self,
        database: Database,
        catalogue: Catalogue,
        connection: sa.Connection,
        changes: Sequence[Change],
        rewriter: Rewriter,
        outcomes: dict[int, Outcome],
    ) -> None:
        self._dialect, self._catalogue, self._connection = database.dialect, catalogue, connection
        self._changes, self._rewriter, self._outcomes = changes, rewriter, outcomes
        self._server = database.identity(connection)

    def run(self) -> None:
        groups: dict[_Group, list[int]] = {}
        for number, one in enumerate(self._changes):
            if one.server != self._server:
                self._outcomes[number] = Drifted("server")
            elif one.locator.inside:
                self._outcomes[number] = Failed("sql.part", "a part of a record cannot be treated by itself here")
            else:
                groups.setdefault(_group_of(one), []).append(number)
        for group in sorted(groups, key=self._order):
            for start in range(0, len(groups[group]), BATCH):
                self._treat(group, groups[group][start : start + BATCH])

    def _order(self, group: _Group) -> tuple[bool, int]:
        """Rewrites first, then deletions with children before parents."""
        return group.is_delete, self._catalogue.rank(group.collection)

    def _treat(self, group: _Group, numbers: Sequence[int]) -> None:
        table = self._catalogue.table(group.collection)
        if table.relation.fixed or table.relation.reason or not (table.key or group.is_delete):
            self._outcomes |= dict.fromkeys(numbers, Failed("sql.fixed", f"{group.collection} cannot be changed by this driver"))
            return
        columns = covered(table, group.fields)
        extra = _self_linking(table) if group.is_delete else tuple(column_of(table, place) for place in group.places)
        keys = [self._changes[number].locator.key for number in numbers]
        locked = fetch(self._dialect, self._connection, table, keys, (*columns, *extra), lock=True)
        todo = [number for number in numbers if self._is_as_expected(table, columns, number, locked.get(self._changes[number].locator.key, ()))]
        if group.is_delete:
            self._delete(table, locked, todo)
        else:
            self._rewrite(table, columns, locked, todo)

    def _is_as_expected(self, table: Table, columns: Sequence[Column], number: int, same: Sequence[Row]) -> bool:
        if not same:
            self._outcomes[number] = Drifted("absent")
        elif len(same) > 1 and table.key:
            self._outcomes[number] = Failed("sql.ambiguous_key", f"a key of {table.collection} names more than one row")
        elif state_of(columns, same) != self._changes[number].expect:
            self._outcomes[number] = Drifted("changed")
        return number not in self._outcomes

    def _delete(self, table: Table, locked: Mapping[Key, tuple[Row, ...]], todo: Sequence[int]) -> None:
        if todo and table.key:
            keys = [self._changes[number].locator.key for number in todo]
            tallies = Dependents(self._dialect, self._connection, self._catalogue, {table.collection: frozenset(keys)}).recounted(table, keys)
            todo = [number for number in todo if self._is_unencumbered(number, tallies[self._changes[number].locator.key])]
        rows = [row for number in todo for row in locked[self._changes[number].locator.key]]
        for wave in waves(table, rows):
            deleted = self._connection.execute(sa.delete(table.element).where(addressed(self._dialect, table, wave))).rowcount
            if deleted != len(wave):
                raise _Undone(
                    "sql.not_deleted",
                    f"{table.collection}: the server deleted another number of rows than it was told; a trigger or a rule interferes",
                )
        self._outcomes |= dict.fromkeys(todo, Done(None))

    def _is_unencumbered(self, number: int, tally: Tally) -> bool:
        """True if nothing points at the row that the plan does not know, and nothing forbids its deletion."""
        planned: Tally = Tally()
        for one in self._changes[number].dependents:
            planned[one.collection, one.on_delete] += one.count
        if tally - planned:
            self._outcomes[number] = Drifted("dependents")
        elif any(on_delete == "restrict" for _, on_delete in tally):
            self._outcomes[number] = Failed("sql.restricted", "other records point at this one and the database forbids its deletion while they do")
        return number not in self._outcomes

    def _rewrite(self, table: Table, columns: Sequence[Column], locked: Mapping[Key, tuple[Row, ...]], todo: Sequence[int]) -> None:
        after: dict[Key, dict[str, Value]] = {}
        ready: dict[int, bytes] = {}
        for number in todo:
            key, effect = self._changes[number].locator.key, self._changes[number].effect
            assert isinstance(effect, Rewrite)
            row = locked[key][0]
            try:
                after[key] = new_values(self._catalogue, table, row.values, effect, self._rewriter)
            except Refused as refused:
                self._outcomes[number] = Failed(refused.problem.code, refused.problem.message)
                continue
            ready[number] = digest((column, after[key].get(column.name, row.values[column.name])) for column in columns)
        if not after:
            return
        for statement, count in _updates(self._dialect_write, self._dialect, table, after):
            if self._connection.execute(statement).rowcount != count:
                raise _Undone(
                    "sql.not_updated",
                    f"{table.collection}: the server updated another number of rows than it was told; a trigger or a rule interferes",
                )
        self._check_written(table, columns, after, ready)

    def _dialect_write(self, column: Column, value: Value) -> object:
        """A value as it is bound for writing into its column."""
        if value is None or isinstance(value, bytes):
            return value
        if column.is_array:
            return array_literal(value)
        if column.type is ValueType.BOOLEAN and self._connection.dialect.name != "postgresql":
            return int(canonical_text(column, value) == "true")
        return self._dialect.parameter(column.type, value) if column.type in (ValueType.INTEGER, ValueType.NUMBER) else value

    def _check_written(self, table: Table, columns: Sequence[Column], after: Mapping[Key, Mapping[str, Value]], ready: Mapping[int, bytes]) -> None:
        """Reads the rows again before the commit: a trigger may have put something else in the place of what was written."""
        edited = tuple({table.columns[name] for values in after.values() for name in values})
        now = fetch(self._dialect, self._connection, table, list(after), (*columns, *edited))
        for key, values in after.items():
            row = now[key][0] if key in now else None
            if row is None or any(
                digest([(table.columns[name], row.values[name])]) != digest([(table.columns[name], value)]) for name, value in values.items()
            ):
                raise _Undone("sql.not_kept", f"{table.collection}: the server did not keep what was written; a trigger or a conversion interferes")
        self._outcomes |= {number: Done(state_of(columns, now[self._changes[number].locator.key])) for number in ready}


def _group_of(one: Change) -> _Group:
    if isinstance(one.effect, Delete):
        return _Group(one.locator.collection, True, (), one.fields)
    return _Group(one.locator.collection, False, tuple(dict.fromkeys(edit.place for edit in one.effect.edits)), one.fields)


def _self_linking(table: Table) -> tuple[Column, ...]:
    """The columns by which rows of this table point at each other."""
    return tuple(table.columns[name] for link in table.links if link.to_collection == table.collection for name in (*link.fields, *link.to_fields))


def _updates(bind: Any, dialect: Any, table: Table, after: Mapping[Key, Mapping[str, Value]]) -> Iterator[tuple[sa.Update, int]]:
    """UPDATE statements that set all new values, and how many rows each must meet. One, unless its parameters grow past what servers take."""
    names = list(dict.fromkeys(name for values in after.values() for name in values))
    width = len(table.key) + len(names) * (len(table.key) + 1)
    keys = list(after)
    size = max(1, _PARAMETERS // width)
    for start in range(0, len(keys), size):
        part = keys[start : start + size]
        values = {name: _assigned(bind, dialect, table, table.columns[name], {key: after[key][name] for key in part}) for name in names}
        from_rows = [Row(key, {}) for key in part]
        yield (
            sa.update(table.element)
            .values({table.columns[name].element: value for name, value in values.items()})
            .where(addressed(dialect, table, from_rows)),
            len(part),
        )


def _assigned(bind: Any, dialect: Any, table: Table, column: Column, values: Mapping[Key, Value]) -> ColumnElement[Any]:
    """What a column is set to: one value for all rows, or one for each key."""
    distinct = {value: sa.literal(bind(column, value), AsIs()) for value in values.values()}
    if len(distinct) == 1:
        chosen: ColumnElement[Any] = next(iter(distinct.values()))
    else:
        chosen = sa.case(*((_is_key(dialect, table, key), distinct[value]) for key, value in values.items()))
    return sa.cast(chosen, Declared(column.declared)) if column.declared else chosen


def _is_key(dialect: Any, table: Table, key: Key) -> ColumnElement[bool]:
    return sa.and_(*(column.element == sa.literal(dialect.parameter(column.type, part), AsIs()) for column, part in zip(table.key, key, strict=True)))
