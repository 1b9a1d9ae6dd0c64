"""Excel workbooks (ECMA-376-1 §18; xlsx, xlsm, templates): rows of a sheet are records (`sheet:2/row:17/email`), all else is read part by part.

Beside the cells that is: comments and their authors, headers and footers, names, validation lists, links, tables, pivot caches, caches of other
workbooks, connections, drawings, properties, custom XML, embedded files and macros, each as the member of the archive that it is. A cell whose
text changes gets a text of its own; a string that no cell names any more is emptied.
"""

import io
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO, cast

from dsr_engine.content.charset import from_utf8
from dsr_engine.content.containers.members import budget_of, unhurried
from dsr_engine.content.containers.zip_file import ZipFile
from dsr_engine.content.documents.office_file import OfficePackage
from dsr_engine.content.documents.package import Package, Part, package_of
from dsr_engine.content.documents.xml_runs import Written, xml_run
from dsr_engine.content.documents.xml_stream import as_plain
from dsr_engine.content.format import Nested, Opener, Reading, Unreadable, Writer
from dsr_engine.content.places import inside, local_place
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.sheets.sheet_cells import cells_of, number_of
from dsr_engine.content.sheets.sheet_links import Making, calculation, without_calculation, without_links, without_rows
from dsr_engine.content.sheets.sheet_part import Sheet, SheetEdits, sheet_edits, units_of_sheet
from dsr_engine.content.sheets.sheet_strings import SharedStrings, said_in, strings_of
from dsr_engine.content.sheets.sheet_values import Values, counts_from_1904, date_styles
from dsr_engine.content.stream import Splice, cannot_rewrite, spliced
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from dsr_engine.domain.record import Gap, Unit

_SHEETS = ("worksheet+xml", "macrosheet+xml", "intlmacrosheet+xml")
_PIVOT = "pivotcacherecords+xml"
_STRINGS = "sharedstrings+xml"
_NAME = re.compile(r"member:(\d+)/name")
_APART = "\n\n \n\n"
_IN_MEMORY = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Workbook:
    """The parts that are read together. Sheets are numbered from 1 in the archive's order."""

    package: Package
    sheets: tuple[Part, ...]
    strings: Part | None

    def opened(self, part: Part) -> Opener:
        return as_plain(self.package.content(part))[0]

    def member(self, place: str) -> str:
        """The place as one in the archive: `sheet:2/…` is in the member that this sheet is."""
        first, _, rest = place.partition("/")
        word, _, number = first.partition(":")
        if word == "sheet" and number.isdecimal() and 0 < int(number) <= len(self.sheets):
            return f"member:{self.sheets[int(number) - 1].number}/{rest}".rstrip("/")
        if word == "string" and self.strings is not None:
            return f"member:{self.strings.number}/{place}"
        return place

    def spelt(self, place: str) -> str:
        """The place in the archive as one in the workbook."""
        first, _, rest = place.partition("/")
        if self.strings is not None and first == f"member:{self.strings.number}" and rest.startswith("string:"):
            return rest
        number = next((at for at, sheet in enumerate(self.sheets, 1) if first == f"member:{sheet.number}"), 0)
        return f"sheet:{number}/{rest}".rstrip("/") if number and rest.startswith(("row:", "around")) else place

    def values(self, strings: SharedStrings) -> Values:
        """Reads the shared strings and which styles are dates. Raises `Unreadable`."""
        limits = self.package.budget.limits
        if self.strings is not None:
            strings.take(self.opened(self.strings), limits.line_bytes)
        styles = self.package.of_type("spreadsheetml.styles+xml")
        dates = date_styles(self.package.content(styles[0]), limits) if styles else frozenset[int]()
        targets = (relation.target for relation in self.package.relations(None) if relation.kind.lower().endswith("/officedocument"))
        books = [part for part in map(self.package.named, targets) if part is not None]
        return Values(strings, dates, any(counts_from_1904(self.package.content(book), limits) for book in books[:1]))


def _workbook(open_file: Opener, reading: Reading) -> _Workbook:
    package = package_of(open_file, reading)
    sheets = tuple(part for part in package.parts if any(word in part.content_type for word in _SHEETS))
    return _Workbook(package, sheets, next(iter(package.of_type(_STRINGS)), None))


class XlsxFile:
    """A workbook; that it is one was decided before."""

    name = "xlsx"

    def __init__(self, nested: Nested) -> None:
        self._nested = nested

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        budgeted = replace(reading, budget=budget_of(reading))
        strings = SharedStrings()
        try:
            book = _workbook(open_file, budgeted)
            parts = _Parts(self._nested, book, reading.prefix, book.values(strings))
            for got in OfficePackage(parts).read(open_file, budgeted):
                yield _as_spelt(got, book, reading) if isinstance(got, Unit) else got
            yield from parts.orphans(reading)
        except Unreadable as unreadable:
            yield Gap(reading.collection, unreadable.code, unreadable.reason)
            yield from (got for got in OfficePackage(self._nested).read(open_file, budgeted) if isinstance(got, Unit))
        finally:
            strings.close()

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        if not edits:
            return spliced(open_file, ())
        budgeted = replace(reading, budget=unhurried(reading.limits))
        strings = SharedStrings()
        try:
            book = _workbook(open_file, budgeted)
            return _Editing(self._nested, book, book.values(strings), rewriter, budgeted).prepared(open_file, edits)
        except Unreadable as unreadable:
            raise cannot_rewrite(f"The workbook cannot be rewritten: {unreadable.reason}.") from None
        finally:
            strings.close()


def _as_spelt(unit: Unit, book: _Workbook, reading: Reading) -> Unit:
    """The unit with its place and record in the words of a workbook. What is around the rows of a sheet is no record."""
    local, record = (book.spelt(place.removeprefix(reading.prefix)) for place in (unit.place, unit.inside))
    is_around = record.startswith("sheet:") and "/around" in record
    within = inside(reading) if is_around or not unit.inside else record if unit.inside == inside(reading) else reading.prefix + record
    return replace(unit, place=reading.prefix + local, inside=within, is_value=unit.is_value and not is_around)


class _Parts:
    """What a workbook gives for its members: sheets and strings are read here, all others by their own format."""

    def __init__(self, nested: Nested, book: _Workbook, prefix: str, values: Values) -> None:
        self._nested = nested
        self._book = book
        self._values = values
        self._sheets = {f"{prefix}member:{sheet.number}/": sheet for sheet in book.sheets}
        self._strings = f"{prefix}member:{book.strings.number}/" if book.strings else None

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        if reading.prefix == self._strings:
            return
        if reading.prefix not in self._sheets:
            yield from self._nested.read(open_file, reading)
            return
        try:
            yield from units_of_sheet(Sheet(as_plain(open_file)[0], self._values, reading), self._nested)
        except Unreadable as unreadable:
            yield Gap(reading.collection, unreadable.code, unreadable.reason)
            yield from self._nested.read(open_file, reading)

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        return self._nested.prepare(open_file, edits, rewriter, reading)

    def orphans(self, reading: Reading) -> Iterator[Unit]:
        """Strings that no cell names: programs leave them behind."""
        gate = reading.gate
        for several in self._values.strings.unused():
            texts = [self._values.strings.text(number) for number in several]
            if gate is None or gate.passes_text(_APART.join(texts)):
                for number, text in zip(several, texts, strict=True):
                    if text and (gate is None or gate.passes_text(text)):
                        yield Unit(f"{reading.prefix}string:{number + 1}", text, inside(reading))


class _Editing:
    """One rewrite of a workbook."""

    def __init__(self, nested: Nested, book: _Workbook, values: Values, rewriter: Rewriter, reading: Reading) -> None:
        self._nested = nested
        self._book = book
        self._values = values
        self._rewriter = rewriter
        self._reading = reading
        self._writers: dict[str, Writer] = {}

    def prepared(self, open_file: Opener, edits: Sequence[Edit]) -> Writer:
        local = [edit for edit in self._local(edits) if not self._is_idle(edit)]
        made: dict[int, Making] = {}
        chain = None
        released: Counter[int] = Counter()
        own: list[Edit] = []
        for sheet in self._book.sheets:
            begin = f"member:{sheet.number}/"
            of_sheet = [edit for edit in local if edit.place.startswith((f"{begin}row:", f"{begin}around/"))]
            if of_sheet:
                own += of_sheet
                result = self._sheet(sheet, [Edit(edit.place[len(begin) :], edit.how) for edit in of_sheet])
                made |= self._belonging(sheet, result)
                self._writers[begin] = from_utf8(result.writer, as_plain(self._book.package.content(sheet))[1])
                released += result.released
                if result.has_lost_formulas:
                    chain = calculation(self._book.package)
        orphans = [edit for edit in local if "/string:" in edit.place]
        if released or orphans:
            self._strings(released, orphans)
        rest = [edit for edit in local if edit not in own and edit not in orphans]
        if chain is not None:
            made |= without_calculation(self._book.package, chain)
            rest = [edit for edit in rest if not edit.place.startswith(f"member:{chain.number}/")] + [Edit(f"member:{chain.number}", DropPart())]
        self._others(made, rest)
        outer = [Edit(f"{self._reading.prefix}{edit.place}", edit.how) for edit in rest]
        outer += [Edit(f"{self._reading.prefix}{begin}whole", RedactSpans()) for begin in self._writers]
        return ZipFile(self).prepare(open_file, outer, self._rewriter, self._reading)

    def _local(self, edits: Sequence[Edit]) -> Iterator[Edit]:
        for edit in edits:
            place = self._book.member(local_place(edit, self._reading))
            if isinstance(edit.how, DropPart) and "/" not in place:
                raise cannot_rewrite("A part of a workbook cannot be dropped: rows and places in it can be changed.")
            yield Edit(place, edit.how)

    def _is_idle(self, edit: Edit) -> bool:
        """True for the name of a part in which there is nothing to change; raises `NotSupported` where there is."""
        found = _NAME.fullmatch(edit.place)
        name = next((part.name for part in self._book.package.parts if found and part.number == int(found[1])), "")
        if name != self._rewriter.redacted(name):
            raise cannot_rewrite("A part of a workbook cannot be renamed: other parts point at it.")
        return bool(found)

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        return self._nested.read(open_file, reading)

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        """What a member becomes, for the archive."""
        ready = self._writers.get(reading.prefix[len(self._reading.prefix) :])
        return ready if ready is not None else self._nested.prepare(open_file, edits, rewriter, reading)

    def _sheet(self, part: Part, edits: Sequence[Edit]) -> SheetEdits:
        reading = replace(self._reading, prefix="", gate=None)
        rows: dict[int, list[Edit]] = {}
        for edit in edits:
            first, _, rest = edit.place.partition("/")
            word, _, number = first.partition(":")
            if word == "row" and number.isdecimal():
                rows.setdefault(int(number), []).append(Edit(rest, edit.how))
        beside = [edit for edit in edits if edit.place.startswith("around/")]
        return sheet_edits(Sheet(self._book.opened(part), self._values, reading), rows, beside, self._nested, self._rewriter)

    def _belonging(self, part: Part, result: SheetEdits) -> Mapping[int, Making]:
        """How comments and links go with their rows."""
        if not result.gone:
            return {}
        if self._book.package.of_type(_PIVOT):
            raise cannot_rewrite(
                "A row cannot be emptied while a pivot cache of the workbook keeps a copy of it.",
                "save the workbook without the source data of its pivot tables and search again, delete the file, or keep it and say why",
            )
        sheet = Sheet(self._book.opened(part), self._values, replace(self._reading, prefix="", gate=None))
        links, targets = without_links(self._book.package, part, partial(io.BytesIO, sheet.around()), result.gone)
        if links is not None:
            result.writer = links(_result(result.writer))
        return {**without_rows(self._book.package, part, result.gone), **targets}

    def _strings(self, released: Mapping[int, int], orphans: Sequence[Edit]) -> None:
        """Empties the strings that no cell names any more, and redacts those that none named before."""
        part = self._book.strings
        if part is None:
            raise cannot_rewrite("A string of the plan is not in the workbook.", "plan again: the file is not what it was")
        uses = self._uses()
        empty = {number for number, count in released.items() if uses[number] <= count}
        cut = {int(edit.place.rpartition(":")[2]) - 1: edit for edit in orphans}
        if any(not isinstance(edit.how, RedactSpans) for edit in orphans) or not all(0 <= number < len(self._values.strings) for number in cut):
            raise cannot_rewrite("A string that no cell names can be redacted, nothing else.")
        splices = []
        content, charset = as_plain(self._book.package.content(part))
        for number, (offset, element) in enumerate(strings_of(content, self._reading.limits.line_bytes)):
            if number in empty or number in cut:
                text = "" if number in empty else self._rewriter.redacted(said_in(element).text)
                splices.append(Splice(offset, offset + len(element), _string(element, text)))
        self._writers[f"member:{part.number}/"] = from_utf8(spliced(content, splices), charset)

    def _uses(self) -> Counter[int]:
        """How many cells name each string."""
        uses: Counter[int] = Counter()
        reading = replace(self._reading, prefix="", gate=None)
        for sheet in self._book.sheets:
            for _, found in Sheet(self._book.opened(sheet), self._values, reading).rows():
                uses.update(number_of(cell.value.strip()) for cell in cells_of(found.data) if cell.kind == "s")
        return uses

    def _others(self, made: Mapping[int, Making], rest: list[Edit]) -> None:
        """Parts that change because rows or formulas went; what else is to change in them is changed first."""
        for number, making in made.items():
            begin = f"member:{number}/"
            part = next(part for part in self._book.package.parts if part.number == number)
            content = self._book.package.content(part)
            inner = [edit for edit in rest if edit.place.startswith(begin) and edit.place[len(begin) :] not in ("name", "comment", "extra")]
            if inner:
                rest[:] = [edit for edit in rest if edit not in inner]
                prefix = f"{self._reading.prefix}{begin}"
                edits = [Edit(prefix + edit.place[len(begin) :], edit.how) for edit in inner]
                content = _result(self._nested.prepare(content, edits, self._rewriter, replace(self._reading, prefix=prefix, name=part.name)))
            self._writers[begin] = making(content)


def _string(element: bytes, text: str) -> bytes:
    """A shared string with another text, in the words of the one that it was."""
    prefix = element[1 : element.index(b"si")]
    return b'<%bsi><%bt xml:space="preserve">%b</%bt></%bsi>' % (prefix, prefix, xml_run(0, b"", "text", Written()).written(text), prefix, prefix)


def _result(writer: Writer) -> Opener:
    """What a writer writes, as a file."""

    def open_file() -> BinaryIO:
        sink = cast(BinaryIO, tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115  # who opens a file closes it
        writer(sink)
        sink.seek(0)
        return sink

    return open_file
