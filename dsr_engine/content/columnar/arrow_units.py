"""What the child that reads Parquet or ORC says, as units: candidates are found on joined buffers, whole rows are put together from leaves.

Rows are numbered from 1 over the whole file (`row:17/address.city`). A step that is no plain name of a field is written as its position (`{3}`),
an element of a list or a map as `[2]`, both from 1.
"""

import re
import struct
import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dsr_engine.content.apart import Frame
from dsr_engine.content.format import Reading, Unreadable
from dsr_engine.content.gate import Gate
from dsr_engine.content.places import inside, is_plain
from dsr_engine.content.records.split_cells import joined, place_of
from dsr_engine.domain.record import Unit
from dsr_engine.domain.system import FieldMap

#: Bytes between two values that are searched as one text (`arrow_spread.SEPARATOR`).
_BETWEEN = 5
_BROKEN = Unreadable("sandbox.died", "reading the file failed, or took more memory or time than reading it may take; the rest was not read")


@dataclass(frozen=True, slots=True)
class Column:
    """One leaf of the schema. `steps` are (`field`, name, position) and (`item`, "", 0); `kind` is what its values are (see `arrow_spread`)."""

    steps: tuple[tuple[str, str, int], ...]
    kind: str

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for kind, name, _ in self.steps if kind == "field")

    @property
    def is_flat(self) -> bool:
        """True for a column that is no part of another one."""
        return len(self.steps) == 1

    def field(self, reading: Reading) -> FieldMap | None:
        """What the manifest says: by dotted path, else by the last name."""
        if reading.map is None:
            return None
        return reading.map.field_named(".".join(self.names)) or reading.map.field_named(self.names[-1])


@dataclass(frozen=True, slots=True)
class Schema:
    """All leaves. Names that occur twice in one place are written by position."""

    columns: tuple[Column, ...]

    @classmethod
    def of(cls, said: object) -> "Schema":
        """From what the child said. Raises `Unreadable` where that is no schema."""
        try:
            found = tuple(Column(tuple((str(kind), str(name), int(at)) for kind, name, at in steps), str(kind)) for steps, kind in said)  # type: ignore[attr-defined]  # whatever it is, it fails here
        except (TypeError, ValueError):
            raise _BROKEN from None
        if not all(column.names for column in found):
            raise _BROKEN
        return cls(found)

    def template(self, number: int, reading: Reading) -> str:
        """The place of a leaf inside its row, with `[%d]` for each position in a list."""
        said = ""
        column = self.columns[number]
        for depth, (kind, name, at) in enumerate(column.steps):
            if kind != "field":
                said += "[%d]"
            elif re.search(r"[.\[{%/]", name) or not is_plain(name, reading) or self._is_repeated(column, depth):
                said += f"{{{at}}}"
            else:
                said += f".{name}" if said else name
        return said

    def _is_repeated(self, column: Column, depth: int) -> bool:
        """True if another field of the same struct has this name."""
        before, name, at = column.steps[:depth], column.steps[depth][1], column.steps[depth][2]
        return any(
            other.steps[:depth] == before and other.steps[depth][1] == name and other.steps[depth][2] != at
            for other in self.columns
            if len(other.steps) > depth
        )


@dataclass(frozen=True, slots=True)
class Values:
    """The values of one leaf in one batch, as they came. Offsets are into `data`, which has a separator between values."""

    leaf: int
    base: int
    count: int
    data: bytes
    ends: "array[int]"
    flags: bytes
    codes: "array[int] | None"
    rows: "array[int] | None"
    items: tuple["array[int]", ...]

    def span(self, index: int) -> tuple[int, int]:
        """Where a value is in `data`."""
        start = self.ends[index - 1] if index else 0
        return start + _BETWEEN * index, self.ends[index] + _BETWEEN * index

    def is_there(self, index: int) -> bool:
        return not self.flags or bool(self.flags[index])

    def value(self, index: int) -> bytes | None:
        """The bytes of a value; None where it is missing."""
        if not self.is_there(index):
            return None
        start, end = self.span(index)
        return self.data[start:end]

    def index_at(self, offset: int) -> int:
        """The value in which, or just before whose end, an offset lies."""
        return bisect_right(range(len(self.ends) - 1), offset, key=lambda index: self.ends[index] + _BETWEEN * (index + 1) - 1)

    def occurrences(self) -> Iterator[tuple[int, int, tuple[int, ...]]]:
        """Row (from 0, in the file), value and positions in lists of everything that is there."""
        total = len(self.codes) if self.codes is not None else len(self.ends)
        for at in range(total):
            index = self.codes[at] if self.codes is not None else at
            if index >= 0 and self.is_there(index):
                yield self.base + (self.rows[at] if self.rows is not None else at), index, tuple(each[at] for each in self.items)

    def rows_of(self, index: int) -> Iterator[int]:
        """The rows (from 0, in the file) that have this value."""
        if self.codes is None:
            yield self.base + (self.rows[index] if self.rows is not None else index)
            return
        at = -1
        while True:
            try:
                at = self.codes.index(index, at + 1)
            except ValueError:
                return
            yield self.base + (self.rows[at] if self.rows is not None else at)


def unpacked(frame: Frame, before: Values | None) -> Values:
    """The values in a frame. `before` is the frame before it, whose dictionary this one may have. Raises `Unreadable` where it is none of ours."""
    try:
        head, body = frame.head, frame.body
        (count,) = struct.unpack_from("<B", body)
        lengths = struct.unpack_from(f"<{count}Q", body, 1)
        at = 1 + 8 * count
        sections = []
        for length in lengths:
            sections.append(body[at : at + length])
            at += length
        data, ends, flags, codes, rows, *items = sections
        found = Values(
            int(head["leaf"]),
            int(head["base"]),
            int(head["count"]),
            data,
            _ints(ends),
            flags,
            _ints(codes) if head.get("coded") else None,
            _ints(rows) if head.get("rowed") else None,
            tuple(map(_ints, items)),
        )
    except (KeyError, ValueError, TypeError, struct.error):
        raise _BROKEN from None
    if head.get("same") and before is not None and before.leaf == found.leaf:
        found = Values(found.leaf, found.base, found.count, before.data, before.ends, before.flags, found.codes, found.rows, found.items)
    _check(found)
    return found


def _check(found: Values) -> None:
    """What the child says need not be true, but it has to be of one piece."""
    total = len(found.codes) if found.codes is not None else len(found.ends)
    expected = (found.ends[-1] + _BETWEEN * (len(found.ends) - 1)) if len(found.ends) else 0
    lists_fit = all(len(each) == total for each in (*found.items, *((found.rows,) if found.rows is not None else ())))
    codes_fit = found.codes is None or not total or max(found.codes) < len(found.ends)
    rows_fit = found.rows is None or not total or (min(found.rows) >= 0 and max(found.rows) < found.count)
    flat_fits = found.rows is not None or total == found.count
    flags_fit = not found.flags or len(found.flags) == len(found.ends)
    if len(found.data) != expected or not (flags_fit and lists_fit and codes_fit and rows_fit and flat_fits):
        raise _BROKEN


def _ints(data: bytes) -> "array[int]":
    found = array("i")
    found.frombytes(data)
    if sys.byteorder != "little":
        found.byteswap()
    return found


def rows_that_pass(values: Values, gate: Gate) -> Iterator[int]:
    """The rows (from 0, in the file) of values that pass, in no order, some of them twice."""
    if not gate.passes(values.data):
        return
    seen = -1
    for hit in gate.hits(values.data):
        for offset in (hit - 1, hit):
            index = values.index_at(max(0, offset))
            if index <= seen:
                continue
            seen = index
            value = values.value(index)
            if value and gate.passes(value):
                yield from values.rows_of(index)


class Rows:
    """Whole rows, put together from the leaves of one batch, as units in their order."""

    def __init__(self, schema: Schema, reading: Reading) -> None:
        self._schema = schema
        self._reading = reading
        self._templates = [schema.template(number, reading) for number in range(len(schema.columns))]
        self._fields = [column.field(reading) for column in schema.columns]

    def units(self, batch: Sequence[Values], numbers: Mapping[int, int] | None = None) -> Iterator[Unit]:
        """The units of the rows of one batch. `numbers` are the real numbers of rows that were picked, by their number in the batch's frames."""
        rows: dict[int, list[tuple[int, str, bytes]]] = {}
        for values in batch:
            template = self._templates[values.leaf]
            for row, index, items in values.occurrences():
                start, end = values.span(index)
                rows.setdefault(row, []).append((values.leaf, template % items if items else template, values.data[start:end]))
        for row in sorted(rows):
            yield from self._row(f"row:{(numbers[row] if numbers is not None else row) + 1}", rows[row])

    def _row(self, row: str, cells: Sequence[tuple[int, str, bytes]]) -> Iterator[Unit]:
        where = inside(self._reading, row)
        texts: dict[int, str] = {}
        for leaf, place, value in cells:
            column, entry = self._schema.columns[leaf], self._fields[leaf]
            if column.kind == "boolean" and entry is None:
                continue
            text, is_opaque = said(value, column.kind)
            if column.is_flat and column.kind == "text":
                texts[column.steps[0][2] - 1] = text
            yield Unit(f"{self._reading.prefix}{row}/{place}", text, where, entry, is_value=not is_opaque, is_opaque=is_opaque)
        if self._reading.gate is not None and len(texts) > 1:
            side_by_side = [texts.get(top, "") for top in range(max(texts) + 1)]
            for first, last, text in joined(side_by_side, self._reading.gate):
                yield Unit(f"{self._reading.prefix}{row}/{place_of(first, last)}", text, where)


def said(value: bytes, kind: str) -> tuple[str, bool]:
    """A value as text, and whether it is bytes of unknown shape."""
    try:
        return value.decode("utf-8"), False
    except UnicodeDecodeError:
        return value.decode("latin-1"), kind in ("bytes", "text")
