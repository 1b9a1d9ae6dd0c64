"""Spreadsheets to test with, as small as they can be, beside the large ones of `workbooks`."""

from tests.content.document_samples import ODF, zipped
from tests.content.old_workbooks import xlsb
from tests.content.workbooks import PARTS, workbook

_OTHER = ("xl/c", "xl/pivot", "xl/vba")
_ROWS = [["id", "name"], ["1", "jane"], ["2", "bob"]]


def _xlsx(sheet: str) -> bytes:
    """A workbook with this in its first sheet."""
    parts = {
        name: content.replace("jane", "ada").replace("Jane", "Ada")
        for name, content in PARTS.items()
        if "sheet" not in name and not name.startswith(_OTHER)
    }
    return workbook({**parts, "xl/worksheets/sheet1.xml": sheet})


def _cells(*texts: str) -> str:
    return "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in texts)


_SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    f"<row>{_cells('id', 'name')}</row><row>{_cells('1', 'jane')}</row><row>{_cells('2', 'bob')}</row></sheetData>"
    "<headerFooter><oddHeader>for jane</oddHeader></headerFooter></worksheet>"
)
_ODS = (
    f'<office:document-content xmlns:office="{ODF}office:1.0" xmlns:table="{ODF}table:1.0" xmlns:text="{ODF}text:1.0"><office:body>'
    "<office:spreadsheet>"
    '<table:table table:name="about jane">'
    + "".join(
        "<table:table-row>" + "".join(f"<table:table-cell><text:p>{text}</text:p></table:table-cell>" for text in row) + "</table:table-row>"
        for row in _ROWS
    )
    + "</table:table></office:spreadsheet></office:body></office:document-content>"
)
#: Formats that are rewritten.
SHEETS = {
    "xlsx": [_xlsx(_SHEET)],
    "ods": [zipped(("mimetype", "application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", _ODS), first="mimetype")],
}
#: Formats that are read only.
OLD_SHEETS = {"xlsb": [xlsb(_ROWS)]}
