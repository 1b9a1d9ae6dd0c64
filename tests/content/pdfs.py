"""PDFs to test with: written by reportlab, by pikepdf, by a browser where there is one, and by hand; and what other programs say of them."""

import io
import re
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from dsr_engine.shipped import shipped

#: The one that certificates are drawn with: ReportLab knows a font by the name inside it, and would take another file of that name for this one.
_DEJAVU = shipped("templates") / "certificate" / "fonts" / "DejaVuSans.ttf"
#: What stands on every page that is not the person's.
BOB = "Bob lives at number 4711"

needs_poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed: apt-get install poppler-utils")


def letter(*pages: str, font: str = "Helvetica") -> bytes:
    """One page for each text; a line for each of its lines."""
    if font == "Embedded":
        pdfmetrics.registerFont(TTFont("Embedded", str(_DEJAVU)))
    elif font == "HeiseiMin-W3":
        pdfmetrics.registerFont(UnicodeCIDFont(font))
    sink = io.BytesIO()
    canvas = Canvas(sink, invariant=True, pageCompression=1)
    for page in pages:
        canvas.setFont(font, 12)
        for number, line in enumerate(page.split("\n")):
            canvas.drawString(72, 700 - 20 * number, line)
        canvas.showPage()
    canvas.save()
    return sink.getvalue()


def changed(data: bytes, *changes: Callable[[pikepdf.Pdf], object]) -> bytes:
    """The PDF with changes made in its objects."""
    sink = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as pdf:
        for change in changes:
            change(pdf)
        pdf.save(sink, deterministic_id=True)
    return sink.getvalue()


def drawn(content: bytes, *, page: int = 1, **resources: Dictionary) -> Callable[[pikepdf.Pdf], None]:
    """Draws more on a page. Font `/F9` is Helvetica."""

    def change(pdf: pikepdf.Pdf) -> None:
        found = pdf.pages[page - 1]
        found.Resources.Font["/F9"] = pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))
        for name, resource in resources.items():
            held = found.Resources.get(f"/{name}", Dictionary())
            held.update(resource)
            found.Resources[f"/{name}"] = held
        found.Contents = Array([found.Contents, pdf.make_stream(content)])

    return change


def annotated(**entries: pikepdf.Object) -> Callable[[pikepdf.Pdf], None]:
    """Adds an annotation to the first page."""

    def change(pdf: pikepdf.Pdf) -> None:
        annotation = pdf.make_indirect(Dictionary(Type=Name.Annot, Rect=Array([10, 10, 60, 30]), **{"Subtype": Name.Text, **entries}))
        page = pdf.pages[0]
        page["/Annots"] = Array([*page.get("/Annots", Array([])), annotation])

    return change


def attached(name: str, content: bytes) -> Callable[[pikepdf.Pdf], None]:
    """Embeds a file."""

    def change(pdf: pikepdf.Pdf) -> None:
        pdf.attachments[name] = pikepdf.AttachedFileSpec(pdf, content, filename=name)

    return change


def form(text: str) -> bytes:
    return b"BT /F9 12 Tf 5 5 Td (" + text.encode() + b") Tj ET"


def form_dictionary(**entries: pikepdf.Object) -> dict[str, pikepdf.Object]:
    return {"Type": Name.XObject, "Subtype": Name.Form, "BBox": Array([0, 0, 300, 30]), **entries}


def written(objects: Mapping[int, bytes], trailer: bytes = b"") -> bytes:
    """A PDF of these objects. Number 1 is its catalog."""
    return appended(b"%PDF-1.7\n", objects, trailer)


def appended(base: bytes, objects: Mapping[int, bytes], trailer: bytes = b"") -> bytes:
    """The file with a revision behind it."""
    out = bytearray(base)
    offsets: dict[int, int] = {}
    for number, body in objects.items():
        offsets[number] = len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    before = re.findall(rb"startxref\s+(\d+)", base)
    start, size = len(out), max([*objects, *(int(found) for found in re.findall(rb"/Size (\d+)", base))]) + 1
    out += b"xref\n" if before else b"xref\n0 1\n0000000000 65535 f \n"
    for number, offset in sorted(offsets.items()):
        out += b"%d 1\n%010d 00000 n \n" % (number, offset)
    previous = b" /Prev %b" % before[-1] if before else b""
    return bytes(out + b"trailer\n<< /Size %d /Root 1 0 R%b %b>>\nstartxref\n%d\n%%%%EOF\n" % (size, previous, trailer, start))


def stream(data: bytes, entries: bytes = b"", *, packed: bool = False) -> bytes:
    data = zlib.compress(data) if packed else data
    return b"<< /Length %d %b%b>>\nstream\n%b\nendstream" % (len(data), b"/Filter /FlateDecode " if packed else b"", entries, data)


def one_page(content: bytes, more: Mapping[int, bytes] | None = None, page: bytes = b"", catalog: bytes = b"") -> dict[int, bytes]:
    """The objects of a file with one page: 1 catalog, 2 pages, 3 page, 4 its content, 5 Helvetica; 6 and on are the caller's."""
    return {
        1: b"<< /Type /Catalog /Pages 2 0 R " + catalog + b">>",
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources << /Font << /F9 5 0 R >> >> " + page + b">>",
        4: stream(content),
        5: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        **(more or {}),
    }


# ---- other programs


def _tool(data: bytes, *command: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.pdf")
        path.write_bytes(data)
        words = [str(path) if word == "FILE" else word for word in command]
        return subprocess.run(words, capture_output=True, check=False).stdout  # tools of the tests


def poppler_text(data: bytes, *, layout: bool = False) -> str:
    """What pdftotext reads."""
    return _tool(data, "pdftotext", "-layout" if layout else "-raw", "FILE", "-").decode()


def poppler_about(data: bytes) -> str:
    """What pdfinfo says of the file: its Info dictionary, its XMP, its destinations and links."""
    options = ((), ("-meta",), ("-dests",), ("-url",), ("-js",), ("-struct-text",))
    return "".join(_tool(data, "pdfinfo", *option, "FILE").decode("utf-8", "replace") for option in options)


def poppler_files(data: bytes) -> dict[str, bytes]:
    """The embedded files, as pdfdetach saves them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.pdf")
        path.write_bytes(data)
        Path(folder, "out").mkdir()
        subprocess.run(["pdfdetach", "-saveall", "-o", f"{folder}/out", str(path)], capture_output=True, check=False)  # tools of the tests
        return {found.name: found.read_bytes() for found in Path(folder, "out").iterdir()}


def picture(data: bytes, page: int) -> bytes:
    """The page as poppler draws it."""
    return _tool(data, "pdftoppm", "-r", "40", "-f", str(page), "-l", str(page), "FILE")


def unpacked(data: bytes) -> bytes:
    """All bytes of the file with every stream unpacked and every string in the clear; UTF-16 as what it says."""
    sink = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as pdf:
        pdf.save(
            sink,
            stream_decode_level=pikepdf.StreamDecodeLevel.all,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
            compress_streams=False,
        )
    found = data + sink.getvalue()
    return found + found.replace(b"\0", b"") + b"".join(map(_from_hex, re.findall(rb"<([0-9A-Fa-f\s]+)>", found)))


def _from_hex(digits: bytes) -> bytes:
    digits = re.sub(rb"\s", b"", digits)
    return bytes.fromhex(digits[: len(digits) // 2 * 2].decode()).replace(b"\0", b"") + b"\n"
