"""Old and binary workbooks (MS-XLS, MS-XLSB): rows are read as records, by a library in a confined child. They are not rewritten.

What calamine does not show (comments, headers, links, properties, formulas, deleted bytes) is searched as bytes, in both ways in which these files
write texts (one byte or two for each character): found there, and partial.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

from dsr_engine.content.apart import Frame, spoken
from dsr_engine.content.containers.members import budget_of
from dsr_engine.content.documents.office_file import OfficePackage
from dsr_engine.content.format import Nested, Opener, Reading, Unreadable, Writer
from dsr_engine.content.places import inside
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.sheets.sheet_rows import Shown, ShownRow, units_of_rows
from dsr_engine.content.stream import cannot_rewrite, spliced
from dsr_engine.domain.plan import Edit
from dsr_engine.domain.record import Gap, Unit

_REASONS = {
    "office.encrypted": "a document is encrypted with a password; it was not read",
    "sheet.damaged": "a workbook is damaged or of a kind that is not known; its bytes were searched as they are",
    "sheet.too_many": "a workbook has more sheets than the limit; its bytes were searched as they are",
}
_PARTIAL = "of an old or binary workbook the cells were read; comments, headers, formulas and what else is in it were searched as bytes"


class OldWorkbook:
    """Reads the cells; the bytes are searched by whoever knows the container (see `ole_file`)."""

    name = "xls"

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        try:
            yield from _cells(open_file, reading)
        except Unreadable as unreadable:
            yield Gap(reading.collection, unreadable.code, unreadable.reason)
        yield Gap(reading.collection, "sheet.partial", _PARTIAL)

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:  # noqa: ARG002  # the protocol's arguments
        if edits:
            raise cannot_rewrite("An old or binary workbook cannot be rewritten: save it as XLSX, or delete it.")
        return spliced(open_file, ())


class XlsbFile(OldWorkbook):
    """A binary workbook in a zip archive: its cells, and all parts as the members that they are."""

    name = "xlsb"

    def __init__(self, nested: Nested) -> None:
        self._package = OfficePackage(nested)

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        yield from super().read(open_file, reading)
        yield from self._package.read(open_file, replace(reading, budget=budget_of(reading)))


def _cells(open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
    """The rows of all sheets that pass the gate. Raises `Unreadable`."""
    frames = _Frames(spoken("dsr_engine.content.sheets.sheet_child:read", open_file, {}, reasons=_REASONS, reading=reading))
    while (frame := frames.sheet()) is not None:
        number = _number(frame)
        name = frame.body.decode("utf-8", "replace")
        if reading.gate is None or reading.gate.passes_text(name):
            yield Unit(f"{reading.prefix}sheet:{number}/name", name, inside(reading))
        yield from units_of_rows(frames.rows(), replace(reading, prefix=f"{reading.prefix}sheet:{number}/"))
    if frames.is_damaged:
        yield Gap(reading.collection, "sheet.damaged", _REASONS["sheet.damaged"])


def _number(frame: Frame) -> int:
    number = frame.head.get("sheet")
    return number if isinstance(number, int) else 0


class _Frames:
    """What the child says, sheet by sheet."""

    def __init__(self, frames: Iterator[Frame]) -> None:
        self._frames = frames
        self._next: Frame | None = None
        self.is_damaged = False

    def sheet(self) -> Frame | None:
        """The next sheet; None at the end."""
        while (frame := self._take()) is not None and frame.head.get("kind") != "sheet":
            pass
        return frame

    def rows(self) -> Iterator[ShownRow]:
        """The rows of the sheet that was taken last."""
        while (frame := self._take()) is not None:
            if frame.head.get("kind") == "sheet":
                self._next = frame
                return
            self.is_damaged |= frame.head.get("kind") == "damaged"
            if frame.head.get("kind") == "rows":
                yield from _rows(frame.body)

    def _take(self) -> Frame | None:
        frame, self._next = self._next or next(self._frames, None), None
        return frame


def _rows(body: bytes) -> Iterator[ShownRow]:
    """The rows in a frame. Raises `Unreadable` where they are none."""
    try:
        for number, cells in json.loads(body):
            yield ShownRow(int(number), tuple(Shown(int(column), str(text)) for column, text in cells))
    except (ValueError, TypeError, RecursionError):
        raise Unreadable("sheet.damaged", _REASONS["sheet.damaged"]) from None
