"""Which signatures of a mail will no longer verify once it was rewritten: whoever approves has to know, and nobody can mend it afterwards.

A signature covers what it says it covers. DKIM (RFC 6376) and ARC (RFC 8617) cover the body and the headers that their `h=` lists; a detached
signature of S/MIME (RFC 8551) or PGP/MIME (RFC 3156) covers a part and none of the message's headers. What is not certain counts as broken. What
a receiving server noted about a signature when the mail arrived (Authentication-Results, RFC 8601) stays as it was and goes on saying that it held.
"""

import email.policy
import re
from collections.abc import Callable, Iterator, Sequence
from email.message import Message
from email.parser import BytesHeaderParser
from typing import BinaryIO

from dsr_engine.drivers.driver import Problem
from dsr_engine.drivers.mailstore.store import BLOCK

#: As much of a mail as headers are looked for in, in bytes.
_HEAD = 1024 * 1024
#: Longer than any header that names a signed part, and than the line that opens a signed text.
_OVERLAP = 4096

_OF_HEADERS = {"dkim-signature": "DKIM", "domainkey-signature": "DomainKeys", "arc-message-signature": "ARC"}
_SIGNED_PART = re.compile(rb"^content-type[ \t]*:\s*multipart/signed[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*", re.IGNORECASE | re.MULTILINE)
_SIGNED_TEXT = re.compile(rb"^-----BEGIN PGP SIGNED MESSAGE-----", re.MULTILINE)
_LISTED = re.compile(r"(?:^|;)\s*h\s*=([^;]*)", re.IGNORECASE)
_HEADER = "header:"
_ENVELOPE = "envelope:"


def broken(open_file: Callable[[], BinaryIO], places: Sequence[str]) -> tuple[Problem, ...]:
    """The kinds of signatures that changes in these places break, one `Problem` for each kind. Reads the mail once; raises `Gone`."""
    inside = [place for place in places if not place.startswith(_ENVELOPE)]
    if not inside:
        return ()
    with open_file() as source:
        head = source.read(_HEAD)
        headers = BytesHeaderParser(policy=email.policy.compat32).parsebytes(head)
        kinds = list(_of_headers(headers, inside))
        if any(not place.startswith(_HEADER) for place in inside):
            kinds += sorted(_of_parts(head, source))
    return tuple(_problem(kind) for kind in dict.fromkeys(kinds))


def _of_headers(headers: "Message[str, str]", places: Sequence[str]) -> Iterator[str]:
    for name, kind in _OF_HEADERS.items():
        if any(_covers(str(value), places) for value in headers.get_all(name, [])):
            yield kind


def _covers(signature: str, places: Sequence[str]) -> bool:
    """True unless all places are headers that the signature does not list. A place that gives a number instead of a name may be any of them."""
    listed = _LISTED.search(signature)
    names = {name.strip().lower() for name in listed[1].split(":")} if listed else set()
    return not names or any(not place.startswith(_HEADER) or _name(place).isdigit() or _name(place) in names for place in places)


def _name(place: str) -> str:
    """The header of a place: `header:to/2.name` is in `to`, `header:received.3` is a `received`."""
    return re.split(r"[./]", place.removeprefix(_HEADER), maxsplit=1)[0]


def _of_parts(head: bytes, source: BinaryIO) -> set[str]:
    found: set[str] = set()
    window = head
    while window:
        for match in _SIGNED_PART.finditer(window):
            found.add("PGP" if b"pgp-signature" in match[0].lower() else "S/MIME")
        if _SIGNED_TEXT.search(window):
            found.add("PGP")
        more = source.read(BLOCK)
        window = window[-_OVERLAP:] + more if more else b""
    return found


def _problem(kind: str) -> Problem:
    code = f"mail.signature_{kind.lower().replace('/', '')}"
    return Problem(code, f"the {kind} signature of these mails will no longer verify once they are rewritten", is_fatal=False)
