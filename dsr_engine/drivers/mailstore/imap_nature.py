"""Which server it is, as far as it says: by its greeting, its capabilities and its ID (RFC 2971).

What a server calls itself decides nothing about finding. It decides which changes are refused (Gmail) and which residuals are told; so only
products that are known are named, and no other word of the server is passed on.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from imapclient.response_parser import parse_response

GMAIL = "Gmail"
EXCHANGE = "Microsoft Exchange"

#: What greetings and ID names say, and what the product is called. The first that fits counts.
_PRODUCTS = (
    (re.compile(rb"gimap|gmail", re.IGNORECASE), GMAIL),
    (re.compile(rb"microsoft[ .]exchange", re.IGNORECASE), EXCHANGE),
    (re.compile(rb"dovecot", re.IGNORECASE), "Dovecot"),
    (re.compile(rb"cyrus", re.IGNORECASE), "Cyrus"),
    (re.compile(rb"courier", re.IGNORECASE), "Courier"),
    (re.compile(rb"zimbra", re.IGNORECASE), "Zimbra"),
    (re.compile(rb"stalwart", re.IGNORECASE), "Stalwart"),
    (re.compile(rb"domino", re.IGNORECASE), "Domino"),
    (re.compile(rb"hmailserver|^\W*ok imaprev1\s*$", re.IGNORECASE), "hMailServer"),
    (re.compile(rb"\bjames\b", re.IGNORECASE), "Apache James"),
    (re.compile(rb"kerio", re.IGNORECASE), "Kerio Connect"),
    (re.compile(rb"mdaemon", re.IGNORECASE), "MDaemon"),
    (re.compile(rb"axigen", re.IGNORECASE), "Axigen"),
)
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+-]{0,39}")


@dataclass(frozen=True, slots=True)
class ServerNature:
    """The server's product and version; empty where it does not say or is not known.

    `is_gmail`: an expunge may only drop a label (X-GM-EXT-1). `is_exchange`: what is expunged goes to Recoverable Items first.
    """

    product: str = ""
    version: str = ""
    is_gmail: bool = False
    is_exchange: bool = False


def nature_of(greeting: bytes, capabilities: frozenset[str], told: Mapping[bytes, bytes]) -> ServerNature:
    """What the server is. `told` is its answer to ID, with names in small letters; empty where it has none."""
    if "X-GM-EXT-1" in capabilities:
        return ServerNature(GMAIL, is_gmail=True)
    product = _product(told.get(b"name", b"")) or _product(greeting)
    version = told.get(b"version", b"").decode("ascii", "replace")
    is_known = bool(product) and product != GMAIL
    return ServerNature(product if is_known else "", version if is_known and _VERSION.fullmatch(version) else "", is_exchange=product == EXCHANGE)


def _product(said: bytes) -> str:
    return next((name for sign, name in _PRODUCTS if sign.search(said)), "")


def identity(client: Any) -> dict[bytes, bytes]:
    """What the server says of itself (RFC 2971); nothing where it would rather not. Nothing is said of us."""
    kind, _ = client._imap._simple_command("ID", "NIL")
    said = client._imap.untagged_responses.pop("ID", [])
    if kind != "OK" or not said:
        return {}
    words = parse_response(said)[0]
    pairs = zip(words[::2], words[1::2], strict=False) if isinstance(words, tuple) else ()
    return {name.lower(): value for name, value in pairs if isinstance(name, bytes) and isinstance(value, bytes)}
