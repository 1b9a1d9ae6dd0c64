"""Where the person stands in a mail and what sort of mail it is, in every kind of mail store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dsr_engine.content.match import Matcher
from dsr_engine.domain.correspondence import Envelope, sort_of_anybody
from dsr_engine.domain.finding import Finding, Match
from dsr_engine.domain.policy import Start
from dsr_engine.domain.record import Gap, Record, Unit
from dsr_engine.domain.selector import Secret, Selector
from dsr_engine.domain.system import OWN_MAIL, Manifest, System
from dsr_engine.drivers.driver import AboutSubjects, OlderThan, Query
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from dsr_engine.drivers.mailstore.roles import role_of
from tests.drivers.mailstore_boxes import DELIVERED, KINDS, Box, box_of, system_of

JANE = "jane.roe@example.org"
SELECTORS = (Selector("s1", "email", Secret(JANE), verified=True), Selector("s2", "name", Secret("Jane Roe"), verified=True))
MATCHER = Matcher({"case-1": SELECTORS})
OWN = ("shop.example",)


@pytest.fixture(params=KINDS)
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Box:
    return box_of(request.param, request, tmp_path)


def mail(*headers: str, body: str = "Hello") -> bytes:
    return "\n".join((*headers, "", body, "")).encode()


def system(box: Box, *, own_mail: tuple[str, ...] = (), **settings: str) -> System:
    plain = box.system(**settings)
    return System(plain.name, Manifest("mail", "mailstore", own_domains=OWN, own_mail=own_mail or OWN_MAIL), plain.settings)


def records(driver: MailstoreDriver, query: Query) -> Iterator[Record]:
    for part in list(driver.slices(query)):
        for answer in driver.find(query, part):
            assert not isinstance(answer, Gap), answer
            if isinstance(answer, Record):
                yield answer


def findings(box: Box, **told: object) -> list[Finding]:
    driver = MailstoreDriver(system(box, **told))  # type: ignore[arg-type]  # settings of a system, by their names
    try:
        return [finding for record in records(driver, AboutSubjects({"case-1": SELECTORS}, MATCHER.gate)) for finding in MATCHER.findings(record)]
    finally:
        driver.close()


def the_only(box: Box, raw: bytes, **told: object) -> Finding:
    box.deliver("INBOX", raw)
    (found,) = findings(box, **told)
    return found


def roles(finding: Finding) -> dict[str, str]:
    return {hit.place: hit.role for hit in finding.hits}


# --- places ----------------------------------------------------------------------------------------------------------------------

PLACES = {
    "mail.sender": ("From", "Sender", "Reply-To", "Return-Path", "Resent-From", "Resent-Sender", "Errors-To", "X-Envelope-From"),
    "mail.recipient": ("To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Delivered-To", "X-Original-To", "Envelope-To", "Apparently-To"),
    "mail.header": ("Message-ID", "Received", "In-Reply-To", "Authentication-Results", "X-Whatever", "List-Unsubscribe"),
    "mail.body": ("Subject", "Comments", "Keywords", "Thread-Topic"),
}


@pytest.mark.parametrize(("role", "header"), [(role, header) for role, headers in PLACES.items() for header in headers])
def test_every_header_has_its_role(tmp_path: Path, request: pytest.FixtureRequest, role: str, header: str) -> None:
    found = the_only(box_of("maildir", request, tmp_path), mail("X-First: 1", f"{header}: <{JANE}>"))
    assert set(roles(found).values()) == {role}


def test_an_mboxs_envelope_is_a_sender(tmp_path: Path) -> None:
    (tmp_path / "box").write_bytes(f"From {JANE} Thu Mar  4 05:06:07 2021\nFrom: bob@example.com\nTo: sue@example.net\n\nHello\n\n".encode())
    driver = MailstoreDriver(system_of({"url": f"mbox:{tmp_path}/box"}))
    (record,) = records(driver, AboutSubjects({"case-1": SELECTORS}, MATCHER.gate))
    (found,) = MATCHER.findings(record)
    assert (roles(found), found.message) == ({"envelope:from": "mail.sender"}, "routing")


def test_texts_quotations_and_attachments_are_told_apart(box: Box) -> None:
    parts = (
        "--x",
        "Content-Type: text/plain",
        "",
        f"I saw {JANE} today.",
        "",
        f"On Mon, 1 Jan 2024 at 10:00, <{JANE}> wrote:",
        f"> My address is {JANE}",
        "",
        f"Bye, {JANE}!",
        "--x",
        "Content-Type: text/csv",
        'Content-Disposition: attachment; filename="a.csv"',
        "",
        f"email\n{JANE}",
        "--x",
        "Content-Type: message/rfc822",
        "",
        f"From: {JANE}\nSubject: old\n\nold {JANE}",
        "--x--",
    )
    box.deliver("INBOX", mail("From: bob@example.com", "To: sue@example.net", "Content-Type: multipart/mixed; boundary=x", body="\n".join(parts)))
    found = findings(box)
    whole = next(finding for finding in found if not finding.locator.inside)
    lines = {place: role for place, role in roles(whole).items() if "/line:" in place}
    assert lines == {
        "part:1/line:1": "mail.body",
        "part:1/line:3": "mail.body.quoted",
        "part:1/line:4": "mail.body.quoted",
        "part:1/line:6": "mail.body",
    }
    inner = [finding for finding in found if finding.locator.inside]
    assert len(inner) >= 2
    assert {role for finding in inner for role in roles(finding).values()} == {"mail.attachment"}
    assert {finding.message for finding in found} == {"thread"}


def test_a_page_in_quoted_printable_is_told_apart_too(box: Box) -> None:
    page = f'<p>mine {JANE}</p><div class=3D"gmail_quote"><blockquote><p>old {JANE}</p></blockquote></div><p>mine again {JANE}</p>'
    headers = (
        "From: bob@example.com",
        "To: sue@example.net",
        "Content-Type: text/html; charset=utf-8",
        "Content-Transfer-Encoding: quoted-printable",
    )
    told = sorted(roles(the_only(box, mail(*headers, body=page))).values())
    assert told == ["mail.body", "mail.body", "mail.body.quoted"]


@pytest.mark.parametrize(
    ("place", "role"),
    [("recipient:1/address", "mail.recipient"), ("from.address", "mail.sender"), ("body/line:3", "mail.body"), ("property:0E05", "mail.header")],
)
def test_places_of_outlooks_files_have_roles(place: str, role: str) -> None:
    assert role_of(Unit(place, JANE)) == role


# --- sorts -----------------------------------------------------------------------------------------------------------------------

SORTS = {
    "a letter": (("From: Jane <jane.roe@example.org>", "To: help@shop.example"), "one_to_one", Match.OWNS),
    "a letter with colleagues": ((f"From: {JANE}", "To: help@shop.example", "Cc: boss@mail.shop.example, it@shop.example"), "one_to_one", Match.OWNS),
    "an answer with colleagues": (("From: help@shop.example", f"To: {JANE}, boss@shop.example"), "one_to_one", Match.MENTIONS),
    "a form": (("From: form@shop.example", "To: help@shop.example", f"Reply-To: {JANE}"), "one_to_one", Match.OWNS),
    "a blind copy": (
        ("From: bob@example.com", "To: undisclosed-recipients:;", f"Delivered-To: {JANE}", f"Subject: for {JANE}"),
        "one_to_one",
        Match.MENTIONS,
    ),
    "a thread": ((f"From: {JANE}", "To: help@shop.example, bob@example.com"), "thread", Match.OWNS),
    "a mention": (("From: bob@example.com", "To: sue@example.net", f"Subject: {JANE}"), "thread", Match.MENTIONS),
    "a list": ((f"From: {JANE}", "To: all@lists.example", "List-Id: <all.lists.example>"), "list", Match.OWNS),
    "an announcement": (("From: news@shop.example", f"To: {JANE}", "List-Post: NO"), "list", Match.OWNS),
    "bulk mail": (("From: news@shop.example", f"To: {JANE}", "Precedence: Bulk"), "list", Match.OWNS),
    "an order with a way out": (("From: news@shop.example", f"To: {JANE}", "List-Unsubscribe: <mailto:out@shop.example>"), "one_to_one", Match.OWNS),
    "a trace": (
        ("From: bob@example.com", "To: sue@example.net", f"Received: from a by b for <{JANE}>; Mon, 1 Jan 2024 00:00:00 +0000"),
        "routing",
        Match.MENTIONS,
    ),
    "a trace in a list's mail": (
        ("From: bob@example.com", "To: all@lists.example", "List-Id: <a.b>", f"Delivered-To: {JANE}"),
        "routing",
        Match.MENTIONS,
    ),
}


@pytest.mark.parametrize(("headers", "sort", "match"), SORTS.values(), ids=SORTS)
def test_every_mail_has_its_sort(tmp_path: Path, request: pytest.FixtureRequest, headers: tuple[str, ...], sort: str, match: Match) -> None:
    found = the_only(box_of("maildir", request, tmp_path), mail(*headers))
    assert (found.message, found.match) == (sort, match)


def test_the_sorts_are_the_same_in_every_store(box: Box) -> None:
    for headers, _, _ in SORTS.values():
        box.deliver("INBOX", mail(*headers))
    assert sorted(finding.message for finding in findings(box)) == sorted(sort for _, sort, _ in SORTS.values())


def test_a_mail_without_readable_headers_is_for_a_person(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    found = the_only(box_of("maildir", request, tmp_path), b"\n" + f"no header, only {JANE}\n".encode())
    assert found.message == "one_to_one"


# --- mailboxes -------------------------------------------------------------------------------------------------------------------


def test_whose_mailbox_it_is_is_told_by_its_address(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    box = box_of("maildir", request, tmp_path)
    box.deliver("INBOX", mail("From: bob@example.com", "To: sue@example.net", f"Subject: {JANE}"))
    told = {user: findings(box, user=user)[0].mailbox for user in (JANE, JANE.upper(), "bob@example.com", "jane")}
    assert told == {JANE: "own", JANE.upper(): "own", "bob@example.com": "others", "jane": ""}
    assert findings(box)[0].mailbox == ""


def test_the_login_of_an_account_says_whose_it_is(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    box = box_of("dovecot", request, tmp_path)
    box.deliver("INBOX", mail("From: bob@example.com", "To: sue@example.net", f"Subject: {JANE}"))
    (found,) = findings(box)
    assert found.mailbox in ("", "others")


def test_the_connector_says_by_what_a_mail_is_the_persons_own(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    box = box_of("maildir", request, tmp_path)
    box.deliver("INBOX", mail(f"From: {JANE}", "To: bob@example.com, sue@example.net", "Subject: 1"))
    box.deliver("INBOX", mail("From: bob@example.com", f"To: {JANE}", "Subject: 2"))
    box.deliver("INBOX", mail("From: bob@example.com", "To: sue@example.net", f"Subject: {JANE}"))

    def owned(*own_mail: str, user: str = JANE) -> list[str]:
        found = findings(box, own_mail=own_mail, user=user)
        return sorted(next(iter(roles(finding))) for finding in found if finding.match is Match.OWNS)

    assert owned("sender", "sole_recipient") == owned() == ["header:from", "header:to"]
    assert owned("sender") == ["header:from"]
    assert owned("sole_recipient") == ["header:to"]
    assert owned("nothing") == []
    assert owned("mailbox") == ["header:from", "header:subject", "header:to"]
    assert owned("mailbox", user="bob@example.com") == []


# --- mails that are found by their age ---------------------------------------------------------------------------------------------------


def test_an_age_brings_the_sort_for_anybody_where_it_is_asked_for(box: Box) -> None:
    for headers, _, _ in SORTS.values():
        box.deliver("INBOX", mail(*headers))
    driver = MailstoreDriver(system(box))
    query = OlderThan("INBOX", Start(("date",)), DELIVERED.date(), sorting=True)
    envelopes = [record.envelope for record in records(driver, query)]
    plain = [record.envelope for record in records(driver, OlderThan("INBOX", Start(("date",)), DELIVERED.date()))]
    driver.close()
    told = sorted(sort_of_anybody(envelope).value for envelope in envelopes if envelope is not None)
    assert len(envelopes) == len(SORTS)
    assert (told.count("list"), told.count("thread")) == (4, 1)
    assert plain == [Envelope(is_read=False)] * len(SORTS)
