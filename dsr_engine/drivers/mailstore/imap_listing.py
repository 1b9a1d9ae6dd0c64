"""Which folders an IMAP account has, whose they are, and how full they are, in as few commands as the server allows.

One `LIST … RETURN (STATUS …)` (RFC 5819) stands for a command for each folder; with thousands of mailboxes that is minutes. Whose a folder is follows
from the server's namespaces (RFC 2342): a mailbox also lists what others share with its owner, and what belongs to nobody in particular.
"""

import imaplib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from imapclient.imap_utf7 import encode as encode_name

from dsr_engine.drivers.mailstore.imap_session import Session, shown_name

_NO_MAIL = frozenset({b"\\noselect", b"\\nonexistent"})
_ALL = b'"*"'
#: What a folder is for, as its attribute says (RFC 6154, and \\Important of RFC 8457).
_ROLES = frozenset({b"\\all", b"\\archive", b"\\drafts", b"\\flagged", b"\\important", b"\\junk", b"\\sent", b"\\trash"})
_TOKEN = rb'(?P<name>"(?:[^"\\]|\\.)*"|[^ "]+)'
_LISTED = re.compile(rb'\((?P<flags>[^)]*)\) (?:NIL|"(?P<separator>(?:[^"\\]|\\.)*)") ' + _TOKEN + rb"(?: \(.*\))? *", re.DOTALL | re.IGNORECASE)
_STATUS = re.compile(_TOKEN + rb" \((?P<items>[^)]*)\) *", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Listed:
    """One folder. `holder`: None for the account's own; the name of the other user whose it is; empty where it is shared by all.

    `messages`, `validity` and `next` (the next UID) are None where the server did not tell them along with the list. `role` is what it is for
    (`sent`, `trash`, `all`, …), empty where the server does not say. `separator` parts the levels of the name, empty where it has none.
    """

    wire: bytes
    holder: str | None = None
    messages: int | None = None
    validity: int | None = None
    role: str = ""
    next: int | None = None
    separator: str = ""


@dataclass(frozen=True, slots=True)
class _Space:
    """A namespace that is not the account's own: its prefix on the wire, what parts levels, and whether it is that of other users or everybody's."""

    prefix: bytes
    separator: bytes
    is_of_users: bool

    def holder(self, wire: bytes) -> str:
        return shown_name(wire[len(self.prefix) :].split(self.separator)[0]) if self.is_of_users and self.separator else ""


def listing(session: Session) -> list[Listed]:
    """Every folder that holds mail, of every namespace, subscribed or not."""
    with session.speaking() as client:
        own, foreign = _spaces(client)
        patterns = [_ALL, *(b'"' + _quoted(space.prefix) + b'*"' for space in foreign if space.prefix)]
        found: dict[bytes, Listed] = {}
        for pattern in patterns:
            wires, facts = _listed(client, pattern)
            for wire, (role, separator) in wires.items():
                told, holder = facts.get(wire, {}), _holder(wire, own, foreign)
                found[wire] = Listed(wire, holder, told.get(b"MESSAGES"), told.get(b"UIDVALIDITY"), role, told.get(b"UIDNEXT"), separator)
        return list(found.values())


def subscriptions(session: Session) -> list[bytes]:
    """Every name that is subscribed to, whether there is such a folder or not."""
    with session.speaking() as client:
        return [_name(match["name"]) for match in _entries(client, "LSUB", _ALL)]


def _quoted(name: bytes) -> bytes:
    return name.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


def _spaces(client: Any) -> tuple[tuple[bytes, ...], tuple[_Space, ...]]:
    """The prefixes of our own namespaces, and the others."""
    if not client.has_capability("NAMESPACE"):
        return (b"",), ()
    spaces = client.namespace()
    foreign = [(space, is_of_users) for part, is_of_users in ((spaces.other, True), (spaces.shared, False)) for space in part or ()]
    return (
        tuple(encode_name(prefix) for prefix, _ in spaces.personal or ()),
        tuple(_Space(encode_name(prefix), encode_name(separator or ""), is_of_users) for (prefix, separator), is_of_users in foreign),
    )


def _holder(wire: bytes, own: Sequence[bytes], foreign: Sequence[_Space]) -> str | None:
    """The namespace with the longest fitting prefix has it. INBOX is always our own (RFC 3501 § 5.1)."""
    if wire.upper() == b"INBOX":
        return None
    ours = max((len(prefix) for prefix in own if wire.startswith(prefix)), default=-1)
    space = max((space for space in foreign if wire.startswith(space.prefix)), key=lambda each: len(each.prefix), default=None)
    return None if space is None or len(space.prefix) <= ours else space.holder(wire)


def _listed(client: Any, pattern: bytes) -> tuple[dict[bytes, tuple[str, str]], dict[bytes, dict[bytes, int]]]:
    """The names that one LIST gives with what the folders are for and what parts their levels, and what it tells of them besides."""
    raw = client._imap
    wanted = ["STATUS (MESSAGES UIDVALIDITY UIDNEXT)"] if client.has_capability("LIST-STATUS") else []
    wanted += ["SPECIAL-USE"] if client.has_capability("SPECIAL-USE") and client.has_capability("LIST-EXTENDED") else []
    extra = [f"RETURN ({' '.join(wanted)})"] if wanted else []
    raw.untagged_responses.pop("STATUS", None)
    entries = [(match, set(match["flags"].lower().split())) for match in _entries(client, "LIST", pattern, *extra)]
    told = _joined(raw._untagged_response("OK", [None], "STATUS")[1])
    names = {_name(match["name"]): (_role(said), _separator(match["separator"])) for match, said in entries if not _NO_MAIL & said}
    return names, {_name(match["name"]): _numbers(match["items"]) for line in told if (match := _STATUS.fullmatch(line))}


def _entries(client: Any, command: str, pattern: bytes, *extra: str) -> list[re.Match[bytes]]:
    """The lines of LIST or LSUB."""
    raw = client._imap
    raw.untagged_responses.pop(command, None)
    kind, answer = raw._simple_command(command, '""', pattern, *extra)
    if kind != "OK":
        raise imaplib.IMAP4.error(str(answer))
    lines = _joined(raw._untagged_response(kind, answer, command)[1])
    entries = [match for line in lines if (match := _LISTED.fullmatch(line))]
    if len(entries) < len(lines):
        raise imaplib.IMAP4.abort("the list of folders cannot be read")
    return entries


def _role(flags: set[bytes]) -> str:
    return b"".join(sorted(_ROLES & flags)[:1]).decode().lstrip("\\")


def _separator(written: bytes | None) -> str:
    return shown_name(re.sub(rb"\\(.)", rb"\1", written or b"", flags=re.DOTALL))


def _joined(lines: Sequence[Any]) -> list[bytes]:
    """Lines whose literals are written as quoted strings. The library's own parser takes a name of digits for a number, and loses zeros before it."""
    found: list[bytes] = []
    is_open = False
    for line in lines:
        text = line[0][: line[0].rindex(b"{")] + b'"' + _quoted(line[1]) + b'"' if isinstance(line, tuple) else line or b""
        if is_open:
            found[-1] += text
        elif text:
            found.append(text)
        is_open = isinstance(line, tuple)
    return found


def _name(token: bytes) -> bytes:
    return re.sub(rb"\\(.)", rb"\1", token[1:-1], flags=re.DOTALL) if token.startswith(b'"') else token


def _numbers(items: bytes) -> dict[bytes, int]:
    words = items.upper().split()
    return {name: int(number) for name, number in zip(words[::2], words[1::2], strict=False) if number.isdigit()}
