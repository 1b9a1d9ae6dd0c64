"""Deletes rows that were locked and compared: counts once more what points at them, then takes them in an order that the server accepts.

All rows of one call go in one transaction or not at all, so rows that point at each other in a circle can go (`cycles.py`). A row that cannot
go keeps back those that it points at, and nothing else.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import sqlalchemy as sa

from dsr_engine.drivers.driver import Change, Done, Drifted, Failed, Outcome
from dsr_engine.drivers.sql.effects.cycles import Cut, Knotted, Name, Remove, Step, Wait, edges_among, emptied, linking, server_named, unravelled
from dsr_engine.drivers.sql.effects.dependents import Dependents, Tally
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Inbound, Table
from dsr_engine.drivers.sql.schema.columns import Column
from dsr_engine.drivers.sql.server.dialects import Dialect
from dsr_engine.drivers.sql.values.rows import BATCH, Key, Row, addressed, batches, fetch, keyed


class Undone(Exception):
    """The server did something else than it was told, so the transaction is rolled back as a whole."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


def needed_columns(catalogue: Catalogue, table: Table, others: frozenset[str]) -> tuple[Column, ...]:
    """What has to be read of a row that goes: how it and the others point at each other, and what undeclared links point at."""
    undeclared = (name for inbound in undeclared_links(catalogue, table) for name in inbound.link.to_fields)
    return tuple({column.name: column for column in (*linking(catalogue, table, others), *(table.columns[name] for name in undeclared))}.values())


def undeclared_links(catalogue: Catalogue, table: Table) -> tuple[Inbound, ...]:
    """Links to this collection that only the manifest knows, so that no lock of the server holds them."""
    return tuple(inbound for inbound in catalogue.inbound(table.collection) if inbound.link.on_delete == "none")


@dataclass(frozen=True, slots=True)
class Removal:
    """The deletions of one transaction. `changes` by number; `rows` holds what the lock saw, also of numbers that are not to go."""

    dialect: Dialect
    connection: sa.Connection
    catalogue: Catalogue
    changes: Sequence[Change]
    outcomes: dict[int, Outcome]
    rows: Mapping[str, Mapping[Key, tuple[Row, ...]]]

    def run(self, numbers: Sequence[int]) -> None:
        """Deletes what can go and writes an outcome for each number. Raises `Undone` where the server does something else than it is told."""
        todo = self._unencumbered(numbers)
        leaving = self._by_collection(todo)
        first = {collection: [self.rows[collection][key][0] for key in keys] for collection, keys in leaving.items()}
        server = server_named(self.connection.dialect.name)
        edges = list(edges_among(self.catalogue, first, server))
        names = [(collection, key) for collection, keys in leaving.items() for key in keys]
        try:
            steps = unravelled(names, edges, server)
        except Knotted as knot:
            raise Undone("sql.cycle", f"rows point at each other in a circle that cannot be broken: {knot.circle}") from None
        for step in steps:
            self._take(step)
        if any(isinstance(step, Remove) and not step.is_exact for step in steps):
            self._check_gone(leaving)
        for collection, keys in leaving.items():
            self._count_once_more(self.catalogue.table(collection), keys, leaving, todo)
        self.outcomes.update(dict.fromkeys(todo, Done(None)))

    def _by_collection(self, numbers: Sequence[int]) -> dict[str, list[Key]]:
        found: dict[str, list[Key]] = {}
        for number in numbers:
            place = self.changes[number].locator
            found.setdefault(place.collection, []).append(place.key)
        return found

    def _unencumbered(self, numbers: Sequence[int]) -> list[int]:
        """Those that nothing unknown points at. A row that must stay holds back those that it points at, so the count is repeated without it."""
        todo = list(numbers)
        while todo:
            leaving = self._by_collection(todo)
            counted = Dependents(self.dialect, self.connection, self.catalogue, {name: frozenset(keys) for name, keys in leaving.items()})
            tallies: dict[Name, Tally] = {}
            for collection, keys in leaving.items():
                table = self.catalogue.table(collection)
                for batch in batches(keys) if table.key else ():
                    tallies |= {(collection, key): tally for key, tally in counted.recounted(table, batch).items()}
            free = [number for number in todo if self._is_free(number, tallies)]
            if len(free) == len(todo):
                break
            todo = free
        return todo

    def _is_free(self, number: int, tallies: Mapping[Name, Tally]) -> bool:
        change = self.changes[number]
        tally = tallies.get((change.locator.collection, change.locator.key), Tally())
        planned: Tally = Tally()
        for one in change.dependents:
            planned[one.collection, one.on_delete] += one.count
        if tally - planned:
            self.outcomes[number] = Drifted("dependents")
        elif any(on_delete == "restrict" for _, on_delete in tally):
            self.outcomes[number] = Failed("sql.restricted", "other records point at this one and the database forbids its deletion while they do")
        return number not in self.outcomes

    def _take(self, step: Step) -> None:
        match step:
            case Wait():
                self.connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
            case Cut():
                self._cut(step)
            case Remove(at_once=True):
                self._remove_at_once(step)
            case Remove():
                self._remove(step)

    def _cut(self, cut: Cut) -> None:
        table = self.catalogue.table(cut.collection)
        values = {column.element: sa.null() for column in emptied(table, cut.link)}
        for batch in batches(cut.rows):
            done = self.connection.execute(sa.update(table.element).values(values).where(keyed(self.dialect, table, batch))).rowcount
            if done > len(batch):
                raise Undone("sql.not_updated", f"{cut.collection}: the server emptied more links than it was told; a trigger or a rule interferes")

    def _remove(self, step: Remove) -> None:
        for table, rows in self._rows_of(step):
            for start in range(0, len(rows), BATCH):
                part = rows[start : start + BATCH]
                deleted = self.connection.execute(sa.delete(table.element).where(addressed(self.dialect, table, part))).rowcount
                _check_count(table, deleted, len(part), is_exact=step.is_exact)

    def _remove_at_once(self, step: Remove) -> None:
        """One statement for all collections: what points where is checked when it has ended, and by then all of them are gone."""
        parts = list(self._rows_of(step))
        deletions = [
            sa.delete(table.element).where(addressed(self.dialect, table, rows)).returning(sa.literal_column("1").label("gone")).cte(f"gone_{number}")
            for number, (table, rows) in enumerate(parts)
        ]
        counts = [sa.select(sa.func.count()).select_from(gone).scalar_subquery() for gone in deletions]
        found = self.connection.execute(reduce(sa.Select.add_cte, deletions, sa.select(*counts))).one()
        for (table, rows), deleted in zip(parts, found, strict=True):
            _check_count(table, deleted, len(rows), is_exact=False)

    def _rows_of(self, step: Remove) -> Iterator[tuple[Table, list[Row]]]:
        """The rows of a step by table, children's tables first."""
        keys: dict[str, list[Key]] = {}
        for collection, key in step.rows:
            keys.setdefault(collection, []).append(key)
        for collection in sorted(keys, key=self.catalogue.rank) if len(keys) > 1 else keys:
            yield self.catalogue.table(collection), [row for key in keys[collection] for row in self.rows[collection][key]]

    def _check_gone(self, leaving: Mapping[str, Sequence[Key]]) -> None:
        for collection, keys in leaving.items():
            table = self.catalogue.table(collection)
            for batch in batches(keys):
                if fetch(self.dialect, self.connection, table, batch, table.key):
                    raise Undone("sql.not_deleted", f"{collection}: the server kept rows that it was told to delete; a trigger or a rule interferes")

    def _count_once_more(self, table: Table, keys: Sequence[Key], leaving: Mapping[str, Sequence[Key]], todo: Sequence[int]) -> None:
        """Undeclared links are not locked: somebody may have pointed at the rows since they were counted."""
        for inbound in undeclared_links(self.catalogue, table):
            columns = [table.columns[name] for name in inbound.link.to_fields]
            values = [tuple(row.values[column.name] for column in columns) for key in keys for row in self.rows[table.collection][key]]
            counted = Dependents(self.dialect, self.connection, self.catalogue, {name: frozenset(found) for name, found in leaving.items()})
            found = sum(counted.cut_loose(inbound, columns, values[start : start + BATCH]) for start in range(0, len(values), BATCH))
            known = sum(
                one.count
                for number in todo
                for one in self.changes[number].dependents
                if self.changes[number].locator.collection == table.collection
                if (one.collection, one.on_delete) == (inbound.table.collection, "none")
            )
            if found > (known if self.connection.dialect.name == "postgresql" else 0):  # elsewhere only newcomers were counted
                raise Undone(
                    "sql.restricted", f"{inbound.table.collection} began to point at rows of {table.collection} while they were deleted; plan again"
                )


def _check_count(table: Table, deleted: int, wanted: int, *, is_exact: bool) -> None:
    if deleted > wanted or (is_exact and deleted != wanted):
        raise Undone(
            "sql.not_deleted", f"{table.collection}: the server deleted another number of rows than it was told; a trigger or a rule interferes"
        )
