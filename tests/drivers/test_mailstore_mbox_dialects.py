"""The dialects of mbox, and deliveries that come while a file is read or rewritten: no mail is lost, split or swallowed."""

import fcntl
import mailbox
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.mail.mbox_spans import spans
from dsr_engine.domain.errors import Unreachable
from dsr_engine.domain.record import Gap
from dsr_engine.drivers.driver import Done
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from dsr_engine.drivers.mailstore.mbox import Mbox
from dsr_engine.drivers.mailstore.store import Mail, Order
from tests.drivers.mailstore_boxes import system_of
from tests.drivers.test_mailstore_driver import JANE, REWRITER, about, answers, deletion, records, redaction
from tests.drivers.test_mailstore_stores import Swap

LINE = b"From shop@example.com Thu Mar  4 05:06:07 2021\n"
#: A text in which a line looks like the beginning of a mail, as mboxcl2 leaves it.
QUOTING = b"see below\nFrom bob@example.com Thu Mar  4 05:06:07 2021\nSubject: old\n\nZGVhcg==\n"


def told(body: bytes, sender: str = "ann@example.com", length: int | None = None) -> bytes:
    """A mail of the dialects that tell lengths, with its envelope line."""
    head = f"From: {sender}\nTo: shop@example.com\nContent-Length: {len(body) if length is None else length}\nStatus: RO\n\n"
    return LINE + head.encode() + body + b"\n"


def untold(body: bytes, sender: str = "ann@example.com") -> bytes:
    return LINE + f"From: {sender}\nTo: shop@example.com\n\n".encode() + body + b"\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "archive.mbox"


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


def offsets(mails: list[bytes]) -> list[int]:
    return [sum(map(len, mails[:index])) for index in range(len(mails))]


def test_lengths_are_believed_where_every_mail_tells_one_that_fits() -> None:
    mails = [told(b"hello\n"), told(QUOTING), told(b"bye\n")]
    assert starts(b"".join(mails)) == offsets(mails)


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_lengths_count_in_the_line_ends_of_the_file(newline: bytes) -> None:
    body = QUOTING.replace(b"\n", newline)
    one = LINE.replace(b"\n", newline) + b"From: a@x%sContent-Length: %d%s" % (newline, len(body), newline * 2) + body + newline
    assert starts(one + one) == [0, len(one)]


def test_one_mail_that_tells_nothing_makes_every_line_count() -> None:
    """Else a sender who writes a length into his mail would make the next ones a part of it."""
    swallowed = untold(b"two\n")
    swallowing = told(b"hello\n", length=len(b"hello\n\n") + len(swallowed) - 1)
    mails = [swallowing, swallowed, untold(b"bye\n"), told(b"last\n")]
    assert starts(b"".join(mails)) == offsets(mails)


def test_a_mail_that_claims_the_next_one_is_told_of(path: Path, driver: MailstoreDriver) -> None:
    jane = untold(b"dear shop\n", JANE)
    path.write_bytes(told(b"hello\n", length=len(b"hello\n\n") + len(jane) - 1) + jane + untold(b"bye\n"))

    found = answers(driver, about())

    assert [answer.code for answer in found if isinstance(answer, Gap)] == ["mbox.lengths"]
    assert len(records(driver)) == 1


def test_a_length_that_ends_nowhere_is_a_header_like_any_other(path: Path, driver: MailstoreDriver) -> None:
    mails = [told(b"hello\n", length=999), told(b"dear shop\n", JANE, length=3), told(b"bye\n", length=0)]
    path.write_bytes(b"".join(mails))
    assert starts(b"".join(mails)) == offsets(mails)

    assert isinstance(driver.change([redaction(driver, records(driver)[0])], REWRITER)[0], Done)

    assert path.read_bytes() == b"".join(mails).replace(JANE.encode(), b"[redacted]")


def test_the_length_is_right_after_a_redaction_and_others_stay(path: Path, driver: MailstoreDriver) -> None:
    body = f"dear {JANE}\n".encode() + QUOTING
    mails = [told(QUOTING), told(body), told(b"bye\n")]
    path.write_bytes(b"".join(mails))
    (record,) = records(driver)
    change = redaction(driver, record)
    (foreseen,) = driver.foresee([change], REWRITER)

    assert driver.change([change], REWRITER) == (Done(foreseen.becomes),)

    assert path.read_bytes() == mails[0] + told(body.replace(JANE.encode(), b"[redacted]")) + mails[2]
    assert records(driver) == []


def test_a_mail_of_thunderbird_keeps_its_marks_and_is_the_same_when_they_change(path: Path, driver: MailstoreDriver) -> None:
    marks = b"X-Mozilla-Status: 0001\nX-Mozilla-Status2: 00000000\nX-Mozilla-Keys:                 \n"
    path.write_bytes(b"From - Thu Mar  4 05:06:07 2021\n" + marks + f"From: {JANE}\nMessage-ID: <1@x>\n\nhello\n\n".encode())
    change = redaction(driver, records(driver)[0])
    path.write_bytes(path.read_bytes().replace(b"Status: 0001", b"Status: 0009"))

    assert isinstance(driver.change([change], REWRITER)[0], Done)

    assert b"X-Mozilla-Status: 0009\nX-Mozilla-Status2: 00000000\nX-Mozilla-Keys:                 \n" in path.read_bytes()


def test_a_profile_of_thunderbird_is_a_tree_of_folders_without_its_indexes(tmp_path: Path) -> None:
    for name in ("Inbox", "Inbox.sbd/Projects", "Trash"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(untold(b"hello\n", JANE))
        (tmp_path / f"{name}.msf").write_bytes(b'// <!-- <mdb:mork:z v="1.4"/> -->')
    driver = MailstoreDriver(system_of({"url": f"mbox:{tmp_path}"}))

    assert {record.locator.collection for record in records(driver)} == {"Inbox", "Inbox.sbd/Projects", "Trash"}
    driver.close()


def test_an_mbox_is_searched_whatever_it_is_called(tmp_path: Path) -> None:
    for name in ("newsletter subscriptions", "subscriptions", "old.lock", "old.msf"):
        (tmp_path / name).write_bytes(untold(b"hello\n", JANE))
    for name, content in ((".mailboxlist", b"old\n"), (".subscriptions", b"old\n"), ("new.lock", b"17\n"), ("empty.lock", b"")):
        (tmp_path / name).write_bytes(content)
    driver = MailstoreDriver(system_of({"url": f"mbox:{tmp_path}"}))

    assert {record.locator.collection for record in records(driver)} == {"newsletter subscriptions", "subscriptions", "old.lock", "old.msf"}
    assert len(driver.describe()) == 4
    driver.close()


@pytest.mark.parametrize(
    ("start", "word"), [(b"\x1f\x8b\x08\0", "compressed"), (b"\1\1\1\1\nFrom: a@x\n", "MMDF"), (b"BABYL OPTIONS: -*-", "Babyl"), (b"!BDN", "Outlook")]
)
def test_a_mailbox_of_another_kind_is_refused_with_where_it_is_searched(tmp_path: Path, start: bytes, word: str) -> None:
    (tmp_path / "old").write_bytes(start)
    (facts,) = MailstoreDriver(system_of({"url": f"mbox:{tmp_path}"})).describe()
    assert not facts.is_searchable
    assert word in facts.reason


# --- Deliveries in between -----------------------------------------------------------------------------------------------------------


def test_a_mail_that_comes_while_the_file_is_read_is_left_for_the_next_search(path: Path) -> None:
    path.write_bytes(untold(b"one\n") + untold(b"two\n"))
    found = []
    for mail in Mbox(path).mails(path.name, ("whole",)):
        assert isinstance(mail, Mail)
        with path.open("ab") as file:
            file.write(untold(b"late\n"))
        with mail.open() as content:
            found.append(content.read().rpartition(b"\n\n")[2])
    assert found == [b"one\n", b"two\n"]


def test_mails_of_a_file_that_was_replaced_are_never_read_from_another(path: Path) -> None:
    path.write_bytes(untold(b"one\n") + untold(b"two\n"))
    mails = Mbox(path).mails(path.name, ("whole",))
    first = next(mails)
    assert isinstance(first, Mail)
    (path.parent / "new").write_bytes(untold(b"other\n") * 5)
    (path.parent / "new").replace(path)

    with pytest.raises(Unreachable):
        first.open()


_APPENDS = textwrap.dedent(
    """
    import fcntl, sys, time
    file = open(sys.argv[1], "ab")
    print("open", flush=True)
    sys.stdin.readline()
    take = fcntl.lockf if sys.argv[2] == "fcntl" else fcntl.flock
    take(file, fcntl.LOCK_EX)
    time.sleep(float(sys.argv[3]))
    file.write(sys.argv[4].encode())
    file.close()
    """
)


@pytest.mark.parametrize("kind", ["fcntl", "flock"])
@pytest.mark.parametrize("pause", ["0", "0.4"])
def test_a_delivery_that_waited_for_the_old_file_is_not_lost(
    path: Path, driver: MailstoreDriver, monkeypatch: pytest.MonkeyPatch, kind: str, pause: str
) -> None:
    """A program without a dot-lock that opened the file before, and appends to it when we let go."""
    path.write_bytes(untold(b"one\n") + untold(b"two\n", JANE))
    change = deletion(driver, records(driver)[0])
    late = untold(b"late\n", "zoe@example.com")
    with subprocess.Popen(
        [sys.executable, "-c", _APPENDS, str(path), kind, pause, late.decode()], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == b"open\n"
        replace = Path.replace

        def replaced(draft: Path, target: Path) -> Any:
            assert other.stdin is not None
            other.stdin.write(b"go\n")
            other.stdin.flush()
            time.sleep(0.1)
            return replace(draft, target)

        monkeypatch.setattr(Path, "replace", replaced)
        assert driver.change([change], REWRITER) == (Done(None),)

    assert path.read_bytes() == untold(b"one\n") + late
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_flock_of_another_process_is_respected(path: Path, driver: MailstoreDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsr_engine.drivers.mailstore.mbox_lock._TRIES", 2)
    path.write_bytes(untold(b"one\n", JANE))
    change = deletion(driver, records(driver)[0])
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(Unreachable) as caught:
            driver.change([change], REWRITER)
    assert caught.value.code == "mail.locked"
    assert driver.change([change], REWRITER) == (Done(None),)


def test_a_lock_of_a_container_of_the_same_name_is_not_broken(path: Path, driver: MailstoreDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsr_engine.drivers.mailstore.mbox_lock._TRIES", 2)
    path.write_bytes(untold(b"one\n", JANE))
    change = deletion(driver, records(driver)[0])
    lock = path.with_name(path.name + ".lock")
    lock.write_text(f"dsr {os.uname().nodename} 4194303 pid:[1]/other\n")

    with pytest.raises(Unreachable):
        driver.change([change], REWRITER)

    assert lock.exists()


_KILLED = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from dsr_engine.drivers.mailstore.mbox import Mbox
    from dsr_engine.drivers.mailstore.store import Order
    from tests.drivers.test_mailstore_stores import Swap
    path = Path(sys.argv[1])
    store = Mbox(path)
    seen = [mail.sight() for mail in store.mails(path.name, ("whole",))]
    print("ready", flush=True)
    for one in seen:
        store.change(path.name, [Order(one.key, one.state, Swap(b"jane", b"[redacted]"))])
    """
)


def test_killed_at_any_moment_the_file_is_whole_and_the_next_run_goes_on(path: Path) -> None:
    mails = [told(b"dear jane\n" + b"x" * 3000 + b"%d\n" % number) for number in range(200)]
    path.write_bytes(b"".join(mails))
    done = []
    for wait in (0.0, 0.03, 0.1):
        with subprocess.Popen([sys.executable, "-c", _KILLED, str(path)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
        found = mailbox.mbox(path, create=False)
        bodies = [one.get_payload() for one in found]
        found.close()
        assert len(bodies) == len(mails)
        done.append(sum("[redacted]" in body for body in bodies))
    assert done[0] < len(mails)

    store = Mbox(path)
    seen = [mail.sight() for mail in store.mails(path.name, ("whole",)) if isinstance(mail, Mail)]
    assert all(isinstance(got, Done) for got in store.change(path.name, [Order(one.key, one.state, Swap(b"jane", b"[redacted]")) for one in seen]))
    assert path.read_bytes() == b"".join(told(mail.partition(b"\n\n")[2][:-1].replace(b"jane", b"[redacted]")) for mail in mails)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


BODIES = st.lists(
    st.sampled_from(
        [b"hello", b"From me", b"From b@x Thu Mar  4 05:06:07 2021", b">From b@x Thu Mar  4 05:06:07 2021", b"", b"Content-Length: 3", b"jane"]
    ),
    max_size=6,
).map(lambda lines: b"".join(line + b"\n" for line in lines))


@given(st.lists(BODIES, min_size=1, max_size=5), st.data())
@settings(deadline=None, max_examples=60)
def test_mails_that_tell_their_lengths_are_never_cut_in_two(bodies: list[bytes], data: st.DataObject) -> None:
    mails = [told(body) for body in bodies]
    assert starts(b"".join(mails)) == offsets(mails)

    going = data.draw(st.integers(0, len(mails) - 1))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "box"
        path.write_bytes(b"".join(mails))
        store = Mbox(path)
        seen = [mail.sight() for mail in store.mails("box", ("whole",)) if isinstance(mail, Mail)]
        (outcome,) = store.change("box", [Order(seen[going].key, seen[going].state, Swap(b"jane", b"[redacted]"))])
        assert isinstance(outcome, Done)
        changed = told(bodies[going].replace(b"jane", b"[redacted]"))
        assert path.read_bytes() == b"".join([*mails[:going], changed, *mails[going + 1 :]])


@given(st.lists(BODIES, min_size=1, max_size=5), st.data())
@settings(deadline=None, max_examples=40)
def test_what_pythons_mailbox_wrote_is_split_as_python_splits_it(bodies: list[bytes], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "box"
        theirs = mailbox.mbox(path)
        for number, body in enumerate(bodies):
            theirs.add(b"From: a%d@x\nSubject: s\n\n" % number + body)
        theirs.close()
        going = data.draw(st.integers(0, len(bodies) - 1))
        before = _listed(path)
        store = Mbox(path)
        seen = [mail.sight() for mail in store.mails("box", ("whole",)) if isinstance(mail, Mail)]
        assert len(seen) == len(bodies)

        assert store.change("box", [Order(seen[going].key, seen[going].state)]) == (Done(None),)

        assert _listed(path) == [*before[:going], *before[going + 1 :]]


def _listed(path: Path) -> list[bytes]:
    box = mailbox.mbox(path, create=False)
    try:
        return [box.get_bytes(key, from_=True) for key in box.keys()]  # noqa: SIM118  # no mapping: iterating it gives mails
    finally:
        box.close()
