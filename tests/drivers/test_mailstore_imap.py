"""What is particular to IMAP, on a real Dovecot: numbering, marks, rights, interrupted rewrites, encryption."""

import contextlib
import imaplib
import os
import socket
import ssl
import threading
from datetime import UTC

import pytest

from dsr_engine.domain.errors import DsrError, NotAllowed, Unreachable
from dsr_engine.drivers.driver import Change, Done, Drifted, Failed, Looked, Moved, Present, Slice, Watched
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from dsr_engine.drivers.mailstore.imap_session import Session
from dsr_engine.workflow.mail_places import mail_place
from tests.drivers.mailstore_boxes import DovecotBox, letter
from tests.drivers.test_mailstore_driver import JANE, REWRITER, about, answers, deletion, hits, records, redaction
from tests.servers.dovecot import DovecotServer
from tests.servers.lifecycle import free_port


@pytest.fixture
def box(dovecot: DovecotServer) -> DovecotBox:
    return DovecotBox(dovecot)


def deliver(box: DovecotBox, folder: str = "INBOX", sender: str = JANE, *, number: int = 1) -> None:
    box.deliver(folder, letter(sender, "shop@example.com", f"subject {number}", "hello", message_id=f"{number}@mail", eol=b"\r\n"), is_seen=True)


def test_mail_that_others_marked_deleted_is_not_expunged(box: DovecotBox, driver: MailstoreDriver) -> None:
    deliver(box, number=1)
    deliver(box, sender="ann@example.com", number=2)
    box.flag("INBOX", b"ann@example.com", "\\Deleted")

    assert driver.change([deletion(driver, records(driver)[0])], REWRITER) == (Done(None),)

    (left,) = box.stored()["INBOX"]
    assert b"ann@example.com" in left.raw
    with box.client() as client:
        client.select("INBOX", readonly=True)
        assert client.search(None, "DELETED")[1] == [b"1"]


def test_mail_of_the_person_that_is_only_marked_deleted_is_found_and_removed(box: DovecotBox, driver: MailstoreDriver) -> None:
    deliver(box)
    box.flag("INBOX", JANE.encode(), "\\Deleted")

    assert driver.change([deletion(driver, records(driver)[0])], REWRITER) == (Done(None),)
    assert box.stored()["INBOX"] == []


def test_a_renumbered_folder_is_recognised_by_content(box: DovecotBox, driver: MailstoreDriver) -> None:
    deliver(box, "Archive", "ann@example.com", number=1)
    deliver(box, "Archive", number=2)
    (record,) = records(driver)
    change = deletion(driver, record)
    with box.client() as client:
        client.select("Archive")
        client.uid("STORE", "1", "+FLAGS", "(\\Deleted)")
        client.expunge()
    deliver(box, "Archive", "bea@example.com", number=3)

    box.server.renumber(box.user, "Archive")

    (seen,) = driver.observe([Watched(record.locator)])
    assert isinstance(seen, Moved)
    assert (seen.state, seen.server) == (change.expect, record.server)
    assert driver.change([change], REWRITER) == (Drifted("moved"),)
    assert len(box.stored()["Archive"]) == 2
    followed = Change(seen.to, change.effect, (), change.expect, change.server)
    assert driver.change([followed], REWRITER) == (Done(None),)
    assert [b"bea@example.com" in mail.raw for mail in box.stored()["Archive"]] == [True]


def test_a_mail_that_left_a_renumbered_folder_is_absent(box: DovecotBox, driver: MailstoreDriver) -> None:
    deliver(box, "Archive", "ann@example.com", number=1)
    deliver(box, "Archive", number=2)
    (record,) = records(driver)
    box.move("Archive", JANE.encode(), "Sent")

    box.server.renumber(box.user, "Archive")

    (seen,) = driver.observe([Watched(record.locator)])
    assert not isinstance(seen, Present | Moved)


def test_a_renumbered_inbox_makes_another_server(box: DovecotBox, driver: MailstoreDriver) -> None:
    deliver(box)
    change = deletion(driver, records(driver)[0])

    box.server.renumber(box.user, "INBOX")

    fresh = MailstoreDriver(box.system())
    assert fresh.change([change], REWRITER) == (Drifted("server"),)
    assert len(box.stored()["INBOX"]) == 1
    fresh.close()


def test_a_slice_of_a_folder_that_was_renumbered_meanwhile_misses_nothing(box: DovecotBox, driver: MailstoreDriver) -> None:
    for number in range(3):
        deliver(box, "Archive", number=number)
    part, late = [part for part in driver.slices(about()) if part.collection == "Archive"]
    assert late.is_late
    late = Slice(part.system, part.collection, (part.part[0], "3", "*"))
    box.server.renumber(box.user, "Archive")

    looked = [answer for answer in driver.find(about(), late) if isinstance(answer, Looked)]

    assert [answer.count for answer in looked] == [3]


def test_a_rewrite_that_was_killed_before_the_old_mail_was_removed_goes_on(
    box: DovecotBox, driver: MailstoreDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(box)
    deliver(box, sender="ann@example.com", number=2)
    change = redaction(driver, records(driver)[0])
    (foreseen,) = driver.foresee([change], REWRITER)

    class Killed(BaseException):
        """Ends the process, as far as the driver can tell."""

    def die(self: Session, uids: object, modseq: object) -> set[int]:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Session, "mark_deleted", die)
        with pytest.raises(Killed):
            driver.change([change], REWRITER)
    assert len(box.stored()["INBOX"]) == 3

    again = MailstoreDriver(box.system())
    (seen,) = again.observe([Watched(change.locator)])
    assert isinstance(seen, Present)
    assert seen.state == change.expect
    assert again.change([change], REWRITER) == (Done(foreseen.becomes),)
    assert len(box.stored()["INBOX"]) == 2
    (after,) = again.observe([Watched(change.locator)])
    assert isinstance(after, Moved)
    assert after.state == foreseen.becomes
    assert not [record for record in records(again) if hits(record)]
    again.close()


def test_a_copy_with_the_same_message_id_is_not_taken_for_a_successor(box: DovecotBox, driver: MailstoreDriver) -> None:
    deliver(box, number=1)
    box.deliver("INBOX", letter(JANE, "list@example.com", "subject 1", "hello by the list", message_id="1@mail", eol=b"\r\n"))
    first, second = records(driver)
    changes = [deletion(driver, first), deletion(driver, second)]

    assert driver.change(changes[:1], REWRITER) == (Done(None),)
    seen = driver.observe([Watched(first.locator), Watched(second.locator)])

    assert not isinstance(seen[0], Present | Moved)
    assert isinstance(seen[1], Present)


def test_a_folder_that_may_only_be_read_is_a_fatal_problem_and_stays_as_it_is(box: DovecotBox, driver: MailstoreDriver) -> None:
    deliver(box, "Archive")
    change = deletion(driver, records(driver)[0])
    driver.close()
    box.server.grant(box.user, "Archive", "lr")

    assert ("mail.read_only", True) in {(problem.code, problem.is_fatal) for problem in driver.check()}
    with pytest.raises(NotAllowed):
        driver.change([change], REWRITER)
    assert len(box.stored()["Archive"]) == 1


def test_a_folder_without_the_right_to_expunge_keeps_its_mail_unmarked(box: DovecotBox, driver: MailstoreDriver) -> None:
    deliver(box, "Archive")
    change = deletion(driver, records(driver)[0])
    driver.close()
    box.server.grant(box.user, "Archive", "lrswti")
    before = box.stored()

    (outcome,) = driver.change([change], REWRITER)

    assert isinstance(outcome, Failed)
    assert box.stored() == before
    with box.client() as client:
        client.select("Archive", readonly=True)
        assert client.search(None, "DELETED")[1] == [b""]


def test_a_folder_that_is_listed_and_cannot_be_opened_is_an_error_not_silence(box: DovecotBox, driver: MailstoreDriver) -> None:
    deliver(box, "Archive")
    driver.close()
    box.server.grant(box.user, "Archive", "l")

    assert {facts.name: facts.is_searchable for facts in driver.describe()}["Archive"] is False
    assert "mail.folder_unreadable" in {problem.code for problem in driver.check()}
    parts = {part.collection: part for part in driver.slices(about())}
    with pytest.raises(DsrError):
        list(driver.find(about(), parts["Archive"]))


def test_a_folder_that_the_server_fails_to_open_is_an_error_not_silence(box: DovecotBox, driver: MailstoreDriver) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to take the mail away from the server's account")
    deliver(box, "Archive")
    driver.close()
    for path in (box.root / ".Archive").rglob("*"):
        os.chown(path, 0, 0)
        path.chmod(0o700)

    assert {facts.name: facts.is_searchable for facts in driver.describe()}["Archive"] is False
    assert "mail.folder_unreadable" in {problem.code for problem in driver.check()}
    parts = {part.collection: part for part in driver.slices(about())}
    with pytest.raises(DsrError):
        list(driver.find(about(), parts["Archive"]))


def test_folders_that_nobody_subscribed_to_and_odd_names_are_searched(box: DovecotBox, driver: MailstoreDriver) -> None:
    names = {"Entwürfe": "Entw&APw-rfe", "Jane & Co": "Jane &- Co", 'a"b\\c': '"a\\"b\\\\c"', "12": "12"}
    with box.client() as client:
        for wire in names.values():
            quoted = wire if wire.startswith('"') else f'"{wire}"'
            assert client.create(quoted)[0] == "OK"
            client.append(quoted, "()", "", letter(JANE, "shop@example.com", "hi", "hello", eol=b"\r\n"))

    assert {record.locator.collection for record in records(driver)} == set(names)


def test_the_last_slice_also_holds_mail_that_comes_later(box: DovecotBox, driver: MailstoreDriver) -> None:
    deliver(box, number=1)
    parts = list(driver.slices(about()))
    deliver(box, number=2)

    assert sum(answer.count for part in parts for answer in driver.find(about(), part) if isinstance(answer, Looked)) == 2


def test_large_folders_are_cut_into_slices_that_hold_every_mail_once(
    box: DovecotBox, driver: MailstoreDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(7):
        deliver(box, number=number)
    monkeypatch.setattr("dsr_engine.drivers.mailstore.imap_slices.SLICE", 3)
    monkeypatch.setattr("dsr_engine.drivers.mailstore.imap.SLICE", 3)

    parts = [part for part in driver.slices(about()) if part.collection == "INBOX"]

    assert [part.part[-2:] for part in parts] == [("1", "~3"), ("4", "~5"), ("6", "~7"), ("8", "*")]
    assert len({record.locator for record in records(driver)}) == 7


def test_large_mails_are_read_piece_by_piece(box: DovecotBox, driver: MailstoreDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsr_engine.drivers.mailstore.imap_session._FETCH_BYTES", 10_000)
    body = "\n".join(f"line {number} of a long letter" for number in range(60_000)) + f"\n{JANE}\n"
    box.deliver("INBOX", letter("shop@example.com", "ann@example.com", "long", body, message_id="long@x", eol=b"\r\n"))
    deliver(box, sender="ann@example.com", number=2)
    (record,) = records(driver)
    change = redaction(driver, record)

    (outcome,) = driver.change([change], REWRITER)

    assert isinstance(outcome, Done)
    assert records(driver) == []
    (long,) = [mail.raw for mail in box.stored()["INBOX"] if b"long letter" in mail.raw]
    assert long.endswith(b"letter\r\n[redacted]\r\n\r\n")


def test_the_whole_connection_may_be_encrypted_from_the_start(box: DovecotBox) -> None:
    deliver(box)
    driver = MailstoreDriver(box.system(url=f"imaps://127.0.0.1:{box.server.tls_port}"))
    assert len(records(driver)) == 1
    driver.close()


def test_a_certificate_that_is_not_trusted_is_refused(box: DovecotBox) -> None:
    for url in (f"imap://127.0.0.1:{box.server.port}", f"imaps://127.0.0.1:{box.server.tls_port}"):
        with pytest.raises(NotAllowed) as caught:
            MailstoreDriver(box.system(url=url, ca_file="")).describe()
        assert caught.value.code == "mail.certificate"


def test_a_certificate_of_another_name_is_told_as_that(box: DovecotBox) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(box.server.certificate, box.server.folder / "tls.key")
    with socket.create_server(("127.0.0.2", 0)) as listener:

        def greet() -> None:
            with contextlib.suppress(OSError):
                context.wrap_socket(listener.accept()[0], server_side=True).close()

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(NotAllowed, match="of another name") as caught:
            MailstoreDriver(box.system(url=f"imaps://127.0.0.2:{listener.getsockname()[1]}")).describe()
        thread.join()
    assert caught.value.code == "mail.certificate"


def test_it_is_said_what_stands_between_the_engine_and_a_server(box: DovecotBox) -> None:
    told = {
        f"imaps://127.0.0.1:{box.server.port}": ("does not begin with TLS", "imap:// for STARTTLS"),
        f"imaps://127.0.0.1:{free_port()}": ("Nothing answers at the port", "host and port"),
        "imaps://mail.example.invalid": ("is not known here", "DNS"),
    }
    for url, (what, hint) in told.items():
        with pytest.raises(Unreachable, match=what) as caught:
            MailstoreDriver(box.system(url=url)).describe()
        assert caught.value.code == "mail.connection"
        assert hint in str(caught.value.hint)


def test_a_wrong_password_is_not_allowed_and_names_nobody(box: DovecotBox) -> None:
    with pytest.raises(NotAllowed) as caught:
        MailstoreDriver(box.system(password="wrong")).describe()
    assert caught.value.code == "mail.login"
    assert box.user not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_server_that_is_not_there_is_unreachable(box: DovecotBox) -> None:
    for url in ("imaps://127.0.0.1:1", "imap://127.0.0.1:1"):
        with pytest.raises(Unreachable):
            answers(MailstoreDriver(box.system(url=url)), about())


def test_a_connection_that_broke_is_unreachable_once_and_made_anew(box: DovecotBox, driver: MailstoreDriver) -> None:
    deliver(box)
    (record,) = records(driver)
    session = driver._store._session  # type: ignore[attr-defined]  # the only way to pull the plug
    session._client.socket().shutdown(2)

    with pytest.raises(Unreachable):
        driver.observe([Watched(record.locator)])
    (seen,) = driver.observe([Watched(record.locator)])
    assert isinstance(seen, Present)


def test_another_login_to_the_same_mailbox_sees_the_same_server(box: DovecotBox, driver: MailstoreDriver) -> None:
    deliver(box)
    (record,) = records(driver)
    master = MailstoreDriver(box.system(user=f"{box.user}*svc-erase", password="master-secret"))

    (seen,) = master.observe([Watched(record.locator)])

    assert isinstance(seen, Present)
    assert seen.server == record.server
    master.close()


def test_no_flag_and_no_date_of_a_rewritten_mail_is_lost(box: DovecotBox, driver: MailstoreDriver) -> None:
    deliver(box)
    for flag in ("\\Flagged", "\\Answered", "$Label1"):
        box.flag("INBOX", JANE.encode(), flag)

    assert isinstance(driver.change([redaction(driver, records(driver)[0])], REWRITER)[0], Done)

    with box.client() as client:
        client.select("INBOX", readonly=True)
        (facts,) = client.fetch("1", "(FLAGS INTERNALDATE)")[1]
    assert isinstance(facts, bytes)
    flags = set(imaplib.ParseFlags(facts)) - {b"\\Recent"}
    assert flags == {b"\\Seen", b"\\Flagged", b"\\Answered", b"$Label1"}
    assert b"04-Mar-2021" in facts


def test_a_mail_that_changes_in_the_last_moment_is_left_alone(box: DovecotBox, driver: MailstoreDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(box, number=1)
    deliver(box, number=2)
    changes = [deletion(driver, record) for record in records(driver)]
    mark = Session.mark_deleted

    def late(self: Session, uids: list[int], modseq: int) -> set[int]:
        box.flag("INBOX", b"subject 2", "\\Flagged")
        return mark(self, uids, modseq)

    monkeypatch.setattr(Session, "mark_deleted", late)

    assert driver.change(changes, REWRITER) == (Done(None), Drifted("changed"))
    assert [b"subject 2" in mail.raw for mail in box.stored()["INBOX"]] == [True]


def test_a_mail_is_named_by_its_uid_and_the_time_at_which_it_came(box: DovecotBox, driver: MailstoreDriver) -> None:
    deliver(box, "Archive", "ann@example.com", number=1)
    deliver(box, "Archive", number=2)
    (record,) = records(driver)
    assert record.created is not None
    assert mail_place(record.locator) == f"mail 2 of {record.created.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
