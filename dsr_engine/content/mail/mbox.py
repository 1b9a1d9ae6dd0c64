"""Many mails in one file, in a folder, a bucket or an archive: each is a record of its own (`mail:3`) and is read as a mail (`mail:3/part:1/…`).

The lines between mails may hold their senders (`mail:3/envelope`). Where a mail says how long it is (`Content-Length`, the dialects mboxcl and
mboxcl2), it says so anew after a change, for their readers skip by it.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO, cast

from dsr_engine.content.apart import on_disk
from dsr_engine.content.charset import decoded
from dsr_engine.content.format import Nested, Opener, Reading, Writer
from dsr_engine.content.mail.mbox_spans import LENGTH, Envelope, Span, spans, window
from dsr_engine.content.mail.mime import Mime
from dsr_engine.content.places import by_number, inside
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import BLOCK, Splice, cannot_rewrite, chunks, head_of, part_of, spliced
from dsr_engine.content.text import PlainText
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from dsr_engine.domain.record import Gap, Unit

_BLANK = re.compile(rb"(?:\A|\n)\r?\n")
_HEAD = 1024 * 1024
#: A new mail up to so many bytes is held in memory until its length is known.
_IN_MEMORY = 4 * 1024 * 1024
DOUBTFUL = "some mails in an mbox say that they are longer than up to the next one; whether a mail begins there or a text goes on cannot be told"


class Mbox:
    """Mails as `drivers.mailstore` splits them."""

    name = "mbox"

    def __init__(self, nested: Nested) -> None:
        self._mail = Mime(nested)

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        number, is_doubted = 0, False
        with on_disk(open_file) as file:
            handle = file.fileno()
            for number, span in enumerate(spans(handle, os.fstat(handle).st_size), start=1):
                if span.is_doubtful and not is_doubted:
                    is_doubted = True
                    yield Gap(reading.collection, "mbox.lengths", DOUBTFUL)
                yield from self._one(handle, number, span, reading)
        if not number:
            yield Gap(reading.collection, "mbox.as_text", "a file of several mails was searched as text: the lines between them are of no known kind")
            yield from PlainText().read(open_file, reading)

    def _one(self, handle: int, number: int, span: Span, reading: Reading) -> Iterator[Unit | Gap]:
        place = f"mail:{number}"
        sender = Unit(f"{reading.prefix}{place}/envelope", decoded(span.envelope.sender)[0], inside(reading, place))
        is_told = reading.gate is None or reading.gate.passes_text(sender.text)
        if is_told:
            yield sender
        for got in self._mail.read(lambda: window(handle, span.content, span.stop), _inner(number, reading)):
            if not is_told and isinstance(got, Unit):
                is_told = True
                yield sender
            yield got

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        splices: list[Splice] = []
        with on_disk(open_file) as file:
            handle = file.fileno()
            found = spans(handle, os.fstat(handle).st_size)
            first = next(found, None)
            if first is None:
                return PlainText().prepare(open_file, edits, rewriter, reading)
            pending = dict(by_number(edits, "mail", reading))
            for number, span in enumerate((first, *found) if pending else (), start=1):
                if wanted := pending.pop(number, None):
                    splices += self._splices(open_file, number, span, wanted, rewriter, reading)
        if pending:
            raise cannot_rewrite("A mail of the plan is not in the file.", "plan again: the file is not what it was")
        return spliced(open_file, splices)

    def _splices(self, open_file: Opener, number: int, span: Span, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Iterator[Splice]:
        if any(not edit.place and isinstance(edit.how, DropPart) for edit in edits):
            yield Splice(span.start, span.end, b"")
            return
        envelope = [edit for edit in edits if edit.place == "envelope"]
        if any(not isinstance(edit.how, RedactSpans) for edit in envelope):
            raise cannot_rewrite("The line before a mail can be redacted, nothing else.")
        if envelope:
            yield Splice(span.start, span.content, _redacted(span.envelope, rewriter).line)
        inner = _inner(number, reading)
        rest = [Edit(inner.prefix + edit.place, edit.how) for edit in edits if edit not in envelope]
        if rest:
            content = part_of(open_file, span.content, span.stop)
            writer = self._mail.prepare(content, rest, rewriter, inner)
            yield Splice(span.content, span.stop, measured(writer, content))


def _inner(number: int, reading: Reading) -> Reading:
    return replace(reading, prefix=f"{reading.prefix}mail:{number}/", depth=reading.depth + 1, name="message.eml")


def _redacted(envelope: Envelope, rewriter: Rewriter) -> Envelope:
    """The line with its sender cut out. It may hold no spaces, and must be there."""
    text = envelope.sender.decode("utf-8", "surrogateescape")
    now = rewriter.redacted(text)
    return envelope if now == text else replace(envelope, sender="".join(now.split()).encode("utf-8", "surrogateescape") or b"MAILER-DAEMON")


def measured(writer: Writer, content: Opener) -> Writer:
    """The writer of a mail that says how long it is, with the new length. One that said something else before goes on saying it."""
    if not _tells_its_length(content):
        return writer

    def write(sink: BinaryIO) -> None:
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spool:
            whole = cast("BinaryIO", spool)
            writer(whole)
            size = whole.seek(0, os.SEEK_END)
            whole.seek(0)
            start = whole.read(_HEAD)
            found = _BLANK.search(start)
            body = found.end() if found else len(start)
            length = b"%d" % (size - body)
            sink.write(LENGTH.sub(lambda one: one[1] + length, start[:body], count=1) + start[body:])
            shutil.copyfileobj(whole, sink, BLOCK)

    return write


def _tells_its_length(content: Opener) -> bool:
    """True where the header is there and right, be it with or without the line end that a reader adds."""
    head = head_of(content, _HEAD)
    blank = _BLANK.search(head)
    told = LENGTH.search(head[: blank.start() + 1]) if blank else None
    if told is None or blank is None:
        return False
    size = sum(map(len, chunks(content))) - blank.end()
    return 0 <= int(told[2]) - size <= 2
