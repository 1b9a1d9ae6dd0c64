"""What is particular to Maildir: names, links, folders in both layouts, and what a killed rewrite leaves."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.domain.errors import DsrError, NotAllowed
from dsr_engine.domain.record import Gap
from dsr_engine.drivers.driver import Done, Looked, Moved, Present, Watched
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from dsr_engine.drivers.mailstore.maildir_names import fields_for, lineage, next_name, successors
from tests.drivers.mailstore_boxes import DELIVERED, DovecotBox, MaildirBox, letter, system_of
from tests.drivers.test_mailstore_driver import JANE, REWRITER, about, answers, deletion, hits, records, redaction
from tests.servers.dovecot import DovecotServer
from tests.servers.lifecycle import server_folder


@pytest.fixture
def box(tmp_path: Path) -> MaildirBox:
    return MaildirBox(tmp_path / "Maildir")


def mail(sender: str = JANE, subject: str = "hi") -> bytes:
    return letter(sender, "shop@example.com", subject, "hello", message_id="1@x")


def write(path: Path, raw: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    os.utime(path, (DELIVERED.timestamp(), DELIVERED.timestamp()))
    return path


def test_a_mail_that_goes_from_new_to_cur_stays_the_same_record(box: MaildirBox, driver: MailstoreDriver) -> None:
    path = write(box.root / "new" / "17.M1.host", mail())
    (record,) = records(driver)
    change = deletion(driver, record)

    path.rename(box.root / "cur" / "17.M1.host,S=999:2,S")

    (seen,) = driver.observe([Watched(record.locator)])
    assert isinstance(seen, Present)
    assert driver.change([change], REWRITER) == (Done(None),)


def test_mail_in_new_and_on_its_way_in_tmp_is_found_too(box: MaildirBox, driver: MailstoreDriver) -> None:
    write(box.root / "new" / "17.M1.host", mail())
    write(box.root / "tmp" / "18.M2.host", mail(subject="left over"))

    assert len(records(driver)) == 2


def test_both_layouts_are_searched_and_every_folder_has_a_name_of_its_own(box: MaildirBox, driver: MailstoreDriver) -> None:
    for folder in (".Archive.2020", "Archive/2020", "Archive/2020/deep", "Archive.2020", ".Entw&APw-rfe"):
        for part in ("cur", "new", "tmp"):
            (box.root / folder / part).mkdir(parents=True)
        write(box.root / folder / "cur" / "17.M1.host:2,", mail())

    names = {"Archive.2020", "Archive/2020", "Archive/2020/deep", "./Archive.2020", "Entwürfe"}
    assert {record.locator.collection for record in records(driver)} == names


def test_a_maildir_without_a_folder_of_its_own_still_has_its_subfolders(tmp_path: Path) -> None:
    write(tmp_path / "jane" / "cur" / "17.M1.host:2,", mail())
    driver = MailstoreDriver(system_of({"url": f"maildir:{tmp_path}"}))
    assert [record.locator.collection for record in records(driver)] == ["jane"]


def test_names_of_odd_bytes_are_no_obstacle(box: MaildirBox, driver: MailstoreDriver) -> None:
    name = os.fsdecode(b"17.M1\xff\xfe.host:2,S")
    write(box.root / "cur" / name, mail())
    (record,) = records(driver)

    assert driver.change([deletion(driver, record)], REWRITER) == (Done(None),)
    assert list((box.root / "cur").iterdir()) == []


def test_links_are_never_followed_and_never_passed_over_in_silence(box: MaildirBox, driver: MailstoreDriver, tmp_path: Path) -> None:
    outside = write(tmp_path / "outside" / "cur" / "17.M1.host:2,", mail())
    (box.root / ".Linked").symlink_to(tmp_path / "outside")
    (box.root / "cur" / "18.M2.host:2,").symlink_to(outside)
    os.mkfifo(box.root / "cur" / "19.M3.host:2,")

    found = [answer for part in driver.slices(about()) if part.collection != "Linked" for answer in driver.find(about(), part)]

    assert [answer.code for answer in found if isinstance(answer, Gap)] == ["mail.not_a_file"] * 2
    assert {facts.name: bool(facts.reason) for facts in driver.describe()} == {"INBOX": False, "Sent": False, "Linked": True}
    with pytest.raises(DsrError):
        answers(driver, about())
    assert "mail.folder_unreadable" in {problem.code for problem in driver.check()}
    assert outside.exists()


def test_a_folder_on_a_disk_that_is_not_mounted_is_told_and_not_passed_over(box: MaildirBox, driver: MailstoreDriver, tmp_path: Path) -> None:
    (box.root / ".Archive").symlink_to(tmp_path / "not mounted")
    (tmp_path / "list").write_text("Sent")
    (box.root / "subscriptions").symlink_to(tmp_path / "list")

    assert {facts.name: bool(facts.reason) for facts in driver.describe()} == {"INBOX": False, "Sent": False, "Archive": True}
    with pytest.raises(DsrError):
        answers(driver, about())


def test_a_part_that_is_no_folder_is_an_error_not_silence(box: MaildirBox, driver: MailstoreDriver) -> None:
    (box.root / ".Sent" / "new").rmdir()
    (box.root / ".Sent" / "new").write_text("")

    with pytest.raises(DsrError):
        answers(driver, about())


def test_a_rewritten_mail_keeps_mode_time_and_flags_and_tells_its_size(box: MaildirBox, driver: MailstoreDriver) -> None:
    path = write(box.root / "cur" / f"17.M1.host,S={len(mail())},W=999:2,FS", mail())
    path.chmod(0o640)
    (record,) = records(driver)

    assert isinstance(driver.change([redaction(driver, record)], REWRITER)[0], Done)

    (after,) = (box.root / "cur").iterdir()
    facts = after.stat()
    assert after.name == f"17.M1.host_r1,S={facts.st_size}:2,FS"
    assert (facts.st_mode & 0o777, facts.st_mtime) == (0o640, DELIVERED.timestamp())
    assert list((box.root / "tmp").iterdir()) == []


def test_a_rewrite_that_was_killed_before_the_old_file_went_goes_on(
    box: MaildirBox, driver: MailstoreDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.deliver("INBOX", mail(), is_seen=True)
    change = redaction(driver, records(driver)[0])
    (foreseen,) = driver.foresee([change], REWRITER)

    class Killed(BaseException):
        """Ends the process, as far as the driver can tell."""

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("dsr_engine.drivers.mailstore.maildir.Maildir._unlink", die)
        with pytest.raises(Killed):
            driver.change([change], REWRITER)
    assert len(box.stored()["INBOX"]) == 2

    (seen,) = driver.observe([Watched(change.locator)])
    assert isinstance(seen, Present)
    assert driver.change([change], REWRITER) == (Done(foreseen.becomes),)
    assert len(box.stored()["INBOX"]) == 1
    (after,) = driver.observe([Watched(change.locator)])
    assert isinstance(after, Moved)
    assert after.state == foreseen.becomes


def test_a_rewrite_that_was_killed_while_writing_starts_over(box: MaildirBox, driver: MailstoreDriver) -> None:
    write(box.root / "cur" / "17.M1.host:2,S", mail())
    change = redaction(driver, records(driver)[0])
    write(box.root / "tmp" / "17.M1.host_r1", b"half a m")

    assert isinstance(driver.change([change], REWRITER)[0], Done)
    assert list((box.root / "tmp").iterdir()) == []
    assert len(list((box.root / "cur").iterdir())) == 1


def test_the_same_file_under_two_sets_of_flags_is_one_record_and_goes_as_one(box: MaildirBox, driver: MailstoreDriver) -> None:
    write(box.root / "new" / "17.M1.host", mail())
    write(box.root / "cur" / "17.M1.host:2,S", mail())
    write(box.root / "cur" / "17.M1.host:2,F", mail("ann@example.com"))

    (record,) = records(driver)

    assert driver.change([deletion(driver, record)], REWRITER) == (Done(None),)
    assert [stored.raw for stored in box.stored()["INBOX"]] == [mail("ann@example.com")]


def test_a_folder_that_may_not_be_written_is_a_fatal_problem(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody who may not write")
    with server_folder() as folder:
        box = MaildirBox(folder / "Maildir")
        box.deliver("INBOX", mail())
        driver = MailstoreDriver(box.system())
        change = deletion(driver, records(driver)[0])
        os.seteuid(65534)
        try:
            codes = {(problem.code, problem.is_fatal) for problem in driver.check() if not problem.is_note}
            with pytest.raises(NotAllowed):
                driver.change([change], REWRITER)
        finally:
            os.seteuid(0)
        assert codes == {("mail.read_only", True)}
        assert len(box.stored()["INBOX"]) == 1


def test_dovecot_shows_the_new_subject_of_a_mail_that_was_rewritten_on_disk(dovecot: DovecotServer) -> None:
    """The reason why a rewritten mail gets a new name: under the old one the server would answer from its index."""
    imap = DovecotBox(dovecot)
    imap.deliver("INBOX", letter("shop@example.com", "ann@example.com", f"about {JANE}", "hello", message_id="1@x", eol=b"\r\n"), is_seen=True)
    with imap.client() as client:
        client.select("INBOX")
        assert JANE.encode() in client.fetch("1", "(ENVELOPE)")[1][0]  # type: ignore[operator]  # bytes, for a mail that is there
    driver = MailstoreDriver(system_of({"url": f"maildir:{imap.root}"}))

    assert isinstance(driver.change([redaction(driver, records(driver)[0])], REWRITER)[0], Done)

    with imap.client() as client:
        client.select("INBOX")
        shown = client.fetch("1", "(ENVELOPE FLAGS)")[1][0]
    assert isinstance(shown, bytes)
    assert JANE.encode() not in shown
    assert b"about [redacted]" in shown
    assert b"\\Seen" in shown


def test_slices_hold_every_mail_once_whatever_comes_meanwhile(box: MaildirBox, driver: MailstoreDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsr_engine.drivers.mailstore.maildir._SLICE", 2)
    for number in range(7):
        box.deliver("INBOX", mail(subject=str(number)))
    parts = [part for part in driver.slices(about()) if part.collection == "INBOX"]
    box.deliver("INBOX", mail(subject="late"))

    looked = [answer.count for part in parts for answer in driver.find(about(), part) if isinstance(answer, Looked)]

    assert len(parts) == 4
    assert sum(looked) == 8


NAMES = st.text(st.characters(exclude_characters="/,:\0", codec="utf-8"), min_size=1, max_size=30)


@given(NAMES, st.integers(0, 5))
@settings(deadline=None)
def test_a_successor_is_recognised_however_often_a_mail_was_rewritten(unique: str, times: int) -> None:
    names = [unique]
    for _ in range(times):
        made = next_name(names, names[-1])
        assert made not in names
        names.append(made)

    assert successors(names, unique) == names[1:]
    assert lineage(names[-1])[0] == lineage(unique)[0]


@given(st.sampled_from(["", ",S=1", ",S=1,W=2", ",W=2", ",X=3,S=1"]), st.integers(0, 10**9))
def test_size_fields_are_right_or_left_out(fields: str, size: int) -> None:
    after = fields_for(fields, size)
    assert "W=" not in after
    assert ("S=" in fields) == (f"S={size}" in after.split(","))
    assert not after or after.startswith(",")


def test_the_person_is_gone_from_disk_after_a_redaction(box: MaildirBox, driver: MailstoreDriver) -> None:
    box.deliver("INBOX", mail(), is_seen=True)
    (record,) = records(driver)
    driver.change([redaction(driver, record)], REWRITER)

    assert hits(record)
    assert not [path for path in box.root.rglob("*") if path.is_file() and JANE.encode() in path.read_bytes()]
