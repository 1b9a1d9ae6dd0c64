"""A folder: nothing outside of it is touched, nothing in it is passed over."""

import os
import pickle
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.record import Gap, Locator, Record
from dsr_engine.drivers.driver import Absent, Done, Drifted, Everything, Failed, Looked, Watched
from dsr_engine.drivers.objectstore.driver import ObjectstoreDriver
from tests.drivers.conformance import answers, foreseen, only, records
from tests.drivers.file_benches import content, file_system
from tests.drivers.objectstore_cases import DELETE, change_of, changed, rewriting
from tests.drivers.people import PERSON, about


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "orders").mkdir(parents=True)
    return root


def driver_of(path: Path, how: str = "folder:") -> ObjectstoreDriver:
    return ObjectstoreDriver(file_system(url=f"{how}{path}"))


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def gaps(root: Path) -> list[str]:
    return sorted(found.code for found in answers(driver_of(root), about()) if isinstance(found, Gap))


@pytest.mark.parametrize("how", ["folder:", ""])
def test_a_folder_is_named_with_or_without_its_scheme(root: Path, how: str) -> None:
    (root / "orders/a.txt").write_bytes(content(PERSON))
    assert only(records(driver_of(root, how))).locator.key == ("orders/a.txt",)


def test_one_file_is_a_system_too_and_its_neighbours_are_not(root: Path) -> None:
    (root / "a.txt").write_bytes(content(PERSON))
    (root / "b.txt").write_bytes(content(PERSON))
    driver = driver_of(root / "a.txt")
    assert [facts.name for facts in driver.describe()] == ["."]
    record = only(records(driver))
    server = record.server
    assert changed(driver, change_of(driver, record, rewriting(record)))
    assert (root / "b.txt").read_bytes() == content(PERSON)
    assert driver_of(root / "a.txt").observe([Watched(record.locator)])[0].server == server


def test_a_folder_that_is_not_there_is_not_an_empty_one(root: Path) -> None:
    driver = driver_of(root / "typo")
    assert [problem.code for problem in driver.check()] == ["folder.absent"]
    with pytest.raises((InputWrong, Conflict)):
        answers(driver, about())


def test_no_path_at_all_is_an_input_error() -> None:
    with pytest.raises(InputWrong):
        ObjectstoreDriver(file_system(url="folder:"))


def test_another_folder_at_the_same_path_is_another_server(root: Path) -> None:
    (root / "orders/a.txt").write_bytes(content(PERSON))
    driver = driver_of(root)
    change = change_of(driver, only(records(driver)), DELETE)
    root.rename(root.with_name("moved"))
    (root / "orders").mkdir(parents=True)
    (root / "orders/a.txt").write_bytes(content(PERSON))
    assert changed(driver_of(root), change) == (Drifted("server"),)
    assert (root / "orders/a.txt").exists()


# ── links and special files ──


def test_a_link_out_of_the_folder_is_a_gap_and_its_target_is_untouched(root: Path) -> None:
    outside = root.with_name("outside")
    outside.mkdir()
    (outside / "a.txt").write_bytes(content(PERSON))
    (root / "orders/link").symlink_to(outside)
    assert gaps(root) == ["folder.link_outside"]
    assert records(driver_of(root)) == ()


def test_a_link_within_the_folder_is_no_gap_and_its_target_is_found_once(root: Path) -> None:
    (root / "orders/a.txt").write_bytes(content(PERSON))
    (root / "orders/link").symlink_to("a.txt")
    (root / "more").symlink_to("orders")
    assert gaps(root) == []
    assert only(records(driver_of(root))).locator.key == ("orders/a.txt",)


def test_a_link_that_bears_the_persons_name_goes_and_its_target_stays(root: Path) -> None:
    (root / "orders/a.txt").write_bytes(b"about nobody")
    (root / f"orders/{PERSON}").symlink_to("a.txt")
    driver = driver_of(root)
    record = only(records(driver))
    assert [unit.place for unit in record.units] == ["key"]
    assert changed(driver, change_of(driver, record, DELETE)) == (Done(None),)
    assert names(root / "orders") == ["a.txt"]


def test_a_file_swapped_for_a_link_after_the_plan_is_left_alone(root: Path) -> None:
    target = root.with_name("target.txt")
    target.write_bytes(content(PERSON))
    (root / "orders/a.txt").write_bytes(content(PERSON))
    driver = driver_of(root)
    record = only(records(driver))
    change = change_of(driver, record, rewriting(record))
    (root / "orders/a.txt").unlink()
    (root / "orders/a.txt").symlink_to(target)
    assert changed(driver, change) == (Drifted("changed"),)
    assert target.read_bytes() == content(PERSON)


def test_a_folder_swapped_for_a_link_after_the_plan_is_never_entered(root: Path) -> None:
    (root / "orders/a.txt").write_bytes(content(PERSON))
    driver = driver_of(root)
    change = change_of(driver, only(records(driver)), DELETE)
    (root / "orders").rename(root.with_name("elsewhere"))
    (root / "orders").symlink_to(root.with_name("elsewhere"))
    assert changed(driver, change) == (Drifted("changed"),)
    assert (root.with_name("elsewhere") / "a.txt").exists()


@pytest.mark.parametrize("key", ["../secret.txt", "orders/../../secret.txt", "/etc/passwd", ""])
def test_a_path_that_leads_out_is_refused(root: Path, key: str) -> None:
    (root.parent / "secret.txt").write_bytes(content(PERSON))
    with pytest.raises(Conflict):
        driver_of(root).observe([Watched(Locator("lake", ".", (key,)))])


def test_a_pipe_is_a_gap_and_does_not_hang(root: Path) -> None:
    os.mkfifo(root / "orders/pipe")
    found = answers(driver_of(root), about())
    assert [one.code for one in found if isinstance(one, Gap)] == ["folder.special"]
    assert [one.extent for one in found if isinstance(one, Looked) and one.collection == "orders"] == [Extent.PARTIAL]


def test_a_name_that_is_not_utf8_is_a_gap(root: Path) -> None:
    with open(os.fsencode(root) + b"/orders/\xff.txt", "wb") as file:  # noqa: PTH123  # pathlib takes no bytes
        file.write(content(PERSON))
    os.mkdir(os.fsencode(root) + b"/\xfe")  # noqa: PTH102  # as above
    assert gaps(root) == ["folder.name", "folder.name"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_listed_is_a_gap(root: Path) -> None:
    (root / "closed").mkdir(mode=0)
    assert gaps(root) == ["folder.closed"]


# ── what goes and what stays ──


def test_a_folder_named_after_the_person_goes_once_it_is_empty(root: Path) -> None:
    (root / f"users/{PERSON}").mkdir(parents=True)
    (root / f"users/{PERSON}/a.txt").write_bytes(b"hello")
    driver = driver_of(root)
    assert changed(driver, change_of(driver, only(records(driver)), DELETE)) == (Done(None),)
    left = only(records(driver))
    change = change_of(driver, left, DELETE)
    assert changed(driver, change) == (Done(None),)
    assert isinstance(driver.observe([Watched(change.locator)])[0], Absent)
    assert records(driver) == ()
    assert (root / "users").is_dir()


def test_a_folder_that_filled_again_stays(root: Path) -> None:
    (root / f"users/{PERSON}").mkdir(parents=True)
    driver = driver_of(root)
    change = change_of(driver, only(records(driver)), DELETE)
    (root / f"users/{PERSON}/new.txt").write_bytes(b"hello")
    assert changed(driver, change) == (Drifted("changed"),)
    assert (root / f"users/{PERSON}/new.txt").exists()


def test_a_rewrite_keeps_mode_owner_and_attributes(root: Path) -> None:
    path = root / "orders/a.txt"
    path.write_bytes(content(PERSON))
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 12345, 23456)
    try:
        os.setxattr(path, "user.shop", b"north")
    except OSError:
        pytest.skip("this file system keeps no extended attributes; set TMPDIR to a folder on ext4, xfs or btrfs")
    before = path.stat()
    driver = driver_of(root)
    record = only(records(driver))
    (outcome,) = changed(driver, change_of(driver, record, rewriting(record)))
    assert isinstance(outcome, Done)
    after = path.stat()
    assert (stat.S_IMODE(after.st_mode), after.st_uid, after.st_gid) == (0o640, before.st_uid, before.st_gid)
    assert os.getxattr(path, "user.shop") == b"north"
    assert names(root / "orders") == ["a.txt"]


def test_a_rewrite_that_was_killed_is_done_again_and_leaves_nothing_behind(root: Path) -> None:
    """The child dies, as by SIGKILL, after it wrote the temporary file and before it renamed it."""
    (root / "orders/a.txt").write_bytes(content(PERSON))
    driver = driver_of(root)
    record = only(records(driver))
    change = change_of(driver, record, rewriting(record))
    child = (
        "import os, sys, pickle\n"
        "os.rename = lambda *_, **__: os._exit(9)\n"
        "from tests.drivers.test_objectstore_folder import driver_of\n"
        "from tests.drivers.objectstore_cases import changed\n"
        "from pathlib import Path\n"
        "changed(driver_of(Path(sys.argv[1])), pickle.load(sys.stdin.buffer))\n"
    )
    ended = subprocess.run([sys.executable, "-c", child, str(root)], input=pickle.dumps(change), check=False)
    assert ended.returncode == 9
    assert len(names(root / "orders")) == 2
    assert (root / "orders/a.txt").read_bytes() == content(PERSON)
    (outcome,) = changed(driver, change)
    assert isinstance(outcome, Done)
    assert names(root / "orders") == ["a.txt"]
    assert PERSON.encode() not in (root / "orders/a.txt").read_bytes()


def test_a_file_with_a_second_name_is_not_rewritten(root: Path) -> None:
    (root / "orders/a.txt").write_bytes(content(PERSON))
    os.link(root / "orders/a.txt", root.with_name("second.txt"))
    driver = driver_of(root)
    record = only(records(driver))
    change = change_of(driver, record, rewriting(record))
    refusal = foreseen(driver, change).refusal
    assert refusal is not None
    assert refusal.code == "folder.hard_link"
    (outcome,) = changed(driver, change)
    assert isinstance(outcome, Failed)
    assert root.with_name("second.txt").read_bytes() == content(PERSON)


def test_everything_in_a_folder_includes_links_and_empty_folders(root: Path) -> None:
    (root / "a.txt").write_bytes(b"a")
    (root / "link").symlink_to("a.txt")
    found = [one.locator.key[0] for one in answers(driver_of(root), Everything()) if isinstance(one, Record)]
    assert sorted(found) == ["a.txt", "link", "orders/"]
