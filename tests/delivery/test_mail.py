"""Letters go out encrypted or not at all, once, with nothing in their headers that was not put there on purpose."""

import contextlib
import email
import email.policy
import socket
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.delivery.addresses import address_of
from dsr_engine.delivery.mail import UNREACHABLE, Mail, message_of
from dsr_engine.delivery.post import Refused
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import DsrError, InputWrong, Unreachable
from dsr_engine.domain.parcel import Enclosure, Parcel
from dsr_engine.domain.selector import Secret
from dsr_engine.settings import MailSettings
from tests.servers.smtp_server import PASSWORD, USER, SmtpServer

CLOCK = FixedClock(datetime(2026, 11, 22, 12, tzinfo=UTC))
PDF = Enclosure("letter.pdf", "application/pdf", b"%PDF-1.4\n\x00\xff" * 200)
ID = "0123456789abcdef" * 2


def _settings(server: SmtpServer, url: str | None = None) -> MailSettings:
    return MailSettings(
        server=url or server.url,
        sender="Bücher & Tee GmbH <privacy@example.com>",
        user=USER,
        password=Secret(PASSWORD),
        reply_to="answers@example.com",
        return_path="bounces@example.com",
        ca=server.ca,
    )


def _parcel(to: str, text: str = "Dear Sir or Madam,\n\nyour data are erased.\n.\nYours\n") -> Parcel:
    return Parcel(ID, Secret(to), "Ihr Antrag vom 1. März", text, (PDF,))


def _sent(server: SmtpServer, to: str, url: str | None = None) -> str:
    mail = Mail(_settings(server, url), CLOCK)
    try:
        return mail.send(_parcel(to))
    finally:
        mail.close()


def _read(data: bytes) -> EmailMessage:
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


@pytest.mark.parametrize("door", ["url", "starttls_url"])
def test_a_letter_goes_out_encrypted_with_text_and_pdf(smtp_server: SmtpServer, door: str) -> None:
    assert _sent(smtp_server, "ida@example.org", getattr(smtp_server, door)) == "250 2.0.0"
    (mail,) = smtp_server.mails
    assert (mail.sender, mail.recipient, mail.is_encrypted, mail.user) == ("bounces@example.com", "ida@example.org", True, USER)
    assert f"ENVID={ID}" in mail.options
    message = _read(mail.data)
    assert message["From"] == "Bücher & Tee GmbH <privacy@example.com>"
    assert (message["To"], message["Reply-To"], message["Subject"]) == ("ida@example.org", "answers@example.com", "Ihr Antrag vom 1. März")
    assert (message["Message-ID"], message["Auto-Submitted"]) == (f"<{ID}@example.com>", "auto-generated")
    assert message["Date"] == "Sun, 22 Nov 2026 12:00:00 +0000"
    body = message.get_body()
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == _parcel("x").text
    (pdf,) = message.iter_attachments()
    assert (pdf.get_filename(), pdf.get_content_type(), pdf.get_content()) == ("letter.pdf", "application/pdf", PDF.data)
    assert all(len(line) <= 998 for line in mail.data.split(b"\r\n"))
    assert mail.data.isascii()


def test_one_connection_carries_several_letters(smtp_server: SmtpServer) -> None:
    mail = Mail(_settings(smtp_server), CLOCK)
    assert [mail.send(_parcel(to)) for to in ("a@example.org", "b@example.org")] == ["250 2.0.0"] * 2
    with pytest.raises(Refused):
        mail.send(_parcel("bounce@example.org"))
    assert mail.send(_parcel("c@example.org")) == "250 2.0.0"
    mail.close()
    mail.close()
    assert [taken.recipient[0] for taken in smtp_server.mails] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("to", "family", "code"),
    [
        ("bounce.ida@example.org", Refused, "550 5.1.1"),
        ("full.ida@example.org", Refused, "552 5.2.2"),
        ("later.ida@example.org", Unreachable, "451 4.3.0"),
        ("dropped.ida@example.org", Unreachable, UNREACHABLE),
    ],
)
def test_a_no_for_good_and_a_no_for_now_are_told_apart_without_the_words_of_the_server(
    smtp_server: SmtpServer, to: str, family: type[DsrError], code: str
) -> None:
    with pytest.raises(family) as refused:
        _sent(smtp_server, to)
    assert refused.value.code == code
    assert "ida" not in f"{refused.value!r} {refused.value}"


def test_what_is_sent_again_after_a_lost_answer_has_the_same_id(smtp_server: SmtpServer) -> None:
    with pytest.raises(Unreachable):
        _sent(smtp_server, "dropped@example.org")
    _sent(smtp_server, "dropped@example.org")
    first, second = (_read(mail.data) for mail in smtp_server.to("dropped"))
    assert first["Message-ID"] == second["Message-ID"] == f"<{ID}@example.com>"


def test_without_encryption_neither_login_nor_letter_leaves(smtp_server: SmtpServer) -> None:
    with pytest.raises(Unreachable) as refused:
        _sent(smtp_server, "ida@example.org", smtp_server.clear_url)
    assert refused.value.code == "no_tls"
    assert smtp_server.mails == []
    assert [line.split(" ")[0].upper() for line in smtp_server.clear_lines] == ["EHLO"]


@pytest.mark.parametrize("door", ["url", "starttls_url"])
def test_a_server_that_cannot_be_verified_gets_nothing(smtp_server: SmtpServer, door: str) -> None:
    elsewhere = getattr(smtp_server, door).replace("localhost", "127.0.0.1")  # its certificate is not for this name
    for settings_ in (_settings(smtp_server, elsewhere), replace(_settings(smtp_server, getattr(smtp_server, door)), ca=None)):
        with pytest.raises(Unreachable) as refused:
            Mail(settings_, CLOCK).send(_parcel("ida@example.org"))
        assert refused.value.code == "certificate"
    assert smtp_server.mails == []
    assert not [line for line in smtp_server.clear_lines if line.split(" ")[0].upper() not in ("EHLO", "STARTTLS")]


def test_a_wrong_password_is_a_matter_of_the_settings_and_keeps_the_letter(smtp_server: SmtpServer) -> None:
    wrong = replace(_settings(smtp_server), password=Secret("hunter2"))
    with pytest.raises(Unreachable) as refused:
        Mail(wrong, CLOCK).send(_parcel("ida@example.org"))
    assert (refused.value.code, "hunter2" in str(refused.value)) == ("535", False)
    without = replace(_settings(smtp_server), user="", password=None)
    with pytest.raises(Unreachable) as refused:
        Mail(without, CLOCK).send(_parcel("ida@example.org"))
    assert refused.value.code == "530 5.7.0"


def test_a_server_that_is_not_there_is_tried_again_later(smtp_server: SmtpServer) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        with pytest.raises(Unreachable) as refused:
            _sent(smtp_server, "ida@example.org", f"smtps://localhost:{taken.getsockname()[1]}")
    assert refused.value.code == UNREACHABLE


def test_letters_reach_addresses_with_letters_beyond_ascii(smtp_server: SmtpServer) -> None:
    _sent(smtp_server, "ida@bücher.example")
    _sent(smtp_server, "jörg@bücher.example")
    first, second = smtp_server.mails
    assert first.recipient == "ida@xn--bcher-kva.example"
    assert (second.recipient, "SMTPUTF8" in second.options) == ("jörg@xn--bcher-kva.example", True)


@pytest.mark.parametrize(
    "to", ["", "ida", "ida@a.example, bob@b.example", "ida@a.example\r\nBcc: bob@b.example", "ida@a.example\nRCPT TO:<b@c>", "a b@c.de"]
)
def test_what_is_not_one_address_is_not_written_to(smtp_server: SmtpServer, to: str) -> None:
    with pytest.raises(Refused) as refused:
        _sent(smtp_server, to)
    assert (refused.value.code, smtp_server.mails) == ("address", [])


@given(st.text(), st.text(), st.text(max_size=30))
@settings(deadline=None)
def test_nothing_that_is_written_becomes_a_header(subject: str, text: str, name: str) -> None:
    encodable = [each.encode("utf-8", "replace").decode() for each in (subject, text, name)]
    parcel = Parcel(ID, Secret("ida@example.org"), encodable[0], encodable[1], (Enclosure("letter.pdf", "application/pdf", b"x"),))
    settings_ = MailSettings("smtps://localhost", "privacy@example.com")
    data = message_of(parcel, address_of("ida@example.org"), settings_, CLOCK).as_bytes()
    head = data.partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0] for line in head.split(b"\r\n") if line[:1] not in (b" ", b"\t")]
    assert sorted(names) == sorted(
        [b"From", b"To", b"Subject", b"Date", b"Message-ID", b"Auto-Submitted", b"X-Auto-Response-Suppress", b"MIME-Version", b"Content-Type"]
    )


@given(st.text(max_size=80))
@settings(deadline=None)
def test_any_text_is_one_address_or_refused(text: str) -> None:
    found = None
    with contextlib.suppress(InputWrong):
        found = address_of(text)
    if found is not None:
        assert found.domain.isascii()
        assert not set("\r\n<>, ") & set(found.spec) or found.local.startswith('"')
