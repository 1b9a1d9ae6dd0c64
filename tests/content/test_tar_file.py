"""Tar: names, links, owners and pax records are units; a rewrite goes by member, and other programs read it."""

import io
import tarfile
from typing import IO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.format import Limits, Reading
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from dsr_engine.domain.record import Unit
from tests.content.container_samples import MEMBERS, TABLE, gzipped, tar_of
from tests.content.plain_words import WordGate, gaps, read, reading, rewritten, texts, units

_KINDS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
_LONG = "folder/" * 20


def _listed(data: bytes) -> list[tuple[str, bytes, str, str]]:
    """Name, content, link and owner of each member, as the standard library reads it."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return [(m.name, cast(IO[bytes], archive.extractfile(m)).read() if m.isreg() else b"", m.linkname, m.uname) for m in archive.getmembers()]


def _redactions(data: bytes) -> list[Edit]:
    return [Edit(place, RedactSpans()) for place in dict.fromkeys(unit.place for unit in units(data, reading(WordGate("jane"))))]


@pytest.mark.parametrize("kind", _KINDS.values(), ids=_KINDS)
@pytest.mark.parametrize("folder", ["", _LONG])
@pytest.mark.parametrize("can_seek", [True, False])
def test_content_names_links_and_owners_are_read(kind: int, folder: str, can_seek: bool) -> None:
    before = tar_of((("a.txt", b"x"), (f"{folder}jane.csv", TABLE)), kind, "jane", (("link", "home/jane"),))
    found = {unit.place: unit.inside for unit in read(before, reading(WordGate("jane")), can_seek=can_seek) if isinstance(unit, Unit)}
    assert found == {
        "member:1/owner": "member:1",
        "member:2/name": "member:2",
        "member:2/owner": "member:2",
        "member:2/row:2/id": "member:2/row:2",
        "member:2/row:2/name": "member:2/row:2",
        "member:3/link": "member:3",
    }


@pytest.mark.parametrize("kind", _KINDS.values(), ids=_KINDS)
@pytest.mark.parametrize("folder", ["", _LONG, "y" * 95 + "/"])
def test_after_a_rewrite_the_person_is_nowhere_and_the_others_are_as_they_were(kind: int, folder: str) -> None:
    members = (("a.txt", b"about bob"), (f"{folder}jane.csv", TABLE), ("b/c.txt", b"others\n" * 200))
    before = tar_of(members, kind, "jane", (("link", "home/jane"),))
    after = rewritten(before, _redactions(before), "jane")
    assert b"jane" not in after
    assert _listed(after) == [
        ("a.txt", b"about bob", "", "[erased]"),
        (f"{folder}[erased].csv", TABLE.replace(b"jane", b"[erased]"), "", "[erased]"),
        ("b/c.txt", b"others\n" * 200, "", "[erased]"),
        ("link", b"", "home/[erased]", ""),
    ]
    assert not gaps(after)


@pytest.mark.parametrize("kind", _KINDS.values(), ids=_KINDS)
def test_what_is_not_edited_stays_byte_for_byte(kind: int) -> None:
    before = tar_of(MEMBERS, kind)
    after = rewritten(before, [Edit("member:2/row:2", DropPart())])
    assert after[:1024] == before[:1024]
    assert after[2048:] == before[2048:]
    assert _listed(after)[1][:2] == ("jane.csv", b"id,name\n2,bob\n")
    assert rewritten(before, []) == before


def test_a_dropped_member_is_gone_with_its_headers() -> None:
    before = tar_of((("a.txt", b"a"), (_LONG + "jane.csv", TABLE), ("b.txt", b"b")), tarfile.PAX_FORMAT)
    after = rewritten(before, [Edit("member:2", DropPart())])
    assert [name for name, *_ in _listed(after)] == ["a.txt", "b.txt"]
    assert b"jane" not in after


def test_pax_records_of_any_kind_are_read_and_redacted() -> None:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "made by jane"}) as archive:
        member = tarfile.TarInfo("a.txt")
        member.size, member.pax_headers = 3, {"SCHILY.xattr.user.author": "jane ü", "VENDOR.jane": "x", "mtime": "1600000000.5"}
        archive.addfile(member, io.BytesIO(b"abc"))
    before = sink.getvalue()
    assert set(texts(before, reading(WordGate("jane ", "by jane")))) == {"global:1/pax", "member:1/pax"}
    after = rewritten(before, _redactions(before), "jane")
    assert b"jane" not in after
    with tarfile.open(fileobj=io.BytesIO(after)) as archive:
        assert archive.pax_headers == {"comment": "made by [erased]"}
        (found,) = archive.getmembers()
        assert found.pax_headers["SCHILY.xattr.user.author"] == "[erased] ü"
        assert found.pax_headers["VENDOR.[erased]"] == "x"
        assert found.mtime == 1600000000.5


def test_a_pax_record_of_the_size_follows_the_content() -> None:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("a.csv")
        member.size, member.pax_headers = len(TABLE), {"size": str(len(TABLE))}
        archive.addfile(member, io.BytesIO(TABLE))
    after = rewritten(sink.getvalue(), [Edit("member:1/row:2", DropPart())])
    assert _listed(after) == [("a.csv", b"id,name\n2,bob\n", "", "")]


def test_a_name_that_grows_beyond_its_field_gets_a_pax_record() -> None:
    name = "d" * 40 + "/" + "jane" * 14
    after = rewritten(tar_of(((name, b"x"),)), [Edit("member:1/name", RedactSpans())], "jane")
    assert _listed(after)[0][0] == "d" * 40 + "/" + "[erased]" * 14


def test_archives_behind_each_other_are_one() -> None:
    before = tar_of((("a.txt", b"jane"),)) + tar_of((("b.txt", b"jane"),))
    assert list(texts(before, reading(WordGate("jane")))) == ["member:1/line:1", "member:2/line:1"]


def test_what_stands_behind_an_archive_is_searched_and_kept() -> None:
    before = tar_of() + b"jane was here" + bytes(499)
    assert gaps(before, reading(WordGate("was here"))) == ["tar.trailing"]
    assert "rest/bytes:0" in texts(before, reading(WordGate("was here")))
    after = rewritten(before, [Edit("member:2/row:2", DropPart())])
    assert after.endswith(b"jane was here" + bytes(499))


def _sparse(real: int, *pieces: tuple[int, bytes]) -> bytes:
    """A file with holes in GNU's old form."""

    def wide(number: int) -> bytes:
        return b"\x80" + number.to_bytes(11, "big")

    data = b"".join(piece for _, piece in pieces)
    head = bytearray(tarfile.TarInfo("holes").tobuf(tarfile.GNU_FORMAT))
    head[156:157] = b"S"
    for number, (at, piece) in enumerate((*pieces, (real, b""))):
        head[386 + 24 * number : 410 + 24 * number] = wide(at) + wide(len(piece))
    head[124:136], head[483:495], head[148:156] = wide(len(data)), wide(real), b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head) + data + bytes(-len(data) % 512)


def test_a_file_with_holes_is_read_as_it_was_and_not_rewritten() -> None:
    before = _sparse(9000, (0, b"id\n1\n"), (8990, b"\njane\n2\n\n\n")) + tar_of()
    found = texts(before, reading(WordGate("jane")))
    assert any(place.startswith("member:1/") for place in found)
    with pytest.raises(NotSupported):
        rewritten(before, [Edit("member:1/line:4", RedactSpans())], "jane")
    after = rewritten(before, [Edit("member:1", DropPart())])
    assert after == tar_of()


def test_a_file_of_holes_only_is_a_bomb() -> None:
    before = _sparse(1 << 60, (0, b"jane")) + tar_of()
    assert "archive.bomb" in gaps(before, reading(WordGate("nobody")))
    assert "member:3/row:2/name" in texts(before, reading(WordGate("jane")))


@pytest.mark.parametrize("cut", [700, 1300, 1540])
def test_an_archive_that_ends_early_is_a_gap(cut: int) -> None:
    before = tar_of((("jane.csv", TABLE), ("b.txt", b"z" * 900)))[:cut]
    assert gaps(before, reading(WordGate("jane")))
    assert gaps(gzipped(before), reading(WordGate("jane")))


def test_too_many_members_are_a_gap() -> None:
    before = tar_of(tuple((f"{number}.txt", b"x") for number in range(20)))
    assert gaps(before, Reading("files", WordGate("jane"), limits=Limits(members=9))) == ["archive.too_many_members"]


def test_time_has_an_end() -> None:
    before = tar_of(tuple((f"{number}.txt", b"x") for number in range(20)))
    hurried = Limits(seconds=0.0, pace=10**12)
    assert gaps(before, Reading("files", WordGate("jane"), limits=hurried)) == ["file.too_long"]
    assert not gaps(before, Reading("files", WordGate("jane"), limits=Limits(seconds=30.0, pace=1)))


@given(
    st.lists(
        st.tuples(st.text("abjüneäß/.", min_size=1, max_size=150).filter(lambda name: name.strip("/.")), st.binary(max_size=1200)),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from(tuple(_KINDS.values())),
    st.data(),
)
@settings(deadline=None, max_examples=80)
def test_dropping_members_keeps_all_others(members: list[tuple[str, bytes]], kind: int, data: st.DataObject) -> None:
    try:
        before = tar_of(members, kind)
    except ValueError:  # ustar has no room for such a name
        return
    gone = data.draw(st.sets(st.integers(1, len(members))))
    after = rewritten(before, [Edit(f"member:{number}", DropPart()) for number in gone])
    assert _listed(after) == [entry for number, entry in enumerate(_listed(before), 1) if number not in gone]


@given(st.data())
@settings(deadline=None, max_examples=150)
def test_damaged_archives_are_gaps_or_still_found(data: st.DataObject) -> None:
    before = bytearray(tar_of((("jane.csv", TABLE),), tarfile.PAX_FORMAT, "jane"))
    for _ in range(data.draw(st.integers(1, 3))):
        before[data.draw(st.integers(0, 1535))] = data.draw(st.integers(0, 255))
    assert gaps(bytes(before), reading(WordGate("jane"))) or units(bytes(before), reading(WordGate("jane")))
