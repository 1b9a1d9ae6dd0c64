"""A Parquet file with the edits of a plan: chunks that an edit concerns are written anew in a child, everything else is copied as bytes.

The new file consists of the old one and of what the children wrote, and is read as such before it counts: that is where a rewrite is refused, and
not after it has begun.
"""

import json
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, BinaryIO, cast

from dsr_engine.content.apart import Frame, on_disk, spoken
from dsr_engine.content.columnar.arrow_search import introduced, picks_of
from dsr_engine.content.columnar.arrow_units import Schema, Values, unpacked
from dsr_engine.content.columnar.parquet_asking import REASONS
from dsr_engine.content.columnar.parquet_edits import Cells, Order, Table, ordered, tops_of
from dsr_engine.content.columnar.parquet_footer import COLUMNS, GROUP_ROWS, KEY_VALUES, Footer, footer_of, number, structs
from dsr_engine.content.columnar.parquet_pieces import Made
from dsr_engine.content.columnar.parquet_schema import redacted_value
from dsr_engine.content.columnar.parquet_splice import Builder, Built, Chunk, fits, groups_of
from dsr_engine.content.columnar.parquet_thrift import BINARY, LIST, STRUCT, List, Struct, damaged
from dsr_engine.content.format import Opener, Reading, Unreadable, Writer
from dsr_engine.content.places import by_number, local_place
from dsr_engine.content.pread_file import Part, Seekable, copy, reopened
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import cannot_rewrite
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans

_REASONS = {
    **REASONS,
    "parquet.cannot_write": "a column is of a kind, or so large, that it cannot be written anew",
    "parquet.cannot_verify": "what was written did not read back as it should",
}
#: Bytes of a file that is copied rather than held open with what it is made of.
_SMALL = 8 * 1024 * 1024
#: Children that write at the same time, each its share of the row groups.
_AT_ONCE = 2
_WORK = "dsr_engine.content.columnar.parquet_write_child"


def rewritten(open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
    """What writes the file with the edits. Raises `NotSupported`, and `Unreadable` where the file cannot be read."""
    with ExitStack() as held:
        made = _Rewrite(held, open_file, rewriter, reading).made(edits)
        if made.size <= _SMALL:
            return _gathered(made)
        kept = held.pop_all()

    def write(sink: BinaryIO) -> None:
        made.write(sink, open_file)

    weakref.finalize(write, kept.close)
    return write


def _gathered(made: Made) -> Writer:
    """What writes a small file: a container may have hundreds of them at a time, and each would hold several descriptors."""
    whole = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115  # the writer holds it, and closes it when it goes
    made.write(whole)
    whole.flush()

    def write(sink: BinaryIO) -> None:
        copy(whole, sink)

    weakref.finalize(write, whole.close)
    return write


class _Rewrite:
    """One rewrite of one file."""

    def __init__(self, held: ExitStack, open_file: Opener, rewriter: Rewriter, reading: Reading) -> None:
        self._held = held
        self._file = held.enter_context(on_disk(open_file))
        self._source = cast("BinaryIO", Seekable(self._file))
        self._rewriter = rewriter
        self._reading = reading
        self._footer = footer_of(self._source)
        if self._footer.is_sealed():
            raise cannot_rewrite("Parts of a Parquet file are encrypted, or its footer is signed.")
        if self._footer.is_elsewhere():
            raise cannot_rewrite("A Parquet file refers to data in other files.")
        self._leaves = self._footer.leaves()

    def made(self, edits: Sequence[Edit]) -> Made:
        """The new file."""
        described, in_rows = _parted(edits, self._reading)
        footer = self._described(described)
        rows = {at - 1: several for at, several in by_number(in_rows, "row", self._reading).items()}
        spools = [self._spool() for _ in range(_AT_ONCE)]
        changes = dict(self._changes(rows, spools))
        built = Builder(footer, self._source, changes).built()
        made = Made(self._file, self._footer.size, built.replaced, self._spool())
        self._verify(made, built)
        return made

    def _spool(self) -> BinaryIO:
        """An unnamed file, for as long as the new one is needed."""
        return cast("BinaryIO", self._held.enter_context(tempfile.TemporaryFile()))

    # ---- the file's own metadata

    def _described(self, edits: Sequence[Edit]) -> Footer:
        """The footer with its metadata changed."""
        if not edits:
            return self._footer
        meta = dict(self._footer.meta)
        pairs = structs(meta, KEY_VALUES)
        for at, several in by_number(edits, "metadata", self._reading).items():
            if not 1 <= at <= len(pairs):
                raise cannot_rewrite("A part of the metadata is not in the file.", "plan again: the file is not what it was")
            pairs[at - 1] = _redacted_pair(pairs[at - 1], several, self._rewriter)
        meta[KEY_VALUES] = (LIST, List(STRUCT, list(pairs)))
        return Footer(meta, self._footer.start, self._footer.size)

    # ---- rows

    def _changes(self, rows: dict[int, tuple[Edit, ...]], spools: Sequence[BinaryIO]) -> Iterator[tuple[int, Any]]:
        if not rows:
            return
        counts = [number(group, GROUP_ROWS) for group in self._footer.groups]
        picks = picks_of(sorted(rows), counts)
        if picks[-1][0] >= len(counts):
            raise cannot_rewrite("A row of the plan is not in the file.", "plan again: the file is not what it was")
        is_dropping = all(_is_dropped(edits) for edits in rows.values())
        table, cells = _NOTHING if is_dropping else self._asked(rows, counts)
        places = [(group, row) for group, several in picks for row in several]
        orders = list(ordered(rows, cells, table, self._rewriter, places))
        kept = {order.group: counts[order.group] - len(order.drop) for order in orders}
        left = [order for order in orders if kept[order.group]]
        with ThreadPoolExecutor(max_workers=len(spools)) as pool:
            shares = [pool.submit(self._written, left[at :: len(spools)], spool) for at, spool in enumerate(spools) if left[at:]]
            chunks = [chunk for share in shares for chunk in share.result()]
        yield from groups_of(chunks, kept)

    def _asked(self, rows: dict[int, tuple[Edit, ...]], counts: Sequence[int]) -> tuple[Table, Cells]:
        """The schema, and the values of rows in which something is changed."""
        wanted = sorted(row for row, edits in rows.items() if not _is_dropped(edits))
        picks = picks_of(wanted, counts)
        skipped = sorted({leaf.top for leaf in self._leaves} - self._named(rows.values())) if wanted else []
        request = {"mode": "rows", "picks": picks, "skip": {str(group): skipped for group, _ in picks}}
        frames = spoken("dsr_engine.content.columnar.parquet_child:read", lambda: reopened(self._file), request, reasons=_REASONS)
        schema, _ = introduced(frames, damaged())
        if len(schema.columns) != len(self._leaves):
            raise cannot_rewrite("A Parquet file has columns of a kind that is not read.")
        table = Table(schema, self._leaves)
        cells = Cells(table)
        last: Values | None = None
        for frame in frames:
            if frame.head.get("what") in ("broken", "sealed"):
                raise cannot_rewrite("A Parquet file is damaged where the plan changes it.")
            if "what" not in frame.head:
                last = unpacked(frame, last)
                cells.take(last, wanted)
        return table, cells

    def _named(self, edits: Iterable[Sequence[Edit]]) -> frozenset[int]:
        """The top-level columns whose values edits need to know; all of them where there is a doubt."""
        names = {leaf.top: leaf.path[0].decode("utf-8", "replace") for leaf in self._leaves}
        wanted = {tops_of(edit.place, names) for several in edits for edit in several if edit.place}
        return frozenset(names) if frozenset() in wanted else frozenset().union(*wanted)

    def _written(self, orders: Sequence[Order], spool: BinaryIO) -> list[tuple[int, int, Chunk]]:
        """The new chunks: (row group, column, chunk)."""
        groups = [order.group for order in orders]
        with tempfile.TemporaryFile() as told, tempfile.TemporaryFile() as footer:
            for at, order in enumerate(orders):
                tops = sorted({leaf.top for leaf in self._leaves}) if order.drop else sorted(order.values)
                line = {"group": at, "tops": tops, "drop": order.drop, "values": order.values}
                told.write(json.dumps(line).encode() + b"\n")
            footer.write(self._footer.part(groups))
            told.flush()
            footer.flush()
            files = cast("BinaryIO", told), cast("BinaryIO", footer)
            frames = spoken(f"{_WORK}:write", lambda: reopened(self._file), {}, reasons=_REASONS, files=files, sink=spool)
            return [chunk for frame in frames for chunk in self._chunks(frame, groups, spool)]

    def _chunks(self, frame: Frame, groups: Sequence[int], spool: BinaryIO) -> Iterator[tuple[int, int, Chunk]]:
        try:
            group, start, end = (int(frame.head[key]) for key in ("group", "start", "end"))
            tops, group = frozenset(map(int, frame.head["tops"])), groups[group]
        except (KeyError, ValueError, TypeError, IndexError):
            raise _unverified() from None
        own = footer_of(cast("BinaryIO", Part(spool.fileno(), start, end)))
        columns = [at for at, leaf in enumerate(self._leaves) if leaf.top in tops]
        stored = own.leaves()
        if (
            len(stored) != len(columns)
            or len(own.groups) != 1
            or not all(fits(self._leaves[at], new) for at, new in zip(columns, stored, strict=True))
        ):
            raise cannot_rewrite("A column is stored in a way in which it cannot be written anew.")
        for at, entry in zip(columns, structs(own.groups[0], COLUMNS), strict=True):
            yield group, at, Chunk(entry, start, spool)

    # ---- looking again

    def _verify(self, made: Made, built: Built) -> None:
        """Raises where the new file is not what it should be: rows of each group, places of all chunks, and what was written anew can be read."""
        source = cast("BinaryIO", made.reading())
        footer_of(source).stretches(source)
        request = {"written": built.written, "pieces": made.pieces}
        for frame in spoken(f"{_WORK}:check", lambda: reopened(self._file), request, reasons=_REASONS, files=made.files[1:]):
            if frame.head.get("groups") != list(built.rows):
                raise _unverified()


#: Where all rows of the plan go, no value has to be known.
_NOTHING = Table(Schema(()), ()), Cells(Table(Schema(()), ()))


def _is_dropped(edits: Sequence[Edit]) -> bool:
    return any(not edit.place and isinstance(edit.how, DropPart) for edit in edits)


def _unverified() -> Unreadable:
    return Unreadable("parquet.cannot_verify", _REASONS["parquet.cannot_verify"])


def _parted(edits: Sequence[Edit], reading: Reading) -> tuple[Sequence[Edit], Sequence[Edit]]:
    """Edits of the file's metadata, and those of its rows. Raises `NotSupported` for names of columns."""
    described: list[Edit] = []
    in_rows: list[Edit] = []
    for edit in edits:
        local = local_place(edit, reading)
        if local.startswith("column:"):
            raise cannot_rewrite("The name of a column of a Parquet file is in every row group and cannot be changed.")
        (described if local.startswith("metadata:") else in_rows).append(edit)
    return described, in_rows


def _redacted_pair(pair: Struct, edits: Sequence[Edit], rewriter: Rewriter) -> Struct:
    changed = dict(pair)
    key, value = (pair.get(field, (BINARY, b""))[1] for field in (1, 2))
    assert isinstance(key, bytes)  # the footer was checked
    for edit in edits:
        if not isinstance(edit.how, RedactSpans) or edit.place not in ("key", "value"):
            raise cannot_rewrite("The metadata of a Parquet file can be redacted, nothing else.")
        if edit.place == "value" and isinstance(value, bytes):
            changed[2] = (BINARY, redacted_value(key, value, rewriter))
        elif edit.place == "key":
            changed[1] = (BINARY, redacted_value(b"", key, rewriter))
    return changed
