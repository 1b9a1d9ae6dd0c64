"""Rows of a plan that point at each other: which of them have to go in one transaction, and whether that can be done at all.

Only collections that can point at each other in a circle, or at themselves, are looked at: everywhere else an order of collections is enough.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from dsr_engine.domain.plan import Delete, Point, SetValue
from dsr_engine.drivers.driver import Change, Foreseen, Link, Problem
from dsr_engine.drivers.sql.effects.cycles import Edge, Knotted, Name, edges_among, groups_of, linking, server_named, unravelled
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Table
from dsr_engine.drivers.sql.schema.columns import Column
from dsr_engine.drivers.sql.values.rows import Key, Row

#: The most records that are deleted in one transaction. More hold their locks too long for the people who work with the database.
MOST_TOGETHER = 10_000


def cut_links(catalogue: Catalogue, change: Change) -> Iterator[Link]:
    """The links of a record that its rewrite empties or points elsewhere."""
    table = catalogue.tables.get(change.locator.collection)
    if table is None or isinstance(change.effect, Delete):
        return
    set_anew = {edit.place for edit in change.effect.edits if isinstance(edit.how, SetValue | Point)}
    yield from (link for link in table.links if set_anew.intersection(link.fields))


class Knots:
    """Collects the rows that are to go, then ties those together that point at each other."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._rows: dict[str, list[Row]] = {}
        self._numbers: dict[Name, Sequence[int]] = {}

    @cached_property
    def _circles(self) -> Mapping[str, frozenset[str]]:
        """Collection → those that it can point at in a circle, itself included."""
        return self._catalogue.circles()

    def columns(self, table: Table) -> tuple[Column, ...]:
        """What has to be read of the rows of a collection."""
        return linking(self._catalogue, table, self._circles.get(table.collection, frozenset()))

    def add(self, table: Table, rows: Mapping[Key, Row], numbers: Mapping[Key, Sequence[int]]) -> None:
        if table.collection in self._circles:
            self._rows.setdefault(table.collection, []).extend(rows.values())
            self._numbers |= {(table.collection, key): numbers[key] for key in rows}

    def tied(self, server_name: str, found: Mapping[int, Foreseen]) -> dict[int, Foreseen]:
        """The answers for those rows that have to go together, or that cannot."""
        server = server_named(server_name)
        circular = {circle: {name: self._rows[name] for name in circle if name in self._rows} for circle in set(self._circles.values())}
        edges = [edge for rows in circular.values() for edge in edges_among(self._catalogue, rows, server)]
        group_of: dict[Name, int] = {}
        groups = groups_of(list(self._numbers), edges)
        for number, group in enumerate(groups):
            group_of |= dict.fromkeys(group, number)
        within: dict[int, list[Edge]] = {}
        for edge in edges:
            within.setdefault(group_of[edge.child], []).append(edge)
        tied: dict[int, Foreseen] = {}
        for number, inner in sorted(within.items()):
            refusal = _too_many(groups[number])
            try:
                unravelled(groups[number], inner, server)
            except Knotted as knot:
                refusal = _circle(knot)
            together = str(number) if len(groups[number]) > 1 else ""
            for name in groups[number]:
                tied |= {one: replace(found[one], together=together, refusal=refusal or found[one].refusal) for one in self._numbers[name]}
        return tied


def _too_many(group: Sequence[Name]) -> Problem | None:
    if len(group) <= MOST_TOGETHER:
        return None
    collections = ", ".join(sorted({collection for collection, _ in group}))
    return Problem(
        "sql.knot_too_large",
        f"more than {MOST_TOGETHER:,} records of {collections} point at each other and would have to go in one transaction",
        "empty the links between them first, in a maintenance window",
    )


def _circle(knot: Knotted) -> Problem:
    return Problem(
        "sql.cycle",
        f"these records point at each other in a circle, and no link of it may be empty or is checked late: {knot.circle}",
        "make one of these columns nullable, or its constraint DEFERRABLE where the server has that",
    )
