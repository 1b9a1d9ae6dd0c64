"""Parquet is read by columns and found by rows, in every type, encoding and codec."""

import io
import json
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.columnar.parquet_footer import footer_of
from dsr_engine.content.columnar.parquet_thrift import Reader
from dsr_engine.content.columnar.parquet_thrift import written as thrift_written
from dsr_engine.content.format import Reading
from dsr_engine.content.match import Matcher
from dsr_engine.domain.record import Gap
from dsr_engine.domain.system import CollectionMap, FieldMap
from tests.content.parquet_tables import customers, options, tables, written
from tests.content.people import JANE, KEY_17
from tests.content.plain_words import WordGate, gaps, read, reading, texts, units
from tests.content.planted import planted


def test_a_row_that_passes_is_given_whole_with_its_columns_and_fields() -> None:
    known = CollectionMap("files", fields=(FieldMap("id", selects="customer_id"), FieldMap("address.city", "user.contact.address")))
    found = units(written(customers(3), row_group_size=2), Reading("files", WordGate("bob"), map=known))
    assert [(unit.place, unit.text) for unit in found] == [
        ("row:1/id", "1"),
        ("row:1/name", "bob"),
        ("row:1/address.city", "Oslo"),
        ("row:1/address.lines[1]", "a"),
        ("row:1/address.lines[2]", "b"),
        ("row:1/extra[1].key", "k"),
        ("row:1/extra[1].value", "v"),
        ("row:1/amount", "1.5"),
        ("row:1/uid", "00000000-0000-0000-0000-000000000000"),
        ("row:1/paid", "17"),
        ("row:1/born", "1984-03-07"),
        ("row:1/seen", "2024-05-06 07:08:09.000000Z"),
        ("row:1/blob", "ÿþ"),
    ]
    assert {unit.inside for unit in found} == {"row:1"}
    assert [unit.field.name for unit in found if unit.field] == ["id", "address.city"]
    assert [unit.place for unit in found if unit.is_opaque] == ["row:1/blob"]


def test_numbers_are_written_as_people_write_them() -> None:
    table = pyarrow.table({"phone": [491701234567.0, 17.0, 0.5, None], "n": pyarrow.array([1, 2, 3, 4], pyarrow.int8())})
    found = texts(written(table))
    assert [found.get(f"row:{row}/phone") for row in (1, 2, 3, 4)] == ["491701234567", "17", "0.5", None]


def test_rows_are_numbered_through_all_groups_and_found_in_dictionaries_lists_and_maps() -> None:
    data = written(customers(30), row_group_size=4)
    found = units(data, reading(WordGate("jane")))
    assert {unit.inside for unit in found} == {f"row:{row}" for row in range(1, 31) if row % 3 != 1}
    assert {unit.place for unit in found if "jane" in unit.text and unit.inside == "row:30"} == {
        "row:30/address.lines[2]",
        "row:30/extra[1].key",
        "row:30/extra[2].value",
    }
    assert not read(data, reading(WordGate("nobody")))


def test_names_of_columns_that_hold_a_person_are_found_and_never_shown() -> None:
    table = pyarrow.table({"id": [1], "jane": ["jane"], "s": [{"to jane": "x"}], "a.b": ["y"], "x": ["1"]})
    found = texts(written(table.append_column("x", [["2"]])), reading(WordGate("jane")))
    assert found.pop("metadata:1/value")
    assert found == {
        "column:2/name": "jane",
        "column:3.1/name": "to jane",
        "row:1/id": "1",
        "row:1/{2}": "jane",
        "row:1/s{1}": "x",
        "row:1/{4}": "y",
        "row:1/{5}": "1",
        "row:1/{6}": "2",
    }


def test_metadata_of_the_file_are_read_and_so_is_the_copy_that_arrow_keeps() -> None:
    data = written(customers(3).replace_schema_metadata({"owner": "of eve's", "pandas": json.dumps({"attributes": {"by": "eva"}})}))
    found = texts(data, reading(WordGate("eva")))
    assert found["metadata:2/value"] == '{"attributes": {"by": "eva"}}'
    assert "eva" in found["metadata:3/value"]
    assert set(found) == {"metadata:2/value", "metadata:3/value"}


def test_a_name_in_two_columns_is_a_text_of_its_own() -> None:
    table = pyarrow.table({"id": [1, 2], "first_name": ["Jane", "Jane"], "last_name": ["Roe", "Doe"]})
    found = units(written(table), Reading("files", Matcher({"case": JANE}).gate))
    assert [(unit.place, unit.text) for unit in found if unit.inside == "row:2"][-1] == ("row:2/2-3", "Jane, Doe")
    assert {unit.inside for unit in found} == {"row:2"}


def test_a_key_that_was_learnt_is_found_in_numbers_of_every_kind() -> None:
    gate = Matcher({"case": (KEY_17,)}, "hyperscan").gate  # the other engine passes rows in vain
    table = pyarrow.table({"i": [16, 17], "f": [1.0, 2.0], "d": ["x", "y"]})
    assert {unit.inside for unit in units(written(table), Reading("files", gate))} == {"row:2"}
    assert {unit.inside for unit in units(written(pyarrow.table({"f": [17.0, 1.7]})), Reading("files", gate))} == {"row:1"}


@given(st.lists(planted, min_size=1, max_size=6), st.booleans(), st.booleans())
@settings(deadline=None, max_examples=30)
def test_every_written_form_is_found_among_other_values(cells: list[tuple[str, str, str]], use_dictionary: bool, is_nested: bool) -> None:
    gate = Matcher({"case": JANE}).gate
    values = ["".join(cell) for cell in cells]
    column = [[value] for value in values] if is_nested else values
    data = written(pyarrow.table({"x": ["бгж"] * len(values), "y": column}), use_dictionary=use_dictionary, row_group_size=3)
    expected = {f"row:{row}" for row, value in enumerate(values, 1) if gate.passes(value.encode())}
    assert len(expected) == len(values)
    assert {unit.inside for unit in units(data, Reading("files", gate)) if unit.inside} == expected


@given(tables(), options)
@settings(deadline=None, max_examples=80)
def test_all_values_of_all_types_are_read_however_they_are_written(table: pyarrow.Table, how: dict[str, Any]) -> None:
    got = read(written(table, **how), reading())
    assert not [found for found in got if isinstance(found, Gap)]
    found = {unit.place: unit.text for unit in got if not isinstance(unit, Gap) and unit.place.startswith("row:")}
    rows = table.num_rows
    assert [found[f"row:{row}/id"] for row in range(1, rows + 1)] == [str(row) for row in range(rows)]
    for name in table.column_names[1:]:
        for row, value in enumerate(_plain(table.column(name)), 1):
            if isinstance(value, str):
                assert found[f"row:{row}/{name}"] == value
            if value is None:
                assert f"row:{row}/{name}" not in found


def _plain(column: Any) -> list[Any]:
    if pyarrow.types.is_timestamp(column.type) or pyarrow.types.is_nested(column.type):
        return []
    return list(column.to_pylist())


@given(tables(), options)
@settings(deadline=None, max_examples=60)
def test_a_search_finds_the_rows_that_hold_the_word_and_no_other(table: pyarrow.Table, how: dict[str, Any]) -> None:
    data = written(table, **how)
    every = [unit for unit in units(data, reading()) if unit.inside]
    expected = {unit.inside for unit in every if "jane" in unit.text}
    assert {unit.inside for unit in units(data, reading(WordGate("jane"))) if unit.inside} == expected


@given(tables(), options)
@settings(deadline=None, max_examples=60)
def test_footers_are_written_as_they_were_read(table: pyarrow.Table, how: dict[str, Any]) -> None:
    data = written(table, **how)
    footer = footer_of(io.BytesIO(data))
    assert thrift_written(footer.meta) == data[footer.start : -8]
    assert thrift_written(Reader(data[footer.start : -8]).struct()) == data[footer.start : -8]
    stored = pyarrow.parquet.ParquetFile(io.BytesIO(data)).schema
    assert [(leaf.definition, leaf.repetition) for leaf in footer.leaves()] == [
        (stored.column(at).max_definition_level, stored.column(at).max_repetition_level) for at in range(len(stored))
    ]


@pytest.mark.parametrize("rows", [0, 1])
def test_empty_tables_and_empty_groups_are_read(rows: int) -> None:
    sink = io.BytesIO()
    table = customers(3).slice(1, rows)
    with pyarrow.parquet.ParquetWriter(sink, table.schema) as writer:
        writer.write_table(table.slice(0, 0))
        writer.write_table(table)
    assert {unit.inside for unit in units(sink.getvalue(), reading(WordGate("jane")))} == ({"row:1"} if rows else set())
    assert gaps(sink.getvalue(), reading(WordGate("jane"))) == []


def test_values_that_only_statistics_hold_are_found() -> None:
    data = written(pyarrow.table({"x": ["bob", "zed"]}), compression="none", use_dictionary=False, store_schema=False)
    footer = footer_of(io.BytesIO(data))
    stale = data[: footer.start] + data[footer.start :].replace(b"zed", b"zoe")
    found = units(stale, reading(WordGate("zoe")))
    assert found
    assert all(unit.is_opaque and unit.place.startswith("bytes:") for unit in found)


def test_bytes_that_belong_to_no_column_are_searched_and_reported() -> None:
    data = written(pyarrow.table({"x": ["bob", "zed"]}))
    footer = footer_of(io.BytesIO(data))
    stray = data[: footer.start] + b"left behind by jane " * 50 + data[footer.start :]
    assert gaps(stray, reading(WordGate("jane"))) == ["parquet.stray"]
    assert all(unit.is_opaque for unit in units(stray, reading(WordGate("jane"))))
    assert len(units(stray, reading(WordGate("jane")))) == 1


def test_words_that_begin_like_a_table_are_text() -> None:
    for text in ("PARENTS of jane\n", "PAR1 is jane's\n", "ORCHARD of jane\n"):
        assert [unit.text for unit in units(text.encode(), reading(WordGate("jane"), "a.txt"))] == [text.strip()]
