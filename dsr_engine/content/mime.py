"""Mail (RFC 5322 and MIME): headers decoded, bodies in any charset and encoding, attachments by their own format, messages in messages.

The message is the record; an attachment is a part of it that can be dropped (`part:3`): a short note in plain text then stands in
its place. A mail passes the gate as a whole: if anything in it does, raw or decoded, its headers are given too, so that its sender is
known. A signature (DKIM, S/MIME) over a mail that is rewritten does not hold any more; that cannot be helped.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from email.message import Message
from itertools import chain

from dsr_engine.content.charset import Charset, as_utf8, detected, from_utf8, is_faithful
from dsr_engine.content.format import Nested, Opener, Reading, Unreadable, Writer
from dsr_engine.content.leftover import hides_ascii, is_all_base64, single_bytes, stray_lines
from dsr_engine.content.mime_encoding import body_of, encoded, is_known
from dsr_engine.content.mime_headers import called, file_name, header_splices, header_units, plain, renamed_file
from dsr_engine.content.mime_structure import Header, Mail, Part, structure_of
from dsr_engine.content.opaque import Opaque
from dsr_engine.content.places import inside, local_place
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.scan import windows
from dsr_engine.content.stream import Splice, cannot_rewrite, head_of, opened, spliced
from dsr_engine.content.text import PlainText
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from dsr_engine.domain.record import Gap, Unit

_BODIES = frozenset({"plain", "html", "enriched", "richtext", "markdown", "x-amp-html"})
_ENCRYPTED = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted"})
_HEAD = 65536
_NOTE = "[attachment erased]"
#: A part's own headers in places, apart from those of a message that is attached (`part:3/header:from`).
_OWN = "part-header"


class Mime:
    """One message."""

    name = "mime"

    def __init__(self, nested: Nested) -> None:
        self._nested = nested

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        try:
            mail = structure_of(open_file, reading.limits)
        except Unreadable as unreadable:
            yield from (got for got in Opaque().read(open_file, reading) if isinstance(got, Unit))
            yield Gap(reading.collection, unreadable.code, unreadable.reason)
            return
        headers = tuple(header_units(mail.headers, inside(reading), reading.prefix))
        is_passed = _passes_raw(open_file, reading) or any(_passes(unit, reading) for unit in headers)
        if is_passed:
            yield from headers
        for got in self._parts(open_file, mail, reading):
            if not is_passed and isinstance(got, Unit):
                is_passed = True
                yield from headers
            yield got

    def _parts(self, open_file: Opener, mail: Mail, reading: Reading) -> Iterator[Unit | Gap]:
        for part in mail.parts:
            leaf = _Leaf(open_file, part, reading)
            for header, place in called(part.headers, _OWN) if part.headers is not mail.headers else ():
                unit = Unit(f"{reading.prefix}{leaf.place}/{place}", plain(header), leaf.inside)
                if reading.gate is None or _passes(unit, reading):
                    yield unit
            if name := leaf.file_name:
                unit = Unit(f"{reading.prefix}{leaf.place}/filename", name, leaf.inside)
                if _passes(unit, reading):
                    yield unit
            yield from self._content(leaf)

    def _content(self, leaf: "_Leaf") -> Iterator[Unit | Gap]:
        reading = leaf.reading
        if leaf.is_encrypted:
            yield Gap(reading.collection, "mime.encrypted", "a part of a mail is encrypted; it was not read")
        if not is_known(leaf.encoding):
            yield Gap(
                reading.collection, "mime.encoding", "a part of a mail has a transfer encoding that is not known; its bytes were searched as they are"
            )
        charset = leaf.charset
        reader = PlainText() if leaf.is_body and charset is not None else self._nested
        for got in reader.read(leaf.content(charset), leaf.inner):
            if isinstance(got, Unit) and not leaf.is_attachment:
                yield replace(got, inside=inside(reading))
            else:
                yield got
        yield from leaf.leftovers(charset)

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        if not edits:
            return spliced(open_file, ())
        try:
            mail = structure_of(open_file, reading.limits)
        except Unreadable as unreadable:
            raise cannot_rewrite(f"The mail cannot be rewritten: {unreadable.reason}.") from None
        newline = b"\r\n" if b"\r\n" in head_of(open_file, _HEAD) else b"\n"
        headers: list[Edit] = []
        by_part: dict[str, list[Edit]] = {}
        for edit in edits:
            word, _, rest = local_place(edit, reading).partition("/")
            if word.startswith("header:"):
                headers.append(Edit(local_place(edit, reading), edit.how))
            else:
                by_part.setdefault(word, []).append(Edit(rest, edit.how))
        splices = list(header_splices(mail.headers, headers, rewriter, newline))
        for part in mail.parts:
            leaf = _Leaf(open_file, part, reading)
            splices += self._part_splices(leaf, by_part.pop(leaf.place, ()), mail, rewriter, newline)
        if by_part:
            raise cannot_rewrite("A part of the plan is not in the mail.", "plan again: the mail is not what it was")
        return spliced(open_file, splices)

    def _part_splices(self, leaf: "_Leaf", edits: Sequence[Edit], mail: Mail, rewriter: Rewriter, newline: bytes) -> Iterator[Splice]:
        if any(not edit.place and isinstance(edit.how, DropPart) for edit in edits):
            yield leaf.erased(mail, newline)
            return
        headers = [edit for edit in edits if edit.place.startswith(_OWN)]
        yield from header_splices(leaf.part.headers, headers, rewriter, newline, _OWN)
        rest = [edit for edit in edits if edit not in headers]
        if names := [edit for edit in rest if edit.place == "filename"]:
            if any(not isinstance(edit.how, RedactSpans) for edit in names):
                raise cannot_rewrite("The file name of an attachment can be redacted, nothing else.")
            yield from leaf.renamed(rewriter)
            rest = [edit for edit in rest if edit not in names]
        if any(not edit.place for edit in rest):
            raise cannot_rewrite("A part of a mail can be dropped, or places in it can be changed.")
        if rest:
            yield self._rewritten(leaf, rest, rewriter)

    def _rewritten(self, leaf: "_Leaf", edits: Sequence[Edit], rewriter: Rewriter) -> Splice:
        if leaf.is_encrypted or not is_known(leaf.encoding):
            raise cannot_rewrite("A part of the mail is encrypted, or encoded in a way that is not known.")
        if not leaf.is_clean:
            raise cannot_rewrite("A part of the mail holds text that is not in its transfer encoding; it would be lost.")
        charset = leaf.charset
        if charset is not None and not is_faithful(leaf.content(None), charset):
            raise cannot_rewrite("A part of the mail is not valid in its charset and cannot be written back.")
        reader = PlainText() if leaf.is_body and charset is not None else self._nested
        inner = [Edit(leaf.inner.prefix + edit.place, edit.how) for edit in edits]
        writer = reader.prepare(leaf.content(charset), inner, rewriter, leaf.inner)
        writer = from_utf8(writer, charset) if charset is not None else writer
        part = leaf.part
        return Splice(part.start, part.end, encoded(writer, leaf.open_file, part.start, part.end, leaf.encoding))


@dataclass(frozen=True, slots=True)
class _Leaf:
    """One part with what its headers say about it."""

    open_file: Opener
    part: Part
    reading: Reading

    @property
    def meta(self) -> "Message[str, str]":
        return self.part.meta

    @property
    def place(self) -> str:
        return f"{self.part.kind}:{self.part.number}"

    @property
    def encoding(self) -> str:
        """The transfer encoding. A multipart's own text has none."""
        if self.part.kind == "preamble":
            return ""
        return str(self.meta.get("content-transfer-encoding", "")).split(";")[0].strip().lower()

    @property
    def is_body(self) -> bool:
        """True for text that is shown as the message itself."""
        if self.part.kind == "preamble":
            return True
        meta = self.meta
        return meta.get_content_maintype() == "text" and meta.get_content_subtype() in _BODIES and not self.is_attachment

    @property
    def is_attachment(self) -> bool:
        """True for a file or a message that is sent along: a sub-record of its own."""
        meta = self.meta
        if self.part.kind == "preamble":
            return False
        is_text = meta.get_content_maintype() == "text" and meta.get_content_subtype() in _BODIES
        return not is_text or meta.get_content_disposition() == "attachment" or bool(self.file_name)

    @property
    def is_encrypted(self) -> bool:
        meta = self.meta
        return meta.get_content_type() in _ENCRYPTED and str(meta.get_param("smime-type", "")) not in ("signed-data", "certs-only")

    @property
    def file_name(self) -> str:
        return file_name(self.meta.get_filename()) if self.part.kind == "part" else ""

    @property
    def inside(self) -> str:
        return inside(self.reading, self.place) if self.is_attachment else inside(self.reading)

    @property
    def inner(self) -> Reading:
        """How the content is read. A message in a message says so by its name."""
        name = "message.eml" if self.meta.get_content_maintype() == "message" else self.file_name
        return replace(self.reading, prefix=f"{self.reading.prefix}{self.place}/", depth=self.reading.depth + 1, name=name)

    @property
    def charset(self) -> Charset | None:
        """The charset of a text part; None for other content."""
        if self.part.kind == "part" and self.meta.get_content_maintype() != "text":
            return None
        return detected(head_of(self.content(None), _HEAD), self.meta.get_content_charset() or "")

    def content(self, charset: Charset | None) -> Opener:
        """The decoded content; as UTF-8 where its charset is given."""
        body = body_of(self.open_file, self.part.start, self.part.end, self.encoding)
        return body if charset is None else as_utf8(body, charset)

    @property
    def is_clean(self) -> bool:
        """True if decoding the content and encoding it again loses nothing."""
        return self.encoding != "base64" or is_all_base64(self.open_file, self.part.start, self.part.end)

    def leftovers(self, charset: Charset | None) -> Iterator[Unit]:
        """What only shows when the bytes are looked at once more, without the charset or the transfer encoding that the headers claim."""
        found: list[Iterator[Unit]] = []
        if charset is not None and hides_ascii(charset):
            found.append(single_bytes(self.content(None), self.inner))
        if self.encoding == "base64":
            found.append(stray_lines(self.open_file, self.part.start, self.part.end, self.inner))
        yield from (replace(unit, inside=self.inside) for unit in chain.from_iterable(found))

    def erased(self, mail: Mail, newline: bytes) -> Splice:
        """The part with a note in its place. Where the attachment is the whole mail, its headers stay and its content is emptied."""
        if self.part.kind != "part":
            raise cannot_rewrite("The text around the parts of a mail cannot be dropped.")
        if self.part.headers is mail.headers:
            return Splice(self.part.start, self.part.end, b"")
        start = self.part.headers[0].start if self.part.headers else self.part.start
        note = newline.join((b"Content-Type: text/plain; charset=us-ascii", b"", _NOTE.encode("ascii")))
        return Splice(start, self.part.end, note)

    def renamed(self, rewriter: Rewriter) -> Iterator[Splice]:
        """The headers of the part with the person cut out of its file name."""
        now = rewriter.redacted(self.file_name)
        for header in self.part.headers if now != self.file_name else ():
            if header.name in ("content-type", "content-disposition"):
                yield _new_value(header, renamed_file(header, now))


def _new_value(header: Header, value: bytes) -> Splice:
    start = header.start + header.colon
    return Splice(start, start + len(header.value), value)


def _passes(unit: Unit, reading: Reading) -> bool:
    return reading.gate is None or reading.gate.passes_text(unit.text)


def _passes_raw(open_file: Opener, reading: Reading) -> bool:
    if reading.gate is None:
        return True
    with closing(opened(open_file)) as source:
        return next(windows(source, reading.gate, reading.gate.reach), None) is not None
