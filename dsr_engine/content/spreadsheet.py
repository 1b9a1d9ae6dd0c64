"""Tables as CSV that a spreadsheet opens without running anything: the one place where CSV leaves the engine."""

import csv
import io
import re
from collections.abc import Iterable, Mapping

#: What makes a spreadsheet take a cell for a formula (OWASP, CSV Injection), in ASCII, full width and small forms; and the minus that is none.
_FORMULA = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212"
#: A formula at the beginning of a cell, or behind what some spreadsheet takes for the end of a cell: they differ in which separators they believe in.
#: Spaces, quotes and what cannot be seen may stand before it.
_RUNS = re.compile(rf"(^|[;|\t\r\n])([\s\"'\u2018-\u201f\u200b-\u200f\u2060\ufeff\x00-\x1f]*)(?=[{_FORMULA}])")
#: White space at the beginning of a cell that some spreadsheets drop, and with it what makes the cell a text.
_DROPPED = ("\t", "\r", "\n")


def as_csv(rows: Iterable[Mapping[str, str | int | bool | None]], columns: Iterable[str]) -> str:
    """The rows as CSV (RFC 4180), the columns' names first. What a spreadsheet would take for a formula gets an apostrophe before it."""
    names = list(columns)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([_cell(name) for name in names])
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return text.getvalue()


def _cell(value: str | int | bool | None) -> str | int:
    if isinstance(value, str):
        safe = _RUNS.sub(lambda found: f"{found[1]}{found[2]}'" if found[1] else f"'{found[2]}", value)
        return f"'{safe}" if safe.startswith(_DROPPED) else safe
    return "" if value is None else value
