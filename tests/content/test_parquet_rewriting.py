"""Parquet is rewritten chunk by chunk: what no edit concerns keeps its bytes, and what is erased is nowhere in the file."""

import io
import uuid
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.columnar.parquet_footer import COLUMNS, Footer, chunk_span, footer_of, inner, number, structs
from dsr_engine.domain.anonymize import Method, MethodName
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, Fence, RedactSpans, SetValue
from tests.content.parquet_tables import back, customers, options, tables, written
from tests.content.plain_words import MARK, WordGate, read, reading, rewritten, texts, units


def _set(text: str) -> SetValue:
    return SetValue(Method(MethodName.TEXT, text), "user")


def _footer(data: bytes) -> Footer:
    return footer_of(io.BytesIO(data))


def _chunks(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    for at, group in enumerate(_footer(data).groups):
        for column, chunk in enumerate(structs(group, COLUMNS)):
            start, end = chunk_span(chunk)
            yield at, column, data[start:end]


def test_only_the_chunks_of_edited_columns_change() -> None:
    before = written(customers(30), row_group_size=6, write_page_index=True)
    after = rewritten(before, [Edit("row:8/name", RedactSpans()), Edit("row:9/address.lines[2]", RedactSpans())], "jane")
    changed = {(group, column) for (group, column, old), (_, _, new) in zip(_chunks(before), _chunks(after), strict=True) if old != new}
    assert {(1, 1), (1, 3)} <= changed <= {(1, 1), (1, 2), (1, 3)}
    expected = customers(30).to_pylist()
    expected[7]["name"] = MARK
    expected[8]["address"]["lines"][1] = MARK
    assert back(after).to_pylist() == expected
    assert back(after).schema.equals(back(before).schema, check_metadata=True)


def test_dropped_rows_go_and_their_group_alone_is_written_anew() -> None:
    before = written(customers(30), row_group_size=6, compression="zstd")
    after = rewritten(before, [Edit("row:2", DropPart()), Edit("row:5", DropPart()), Edit("row:30", DropPart())])
    rows = customers(30).to_pylist()
    assert back(after).to_pylist() == [row for at, row in enumerate(rows, 1) if at not in (2, 5, 30)]
    same = [(group, column) for (group, column, old), (_, _, new) in zip(_chunks(before), _chunks(after), strict=True) if old == new]
    assert {group for group, _ in same} >= {1, 2, 3}
    assert [number(group, 3) for group in _footer(after).groups] == [4, 6, 6, 6, 5]


def test_a_group_that_loses_all_rows_goes_as_a_whole() -> None:
    before = written(customers(9), row_group_size=3, write_page_index=True)
    after = rewritten(before, [Edit(f"row:{row}", DropPart()) for row in (4, 5, 6)])
    assert back(after).column("id").to_pylist() == [1, 2, 3, 7, 8, 9]
    assert len(_footer(after).groups) == 2
    none = rewritten(before, [Edit(f"row:{row}", DropPart()) for row in range(1, 10)])
    assert back(none).num_rows == 0
    assert back(none).schema.equals(back(before).schema)


def test_values_of_every_type_are_set_as_their_columns_store_them() -> None:
    new = str(uuid.UUID(int=77))
    edits = [
        Edit("row:1/id", _set("99")),
        Edit("row:1/name", _set("null")),
        Edit("row:1/uid", _set(new)),
        Edit("row:1/paid", _set("12.5")),
        Edit("row:1/born", _set("2001-02-03")),
        Edit("row:1/seen", _set("2001-02-03 04:05:06")),
        Edit("row:1/amount", _set("2.25")),
        Edit("row:2/blob", _set("x")),
        Edit("row:3/amount", Fence(7)),
        Edit("row:3/extra[2].value", _set("z")),
    ]
    for how in ({}, {"store_decimal_as_integer": True}, {"store_schema": False}):
        after = back(rewritten(written(customers(6), row_group_size=3, **how), edits)).to_pylist()
        first = after[0]
        assert (first["id"], first["name"], first["amount"]) == (99, None, 2.25)
        assert (str(first["uid"]), first["paid"], first["born"]) == (new, Decimal("12.50"), date(2001, 2, 3))
        assert first["seen"].isoformat() == "2001-02-03T04:05:06+00:00"
        assert (after[1]["blob"], after[2]["amount"], after[2]["extra"]) == (b"x", 7.0, [("jane", "x"), ("y", "z")])
        assert after[3:] == [{**row, "uid": after[at]["uid"]} for at, row in enumerate(customers(6).to_pylist()[3:], 3)]


@pytest.mark.parametrize(
    "edit",
    [
        Edit("row:99", DropPart()),
        Edit("row:1/nothing", RedactSpans()),
        Edit("row:1/name", DropPart()),
        Edit("row:1/address.lines[9]", RedactSpans()),
        Edit("column:2/name", RedactSpans()),
        Edit("metadata:9/value", RedactSpans()),
        Edit("$.a", RedactSpans()),
        Edit("row:1/id", _set("many")),
        Edit("row:1/born", _set("then")),
        Edit("row:1/uid", _set("none")),
    ],
)
def test_what_is_not_there_or_does_not_fit_is_refused(edit: Edit) -> None:
    with pytest.raises(NotSupported):
        rewritten(written(customers(3)), [edit], "jane")


def test_a_number_that_holds_the_person_is_not_cut_but_refused() -> None:
    with pytest.raises(NotSupported):
        rewritten(written(pyarrow.table({"phone": [491701234567]})), [Edit("row:1/phone", RedactSpans())], "1234567")


def test_a_column_that_must_have_a_value_does_not_become_empty() -> None:
    schema = pyarrow.schema([pyarrow.field("name", pyarrow.string(), nullable=False)])
    with pytest.raises(NotSupported):
        rewritten(written(pyarrow.table({"name": ["jane"]}, schema=schema)), [Edit("row:1/name", _set("null"))])


def test_metadata_are_redacted_in_both_copies_and_the_schema_stays() -> None:
    about = '{"by": "jane", "of": "eve"}'
    before = written(customers(3).select(["id"]).replace_schema_metadata({"pandas": about, "jane": "x"}))
    found = units(before, reading(WordGate("jane")))
    assert len(found) == 3
    after = rewritten(before, [Edit(unit.place, RedactSpans()) for unit in found], "jane")
    assert b"jane" not in after
    assert not read(after, reading(WordGate("jane")))
    assert back(after).schema.equals(customers(3).select(["id"]).schema)


def test_sorting_field_ids_and_counts_survive() -> None:
    schema = pyarrow.schema([pyarrow.field("id", pyarrow.int64(), metadata={"PARQUET:field_id": "7"}), pyarrow.field("name", pyarrow.string())])
    table = customers(9).select(["id", "name"]).cast(schema)
    before = written(table, row_group_size=3, sorting_columns=[pyarrow.parquet.SortingColumn(0)])
    after = rewritten(before, [Edit("row:2", DropPart()), Edit("row:5/name", RedactSpans())], "jane")
    new = pyarrow.parquet.read_metadata(io.BytesIO(after))
    old = pyarrow.parquet.read_metadata(io.BytesIO(before))
    assert new.created_by == old.created_by
    assert (new.num_rows, [new.row_group(at).num_rows for at in range(3)]) == (8, [2, 3, 3])
    assert [new.row_group(at).sorting_columns for at in range(3)] == [old.row_group(at).sorting_columns for at in range(3)]
    assert new.schema.equals(old.schema)
    unsorted = rewritten(before, [Edit("row:2/id", _set("99"))])
    assert [len(structs(group, 4)) for group in _footer(unsorted).groups] == [0, 1, 1]


def test_codec_dictionary_encoding_page_version_checksum_index_and_bloom_filter_are_kept() -> None:
    table = pyarrow.table({"n": [*range(400)], "s": [f"jane{number % 40}" for number in range(400)], "d": [f"x{number}" for number in range(400)]})
    before = written(
        table,
        compression={"n": "gzip", "s": "zstd", "d": "snappy"},
        use_dictionary=["s"],
        column_encoding={"n": "DELTA_BINARY_PACKED", "d": "DELTA_BYTE_ARRAY"},
        data_page_version="2.0",
        write_page_index=True,
        write_page_checksum=True,
        bloom_filter_options={"d": {"ndv": 400}},
        row_group_size=100,
    )
    after = rewritten(before, [Edit("row:7", DropPart())])
    old, new = (pyarrow.parquet.read_metadata(io.BytesIO(data)) for data in (before, after))
    for column in range(3):
        one, other = old.row_group(0).column(column), new.row_group(0).column(column)
        assert (one.compression, one.encodings, one.has_dictionary_page) == (other.compression, other.encodings, other.has_dictionary_page)
        assert (one.has_offset_index, one.has_column_index) == (other.has_offset_index, other.has_column_index) == (True, True)
        assert (one.bloom_filter_offset is None) == (other.bloom_filter_offset is None)
    assert back(after).to_pylist() == [row for at, row in enumerate(table.to_pylist(), 1) if at != 7]


def test_statistics_indexes_and_bloom_filters_forget_the_value() -> None:
    table = pyarrow.table({"s": ["aaa", "zzz-jane", "bbb"], "n": [1, 99, 2]})
    before = written(table, compression="none", write_page_index=True, bloom_filter_options={"s": {"ndv": 3}, "n": {"ndv": 3}}, store_schema=False)
    assert before.count(b"zzz-jane") > 2
    for edits in ([Edit("row:2", DropPart())], [Edit("row:2/s", RedactSpans()), Edit("row:2/n", _set("5"))]):
        after = rewritten(before, edits, "jane")
        assert b"jane" not in after
        statistics = [pyarrow.parquet.read_metadata(io.BytesIO(after)).row_group(0).column(at).statistics for at in range(2)]
        assert (statistics[0].max, statistics[1].max) in (("bbb", 2), ("zzz-" + MARK, 5))
        assert b"\x63\0\0\0\0\0\0\0" not in after


def test_a_rewrite_gives_the_same_bytes_again() -> None:
    before = written(customers(30), row_group_size=4, write_page_index=True)
    edits = [Edit("row:2/name", RedactSpans()), Edit("row:9", DropPart()), Edit("row:20/blob", RedactSpans())]
    assert rewritten(before, edits, "jane") == rewritten(before, edits, "jane")
    assert rewritten(before, []) == before


def test_a_name_in_two_columns_is_cut_from_both() -> None:
    table = pyarrow.table({"id": [1, 2], "first_name": ["jane", "jane"], "last_name": ["roe", "doe"]})
    before = written(table)
    found = [unit for unit in units(before, reading(WordGate("jane, doe"))) if unit.place == "row:2/2-3"]
    assert len(found) == 1
    after = back(rewritten(before, [Edit(found[0].place, RedactSpans())], "jane, doe"))
    assert after.to_pylist() == [{"id": 1, "first_name": "jane", "last_name": "roe"}, {"id": 2, "first_name": MARK, "last_name": ""}]


def test_old_times_of_96_bits_are_kept_and_refused_where_they_would_change() -> None:
    moments = pyarrow.array([0, 10**18, None], pyarrow.timestamp("ns"))
    table = pyarrow.table({"at": moments, "name": ["bob", "jane", "eve"]})
    before = written(table, use_deprecated_int96_timestamps=True, store_schema=False)
    after = rewritten(before, [Edit("row:2", DropPart())])
    assert back(after).column("at").to_pylist() == back(before).column("at").take([0, 2]).to_pylist()
    assert pyarrow.parquet.read_metadata(io.BytesIO(after)).schema.column(0).physical_type == "INT96"
    late = pyarrow.table({"at": pyarrow.array([253_402_300_799, 0], pyarrow.timestamp("s")), "name": ["bob", "jane"]})
    far = written(late, use_deprecated_int96_timestamps=True, store_schema=False)
    with pytest.raises(NotSupported):
        rewritten(far, [Edit("row:2", DropPart())])


@given(tables(), options, st.data())
@settings(deadline=None, max_examples=80)
def test_a_rewrite_of_any_table_changes_what_it_should_and_nothing_else(table: pyarrow.Table, how: dict[str, Any], data: st.DataObject) -> None:
    before = written(table, **how)
    rows = table.num_rows
    gone = data.draw(st.sets(st.integers(1, rows)))
    places = sorted(place for place, text in texts(before).items() if "jane" in text and place.startswith("row:"))
    cut = [place for place in places if int(place.split("/")[0][4:]) not in gone and not _is_bytes(table, place)]
    after = rewritten(before, [*(Edit(f"row:{row}", DropPart()) for row in gone), *(Edit(place, RedactSpans()) for place in cut)], "jane")
    kept = [row for row in range(1, rows + 1) if row not in gone]
    old, new = (texts(each) for each in (before, after))
    expected = {
        place.replace(f"row:{row}/", f"row:{at}/", 1): text.replace("jane", MARK) if place in cut else text
        for at, row in enumerate(kept, 1)
        for place, text in old.items()
        if place.startswith(f"row:{row}/")
    }
    assert {place: text for place, text in new.items() if place.startswith("row:")} == expected
    assert back(after).schema.equals(back(before).schema, check_metadata=True)
    _untouched(before, after, {(row - 1) // how["row_group_size"] for row in gone | {int(place.split("/")[0][4:]) for place in cut}})


def _is_bytes(table: pyarrow.Table, place: str) -> bool:
    return "[4]" in str(table.schema.field(place.split("/")[1].split("[")[0].split(".")[0]).type)


def _untouched(before: bytes, after: bytes, touched: set[int]) -> None:
    """Row groups without an edit have the bytes that they had."""
    old = [data for group, _, data in _chunks(before) if group not in touched]
    new: Sequence[bytes] = [data for _, _, data in _chunks(after)]
    assert all(data in new for data in old)
    for group in _footer(after).groups:
        for chunk in structs(group, COLUMNS):
            assert number(inner(chunk, 3), 7) > 0
