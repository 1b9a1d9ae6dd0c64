"""Columns of Arrow with some values replaced, however deep they lie. It runs in the child that writes a file anew."""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow
import pyarrow.compute

from dsr_engine.content.columnar.arrow_spread import spread

#: New values of one leaf: by row in the array and positions in lists from 1.
Edits = Mapping[tuple[int, ...], Any]


def rebuilt(array: Any, edits: Mapping[int, Edits]) -> Any:
    """The column with new values; `edits` by number of the leaf in it. Raises `ValueError` where a place is not there."""
    spots: dict[int, dict[int, Any]] = {}
    for leaf in spread(array, 0, with_items=True):
        wanted = edits.get(leaf.number)
        if wanted:
            spots[leaf.number] = _spots(leaf, wanted)
    return _rebuilt(array, spots, iter(range(10**9)))


def _spots(leaf: Any, wanted: Edits) -> dict[int, Any]:
    """The new values by their position among all values of the leaf."""
    if leaf.rows is None:
        return {row: value for (row, *_), value in wanted.items()}
    compute = pyarrow.compute
    rows = compute.cast(leaf.rows, pyarrow.int64())
    mask = compute.is_in(rows, value_set=pyarrow.array(sorted({place[0] for place in wanted}), pyarrow.int64()))
    found = {}
    for at in compute.indices_nonzero(mask).to_pylist():
        place = (rows[at].as_py(), *(each[at].as_py() for each in leaf.items))
        if place in wanted:
            found[at] = wanted[place]
    if len(found) != len(wanted):
        raise ValueError
    return found


def _rebuilt(array: Any, spots: Mapping[int, Mapping[int, Any]], numbers: Iterator[int]) -> Any:
    types = pyarrow.types
    if types.is_struct(array.type):
        inner = [_rebuilt(child, spots, numbers) for child in array.flatten()]
        fields = [array.type.field(at) for at in range(array.type.num_fields)]
        return pyarrow.StructArray.from_arrays(inner, fields=fields, mask=pyarrow.compute.is_null(array) if array.null_count else None)
    if types.is_list(array.type):
        lengths = pyarrow.compute.fill_null(pyarrow.compute.list_value_length(array), 0)
        ends = pyarrow.compute.cumulative_sum(lengths)
        offsets = pyarrow.concat_arrays([pyarrow.array([0], pyarrow.int32()), pyarrow.compute.cast(ends, pyarrow.int32())])
        values = _rebuilt(pyarrow.compute.list_flatten(array), spots, numbers)
        mask = pyarrow.compute.is_null(array) if array.null_count else None
        return pyarrow.ListArray.from_arrays(offsets, values, type=array.type, mask=mask)
    return _replaced(array, spots.get(next(numbers), {}))


def _replaced(array: Any, new: Mapping[int, Any]) -> Any:
    if not new:
        return array
    values = pyarrow.array([new[at] for at in sorted(new)], array.type)
    pieces, done = [], 0
    for at, spot in enumerate(sorted(new)):
        pieces += [array.slice(done, spot - done), values.slice(at, 1)]
        done = spot + 1
    return pyarrow.concat_arrays([*pieces, array.slice(done)])
