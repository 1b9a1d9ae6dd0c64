"""Which mails are due: by day of delivery or by the sender's date, by flags and by the sender's domain, in one folder or in those of a pattern."""

import io
import time
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest

from dsr_engine.domain.errors import ManifestWrong
from dsr_engine.domain.policy import Pick, Start
from dsr_engine.domain.record import Record
from dsr_engine.domain.system import CollectionMap, Manifest, System
from dsr_engine.drivers.driver import OlderThan
from dsr_engine.drivers.mailstore.ages import facts_of, flags_of_name
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from dsr_engine.drivers.mailstore.store import Mail
from tests.drivers.mailstore_boxes import DELIVERED, Box, DovecotBox, box_of, letter
from tests.servers.dovecot import DovecotServer

KINDS = ("maildir", "mbox", "dovecot")
LATE = DELIVERED.date() + timedelta(days=1)


@pytest.fixture(params=KINDS)
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Box:
    return box_of(request.param, request, tmp_path)


def dated(sender: str, subject: str, day: str, eol: bytes) -> bytes:
    return b"Date: " + day.encode() + eol + letter(sender, "ann@example.com", subject, "hello", eol=eol)


def due(driver: MailstoreDriver, query: OlderThan) -> list[Record]:
    found = [answer for part in list(driver.slices(query)) for answer in driver.find(query, part) if isinstance(answer, Record)]
    assert driver.count(query.collection, (query,)).found == (len(found),)
    return found


def facts(driver: MailstoreDriver, query: OlderThan, name: str) -> list[str | None]:
    return sorted((record.facts[name] for record in due(driver, query)), key=str)


def aged(start: str = "date", cutoff: date = LATE, **more: object) -> OlderThan:
    return OlderThan("INBOX", Start((start,)), cutoff, **more)  # type: ignore[arg-type]  # words of a test


def test_the_day_that_a_sender_wrote_counts_where_a_rule_names_it(box: Box, driver: MailstoreDriver) -> None:
    box.deliver("INBOX", dated("bob@example.net", "old", "Mon, 1 Jan 2018 10:00:00 +0100", box.eol))
    box.deliver("INBOX", dated("bob@example.net", "new", "Tue, 2 Feb 2021 23:30:00 -0500", box.eol))
    box.deliver("INBOX", dated("bob@example.net", "odd", "some day", box.eol))
    assert facts(driver, aged("sent", date(2020, 1, 1)), "sent") == ["2018-01-01T09:00:00+00:00"]
    assert facts(driver, aged("sent", date(2021, 2, 3)), "sent") == ["2018-01-01T09:00:00+00:00", "2021-02-03T04:30:00+00:00"]
    assert due(driver, aged("date", date(2020, 1, 1))) == []


def test_a_mail_without_a_date_is_never_due_and_is_told_of_as_unknown(box: Box, driver: MailstoreDriver) -> None:
    box.deliver("INBOX", letter("bob@example.net", "ann@example.com", "no date", "hello", eol=box.eol))
    for day in ("yesterday", "31 Feb 2020", "Mon, 1 Jan 1900 10:00:00 +0000", "=?utf-8?q?1 Jan 2020?="):
        box.deliver("INBOX", dated("bob@example.net", "odd", day, box.eol))
    box.deliver("INBOX", dated("bob@example.net", "good", "Mon, 1 Jan 2018 10:00:00 +0000", box.eol))
    assert len(due(driver, aged("sent"))) == 1
    assert len(due(driver, aged("sent", unknown=True))) == 5
    assert due(driver, aged("date", unknown=True)) == []


def test_the_later_of_two_dates_counts_where_a_rule_says_latest(box: Box, driver: MailstoreDriver) -> None:
    box.deliver("INBOX", dated("bob@example.net", "claims to be old", "Mon, 1 Jan 2001 10:00:00 +0000", box.eol))
    for pick, number in ((Pick.LATEST, 0), (Pick.EARLIEST, 1)):
        assert len(due(driver, OlderThan("INBOX", Start(("date", "sent"), pick), date(2010, 1, 1)))) == number


def test_a_flagged_mail_stays_where_a_rule_keeps_what_is_flagged(box: Box, driver: MailstoreDriver) -> None:
    for subject in ("precious", "ordinary"):
        box.deliver("INBOX", letter("bob@example.net", "ann@example.com", subject, "hello", eol=box.eol))
    if isinstance(box, DovecotBox):
        box.flag("INBOX", b"precious", "\\Flagged $Important")
    else:
        box.flag("INBOX", b"precious")
    assert len(due(driver, aged())) == 2
    (left,) = due(driver, aged(while_not={"flags": ("flagged",)}))
    assert "flagged" not in (left.facts["flags"] or "")
    assert len(due(driver, aged(while_not={"flags": ("draft", "$mdnsent")}))) == 2
    assert len(due(driver, aged(also=(OlderThan("INBOX", Start(()), LATE, {"flags": ("flagged",)}),)))) == 1


def test_mails_of_a_domain_stay_where_a_rule_keeps_them(box: Box, driver: MailstoreDriver) -> None:
    for sender in (
        "Bob <bob@Partner.Example>",
        "ann@example.com, bob@partner.example",
        "eve@notpartner.example",
        '"bob@partner.example" <x@other.example>',
    ):
        box.deliver("INBOX", letter(sender, "ann@example.com", "hi", "hello", eol=box.eol))
    found = facts(driver, aged(while_not={"sender_domain": ("partner.example",)}), "sender_domain")
    assert found == ["notpartner.example", "other.example"]


def test_a_field_that_no_mail_has_is_refused(driver: MailstoreDriver) -> None:
    for query in (aged("paid_on"), aged(while_not={"status": ("open",)}), aged("flags"), aged(while_not={"date": ("2020",)})):
        with pytest.raises(ManifestWrong):
            driver.count("INBOX", (query,))
        with pytest.raises(ManifestWrong):
            due(driver, query)


def test_one_pass_counts_for_several_rules(box: Box, driver: MailstoreDriver) -> None:
    for number in range(5):
        box.deliver("INBOX", dated("bob@example.net", f"mail {number}", f"Mon, 1 Jan {2015 + number} 10:00:00 +0000", box.eol))
    counted = driver.count("INBOX", (aged(), aged("sent", date(2017, 1, 1)), aged("sent", unknown=True)))
    assert (counted.total, counted.found) == (5, (5, 3, 0))


def test_a_pattern_is_about_the_folders_that_no_other_entry_of_the_connector_is_about(box: Box) -> None:
    for folder in ("Archive", "Archive2020", "Other"):
        box.deliver(folder, letter("bob@example.net", "ann@example.com", "the same everywhere", "hello", message_id="same@example.com", eol=box.eol))
    plain = box.system()
    system = System("mail", Manifest("mail", "mailstore", collections=(CollectionMap("Archive*"), CollectionMap("Archive2020"))), plain.settings)
    with closing(MailstoreDriver(system)) as driver:
        for name, folders in (("Archive*", ["Archive"]), ("Archive2020", ["Archive2020"])):
            assert [record.locator.collection for record in due(driver, OlderThan(name, Start(("date",)), LATE))] == folders


def test_over_imap_a_sweep_fetches_headers_and_only_what_is_due_as_a_whole(dovecot: DovecotServer) -> None:
    box = DovecotBox(dovecot)
    for number in range(20):
        box.deliver("INBOX", dated("bob@example.net", f"mail {number}", "Mon, 1 Jan 2018 10:00:00 +0000", box.eol))
    for query in (aged("sent", date(2010, 1, 1)), aged(while_not={"sender_domain": ("example.net",)})):
        before = len(_farewells(dovecot, box))
        with closing(MailstoreDriver(box.system())) as driver:
            assert due(driver, query) == []
        said = _farewells(dovecot, box, before)
        assert all(line.endswith("body_count=0 body_bytes=0") for line in said), said
    assert not any(mail.is_seen for mail in box.stored()["INBOX"])


def _farewells(dovecot: DovecotServer, box: DovecotBox, known: int = -1) -> list[str]:
    """What the server counted for each session of this user that has ended, after so many that are known; it writes that a moment later."""
    for _ in range(200):
        said = [line for line in (dovecot.folder / "server.log").read_text().splitlines() if box.user in line and "body_count=" in line]
        if len(said) > known:
            break
        time.sleep(0.05)
    assert len(said) > known
    return said[max(known, 0) :]


@pytest.mark.parametrize(
    ("letters", "flags"), [("", ()), (":2,", ()), (":2,FRS", ("flagged", "answered", "seen")), (":2,ST", ("seen", "deleted")), (":2,Sab", ("seen",))]
)
def test_letters_of_a_maildirs_file_names_are_flags(letters: str, flags: tuple[str, ...]) -> None:
    assert flags_of_name(letters) == flags


@pytest.mark.parametrize(("before", "eol"), [(b"", b"\r"), (b"\xef\xbb\xbf", b"\n"), (b"\n\r\n", b"\r\n"), (b"", b"\n")])
def test_headers_that_most_programs_do_not_see_keep_a_mail_all_the_same(before: bytes, eol: bytes) -> None:
    raw = before + dated("bob@partner.example", "odd", "Mon, 1 Jan 2018 10:00:00 +0000", eol).replace(b"\n", eol).replace(b"\r\r", b"\r")
    mail = Mail(DELIVERED, lambda: io.BytesIO(raw), lambda: None)  # type: ignore[arg-type,return-value]  # nobody wants its digest
    assert facts_of(mail, ("sent", "sender_domain")) == {"sent": "2018-01-01T10:00:00+00:00", "sender_domain": "partner.example"}


@pytest.mark.parametrize("author", ["Bob (Sales <bob@partner.example>", "=?utf-8?q?Bob_=3Cbob=40partner.example=3E?=", "bob@Partner.Example, (x <y"])
def test_an_author_whom_a_parser_does_not_see_keeps_his_domain(author: str) -> None:
    mail = Mail(DELIVERED, lambda: io.BytesIO(b"From: " + author.encode() + b"\n\nhello\n"), lambda: None)  # type: ignore[arg-type,return-value]  # as above
    assert "partner.example" in str(facts_of(mail, ("sender_domain",))["sender_domain"]).split("\x1f")


def test_the_domain_of_an_author_may_be_written_in_any_letters() -> None:
    mail = Mail(DELIVERED, lambda: io.BytesIO("From: Bob <bob@Bücher.example>\n\nhello\n".encode()), lambda: None)  # type: ignore[arg-type,return-value]  # as above
    assert facts_of(mail, ("sender_domain",)) == {"sender_domain": "bücher.example"}


def test_what_is_not_asked_for_is_not_read() -> None:
    def never() -> object:
        raise AssertionError

    mail = Mail(DELIVERED, never, never, flags=("\\Seen", "Custom"))  # type: ignore[arg-type]  # neither may be called
    assert facts_of(mail, ("date", "flags")) == {"date": DELIVERED.isoformat(), "flags": "custom\x1fseen"}
    assert facts_of(mail, ("folder",)) == {"folder": None}
