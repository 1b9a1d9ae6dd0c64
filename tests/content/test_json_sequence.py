"""JSON values one after the other (RFC 7464 and without marks): each is a record; `json` reads the rest as it was."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.format import Limits, Reading
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from dsr_engine.domain.record import Unit
from tests.content.plain_words import MARK, WordGate, gaps, read, reading, rewritten, texts, units

_BOB = '{"id": 1, "name": "bob"}'
_JANE = '{"id": 2, "name": "jane", "in": {"n": [1, "jane"]}}'


def _values(data: bytes) -> list[Any]:
    """What `json` reads."""
    text, found = data.decode().replace("\x1e", " "), []
    while text := text.strip():
        value, end = json.JSONDecoder().raw_decode(text)
        found.append(value)
        text = text[end:]
    return found


@pytest.mark.parametrize(
    "data",
    [
        f"{_BOB}{_JANE}{_BOB}",
        f"\x1e{_BOB}\n\x1e{_JANE}\n\x1e{_BOB}\n",
        f"\ufeff\x1e{_BOB}\r\n\x1e{_JANE}\r\n",
        "\n".join(json.dumps(json.loads(text), indent=2) for text in (_BOB, _JANE, _BOB)),
        f"[{_BOB}] [{_JANE}]",
    ],
)
def test_each_value_is_a_record(data: str) -> None:
    found = {unit.place: unit for unit in units(data.encode(), reading(WordGate("jane")))}
    assert {unit.inside for unit in found.values()} == {"value:2"}
    assert [unit.text for place, unit in found.items() if place.endswith("name")] == ["jane"]
    assert not gaps(data.encode())
    after = rewritten(data.encode(), [Edit(place, RedactSpans()) for place in found], "jane")
    assert after == data.replace("jane", MARK).encode()
    dropped = rewritten(data.encode(), [Edit("value:2", DropPart())])
    assert _values(dropped.removeprefix(b"\xef\xbb\xbf")) == [
        value for value in _values(data.removeprefix("\ufeff").encode()) if "jane" not in str(value)
    ]


def test_settings_with_comments_are_texts_that_can_be_rewritten() -> None:
    for data in (b'{ // of us\n "mail": "jane", /* jane */ "x": 1,\n}', b'{\n# us\n"a": "jane"}', b'[\n{"a": "jane"},\n]', b'{"a": "jane", b: 2}'):
        found = texts(data, Reading("files", WordGate("jane"), name="settings.json"))
        assert all(place.startswith("line:") for place in found)
        assert rewritten(data, [Edit(place, RedactSpans()) for place in found], "jane") == data.replace(b"jane", MARK.encode())
        assert not gaps(data)


def test_broken_json_is_told_and_searched() -> None:
    data = f"{_BOB}{_BOB}{{broken jane".encode()
    assert gaps(data, reading(WordGate("jane"))) == ["json.broken"]
    assert [unit.is_opaque for unit in units(data, reading(WordGate("jane")))] == [True]
    with pytest.raises(NotSupported):
        rewritten(data, [Edit("value:9", DropPart())])


def test_a_value_longer_than_the_limit_is_searched_as_bytes() -> None:
    data = f'{_BOB}{{"a": [{"1, " * 1_000_000}"jane"]}}{_JANE}'.encode()
    how = Reading("files", WordGate("jane"), limits=Limits(line_bytes=1_000_000))
    assert {unit.inside for unit in units(data, how)} == {"value:2", "value:3"}
    assert gaps(data, how) == ["json.value_too_long"]


def test_json_inside_a_string_is_found_and_rewritten() -> None:
    data = json.dumps({"payload": json.dumps({"deep": json.dumps({"who": "jane"})})}).encode()
    after = rewritten(data, [Edit("$.payload", RedactSpans())], "jane")
    assert json.loads(json.loads(json.loads(after)["payload"])["deep"]) == {"who": MARK}


leaves = st.none() | st.integers() | st.sampled_from(("jane", "bob", 'a"b', "ü"))
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=6)


@given(
    st.lists(st.dictionaries(st.sampled_from("xyz"), values, min_size=1, max_size=3), min_size=2, max_size=5),
    st.sampled_from(("", " ", "\n\x1e")),
    st.integers(1, 5),
)
@settings(deadline=None)
def test_after_a_rewrite_json_reads_everything_but_the_person(written: list[Any], between: str, dropped: int) -> None:
    data = ("\x1e" + (between.join(json.dumps(value, indent=1) for value in written))).encode()
    found = [unit.place for unit in units(data, reading(WordGate("jane"))) if "jane" in unit.text]
    dropped = min(dropped, len(written))
    edits = [Edit(f"value:{dropped}", DropPart())] + [Edit(place, RedactSpans()) for place in found if not place.startswith(f"value:{dropped}/")]
    expected = [json.loads(json.dumps(value).replace("jane", MARK)) for number, value in enumerate(written, start=1) if number != dropped]
    assert _values(rewritten(data, edits, "jane")) == expected


@given(st.binary(max_size=200))
def test_no_bytes_raise(noise: bytes) -> None:
    found = read(b"\x1e" + _BOB.encode() + noise, reading(WordGate("bob")))
    assert any(isinstance(got, Unit) for got in found)


def test_what_stands_before_the_fault_in_an_open_object_is_found() -> None:
    assert any("jane" in unit.text for unit in units(b'{"name": "jane", "x": }', reading(WordGate("jane"))))
    assert any("jane" in unit.text for unit in units(b'{"name": "jane}{"name": "bob"}', reading(WordGate("jane"))))
