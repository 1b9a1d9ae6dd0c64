"""New chunks put into an old Parquet file: which bytes change, where everything is afterwards, and the footer that says so.

Row groups and columns that are not named keep their bytes; only offsets to them change. Statistics, indexes and bloom filters of a new chunk are
its own; where its column's order is one that pyarrow was not told of, it has none.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

from dsr_engine.content.columnar.parquet_footer import (
    BLOOM,
    BLOOM_LENGTH,
    CHUNK_OFFSET,
    COLUMN_INDEX,
    COLUMN_LENGTH,
    COLUMNS,
    COMPRESSED,
    DATA_PAGE,
    DICTIONARY_PAGE,
    GEO,
    GROUP_COMPRESSED,
    GROUP_OFFSET,
    GROUP_ROWS,
    INDEX_PAGE,
    MAGIC,
    META,
    NUM_ROWS,
    OFFSET_INDEX,
    OFFSET_LENGTH,
    ORDINAL,
    PATH,
    ROW_GROUPS,
    SIZES,
    SORTING,
    STATISTICS,
    TOTAL_BYTES,
    UNCOMPRESSED,
    Footer,
    Moved,
    SchemaLeaf,
    Stretch,
    chunk_span,
    inner,
    number,
    put,
    shifted,
    structs,
)
from dsr_engine.content.columnar.parquet_pieces import Range
from dsr_engine.content.columnar.parquet_thrift import I16, I32, I64, LIST, STRUCT, List, Reader, Struct, written
from dsr_engine.content.columnar.parquet_values import meaning

#: Fields of a chunk's metadata that are the new chunk's own; the others (path, user's key values, …) stay.
_OWN = (2, 4, 5, UNCOMPRESSED, COMPRESSED, 13)
#: What a type means is also how its values are ordered: of these pyarrow writes the order that it was told (bytes, signed numbers, unsigned ones).
_ORDERED = {1: frozenset((0, 5, 6, 7, 8, 10)), 2: frozenset((0, 5, 7, 8, 10)), 6: frozenset((0, 1, 4, 12, 13)), 7: frozenset((0, 14))}


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk that was written anew: its footer entry in a file of its own, which begins at `start` of `spool`."""

    entry: Struct
    start: int
    spool: BinaryIO

    def bytes_of(self, start: int, end: int) -> bytes:
        self.spool.seek(self.start + start)
        return self.spool.read(end - start)

    def range(self, start: int, end: int) -> Range:
        """A range of the chunk's file."""
        return Range(self.spool, self.start + start, self.start + end)


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one row group: its new number of rows (0: it goes), and its new chunks by column."""

    rows: int
    chunks: Mapping[int, Chunk]


@dataclass(frozen=True, slots=True)
class Built:
    """What makes the new file, see `Made`, and its footer's row groups that have new columns: (new number, columns)."""

    replaced: Sequence[tuple[int, int, bytes | Range]]
    written: Sequence[tuple[int, Sequence[int]]]
    rows: Sequence[int]


class Builder:
    """Builds one new file."""

    def __init__(self, footer: Footer, source: BinaryIO, changes: Mapping[int, Change]) -> None:
        self._footer = footer
        self._source = source
        self._changes = changes
        self._leaves = footer.leaves()
        self._stretches = footer.stretches(source)

    def built(self) -> Built:
        """Indexes hold offsets of pages as numbers of varying length, so they are placed again until nothing moves any more."""
        contents = {stretch: content for stretch in self._stretches if (content := self._content(stretch, Moved())) is not None}
        for _ in range(10):
            moved = _moved(contents)
            again = {stretch: content for stretch in self._stretches if (content := self._content(stretch, moved)) is not None}
            is_settled = {key: _size(key, value) for key, value in again.items()} == {key: _size(key, value) for key, value in contents.items()}
            contents = again
            if is_settled:
                break
        meta, numbers = self._meta(_moved(contents))
        data = written(meta)
        replaced = [(stretch.start, stretch.end, content[1]) for stretch, content in contents.items() if stretch.start < stretch.end]
        replaced.append((self._footer.start, self._footer.size, data + len(data).to_bytes(4, "little") + MAGIC))
        rows = [number(group, GROUP_ROWS) for group in structs(meta, ROW_GROUPS)]
        return Built(replaced, [(numbers[at], sorted(change.chunks)) for at, change in sorted(self._changes.items()) if at in numbers], rows)

    def _content(self, stretch: Stretch, moved: Moved) -> tuple[int, bytes | Range] | None:
        """Length and content of what stands in the place of these bytes; None where they stay."""
        change = self._changes.get(stretch.group)
        if change is not None and not change.rows:
            return 0, b""
        chunk = change.chunks.get(stretch.column) if change is not None else None
        if chunk is None:
            return self._moved_index(stretch, moved) if stretch.what == "offsets" else None
        start, end = chunk_span(chunk.entry)
        if stretch.what == "pages":
            return end - start, chunk.range(start, end)
        if stretch.what == "offsets":
            data = self._index_of(chunk, OFFSET_INDEX, OFFSET_LENGTH)
            old, _ = chunk_span(self._entry(stretch))
            return _sized(_shifted_index(data, moved.to(old) - start) if data else b"")
        if stretch.what == "columns":
            return _sized(self._index_of(chunk, COLUMN_INDEX, COLUMN_LENGTH) if self._is_ordered(stretch.column) else b"")
        return _sized(_bloom_of(chunk))

    def _entry(self, stretch: Stretch) -> Struct:
        return structs(self._footer.groups[stretch.group], COLUMNS)[stretch.column]

    def _moved_index(self, stretch: Stretch, moved: Moved) -> tuple[int, bytes | Range] | None:
        start, _ = chunk_span(self._entry(stretch))
        far = moved.to(start) - start
        if not far:
            return None
        self._source.seek(stretch.start)
        return _sized(_shifted_index(self._source.read(stretch.end - stretch.start), far))

    def _index_of(self, chunk: Chunk, where: int, length: int) -> bytes:
        start = number(chunk.entry, where)
        return chunk.bytes_of(start, start + number(chunk.entry, length)) if start > 0 else b""

    def _is_ordered(self, column: int) -> bool:
        """True if the new chunk's smallest and largest values are in the order of its column."""
        leaf = self._leaves[column]
        return leaf.physical in (0, 4, 5) or meaning(leaf) in _ORDERED.get(leaf.physical, frozenset())

    # ---- the footer

    def _meta(self, moved: Moved) -> tuple[Struct, Mapping[int, int]]:
        """The new footer, and the new numbers of the row groups that stay."""
        groups: list[Struct] = []
        numbers: dict[int, int] = {}
        for at, group in enumerate(self._footer.groups):
            change = self._changes.get(at)
            if change is not None and not change.rows:
                continue
            numbers[at] = len(groups)
            groups.append(self._group(at, group, change, moved, len(groups)))
        meta = dict(self._footer.meta)
        meta[ROW_GROUPS] = (LIST, List(STRUCT, list(groups)))
        meta[NUM_ROWS] = (I64, sum(number(group, GROUP_ROWS) for group in groups))
        return meta, numbers

    def _group(self, at: int, old: Struct, change: Change | None, moved: Moved, position: int) -> Struct:
        group = dict(old)
        chunks: list[Struct] = []
        sizes = 0, 0
        for column, entry in enumerate(structs(old, COLUMNS)):
            chunk = change.chunks.get(column) if change is not None else None
            fresh = {**entry, META: (STRUCT, dict(inner(entry, META)))}
            if chunk is None:
                shifted(fresh, moved)
                self._move_lengths(fresh, entry, at, column, moved)
            else:
                self._renew(fresh, entry, chunk, at, column, moved)
            chunks.append(fresh)
            meta = inner(fresh, META)
            sizes = sizes[0] + number(meta, UNCOMPRESSED), sizes[1] + number(meta, COMPRESSED)
        group[COLUMNS] = (LIST, List(STRUCT, list(chunks)))
        if number(old, GROUP_OFFSET) > 0:
            group[GROUP_OFFSET] = (I64, moved.to(number(old, GROUP_OFFSET)))
        if ORDINAL in old:
            group[ORDINAL] = (I16, position)
        if change is not None:
            group[TOTAL_BYTES] = (I64, sizes[0])
            group[GROUP_ROWS] = (I64, change.rows)
            if GROUP_COMPRESSED in old:
                group[GROUP_COMPRESSED] = (I64, sizes[1])
            if change.rows == number(old, GROUP_ROWS) and any(number(each, 1) in change.chunks for each in structs(old, SORTING)):
                del group[SORTING]
        return group

    def _move_lengths(self, fresh: Struct, entry: Struct, at: int, column: int, moved: Moved) -> None:
        """An index whose offsets grew is longer."""
        if number(entry, OFFSET_INDEX) > 0:
            start = number(entry, OFFSET_INDEX)
            content = self._content(Stretch(start, start + number(entry, OFFSET_LENGTH), "offsets", at, column), moved)
            if content is not None:
                fresh[OFFSET_LENGTH] = (I32, content[0])

    def _renew(self, fresh: Struct, entry: Struct, chunk: Chunk, at: int, column: int, moved: Moved) -> None:
        """The entry of a chunk that was written anew."""
        meta, new = inner(fresh, META), inner(chunk.entry, META)
        for field in _OWN:
            if field in new:
                put(meta, field, *new[field])
            else:
                meta.pop(field, None)
        old_start, old_end = chunk_span(entry)
        start, end = chunk_span(chunk.entry)
        far = moved.to(old_start) - start
        for field in (DATA_PAGE, INDEX_PAGE, DICTIONARY_PAGE):
            meta.pop(field, None)
            if number(new, field) > 0:
                put(meta, field, I64, number(new, field) + far)
        if number(entry, CHUNK_OFFSET) > 0:
            fresh[CHUNK_OFFSET] = (I64, far + (end if number(entry, CHUNK_OFFSET) == old_end else start))
        for field in (STATISTICS, SIZES, GEO):
            is_kept = field in meta and field in new and field != GEO
            meta.pop(field, None)
            if is_kept:
                put(meta, field, STRUCT, self._statistics(new, column) if field == STATISTICS else new[field][1])
        self._place_indexes(fresh, at, column, moved)
        assert PATH in meta  # the schema's own, never the new file's

    def _statistics(self, new: Struct, column: int) -> Struct:
        """Nothing but counts where the order is another (fields 1, 2, 5 to 8 are values)."""
        found = inner(new, STATISTICS)
        return dict(found) if self._is_ordered(column) else {field: value for field, value in found.items() if field in (3, 4)}

    def _place_indexes(self, fresh: Struct, at: int, column: int, moved: Moved) -> None:
        meta = inner(fresh, META)
        for struct, where, length, what in (
            (fresh, OFFSET_INDEX, OFFSET_LENGTH, "offsets"),
            (fresh, COLUMN_INDEX, COLUMN_LENGTH, "columns"),
            (meta, BLOOM, BLOOM_LENGTH, "bloom"),
        ):
            start = number(struct, where)
            struct.pop(where, None)
            struct.pop(length, None)
            found = next((each for each in self._stretches if (each.what, each.group, each.column) == (what, at, column)), None)
            content = self._content(found, moved) if found is not None else None
            if content is not None and content[0]:
                put(struct, where, I64, moved.to(start))
                put(struct, length, I32, content[0])


def _sized(data: bytes) -> tuple[int, bytes | Range]:
    return len(data), data


def _size(stretch: Stretch, content: tuple[int, bytes | Range]) -> tuple[int, int]:
    return stretch.start, content[0]


def _moved(contents: Mapping[Stretch, tuple[int, bytes | Range]]) -> Moved:
    jumps = sorted((stretch.end, content[0] - (stretch.end - stretch.start)) for stretch, content in contents.items())
    return Moved.of([(start, far) for start, far in jumps if far])


def _shifted_index(data: bytes, far: int) -> bytes:
    """An offset index (`OffsetIndex`) whose pages are elsewhere."""
    index = Reader(data).struct()
    pages: list[Struct] = [{**page, 1: (I64, number(page, 1) + far)} for page in structs(index, 1)]
    index[1] = (LIST, List(STRUCT, list(pages)))
    return written(index)


def _bloom_of(chunk: Chunk) -> bytes:
    meta = inner(chunk.entry, META)
    start = number(meta, BLOOM)
    return chunk.bytes_of(start, start + number(meta, BLOOM_LENGTH)) if start > 0 and number(meta, BLOOM_LENGTH) else b""


def fits(leaf: SchemaLeaf, new: SchemaLeaf) -> bool:
    """True if chunks of the one can stand in the place of chunks of the other."""
    one, other = (replace(each, path=(), element={}, is_nullable=False, top=0) for each in (leaf, new))
    return one == other


def groups_of(chunks: Sequence[tuple[int, int, Chunk]], rows: Mapping[int, int]) -> Iterator[tuple[int, Change]]:
    """Changes by row group from (group, column, chunk); `rows` are the new numbers of rows of all groups that change."""
    for group, count in rows.items():
        yield group, Change(count, {column: chunk for at, column, chunk in chunks if at == group})
