"""Pictures with words drawn in them, by Pillow and ReportLab, and where the program that reads them comes from."""

import io
from collections.abc import Sequence
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from dsr_engine.content.pictures.languages import is_installed

EMAIL, BOB = "jane.roe@example.com", "bob.stone@example.com"
PERSON = ("Invoice for Jane Roe", f"E-mail: {EMAIL}", "Customer 4711-0815")
OTHER = ("Invoice for Bob Stone", f"E-mail: {BOB}", "Customer 1234-5678")

needs_ocr = pytest.mark.skipif(
    not is_installed(), reason="no OCR here: pip install 'dsr-engine[ocr]', and apt-get install tesseract-ocr-eng tesseract-ocr-deu"
)


def drawn(lines: Sequence[str], *, letters: int = 24, ink: int = 0, paper: int = 255, width: int = 900) -> Image.Image:
    """The lines in a picture of their own; `letters` is their height in dots."""
    height = int(letters * 1.6) * (len(lines) + 1)
    shown = Image.new("RGB", (width, height), (paper,) * 3)
    pen, font = ImageDraw.Draw(shown), ImageFont.load_default(letters)
    for number, line in enumerate(lines):
        pen.text((20, int(letters * (0.5 + 1.6 * number))), line, fill=(ink,) * 3, font=font)
    return shown


def saved(shown: Image.Image, kind: str = "PNG", **how: Any) -> bytes:
    out = io.BytesIO()
    shown.save(out, kind, **how)
    return out.getvalue()


def paged(*pages: tuple[Sequence[Image.Image], Sequence[str]]) -> bytes:
    """A PDF with these pictures, one above the other, and these lines of text on its pages."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(595, 842))
    for pictures, lines in pages:
        for number, shown in enumerate(pictures):
            width = 500
            canvas.drawImage(ImageReader(shown), 50, 560 - 160 * number, width, width * shown.height / shown.width)
        for number, line in enumerate(lines):
            canvas.drawString(50, 800 - 15 * number, line)
        canvas.showPage()
    canvas.save()
    return out.getvalue()
