"""bzip2, xz, lzma and zstd: several streams, padding, what stands behind, settings that stay, bombs."""

import bz2
import lzma
import struct
import sys
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.format import Limits, Reading
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from dsr_engine.domain.record import Unit
from tests.content.container_samples import SQUEEZED, TABLE, tar_of, zip_of
from tests.content.plain_words import WordGate, gaps, read, reading, rewritten, texts, units

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_Pack = Callable[[bytes], bytes]
_ways = pytest.mark.parametrize(("step", "pack", "unpack"), SQUEEZED, ids=[step for step, *_ in SQUEEZED])
_SEVERAL = [way for way in SQUEEZED if way[0] != "lzma"]


@_ways
@pytest.mark.parametrize("can_seek", [True, False])
def test_what_is_inside_is_read_by_its_own_format(step: str, pack: _Pack, unpack: _Pack, can_seek: bool) -> None:
    found = [got for got in read(pack(TABLE), reading(WordGate("jane")), can_seek=can_seek) if isinstance(got, Unit)]
    assert [(unit.place, unit.inside) for unit in found] == [(f"{step}/row:2/{name}", f"{step}/row:2") for name in ("id", "name")]


@_ways
def test_an_edit_changes_the_content_and_twice_gives_the_same(step: str, pack: _Pack, unpack: _Pack) -> None:
    before = pack(TABLE * 500)
    edits = [Edit(f"{step}/row:2", DropPart())]
    after = rewritten(before, edits)
    assert unpack(after) == (TABLE * 500).replace(b"1,jane\n", b"", 1)
    assert after == rewritten(before, edits)
    assert rewritten(before, []) == before


@pytest.mark.parametrize(("step", "pack", "unpack"), _SEVERAL, ids=[step for step, *_ in _SEVERAL])
def test_several_streams_are_one_file(step: str, pack: _Pack, unpack: _Pack) -> None:
    before = pack(TABLE) + pack(b"3,jane\n")
    assert [place for place in texts(before, reading(WordGate("jane"))) if place.endswith("name")] == [f"{step}/row:2/name", f"{step}/row:4/name"]
    assert unpack(rewritten(before, [Edit(f"{step}/row:4", DropPart())])) == TABLE


@_ways
def test_what_stands_behind_is_searched_and_not_lost(step: str, pack: _Pack, unpack: _Pack) -> None:
    before = pack(TABLE) + b"jane was here"
    assert len(gaps(before, reading(WordGate("was here")))) == 1
    assert texts(before, reading(WordGate("was here"))) == {"rest/bytes:0": "jane was here"}
    with pytest.raises(NotSupported):
        rewritten(before, [Edit(f"{step}/row:2", DropPart())])


@_ways
@pytest.mark.parametrize("cut", [12, 40, -6])
def test_a_file_that_ends_early_is_a_gap(step: str, pack: _Pack, unpack: _Pack, cut: int) -> None:
    before = pack(bytes(range(256)) * 40 + TABLE)[:cut]
    assert gaps(before, reading(WordGate("jane")))
    with pytest.raises(NotSupported):
        rewritten(before, [Edit(f"{step}/row:2", DropPart())])


def test_zeros_between_and_behind_xz_streams_are_padding() -> None:
    before = lzma.compress(TABLE) + bytes(8) + lzma.compress(b"3,jane\n") + bytes(400)
    assert not gaps(before, reading(WordGate("jane")))
    assert "xz/row:4/name" in texts(before, reading(WordGate("jane")))


@pytest.mark.parametrize("check", [lzma.CHECK_NONE, lzma.CHECK_CRC32, lzma.CHECK_CRC64, lzma.CHECK_SHA256])
def test_xz_keeps_its_check_and_dictionary(check: int) -> None:
    before = lzma.compress(TABLE * 99, check=check, preset=3)
    after = rewritten(before, [Edit("xz/row:2", DropPart())])
    assert after[:12] == before[:12]
    assert after[12:17] == before[12:17]


@pytest.mark.parametrize("level", [1, 5, 9])
def test_bzip2_keeps_its_block_size(level: int) -> None:
    assert rewritten(bz2.compress(TABLE, level), [Edit("bz2/row:2", DropPart())])[:4] == b"BZh%d" % level


def test_zstd_keeps_its_checksum() -> None:
    for flag in (0, 1):
        before = zstd.compress(TABLE, options={zstd.CompressionParameter.checksum_flag: flag})
        assert rewritten(before, [Edit("zst/row:2", DropPart())])[4] & 4 == before[4] & 4


def _skipped(number: int, said: bytes) -> bytes:
    return struct.pack("<LL", 0x184D2A50 + number, len(said)) + said


def test_frames_that_zstd_skips_are_searched_and_are_no_longer_right_after_an_edit() -> None:
    note = zstd.compress(TABLE) + _skipped(3, b"note of jane")
    assert texts(note, reading(WordGate("note of"))) == {"skipped:1/bytes:0": _skipped(3, b"note of jane").decode("latin-1")}
    assert gaps(note, reading(WordGate("note of"))) == ["archive.skipped"]
    with pytest.raises(NotSupported):
        rewritten(note, [Edit("zst/row:2", DropPart())])
    table = zstd.compress(TABLE) + _skipped(14, b"where what begins")
    assert not gaps(table, reading(WordGate("jane")))
    assert zstd.decompress(rewritten(table, [Edit("zst/row:2", DropPart())])) == b"id,name\n2,bob\n"


def test_a_dictionary_that_is_not_there_is_a_gap() -> None:
    known = zstd.train_dict([b"hello %d jane and others" % number * 3 for number in range(2000)], 1024)
    assert gaps(zstd.compress(TABLE, zstd_dict=known), reading(WordGate("jane"))) == ["zstd.dictionary"]


def test_a_window_or_dictionary_that_takes_too_much_memory_is_a_gap() -> None:
    compressor = zstd.ZstdCompressor()
    large = bytearray(compressor.compress(TABLE) + compressor.flush())
    large[5] = 0xFF
    assert gaps(bytes(large), reading(WordGate("jane"))) == ["archive.memory"]
    packed = bytearray(lzma.compress(TABLE, check=lzma.CHECK_NONE))
    end = 12 + (packed[12] + 1) * 4
    packed[packed.index(b"\x21\x01", 12) + 2] = 40
    packed[end - 4 : end] = struct.pack("<L", zlib.crc32(bytes(packed[12 : end - 4])))
    assert gaps(bytes(packed), reading(WordGate("jane"))) == ["archive.memory"]


@pytest.mark.parametrize(
    ("step", "pack", "unpack"), [way for way in SQUEEZED if way[0] != "gz"], ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_bomb_is_a_gap(step: str, pack: _Pack, unpack: _Pack) -> None:
    limited = Reading("files", WordGate("jane"), limits=Limits(bomb_floor=1024 * 1024))
    assert "archive.bomb" in gaps(pack(bytes(16 * 1024 * 1024)), limited)


@_ways
def test_compressed_archives_are_rewritten_inside(step: str, pack: _Pack, unpack: _Pack) -> None:
    before = pack(tar_of((("a.txt", b"bob"), ("in.zip", zip_of(("jane.csv", TABLE))))))
    places = dict.fromkeys(unit.place for unit in units(before, reading(WordGate("jane"))))
    assert f"{step}/member:2/member:1/row:2/name" in places
    after = rewritten(before, [Edit(place, RedactSpans()) for place in places], "jane")
    assert unpack(after)[:1024] == unpack(before)[:1024]
    assert not units(after, reading(WordGate("jane")))


#: Those whose files are checked by sums: lzma has none, and zstd not by itself.
_CHECKED = [way for way in SQUEEZED if way[0] not in ("lzma", "zst")]


@given(st.binary(max_size=3000), st.sampled_from(_CHECKED), st.data())
@settings(deadline=None, max_examples=150)
def test_damage_is_a_gap_or_leaves_the_content(content: bytes, way: tuple[str, _Pack, _Pack], data: st.DataObject) -> None:
    before = bytearray(way[1](b"jane\n" + content))
    before[data.draw(st.integers(12, len(before) - 1))] ^= data.draw(st.integers(1, 255))
    assert gaps(bytes(before), reading(WordGate("jane"))) or units(bytes(before), reading(WordGate("jane")))
