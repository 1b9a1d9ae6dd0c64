"""Who points at the rows that are to go, at any distance that a cascade reaches. Nothing is taken or cut loose silently.

`walked` looks row by row and leaves out rows that go themselves; a plan needs that. `recounted` asks the same in one statement,
under the lock of the rows that go. Where cascades run in a circle no single statement of fixed length can follow them, and the recount walks too.

A link that only the manifest knows is not held by any lock of the server: a row that points may appear between the recount and the commit.
`cut_loose` therefore counts once more when the rows are gone, just before the commit, and reads what others have committed meanwhile. What commits
after that and before our own commit is not seen; the fresh look that follows finds such a row if it holds anything of the person's.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from dsr_engine.domain.plan import Dependent
from dsr_engine.drivers.driver import Link
from dsr_engine.drivers.sql.finding.facts import bound_key
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Inbound, Table
from dsr_engine.drivers.sql.schema.columns import Column, Value, as_value
from dsr_engine.drivers.sql.server.dialects import Dialect
from dsr_engine.drivers.sql.values.rows import BATCH, Key, batches, key_of, keyed

#: (collection, what the system does by itself) → how many rows.
Tally = Counter[tuple[str, str]]

_CASCADE = "cascade"

#: The most parameters of one statement; SQLite as shipped takes 32,766.
_PARAMETERS = 30_000

#: A row's `xmin` is the transaction that wrote it, without the epoch (PostgreSQL manual, 5.5).
_OF_OTHERS = sa.text("xmin::text::bigint <> (pg_current_xact_id()::text::bigint & 4294967295)")


def dependents(tally: Tally) -> tuple[Dependent, ...]:
    return tuple(Dependent(collection, on_delete, count) for (collection, on_delete), count in sorted(tally.items()))


@dataclass(frozen=True, slots=True)
class Dependents:
    """Counts dependents through one connection. `leaving` names rows, by collection, that go by themselves and are not counted.

    `cut` names rows, by collection and link, whose link will be emptied or pointed elsewhere first; `rewritten` names rows that stay and are changed.
    """

    dialect: Dialect
    connection: sa.Connection
    catalogue: Catalogue
    leaving: Mapping[str, Collection[Key]]
    cut: Mapping[tuple[str, Link], Collection[Key]] = field(default_factory=dict)
    rewritten: Mapping[str, Collection[Key]] = field(default_factory=dict)
    staying: Counter[Key] = field(default_factory=Counter)

    def walked(self, table: Table, keys: Sequence[Key]) -> Mapping[Key, Tally]:
        """The dependents of each row, followed through cascades. Afterwards `staying` counts those among them that are rewritten themselves."""
        tallies: dict[Key, Tally] = {key: Counter() for key in keys}
        self._walk(table, {key: frozenset((key,)) for key in keys}, (), tallies, set())
        return tallies

    def _walk(
        self, table: Table, roots: Mapping[Key, frozenset[Key]], path: tuple[Inbound, ...], tallies: dict[Key, Tally], seen: set[tuple[Key, str, Key]]
    ) -> None:
        for inbound in self.catalogue.inbound(table.collection):
            child, reached = inbound.table, dict[Key, frozenset[Key]]()
            for parent, key in self._children(table, inbound, tuple(roots)):
                if key in self.leaving.get(child.collection, ()) or key in self.cut.get((child.collection, inbound.link), ()):
                    continue
                fresh = frozenset(root for root in roots[parent] if (root, child.collection, key) not in seen)
                if inbound in path:  # a circle: every row counts once
                    seen.update((root, child.collection, key) for root in fresh)
                for root in fresh:
                    tallies[root][child.collection, inbound.link.on_delete] += 1
                    self.staying[root] += key in self.rewritten.get(child.collection, ())
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
                .select_from(children.join(parents, self._joined(table, inbound, children, parents)))
                .where(keyed(self.dialect, table, batch, parents))
            )
            for raw in self.connection.execute(query.execution_options(yield_per=BATCH)).all():
                values = [as_value(part) for part in raw]
                parent = key_of(table, dict(zip((column.name for column in table.key), values, strict=False)))
                key = key_of(child, dict(zip((column.name for column in named), values[len(table.key) :], strict=True)))
                if parent is not None and parent in batch:
                    yield parent, key or ("",)

    def _reads(self, source: sa.FromClause, columns: Sequence[Column]) -> list[sa.Label[Any]]:
        return [column.read_from(source).label(f"{source.description}_{number}") for number, column in enumerate(columns)]

    def recounted(self, table: Table, keys: Sequence[Key]) -> Mapping[Key, Tally]:
        """The same numbers in one statement, unless cascades run in a circle or very many rows go."""
        paths = list(self._paths(table.collection, ()))
        if any(len(set(path)) < len(path) for path in paths) or self._parameters(table, paths, keys) > _PARAMETERS:
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

    def _parameters(self, table: Table, paths: Sequence[tuple[Inbound, ...]], keys: Sequence[Key]) -> int:
        """How many values the recount would bind; servers with arrays take far more, and a walk costs them little."""
        leaving = {name: len(found) * max(1, len(self.catalogue.table(name).key)) for name, found in self.leaving.items()}
        return sum(len(keys) * len(table.key) + sum(leaving.get(step.table.collection, 0) for step in path) for path in paths)

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
        pointed = table
        for step, inbound in enumerate(path):
            source = inbound.table.element.alias(f"c{step}")
            joined = joined.join(source, self._joined(pointed, inbound, source, target))
            leaving = self.leaving.get(inbound.table.collection)
            if leaving and inbound.table.key:  # they go by themselves; a row whose key is NULL cannot be among them
                unnamed = [source.c[column.name].is_(None) for column in inbound.table.key]
                conditions.append(sa.or_(sa.not_(keyed(self.dialect, inbound.table, leaving, source)), *unnamed))
            target, pointed = source, inbound.table
        names = self._reads(parents, table.key)
        groups = [parents.c[column.name] for column in table.key]
        return (
            sa.select(sa.literal_column(str(number)).label("path"), sa.func.count().label("found"), *names)
            .select_from(joined)
            .where(*conditions)
            .group_by(*groups)
        )

    def _joined(self, parent: Table, inbound: Inbound, source: sa.FromClause, target: sa.FromClause) -> sa.ColumnElement[bool]:
        """How a child joins its parent. A link that nobody declared may join unlike types: then their texts are compared."""
        child, conditions = inbound.table, []
        for own, other in zip(inbound.link.fields, inbound.link.to_fields, strict=True):
            one, two = child.columns[own], parent.columns[other]
            left: sa.ColumnElement[Any] = source.c[own]
            right: sa.ColumnElement[Any] = target.c[other]
            if inbound.link.on_delete == "none" and one.type is not two.type:
                left, right = self.dialect.as_text(left, one.type, one.is_array), self.dialect.as_text(right, two.type, two.is_array)
            conditions.append(left == right)
        return sa.and_(*conditions)

    def cut_loose(self, inbound: Inbound, columns: Sequence[Column], values: Sequence[Sequence[Value]]) -> int:
        """How many rows point by this link at values that are gone by now, given as texts of these columns of the parent.

        Rows that this transaction wrote itself, by a trigger that keeps what is deleted, do not count: nobody began to point there.
        """
        if self.connection.dialect.name == "sqlite":
            return 0  # one writer at a time, and that is us
        child = inbound.table
        own = [child.columns[name] for name in inbound.link.fields]
        bound = [bound_key(self.dialect, columns, one) for one in values if None not in one]
        if not bound:
            return 0
        alike = all(one.type is two.type for one, two in zip(own, columns, strict=True))
        elements = [column.element if alike else self.dialect.as_text(column.element, column.type, column.is_array) for column in own]
        words = [column.declared if alike else "text" for column in own]
        wanted = self.dialect.among(elements, words, bound if alike else [[str(part) for part in one] for one in values if None not in one])
        query: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(child.element).where(wanted)
        if child.key and self.leaving.get(child.collection):
            query = query.where(sa.not_(keyed(self.dialect, child, self.leaving[child.collection])))
        if self.connection.dialect.name == "postgresql":
            query = query.where(_OF_OTHERS)
        found = len(self.connection.execute(query).all())
        if self.connection.dialect.name in ("mysql", "mariadb"):
            # A plain read shows what was there when the transaction began, and its own rows; a locking one also what others have committed since.
            return len(self.connection.execute(query.with_for_update(read=True)).all()) - found
        return found
