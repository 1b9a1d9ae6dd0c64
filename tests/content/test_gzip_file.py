"""gzip: several members, names, truncation, bombs."""

import gzip
import io
import zlib

import pytest

from dsr_engine.content.format import Limits, Reading
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from dsr_engine.domain.record import Unit
from tests.content.plain_words import WordGate, gaps, read, reading, rewritten, texts, units

_TABLE = b"id,name\n1,jane\n2,bob\n"


def _named(name: str, data: bytes = _TABLE) -> bytes:
    sink = io.BytesIO()
    with gzip.GzipFile(name, "wb", fileobj=sink, mtime=1234) as archive:
        archive.write(data)
    return sink.getvalue()


@pytest.mark.parametrize("can_seek", [True, False])
def test_all_members_are_read_as_one_file(can_seek: bool) -> None:
    before = gzip.compress(_TABLE) + gzip.compress(b"3,jane\n") + bytes(64)
    found = [got for got in read(before, reading(WordGate("jane")), can_seek=can_seek) if isinstance(got, Unit)]
    assert [(unit.place, unit.inside) for unit in found if unit.text == "jane"] == [("gz/row:2/name", "gz/row:2"), ("gz/row:4/name", "gz/row:4")]


def test_an_edit_keeps_time_and_name_and_the_rest_of_the_content() -> None:
    after = rewritten(_named("table.csv"), [Edit("gz/row:2", DropPart())])
    assert gzip.decompress(after) == b"id,name\n2,bob\n"
    assert after[4:8] == (1234).to_bytes(4, "little")
    assert b"table.csv\0" in after or b"table\0" in after or after[10:].startswith(b"table")


def test_a_name_that_holds_the_person_is_a_unit_and_goes() -> None:
    before = _named("jane.csv")
    assert texts(before, reading(WordGate("jane.csv"))) == {"gz/name": "jane.csv"}
    after = rewritten(before, [Edit("gz/name", RedactSpans())], "jane")
    assert b"jane.csv" not in after
    assert gzip.decompress(after) == _TABLE


def test_without_edits_not_a_byte_changes() -> None:
    before = _named("a.csv") + _named("b.csv")
    assert rewritten(before, []) == before


@pytest.mark.parametrize("cut", [5, 30, -4])
def test_a_truncated_file_is_read_as_far_as_it_goes_and_is_a_gap(cut: int) -> None:
    before = _named("a.csv", _TABLE * 500)[:cut]
    assert gaps(before, reading(WordGate("jane")))
    with pytest.raises(NotSupported):
        rewritten(before, [Edit("gz/row:2", DropPart())])


def test_damage_is_a_gap() -> None:
    before = bytearray(_named("a.csv", _TABLE * 500))
    before[-6] ^= 0xFF
    assert gaps(bytes(before), reading(WordGate("jane"))) == ["archive.damaged"]


def test_a_bomb_is_a_gap() -> None:
    deflater = zlib.compressobj(9, zlib.DEFLATED, 31)
    before = b"".join([deflater.compress(bytes(8 * 1024 * 1024)) for _ in range(12)]) + deflater.flush()
    assert "archive.bomb" in gaps(before, reading(WordGate("jane")))


def test_what_unpacks_to_more_than_the_limit_is_a_gap() -> None:
    before = gzip.compress(b"jane and others\n" * 100_000)
    assert "archive.too_large" in gaps(before, Reading("files", WordGate("nobody"), limits=Limits(decoded_bytes=1_000_000)))


def test_nesting_has_a_bottom() -> None:
    before = b"jane\n"
    for _ in range(20):
        before = gzip.compress(before)
    assert gaps(before, reading(WordGate("jane"))) == ["archive.too_deep"]
    assert units(before, reading(WordGate("jane"))) == []
