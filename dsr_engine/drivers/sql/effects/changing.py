"""Makes changes in one transaction: only to rows that still are what was planned, and with nothing taken along that the plan does not know.

Order: (1) which server is this, (2) for each collection lock the rows and compare their state, rewrite those that are to be rewritten and read
again what was written, (3) when all are locked, recount what points at the rows that go, (4) delete them (`removing.py`). Killed before the commit:
the server rolls back, everything is as it was. Killed after it: the rows show their new state, and whoever observes them sees that nothing is left
to do.

The number of statements does not grow with the number of rows, up to `BATCH` rows of one collection; chains of rows that point at each other,
cascades in a circle and very wide rewrites take more.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from dsr_engine.content.rewriter import Rewriter
from dsr_engine.domain.errors import DsrError
from dsr_engine.domain.plan import Delete, Relocate, Rewrite
from dsr_engine.drivers.driver import Change, Done, Drifted, Failed, Outcome
from dsr_engine.drivers.sql.effects.assigning import assigned
from dsr_engine.drivers.sql.effects.moving import misfits, pointing, relocate, taken
from dsr_engine.drivers.sql.effects.observing import columns_of, covered, state_of
from dsr_engine.drivers.sql.effects.removing import Removal, Undone, needed_columns
from dsr_engine.drivers.sql.effects.rewriting import Refused, new_values
from dsr_engine.drivers.sql.effects.snapshots import is_snapshot, refresh_statement
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Table
from dsr_engine.drivers.sql.schema.columns import Column, Value
from dsr_engine.drivers.sql.schema.naming import run_plain
from dsr_engine.drivers.sql.server.database import Database
from dsr_engine.drivers.sql.server.dialects import Dialect
from dsr_engine.drivers.sql.values.canonical import digest
from dsr_engine.drivers.sql.values.rows import BATCH, Key, Row, addressed, fetch

#: Parameters in one statement; PostgreSQL takes 65,535, SQLite as shipped 32,766.
_PARAMETERS = 30_000

#: Faults that concern the data of this batch: the batch is undone and reported, the connection is sound.
_OF_THE_DATA = frozenset({"sql.constraint", "sql.value"})


@dataclass(frozen=True, slots=True)
class _Group:
    """Changes of one collection with the same kind of effect and the same watched fields. `places` is empty for deletions.

    `to` is where its rows move; empty: they stay in their table.
    """

    collection: str
    is_delete: bool
    places: tuple[str, ...]
    fields: tuple[str, ...]
    to: str = ""


def change(database: Database, catalogue: Catalogue, changes: Sequence[Change], rewriter: Rewriter) -> Sequence[Outcome]:
    """One outcome for each change, in their order.

    Raises `Conflict` for a lost race, `Unreachable` when it is unknown what happened: observe before trying again.
    """
    outcomes: dict[int, Outcome] = {}
    try:
        with database.writing("changing") as connection:
            _Batch(database, catalogue, connection, changes, rewriter, outcomes).run()
    except Undone as undone:
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
        leaving = frozenset(group.collection for group in groups if group.is_delete)
        locked: dict[str, dict[Key, tuple[Row, ...]]] = {}
        going: list[int] = []
        for group in sorted(groups, key=self._order):
            for start in range(0, len(groups[group]), BATCH):
                numbers = groups[group][start : start + BATCH]
                if group.is_delete:
                    going += self._lock(group, numbers, leaving, locked.setdefault(group.collection, {}))
                else:
                    self._treat(group, numbers)
        snapshots = [number for number in going if is_snapshot(self._catalogue.table(self._changes[number].locator.collection))]
        going = [number for number in going if number not in set(snapshots)] if snapshots else going
        if going:
            Removal(self._dialect, self._connection, self._catalogue, self._changes, self._outcomes, locked).run(going)
        self._refresh(snapshots)

    def _refresh(self, numbers: Sequence[int]) -> None:
        """Materialized views of which rows are to go; whether they are gone is looked at."""
        for name in dict.fromkeys(self._changes[number].locator.collection for number in numbers):
            table = self._catalogue.table(name)
            run_plain(self._connection, refresh_statement(self._connection, table))
            own = [number for number in numbers if self._changes[number].locator.collection == name]
            left = fetch(self._dialect, self._connection, table, [self._changes[number].locator.key for number in own], ())
            still = Failed("sql.snapshot_still", f"{name} was refreshed and holds the row again: what it is made from still holds it")
            self._outcomes |= {number: still if self._changes[number].locator.key in left else Done(None) for number in own}

    def _order(self, group: _Group) -> tuple[bool, int, str]:
        """Rewrites first, then deletions with children before parents: everybody locks in this order."""
        return group.is_delete, self._catalogue.rank(group.collection), group.collection

    def _lock(self, group: _Group, numbers: Sequence[int], leaving: frozenset[str], rows: dict[Key, tuple[Row, ...]]) -> list[int]:
        """Locks rows that are to be deleted; those that are as expected."""
        table = self._catalogue.table(group.collection)
        if self._is_fixed(group, table, numbers):
            return []
        columns = covered(table, group.fields)
        keys = [self._changes[number].locator.key for number in numbers]
        found = fetch(self._dialect, self._connection, table, keys, (*columns, *needed_columns(self._catalogue, table, leaving)), lock=True)
        rows |= found
        return [number for number in numbers if self._is_as_expected(table, columns, number, found.get(self._changes[number].locator.key, ()))]

    def _treat(self, group: _Group, numbers: Sequence[int]) -> None:
        table = self._catalogue.table(group.collection)
        if self._is_fixed(group, table, numbers):
            return
        columns = covered(table, group.fields)
        edited = columns_of(table, group.places)
        keys = [self._changes[number].locator.key for number in numbers]
        locked = fetch(self._dialect, self._connection, table, keys, (*columns, *edited), lock=True)
        todo = [number for number in numbers if self._is_as_expected(table, columns, number, locked.get(self._changes[number].locator.key, ()))]
        if group.to:
            todo = self._movable(group, table, todo)
        if group.places:
            self._rewrite(table, columns, locked, todo)
        if group.to:
            self._move(group, table, columns, [number for number in todo if isinstance(self._outcomes.get(number, Done(None)), Done)])

    def _movable(self, group: _Group, table: Table, todo: Sequence[int]) -> list[int]:
        """Those of the rows at which nothing points and whose place is free, asked under their lock."""
        problem = next(misfits(self._connection, self._catalogue, table, group.to), None)
        if problem is not None:
            self._outcomes |= dict.fromkeys(todo, Failed(problem.code, problem.message))
            return []
        numbers = {self._changes[number].locator.key: number for number in todo}
        for key in pointing(self._dialect, self._connection, self._catalogue, table, list(numbers), {group.collection: frozenset(numbers)}):
            self._outcomes[numbers[key]] = Drifted("dependents")
        for key in taken(self._dialect, self._connection, self._catalogue.table(group.to), list(numbers)):
            self._outcomes[numbers[key]] = Failed("sql.move_taken", f"another row of {group.to} has the key of one that should go there")
        return [number for number in todo if number not in self._outcomes]

    def _move(self, group: _Group, table: Table, columns: Sequence[Column], todo: Sequence[int]) -> None:
        if todo:
            keys = [self._changes[number].locator.key for number in todo]
            states = relocate(self._dialect, self._connection, table, self._catalogue.table(group.to), columns, keys)
            self._outcomes |= {number: Done(states[self._changes[number].locator.key]) for number in todo}

    def _is_fixed(self, group: _Group, table: Table, numbers: Sequence[int]) -> bool:
        is_fixed = bool(table.relation.fixed or table.relation.reason or not (table.key or group.is_delete))
        is_fixed = is_fixed and not (is_snapshot(table) and group.is_delete)
        if is_fixed:
            self._outcomes |= dict.fromkeys(numbers, Failed("sql.fixed", f"{group.collection} cannot be changed by this driver"))
        return is_fixed

    def _is_as_expected(self, table: Table, columns: Sequence[Column], number: int, same: Sequence[Row]) -> bool:
        if not same:
            self._outcomes[number] = Drifted("absent")
        elif len(same) > 1 and table.key:
            self._outcomes[number] = Failed("sql.ambiguous_key", f"a key of {table.collection} names more than one row")
        elif state_of(columns, same) != self._changes[number].expect:
            self._outcomes[number] = Drifted("changed")
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
        for statement, count in _updates(self._dialect, self._connection, table, after):
            if self._connection.execute(statement).rowcount != count:
                raise Undone(
                    "sql.not_updated",
                    f"{table.collection}: the server updated another number of rows than it was told; a trigger or a rule interferes",
                )
        self._check_written(table, columns, after, ready)

    def _check_written(self, table: Table, columns: Sequence[Column], after: Mapping[Key, Mapping[str, Value]], ready: Mapping[int, bytes]) -> None:
        """Reads the rows again before the commit: a trigger may have put something else in the place of what was written."""
        edited = tuple({table.columns[name] for values in after.values() for name in values})
        now = fetch(self._dialect, self._connection, table, list(after), (*columns, *edited))
        for key, values in after.items():
            row = now[key][0] if key in now else None
            if row is None or any(
                digest([(table.columns[name], row.values[name])]) != digest([(table.columns[name], value)]) for name, value in values.items()
            ):
                raise Undone("sql.not_kept", f"{table.collection}: the server did not keep what was written; a trigger or a conversion interferes")
        self._outcomes |= {number: Done(state_of(columns, now[self._changes[number].locator.key])) for number in ready}


def _group_of(one: Change) -> _Group:
    if isinstance(one.effect, Delete):
        return _Group(one.locator.collection, True, (), one.fields)
    to = one.effect.to if isinstance(one.effect, Relocate) else ""
    return _Group(one.locator.collection, False, tuple(dict.fromkeys(edit.place for edit in one.effect.edits)), one.fields, to)


def _updates(dialect: Dialect, connection: sa.Connection, table: Table, after: Mapping[Key, Mapping[str, Value]]) -> Iterator[tuple[sa.Update, int]]:
    """UPDATE statements that set all new values, and how many rows each must meet. One, unless its parameters grow past what servers take."""
    names = list(dict.fromkeys(name for values in after.values() for name in values))
    width = len(table.key) + len(names) * (len(table.key) + 1)
    keys = list(after)
    size = max(1, _PARAMETERS // width)
    for start in range(0, len(keys), size):
        part = keys[start : start + size]
        values = {name: assigned(dialect, connection, table, table.columns[name], {key: after[key][name] for key in part}) for name in names}
        from_rows = [Row(key, {}) for key in part]
        yield (
            sa.update(table.element)
            .values({table.columns[name].element: value for name, value in values.items()})
            .where(addressed(dialect, table, from_rows)),
            len(part),
        )
