"""PDF: the text of pages, and everything beside it that nobody sees: annotations, form values, metadata, bookmarks, scripts, embedded files,
older revisions, objects that nothing leads to, and bytes that belong to none.

Two programs read each page. Ours (`content.pdf.glyphs`) knows which bytes show which letter, so what it finds can be taken out of the file; PDFium
sees pages as a viewer does. What only PDFium sees is reported, and the file is then rewritten only if it is gone afterwards.
A rewrite is a redaction: glyphs are taken out of content streams, strings are changed wherever they are, and the file is written as one revision
without anything that nothing leads to. Before anybody gets the result it is read anew by both programs (`content.pdf.rewriting`).
"""

from collections.abc import Iterator, Sequence
from contextlib import closing

from dsr_engine.content.format import Nested, Opener, Reading, Unreadable, Writer
from dsr_engine.content.opaque import Opaque
from dsr_engine.content.pdf.frames import Texts, frames
from dsr_engine.content.pdf.raw import raw_units
from dsr_engine.content.pdf.rewriting import Rewriting
from dsr_engine.content.pictures.recognition import seen_on_pages, sees_pages
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import spliced
from dsr_engine.domain.plan import Edit
from dsr_engine.domain.record import Gap, Unit


class Pdf:
    """One PDF (ISO 32000). The file is the record; embedded files (`file:N`, by the number of their object) are parts that can be dropped."""

    name = "pdf"

    def __init__(self, nested: Nested) -> None:
        self._nested = nested

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        texts, is_seen = Texts(self._nested, reading), sees_pages(reading)
        try:
            with closing(frames(open_file, {}, reading)) as said:
                yield from (got for got in texts.units(said) if not (is_seen and isinstance(got, Gap) and got.code == "pdf.image_only"))
            if is_seen:
                yield from seen_on_pages(open_file, reading)
        except Unreadable as unreadable:
            yield Gap(reading.collection, unreadable.code, unreadable.reason)
            yield from (got for got in Opaque().read(open_file, reading) if isinstance(got, Unit))
            return
        yield from raw_units(open_file, texts.given, reading)

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        return Rewriting(self._nested, open_file, rewriter, reading).writer(edits) if edits else spliced(open_file, ())
