"""Archives that libarchive reads: members, names and links are found; they are never rewritten, and what cannot be read is said."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.containers.archive_file import said_of
from dsr_engine.content.format import Limits, Reading, Unreadable
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit
from dsr_engine.domain.record import Unit
from tests.content.container_samples import (
    MEMBERS,
    TABLE,
    ar_of,
    by_libarchive,
    cab_of,
    cpio_of,
    gzipped,
    lha_of,
    needs_libarchive,
    tar_of,
    zip_of,
)
from tests.content.plain_words import WordGate, gaps, read, reading, rewritten, texts
from tests.servers.lifecycle import program

pytestmark = needs_libarchive

_KINDS = {
    "7z": lambda: by_libarchive("7zip", *MEMBERS),
    "7z-stored": lambda: by_libarchive("7zip", *MEMBERS, options="compression=store"),
    "7z-bzip2": lambda: by_libarchive("7zip", *MEMBERS, options="compression=bzip2"),
    "iso": lambda: by_libarchive("iso9660", *MEMBERS),
    "cpio": lambda: cpio_of(*MEMBERS),
    "cpio-odc": lambda: by_libarchive("cpio", *MEMBERS),
    "ar": lambda: ar_of(*MEMBERS),
    "cab": lambda: cab_of(*MEMBERS),
    "lha": lambda: lha_of(*MEMBERS),
}


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize("can_seek", [True, False])
def test_members_and_names_are_found(kind: str, can_seek: bool) -> None:
    got = read(_KINDS[kind](), reading(WordGate("jane")), can_seek=can_seek)
    found = {unit.place.partition("/")[2]: unit for unit in got if isinstance(unit, Unit)}
    assert set(found) == {"name", "row:2/id", "row:2/name"}
    assert found["name"].text == "jane.csv"
    assert found["row:2/name"].inside == found["name"].inside + "/row:2"
    assert gaps(_KINDS[kind](), reading(WordGate("jane"))) == ["archive.members_only"]


@pytest.mark.parametrize("kind", _KINDS)
def test_nothing_is_found_of_somebody_else(kind: str) -> None:
    assert not texts(_KINDS[kind](), reading(WordGate("nobody at all")))


@pytest.mark.parametrize("kind", _KINDS)
def test_they_are_not_rewritten(kind: str) -> None:
    before = _KINDS[kind]()
    with pytest.raises(NotSupported) as refused:
        rewritten(before, [Edit("member:2", DropPart())])
    assert refused.value.code == "format.cannot_rewrite"
    assert rewritten(before, []) == before


def test_a_package_of_debian_is_read_to_its_bottom() -> None:
    before = ar_of(("debian-binary", b"2.0\n"), ("data.tar.gz", gzipped(tar_of())))
    assert "member:2/gz/member:2/row:2/name" in texts(before, reading(WordGate("jane")))


def test_archives_within_archives_are_read_in_both_directions() -> None:
    before = zip_of(("in.7z", by_libarchive("7zip", ("in.cpio", cpio_of(*MEMBERS)))))
    assert "member:1/member:1/member:2/row:2/name" in texts(before, reading(WordGate("jane")))


@pytest.mark.parametrize(("packer", "package"), [("lz4", "lz4"), ("compress", "ncompress"), ("lzip", "lzip")])
def test_whole_files_are_read_inside(packer: str, package: str) -> None:
    packed = subprocess.run([program(packer, install=f"apt-get install {package}"), "-c"], input=TABLE * 50, capture_output=True, check=True).stdout
    assert "unpacked/row:2/name" in texts(packed, reading(WordGate("jane")))


#: What `compress` makes of "id,name\\n1,jane\\n", with codes of nine bits.
def _compressed(data: bytes) -> bytes:
    bits = "".join(f"{byte:09b}"[::-1] for byte in data)
    return b"\x1f\x9d\x90" + bytes(int(bits[at : at + 8][::-1], 2) for at in range(0, len(bits), 8))


def test_files_of_compress_are_read_inside() -> None:
    assert texts(_compressed(b"id,name\n1,jane\n2,bob\n"), reading(WordGate("jane"))) == {"unpacked/row:2/id": "1", "unpacked/row:2/name": "jane"}


@pytest.mark.parametrize("kind", ["7z", "cab", "cpio"])
@pytest.mark.parametrize("cut", [0.3, 0.6, 0.95])
def test_what_is_cut_off_is_a_gap(kind: str, cut: float) -> None:
    before = _KINDS[kind]()
    assert gaps(before[: int(len(before) * cut)], reading(WordGate("nobody"))) != []


def test_a_broken_archive_is_searched_as_bytes() -> None:
    before = b"7z\xbc\xaf\x27\x1c\0\4" + b"about jane and others" * 9
    assert gaps(before, reading(WordGate("jane"))) == ["archive.damaged"]
    assert list(texts(before, reading(WordGate("jane")))) == ["rest/bytes:0"]


def test_a_bomb_is_a_gap() -> None:
    before = by_libarchive("7zip", ("zeros", bytes(16 * 1024 * 1024)))
    assert gaps(before, Reading("files", WordGate("jane"), limits=Limits(bomb_floor=1024 * 1024))) == ["archive.bomb"]


def test_too_many_members_are_a_gap() -> None:
    before = cpio_of(*((f"{number}.txt", b"x") for number in range(30)))
    assert gaps(before, Reading("files", WordGate("jane"), limits=Limits(members=9))) == ["archive.too_many_members"]


def test_a_library_that_is_not_there_is_named_with_what_installs_it() -> None:
    program = "import dsr_engine.content.containers.archive_child"
    tried = subprocess.run([sys.executable, "-c", program], capture_output=True, env={"LIBARCHIVE": "/nowhere/libarchive.so"}, check=False)
    assert tried.stderr.decode().strip().endswith("ImportError: libarchive")
    missing = said_of(Unreadable("sandbox.none", "no parser"), has_library=False)
    assert (missing.code, "apt-get install libarchive13" in missing.reason) == ("format.needs_extra", True)
    assert said_of(Unreadable("sandbox.none", "no parser"), has_library=True).code == "sandbox.none"
    assert said_of(Unreadable("sandbox.died", "died"), has_library=False).code == "sandbox.died"


@given(st.sampled_from([kind for kind in _KINDS if "cpio" not in kind]), st.data())
@settings(deadline=None, max_examples=60)
def test_damage_is_never_silent_and_never_an_error(kind: str, data: st.DataObject) -> None:
    before = bytearray(_KINDS[kind]())
    for _ in range(data.draw(st.integers(1, 4))):
        before[data.draw(st.integers(8, len(before) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(100, len(before)))
    assert read(bytes(before[:cut]), reading(WordGate("jane")))
