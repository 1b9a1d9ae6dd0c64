"""Old and binary workbooks, record by record as their specifications say (MS-XLS 2.4, MS-XLSB 2.4), for tests."""

import io
import struct
import zipfile
from collections.abc import Sequence

from tests.content.outlook_files import compound

Rows = Sequence[Sequence[str | float]]
_TYPE = "application/vnd.ms-excel"
_KIND = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def _record(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def _said(text: str, length: str) -> bytes:
    """A string of BIFF8: one byte for each character where that is enough, else two."""
    is_wide = any(ord(character) > 255 for character in text)
    return struct.pack(f"<{length}B", len(text), is_wide) + text.encode("utf-16-le" if is_wide else "latin-1")


def xls(sheets: dict[str, Rows], header: str = "") -> bytes:
    """An Excel 97 workbook; `header` stands on the printed pages of each sheet."""
    strings = list(dict.fromkeys(cell for rows in sheets.values() for row in rows for cell in row if isinstance(cell, str)))
    begin = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 1996, 0, 6)) + _record(0x0042, struct.pack("<H", 1200))
    names = [_said(name, "B") for name in sheets]
    shared = _record(0x00FC, struct.pack("<II", len(strings), len(strings)) + b"".join(_said(text, "H") for text in strings)) + _record(0x000A)
    at = len(begin) + sum(4 + 6 + len(name) for name in names) + len(shared)
    parts = [_sheet(rows, strings, header) for rows in sheets.values()]
    bounds = []
    for name, part in zip(names, parts, strict=True):
        bounds.append(_record(0x0085, struct.pack("<IBB", at, 0, 0) + name))
        at += len(part)
    return compound({"Workbook": b"".join((begin, *bounds, shared, *parts)).ljust(4096, b"\0")})


def _sheet(rows: Rows, strings: Sequence[str], header: str) -> bytes:
    out = [_record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 1996, 0, 6))]
    out += [_record(0x0014, _said(header, "H"))] if header else []
    out.append(_record(0x0200, struct.pack("<IIHHH", 0, len(rows), 0, max(map(len, rows)), 0)))
    for at, row in enumerate(rows):
        for column, cell in enumerate(row):
            if isinstance(cell, str):
                out.append(_record(0x00FD, struct.pack("<HHHI", at, column, 0, strings.index(cell))))
            else:
                out.append(_record(0x0203, struct.pack("<HHHd", at, column, 0, cell)))
    return b"".join((*out, _record(0x000A)))


def _binary(kind: int, body: bytes = b"") -> bytes:
    head = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    size = bytes([len(body)]) if len(body) < 128 else bytes([len(body) & 0x7F | 0x80, len(body) >> 7])
    return head + size + body


def _wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def xlsb(rows: Rows, header: str = "") -> bytes:
    """A binary workbook with one sheet."""
    strings = list(dict.fromkeys(cell for row in rows for cell in row if isinstance(cell, str)))
    bundle = _binary(156, struct.pack("<II", 0, 1) + _wide("rId1") + _wide("Customers"))
    book = _binary(131) + _binary(143) + bundle + _binary(144) + _binary(132)
    cells = []
    for at, row in enumerate(rows):
        cells.append(_binary(0, struct.pack("<IIHBBBI", at, 0, 300, 0, 0, 0, 0)))
        for column, cell in enumerate(row):
            start = struct.pack("<II", column, 0)
            text = isinstance(cell, str)
            cells.append(_binary(7, start + struct.pack("<I", strings.index(str(cell)))) if text else _binary(5, start + struct.pack("<d", cell)))
    size = struct.pack("<IIII", 0, len(rows) - 1, 0, max(map(len, rows)) - 1)
    sheet = _binary(129) + _binary(148, size) + _binary(145) + b"".join(cells) + _binary(146) + _binary(479, struct.pack("<H", 0) + _wide(header))
    shared = _binary(159, struct.pack("<II", len(strings), len(strings))) + b"".join(_binary(19, b"\0" + _wide(text)) for text in strings)
    parts = {
        "[Content_Types].xml": (
            f'<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Default Extension="bin" ContentType="{_TYPE}.sheet.binary.macroEnabled.main"/>'
            f'<Override PartName="/xl/workbook.bin" ContentType="{_TYPE}.sheet.binary.macroEnabled.main"/></Types>'
        ).encode(),
        "_rels/.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships">'
            f'<Relationship Id="r" Type="{_KIND}/officeDocument" Target="xl/workbook.bin"/></Relationships>'
        ).encode(),
        "xl/workbook.bin": book,
        "xl/_rels/workbook.bin.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships">'
            f'<Relationship Id="rId1" Type="{_KIND}/worksheet" Target="worksheets/sheet1.bin"/>'
            f'<Relationship Id="rId2" Type="{_KIND}/sharedStrings" Target="sharedStrings.bin"/></Relationships>'
        ).encode(),
        "xl/worksheets/sheet1.bin": sheet + _binary(130),
        "xl/sharedStrings.bin": shared + _binary(160),
    }
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 2, 3, 4, 6)), content, zipfile.ZIP_DEFLATED)
    return sink.getvalue()
