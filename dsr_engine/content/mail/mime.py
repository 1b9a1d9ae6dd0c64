"""Mail (RFC 5322 and MIME): headers decoded, bodies in any charset and encoding, attachments by their own format, messages in messages.

The message is the record; an attachment is a part of it that can be dropped (`part:3`): a short note in plain text then stands in
its place. A mail passes the gate as a whole: if anything in it does, raw or decoded, its headers are given too, so that its sender is
known. Where programs read a part differently, every cheap reading is searched; what only another reading shows is reported and not rewritten.
A signature (DKIM, S/MIME) over a mail that is rewritten does not hold any more; that cannot be helped.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain

from dsr_engine.content.charset import decoded, detected, from_utf8, is_faithful, marked, unmarked
from dsr_engine.content.documents.html_file import HtmlFile
from dsr_engine.content.format import Nested, Opener, Reading, Unreadable, Writer
from dsr_engine.content.mail.mime_encoding import encoded, is_known, is_packed
from dsr_engine.content.mail.mime_flowed import FlowedText
from dsr_engine.content.mail.mime_header_edits import header_splices, renamed_files
from dsr_engine.content.mail.mime_headers import header_units, part_units
from dsr_engine.content.mail.mime_inline import Watch, found_inside
from dsr_engine.content.mail.mime_leaf import OWN, Leaf
from dsr_engine.content.mail.mime_structure import Mail, structure_of
from dsr_engine.content.mail.mime_words import words
from dsr_engine.content.opaque import opaque_bytes
from dsr_engine.content.places import inside, local_place
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.scan import any_passes
from dsr_engine.content.stream import Splice, cannot_rewrite, chunks, flowing, head_of, opened, spliced
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from dsr_engine.domain.record import Gap, Unit

_HEAD = 65536
_NOTE = "[attachment erased]"
#: Mails in mails; they are no files in files, for nothing is unpacked.
_DEEPEST = 50


class Mime:
    """One message."""

    name = "mime"

    def __init__(self, nested: Nested) -> None:
        self._nested = nested

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        mail = structure_of(open_file, reading.limits)
        headers = tuple(header_units(mail.headers, inside(reading), reading.prefix, reading.gate))
        is_passed = _passes_raw(open_file, reading) or any(_passes(unit, reading) for unit in headers)
        if is_passed:
            yield from headers
        for got in chain(_guessed(mail, reading), self._parts(open_file, mail, reading)):
            if not is_passed and isinstance(got, Unit):
                is_passed = True
                yield from headers
            yield got
        yield from (Gap(reading.collection, damage.code, damage.reason) for damage in mail.damage)

    def _parts(self, open_file: Opener, mail: Mail, reading: Reading) -> Iterator[Unit | Gap]:
        for part in mail.parts:
            leaf = Leaf(open_file, part, reading)
            if part.headers is not mail.headers:
                for unit in part_units(part.headers, f"{leaf.place}/{OWN}", leaf.inside, reading.prefix, reading.gate):
                    if reading.gate is None or _passes(unit, reading):
                        yield unit
            for number, name in enumerate(leaf.file_names, 1):
                unit = Unit(f"{reading.prefix}{leaf.place}/filename{f'.{number}' if number > 1 else ''}", name, leaf.inside)
                if _passes(unit, reading):
                    yield unit
            yield from self.content(leaf)

    def content(self, leaf: Leaf) -> Iterator[Unit | Gap]:
        """What a part holds, its headers and names left out."""
        yield from leaf.gaps()
        watch = Watch()
        reader, content, _ = self._reader(leaf, watch)
        told: list[str] = []
        for got in reader.read(content, leaf.inner):
            if not isinstance(got, Unit):
                yield got
                continue
            if leaf.reading.gate is not None:
                told.append(words(got.text, leaf.reading.gate))
            yield got if leaf.is_attachment else replace(got, inside=inside(leaf.reading))
        yield from leaf.leftovers()
        for got in self._otherwise(leaf, watch, content):
            if not isinstance(got, Unit) or not any(got.text.strip() in text for text in told):
                yield got

    def _otherwise(self, leaf: Leaf, watch: Watch, content: Opener) -> Iterator[Unit | Gap]:
        """What other readings of the part show: files and mails in its text, another encoding that it names as well, another charset."""
        yield from watch.gaps(leaf.reading.collection)
        if leaf.reading.gate is not None:
            yield from found_inside(watch, content, self._nested, leaf.inner)
        readings: list[Iterator[Unit | Gap]] = []
        if leaf.meta.other is not None and leaf.meta.other.main != "multipart" and leaf.reading.gate is not None:
            other = Leaf(leaf.open_file, replace(leaf.part, kind="part", meta=leaf.meta.other), leaf.reading)
            reader, opener, _ = self._reader(other)
            readings.append(reader.read(opener, replace(other.inner, prefix=f"{leaf.inner.prefix}other/")))
        if leaf.reading.gate is not None and leaf.is_doubtful and not leaf.is_page:
            readings.append(FlowedText().read(leaf.content(None), replace(leaf.inner, prefix=f"{leaf.inner.prefix}other/")))
        for got in chain.from_iterable(readings):
            yield replace(got, is_opaque=True, inside=leaf.inside) if isinstance(got, Unit) else got

    def _reader(self, leaf: Leaf, watch: Watch | None = None) -> tuple[Nested, Opener, Callable[[Writer], Writer]]:
        """Who reads the content of a part, as what, and how it is written back: a body is text, or the page that it is shown as."""
        charset = leaf.charset
        if leaf.is_hidden_multipart:
            return _Hidden(self), _with_type(leaf), lambda writer: writer
        if leaf.is_mail:
            return _Message(self), leaf.content(None), lambda writer: writer
        if charset is None:
            return self._nested, leaf.content(None), lambda writer: writer
        if leaf.is_page:
            return HtmlFile(leaf.meta.charset), leaf.content(None), lambda writer: writer
        plain = leaf.content(charset)
        if leaf.is_body or not charset.wide or detected(head_of(plain, _HEAD)) is None:
            return FlowedText(watch, is_flowed=leaf.is_flowed) if leaf.is_body else self._nested, plain, lambda writer: from_utf8(writer, charset)
        return self._nested, marked(plain), lambda writer: from_utf8(unmarked(writer), charset)

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        if not edits:
            return spliced(open_file, ())
        try:
            mail = structure_of(open_file, reading.limits)
        except Unreadable as unreadable:
            raise cannot_rewrite(f"The mail cannot be rewritten: {unreadable.reason}.") from None
        newline = _newline(head_of(open_file, _HEAD))
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
            leaf = Leaf(open_file, part, reading)
            splices += self._part_splices(leaf, by_part.pop(leaf.place, ()), mail, rewriter, newline)
        if by_part:
            raise cannot_rewrite("A part of the plan is not in the mail.", "plan again: the mail is not what it was")
        return spliced(open_file, splices)

    def _part_splices(self, leaf: Leaf, edits: Sequence[Edit], mail: Mail, rewriter: Rewriter, newline: bytes) -> Iterator[Splice]:
        if any(not edit.place and isinstance(edit.how, DropPart) for edit in edits):
            yield _erased(leaf, mail, newline)
            return
        headers = [edit for edit in edits if edit.place.startswith(OWN)]
        names = [edit for edit in edits if edit.place.partition(".")[0] == "filename"]
        if any(not isinstance(edit.how, RedactSpans) for edit in names):
            raise cannot_rewrite("The file name of an attachment can be redacted, nothing else.")
        renamed = renamed_files(leaf.part.headers, rewriter) if names else {}
        yield from header_splices(leaf.part.headers, headers, rewriter, newline, OWN, renamed)
        rest = [edit for edit in edits if edit not in headers and edit not in names]
        if any(not edit.place for edit in rest):
            raise cannot_rewrite("A part of a mail can be dropped, or places in it can be changed.")
        if rest:
            yield self._rewritten(leaf, rest, rewriter)

    def _rewritten(self, leaf: Leaf, edits: Sequence[Edit], rewriter: Rewriter) -> Splice:
        if leaf.is_encrypted or not is_known(leaf.encoding) or is_packed(leaf.encoding):
            raise cannot_rewrite("A part of the mail is encrypted, or encoded in a way that is not known or not written.")
        if not leaf.is_clean:
            raise cannot_rewrite("A part of the mail holds text that is not in its transfer encoding; it would be lost.")
        if leaf.charset is not None and not leaf.is_mail and not is_faithful(leaf.content(None), leaf.charset):
            raise cannot_rewrite("A part of the mail is not valid in its charset and cannot be written back.")
        reader, content, written = self._reader(leaf)
        inner = [Edit(leaf.inner.prefix + edit.place, edit.how) for edit in edits]
        writer = written(reader.prepare(content, inner, rewriter, leaf.inner))
        part = leaf.part
        return Splice(part.start, part.end, encoded(writer, leaf.open_file, part.start, part.end, leaf.encoding))


class _Message:
    """A mail in a mail, at any depth that people reach by forwarding."""

    def __init__(self, mime: Mime) -> None:
        self._mime = mime

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        if _is_too_deep(reading):
            yield from opaque_bytes(open_file, "message", reading)
            yield Gap(reading.collection, "archive.too_deep", "mails are nested deeper than the limit; what lies below was searched as bytes only")
            return
        try:
            yield from self._mime.read(open_file, reading)
        except Unreadable as unreadable:
            yield Gap(reading.collection, unreadable.code, unreadable.reason)

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        if _is_too_deep(reading):
            raise cannot_rewrite("Mails are nested deeper than the limit.")
        return self._mime.prepare(open_file, edits, rewriter, reading)


class _Hidden(_Message):
    """A multipart that is encoded as a whole: read, and not rewritten, because nobody knows who reads it how."""

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        for got in super().read(open_file, reading):
            yield replace(got, is_opaque=True) if isinstance(got, Unit) else got

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:  # noqa: ARG002  # the protocol's arguments
        raise cannot_rewrite("The parts of the mail are encoded as a whole, which no standard allows.", "delete the mail, or drop nothing")


def _is_too_deep(reading: Reading) -> bool:
    return reading.depth > reading.limits.depth or reading.prefix.count("part:") > _DEEPEST


def _with_type(leaf: Leaf) -> Opener:
    """The decoded content behind headers that say what it is."""
    head = b'Content-Type: multipart/mixed; boundary="' + leaf.meta.boundaries[0] + b'"\n\n'
    return lambda: flowing(chain((head,), chunks(leaf.content(None))))


def _guessed(mail: Mail, reading: Reading) -> Iterator[Unit]:
    """What delimiters say that no header names. They are not rewritten: the parts would be lost."""
    for number, boundary in enumerate(mail.guessed, 1):
        unit = Unit(f"{reading.prefix}boundary:{number}", decoded(boundary)[0], inside(reading), is_opaque=True)
        if _passes(unit, reading):
            yield unit


def _newline(head: bytes) -> bytes:
    return b"\r\n" if b"\r\n" in head else b"\n" if b"\n" in head or b"\r" not in head else b"\r"


def _erased(leaf: Leaf, mail: Mail, newline: bytes) -> Splice:
    """The part with a note in its place. Where the attachment is the whole mail, its headers stay and its content is emptied."""
    part = leaf.part
    if part.kind != "part":
        raise cannot_rewrite("The text around the parts of a mail cannot be dropped.")
    if part.headers is mail.headers:
        return Splice(part.start, part.end, b"")
    start = part.headers[0].start if part.headers else part.start
    note = newline.join((b"Content-Type: text/plain; charset=us-ascii", b"", _NOTE.encode("ascii")))
    return Splice(start, part.end, note)


def _passes(unit: Unit, reading: Reading) -> bool:
    return reading.gate is None or reading.gate.passes_text(unit.text)


def _passes_raw(open_file: Opener, reading: Reading) -> bool:
    if reading.gate is None:
        return True
    with closing(opened(open_file)) as source:
        return any_passes(source, reading.gate)
