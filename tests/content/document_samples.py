"""Documents to test with, small and in the shapes in which real software writes them."""

import io
import zipfile

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
A = "http://schemas.openxmlformats.org/drawingml/2006/main"
P = "http://schemas.openxmlformats.org/presentationml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
ODF = "urn:oasis:names:tc:opendocument:xmlns:"

XML = (
    b'<?xml version="1.0"?>\n<people><person id="1"><name>jane</name><mail>x@x.org</mail></person><person id="2"><name>bob</name></person></people>',
    '<?xml version="1.0" encoding="ISO-8859-1"?><r><v>grüße jane</v><!-- jane --><w><![CDATA[<jane>]]></w></r>'.encode("latin-1"),
    '<?xml version="1.0" encoding="UTF-16"?><letters><letter>dear jane</letter><letter>dear bob</letter></letters>'.encode("utf-16"),
    b'<?xml version="1.0"?><log><e who="jane"/></log>\n<?xml version="1.0"?><log><e who="bob"/></log>\n',
    b'<svg xmlns="http://www.w3.org/2000/svg"><text>ja<tspan>ne</tspan></text><text>bob</text></svg>',
)
HTML = (
    b"<!DOCTYPE html>\n<html><head><title>jane</title></head><body><p>dear <b>ja</b>ne<p>and bob</body></html>\n",
    '<html><meta charset=windows-1252><p title=jane>gr\u00fc\u00dfe<br>ja<wbr>ne <!-- jane --><script>var a = "jane"</script></p></html>'.encode(
        "cp1252"
    ),
    b'<html xmlns="http://www.w3.org/1999/xhtml"><body><a href="mailto:bob" title="jane">bob</a><ul><li>jane<li>bob</ul>',
)


RTF = (
    rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\info{\author jane}}dear {\b ja}ne\par and bob\par"
    rb"{\field{\*\fldinst {HYPERLINK \"ja}{ne\"}}{\fldrslt x}}}",
    b"{\\rtf1\\ansi {\\fonttbl{\\f1\\fcharset204 A;}}\\f1 \\'e3\\'f0 j\\u97?ne \\'7bgr\\u252\\'fc\\par bob}",
)


def zipped(*members: tuple[str, str | bytes], first: str = "") -> bytes:
    """A zip archive; the member `first` is stored as it is, as a `mimetype` is."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            how = zipfile.ZIP_STORED if name == first else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 2, 3, 4, 6)), data, how)
    return sink.getvalue()


def content_types(main: str, part: str) -> str:
    override = f'<Override PartName="/{part}" ContentType="application/vnd.openxmlformats-officedocument.{main}"/>'
    default = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    return f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Types xmlns="{TYPES}">{default}{override}</Types>'


def docx(body: str, *others: tuple[str, str | bytes]) -> bytes:
    """A text document with this in its body, and further parts."""
    document = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>'
    types = content_types("wordprocessingml.document.main+xml", "word/document.xml")
    return zipped(("[Content_Types].xml", types), ("word/document.xml", document), *others)


def pptx(body: str, *others: tuple[str, str | bytes]) -> bytes:
    """A presentation with this in its one slide."""
    slide = f'<p:sld xmlns:p="{P}" xmlns:a="{A}"><p:cSld><p:spTree>{body}</p:spTree></p:cSld></p:sld>'
    types = content_types("presentationml.presentation.main+xml", "ppt/presentation.xml")
    return zipped(("[Content_Types].xml", types), ("ppt/slides/slide1.xml", slide), *others)


def odt(body: str, *others: tuple[str, str | bytes]) -> bytes:
    """An OpenDocument text with this in its body."""
    names = f'xmlns:office="{ODF}office:1.0" xmlns:text="{ODF}text:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    content = f"<office:document-content {names}><office:body><office:text>{body}</office:text></office:body></office:document-content>"
    mimetype = ("mimetype", "application/vnd.oasis.opendocument.text")
    return zipped(mimetype, ("content.xml", content), *others, first="mimetype")


def epub(page: str, *others: tuple[str, str | bytes]) -> bytes:
    """A book of one page."""
    opf = '<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>jane</dc:creator></metadata></package>'
    xhtml = f'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>t</title></head><body>{page}</body></html>'
    return zipped(("mimetype", "application/epub+zip"), ("c.opf", opf), ("1.xhtml", f'<?xml version="1.0"?>{xhtml}'), *others, first="mimetype")


def w_runs(*texts: str) -> str:
    """A paragraph whose text is split between runs."""
    return "<w:p>" + "".join(f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>' for text in texts) + "</w:p>"


PACKAGES = (
    docx(
        w_runs("dear ja", "ne") + w_runs("and bob"),
        ("docProps/core.xml", "<c><creator>jane</creator></c>"),
        ("word/media/a.csv", "id,name\n1,jane\n2,bob\n"),
    ),
    pptx("<a:p><a:r><a:t>ja</a:t></a:r><a:r><a:t>ne</a:t></a:r></a:p>"),
    odt('<text:p>dear <text:span text:style-name="T1">ja</text:span>ne</text:p><text:p>bob</text:p>', ("meta.xml", "<m>jane</m>")),
    epub("<p>dear <b>ja</b>ne</p><p>bob</p>"),
)
