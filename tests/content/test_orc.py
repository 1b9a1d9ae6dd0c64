"""ORC is read like Parquet and never rewritten."""

import io
import random

import pyarrow
import pyarrow.orc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.format import Reading
from dsr_engine.content.match import Matcher
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit
from dsr_engine.domain.record import Gap
from tests.content.parquet_tables import customers
from tests.content.people import JANE
from tests.content.plain_words import WordGate, gaps, read, reading, rewritten, texts, units
from tests.content.planted import planted

_CODECS = ("uncompressed", "snappy", "zlib", "lz4", "zstd")


def _written(table: pyarrow.Table, compression: str = "zlib", **how: object) -> bytes:
    sink = io.BytesIO()
    pyarrow.orc.write_table(table, sink, compression=compression, **how)
    return sink.getvalue()


def _plain(rows: int) -> pyarrow.Table:
    """What ORC can hold of the customers."""
    table = customers(rows)
    return table.set_column(5, "uid", pyarrow.array([str(number) for number in range(table.num_rows)]))


@pytest.mark.parametrize("codec", _CODECS)
def test_rows_are_found_in_every_codec_and_given_whole(codec: str) -> None:
    found = texts(_written(_plain(9), codec), reading(WordGate("bob")))
    assert {place: text for place, text in found.items() if place.startswith("row:4/")} == {
        "row:4/id": "4",
        "row:4/name": "bob",
        "row:4/address.city": "Oslo",
        "row:4/address.lines[1]": "a",
        "row:4/address.lines[2]": "b",
        "row:4/extra[1].key": "k",
        "row:4/extra[1].value": "v",
        "row:4/amount": "1.5",
        "row:4/uid": "3",
        "row:4/paid": "17",
        "row:4/born": "1984-03-07",
        "row:4/seen": "2024-05-06 07:08:09.000000000Z",
        "row:4/blob": "ÿþ",
    }
    assert {place.split("/")[0] for place in found} == {"row:1", "row:4", "row:7"}


def test_rows_are_numbered_through_all_stripes() -> None:
    table = pyarrow.table({"id": range(30_000), "text": [f"{number}" * 20 for number in range(29_999)] + ["jane"]})
    data = _written(table, "uncompressed", stripe_size=64 * 1024, batch_size=1024)
    assert pyarrow.orc.ORCFile(io.BytesIO(data)).nstripes > 1
    assert {unit.inside for unit in units(data, reading(WordGate("jane")))} == {"row:30000"}


def test_names_of_columns_and_a_name_in_two_columns_are_found() -> None:
    table = pyarrow.table({"jane": [1, 2], "first_name": ["x", "jane"], "last_name": ["y", "doe"]})
    found = texts(_written(table), reading(WordGate("jane")))
    assert found["column:1/name"] == "jane"
    assert texts(_written(table), reading(WordGate("jane, doe")))["row:2/2-3"] == "jane, doe"


def test_it_is_never_rewritten() -> None:
    data = _written(_plain(3))
    assert rewritten(data, []) == data
    with pytest.raises(NotSupported):
        rewritten(data, [Edit("row:1", DropPart())])


@pytest.mark.parametrize("zone", [b"GMT", b"UTC"])
def test_times_are_read_without_files_of_zones(zone: bytes) -> None:
    data = _written(_plain(3), "uncompressed").replace(b"GMT", zone)
    assert texts(data)["row:1/seen"] == "2024-05-06 07:08:09.000000000Z"
    assert gaps(data) == []


@given(st.lists(planted, min_size=1, max_size=6), st.sampled_from(_CODECS))
@settings(deadline=None, max_examples=12)
def test_every_written_form_is_found(cells: list[tuple[str, str, str]], codec: str) -> None:
    values = ["".join(cell) for cell in cells]
    data = _written(pyarrow.table({"x": ["бгж"] * len(values), "y": values}), codec)
    found = units(data, Reading("files", Matcher({"case": JANE}).gate))
    assert {unit.inside for unit in found if unit.inside} == {f"row:{row}" for row in range(1, len(values) + 1)}


def test_cut_off_and_flipped_files_are_gaps_or_what_is_there() -> None:
    chance = random.Random(5)
    data = _written(_plain(9))
    for _ in range(60):
        broken = bytearray(data)
        at = chance.randrange(3, len(broken))
        if chance.random() < 0.4:
            del broken[at:]
        else:
            broken[at] ^= 1 << chance.randrange(8)
        got = read(bytes(broken), reading(WordGate("jane")))
        try:
            rows = pyarrow.orc.ORCFile(io.BytesIO(bytes(broken))).read().to_pylist()
            expected = {f"row:{number}" for number, row in enumerate(rows, 1) if "jane" in repr(row)}
        except (pyarrow.ArrowException, OSError, ValueError):
            expected = None
        has_gap = any(isinstance(found, Gap) for found in got)
        assert has_gap or {found.inside for found in got if not isinstance(found, Gap) and found.inside} == expected
