"""One row of a sheet as it becomes. A cell whose text changes holds it itself (`inlineStr`), so that no other cell that shares its string changes."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dsr_engine.content.documents.runs import Joined, splices_of
from dsr_engine.content.documents.xml_runs import Written, xml_run
from dsr_engine.content.records.split_cells import parted, run_of
from dsr_engine.content.records.table_head import Head
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.sheets.sheet_cells import ExactCell, number_of
from dsr_engine.content.sheets.sheet_strings import escaped
from dsr_engine.content.sheets.sheet_values import Values
from dsr_engine.content.stream import cannot_rewrite
from dsr_engine.domain.anonymize import FieldFacts, Misfit
from dsr_engine.domain.plan import DropPart, Edit, Fence, How, Point, RedactSpans, SetValue

_ROW_TAG = re.compile(rb"<[^<>]*>")
#: Of a cell's tag: its type, and what refers to a rich value (a picture, a stock) that stood there.
_TYPE = re.compile(rb"""\s+(?:t|vm)\s*=\s*(?:"[^"]*"|'[^']*')""")
_SHARING = ("shared", "array", "dataTable")

_Value = str | int | float | bool | None


@dataclass(slots=True)
class RowChange:
    """The edits of one row. `released` counts the strings that its cells name no longer."""

    row: bytes
    cells: Sequence[ExactCell]
    head: Head
    values: Values
    rewriter: Rewriter
    released: Counter[int] = field(default_factory=Counter)
    has_lost_formulas: bool = False
    is_gone: bool = False

    def made(self, edits: Sequence[Edit]) -> bytes:
        """The row with the edits. Raises `NotSupported`."""
        if any(not edit.place for edit in edits):
            if any(not edit.place and not isinstance(edit.how, DropPart) for edit in edits):
                raise cannot_rewrite("A row of a sheet can be emptied, or its cells changed.")
            return self._emptied()
        texts = [self.values.text(cell.plain) for cell in self.cells]
        now: dict[int, _Value] = {}
        formulas: dict[int, How] = {}
        for edit in sorted(edits, key=lambda edit: run_of(edit.place) is None):
            self._take(edit, texts, now, formulas)
        out, at = [], 0
        for index, cell in enumerate(self.cells):
            if index in now or index in formulas:
                out += [self.row[at : cell.start], self._cell(cell, now.get(index, texts[index]), formulas.get(index), is_set=index in now)]
                at = cell.end
        return b"".join((*out, self.row[at:]))

    def _take(self, edit: Edit, texts: list[str], now: dict[int, _Value], formulas: dict[int, How]) -> None:
        if run := run_of(edit.place):
            self._part(run, edit.how, texts, now)
            return
        column, _, word = edit.place.partition("/")
        index = next((at for at, cell in enumerate(self.cells) if cell.column == self.head.column(column)), -1)
        if index < 0 or word not in ("", "formula", "spoken"):
            raise _not_there()
        if word == "formula":
            formulas[index] = edit.how
        elif word == "spoken":
            self._silence(index, texts, now)
        elif (value := self._changed(self.cells[index], texts[index], edit.how)) != texts[index]:
            now[index] = value

    def _part(self, run: tuple[int, int], how: How, texts: list[str], now: dict[int, _Value]) -> None:
        """Cuts what several cells hold only together out of them."""
        shown = [index for index, cell in enumerate(self.cells) if texts[index] and run[0] <= cell.column <= run[1]]
        if not shown or not isinstance(how, RedactSpans):
            raise _not_there()
        for at, text in parted([texts[index] for index in shown], 0, len(shown) - 1, self.rewriter).items():
            now[shown[at]] = texts[shown[at]] = text

    def _silence(self, index: int, texts: Sequence[str], now: dict[int, _Value]) -> None:
        """A cell loses how it is spoken by holding its text itself."""
        spoken = self.values.spoken(self.cells[index].plain)
        if self.rewriter.redacted(spoken) != spoken:
            now.setdefault(index, texts[index])

    def _changed(self, cell: ExactCell, text: str, how: How) -> _Value:
        if cell.formula_at and not isinstance(how, RedactSpans):
            if _is_shared(cell.formula_attributes):
                raise cannot_rewrite("A cell of a sheet has a formula that other cells share.", "let a person change the formula")
            self.has_lost_formulas = True
            cell.formula_at = None
        match how:
            case RedactSpans():
                return self.rewriter.redacted(text)
            case SetValue():
                try:
                    value = self.rewriter.replaced(how, text, FieldFacts(self.head.called(cell.column)))
                except Misfit as misfit:
                    raise cannot_rewrite(f"A cell cannot hold what the method gives: {misfit}.") from None
                return value if value is None or isinstance(value, int | float) else str(value)
            case Fence(value) | Point(value):
                return value
            case DropPart():
                raise cannot_rewrite("A cell cannot be dropped: drop its row or set its value.")

    def _cell(self, cell: ExactCell, now: _Value, formula_edit: How | None, *, is_set: bool) -> bytes:
        """The bytes of a cell that changes."""
        at = cell.formula_at
        formula = self._formula(cell, formula_edit) if formula_edit is not None else self.row[slice(*at)] if at else b""
        if not is_set:
            assert at is not None  # there is nothing else to change in it
            return self.row[cell.start : at[0]] + formula + self.row[at[1] : cell.end]
        self._release(cell)
        tag = _TYPE.sub(b"", self.row[cell.start : cell.tag_end]).rstrip(b"/> \t\r\n")
        return tag + _content(now, formula, cell.tag)

    def _formula(self, cell: ExactCell, how: How) -> bytes:
        if not isinstance(how, RedactSpans) or cell.formula_at is None:
            raise cannot_rewrite("A formula can be redacted, nothing else.")
        text = Joined(tuple(cell.formula))
        start, end = cell.formula_at
        out, at = [], start
        for splice in sorted(splices_of(text.redacted(self.rewriter)), key=lambda splice: splice.start):
            assert isinstance(splice.content, bytes)  # splices of runs are bytes
            out += [self.row[at : splice.start], splice.content]
            at = splice.end
        return b"".join((*out, self.row[at:end]))

    def _emptied(self) -> bytes:
        """The row without its cells, but for formulas that other rows share."""
        self.is_gone = True
        kept = []
        for cell in self.cells:
            self._release(cell)
            if _is_shared(cell.formula_attributes):
                if any('"' in run.text for run in cell.formula):
                    raise cannot_rewrite("A row of a sheet has a formula with a text in it that other rows share.", "let a person change the formula")
                assert cell.formula_at is not None  # its attributes were read
                begun = _TYPE.sub(b"", self.row[cell.start : cell.tag_end]).rstrip(b"/> \t\r\n")
                kept.append(begun + _content(None, self.row[slice(*cell.formula_at)], cell.tag))
            else:
                self.has_lost_formulas |= cell.formula_at is not None
        tag = _ROW_TAG.match(self.row)
        assert tag is not None  # it was found by its tag
        if tag[0].endswith(b"/>"):
            return self.row
        name = re.match(rb"<([^\s/>]+)", tag[0])
        assert name is not None  # as above
        return tag[0] + b"".join(kept) + b"</" + name[1] + b">" if kept else tag[0][:-1].rstrip() + b"/>"

    def _release(self, cell: ExactCell) -> None:
        if cell.kind == "s":
            self.released[number_of(cell.plain.value.strip())] += 1


def _is_shared(attributes: Mapping[str, str]) -> bool:
    """True for a formula that stands for those of other cells as well."""
    return attributes.get("t") in _SHARING and "ref" in attributes


def _content(now: _Value, formula: bytes, tag: str) -> bytes:
    """What follows the tag of a cell, which is still open: its type, formula and value, and its end."""
    prefix = tag.rpartition(":")[0].encode()
    p = prefix + b":" if prefix else b""
    end = b"</" + tag.encode() + b">"
    if now is None or now == "":
        return b">" + formula + end if formula else b"/>"
    if isinstance(now, bool):
        return b' t="b">' + formula + b"<%bv>%d</%bv>" % (p, now, p) + end
    if isinstance(now, int | float):
        return b">" + formula + b"<%bv>%b</%bv>" % (p, repr(now).encode(), p) + end
    text = xml_run(0, b"", "text", Written()).written(escaped(now))
    if formula:
        return b' t="str">' + formula + b"<%bv>%b</%bv>" % (p, text, p) + end
    return b' t="inlineStr">' + b'<%bis><%bt xml:space="preserve">%b</%bt></%bis>' % (p, p, text, p, p) + end


def _not_there() -> Exception:
    return cannot_rewrite("A cell of the plan is not on the sheet.", "plan again: the file is not what it was")
