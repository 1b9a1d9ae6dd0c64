"""One encrypted connection to an IMAP server (RFC 3501 and 9051), with its errors turned into the engine's.

Two more things that client libraries do are undone here: they turn bare line ends into CRLF when they append, which would change a mail that was to
be kept byte for byte; and their errors quote the server, which likes to name the user. Never said are a bare EXPUNGE, and CLOSE, which is one too.
"""

import contextlib
import imaplib
import re
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from imapclient.datetime_util import datetime_to_INTERNALDATE
from imapclient.imap_utf7 import decode as decode_name
from imapclient.imap_utf7 import encode as encode_name

from dsr_engine.domain.errors import InputWrong, ManifestWrong, NotAllowed, NotSupported, Unreachable
from dsr_engine.drivers.driver import Problem
from dsr_engine.drivers.mailstore.imap_account import Account, Tls
from dsr_engine.drivers.mailstore.imap_answers import BROKEN, answers, fetched, flags_of, searched, uid_set, uids_of
from dsr_engine.drivers.mailstore.imap_login import capabilities_of, log_in, refuse_preauth
from dsr_engine.drivers.mailstore.imap_nature import ServerNature, identity, nature_of
from dsr_engine.drivers.mailstore.imap_traffic import Traffic
from dsr_engine.drivers.mailstore.imap_wire import UTF8, Client, Garbled, has_wide_head

#: Mails that one FETCH names, and bytes of content that it may bring. Lines stay under the 8,000 octets of RFC 7162 § 4.
CHUNK = 500

#: The capability by which Gmail is known (Google, "IMAP extensions").
GMAIL = "X-GM-EXT-1"
_FETCH_BYTES = 8 * 1024 * 1024

#: Seconds to wait for the answer to LOGOUT; nothing hangs on it.
_FAREWELL = 5.0

_APPENDED = re.compile(rb"\[APPENDUID (\d+) (\d+)\]", re.IGNORECASE)
_MODIFIED = re.compile(rb"\[MODIFIED ([0-9:,]+)\]", re.IGNORECASE)
_APPEND_LIMIT = re.compile(r"APPENDLIMIT=([0-9]{1,18})")


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
    """A folder as it was opened. `modseq` is its highest modification sequence (RFC 7162), 0 where the server keeps none.

    `next` is the least UID that the next mail can have, 0 where the server does not say.
    """

    validity: int
    exists: int
    modseq: int
    next: int = 0


def shown_name(wire: bytes) -> str:
    """A folder's name as people read it: modified UTF-7, or UTF-8 (RFC 6855); the name on the wire, byte by byte, where it is neither."""
    with contextlib.suppress(ValueError):
        name = str(decode_name(wire))
        if encode_name(name) == wire:
            return name
    try:
        return wire.decode()
    except UnicodeDecodeError:
        return wire.decode("latin-1")


class Session:
    """A connection that is made when it is first needed and again after it broke."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._client: Any = None
        self._selected: tuple[bytes, bool] | None = None
        self._exists, self._lasts, self._is_utf8 = 0, True, False
        self._offered: frozenset[str] = frozenset()
        self._nature: ServerNature | None = None
        self._traffic = Traffic(account)

    def close(self) -> None:
        """Says LOGOUT, which removes nothing, also in an open folder."""
        if self._client is not None:
            with contextlib.suppress(Garbled, imaplib.IMAP4.error, OSError, ValueError):
                self._client._imap.sock.settimeout(_FAREWELL)
                self._client._imap.logout()
        self._drop()

    def _drop(self) -> None:
        self._count()
        client, self._client, self._selected = self._client, None, None
        if client is not None:
            _hang_up(client)

    def _count(self) -> None:
        """Adds what was moved; where it cannot be kept the next search says so."""
        if self._client is not None and self._account.bytes_per_day:
            with contextlib.suppress(InputWrong):
                self._traffic.note(self._client._imap.tally.drain())

    @contextlib.contextmanager
    def speaking(self) -> Iterator[Any]:
        """The client, logged in. A connection that failed is dropped, since nobody knows what it would answer next.

        So is one that was told READ-ONLY: the library refuses every further command on it. Raises `Unreachable` (`mail.daily_limit`) where the
        mailbox has moved its bytes of the day, but not while a folder is open for writing.
        """
        if self._selected is None or not self._selected[1]:
            self._traffic.admit()
        try:
            with answers():
                if self._client is None:
                    self._client = self._connected()
                yield self._client
        except (Unreachable, NotAllowed) as error:
            if error.code in BROKEN:
                self._drop()
            raise
        finally:
            self._count()

    def has(self, capability: str) -> bool:
        """True if the server offers it after the login."""
        if self._client is None:
            with self.speaking():
                pass
        return capability.upper() in self._offered

    def nature(self) -> ServerNature:
        """Which server it is; asked once."""
        if self._nature is None:
            with self.speaking() as client:
                told: dict[bytes, bytes] = {}
                if "ID" in self._offered and GMAIL not in self._offered:
                    told = identity(client)
                self._nature = nature_of(bytes(client.welcome or b""), self._offered, told)
        return self._nature

    @property
    def lasts(self) -> bool:
        """True if the UIDs of the folder that is open mean the same mails at the next login."""
        return self._lasts

    def refusal(self) -> Problem | None:
        """Why nothing can be changed at this server, or in the folder that is open; None: it can."""
        if self.has(GMAIL):
            return Problem(
                "mail.gmail",
                "This is Gmail, where removing a mail over IMAP may only take a label off it",
                "mail there can be found over IMAP but not erased: erase it through the Gmail API (users.messages.delete), or by hand",
            )
        if not self.has("UIDPLUS"):
            return Problem("mail.no_uidplus", "The mail server cannot remove single mails (UIDPLUS)", "mail there can be found but not erased")
        if self._selected is not None and not self._lasts:
            return Problem("mail.uid_not_sticky", "A folder gives its mails other numbers at each login", "remove the found mails by hand")
        return None

    def _speakable(self, wire: bytes) -> bytes:
        if not wire.isascii() and not self._is_utf8:
            raise NotSupported("The name of a mail folder is not written as IMAP wants it", code="mail.folder_name", hint="rename it")
        return wire

    def status(self, wire: bytes, item: str) -> int:
        with self.speaking() as client:
            return int(client.folder_status(self._speakable(wire), [item])[item.encode()])

    def select(self, wire: bytes, *, writing: bool = False) -> Selected:
        """Opens a folder afresh; without `writing` nothing about it changes, not even what is \\Recent.

        Raises `NotSupported` where it is to be changed and its UIDs do not last: the next login would find other mails under them.
        """
        self._selected = None
        with self.speaking() as client:
            facts = client.select_folder(self._speakable(wire), readonly=not writing)
            opened = Selected(
                int(facts.get(b"UIDVALIDITY", 0)), int(facts[b"EXISTS"]), int(facts.get(b"HIGHESTMODSEQ", 0)), int(facts.get(b"UIDNEXT", 0))
            )
        self._selected, self._exists = (wire, writing), opened.exists
        self._lasts = opened.validity > 0 and b"UIDNOTSTICKY" not in facts
        if writing and not self._lasts:
            raise NotSupported("A folder gives its mails other numbers at each login", code="mail.uid_not_sticky", hint="remove the mails by hand")
        return opened

    def ensure(self, wire: bytes) -> Selected | None:
        """Opens the folder for reading if another one is open. None: it was open."""
        return self.select(wire) if self._selected is None or self._selected[0] != wire else None

    def uids_between(self, low: int, high: str) -> list[int]:
        """UIDs from `low` to `high` (`*`: the last one there is). The server's `*` may reach below `low`; this does not."""
        return [uid for uid in self._search(f"UID {low}:{high}") if uid >= low]

    def _search(self, criterion: str) -> list[int]:
        with self.speaking() as client:
            return searched(client, criterion, extended="ESEARCH" in self._offered, exists=self._exists)

    def metas(self, uids: Sequence[int]) -> list[Meta]:
        """What there is of these messages. One that is there and of which the server says nothing is an error: it would be missed.

        Raises `Unreachable` (`mail.undescribed`).
        """
        found: dict[int, Meta] = {}
        with self.speaking() as client:
            for at in range(0, len(uids), CHUNK):
                answer = fetched(client, uid_set(uids[at : at + CHUNK]), "(RFC822.SIZE INTERNALDATE FLAGS)")
                found.update((uid, _meta(uid, entry)) for uid, entry in answer.items() if b"RFC822.SIZE" in entry and b"INTERNALDATE" in entry)
        missing = [uid for uid in uids if uid not in found]
        for at in range(0, len(missing), CHUNK):
            if self._search(f"UID {uid_set(missing[at : at + CHUNK])}"):
                raise Unreachable("The mail server lists a mail and does not describe it", code="mail.undescribed", hint="see its log")
        return [found[uid] for uid in sorted(set(uids)) if uid in found]

    def bodies(self, metas: Sequence[Meta]) -> Iterator[tuple[Meta, bytes | None]]:
        """Contents, as stored, some at a time; without setting \\Seen. None: the server did not give it. Mails above the bound come one by one."""
        for group in _groups(metas):
            found = self._fetch_bodies([meta.uid for meta in group])
            yield from ((meta, found.get(meta.uid)) for meta in group)

    def _fetch_bodies(self, uids: list[int]) -> dict[int, bytes | None]:
        try:
            with self.speaking() as client:
                answer = fetched(client, uid_set(uids), "(BODY.PEEK[])")
        except (NotAllowed, ManifestWrong):
            if len(uids) == 1:
                return {}
            return {uid: body for one in uids for uid, body in self._fetch_bodies([one]).items()}
        return {uid: _content(entry.get(b"BODY[]")) for uid, entry in answer.items()}

    def mailbox_of(self, uid: int) -> bytes | None:
        """The folder in which a message of the open one lies, as Dovecot tells it. None: it is not there, or the server does not tell."""
        with self.speaking() as client:
            answer = fetched(client, uid_set([uid]), "(X-MAILBOX)")
        return _content(answer.get(uid, {}).get(b"X-MAILBOX"))

    @property
    def append_limit(self) -> int:
        """The largest message that the server says it takes (RFC 7889), in bytes; 0: it does not say."""
        return next((int(found[1]) for offer in self._offered if (found := _APPEND_LIMIT.fullmatch(offer))), 0)

    def append(self, wire: bytes, source: BinaryIO, size: int, flags: Sequence[bytes], date: datetime | None) -> tuple[int, int] | None:
        """Adds a message of this size from a file, byte for byte, and gives its (UIDVALIDITY, UID) where the server tells them (RFC 4315).

        Where the server can (LITERAL+, RFC 7888), the message goes out at once instead of being announced first.
        """
        if self.append_limit and size > self.append_limit:
            raise NotSupported("A mail is larger than its server takes (APPENDLIMIT)", code="mail.too_large", hint="delete it as a whole, or by hand")
        day = f'"{datetime_to_INTERNALDATE(date)}" '.encode() if date else b""
        with self.speaking() as client:
            line = client._normalise_folder(self._speakable(wire)).encode() + b" (" + b" ".join(flags) + b") " + day
            is_utf8 = self._is_utf8 and has_wide_head(source)
            kind, answer = client.append_file(line, source, size, at_once="LITERAL+" in self._offered, is_utf8=is_utf8)
            if kind != "OK":
                raise imaplib.IMAP4.error(str(answer))
            match = _APPENDED.search(b" ".join(part for part in answer if isinstance(part, bytes)))
            client._imap.noop()
        return (int(match[1]), int(match[2])) if match else None

    def mark_deleted(self, uids: Sequence[int], modseq: int) -> set[int]:
        """Sets \\Deleted and gives the UIDs that the server left alone because they changed since `modseq` (RFC 7162; 0: do not ask)."""
        condition = [f"(UNCHANGEDSINCE {modseq})"] if modseq and self.has("CONDSTORE") else []
        with self.speaking() as client:
            kind, answer = client._imap.uid("STORE", uid_set(uids), *condition, "+FLAGS.SILENT", "(\\Deleted)")
            text = b" ".join(part for part in answer if isinstance(part, bytes))
            match = _MODIFIED.search(text) or _MODIFIED.search(b" ".join(_codes(client._imap, "MODIFIED")))
            if kind != "OK" and match is None:
                raise imaplib.IMAP4.error(text.decode("latin-1"))
        return uids_of(match[1]) if match else set()

    def unmark_deleted(self, uids: Sequence[int]) -> None:
        if not uids:
            return
        with self.speaking() as client:
            client.remove_flags(uids, [b"\\Deleted"], silent=True)

    def rename(self, old: bytes, new: bytes) -> None:
        """Gives a folder, and with it those below it, another name (RFC 3501, 6.3.5), in a connection in which none is open."""
        if self._selected is not None:
            self.close()
        with self.speaking() as client:
            client.rename_folder(self._speakable(old), self._speakable(new))

    def rights(self, wire: bytes) -> str:
        """What this account may do with a folder, in letters of RFC 4314; empty where the server does not tell in these."""
        if not self.has("ACL") or not any(offer.startswith("RIGHTS=") for offer in self._offered):
            return ""
        with self.speaking() as client:
            kind, answer = client._imap.myrights(client._normalise_folder(self._speakable(wire)))
        return answer[0].decode("latin-1").rpartition(" ")[2] if kind == "OK" and isinstance(answer[0], bytes) else ""

    def subscribe(self, wire: bytes) -> None:
        with self.speaking() as client:
            client.subscribe_folder(self._speakable(wire))

    def unsubscribe(self, wire: bytes) -> None:
        with self.speaking() as client:
            client.unsubscribe_folder(self._speakable(wire))

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
        client = Client(account.host, account.port, context if account.tls is Tls.WHOLE else None)
        with contextlib.ExitStack() as undo:
            undo.callback(_hang_up, client)
            refuse_preauth(client)
            offered = frozenset(client._imap.capabilities)
            if account.tls is Tls.STARTTLS:
                if "STARTTLS" not in offered:
                    raise NotSupported("The mail server offers no encryption", code="mail.no_tls", hint="use imaps://, or have STARTTLS turned on")
                client._imap.starttls(context)
                offered = capabilities_of(client)
            log_in(client, account, offered)
            self._offered = capabilities_of(client)
            self._extend(client)
            undo.pop_all()
        return client

    def _extend(self, client: Client) -> None:
        """Turns on what the server offers and what is of use from the first command on."""
        if "COMPRESS=DEFLATE" in self._offered:
            client._imap.compress()
        # Without CONDSTORE, SELECT does not tell the modification sequence; without UTF8=ACCEPT, mails with UTF-8 in their headers come changed.
        wanted = [next((name for name in ("QRESYNC", "CONDSTORE") if name in self._offered), ""), UTF8 if self._offered & {UTF8, "UTF8=ONLY"} else ""]
        self._is_utf8 = "ENABLE" in self._offered and any(wanted) and client.turn_on(*filter(None, wanted))
        if "UTF8=ONLY" in self._offered and not self._is_utf8:
            raise NotSupported("The mail server speaks to clients of UTF-8 only", code="mail.utf8_only", hint="let it offer ENABLE (RFC 6855)")


def _hang_up(client: Client) -> None:
    with contextlib.suppress(imaplib.IMAP4.error, OSError):
        client.shutdown()


def _meta(uid: int, entry: dict[bytes, Any]) -> Meta:
    return Meta(uid, int(entry[b"RFC822.SIZE"]), entry[b"INTERNALDATE"], flags_of(entry.get(b"FLAGS") or ()))


def _content(value: Any) -> bytes | None:
    """A content as bytes, also where the server gave one that looks like a number; None where it gave none."""
    return value if isinstance(value, bytes) or value is None else str(value).encode()


def _groups(metas: Sequence[Meta]) -> Iterator[list[Meta]]:
    group: list[Meta] = []
    size = 0
    for meta in metas:
        if group and (len(group) >= CHUNK or size + meta.size > _FETCH_BYTES):
            yield group
            group, size = [], 0
        group.append(meta)
        size += meta.size
    if group:
        yield group


def _codes(raw: Any, name: str) -> list[bytes]:
    """Response codes that the client library took out of the server's answer."""
    return [b"[" + name.encode() + b" " + value + b"]" for value in raw.untagged_responses.pop(name, []) if isinstance(value, bytes)]
