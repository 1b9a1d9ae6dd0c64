"""One search of a file of tables that a child reads by Arrow (Parquet, ORC): columns through the gate, then whole rows of what passed.

The child is asked twice, for columns and for rows, because it must not know whom is looked for. A part that cannot be read is a gap, and the
others go on.
"""

import importlib.util
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from dsr_engine.content.apart import Frame, spoken
from dsr_engine.content.columnar.arrow_units import Rows, Schema, Values, rows_that_pass, unpacked
from dsr_engine.content.format import Opener, Reading, Unreadable
from dsr_engine.content.opaque import Opaque
from dsr_engine.content.places import inside
from dsr_engine.content.pread_file import reopened
from dsr_engine.domain.record import Gap, Unit

NEEDS_EXTRA = "a file in Parquet or ORC needs pyarrow (pip install 'dsr-engine[parquet]'); only its bytes were searched"
#: Rows that are asked for at once.
_AT_ONCE = 4096


def has_library() -> bool:
    """True if the extra is installed."""
    return importlib.util.find_spec("pyarrow") is not None


def as_bytes(open_file: Opener, reading: Reading) -> Iterator[Unit]:
    """The raw bytes, beside a gap that says that there is more to the file."""
    if reading.gate is not None:
        yield from (found for found in Opaque().read(open_file, reading) if isinstance(found, Unit))


@dataclass(slots=True)
class ArrowSearch:
    """One pass over one file. `work` is the child's function; `reasons` has a sentence for each code, `kind` is what codes begin with."""

    file: BinaryIO
    reading: Reading
    work: str
    kind: str
    reasons: Mapping[str, str]
    is_partial: bool = False
    told: set[str] = field(default_factory=set)
    broken: dict[int, set[int]] = field(default_factory=dict)

    def gap(self, code: str, reason: str, *, is_partial: bool = True) -> Iterator[Gap]:
        """A gap, once for each kind. `is_partial`: the bytes have to be searched, too."""
        self.is_partial = self.is_partial or is_partial
        if code not in self.told:
            self.told.add(code)
            yield Gap(self.reading.collection, code, reason)

    def units(self) -> Iterator[Unit | Gap]:
        """The rows that pass, and names of columns that do. What cannot be read is a gap."""
        try:
            yield from self._columns() if self.reading.gate is not None else self._rows({"mode": "all"}, None)
        except Unreadable as unreadable:
            yield from self.gap(unreadable.code, unreadable.reason)

    def _names(self, schema: Schema) -> Iterator[Unit]:
        """Names of columns: they are reported and never changed, since every row group and every reader of the table relies on them."""
        gate = self.reading.gate
        told: set[tuple[tuple[str, str, int], ...]] = set()
        for column in schema.columns:
            for depth, (kind, name, _) in enumerate(column.steps):
                steps = column.steps[: depth + 1]
                if kind == "field" and steps not in told and (gate is None or gate.passes_text(name)):
                    told.add(steps)
                    place = ".".join(str(at) for kind, _, at in steps if kind == "field")
                    yield Unit(f"{self.reading.prefix}column:{place}/name", name, inside(self.reading), is_opaque=True)

    def _columns(self) -> Iterator[Unit | Gap]:
        gate = self.reading.gate
        assert gate is not None  # asked for with a gate only
        frames = self._spoken({"mode": "look"})
        schema, groups = introduced(frames, self._damaged())
        yield from self._names(schema)
        hits: set[int] = set()
        last: Values | None = None
        for frame in frames:
            match frame.head.get("what"):
                case None:
                    last = unpacked(frame, last)
                    hits.update(rows_that_pass(last, gate))
                case "group" if len(hits) >= _AT_ONCE:
                    yield from self._picked(sorted(hits), groups)
                    hits.clear()
                case _:
                    yield from self._trouble(frame)
        yield from self._picked(sorted(hits), groups)

    def _picked(self, rows: Sequence[int], groups: Sequence[int]) -> Iterator[Unit | Gap]:
        """The rows with these numbers (from 0), whole."""
        if rows:
            skip = {str(group): sorted(tops) for group, tops in self.broken.items()}
            yield from self._rows({"mode": "rows", "picks": picks_of(rows, groups), "skip": skip}, dict(enumerate(rows)))

    def _rows(self, request: dict[str, Any], numbers: dict[int, int] | None) -> Iterator[Unit | Gap]:
        frames = self._spoken(request)
        schema, _ = introduced(frames, self._damaged())
        if numbers is None:
            yield from self._names(schema)
        rows = Rows(schema, self.reading)
        batch: list[Values] = []
        for frame in frames:
            match frame.head.get("what"):
                case None:
                    batch.append(unpacked(frame, None))
                case "batch":
                    yield from rows.units(batch, numbers)
                    batch.clear()
                case _:
                    batch.clear()
                    yield from self._trouble(frame)

    def _trouble(self, frame: Frame) -> Iterator[Gap]:
        what, group, top = frame.head.get("what"), frame.head.get("group"), frame.head.get("top")
        if what not in ("broken", "sealed") or not isinstance(group, int):
            return
        if isinstance(top, int) and top >= 0:
            self.broken.setdefault(group, set()).add(top)
        code = f"{self.kind}.{'encrypted' if what == 'sealed' else 'damaged'}"
        yield from self.gap(code, self.reasons[code], is_partial=what == "broken")

    def _damaged(self) -> Unreadable:
        return Unreadable(f"{self.kind}.damaged", self.reasons[f"{self.kind}.damaged"])

    def _spoken(self, request: dict[str, Any]) -> Iterator[Frame]:
        return spoken(self.work, lambda: reopened(self.file), request, reasons=self.reasons, reading=self.reading)


def introduced(frames: Iterator[Frame], otherwise: Unreadable) -> tuple[Schema, Sequence[int]]:
    """The schema and the rows of each group, from the child's first frame. Raises `otherwise` where it is none."""
    first = next(frames, None)
    try:
        said = json.loads(first.body if first is not None else b"")
        groups = [int(count) for count in said["groups"]]
        columns = said["columns"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise otherwise from None
    return Schema.of(columns), groups


def picks_of(rows: Sequence[int], groups: Sequence[int]) -> list[tuple[int, list[int]]]:
    """Ascending row numbers as (row group, rows in it)."""
    found: list[tuple[int, list[int]]] = []
    first, group = 0, 0
    for row in rows:
        while group < len(groups) and row >= first + groups[group]:
            first += groups[group]
            group += 1
        if not found or found[-1][0] != group:
            found.append((group, []))
        found[-1][1].append(row - first)
    return found
