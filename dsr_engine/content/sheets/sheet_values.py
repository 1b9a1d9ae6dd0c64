"""What a cell shows (ECMA-376-1 §18.8, §18.17.4): strings by their number, dates that are stored as counts of days, numbers without exponents."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from dsr_engine.content.documents.xml_stream import End, Start, as_plain, events_of
from dsr_engine.content.format import Limits, Opener
from dsr_engine.content.sheets.sheet_cells import Cell, number_of
from dsr_engine.content.sheets.sheet_strings import SharedStrings

#: Formats that every program knows and that show dates (§18.8.30), those of East Asia included.
_DATES = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
#: What a format shows as it stands, colours and conditions.
_LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')
_DATE_LETTER = re.compile("[ymdhsYMDHS]")
#: Behind the last day that a spreadsheet knows, 31 December 9999.
_LAST_DAY = 2_958_466
_WHOLE = re.compile(r"-?\d{1,21}")


@dataclass(frozen=True, slots=True)
class Values:
    """What is needed to read the cells of one workbook. `dates` are the styles (by number) that show dates."""

    strings: SharedStrings
    dates: frozenset[int] = frozenset()
    is_1904: bool = False

    def text(self, cell: Cell) -> str:
        """The cell as text; empty for errors. Notes that its string is used."""
        kind = cell.kind
        if kind == "s":
            number = number_of(cell.value.strip()) if cell.value else -1
            self.strings.use(number)
            return self.strings.text(number)
        if kind == "n":
            return self._number(cell)
        if kind == "b":
            return {"1": "true", "0": "false"}.get(cell.value, cell.value)
        return "" if kind == "e" else cell.value

    def spoken(self, cell: Cell) -> str:
        """How the cell's text is spoken, where that is said."""
        return self.strings.spoken(number_of(cell.value.strip())) if cell.kind == "s" else cell.spoken

    def _number(self, cell: Cell) -> str:
        value = cell.value.strip()
        if cell.style in self.dates:
            return _date(value, self.is_1904) or value
        if _WHOLE.fullmatch(value):
            return value
        try:
            number = float(value)
        except ValueError:
            return value
        return str(int(number)) if number.is_integer() and abs(number) < 1e21 else repr(number)


def _date(value: str, is_1904: bool) -> str:
    try:
        days = float(value)
    except ValueError:
        return ""
    if not 1 <= days < _LAST_DAY:
        return ""
    # Day 60 of the other system is 29 February 1900, which never was.
    first = date(1904, 1, 1) if is_1904 else date(1899, 12, 30) if days >= 60 else date(1899, 12, 31)
    seconds = round(days * 86400)
    day = (first + timedelta(days=seconds // 86400)).isoformat()
    return f"{day} {timedelta(seconds=seconds % 86400)!s:0>8}" if seconds % 86400 else day


def date_styles(open_file: Opener, limits: Limits) -> frozenset[int]:
    """The styles that show dates, from the part that describes styles. Raises `Unreadable`."""
    plain, charset = as_plain(open_file)
    codes: dict[int, str] = {}
    formats: list[int] = []
    is_cells = False
    for event in events_of(plain, limits.line_bytes, charset.wide):
        if isinstance(event, End):
            is_cells = is_cells and event.name.local != "cellXfs"
        elif isinstance(event, Start):
            values = {attribute.name.local: attribute.value.text for attribute in event.attributes}
            is_cells = is_cells or event.name.local == "cellXfs"
            if event.name.local == "numFmt":
                codes[number_of(values.get("numFmtId", ""))] = values.get("formatCode", "")
            elif event.name.local == "xf" and is_cells:
                formats.append(number_of(values.get("numFmtId", "")))
    return frozenset(_with_dates(formats, codes))


def _with_dates(formats: list[int], codes: dict[int, str]) -> Iterator[int]:
    for style, number in enumerate(formats):
        code = codes.get(number)
        if number in _DATES if code is None else _DATE_LETTER.search(_LITERAL.sub("", code)) and "General" not in code:
            yield style


def counts_from_1904(open_file: Opener, limits: Limits) -> bool:
    """True if the workbook counts days from 1904, as Macintosh programs did. Raises `Unreadable`."""
    plain, charset = as_plain(open_file)
    for event in events_of(plain, limits.line_bytes, charset.wide):
        if isinstance(event, Start) and event.name.local == "workbookPr":
            return any(attribute.name.local == "date1904" and attribute.value.text in ("1", "true", "on") for attribute in event.attributes)
    return False
