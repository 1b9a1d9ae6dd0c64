"""Workbooks: every hidden place is read, cells and rows change and their neighbours do not; another library reads the result."""

import io
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from dsr_engine.content.files import rewrite_file
from dsr_engine.content.format import Reading
from dsr_engine.content.match import Matcher
from dsr_engine.content.rewriter import CaseRewriter
from dsr_engine.content.sheets.sheet_cells import cells_of, exact_cells
from dsr_engine.domain.anonymize import Method, MethodName
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans, SetValue
from dsr_engine.domain.record import Locator, Record
from dsr_engine.domain.system import CollectionMap, FieldMap
from tests.content.people import JANE
from tests.content.plain_words import WordGate, gaps, opener, reading, rewritten, texts, units
from tests.content.workbooks import PARTS, ROWS, STRINGS, parts_of, workbook

_MATCHER = Matcher({"case": JANE})
#: Every place in which somebody is hidden in the workbook.
_PLACES = {
    "member:3/p:1",
    "sheet:1/around/p:1",
    "sheet:1/around/attribute:9",
    "sheet:1/around/p:2",
    "member:6/record:1/@Target",
    "member:11/p:2",
    "member:12/attribute:3",
    "member:13/bytes:0",
    "string:9",
    "sheet:1/row:3/email",
    "sheet:1/row:3/name",
    "sheet:1/row:3/note",
    "sheet:1/row:3/4",
    "sheet:1/row:3/5",
    "sheet:1/row:3/7/formula",
    "sheet:1/row:5/email",
    "sheet:1/row:5/name",
    "sheet:1/row:5/note/spoken",
    "sheet:2/row:2/1-2",
}


#: The same without a pivot cache, under which rows cannot go.
_PLAIN = {name: content for name, content in PARTS.items() if "pivot" not in name}


def _set(text: str) -> SetValue:
    return SetValue(Method(MethodName.TEXT, text), "user")


def _places(data: bytes) -> list[tuple[str, bool]]:
    found = units(data, Reading("files", _MATCHER.gate))
    claims = _MATCHER.findings(Record(Locator("s", "files", ("k",)), tuple(found), "server"))
    return list(dict.fromkeys((hit.place, hit.is_rewritable) for claim in claims for hit in claim.hits))


def _erased(data: bytes, places: list[str]) -> bytes:
    sink = io.BytesIO()
    rewriter = CaseRewriter(_MATCHER, "case", b"k" * 32)
    rewrite_file(opener(data), sink, [Edit(place, RedactSpans()) for place in places], rewriter, Reading("files", None))
    return sink.getvalue()


def _table(data: bytes, sheet: str = "Customers") -> list[list[object]]:
    """The sheet as calamine reads it."""
    return [list(row) for row in CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_name(sheet).to_python()]


def test_every_hidden_place_of_a_workbook_is_found() -> None:
    assert {place for place, _ in _places(workbook())} == _PLACES
    assert gaps(workbook(), Reading("files", _MATCHER.gate)) == ["binary.unknown"]


def test_after_a_rewrite_no_part_holds_the_person_and_all_others_are_as_they_were() -> None:
    before = workbook({name: content for name, content in PARTS.items() if name != "xl/vbaProject.bin"})
    after = _erased(before, [place for place, is_rewritable in _places(before) if is_rewritable])
    assert not _places(after)
    for name, content in parts_of(after).items():
        shown = "".join(ElementTree.fromstring(content).itertext()) + content
        assert not any(value in shown.casefold() for value in ("jane.doe", "jane doe", "491701234567", "30748")), name
    assert _table(after)[1] == ["bob@x.org", "Bob", "", 491701111111.0, "", "", "", ""]
    assert _table(after)[2] == ["[redacted]", "[redacted]", "about [redacted] & co", "[redacted]", "[redacted]", 2.0, "Bob", ""]
    assert _table(after, "Hidden") == [["first", "last"], ["[redacted]", ""], ["Jane", "Smith"]]
    was, now = parts_of(before), parts_of(after)
    changed = {name for name in was if was[name] != now[name]}
    assert changed == {name for name in was if "jane" in was[name].casefold()} | {"xl/worksheets/sheet2.xml"}


def test_a_cell_that_changes_leaves_those_that_share_its_string() -> None:
    after = rewritten(workbook(), [Edit("sheet:1/row:3/name", RedactSpans())], "Jane")
    parts = parts_of(after)
    assert parts["xl/sharedStrings.xml"] == PARTS["xl/sharedStrings.xml"]
    assert parts["xl/worksheets/sheet1.xml"] == PARTS["xl/worksheets/sheet1.xml"].replace(
        '<c r="B3" s="0" t="s"><v>5</v></c>', '<c r="B3" s="0" t="inlineStr"><is><t xml:space="preserve">[erased] Doe</t></is></c>'
    )
    both = rewritten(workbook(), [Edit(f"sheet:1/row:{row}/name", RedactSpans()) for row in (3, 5)], "Jane")
    assert "Jane Doe" not in parts_of(both)["xl/sharedStrings.xml"].replace(STRINGS[7], "")
    assert [row[1] for row in _table(both)] == ["name", "Bob", "[erased] Doe", "", "[erased] Doe"]


def test_a_dropped_row_is_emptied_where_it_stands_with_its_comments_and_formulas() -> None:
    parts = parts_of(rewritten(workbook(_PLAIN), [Edit("sheet:1/row:3", DropPart())]))
    assert parts["xl/worksheets/sheet1.xml"] == PARTS["xl/worksheets/sheet1.xml"].replace(ROWS[2], '<row r="3"/>')
    assert "about jane." not in parts["xl/sharedStrings.xml"]
    assert "Jane Doe" in parts["xl/sharedStrings.xml"]
    assert "ill in spring" not in parts["xl/comments1.xml"]
    assert "likes" in parts["xl/comments1.xml"]
    assert "xl/calcChain.xml" not in parts
    assert "calcChain" not in parts["[Content_Types].xml"] + parts["xl/_rels/workbook.xml.rels"]


def test_the_links_of_a_dropped_row_go_with_their_targets() -> None:
    parts = parts_of(rewritten(workbook(_PLAIN), [Edit("sheet:1/row:2", DropPart())]))
    assert "hyperlink" not in parts["xl/worksheets/sheet1.xml"]
    assert "mailto" not in parts["xl/worksheets/_rels/sheet1.xml.rels"]
    assert parts["xl/calcChain.xml"] == PARTS["xl/calcChain.xml"]
    assert ROWS[2] in parts["xl/worksheets/sheet1.xml"]


def test_a_row_of_which_a_pivot_cache_keeps_a_copy_is_not_emptied() -> None:
    with pytest.raises(NotSupported, match="pivot cache"):
        rewritten(workbook(), [Edit("sheet:1/row:3", DropPart())])
    assert rewritten(workbook(), [Edit("sheet:1/row:3/name", RedactSpans())], "Jane")


def test_a_formula_that_other_rows_share_stays_when_its_row_goes() -> None:
    shared = '<c r="B2"><f t="shared" ref="B2:B3" si="0">A2&amp;1</f><v>x</v></c>'
    sheet = PARTS["xl/worksheets/sheet1.xml"].replace(ROWS[1], f'<row r="2"><c r="A2" t="inlineStr"><is><t>jane</t></is></c>{shared}</row>')
    after = parts_of(rewritten(workbook({**_PLAIN, "xl/worksheets/sheet1.xml": sheet}), [Edit("sheet:1/row:2", DropPart())]))
    assert '<row r="2"><c r="B2"><f t="shared" ref="B2:B3" si="0">A2&amp;1</f></c></row>' in after["xl/worksheets/sheet1.xml"]
    told = sheet.replace("A2&amp;1", "A2&amp;&quot;jane&quot;")
    with pytest.raises(NotSupported):
        rewritten(workbook({**_PLAIN, "xl/worksheets/sheet1.xml": told}), [Edit("sheet:1/row:2", DropPart())])


def test_values_are_set_and_formulas_that_gave_them_go() -> None:
    after = rewritten(workbook(), [Edit("sheet:1/row:3/email", _set("a<b & _x0041_")), Edit("sheet:1/row:3/6", _set("null"))])
    assert _table(after)[2][0] == "a<b & _x0041_"
    assert _table(after)[2][5] == ""
    assert "1+1" not in parts_of(after)["xl/worksheets/sheet1.xml"]


def test_a_row_is_owned_by_the_field_that_a_manifest_knows() -> None:
    known = CollectionMap("files", fields=(FieldMap("email", "user.contact.email", "email"),))
    found = units(workbook(), Reading("files", _MATCHER.gate, map=known))
    claims = _MATCHER.findings(Record(Locator("s", "files", ("k",)), tuple(found), "server"))
    assert {unit.inside for unit in found if unit.field is not None} == {"sheet:1/row:3", "sheet:1/row:5"}
    assert {hit.place for claim in claims for hit in claim.hits if claim.match.value == "owns"} >= {"sheet:1/row:3/email", "sheet:1/row:5/email"}


def test_dates_and_long_numbers_are_read_as_people_see_them() -> None:
    found = texts(workbook(), reading())
    assert found["sheet:1/row:3/5"] == "1984-03-07"
    assert found["sheet:1/row:3/4"] == "491701234567"
    mac = PARTS["xl/workbook.xml"].replace("<sheets>", '<workbookPr date1904="1"/><sheets>')
    assert texts(workbook({**PARTS, "xl/workbook.xml": mac}), reading())["sheet:1/row:3/5"] == "1988-03-08"


@pytest.mark.parametrize("place", ["sheet:1/row:9", "sheet:9/row:1", "sheet:1/row:3/none", "sheet:1/row:2/3", "string:99", "member:5"])
def test_what_is_not_there_is_refused(place: str) -> None:
    with pytest.raises(NotSupported):
        rewritten(workbook(), [Edit(place, DropPart() if place.count("/") < 2 else RedactSpans())], "jane")


@pytest.mark.parametrize(
    "bad",
    [
        PARTS["xl/worksheets/sheet1.xml"].replace("</row>", "</wor>", 2),
        PARTS["xl/worksheets/sheet1.xml"][:900],
        PARTS["xl/worksheets/sheet1.xml"].replace("<worksheet", '<!DOCTYPE a [<!ENTITY b "c">]><worksheet', 1),
    ],
)
def test_a_damaged_sheet_is_a_gap_and_what_can_be_seen_is_found(bad: str) -> None:
    found = gaps(workbook({**PARTS, "xl/worksheets/sheet1.xml": bad}), Reading("files", WordGate("jane")))
    assert set(found) - {"binary.unknown"}


def test_a_workbook_without_shared_strings_and_one_with_wrong_numbers_are_read() -> None:
    wrong = PARTS["xl/worksheets/sheet1.xml"].replace("<v>5</v>", "<v>99999999999</v>", 1).replace("<v>6</v>", "<v>-1</v>")
    assert "sheet:1/row:3/email" in texts(workbook({**PARTS, "xl/worksheets/sheet1.xml": wrong}), reading(WordGate("jane")))
    without = {name: content for name, content in PARTS.items() if name != "xl/sharedStrings.xml"}
    assert "sheet:1/row:3/1" in texts(workbook(without), reading(WordGate("jane")))


def test_what_stands_in_comments_of_xml_between_cells_is_found() -> None:
    odd = PARTS["xl/worksheets/sheet1.xml"].replace('<row r="5">', '<row r="5"><!-- zoe --><c><v><![CDATA[zoe]]></v></c>')
    before = workbook({**PARTS, "xl/worksheets/sheet1.xml": odd})
    assert "xlsx.comments" in gaps(before, reading(WordGate("zoe")))
    places = [place for place, text in texts(before, reading(WordGate("zoe"))).items() if "zoe" in text]
    assert "zoe" not in parts_of(rewritten(before, [Edit(place, RedactSpans()) for place in places], "zoe"))["xl/worksheets/sheet1.xml"]


_TEXT = st.text(st.sampled_from("ab<&>\"' _x0041\n\tü漢"), max_size=6)
_CELL = st.one_of(_TEXT, st.integers(-(10**12), 10**12), st.none())


def _xml(reference: str, value: str | int | None, prefix: str) -> str:
    if value is None:
        return f'<{prefix}c r="{reference}"/>'
    if isinstance(value, int):
        return f'<{prefix}c r="{reference}"><{prefix}v>{value}</{prefix}v></{prefix}c>'
    said = value.replace("&", "&amp;").replace("<", "&lt;")
    return f'<{prefix}c r="{reference}" t="inlineStr"><{prefix}is><{prefix}t>{said}</{prefix}t></{prefix}is></{prefix}c>'


@given(st.lists(_CELL, max_size=6), st.sampled_from(["", "x:"]))
@settings(deadline=None, max_examples=100)
def test_the_fast_way_and_the_exact_way_see_the_same_cells(values: list[str | int | None], prefix: str) -> None:
    cells = "".join(_xml(f"{'ABCDEFG'[at]}7", value, prefix) for at, value in enumerate(values))
    row = f'<{prefix}row r="7">{cells}</{prefix}row>'.encode()
    assert cells_of(row) == tuple(cell.plain for cell in exact_cells(row))


@given(st.data())
@settings(deadline=None, max_examples=30)
def test_rows_that_are_not_edited_keep_their_bytes(data: st.DataObject) -> None:
    chosen = data.draw(st.sets(st.sampled_from([2, 3, 5]), min_size=1))
    after = parts_of(rewritten(workbook(_PLAIN), [Edit(f"sheet:1/row:{row}", DropPart()) for row in chosen]))["xl/worksheets/sheet1.xml"]
    for number, row in zip((1, 2, 3, 5), ROWS, strict=True):
        assert (row in after) is (number not in chosen)


@given(st.data())
@settings(deadline=None, max_examples=40)
def test_damaged_workbooks_end_as_gaps_and_never_as_errors(data: st.DataObject) -> None:
    before = bytearray(workbook())
    for _ in range(data.draw(st.integers(1, 4))):
        before[data.draw(st.integers(4, len(before) - 1))] = data.draw(st.integers(0, 255))
    after = bytes(before[: data.draw(st.integers(30, len(before)))])
    assert units(after, reading(WordGate("jane"))) or gaps(after, reading(WordGate("jane")))
