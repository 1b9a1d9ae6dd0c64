"""Parquet that is damaged, encrypted, cut off, flipped, or a bomb ends as a gap: never as an exception, never in silence."""

import io
import random
from typing import Any

import pyarrow
import pyarrow.parquet
import pyarrow.parquet.encryption as sealing
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.columnar.parquet_footer import footer_of, inner, put, structs
from dsr_engine.content.columnar.parquet_thrift import BINARY, I64, Reader
from dsr_engine.content.columnar.parquet_thrift import written as thrift_written
from dsr_engine.content.format import Unreadable
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from dsr_engine.domain.record import Gap
from tests.content.parquet_tables import customers, written
from tests.content.plain_words import WordGate, gaps, read, reading, rewritten, units


class _Keys(sealing.KmsClient):  # type: ignore[misc]  # pyarrow has no types
    """A key server that keeps nothing."""

    def __init__(self, _config: Any) -> None:
        sealing.KmsClient.__init__(self)

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> str:  # as pyarrow calls it
        return key_bytes.hex()

    def unwrap_key(self, wrapped_key: str, master_key_identifier: str) -> bytes:  # as pyarrow calls it
        return bytes.fromhex(wrapped_key)


def _sealed(*, is_plain_footer: bool) -> bytes:
    table = customers(3).select(["id", "name", "amount"])
    factory = sealing.CryptoFactory(_Keys)
    how = sealing.EncryptionConfiguration(footer_key="f", column_keys={"c": ["amount"]}, plaintext_footer=is_plain_footer)
    properties = factory.file_encryption_properties(sealing.KmsConnectionConfig(), how)
    sink = io.BytesIO()
    with pyarrow.parquet.ParquetWriter(sink, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
    return sink.getvalue()


def test_an_encrypted_file_is_a_gap() -> None:
    data = _sealed(is_plain_footer=False)
    assert data[:4] == b"PARE"
    assert gaps(data, reading(WordGate("jane"))) == ["parquet.encrypted"]
    with pytest.raises(NotSupported):
        rewritten(data, [Edit("row:1", DropPart())])


def test_of_a_file_with_an_encrypted_column_the_others_are_read_and_it_is_never_rewritten() -> None:
    data = _sealed(is_plain_footer=True)
    got = read(data, reading(WordGate("jane")))
    assert [found.code for found in got if isinstance(found, Gap)] == ["parquet.encrypted"]
    assert {found.place for found in got if not isinstance(found, Gap)} == {"row:2/id", "row:2/name"}
    with pytest.raises(NotSupported):
        rewritten(data, [Edit("row:2/name", RedactSpans())], "jane")


def test_a_damaged_column_is_a_gap_and_the_others_are_read() -> None:
    data = bytearray(written(customers(9).select(["id", "name", "address"]), compression="zstd", row_group_size=3, write_page_checksum=True))
    chunk = structs(footer_of(io.BytesIO(bytes(data))).groups[1], 1)[2]
    at = inner(chunk, 3)[9][1]
    assert isinstance(at, int)
    data[at + 40 : at + 60] = b"\xff" * 20
    got = read(bytes(data), reading(WordGate("jane")))
    assert [found.code for found in got if isinstance(found, Gap)] == ["parquet.damaged"]
    assert {found.inside for found in got if not isinstance(found, Gap)} >= {"row:2", "row:3", "row:5", "row:8", "row:9"}
    with pytest.raises(NotSupported):
        rewritten(bytes(data), [Edit("row:5", DropPart())])


def _changed(data: bytes, change: Any) -> bytes:
    footer = footer_of(io.BytesIO(data))
    change(footer.meta)
    meta = thrift_written(footer.meta)
    return data[: footer.start] + meta + len(meta).to_bytes(4, "little") + b"PAR1"


def test_a_summary_of_other_files_is_said_to_be_one() -> None:
    def elsewhere(meta: Any) -> None:
        for group in structs(meta, 4):
            for chunk in structs(group, 1):
                put(chunk, 1, BINARY, b"part-0.parquet")

    data = _changed(written(customers(3), store_schema=False, compression="none"), elsewhere)
    assert "parquet.elsewhere" in gaps(data, reading(WordGate("jane")))
    assert all(unit.is_opaque for unit in units(data, reading(WordGate("jane"))))
    with pytest.raises(NotSupported):
        rewritten(data, [Edit("row:1", DropPart())])


def test_fields_of_the_footer_that_nobody_knows_survive() -> None:
    def unknown(meta: Any) -> None:
        put(meta, 200, BINARY, b"from the future")
        for group in structs(meta, 4):
            put(group, 90, I64, 7)
            for chunk in structs(group, 1):
                put(inner(chunk, 3), 91, BINARY, b"z")

    data = _changed(written(customers(9), row_group_size=3), unknown)
    after = rewritten(data, [Edit("row:2", DropPart())])
    meta = footer_of(io.BytesIO(after)).meta
    assert meta[200][1] == b"from the future"
    assert [group[90][1] for group in structs(meta, 4)] == [7, 7, 7]
    assert all(inner(chunk, 3)[91][1] == b"z" for group in structs(meta, 4) for chunk in structs(group, 1))


def test_overlapping_chunks_are_reported_and_never_rewritten() -> None:
    def overlapping(meta: Any) -> None:
        first, second = structs(structs(meta, 4)[0], 1)[:2]
        put(inner(second, 3), 9, I64, inner(first, 3)[9][1])
        put(inner(second, 3), 11, I64, inner(first, 3)[11][1])

    data = _changed(written(customers(3).select(["id", "amount"])), overlapping)
    assert "parquet.damaged" in gaps(data, reading(WordGate("jane")))
    with pytest.raises(NotSupported):
        rewritten(data, [Edit("row:1", DropPart())])


def _mutated(data: bytes, chance: random.Random) -> bytes:
    broken = bytearray(data)
    match chance.randrange(4):
        case 0:
            return bytes(broken[: chance.randrange(5, len(broken))])
        case 1:
            at = chance.randrange(4, len(broken))
            broken[at] ^= 1 << chance.randrange(8)
        case 2:
            at = chance.randrange(4, len(broken))
            broken[at : at + chance.randrange(1, 40)] = bytes(chance.randrange(256) for _ in range(chance.randrange(40)))
        case _:
            footer = footer_of(io.BytesIO(data))
            at = chance.randrange(footer.start, len(broken) - 8)
            broken[at] = chance.randrange(256)
    return bytes(broken)


def _rows_by_pyarrow(data: bytes) -> set[str] | None:
    """The rows that hold the word as pyarrow reads them; None where it cannot."""
    try:
        rows = pyarrow.parquet.read_table(io.BytesIO(data), use_threads=False, page_checksum_verification=True).to_pylist()
        return {f"row:{at}" for at, row in enumerate(rows, 1) if "jane" in repr(row)}
    except (pyarrow.ArrowException, OSError, ValueError, KeyError, UnicodeDecodeError, OverflowError):
        return None


@pytest.mark.parametrize("seed", range(4))
def test_fifty_mutations_each_end_in_gaps_or_in_what_is_really_there(seed: int) -> None:
    chance = random.Random(seed)
    table = customers(9).select(["id", "name", "address", "extra", "amount"])
    how = ({"compression": "zstd"}, {"compression": "none", "write_page_index": True}, {"use_dictionary": False}, {"data_page_version": "2.0"})[seed]
    data = written(table, row_group_size=4, write_page_checksum=True, **how)
    whole = _rows_by_pyarrow(data)
    for _ in range(50):
        broken = _mutated(data, chance)
        got = read(broken, reading(WordGate("jane")))
        has_gap = any(isinstance(found, Gap) for found in got)
        expected = _rows_by_pyarrow(broken)
        found = {each.inside for each in got if not isinstance(each, Gap) and each.inside}
        # What pyarrow refuses for the sake of Arrow's copy of the schema is still read.
        assert has_gap or found == (whole if expected is None else expected)
        try:
            after = rewritten(broken, [Edit("row:2", DropPart())])
        except NotSupported:
            continue
        assert _rows_by_pyarrow(after) is not None or expected is None


@given(st.binary(max_size=80))
@settings(deadline=None, max_examples=300)
def test_any_bytes_are_a_struct_or_damaged(data: bytes) -> None:
    try:
        found = Reader(data).struct()
    except Unreadable:
        return
    assert Reader(thrift_written(found)).struct() == found


def test_a_dictionary_that_stands_for_far_more_than_it_takes_is_read_within_bounds() -> None:
    table = pyarrow.table({"x": pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * 200_000, pyarrow.int32()), ["jane" + "x" * 500_000])})
    data = written(table, compression="zstd", dictionary_pagesize_limit=1024 * 1024)
    assert len(data) < 100_000
    got = read(data, reading(WordGate("nobody")))
    assert got == []
