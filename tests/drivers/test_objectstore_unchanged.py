"""What is known to hold nobody is not read again while it stays what it was; whatever is new, changed, labelled anew or told otherwise is."""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dsr_engine.domain.record import Gap, Record
from dsr_engine.domain.system import CollectionMap, FieldMap, Manifest
from dsr_engine.drivers import unchanged as marks
from dsr_engine.drivers.driver import AboutSubjects, Driver, Looked, Marking
from dsr_engine.drivers.objectstore import folder_times, unchanged
from dsr_engine.drivers.objectstore.driver import ObjectstoreDriver
from tests.drivers.azure_bench import AzureBench
from tests.drivers.conformance import Bench
from tests.drivers.file_benches import BucketBench, FolderBench, content, file_system
from tests.drivers.gcs_bench import GcsBench
from tests.drivers.openings import names, noted_openings
from tests.drivers.people import NEIGHBOURS, PERSON, about

BOB = NEIGHBOURS[0]
KEY, OTHER_KEY = b"k" * 32, b"o" * 32


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were opened, in order. Nothing has to rest before it is trusted."""
    return noted_openings(monkeypatch)


@pytest.fixture(params=["folder", "moto_s3", "moto_s3 versions", "seaweedfs", "seaweedfs versions", "azurite", "gcs"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Three files of somebody else and one of hers."""
    name, _, versions = request.param.partition(" ")
    makers: dict[str, Callable[[Any], Bench]] = {"folder": FolderBench, "azurite": AzureBench, "gcs": GcsBench}
    server = request.getfixturevalue("lasting_path" if name == "folder" else name)
    made = makers[name](server) if name in makers else BucketBench(server, versions=bool(versions))
    for file, whose in (("a1", BOB), ("a2", BOB), ("n1", BOB), ("a3", PERSON)):
        made.put(file, whose)
    yield made
    made.close()


def looked(driver: Driver, query: AboutSubjects) -> tuple[set[str], frozenset[bytes], list[Gap]]:
    """The names of the files that were found, the marks of the clean ones, and gaps."""
    answers = [one for part in driver.slices(query) for one in driver.find(query, part)]
    found = {Path(one.locator.key[0]).stem for one in answers if isinstance(one, Record)}
    clean = frozenset[bytes]().union(*(one.clean for one in answers if isinstance(one, Looked)))
    return found, clean, [one for one in answers if isinstance(one, Gap)]


def verified(driver: Driver, key: bytes = KEY) -> Marking:
    """What a search that reads everything marks under this key."""
    return Marking(key, looked(driver, replace(about(), noting=Marking(key)))[1])


def again(driver: Driver, *known: Marking) -> set[str]:
    return looked(driver, replace(about(), known=known))[0]


def test_a_second_look_reads_what_held_the_person_and_nothing_else(bench: Bench, opened: list[str]) -> None:
    known = verified(bench.driver())
    assert (names(opened), len(known.known)) == (["a1", "a2", "a3", "n1"], 3)
    opened.clear()
    assert again(bench.driver(), known) == {"a3"}
    assert names(opened) == ["a3"]


def test_what_is_new_or_changed_is_read_and_found(bench: Bench, opened: list[str]) -> None:
    known = verified(bench.driver())
    opened.clear()
    bench.put("a1", PERSON)
    bench.put("a4", PERSON)
    bench.put("n2", BOB)
    found = again(bench.driver(), known)
    assert found == {"a1", "a3", "a4"}
    assert names(opened) == ["a1", "a3", "a4", "n2"]


def test_a_search_that_takes_notes_reads_everything_whatever_is_known(bench: Bench, opened: list[str]) -> None:
    known = verified(bench.driver())
    opened.clear()
    assert looked(bench.driver(), replace(about(), known=(known,), noting=Marking(KEY)))[:2] == ({"a3"}, known.known)
    assert names(opened) == ["a1", "a2", "a3", "n1"]


def test_what_one_of_two_cases_does_not_know_is_read(bench: Bench, opened: list[str]) -> None:
    mine, theirs = verified(bench.driver()), verified(bench.driver(), OTHER_KEY)
    assert not mine.known & theirs.known
    for known, read in (((mine, theirs), ["a3"]), ((mine, Marking(OTHER_KEY)), None), ((Marking(OTHER_KEY, mine.known),), None), ((), None)):
        opened.clear()
        assert again(bench.driver(), *known) == {"a3"}
        assert names(opened) == (read or ["a1", "a2", "a3", "n1"])


def test_the_same_bytes_under_another_key_are_read(bench: Bench, opened: list[str]) -> None:
    known = verified(bench.driver())
    opened.clear()
    bench.put("a5", BOB)
    again(bench.driver(), known)
    assert names(opened) == ["a3", "a5"]


@pytest.mark.usefixtures("opened")
def test_marks_tell_nothing(lasting_path: Path) -> None:
    (lasting_path / "a.txt").write_bytes(content(BOB))
    (mark,) = verified(ObjectstoreDriver(file_system(url=f"folder:{lasting_path}"))).known
    assert len(mark) == 16
    for told in (b"a.txt", content(BOB), str(lasting_path).encode()):
        assert mark not in (hashlib.sha256(told).digest()[:16], hashlib.md5(told, usedforsecurity=False).digest())
    assert "kkk" not in repr(Marking(KEY, frozenset({mark})))


@pytest.mark.parametrize("server", ["moto_s3", "seaweedfs"])
def test_a_label_that_came_to_hold_the_person_is_found_with_all_of_its_object(server: str, opened: list[str], request: pytest.FixtureRequest) -> None:
    bench = BucketBench(request.getfixturevalue(server), versions=True)
    bench.put("a1", BOB)
    bench.put("a2", BOB)
    known = verified(bench.driver())
    opened.clear()
    tags = {"TagSet": [{"Key": "customer", "Value": PERSON}]}
    bench.client.put_object_tagging(Bucket=bench.bucket, Key="orders/a1.txt", Tagging=tags)
    assert again(bench.driver(), known) == {"a1"}
    assert names(opened) == ["a1"]
    bench.close()


def test_every_version_of_an_object_is_known_by_itself(opened: list[str], request: pytest.FixtureRequest) -> None:
    bench = BucketBench(request.getfixturevalue("moto_s3"), versions=True)
    bench.put("a1", BOB)
    known = verified(bench.driver())
    bench.put("a1", PERSON)
    bench.put("a1", BOB)
    opened.clear()
    assert again(bench.driver(), known) == {"a1"}
    assert len(opened) >= 2
    assert len(known.known) == 1
    bench.close()


def test_a_file_that_was_just_written_has_no_mark(bench: Bench, opened: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unchanged, "RESTED", timedelta(hours=1))
    assert verified(bench.driver()).known == frozenset()
    assert len(names(opened)) == 4


def test_a_file_that_could_not_be_read_wholly_has_no_mark(lasting_path: Path, opened: list[str]) -> None:
    (lasting_path / "broken.json").write_bytes(b'{"a": ')
    (lasting_path / "whole.json").write_bytes(b'{"a": 1}')
    driver = ObjectstoreDriver(file_system(url=f"folder:{lasting_path}"))
    _, marks, gaps = looked(driver, replace(about(), noting=Marking(KEY)))
    assert (len(marks), len(gaps)) == (1, 1)
    opened.clear()
    assert looked(driver, replace(about(), known=(Marking(KEY, marks),)))[2] == gaps
    assert names(opened) == ["broken"]


def test_a_file_changed_behind_its_times_is_read(lasting_path: Path, opened: list[str]) -> None:
    path = lasting_path / "a.txt"
    path.write_bytes(content(BOB))
    before = path.stat()
    driver = ObjectstoreDriver(file_system(url=f"folder:{lasting_path}"))
    known = verified(driver)
    assert len(known.known) == 1
    path.write_bytes(content(PERSON).strip().rjust(before.st_size)[-before.st_size :])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    opened.clear()
    assert again(driver, known) == {"a"}
    assert names(opened) == ["a"]


def test_a_file_system_whose_times_nobody_vouches_for_is_always_read(tmp_path: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_times, "_TRUSTED", frozenset({"fuse"}))
    (tmp_path / "a.txt").write_bytes(content(BOB))
    assert verified(ObjectstoreDriver(file_system(url=f"folder:{tmp_path}"))).known == frozenset()
    assert names(opened) == ["a"]


def test_marks_are_worth_nothing_in_another_place(lasting_path: Path, opened: list[str]) -> None:
    for name in ("one", "two"):
        (lasting_path / name).mkdir()
        (lasting_path / name / "a.txt").write_bytes(content(BOB))
    known = verified(ObjectstoreDriver(file_system(url=f"folder:{lasting_path / 'one'}")))
    opened.clear()
    again(ObjectstoreDriver(file_system(url=f"folder:{lasting_path / 'two'}")), known)
    assert names(opened) == ["a"]


def test_another_collection_and_other_readers_make_the_marks_worthless(
    lasting_path: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (lasting_path / "a.csv").write_bytes(f"email\n{BOB}\n".encode())
    system = file_system(url=f"folder:{lasting_path}")
    known = verified(ObjectstoreDriver(system))
    manifest = Manifest("s3", "objectstore", collections=(CollectionMap("*.csv", fields=(FieldMap("email", "user.contact.email"),)),))
    opened.clear()
    again(ObjectstoreDriver(replace(system, manifest=manifest)), known)
    assert names(opened) == ["a"]
    monkeypatch.setattr(marks, "_read_with", lambda: "a library was updated")
    opened.clear()
    again(ObjectstoreDriver(system), known)
    assert names(opened) == ["a"]


def test_a_part_keeps_a_bounded_number_of_marks(lasting_path: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks, "MOST", 3)
    for number in range(5):
        (lasting_path / f"{number}.txt").write_bytes(content(BOB))
    driver = ObjectstoreDriver(file_system(url=f"folder:{lasting_path}"))
    known = verified(driver)
    opened.clear()
    again(driver, known)
    assert (len(known.known), len(names(opened))) == (3, 2)
