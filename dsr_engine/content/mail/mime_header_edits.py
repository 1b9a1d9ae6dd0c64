"""Headers of a mail as bytes again, with edits: what did not change keeps its spelling, its folds and its charset, where a header is plain text."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from email.header import Header as EncodedHeader
from email.utils import quote
from types import MappingProxyType

from dsr_engine.content.charset_guess import is_utf8
from dsr_engine.content.mail.mime_addresses import Mailbox, address_of, carried, mailboxes
from dsr_engine.content.mail.mime_cuts import cut
from dsr_engine.content.mail.mime_headers import called, folds_of, is_of_addresses, latin_as_utf8, name_of, nth, plain
from dsr_engine.content.mail.mime_meta import meta_of, parameters_of
from dsr_engine.content.mail.mime_structure import Header
from dsr_engine.content.mail.mime_words import parameter_text, without
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import Splice, cannot_rewrite
from dsr_engine.domain.anonymize import FieldFacts, Misfit
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import Edit, Fence, How, Point, RedactSpans, SetValue

_LINE_BREAK = re.compile(rb"(?:\r\n?|\n)(?=[ \t])")
_PARAMETER = re.compile(rb';\s*(?:file)?name(?:\*\d*\*?)?\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^;\s]*)', re.IGNORECASE | re.DOTALL)
_SPECIALS = re.compile(r'[()<>@,;:\\".\[\]]')
_OF_CONTENT = frozenset({"content-type", "content-disposition"})


def header_splices(
    headers: Sequence[Header],
    edits: Sequence[Edit],
    rewriter: Rewriter,
    newline: bytes,
    word: str = "header",
    renamed: Mapping[int, bytes] = MappingProxyType({}),
) -> Iterator[Splice]:
    """The splices of edits whose places are headers of this block. Raises `NotSupported` for a place that is not there.

    `renamed` are values by the start of their headers that have already changed.
    """
    pending = {edit.place: edit.how for edit in edits}
    for header, place in called(headers, word):
        mine = {name: pending.pop(name) for name in list(pending) if _is_of(name, place)}
        value = renamed.get(header.start, header.value)
        if mine:
            value = _edited(_with_value(header, value), place, mine, rewriter, newline)
        if value != header.value:
            if header.name == "content-type" and _says(value) != _says(header.value):
                raise cannot_rewrite("What says how a part of a mail is to be read holds the person.", "drop the part, or delete the mail")
            start = header.start + header.colon
            yield Splice(start, start + len(header.value), value)
    if pending:
        raise _not_there()


def _says(content_type: bytes) -> tuple[str, str, tuple[bytes, ...]]:
    """By what a part is read: its kind, its charset, what separates the parts in it."""
    meta = meta_of([("content-type", content_type)])
    return meta.kind, meta.charset, meta.boundaries


def _is_of(name: str, place: str) -> bool:
    return name == place or name.startswith((f"{place}.name", f"{place}.rest", f"{place}/", f"{place}.verp", f"{place}.joined"))


def _not_there() -> NotSupported:
    return cannot_rewrite("A header of the plan is not in the mail.", "plan again: the mail is not what it was")


def _edited(header: Header, place: str, edits: dict[str, How], rewriter: Rewriter, newline: bytes) -> bytes:
    """The value with all its edits: first what stands inside of other things, so that the rest still is where it was."""
    value = header.value
    for reading in (".verp", ".joined"):
        how = edits.pop(place + reading, None)
        if how is not None and not isinstance(how, RedactSpans):
            raise cannot_rewrite("An address that stands in a longer text can be redacted, nothing else.")
        if how is not None:
            value = _without_carried(value, rewriter) if reading == ".verp" else _without_folded(value, rewriter)
    header = _with_value(header, value)
    boxes = mailboxes(value) if is_of_addresses(header) else ()
    if not boxes and set(edits) - {place}:
        raise _not_there()
    if boxes:
        return _addresses(header, place, boxes, edits, rewriter)
    return _unstructured(header, edits[place], rewriter, newline) if edits else value


def _with_value(header: Header, value: bytes) -> Header:
    return header if value == header.value else replace(header, raw=header.raw[: header.colon] + value)


def _without_carried(value: bytes, rewriter: Rewriter) -> bytes:
    """The value without the addresses that are carried inside of others; of several that overlap the shortest that is the person's."""
    text = value.decode("latin-1")
    done = len(text)
    for one in sorted(carried(text), key=lambda found: (-found.end, -found.start)):
        address = latin_as_utf8(one.address)
        now = rewriter.redacted(address)
        if now != address and one.end <= done:
            text = text[: one.start] + now.encode("utf-8").decode("latin-1") + text[one.end :]
            done = one.start
    return text.encode("latin-1")


def _without_folded(value: bytes, rewriter: Rewriter) -> bytes:
    now = cut(value, folds_of(value), rewriter)
    if now is None:
        raise cannot_rewrite("A header is folded within what shall be redacted, and its charset does not allow it.")
    return now


def _addresses(header: Header, place: str, boxes: Sequence[Mailbox], edits: dict[str, How], rewriter: Rewriter) -> bytes:
    value = header.value.decode("latin-1")
    changes: list[tuple[int, int, bytes]] = []
    for number, box in enumerate(boxes, 1):
        changes += _mailbox_changes(header, box, f"{place}{nth(number)}", edits, rewriter)
    if edits.pop(f"{place}.rest", None):
        spans = sorted(span for box in boxes for span in ((box.start, box.end), (box.name_start, box.name_end)) if span[0] < span[1])
        for one, two in zip([0, *(end for _, end in spans)], [*(start for start, _ in spans), len(value)], strict=True):
            changes.append((one, two, _rest(header.value[one:two], rewriter)))
    if edits:
        raise _not_there()
    raw = header.value
    for start, end, now in sorted(changes, reverse=True):
        raw = raw[:start] + now + raw[end:]
    return raw


def _rest(raw: bytes, rewriter: Rewriter) -> bytes:
    """What stands between addresses, without the person: their bytes in any charset, and encoded words as words."""
    now = without(raw, rewriter)
    text = name_of(now.decode("latin-1")) if b"=?" in now else ""
    shown = rewriter.redacted(text)
    if shown == text:
        return now
    has_comment = text.startswith("(") and text.endswith(")")
    words = _phrase(shown[1:-1] if has_comment else shown, is_comment=True)
    return b" (" + words + b")" if has_comment else b" " + words + b" "


def _mailbox_changes(header: Header, box: Mailbox, place: str, edits: dict[str, How], rewriter: Rewriter) -> Iterator[tuple[int, int, bytes]]:
    """What one address and its display name become, where that is anything new; its edits are taken out of `edits`."""
    value = header.value.decode("latin-1")
    if how := edits.pop(place, None):
        text = address_of(latin_as_utf8(value[box.start : box.end]))
        address = _changed(text, how, header.name, rewriter)
        if address != text:
            yield box.start, box.end, address.encode("ascii", "replace")
    if how := edits.pop(f"{place}.name", None):
        raw = header.value[box.name_start : box.name_end]
        now = without(raw, rewriter) if isinstance(how, RedactSpans) and not is_utf8(raw) else raw
        text = name_of(now.decode("latin-1"))
        name = _changed(text, how, f"{header.name}.name", rewriter)
        if name != text:
            now = _phrase(name, is_comment=box.name_start > box.end or (box.name_start > 0 and value[box.name_start - 1] == "("))
        if now != raw:
            yield box.name_start, box.name_end, now


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


def _unstructured(header: Header, how: How, rewriter: Rewriter, newline: bytes) -> bytes:
    if isinstance(how, RedactSpans) and (header.name not in _OF_CONTENT or rewriter.redacted(plain(header)) != plain(header)):
        now = _redacted_in_place(header.value, rewriter)
        header = _with_value(header, now)
    text = plain(header)
    changed = _changed(text, how, header.name, rewriter)
    if changed == text:
        return header.value
    if header.name in _OF_CONTENT:
        raise cannot_rewrite("What says how a part is to be read cannot be written anew.", "drop the part, or delete the mail")
    lead = b" " if header.value[:1] in (b" ", b"\t") else b""
    if changed.isascii():
        return lead + _folded(changed, len(header.name) + 2, newline)
    return lead + EncodedHeader(changed, "utf-8", header_name=header.name or "x").encode(linesep=newline.decode()).encode("ascii")


def _redacted_in_place(value: bytes, rewriter: Rewriter) -> bytes:
    """The value without what its bytes themselves say of the person; encoded words stay."""
    now = cut(value, [found.span() for found in _LINE_BREAK.finditer(value)], rewriter) if b"=?" not in value else None
    return without(value, rewriter) if now is None and not is_utf8(value) else value if now is None else now


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


def renamed_files(headers: Sequence[Header], rewriter: Rewriter) -> dict[int, bytes]:
    """The values of content types and dispositions without the person in the file names that they give, by where the headers start."""
    return {header.start: _renamed(header, rewriter) for header in headers if header.name in _OF_CONTENT}


def _renamed(header: Header, rewriter: Rewriter) -> bytes:
    """The value of a content type or disposition with the person cut out of its file name, its other parameters as they were."""
    value = header.value
    names = [parameter_text(found) for found in parameters_of(value) if found.name in ("name", "filename")]
    if not any(rewriter.redacted(name) != name for name in names) or not _PARAMETER.search(value):
        return without(value, rewriter)
    name = rewriter.redacted(next((name for name in names[::-1] if rewriter.redacted(name) != name), names[0]))
    key = b"filename" if header.name == "content-disposition" else b"name"
    if name.isascii():
        written = key + b'="' + quote(name).encode("ascii") + b'"'
    else:
        written = key + b"*=utf-8''" + "".join(f"%{byte:02X}" for byte in name.encode()).encode("ascii")
    return _PARAMETER.sub(b"", value) + b"; " + written
