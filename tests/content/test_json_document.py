"""JSON documents: places, records, edits of single literals; hostile nesting and broken syntax end as gaps."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.format import Limits, Reading
from dsr_engine.domain.anonymize import Method, MethodName
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans, SetValue
from dsr_engine.domain.record import Unit
from dsr_engine.domain.system import CollectionMap, FieldMap
from tests.content.plain_words import WordGate, gaps, read, reading, rewritten, texts, units

_DOCUMENT = (
    b'{ "v": 1.50,\n  "customers": [\n    {"id": 1, "email": "jane@x.org", "tags": ["a", "jane"]},\n'
    b'    {"id": 2, "email": "bob@x.org"},\n'
    b'    {"id": 3, "email": "eve@x.org", "note": "knows \\u006aane\\/jane \\u00fc"}\n  ],\n  "note": "by jane", "x": true }\n'
)
_SCALAR = st.one_of(st.none(), st.booleans(), st.integers(-9, 99), st.text(st.sampled_from('ab"\\/ü😀\n'), max_size=5))
_KEYS = st.sampled_from(["a", "b", "email", "k@x.org", "4711", ""])
_VALUE = st.recursive(_SCALAR, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4), max_leaves=20)


def test_elements_of_the_outermost_array_of_objects_are_records() -> None:
    found = units(_DOCUMENT, reading(WordGate("bob")))
    assert [(unit.place, unit.text, unit.inside) for unit in found] == [
        ("$.customers[1].id", "2", "$.customers[1]"),
        ("$.customers[1].email", "bob@x.org", "$.customers[1]"),
    ]


def test_an_element_of_a_plain_list_can_not_own_its_record_but_a_mapped_one_can() -> None:
    found = {unit.place: unit for unit in units(_DOCUMENT, reading(WordGate("jane@")))}
    assert not found["$.customers[0].tags[1]"].is_value
    assert found["$.customers[0].email"].is_value
    known = CollectionMap("files", fields=(FieldMap("customers.tags", "user.contact.email", "email"),))
    mapped = {unit.place: unit for unit in units(_DOCUMENT, Reading("files", WordGate("jane@"), map=known))}
    assert mapped["$.customers[0].tags[1]"].is_value


def test_members_around_the_records_are_given_together() -> None:
    found = {unit.place: unit.inside for unit in units(_DOCUMENT, reading(WordGate("by jane")))}
    assert found == {"$.v": "", "$.note": ""}


def test_only_the_edited_literal_changes() -> None:
    edits = [Edit("$.customers[2].note", RedactSpans()), Edit("$.customers[0].id", SetValue(Method(MethodName.TEXT, "0"), "user.id"))]
    after = rewritten(_DOCUMENT, edits, "jane")
    expected = _DOCUMENT.replace(b"\\u006aane\\/jane", b"[erased]/[erased]").replace(b'"id": 1', b'"id": "0"')
    assert after == expected


@pytest.mark.parametrize("gone", [{0}, {1}, {2}, {0, 1}, {1, 2}, {0, 2}, {0, 1, 2}])
def test_dropped_elements_take_one_comma_each(gone: set[int]) -> None:
    after = rewritten(_DOCUMENT, [Edit(f"$.customers[{number}]", DropPart()) for number in gone])
    expected = json.loads(_DOCUMENT)
    expected["customers"] = [element for number, element in enumerate(expected["customers"]) if number not in gone]
    assert json.loads(after) == expected


def test_a_map_keyed_by_address_has_a_record_for_each_and_names_none() -> None:
    before = b'{"by_mail": {"jane@x.org": {"name": "jane"}, "bob@x.org": {"name": "bob", "friend": "jane"}}, "jane": 7}'
    found = units(before, reading(WordGate("jane")))
    assert all("jane" not in unit.place and "jane" not in unit.inside for unit in found)
    assert {unit.inside for unit in found} == {"$.by_mail{0}", "$.by_mail{1}", ""}
    after = rewritten(before, [Edit("$.by_mail{0}", DropPart()), Edit("${1}/name", RedactSpans())], "jane")
    assert after == b'{"by_mail": {"bob@x.org": {"name": "bob", "friend": "jane"}}, "[erased]": 7}'


def test_a_repeated_key_is_told_apart() -> None:
    before = b'[{"a": "jane", "a": "jane too"}]'
    assert texts(before, reading(WordGate("jane"))) == {"$[0].a": "jane", "$[0]{1}": "jane too"}
    assert rewritten(before, [Edit("$[0]{1}", RedactSpans())], "jane") == b'[{"a": "jane", "a": "[erased] too"}]'


def test_a_number_that_is_redacted_becomes_a_text() -> None:
    assert rewritten(b'[{"tel": 4930123}]', [Edit("$[0].tel", RedactSpans())], "4930123") == b'[{"tel": "[erased]"}]'


@pytest.mark.parametrize("place", ["$.customers[9]", "$.nothing", "$.customers[0].email.more", "row:1", "$.note/name/x", "$!"])
def test_what_is_not_there_is_refused(place: str) -> None:
    with pytest.raises(NotSupported):
        rewritten(_DOCUMENT, [Edit(place, RedactSpans())], "jane")


def test_a_hundred_thousand_levels_are_a_gap() -> None:
    before = b'{"a":' + b"[" * 100_000 + b'"jane"' + b"]" * 100_000 + b"}"
    assert gaps(before, reading(WordGate("jane"), "a.json")) == ["json.too_deep"]
    assert any("jane" in unit.text for unit in units(before, reading(WordGate("jane"), "a.json")))
    with pytest.raises(NotSupported):
        rewritten(before, [Edit("$.a[0]", RedactSpans())], "jane", name="a.json")


def test_broken_json_is_read_up_to_the_fault_and_searched_behind_it() -> None:
    before = b'[{"a": "jane 1"}, {"a": "jane 2" "b"}, {"a": "jane 3"}]'
    found = read(before, reading(WordGate("jane")))
    assert any(isinstance(unit, Unit) and unit.place == "$[0].a" and unit.text == "jane 1" for unit in found)
    assert any(isinstance(unit, Unit) and unit.is_opaque and "jane 3" in unit.text for unit in found)
    assert gaps(before, reading(WordGate("jane"))) == ["json.broken"]


def test_an_object_longer_than_the_limit_is_searched_as_bytes_and_the_next_ones_are_read() -> None:
    limited = Reading("files", WordGate("jane"), limits=Limits(line_bytes=1024 * 1024))
    rows = ",".join(f'"k{chr(97 + n % 26)}": "{"z" * 1000}"' for n in range(4000))
    before = b'[{"a": "jane"}, {' + rows.encode() + b', "b": "jane"}, {"a": "jane"}]'
    found = units(before, limited)
    assert [(unit.place, unit.is_opaque) for unit in found] == [("$[0].a", False), ("$[1]", True), ("$[2].a", False)]
    assert gaps(before, limited) == ["json.value_too_long"]


def test_a_large_document_is_read_in_order_with_right_numbers() -> None:
    elements = [
        {"id": number, "name": "jane" if number % 5000 == 0 else "someone else entirely", "o": {"p": ["q", {"r": 1}]}} for number in range(30_000)
    ]
    before = json.dumps({"rows": elements}).encode()
    found = texts(before, reading(WordGate("jane")))
    assert [place for place in found if place.endswith(".name")] == [f"$.rows[{number}].name" for number in range(0, 30_000, 5000)]
    after = rewritten(before, [Edit(f"$.rows[{number}]", DropPart()) for number in range(0, 30_000, 5000)])
    assert json.loads(after) == {"rows": [element for element in elements if element["name"] != "jane"]}


@given(_VALUE, st.sampled_from([None, 1]), st.booleans())
@settings(deadline=None, max_examples=150)
def test_units_are_the_scalars_of_the_value_and_every_place_is_accepted(value: object, indent: int | None, ascii_only: bool) -> None:
    before = json.dumps({"data": [{"value": value, "mark": "ab"}]}, indent=indent, ensure_ascii=ascii_only).encode()
    found = [unit for unit in units(before) if not unit.place.endswith("/name")]
    assert sorted(unit.text for unit in found) == sorted(_scalars({"value": value, "mark": "ab"}))
    untouched = rewritten(before, [Edit(unit.place, RedactSpans()) for unit in units(before)], "nobody")
    assert untouched == before


@given(_VALUE, st.data())
@settings(deadline=None, max_examples=100)
def test_after_a_rewrite_everything_else_reads_as_before(value: object, data: st.DataObject) -> None:
    before = json.dumps({"data": [{"value": value, "mark": "ab"}], "c": "d"}, ensure_ascii=False).encode()
    found = texts(before)
    place = data.draw(st.sampled_from(sorted(place for place in found if not place.endswith("/name"))))
    after = rewritten(before, [Edit(place, SetValue(Method(MethodName.TEXT, 'new "ü"'), "user"))])
    assert texts(after) == {**found, place: 'new "ü"'}


def _scalars(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _scalars(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _scalars(inner)]
    if value is None or isinstance(value, bool):
        return []
    return [str(value)]
