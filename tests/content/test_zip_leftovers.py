"""What the directory of a zip archive does not list is read, rewritten or dropped, and what is beside the person stays."""

import io
import struct
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from tests.content.container_samples import TABLE, zip_of
from tests.content.plain_words import WordGate, gaps, reading, rewritten, texts, units

_SECRET = b"1;jane;of old\n" * 3


def _read_all(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


def _edited(method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """As `zipfile` leaves an archive behind to which a member was added anew under an old name: the old one stays in the file."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        archive.writestr(zipfile.ZipInfo("first.txt"), b"first", method)
        archive.writestr(zipfile.ZipInfo("jane.txt"), _SECRET, method)
        archive.writestr(zipfile.ZipInfo("last.txt"), b"last", method)
        del archive.NameToInfo["jane.txt"]
        archive.filelist = [info for info in archive.filelist if info.filename != "jane.txt"]
    return sink.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_that_an_edit_left_behind_is_read(method: int) -> None:
    found = texts(_edited(method), reading(WordGate("jane")))
    assert set(found) >= {"unlisted:1/name", "unlisted:1/row:1/2"} or set(found) >= {"unlisted:1/name", "unlisted:1/line:1"}
    assert {unit.inside.split("/")[0] for unit in units(_edited(method), reading(WordGate("jane")))} == {"unlisted:1"}
    assert _read_all(_edited(method)) == {"first.txt": b"first", "last.txt": b"last"}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_rewrite_takes_the_person_out_of_what_was_left_behind(method: int) -> None:
    before = _edited(method)
    places = dict.fromkeys(unit.place for unit in units(before, reading(WordGate("jane"))))
    after = rewritten(before, [Edit(place, RedactSpans()) for place in places], "jane")
    assert not units(after, reading(WordGate("jane")))
    assert b"jane" not in after
    assert "unlisted:1/name" in texts(after, reading(WordGate("[erased]")))
    assert _read_all(after) == {"first.txt": b"first", "last.txt": b"last"}


def test_what_was_left_behind_can_be_dropped_and_stays_where_nothing_concerns_it() -> None:
    before = _edited(zipfile.ZIP_STORED)
    after = rewritten(before, [Edit("unlisted:1", DropPart())])
    assert b"jane" not in after
    assert _read_all(after) == _read_all(before)
    other = rewritten(before, [Edit("member:1", DropPart())])
    assert _SECRET in other
    assert _read_all(other) == {"last.txt": b"last"}


def _streamed_and_hidden() -> bytes:
    """A member with its sizes behind it, in front of an archive that does not know of it."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = deflater.compress(_SECRET) + deflater.flush()
    head = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 8, 8, 0, 0x21, 0, 0, 0, 5, 0) + b"a.txt"
    hidden = head + data + struct.pack("<4s3L", b"PK\x07\x08", zlib.crc32(_SECRET), len(data), len(_SECRET))
    return hidden + zip_of(("b.txt", b"bob"))


def test_a_hidden_member_whose_size_is_not_in_its_header_is_read() -> None:
    before = _streamed_and_hidden()
    assert any(place.startswith("unlisted:1/") for place in texts(before, reading(WordGate("jane"))))
    assert not gaps(before, reading(WordGate("jane")))
    after = rewritten(before, [Edit("unlisted:1", DropPart())])
    assert _read_all(after) == {"b.txt": b"bob"}
    assert not units(after, reading(WordGate("jane")))


@pytest.mark.parametrize("start", [b"MZ", b"\x7fELF", b"#!/bin/sh\nexit\n"])
def test_archives_that_unpack_themselves_are_archives(start: bytes) -> None:
    before = start + b"\x90\1\2 made by jane\0" * 40 + zip_of(("a.csv", TABLE), ("b.txt", b"bob"))
    found = texts(before, reading(WordGate("jane")))
    assert "member:1/row:2/name" in found
    assert any(place.startswith("unlisted:1/bytes:") for place in found)
    assert "zip.leftover" in gaps(before, reading(WordGate("jane")))
    after = rewritten(before, [Edit("member:1/row:2", DropPart())])
    assert _read_all(after) == {"a.csv": b"id,name\n2,bob\n", "b.txt": b"bob"}
    assert after.startswith(before[: before.index(b"PK\x03\x04")])
    with pytest.raises(NotSupported):
        rewritten(before, [Edit(next(place for place in found if "bytes" in place), RedactSpans())], "jane")


@pytest.mark.parametrize("cut", [1, 20, 60, 150])
def test_an_archive_without_its_end_is_read_from_its_headers(cut: int) -> None:
    before = zip_of(("a.csv", TABLE), ("b.txt", b"bob and others"))[:-cut]
    assert "zip.damaged" in gaps(before, reading(WordGate("jane")))
    assert any(place.endswith("/row:2/name") for place in texts(before, reading(WordGate("jane"))))


def test_what_stands_behind_an_archive_is_searched_and_kept() -> None:
    before = zip_of(("a.csv", TABLE)) + b"\r\nsigned by jane"
    assert texts(before, reading(WordGate("signed"))) == {"unlisted:1/bytes:0": "\r\nsigned by jane"}
    after = rewritten(before, [Edit("member:1/row:2", DropPart())])
    assert after.endswith(b"\r\nsigned by jane")
    assert texts(after, reading(WordGate("bob")))["member:1/row:2/name"] == "bob"


def test_another_name_in_the_local_header_is_found_and_goes() -> None:
    before = zip_of(("anna.csv", TABLE)).replace(b"anna.csv", b"jane.csv", 1)
    assert "member:1/name" in texts(before, reading(WordGate("jane.csv")))
    after = rewritten(before, [Edit("member:1/name", RedactSpans())], "jane.csv")
    assert b"jane.csv" not in after
    assert b"anna.csv" in after


@pytest.mark.parametrize(("codec", "name"), [("cp437", "Jänö"), ("cp932", "山田太郎"), ("gb18030", "王小明"), ("cp866", "Иван"), ("utf-8", "Żaneta")])
def test_names_in_old_charsets_are_found_and_go(codec: str, name: str) -> None:
    raw = f"{name} letter.txt".encode(codec)
    before = zip_of(("x" * len(raw), b"bob")).replace(b"x" * len(raw), raw)
    assert name in texts(before, reading(WordGate(name)))["member:1/name"]
    after = rewritten(before, [Edit("member:1/name", RedactSpans())], name)
    assert raw[:-11] not in after
    assert b"[erased] letter.txt" in after
    assert len(_read_all(after)) == 1


def _with_extra(kind: int, body: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        info = zipfile.ZipInfo("____.txt")
        info.extra = struct.pack("<HH", 0x5455, 5) + b"\3\0\0\0\0" + struct.pack("<HH", kind, len(body)) + body
        archive.writestr(info, b"bob")
    return sink.getvalue()


def test_a_name_in_a_unicode_path_field_is_found_and_goes() -> None:
    before = _with_extra(0x7075, b"\1" + struct.pack("<L", zlib.crc32(b"____.txt")) + "jané.txt".encode())
    assert texts(before, reading(WordGate("jané"))) == {"member:1/name": "jané.txt"}
    after = rewritten(before, [Edit("member:1/name", RedactSpans())], "jané")
    assert "jané".encode() not in after
    assert _read_all(after) == {"[erased].txt": b"bob"}


def test_words_in_other_extra_fields_are_found_and_only_that_field_goes() -> None:
    before = _with_extra(0x6375, b"\1\0\0\0\0jane's holiday")
    assert list(texts(before, reading(WordGate("jane")))) == ["member:1/extra"]
    after = rewritten(before, [Edit("member:1/extra", RedactSpans())], "jane")
    assert b"jane" not in after
    assert after.count(b"UT\5\0\3\0\0\0\0") == 2
    assert _read_all(after) == {"____.txt": b"bob"}


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=60)), min_size=1, max_size=6), st.booleans(), st.data())
@settings(deadline=None, max_examples=100)
def test_whatever_is_hidden_between_dropping_a_member_leaves_the_rest(parts: list[tuple[bool, bytes]], with_junk: bool, data: st.DataObject) -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (_, content) in enumerate(parts):
            archive.writestr(zipfile.ZipInfo(f"{number}.bin"), content)
            if with_junk and archive.fp is not None:
                archive.fp.write(b"junk %d" % number)
                archive.start_dir = archive.fp.tell()
        archive.filelist = [info for info, (is_listed, _) in zip(archive.filelist, parts, strict=True) if is_listed]
    before = sink.getvalue()
    listed = [f"{number}.bin" for number, (is_listed, _) in enumerate(parts) if is_listed]
    gone = data.draw(st.sets(st.sampled_from(range(1, len(listed) + 1)))) if listed else set()
    after = rewritten(before, [Edit(f"member:{number}", DropPart()) for number in gone])
    assert _read_all(after) == {name: content for name, content in _read_all(before).items() if listed.index(name) + 1 not in gone}
    assert after.count(b"junk") == before.count(b"junk")
