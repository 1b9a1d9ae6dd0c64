"""Apple Mail's .emlx: a line with the length of the mail, the mail, and a property list of flags and dates behind it.

The mail is read and rewritten as any mail (`emlx/…`), the list as XML (`plist/…`). After a change the length is told anew, for Apple Mail takes what
lies behind it for the list.
"""

import io
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO, cast

from dsr_engine.content.format import Nested, Opener, Reading, Unreadable, Writer
from dsr_engine.content.mail.mime import Mime
from dsr_engine.content.places import local_place
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import BLOCK, Splice, cannot_rewrite, chunks, head_of, part_of, spliced
from dsr_engine.domain.plan import Edit
from dsr_engine.domain.record import Gap, Unit

FIRST_LINE = re.compile(rb"(?P<length>\d{1,12})(?P<blank>[ \t]*\r?\n)")
_LINE = 64
#: A new mail up to so many bytes is held in memory until its length is known.
_IN_MEMORY = 4 * 1024 * 1024
_SHORT = Gap("", "emlx.short", "an Apple Mail file ends before the mail in it does; attachments may lie elsewhere, and the rest was not read")


class EmlxFile:
    """One mail with its flags."""

    name = "emlx"

    def __init__(self, nested: Nested) -> None:
        self._nested = nested
        self._mail = Mime(nested)

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        start, end, size = _span(open_file)
        yield from self._mail.read(part_of(open_file, start, end), _within(reading, "emlx", "message.eml"))
        if size < end:
            yield replace(_SHORT, collection=reading.collection)
        elif size > end:
            yield from self._nested.read(part_of(open_file, end), _within(reading, "plist", "flags.plist"))

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        start, end, size = _span(open_file)
        words = [local_place(edit, reading).partition("/")[0] for edit in edits]
        if any(word not in ("emlx", "plist") for word in words) or size < end:
            raise cannot_rewrite("An Apple Mail file can be rewritten in its mail and its flags, and only if it is whole.")
        splices: list[Splice] = []
        if mail := [edit for edit, word in zip(edits, words, strict=True) if word == "emlx"]:
            writer = self._mail.prepare(part_of(open_file, start, end), mail, rewriter, _within(reading, "emlx", "message.eml"))
            splices.append(Splice(0, end, _measured(writer, head_of(open_file, start))))
        if flags := [edit for edit, word in zip(edits, words, strict=True) if word == "plist"]:
            splices.append(
                Splice(end, size, self._nested.prepare(part_of(open_file, end), flags, rewriter, _within(reading, "plist", "flags.plist")))
            )
        return spliced(open_file, splices)


def _within(reading: Reading, step: str, name: str) -> Reading:
    return replace(reading, prefix=f"{reading.prefix}{step}/", depth=reading.depth + 1, name=name)


def _span(open_file: Opener) -> tuple[int, int, int]:
    """Where the mail begins and ends, and how long the file is."""
    found = FIRST_LINE.match(head_of(open_file, _LINE))
    if found is None:
        raise Unreadable("emlx.damaged", "a file of Apple Mail does not begin with the length of its mail; it was not read")
    return found.end(), found.end() + int(found["length"]), sum(map(len, chunks(open_file)))


def _measured(writer: Writer, line: bytes) -> Writer:
    """Writes the line with the new length, as wide as before where it fits, and the mail."""

    def write(sink: BinaryIO) -> None:
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spool:
            whole = cast("BinaryIO", spool)
            writer(whole)
            told = line.rstrip(b"\r\n")
            sink.write((b"%d" % whole.seek(0, io.SEEK_END)).ljust(len(told)) + line[len(told) :])
            whole.seek(0)
            shutil.copyfileobj(whole, sink, BLOCK)

    return write
