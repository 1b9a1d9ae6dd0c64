"""The way into this room for drivers: read a file of any kind, rewrite it, and never let hostile content do harm."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO

from dsr_engine.content.charset import Charset, as_utf8, detected, from_utf8, is_faithful, is_guessed
from dsr_engine.content.charset_guess import is_told
from dsr_engine.content.containers.held import Held, at_hand
from dsr_engine.content.containers.kinds import containers
from dsr_engine.content.containers.magic import is_read_from_its_end, unpacks_itself
from dsr_engine.content.containers.metered import metered, resting
from dsr_engine.content.detect import HEAD, container_of, text_format_of
from dsr_engine.content.documents.kinds import OWN_CHARSET, archive_kind, documents
from dsr_engine.content.format import Budget, Format, Opener, Reading, Unreadable, Writer
from dsr_engine.content.kinds import kinds
from dsr_engine.content.leftover import hides_ascii, single_bytes
from dsr_engine.content.mail.mime import Mime
from dsr_engine.content.opaque import Opaque
from dsr_engine.content.pdf.file import Pdf
from dsr_engine.content.records.delimited import Delimited
from dsr_engine.content.records.json_document import JsonDocument
from dsr_engine.content.records.json_lines import JsonLines
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import cannot_rewrite, head_of
from dsr_engine.content.text import PlainText
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import Edit
from dsr_engine.domain.record import Gap, Unit


class Files:
    """All formats, and which one a file is. Containers come back here for what is inside them."""

    def __init__(self) -> None:
        formats: tuple[Format, ...] = (
            PlainText(),
            Delimited(),
            JsonDocument(),
            JsonLines(),
            Mime(self),
            Opaque(),
            Pdf(self),
            *containers(self),
            *kinds(self),
            *documents(self),
        )
        self.formats = {found.name: found for found in formats}

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        """Never raises `Unreadable`: what cannot be read is a gap."""
        if reading.depth > reading.limits.depth:
            yield Gap(reading.collection, "archive.too_deep", "files are nested deeper than the limit; what lies below was not read")
            return
        if reading.budget is None:
            budget = Budget(reading.limits)
            yield from resting(self.read(metered(open_file, budget), replace(reading, budget=budget)), budget)
            return
        open_file = at_hand(open_file) if reading.depth else open_file
        if reading.depth and is_read_from_its_end(open_file):
            yield from self._laid_aside(open_file, reading)
            return
        budgeted = reading
        try:
            name, charset = self._kind(open_file, budgeted)
            if charset is not None and not charset.wide and is_guessed(head := head_of(open_file, HEAD)) and not is_told(head):
                yield Gap(
                    reading.collection, "text.charset_unknown", "a text is in a charset that could not be told; only what is ASCII in it was searched"
                )
            plain = as_utf8(open_file, charset) if charset is not None else open_file
            yield from self.formats[name].read(plain, budgeted)
            if charset is not None and hides_ascii(charset):
                yield from single_bytes(open_file, budgeted)
        except Unreadable as unreadable:
            yield Gap(reading.collection, unreadable.code, unreadable.reason)

    def _laid_aside(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        """A file that is read here and there, out of one that can only be read forward: unpacked once and not for each of its parts."""
        try:
            with Held(open_file) as held:
                yield from self.read(held.open, reading)
        except Unreadable as unreadable:
            yield Gap(reading.collection, unreadable.code, unreadable.reason)

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        """Raises `NotSupported` (`format.cannot_rewrite`)."""
        if reading.depth > reading.limits.depth:
            raise cannot_rewrite("Files are nested deeper than the limit.")
        try:
            name, charset = self._kind(open_file, reading)
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
        if not container and unpacks_itself(head, open_file):
            container = "zip"
        if container == "zip":
            container = archive_kind(open_file, reading.limits, frozenset(self.formats))
        charset = None if container else detected(head[:HEAD])
        if charset is None:
            return container or "binary", None
        name = text_format_of(head_of(as_utf8(open_file, charset), HEAD), reading.name)
        return name, charset if name not in OWN_CHARSET else None


#: The formats of the engine; they hold no state.
FILES = Files()


def read_file(open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
    """The texts in the file that pass the gate, and what could not be read. Memory is bounded; hostile content ends as a `Gap`."""
    return FILES.read(open_file, reading)


def kind_of_file(open_file: Opener, reading: Reading) -> str:
    """The name of the format that the file is read as; `binary` for what no format knows. For telling people, never for deciding."""
    try:
        return FILES._kind(open_file, reading)[0]
    except Unreadable:
        return "binary"


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
