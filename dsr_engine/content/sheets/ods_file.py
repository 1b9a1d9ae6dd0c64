"""OpenDocument spreadsheets (ODF 1.3): rows are records (`sheet:2/row:17/email`), all else is read part by part as in any OpenDocument file.

Rows and cells that are repeated are read once, however often they stand there. A cell whose text changes becomes a cell with that text: what it
stored as a number or date goes, what is noted beside it stays. A row that goes is emptied where it stands.
"""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby

from dsr_engine.content.charset import from_utf8
from dsr_engine.content.containers.members import budget_of, unhurried
from dsr_engine.content.documents.office_file import OfficePackage
from dsr_engine.content.documents.package import Part, package_of
from dsr_engine.content.documents.xml_elements import Stretch, stretches
from dsr_engine.content.documents.xml_stream import as_plain
from dsr_engine.content.format import Nested, Opener, Reading, Unreadable, Writer
from dsr_engine.content.places import inside, local_place
from dsr_engine.content.records.table_head import Head
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.sheets.ods_cells import row_of, shown_row
from dsr_engine.content.sheets.ods_change import changed_row
from dsr_engine.content.sheets.sheet_rows import ShownRow, headed, units_of_rows
from dsr_engine.content.stream import Splice, cannot_rewrite, spliced
from dsr_engine.domain.plan import Edit, RedactSpans
from dsr_engine.domain.record import Gap, Unit

_TABLE = re.compile(rb"<(?:[A-Za-z_][\w.\-]*:)?table[\s>]")
#: Stands for the rows between two stretches of what is around them.
_MARK = b"<?dsr-rows?>"
_MOST_AROUND = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Found:
    """A row: the number of its sheet, its bytes, what it shows."""

    sheet: int
    stretch: Stretch
    shown: ShownRow


@dataclass(frozen=True, slots=True)
class _Content:
    """`content.xml` as UTF-8."""

    open_file: Opener
    reading: Reading

    def rows(self, around: bytearray | None = None) -> Iterator[_Found]:
        """All rows of all sheets; `around` gathers what is not rows, with a mark for each row. Raises `Unreadable`."""
        sheet, number, between = 0, 1, bytearray()
        for found in stretches(self.open_file, "table-row", self.reading.limits.line_bytes):
            if around is not None:
                around += _MARK if found.is_element else found.data
            if not found.is_element:
                between += found.data
                if len(between) > _MOST_AROUND or len(around or b"") > 2 * _MOST_AROUND:
                    raise Unreadable("ods.around", "what is around the rows of a spreadsheet is longer than the limit; the rest was not read")
                continue
            tables = len(_TABLE.findall(between))
            between.clear()
            sheet, number = (sheet + tables, 1) if tables else (sheet, number)
            repeated, shown = shown_row(found.data, number)
            yield _Found(sheet, found, shown)
            number += repeated


class OdsFile:
    """A spreadsheet; that it is one was decided before."""

    name = "ods"

    def __init__(self, nested: Nested) -> None:
        self._nested = nested

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        budgeted = replace(reading, budget=budget_of(reading))
        try:
            begin = f"member:{_content(open_file, budgeted).number}/"
        except Unreadable as unreadable:
            yield Gap(reading.collection, unreadable.code, unreadable.reason)
            begin = "?"
        for got in OfficePackage(_Parts(self._nested, reading.prefix + begin)).read(open_file, budgeted):
            if isinstance(got, Unit) and got.place.startswith(f"{reading.prefix}{begin}sheet:"):
                place, record = (f"{reading.prefix}{word[len(reading.prefix + begin) :]}" for word in (got.place, got.inside))
                yield replace(got, place=place, inside=record)
            elif isinstance(got, Unit) and got.place.startswith(f"{reading.prefix}{begin}"):
                yield replace(got, inside=inside(reading), is_value=False)
            else:
                yield got

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        budgeted = replace(reading, budget=unhurried(reading.limits))
        try:
            part = _content(open_file, budgeted)
            begin = f"member:{part.number}/"
            own = [edit for edit in edits if local_place(edit, reading).startswith(("sheet:", f"{begin}around/"))]
            rest = [edit for edit in edits if edit not in own]
            if not own:
                return OfficePackage(self._nested).prepare(open_file, edits, rewriter, reading)
            others = {local_place(edit, reading).removeprefix(begin) for edit in rest if local_place(edit, reading).startswith(begin)}
            if others - {"name", "comment", "extra"}:
                raise cannot_rewrite("A place of the plan is not in the spreadsheet.", "plan again: the file is not what it was")
            content, charset = as_plain(package_of(open_file, budgeted).content(part))
            local = [Edit(local_place(edit, reading).removeprefix(begin), edit.how) for edit in own]
            writer = from_utf8(self._written(_Content(content, replace(budgeted, prefix="", gate=None)), local, rewriter), charset)
        except Unreadable as unreadable:
            raise cannot_rewrite(f"The spreadsheet cannot be rewritten: {unreadable.reason}.") from None
        parts = _Ready(self._nested, reading.prefix + begin, writer)
        return OfficePackage(parts).prepare(open_file, [*rest, Edit(f"{reading.prefix}{begin}whole", RedactSpans())], rewriter, reading)

    def _written(self, content: _Content, edits: Sequence[Edit], rewriter: Rewriter) -> Writer:
        pending: dict[str, list[Edit]] = {}
        for edit in edits:
            steps = edit.place.split("/", 2)
            if steps[0] != "around":
                pending.setdefault("/".join(steps[:2]), []).append(Edit(steps[2] if len(steps) > 2 else "", edit.how))
        around = bytearray()
        spans: list[tuple[int, int]] = []
        splices: list[Splice] = []
        beside = [edit for edit in edits if edit.place.startswith("around/")]
        heads = _heads(content)
        for found in content.rows(around):
            span = found.stretch.offset, found.stretch.end
            spans += [span] if beside else []
            of_row = pending.pop(f"sheet:{found.sheet}/row:{found.shown.number}", None)
            if of_row:
                data = found.stretch.data
                splices.append(Splice(*span, changed_row(data, row_of(data), of_row, heads[found.sheet], rewriter)))
        if pending:
            raise cannot_rewrite("A row of the plan is not in the spreadsheet.", "plan again: the file is not what it was")
        if beside:
            now = io.BytesIO()
            self._nested.prepare(partial(io.BytesIO, bytes(around)), beside, rewriter, _beside(content.reading))(now)
            splices += _around(bytes(around), now.getvalue(), spans)
        return spliced(content.open_file, splices)


def _heads(content: _Content) -> dict[int, Head]:
    """What the columns of each sheet are called."""
    sheets = groupby(content.rows(), lambda found: found.sheet)
    return {sheet: headed((found.shown for found in rows), content.reading)[0] for sheet, rows in sheets}


def _content(open_file: Opener, reading: Reading) -> Part:
    found = package_of(open_file, reading).named("content.xml")
    if found is None:
        raise Unreadable("ods.damaged", "a spreadsheet has no content; only its other parts were read")
    return found


def _beside(reading: Reading) -> Reading:
    return replace(reading, prefix=f"{reading.prefix}around/", depth=reading.depth + 1, name="around.xml")


def _around(was: bytes, now: bytes, spans: Sequence[tuple[int, int]]) -> Iterator[Splice]:
    """The splices that change what is around the rows, which are where the marks are."""
    before, after = was.split(_MARK), now.split(_MARK)
    if len(before) != len(spans) + 1 or len(before) != len(after):
        raise cannot_rewrite("What is around the rows of a spreadsheet cannot be told from them.")
    at = 0
    for number, (old, new) in enumerate(zip(before, after, strict=True)):
        if old != new:
            yield Splice(at, at + len(old), new)
        at = spans[number][1] if number < len(spans) else at


class _Parts:
    """What a spreadsheet gives for its members: the rows are read here, all others by their own format."""

    def __init__(self, nested: Nested, prefix: str) -> None:
        self._nested = nested
        self._prefix = prefix

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        if reading.prefix != self._prefix:
            yield from self._nested.read(open_file, reading)
            return
        around = bytearray()
        try:
            content = _Content(as_plain(open_file)[0], reading)
            for sheet, rows in groupby(content.rows(around), lambda found: found.sheet):
                shown = (found.shown for found in rows)
                yield from units_of_rows(shown, replace(reading, prefix=f"{reading.prefix}sheet:{sheet}/"))
            for got in self._nested.read(partial(io.BytesIO, bytes(around)), _beside(reading)):
                if not (isinstance(got, Unit) and got.text == _MARK[2:-2].decode()):
                    yield got
        except Unreadable as unreadable:
            yield Gap(reading.collection, unreadable.code, unreadable.reason)
            yield from self._nested.read(open_file, reading)

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        return self._nested.prepare(open_file, edits, rewriter, reading)


class _Ready(_Parts):
    """The same with the content written already."""

    def __init__(self, nested: Nested, prefix: str, writer: Writer) -> None:
        super().__init__(nested, prefix)
        self._writer = writer

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        return self._writer if reading.prefix == self._prefix else self._nested.prepare(open_file, edits, rewriter, reading)
