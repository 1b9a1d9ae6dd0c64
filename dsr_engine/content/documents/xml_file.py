"""XML files: documents as paragraphs, data as records with fields. Changing a text changes its bytes only; a dropped record goes with its tags.

What expat refuses is no XML: it is read up to the fault, searched as bytes, and never rewritten.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import BinaryIO

from dsr_engine.content.charset import from_utf8, is_faithful
from dsr_engine.content.documents.markup_blocks import Blocks
from dsr_engine.content.documents.markup_words import is_document
from dsr_engine.content.documents.passages import Passage, Region, Wanted, changes_of, changes_of_cells, fault, opaque_rest, units_of
from dsr_engine.content.documents.runs import Change, splices_of
from dsr_engine.content.documents.xml_glance import is_sound, may_hold
from dsr_engine.content.documents.xml_records import Records, record_depth
from dsr_engine.content.documents.xml_stream import Event, Start, XmlStream, as_plain
from dsr_engine.content.format import Opener, Reading, Unreadable, Writer
from dsr_engine.content.opaque import Opaque
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import Splice, cannot_rewrite, opened, spliced
from dsr_engine.domain.plan import Edit
from dsr_engine.domain.record import Gap, Unit

_FOR_PEOPLE = -2


class XmlFile:
    """One XML document, or several one behind the other. Reads the file's own bytes: its charset is its own business."""

    name = "xml"

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        try:
            plain, charset = as_plain(open_file)
            depth = _depth(plain, reading)
        except Unreadable as unreadable:
            yield from opaque_rest(Opaque().read(open_file, reading), reading)
            yield fault(unreadable, reading)
            return
        if depth != _FOR_PEOPLE and reading.gate is not None and is_sound(plain) and not may_hold(plain, reading.gate):
            return
        with closing(opened(plain)) as source:
            document = _Document(XmlStream(source, reading.limits.line_bytes, charset.wide), depth, reading)
            yield from units_of(document.texts(), reading)
            if document.fault is not None:
                # Elements that were open at the fault were not given, and texts in them lie before it: so all is searched.
                yield from opaque_rest(Opaque().read(plain, reading), reading)
                yield fault(document.fault, reading)

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        if not edits:
            return spliced(open_file, ())
        try:
            plain, charset = as_plain(open_file)
            if not is_faithful(open_file, charset):
                raise cannot_rewrite("The file is not valid in its charset and cannot be written back.")
            depth = _depth(plain, reading)
        except Unreadable as unreadable:
            raise cannot_rewrite(f"The file cannot be rewritten: {unreadable.reason}.") from None
        with closing(opened(plain)) as source:
            document = _Document(XmlStream(source, reading.limits.line_bytes, charset.wide), depth, reading)
            splices = edited(document.items(), edits, rewriter, reading)
            if document.fault is not None:
                raise cannot_rewrite(f"The file cannot be rewritten: {document.fault.reason}.")
        return from_utf8(spliced(plain, splices), charset)


def edited(items: Iterable[Passage | Region], edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> list[Splice]:
    """The edits as splices. Raises `NotSupported` where a place is not there or cannot be changed."""
    wanted = Wanted(edits, reading)
    changes: list[Change] = []
    dropped: list[Splice] = []
    for item in items:
        if isinstance(item, Region):
            if wanted.drops(item):
                dropped.append(Splice(item.start, item.end, b""))
        elif item.cells:
            for first, last, edit in wanted.of_cells(item):
                changes += changes_of_cells(item, first, last, edit, rewriter)
        elif not wanted.is_going(item.inside) and (how := wanted.of(item)) is not None:
            changes += changes_of(item, how, rewriter)
    wanted.finish()
    return [*splices_of(changes), *dropped]


def _depth(plain: Opener, reading: Reading) -> int:
    """The depth of records in data; `_FOR_PEOPLE` for a document that people read."""
    with closing(opened(plain)) as source, closing(_head(source, reading)) as events:
        first = next((event for event in events if isinstance(event, Start)), None)
        if first is not None and is_document(first.name):
            return _FOR_PEOPLE
    with closing(opened(plain)) as source, closing(_head(source, reading)) as events:
        return record_depth(events)


def _head(source: BinaryIO, reading: Reading) -> Generator[Event, None, None]:
    """The events up to a fault."""
    try:
        yield from XmlStream(source, reading.limits.line_bytes).events()
    except Unreadable:
        return


@dataclass(slots=True)
class _Document:
    """The passages of a document; `fault` is why they ended early."""

    stream: XmlStream
    depth: int
    reading: Reading
    fault: Unreadable | None = None

    def items(self) -> Iterator[Passage | Region]:
        if self.depth == _FOR_PEOPLE:
            yield from Blocks(self.reading.limits.line_bytes).passages(self._events())
        else:
            yield from Records(self.depth, self.reading).passages(self._events())

    def texts(self) -> Iterator[Passage]:
        yield from (item for item in self.items() if isinstance(item, Passage))

    def _events(self) -> Iterator[Event]:
        try:
            yield from self.stream.events()
        except Unreadable as unreadable:
            self.fault = unreadable
