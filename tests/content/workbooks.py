"""A workbook by hand (ECMA-376-1 §18), so that each hidden place of a spreadsheet is there and nothing else: part name by content."""

import io
import zipfile
from collections.abc import Mapping

_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_RELATED = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
_KIND = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def _relations(*relations: str) -> str:
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{"".join(relations)}</Relationships>'


def _relation(number: int, kind: str, target: str, mode: str = "") -> str:
    return f'<Relationship Id="rId{number}" Type="{_KIND}/{kind}" Target="{target}"{mode}/>'


CONTENT_TYPES = (
    f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet2.xml" ContentType="{_TYPE}.worksheet+xml"/>'
    f'<Override PartName="/xl/sharedStrings.xml" ContentType="{_TYPE}.sharedStrings+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
    f'<Override PartName="/xl/calcChain.xml" ContentType="{_TYPE}.calcChain+xml"/>'
    f'<Override PartName="/xl/comments1.xml" ContentType="{_TYPE}.comments+xml"/>'
    f'<Override PartName="/xl/pivotCache/pivotCacheRecords1.xml" ContentType="{_TYPE}.pivotCacheRecords+xml"/>'
    "</Types>"
)

#: The strings by number: 0-2 the header, then people; 5 is used twice, 6 is rich, 7 is spoken, 8 belongs to no cell.
STRINGS = (
    "<si><t>email</t></si>",
    "<si><t>name</t></si>",
    "<si><t>note</t></si>",
    "<si><t>bob@x.org</t></si>",
    "<si><t>Bob</t></si>",
    "<si><t>Jane Doe</t></si>",
    '<si><r><rPr><b/></rPr><t xml:space="preserve">about jane.</t></r><r><t>doe@example.com &amp; co</t></r></si>',
    '<si><t>太郎</t><rPh sb="0" eb="2"><t>Jane Doe</t></rPh><phoneticPr fontId="1"/></si>',
    "<si><t>once jane.doe@example.com</t></si>",
    "<si><t>first</t></si>",
    "<si><t>last</t></si>",
    "<si><t>Jane</t></si>",
    "<si><t>Doe</t></si>",
    "<si><t>Smith</t></si>",
)


def text(reference: str, number: int) -> str:
    """A cell with a shared string."""
    return f'<c r="{reference}" s="0" t="s"><v>{number}</v></c>'


ROWS = (
    '<row r="1" spans="1:8">' + text("A1", 0) + text("B1", 1) + text("C1", 2) + "</row>",
    '<row r="2" spans="1:8" ht="20">' + text("A2", 3) + text("B2", 4) + '<c r="D2"><v>491701111111</v></c></row>',
    '<row r="3"><c r="A3" t="inlineStr"><is><r><t>jane.doe</t></r><r><t>@example.com</t></r></is></c>'
    + text("B3", 5)
    + text("C3", 6)
    + '<c r="D3"><v>4.91701234567E11</v></c><c r="E3" s="1"><v>30748</v></c>'
    + '<c r="F3"><f>1+1</f><v>2</v></c><c r="G3" t="str"><f>HYPERLINK("mailto:jane.doe@example.com","Bob")</f><v>Bob</v></c></row>',
    '<row r="5"><c r="A5" t="str"><f>A3&amp;""</f><v>jane.doe@example.com</v></c>'
    + text("B5", 5)
    + text("C5", 7)
    + '<c r="H5" t="b"><v>1</v></c></row>',
)
SHEET = (
    f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<worksheet {_MAIN} {_RELATED}><dimension ref="A1:H5"/>'
    f"<sheetData>{''.join(ROWS)}</sheetData>"
    '<dataValidations count="1"><dataValidation type="list" sqref="B9"><formula1>"Bob,Jane Doe"</formula1></dataValidation></dataValidations>'
    '<hyperlinks><hyperlink ref="A2" r:id="rId1" display="to jane.doe@example.com"/></hyperlinks>'
    "<headerFooter><oddHeader>&amp;CFor Jane Doe</oddHeader></headerFooter></worksheet>"
)
SECOND = (
    '<x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main">\n <x:sheetData>\n  <x:row><x:c t="s"><x:v>9</x:v></x:c>'
    '<x:c t="s"><x:v>10</x:v></x:c></x:row>\n  <x:row><x:c t="s"><x:v>11</x:v></x:c><x:c t="s"><x:v>12</x:v></x:c></x:row>\n  <x:row><x:c t="s">'
    '<x:v>11</x:v></x:c><x:c t="s"><x:v>13</x:v></x:c></x:row>\n </x:sheetData>\n</x:worksheet>'
)
PARTS: Mapping[str, str] = {
    "[Content_Types].xml": CONTENT_TYPES,
    "_rels/.rels": _relations(_relation(1, "officeDocument", "xl/workbook.xml")),
    "xl/workbook.xml": (
        f'<workbook {_MAIN} {_RELATED}><sheets><sheet name="Customers" sheetId="1" r:id="rId1"/>'
        '<sheet name="Hidden" sheetId="2" state="veryHidden" r:id="rId2"/></sheets>'
        '<definedNames><definedName name="who">"jane.doe@example.com"</definedName></definedNames></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": _relations(
        _relation(1, "worksheet", "worksheets/sheet1.xml"),
        _relation(2, "worksheet", "worksheets/sheet2.xml"),
        _relation(3, "sharedStrings", "sharedStrings.xml"),
        _relation(4, "styles", "styles.xml"),
        _relation(5, "calcChain", "calcChain.xml"),
    ),
    "xl/worksheets/sheet1.xml": SHEET,
    "xl/worksheets/_rels/sheet1.xml.rels": _relations(
        _relation(1, "hyperlink", "mailto:jane.doe@example.com", ' TargetMode="External"'), _relation(2, "comments", "../comments1.xml")
    ),
    "xl/worksheets/sheet2.xml": SECOND,
    "xl/sharedStrings.xml": f'<sst {_MAIN} count="20" uniqueCount="{len(STRINGS)}">{"".join(STRINGS)}</sst>',
    "xl/styles.xml": (
        f'<styleSheet {_MAIN}><numFmts count="1"><numFmt numFmtId="164" formatCode="[$-407]dd/mm/yyyy"/></numFmts>'
        '<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs></styleSheet>'
    ),
    "xl/calcChain.xml": f'<calcChain {_MAIN}><c r="F3" i="1"/><c r="G3"/><c r="A5"/></calcChain>',
    "xl/comments1.xml": (
        f'<comments {_MAIN}><authors><author>Bob</author></authors><commentList><comment ref="B2" authorId="0"><text><t>likes jane.doe@example.com'
        '</t></text></comment><comment ref="C3" authorId="0"><text><t>was ill in spring</t></text></comment></commentList></comments>'
    ),
    "xl/pivotCache/pivotCacheRecords1.xml": (
        f'<pivotCacheRecords {_MAIN} count="1"><r><s v="jane.doe@example.com"/><x v="0"/></r></pivotCacheRecords>'
    ),
    "xl/vbaProject.bin": "Rem jane.doe@example.com\0\1",
}


def workbook(parts: Mapping[str, str] = PARTS) -> bytes:
    """The archive of these parts."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 2, 3, 4, 6)), content, zipfile.ZIP_DEFLATED)
    return sink.getvalue()


def parts_of(data: bytes) -> dict[str, str]:
    """The parts of an archive, as the standard library reads them."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}
