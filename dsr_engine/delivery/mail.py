"""Mail by SMTP, encrypted or not at all (RFC 5321, RFC 8314).

`smtps://` is encrypted from the first byte; `smtp://` has to offer STARTTLS, and a server that does not, or whose certificate cannot be verified,
gets neither the login nor the letter. What a server says is kept as its numbers only: its words like to repeat the address.
"""

import contextlib
import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from threading import Timer
from urllib.parse import urlsplit

from dsr_engine.delivery.addresses import Address, address_of
from dsr_engine.delivery.post import Refused
from dsr_engine.delivery.trust import trust_in
from dsr_engine.domain.clock import Clock
from dsr_engine.domain.errors import DsrError, InputWrong, Unreachable
from dsr_engine.domain.parcel import Parcel
from dsr_engine.settings import MailSettings, Settings

#: Seconds for one answer, and for one message as a whole.
_TIMEOUT, _LONGEST = 30.0, 300.0
#: The code of a server that was not there, or went away.
UNREACHABLE = "unreachable"
_IMPLICIT, _SUBMISSION = 465, 587
#: What a message that no person wrote says of itself, so that no absence notice answers it (RFC 3834).
_AUTOMATIC = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
_ENHANCED = re.compile(rb"\s*([245]\.\d{1,3}\.\d{1,3})\b")
#: Answers to a login or to a sender that say that the settings are wrong, not the message.
_NOT_THE_MESSAGE = frozenset({530, 534, 535, 538})


class Mail:
    """The controller's mail server. One connection for several letters, opened with the first; after an error the next letter gets a new one."""

    def __init__(self, settings: MailSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._server: smtplib.SMTP | None = None

    def send(self, parcel: Parcel) -> str:
        """As `Post.send`; gives the numbers of the server's answer (`250 2.0.0`)."""
        try:
            to = address_of(parcel.to.reveal())
        except InputWrong:
            raise Refused("the addressee is not one e-mail address", code="address", hint="give another address") from None
        message = message_of(parcel, to, self._settings, self._clock)
        server = self._server or self._connected()
        self._server = None
        with self._translated(), _at_most(server, _LONGEST):
            answer = self._handed_over(server, message, to, parcel.id)
        self._server = server
        return answer

    def greet(self) -> None:
        """Connects and logs in, and sends nothing. Raises `Unreachable` with what is in the way."""
        self._server = self._server or self._connected()

    def close(self) -> None:
        if self._server is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self._server.quit()
            self._server.close()
            self._server = None

    def _handed_over(self, server: smtplib.SMTP, message: EmailMessage, to: Address, parcel_id: str) -> str:
        """MAIL, RCPT and DATA by hand: the library would forget the answer to DATA."""
        sender = address_of(self._settings.return_path or self._settings.sender)
        is_international = to.is_international or sender.is_international
        if is_international and not server.has_extn("smtputf8"):
            server.close()
            raise Refused(
                "the mail server cannot write to an address with letters beyond ASCII", code="smtputf8", hint="ask for another address, or use post"
            )
        with _closing_on_error(server):
            data = message.as_bytes(policy=(SMTPUTF8 if is_international else SMTP).clone(cte_type="7bit"))
            _demand(server.mail(sender.spec, _mail_options(server, data, parcel_id, is_international=is_international)))
            _demand(server.rcpt(to.spec, ["NOTIFY=FAILURE"] if server.has_extn("dsn") else []))
            return _demand(server.data(data))

    def _connected(self) -> smtplib.SMTP:
        settings = self._settings
        url = urlsplit(settings.server)
        host = url.hostname or ""
        greeting = address_of(settings.sender).domain
        try:
            trust = trust_in(settings.ca, "certificate")
        except InputWrong as error:
            raise _later(error.code, f"{error.message}; nothing was sent", "look at `ca` in [mail] of dsr.toml") from None
        with self._translated():
            if url.scheme == "smtps":
                server: smtplib.SMTP = smtplib.SMTP_SSL(host, url.port or _IMPLICIT, greeting, timeout=_TIMEOUT, context=trust)
            else:
                server = smtplib.SMTP(host, url.port or _SUBMISSION, greeting, timeout=_TIMEOUT)
            with _closing_on_error(server), _at_most(server, _LONGEST):
                if url.scheme == "smtp":
                    _encrypt(server, trust)
                server.ehlo()
                if settings.password is not None:
                    server.login(settings.user, settings.password.reveal())
        return server

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Turns what the library raises into the two answers of a `Post`, without the server's words."""
        try:
            yield
        except smtplib.SMTPAuthenticationError as error:
            raise _later(str(error.smtp_code), "the mail server refused the login", "look at user and password in [mail] of dsr.toml") from None
        except smtplib.SMTPNotSupportedError:
            raise _later("login", "the mail server offers no way to log in", "leave user and password in [mail] out, or ask its operator") from None
        except smtplib.SMTPResponseException as error:
            raise _answered(error.smtp_code, b"") from None
        except ssl.SSLCertVerificationError:
            raise _later(
                "certificate",
                "the certificate of the mail server cannot be verified; nothing was sent",
                "look at the host name in [mail] of dsr.toml, or name its authority there as `ca`",
            ) from None
        except (OSError, smtplib.SMTPException):
            raise _later(UNREACHABLE, "the mail server did not answer", "look at `server` in [mail] of dsr.toml; it is tried again") from None


def open_mail(settings: Settings, clock: Clock) -> Mail | None:
    """The controller's mail server; None where dsr.toml names none."""
    return Mail(settings.mail, clock) if settings.mail is not None else None


def message_of(parcel: Parcel, to: Address, settings: MailSettings, clock: Clock) -> EmailMessage:
    """The message as it goes out. Its Message-ID is made of the parcel's id, so that one that was sent twice is seen to be one."""
    sender = address_of(settings.sender)
    message = EmailMessage(policy=SMTPUTF8 if to.is_international or sender.is_international else SMTP)
    message["From"] = Mailbox(sender.name, sender.local, sender.domain)
    message["To"] = Mailbox("", to.local, to.domain)
    if settings.reply_to:
        answer = address_of(settings.reply_to)
        message["Reply-To"] = Mailbox(answer.name, answer.local, answer.domain)
    message["Subject"] = " ".join(parcel.subject.split())
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = f"<{parcel.id}@{sender.domain}>"
    for name, value in _AUTOMATIC.items():
        message[name] = value
    message.set_content(parcel.text)
    for enclosed in parcel.enclosures:
        major, _, minor = enclosed.media_type.partition("/")
        message.add_attachment(enclosed.data, maintype=major, subtype=minor, filename=enclosed.name)
    return message


def _encrypt(server: smtplib.SMTP, trust: ssl.SSLContext) -> None:
    server.ehlo()
    if not server.has_extn("starttls"):
        raise _later(
            "no_tls",
            "the mail server offers no encryption; nothing was sent",
            "name another server in [mail] of dsr.toml, or smtps://",
        )
    _demand(server.starttls(context=trust))


def _mail_options(server: smtplib.SMTP, data: bytes, parcel_id: str, *, is_international: bool) -> list[str]:
    """What the server is told beside the sender. The id comes back in a report about this message (RFC 3461 § 4.4)."""
    options = [f"SIZE={len(data)}"] if server.has_extn("size") else []
    if server.has_extn("dsn"):
        options += ["RET=HDRS", f"ENVID={parcel_id}"]
    return [*options, "SMTPUTF8", "BODY=8BITMIME"] if is_international else options


def _demand(answer: tuple[int, bytes]) -> str:
    """The numbers of an answer that is a yes; raises for a no."""
    code, words = answer
    if code // 100 != 2:
        raise _answered(code, words)
    return _numbers(code, words)


def _numbers(code: int, words: bytes) -> str:
    enhanced = _ENHANCED.match(words)
    return f"{code} {enhanced[1].decode()}" if enhanced else str(code)


def _answered(code: int, words: bytes) -> DsrError:
    numbers = _numbers(code, words)
    if code // 100 == 5 and code not in _NOT_THE_MESSAGE:
        return Refused(f"the mail server refused the message ({numbers})", code=numbers, hint="look at the address, or use post")
    return _later(numbers, f"the mail server does not take the message now ({numbers})", "it is tried again")


def _later(code: str, message: str, hint: str) -> Unreachable:
    return Unreachable(message, code=code, hint=hint)


@contextlib.contextmanager
def _closing_on_error(server: smtplib.SMTP) -> Iterator[None]:
    """A connection in an unknown state is not used again."""
    is_fine = False
    try:
        yield
        is_fine = True
    finally:
        if not is_fine:
            server.close()


@contextlib.contextmanager
def _at_most(server: smtplib.SMTP, seconds: float) -> Iterator[None]:
    """Ends a conversation that a server draws out: each answer has its own limit, but there may be many lines in one."""

    def cut() -> None:
        with contextlib.suppress(OSError):
            if server.sock is not None:
                socket.socket.shutdown(server.sock, socket.SHUT_RDWR)

    timer = Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
