"""The live catalogue: what tables, columns, keys and links there are, with what the manifest adds to them.

Foreign keys, types, NOT NULL, UNIQUE and cascades come from the server; the manifest adds links that no constraint declares,
and who a field belongs to.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from dsr_engine.domain.errors import ManifestWrong
from dsr_engine.domain.selector import Scope
from dsr_engine.domain.system import CollectionMap, Discover, FieldMap, Manifest
from dsr_engine.drivers.driver import CollectionFacts, Link, Problem
from dsr_engine.drivers.sql.schema.columns import Column
from dsr_engine.drivers.sql.server.dialects import Relation, Shape


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """One collection. `key` is empty where no column set names a row: then its rows are named by a digest of all their values.

    `names` are the pairs of columns that hold one person's name.
    """

    collection: str
    relation: Relation
    element: sa.TableClause
    columns: Mapping[str, Column]
    key: tuple[Column, ...] = ()
    links: tuple[Link, ...] = ()
    map: CollectionMap | None = None
    names: tuple[tuple[Column, Column], ...] = ()

    @property
    def readable(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns.values() if column.is_readable)

    @property
    def is_plain_view(self) -> bool:
        """A view holds nothing of its own: whoever searches the tables has searched it."""
        return self.relation.shape is Shape.VIEW

    @property
    def is_unused(self) -> bool:
        """A place for large objects where there are none, and that nobody mapped."""
        return self.relation.shape is Shape.OBJECTS and not self.relation.count and self.map is None

    def field_named(self, name: str) -> FieldMap | None:
        return self.map.field_named(name) if self.map else None


@dataclass(frozen=True, slots=True, eq=False)
class Inbound:
    """A link as its target sees it: rows of `table` point here."""

    table: Table
    link: Link


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All tables of a database, by collection. `manifest` decides which of them are in scope."""

    tables: Mapping[str, Table]
    manifest: Manifest
    _inbound: Mapping[str, tuple[Inbound, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, tables: Iterable[Table], manifest: Manifest) -> "Catalogue":
        known = {table.collection: table for table in tables}
        inbound: dict[str, list[Inbound]] = {}
        for table in known.values():
            for link in table.links:
                inbound.setdefault(link.to_collection, []).append(Inbound(table, link))
        return cls(known, manifest, {name: tuple(links) for name, links in inbound.items()})

    def table(self, collection: str) -> Table:
        """The table of a collection. Raises `ManifestWrong` where there is none, or where the manifest names a field that it does not have."""
        table = self.tables.get(collection)
        if table is None:
            raise ManifestWrong(f"there is no table {collection}", code="sql.unknown_collection", hint="compare the connector with `dsr map`")
        missing = [entry.name for entry in table.map.fields if entry.name not in table.columns] if table.map else []
        if missing:
            raise ManifestWrong(
                f"{collection} has no field {', '.join(missing)}", code="sql.unknown_field", hint="compare the connector with `dsr map`"
            )
        return table

    def inbound(self, collection: str) -> tuple[Inbound, ...]:
        return self._inbound.get(collection, ())

    def scope(self) -> Iterator[str]:
        """The collections that a search covers: those that the manifest lists and, if it says so, all others that hold rows."""
        listed = [entry.name for entry in self.manifest.collections]
        yield from listed
        if self.manifest.discover is not Discover.NONE:
            yield from (name for name, table in self.tables.items() if name not in listed and not (table.is_plain_view or table.is_unused))

    def problems(self) -> Iterator[Problem]:
        """Where manifest and catalogue disagree."""
        for entry in self.manifest.collections:
            table = self.tables.get(entry.name)
            if table is None:
                yield Problem("sql.unknown_collection", f"there is no table {entry.name}", "compare the connector with `dsr map`")
                continue
            for known in entry.fields:
                if known.name not in table.columns:
                    yield Problem("sql.unknown_field", f"{entry.name} has no field {known.name}", "compare the connector with `dsr map`")
                if known.references and not self._has(*known.references):
                    yield Problem(
                        "sql.unknown_field",
                        f"{entry.name}.{known.name} references {'.'.join(known.references)}, which is not there",
                        "mend `references`",
                    )

    def _has(self, collection: str, name: str) -> bool:
        return collection in self.tables and name in self.tables[collection].columns

    def names_of(self, scope: Scope, system: str) -> frozenset[tuple[str, str]]:
        """(collection, field) of every field of this system that holds the same key as `scope`: by reference, at any distance, or by `same_as`."""
        is_own = scope.system == system
        names = {(scope.collection, scope.field)} if is_own else set()
        aliases = {f"{scope.system}.{scope.collection}.{scope.field}", *((f"{scope.collection}.{scope.field}",) if is_own else ())}
        grew = True
        while grew:
            found = {(table.collection, name) for table in self.tables.values() for name in _pointing(table, names, aliases)}
            grew = not found <= names
            names |= found
        return frozenset(names)

    def facts(self) -> tuple[CollectionFacts, ...]:
        ranks = self._ranks()
        return tuple(
            CollectionFacts(
                name=table.collection,
                key=tuple(column.name for column in table.key),
                fields=tuple(column.facts for column in table.columns.values()),
                links=table.links,
                rank=ranks[table.collection],
                count=table.relation.count,
                is_searchable=not (table.relation.reason or table.relation.caveat),
                reason=table.relation.reason or table.relation.caveat,
            )
            for table in self.tables.values()
            if not table.is_unused
        )

    def rank(self, collection: str) -> int:
        """Deletions go in the order of ranks."""
        below = self._below(collection)
        return sum(1 for other in below if collection not in self._below(other))

    def circles(self) -> dict[str, frozenset[str]]:
        """Collection → all that it shares a circle of links with, itself included; only collections that are on one."""
        below = {name: self._below(name) for name in self.tables}
        return {name: frozenset(other for other in found if name in below.get(other, ())) for name, found in below.items() if name in found}

    def _ranks(self) -> dict[str, int]:
        """A parent's rank counts everything that depends on it at any distance, so children come first; a cycle shares one rank."""
        below = {name: self._below(name) for name in self.tables}
        return {name: sum(1 for other in found if name not in below.get(other, ())) for name, found in below.items()}

    def _below(self, name: str) -> set[str]:
        found: set[str] = set()
        todo = [name]
        while todo:
            for inbound in self.inbound(todo.pop()):
                if inbound.table.collection not in found:
                    found.add(inbound.table.collection)
                    todo.append(inbound.table.collection)
        return found


def _pointing(table: Table, names: set[tuple[str, str]], aliases: set[str]) -> Iterator[str]:
    for link in table.links:
        yield from (own for own, other in zip(link.fields, link.to_fields, strict=True) if (link.to_collection, other) in names)
    if table.map:
        yield from (entry.name for entry in table.map.fields if entry.name in table.columns and aliases.intersection(entry.same_as))


def manifest_links(map_: CollectionMap | None, declared: Sequence[Link]) -> Iterator[Link]:
    """Links that only the manifest knows; one that a constraint declares as well is the server's."""
    for entry in map_.fields if map_ else ():
        if entry.references is None:
            continue
        collection, name = entry.references
        if not any(link.fields == (entry.name,) and link.to_collection == collection and link.to_fields == (name,) for link in declared):
            yield Link((entry.name,), collection, (name,))
