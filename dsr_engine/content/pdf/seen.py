"""A PDF's text as another program sees it: PDFium's reading of each page, to find what ours missed and to check what ours did.

Runs in the child only.
"""

import json
from collections.abc import Iterator
from ctypes import c_double
from typing import Any, BinaryIO

import pypdfium2
from pypdfium2 import raw

Frames = Iterator[tuple[dict[str, Any], bytes]]
#: Characters of one page that are compared.
_MOST = 2_000_000


def seen_texts(source: BinaryIO, *, with_marks: bool) -> Frames:
    """The text of each page; and the characters that somebody drew, with the places where they stand."""
    for number, text in _pages(source):
        if text is None:
            yield {"is": "gap", "code": "pdf.damaged"}, b""
            continue
        yield {"is": "seen", "number": number}, text.get_text_range().encode("utf-8", "replace")
        if with_marks:
            yield {"is": "marks", "number": number}, json.dumps(_marks(text)).encode()


def _marks(text: pypdfium2.PdfTextPage) -> list[tuple[int, float, float]]:
    x, y = c_double(), c_double()
    marks: list[tuple[int, float, float]] = []
    for index in range(min(_MOST, text.count_chars())):
        letter = raw.FPDFText_GetUnicode(text, index)
        if letter > ord(" ") and raw.FPDFText_IsGenerated(text, index) != 1 and raw.FPDFText_GetCharOrigin(text, index, x, y):
            marks.append((letter, round(x.value, 2), round(y.value, 2)))
    return marks


def _pages(source: BinaryIO) -> "Iterator[tuple[int, pypdfium2.PdfTextPage | None]]":
    try:
        document = pypdfium2.PdfDocument(source)
    except pypdfium2.PdfiumError:
        yield 0, None
        return
    for number in range(1, len(document) + 1):
        try:
            page = document[number - 1]
            text = page.get_textpage()
        except pypdfium2.PdfiumError:
            yield number, None
            continue
        yield number, text
        text.close()
        page.close()
    document.close()
