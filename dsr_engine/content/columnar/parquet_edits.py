"""The edits of a plan as orders to the child: which rows of which row group go, which values become what.

The values that an edit concerns are asked for again, judged here, and only what they become is passed on.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dsr_engine.content.columnar.arrow_units import Schema, Values, said
from dsr_engine.content.columnar.parquet_footer import SchemaLeaf
from dsr_engine.content.columnar.parquet_values import UNCHANGED, changed, stored
from dsr_engine.content.records.split_cells import parted, run_of
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import cannot_rewrite
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans

_STEP = re.compile(r"\{(\d+)\}\.?|\[(\d+)\]\.?|([^.\[{/]+)\.?")
_ITEM = 2


@dataclass(slots=True)
class Order:
    """What happens to one row group: rows (from 0, in it) that go, and new values by top-level column: (leaf, row, positions, value)."""

    group: int
    drop: list[int] = field(default_factory=list)
    values: dict[int, list[tuple[int, int, list[int], Any]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Spot:
    """One value: its leaf and its positions in lists."""

    leaf: int
    items: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """What edits need to know of a file."""

    schema: Schema
    leaves: Sequence[SchemaLeaf]

    def spot(self, place: str) -> Spot:
        """The value that a place inside a row names. Raises `NotSupported`."""
        steps, at = [], 0
        while at < len(place):
            found = _STEP.match(place, at)
            if found is None:
                raise not_there()
            steps.append((("position", "item", "name")[(found.lastindex or 1) - 1], found[found.lastindex or 1]))
            at = found.end()
        for number, column in enumerate(self.schema.columns):
            if len(column.steps) == len(steps) and all(_is_step(mine, yours) for mine, yours in zip(column.steps, steps, strict=True)):
                return Spot(number, tuple(int(text) for kind, text in steps if kind == "item"))
        raise not_there()

    def cells(self) -> Sequence[int | None]:
        """The leaf of each top-level column, None for nested ones."""
        found: dict[int, int | None] = {}
        for number, column in enumerate(self.schema.columns):
            found[column.steps[0][2] - 1] = number if column.is_flat else None
        return [found.get(top) for top in range(max(found, default=-1) + 1)]


def tops_of(place: str, names: Mapping[int, str]) -> frozenset[int]:
    """The top-level columns (by number, with their names) of which a place inside a row may speak; none where it speaks of several, or of others."""
    found = _STEP.match(place)
    if run_of(place) is not None or found is None or found.lastindex == _ITEM:
        return frozenset()
    position, _, name = found.groups()
    return frozenset(top for top, own in names.items() if (own == name if position is None else top == int(position) - 1))


def _is_step(mine: tuple[str, str, int], yours: tuple[str, str]) -> bool:
    kind, name, at = mine
    if yours[0] == "item":
        return kind == "item"
    return kind == "field" and yours[1] == (str(at) if yours[0] == "position" else name)


def not_there() -> Exception:
    """The refusal of a place that is not there."""
    return cannot_rewrite("A cell of the plan is not in the file.", "plan again: the file is not what it was")


class Cells:
    """The values of the rows that edits concern, by (row, leaf, positions)."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._found: dict[tuple[int, int, tuple[int, ...]], str] = {}

    def take(self, values: Values, rows: Sequence[int]) -> None:
        """Notes the values of a frame; `rows` are the real numbers of the rows in it."""
        kind = self._table.schema.columns[values.leaf].kind
        for row, index, items in values.occurrences():
            start, end = values.span(index)
            text, is_opaque = said(values.data[start:end], kind)
            # Bytes that are no text are never found as one, so no edit cuts them.
            self._found[rows[row], values.leaf, items] = "" if is_opaque else text

    def text(self, row: int, spot: Spot) -> str | None:
        return self._found.get((row, spot.leaf, spot.items))


def ordered(edits: dict[int, tuple[Edit, ...]], cells: Cells, table: Table, rewriter: Rewriter, places: Sequence[tuple[int, int]]) -> Iterator[Order]:
    """The orders, by row group. `edits` by row from 0; `places` are (row group, row in it) of those rows in the same order."""
    order: Order | None = None
    for (row, several), (group, local) in zip(sorted(edits.items()), places, strict=True):
        if order is None or order.group != group:
            if order is not None:
                yield order
            order = Order(group)
        if any(not edit.place and isinstance(edit.how, DropPart) for edit in several):
            order.drop.append(local)
            continue
        for spot, value in _changes(row, several, cells, table, rewriter):
            top = table.schema.columns[spot.leaf].steps[0][2] - 1
            order.values.setdefault(top, []).append((spot.leaf, local, list(spot.items), value))
    if order is not None:
        yield order


def _changes(row: int, edits: Sequence[Edit], cells: Cells, table: Table, rewriter: Rewriter) -> Iterator[tuple[Spot, Any]]:
    now: dict[Spot, Any] = {}
    for edit in sorted(edits, key=lambda edit: run_of(edit.place) is None):
        run = run_of(edit.place)
        if run is not None:
            now.update(_parted(row, run, edit, cells, table, rewriter))
            continue
        spot = table.spot(edit.place)
        column, leaf = table.schema.columns[spot.leaf], table.leaves[spot.leaf]
        text = cells.text(row, spot)
        if text is None and not column.is_flat:
            raise not_there()
        value = changed(leaf, column.kind, column.names[-1], text, edit.how, rewriter)
        if value is not UNCHANGED:
            now[spot] = value
    yield from now.items()


def _parted(row: int, run: tuple[int, int], edit: Edit, cells: Cells, table: Table, rewriter: Rewriter) -> Iterator[tuple[Spot, Any]]:
    """What several cells hold only together, cut out of each."""
    if not isinstance(edit.how, RedactSpans):
        raise cannot_rewrite("What several cells hold together can be redacted, nothing else.")
    numbers = table.cells()
    if run[1] >= len(numbers):
        raise not_there()
    spots = [Spot(number, ()) if number is not None else None for number in numbers]
    texts = [(cells.text(row, spot) or "") if spot is not None and _is_text(table, spot) else "" for spot in spots]
    for index, text in parted(texts, *run, rewriter).items():
        spot = spots[index]
        if spot is not None:
            yield spot, stored(table.leaves[spot.leaf], "text", text)


def _is_text(table: Table, spot: Spot) -> bool:
    return table.schema.columns[spot.leaf].kind == "text"
