"""Headers of a mail as units, and as bytes again: addresses one by one, encoded words decoded (RFC 2047), file names put together (RFC 2231)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.header import Header as EncodedHeader
from email.header import decode_header
from email.utils import quote

from dsr_engine.content.codec_names import known_codec
from dsr_engine.content.mime_structure import Header, text_of
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import Splice, cannot_rewrite
from dsr_engine.domain.anonymize import FieldFacts, Misfit
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import Edit, Fence, How, Point, RedactSpans, SetValue
from dsr_engine.domain.record import Unit
from dsr_engine.domain.system import FieldMap

_SENDERS = frozenset({"from", "sender", "reply-to"})
_RECIPIENTS = frozenset({"to", "cc", "bcc"})
_ADDRESSES = _SENDERS | _RECIPIENTS | {
    "delivered-to", "x-original-to", "return-path", "errors-to", "disposition-notification-to", "resent-from", "resent-to",
    "resent-cc", "resent-bcc", "resent-sender", "envelope-to", "x-envelope-to", "x-envelope-from", "apparently-to",
    "return-receipt-to", "mail-followup-to", "x-forwarded-to",
}  # fmt: skip
_KNOWN = _ADDRESSES | {
    "subject", "date", "message-id", "in-reply-to", "references", "received", "received-spf", "comments", "keywords",
    "organization", "user-agent", "x-mailer", "mime-version", "content-type", "content-transfer-encoding", "content-disposition",
    "content-id", "content-description", "content-location", "dkim-signature", "authentication-results", "arc-seal",
    "arc-message-signature", "arc-authentication-results", "list-unsubscribe", "list-id", "list-post", "list-help",
    "list-archive", "list-unsubscribe-post", "precedence", "priority", "importance", "x-priority", "auto-submitted",
    "thread-topic", "thread-index", "x-originating-ip", "feedback-id", "x-spam-status", "x-spam-level", "content-language",
    "status", "x-status", "x-keywords", "x-uid", "lines",
}  # fmt: skip
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|\\.|[<>,;:()]|[^"\\<>,;:()]+', re.DOTALL)
_ENCODED_WORD = re.compile(r"=\?[^?\s]+\?[bBqQ]\?[^?]*\?=")
_PARAMETER = re.compile(rb';\s*(?:file)?name(?:\*\d*\*?)?\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^;\s]*)', re.IGNORECASE | re.DOTALL)
_SPECIALS = re.compile(r'[()<>@,;:\\".\[\]]')


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One address in an address header: where it is in the value (as Latin-1 text), and where its display name is."""

    start: int
    end: int
    name_start: int
    name_end: int


def called(headers: Sequence[Header], word: str = "header") -> Iterator[tuple[Header, str]]:
    """Each header with what names it in places: `header:received.2`; a number for one that is not generally known."""
    counts: dict[str, int] = {}
    for position, header in enumerate(headers, 1):
        counts[header.name] = counts.get(header.name, 0) + 1
        repeated = f".{counts[header.name]}" if counts[header.name] > 1 else ""
        yield header, f"{word}:{header.name}{repeated}" if header.name in _KNOWN else f"{word}:{position}"


def header_units(headers: Sequence[Header], inside: str, prefix: str) -> Iterator[Unit]:
    """All units of the message's headers."""
    recipients = sum(len(mailboxes(header.value)) for header in headers if header.name in _RECIPIENTS)
    for header, place in called(headers):
        if header.name in _ADDRESSES and (found := mailboxes(header.value)):
            yield from _address_units(header, place, found, recipients, inside, prefix)
        else:
            yield Unit(prefix + place, plain(header), inside)


def _address_units(header: Header, place: str, found: Sequence[Mailbox], recipients: int, inside: str, prefix: str) -> Iterator[Unit]:
    selects = "email" if header.name in _SENDERS or (header.name == "to" and recipients == 1) else None
    value = header.value.decode("latin-1")
    for number, box in enumerate(found, 1):
        mapped = FieldMap(header.name, "user.contact.email", selects)
        here = f"{prefix}{place}{_nth(number)}"
        yield Unit(here, _utf8(value[box.start : box.end]), inside, mapped, is_value=True)
        if name := _name(value[box.name_start : box.name_end]):
            yield Unit(f"{here}.name", name, inside, FieldMap(f"{header.name}.name", "user.name"), is_value=True)
    rest = _outside(value, found)
    if rest.strip(' \t\r\n,;:<>()"'):
        yield Unit(f"{prefix}{place}.rest", words(_utf8(rest)), inside)


def _nth(number: int) -> str:
    return f"/{number}" if number > 1 else ""


def _utf8(text: str) -> str:
    """Text that was read as Latin-1 to keep offsets, as UTF-8 where it is (RFC 6532)."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def _outside(value: str, found: Sequence[Mailbox]) -> str:
    """What an address header holds beside addresses and names: comments, group names, routes."""
    for start, end in sorted(((span for box in found for span in ((box.start, box.end), (box.name_start, box.name_end)))), reverse=True):
        value = value[:start] + " " + value[end:]
    return value


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
    comment = re.search(r"\([^()]*\)", value[start:end])
    if comment is None:
        one, two = _trimmed(value, start, end)
        if "@" in value[one:two]:
            yield Mailbox(one, two, two, two)
        return
    bare = (start, start + comment.start()) if "@" in value[start : start + comment.start()] else (start + comment.end(), end)
    one, two = _trimmed(value, *bare)
    if "@" in value[one:two]:
        yield Mailbox(one, two, start + comment.start() + 1, start + comment.end() - 1)


def _trimmed(value: str, start: int, end: int) -> tuple[int, int]:
    text = value[start:end]
    return start + len(text) - len(text.lstrip()), max(start + len(text) - len(text.lstrip()), start + len(text.rstrip()))


def _name(raw: str) -> str:
    """A display name as it is shown."""
    text = re.sub(r"\r?\n(?=[ \t])", "", raw)
    text = re.sub(r'"((?:[^"\\]|\\.)*)"', lambda found: re.sub(r"\\(.)", r"\1", found[1]), text)
    return words(_utf8(text)).strip()


def plain(header: Header) -> str:
    """The value of any other header, encoded words decoded. A file name in it is left out: it is a unit of its part."""
    text = text_of(header)
    if header.name in ("content-type", "content-disposition") and not text.lower().startswith("multipart/"):
        text = _PARAMETER.sub(b"", text.encode()).decode()
    return words(text)


def words(text: str) -> str:
    """The text with its encoded words decoded; what cannot be decoded stays as it is."""
    if not _ENCODED_WORD.search(text):
        return text
    joined = re.sub(r"(\?=)\s+(?==\?)", r"\1 ", text)
    try:
        pieces = decode_header(joined)
    except ValueError:  # HeaderParseError is one: broken base64
        return text
    return "".join(piece if isinstance(piece, str) else _piece(piece, charset) for piece, charset in pieces)


def _piece(data: bytes, charset: str | None) -> str:
    codec = known_codec(charset) if charset else "utf-8"
    return data.decode(codec or "utf-8", "replace")


def file_name(part_value: str | None) -> str:
    """A decoded file name of a part, or nothing."""
    return words(part_value) if part_value else ""


# ---- rewriting


def header_splices(headers: Sequence[Header], edits: Sequence[Edit], rewriter: Rewriter, newline: bytes, word: str = "header") -> Iterator[Splice]:
    """The splices of edits whose places are headers of this block. Raises `NotSupported` for a place that is not there."""
    pending = {edit.place: edit.how for edit in edits}
    for header, place in called(headers, word):
        mine = {
            name: pending.pop(name) for name in list(pending) if name == place or name.startswith((f"{place}.name", f"{place}.rest", f"{place}/"))
        }
        if not mine:
            continue
        boxes = mailboxes(header.value) if header.name in _ADDRESSES else ()
        if not boxes and set(mine) != {place}:
            raise _not_there()
        value = _addresses(header, place, boxes, mine, rewriter) if boxes else _unstructured(header, mine[place], rewriter, newline)
        if value is not None:
            start = header.start + header.colon
            yield Splice(start, start + len(header.value), value)
    if pending:
        raise _not_there()


def _not_there() -> NotSupported:
    return cannot_rewrite("A header of the plan is not in the mail.", "plan again: the mail is not what it was")


def _addresses(header: Header, place: str, boxes: Sequence[Mailbox], edits: dict[str, How], rewriter: Rewriter) -> bytes | None:
    value = header.value.decode("latin-1")
    changes: list[tuple[int, int, bytes]] = []
    for number, box in enumerate(boxes, 1):
        changes += _mailbox_changes(header, box, f"{place}{_nth(number)}", edits, rewriter)
    if edits.pop(f"{place}.rest", None):
        spans = sorted(span for box in boxes for span in ((box.start, box.end), (box.name_start, box.name_end)) if span[0] < span[1])
        for one, two in zip([0, *(end for _, end in spans)], [*(start for start, _ in spans), len(value)], strict=True):
            text = _utf8(value[one:two])
            changes.append((one, two, rewriter.redacted(text).encode("utf-8" if _utf8(value) != value else "latin-1", "replace")))
    if edits:
        raise _not_there()
    raw = header.value
    for start, end, now in sorted(changes, reverse=True):
        raw = raw[:start] + now + raw[end:]
    return None if raw == header.value else raw


def _mailbox_changes(header: Header, box: Mailbox, place: str, edits: dict[str, How], rewriter: Rewriter) -> Iterator[tuple[int, int, bytes]]:
    """What one address and its display name become, where that is anything new; its edits are taken out of `edits`."""
    value = header.value.decode("latin-1")
    if how := edits.pop(place, None):
        text = _utf8(value[box.start : box.end])
        address = _changed(text, how, header.name, rewriter)
        if address != text:
            yield box.start, box.end, address.encode("ascii", "replace")
    if how := edits.pop(f"{place}.name", None):
        text = _name(value[box.name_start : box.name_end])
        name = _changed(text, how, f"{header.name}.name", rewriter)
        if name != text:
            yield box.name_start, box.name_end, _phrase(name, is_comment=box.name_start > box.end)


def _changed(text: str, how: How, name: str, rewriter: Rewriter) -> str:
    """The text of a header after an edit, on one line."""
    match how:
        case RedactSpans():
            now = rewriter.redacted(text)
        case SetValue():
            try:
                value = rewriter.replaced(how, text, FieldFacts(name))
            except Misfit as misfit:
                raise cannot_rewrite(f"A header cannot hold what the method gives: {misfit}.") from None
            now = "" if value is None else str(value)
        case Fence(value) | Point(value):
            now = str(value)
        case _:
            raise cannot_rewrite("A header cannot be dropped: redact it or set its value.")
    return " ".join(now.splitlines()) if now != text else now


def _unstructured(header: Header, how: How, rewriter: Rewriter, newline: bytes) -> bytes | None:
    text = plain(header)
    now = _changed(text, how, header.name, rewriter)
    if now == text:
        return None
    lead = b" " if header.value[:1] in (b" ", b"\t") else b""
    if now.isascii():
        return lead + _folded(now, len(header.name) + 2, newline)
    return lead + EncodedHeader(now, "utf-8", header_name=header.name).encode(linesep=newline.decode()).encode("ascii")


def _folded(text: str, used: int, newline: bytes) -> bytes:
    """ASCII on lines of at most 78 characters where it has spaces to fold at."""
    lines, line = [], ""
    for word in text.split(" "):
        if line and used + len(line) + 1 + len(word) > 78:
            lines.append(line)
            line, used = " " + word, 0
        else:
            line = f"{line} {word}" if line else word
    return newline.join(piece.encode("ascii") for piece in [*lines, line])


def _phrase(name: str, *, is_comment: bool) -> bytes:
    """A display name as it may stand before an address, or in a comment behind it."""
    if not name.isascii():
        return EncodedHeader(name, "utf-8", maxlinelen=100_000).encode().encode("ascii")
    if is_comment:
        return re.sub(r"([()\\])", r"\\\1", name).encode("ascii")
    return f'"{quote(name)}"'.encode("ascii") if _SPECIALS.search(name) else name.encode("ascii")


def renamed_file(header: Header, name: str) -> bytes:
    """The value of a content type or disposition with another file name, its other parameters as they were."""
    value = header.value
    if not _PARAMETER.search(value):
        return value
    key = b"filename" if header.name == "content-disposition" else b"name"
    if name.isascii():
        written = key + b'="' + quote(name).encode("ascii") + b'"'
    else:
        written = key + b"*=utf-8''" + "".join(f"%{byte:02X}" for byte in name.encode()).encode("ascii")
    return _PARAMETER.sub(b"", value) + b"; " + written
