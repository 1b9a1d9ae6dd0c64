"""A rewritten mail says that it was rewritten, in one line that names nobody; and its broken signatures are said before anybody approves."""

import email
import io
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_engine.content.match import Matcher
from dsr_engine.content.rewriter import CaseRewriter
from dsr_engine.domain.plan import Edit, RedactSpans, Rewrite
from dsr_engine.domain.record import Record
from dsr_engine.domain.selector import Secret, Selector
from dsr_engine.drivers.driver import AboutSubjects, Change, Done, Foreseen, Present, Watched
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from dsr_engine.drivers.mailstore.marks import place_of, write_marked
from dsr_engine.drivers.mailstore.signatures import broken
from tests.drivers.mailstore_boxes import KINDS, Box, Stored, box_of, letter

JANE = "jane.roe@example.org"
JOHN = "john.doe@example.org"
MARK = b"X-DSR-Redacted"
SELECTORS = {name: (Selector("s1", "email", Secret(address), verified=True),) for name, address in (("jane", JANE), ("john", JOHN))}
MATCHER = Matcher(SELECTORS)
REWRITERS = {
    name: CaseRewriter(MATCHER, name, b"k" * 32, reference=reference) for name, reference in (("jane", "0a1b2c3d4e5f"), ("john", "ffeeddccbbaa"))
}


@pytest.fixture(params=KINDS)
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Box:
    return box_of(request.param, request, tmp_path)


def redaction(driver: MailstoreDriver, person: str) -> Change:
    """The redaction of the one mail that holds this person."""
    query = AboutSubjects({person: SELECTORS[person]}, MATCHER.gate)
    answers = [answer for part in list(driver.slices(query)) for answer in driver.find(query, part) if isinstance(answer, Record)]
    places = [(answer, {hit.place for found in MATCHER.findings(answer) if found.case == person for hit in found.hits}) for answer in answers]
    ((record, found),) = ((answer, found) for answer, found in places if found)
    (seen,) = driver.observe([Watched(record.locator)])
    assert isinstance(seen, Present)
    return Change(record.locator, Rewrite(tuple(Edit(place, RedactSpans()) for place in sorted(found))), (), seen.state, record.server)


def rewritten(driver: MailstoreDriver, person: str) -> Foreseen:
    """Redacts the person in her mail, which has to come out as it was foreseen."""
    change = redaction(driver, person)
    (foreseen,) = driver.foresee([change], REWRITERS[person])
    (outcome,) = driver.change([change], REWRITERS[person])
    assert outcome == Done(foreseen.becomes)
    return foreseen


def only(box: Box, needle: bytes) -> Stored:
    (found,) = (mail for mails in box.stored().values() for mail in mails if needle in mail.raw)
    return found


def signed(box: Box, field: str, body: str = f"Hello {JANE}") -> bytes:
    return field.encode().replace(b"\n", box.eol) + letter("shop@example.com", "ann@example.com", "hi", body, eol=box.eol)


def test_a_rewritten_mail_names_the_case_and_nothing_else_in_it_or_around_it_changes(box: Box, driver: MailstoreDriver) -> None:
    raw = letter("shop@example.com", "ann@example.com", "order", f"for {JANE}\nthanks", message_id="one@example.com", eol=box.eol)
    box.deliver("INBOX", raw, is_seen=True)
    box.deliver("INBOX", letter("ann@example.com", "bea@example.com", "control", "nothing here", eol=box.eol))
    control, before = only(box, b"control"), only(box, b"order")

    rewritten(driver, "jane")

    after = only(box, b"order")
    head, gap, body = raw.replace(JANE.encode(), b"[redacted]").partition(box.eol * 2)
    assert after.raw == head + box.eol + MARK + b": 0a1b2c3d4e5f" + gap + body
    assert (after.is_seen, after.delivered) == (before.is_seen, before.delivered)
    assert only(box, b"control") == control


def test_each_case_leaves_one_mark_of_its_own_however_often_it_comes_back(box: Box, driver: MailstoreDriver) -> None:
    box.deliver("INBOX", letter("shop@example.com", "ann@example.com", "order", f"{JANE} and {JOHN}", eol=box.eol))
    rewritten(driver, "jane")
    rewritten(driver, "john")
    assert [line for line in only(box, b"order").raw.split(box.eol) if MARK in line] == [MARK + b": 0a1b2c3d4e5f", MARK + b": ffeeddccbbaa"]

    box.alter("INBOX", b"order", b"[redacted] and", f"[redacted] or {JANE} and".encode())
    rewritten(driver, "jane")

    raw = only(box, b"order").raw
    assert raw.count(MARK) == 2
    assert JANE.encode() not in raw


def test_a_mail_that_comes_out_as_it_was_bears_no_mark(box: Box, driver: MailstoreDriver) -> None:
    box.deliver("INBOX", letter("shop@example.com", "ann@example.com", "order", f"for {JANE}", eol=box.eol))
    before = box.stored()
    change = redaction(driver, "jane")

    (foreseen,) = driver.foresee([change], REWRITERS["john"])
    (outcome,) = driver.change([change], REWRITERS["john"])

    assert (foreseen.becomes, outcome) == (change.expect, Done(change.expect))
    assert box.stored() == before
    assert not foreseen.warnings


def test_a_mark_that_somebody_forged_is_neither_believed_nor_removed(box: Box, driver: MailstoreDriver) -> None:
    box.deliver("INBOX", signed(box, f"{MARK.decode()}: see {JANE}\n{MARK.decode()}: 0a1b2c3d4e5f9\n"))
    rewritten(driver, "jane")
    marks = [line for line in only(box, b"Subject: hi").raw.split(box.eol) if MARK in line]
    assert marks == [MARK + b": see [redacted]", MARK + b": 0a1b2c3d4e5f9", MARK + b": 0a1b2c3d4e5f"]


def test_a_case_without_a_reference_marks_nothing(box: Box, driver: MailstoreDriver) -> None:
    box.deliver("INBOX", letter("shop@example.com", "ann@example.com", "order", f"for {JANE}", eol=box.eol))
    change = redaction(driver, "jane")
    driver.change([change], CaseRewriter(MATCHER, "jane", b"k" * 32))
    raw = only(box, b"order").raw
    assert MARK not in raw
    assert JANE.encode() not in raw


HEADS = {
    "a mail without a header": (b"hello\n", b"X-DSR-Redacted: r\n\nhello\n"),
    "a mail that begins with its empty line": (b"\r\nhello", b"X-DSR-Redacted: r\r\n\r\nhello"),
    "nothing at all": (b"", b"X-DSR-Redacted: r\n"),
    "headers without a body": (b"Subject: a\r\n", b"Subject: a\r\nX-DSR-Redacted: r\r\n"),
    "a header that just stops": (b"Subject: a", b"Subject: a\nX-DSR-Redacted: r\n"),
    "lines that end with a return alone": (b"A: b\rTo: c\r\rx", b"A: b\rTo: c\rX-DSR-Redacted: r\r\rx"),
    "a line among the headers that is none": (
        b"A: b\nno header\nContent-Type: text/plain\n\nx",
        b"A: b\nX-DSR-Redacted: r\nno header\nContent-Type: text/plain\n\nx",
    ),
    "a byte order mark": (b"\xef\xbb\xbfA: b\n\nx", b"\xef\xbb\xbfA: b\nX-DSR-Redacted: r\n\nx"),
    "a folded last header": (b"A: b\r\nTo: c,\r\n\td\r\n\r\nx", b"A: b\r\nTo: c,\r\n\td\r\nX-DSR-Redacted: r\r\n\r\nx"),
    "an envelope line before the headers": (b"From a b\nA: b\n\nx", b"From a b\nA: b\nX-DSR-Redacted: r\n\nx"),
    "a body that follows without an empty line": (b"A: b\nhello there\n\nC: d", b"A: b\nX-DSR-Redacted: r\nhello there\n\nC: d"),
    "the case's own mark, folded and in other letters": (b"A: b\nx-dsr-redacted:\n R\n\nx", b"A: b\nx-dsr-redacted:\n R\n\nx"),
    "such a line in the text": (b"A: b\n\nX-DSR-Redacted: r\n", b"A: b\nX-DSR-Redacted: r\n\nX-DSR-Redacted: r\n"),
}


@pytest.mark.parametrize("name", HEADS)
def test_the_mark_ends_the_header_block_of(name: str) -> None:
    before, after = HEADS[name]
    mark = place_of(before, "r")
    assert before[: mark.at] + mark.field + before[mark.at :] == after


def _put(sink: BinaryIO, data: bytes) -> None:
    sink.write(data)


@given(
    raw=st.lists(st.sampled_from([b"A: b", b"\r\n", b"\n", b" ", b"\t", b"From x", b"x", b":", b"To: y\n", b"\xff", b"X-DSR-Redacted: ref"])).map(
        b"".join
    )
)
def test_whatever_a_mail_looks_like_the_mark_is_put_in_once_and_takes_nothing_away(raw: bytes) -> None:
    once = io.BytesIO()
    write_marked(lambda: io.BytesIO(raw + b"!"), lambda sink: _put(sink, raw), once, "ref")
    twice = io.BytesIO()
    write_marked(lambda: io.BytesIO(raw), lambda sink: _put(sink, once.getvalue()), twice, "ref")
    mark = place_of(raw, "ref")
    assert once.getvalue() == raw[: mark.at] + mark.field + raw[mark.at :]
    assert twice.getvalue() == once.getvalue()
    assert b"ref" in once.getvalue()


def test_other_programs_read_the_mark_as_a_header(box: Box, driver: MailstoreDriver) -> None:
    box.deliver("INBOX", signed(box, "Received: from a\n by b\n"))
    rewritten(driver, "jane")
    read = email.message_from_bytes(only(box, b"Subject: hi").raw)
    assert read[MARK.decode()] == "0a1b2c3d4e5f"
    assert str(read.get_payload()).strip() == "Hello [redacted]"


DKIM = "DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=x;\n h=From:To:\n Date; bh=abc=; b=def=\n"
PLACES = {
    "a body breaks DKIM": (DKIM, ["part:1/"], {"mail.signature_dkim"}),
    "a header that DKIM lists": (DKIM, ["header:to/2.name"], {"mail.signature_dkim"}),
    "a header that DKIM does not list": (DKIM, ["header:subject"], set()),
    "a header that is known by its number only": (DKIM, ["header:7"], {"mail.signature_dkim"}),
    "DKIM that lists nothing": ("DKIM-Signature: v=1\n", ["header:subject"], {"mail.signature_dkim"}),
    "an envelope": (DKIM, ["envelope:from"], set()),
    "ARC": ("ARC-Message-Signature: i=1; h=from; b=x\nARC-Seal: i=1; b=y\n", ["header:from.name"], {"mail.signature_arc"}),
    "S/MIME and a part": (
        'Content-Type: multipart/signed; protocol="application/pkcs7-signature";\n boundary=x\n\n--x\n',
        ["part:1/"],
        {"mail.signature_smime"},
    ),
    "S/MIME and a header of the message": ("Content-Type: multipart/signed; boundary=x\n\n--x\n", ["header:subject"], set()),
    "PGP/MIME": ('Content-Type: multipart/signed;\n protocol="application/pgp-signature"; boundary=x\n\n', ["part:1/"], {"mail.signature_pgp"}),
    "PGP in the text": ("Subject: a\n\n" + "x\n" * 200_000 + "-----BEGIN PGP SIGNED MESSAGE-----\n", ["part:1/"], {"mail.signature_pgp"}),
    "a signed part far down": (
        "Subject: a\n\n" + "x" * 1_048_560 + "\nContent-Type: multipart/signed; protocol=x\n\n",
        ["part:2/"],
        {"mail.signature_smime"},
    ),
    "no signature": ("Subject: a\nAuthentication-Results: mx; dkim=pass\n\nx", ["part:1/", "header:subject"], set()),
}


@pytest.mark.parametrize("name", PLACES)
def test_what_a_change_breaks_is_known(name: str) -> None:
    raw, places, codes = PLACES[name]
    assert {problem.code for problem in broken(lambda: io.BytesIO(raw.encode()), places)} == codes


def test_a_broken_signature_is_foreseen_and_the_mail_is_rewritten_all_the_same(box: Box, driver: MailstoreDriver) -> None:
    box.deliver("INBOX", signed(box, DKIM))
    foreseen = rewritten(driver, "jane")
    assert [warning.message for warning in foreseen.warnings] == ["the DKIM signature of these mails will no longer verify once they are rewritten"]
    assert JANE.encode() not in only(box, b"Subject: hi").raw
