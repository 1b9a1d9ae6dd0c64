"""Places boxes in columns so that arrows run from right to left and cross seldom: the layered drawing of Sugiyama, Tagawa and Toda (1981).

Everything is deterministic: the same boxes and arrows give the same places.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

Edge = tuple[str, str]

WIDTH = 250.0
_GAP_X = 110.0
_GAP_Y = 26.0
#: Height of a place through which a long arrow passes between boxes.
_PASS = 10.0
#: A column is not higher than this, if the picture as a whole need not be.
_COLUMN = 900.0
_SWEEPS = 12


@dataclass(frozen=True, slots=True)
class Places:
    """Upper left corners of the boxes, and for each arrow the points through which it passes between them."""

    boxes: Mapping[str, tuple[float, float]]
    passes: Mapping[Edge, tuple[tuple[float, float], ...]]
    width: float
    height: float


def place(heights: Mapping[str, float], edges: Sequence[Edge]) -> Places:
    """Where boxes of these heights stand. An arrow points from its first box to its second, which stands further left where no circle forbids it."""
    pairs = sorted({edge for edge in edges if edge[0] != edge[1] and edge[0] in heights and edge[1] in heights})
    linked = {name for edge in pairs for name in edge}
    grid = _Grid({name: heights[name] for name in sorted(linked)}, _without_circles(pairs, sorted(linked)))
    grid.run()
    bottom = max((grid.tops[name] + grid.heights[name] for name in grid.tops), default=-_GAP_Y)
    boxes = {name: (grid.column[name] * (WIDTH + _GAP_X), grid.tops[name]) for name in linked}
    columns = max(len(grid.layers), 4)
    boxes |= _shelf({name: heights[name] for name in sorted(heights) if name not in linked}, columns, bottom + 2 * _GAP_Y if linked else 0.0)
    passes = {edge: grid.points(edge) for edge in pairs}
    width = max((x + WIDTH for x, _ in boxes.values()), default=WIDTH)
    height = max((y + heights[name] for name, (_, y) in boxes.items()), default=0.0)
    return Places(boxes, passes, width, max(height, bottom))


def _shelf(heights: Mapping[str, float], columns: int, top: float) -> dict[str, tuple[float, float]]:
    """Boxes without arrows, each under the shortest column."""
    filled = [top] * columns
    places = {}
    for name, height in heights.items():
        at = filled.index(min(filled))
        places[name] = (at * (WIDTH + _GAP_X), filled[at])
        filled[at] += height + _GAP_Y
    return places


def _without_circles(pairs: Sequence[Edge], names: Sequence[str]) -> tuple[Edge, ...]:
    """The arrows with those turned round that close a circle."""
    out: dict[str, list[str]] = {name: [] for name in names}
    for start, end in pairs:
        out[start].append(end)
    state: dict[str, int] = {}
    found: list[Edge] = []
    for root in names:
        if root in state:
            continue
        state[root] = 1
        stack = [(root, iter(out[root]))]
        while stack:
            name, rest = stack[-1]
            for end in rest:
                found.append((end, name) if state.get(end) == 1 else (name, end))
                if end not in state:
                    state[end] = 1
                    stack.append((end, iter(out[end])))
                    break
            else:
                state[name] = 2
                stack.pop()
    return tuple(sorted(set(found)))


@dataclass(slots=True)
class _Grid:
    """Columns of boxes and of places that long arrows pass. `edges` have no circles."""

    heights: dict[str, float]
    edges: tuple[Edge, ...]
    layers: list[list[str]] = field(default_factory=list)
    column: dict[str, int] = field(default_factory=dict)
    tops: dict[str, float] = field(default_factory=dict)
    chains: dict[Edge, tuple[str, ...]] = field(default_factory=dict)
    near: dict[str, list[str]] = field(default_factory=dict)
    far: dict[str, list[str]] = field(default_factory=dict)

    def run(self) -> None:
        if not self.heights:
            return
        self._rank()
        self._chain()
        self._order()
        self._settle()

    def points(self, edge: Edge) -> tuple[tuple[float, float], ...]:
        """Where the arrow passes other columns, from its first box on."""
        chain = self.chains.get(edge)
        turned = self.chains.get((edge[1], edge[0])) if chain is None else None
        names = chain[1:-1] if chain is not None else turned[-2:0:-1] if turned is not None else ()
        found: list[tuple[float, float]] = []
        for name in names:
            left, y = self.column[name] * (WIDTH + _GAP_X), self.tops[name] + _PASS / 2
            # Level over the whole column, so that an arrow rises and falls between columns only.
            found += [(left + WIDTH, y), (left, y)] if chain is not None else [(left, y), (left + WIDTH, y)]
        return tuple(found)

    def _rank(self) -> None:
        """Every box right of all that it points at, close to what points at it, and no column too high."""
        ends: dict[str, list[str]] = {name: [] for name in self.heights}
        starts: dict[str, list[str]] = {name: [] for name in self.heights}
        for start, end in self.edges:
            ends[start].append(end)
            starts[end].append(start)
        rank: dict[str, int] = {}
        todo = sorted(self.heights)
        while todo:
            ready = [name for name in todo if all(end in rank for end in ends[name])]
            for name in ready:
                rank[name] = max((rank[end] + 1 for end in ends[name]), default=0)
            todo = [name for name in todo if name not in rank]
        for name in sorted(rank):
            if not ends[name] and starts[name]:
                rank[name] = min(rank[start] for start in starts[name]) - 1
        self._columns(rank)

    def _columns(self, rank: Mapping[str, int]) -> None:
        highest = max(_COLUMN, (sum(self.heights.values()) * WIDTH) ** 0.5)
        for level in sorted(set(rank.values())):
            layer: list[str] = []
            used = 0.0
            for name in sorted(name for name in rank if rank[name] == level):
                if layer and used + self.heights[name] > highest:
                    self.layers.append(layer)
                    layer, used = [], 0.0
                layer.append(name)
                used += self.heights[name] + _GAP_Y
            self.layers.append(layer)
        self.column = {name: number for number, layer in enumerate(self.layers) for name in layer}

    def _chain(self) -> None:
        """Puts a place into every column that an arrow passes."""
        for start, end in self.edges:
            chain = [start]
            for number in range(self.column[start] - 1, self.column[end], -1):
                name = f"\0{start}\0{end}\0{number}"
                self.heights[name], self.column[name] = _PASS, number
                self.layers[number].append(name)
                chain.append(name)
            chain.append(end)
            self.chains[start, end] = tuple(chain)
            for right, left in pairwise(chain):
                self.near.setdefault(right, []).append(left)
                self.far.setdefault(left, []).append(right)

    def _order(self) -> None:
        """Sorts columns by the middle of what they are linked with, back and forth; the order with the fewest crossings is kept."""
        best = [list(layer) for layer in self.layers]
        fewest = self._crossings()
        for sweep in range(_SWEEPS):
            numbers = range(1, len(self.layers)) if sweep % 2 == 0 else range(len(self.layers) - 2, -1, -1)
            for number in numbers:
                self._sort(number, self.near if sweep % 2 == 0 else self.far)
            crossings = self._crossings()
            if crossings < fewest:
                fewest, best = crossings, [list(layer) for layer in self.layers]
        self.layers = best

    def _sort(self, number: int, linked: Mapping[str, Sequence[str]]) -> None:
        at = {name: position for layer in self.layers for position, name in enumerate(layer)}
        layer = self.layers[number]
        middle = {
            name: sum(at[other] for other in others) / len(others) if (others := linked.get(name)) else float(position)
            for position, name in enumerate(layer)
        }
        layer.sort(key=lambda name: (middle[name], name))

    def _crossings(self) -> int:
        at = {name: position for layer in self.layers for position, name in enumerate(layer)}
        count = 0
        for layer in self.layers:
            lines = sorted((at[name], at[other]) for name in layer for other in self.near.get(name, ()))
            count += sum(1 for index, (_, one) in enumerate(lines) for _, other in lines[index + 1 :] if other < one)
        return count

    def _settle(self) -> None:
        """Gives heights: every box near the middle of what it is linked with, none over another."""
        for layer in self.layers:
            top = 0.0
            for name in layer:
                self.tops[name] = top
                top += self.heights[name] + _GAP_Y
        for sweep in range(_SWEEPS):
            linked = self.near if sweep % 2 == 0 else self.far
            for layer in self.layers if sweep % 2 == 0 else reversed(self.layers):
                self._shift(layer, linked)
        highest = min(self.tops.values())
        self.tops = {name: top - highest for name, top in self.tops.items()}

    def _shift(self, layer: Sequence[str], linked: Mapping[str, Sequence[str]]) -> None:
        wanted = []
        for name in layer:
            others = linked.get(name)
            middle = sum(self.tops[other] + self.heights[other] / 2 for other in others) / len(others) if others else None
            wanted.append(self.tops[name] if middle is None else middle - self.heights[name] / 2)
        down, up = list(wanted), list(wanted)
        for index in range(1, len(layer)):
            down[index] = max(down[index], down[index - 1] + self.heights[layer[index - 1]] + _GAP_Y)
        for index in range(len(layer) - 2, -1, -1):
            up[index] = min(up[index], up[index + 1] - self.heights[layer[index]] - _GAP_Y)
        # Both keep the boxes apart, and so does their mean.
        for name, one, other in zip(layer, down, up, strict=True):
            self.tops[name] = (one + other) / 2
