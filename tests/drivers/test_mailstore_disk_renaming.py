"""Folders of mail that get another name on a disk: what lies beside them goes along, in whatever way names are written there."""

import os
import re
import signal
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from imapclient import imap_utf7

from dsr_engine.domain.finding import Confidence
from dsr_engine.drivers.driver import Change, Done, Present, Watched
from dsr_engine.drivers.mailstore import subscription_files
from dsr_engine.drivers.mailstore.folder_names import marked
from dsr_engine.drivers.mailstore.mbox_lock import locked
from tests.drivers.mailstore_boxes import letter
from tests.drivers.mailstore_named import JANE, MATCHER, NAME, RENAME, REWRITER, Estate, foreseen, is_state, named, opened, renamed
from tests.workflow.killing import in_child


def test_an_address_in_a_maildir_takes_several_levels_and_below_others_it_is_a_guess(tmp_path: Path) -> None:
    """Maildir++ takes a dot for a border between levels: whether an address begins with the first of them or in their midst, nobody can tell."""
    estate = Estate("maildir", tmp_path)
    for folder in (f".{JANE}", f".Clients.{JANE}.2024", ".Clients.jane.roe@example.com", ""):
        for part in ("cur", "new", "tmp"):
            (tmp_path / folder / part).mkdir(parents=True)
    with opened(estate) as driver:
        found = {record.locator.collection: record for record in named(driver)}
        sure = {name: {one.confidence for one in MATCHER.findings(record)} for name, record in found.items()}
        assert sure == {JANE: {Confidence.CERTAIN}, f"Clients.{JANE}": {Confidence.POSSIBLE}}
        for record in found.values():
            renamed(driver, record)
    names = {re.sub("[0-9a-f]{8}", "", path.name) for path in tmp_path.iterdir() if path.name.startswith(".")}
    assert names == {".[redacted ]", ".Clients.[redacted ].2024", ".Clients.jane.roe@example.com"}


def test_a_name_in_modified_utf_7_is_read_and_written_in_it(tmp_path: Path) -> None:
    estate = Estate("maildir", tmp_path)
    for folder in ("", ".Kund&AOQ-ren &- Jane Roe.&AMQ-lter"):
        for part in ("cur", "new", "tmp"):
            (tmp_path / folder / part).mkdir(parents=True)
    (tmp_path / "subscriptions").write_bytes(b"V\t2\n\nKund&AOQ-ren &- Jane Roe\t&AMQ-lter\nJane\n")
    with opened(estate) as driver:
        for record in named(driver):
            renamed(driver, record)
    (name,) = (path.name for path in tmp_path.iterdir() if path.name.startswith("."))
    assert re.fullmatch(r"\.Kund&AOQ-ren &- \[redacted [0-9a-f]{8}\]\.&AMQ-lter", name)
    above, below = name[1:].split(".")
    assert (tmp_path / "subscriptions").read_bytes() == f"V\t2\n\n{above}\t{below}\nJane\n".encode()


def test_an_index_beside_an_mbox_goes_with_it_and_a_lock_keeps_it(tmp_path: Path) -> None:
    estate = Estate("mbox", tmp_path)
    estate.put(NAME, letter("ann@example.net", "shop@example.com", "hello", "Tea, please."))
    (tmp_path / f"{NAME}.msf").write_text("index")
    (tmp_path / ".imap" / NAME).mkdir(parents=True)
    with opened(estate) as driver:
        (record,) = named(driver)
        renamed(driver, record)
    assert not [path for path in tmp_path.rglob("*") if NAME in path.name]
    assert len(list(tmp_path.rglob("*[[]redacted*"))) == 3


def test_a_lock_that_a_killed_rename_left_keeps_nobodys_name(tmp_path: Path) -> None:
    estate = Estate("mbox", tmp_path)
    estate.put(NAME, letter("ann@example.net", "shop@example.com", "hello", "Tea, please."))

    def killed() -> None:
        with locked(tmp_path / NAME):
            (tmp_path / NAME).rename(tmp_path / marked(NAME, REWRITER))
            os.kill(os.getpid(), signal.SIGKILL)

    with opened(estate) as driver:
        (record,) = named(driver)
        told = foreseen(driver, record)
    assert in_child(killed) == -signal.SIGKILL
    assert (tmp_path / f"{NAME}.lock").exists()
    with opened(estate) as driver:
        (seen,) = driver.observe([Watched(record.locator, becomes=is_state(told.becomes))])
        assert seen == Present(told.server, told.state or b"")
        assert driver.change([Change(record.locator, RENAME, (), told.state or b"", told.server)], REWRITER)[0] == Done(told.becomes)
    assert [path.name for path in tmp_path.iterdir()] == [marked(NAME, REWRITER)]


def test_one_file_or_folder_that_the_settings_name_is_nobodys_folder(tmp_path: Path) -> None:
    file = tmp_path / NAME
    file.write_bytes(b"From shop@example.com Thu Mar 04 05:06:07 2021\nFrom: a@example.com\n\nhello\n")
    with opened(Estate("mbox", file)) as driver:
        assert named(driver) == []


_LEVELS = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="./\t\r\n"), min_size=1), min_size=1, max_size=3)


@given(st.lists(_LEVELS, max_size=6), _LEVELS, st.sampled_from("./\t"), st.booleans())
def test_a_list_of_subscriptions_gets_the_new_name_and_keeps_every_other_line(
    others: list[list[str]], hers: list[str], sign: str, is_utf7: bool
) -> None:
    def line(levels: list[str]) -> bytes:
        return sign.join(imap_utf7.encode(level).decode() if is_utf7 else level for level in levels).encode() + b"\n"

    kept = [line(other) for other in others if other[: len(hers)] != hers and line(other)[: len(line(hers)) - 1] != line(hers)[:-1]]
    fresh = [*hers[:-1], "[redacted 0a1b2c3d]"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "subscriptions"
        path.write_bytes(b"".join((*kept, line(hers), line([*hers, "Old"]))))
        subscription_files.rename(Path(folder), ".".join(hers), ".".join(fresh))
        assert path.read_bytes() == b"".join((*kept, line(fresh), line([*fresh, "Old"])))
        assert not subscription_files.has(Path(folder), ".".join(hers))
        assert [file.name for file in Path(folder).iterdir()] == ["subscriptions"]
