"""What is particular to mbox: where mails begin, flags inside the file, locks, and that everything else stays byte for byte."""

import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.mail import mbox_spans
from dsr_engine.content.mail.mbox_spans import Envelope, spans
from dsr_engine.domain.errors import DsrError, Unreachable
from dsr_engine.drivers.driver import Done, Failed, Moved, Present, Watched
from dsr_engine.drivers.mailstore import mbox_rewrite
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from dsr_engine.drivers.mailstore.mbox import Mbox
from dsr_engine.drivers.mailstore.mbox_file import StateSink
from dsr_engine.drivers.mailstore.mbox_lock import _processes
from dsr_engine.drivers.mailstore.store import Mail, Order
from tests.drivers.mailstore_boxes import system_of
from tests.drivers.test_mailstore_driver import JANE, REWRITER, about, answers, deletion, records, redaction

LINE = b"From shop@example.com Thu Mar  4 05:06:07 2021\n"
JANES = LINE + f"From: {JANE}\nMessage-ID: <1@x>\nStatus: O\n\nhello\n\n".encode()
OTHER = LINE + b"From: ann@example.com\nStatus: RO\n\n>From the shop\nFrom me to you\n\n\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "archive.mbox"
    path.write_bytes(OTHER + JANES + OTHER)
    return path


@pytest.fixture
def driver(path: Path) -> Iterator[MailstoreDriver]:
    made = MailstoreDriver(system_of({"url": f"mbox:{path}"}))
    yield made
    made.close()


def starts(data: bytes) -> list[int]:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        return [span.start for span in spans(file.fileno(), len(data))]


def test_a_single_file_is_one_folder_named_like_it(driver: MailstoreDriver) -> None:
    assert [facts.name for facts in driver.describe()] == ["archive.mbox"]
    assert [record.locator.collection for record in records(driver)] == ["archive.mbox"]


def test_removing_one_mail_leaves_every_other_byte(path: Path, driver: MailstoreDriver) -> None:
    path.chmod(0o640)
    os.utime(path, (1000, 2000))

    assert driver.change([deletion(driver, records(driver)[0])], REWRITER) == (Done(None),)

    assert path.read_bytes() == OTHER + OTHER
    assert (path.stat().st_mode & 0o777, path.stat().st_mtime) == (0o640, 2000)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_redacting_one_mail_leaves_every_other_byte(path: Path, driver: MailstoreDriver) -> None:
    assert isinstance(driver.change([redaction(driver, records(driver)[0])], REWRITER)[0], Done)

    assert path.read_bytes() == OTHER + JANES.replace(JANE.encode(), b"[redacted]") + OTHER


def test_flags_that_a_program_writes_into_the_file_are_no_change_of_the_mail(path: Path, driver: MailstoreDriver) -> None:
    (record,) = records(driver)
    change = deletion(driver, record)

    path.write_bytes(OTHER + JANES.replace(b"Status: O\n", b"Status: RO\nX-Status: A\nX-UID: 17\nX-Keywords:      \n") + OTHER)

    (seen,) = driver.observe([Watched(record.locator)])
    assert isinstance(seen, Present)
    assert driver.change([change], REWRITER) == (Done(None),)
    assert path.read_bytes() == OTHER + OTHER


def test_a_mail_keeps_its_name_when_those_before_it_go(path: Path, driver: MailstoreDriver) -> None:
    (record,) = records(driver)
    path.write_bytes(JANES)
    (seen,) = driver.observe([Watched(record.locator)])
    assert isinstance(seen, Present)


def test_line_ends_of_windows_are_kept(path: Path, driver: MailstoreDriver) -> None:
    path.write_bytes((OTHER + JANES + OTHER).replace(b"\n", b"\r\n"))
    (record,) = records(driver)

    assert isinstance(driver.change([redaction(driver, record)], REWRITER)[0], Done)

    assert path.read_bytes() == (OTHER + JANES.replace(JANE.encode(), b"[redacted]") + OTHER).replace(b"\n", b"\r\n")


def test_a_last_mail_without_a_line_end_is_read_and_rewritten(path: Path, driver: MailstoreDriver) -> None:
    path.write_bytes(OTHER + JANES.rstrip(b"\n"))
    change = redaction(driver, records(driver)[0])
    (foreseen,) = driver.foresee([change], REWRITER)

    assert driver.change([change], REWRITER) == (Done(foreseen.becomes),)
    (seen,) = driver.observe([Watched(change.locator)])
    assert isinstance(seen, Moved)
    assert seen.state == foreseen.becomes
    assert path.read_bytes().startswith(OTHER)


@pytest.mark.parametrize(
    ("line", "is_start"),
    [
        (b"From jane@example.com Thu Mar  4 05:06:07 2021\n", True),
        (b"From jane@example.com  Thu Mar 14 05:06 2021\n", True),
        (b"From MAILER-DAEMON Thu Mar  4 05:06:07 +0100 2021\r\n", True),
        (b"From 1234567@xxx Thu Mar 04 05:06:07 +0000 2021\n", True),
        (b"From Jane Roe Thu Mar  4 05:06:07 CET 2021 remote from host\n", True),
        (b"From Thu Mar  4 05:06:07 2021\n", True),
        (b"From me to you\n", False),
        (b">From jane@example.com Thu Mar  4 05:06:07 2021\n", False),
        (b"From: jane@example.com Thu Mar  4 05:06:07 2021\n", False),
        (b" From jane@example.com Thu Mar  4 05:06:07 2021\n", False),
    ],
)
def test_a_mail_begins_at_a_whole_envelope_line(line: bytes, is_start: bool) -> None:
    before = LINE + b"Subject: x\n\nbody\n"
    assert starts(before + line + b"Subject: y\n\nbody\n") == ([0, len(before)] if is_start else [0])


def test_a_file_that_is_no_mbox_is_an_error_not_an_empty_folder(path: Path, driver: MailstoreDriver) -> None:
    path.write_bytes(b"just a text\n" + JANES)

    assert [facts.is_searchable for facts in driver.describe()] == [False]
    with pytest.raises(DsrError):
        answers(driver, about())


def test_an_mbox_that_another_program_holds_is_left_alone(path: Path, driver: MailstoreDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsr_engine.drivers.mailstore.mbox_lock._TRIES", 2)
    change = deletion(driver, records(driver)[0])
    lock = path.with_name(path.name + ".lock")
    lock.write_text("4711")
    before = path.read_bytes()

    with pytest.raises(Unreachable) as caught:
        driver.change([change], REWRITER)

    assert caught.value.code == "mail.locked"
    assert lock.exists()
    assert path.read_bytes() == before


def test_an_fcntl_lock_of_another_process_is_respected(path: Path, driver: MailstoreDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsr_engine.drivers.mailstore.mbox_lock._TRIES", 2)
    change = deletion(driver, records(driver)[0])
    code = "import fcntl,sys; f=open(sys.argv[1],'r+b'); fcntl.lockf(f,fcntl.LOCK_EX); print('held',flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(Unreachable):
            driver.change([change], REWRITER)
        holder.communicate(b"")

    assert not path.with_name(path.name + ".lock").exists()
    assert driver.change([change], REWRITER) == (Done(None),)


def test_a_lock_and_a_draft_that_a_killed_run_left_are_no_obstacle(path: Path, driver: MailstoreDriver) -> None:
    change = deletion(driver, records(driver)[0])
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        dead.wait()
    path.with_name(path.name + ".lock").write_text(f"dsr {os.uname().nodename} {dead.pid} {_processes()}\n")
    path.with_name(path.name + ".dsr-draft").write_bytes(OTHER + JANES)

    assert len(records(driver)) == 2
    assert driver.change([change], REWRITER) == (Done(None),)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_file_with_a_second_name_is_refused(path: Path, driver: MailstoreDriver) -> None:
    change = deletion(driver, records(driver)[0])
    os.link(path, path.with_name("second"))

    assert [type(outcome) for outcome in driver.change([change], REWRITER)] == [Failed]
    assert path.read_bytes() == OTHER + JANES + OTHER
    assert "mail.hard_link" in {problem.code for problem in driver.check()}


def test_a_draft_is_put_in_place_only_if_the_file_is_still_what_was_read(
    path: Path, driver: MailstoreDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = deletion(driver, records(driver)[0])
    write_new = mbox_rewrite._write_new

    def meanwhile(*arguments: Any) -> None:
        write_new(*arguments)
        with path.open("ab") as file:
            file.write(OTHER)

    monkeypatch.setattr("dsr_engine.drivers.mailstore.mbox_rewrite._write_new", meanwhile)

    assert not isinstance(driver.change([change], REWRITER)[0], Done)
    assert path.read_bytes() == OTHER + JANES + OTHER + OTHER
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_links_in_a_folder_of_mboxes_are_not_followed_and_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(JANES)
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "INBOX").write_bytes(OTHER)
    (tmp_path / "mail" / "linked").symlink_to(tmp_path / "outside")
    driver = MailstoreDriver(system_of({"url": f"mbox:{tmp_path / 'mail'}"}))

    assert {facts.name: facts.is_searchable for facts in driver.describe()} == {"INBOX": True, "linked": False}
    with pytest.raises(DsrError):
        answers(driver, about())


BODY_LINES = st.lists(
    st.one_of(st.sampled_from([b"", b"From me to you", b">From x", b"hello", b"\xff\x00\xfe", b"Status: RO", b"-- "]), st.binary(max_size=40)),
    max_size=8,
)


@st.composite
def mboxes(draw: st.DrawFn) -> list[bytes]:
    """Mails as they stand in a file, each with its envelope line."""
    eol = draw(st.sampled_from([b"\n", b"\r\n"]))
    mails = []
    for number in range(draw(st.integers(1, 6))):
        lines = [b"From a@x Thu Mar  4 05:06:07 2021", b"Subject: %d" % number, *draw(BODY_LINES)]
        text = eol.join(lines) + eol
        mails.append(text + (eol if draw(st.booleans()) else b""))
    return mails


@given(mboxes(), st.integers(1, 60))
@settings(deadline=None, max_examples=60)
def test_mails_are_found_where_they_begin_however_the_file_is_cut_into_blocks(mails: list[bytes], extra: int) -> None:
    data = b"".join(mails)
    expected = [sum(map(len, mails[:index])) for index in range(len(mails))]
    whole = mbox_spans._BLOCK
    try:
        mbox_spans._BLOCK = mbox_spans._LINE + extra
        assert starts(data) == expected
    finally:
        mbox_spans._BLOCK = whole
    assert starts(data) == expected


@given(mboxes(), st.data())
@settings(deadline=None, max_examples=40)
def test_removing_any_mails_leaves_the_others_byte_for_byte(mails: list[bytes], data: st.DataObject) -> None:
    going = data.draw(st.sets(st.integers(0, len(mails) - 1)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "box"
        path.write_bytes(b"".join(mails))
        store = Mbox(path)
        sightings = [mail.sight() for mail in store.mails("box", ("whole",)) if isinstance(mail, Mail)]

        outcomes = store.change("box", [Order(sightings[index].key, sightings[index].state) for index in sorted(going)])

        assert outcomes == (Done(None),) * len(going)
        assert path.read_bytes() == b"".join(mail for index, mail in enumerate(mails) if index not in going)


@given(st.binary(max_size=400), st.lists(st.integers(1, 50), min_size=1))
@settings(deadline=None)
def test_the_state_of_a_mail_does_not_depend_on_how_it_is_read(content: bytes, sizes: list[int]) -> None:
    envelope = Envelope(b"a@x", b" ", b"Thu Mar  4 05:06:07 2021", None, b"\n")
    whole = StateSink(envelope)
    whole.write(content)
    pieces = StateSink(envelope)
    source = io.BytesIO(content)
    index = 0
    while piece := source.read(sizes[index % len(sizes)]):
        pieces.write(piece)
        index += 1
    assert whole.state() == pieces.state()


@given(st.binary(max_size=60), st.sampled_from([b"Status: RO", b"X-Status: A", b"X-UID: 4", b"content-length: 9"]))
@settings(deadline=None)
def test_only_flag_headers_are_left_out_of_the_state(body: bytes, flag: bytes) -> None:
    def state(content: bytes) -> bytes:
        sink = StateSink(Envelope(b"a@x", b" ", b"Thu Mar  4 05:06:07 2021", None, b"\n"))
        sink.write(content)
        return sink.state()

    plain = b"Subject: x\n\n" + body
    assert state(b"Subject: x\n" + flag + b"\n\n" + body) == state(plain)
    assert state(b"Subject: y\n\n" + body) != state(plain)
    assert state(b"Subject: x\n\n" + flag + b"\n" + body) != state(plain) or flag + b"\n" + body == body
