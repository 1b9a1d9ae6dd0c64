"""Headers of a mail as units: addresses one by one, encoded words decoded (RFC 2047), in whatever charset and however broken they are.

An unstructured header may say a thing that its plain text does not: an address that a fold cuts (`.joined`), one that is carried inside of another
(`.verp`), a parameter in pieces (`.params`). Each is a unit of its own.
"""

import re
from collections.abc import Iterator, Sequence

from dsr_engine.content.gate import Gate
from dsr_engine.content.mail.mime_addresses import Mailbox, address_of, carried, mailboxes
from dsr_engine.content.mail.mime_meta import parameters_of
from dsr_engine.content.mail.mime_structure import Header, text_of
from dsr_engine.content.mail.mime_words import parameter_text, raw_text, words
from dsr_engine.domain.record import Unit
from dsr_engine.domain.system import FieldMap

_SENDERS = frozenset({"from", "sender", "reply-to"})
_RECIPIENTS = frozenset({"to", "cc", "bcc"})
ADDRESSES = _SENDERS | _RECIPIENTS | {
    "delivered-to", "x-original-to", "return-path", "errors-to", "disposition-notification-to", "resent-from", "resent-to",
    "resent-cc", "resent-bcc", "resent-sender", "envelope-to", "x-envelope-to", "x-envelope-from", "apparently-to",
    "return-receipt-to", "mail-followup-to", "x-forwarded-to",
}  # fmt: skip
_KNOWN = ADDRESSES | {
    "subject", "date", "message-id", "in-reply-to", "references", "received", "received-spf", "comments", "keywords",
    "organization", "user-agent", "x-mailer", "mime-version", "content-type", "content-transfer-encoding", "content-disposition",
    "content-id", "content-description", "content-location", "dkim-signature", "authentication-results", "arc-seal",
    "arc-message-signature", "arc-authentication-results", "list-unsubscribe", "list-id", "list-post", "list-help",
    "list-archive", "list-unsubscribe-post", "precedence", "priority", "importance", "x-priority", "auto-submitted",
    "thread-topic", "thread-index", "x-originating-ip", "feedback-id", "x-spam-status", "x-spam-level", "content-language",
    "status", "x-status", "x-keywords", "x-uid", "lines",
}  # fmt: skip
_FOLD = re.compile(r"(?:\r\n?|\n)(?=[ \t])")
FOLDED = re.compile(rb"(?<=[^\s])[ \t]*(?:\r\n?|\n)[ \t]+(?=[^\s])")
_AT = re.compile(rb"@|[=%]40")
#: Digits of base64 or hex that a fold cuts: a key, a token of a link.
DIGITS_GO_ON = re.compile(rb"[A-Za-z0-9+/_-]{16}[ \t]*(?:\r\n?|\n)[ \t]+[A-Za-z0-9+/_-]")
#: Whose digits are sums and say nothing.
SEALS = frozenset({"dkim-signature", "x-google-dkim-signature", "arc-seal", "arc-message-signature"})
_BETWEEN = re.compile(rb"[\s<>,;()\"]")
_ADDRESS = re.compile(rb"[^\s@=%]+(?:@|[=%]40)[\w.-]+")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_NAME = re.compile(r';\s*(?:file)?name(?:\*\d*\*?)?\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^;\s]*)', re.IGNORECASE | re.DOTALL)
_OF_CONTENT = frozenset({"content-type", "content-disposition"})
#: Parameters that a file's name stands in.
_FILE_NAMES = frozenset({"name", "filename"})
#: What may hold a separator that separates nothing: quoted names and comments (RFC 5322 section 3.2).
_HOLDING = re.compile(rb'"(?:[^"\\]|\\.)*"|\((?:[^()\\]|\\.)*\)', re.DOTALL)
_SEPARATOR = re.compile(rb"[,;]")


def called(headers: Sequence[Header], word: str = "header") -> Iterator[tuple[Header, str]]:
    """Each header with what names it in places: `header:received.2`; a number for one that is not generally known."""
    counts: dict[str, int] = {}
    for position, header in enumerate(headers, 1):
        counts[header.name] = counts.get(header.name, 0) + 1
        repeated = f".{counts[header.name]}" if counts[header.name] > 1 else ""
        yield header, f"{word}:{header.name}{repeated}" if header.name in _KNOWN else f"{word}:{position}"


def is_of_addresses(header: Header) -> bool:
    """True for a header that consists of addresses."""
    return header.name in ADDRESSES


def header_units(headers: Sequence[Header], inside: str, prefix: str, gate: Gate | None = None) -> Iterator[Unit]:
    """All units of the message's headers. `gate` helps to tell charsets that nobody names."""
    recipients = sum(_count(header.value) for header in headers if header.name in _RECIPIENTS)
    for header, place in called(headers):
        if header.name in ADDRESSES and (found := mailboxes(header.value)):
            yield from _address_units(header, place, found, recipients, inside, prefix, gate)
        else:
            yield Unit(prefix + place, plain(header, gate), inside)
            if b"\n" in header.value or b"\r" in header.value:
                yield from _joined_unit(header, place, inside, prefix)
        yield from _carried_unit(header, place, inside, prefix)
        yield from _field_unit(header, place, inside, prefix)


def _field_unit(header: Header, place: str, inside: str, prefix: str) -> Iterator[Unit]:
    """The name of a header that looks like an address: a text that lost the empty line before it. It cannot be cut, for it is no value."""
    if "@" in header.name:
        yield Unit(f"{prefix}{place}.field", header.name, inside, is_opaque=True)


def _count(value: bytes) -> int:
    """How many recipients a header names at least, whether or not each is an address that can be read: who is not alone owns nothing by it."""
    pieces = _SEPARATOR.split(_HOLDING.sub(b"q", value))
    return max(len(mailboxes(value)), sum(bool(piece.strip()) for piece in pieces))


def part_units(headers: Sequence[Header], word: str, inside: str, prefix: str, gate: Gate | None = None) -> Iterator[Unit]:
    """The units of the headers of a part."""
    for header, place in called(headers, word):
        yield Unit(prefix + place, plain(header, gate), inside)
        yield from _field_unit(header, place, inside, prefix)
        if b"\n" in header.value or b"\r" in header.value:
            yield from _joined_unit(header, place, inside, prefix)
        if header.name in _OF_CONTENT and b"*" in header.value:
            texts = [parameter_text(parameter, gate) for parameter in parameters_of(header.value) if parameter.name not in _FILE_NAMES]
            yield Unit(f"{prefix}{place}.params", "; ".join(texts), inside, is_opaque=True)


def _joined_unit(header: Header, place: str, inside: str, prefix: str) -> Iterator[Unit]:
    """The value without its folds, where one of them may stand in an address: some programs fold anywhere."""
    value = header.value
    is_cut = _AT.search(value) and any(_is_near_at(value, *fold.span()) for fold in FOLDED.finditer(value))
    if is_cut or (header.name not in SEALS and DIGITS_GO_ON.search(value)):
        yield Unit(f"{prefix}{place}.joined", raw_text(FOLDED.sub(b"", value)).strip(), inside)


def _is_near_at(value: bytes, start: int, end: int) -> bool:
    """True if the words on both sides of a fold would make an address together."""
    left = _BETWEEN.split(value[max(0, start - 300) : start])[-1]
    right = _BETWEEN.split(value[end : end + 300], maxsplit=1)[0]
    return any(found.start() < len(left) < found.end() for found in _ADDRESS.finditer(left + right)) if left and right else False


def folds_of(value: bytes) -> tuple[tuple[int, int], ...]:
    """Where the folds are that `.joined` leaves out."""
    return tuple(fold.span() for fold in FOLDED.finditer(value))


def _carried_unit(header: Header, place: str, inside: str, prefix: str) -> Iterator[Unit]:
    if b"=" in header.value and b"@" in header.value and (found := tuple(carried(header.value.decode("latin-1")))):
        yield Unit(f"{prefix}{place}.verp", "\n".join(latin_as_utf8(one.address) for one in found), inside)


def _address_units(
    header: Header, place: str, found: Sequence[Mailbox], recipients: int, inside: str, prefix: str, gate: Gate | None
) -> Iterator[Unit]:
    selects = "email" if header.name in _SENDERS or (header.name == "to" and recipients == 1) else None
    value = header.value.decode("latin-1")
    for number, box in enumerate(found, 1):
        mapped = FieldMap(header.name, "user.contact.email", selects)
        here = f"{prefix}{place}{nth(number)}"
        yield Unit(here, address_of(latin_as_utf8(value[box.start : box.end])), inside, mapped, is_value=True)
        if name := name_of(value[box.name_start : box.name_end], gate):
            yield Unit(f"{here}.name", name, inside, FieldMap(f"{header.name}.name", "user.name"), is_value=True)
    rest = _outside(value, found)
    if rest.strip(' \t\r\n,;:<>()"'):
        yield Unit(f"{prefix}{place}.rest", words(raw_text(rest.encode("latin-1"), gate), gate), inside)


def nth(number: int) -> str:
    """What tells the addresses of one header apart in places."""
    return f"/{number}" if number > 1 else ""


def latin_as_utf8(text: str) -> str:
    """Text that was read as Latin-1 to keep offsets, as UTF-8 where it is (RFC 6532)."""
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def _outside(value: str, found: Sequence[Mailbox]) -> str:
    """What an address header holds beside addresses and names: comments, group names, routes."""
    for start, end in sorted(((span for box in found for span in ((box.start, box.end), (box.name_start, box.name_end)))), reverse=True):
        value = value[:start] + " " + value[end:]
    return value


def name_of(raw: str, gate: Gate | None = None) -> str:
    """A display name as it is shown."""
    text = _FOLD.sub("", raw)
    text = _QUOTED.sub(lambda found: _ESCAPED.sub(r"\1", found[1]), text) if '"' in text else text
    return words(raw_text(text.encode("latin-1"), gate), gate).strip()


def plain(header: Header, gate: Gate | None = None) -> str:
    """The value of any other header, encoded words decoded. A file name in it is left out: it is a unit of its part."""
    value = header.value
    text = text_of(header) if value.isascii() and b"\x1b" not in value else _FOLD.sub("", raw_text(value, gate)).strip()
    if header.name in _OF_CONTENT and not text.lower().startswith("multipart/"):
        text = _NAME.sub("", text)
    return words(text, gate)
