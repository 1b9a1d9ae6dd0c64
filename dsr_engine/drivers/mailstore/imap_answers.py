"""What an IMAP server's answers mean, read so that a wrong or hostile one is an error and never a wrong conclusion.

A server may say things about other mails at any moment, by their place in the folder only (RFC 3501 § 7.4.2). The client library takes such a place
for a UID, so answers are taken apart here: what does not name its UID is about nobody.
"""

import contextlib
import imaplib
import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from typing import Any

from imapclient.datetime_util import parse_to_datetime
from imapclient.exceptions import LoginError, ProtocolError
from imapclient.response_parser import parse_response

from dsr_engine.domain.errors import DsrError, NotAllowed, NotSupported, Unreachable
from dsr_engine.drivers.mailstore.imap_rows import plain_rows
from dsr_engine.drivers.mailstore.imap_wire import Garbled
from dsr_engine.drivers.mailstore.store import no_folder

#: The code of an answer that says "not now"; the connection stands.
UNAVAILABLE = "mail.unavailable"

#: The code of an answer that cannot be right.
GARBLED = "mail.garbled"

#: Codes after which a connection is of no use any more.
BROKEN = frozenset({"mail.connection", "mail.read_only", GARBLED})

_TEMPORARY = re.compile(
    r"\[(UNAVAILABLE|INUSE|LIMIT|SERVERBUG|OVERQUOTA|EXPUNGEISSUED|THROTTLED)\b|socket error|EOF"
    r"|\* BYE\b|too many (simultaneous )?connections|maximum (number of )?(concurrent )?connections?|bandwidth limit|request is throttled",
    re.IGNORECASE,
)
#: What OpenSSL says of a certificate (x509_vfy.h): for another host or address; not yet valid, or no longer.
_OF_ANOTHER, _OUT_OF_DATE = frozenset({62, 64}), frozenset({9, 10})
_TWO_WAYS = "imaps:// is for a port that begins with TLS (993), imap:// for STARTTLS (143)"
_MISSING = re.compile(r"\[NONEXISTENT\]|doesn't exist|does not exist|no such mailbox|unknown mailbox", re.IGNORECASE)

#: UIDs that one search may bring; ranges could stand for billions.
_MOST_UIDS = 20_000_000
_ALL = re.compile(rb"\bALL ([0-9:,]+)", re.IGNORECASE)
_FLAG = re.compile(rb"\\?[^\x00-\x20\x7f(){%*\"\\\]]+")


@contextlib.contextmanager
def answers() -> Iterator[None]:
    """Turns what goes wrong with a server into the engine's errors."""
    try:
        yield
    except (Garbled, imaplib.IMAP4.error, OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise _told(error) from None


def pass_on_if_cut_off(error: DsrError) -> None:
    """Raises what concerns the whole server. The rest is about one folder: Dovecot calls it an internal error where it may not open a file."""
    if isinstance(error, Unreachable) and error.code != UNAVAILABLE:
        raise error


def _told(error: BaseException) -> DsrError:
    """The engine's error. What the libraries raise on an answer that they cannot take apart is none of the first kinds."""
    match error:
        case imaplib.IMAP4.readonly():
            return NotAllowed("A mail folder may be read only", code="mail.read_only", hint="grant the account the right to delete (ACL t and e)")
        case ssl.SSLCertVerificationError():
            return _certificate(error)
        case LoginError():
            return _login(str(error))
        case imaplib.IMAP4.abort() | OSError() | EOFError() if "unexpected" not in str(error):
            return _connection(error)
        case imaplib.IMAP4.error() if not isinstance(error, imaplib.IMAP4.abort | ProtocolError):
            return _refusal(str(error))
    return Unreachable("The mail server's answer cannot be right", code=GARBLED, hint="see its log, and what stands between it and the engine")


def _certificate(error: ssl.SSLCertVerificationError) -> DsrError:
    if error.verify_code in _OF_ANOTHER:
        what, hint = "is of another name than the url's", "write in url: a name that stands in the certificate"
    elif error.verify_code in _OUT_OF_DATE:
        what, hint = "is not valid at this time", "renew it, and see that this machine's clock is right"
    else:
        what, hint = "is not trusted", "set ca_file: to its authority"
    return NotAllowed(f"The mail server's certificate {what}", code="mail.certificate", hint=hint)


def _connection(error: BaseException) -> DsrError:
    hint = "see that host and port are right"
    match error:
        case socket.gaierror():
            what, hint = "The name of the mail server is not known here", "see the host in url:, and this machine's DNS"
        case ConnectionRefusedError():
            what = "Nothing answers at the port of the mail server"
        case TimeoutError():
            what, hint = "The mail server did not answer in time", f"{hint}; {_TWO_WAYS}"
        case ssl.SSLError(reason="WRONG_VERSION_NUMBER" | "RECORD_LAYER_FAILURE"):
            what, hint = "The port of the mail server does not begin with TLS", _TWO_WAYS
        case _:
            what = "The connection to the mail server failed"
    return Unreachable(what, code="mail.connection", hint=hint)


def _login(text: str) -> DsrError:
    if _TEMPORARY.search(text):
        return Unreachable("The mail server could not check the login", code=UNAVAILABLE)
    return NotAllowed("The mail server refused the login", code="mail.login", hint="check user: and password:")


def _refusal(text: str) -> DsrError:
    if "authenticated but not connected" in text:  # Exchange, to an application whose token is good and which may not open the mailbox
        return NotAllowed(
            "The mail server knows us and does not open this mailbox for us",
            code="mail.no_mailbox_right",
            hint="give the account or application the mailbox (Exchange: Add-MailboxPermission … -AccessRights FullAccess)",
        )
    if "not IMAP4 compliant" in text:
        return NotSupported("The mail server does not speak IMAP4rev1", code="mail.no_imap4rev1", hint="let it offer IMAP4rev1 (RFC 3501) as well")
    if _TEMPORARY.search(text):
        return Unreachable("The mail server cannot answer now", code=UNAVAILABLE, hint="see its log")
    if _MISSING.search(text):
        return no_folder()
    return NotAllowed("The mail server refused a command", code="mail.refused", hint="grant the account the rights l, r, s, w, i, t and e (RFC 4314)")


def fetched(client: Any, messages: str, items: str, *, by_place: bool = False) -> dict[int, dict[bytes, Any]]:
    """What one FETCH brings, by UID. `messages` are UIDs; places in the folder if `by_place`, whose items have to ask for the UID.

    Raises `Garbled` for a mail that comes twice with another content.
    """
    raw = client._imap
    raw.untagged_responses.pop("FETCH", None)
    kind, answer = raw.fetch(messages, items) if by_place else raw.uid("FETCH", messages, items)
    if kind != "OK":
        raise imaplib.IMAP4.error(_text(answer))
    found: dict[int, dict[bytes, Any]] = {}
    for uid, row in _rows(answer):
        known = found.setdefault(uid, {})
        if any(name.startswith(b"BODY[") and known.get(name, value) != value for name, value in row.items()):
            raise Garbled("one mail, two contents")
        known.update(row)
    return found


def _rows(answer: Sequence[Any]) -> Iterator[tuple[int, dict[bytes, Any]]]:
    """Each response to a FETCH that names its UID."""
    for uid, items in plain_rows(answer) or _parsed_rows(answer):
        if b"INTERNALDATE" in items:
            items[b"INTERNALDATE"] = _date(items[b"INTERNALDATE"])
        yield uid, items


def _parsed_rows(answer: Sequence[Any]) -> Iterator[tuple[int, dict[bytes, Any]]]:
    parsed = parse_response(list(answer))
    for row in parsed[1::2]:
        if not isinstance(row, tuple) or len(row) % 2 or not all(isinstance(name, bytes) for name in row[::2]):
            raise Garbled("a FETCH response without pairs")
        items = {name.upper(): value for name, value in zip(row[::2], row[1::2], strict=True)}
        uid = items.get(b"UID")
        if isinstance(uid, int) and uid > 0:
            yield uid, items


def _date(written: Any) -> Any:
    """A date with its zone; None for what is no date."""
    try:
        return parse_to_datetime(written, normalise=False)
    except (ValueError, TypeError, AttributeError, OverflowError):
        return None


def flags_of(written: Any) -> tuple[bytes, ...]:
    """The flags of a mail as they may be sent again. Raises `Garbled` for what no flag can be."""
    flags = tuple(flag if isinstance(flag, bytes) else str(flag).encode() if flag is not None else b"NIL" for flag in written)
    if not all(_FLAG.fullmatch(flag) for flag in flags):
        raise Garbled("a flag that is none")
    return flags


def searched(client: Any, criterion: str, *, extended: bool, exists: int) -> list[int]:
    """The UIDs that a search brings, ascending; as ranges where the server can (ESEARCH, RFC 4731).

    Raises `Garbled` where a folder with mails is searched and nothing is said of the result: that is not the same as "none".
    """
    raw = client._imap
    name = "ESEARCH" if extended else "SEARCH"
    for each in ("ESEARCH", "SEARCH"):
        raw.untagged_responses.pop(each, None)
    kind, answer = raw.uid("SEARCH", *(("RETURN", "(ALL)") if extended else ()), criterion)
    if kind != "OK":
        raise imaplib.IMAP4.error(_text(answer))
    told = raw.untagged_responses.pop("ESEARCH", None) if extended else answer
    if not told or told == [None]:
        if exists:
            raise Garbled(f"no {name} response")
        return []
    text = b" ".join(line for line in told if isinstance(line, bytes))
    if not extended:
        return sorted({int(word) for word in text.partition(b"(")[0].split()})
    return sorted({uid for match in _ALL.finditer(text) for uid in uids_of(match[1])})


def uids_of(written: bytes) -> set[int]:
    """The UIDs of a sequence set. Raises `Garbled` for more than any folder has."""
    found: set[int] = set()
    for part in written.split(b","):
        low, _, high = part.partition(b":")
        first, last = sorted((int(low), int(high or low)))
        if last - first + len(found) > _MOST_UIDS:
            raise Garbled("a set of too many UIDs")
        found.update(range(first, last + 1))
    return found


def uid_set(uids: Sequence[int]) -> str:
    """UIDs as a sequence set."""
    return ",".join(str(uid) for uid in uids)


def _text(answer: Sequence[Any]) -> str:
    return b" ".join(part for part in answer if isinstance(part, bytes)).decode("latin-1")
