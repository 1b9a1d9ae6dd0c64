"""OpenDocument spreadsheets: rows as records, repeated cells read once, what is noted beside a cell; calamine reads the result."""

import io
import zipfile
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from dsr_engine.content.files import rewrite_file
from dsr_engine.content.format import Reading
from dsr_engine.content.match import Matcher
from dsr_engine.content.rewriter import CaseRewriter
from dsr_engine.content.sheets.ods_cells import row_of, shown_row
from dsr_engine.domain.anonymize import Method, MethodName
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans, SetValue
from dsr_engine.domain.record import Locator, Record
from tests.content.people import EMAIL, JANE
from tests.content.plain_words import WordGate, gaps, opener, reading, rewritten, texts, units

_MATCHER = Matcher({"case": JANE})
_NAMES = "".join(
    f' xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in (("office", "office"), ("table", "table"), ("text", "text"), ("draw", "drawing"), ("meta", "meta"))
)
_XLINK = ' xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:dc="http://purl.org/dc/elements/1.1/"'


def _cell(text: str, more: str = "") -> str:
    return f'<table:table-cell office:value-type="string"><text:p>{text}</text:p>{more}</table:table-cell>'


_NOTE = "<office:annotation><dc:creator>Jane Doe</dc:creator><text:p>call <text:span>jane.</text:span>doe@example.com</text:p></office:annotation>"
_LINK = f'<text:a xlink:href="mailto:{EMAIL}">Eve</text:a>'
_ROWS = (
    f"<table:table-row>{_cell('email')}{_cell('name')}{_cell('phone')}{_cell('born')}</table:table-row>",
    f"<table:table-row>{_cell('bob@x.org')}{_cell('Bob', _NOTE)}<table:table-cell/></table:table-row>",
    f"<table:table-row>{_cell('jane.<text:span>doe</text:span>@example.com')}{_cell('Jane<text:s/>Doe')}"
    '<table:table-cell office:value-type="float" office:value="491701234567"><text:p>4,9E+11</text:p></table:table-cell>'
    '<table:table-cell office:value-type="date" office:date-value="1984-03-07"><text:p>7. March</text:p></table:table-cell>'
    f'<table:table-cell table:formula="of:=HYPERLINK(&quot;mailto:{EMAIL}&quot;)" office:value-type="string"><text:p>x</text:p></table:table-cell>'
    '<table:table-cell table:number-columns-repeated="16000"/></table:table-row>',
    f'<table:table-row table:number-rows-repeated="3">{_cell("eve@x.org")}{_cell(_LINK)}</table:table-row>',
    '<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>',
)
_SECOND = "\n".join(f"<table:table-row>{_cell(one)}{_cell(other)}</table:table-row>" for one, other in (("first", "last"), ("Jane", "Doe")))
_CONTENT = (
    f'<?xml version="1.0" encoding="UTF-8"?>\n<office:document-content{_NAMES}{_XLINK}><office:body><office:spreadsheet>'
    '<table:table table:name="Customers"><table:shapes><draw:frame draw:name="about Jane Doe"/></table:shapes>'
    f'{"".join(_ROWS)}</table:table>\n<table:table table:name="of {EMAIL}">{_SECOND}'
    "</table:table></office:spreadsheet></office:body></office:document-content>"
)
_META = f"<office:document-meta{_NAMES}{_XLINK}><office:meta><dc:creator>Jane Doe</dc:creator></office:meta></office:document-meta>"


def _ods(content: str = _CONTENT) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr(zipfile.ZipInfo("mimetype"), "application/vnd.oasis.opendocument.spreadsheet")
        for name, said in (("content.xml", content), ("meta.xml", _META), ("META-INF/manifest.xml", "<manifest/>")):
            archive.writestr(zipfile.ZipInfo(name), said, zipfile.ZIP_DEFLATED)
    return sink.getvalue()


def _content(data: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.infolist()[0].filename == "mimetype"
        return archive.read("content.xml").decode()


def _places(data: bytes) -> list[str]:
    found = units(data, Reading("files", _MATCHER.gate))
    claims = _MATCHER.findings(Record(Locator("s", "files", ("k",)), tuple(found), "server"))
    return list(dict.fromkeys(hit.place for claim in claims for hit in claim.hits))


def _table(data: bytes, sheet: int = 0) -> list[list[object]]:
    return [list(row) for row in CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(sheet).to_python()]


def test_every_hidden_place_is_found_and_nobody_sees_the_person_after_a_rewrite() -> None:
    before = _ods()
    places = _places(before)
    rows = {"row:3/email", "row:3/name", "row:3/phone/stored", "row:3/born/stored", "row:3/5/formula", "row:2/name/note", "row:4/name/note"}
    assert {place for place in places if place.startswith("sheet:1/")} == {f"sheet:1/{row}" for row in rows}
    assert {place for place in places if place.startswith("sheet:2/")} == {"sheet:2/row:2/1-2"}
    assert len([place for place in places if "/around/" in place]) == 2
    sink = io.BytesIO()
    rewriter = CaseRewriter(_MATCHER, "case", b"k" * 32)
    rewrite_file(opener(before), sink, [Edit(place, RedactSpans()) for place in places], rewriter, Reading("files", None))
    after = sink.getvalue()
    assert not _places(after)
    said = _content(after)
    shown = "".join(ElementTree.fromstring(said).itertext()) + said
    assert not any(value in shown.casefold() for value in ("jane", "doe", "1984", "4917", "4,9e"))
    assert _ROWS[0] in said
    assert _ROWS[4] in said
    assert _table(after)[:4] == [
        ["email", "name", "phone", "born", ""],
        ["bob@x.org", "Bob", "", "", ""],
        ["[redacted]", "[redacted]", "[redacted]", "[redacted]", "x"],
        ["eve@x.org", "Eve", "", "", ""],
    ]


def test_a_dropped_row_is_emptied_where_it_stands_and_all_others_keep_their_bytes() -> None:
    after = rewritten(_ods(), [Edit("sheet:1/row:3", DropPart())])
    said = _content(after)
    assert all(row in said for row in (*_ROWS[:2], *_ROWS[3:], _SECOND))
    assert _table(after)[1][0] == "bob@x.org"
    assert not any(_table(after)[2])
    assert _table(after)[3][0] == "eve@x.org"


def test_a_value_is_set_as_a_text_and_the_note_beside_it_stays() -> None:
    how = SetValue(Method(MethodName.TEXT, "a<b"), "user")
    after = rewritten(_ods(), [Edit("sheet:1/row:2/name", how), Edit("sheet:1/row:3/phone", how)])
    assert [_table(after)[1][1], _table(after)[2][2]] == ["a<b", "a<b"]
    assert _NOTE in _content(after)
    assert "491701234567" not in _content(after)


def test_repeated_rows_and_cells_are_read_once() -> None:
    found = texts(_ods(), reading())
    assert [place for place in found if place.startswith("sheet:1/row:") and "eve" in found[place]] == ["sheet:1/row:4/email"]
    assert max(int(place.split(":")[2].split("/")[0]) for place in found if place.startswith("sheet:1/row:")) < 10


@pytest.mark.parametrize("place", ["sheet:1/row:99", "sheet:7/row:1", "sheet:1/row:3/9", "member:2/p:1"])
def test_what_is_not_there_is_refused(place: str) -> None:
    with pytest.raises(NotSupported):
        rewritten(_ods(), [Edit(place, RedactSpans())], "jane")


@pytest.mark.parametrize("bad", [_CONTENT[:1500], _CONTENT.replace("</table:table-row>", "", 1), _CONTENT.replace("<text:p>", "<text:q>", 3)])
def test_damaged_content_is_a_gap_and_what_can_be_seen_is_found(bad: str) -> None:
    assert gaps(_ods(bad), reading(WordGate("bob")))


@given(
    st.lists(
        st.tuples(
            st.text(st.sampled_from("ab<&\"' \n\tü漢"), max_size=6),
            st.sampled_from(
                ["", ' table:number-columns-repeated="3"', ' office:value="1"', ' table:style-name="a"', " table:formula='=&quot;x&quot;'"]
            ),
            st.sampled_from(["table", "covered-table"]),
        ),
        max_size=6,
    )
)
@settings(deadline=None, max_examples=100)
def test_the_quick_way_and_the_exact_way_see_the_same_cells(cells: list[tuple[str, str, str]]) -> None:
    said = [(text.replace("&", "&amp;").replace("<", "&lt;"), attributes, kind) for text, attributes, kind in cells]
    inner = "".join(f"<table:{kind}-cell{attributes}><text:p>{text}</text:p></table:{kind}-cell>" for text, attributes, kind in said)
    row = f'<table:table-row table:number-rows-repeated="2">{inner}</table:table-row>'.encode()
    assert shown_row(row, 7) == (2, row_of(row).shown(7))


@given(st.data())
@settings(deadline=None, max_examples=30)
def test_dropping_rows_leaves_all_others(data: st.DataObject) -> None:
    chosen = data.draw(st.sets(st.sampled_from([2, 3]), min_size=1))
    said = _content(rewritten(_ods(), [Edit(f"sheet:1/row:{row}", DropPart()) for row in chosen]))
    assert [row in said for row in _ROWS] == [number not in chosen for number in (1, 2, 3, 4, 7)]


def test_white_space_formatting_and_links_of_a_cell_stay_where_a_span_is_cut() -> None:
    said = (
        'mail <text:span text:style-name="T1">jane.</text:span>doe@example.com,<text:tab/>or <text:s text:c="2"/>call<text:line-break/>'
        '<text:a xlink:href="mailto:bob@x.org">Bob</text:a> <text:a xlink:href="mailto:jane.doe@example.com">Eve</text:a>'
    )
    data = _ods(_CONTENT.replace(_cell("Bob", _NOTE), _cell(said, _NOTE)))
    after = rewritten(data, [Edit("sheet:1/row:2/2", RedactSpans())], "jane.doe@example.com")
    cut = said.replace("jane.", "[erased]", 1).replace("</text:span>doe@example.com", "</text:span>").replace("jane.doe@example.com", "[erased]")
    assert _content(after) == _content(data).replace(said, cut)


def test_a_value_that_is_set_keeps_its_white_space() -> None:
    after = rewritten(_ods(), [Edit("sheet:1/row:2/2", SetValue(Method(MethodName.TEXT, "  a\tb   c d\n e"), "user"))])
    assert texts(after)["sheet:1/row:2/name"] == "  a\tb   c d\n e"
    assert '<text:p><text:s text:c="2"/>a<text:tab/>b <text:s text:c="2"/>c d</text:p><text:p><text:s text:c="1"/>e</text:p>' in _content(after)
