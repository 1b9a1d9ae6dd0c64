"""Tables of every type that Parquet has, and every way in which pyarrow writes them: what the tests of Parquet draw from."""

import io
import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow
import pyarrow.parquet
from hypothesis import strategies as st

_WORDS = st.sampled_from(("bob", "eve", "jane", "", "grüße, 'x'", "x" * 300, "a\nb", "\n\n \n\n"))
_DAYS = st.dates(date(1900, 1, 1), date(2200, 1, 1))
_MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1))  # noqa: DTZ001  # columns without a zone, too
#: A type, and what its values are drawn from.
TYPES: tuple[tuple[Any, Any], ...] = (
    (pyarrow.string(), _WORDS),
    (pyarrow.large_string(), _WORDS),
    (pyarrow.dictionary(pyarrow.int32(), pyarrow.string()), _WORDS),
    (pyarrow.binary(), st.sampled_from((b"jane", b"\xff\xfe\0", b"", b"bob"))),
    (pyarrow.binary(4), st.sampled_from((b"jane", b"\xff\xfe\0\1"))),
    (pyarrow.int8(), st.integers(-128, 127)),
    (pyarrow.int64(), st.integers(-(2**63), 2**63 - 1)),
    (pyarrow.uint8(), st.integers(0, 255)),
    (pyarrow.uint32(), st.integers(0, 2**32 - 1)),
    (pyarrow.uint64(), st.integers(0, 2**64 - 1)),
    (pyarrow.float32(), st.floats(width=32)),
    (pyarrow.float64(), st.floats()),
    (pyarrow.bool_(), st.booleans()),
    (pyarrow.date32(), _DAYS),
    (pyarrow.timestamp("ms"), _MOMENTS.map(lambda moment: moment.replace(microsecond=0))),
    (pyarrow.timestamp("us", "UTC"), _MOMENTS.map(lambda moment: moment.replace(tzinfo=UTC))),
    (pyarrow.timestamp("ns"), _MOMENTS),
    (pyarrow.time64("us"), st.times()),
    (pyarrow.time32("ms"), st.integers(0, 86_399).map(lambda second: time(second // 3600, second // 60 % 60, second % 60))),
    (pyarrow.decimal128(12, 2), st.integers(-(10**9), 10**9).map(lambda number: Decimal(number).scaleb(-2))),
    (pyarrow.decimal128(30, 0), st.integers(-(10**20), 10**20).map(Decimal)),
    (pyarrow.uuid(), st.uuids().map(lambda found: found.bytes)),
    (pyarrow.null(), st.none()),
)


def _nested(inner: st.SearchStrategy[tuple[Any, Any]]) -> st.SearchStrategy[tuple[Any, Any]]:
    """Types made of other types."""
    return st.one_of(
        inner.map(lambda one: (pyarrow.list_(one[0]), st.lists(_or_none(one[1]), max_size=3))),
        st.tuples(inner, inner).map(
            lambda two: (
                pyarrow.struct([("a", two[0][0]), ("b", two[1][0])]),
                st.fixed_dictionaries({"a": _or_none(two[0][1]), "b": _or_none(two[1][1])}),
            )
        ),
        inner.map(lambda one: (pyarrow.map_(pyarrow.string(), one[0]), st.lists(st.tuples(_WORDS, _or_none(one[1])), max_size=2))),
    )


def _or_none(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


#: Plain columns are commoner than nested ones. What Arrow cannot put into a list from Python values (a dictionary, a UUID) stays flat.
_SIMPLE = tuple(entry for entry in TYPES if not pyarrow.types.is_dictionary(entry[0]) and entry[0] not in (pyarrow.uuid(), pyarrow.null()))
types = st.one_of(st.sampled_from(TYPES), st.recursive(st.sampled_from(_SIMPLE), _nested, max_leaves=3))


@st.composite
def tables(draw: st.DrawFn) -> pyarrow.Table:
    """A table of up to nine rows and four columns."""
    rows = draw(st.integers(1, 9))
    drawn = draw(st.lists(types, min_size=1, max_size=4))
    columns = {"id": pyarrow.array(range(rows), pyarrow.int64())}
    for number, (kind, values) in enumerate(drawn):
        cells = draw(st.lists(_or_none(values), min_size=rows, max_size=rows))
        columns[f"c{'abcd'[number]}"] = _array(cells, kind)
    return pyarrow.table(columns)


def _array(cells: Sequence[Any], kind: Any) -> Any:
    if pyarrow.types.is_dictionary(kind):
        return pyarrow.array(cells, kind.value_type).dictionary_encode()
    if kind == pyarrow.uuid():
        return pyarrow.ExtensionArray.from_storage(kind, pyarrow.array(cells, kind.storage_type))
    return pyarrow.array(cells, kind)


options = st.fixed_dictionaries(
    {
        "row_group_size": st.integers(1, 5),
        "compression": st.sampled_from(("none", "snappy", "gzip", "brotli", "lz4", "zstd")),
        "use_dictionary": st.booleans(),
        "data_page_version": st.sampled_from(("1.0", "2.0")),
        "write_page_index": st.booleans(),
        "write_page_checksum": st.booleans(),
        "write_statistics": st.booleans(),
        "store_schema": st.booleans(),
        "max_rows_per_page": st.sampled_from((1, 20_000)),
        "store_decimal_as_integer": st.booleans(),
    }
)


def written(table: pyarrow.Table, **how: Any) -> bytes:
    """The table as a Parquet file."""
    sink = io.BytesIO()
    pyarrow.parquet.write_table(table, sink, **how)
    return sink.getvalue()


def back(data: bytes) -> pyarrow.Table:
    """The table in a file, as pyarrow reads it."""
    return pyarrow.parquet.read_table(io.BytesIO(data), use_threads=False, page_checksum_verification=True)


def customers(rows: int = 9) -> pyarrow.Table:
    """Three kinds of rows in turn; the second is Jane's, and in the third she is in a list and a map."""
    thirds = rows // 3
    return pyarrow.table(
        {
            "id": pyarrow.array(range(1, 3 * thirds + 1), pyarrow.int64()),
            "name": ["bob", "jane", "eve"] * thirds,
            "address": [{"city": "Oslo", "lines": ["a", "b"]}, {"city": "Bergen", "lines": None}, {"city": "Oslo", "lines": ["c", "jane"]}] * thirds,
            "extra": pyarrow.array([[("k", "v")], [], [("jane", "x"), ("y", "jane")]] * thirds, pyarrow.map_(pyarrow.string(), pyarrow.string())),
            "amount": [1.5, 17.0, None] * thirds,
            "uid": pyarrow.array([uuid.UUID(int=number).bytes for number in range(3 * thirds)], pyarrow.uuid()),
            "paid": pyarrow.array([Decimal("17.00"), Decimal("0.10"), None] * thirds, pyarrow.decimal128(10, 2)),
            "born": pyarrow.array([date(1984, 3, 7), date(1990, 1, 2), None] * thirds),
            "seen": pyarrow.array([datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)] * (3 * thirds), pyarrow.timestamp("us", "UTC")),
            "blob": [b"\xff\xfe", b"dear jane", None] * thirds,
        }
    )
