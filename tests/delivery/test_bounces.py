"""Reports of failed delivery are found in any kind of mailbox, say which letter came back, and cannot be made to say anything else."""

import mailbox
import os
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.delivery.bounces import LARGEST, bounce_of, bounces_in, mailbox_at
from dsr_engine.domain.errors import DsrError, InputWrong, NotAllowed, Unreachable
from dsr_engine.domain.parcel import Bounce
from dsr_engine.domain.selector import Secret
from tests.servers.dovecot import DovecotServer

ID = "0123456789abcdef" * 2
NOW = datetime.now(UTC)

#: As Postfix 3.7 writes it; the address is invented.
POSTFIX = f"""\
Return-Path: <>
Date: Sun, 22 Nov 2026 12:00:07 +0000 (UTC)
From: MAILER-DAEMON@mail.example.com (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: bounces@example.com
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="D2A5F1C0.1763812807/mail.example.com"
Message-Id: <20261122120007.1A2B3C4D@mail.example.com>

This is a MIME-encapsulated message.

--D2A5F1C0.1763812807/mail.example.com
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--D2A5F1C0.1763812807/mail.example.com
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.com
X-Postfix-Queue-ID: D2A5F1C0
Arrival-Date: Sun, 22 Nov 2026 12:00:05 +0000 (UTC)

Final-Recipient: rfc822; nobody@example.org
Original-Recipient: rfc822;nobody@example.org
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.example.org
Diagnostic-Code: smtp; 550 5.1.1 <nobody@example.org>: Recipient address rejected

--D2A5F1C0.1763812807/mail.example.com
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

From: Example Ltd <privacy@example.com>
To: nobody@example.org
Subject: Your data have been erased
Message-ID:
 <{ID}@example.com>

--D2A5F1C0.1763812807/mail.example.com--
"""
#: As Exchange writes it: the whole message comes back, encoded, and the status part is folded.
EXCHANGE = f"""\
From: postmaster@example.org\r
To: bounces@example.com\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"\r
\r
--b1\r
Content-Type: multipart/alternative; boundary="b2"\r
\r
--b2\r
Content-Type: text/plain\r
\r
Delivery has failed.\r
--b2--\r
--b1\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns;x.example.org\r
\r
Final-recipient: RFC822;\r
 nobody@example.org\r
Action: failed\r
Status: 5.2.2\r
\r
--b1\r
Content-Type: message/rfc822\r
\r
Received: from x\r
From: privacy@example.com\r
MESSAGE-ID: <{ID}@example.com>\r
Subject: x\r
\r
Dear Sir\r
--b1--\r
"""
ENVELOPE = POSTFIX.replace("Reporting-MTA: dns", f"Original-Envelope-Id: {ID}\nReporting-MTA: dns").split("Content-Description: Undelivered")[0]


@pytest.mark.parametrize(("report", "status"), [(POSTFIX, "5.1.1"), (EXCHANGE, "5.2.2"), (ENVELOPE, "5.1.1")])
def test_reports_of_several_servers_name_the_letter_and_the_status(report: str, status: str) -> None:
    assert bounce_of(report.encode()) == Bounce(ID, status)


@pytest.mark.parametrize(
    "message",
    [
        POSTFIX.replace("Action: failed", "Action: delayed").replace("5.1.1", "4.4.1"),
        POSTFIX.replace("Action: failed", "Action: delivered"),
        POSTFIX.replace(f"<{ID}@example.com>", ""),
        POSTFIX.replace("message/delivery-status", "text/plain"),
        f"From: a@b.example\nMessage-ID: <{ID}@example.com>\n\nAction: failed\nStatus: 5.1.1\n",
        f"From: a@b.example\nIn-Reply-To: <{ID}@example.com>\n\nI am on holiday.\n",
        "",
    ],
)
def test_what_is_no_report_of_a_failure_is_passed_over(message: str) -> None:
    assert bounce_of(message.encode()) is None


def test_a_hostile_message_ends_soon_and_says_nothing() -> None:
    nested = "".join(f'Content-Type: multipart/mixed; boundary="{level}"\n\n--{level}\n' for level in range(20_000))
    assert bounce_of(nested.encode()) is None
    assert bounce_of(b"Content-Type: multipart/report; boundary=x\n\n" + b"--x\n\n\n" * 100_000) is None
    assert bounce_of(b"X: " + b"a" * 20_000_000) is None
    assert bounce_of(POSTFIX.encode().replace(b"I'm sorry", b"x" * LARGEST)) is None


@given(st.lists(st.sampled_from(POSTFIX.splitlines(keepends=True)) | st.text(max_size=40), max_size=60))
@settings(deadline=None)
def test_any_message_gives_a_report_or_nothing(lines: list[str]) -> None:
    found = bounce_of("".join(lines).encode("utf-8", "surrogatepass"))
    assert found is None or (len(found.parcel) <= 64 and found.status[0] in "45")


@given(st.binary(max_size=300), st.integers(0, len(POSTFIX)))
@settings(deadline=None)
def test_bytes_in_the_middle_of_a_report_do_no_harm(noise: bytes, at: int) -> None:
    data = POSTFIX.encode()
    found = bounce_of(data[:at] + noise + data[at:])
    assert found is None or found.status


def _maildir(path: Path) -> str:
    box = mailbox.Maildir(path, create=True)
    for text in (POSTFIX, EXCHANGE, "From: a@b.example\n\nhello\n"):
        box.add(text.encode())
    (path / "cur" / "old:2,S").write_bytes(POSTFIX.replace(ID, "f" * 32).encode())
    ago = (NOW - timedelta(days=40)).timestamp()
    os.utime(path / "cur" / "old:2,S", (ago, ago))
    box.close()
    return f"maildir:{path}"


def _mbox(path: Path) -> str:
    box = mailbox.mbox(path)
    for text in (POSTFIX, "From: a@b.example\n\nhello\n", EXCHANGE):
        box.add(EmailMessage() if not text else text.encode())
    box.close()
    return f"mbox:{path}"


@pytest.mark.parametrize("make", [_maildir, _mbox])
def test_reports_are_found_in_files_which_stay_as_they_are(make: object, tmp_path: Path) -> None:
    assert callable(make)
    url = make(tmp_path / "box")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    found = sorted(bounce.status for bounce in bounces_in(mailbox_at(Secret(url)), NOW))
    assert found == ["5.1.1", "5.2.2"]
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("scheme", ["imaps", "imap"])
def test_reports_are_found_on_a_server_and_nothing_is_marked_as_seen(dovecot: DovecotServer, scheme: str) -> None:
    user, password = dovecot.new_user()
    with dovecot.login(user, password) as client:
        client.create('"Undelivered mail"')
        for text in (POSTFIX.replace("\n", "\r\n"), EXCHANGE, "From: a@b.example\r\n\r\nhello\r\n"):
            client.append('"Undelivered mail"', "", "", text.encode())
    port = dovecot.tls_port if scheme == "imaps" else dovecot.port
    url = f"{scheme}://{user.replace('@', '%40')}:{password}@localhost:{port}/Undelivered%20mail"
    found = sorted(bounce.status for bounce in bounces_in(mailbox_at(Secret(url), dovecot.certificate), NOW))
    assert found == ["5.1.1", "5.2.2"]
    with dovecot.login(user, password) as client:
        client.select('"Undelivered mail"', readonly=True)
        assert client.search(None, "SEEN")[1] == [b""]
    with pytest.raises(Unreachable, match="cannot be verified"):
        list(mailbox_at(Secret(url)).messages(NOW))
    for wrong in (url.replace(password, "hunter2"), url.replace("Undelivered", "Other")):
        with pytest.raises(NotAllowed) as refused:
            list(mailbox_at(Secret(wrong), dovecot.certificate).messages(NOW))
        assert "hunter2" not in f"{refused.value!r}{refused.value}"


@pytest.mark.parametrize(
    ("url", "family"),
    [
        ("maildir:/nowhere/at/all", InputWrong),
        ("pop3://h/x", InputWrong),
        ("imaps://host/INBOX", InputWrong),
        ("imaps://[::1/INBOX", InputWrong),
        ("imaps://u:p@localhost:9/INBOX", Unreachable),
    ],
)
def test_a_mailbox_that_is_not_there_says_so(url: str, family: type[DsrError]) -> None:
    with pytest.raises(family):
        list(mailbox_at(Secret(url)).messages(NOW))
