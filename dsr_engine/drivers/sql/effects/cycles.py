"""In which order rows that point at each other are deleted, and how a circle among them is broken.

Pure: the same steps are worked out when the plan is made, so that a circle that cannot be broken is refused before anybody approves, and again under
the locks. Rows that nothing points at go first. Where rows point at each other in a circle, the mildest way that the server has is taken:

1. links that the server itself takes along or empties (CASCADE, SET NULL) do not hold anything back;
2. links that the server checks at the end of the transaction, if it is told to (SQLite: every NO ACTION; https://sqlite.org/foreignkeys.html §4.2);
3. a link that may be empty is emptied in the rows that are to go, in the same transaction;
4. otherwise the circle is refused, by name.

PostgreSQL needs none of this: it checks links when a statement has ended, and one statement can delete from several tables (manual, 7.8.4 and 39.5).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from dsr_engine.drivers.driver import Link
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Table
from dsr_engine.drivers.sql.schema.columns import Column
from dsr_engine.drivers.sql.values.canonical import canonical_text
from dsr_engine.drivers.sql.values.rows import Key, Row

#: A row by its collection and key.
Name = tuple[str, Key]


class Hold(IntEnum):
    """How firmly a link holds the row that it points at; the mildest first."""

    SOFT = 0
    WAITS = 1
    CUTTABLE = 2
    FIRM = 3


@dataclass(frozen=True, slots=True)
class Server:
    """What the server can do about circles. `is_strict_with_itself`: a row that points at itself cannot be deleted either (MariaDB)."""

    can_wait: bool = False
    deletes_at_once: bool = False
    is_strict_with_itself: bool = False


SERVERS: Mapping[str, Server] = {"postgresql": Server(deletes_at_once=True), "sqlite": Server(can_wait=True)}


def server_named(name: str) -> Server:
    """By the dialect's name; a server that nobody knows counts as one that can do nothing and minds everything."""
    return SERVERS.get(name, Server(is_strict_with_itself=True))


@dataclass(frozen=True, slots=True)
class Edge:
    """`child` points at `parent` by `link`."""

    child: Name
    parent: Name
    link: Link
    hold: Hold

    def __str__(self) -> str:
        return f"{self.child[0]}.{'+'.join(self.link.fields)}"


@dataclass(frozen=True, slots=True)
class Wait:
    """From here on links are checked at the end of the transaction."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The link of these rows, all of one collection, is emptied."""

    collection: str
    link: Link
    rows: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Remove:
    """These rows go. `is_exact`: none of them can have gone along with an earlier one. `at_once`: in one statement, also from several collections."""

    rows: tuple[Name, ...]
    is_exact: bool = True
    at_once: bool = False


Step = Wait | Cut | Remove


class Knotted(Exception):
    """A circle that this server gives no way to break. `circle`: `a.x → b.y → a.x`, in names of collections and fields."""

    def __init__(self, edges: Sequence[Edge]) -> None:
        self.rows = frozenset(edge.child for edge in edges)
        self.circle = " → ".join([str(edge) for edge in edges] + [str(edges[0])])
        super().__init__(self.circle)


def linking(catalogue: Catalogue, table: Table, others: frozenset[str]) -> tuple[Column, ...]:
    """The columns by which rows of this collection and of the others point at each other."""
    own = [name for link in table.links if link.to_collection in others for name in link.fields]
    pointed = [name for inbound in catalogue.inbound(table.collection) if inbound.table.collection in others for name in inbound.link.to_fields]
    return tuple(column for name in dict.fromkeys((*own, *pointed)) if (column := table.columns.get(name)) is not None and column.is_readable)


def edges_among(catalogue: Catalogue, rows: Mapping[str, Sequence[Row]], server: Server) -> Iterator[Edge]:
    """Every link between two of the rows. Letter case and blanks do not count, as for some collations: one edge too many costs an order, no row."""
    known: dict[tuple[str, tuple[str, ...]], dict[tuple[object, ...], list[Name]]] = {}
    for collection, own in rows.items():
        table = catalogue.table(collection)
        for link in table.links:
            if link.to_collection not in rows:
                continue
            target = catalogue.table(link.to_collection)
            place = (link.to_collection, link.to_fields)
            if place not in known:
                known[place] = _indexed(target, link.to_fields, rows[link.to_collection])
            hold = _hold(table, link, server)
            for row in own:
                for parent in known[place].get(_values(table, link.fields, row), ()):
                    if parent != (collection, row.key) or server.is_strict_with_itself:
                        yield Edge((collection, row.key), parent, link, hold)


def _indexed(table: Table, names: Sequence[str], rows: Sequence[Row]) -> dict[tuple[object, ...], list[Name]]:
    found: dict[tuple[object, ...], list[Name]] = {}
    for row in rows:
        values = _values(table, names, row)
        if None not in values:
            found.setdefault(values, []).append((table.collection, row.key))
    return found


def _values(table: Table, names: Sequence[str], row: Row) -> tuple[object, ...]:
    """The values as they are compared; one that is NULL, or not known, makes them point nowhere."""
    return tuple(_compared(table.columns[name], row) if name in table.columns else None for name in names)


def _compared(column: Column, row: Row) -> object:
    value = row.values.get(column.name)
    return canonical_text(column, value).casefold().rstrip() if isinstance(value, str) else value


def _hold(table: Table, link: Link, server: Server) -> Hold:
    columns = [table.columns[name] for name in link.fields if name in table.columns]
    is_emptiable = any(column.facts.is_nullable and not column.facts.is_key and not column.is_generated for column in columns)
    if link.on_delete in ("none", "cascade") or (link.on_delete == "set_null" and is_emptiable):
        return Hold.SOFT
    if link.can_wait and server.can_wait:
        return Hold.WAITS
    return Hold.CUTTABLE if is_emptiable else Hold.FIRM


def emptied(table: Table, link: Link) -> tuple[Column, ...]:
    """The columns that are set to NULL to cut a link: all that may be, so that it is cut under MATCH FULL as well."""
    columns = (table.columns[name] for name in link.fields)
    return tuple(column for column in columns if column.facts.is_nullable and not column.facts.is_key and not column.is_generated)


def unravelled(names: Sequence[Name], edges: Sequence[Edge], server: Server) -> list[Step]:
    """The steps that delete all the rows, each row once. Raises `Knotted`."""
    steps: list[Step] = []
    left, live = dict.fromkeys(names), list(edges)
    is_exact = not any(edge.child == edge.parent and edge.hold is Hold.SOFT for edge in edges)
    live = [edge for edge in live if edge.child != edge.parent or edge.hold is not Hold.SOFT]
    while left:
        pointed = {edge.parent for edge in live}
        free = tuple(name for name in left if name not in pointed)
        if free:
            steps.append(Remove(free, is_exact))
            gone = frozenset(free)
            left = {name: None for name in left if name not in gone}
            live = [edge for edge in live if edge.child not in gone]
        elif server.deletes_at_once:
            return [*steps, Remove(tuple(left), is_exact=False, at_once=True)]
        else:
            live, step = _loosened(live)
            is_exact = is_exact and step is not None
            steps += [step] if step is not None else []
    return steps


def _loosened(live: list[Edge]) -> tuple[list[Edge], Step | None]:
    """The links without the mildest of those that lie on circles, and what has to be done for that."""
    circular = _circular(live)
    mildest = min(edge.hold for edge in circular)
    chosen = [edge for edge in circular if edge.hold is mildest]
    if mildest is Hold.FIRM:
        raise Knotted(_circle(chosen))
    step: Step | None = None
    if mildest is Hold.WAITS:
        step = Wait()
    if mildest is Hold.CUTTABLE:
        first = chosen[0]
        chosen = [edge for edge in chosen if (edge.child[0], edge.link) == (first.child[0], first.link)]
        step = Cut(first.child[0], first.link, tuple(dict.fromkeys(edge.child[1] for edge in chosen)))
    dropped = {id(edge) for edge in chosen}
    return [edge for edge in live if id(edge) not in dropped], step


def _circular(edges: Sequence[Edge]) -> list[Edge]:
    """The edges that lie on a circle: those whose ends are in one strongly connected component."""
    component = components(edges)
    return [edge for edge in edges if component[edge.child] == component[edge.parent]]


def components(edges: Sequence[Edge]) -> dict[Name, int]:
    """Strongly connected components by number."""
    following: dict[Name, list[Name]] = {}
    for edge in edges:
        following.setdefault(edge.child, []).append(edge.parent)
        following.setdefault(edge.parent, [])
    search = _Components(following)
    for root in following:
        search.walk(root)
    return search.found


class _Components:
    """Tarjan's algorithm, without recursion: chains may be long."""

    def __init__(self, following: Mapping[Name, Sequence[Name]]) -> None:
        self._following = following
        self._number: dict[Name, int] = {}
        self._low: dict[Name, int] = {}
        self._stack: list[Name] = []
        self.found: dict[Name, int] = {}

    def walk(self, root: Name) -> None:
        path = [] if root in self._number else [self._entered(root)]
        while path:
            node, nexts = path[-1]
            step = next(nexts, None)
            if step is None:
                path.pop()
                self._close(node)
                if path:
                    self._reach(path[-1][0], self._low[node])
            elif step not in self._number:
                path.append(self._entered(step))
            elif step not in self.found:
                self._reach(node, self._number[step])

    def _entered(self, node: Name) -> tuple[Name, Iterator[Name]]:
        self._number[node] = self._low[node] = len(self._number)
        self._stack.append(node)
        return node, iter(self._following[node])

    def _reach(self, node: Name, number: int) -> None:
        self._low[node] = min(self._low[node], number)

    def _close(self, node: Name) -> None:
        if self._low[node] != self._number[node]:
            return
        while True:
            member = self._stack.pop()
            self.found[member] = self._number[node]
            if member == node:
                return


def _circle(edges: Sequence[Edge]) -> list[Edge]:
    """One circle among edges that all lie on circles."""
    leaving: dict[Name, Edge] = {}
    for edge in edges:
        leaving.setdefault(edge.child, edge)
    path: list[Edge] = []
    seen: dict[Name, int] = {}
    at = edges[0].child
    while at not in seen and at in leaving:
        seen[at] = len(path)
        path.append(leaving[at])
        at = leaving[at].parent
    return path[seen.get(at, 0) :]


def groups_of(names: Sequence[Name], edges: Sequence[Edge]) -> list[list[Name]]:
    """Rows that are joined by links, in whichever direction; a row that stands alone is a group of its own."""
    root = {name: name for name in names}

    def top(name: Name) -> Name:
        while root[name] != name:
            root[name] = root[root[name]]
            name = root[name]
        return name

    for edge in edges:
        one, other = top(edge.child), top(edge.parent)
        root[max(one, other)] = min(one, other)
    found: dict[Name, list[Name]] = {}
    for name in names:
        found.setdefault(top(name), []).append(name)
    return list(found.values())
