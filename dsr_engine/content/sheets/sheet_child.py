"""The part of reading an old or binary workbook that the confined child does: calamine finds the cells, which are given as texts, row by row."""

import datetime
import json
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import python_calamine

from dsr_engine.content.format import Unreadable

#: Characters of one frame, roughly.
_FRAME = 1024 * 1024
_MOST_SHEETS = 10_000
#: Longest text of one cell; Excel's own limit is 32,767.
_LONGEST = 1_000_000


def read(source: BinaryIO, request: dict[str, Any], files: Sequence[BinaryIO], sink: BinaryIO | None) -> Iterator[tuple[dict[str, Any], bytes]]:  # noqa: ARG001  # the protocol's arguments
    """Names of the sheets, then the rows of each: pairs of column and text (JSON). A sheet that cannot be read is said to be damaged."""
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(source)
    except python_calamine.PasswordError:
        raise Unreadable("office.encrypted", "") from None
    except (python_calamine.CalamineError, OSError, ValueError):
        raise Unreadable("sheet.damaged", "") from None
    names = book.sheet_names
    if len(names) > _MOST_SHEETS:
        raise Unreadable("sheet.too_many", "")
    for number, name in enumerate(names, 1):
        yield {"kind": "sheet", "sheet": number}, name.encode("utf-8", "replace")
        try:
            yield from _sheet(book.get_sheet_by_index(number - 1), number)
        except (python_calamine.CalamineError, OSError, ValueError):
            yield {"kind": "damaged", "sheet": number}, b""


def _sheet(sheet: python_calamine.CalamineSheet, number: int) -> Iterator[tuple[dict[str, Any], bytes]]:
    first = sheet.start[1] if sheet.start else 0
    rows: list[tuple[int, list[tuple[int, str]]]] = []
    size = 0
    for at, row in enumerate(sheet.iter_rows(), 1):
        cells = [(first + column, _text(value)) for column, value in enumerate(row) if value != ""]
        if cells:
            rows.append((at, cells))
            size += sum(len(text) + 8 for _, text in cells)
        if size > _FRAME:
            yield {"kind": "rows", "sheet": number}, json.dumps(rows).encode()
            rows, size = [], 0
    if rows:
        yield {"kind": "rows", "sheet": number}, json.dumps(rows).encode()


def _text(value: object) -> str:
    """What the cell shows: whole numbers without a point, dates as ISO 8601 has them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e21 else repr(value)
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ")
    return str(value)[:_LONGEST]
