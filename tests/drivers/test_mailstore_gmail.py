"""Servers whose nature matters: Gmail, where a removal may only take a label off, and Exchange; what is searched there, and what is refused."""

from pathlib import Path

import pytest

from dsr_engine.domain.errors import DsrError, NotSupported
from dsr_engine.drivers.driver import Looked
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from dsr_engine.drivers.mailstore.imap_nature import ServerNature, nature_of
from tests.drivers.mailstore_boxes import letter, system_of
from tests.drivers.mailstore_scripted import served, session_of
from tests.drivers.test_mailstore_driver import JANE, REWRITER, about, answers, deletion, records, redaction
from tests.servers.scripted_imap import EXCHANGE, GMAIL, USUAL, Manner, ScriptedImap

ALL, SPAM, BIN = "[Gmail]/Alle Nachrichten", "[Gmail]/Spam", "[Gmail]/Papierkorb"


def gmail(server: ScriptedImap) -> None:
    """A mailbox in German: three mails of the person in All Mail, one of them under two labels, and one in Spam."""
    server.folders.clear()
    for name, attributes in {"INBOX": "", "Work": "", ALL: "\\All", SPAM: "\\Junk", BIN: "\\Trash", "[Gmail]/Gesendet": "\\Sent"}.items():
        server.folder(name, f"\\HasNoChildren {attributes}".strip())
    for number in range(3):
        raw = letter(JANE, "shop@example.com", f"subject {number}", "hello", message_id=f"{number}@mail", eol=b"\r\n")
        server.folder(ALL).deliver(raw)
        if not number:
            server.folder("INBOX").deliver(raw)
            server.folder("Work").deliver(raw)
    server.folder(SPAM).deliver(letter(JANE, "shop@example.com", "spam", "hello", message_id="9@mail", eol=b"\r\n"))


def test_on_gmail_each_mail_is_read_once_and_nothing_is_left_out(imap_certificate: Path) -> None:
    with served(imap_certificate, Manner(capabilities=GMAIL, greeting="OK Gimap ready for requests")) as server:
        gmail(server)
        driver = MailstoreDriver(system_of(server.settings()))
        found = answers(driver, about())
        found_in = [entry.locator.collection for entry in found if hasattr(entry, "locator")]
        driver.close()

    assert sorted(found_in) == sorted([ALL] * 3 + [SPAM])
    assert {entry.collection for entry in found if isinstance(entry, Looked)} == {ALL, SPAM, BIN}
    assert sum("BODY.PEEK[]" in command for command in server.commands) >= 1
    assert not [command for command in server.commands if command.startswith(("EXAMINE", "SELECT")) and ("INBOX" in command or "Work" in command)]


def test_on_gmail_nothing_is_changed_and_the_plan_says_why(imap_certificate: Path) -> None:
    with served(imap_certificate, Manner(capabilities=GMAIL)) as server:
        gmail(server)
        driver = MailstoreDriver(system_of(server.settings()))
        first, second, *_ = records(driver)
        changes = [deletion(driver, first), redaction(driver, second)]
        before = {name: folder.raws for name, folder in server.folders.items()}

        (problem,) = [problem for problem in driver.check() if problem.code == "mail.gmail"]
        foreseen = driver.foresee(changes, REWRITER)
        with pytest.raises(NotSupported) as caught:
            driver.change(changes, REWRITER)
        driver.close()

        assert "Gmail API" in problem.hint
        assert [entry.refusal and (entry.refusal.code, "Gmail API" in entry.refusal.hint) for entry in foreseen] == [("mail.gmail", True)] * 2
        assert caught.value.code == "mail.gmail"
        assert {name: folder.raws for name, folder in server.folders.items()} == before
        assert not {"UID STORE", "UID EXPUNGE", "EXPUNGE", "CLOSE", "APPEND", "SELECT"} & set(server.verbs())


@pytest.mark.parametrize(("missing", "place"), [(ALL, "[Gmail]/All Mail"), (SPAM, "[Gmail]/Spam"), (BIN, "[Gmail]/Trash")])
def test_what_gmail_hides_from_imap_is_told_and_not_left_out(imap_certificate: Path, missing: str, place: str) -> None:
    with served(imap_certificate, Manner(capabilities=GMAIL)) as server:
        gmail(server)
        del server.folders[missing]
        driver = MailstoreDriver(system_of(server.settings()))
        facts = {entry.name: entry for entry in driver.describe()}
        parts = {part.collection: part for part in driver.slices(about())}

        assert "IMAP" in facts[place].reason
        with pytest.raises(DsrError):
            list(driver.find(about(), parts[place]))
        assert ("INBOX" in facts) == (missing == ALL)
        driver.close()


@pytest.mark.parametrize(
    ("greeting", "capabilities", "identity", "nature"),
    [
        ("OK Gimap ready for requests from 127.0.0.1", GMAIL, "NIL", ServerNature("Gmail", is_gmail=True)),
        (
            "OK The Microsoft Exchange IMAP4 service is ready. [QQBCAEM=]",
            EXCHANGE,
            '("name" "Microsoft.Exchange.Imap4.Imap4Server" "version" "15.20")',
            ServerNature("Microsoft Exchange", "15.20", is_exchange=True),
        ),
        ("OK The Microsoft Exchange IMAP4 service is ready.", EXCHANGE, "NIL", ServerNature("Microsoft Exchange", is_exchange=True)),
        ("OK ready", USUAL, '("name" "Dovecot" "version" "2.3.21 jane@example.com")', ServerNature("Dovecot")),
        ("OK Dovecot (Debian) ready.", USUAL, "NIL", ServerNature("Dovecot")),
        ("OK example Cyrus IMAP 3.8.1 server ready", USUAL, "NIL", ServerNature("Cyrus")),
        ("OK mail of jane@example.com", USUAL, '("name" "jane@example.com" "version" "1")', ServerNature()),
        ("OK ready", USUAL.replace(" ID", ""), "NIL", ServerNature()),
    ],
)
def test_a_server_is_known_by_what_it_says_and_nothing_else_of_it_is_told(
    imap_certificate: Path, greeting: str, capabilities: str, identity: str, nature: ServerNature
) -> None:
    with served(imap_certificate, Manner(greeting=greeting, capabilities=capabilities, identity=identity)) as server, session_of(server) as session:
        assert session.nature() == nature
        assert session.nature() == nature
        assert server.verbs().count("ID") == (" ID" in capabilities and not nature.is_gmail)
        assert not [command for command in server.commands if command.startswith("ID") and command != "ID NIL"]


def test_a_mailbox_that_only_calls_itself_gmail_is_none() -> None:
    assert nature_of(b"OK Gimap ready", frozenset({"IMAP4REV1"}), {}) == ServerNature()


def test_a_server_that_refuses_to_say_what_it_is_is_used_all_the_same(imap_certificate: Path) -> None:
    with served(imap_certificate) as server, session_of(server) as session:
        server.twist = lambda verb, line: b"{tag} NO not today\r\n" if verb == "ID" else None
        assert session.nature() == ServerNature()
        assert session.select(b"INBOX").validity == 77
