"""Arrow tables as texts, in the child that reads them: each leaf of a nested column is one list of values, and the rows they belong to.

It runs where hostile files are parsed and knows nothing of any person. Numbers are written as people write them (17.0 is `17`), times in UTC, a
UUID with its dashes; what has no written form is bytes. What the parent needs for each value is its row and, inside lists, its position.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from struct import pack
from typing import Any

import pyarrow
import pyarrow.compute

#: Stands between two values that are searched as one text: so far apart, neither numbers nor wrapped base64 run on.
SEPARATOR = b"\n\n \n\n"
#: One step of a leaf's path: (`field`, its name, its position from 1), or (`item`, "", 0) into a list or a map.
Step = tuple[str, str, int]
_WHOLE = 2**53


@dataclass(frozen=True, slots=True)
class Leaf:
    """The values of one leaf in one batch, their rows (from 0, in the batch; None: one value for each row) and positions in lists (from 1)."""

    number: int
    values: Any
    rows: Any
    items: tuple[Any, ...]


def paths(schema: Any) -> Iterator[tuple[Sequence[Step], str]]:
    """Path and kind of each leaf, in the order of `spread`."""
    for position in range(len(schema)):
        yield from _paths(schema.field(position).type, (("field", schema.field(position).name, position + 1),))


def _paths(kind: Any, path: tuple[Step, ...]) -> Iterator[tuple[Sequence[Step], str]]:
    types = pyarrow.types
    if types.is_struct(kind):
        for position in range(kind.num_fields):
            yield from _paths(kind.field(position).type, (*path, ("field", kind.field(position).name, position + 1)))
    elif types.is_map(kind):
        for position, inner in enumerate((kind.key_type, kind.item_type)):
            yield from _paths(inner, (*path, ("item", "", 0), ("field", ("key", "value")[position], position + 1)))
    elif types.is_nested(kind):
        if not (types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)):
            yield path, "unread"
        else:
            yield from _paths(kind.value_type, (*path, ("item", "", 0)))
    else:
        yield path, _kind(kind)


def _kind(kind: Any) -> str:
    """What values of a type are: `text`, `bytes`, `integer`, `number`, `date`, `timestamp`, `time`, `boolean`."""
    types = pyarrow.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    named = (
        ("text", (types.is_string, types.is_large_string)),
        ("integer", (types.is_integer,)),
        ("number", (types.is_floating, types.is_decimal)),
        ("date", (types.is_date,)),
        ("timestamp", (types.is_timestamp,)),
        ("time", (types.is_time,)),
        ("boolean", (types.is_boolean,)),
        ("bytes", (types.is_binary, types.is_large_binary, types.is_fixed_size_binary)),
    )
    return next((name for name, tests in named if any(test(kind) for test in tests)), "null" if types.is_null(kind) else "unread")


def spread(array: Any, first: int, *, with_items: bool) -> Iterator[Leaf]:
    """The leaves of one column; `first` is the number of its first leaf."""
    numbers = iter(range(first, first + 10**9))
    yield from _spread(array, None, (), numbers, with_items=with_items)


def _spread(array: Any, rows: Any, items: tuple[Any, ...], numbers: Iterator[int], *, with_items: bool) -> Iterator[Leaf]:
    types = pyarrow.types
    if types.is_struct(array.type):
        for inner in array.flatten():
            yield from _spread(inner, rows, items, numbers, with_items=with_items)
    elif types.is_map(array.type):
        yield from _spread(_map_as_list(array), rows, items, numbers, with_items=with_items)
    elif types.is_list(array.type) or types.is_large_list(array.type) or types.is_fixed_size_list(array.type):
        parents = pyarrow.compute.list_parent_indices(array)
        if with_items:
            items = (*(pyarrow.compute.take(each, parents) for each in items), _positions(array, parents))
        rows = parents if rows is None else pyarrow.compute.take(rows, parents)
        yield from _spread(pyarrow.compute.list_flatten(array), rows, items, numbers, with_items=with_items)
    else:
        yield Leaf(next(numbers), array, rows, items)


def _map_as_list(array: Any) -> Any:
    """A map as the list of structs that it is. Arrow's own kernels for lists know no maps."""
    pairs = pyarrow.StructArray.from_arrays([array.keys, array.items], ["key", "value"])
    return pyarrow.Array.from_buffers(pyarrow.list_(pairs.type), len(array), array.buffers()[:2], -1, array.offset, [pairs])


def _positions(array: Any, parents: Any) -> Any:
    """The position of each value in its list, from 1."""
    compute = pyarrow.compute
    lengths = compute.cast(compute.fill_null(compute.list_value_length(array), 0), pyarrow.int64())
    starts = compute.subtract(compute.cumulative_sum(lengths), lengths)
    counted = compute.cumulative_sum(pyarrow.repeat(pyarrow.scalar(1, pyarrow.int64()), len(parents)))
    return compute.subtract(counted, compute.take(starts, parents))


def texts(array: Any, *, is_uuid: bool = False) -> Any:
    """The values as binary: UTF-8 where they have a written form."""
    kind = array.type
    if is_uuid and pyarrow.types.is_fixed_size_binary(kind) and kind.byte_width == 16:
        return pyarrow.array([None if value is None else _uuid(value.hex()) for value in array.to_pylist()], pyarrow.binary())
    said = _kind(kind)
    if said in ("text", "bytes"):
        return compute_cast(
            array, pyarrow.large_binary() if pyarrow.types.is_large_string(kind) or pyarrow.types.is_large_binary(kind) else pyarrow.binary()
        )
    if said in ("null", "unread"):
        return pyarrow.nulls(len(array), pyarrow.binary())
    return compute_cast(_written(array, said), pyarrow.binary())


def compute_cast(array: Any, kind: Any) -> Any:
    return array if array.type == kind else pyarrow.compute.cast(array, kind)


def _uuid(digits: str) -> bytes:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}".encode()


def _written(array: Any, said: str) -> Any:
    compute = pyarrow.compute
    kind, string = array.type, pyarrow.string()
    if pyarrow.types.is_floating(kind):
        wide = compute.cast(array, pyarrow.float64())
        is_whole = compute.and_(compute.less(compute.abs(wide), _WHOLE), compute.equal(wide, compute.floor(wide)))
        whole = compute.cast(compute.if_else(is_whole, wide, 0.0), pyarrow.int64())
        return compute.if_else(is_whole, compute.cast(whole, string), compute.cast(wide, string))
    if pyarrow.types.is_decimal(kind) and kind.scale > 0:
        return compute.replace_substring_regex(compute.cast(array, string), r"\.0+$", "")
    if said == "timestamp" and kind.tz is not None:
        # The names of zones are in files that the child cannot open; the moment is kept in UTC anyway.
        naive = compute.cast(compute.cast(array, pyarrow.timestamp(kind.unit)), string)
        return compute.binary_join_element_wise(naive, pyarrow.scalar("Z"), pyarrow.scalar(""))
    return compute.cast(array, string)


# ---- frames


def packed(leaf: Leaf, base: int, count: int, *, is_uuid: bool = False, is_same: bool = False) -> Iterator[tuple[dict[str, Any], bytes]]:
    """The frame of one leaf: values, where they end, which are there, their rows and positions. `base` is the batch's first row.

    `is_same`: the dictionary went with the frame before.
    """
    values, codes = leaf.values, None
    if pyarrow.types.is_dictionary(values.type):
        values, codes = values.dictionary, values.indices
    head = {"leaf": leaf.number, "base": base, "count": count, "coded": codes is not None, "rowed": leaf.rows is not None, "same": is_same}
    found = None if is_same else texts(values, is_uuid=is_uuid)
    sections = [b"", b"", b""] if found is None else [_joined(found), _ends(found), _validity(found)]
    sections.append(b"" if codes is None else _ints(pyarrow.compute.fill_null(compute_cast(codes, pyarrow.int32()), -1)))
    sections.append(b"" if leaf.rows is None else _ints(leaf.rows))
    sections += [_ints(each) for each in leaf.items]
    yield head, pack(f"<B{len(sections)}Q", len(sections), *map(len, sections)) + b"".join(sections)


def size_of(leaf: Leaf) -> tuple[int, int]:
    """Bytes of the leaf's values as they would be sent, at most: those of its rows, and those of a dictionary that rows share."""
    values = leaf.values
    codes = 4 * (1 + len(leaf.items)) * len(values)
    if pyarrow.types.is_dictionary(values.type):
        return codes, int(values.dictionary.nbytes) + 24 * len(values.dictionary)
    return int(values.nbytes) + 24 * len(values) + codes, 0


def _joined(found: Any) -> bytes:
    """All values with the separator between them; one that is not there is empty."""
    if not len(found):
        return b""
    full = pyarrow.compute.fill_null(found, b"") if found.null_count else found
    large = pyarrow.types.is_large_binary(full.type)
    kind = pyarrow.LargeListArray if large else pyarrow.ListArray
    offsets = pyarrow.array([0, len(full)], pyarrow.int64() if large else pyarrow.int32())
    joined = pyarrow.compute.binary_join(kind.from_arrays(offsets, full), pyarrow.scalar(SEPARATOR, full.type))
    return bytes(joined[0].as_buffer())


def _ends(found: Any) -> bytes:
    lengths = pyarrow.compute.fill_null(pyarrow.compute.binary_length(found), 0)
    return _ints(pyarrow.compute.cumulative_sum(compute_cast(lengths, pyarrow.int64()))) if len(found) else b""


def _validity(found: Any) -> bytes:
    """One byte for each value, where some are missing; nothing where all are there."""
    if not found.null_count:
        return b""
    flags = compute_cast(pyarrow.compute.is_valid(found), pyarrow.uint8())
    return bytes(flags.buffers()[1])[flags.offset : flags.offset + len(flags)]


def _ints(array: Any) -> bytes:
    """Numbers as 32-bit integers."""
    plain = compute_cast(array, pyarrow.int32())
    start = plain.offset * 4
    return bytes(plain.buffers()[1])[start : start + len(plain) * 4] if len(plain) else b""
