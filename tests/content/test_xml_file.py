"""XML as data: records with fields, attributes, comments; what a record loses, and what a charset cannot write."""

import io
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.files import rewrite_file
from dsr_engine.content.format import Limits, Reading
from dsr_engine.domain.anonymize import Method, MethodName
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans, SetValue
from dsr_engine.domain.record import Unit
from dsr_engine.domain.system import CollectionMap, FieldMap
from tests.content.plain_words import WordGate, WordRewriter, gaps, opener, read, reading, rewritten, texts, units

_PEOPLE = b"""<?xml version="1.0"?>
<export made="2020"><by>office</by>
 <customer id="1"><name>jane</name><address city="Rome"><street>Via A</street></address><!-- call jane --></customer>
 <customer id="2"><name>bob</name><mail>b@x.org</mail><mail>c@x.org</mail></customer>
 <order no="7"><for><![CDATA[jane & bob]]></for></order>
</export>
"""


def test_fields_of_records_have_places_by_their_names() -> None:
    assert texts(_PEOPLE) == {
        "export/@made": "2020",
        "export/by": "office",
        "record:1/@id": "1",
        "record:1/name": "jane",
        "record:1/address/@city": "Rome",
        "record:1/address/street": "Via A",
        "record:1/comment:1": " call jane ",
        "record:2/@id": "2",
        "record:2/name": "bob",
        "record:2/mail": "b@x.org",
        "record:2/mail[2]": "c@x.org",
        "record:3/@no": "7",
        "record:3/for": "jane & bob",
    }


def test_a_record_that_passes_is_given_whole_and_others_are_not() -> None:
    found = units(_PEOPLE, reading(WordGate("Via A")))
    assert {unit.inside for unit in found} == {"record:1"}
    assert [unit.text for unit in found if unit.is_value] == ["1", "jane", "Rome", "Via A"]


def test_a_dropped_record_goes_with_its_tags_and_all_else_stays() -> None:
    start, end = _PEOPLE.index(b"<customer id"), _PEOPLE.index(b"</customer>") + len(b"</customer>")
    assert rewritten(_PEOPLE, [Edit("record:1", DropPart())]) == _PEOPLE[:start] + _PEOPLE[end:]
    both = [Edit("record:1", DropPart()), Edit("record:1/name", RedactSpans()), Edit("record:3/for", RedactSpans())]
    assert rewritten(_PEOPLE, both, "jane") == (_PEOPLE[:start] + _PEOPLE[end:]).replace(b"jane & bob", b"[erased] & bob")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"<people><person><name>a</name></person></people>", "record:1/name"),
        (b"<countries><country><name>a</name></country></countries>", "record:1/name"),
        (b"<report><person><name>a</name></person></report>", "report/person/name"),
        (b"<r><v>1</v><v>2</v></r>", "r/v"),
        (b"<a><b><c x='1'/><c x='2'/></b></a>", "record:1/@x"),
    ],
)
def test_records_are_elements_that_repeat_or_that_their_list_is_called_after(data: bytes, expected: str) -> None:
    data = data if expected != "record:1/name" or b"people" not in data else data.replace(b"people", b"persons")
    assert next(iter(texts(data, reading(name="a.xml")))) == expected


def test_what_a_manifest_says_of_a_field_is_known_by_path_and_by_name() -> None:
    known = CollectionMap("files", fields=(FieldMap("address.city"), FieldMap("name")))
    found = [got for got in read(_PEOPLE, Reading("files", None, map=known)) if isinstance(got, Unit) and got.field]
    assert {(unit.place, unit.field.name) for unit in found if unit.field} == {
        ("record:1/name", "name"),
        ("record:1/address/@city", "address.city"),
        ("record:2/name", "name"),
    }


def test_a_value_is_set_and_what_the_charset_lacks_is_written_as_a_reference() -> None:
    before = _PEOPLE.replace(b'"1.0"?', b'"1.0" encoding="iso-8859-1"?').replace(b"Rome", "Köln".encode("latin-1"))
    how = SetValue(Method(MethodName.TEXT, 'Łódź "<&>"'), "user.contact.address.city")
    after = rewritten(before, [Edit("record:1/address/@city", how), Edit("record:2/mail[2]", how)])
    root = ElementTree.fromstring(after)
    assert [root[1][1].get("city"), root[2][2].text] == ['Łódź "<&>"'] * 2
    assert after.startswith(before[: before.index(b"Rome") if b"Rome" in before else before.index("Köln".encode("latin-1"))])


def test_names_that_may_be_personal_are_numbered_reported_and_found_again() -> None:
    before = b"<r><jane><x>jane</x></jane><jane><x>bob</x></jane></r>"
    found = texts(before, reading(WordGate("jane"), "a.xml"))
    assert not [place for place in found if "jane" in place]
    place = next(place for place, text in found.items() if text == "jane" and not place.endswith("/name"))
    assert rewritten(before, [Edit(place, RedactSpans())], "jane", name="a.xml").count(b"[erased]") == 1
    named = next(place for place in found if place.endswith("/name"))
    with pytest.raises(NotSupported):
        rewritten(before, [Edit(named, RedactSpans())], "jane", name="a.xml")


def test_mixed_text_is_read_as_a_whole_and_in_its_parts() -> None:
    before = b"<r><note>ja<b>ne</b> was here</note><note><b>bob</b> too</note></r>"
    found = texts(before, reading(name="a.xml"))
    assert "jane was here" in found.values()
    place = next(place for place, text in found.items() if text == "jane was here")
    assert rewritten(before, [Edit(place, RedactSpans())], "jane", name="a.xml") == before.replace(b"ja<b>ne</b>", b"[erased]<b></b>")


def test_broken_xml_is_read_up_to_the_fault_and_searched_as_bytes_behind_it() -> None:
    before = b'<?xml version="1.0"?><r><a>jane</a><b>bob</b></x><c>jane</c>'
    found = [got for got in read(before, reading(WordGate("jane"))) if isinstance(got, Unit)]
    assert [unit.is_opaque for unit in found if "jane" in unit.text]
    assert gaps(before, reading(WordGate("jane"))) == ["xml.broken"]
    with pytest.raises(NotSupported):
        rewritten(before, [Edit("r/a", RedactSpans())], "jane")


def test_entities_are_refused_and_their_text_is_searched_as_bytes() -> None:
    before = b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY e "jane">]><r>&e;</r>'
    assert any("jane" in unit.text for unit in units(before, reading(WordGate("jane"))))
    assert gaps(before, reading(WordGate("jane"))) == ["xml.entities"]


def test_a_text_beyond_the_limit_is_searched_piece_by_piece_and_never_rewritten() -> None:
    before = b'<?xml version="1.0"?><r><a>' + b"x " * 90_000 + b"jane" + b" y" * 90_000 + b"</a></r>"
    how = Reading("files", WordGate("jane"), limits=Limits(line_bytes=65_536))
    assert gaps(before, how) == ["markup.text_too_long"]
    found = units(before, how)
    assert any("jane" in unit.text for unit in found)
    assert all(unit.is_opaque for unit in found)
    with pytest.raises(NotSupported):
        rewrite_file(opener(before), io.BytesIO(), [Edit(found[0].place, RedactSpans())], WordRewriter("jane"), how)


_leaf = st.sampled_from(("jane", "ja<i>ne</i>", "ja<!-- x -->ne", "j&#97;ne", "<![CDATA[ja]]>ne", "bob", "ja ne", "<i>bob</i> x"))


@given(st.lists(st.tuples(_leaf, _leaf), min_size=1, max_size=4))
@settings(deadline=None, max_examples=150)
def test_the_first_look_at_data_misses_nothing_that_reading_all_of_it_finds(rows: list[tuple[str, str]]) -> None:
    body = "".join(f'<row n="{number}"><a>. {one}</a><b>{two}</b></row>' for number, (one, two) in enumerate(rows))
    before = f'<?xml version="1.0"?><rows>{body}</rows>'.encode()
    expected = {unit.place for unit in units(before) if "jane" in unit.text}
    assert {unit.place for unit in units(before, reading(WordGate("jane"))) if "jane" in unit.text} == expected


@pytest.mark.parametrize(
    "before",
    [
        b'<?xml version="1.0"?><rss xmlns:a="http://x.org/jane/1"><item><b>jane</b></item><item><b>bob</b></item></rss>',
        b'<html xmlns="http://x.org/jane/1"><body><p>jane</p></body></html>',
    ],
)
def test_the_name_of_a_namespace_is_found_and_never_changed(before: bytes) -> None:
    found = texts(before, reading(WordGate("jane")))
    scope, place = (next(place for place, text in found.items() if text == said) for said in ("http://x.org/jane/1", "jane"))
    assert rewritten(before, [Edit(place, RedactSpans())], "jane") == before.replace(b">jane<", b">[erased]<")
    with pytest.raises(NotSupported, match="namespace"):
        rewritten(before, [Edit(scope, RedactSpans())], "jane")


def test_what_was_open_where_broken_xml_breaks_is_searched_too() -> None:
    found = units(b'<?xml version="1.0"?><r><a>bob</a><b>jane and no more', reading(WordGate("jane")))
    assert [unit.is_opaque for unit in found if "jane" in unit.text]
