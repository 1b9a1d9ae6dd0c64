"""The addresses in a header (RFC 5322 §3.4): where each stands, and what it is once comments, folds and quotes that mean nothing are left out.

An address may be hidden in another one, too, where a program put it there to know it again when the mail comes back (VERP, SRS).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|\\.|[<>,;:()]|[^"\\<>,;:()]+', re.DOTALL)
_COMMENT = re.compile(r"\((?:[^()\\]|\\.)*\)", re.DOTALL)
#: A quoted string, an escaped character, white space.
_QUOTES = re.compile(r'"((?:[^"\\]|\\.)*)"?|\\(.)|\s+', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ODD = frozenset(' \t\r\n("\\')
_ROUTE = re.compile(r"@[^:@]*(?:,@[^:@]*)*:")
_DOMAIN = r"[^\W_](?:[\w-]*[^\W_])?(?:\.[\w-]*[^\W_])+"
#: `bounces+local=domain@list` and `SRS0=hash=time=domain=local@forwarder`.
_CARRIED = re.compile(rf"(?P<before>[\w.!#$%&'*+/^`{{|}}~-]{{1,128}})=(?P<domain>{_DOMAIN})(?=@)")
_RETURNED = re.compile(rf"=(?P<domain>{_DOMAIN})=(?P<local>[^\s=@<>,;:\"]{{1,128}})(?=@)")
_SIGNS = re.compile(r"[+-]")
#: How many endings of what stands before the sign are taken for the name of somebody.
_ENDINGS = 6


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One address in an address header: where it is in the value (as Latin-1 text), and where its display name is."""

    start: int
    end: int
    name_start: int
    name_end: int


def mailboxes(raw: bytes) -> tuple[Mailbox, ...]:
    """The addresses of an address header (RFC 5322 §3.4), groups and comments included; what has no `@` and no angle brackets is none."""
    value = raw.decode("latin-1")
    found: list[Mailbox] = []
    start = angle = closed = -1
    depth = 0
    for token in _TOKEN.finditer(value + ","):
        at, word = token.start(), token[0]
        if start < 0:
            start = at
        is_within = angle >= 0 > closed
        if word in "()":
            depth = max(0, depth + (1 if word == "(" else -1))
        elif depth:
            continue
        elif (word == "<" and angle < 0) or (word == ":" and is_within):
            angle = at
        elif word == ">" and is_within:
            closed = at
        elif word in ",;:" and not is_within:
            found += _mailbox(value, start, at, angle, closed) if word != ":" else ()
            start = angle = closed = -1
    return tuple(found)


def _mailbox(value: str, start: int, end: int, angle: int, closed: int) -> Iterator[Mailbox]:
    if angle >= 0 <= closed:
        name_end = value.rfind("<", start, angle + 1)
        one, two = _trimmed(value, angle + 1, closed)
        if two > one:
            yield Mailbox(one, two, *_trimmed(value, start, name_end))
        return
    comments = [(start + found.start(), start + found.end()) for found in _COMMENT.finditer(value[start:end])]
    low, high = start, end
    outer: list[tuple[int, int]] = []
    while comments and not value[low : comments[0][0]].strip():
        outer.append(comments.pop(0))
        low = outer[-1][1]
    while comments and not value[comments[-1][1] : high].strip():
        outer.insert(0, comments.pop())
        high = outer[0][0]
    one, two = _trimmed(value, low, high)
    if "@" in value[one:two]:
        name = (outer[0][0] + 1, outer[0][1] - 1) if outer else (two, two)
        yield Mailbox(one, two, *name)


def _trimmed(value: str, start: int, end: int) -> tuple[int, int]:
    text = value[start:end]
    return start + len(text) - len(text.lstrip()), max(start + len(text) - len(text.lstrip()), start + len(text.rstrip()))


def address_of(text: str) -> str:
    """The address that is written so: `"jane" . doe@(work)example.com` is jane.doe@example.com."""
    if _ODD.isdisjoint(text) and not text.startswith("@"):
        return text
    plain = _COMMENT.sub("", text) if "(" in text else text
    plain = _QUOTES.sub(_unquoted, plain)
    return _ROUTE.sub("", plain, count=1) if plain.startswith("@") else plain


def _unquoted(found: re.Match[str]) -> str:
    if found[1] is not None:
        return _ESCAPED.sub(r"\1", found[1])
    return found[2] or ""


@dataclass(frozen=True, slots=True)
class Carried:
    """An address in another one: where it stands, and as it is written elsewhere."""

    start: int
    end: int
    address: str


def carried(text: str) -> Iterator[Carried]:
    """The addresses that may be hidden in those of a text, longest first: `bounce-jane-doe=x.org@list` may be of jane-doe or doe."""
    if "=" not in text or "@" not in text:
        return
    for found in _CARRIED.finditer(text):
        starts = [0, *(sign.end() for sign in _SIGNS.finditer(found["before"]))][:_ENDINGS]
        for start in starts:
            yield Carried(found.start() + start, found.end(), f"{found['before'][start:]}@{found['domain']}")
    for found in _RETURNED.finditer(text):
        yield Carried(found.start() + 1, found.end(), f"{found['local']}@{found['domain']}")
