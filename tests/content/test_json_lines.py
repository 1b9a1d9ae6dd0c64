"""JSON Lines: a line is a record; dropping and editing leaves all other lines byte for byte."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.format import Reading
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from dsr_engine.domain.system import CollectionMap, FieldMap
from tests.content.plain_words import WordGate, gaps, reading, rewritten, texts, units

_LINES = (
    b'{"id": 1, "customer": {"email": "jane@x.org"}, "active": true}\r\n\n'
    b'{"id":2,"customer":{"email":"bob@x.org"}}\r\n{"id":3.0,"n":"jane \\ud83d\\ude00"}'
)


def test_a_line_that_passes_is_given_whole() -> None:
    known = CollectionMap("files", fields=(FieldMap("customer.email", "user.contact.email", "email"), FieldMap("active", "user.status")))
    found = units(_LINES, Reading("files", WordGate("jane@"), map=known))
    assert [(unit.place, unit.text, unit.inside) for unit in found] == [
        ("line:1/$.id", "1", "line:1"),
        ("line:1/$.customer.email", "jane@x.org", "line:1"),
        ("line:1/$.active", "true", "line:1"),
    ]
    assert [unit.field and unit.field.selects for unit in found] == [None, "email", None]


def test_a_dropped_line_goes_with_its_line_end_and_an_edit_keeps_the_line() -> None:
    after = rewritten(_LINES, [Edit("line:1", DropPart()), Edit("line:4/$.n", RedactSpans())], "jane")
    assert after == b'\n{"id":2,"customer":{"email":"bob@x.org"}}\r\n{"id":3.0,"n":"[erased] \\ud83d\\ude00"}'


def test_a_broken_line_is_a_gap_and_the_others_are_read() -> None:
    before = b'{"a": "jane"}\n{"a": "jane\n{"a": "jane"}\n'
    found = units(before, reading(WordGate("jane")))
    assert [(unit.place, unit.is_opaque) for unit in found] == [("line:1/$.a", False), ("line:2", True), ("line:3/$.a", False)]
    assert gaps(before, reading(WordGate("jane"))) == ["json.broken"]
    with pytest.raises(NotSupported):
        rewritten(before, [Edit("line:2/$.a", RedactSpans())], "jane")


@pytest.mark.parametrize("place", ["line:9/$.a", "line:1/$.b", "row:1/$.id", "line:1"])
def test_what_is_not_there_is_refused(place: str) -> None:
    with pytest.raises(NotSupported):
        rewritten(_LINES, [Edit(place, RedactSpans())], "jane")


@given(
    st.lists(st.dictionaries(st.sampled_from("abc"), st.text(st.sampled_from('jane"ü\\ '), max_size=6), min_size=1), min_size=2, max_size=10),
    st.data(),
)
@settings(deadline=None, max_examples=80)
def test_dropping_lines_leaves_the_bytes_of_all_others(objects: list[dict[str, str]], data: st.DataObject) -> None:
    lines = [json.dumps(value).encode() + b"\n" for value in objects]
    gone = data.draw(st.sets(st.integers(1, len(lines))))
    after = rewritten(b"".join(lines), [Edit(f"line:{number}", DropPart()) for number in gone])
    assert after == b"".join(line for number, line in enumerate(lines, 1) if number not in gone)


def test_line_numbers_are_right_across_buffers() -> None:
    before = b"".join(json.dumps({"n": number, "t": "jane" if number % 40_000 == 7 else "x" * 60}).encode() + b"\n" for number in range(1, 100_001))
    found = [place for place in texts(before, reading(WordGate("jane"))) if place.endswith(".t")]
    assert found == ["line:7/$.t", "line:40007/$.t", "line:80007/$.t"]
    after = rewritten(before, [Edit("line:40007", DropPart())])
    assert after == before.replace(b'{"n": 40007, "t": "jane"}\n', b"")
