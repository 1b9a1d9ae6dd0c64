"""Reports that a message could not be delivered (RFC 3462, RFC 3464), read from the mailbox to which they come back.

Anybody may write to that mailbox, so a report counts only if it names a message of ours by the random id that nobody but its addressee has seen, and
nothing in it is believed but that id and the status. The mailbox is only read: what becomes of the reports is for whoever runs it.
"""

import imaplib
import io
import mailbox
import re
import ssl
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from dsr_engine.content.format import Limits
from dsr_engine.content.mail.mime_encoding import body_of
from dsr_engine.content.mail.mime_structure import Part, structure_of
from dsr_engine.delivery.trust import trust_in
from dsr_engine.domain.errors import InputWrong, NotAllowed, Unreachable
from dsr_engine.domain.parcel import Bounce
from dsr_engine.domain.selector import Secret

#: How far back one looks, how many messages at most (the newest), and how much of each: a report names its message near its beginning.
AGE = timedelta(days=30)
MOST, LARGEST = 5_000, 256 * 1024
_LIMITS = Limits(members=50, line_bytes=64 * 1024)
_TIMEOUT = 30.0
_ID = re.compile(rb"(?mi)^(?:message-id|original-envelope-id):[ \t]*(?:rfc822;[ \t]*)?(?:\r?\n[ \t]+)?<?([0-9A-Za-z_-]{8,64})(?:@|>|[ \t]*\r?$)")
_STATUS = re.compile(rb"(?mi)^status:[ \t]*([45]\.\d{1,3}\.\d{1,3})")
_ACTION = re.compile(rb"(?mi)^action:[ \t]*failed\b")
_ORIGINAL = ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers", "message/rfc822-headers")


class Mailbox(Protocol):
    """Where reports come back to."""

    def messages(self, since: datetime) -> Iterator[bytes]:
        """The first bytes of each message that came since then. Raises `Unreachable` or `NotAllowed`."""


def bounces_in(box: Mailbox, now: datetime) -> Iterator[Bounce]:
    """Every report of a final failure in the mailbox, each as often as it is there."""
    for message in box.messages(now - AGE):
        found = bounce_of(message)
        if found is not None:
            yield found


def bounce_of(message: bytes) -> Bounce | None:
    """What a report says; None for anything else, for a delay, and for a report that names no message of ours."""
    data = message[:LARGEST]
    mail = structure_of(lambda: io.BytesIO(data), _LIMITS)
    status = parcel = b""
    for part in mail.parts:
        kind, body = part.meta.kind, _body(data, part)
        if kind in ("message/delivery-status", "message/global-delivery-status"):
            if _ACTION.search(body) is None:
                return None
            found = _STATUS.search(body)
            status = found[1] if found else b"5.0.0"
            parcel = parcel or _named(body)
        elif kind in _ORIGINAL:
            parcel = _named(body) or parcel
    return Bounce(parcel.decode(), status.decode()) if parcel and status else None


def _body(data: bytes, part: Part) -> bytes:
    """What is in the part, decoded where it is encoded."""
    with closing(body_of(lambda: io.BytesIO(data), part.start, part.end, part.meta.encoding)()) as source:
        return source.read()


def _named(body: bytes) -> bytes:
    found = _ID.search(body)
    return found[1] if found else b""


def mailbox_at(url: Secret, ca: Path | None = None) -> Mailbox:
    """The mailbox behind `maildir:PATH`, `mbox:PATH`, `imaps://user:password@host/FOLDER` or `imap://…` (STARTTLS). Raises `InputWrong`."""
    kind, _, rest = url.reveal().partition(":")
    if kind in ("maildir", "mbox") and rest:
        path = Path(unquote(rest.removeprefix("//")) if rest.startswith("//") else rest).expanduser()
        if not path.exists():
            raise InputWrong(f"there is no mailbox at {path}", code="bounces.url", hint="look at `bounces` in [mail] of dsr.toml")
        return Maildir(path) if kind == "maildir" else Mbox(path)
    if kind in ("imap", "imaps"):
        return _imap(url.reveal(), ca)
    raise InputWrong("this is no mailbox", code="bounces.url", hint="maildir:PATH, mbox:PATH or imaps://user:${PASSWORD}@HOST/FOLDER")


def _imap(url: str, ca: Path | None) -> "Imap":
    wrong = InputWrong("the URL names no host or no user", code="bounces.url", hint="imaps://user:${PASSWORD}@HOST/FOLDER")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise wrong from None
    if not host or not parts.username or not parts.password:
        raise wrong
    is_whole = parts.scheme == "imaps"
    folder = unquote(parts.path.strip("/")) or "INBOX"
    return Imap(host, port or (993 if is_whole else 143), unquote(parts.username), Secret(unquote(parts.password)), folder, ca, is_whole)


@dataclass(frozen=True, slots=True)
class Maildir:
    """Messages as files in `new` and `cur`. Nothing is moved and no flag is set."""

    path: Path

    def messages(self, since: datetime) -> Iterator[bytes]:
        try:
            files = [(entry.stat().st_mtime, entry) for folder in ("new", "cur") for entry in (self.path / folder).iterdir() if entry.is_file()]
        except OSError as error:
            raise _unreadable(self.path, error) from None
        for _, path in sorted((found for found in files if found[0] >= since.timestamp()), reverse=True)[:MOST]:
            with suppress(FileNotFoundError), path.open("rb") as file:  # another program moved it meanwhile
                yield file.read(LARGEST)


@dataclass(frozen=True, slots=True)
class Mbox:
    """Messages in one file, one after the other."""

    path: Path

    def messages(self, since: datetime) -> Iterator[bytes]:  # noqa: ARG002  # an mbox does not say when a message came
        try:
            with closing(mailbox.mbox(self.path, create=False)) as box:
                for key in list(reversed(box.keys()))[:MOST]:
                    with closing(box.get_file(key)) as file:
                        yield file.read(LARGEST)
        except (OSError, mailbox.Error) as error:
            raise _unreadable(self.path, error) from None


@dataclass(frozen=True, slots=True, repr=False)
class Imap:
    """Messages on a server. The folder is opened for reading only, so that nothing is marked as seen."""

    host: str
    port: int
    user: str
    password: Secret
    folder: str
    ca: Path | None
    is_encrypted_at_once: bool

    def messages(self, since: datetime) -> Iterator[bytes]:
        trust = trust_in(self.ca, "bounces.ca")
        try:
            if self.is_encrypted_at_once:
                client: imaplib.IMAP4 = imaplib.IMAP4_SSL(self.host, self.port, ssl_context=trust, timeout=_TIMEOUT)
            else:
                client = imaplib.IMAP4(self.host, self.port, timeout=_TIMEOUT)
            try:
                if not self.is_encrypted_at_once:
                    client.starttls(trust)
                yield from self._read(client, since)
            finally:
                with suppress(OSError, imaplib.IMAP4.error):
                    client.logout()
        except ssl.SSLCertVerificationError:
            raise Unreachable(
                "the certificate of the mailbox's server cannot be verified", code="bounces.tls", hint="name its authority as `ca` in [mail]"
            ) from None
        except imaplib.IMAP4.abort:
            raise Unreachable("the server of the mailbox went away", code="bounces.unreachable", hint="it is tried again") from None
        except imaplib.IMAP4.error:
            raise NotAllowed(
                "the server of the mailbox refused login or folder", code="bounces.refused", hint="look at `bounces` in [mail] of dsr.toml"
            ) from None
        except OSError:
            raise Unreachable("the server of the mailbox did not answer", code="bounces.unreachable", hint="it is tried again") from None

    def _read(self, client: imaplib.IMAP4, since: datetime) -> Iterator[bytes]:
        client.login(self.user, self.password.reveal())
        quoted = '"' + self.folder.replace("\\", "\\\\").replace('"', '\\"') + '"'
        if client.select(quoted, readonly=True)[0] != "OK":
            raise imaplib.IMAP4.error("folder")
        _, found = client.uid("SEARCH", "SINCE", f"{since.day:02d}-{_MONTHS[since.month - 1]}-{since.year}")
        numbers = found[0].split() if found and isinstance(found[0], bytes) else []
        for number in reversed(numbers[-MOST:]):
            _, parts = client.uid("FETCH", number.decode("ascii", "replace"), f"(BODY.PEEK[]<0.{LARGEST}>)")
            yield from (part[1] for part in parts if isinstance(part, tuple) and isinstance(part[1], bytes))


#: Names of months in IMAP dates (RFC 9051 § 9), whatever the machine's language.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _unreadable(path: Path, error: Exception) -> NotAllowed:
    why = error.strerror if isinstance(error, OSError) else type(error).__name__
    return NotAllowed(f"the mailbox {path} cannot be read: {why}", code="bounces.refused", hint="look at its place and its permissions")
