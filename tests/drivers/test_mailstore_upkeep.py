"""What outlives an erasure in a mail store: told of each kind of server, looked at on a disk, ended by the command where it may be run."""

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dsr_engine.domain.errors import Conflict, NotAllowed, NotSupported
from dsr_engine.domain.plan import Delete
from dsr_engine.domain.record import Record
from dsr_engine.domain.residue import Assessment, Channel, ResidueState
from dsr_engine.domain.selector import Secret, Selector
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import AboutSubjects, Change, Done, Present, Watched
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from dsr_engine.drivers.mailstore.imap_nature import ServerNature
from dsr_engine.drivers.mailstore.maintenance import SECONDS, Touched, commands, run
from dsr_engine.drivers.mailstore.residuals import of_server
from dsr_engine.drivers.mailstore.upkeep import MailstoreUpkeep
from dsr_engine.drivers.registry import open_upkeep
from tests.drivers.mailstore_boxes import DovecotBox, MaildirBox, MboxBox, letter, system_of
from tests.drivers.people import WordGate, WordRewriter
from tests.servers.dovecot import DovecotServer, plugin, running

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
NEEDLE = b"Zanzibar"
BODY = b"quicksilver"
STAYS, ERASED, ABSENT, UNKNOWN = ResidueState.RETAINED, ResidueState.ERASED, ResidueState.VERIFIED_ABSENT, ResidueState.NOT_ASSESSED


@pytest.fixture(scope="module")
def mdbox() -> Iterator[DovecotServer]:
    with running(("mail_location = maildir:~/Maildir", "mail_location = mdbox:~/mdbox")) as server:
        yield server


@pytest.fixture(scope="module")
def with_words() -> Iterator[DovecotServer]:
    plugin("fts_xapian", install="apt-get install dovecot-fts-xapian")
    settings = "\n".join(("", "  fts = xapian", "  fts_xapian = partial=3 full=20", "  fts_autoindex = yes", "  fts_enforced = yes"))
    with running(("mail_plugins = acl", "mail_plugins = acl fts fts_xapian"), ("  acl = vfile", f"  acl = vfile{settings}")) as server:
        yield server


def doveadm(server: DovecotServer, *words: str) -> tuple[str, ...]:
    return ("doveadm", "-c", str(server.folder / "dovecot.conf"), *(words or ("{arguments}",)))


def filled(box: DovecotBox) -> DovecotBox:
    """One mail that goes and one that stays; a mail program has asked for both, as it does for a list of mails."""
    for subject in (NEEDLE.decode(), "control"):
        box.deliver("INBOX", letter("shop@example.com", "ann@example.com", subject, f"{subject} {BODY.decode()}", eol=box.eol))
    with box.client() as client:
        client.select("INBOX", readonly=True)
        client.fetch("1:*", "(ENVELOPE)")
    return box


def erased(system: System) -> None:
    """Deletes the mail with the needle, by the engine."""
    query = AboutSubjects({"case-1": (Selector("s1", "name", Secret(NEEDLE.decode()), verified=True),)}, WordGate(NEEDLE.decode()))
    with closing(MailstoreDriver(system)) as driver:
        parts = list(driver.slices(query))
        (record,) = (answer for part in parts for answer in driver.find(query, part) if isinstance(answer, Record))
        (seen,) = driver.observe([Watched(record.locator)])
        assert isinstance(seen, Present)
        assert driver.change([Change(record.locator, Delete(), (), seen.state, record.server)], WordRewriter()) == (Done(None),)


def holding(root: Path, needle: bytes = NEEDLE) -> set[str]:
    """The names of files below in which the bytes can be read."""
    return {path.name for path in root.rglob("*") if path.is_file() and needle in path.read_bytes()}


def channel(seen: Assessment, code: str) -> Channel:
    (found,) = (entry for entry in seen.channels if entry.code == code)
    return found


def closing_works(seen: Assessment) -> tuple[str, ...]:
    return tuple(work.statement for work in seen.works)


# --- Dovecot, over IMAP --------------------------------------------------------------------------------------------------


def test_dovecots_cache_keeps_the_subject_of_an_erased_mail_until_the_command_was_run(dovecot: DovecotServer) -> None:
    box = filled(DovecotBox(dovecot))
    before = [mail for mail in box.stored()["INBOX"] if NEEDLE not in mail.raw]
    system = replace(box.system(), maintenance_command=doveadm(dovecot), maintenance="run")
    erased(system)
    assert holding(box.root) == {"dovecot.index.cache"}
    upkeep = open_upkeep(system)
    assert upkeep is not None

    seen = upkeep.assess(("INBOX",), SINCE, {})
    assert (seen.server.product, seen.server.role) == ("Dovecot", "")
    assert channel(seen, "dovecot.index_cache").state is STAYS
    upkeep.maintain(seen.works)
    after = upkeep.assess(("INBOX",), SINCE, seen.marks)

    assert holding(box.root) == set()
    assert channel(after, "dovecot.index_cache").state is ERASED
    assert [mail for mail in box.stored()["INBOX"] if NEEDLE not in mail.raw] == before


def test_what_was_run_is_remembered_by_marks_that_name_nobody_and_not_beyond_the_next_erasure(dovecot: DovecotServer) -> None:
    box = filled(DovecotBox(dovecot))
    system = replace(box.system(), maintenance_command=doveadm(dovecot), maintenance="run")
    with closing(MailstoreUpkeep(system)) as upkeep:
        seen = upkeep.assess(("INBOX",), SINCE, {})
        upkeep.maintain(seen.works)
        marks = upkeep.assess(("INBOX",), SINCE, seen.marks).marks
    assert box.user not in repr(marks)
    with closing(MailstoreUpkeep(system)) as later:
        assert channel(later.assess(("INBOX",), SINCE, marks), "dovecot.storage").state is ERASED
        assert channel(later.assess(("INBOX", "Sent"), SINCE, marks), "dovecot.index_cache").state is STAYS
        assert channel(later.assess(("INBOX",), SINCE, {}), "dovecot.index_cache").state is STAYS


def test_in_mdbox_the_body_stays_until_the_storage_is_purged(mdbox: DovecotServer) -> None:
    box = filled(DovecotBox(mdbox))
    root = mdbox.folder / "mail" / box.user
    system = replace(box.system(), maintenance_command=doveadm(mdbox), maintenance="run")
    erased(system)
    assert holding(root) == {"dovecot.index.cache", "m.1"}
    with closing(MailstoreUpkeep(system)) as upkeep:
        upkeep.maintain(upkeep.assess(("INBOX",), SINCE, {}).works)
    assert holding(root) == set()
    assert holding(root, BODY) == {"m.2"}
    assert [mail.raw.count(BODY) for mail in box.stored()["INBOX"]] == [1]


def test_a_full_text_index_keeps_words_of_an_erased_mail_and_is_not_announced(with_words: DovecotServer) -> None:
    box = filled(DovecotBox(with_words))
    with box.client() as client:
        client.select("INBOX", readonly=True)
        assert client.search(None, "TEXT", NEEDLE.decode())[1] == [b"1"]
    erased(box.system())
    assert "postlist.glass" in holding(box.root, NEEDLE.lower())
    with closing(MailstoreUpkeep(box.system())) as upkeep:
        assert channel(upkeep.assess(("INBOX",), SINCE, {}), "dovecot.full_text").state is UNKNOWN


def test_a_full_text_index_beside_a_maildir_is_seen_and_the_commands_for_it_take_the_words_out(with_words: DovecotServer) -> None:
    box = filled(DovecotBox(with_words))
    with box.client() as client:
        client.select("INBOX", readonly=True)
        client.search(None, "TEXT", BODY.decode())
    files = system_of({"url": f"maildir:{box.root}", "user": box.user})
    system = replace(files, maintenance_command=doveadm(with_words), maintenance="run")
    erased(system)
    with closing(MailstoreUpkeep(system)) as upkeep:
        seen = upkeep.assess(("INBOX",), SINCE, {})
        assert channel(seen, "disk.full_text").state is STAYS
        assert "postlist.glass" in holding(box.root, NEEDLE.lower())
        upkeep.maintain(seen.works)
        assert channel(upkeep.assess(("INBOX",), SINCE, seen.marks), "disk.full_text").state is ERASED
    assert holding(box.root) | holding(box.root, NEEDLE.lower()) == set()
    with box.client() as client:
        client.select("INBOX", readonly=True)
        assert client.search(None, "TEXT", BODY.decode())[1] == [b"1"], "what others wrote is found as before"


def test_without_a_command_what_is_to_be_typed_is_told_word_for_word(dovecot: DovecotServer) -> None:
    box = filled(DovecotBox(dovecot))
    with closing(MailstoreUpkeep(box.system())) as upkeep:
        seen = upkeep.assess(("INBOX", "Sent items"), SINCE, {})
        assert closing_works(seen) == (
            f"doveadm mailbox cache purge -u {box.user} INBOX 'Sent items'",
            f"doveadm purge -u {box.user}",
        )
        with pytest.raises(NotSupported):
            upkeep.maintain(seen.works)
    assert channel(seen, "dovecot.full_text").state is UNKNOWN


def test_where_nothing_was_erased_nothing_is_claimed_to_lie_there_and_nothing_is_to_be_done(dovecot: DovecotServer) -> None:
    with closing(MailstoreUpkeep(filled(DovecotBox(dovecot)).system())) as upkeep:
        seen = upkeep.assess((), SINCE, {})
    assert seen.works == ()
    assert {entry.state for entry in seen.channels if entry.level == "C1"} == {ABSENT}


def test_a_command_that_fails_is_no_success(dovecot: DovecotServer) -> None:
    box = filled(DovecotBox(dovecot))
    system = replace(box.system(), maintenance_command=doveadm(dovecot), maintenance="run")
    with closing(MailstoreUpkeep(system)) as upkeep:
        seen = upkeep.assess(("No such folder",), SINCE, {})
        with pytest.raises(NotAllowed, match="exit code 68"):
            upkeep.maintain(seen.works)
        assert channel(upkeep.assess(("No such folder",), SINCE, seen.marks), "dovecot.index_cache").state is STAYS


# --- other servers -------------------------------------------------------------------------------------------------------

NATURES = {
    "Exchange": (ServerNature("Microsoft Exchange", is_exchange=True), {"exchange.recoverable", "exchange.holds", "exchange.journal"}),
    "Gmail": (ServerNature("Gmail", is_gmail=True), {"gmail.trash", "gmail.vault"}),
    "Cyrus": (ServerNature("Cyrus", "3.6"), {"cyrus.expunged", "cyrus.cache", "cyrus.full_text", "cyrus.replicas"}),
    "Zimbra": (ServerNature("Zimbra"), {"zimbra.dumpster", "zimbra.full_text", "zimbra.redo"}),
    "Courier": (ServerNature("Courier"), {"courier.trash"}),
    "any other": (ServerNature(), {"mail.storage"}),
}
EVERYWHERE = {"mail.free_blocks", "mail.journal", "mail.copies", "mail.clients", "mail.logs"}


@pytest.mark.parametrize("name", NATURES)
def test_each_kind_of_server_keeps_something_and_no_level_c1_is_reached_by_silence(name: str) -> None:
    nature, codes = NATURES[name]
    kept = tuple(of_server(nature, has_words=False))
    assert {entry.code for entry in kept} == codes | EVERYWHERE
    assert len({entry.code for entry in kept}) == len(kept)
    assert all(entry.detail for entry in kept)
    assert not {entry.state for entry in kept if entry.level == "C1"} & {ERASED, ABSENT}


@pytest.mark.parametrize("has_words", [False, True])
def test_no_command_of_dovecot_is_said_to_end_what_an_index_keeps_that_nobody_sees(has_words: bool) -> None:
    kept = tuple(of_server(ServerNature("Dovecot"), has_words=has_words))
    (words,) = (entry for entry in kept if entry.code == "dovecot.full_text")
    assert words.state is (STAYS if has_words else UNKNOWN)
    assert not any("dovecot.full_text" in command.closes for command in commands(("doveadm", "{arguments}"), [Touched("jane", ("INBOX",))], kept))


# --- commands ------------------------------------------------------------------------------------------------------------

DOVECOT = tuple(of_server(ServerNature("Dovecot"), has_words=True))
NASTY = 'x; touch "$HOME"/owned `id` {user} {folder}'


def test_names_reach_the_command_as_words_of_their_own_whatever_is_in_them() -> None:
    (first, *_) = commands(("sudo", "doveadm", "{arguments}"), [Touched("jane doe", (NASTY, "-A"))], DOVECOT)
    assert first.words == ("sudo", "doveadm", "mailbox", "cache", "purge", "-u", "jane doe", "--", NASTY, "-A")
    (own,) = commands(("purge-mail", "--of={user}", "{folder}"), [Touched("jane {folder}", (NASTY,))], DOVECOT)
    assert own.words == ("purge-mail", "--of=jane {folder}", NASTY)


def test_a_shell_at_the_other_end_of_ssh_gets_names_in_quotes(tmp_path: Path) -> None:
    shutil.copy("/bin/sh", tmp_path / "ssh")  # stands for ssh: what it is given is a line for a shell
    told = tmp_path / "told"
    (command,) = commands((str(tmp_path / "ssh"), "-c", f"printf '%s|' {{user}} {{folder}} > {told}"), [Touched("a b", (NASTY,))], DOVECOT)
    run(command.words)
    assert told.read_text() == f"a b|{NASTY}|"


CLOSES = {
    ("doveadm", "mailbox", "cache", "purge", "-u", "{user}", "{folder}"): {"dovecot.index_cache"},
    ("ssh", "mx", "doveadm", "purge", "-u", "{user}"): {"dovecot.storage"},
    ("/usr/bin/doveadm", "fts", "rescan", "-u", "{user}"): set(),
    ("/opt/purge-mail", "{user}"): {"dovecot.index_cache", "dovecot.storage", "dovecot.full_text"},
    ("doveadm", "expunge", "-u", "{user}"): set(),
}


@pytest.mark.parametrize("command", CLOSES)
def test_a_command_of_doveadm_closes_no_more_than_it_is_told_to_do(command: tuple[str, ...]) -> None:
    found = commands(command, [Touched("jane", ("INBOX",))], DOVECOT)
    assert {code for each in found for code in each.closes} == CLOSES[command]


def test_a_command_that_needs_a_user_is_not_run_where_nobody_knows_whose_mail_it_is(tmp_path: Path) -> None:
    box = MaildirBox(tmp_path / "Maildir")
    (box.root / "dovecot.index.cache").write_bytes(bytes(40))
    system = replace(box.system(), maintenance_command=("doveadm", "{arguments}"), maintenance="run")
    with closing(MailstoreUpkeep(system)) as upkeep:
        seen = upkeep.assess(("INBOX",), SINCE, {})
        assert closing_works(seen) == ("doveadm mailbox cache purge -u USER INBOX",)
        with pytest.raises(NotSupported, match="whose mailbox"):
            upkeep.maintain(seen.works)


def test_a_command_gets_no_password_no_input_and_no_shell_and_its_output_is_kept_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DSR_MAIL_PASSWORD", "secret")
    told = tmp_path / "told"
    script = (
        f"import os, sys; print('jane'); print('roe', file=sys.stderr); open({str(told)!r}, 'w').write(repr((dict(os.environ), sys.stdin.read())))"
    )
    run((sys.executable, "-c", script))
    assert "secret" not in told.read_text()
    assert told.read_text().endswith("'')")
    assert capfd.readouterr() == ("", "")


def test_a_command_that_does_not_end_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    with pytest.raises(Conflict):
        run(("/bin/sh", "-c", f"(sleep 1.5; touch {alive}) & sleep 60"), seconds=0.2)
    time.sleep(2)
    assert not alive.exists()
    assert SECONDS >= 60


@pytest.mark.parametrize("words", [("/no/such/program",), ("/bin/false",), ("/bin/echo", "a\0b")])
def test_a_command_that_cannot_be_run_says_so_without_its_words(words: tuple[str, ...]) -> None:
    with pytest.raises(NotAllowed) as caught:
        run(words)
    assert words[-1] not in str(caught.value)


# --- files ---------------------------------------------------------------------------------------------------------------


def test_dovecots_cache_beside_a_maildir_is_looked_at(dovecot: DovecotServer) -> None:
    box = filled(DovecotBox(dovecot))
    system = replace(box.system(), settings=MaildirBox(box.root).system().settings)
    erased(system)
    with closing(MailstoreUpkeep(system)) as upkeep:
        seen = upkeep.assess(("INBOX",), SINCE, {})
        assert channel(seen, "disk.index_cache").state is STAYS
        assert holding(box.root) == {"dovecot.index.cache"}

        run(doveadm(dovecot, "mailbox", "cache", "purge", "-u", box.user, "INBOX"))

        after = upkeep.assess(("INBOX",), SINCE, seen.marks)
    assert holding(box.root) == set()
    assert channel(after, "disk.index_cache").state is ERASED
    assert after.works == ()
    assert NEEDLE.decode() not in repr((seen, after))


def test_a_store_without_indexes_has_none_and_that_was_looked_at(tmp_path: Path) -> None:
    for box in (MaildirBox(tmp_path / "Maildir"), MboxBox(tmp_path / "mail")):
        with closing(MailstoreUpkeep(box.system())) as upkeep:
            seen = upkeep.assess(("INBOX",), SINCE, {})
        assert {channel(seen, "disk.index_cache").state, channel(seen, "disk.full_text").state} == {ABSENT}
        assert channel(seen, "mail.index_elsewhere").state is UNKNOWN


def test_full_text_indexes_and_thunderbirds_summaries_beside_the_mails_are_seen_and_counted(tmp_path: Path) -> None:
    maildir, mbox = MaildirBox(tmp_path / "Maildir"), MboxBox(tmp_path / "mail")
    (maildir.root / "fts-flatcurve").mkdir()
    (mbox.root / "INBOX.msf").write_text(f"subject {NEEDLE.decode()}")
    (mbox.root / ".imap" / "INBOX").mkdir(parents=True)
    (mbox.root / ".imap" / "INBOX" / "dovecot.index.cache").write_bytes(b"\1" + bytes(39))
    with closing(MailstoreUpkeep(maildir.system())) as upkeep:
        assert channel(upkeep.assess(("Sent",), SINCE, {}), "disk.full_text").state is STAYS
    with closing(MailstoreUpkeep(mbox.system())) as upkeep:
        seen = upkeep.assess(("INBOX", "Sent"), SINCE, {})
    assert {channel(seen, code).state for code in ("disk.summaries", "disk.index_cache")} == {STAYS}
    assert channel(seen, "disk.index_cache").detail.startswith("1 of 1 ")
