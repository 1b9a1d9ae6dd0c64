"""Documents in parts: every place where a word processor hides a text is read, and only what holds the person changes."""

import io
import zipfile

import pytest

from dsr_engine.content.documents.package import package_kind, package_of
from dsr_engine.content.files import FILES
from dsr_engine.content.format import Limits, Reading
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from tests.content.document_samples import ODF, RELATIONS, A, P, W, docx, epub, odt, pptx, w_runs, zipped
from tests.content.plain_words import WordGate, gaps, opener, reading, rewritten, texts, units

_WORDS = f'xmlns:w="{W}" xmlns:a="{A}" xmlns:r="urn:r" xmlns:v="urn:schemas-microsoft-com:vml" xmlns:wps="urn:wps" xmlns:mc="urn:mc"'
_BOX = "<w:drawing><wps:txbx><w:txbxContent>{}</w:txbxContent></wps:txbx></w:drawing>"
_TEXT_BOX = f"<w:r><mc:AlternateContent><mc:Choice>{_BOX}</mc:Choice></mc:AlternateContent></w:r>"
_SMART_ART = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
_MATH = "http://schemas.openxmlformats.org/officeDocument/2006/math"
_CHART = "http://schemas.openxmlformats.org/drawingml/2006/chart"
_JANE = w_runs("ja", "ne")
_LINK = '<Relationship Id="r1" Target="mailto:jane" TargetMode="External"/>'
_MAIL_MERGE = "<w:mailMerge><w:query w:val=\"SELECT * FROM p WHERE n='jane'\"/></w:mailMerge>"
#: Where the person is, as the body of the document or as a further part.
HIDDEN: dict[str, str | bytes] = {
    "text box": f"<w:p><w:r><w:t>a</w:t></w:r>{_TEXT_BOX.format(_JANE)}</w:p>",
    "around a text box": f"<w:p><w:r><w:t>ja</w:t></w:r>{_TEXT_BOX.format(w_runs('box'))}<w:r><w:t>ne</w:t></w:r></w:p>",
    "deletion": '<w:p><w:del w:author="x"><w:r><w:delText>ja</w:delText></w:r><w:r><w:delText>ne</w:delText></w:r></w:del></w:p>',
    "text before a correction": (
        "<w:p><w:r><w:t>ja</w:t></w:r><w:ins><w:r><w:t>xx</w:t></w:r></w:ins><w:del><w:r><w:delText>ne</w:delText></w:r></w:del></w:p>"
    ),
    "author of a correction": '<w:p><w:ins w:author="jane"><w:r><w:t>x</w:t></w:r></w:ins></w:p>',
    "field": "<w:p><w:r><w:instrText>HYPERLINK ja</w:instrText></w:r><w:r><w:t>x</w:t></w:r><w:r><w:instrText>ne</w:instrText></w:r></w:p>",
    "simple field": '<w:p><w:fldSimple w:instr="AUTHOR jane"><w:r><w:t>x</w:t></w:r></w:fldSimple></w:p>',
    "reading": (
        "<w:p><w:r><w:ruby><w:rt><w:r><w:t>ja</w:t></w:r><w:r><w:t>ne</w:t></w:r></w:rt>"
        "<w:rubyBase><w:r><w:t>x</w:t></w:r></w:rubyBase></w:ruby></w:r></w:p>"
    ),
    "moved": "<w:p><w:moveFrom><w:r><w:t>jane</w:t></w:r></w:moveFrom></w:p>",
    "hidden text": "<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>jane</w:t></w:r></w:p>",
    "picture description": '<w:p><w:r><w:drawing><docPr descr="jane"/></w:drawing></w:r></w:p>',
    "content control": '<w:sdt><w:sdtPr><w:alias w:val="jane"/></w:sdtPr><w:sdtContent><w:p/></w:sdtContent></w:sdt>',
    "table cell": f"<w:tbl><w:tr><w:tc>{_JANE}</w:tc></w:tr></w:tbl>",
    "equation": f'<w:p><m:oMath xmlns:m="{_MATH}"><m:r><m:t>ja</m:t></m:r><m:r><m:t>ne</m:t></m:r></m:oMath></w:p>',
    "word/header1.xml": f"<w:hdr {_WORDS}>{_JANE}</w:hdr>",
    "word/footer1.xml": f"<w:ftr {_WORDS}>{_JANE}</w:ftr>",
    "word/footnotes.xml": f"<w:footnotes {_WORDS}><w:footnote>{_JANE}</w:footnote></w:footnotes>",
    "word/endnotes.xml": f"<w:endnotes {_WORDS}><w:endnote>{_JANE}</w:endnote></w:endnotes>",
    "word/comments.xml": f'<w:comments {_WORDS}><w:comment w:author="jane" w:initials="J">{w_runs("x")}</w:comment></w:comments>',
    "word/people.xml": '<w15:people xmlns:w15="http://schemas.microsoft.com/office/word/2012/wordml"><w15:person w15:author="jane"/></w15:people>',
    "word/glossary/document.xml": f"<w:glossaryDocument {_WORDS}>{_JANE}</w:glossaryDocument>",
    "word/settings.xml": f"<w:settings {_WORDS}>{_MAIL_MERGE}</w:settings>",
    "word/diagrams/data1.xml": (
        f'<dgm:dataModel xmlns:dgm="{_SMART_ART}" {_WORDS}><dgm:t><a:p><a:r><a:t>ja</a:t></a:r><a:r><a:t>ne</a:t></a:r></a:p></dgm:t></dgm:dataModel>'
    ),
    "word/charts/chart1.xml": f'<c:chartSpace xmlns:c="{_CHART}"><c:strCache><c:pt idx="0"><c:v>jane</c:v></c:pt></c:strCache></c:chartSpace>',
    "word/_rels/document.xml.rels": f'<Relationships xmlns="{RELATIONS}">{_LINK}</Relationships>',
    "docProps/core.xml": '<cp:core xmlns:cp="urn:cp" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>jane</dc:creator></cp:core>',
    "docProps/custom.xml": '<Properties xmlns="urn:p"><property name="client"><lpwstr>jane</lpwstr></property></Properties>',
    "customXml/item1.xml": "<data><client>jane</client></data>",
    "word/afchunk.htm": "<html><body><p>ja<b>ne</b></p></body></html>",
    "word/embeddings/table.csv": "id,name\n1,jane\n2,bob\n",
    "word/embeddings/inner.docx": docx(_JANE),
    "word/vbaProject.bin": b"\xcc\x61" + bytes(40) + b"jane" + bytes(40),
}


def _document(place: str) -> bytes:
    hidden = HIDDEN[place]
    if "/" not in place:
        assert isinstance(hidden, str)
        return docx(hidden + w_runs("and bob"))
    return docx(w_runs("and bob"), (place, hidden))


def _members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


@pytest.mark.parametrize("place", HIDDEN)
def test_the_person_is_found_wherever_a_document_hides_a_text_and_nothing_else_is_touched(place: str) -> None:
    before = _document(place)
    found = [unit for unit in units(before, reading(WordGate("jane"))) if "jane" in unit.text]
    assert found
    if any(unit.is_opaque for unit in found):
        assert place.endswith(".bin")
        return
    after = rewritten(before, [Edit(unit.place, RedactSpans()) for unit in found], "jane")
    assert not units(after, reading(WordGate("jane")))
    was, now = _members(before), _members(after)
    assert list(was) == list(now)
    changed = [name for name in was if was[name] != now[name]]
    assert changed == [place if "/" in place else "word/document.xml"]
    assert b"and bob" in now["word/document.xml"]


def test_a_document_is_one_record_and_nobody_owns_it_by_being_named_in_it() -> None:
    before = docx(_JANE, ("docProps/core.xml", "<c><creator>jane</creator></c>"), ("word/embeddings/t.csv", "id,name\n1,jane\n"))
    found = [unit for unit in units(before, reading(WordGate("jane"))) if unit.text == "jane"]
    assert [(unit.inside, unit.is_value) for unit in found] == [("", False), ("", False), ("member:4/row:2", True)]


def test_a_part_is_neither_dropped_nor_renamed_but_a_row_of_an_embedded_table_is_dropped() -> None:
    before = docx(_JANE, ("word/jane.csv", "id,name\n1,jane\n2,bob\n"))
    for edit in (Edit("member:3", DropPart()), Edit("member:3/name", RedactSpans())):
        with pytest.raises(NotSupported):
            rewritten(before, [edit], "jane")
    assert _members(rewritten(before, [Edit("member:3/row:2", DropPart())]))["word/jane.csv"] == b"id,name\n2,bob\n"


def test_the_address_of_a_link_stays_an_address() -> None:
    before = _document("word/_rels/document.xml.rels")
    found = [unit.place for unit in units(before, reading(WordGate("jane")))]
    after = rewritten(before, [Edit(place, RedactSpans()) for place in found], "jane")
    assert b'Target="mailto:[erased]"' not in _members(after)["word/_rels/document.xml.rels"]


def test_slides_notes_and_their_authors_are_read() -> None:
    notes = f'<p:notes xmlns:p="{P}" xmlns:a="{A}"><a:p><a:r><a:t>ja</a:t></a:r><a:br/><a:r><a:t>ne</a:t></a:r></a:p></p:notes>'
    before = pptx("<a:p><a:r><a:t>ja</a:t></a:r><a:fld><a:t>ne</a:t></a:fld></a:p>", ("ppt/notesSlides/notesSlide1.xml", notes))
    assert [text for text in texts(before).values() if "ja" in text] == ["jane", "ja\nne"]


def test_open_documents_are_read_with_their_deletions_notes_and_annotations() -> None:
    body = (
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>ja<text:span>ne</text:span></text:p></text:deletion>"
        "</text:changed-region></text:tracked-changes>"
        "<text:p>ja<office:annotation><dc:creator>bob</dc:creator><text:p>note</text:p></office:annotation>ne</text:p>"
        "<text:p>ja<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>foot</text:p></text:note-body></text:note>ne</text:p>"
        "<text:p>a<text:s/>b<text:tab/>c</text:p>"
    )
    said = list(texts(odt(body)).values())
    assert said.count("jane") == 3
    assert {"bob", "note", "foot", "a b\tc"} <= set(said)


def test_the_first_member_stays_the_first_and_stored() -> None:
    before = odt("<text:p>ja<text:span>ne</text:span></text:p>")
    after = rewritten(before, [Edit("member:2/p:1", RedactSpans())], "jane")
    assert after[30:].startswith(b"mimetypeapplication/vnd.oasis.opendocument.text")
    assert b"[erased]" in _members(after)["content.xml"]


def test_an_open_document_with_a_password_is_a_gap() -> None:
    manifest = f'<m:manifest xmlns:m="{ODF}manifest:1.0"><m:file-entry m:full-path="content.xml"><m:encryption-data/></m:file-entry></m:manifest>'
    before = odt("<text:p>x</text:p>", ("META-INF/manifest.xml", manifest))
    assert gaps(before, reading(WordGate("jane"))) == ["odf.encrypted"]


def test_a_broken_part_is_a_gap_and_the_others_are_read() -> None:
    before = docx(_JANE, ("word/header1.xml", f"<w:hdr {_WORDS}><w:p>ja"))
    assert gaps(before, reading(WordGate("jane"))) == ["xml.broken"]
    assert [unit.text for unit in units(before, reading(WordGate("jane")))] == ["jane"]


@pytest.mark.parametrize(
    ("data", "kind", "name"),
    [
        (docx(""), "docx", "package"),
        (pptx(""), "pptx", "package"),
        (odt(""), "odt", "package"),
        (epub(""), "epub", "package"),
        (zipped(("a.xml", "<x/>"), ("[Content_Types].xml", "<broken")), "package", "package"),
        (zipped(("mimetype", "text/plain"), ("a.txt", "x")), "", "zip"),
        (zipped(("a.txt", "x")), "", "zip"),
    ],
)
def test_the_content_says_what_kind_of_document_an_archive_is(data: bytes, kind: str, name: str) -> None:
    assert package_kind(opener(data), Limits()) == kind
    assert FILES._kind(opener(data), reading(name="a.zip"))[0] == name


def test_parts_have_types_and_point_at_each_other() -> None:
    inner = '<Relationship Id="r1" Type="t" Target="../other/x%20y.xml"/><Relationship Id="r2" Target="http://x" TargetMode="External"/>'
    links = f'<Relationships xmlns="{RELATIONS}">{inner}</Relationships>'
    package = package_of(opener(docx("", ("word/_rels/document.xml.rels", links))), Reading("files", None))
    main = package.named("/WORD/document.xml")
    assert main is not None
    assert main.content_type.endswith("wordprocessingml.document.main+xml")
    assert [(one.id, one.target, one.is_external) for one in package.relations(main)] == [("r1", "other/x y.xml", False), ("r2", "http://x", True)]
    assert package.relations(None) == ()
