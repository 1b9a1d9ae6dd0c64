"""What a file in a folder has beside its bytes: searched where people write in it, and kept when the bytes change."""

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dsr_engine.domain.errors import Conflict
from dsr_engine.domain.plan import Edit, RedactSpans, Rewrite
from dsr_engine.domain.record import Gap, Record
from dsr_engine.drivers.driver import Done, Failed
from dsr_engine.drivers.objectstore.driver import ObjectstoreDriver
from tests.drivers.conformance import answers, foreseen, only, records, state_at
from tests.drivers.file_benches import content, file_system
from tests.drivers.objectstore_cases import DELETE, change_of, changed, rewriting
from tests.drivers.people import MARK, NEIGHBOURS, PERSON, about

_MIB = 1024 * 1024


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "orders").mkdir()
    return tmp_path


def driver_of(root: Path) -> ObjectstoreDriver:
    return ObjectstoreDriver(file_system(url=f"folder:{root}"))


def rewritten(root: Path) -> None:
    driver = driver_of(root)
    record = only(records(driver))
    change = change_of(driver, record, rewriting(record))
    seen = foreseen(driver, change)
    assert seen.refusal is None
    assert changed(driver, change) == (Done(seen.becomes),)


def attribute(path: Path, name: str, value: bytes) -> None:
    try:
        os.setxattr(path, f"user.{name}", value)
    except OSError:
        pytest.skip("this file system keeps no extended attributes; set TMPDIR to a folder on ext4, xfs or btrfs")


def test_an_attribute_that_holds_the_person_is_redacted_and_others_stay_byte_for_byte(root: Path) -> None:
    path, other = root / "orders/a.bin", root / "orders/b.bin"
    for one in (path, other):
        one.write_bytes(bytes(range(256)))
    attribute(path, "xdg.origin.url", f"https://shop.example/u/{PERSON}?a=1".encode())
    attribute(path, "raw", b"\xff\xfe\0odd")
    attribute(other, "author", NEIGHBOURS[0].encode())
    assert [unit.place for unit in only(records(driver_of(root))).units] == ["metadata:xdg.origin.url"]
    rewritten(root)
    assert os.getxattr(path, "user.xdg.origin.url") == f"https://shop.example/u/{MARK}?a=1".encode()
    assert os.getxattr(path, "user.raw") == b"\xff\xfe\0odd"
    assert path.read_bytes() == bytes(range(256))
    assert os.getxattr(other, "user.author") == NEIGHBOURS[0].encode()
    assert records(driver_of(root)) == ()


def test_an_attribute_is_part_of_the_state(root: Path) -> None:
    path = root / "orders/a.txt"
    path.write_bytes(content(PERSON))
    driver = driver_of(root)
    locator = only(records(driver)).locator
    before = state_at(driver, locator)
    attribute(path, "note", b"new")
    assert state_at(driver, locator) != before


def test_times_and_mode_stay_so_that_ages_do_too(root: Path) -> None:
    path = root / "orders/a.txt"
    path.write_bytes(content(PERSON))
    path.chmod(0o604)
    os.utime(path, ns=(1_500_000_000_123_456_789, 1_400_000_000_987_654_321))
    rewritten(root)
    after = path.stat()
    assert (after.st_mtime_ns, stat.S_IMODE(after.st_mode)) == (1_400_000_000_987_654_321, 0o604)
    assert PERSON.encode() not in path.read_bytes()


def test_holes_stay_holes(root: Path) -> None:
    path = root / "orders/a.txt"
    with path.open("wb") as file:
        file.write(content(PERSON) + b"x" * (_MIB - len(content(PERSON))))
        file.seek(64 * _MIB)
        file.write(b"\nthe end\n")
    if path.stat().st_blocks * 512 > 8 * _MIB:
        pytest.skip("this file system keeps no holes; set TMPDIR to a folder on ext4, xfs or btrfs")
    attribute(path, "from", PERSON.encode())
    driver = driver_of(root)
    beside = Rewrite((Edit("metadata:from", RedactSpans()),))
    change = change_of(driver, only(records(driver)), beside)
    assert changed(driver, change) == (Done(foreseen(driver, change).becomes),)
    assert path.stat().st_blocks * 512 < 8 * _MIB
    assert path.read_bytes().endswith(b"\0\nthe end\n")


def test_a_file_that_changes_between_two_blocks_is_a_conflict_and_no_text_of_two_states(root: Path) -> None:
    path = root / "orders/a.txt"
    path.write_bytes(b"a" * 3 * _MIB)
    shelf = driver_of(root)._shelf
    (stored,) = shelf.versions("orders/a.txt")
    with shelf.open(stored) as source:
        assert source.read(10) == b"a" * 10
        path.write_bytes(b"b" * 3 * _MIB)
        with pytest.raises(Conflict):
            source.read()
        with pytest.raises(Conflict):
            source.read(2 * _MIB)


@pytest.fixture
def restless(root: Path) -> Iterator[Path]:
    """A file that is appended to all the time."""
    path = root / "orders/a.txt"
    path.write_bytes(b"begin\n" * 200_000)
    over = threading.Event()

    def write() -> None:
        with path.open("ab") as file:
            while not over.wait(0.0001):
                file.write(b"one more line\n")
                file.flush()

    thread = threading.Thread(target=write)
    thread.start()
    yield path
    over.set()
    thread.join()


def test_a_file_that_never_rests_is_a_gap_or_was_read_as_it_was(restless: Path) -> None:
    found = answers(driver_of(restless.parent.parent), about())
    codes = {one.code for one in found if isinstance(one, Gap)}
    assert codes <= {"objectstore.restless"}
    assert not [one for one in found if isinstance(one, Record)]


def test_what_nfs_keeps_for_a_program_is_searched_and_left_alone(root: Path) -> None:
    path = root / "orders/.nfs000000000123abcd00000001"
    path.write_bytes(content(PERSON))
    driver = driver_of(root)
    record = only(records(driver))
    for effect in (DELETE, rewriting(record)):
        change = change_of(driver, record, effect)
        refusal = foreseen(driver, change).refusal
        assert refusal is not None
        assert refusal.code == "folder.still_open"
        assert changed(driver, change) == (Failed("folder.still_open", refusal.message),)
    assert path.read_bytes() == content(PERSON)


def test_a_name_that_differs_in_case_only_is_another_file(root: Path) -> None:
    for name in ("a.txt", "A.txt"):
        (root / "orders" / name).write_bytes(content(PERSON if name == "a.txt" else NEIGHBOURS[0]))
    if len(list((root / "orders").iterdir())) == 1:
        pytest.skip("this file system knows no case")
    driver = driver_of(root)
    assert changed(driver, change_of(driver, only(records(driver)), DELETE)) == (Done(None),)
    assert (root / "orders/A.txt").read_bytes() == content(NEIGHBOURS[0])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_cannot_be_read_is_a_gap(root: Path) -> None:
    (root / "orders/a.txt").write_bytes(content(PERSON))
    (root / "orders/a.txt").chmod(0)
    assert {one.code for one in answers(driver_of(root), about()) if isinstance(one, Gap)} == {"folder.denied"}
