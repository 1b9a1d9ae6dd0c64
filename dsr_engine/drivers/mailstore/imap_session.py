"""One encrypted connection to an IMAP server (RFC 3501 and 9051), with its errors turned into the engine's.

Three things that client libraries do are undone here: they log every line with what is in it; they turn bare line ends into CRLF when they
append, which would change a mail that was to be kept byte for byte; and their errors quote the server, which likes to name the user.
"""

import contextlib
import imaplib
import io
import logging
import re
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.datetime_util import datetime_to_INTERNALDATE
from imapclient.exceptions import LoginError
from imapclient.imap_utf7 import decode as decode_name
from imapclient.imap_utf7 import encode as encode_name

from dsr_engine.domain.errors import InputWrong, ManifestWrong, NotAllowed, NotSupported, Unreachable

# The library writes commands, user names and mail to its loggers at level DEBUG; nobody may turn that on.
for _name in ("imapclient.imapclient", "imapclient.imaplib", "imapclient.util"):
    logging.getLogger(_name).disabled = True

#: Seconds to connect, and seconds to wait for an answer.
_TIMEOUT = SocketTimeout(15, 120)

#: Mails that one FETCH names, and bytes of content that it may bring. Lines stay under the 8,000 octets of RFC 7162 § 4.
CHUNK = 500
_FETCH_BYTES = 8 * 1024 * 1024

_TEMPORARY = re.compile(r"\[(UNAVAILABLE|INUSE|LIMIT|SERVERBUG|OVERQUOTA|EXPUNGEISSUED)\b|socket error|EOF", re.IGNORECASE)
_MISSING = re.compile(r"\[NONEXISTENT\]|doesn't exist|does not exist|no such mailbox|unknown mailbox", re.IGNORECASE)
_APPENDED = re.compile(rb"\[APPENDUID (\d+) (\d+)\]", re.IGNORECASE)
_MODIFIED = re.compile(rb"\[MODIFIED ([0-9:,]+)\]", re.IGNORECASE)


#: Codes after which a connection is of no use any more.
_BROKEN = frozenset({"mail.connection", "mail.read_only"})

#: The code of an answer that says "not now"; the connection stands.
UNAVAILABLE = "mail.unavailable"


class Tls(Enum):
    """WHOLE: encrypted from the first byte (imaps). STARTTLS: before the login, or not at all. OFF: loopback only."""

    WHOLE = "whole"
    STARTTLS = "starttls"
    OFF = "off"


@dataclass(frozen=True, slots=True, repr=False)
class Account:
    """Where to log in and as whom. `ca_file` (may be empty) is trusted instead of the machine's authorities."""

    host: str
    port: int
    user: str
    password: str
    tls: Tls
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class Meta:
    """What the server says of a message without its content. `date` is the day and time at which it came to this mailbox; sizes in bytes."""

    uid: int
    size: int
    date: datetime | None
    flags: tuple[bytes, ...]

    @property
    def epoch(self) -> str:
        return str(int(self.date.timestamp())) if self.date else ""


@dataclass(frozen=True, slots=True)
class Selected:
    """A folder as it was opened. `modseq` is its highest modification sequence (RFC 7162), 0 where the server keeps none."""

    validity: int
    exists: int
    modseq: int


@contextlib.contextmanager
def answers() -> Iterator[None]:
    """Turns what goes wrong with a server into the engine's errors."""
    try:
        yield
    except imaplib.IMAP4.readonly:
        raise NotAllowed(
            "A mail folder may be read only", code="mail.read_only", hint="grant the account the right to delete (ACL t and e)"
        ) from None
    except ssl.SSLCertVerificationError:
        raise NotAllowed("The mail server's certificate is not trusted", code="mail.certificate", hint="set ca_file: to its authority") from None
    except LoginError as error:
        if _TEMPORARY.search(str(error)):
            raise Unreachable("The mail server could not check the login", code=UNAVAILABLE) from None
        raise NotAllowed("The mail server refused the login", code="mail.login", hint="check user: and password:") from None
    except (imaplib.IMAP4.abort, OSError, EOFError):
        raise Unreachable("The connection to the mail server failed", code="mail.connection", hint="see that host and port are right") from None
    except imaplib.IMAP4.error as error:
        raise _refusal(str(error)) from None


def _refusal(text: str) -> NotAllowed | Unreachable | ManifestWrong:
    if _TEMPORARY.search(text):
        return Unreachable("The mail server cannot answer now", code=UNAVAILABLE, hint="see its log")
    if _MISSING.search(text):
        return ManifestWrong("A mail folder of this name is not there", code="mail.no_folder", hint="search again: it was removed or renamed")
    return NotAllowed("The mail server refused a command", code="mail.refused", hint="grant the account the rights l, r, s, w, i, t and e (RFC 4314)")


def shown_name(wire: bytes) -> str:
    """A folder's name as people read it; the name on the wire where that is no proper modified UTF-7."""
    with contextlib.suppress(ValueError):
        name = str(decode_name(wire))
        if encode_name(name) == wire:
            return name
    return wire.decode("latin-1")


class Session:
    """A connection that is made when it is first needed and again after it broke."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._client: Any = None
        self._selected: tuple[bytes, bool] | None = None

    def close(self) -> None:
        if self._client is not None:
            with contextlib.suppress(imaplib.IMAP4.error, OSError):
                self._client._imap.logout()
        self._drop()

    def _drop(self) -> None:
        client, self._client, self._selected = self._client, None, None
        if client is not None:
            with contextlib.suppress(imaplib.IMAP4.error, OSError):
                client.shutdown()

    @contextlib.contextmanager
    def speaking(self) -> Iterator[Any]:
        """The client, logged in. A connection that failed is dropped, since nobody knows what it would answer next.

        So is one that was told READ-ONLY: the library refuses every further command on it.
        """
        try:
            with answers():
                if self._client is None:
                    self._client = self._connected()
                yield self._client
        except (Unreachable, NotAllowed) as error:
            if error.code in _BROKEN:
                self._drop()
            raise

    def has(self, capability: str) -> bool:
        with self.speaking() as client:
            return bool(client.has_capability(capability))

    def folders(self) -> list[bytes]:
        """The wire names of all folders that hold mail, of every namespace, subscribed or not."""
        with self.speaking() as client:
            listed = list(client.list_folders())
            if client.has_capability("NAMESPACE"):
                spaces = client.namespace()
                for prefix, _ in (*(spaces.personal or ()), *(spaces.other or ()), *(spaces.shared or ())):
                    listed += client.list_folders(encode_name(prefix), "*") if prefix else []
        no_mail = {b"\\noselect", b"\\nonexistent"}
        names = [
            name if isinstance(name, bytes) else str(name).encode() for flags, _, name in listed if not no_mail & {flag.lower() for flag in flags}
        ]
        return list(dict.fromkeys(names))

    def status(self, wire: bytes, item: str) -> int:
        with self.speaking() as client:
            return int(client.folder_status(wire, [item])[item.encode()])

    def select(self, wire: bytes, *, writing: bool = False) -> Selected:
        """Opens a folder afresh; without `writing` nothing about it changes, not even what is \\Recent."""
        self._selected = None
        with self.speaking() as client:
            facts = client.select_folder(_speakable(wire), readonly=not writing)
        self._selected = (wire, writing)
        return Selected(int(facts.get(b"UIDVALIDITY", 0)), int(facts[b"EXISTS"]), int(facts.get(b"HIGHESTMODSEQ", 0)))

    def ensure(self, wire: bytes) -> None:
        """Opens the folder for reading if another one is open."""
        if self._selected is None or self._selected[0] != wire:
            self.select(wire)

    def uids_at(self, positions: Sequence[int]) -> list[int]:
        """The UIDs of messages by their place in the open folder, ascending."""
        with self.speaking() as client:
            client.use_uid = False
            try:
                found = [client.fetch(positions[at : at + CHUNK], ["UID"]) for at in range(0, len(positions), CHUNK)]
            finally:
                client.use_uid = True
        return sorted(int(entry[b"UID"]) for answer in found for entry in answer.values())

    def uids_between(self, low: int, high: str) -> list[int]:
        """UIDs from `low` to `high` (`*`: the last one there is). The server's `*` may reach below `low`; this does not."""
        with self.speaking() as client:
            return sorted(uid for uid in client.search(["UID", f"{low}:{high}"]) if uid >= low)

    def metas(self, uids: Sequence[int]) -> list[Meta]:
        found = []
        with self.speaking() as client:
            client.normalise_times = False
            for at in range(0, len(uids), CHUNK):
                answer = client.fetch(uids[at : at + CHUNK], ["RFC822.SIZE", "INTERNALDATE", "FLAGS"])
                found += [
                    Meta(uid, int(entry[b"RFC822.SIZE"]), entry[b"INTERNALDATE"], tuple(entry[b"FLAGS"]))
                    for uid, entry in answer.items()
                    if b"RFC822.SIZE" in entry and b"INTERNALDATE" in entry
                ]
        return sorted(found, key=lambda meta: meta.uid)

    def bodies(self, metas: Sequence[Meta]) -> Iterator[tuple[Meta, bytes | None]]:
        """Contents, as stored, some at a time; without setting \\Seen. None: the server did not give it. Mails above the bound come one by one."""
        for group in _groups(metas):
            found = self._fetch_bodies([meta.uid for meta in group])
            yield from ((meta, found.get(meta.uid)) for meta in group)

    def _fetch_bodies(self, uids: list[int]) -> dict[int, bytes | None]:
        try:
            with self.speaking() as client:
                answer = client.fetch(uids, ["BODY.PEEK[]"])
        except (NotAllowed, ManifestWrong):
            if len(uids) == 1:
                return {}
            return {uid: body for one in uids for uid, body in self._fetch_bodies([one]).items()}
        return {uid: entry.get(b"BODY[]") for uid, entry in answer.items()}

    def piece(self, uid: int, offset: int, length: int) -> bytes:
        with self.speaking() as client:
            entry = client.fetch([uid], [f"BODY.PEEK[]<{offset}.{length}>"]).get(uid, {})
        return entry.get(f"BODY[]<{offset}>".encode()) or b""

    def append(self, wire: bytes, data: bytes, flags: Sequence[bytes], date: datetime | None) -> tuple[int, int] | None:
        """Adds a message, byte for byte, and gives its (UIDVALIDITY, UID) where the server tells them (RFC 4315)."""
        day = f'"{datetime_to_INTERNALDATE(date)}"' if date else None
        with self.speaking() as client:
            raw = client._imap
            raw.literal = data
            kind, answer = raw._simple_command("APPEND", client._normalise_folder(wire), b"(" + b" ".join(flags) + b")", *([day] if day else []))
            if kind != "OK":
                raise imaplib.IMAP4.error(str(answer))
            match = _APPENDED.search(b" ".join(part for part in answer if isinstance(part, bytes)))
            client.noop()
        return (int(match[1]), int(match[2])) if match else None

    def mark_deleted(self, uids: Sequence[int], modseq: int) -> set[int]:
        """Sets \\Deleted and gives the UIDs that the server left alone because they changed since `modseq` (RFC 7162; 0: do not ask)."""
        condition = [f"(UNCHANGEDSINCE {modseq})"] if modseq and self.has("CONDSTORE") else []
        with self.speaking() as client:
            kind, answer = client._imap.uid("STORE", _uid_set(uids), *condition, "+FLAGS.SILENT", "(\\Deleted)")
            text = b" ".join(part for part in answer if isinstance(part, bytes))
            match = _MODIFIED.search(text) or _MODIFIED.search(b" ".join(_codes(client._imap, "MODIFIED")))
            if kind != "OK" and match is None:
                raise imaplib.IMAP4.error(text.decode("latin-1"))
        return _uids_of(match[1]) if match else set()

    def unmark_deleted(self, uids: Sequence[int]) -> None:
        if not uids:
            return
        with self.speaking() as client:
            client.remove_flags(uids, [b"\\Deleted"], silent=True)

    def expunge(self, uids: Sequence[int]) -> None:
        """Removes exactly these messages (UID EXPUNGE, RFC 4315): what others marked \\Deleted stays."""
        with self.speaking() as client:
            client.uid_expunge(uids)

    def _connected(self) -> Any:
        account = self._account
        try:
            context = ssl.create_default_context(cafile=account.ca_file or None)
        except OSError:
            raise InputWrong("The setting ca_file names no readable certificate", code="mail.ca_file", hint="give a PEM file") from None
        client = IMAPClient(account.host, account.port, ssl=account.tls is Tls.WHOLE, ssl_context=context, timeout=_TIMEOUT)
        client._imap.debug = 0
        client.folder_encode = False
        with contextlib.ExitStack() as undo:
            undo.callback(_hang_up, client)
            if account.tls is Tls.STARTTLS:
                if not client.has_capability("STARTTLS"):
                    raise NotSupported("The mail server offers no encryption", code="mail.no_tls", hint="use imaps://, or have STARTTLS turned on")
                client.starttls(context)
            if client.has_capability("AUTH=PLAIN"):
                client.plain_login(account.user, account.password)
            else:
                client.login(account.user, account.password)
            if client.has_capability("CONDSTORE") and client.has_capability("ENABLE"):
                client.enable("CONDSTORE")  # else SELECT does not tell the modification sequence
            undo.pop_all()
        return client


def _hang_up(client: IMAPClient) -> None:
    with contextlib.suppress(imaplib.IMAP4.error, OSError):
        client.shutdown()


class Pieces(io.RawIOBase):
    """A large message as a file that is fetched as it is read, so that memory stays bounded."""

    def __init__(self, session: Session, wire: bytes, meta: Meta) -> None:
        super().__init__()
        self._session, self._wire, self._meta, self._at = session, wire, meta, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # any writable buffer, as io passes a memoryview
        self._session.ensure(self._wire)
        data = self._session.piece(self._meta.uid, self._at, len(buffer))
        if not data and self._at < self._meta.size:
            raise Unreachable("The mail server broke off in the middle of a mail", code="mail.cut_off")
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def is_large(meta: Meta) -> bool:
    return meta.size > _FETCH_BYTES


def large_file(session: Session, wire: bytes, meta: Meta) -> io.BufferedReader:
    return io.BufferedReader(Pieces(session, wire, meta), 1024 * 1024)


def _groups(metas: Sequence[Meta]) -> Iterator[list[Meta]]:
    group: list[Meta] = []
    for meta in metas:
        if group and (len(group) >= CHUNK or sum(other.size for other in group) + meta.size > _FETCH_BYTES):
            yield group
            group = []
        group.append(meta)
    if group:
        yield group


def _speakable(wire: bytes) -> bytes:
    if not wire.isascii():
        raise NotSupported("The name of a mail folder is not written as IMAP wants it", code="mail.folder_name", hint="rename it")
    return wire


def _uid_set(uids: Sequence[int]) -> str:
    return ",".join(str(uid) for uid in uids)


def _uids_of(written: bytes) -> set[int]:
    found: set[int] = set()
    for part in written.split(b","):
        low, _, high = part.partition(b":")
        found.update(range(int(low), int(high or low) + 1))
    return found


def _codes(raw: Any, name: str) -> list[bytes]:
    """Response codes that the client library took out of the server's answer."""
    return [b"[" + name.encode() + b" " + value + b"]" for value in raw.untagged_responses.pop(name, []) if isinstance(value, bytes)]
