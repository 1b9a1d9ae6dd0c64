"""Zip: members by their own format, raw copies of what stays, Zip64, encryption, bombs."""

import io
import struct
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.format import Limits, Reading
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from dsr_engine.domain.record import Unit
from tests.content.plain_words import WordGate, gaps, read, reading, rewritten, texts, units

_TABLE = b"id,name\n1,jane\n2,bob\n"


def _zip(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED, comment: bytes = b"") -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 2, 3, 4, 6)), data, method)
        archive.comment = comment
    return sink.getvalue()


def _streamed(*members: tuple[str, bytes], wide: bool = False) -> bytes:
    """As a program writes it that cannot seek: sizes follow the data."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

        def seek(self, offset: int, whence: int = 0) -> int:
            raise OSError

    sink = Pipe()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            with archive.open(name, "w", force_zip64=wide) as member:
                member.write(data)
    return sink.getvalue()


def _read_all(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


@pytest.mark.parametrize("can_seek", [True, False])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_members_and_their_names_are_read(method: int, can_seek: bool) -> None:
    before = _zip(("about jane.txt", b"hello"), ("a.csv", _TABLE), ("empty", b""), method=method, comment=b"from jane")
    found = [got for got in read(before, reading(WordGate("jane")), can_seek=can_seek) if isinstance(got, Unit)]
    assert [(unit.place, unit.inside) for unit in found] == [
        ("comment", ""),
        ("member:1/name", "member:1"),
        ("member:2/row:2/id", "member:2/row:2"),
        ("member:2/row:2/name", "member:2/row:2"),
    ]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_unchanged_members_are_copied_as_they_are_stored(method: int) -> None:
    before = _zip(("x.txt", b"first " * 99), ("jane.csv", _TABLE), ("z.txt", b"last " * 99), method=method, comment=b"note")
    after = rewritten(before, [Edit("member:2/row:2", DropPart()), Edit("member:2/name", RedactSpans())], "jane")
    assert _read_all(after) == {"x.txt": b"first " * 99, "[erased].csv": b"id,name\n2,bob\n", "z.txt": b"last " * 99}
    with zipfile.ZipFile(io.BytesIO(before)) as one, zipfile.ZipFile(io.BytesIO(after)) as other:
        assert other.comment == b"note"
        assert [info.date_time for info in other.infolist()] == [info.date_time for info in one.infolist()]
        first, second = one.getinfo("z.txt").header_offset, other.getinfo("z.txt").header_offset
        assert before[first : one.start_dir] == after[second : other.start_dir]


@pytest.mark.parametrize("wide", [False, True])
def test_archives_that_were_written_as_a_stream_are_rewritten(wide: bool) -> None:
    before = _streamed(("a.csv", _TABLE), ("jane.txt", b"jane"), ("b.csv", _TABLE), wide=wide)
    after = rewritten(before, [Edit("member:1/row:3/name", RedactSpans()), Edit("member:2/name", RedactSpans())], "jane", "bob")
    assert _read_all(after) == {"a.csv": _TABLE.replace(b"bob", b"[erased]"), "[erased].txt": b"jane", "b.csv": _TABLE}


def test_a_dropped_member_is_gone_and_its_bytes_too() -> None:
    before = _zip(("a.txt", b"one"), ("b.txt", b"jane in clear"), ("c.txt", b"three"), method=zipfile.ZIP_STORED)
    after = rewritten(before, [Edit("member:2", DropPart())])
    assert _read_all(after) == {"a.txt": b"one", "c.txt": b"three"}
    assert b"jane" not in after
    assert _read_all(rewritten(before, [Edit(f"member:{number}", DropPart()) for number in (1, 2, 3)])) == {}


def test_archives_in_archives_are_read_and_rewritten() -> None:
    before = _zip(("in.zip", _zip(("deep.zip", _zip(("a.csv", _TABLE))))))
    assert "member:1/member:1/member:1/row:2/name" in texts(before, reading(WordGate("jane")))
    after = rewritten(before, [Edit("member:1/member:1/member:1/row:2", DropPart())])
    assert _read_all(_read_all(_read_all(after)["in.zip"])["deep.zip"])["a.csv"] == b"id,name\n2,bob\n"


def _encrypted(data: bytes) -> bytes:
    """The archive with the encryption bit of its first member set."""
    changed = bytearray(data)
    changed[6] |= 1
    changed[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(changed)


def test_an_encrypted_member_is_a_gap_and_is_copied() -> None:
    before = _encrypted(_zip(("secret.txt", b"who knows"), ("a.csv", _TABLE)))
    assert gaps(before, reading(WordGate("jane"))) == ["zip.encrypted"]
    assert "member:2/row:2/name" in texts(before, reading(WordGate("jane")))
    with pytest.raises(NotSupported):
        rewritten(before, [Edit("member:1/line:1", RedactSpans())], "jane")
    after = rewritten(before, [Edit("member:2/row:2", DropPart())])
    assert after[: after.index(b"a.csv") - 30] == before[: before.index(b"a.csv") - 30]


def test_members_that_lie_over_each_other_are_a_gap() -> None:
    before = bytearray(_zip(("a.txt", b"z" * 1000), ("b.txt", b"z" * 1000)))
    second = before.rindex(b"PK\x01\x02")
    before[second + 42 : second + 46] = struct.pack("<L", 0)
    assert "zip.overlap" in gaps(bytes(before), reading(WordGate("jane")))


def test_a_bomb_is_a_gap_and_the_next_member_is_read() -> None:
    limited = Reading("files", WordGate("jane"), limits=Limits(bomb_floor=1024 * 1024))
    before = _zip(("bomb", bytes(8 * 1024 * 1024)), ("a.csv", _TABLE))
    assert "archive.bomb" in gaps(before, limited)
    assert "member:2/row:2/name" in texts(before, limited)


def test_too_many_members_are_a_gap() -> None:
    before = _zip(*((f"{number}.txt", b"x") for number in range(20)))
    assert gaps(before, Reading("files", WordGate("jane"), limits=Limits(members=9))) == ["archive.too_many_members"]


@given(st.data())
@settings(deadline=None, max_examples=80)
def test_damaged_archives_end_as_gaps(data: st.DataObject) -> None:
    before = bytearray(_zip(("a.csv", _TABLE), ("b.txt", b"jane\n"), comment=b"c"))
    for _ in range(data.draw(st.integers(1, 4))):
        before[data.draw(st.integers(4, len(before) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(before[: data.draw(st.integers(5, len(before)))])
    gate = reading(WordGate("jane"))
    assert gaps(damaged, gate) or any("jane" in text for text in texts(damaged, gate).values())


@given(
    st.lists(
        st.tuples(st.text("abjüne.", min_size=1, max_size=6), st.binary(max_size=80)), min_size=1, max_size=5, unique_by=lambda member: member[0]
    ),
    st.data(),
)
@settings(deadline=None, max_examples=60)
def test_dropping_and_renaming_keeps_all_other_members(members: list[tuple[str, bytes]], data: st.DataObject) -> None:
    before = _zip(*members)
    gone = data.draw(st.sets(st.integers(1, len(members))))
    after = rewritten(before, [Edit(f"member:{number}", DropPart()) for number in gone])
    assert _read_all(after) == {name: content for number, (name, content) in enumerate(members, 1) if number not in gone}
    assert len(units(after)) >= len(members) - len(gone)
