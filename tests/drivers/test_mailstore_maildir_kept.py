"""Maildirs as servers and programs keep them: compressed mails, quota files, names of other separators, second names, and stores of other kinds."""

import bz2
import gzip
import lzma
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_engine.content.containers.zstandard import zstd_compressor, zstd_decompressor
from dsr_engine.domain.errors import DsrError, ManifestWrong
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.record import Gap
from dsr_engine.drivers.driver import Done, Looked, Present, Watched
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from dsr_engine.drivers.mailstore.maildir_names import entry_of, unique_of
from tests.drivers.mailstore_boxes import DELIVERED, DovecotBox, MaildirBox, system_of
from tests.drivers.test_mailstore_driver import JANE, REWRITER, about, answers, deletion, records, redaction
from tests.drivers.test_mailstore_maildir import mail, write
from tests.servers.dovecot import DovecotServer

PACKERS: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "gz": (gzip.compress, gzip.decompress),
    "bz2": (bz2.compress, bz2.decompress),
    "xz": (lzma.compress, lzma.decompress),
    "zstd": (lambda data: (made := zstd_compressor(checksum=True)).compress(data) + made.flush(), lambda data: zstd_decompressor().decompress(data)),
}


@pytest.fixture
def box(tmp_path: Path) -> MaildirBox:
    return MaildirBox(tmp_path / "Maildir")


def codes(driver: MailstoreDriver) -> list[str]:
    return [answer.code for answer in answers(driver, about()) if isinstance(answer, Gap)]


@pytest.mark.parametrize("kind", PACKERS)
def test_a_compressed_mail_is_found_and_rewritten_in_the_same_compression(box: MaildirBox, driver: MailstoreDriver, kind: str) -> None:
    pack, unpack = PACKERS[kind]
    write(box.root / "cur" / f"17.M1.host,S={len(mail())},W=999:2,S", pack(mail()))
    other = write(box.root / "cur" / "18.M2.host,S=5:2,", pack(mail("ann@example.com")))
    before = (other.read_bytes(), other.stat().st_mtime_ns, other.stat().st_ino)
    (record,) = records(driver)
    change = redaction(driver, record)
    (foreseen,) = driver.foresee([change], REWRITER)

    assert driver.change([change], REWRITER) == (Done(foreseen.becomes),)

    assert records(driver) == []
    (new,) = [path for path in (box.root / "cur").iterdir() if path != other]
    plain = unpack(new.read_bytes())
    assert plain == mail().replace(JANE.encode(), b"[redacted]")
    assert new.name == f"17.M1.host_r1,S={len(plain)}:2,S"
    assert new.stat().st_mtime == DELIVERED.timestamp()
    assert (other.read_bytes(), other.stat().st_mtime_ns, other.stat().st_ino) == before


@pytest.mark.parametrize("kind", PACKERS)
def test_a_compressed_mail_that_is_damaged_is_a_gap(box: MaildirBox, driver: MailstoreDriver, kind: str) -> None:
    whole = PACKERS[kind][0](mail() + os.urandom(5000).hex().encode())
    write(box.root / "cur" / "17.M1.host:2,", whole[: len(whole) // 2])

    assert codes(driver) == ["mail.unreadable"]
    assert [answer.extent for answer in answers(driver, about()) if isinstance(answer, Looked)] == [Extent.PARTIAL, Extent.FULL]


def test_a_mail_that_unpacks_without_end_is_a_gap_and_no_disaster(box: MaildirBox, driver: MailstoreDriver) -> None:
    bomb = b"".join(gzip.compress(b"\0" * 32 * 1024 * 1024, 9) for _ in range(4))
    write(box.root / "cur" / "17.M1.host:2,", bomb)

    assert codes(driver) == ["mail.unreadable"]


@pytest.mark.parametrize("start", [b"CRYPTED\x03\x07\x02\0", b"Dovecot-LZ4\x0d\x2a\x9b\xc5\0"])
def test_a_mail_that_only_its_server_can_read_is_a_gap(box: MaildirBox, driver: MailstoreDriver, start: bytes) -> None:
    write(box.root / "cur" / "17.M1.host:2,", start + bytes(range(256)))
    write(box.root / "cur" / "18.M2.host:2,", mail())

    assert codes(driver) == ["mail.server_only"]
    assert len(records(driver)) == 1


@pytest.mark.parametrize("kind", ["gz", "bz2", "zstd"])
def test_dovecot_reads_what_was_rewritten_in_its_own_compression(dovecot: DovecotServer, kind: str) -> None:
    imap = DovecotBox(dovecot)
    doveadm(dovecot, kind, "save", "-u", imap.user, "-m", "INBOX", given=mail().replace(b"\n", b"\r\n"))
    (stored,) = [path for part in ("cur", "new") for path in (imap.root / part).iterdir()]
    assert b"hello" not in stored.read_bytes()
    driver = MailstoreDriver(system_of({"url": f"maildir:{imap.root}"}))

    assert isinstance(driver.change([redaction(driver, records(driver)[0])], REWRITER)[0], Done)

    shown = doveadm(dovecot, kind, "fetch", "-u", imap.user, "text size.physical", "mailbox", "INBOX")
    assert b"From: [redacted]" in shown
    assert b"hello" in shown
    assert JANE.encode() not in shown
    assert b"corrupt" not in (dovecot.folder / "server.log").read_bytes().lower()


def doveadm(server: DovecotServer, kind: str, *words: str, given: bytes = b"") -> bytes:
    program = shutil.which("doveadm")
    assert program is not None, "Dovecot is here, so this is too"
    command = [program, "-c", str(server.folder / "dovecot.conf"), "-o", "mail_plugins=zlib", "-o", f"plugin/zlib_save={kind}", *words]
    return subprocess.run(command, input=given, check=True, capture_output=True).stdout


def test_the_quota_file_is_told_of_what_goes_and_of_what_becomes_another(box: MaildirBox, driver: MailstoreDriver) -> None:
    quota = write(box.root / "maildirsize", b"1000000S\n500 2\n")
    write(box.root / "cur" / "17.M1.host,S=300:2,S", mail())
    write(box.root / ".Sent" / "cur" / "18.M2.host:2,S", mail(subject="two"))
    goes, becomes = records(driver)

    driver.change([deletion(driver, goes)], REWRITER)
    driver.change([redaction(driver, becomes)], REWRITER)

    size, shorter = len(mail(subject="two")), len(mail(subject="two")) - len(JANE) + len("[redacted]")
    assert quota.read_bytes().splitlines() == [b"1000000S", b"500 2", b"-300 -1", b"%d 1" % shorter, b"-%d -1" % size]


def test_a_quota_file_is_never_made_and_mails_that_do_not_count_are_not_taken_off(box: MaildirBox, driver: MailstoreDriver) -> None:
    write(box.root / "cur" / "17.M1.host,S=300:2,ST", mail())
    driver.change([deletion(driver, records(driver)[0])], REWRITER)
    assert not (box.root / "maildirsize").exists()

    quota = write(box.root / "maildirsize", b"1000000S\n")
    write(box.root / "cur" / "17.M1.host,S=300:2,ST", mail())
    write(box.root / ".Trash" / "cur" / "18.M1.host,S=300:2,S", mail())
    for record in records(driver):
        assert driver.change([deletion(driver, record)], REWRITER) == (Done(None),)
    assert quota.read_bytes() == b"1000000S\n"


@pytest.mark.parametrize("separator", [":", ";", "!"])
def test_flags_behind_the_separators_of_windows_are_no_part_of_the_name(box: MaildirBox, driver: MailstoreDriver, separator: str) -> None:
    path = write(box.root / "new" / "17.M1.host", mail())
    (record,) = records(driver)
    change = redaction(driver, record)

    path.rename(box.root / "cur" / f"17.M1.host,S=9{separator}2,FS")

    (seen,) = driver.observe([Watched(record.locator)])
    assert isinstance(seen, Present)
    assert isinstance(driver.change([change], REWRITER)[0], Done)
    (after,) = (box.root / "cur").iterdir()
    assert after.name == f"17.M1.host_r1,S={after.stat().st_size}{separator}2,FS"


@given(st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=40))
def test_a_name_is_taken_apart_without_losing_anything(name: str) -> None:
    entry = entry_of(Path("cur") / name) if name not in (".", "..") else entry_of(Path("cur") / "x")
    assert entry.unique + entry.fields + entry.flags == entry.path.name
    assert entry.unique == unique_of(entry.path.name)


def test_a_second_name_of_a_mail_keeps_the_mail_and_is_a_record_of_its_own(box: MaildirBox, driver: MailstoreDriver, tmp_path: Path) -> None:
    first = write(box.root / "cur" / "17.M1.host:2,S", mail())
    (box.root / ".Sent" / "cur" / "18.M2.host:2,S").hardlink_to(first)
    assert [problem.code for problem in driver.check() if not problem.is_note] == []
    in_inbox, in_sent = sorted(records(driver), key=lambda record: record.locator.collection)

    assert isinstance(driver.change([redaction(driver, in_inbox)], REWRITER)[0], Done)

    assert [stored.raw for stored in box.stored()["Sent"]] == [mail()]
    assert [record.locator for record in records(driver)] == [in_sent.locator]
    assert isinstance(driver.change([redaction(driver, in_sent)], REWRITER)[0], Done)
    assert records(driver) == []


def test_a_second_name_outside_of_the_store_is_told_of(box: MaildirBox, driver: MailstoreDriver, tmp_path: Path) -> None:
    (tmp_path / "snapshot").hardlink_to(write(box.root / "cur" / "17.M1.host:2,S", mail()))

    assert [(problem.code, problem.is_fatal) for problem in driver.check() if not problem.is_note] == [("mail.hard_link", False)]


def test_folders_of_dbox_and_cyrus_are_refused_and_never_look_empty(box: MaildirBox, driver: MailstoreDriver, tmp_path: Path) -> None:
    for sign in ("sdbox/mailboxes/INBOX/dbox-Mails/u.1", "mdbox/storage/dovecot.map.index", "cyrus/user/jane/cyrus.header"):
        write(tmp_path / sign, b"x")
        alone = MailstoreDriver(system_of({"url": f"maildir:{tmp_path / sign.split('/')[0]}"}))
        with pytest.raises(ManifestWrong) as caught:
            answers(alone, about())
        assert caught.value.code == "mail.foreign_store"

    write(box.root / "Archive" / "dbox-Mails" / "u.1", b"x")
    assert {facts.name: facts.is_searchable for facts in driver.describe()} == {"INBOX": True, "Sent": True, "Archive": False}
    with pytest.raises(DsrError):
        answers(driver, about())


def test_keywords_and_other_files_of_servers_stay_as_they_are(box: MaildirBox, driver: MailstoreDriver) -> None:
    kept = {name: f"{name} of {JANE}".encode() for name in ("dovecot-keywords", "dovecot-uidlist", "courierimapkeywords/:list", "subscriptions")}
    for name, content in kept.items():
        write(box.root / name, content)
    write(box.root / "cur" / "17.M1.host:2,Sa", mail())

    assert isinstance(driver.change([redaction(driver, records(driver)[0])], REWRITER)[0], Done)

    assert {name: (box.root / name).read_bytes() for name in kept} == kept
    assert [path.name for path in (box.root / "cur").iterdir()] == ["17.M1.host_r1:2,Sa"]


def test_a_file_that_bears_the_name_of_an_erased_one_but_is_another_mail_stays(
    box: MaildirBox, driver: MailstoreDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two files of one name, of which the person's is renamed in the moment before it goes."""
    going = write(box.root / "cur" / "17.M1.host:2,S", mail())
    write(box.root / "cur" / "17.M1.host:2,", mail("ann@example.com"))
    (record,) = records(driver)
    change = deletion(driver, record)
    unlink = Path.unlink

    def renamed_first(path: Path, missing_ok: bool = False) -> None:
        if path == going and going.exists():
            going.rename(box.root / "cur" / "17.M1.host:2,RS")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", renamed_first)

    assert driver.change([change], REWRITER) == (Done(None),)
    assert [stored.raw for stored in box.stored()["INBOX"]] == [mail("ann@example.com")]


def test_extended_attributes_go_over_to_the_rewritten_mail(box: MaildirBox, driver: MailstoreDriver) -> None:
    path = write(box.root / "cur" / "17.M1.host:2,S", mail())
    try:
        os.setxattr(path, "user.note", b"kept")
    except OSError:
        pytest.skip("this file system keeps no extended attributes; set TMPDIR to a folder on ext4, xfs or btrfs")

    assert isinstance(driver.change([redaction(driver, records(driver)[0])], REWRITER)[0], Done)

    (after,) = (box.root / "cur").iterdir()
    assert os.getxattr(after, "user.note") == b"kept"
