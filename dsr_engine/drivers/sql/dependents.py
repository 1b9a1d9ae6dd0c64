"""Who points at the rows that are to go, at any distance that a cascade reaches. Nothing is taken or cut loose silently.

`walked` looks row by row and leaves out rows that go themselves; a plan needs that. `recounted` asks the same in one statement,
under the lock of the rows that go. Where cascades run in a circle no single statement of fixed length can follow them, and the recount walks too.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from dsr_engine.domain.plan import Dependent
from dsr_engine.drivers.sql.catalogue import Catalogue, Inbound, Table
from dsr_engine.drivers.sql.columns import Column, as_value
from dsr_engine.drivers.sql.dialects import Dialect
from dsr_engine.drivers.sql.rows import BATCH, Key, batches, key_of, keyed

#: (collection, what the system does by itself) → how many rows.
Tally = Counter[tuple[str, str]]

_CASCADE = "cascade"


def dependents(tally: Tally) -> tuple[Dependent, ...]:
    return tuple(Dependent(collection, on_delete, count) for (collection, on_delete), count in sorted(tally.items()))


@dataclass(frozen=True, slots=True)
class Dependents:
    """Counts dependents through one connection. `leaving` names rows, by collection, that go by themselves and are not counted."""

    dialect: Dialect
    connection: sa.Connection
    catalogue: Catalogue
    leaving: Mapping[str, Collection[Key]]

    def walked(self, table: Table, keys: Sequence[Key]) -> Mapping[Key, Tally]:
        """The dependents of each row, followed through cascades."""
        tallies: dict[Key, Tally] = {key: Counter() for key in keys}
        self._walk(table, {key: frozenset((key,)) for key in keys}, (), tallies, set())
        return tallies

    def _walk(
        self, table: Table, roots: Mapping[Key, frozenset[Key]], path: tuple[Inbound, ...], tallies: dict[Key, Tally], seen: set[tuple[Key, str, Key]]
    ) -> None:
        for inbound in self.catalogue.inbound(table.collection):
            child, reached = inbound.table, dict[Key, frozenset[Key]]()
            for parent, key in self._children(table, inbound, tuple(roots)):
                if key in self.leaving.get(child.collection, ()):
                    continue
                fresh = frozenset(root for root in roots[parent] if (root, child.collection, key) not in seen)
                if inbound in path:  # a circle: every row counts once
                    seen.update((root, child.collection, key) for root in fresh)
                for root in fresh:
                    tallies[root][child.collection, inbound.link.on_delete] += 1
                reached[key] = reached.get(key, frozenset()) | fresh
            reached = {key: found for key, found in reached.items() if found}
            if inbound.link.on_delete == _CASCADE and reached and child.key:
                self._walk(child, reached, (*path, inbound), tallies, seen)

    def _children(self, table: Table, inbound: Inbound, keys: Sequence[Key]) -> Iterator[tuple[Key, Key]]:
        """(key of the parent, key of the child) for every row that points at one of the parents by this link."""
        child = inbound.table
        parents, children = table.element.alias("p"), child.element.alias("c")
        named = child.key or child.readable
        reads = [*self._reads(parents, table.key), *self._reads(children, named)]
        for batch in batches(keys):
            query = (
                sa.select(*reads)
                .select_from(children.join(parents, _joined(inbound, children, parents)))
                .where(keyed(self.dialect, table, batch, parents))
            )
            for raw in self.connection.execute(query.execution_options(yield_per=BATCH)).all():
                values = [as_value(part) for part in raw]
                parent = key_of(table, dict(zip((column.name for column in table.key), values, strict=False)))
                key = key_of(child, dict(zip((column.name for column in named), values[len(table.key) :], strict=True)))
                if parent is not None and parent in batch:
                    yield parent, key or ("",)

    def _reads(self, source: sa.FromClause, columns: Sequence[Column]) -> list[sa.Label[Any]]:
        return [
            self.dialect.as_text(source.c[column.name], column.type, column.is_array).label(f"{source.description}_{number}")
            for number, column in enumerate(columns)
        ]

    def recounted(self, table: Table, keys: Sequence[Key]) -> Mapping[Key, Tally]:
        """The same numbers in one statement, unless cascades run in a circle."""
        paths = list(self._paths(table.collection, ()))
        if any(len(set(path)) < len(path) for path in paths):
            return self.walked(table, keys)
        tallies: dict[Key, Tally] = {key: Counter() for key in keys}
        if not paths:
            return tallies
        counts = [self._count(table, path, number, keys) for number, path in enumerate(paths)]
        for raw in self.connection.execute(sa.union_all(*counts) if len(counts) > 1 else counts[0]):
            key = key_of(table, {column.name: as_value(part) for column, part in zip(table.key, raw[2:], strict=True)})
            last = paths[int(raw[0])][-1]
            if key in tallies:
                tallies[key][last.table.collection, last.link.on_delete] += int(raw[1])
        return tallies

    def _paths(self, collection: str, before: tuple[Inbound, ...]) -> Iterator[tuple[Inbound, ...]]:
        """Every chain of links that ends at the collection and whose inner links cascade; one that meets a link again ends there."""
        for inbound in self.catalogue.inbound(collection):
            path = (*before, inbound)
            yield path
            if inbound.link.on_delete == _CASCADE and inbound not in before:
                yield from self._paths(inbound.table.collection, path)

    def _count(self, table: Table, path: tuple[Inbound, ...], number: int, keys: Sequence[Key]) -> sa.Select[Any]:
        parents = table.element.alias("p")
        joined: sa.FromClause = parents
        conditions = [keyed(self.dialect, table, keys, parents)]
        target = parents
        for step, inbound in enumerate(path):
            source = inbound.table.element.alias(f"c{step}")
            joined = joined.join(source, _joined(inbound, source, target))
            if inbound.table is table:  # rows of this batch go by themselves
                conditions.append(sa.not_(keyed(self.dialect, table, keys, source)))
            target = source
        names = self._reads(parents, table.key)
        groups = [parents.c[column.name] for column in table.key]
        return (
            sa.select(sa.literal_column(str(number)).label("path"), sa.func.count().label("found"), *names)
            .select_from(joined)
            .where(*conditions)
            .group_by(*groups)
        )


def _joined(inbound: Inbound, source: sa.FromClause, target: sa.FromClause) -> sa.ColumnElement[bool]:
    link = inbound.link
    return sa.and_(*(source.c[own] == target.c[other] for own, other in zip(link.fields, link.to_fields, strict=True)))
