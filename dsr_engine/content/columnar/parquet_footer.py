"""The footer of a Parquet file: where each chunk and index lies, what its schema says, and how a footer is written back with other offsets.

Apache Parquet, *parquet.thrift* (`FileMetaData` and what it holds). Everything that is not understood stays as it is. A file whose parts do not
lie where its footer says, one after the other, is not rewritten.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import BinaryIO

from dsr_engine.content.columnar.parquet_thrift import BINARY, I64, LIST, STRUCT, List, Reader, Struct, Value, damaged, written
from dsr_engine.content.format import Unreadable

MAGIC, SEALED = b"PAR1", b"PARE"
#: A longer footer is not taken apart here. Bytes.
LONGEST = 32 * 1024 * 1024
#: Fields of `FileMetaData`, `RowGroup`, `ColumnChunk` and `ColumnMetaData` in parquet.thrift.
SCHEMA, NUM_ROWS, ROW_GROUPS, KEY_VALUES, ENCRYPTION = 2, 3, 4, 5, 8
COLUMNS, TOTAL_BYTES, GROUP_ROWS, SORTING, GROUP_OFFSET, GROUP_COMPRESSED, ORDINAL = range(1, 8)
FILE_PATH, CHUNK_OFFSET, META, OFFSET_INDEX, OFFSET_LENGTH, COLUMN_INDEX, COLUMN_LENGTH, CRYPTO, SEALED_META = range(1, 10)
ENCODINGS, PATH, CODEC, VALUES, UNCOMPRESSED, COMPRESSED, CHUNK_KEYS, DATA_PAGE, INDEX_PAGE, DICTIONARY_PAGE = 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
STATISTICS, ENCODING_STATS, BLOOM, BLOOM_LENGTH, SIZES, GEO = 12, 13, 14, 15, 16, 17
#: Longest header of a bloom filter. Bytes.
_BLOOM_HEAD = 256
ENCRYPTED = Unreadable("parquet.encrypted", "a Parquet file or some of its columns are encrypted and were not read")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes of the file that belong to one chunk: its pages (`pages`), its indexes (`columns`, `offsets`) or its bloom filter (`bloom`)."""

    start: int
    end: int
    what: str
    group: int
    column: int


@dataclass(frozen=True, slots=True)
class SchemaLeaf:
    """A column as it is stored: physical type, length of fixed values, levels, and what its element of the schema says."""

    path: tuple[bytes, ...]
    physical: int
    width: int
    definition: int
    repetition: int
    element: Struct
    is_nullable: bool
    top: int


@dataclass(frozen=True, slots=True)
class Footer:
    """`meta` is the whole of it; `start` where it begins in the file, `size` the file's length."""

    meta: Struct
    start: int
    size: int

    @property
    def groups(self) -> list[Struct]:
        return structs(self.meta, ROW_GROUPS)

    def is_sealed(self) -> bool:
        """True if anything in the file is encrypted."""
        chunks = (chunk for group in self.groups for chunk in structs(group, COLUMNS))
        return ENCRYPTION in self.meta or any(CRYPTO in chunk or SEALED_META in chunk for chunk in chunks)

    def is_elsewhere(self) -> bool:
        """True if data of this footer is in other files."""
        return any(FILE_PATH in chunk for group in self.groups for chunk in structs(group, COLUMNS))

    def leaves(self) -> tuple[SchemaLeaf, ...]:
        """The stored columns in their order. Raises `Unreadable`."""
        elements = structs(self.meta, SCHEMA)
        found: list[SchemaLeaf] = []
        if not elements:
            raise damaged()
        at = 1
        for top in range(number(elements[0], 5)):
            at = _leaves(elements, at, (), 0, 0, top, found)
        return tuple(found)

    def part(self, groups: Sequence[int]) -> bytes:
        """The end of a file that has these row groups only, where they are, and says nothing else."""
        own = self.groups
        kept = [own[at] for at in groups]
        meta = {field: value for field, value in self.meta.items() if field != KEY_VALUES}
        meta[ROW_GROUPS] = (LIST, List(STRUCT, list(kept)))
        meta[NUM_ROWS] = (I64, sum(number(group, GROUP_ROWS) for group in kept))
        data = written(meta)
        return MAGIC + data + len(data).to_bytes(4, "little") + MAGIC

    def stretches(self, source: BinaryIO) -> tuple[Stretch, ...]:
        """All bytes that belong to chunks, by offset. Raises `Unreadable` where they overlap or leave the file."""
        found = [
            stretch
            for at, group in enumerate(self.groups)
            for column, chunk in enumerate(structs(group, COLUMNS))
            for stretch in _of_chunk(chunk, at, column, source)
        ]
        found.sort(key=lambda each: (each.start, each.end))
        edges = [Stretch(0, len(MAGIC), "", 0, 0), *found, Stretch(self.start, self.size, "", 0, 0)]
        if any(one.end > other.start or one.end < one.start for one, other in pairwise(edges)):
            raise damaged()
        return tuple(found)


def footer_of(source: BinaryIO) -> Footer:
    """The footer at the end of an open file. Raises `Unreadable` (`parquet.damaged`, `parquet.encrypted`, `parquet.too_long`)."""
    source.seek(0, 2)
    size = source.tell()
    source.seek(max(0, size - 8))
    tail = source.read(8)
    if tail[4:] == SEALED:
        raise ENCRYPTED
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != MAGIC or size < 12 or length > size - 12:
        raise damaged()
    if length > LONGEST:
        raise Unreadable("parquet.too_long", "the footer of a Parquet file is longer than the limit; only its columns were searched")
    source.seek(size - 8 - length)
    reader = Reader(source.read(length))
    found = Footer(reader.struct(), size - 8 - length, size)
    _check_shape(found.meta)
    return found


def structs(struct: Struct, field: int) -> list[Struct]:
    """The list of structs in a field; empty where there is none. Raises `Unreadable`."""
    value = struct.get(field, (0, List(0, [])))[1]
    if not isinstance(value, List) or not all(isinstance(item, dict) for item in value.items):
        raise damaged()
    return [item for item in value.items if isinstance(item, dict)]


def inner(struct: Struct, field: int) -> Struct:
    """The struct in a field. Raises `Unreadable` where there is none."""
    value = struct.get(field, (0, 0))[1]
    if not isinstance(value, dict):
        raise damaged()
    return value


def number(struct: Struct, field: int, default: int = 0) -> int:
    """The integer in a field."""
    value = struct.get(field, (0, default))[1]
    if not isinstance(value, int):
        raise damaged()
    return value


def text(struct: Struct, field: int) -> bytes:
    """The bytes in a field; empty where there are none."""
    value = struct.get(field, (0, b""))[1]
    if not isinstance(value, bytes):
        raise damaged()
    return value


def put(struct: Struct, field: int, kind: int, value: Value) -> None:
    """Sets a field, keeping the fields in order."""
    struct[field] = (kind, value)
    if list(struct) != sorted(struct):
        ordered = sorted(struct.items())
        struct.clear()
        struct.update(ordered)


def chunk_span(chunk: Struct) -> tuple[int, int]:
    """Where the pages of a chunk are. Old writers give a dictionary's offset as 0, and a chunk without values has no data page."""
    meta = inner(chunk, META)
    starts = [offset for field in (DICTIONARY_PAGE, DATA_PAGE) if (offset := number(meta, field)) > 0]
    return (min(starts), min(starts) + number(meta, COMPRESSED)) if starts else (len(MAGIC), len(MAGIC))


def key_values(meta: Struct) -> list[tuple[bytes, bytes]]:
    """The file's own metadata."""
    return [(text(pair, 1), text(pair, 2)) for pair in structs(meta, KEY_VALUES)]


def shifted(chunk: Struct, moved: "Moved") -> None:
    """Gives every offset of a chunk its new value."""
    meta = inner(chunk, META)
    for struct, field in (
        (chunk, CHUNK_OFFSET),
        (chunk, OFFSET_INDEX),
        (chunk, COLUMN_INDEX),
        (meta, DATA_PAGE),
        (meta, INDEX_PAGE),
        (meta, DICTIONARY_PAGE),
        (meta, BLOOM),
    ):
        if number(struct, field) > 0:
            struct[field] = (I64, moved.to(number(struct, field)))


@dataclass(frozen=True, slots=True)
class Moved:
    """Where bytes of the old file are in the new one: from the offsets `starts` on they lie `sums` further."""

    starts: tuple[int, ...] = ()
    sums: tuple[int, ...] = ()

    @classmethod
    def of(cls, jumps: Sequence[tuple[int, int]]) -> "Moved":
        """From (offset from which it counts, how far), ascending."""
        return cls(tuple(start for start, _ in jumps), tuple(accumulate(far for _, far in jumps)))

    def to(self, offset: int) -> int:
        at = bisect_right(self.starts, offset)
        return offset + self.sums[at - 1] if at else offset


def _leaves(elements: list[Struct], at: int, path: tuple[bytes, ...], definition: int, repetition: int, top: int, found: list[SchemaLeaf]) -> int:
    """Adds the leaves of one element; returns the next element. Fields: 1 type, 2 length, 3 repetition, 4 name, 5 children."""
    if at >= len(elements) or len(path) > 60:
        raise damaged()
    element = elements[at]
    kind = number(element, 3)
    path = (*path, text(element, 4))
    definition += kind != 0
    repetition += kind == 2
    at += 1
    children = number(element, 5)
    if not children and 1 in element:
        found.append(SchemaLeaf(path, number(element, 1), number(element, 2), definition, repetition, element, kind == 1, top))
    for _ in range(children):
        at = _leaves(elements, at, path, definition, repetition, top, found)
    return at


def _of_chunk(chunk: Struct, group: int, column: int, source: BinaryIO) -> Iterator[Stretch]:
    yield Stretch(*chunk_span(chunk), "pages", group, column)
    for what, where, length in (("offsets", OFFSET_INDEX, OFFSET_LENGTH), ("columns", COLUMN_INDEX, COLUMN_LENGTH)):
        if number(chunk, where) > 0:
            yield Stretch(number(chunk, where), number(chunk, where) + number(chunk, length), what, group, column)
    meta = inner(chunk, META)
    if number(meta, BLOOM) > 0:
        start = number(meta, BLOOM)
        yield Stretch(start, start + (number(meta, BLOOM_LENGTH) or _bloom_length(source, start)), "bloom", group, column)


def _bloom_length(source: BinaryIO, start: int) -> int:
    """The length of a bloom filter whose footer does not say it: header (`numBytes` is its first field) and bits."""
    source.seek(start)
    reader = Reader(source.read(_BLOOM_HEAD))
    head = reader.struct()
    return reader.at + number(head, 1)


def _check_shape(meta: Struct) -> None:
    """Raises `Unreadable` where what is needed is not there."""
    total = 0
    for group in structs(meta, ROW_GROUPS):
        total += number(group, GROUP_ROWS)
        if number(group, GROUP_ROWS) < 0:
            raise damaged()
        for chunk in structs(group, COLUMNS):
            if META in chunk and SEALED_META not in chunk:
                inner(chunk, META)
    if number(meta, NUM_ROWS) != total:
        raise damaged()
    for pair in structs(meta, KEY_VALUES):
        if pair.get(1, (BINARY, b""))[0] != BINARY:
            raise damaged()
