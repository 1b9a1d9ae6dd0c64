"""One row of an OpenDocument table as it becomes."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from dsr_engine.content.documents.runs import splices_of
from dsr_engine.content.documents.xml_runs import Written, xml_run
from dsr_engine.content.records.split_cells import parted, run_of
from dsr_engine.content.records.table_head import Head
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.sheets.ods_cells import OdsCell, OdsRow
from dsr_engine.content.stream import Splice, cannot_rewrite
from dsr_engine.domain.anonymize import FieldFacts, Misfit
from dsr_engine.domain.plan import DropPart, Edit, Fence, How, Point, RedactSpans, SetValue

#: What a cell stores: its type and value in both vocabularies, and its formula.
_STORED = re.compile(
    rb"""\s+[\w.\-]+:(?:value-type|value|date-value|time-value|string-value|boolean-value|currency|formula)\s*=\s*(?:"[^"]*"|'[^']*')"""
)
#: A tab, and what follows on the first of several spaces or begins a line.
_BLANKS = re.compile(r"(\t|(?:^|(?<=[ \t])) +)")
_TOLD = b' office:value-type="string"'


def changed_row(data: bytes, row: OdsRow, edits: Sequence[Edit], head: Head, rewriter: Rewriter) -> bytes:
    """The bytes of the row with its edits. Raises `NotSupported`."""
    if any(not edit.place for edit in edits):
        if any(not edit.place and not isinstance(edit.how, DropPart) for edit in edits):
            raise cannot_rewrite("A row of a spreadsheet can be emptied, or its cells changed.")
        return _put(data, {at: _tag(data, cell) + b"/>" for at, cell in enumerate(row.cells)}, row)
    change = _Change(row, head, rewriter, [cell.text for cell in row.cells])
    for edit in sorted(edits, key=_order):
        change.take(edit)
    cells = {}
    for at in {*change.now, *change.notes}:
        now = change.now.get(at)
        if now and at not in change.anew and row.cells[at].paragraphs.text.strip():
            cells[at] = _cut(data, row.cells[at], now, at in change.notes, rewriter)
        else:
            cells[at] = _cell(data, row.cells[at], now, at in change.notes, rewriter)
    return _put(data, cells, row)


@dataclass(slots=True)
class _Change:
    """What becomes of the cells of a row, by their index; `notes` are those beside which something is cut, `anew` those that are written anew."""

    row: OdsRow
    head: Head
    rewriter: Rewriter
    texts: list[str]
    now: dict[int, str] = field(default_factory=dict)
    notes: set[int] = field(default_factory=set)
    anew: set[int] = field(default_factory=set)

    def take(self, edit: Edit) -> None:
        """Raises `NotSupported`."""
        if run := run_of(edit.place):
            self._part(run, edit.how)
            return
        column, _, word = edit.place.partition("/")
        at = next((at for at, cell in enumerate(self.row.cells) if cell.column == self.head.column(column)), -1)
        if at < 0 or word not in ("", "stored", "formula", "note"):
            raise _not_there()
        cell = self.row.cells[at]
        if word in ("formula", "note") and not isinstance(edit.how, RedactSpans):
            raise cannot_rewrite("What is noted beside a cell, and a formula, can be redacted, nothing else.")
        if word == "note":
            self.notes.add(at)
        elif word == "formula":
            if self.rewriter.redacted(cell.formula) != cell.formula:
                self.now.setdefault(at, self.texts[at])
        else:
            was = cell.stored if word == "stored" and at not in self.now else self.now.get(at, self.texts[at])
            text = _text(was, edit.how, self.head.called(cell.column), self.rewriter)
            self.now |= {at: text} if text != was else {}
            self.anew |= {at} if word or not isinstance(edit.how, RedactSpans) else set()

    def _part(self, run: tuple[int, int], how: How) -> None:
        """Cuts what several cells hold only together out of them."""
        shown = [at for at, cell in enumerate(self.row.cells) if self.texts[at] and run[0] <= cell.column <= run[1]]
        if not shown or not isinstance(how, RedactSpans):
            raise _not_there()
        for index, text in parted([self.texts[at] for at in shown], 0, len(shown) - 1, self.rewriter).items():
            self.now[shown[index]] = self.texts[shown[index]] = text


def _order(edit: Edit) -> int:
    """Runs of cells first, then what cells show, then what they store."""
    return 0 if run_of(edit.place) else 1 if "/" not in edit.place else 2


def _text(text: str, how: How, name: str, rewriter: Rewriter) -> str:
    match how:
        case RedactSpans():
            return rewriter.redacted(text)
        case SetValue():
            try:
                value = rewriter.replaced(how, text, FieldFacts(name))
            except Misfit as misfit:
                raise cannot_rewrite(f"A cell cannot hold what the method gives: {misfit}.") from None
            return "" if value is None else str(value)
        case Fence(value) | Point(value):
            return str(value)
        case DropPart():
            raise cannot_rewrite("A cell cannot be dropped: drop its row or set its value.")


def _tag(data: bytes, cell: OdsCell) -> bytes:
    """The start of the cell's tag without what it stores; open at its end."""
    return _STORED.sub(b"", data[cell.start : cell.tag_end]).rstrip(b"/> \t\r\n")


def _cell(data: bytes, cell: OdsCell, now: str | None, is_noted: bool, rewriter: Rewriter) -> bytes:
    kept = b"".join(_noted(data, cell, start, end, rewriter) if is_noted else data[start:end] for start, end in cell.kept)
    if now is None:
        body = _noted(data, cell, cell.tag_end, cell.end, rewriter)
        return data[cell.start : cell.tag_end] + body
    if not now and not kept:
        return _tag(data, cell) + b"/>"
    _check_prefix(cell)
    paragraphs = b"".join(b"<text:p>%b</text:p>" % _written(line) for line in now.split("\n")) if now else b""
    told = _TOLD if now else b""
    return _tag(data, cell) + told + b">" + kept + paragraphs + b"</" + cell.name.encode() + b">"


def _check_prefix(cell: OdsCell) -> None:
    if not cell.name.startswith("table:"):
        raise cannot_rewrite("The names of elements in a spreadsheet have other prefixes than the usual ones.")


def _cut(data: bytes, cell: OdsCell, now: str, is_noted: bool, rewriter: Rewriter) -> bytes:
    """The cell with less text in its paragraphs, whose formatting, links and white space stay; what links in them say of the person goes too."""
    _check_prefix(cell)
    noted = cell.note
    shown = cell.paragraphs
    splices = [*splices_of(shown.redacted(rewriter) if rewriter.redacted(shown.text) == now else shown.changes(now))]
    splices += [
        splice for splice in splices_of(noted.redacted(rewriter)) if is_noted or not any(start <= splice.start < end for start, end in cell.kept)
    ]
    return _tag(data, cell) + _TOLD + b">" + _spliced(data, splices, cell.tag_end, cell.end)


def _written(line: str) -> bytes:
    """A line of a cell: white space that readers would collapse is written as elements (ODF 1.3 part 3 §6.1.2)."""
    text = xml_run(0, b"", "text", Written())
    parts = enumerate(_BLANKS.split(line))
    return b"".join(
        text.written(part) if at % 2 == 0 else b"<text:tab/>" if part == "\t" else b'<text:s text:c="%d"/>' % len(part) for at, part in parts
    )


def _noted(data: bytes, cell: OdsCell, start: int, end: int, rewriter: Rewriter) -> bytes:
    """These bytes of the cell without what is noted in them of the person."""
    text = cell.note
    return _spliced(data, splices_of(text.redacted(rewriter)), start, end)


def _spliced(data: bytes, splices: Iterable[Splice], start: int, end: int) -> bytes:
    """These bytes with those of the splices that lie in them."""
    out, at = [], start
    for splice in sorted(splices, key=lambda splice: splice.start):
        if start <= splice.start and splice.end <= end and isinstance(splice.content, bytes):
            out += [data[at : splice.start], splice.content]
            at = splice.end
    return b"".join((*out, data[at:end]))


def _put(data: bytes, cells: dict[int, bytes], row: OdsRow) -> bytes:
    out, at = [], 0
    for index in sorted(cells):
        cell = row.cells[index]
        out += [data[at : cell.start], cells[index]]
        at = cell.end
    return b"".join((*out, data[at:]))


def _not_there() -> Exception:
    return cannot_rewrite("A cell of the plan is not in the spreadsheet.", "plan again: the file is not what it was")
