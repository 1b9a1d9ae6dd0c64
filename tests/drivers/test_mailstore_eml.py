"""What is particular to folders of mails as files: kinds of files, names, dates, and what a killed rewrite leaves."""

import gzip
import mailbox
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.domain.errors import DsrError, ManifestWrong
from dsr_engine.domain.record import Gap
from dsr_engine.drivers.driver import Done, Drifted, Failed, Looked, Present, Watched
from dsr_engine.drivers.mailstore import eml
from dsr_engine.drivers.mailstore.driver import FILE_NAME, MailstoreDriver
from dsr_engine.drivers.mailstore.eml import Eml
from dsr_engine.drivers.mailstore.store import Mail, Order
from tests.content.outlook_files import compound, message
from tests.drivers.mailstore_boxes import DELIVERED, EmlBox, letter, system_of
from tests.drivers.test_mailstore_driver import JANE, REWRITER, about, answers, deletion, hits, records, redaction
from tests.drivers.test_mailstore_stores import Swap


@pytest.fixture
def box(tmp_path: Path) -> EmlBox:
    return EmlBox(tmp_path / "exported")


def mail(sender: str = JANE, subject: str = "hi", body: str = "hello") -> bytes:
    return letter(sender, "shop@example.com", subject, body, message_id="1@x")


def write(path: Path, raw: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    os.utime(path, (DELIVERED.timestamp(), DELIVERED.timestamp()))
    return path


def facts(path: Path) -> tuple[bytes, int, int, int]:
    found = path.stat()
    return path.read_bytes(), found.st_mtime_ns, found.st_ino, found.st_mode


def test_a_redaction_keeps_name_mode_and_time_and_no_other_file_is_touched(box: EmlBox, driver: MailstoreDriver) -> None:
    path = write(box.root / "INBOX" / "first.eml", mail())
    path.chmod(0o640)
    others = [write(box.root / "INBOX" / name, mail("ann@example.com")) for name in ("second.eml", "notes.txt")]
    before = [facts(other) for other in others]
    (record,) = records(driver)
    change = redaction(driver, record)
    (foreseen,) = driver.foresee([change], REWRITER)

    assert driver.change([change], REWRITER) == (Done(foreseen.becomes),)

    assert path.read_bytes() == mail().replace(JANE.encode(), b"[redacted]")
    assert (path.stat().st_mtime, path.stat().st_mode & 0o777) == (DELIVERED.timestamp(), 0o640)
    assert [facts(other) for other in others] == before
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["first.eml", "notes.txt", "second.eml"]
    (seen,) = driver.observe([Watched(record.locator)])
    assert isinstance(seen, Present)
    assert seen.state == foreseen.becomes


def test_every_folder_has_a_name_and_the_topmost_is_a_dot(box: EmlBox, driver: MailstoreDriver) -> None:
    for name in ("a.eml", "2020/b.eml", "2020/May/c.eml"):
        write(box.root / name, mail())

    assert {record.locator.collection for record in records(driver)} == {".", "2020", "2020/May"}
    assert {found.name for found in driver.describe()} == {".", "2020", "2020/May", "INBOX", "Sent"}


def test_the_date_of_a_mail_is_that_of_its_file(box: EmlBox, driver: MailstoreDriver) -> None:
    write(box.root / "a.eml", b"Date: Thu, 1 Jan 1970 00:00:00 +0000\n" + mail())
    assert [record.created for record in records(driver)] == [DELIVERED]


FILES = {
    "an .eml without a known header": ("a.eml", b"X-Odd: 1\nContent-Transfer-Encoding: base64\n\n" + b"ZGVhciBqYW5lLnJvZUBleGFtcGxlLm9yZw==\n"),
    "an .eml with binary in front": ("a.eml", b"\x01\x02 odd\n\n" + JANE.encode()),
    "a mail of MH": ("17", b"X-Odd: 1\nContent-Transfer-Encoding: base64\n\n" + b"ZGVhciBqYW5lLnJvZUBleGFtcGxlLm9yZw==\n"),
    "a mail without an ending": ("mail", mail()),
    "a text": ("notes.txt", f"call {JANE}\n".encode()),
    "an mbox": ("old", b"From a@x Thu Jan  1 00:00:00 2026\n" + mail()),
    "an mbox that is called .eml": (
        "old.eml",
        b"From a@x Thu Jan  1 00:00:00 2026\n" + mail("a@x") + b"\nFrom b@x Thu Jan  1 00:00:00 2026\n" + mail(),
    ),
    "a compressed mail": ("a.eml.gz", gzip.compress(mail())),
    "an Outlook message": ("a.msg", compound(message({0x37: "hi", 0x1000: f"dear {JANE}"}))),
}


@pytest.mark.parametrize("kind", FILES)
def test_the_person_is_found_in_files_of_every_kind(box: EmlBox, driver: MailstoreDriver, kind: str) -> None:
    name, raw = FILES[kind]
    write(box.root / "INBOX" / name, raw)
    write(box.root / "INBOX" / "z.eml", mail("ann@example.com"))

    (record,) = records(driver)

    assert hits(record)
    assert record.locator.key == (name,)


@pytest.mark.parametrize("kind", [kind for kind in FILES if kind != "an Outlook message"])
def test_files_of_every_kind_are_redacted_where_their_format_allows_it(box: EmlBox, driver: MailstoreDriver, kind: str) -> None:
    name, raw = FILES[kind]
    path = write(box.root / "INBOX" / name, raw)

    assert [type(outcome) for outcome in driver.change([redaction(driver, records(driver)[0])], REWRITER)] == [Done]

    assert not [record for record in records(driver) if hits(record)]
    assert path.stat().st_mtime == DELIVERED.timestamp()


def test_an_mh_folder_is_searched_and_stays_one(box: EmlBox, driver: MailstoreDriver) -> None:
    (box.root / "INBOX" / ".mh_sequences").touch()
    theirs = mailbox.MH(box.root / "INBOX")
    for sender in ("ann@example.com", JANE, "zoe@example.com"):
        theirs.add(mail(sender))
    theirs.set_sequences({"unseen": [2, 3]})

    assert isinstance(driver.change([redaction(driver, records(driver)[0])], REWRITER)[0], Done)

    assert theirs.get_sequences() == {"unseen": [2, 3]}
    assert [theirs[key]["From"] for key in sorted(theirs.keys())] == ["ann@example.com", "[redacted]", "zoe@example.com"]


def test_an_outlook_message_is_never_rewritten(box: EmlBox, driver: MailstoreDriver) -> None:
    name, raw = FILES["an Outlook message"]
    path = write(box.root / "INBOX" / name, raw)
    change = redaction(driver, records(driver)[0])
    (foreseen,) = driver.foresee([change], REWRITER)

    assert foreseen.refusal is not None
    assert [type(outcome) for outcome in driver.change([change], REWRITER)] == [Failed]
    assert path.read_bytes() == raw


def test_a_name_of_a_file_that_holds_the_person_is_found_and_refused(box: EmlBox, driver: MailstoreDriver) -> None:
    path = write(box.root / "INBOX" / f"RE offer for {JANE}.eml", mail("ann@example.com"))
    (record,) = records(driver)

    assert hits(record) == {FILE_NAME}
    (foreseen,) = driver.foresee([redaction(driver, record)], REWRITER)
    assert foreseen.refusal is not None
    assert foreseen.refusal.code == "mail.file_name"
    assert path.exists()
    assert driver.change([deletion(driver, record)], REWRITER) == (Done(None),)
    assert not path.exists()


def test_links_and_devices_are_never_followed_and_never_passed_over_in_silence(box: EmlBox, driver: MailstoreDriver, tmp_path: Path) -> None:
    outside = write(tmp_path / "outside" / "a.eml", mail())
    (box.root / "INBOX" / "linked.eml").symlink_to(outside)
    (box.root / "INBOX" / "folder").symlink_to(outside.parent)
    os.mkfifo(box.root / "INBOX" / "pipe.eml")
    write(box.root / "INBOX" / os.fsdecode(b"\xff.eml"), mail())

    found = answers(driver, about())

    assert sorted(answer.code for answer in found if isinstance(answer, Gap)) == ["mail.file_name"] + ["mail.not_a_file"] * 3
    assert not [answer for answer in found if not isinstance(answer, Gap | Looked)]
    assert outside.read_bytes() == mail()


def test_a_folder_that_a_link_took_the_place_of_is_not_written_through(box: EmlBox, driver: MailstoreDriver, tmp_path: Path) -> None:
    write(box.root / "INBOX" / "a.eml", mail())
    change = deletion(driver, records(driver)[0])
    outside = write(tmp_path / "outside" / "a.eml", mail())
    (box.root / "INBOX" / "a.eml").unlink()
    (box.root / "INBOX").rmdir()
    (box.root / "INBOX").symlink_to(outside.parent)

    with pytest.raises(DsrError):
        driver.change([change], REWRITER)

    assert outside.read_bytes() == mail()


def test_a_second_name_of_a_file_stops_a_rewrite_and_no_deletion(box: EmlBox, driver: MailstoreDriver, tmp_path: Path) -> None:
    path = write(box.root / "INBOX" / "a.eml", mail())
    (tmp_path / "second").hardlink_to(path)
    (record,) = records(driver)

    (outcome,) = driver.change([redaction(driver, record)], REWRITER)

    assert isinstance(outcome, Failed)
    assert path.read_bytes() == (tmp_path / "second").read_bytes() == mail()
    assert driver.change([deletion(driver, record)], REWRITER) == (Done(None),)
    assert (tmp_path / "second").read_bytes() == mail()


def test_a_file_that_changes_while_its_successor_is_written_is_left_alone(
    box: EmlBox, driver: MailstoreDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(box.root / "INBOX" / "a.eml", mail())
    change = redaction(driver, records(driver)[0])
    write_draft = Eml._write

    def meanwhile(*arguments: object) -> bytes:
        written = write_draft(*arguments)  # type: ignore[arg-type]  # as they came
        path.write_bytes(mail(subject="changed"))
        return written

    monkeypatch.setattr(Eml, "_write", meanwhile)

    assert driver.change([change], REWRITER) == (Drifted("changed"),)
    assert path.read_bytes() == mail(subject="changed")
    assert [entry.name for entry in path.parent.iterdir()] == ["a.eml"]


def test_a_store_of_another_kind_is_refused_and_never_looks_empty(box: EmlBox, driver: MailstoreDriver) -> None:
    write(box.root / "user" / "cyrus.index", b"x")
    write(box.root / "user" / "1.", mail())

    assert {found.name: found.is_searchable for found in driver.describe()} == {".": True, "INBOX": True, "Sent": True, "user": False}
    with pytest.raises(DsrError):
        answers(driver, about())


def test_a_folder_that_is_not_there_is_an_error_and_no_empty_store(tmp_path: Path) -> None:
    for url in (f"eml:{tmp_path}/nowhere", f"eml:{write(tmp_path / 'a.eml', mail())}"):
        with pytest.raises(ManifestWrong):
            answers(MailstoreDriver(system_of({"url": url})), about())


def test_slices_hold_every_file_once_whatever_comes_meanwhile(box: EmlBox, driver: MailstoreDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eml, "_SLICE", 2)
    for number in range(7):
        box.deliver("INBOX", mail(subject=str(number)))
    parts = [part for part in driver.slices(about()) if part.collection == "INBOX"]
    box.deliver("INBOX", mail(subject="late"))

    looked = [answer.count for part in parts for answer in driver.find(about(), part) if isinstance(answer, Looked)]

    assert len(parts) == 4
    assert sum(looked) == 8


def test_nothing_of_the_old_mail_is_left_in_the_folder_after_a_redaction(box: EmlBox, driver: MailstoreDriver) -> None:
    write(box.root / "INBOX" / "a.eml", mail())
    driver.change([redaction(driver, records(driver)[0])], REWRITER)
    assert not [path for path in box.root.rglob("*") if path.is_file() and JANE.encode() in path.read_bytes()]


_KILLED = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from dsr_engine.drivers.mailstore.eml import Eml
    from dsr_engine.drivers.mailstore.store import Order
    from tests.drivers.test_mailstore_stores import Swap
    store = Eml(Path(sys.argv[1]))
    mails = [mail for part in store.parts(".") for mail in store.mails(".", part)]
    seen = [mail.sight() for mail in mails]
    print("ready", flush=True)
    store.change(".", [Order(one.key, one.state, Swap(b"jane", b"[redacted]")) for one in seen])
    """
)


def test_killed_at_any_moment_every_file_is_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    root = tmp_path / "mails"
    old = {f"{number}.eml": b"From: ann@x\nTo: bob@x\n\ndear jane\n" + b"x" * 20_000 for number in range(150)}
    for name, raw in old.items():
        write(root / name, raw)
    new = {name: raw.replace(b"jane", b"[redacted]") for name, raw in old.items()}
    cut_short = 0
    for wait in (0.0, 0.01, 0.04):
        with subprocess.Popen([sys.executable, "-c", _KILLED, str(root)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
        found = {path.name: path.read_bytes() for path in root.glob("*.eml")}
        assert found.keys() == old.keys()
        assert all(found[name] in (old[name], new[name]) for name in old)
        cut_short += any(found[name] == old[name] for name in old)
    assert cut_short

    store = Eml(root)
    seen = [mail.sight() for part in store.parts(".") for mail in store.mails(".", part) if isinstance(mail, Mail) and mail.file.endswith(".eml")]
    orders = [Order(one.key, one.state, Swap(b"jane", b"[redacted]")) for one in seen]
    assert all(isinstance(outcome, Done) for outcome in store.change(".", orders))
    assert {path.name: path.read_bytes() for path in root.iterdir()} == new


@given(st.dictionaries(st.from_regex(r"[a-z]{1,6}\.(eml|txt|dat)", fullmatch=True), st.binary(max_size=200), min_size=1, max_size=6), st.data())
@settings(deadline=None, max_examples=30)
def test_removing_any_files_leaves_the_others_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], data: st.DataObject
) -> None:
    root = tmp_path_factory.mktemp("mails")
    for name, raw in files.items():
        write(root / name, raw)
    going = data.draw(st.sets(st.sampled_from(sorted(files))))
    store = Eml(root)
    seen = {mail.file: mail.sight() for part in store.parts(".") for mail in store.mails(".", part) if isinstance(mail, Mail)}

    outcomes = store.change(".", [Order(seen[name].key, seen[name].state) for name in sorted(going)])

    assert outcomes == (Done(None),) * len(going)
    assert {path.name: path.read_bytes() for path in root.iterdir()} == {name: raw for name, raw in files.items() if name not in going}
