"""Columns of a Parquet file written anew, in the child that may parse it: rows dropped, values set, everything else as it was.

Each column of a row group is read as it is stored (no logical types but unsigned integers, whose order differs), changed, and written by pyarrow
as a file of its own into the sink, small ones together; new values are read back. The parent puts the chunks of these files into the place of the
old ones. It knows nothing of any person: what a value becomes was decided before.
"""

import base64
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, BinaryIO, cast

import pyarrow
import pyarrow.compute
import pyarrow.parquet

from dsr_engine.content.columnar.arrow_answers import FAILURES, Said
from dsr_engine.content.columnar.arrow_rebuilt import rebuilt
from dsr_engine.content.columnar.parquet_child import opened, plain_metadata
from dsr_engine.content.columnar.parquet_footer import (
    BLOOM,
    CODEC,
    COLUMN_INDEX,
    COLUMNS,
    DATA_PAGE,
    DICTIONARY_PAGE,
    ENCODING_STATS,
    ENCODINGS,
    META,
    OFFSET_INDEX,
    SCHEMA,
    STATISTICS,
    UNCOMPRESSED,
    VALUES,
    Footer,
    SchemaLeaf,
    chunk_span,
    footer_of,
    inner,
    number,
    structs,
)
from dsr_engine.content.columnar.parquet_pieces import Pieces
from dsr_engine.content.columnar.parquet_thrift import List, Reader, Struct
from dsr_engine.content.format import Unreadable
from dsr_engine.content.pread_file import Seekable

_INT96, _BYTES = 3, 6
_UNSIGNED = range(11, 15)
#: Fields of `SchemaElement` that say what a value means.
_MEANING = (6, 7, 8, 10)
_CODECS = {0: "none", 1: "snappy", 2: "gzip", 4: "brotli", 5: "lz4", 6: "zstd", 7: "lz4"}
#: Data encodings other than dictionaries, as pyarrow calls them.
_ENCODED = {5: "DELTA_BINARY_PACKED", 6: "DELTA_LENGTH_BYTE_ARRAY", 7: "DELTA_BYTE_ARRAY", 9: "BYTE_STREAM_SPLIT"}
_DICTIONARIES = frozenset((2, 8))
_PAGE_HEAD = 64 * 1024
#: Bytes of columns that are written together: a file for each of ten small columns takes as long as writing them.
_LOT = 16 * 1024 * 1024
_ROWS = 64 * 1024
#: Rows that are left out of a batch one by one.
_FEW = 64
#: By top-level column: (leaf, row, positions, new value).
_Values = Mapping[str, Sequence[Sequence[Any]]]


@dataclass(slots=True)
class _Options:
    """How the chunks of one column were written, by leaf path of the new file."""

    compression: dict[str, str] = field(default_factory=dict)
    dictionary: list[str] = field(default_factory=list)
    encoding: dict[str, str] = field(default_factory=dict)
    bloom: dict[str, Any] = field(default_factory=dict)
    statistics: list[str] = field(default_factory=list)
    has_index: bool = False
    has_checksum: bool = False
    is_second: bool = False
    is_int96: bool = False

    @property
    def way(self) -> object:
        """What is said once for a whole file; times of the old kind are checked by themselves, so they are like no other."""
        return object() if self.is_int96 else (self.is_second, self.has_index, self.has_checksum)


def write(source: BinaryIO, request: dict[str, Any], files: Sequence[BinaryIO], sink: BinaryIO | None) -> Said:  # noqa: ARG001  # the protocol of children
    """Writes the columns that the orders in `files[0]` name (one JSON object a line) to the sink, one small Parquet file after the other.

    `files[1]` ends with the footer of the file, as far as it concerns the row groups of the orders, which are numbered as there.
    """
    assert sink is not None  # asked for with one
    orders, footer = files
    file = _Stored(Seekable(source), footer_of(cast("BinaryIO", Seekable(footer))))
    orders.seek(0)
    at = 0
    for line in orders:
        order = json.loads(line)
        for tops, data in file.lots(order["group"], order["tops"], order["drop"], order["values"]):
            sink.write(data)
            sink.flush()
            yield {"group": order["group"], "tops": tops, "start": at, "end": at + len(data)}, b""
            at += len(data)


def check(source: BinaryIO, request: dict[str, Any], files: Sequence[BinaryIO], sink: BinaryIO | None) -> Said:  # noqa: ARG001  # the protocol of children
    """Reads the new file as everybody else would: rows of each group, and the beginning of every column that was written anew.

    `request["pieces"]` are the ranges of the old file and of `files` that it consists of.
    """
    raw = Pieces((source, *files), request["pieces"])
    try:
        metadata = pyarrow.parquet.read_metadata(raw)
        file = opened(raw, metadata)
        groups = [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)]
        for group, leaves in request["written"]:
            for leaf in leaves:
                batches = file.reader.iter_batches(1024, row_groups=[group], column_indices=[leaf], use_threads=False)
                first = next(iter(batches), None)
                if groups[group] and (first is None or first.num_rows != min(1024, groups[group])):
                    raise Unreadable("parquet.cannot_verify", "")
    except FAILURES:
        raise Unreadable("parquet.cannot_verify", "") from None
    yield {"groups": groups}, b""


class _Stored:
    """The file, read as it is stored."""

    def __init__(self, source: Seekable, footer: Footer) -> None:
        self._source = source
        self.leaves = footer.leaves()
        try:
            self._chunks = [structs(group, COLUMNS) for group in footer.groups]
            self._metadata = plain_metadata(footer, _without_meaning)
            self._file = opened(source, self._metadata)
            self._coded = opened(source, self._metadata, [path for at, path in enumerate(_dotted(self.leaves)) if self._is_coded(at)])
        except FAILURES:
            raise _refused() from None

    def lots(self, group: int, tops: Sequence[int], drop: Sequence[int], values: _Values) -> Iterator[tuple[Sequence[int], bytes]]:
        """Columns of a row group, and the Parquet files that hold them."""
        for lot in self._parted(group, tops, values):
            try:
                written = [(lot, self._rewritten(group, lot, drop, values))]
            except Unreadable:
                if len(lot) == 1:
                    raise
                written = [([top], self._rewritten(group, [top], drop, values)) for top in lot]  # one by one they take less memory
            yield from written

    def _parted(self, group: int, tops: Sequence[int], values: _Values) -> Iterator[list[int]]:
        """The columns in lots that are stored alike and small. One with new values is by itself: it is read back."""
        lot: list[int] = []
        room, way = 0, None
        for top in tops:
            numbers = self._numbers([top])
            size = sum(number(meta, UNCOMPRESSED) + 8 * number(meta, VALUES) for meta in (inner(self._chunks[group][at], META) for at in numbers))
            own = self._options(group, numbers, [""] * len(numbers)).way
            if lot and (size > room or own != way or str(top) in values or str(lot[-1]) in values):
                yield lot
                lot = []
            if not lot:
                room, way = _LOT, own
            lot.append(top)
            room -= size
        if lot:
            yield lot

    def _numbers(self, tops: Sequence[int]) -> list[int]:
        return [at for at, leaf in enumerate(self.leaves) if leaf.top in tops]

    def _rewritten(self, group: int, tops: Sequence[int], drop: Sequence[int], values: _Values) -> bytes:
        """Columns of a row group as a Parquet file. `values` are (leaf, row, positions, new value), rows as they were before the drops."""
        numbers = self._numbers(tops)
        try:
            is_changed = any(str(top) in values for top in tops)
            file = self._file if is_changed else self._coded
            schema = pyarrow.schema([file.schema_arrow.field(top) for top in tops])
            batches = list(self._changed(file, group, tops, drop, values))
            table = _narrowed(pyarrow.Table.from_batches(batches, schema=schema))
            return _written(table, self._options(group, numbers, _leaf_paths(schema)), is_changed=is_changed)
        except FAILURES:
            raise _refused() from None

    def _changed(self, file: Any, group: int, tops: Sequence[int], drop: Sequence[int], values: _Values) -> Iterator[Any]:
        """The batches of the columns with their changes made."""
        numbers = self._numbers(tops)
        if any(self.leaves[at].physical == _INT96 for at in numbers):
            self._check_times(group, numbers)
        gone_for_good = frozenset(drop)
        first = 0
        for batch in file.reader.iter_batches(_ROWS, row_groups=[group], column_indices=numbers, use_threads=False):
            count = batch.num_rows
            columns = list(batch.columns)
            for at, top in enumerate(tops):
                here = [each for each in values.get(str(top), ()) if first <= each[1] < first + count and each[1] not in gone_for_good]
                if here:
                    columns[at] = rebuilt(columns[at], _edits(here, first, self._numbers([top])[0]))
            gone = [row - first for row in drop if first <= row < first + count]
            first += count
            yield from _without(pyarrow.RecordBatch.from_arrays(columns, schema=batch.schema), gone)
        if first != self._metadata.row_group(group).num_rows:
            raise _refused()

    def _check_times(self, group: int, numbers: Sequence[int]) -> None:
        """Times of the old kind may lie beyond what pyarrow keeps (the year 9999): they would come back as others. Raises `Unreadable`."""
        seconds = opened(self._source, self._metadata, coerce_int96_timestamp_unit="s")
        both = (
            file.reader.iter_batches(_ROWS, row_groups=[group], column_indices=list(numbers), use_threads=False) for file in (self._file, seconds)
        )
        for fine, coarse in zip(*both, strict=True):  # a column of its own: `_Options.way`
            if not pyarrow.types.is_timestamp(fine.column(0).type):
                raise _refused()
            whole = pyarrow.compute.floor_temporal(fine.column(0), unit="second")
            if not pyarrow.compute.cast(whole, pyarrow.timestamp("s")).equals(coarse.column(0)):
                raise _refused()

    def _options(self, group: int, numbers: Sequence[int], paths: Sequence[str]) -> _Options:
        found = _Options()
        for path, at in zip(paths, numbers, strict=True):
            self._note(found, path, self._chunks[group][at], at)
        return found

    def _note(self, found: _Options, path: str, chunk: Struct, leaf: int) -> None:
        meta = inner(chunk, META)
        codec = _CODECS.get(number(meta, CODEC))
        if codec is None:
            raise _refused()
        found.compression[path] = codec
        head = self._page_head(chunk)
        found.is_second = found.is_second or number(head, 1) == 3
        found.has_checksum = found.has_checksum or 4 in head
        found.has_index = found.has_index or number(chunk, OFFSET_INDEX) > 0 or number(chunk, COLUMN_INDEX) > 0
        found.is_int96 = found.is_int96 or self.leaves[leaf].physical == _INT96
        if STATISTICS in meta:
            found.statistics.append(path)
        if number(meta, BLOOM) > 0 and self.leaves[leaf].physical:
            found.bloom[path] = {"ndv": max(1, number(meta, 5))}
        encodings = meta.get(ENCODINGS, (0, List(0, [])))[1]
        kinds = [kind for kind in (encodings.items if isinstance(encodings, List) else ()) if isinstance(kind, int)]
        pages = {number(each, 2): number(each, 3) for each in structs(meta, ENCODING_STATS) if number(each, 1) in (0, 3)}
        is_dictionary = _is_dictionary(pages) if pages else bool(_DICTIONARIES & set(kinds)) or number(meta, DICTIONARY_PAGE) > 0
        if is_dictionary and self._is_worth(chunk):
            found.dictionary.append(path)
        elif encoded := next((_ENCODED[kind] for kind in pages or kinds if kind in _ENCODED), ""):
            found.encoding[path] = encoded

    def _is_coded(self, leaf: int) -> bool:
        """True for a column of bytes that is stored as a dictionary throughout, and is to be again: its values are read once and not for each row."""
        if self.leaves[leaf].physical != _BYTES or len(self.leaves[leaf].path) > 1:
            return False
        chunks = [chunks[leaf] for chunks in self._chunks]
        stats = [{number(each, 2) for each in structs(inner(chunk, META), ENCODING_STATS) if number(each, 1) in (0, 3)} for chunk in chunks]
        return all(kinds and kinds <= _DICTIONARIES for kinds in stats) and all(map(self._is_worth, chunks))

    def _is_worth(self, chunk: Struct) -> bool:
        """True for a dictionary that is shorter than the column: pyarrow begins one for everything, and making one is what takes the time."""
        head = self._page_head(chunk, DICTIONARY_PAGE)
        entries = number(inner(head, 7), 1) if 7 in head else 0
        return 2 * entries <= number(inner(chunk, META), VALUES)

    def _page_head(self, chunk: Struct, where: int = DATA_PAGE) -> Struct:
        """The header of a chunk's first data page, or its dictionary: fields 1 kind of page, 4 checksum, 7 dictionary. Empty where there is none."""
        start, end = chunk_span(chunk)
        at = max(start, number(inner(chunk, META), where))
        if end <= at:
            return {}
        self._source.seek(at)
        return Reader(self._source.read(min(_PAGE_HEAD, end - at))).struct()


def _is_dictionary(pages: Mapping[int, int]) -> bool:
    """True if more pages (by encoding) have a dictionary than gave it up because it grew too long."""
    return sum(count for kind, count in pages.items() if kind in _DICTIONARIES) > sum(
        count for kind, count in pages.items() if kind not in _DICTIONARIES
    )


def _without(batch: Any, gone: Sequence[int]) -> Iterator[Any]:
    """The batch without some rows, ascending: few are left out as slices between them, which copies nothing."""
    count = batch.num_rows
    if len(gone) > _FEW:
        mask = bytearray(b"\1") * count
        for row in gone:
            mask[row] = 0
        flags = pyarrow.Array.from_buffers(pyarrow.uint8(), count, [None, pyarrow.py_buffer(mask)])
        yield batch.filter(pyarrow.compute.cast(flags, pyarrow.bool_()))
        return
    at = 0
    for row in (*gone, count):
        if row > at:
            yield batch.slice(at, row - at)
        at = row + 1


def _without_meaning(meta: Struct) -> None:
    """Takes from the schema what values mean, but for unsigned integers."""
    elements = []
    for element in structs(meta, SCHEMA):
        logical = element.get(10, (0, {}))[1]
        integer = logical.get(10, (0, {}))[1] if isinstance(logical, dict) else {}
        is_unsigned = number(element, 6, -1) in _UNSIGNED or (isinstance(integer, dict) and integer.get(2, (0, True))[1] is False)
        elements.append(element if is_unsigned else {key: value for key, value in element.items() if key not in _MEANING})
    meta[SCHEMA] = (meta[SCHEMA][0], List(12, list(elements)))


def _edits(values: Sequence[Sequence[Any]], first: int, leaf: int) -> Mapping[int, Mapping[tuple[int, ...], Any]]:
    """New values by leaf of the column and (row in the batch, positions)."""
    found: dict[int, dict[tuple[int, ...], Any]] = {}
    for number_, row, items, value in values:
        plain = base64.b64decode(value["bytes"]) if isinstance(value, dict) else value
        found.setdefault(number_ - leaf, {})[(row - first, *items)] = plain
    return found


@lru_cache(maxsize=1000)
def _leaf_paths(schema: Any) -> Sequence[str]:
    """How pyarrow will call the leaves."""
    out = io.BytesIO()
    with pyarrow.parquet.ParquetWriter(out, schema, store_schema=False):
        pass
    stored = pyarrow.parquet.read_metadata(io.BytesIO(out.getvalue())).schema
    return [stored.column(at).path for at in range(len(stored))]


def _dotted(leaves: Sequence[SchemaLeaf]) -> Sequence[str]:
    return [b".".join(leaf.path).decode("utf-8", "replace") for leaf in leaves]


def _narrowed(table: Any) -> Any:
    """The table with dictionaries that have no values but those of its rows: what was only in rows that are gone must not be written."""
    for at, kind in enumerate(table.schema.types):
        if pyarrow.types.is_dictionary(kind):
            column = table.column(at).chunks
            whole = pyarrow.concat_arrays(column) if column else pyarrow.nulls(0, kind)
            used = pyarrow.compute.unique(whole.indices).drop_null()
            used = used.take(pyarrow.compute.sort_indices(used))
            codes = pyarrow.compute.index_in(whole.indices, used)
            table = table.set_column(at, table.schema.field(at), pyarrow.DictionaryArray.from_arrays(codes, whole.dictionary.take(used)))
    return table


def _written(table: Any, options: _Options, *, is_changed: bool) -> bytes:
    """A Parquet file of one row group with these columns. Raises `Unreadable` where it is not that, or new values do not read back as they were."""
    out = io.BytesIO()
    more = {"bloom_filter_options": options.bloom} if options.bloom else {}
    with pyarrow.parquet.ParquetWriter(
        out,
        table.schema,
        version="2.6",
        compression=options.compression,
        use_dictionary=options.dictionary or False,
        column_encoding=options.encoding or None,
        data_page_version="2.0" if options.is_second else "1.0",
        write_statistics=options.statistics or False,
        write_page_index=options.has_index,
        write_page_checksum=options.has_checksum,
        use_deprecated_int96_timestamps=options.is_int96,
        store_schema=False,
        **more,
    ) as writer:
        writer.write_table(table, row_group_size=max(1, table.num_rows))
    data = out.getvalue()
    metadata = pyarrow.parquet.read_metadata(io.BytesIO(data))
    if metadata.num_rows != table.num_rows or metadata.num_row_groups != 1:
        raise Unreadable("parquet.cannot_verify", "")
    if is_changed and not _is_equal(opened(io.BytesIO(data), metadata), table, options):
        raise Unreadable("parquet.cannot_verify", "")
    return data


def _is_equal(back: Any, table: Any, options: _Options) -> bool:
    found = back.read(use_threads=False)
    if options.is_int96:
        found = found.cast(table.schema)
    return bool(found.equals(table) or _same_bits(found.column(0), table.column(0)))


def _same_bits(one: Any, other: Any) -> bool:
    """For floats: what is no number equals nothing, so bits are compared."""
    if len(one) != len(other) or not pyarrow.types.is_floating(one.type):
        return str(one.type) == str(other.type) and one.to_pylist().__repr__() == other.to_pylist().__repr__()
    kind = {16: pyarrow.int16(), 32: pyarrow.int32(), 64: pyarrow.int64()}[one.type.bit_width]
    return bool(one.combine_chunks().view(kind).equals(other.combine_chunks().view(kind)))


def _refused() -> Unreadable:
    return Unreadable("parquet.cannot_write", "")
