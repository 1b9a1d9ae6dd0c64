"""The mail driver as the engine uses it: finding in every encoding, redacting, sweeping, and answers that are no guess."""

import base64
import gzip
import logging
import quopri
from datetime import date
from email.header import Header
from pathlib import Path

import pytest

from dsr_engine.content.match import Matcher
from dsr_engine.content.rewriter import CaseRewriter
from dsr_engine.domain.errors import DsrError, InputWrong, ManifestWrong, NotAllowed, Unreachable
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.plan import Delete, DropPart, Edit, RedactSpans, Rewrite
from dsr_engine.domain.policy import Start
from dsr_engine.domain.record import Gap, Record
from dsr_engine.domain.selector import Secret, Selector
from dsr_engine.domain.system import CollectionMap, Discover, Manifest, System
from dsr_engine.drivers.driver import AboutSubjects, Change, Done, Looked, Moved, OlderThan, Present, Query, Slice, Watched
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from tests.drivers.mailstore_boxes import DELIVERED, KINDS, Box, MboxBox, box_of, letter, system_of

JANE = "jane.roe@example.org"
SELECTORS = (Selector("s1", "email", Secret(JANE), verified=True), Selector("s2", "name", Secret("Jånë Roe"), verified=True))
MATCHER = Matcher({"case-1": SELECTORS})
REWRITER = CaseRewriter(MATCHER, "case-1", b"k" * 32)


@pytest.fixture(params=KINDS)
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Box:
    return box_of(request.param, request, tmp_path)


def about(**facts: tuple[str, ...]) -> AboutSubjects:
    return AboutSubjects({"case-1": SELECTORS}, MATCHER.gate, facts)


def answers(driver: MailstoreDriver, query: Query) -> list[Record | Gap | Looked]:
    return [answer for part in list(driver.slices(query)) for answer in driver.find(query, part)]


def records(driver: MailstoreDriver, query: Query | None = None) -> list[Record]:
    return [answer for answer in answers(driver, query or about()) if isinstance(answer, Record)]


def hits(record: Record) -> set[str]:
    return {hit.place for finding in MATCHER.findings(record) for hit in finding.hits}


def redaction(driver: MailstoreDriver, record: Record) -> Change:
    (seen,) = driver.observe([Watched(record.locator)])
    assert isinstance(seen, Present)
    return Change(record.locator, Rewrite(tuple(Edit(place, RedactSpans()) for place in sorted(hits(record)))), (), seen.state, record.server)


def deletion(driver: MailstoreDriver, record: Record) -> Change:
    (seen,) = driver.observe([Watched(record.locator)])
    assert isinstance(seen, Present)
    return Change(record.locator, Delete(), (), seen.state, record.server)


def mail(*parts: tuple[str, bytes], subject: str = "hello", eol: bytes = b"\n") -> bytes:
    """A mail of several parts; each is (headers, body as it is in the mail)."""
    lines = [b"From: shop@example.com", b"To: ann@example.com", b"Subject: " + subject.encode(), b"MIME-Version: 1.0"]
    lines += [b'Content-Type: multipart/mixed; boundary="cut"', b""]
    for headers, body in parts:
        lines += [b"--cut", *headers.encode().split(b"\n"), b"", body]
    lines += [b"--cut--", b""]
    return b"\n".join(lines).replace(b"\n", eol)


TEXT = f"Dear {JANE}, this is long enough to be wrapped somewhere in the middle of a line by the encoding"

HIDING_PLACES = {
    "plain": lambda: letter("shop@example.com", JANE, "hi", "hello"),
    "quoted-printable": lambda: mail(("Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable", quopri.encodestring(TEXT.encode()))),
    "base64": lambda: mail(("Content-Type: text/plain\nContent-Transfer-Encoding: base64", base64.encodebytes(TEXT.encode()).rstrip())),
    "rfc2047 header": lambda: letter("shop@example.com", "ann@example.com", Header(f"für {JANE}", "utf-8").encode(), "hello"),
    "attached csv": lambda: mail(
        ("Content-Type: text/plain", b"see attachment"),
        (
            'Content-Type: text/csv; name="a.csv"\nContent-Disposition: attachment; filename="a.csv"\nContent-Transfer-Encoding: base64',
            base64.encodebytes(f"id,email,city\n1,ann@example.com,Ulm\n2,{JANE},Bonn\n".encode()).rstrip(),
        ),
    ),
    "attached gzip": lambda: mail(
        ("Content-Type: text/plain", b"see attachment"),
        (
            'Content-Type: application/gzip\nContent-Disposition: attachment; filename="a.txt.gz"\nContent-Transfer-Encoding: base64',
            base64.encodebytes(gzip.compress(TEXT.encode(), mtime=0)).rstrip(),
        ),
    ),
    "message in a message": lambda: mail(("Content-Type: message/rfc822", letter(JANE, "shop@example.com", "inner", "hello").rstrip())),
    "among raw binary": lambda: mail(
        ("Content-Type: application/octet-stream\nContent-Transfer-Encoding: 8bit", bytes(range(1, 10)) * 40),
        ("Content-Type: text/plain\nContent-Transfer-Encoding: base64", base64.encodebytes(TEXT.encode()).rstrip()),
    ),
}


@pytest.mark.parametrize("place", HIDING_PLACES)
def test_the_person_is_found_wherever_a_mail_hides_her(box: Box, driver: MailstoreDriver, place: str) -> None:
    box.deliver("Sent", HIDING_PLACES[place]().replace(b"\n", box.eol))
    box.deliver("Sent", letter("ann@example.com", "bea@example.com", "hi", "nothing here", eol=box.eol))

    (record,) = records(driver)

    assert record.locator.collection == "Sent"
    assert record.created == DELIVERED
    assert hits(record)


@pytest.mark.parametrize("place", [place for place in HIDING_PLACES if place != "message in a message"])
def test_a_redacted_mail_holds_the_person_no_more_and_others_are_as_they_were(box: Box, driver: MailstoreDriver, place: str) -> None:
    box.deliver("INBOX", HIDING_PLACES[place]().replace(b"\n", box.eol), is_seen=True)
    box.deliver("INBOX", letter("ann@example.com", "bea@example.com", "hi", "nothing here", eol=box.eol))
    others = [stored for stored in box.stored()["INBOX"] if b"bea@example.com" in stored.raw]
    change = redaction(driver, records(driver)[0])
    (foreseen,) = driver.foresee([change], REWRITER)

    (outcome,) = driver.change([change], REWRITER)

    assert foreseen.refusal is None
    assert outcome == Done(foreseen.becomes)
    assert not [record for record in records(driver) if hits(record)]
    after = box.stored()["INBOX"]
    assert len(after) == 2
    assert [stored for stored in after if b"bea@example.com" in stored.raw] == others
    assert all(stored.delivered == DELIVERED.timestamp() for stored in after)


def test_an_attachment_can_be_dropped(box: Box, driver: MailstoreDriver) -> None:
    box.deliver("INBOX", HIDING_PLACES["attached csv"]().replace(b"\n", box.eol))
    (record,) = records(driver)
    (inside,) = {finding.locator.inside.split("/")[0] for finding in MATCHER.findings(record)}
    (seen,) = driver.observe([Watched(record.locator)])
    assert isinstance(seen, Present)
    change = Change(record.locator, Rewrite((Edit(inside, DropPart()),)), (), seen.state, record.server)

    (outcome,) = driver.change([change], REWRITER)

    assert isinstance(outcome, Done)
    assert records(driver) == []
    assert b"see attachment" in box.stored()["INBOX"][0].raw


def test_a_mail_that_changed_since_the_plan_is_left_untouched(box: Box, driver: MailstoreDriver) -> None:
    box.deliver("INBOX", letter("shop@example.com", JANE, "hi", "hello there", message_id="1@x", eol=box.eol))
    (record,) = records(driver)
    changes = [redaction(driver, record), deletion(driver, record)]
    box.alter("INBOX", b"hello there", b"hello there", b"hello again")
    before = box.stored()

    outcomes = [outcome for change in changes for outcome in driver.change([change], REWRITER)]

    assert not [outcome for outcome in outcomes if isinstance(outcome, Done)]
    assert box.stored() == before


def test_a_mail_that_was_only_flagged_since_the_plan_is_erased(box: Box, driver: MailstoreDriver) -> None:
    box.deliver("INBOX", letter("shop@example.com", JANE, "hi", "hello", eol=box.eol))
    change = deletion(driver, records(driver)[0])
    box.flag("INBOX", JANE.encode())

    assert driver.change([change], REWRITER) == (Done(None),)
    assert box.stored()["INBOX"] == []


def test_a_plan_made_against_another_server_changes_nothing(box: Box, driver: MailstoreDriver) -> None:
    box.deliver("INBOX", letter("shop@example.com", JANE, "hi", "hello", eol=box.eol))
    change = deletion(driver, records(driver)[0])
    elsewhere = Change(change.locator, change.effect, (), change.expect, "another server")

    (outcome,) = driver.change([elsewhere], REWRITER)

    assert not isinstance(outcome, Done)
    assert len(box.stored()["INBOX"]) == 1


def test_an_encrypted_mail_is_a_gap_and_is_never_rewritten(box: Box, driver: MailstoreDriver) -> None:
    sealed = (
        f"From: {JANE}\nTo: shop@example.com\nMIME-Version: 1.0\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\n"
    )
    sealed += "Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(bytes(range(256))).decode()
    box.deliver("INBOX", sealed.encode().replace(b"\n", box.eol))

    found = answers(driver, about())
    (record,) = [answer for answer in found if isinstance(answer, Record)]
    (foreseen,) = driver.foresee([redaction(driver, record)], REWRITER)

    assert "mime.encrypted" in {answer.code for answer in found if isinstance(answer, Gap)}
    assert Extent.PARTIAL in {answer.extent for answer in found if isinstance(answer, Looked)}
    assert foreseen.refusal is not None
    assert foreseen.refusal.code == "mail.encrypted"
    assert isinstance(driver.change([deletion(driver, record)], REWRITER)[0], Done)


def test_a_mail_of_garbage_is_read_and_removed_like_any_other(box: Box, driver: MailstoreDriver) -> None:
    garbage = b"\x80\x81\xff no header" + b"\n" + bytes(range(128, 256)) + b"\n\n" + JANE.encode() + b"\xe9\xe8\n"
    box.deliver("INBOX", garbage.replace(b"\n", box.eol))
    box.deliver("INBOX", b"\xfe\xfe\n\n\xe9\n".replace(b"\n", box.eol))

    (record,) = records(driver)

    assert driver.change([deletion(driver, record)], REWRITER) == (Done(None),)
    assert len(box.stored()["INBOX"]) == 1


def test_a_sweep_gives_mails_up_to_the_cutoff_with_their_date(box: Box, driver: MailstoreDriver) -> None:
    box.deliver("INBOX", letter("ann@example.com", "bea@example.com", "hi", "hello", eol=box.eol))

    def older(cutoff: date, *, unknown: bool = False) -> list[Record]:
        return records(driver, OlderThan("INBOX", Start(("date",)), cutoff, unknown=unknown))

    assert [record.facts for record in older(DELIVERED.date())] == [{"date": DELIVERED.isoformat()}]
    assert older(date(2021, 3, 3)) == []
    assert older(DELIVERED.date(), unknown=True) == []
    with pytest.raises(ManifestWrong):
        records(driver, OlderThan("INBOX", Start(("paid_on",)), DELIVERED.date()))


def test_a_policy_gets_the_delivery_date_that_it_asked_for(box: Box, driver: MailstoreDriver) -> None:
    box.deliver("INBOX", letter("shop@example.com", JANE, "hi", "hello", eol=box.eol))

    (record,) = records(driver, about(INBOX=("date",)))

    assert record.facts == {"date": DELIVERED.isoformat()}


def test_only_the_folders_that_are_meant_are_searched_and_check_says_so(box: Box) -> None:
    for folder in ("INBOX", "Sent"):
        box.deliver(folder, letter("shop@example.com", JANE, "hi", "hello", eol=box.eol))
    narrow = MailstoreDriver(box.system(folders="Sent, Nowhere"))
    found = records(narrow, None) if "Nowhere" not in {part.collection for part in narrow.slices(about())} else None
    codes = [problem.code for problem in narrow.check() if not problem.is_note]

    assert found is None
    assert codes == ["mail.no_folder", "mail.folders_left_out"]
    assert {facts.name for facts in narrow.describe()} == {"Sent"}
    narrow.close()


def test_a_folder_that_is_listed_by_hand_and_missing_is_an_error_not_silence(box: Box) -> None:
    narrow = MailstoreDriver(box.system(folders="Nowhere"))
    with pytest.raises(DsrError):
        answers(narrow, about())
    narrow.close()


def test_a_manifest_may_limit_the_search_to_folders_that_it_names(box: Box) -> None:
    for folder in ("INBOX", "Sent"):
        box.deliver(folder, letter("shop@example.com", JANE, "hi", "hello", eol=box.eol))
    system = box.system()
    manifest = Manifest("mail", "mailstore", collections=(CollectionMap("Se*"),), discover=Discover.NONE)
    driver = MailstoreDriver(System(system.name, manifest, system.settings))

    assert [record.locator.collection for record in records(driver)] == ["Sent"]
    driver.close()


def test_nothing_is_logged_about_mail(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    box.deliver("INBOX", letter("shop@example.com", JANE, "hi", "hello", eol=box.eol))
    driver = MailstoreDriver(box.system())
    driver.change([deletion(driver, records(driver)[0])], REWRITER)
    driver.close()

    assert caplog.text == ""


def test_the_envelope_sender_of_an_mbox_is_found_and_redacted(tmp_path: Path) -> None:
    box = MboxBox(tmp_path / "mail")
    (box.root / "INBOX").write_bytes(f"From {JANE} Thu Mar  4 05:06:07 2021\nSubject: hi\nMessage-ID: <1@x>\n\nhello\n\n".encode())
    driver = MailstoreDriver(box.system())
    (record,) = records(driver)

    (outcome,) = driver.change([redaction(driver, record)], REWRITER)

    assert hits(record) == {"envelope:from"}
    assert (box.root / "INBOX").read_bytes() == b"From [redacted] Thu Mar  4 05:06:07 2021\nSubject: hi\nMessage-ID: <1@x>\n\nhello\n\n"
    (seen,) = driver.observe([Watched(record.locator)])
    assert isinstance(outcome, Done)
    assert isinstance(seen, Moved)
    assert seen.state == outcome.state
    driver.close()


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"url": "pop3://mail.example.com"}, "mail.url"),
        ({"url": "imaps://"}, "mail.url"),
        ({"url": "imaps://mail.example.com:nonsense", "user": "u", "password": "p"}, "mail.url"),
        ({"url": "imaps://mail.example.com"}, "mail.no_credentials"),
        ({"url": "imap://mail.example.com", "user": "u", "password": "p", "tls": "off"}, "mail.cleartext"),
        ({"url": "imaps://127.0.0.1", "user": "u", "password": "p", "tls": "off"}, "mail.cleartext"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_before_anything_is_opened(settings: dict[str, str], code: str) -> None:
    with pytest.raises(InputWrong) as caught:
        MailstoreDriver(system_of(settings))
    assert caught.value.code == code


def test_a_store_that_is_not_there_is_an_error_and_never_an_empty_one(tmp_path: Path) -> None:
    for url in (f"maildir:{tmp_path}", f"maildir:{tmp_path}/nowhere", f"mbox:{tmp_path}", f"mbox:{tmp_path}/nowhere"):
        with pytest.raises((ManifestWrong, NotAllowed, Unreachable)):
            answers(MailstoreDriver(system_of({"url": url})), about())


def test_a_slice_of_a_folder_that_went_away_is_an_error(box: Box, driver: MailstoreDriver) -> None:
    with pytest.raises(DsrError):
        list(driver.find(about(), Slice("mail", "Gone", ("0", "1", "*"))))
