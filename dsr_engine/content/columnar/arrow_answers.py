"""The answers of a child that reads tables by Arrow: column by column for a search, whole rows for those that were asked for.

It knows nothing of any person. A part that cannot be read is said to be `broken`, one that is encrypted `sealed`; the others go on.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Protocol

import pyarrow
import pyarrow.compute

from dsr_engine.content.columnar.arrow_spread import Leaf, Step, packed, size_of, spread

#: What pyarrow raises for files that are not as they should be.
FAILURES = (pyarrow.ArrowException, OSError, ValueError, KeyError, IndexError, TypeError, MemoryError)
#: Bytes that one batch of values should take.
BATCH = 4 * 1024 * 1024

#: Columns that hold part of a name or an address: what two neighbours say together is searched, too.
_PARTS = re.compile(
    r"(?i)name|first|last|given|family|forename|middle|vor|nach|prenom|prénom|nom|nombre|apellido|cognome|imie|nazwisko|street|stra(ss|ß)e|road|house|addr"
    r"|city|town|ort|plz|zip|post|country|land"
)

Said = Iterator[tuple[dict[str, Any], bytes]]


class Table(Protocol):
    """A file of row groups (or stripes)."""

    #: Path and kind of each leaf; which of them are UUIDs; rows of each row group.
    paths: list[tuple[Sequence[Step], str]]
    uuids: list[bool]
    groups: list[int]

    def batches(self, group: int, leaves: Sequence[int]) -> Iterator[Any]:
        """The record batches of the columns that these leaves are, in the order of the schema."""

    def is_sealed(self, group: int, leaf: int) -> bool:
        """True for a chunk that is encrypted."""


def answered(file: Table, request: Mapping[str, Any]) -> Said:
    """What the request asks for: `look` (all leaves, by column), `rows` (those picked) or `all` (every row)."""
    yield {"what": "schema"}, json.dumps({"columns": file.paths, "groups": file.groups}).encode()
    match request["mode"]:
        case "look":
            yield from _looked(file, _pairs(file))
        case "rows":
            skipped = {int(group): frozenset(tops) for group, tops in request.get("skip", {}).items()}
            yield from _picked(file, request["picks"], skipped)
        case _:
            yield from _everything(file)


def tops_of(file: Table) -> Sequence[Sequence[int]]:
    """The leaves of each column that is no part of another."""
    tops: list[list[int]] = []
    for number, (steps, _) in enumerate(file.paths):
        while len(tops) < steps[0][2]:
            tops.append([])
        tops[steps[0][2] - 1].append(number)
    return tops


def _pairs(file: Table) -> Sequence[tuple[int, int]]:
    """Neighbouring columns of text of which at least one is called like a part of a name or an address."""
    flat = [(number, steps[0]) for number, (steps, kind) in enumerate(file.paths) if len(steps) == 1 and kind == "text"]
    return [
        (one, other)
        for (one, left), (other, right) in pairwise(flat)
        if right[2] == left[2] + 1 and (_PARTS.search(left[1]) or _PARTS.search(right[1]))
    ]


# ---- a search


def _looked(file: Table, pairs: Sequence[Sequence[int]]) -> Said:
    """Every leaf of every row group, and `pairs` of neighbouring text columns put together (their leaf is the pair's number behind all leaves)."""
    base = 0
    for group in range(len(file.groups)):
        for top, leaves in enumerate(tops_of(file)):
            if leaves:
                yield from _column(file, group, base, top, leaves)
        for at, pair in enumerate(pairs):
            yield from _pair(file, group, base, pair, len(file.paths) + at)
        base += file.groups[group]
        yield {"what": "group", "group": group}, b""


def _column(file: Table, group: int, base: int, top: int, leaves: Sequence[int]) -> Said:
    if any(file.is_sealed(group, leaf) for leaf in leaves):
        yield {"what": "sealed", "group": group, "top": top}, b""
        return
    at, sender = base, Sender(file.uuids, is_alone=len(leaves) == 1)
    try:
        for batch in file.batches(group, leaves):
            for piece in pieces(batch, leaves, with_items=False):
                yield from sender.sent(piece, at)
                at += piece.count
    except FAILURES:
        yield {"what": "broken", "group": group, "top": top}, b""
        return
    if at != base + file.groups[group]:
        yield {"what": "broken", "group": group, "top": top}, b""


def _pair(file: Table, group: int, base: int, pair: Sequence[int], leaf: int) -> Said:
    """What the two columns say together: `Jane, Doe`."""
    compute, at = pyarrow.compute, base
    try:
        for batch in file.batches(group, pair):
            both = [compute.cast(column, pyarrow.string()) for column in batch.columns]
            said = compute.binary_join_element_wise(*both, ", ", null_handling="skip")
            for piece in pieces(pyarrow.record_batch([said], names=["pair"]), [leaf], with_items=False):
                for found in piece.leaves:
                    yield from packed(found, at, piece.count)
                at += piece.count
    except FAILURES:
        return  # each of the columns said so already


class Sender:
    """Sends leaves. Where they come one by one, a dictionary that is the same as before goes once."""

    def __init__(self, uuids: Sequence[bool], *, is_alone: bool = False) -> None:
        self._uuids = uuids
        self._is_alone = is_alone
        self._last: dict[int, Any] = {}

    def sent(self, piece: "Piece", base: int) -> Said:
        for leaf in piece.leaves:
            dictionary = leaf.values.dictionary if pyarrow.types.is_dictionary(leaf.values.type) else None
            known = self._last.get(leaf.number)
            is_same = self._is_alone and dictionary is not None and known is not None and known.equals(dictionary)
            self._last[leaf.number] = dictionary
            yield from packed(leaf, base, piece.count, is_uuid=self._uuids[leaf.number], is_same=is_same)


class Piece:
    """Some rows of a batch as leaves."""

    def __init__(self, batch: Any, numbers: Sequence[int], *, with_items: bool) -> None:
        self.count = batch.num_rows
        self.leaves: list[Leaf] = []
        left = iter(numbers)
        for column in batch.columns:
            several = list(spread(column, next(left), with_items=with_items))
            for _ in several[1:]:
                next(left)
            self.leaves += several


def pieces(batch: Any, numbers: Sequence[int], *, with_items: bool) -> Iterator[Piece]:
    """The batch in pieces that are small enough to be sent. `numbers` are its leaves. Raises `ValueError` for a single row that is not."""
    if not batch.num_rows:
        return
    piece = Piece(batch, numbers, with_items=with_items)
    sizes = [size_of(leaf) for leaf in piece.leaves]
    if sum(own for own, _ in sizes) <= 2 * BATCH or batch.num_rows == 1:
        if any(own + shared > 10 * BATCH for own, shared in sizes):
            raise ValueError
        yield piece
        return
    half = batch.num_rows // 2
    for part in (batch.slice(0, half), batch.slice(half)):
        yield from pieces(part, numbers, with_items=with_items)


# ---- whole rows


def _picked(file: Table, picks: Sequence[Sequence[Any]], skipped: Mapping[int, frozenset[int]]) -> Said:
    """Whole rows: `picks` are (row group, rows in it), both ascending. Rows are numbered from 0 in the order of the picks."""
    base = 0
    for group, rows in picks:
        leaves = [leaf for top, several in enumerate(tops_of(file)) if top not in skipped.get(group, ()) for leaf in several]
        try:
            yield from _rows_of(file, group, rows, leaves, base)
        except FAILURES:
            yield {"what": "broken", "group": group, "top": -1}, b""
        base += len(rows)


def _rows_of(file: Table, group: int, rows: Sequence[int], leaves: Sequence[int], base: int) -> Said:
    first, at = 0, 0
    sender = Sender(file.uuids)
    for batch in file.batches(group, leaves):
        end = at
        while end < len(rows) and rows[end] < first + batch.num_rows:
            end += 1
        if end > at:
            taken = _decoded(batch.take(pyarrow.array([row - first for row in rows[at:end]], pyarrow.int64())))
            for piece in pieces(taken, leaves, with_items=True):
                yield from sender.sent(piece, base + at)
                at += piece.count
                yield {"what": "batch"}, b""
        first += batch.num_rows
        if at == len(rows):
            return


def _decoded(batch: Any) -> Any:
    """A few rows without dictionaries, which would be longer than they are."""
    columns = [column.dictionary_decode() if pyarrow.types.is_dictionary(column.type) else column for column in batch.columns]
    return pyarrow.record_batch(columns, names=[str(at) for at in range(len(columns))])


def _everything(file: Table) -> Said:
    base = 0
    for group in range(len(file.groups)):
        sealed = [top for top, leaves in enumerate(tops_of(file)) if any(file.is_sealed(group, leaf) for leaf in leaves)]
        for top in sealed:
            yield {"what": "sealed", "group": group, "top": top}, b""
        leaves = [leaf for top, several in enumerate(tops_of(file)) if top not in sealed for leaf in several]
        at, sender = base, Sender(file.uuids)
        base += file.groups[group]
        try:
            for batch in file.batches(group, leaves) if leaves else ():
                for piece in pieces(batch, leaves, with_items=True):
                    yield from sender.sent(piece, at)
                    at += piece.count
                    yield {"what": "batch"}, b""
        except FAILURES:
            yield {"what": "broken", "group": group, "top": -1}, b""
            continue
        if leaves and at != base:
            yield {"what": "broken", "group": group, "top": -1}, b""
