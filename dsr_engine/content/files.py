"""The way into this room for drivers: read a file of any kind, rewrite it, and never let hostile content do harm."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO

from dsr_engine.content.charset import Charset, as_utf8, detected, from_utf8, is_faithful, is_guessed
from dsr_engine.content.delimited import Delimited
from dsr_engine.content.detect import HEAD, container_of, text_format_of
from dsr_engine.content.format import Budget, Format, Opener, Reading, Unreadable, Writer
from dsr_engine.content.gzip_file import GzipFile
from dsr_engine.content.json_document import JsonDocument
from dsr_engine.content.json_lines import JsonLines
from dsr_engine.content.leftover import hides_ascii, single_bytes
from dsr_engine.content.mime import Mime
from dsr_engine.content.opaque import Opaque
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import cannot_rewrite, head_of
from dsr_engine.content.text import PlainText
from dsr_engine.content.zip_file import ZipFile
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import Edit
from dsr_engine.domain.record import Gap, Unit


class Files:
    """All formats, and which one a file is. Containers come back here for what is inside them."""

    def __init__(self) -> None:
        formats: tuple[Format, ...] = (PlainText(), Delimited(), JsonDocument(), JsonLines(), Mime(self), GzipFile(self), ZipFile(self), Opaque())
        self.formats = {found.name: found for found in formats}

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        """Never raises `Unreadable`: what cannot be read is a gap."""
        if reading.depth > reading.limits.depth:
            yield Gap(reading.collection, "archive.too_deep", "files are nested deeper than the limit; what lies below was not read")
            return
        budgeted = reading if reading.budget is not None else replace(reading, budget=Budget(reading.limits))
        try:
            name, charset = self._kind(open_file, budgeted)
            if name == "mbox":
                yield Gap(reading.collection, "mbox.as_text", "a file of several mails was searched as text; encoded parts in it were not decoded")
                name = "text"
            if charset is not None and not charset.wide and is_guessed(head_of(open_file, HEAD)):
                yield Gap(
                    reading.collection, "text.charset_unknown", "a text is in a charset that could not be told; only what is ASCII in it was searched"
                )
            plain = as_utf8(open_file, charset) if charset is not None else open_file
            yield from self.formats[name].read(plain, budgeted)
            if charset is not None and hides_ascii(charset):
                yield from single_bytes(open_file, budgeted)
        except Unreadable as unreadable:
            yield Gap(reading.collection, unreadable.code, unreadable.reason)

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        """Raises `NotSupported` (`format.cannot_rewrite`)."""
        if reading.depth > reading.limits.depth:
            raise cannot_rewrite("Files are nested deeper than the limit.")
        try:
            name, charset = self._kind(open_file, reading)
            name = "text" if name == "mbox" else name
            if charset is None or not edits:
                return self.formats[name].prepare(open_file, edits, rewriter, reading)
            if not is_faithful(open_file, charset):
                raise cannot_rewrite("The file is not valid in its charset and cannot be written back.")
            writer = self.formats[name].prepare(as_utf8(open_file, charset), edits, rewriter, reading)
        except Unreadable as unreadable:
            raise cannot_rewrite(f"The file cannot be rewritten: {unreadable.reason}.") from None
        return from_utf8(writer, charset)

    def _kind(self, open_file: Opener, reading: Reading) -> tuple[str, Charset | None]:
        """The name of the format, and the charset of a file that is text as a whole."""
        head = head_of(open_file, HEAD)
        container = container_of(head)
        charset = None if container else detected(head[:HEAD])
        if charset is None:
            return container or "binary", None
        name = text_format_of(head_of(as_utf8(open_file, charset), HEAD), reading.name)
        return name, charset if name != "mime" else None


#: The formats of the engine; they hold no state.
FILES = Files()


def read_file(open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
    """The texts in the file that pass the gate, and what could not be read. Memory is bounded; hostile content ends as a `Gap`."""
    return FILES.read(open_file, reading)


def rewrite_file(open_file: Opener, sink: BinaryIO, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> None:
    """Copies the file to `sink` with the edits applied; every byte that no edit concerns stays.

    Raises `NotSupported` (`format.cannot_rewrite`) before anything is written where the format or the file does not allow it.
    """
    FILES.prepare(open_file, edits, rewriter, reading)(sink)


def can_rewrite(open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> bool:
    """True if `rewrite_file` would do it; nothing is written."""
    try:
        FILES.prepare(open_file, edits, rewriter, reading)
    except NotSupported:
        return False
    return True
