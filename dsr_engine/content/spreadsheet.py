"""Tables as CSV that a spreadsheet opens without running anything: the one place where CSV leaves the engine."""

import csv
import io
from collections.abc import Iterable, Mapping

#: What makes a spreadsheet take a cell for a formula (OWASP, CSV Injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def as_csv(rows: Iterable[Mapping[str, str | int | bool | None]], columns: Iterable[str]) -> str:
    """The rows as CSV (RFC 4180), the columns' names first. Cells that a spreadsheet would take for a formula get an apostrophe."""
    names = list(columns)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([_cell(name) for name in names])
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return text.getvalue()


def _cell(value: str | int | bool | None) -> str | int:
    if isinstance(value, str) and value.lstrip(" ")[:1].startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value
