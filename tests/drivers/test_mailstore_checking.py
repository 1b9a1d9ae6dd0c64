"""What a check tells of a mail system beside what is wrong, and of mail that lies where the path does not look for it."""

import mailbox
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from dsr_engine.domain.selector import Secret
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from dsr_engine.drivers.mailstore.mailbox_paths import below
from tests.drivers.mailstore_boxes import DovecotBox, MaildirBox
from tests.drivers.mailstore_estates import at_dovecot, on_disk, said, slices
from tests.servers.dovecot import DovecotServer

_BECAUSE = "agreed with the works council on 15 January"
_MBOX = "From x Thu Mar  4 05:06:07 2021\nFrom: jane.roe@example.org\n\nhello\n\n"


def _notes(driver: MailstoreDriver) -> dict[str, str]:
    with closing(driver):
        return {problem.code: problem.message for problem in driver.check() if problem.is_note}


def _inbox(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    mailbox.Maildir(folder, create=True).close()


def test_how_many_mailboxes_are_searched_is_told_with_the_reason(tmp_path: Path) -> None:
    for name in ("ann", "bob", "cy"):
        _inbox(tmp_path / "a.example" / name / "Maildir")
    driver = MailstoreDriver(replace(on_disk(tmp_path, said(all=True, **{"except": ["cy@*"]})), because=_BECAUSE))
    assert _notes(driver) == {
        "mail.mailboxes_searched": f"2 mailboxes are searched, because: {_BECAUSE}",
        "mail.folders_searched": "2 folders are searched in 2 mailboxes that the check opened",
    }


def test_what_folders_are_for_is_told_with_their_names(dovecot: DovecotServer) -> None:
    box = DovecotBox(dovecot)
    told = _notes(MailstoreDriver(box.system()))
    assert told["mail.folders_searched"].endswith("folders are searched; sent: Sent"), told
    many = _notes(MailstoreDriver(at_dovecot(dovecot, said(box.user))))
    assert many["mail.folders_searched"].endswith("in 1 mailbox that the check opened; sent: 1"), many


def test_a_folder_that_is_not_searched_is_not_counted(tmp_path: Path) -> None:
    system = MaildirBox(tmp_path / "mail").system()
    (tmp_path / "mail" / ".Archive" / "cur").mkdir(parents=True)
    narrow = MailstoreDriver(replace(system, settings={**system.settings, "folders": Secret("INBOX")}))
    assert (_notes(MailstoreDriver(system)), _notes(narrow)) == (
        {"mail.folders_searched": "3 folders are searched"},
        {"mail.folders_searched": "1 folder is searched"},
    )


@pytest.mark.parametrize("layout", ["Maildir itself", "mbox", "mdbox"])
def test_mail_in_another_layout_than_the_path_s_is_a_gap_and_not_left_out(tmp_path: Path, layout: str) -> None:
    _inbox(tmp_path / "a.example" / "ann" / "Maildir")
    bob = tmp_path / "a.example" / "bob"
    if layout == "Maildir itself":
        _inbox(bob)
    else:
        (bob / "mdbox" if layout == "mdbox" else bob).mkdir(parents=True)
        (bob / "mdbox" / "m.1" if layout == "mdbox" else bob / "old.mbox").write_text(_MBOX, encoding="utf-8")
    driver = MailstoreDriver(on_disk(tmp_path, said(all=True)))
    assert [part.collection for part in slices(driver)] == ["ann@a.example/INBOX", "bob@a.example/*"]
    (facts,) = [entry for entry in driver.describe() if entry.name == "bob@a.example/*"]
    assert "no readable Maildir" in facts.reason
    assert "mail.no_store" in {problem.code for problem in driver.check()}


def test_what_lies_beside_the_mailboxes_is_counted_by_a_check(tmp_path: Path) -> None:
    _inbox(tmp_path / "a.example" / "ann" / "Maildir")
    driver = MailstoreDriver(on_disk(tmp_path, said(all=True)))
    assert "mail.other_layout" not in {problem.code for problem in driver.check()}
    (tmp_path / "a.example" / "dora" / "letters").mkdir(parents=True)
    (tmp_path / "old mail").write_text(_MBOX, encoding="utf-8")
    for name in (".hidden", "ann.lock"):
        (tmp_path / name).touch()
    (problem,) = [problem for problem in driver.check() if problem.code == "mail.other_layout"]
    assert (problem.is_fatal, problem.message.startswith("Not searched: 2 of the files and folders")) == (False, True)


def test_an_entry_that_does_not_fit_the_name_in_the_path_is_counted(tmp_path: Path) -> None:
    for name in ("ann.mbox", "bob.mbox.gz", "cy.mbox.lock"):
        (tmp_path / name).touch()
    found = below(str(tmp_path / "%n.mbox"))
    assert (found.names, found.skipped) == (("ann",), 1)
