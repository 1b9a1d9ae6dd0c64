"""A rewritten Parquet file consists of ranges of other files until it is written, and of dictionaries nothing is left that no row has."""

import io
import tempfile
from typing import BinaryIO, cast

import pyarrow
import pyarrow.parquet
from hypothesis import given
from hypothesis import strategies as st

from dsr_engine.content.columnar.parquet_pieces import Made, Pieces, Range
from dsr_engine.content.files import rewrite_file
from dsr_engine.content.format import Opener
from dsr_engine.content.stream import Composing
from dsr_engine.domain.plan import DropPart, Edit
from tests.content.parquet_tables import back, written
from tests.content.plain_words import WordRewriter, reading, rewritten

_OLD = bytes(range(200))


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200), st.one_of(st.binary(max_size=9), st.tuples(st.integers(0, 50), st.integers(0, 50)))))
)
def test_ranges_read_and_write_as_the_bytes_that_they_stand_for(wanted: list[tuple[int, int, bytes | tuple[int, int]]]) -> None:
    other = bytes(reversed(range(50)))
    with tempfile.TemporaryFile() as old, tempfile.TemporaryFile() as spool, tempfile.TemporaryFile() as rest:
        for file, data in ((old, _OLD), (spool, other)):
            file.write(data)
            file.flush()
        replaced: list[tuple[int, int, bytes | Range]] = []
        expected, at = b"", 0
        for one, two, content in sorted(wanted, key=lambda each: min(each[:2])):
            start, end = sorted((one, two))
            if start < at:
                continue
            said = content if isinstance(content, bytes) else other[min(content) : max(content)]
            replaced.append((start, end, content if isinstance(content, bytes) else Range(cast(BinaryIO, spool), min(content), max(content))))
            expected += _OLD[at:start] + said
            at = end
        expected += _OLD[at:]
        made = Made(cast(BinaryIO, old), len(_OLD), replaced, cast(BinaryIO, rest))
        sink = io.BytesIO()
        made.write(sink)
        assert sink.getvalue() == made.reading().read() == expected
        assert made.size == len(expected)
        again = Pieces(made.files, made.pieces)
        assert again.seek(-3, io.SEEK_END) == max(0, len(expected) - 3)
        assert again.read(2) == expected[-3:][:2]


def test_values_that_only_dropped_rows_had_leave_a_dictionary_that_spans_many_batches() -> None:
    cities: list[str | None] = ["Oslo", "Bergen", None, "Rome"] * 40_000
    cities[70_000] = "Janetown"
    before = written(pyarrow.table({"city": cities, "late": ["x"] * 150_000 + ["y"] * 10_000}), compression="none", use_dictionary=["city", "late"])
    assert b"Janetown" in before
    for gone in ({70_000}, {0, 1, 70_000}, {70_000, *range(0, 160_000, 5)}, set(range(160_000)) - {3, 155_000}):
        after = rewritten(before, [Edit(f"row:{row + 1}", DropPart()) for row in sorted(gone)])
        assert b"Janetown" not in after
        assert back(after).column("city").to_pylist() == [city for row, city in enumerate(cities) if row not in gone]
        coded = pyarrow.parquet.read_table(io.BytesIO(after), read_dictionary=["city"]).column("city")
        assert {value for chunk in coded.chunks for value in chunk.dictionary.to_pylist()} == {c for c in back(after).column("city").to_pylist() if c}


class _Noting(Composing):
    """Notes what it is told to be a copy."""

    def __init__(self, original: Opener, old: bytes) -> None:
        super().__init__()
        self.original = original
        self._old = old
        self.data = bytearray()
        self.copied = 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # typeshed's Buffer has no name before 3.12
        self.data += data
        return len(data)

    def copy(self, data: bytes, start: int) -> None:
        assert self._old[start : start + len(data)] == data
        self.copied += len(data)
        self.data += data


def test_a_sink_that_composes_is_told_which_bytes_are_copies() -> None:
    table = pyarrow.table({"id": list(range(400_000)), "note": [f"note number {at * 7919 % 400_009}" for at in range(400_000)]})
    before = written(table, row_group_size=40_000, compression="none")

    def open_file() -> BinaryIO:
        return io.BytesIO(before)

    edits = [Edit("row:7", DropPart())]
    plain, noting = io.BytesIO(), _Noting(open_file, before)
    rewrite_file(open_file, plain, edits, WordRewriter(), reading())
    rewrite_file(open_file, cast(BinaryIO, noting), edits, WordRewriter(), reading())
    assert bytes(noting.data) == plain.getvalue()
    assert noting.copied > len(before) // 2
    assert back(plain.getvalue()).num_rows == 399_999
