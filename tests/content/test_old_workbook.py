"""Old and binary workbooks: cells by a library in a child, everything else as bytes; never rewritten, and never read further than the limits."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.format import Reading
from dsr_engine.content.match import Matcher
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit
from dsr_engine.domain.record import Locator, Record
from tests.content.old_workbooks import Rows, xls, xlsb
from tests.content.people import EMAIL, JANE
from tests.content.plain_words import WordGate, gaps, reading, rewritten, texts, units

_MATCHER = Matcher({"case": JANE})
_BOB: list[str | float] = ["bob@x.org", "Bob", 491701111111.0]
_ROWS: Rows = [["email", "name", "phone"], _BOB, [EMAIL, "Jane Doe", 491701234567.0], ["eve@x.org", "漢 Jane Doe", 1.5]]


def _places(data: bytes) -> set[str]:
    found = units(data, Reading("files", _MATCHER.gate))
    claims = _MATCHER.findings(Record(Locator("s", "files", ("k",)), tuple(found), "server"))
    return {hit.place for claim in claims for hit in claim.hits}


@pytest.mark.parametrize("data", [xls({"Customers": _ROWS}), xlsb(_ROWS)], ids=["xls", "xlsb"])
def test_rows_are_records_and_cells_are_values(data: bytes) -> None:
    found = [unit for unit in units(data, reading(WordGate("bob"))) if not unit.is_opaque]
    assert [(unit.place, unit.text, unit.inside, unit.is_value) for unit in found] == [
        ("sheet:1/row:2/email", "bob@x.org", "sheet:1/row:2", True),
        ("sheet:1/row:2/name", "Bob", "sheet:1/row:2", True),
        ("sheet:1/row:2/phone", "491701111111", "sheet:1/row:2", True),
    ]
    assert "sheet.partial" in gaps(data, reading(WordGate("bob")))
    wanted = {"sheet:1/row:3/email", "sheet:1/row:3/name", "sheet:1/row:3/phone", "sheet:1/row:4/name"}
    assert {place for place in _places(data) if place.startswith("sheet:")} == wanted


@pytest.mark.parametrize("data", [xls({"A": [["x"]]}, f"for {EMAIL}"), xls({"A": [["x"]]}, f"漢 {EMAIL}"), xlsb([["x"]], f"for {EMAIL}")])
def test_what_is_no_cell_is_found_in_the_bytes(data: bytes) -> None:
    assert any("bytes:" in place for place in _places(data))


def test_all_sheets_and_their_names_are_read() -> None:
    data = xls({"jane": [["one"]], "b": [["Jane", "Doe"], ["Jane", "Roe"]]})
    assert texts(data, reading())["sheet:1/name"] == "jane"
    assert "sheet:2/row:1/1-2" in _places(data)
    assert not any("row:2" in place for place in _places(data))


@pytest.mark.parametrize("data", [xls({"A": _ROWS}), xlsb(_ROWS)], ids=["xls", "xlsb"])
def test_it_is_not_rewritten(data: bytes) -> None:
    assert rewritten(data, []) == data
    with pytest.raises(NotSupported):
        rewritten(data, [Edit("sheet:1/row:2", DropPart())])


@given(st.sampled_from([xls({"A": _ROWS}), xlsb(_ROWS)]), st.data())
@settings(deadline=None, max_examples=25)
def test_damaged_files_end_as_gaps(before: bytes, data: st.DataObject) -> None:
    damaged = bytearray(before)
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(512, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    assert gaps(bytes(damaged), reading(WordGate("jane")))
