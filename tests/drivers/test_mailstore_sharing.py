"""What mailboxes list beside their owner's folders: shared ones and those of colleagues, each searched once and of nobody's in particular."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_engine.domain.errors import NotAllowed, Unreachable
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from dsr_engine.drivers.mailstore.estate import collection_of, split
from dsr_engine.drivers.mailstore.imap_listing import listing
from dsr_engine.drivers.mailstore.imap_session import Session
from dsr_engine.drivers.mailstore.settings import account_of
from tests.drivers.mailstore_boxes import letter, system_of
from tests.drivers.mailstore_estates import JANE, answers, records, said, slices
from tests.servers.scripted_imap import USUAL, Manner, ScriptedImap

_SHARING = Manner(namespaces='(("" "/")) (("Users/" "/")) (("Public/" "/"))', master="svc", capabilities=f"{USUAL} LIST-STATUS")
STAFF = ("ann@shop.example", "ben@shop.example")
TO_JANE = letter("shop@example.com", JANE, "Order", "Dear Jane.", eol=b"\r\n")


def _estate(server: ScriptedImap, *names: str) -> MailstoreDriver:
    return MailstoreDriver(system_of(server.settings(user="", master_user="svc", mailboxes=said(*names))))


def test_a_shared_folder_is_searched_once_and_is_nobody_s_own(imap_certificate: Path) -> None:
    with ScriptedImap(imap_certificate, _SHARING).running() as server:
        server.folder("Public/News").deliver(TO_JANE)
        driver = _estate(server, *STAFF)
        assert {part.collection for part in slices(driver)} == {
            "ann@shop.example/INBOX",
            "ann@shop.example/Sent",
            "ann@shop.example/Public/News",
            "ben@shop.example/INBOX",
            "ben@shop.example/Sent",
        }
        assert [record.locator.collection for record in records(driver)] == ["ann@shop.example/Public/News"]
        assert driver._store.owner("ann@shop.example/Public/News") == ""
        assert driver._store.owner("ann@shop.example/INBOX") == "ann@shop.example"
        driver.close()


def test_a_colleague_s_folder_is_searched_in_the_colleague_s_mailbox_if_that_is_searched(imap_certificate: Path) -> None:
    with ScriptedImap(imap_certificate, _SHARING).running() as server:
        server.folder("Users/ben/Team")
        server.folder("Users/cleo@shop.example/Team")
        driver = _estate(server, *STAFF)
        shared = [name for part in slices(driver) if "Users/" in (name := part.collection)]
        assert set(shared) == {"ann@shop.example/Users/cleo@shop.example/Team"}
        assert driver._store.owner(shared[0]) == "cleo@shop.example"
        driver.close()


def test_folders_of_one_name_in_two_domains_are_two(imap_certificate: Path) -> None:
    with ScriptedImap(imap_certificate, _SHARING).running() as server:
        server.folder("Users/ben/Team")
        server.folder("Public/News")
        driver = _estate(server, "ann@shop.example", "ben@other.example", "cleo@shop.example")
        assert {name for part in slices(driver) if "/INBOX" not in (name := part.collection) and "/Sent" not in name} == {
            "ann@shop.example/Users/ben/Team",
            "ann@shop.example/Public/News",
            "ben@other.example/Public/News",
        }
        driver.close()


def test_a_mailbox_of_which_nothing_is_shown_is_a_gap_and_not_an_empty_one(imap_certificate: Path) -> None:
    """Dovecot shows a master user without rights an empty list, and what is shared with everybody."""
    with ScriptedImap(imap_certificate, _SHARING).running() as server:
        for listed in (b"", b'* LIST () "/" "Public/News"\r\n'):
            server.twist = lambda verb, line, listed=listed: listed + b"{tag} OK done\r\n" if verb == "LIST" else None  # type: ignore[misc]  # bound now
            driver = _estate(server, *STAFF)
            parts = slices(driver)
            assert {part.collection for part in parts} == {f"{name}/*" for name in STAFF}
            with pytest.raises(NotAllowed) as refused:
                list(answers(driver, parts[:1]))
            assert refused.value.code == "mail.no_folders"
            assert {problem.code for problem in driver.check() if problem.is_fatal} == {"mail.no_folders"}
            driver.close()
        server.twist = lambda verb, line: b"{tag} OK done\r\n" if verb == "LIST" else None
        alone = MailstoreDriver(system_of(server.settings()))
        with pytest.raises(NotAllowed):
            slices(alone)
        alone.close()


def test_a_mailbox_whose_connection_fails_is_one_gap_and_a_server_that_fails_is_all(imap_certificate: Path) -> None:
    with ScriptedImap(imap_certificate, _SHARING).running() as server:
        names = [f"user{number}@shop.example" for number in range(12)]
        broken = {"user7@shop.example"}

        def twist(verb: str, line: bytes) -> bytes | None:
            return b"* BYE internal error\r\n" if verb == "LIST" and server.logins[-1][1] in broken else None

        server.twist = twist
        driver = _estate(server, *names)
        driver._store._at_once = 1  # type: ignore[attr-defined]  # the last login is then the one that is asked
        assert {part.collection for part in slices(driver) if part.collection.endswith("/*")} == {"user7@shop.example/*"}
        broken.update(names)
        with pytest.raises(Unreachable):
            slices(driver)
        driver.close()


@pytest.mark.parametrize("name", ["007", "7", "a b", 'say "so"', "back\\slash", "NIL", "(odd)"])
def test_a_name_is_taken_as_the_server_writes_it(imap_certificate: Path, name: str) -> None:
    wire = name.encode()
    quoted = b'"' + wire.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
    with ScriptedImap(imap_certificate, Manner(capabilities=f"{USUAL} LIST-STATUS")).running() as server:
        for written in (quoted, b"{%d}\r\n%s" % (len(wire), wire)):
            answer = b'* LIST (\\HasNoChildren) "/" %s\r\n* STATUS %s (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 5)\r\n{tag} OK done\r\n' % (written, written)
            server.twist = lambda verb, line, answer=answer: answer if verb == "LIST" else None  # type: ignore[misc]  # bound now
            session = Session(account_of(system_of(server.settings())))
            (entry,) = listing(session)
            assert (entry.wire, entry.messages, entry.validity) == (wire, 3, 5)
            session.close()


def test_a_list_that_cannot_be_read_is_an_error_and_no_shorter_list(imap_certificate: Path) -> None:
    with ScriptedImap(imap_certificate, Manner()).running() as server:
        server.twist = lambda verb, line: b'* LIST (\\HasNoChildren) "/" My Folder\r\n{tag} OK done\r\n' if verb == "LIST" else None
        session = Session(account_of(system_of(server.settings())))
        with pytest.raises(Unreachable):
            listing(session)
        session.close()


@given(st.text(min_size=1, max_size=30).filter(lambda text: text.isprintable()), st.text(min_size=1, max_size=30))
def test_mailbox_and_folder_are_told_apart_again(mailbox: str, folder: str) -> None:
    assert split(collection_of(mailbox, folder)) == (mailbox, folder)
