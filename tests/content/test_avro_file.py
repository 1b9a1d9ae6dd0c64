"""Avro: rows found in every type and codec, erased by splices, and what fastavro reads afterwards is what it was, but for the person."""

import io
import struct
import zlib
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.format import Limits, Reading
from dsr_engine.content.records.avro_data import number_at, number_bytes
from dsr_engine.content.records.snappy import snapped, unsnapped
from dsr_engine.domain.anonymize import Method, MethodName
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans, SetValue
from dsr_engine.domain.record import Unit
from dsr_engine.domain.system import CollectionMap, FieldMap
from tests.content.plain_words import MARK, WordGate, gaps, read, reading, rewritten, texts, units

_CODECS = ("null", "deflate", "bzip2", "xz", "zstandard")
_SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "Customer",
    "namespace": "shop",
    "doc": "kept for jane",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "email", "type": ["null", "string"]},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "extra", "type": {"type": "map", "values": ["null", "string", "long"]}},
        {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
        {"name": "born", "type": ["null", {"type": "int", "logicalType": "date"}]},
        {"name": "seen", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "token", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "code", "type": {"type": "fixed", "name": "Code", "size": 4}},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}},
        {"name": "note", "type": "bytes"},
        {"name": "is_new", "type": "boolean"},
        {"name": "score", "type": "double"},
        {"name": "friend", "type": ["null", "Customer"]},
    ],
}


def _row(number: int, name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "email": f"{name}@x.org",
        "tags": ["first", name],
        "extra": {"k": name, "n": 5, "z": None},
        "amount": Decimal("12.34"),
        "born": date(1984, 3, 7),
        "seen": datetime(2020, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
        "token": UUID(int=5),
        "code": b"\x01\x02ab",
        "kind": "B",
        "note": f"grüße {name}".encode(),
        "is_new": True,
        "score": 1.5,
        "friend": None,
    } | more


def _file(rows: list[dict[str, Any]], codec: str = "deflate", schema: Any = None, **more: Any) -> bytes:
    sink = io.BytesIO()
    fastavro.writer(sink, schema or _SCHEMA, rows, codec=codec, **more)
    return sink.getvalue()


def _rows(data: bytes) -> list[Any]:
    return list(fastavro.reader(io.BytesIO(data)))


def _without(value: Any, word: str) -> Any:
    """The value as a redaction leaves it."""
    if isinstance(value, str):
        return value.replace(word, MARK)
    if isinstance(value, bytes):
        return value.replace(word.encode(), MARK.encode())
    if isinstance(value, dict):
        return {_without(key, word): _without(inner, word) for key, inner in value.items()}
    return [_without(inner, word) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("codec", _CODECS)
def test_rows_are_found_in_every_codec_and_given_whole(codec: str) -> None:
    before = _file([_row(1, "bob"), _row(2, "jane", friend=_row(3, "eve"))], codec)
    found = {place: text for place, text in texts(before, reading(WordGate("jane"))).items() if not place.startswith("header")}
    assert found["row:2/email"] == "jane@x.org"
    assert found["row:2/tags[1]"] == found["row:2/extra{0}"] == "jane"
    assert found["row:2/amount"] == "12.34"
    assert found["row:2/born"] == "1984-03-07"
    assert found["row:2/seen"] == "2020-01-02T03:04:05.000006+00:00"
    assert found["row:2/token"] == str(UUID(int=5))
    assert found["row:2/kind"] == "B"
    assert found["row:2/note"] == "grüße jane"
    assert found["row:2/friend.email"] == "eve@x.org"
    assert {unit.inside for unit in units(before, reading(WordGate("jane@")))} == {"row:2"}
    assert not gaps(before)


def test_a_number_or_a_date_is_found_although_its_bytes_do_not_show_it() -> None:
    before = _file([_row(number, "bob") for number in range(1000, 1020)], sync_interval=400)
    assert [unit.inside for unit in units(before, reading(WordGate("1017"))) if unit.place.endswith("/id")] == ["row:18"]
    assert len(units(before, reading(WordGate("1984-03-07")))) > 20


def test_a_manifest_names_fields_by_their_path() -> None:
    entry = FieldMap("friend.email", selects="email")
    how = Reading("files", WordGate("eve"), CollectionMap("files", fields=(entry,)))
    found = {unit.place: unit.field for unit in units(_file([_row(1, "bob", friend=_row(3, "eve"))]), how)}
    assert found["row:1/friend.email"] == entry
    assert found["row:1/email"] is None


@pytest.mark.parametrize("codec", _CODECS)
def test_blocks_without_an_edit_are_copied_as_they_are_stored(codec: str) -> None:
    rows = [_row(number, "jane" if number == 57 else "bob") for number in range(100)]
    before = _file(rows, codec, sync_interval=1000)
    after = rewritten(before, [Edit("row:58", DropPart())], "jane")
    assert _rows(after) == rows[:57] + rows[58:]
    sync = before[-16:]
    was, now = before.split(sync), after.split(sync)
    assert len(was) == len(now) > 5
    assert sum(one != other for one, other in zip(was, now, strict=True)) == 1


def test_a_block_whose_rows_all_go_goes_too() -> None:
    before = _file([_row(1, "jane"), _row(2, "jane")])
    after = rewritten(before, [Edit("row:1", DropPart()), Edit("row:2", DropPart())], "jane")
    assert _rows(after) == []


def test_documentation_is_redacted_and_the_names_of_a_schema_never_are() -> None:
    before = _file([_row(1, "bob")])
    place = next(unit.place for unit in units(before, reading(WordGate("jane"))))
    after = rewritten(before, [Edit(place, RedactSpans())], "jane")
    assert b"jane" not in after
    assert _rows(after) == _rows(before)
    with pytest.raises(NotSupported, match="schema"):
        rewritten(before, [Edit(place, RedactSpans())], "Customer")


def test_values_of_other_types_become_null_or_refuse() -> None:
    before = _file([_row(1984, "bob")])
    now = _rows(rewritten(before, [Edit("row:1/born", RedactSpans()), Edit("row:1/token", RedactSpans())], "1984", "0000"))
    assert now[0]["born"] is None
    assert now[0]["token"] == UUID(int=0)
    with pytest.raises(NotSupported, match="may not be empty"):
        rewritten(before, [Edit("row:1/id", RedactSpans())], "1984")


@pytest.mark.parametrize(
    ("place", "argument", "expected"),
    [
        ("email", "nobody", "nobody"),
        ("id", "17", 17),
        ("amount", "-3.5", Decimal("-3.50")),
        ("kind", "A", "A"),
        ("note", "x", b"x"),
        ("is_new", "false", False),
        ("score", "2.5", 2.5),
        ("code", "wxyz", b"wxyz"),
        ("email", "null", None),
    ],
)
def test_a_value_is_set_in_the_type_that_its_field_has(place: str, argument: str, expected: object) -> None:
    before = _file([_row(1, "jane"), _row(2, "bob")])
    after = rewritten(before, [Edit(f"row:1/{place}", SetValue(Method(MethodName.TEXT, argument), ""))])
    assert _rows(after) == [_row(1, "jane", **{place: expected}), _row(2, "bob")]


@pytest.mark.parametrize(("place", "argument"), [("id", "many"), ("kind", "C"), ("code", "toolong"), ("id", "99999999999999999999"), ("id", "null")])
def test_what_a_type_cannot_hold_is_refused_before_anything_is_written(place: str, argument: str) -> None:
    with pytest.raises(NotSupported):
        rewritten(_file([_row(1, "jane")]), [Edit(f"row:1/{place}", SetValue(Method(MethodName.TEXT, argument), ""))])


def test_two_keys_of_a_map_never_become_one() -> None:
    before = _file([_row(1, "bob", extra={"jane": "a", MARK: "b"})])
    with pytest.raises(NotSupported, match="keys"):
        rewritten(before, [Edit("row:1/extra{0}/name", RedactSpans())], "jane")


def test_a_file_in_a_value_is_read_and_rewritten_as_what_it_is() -> None:
    inner = _file([_row(1, "jane"), _row(2, "bob")])
    before = _file([_row(7, "bob", note=inner), _row(8, "eve")])
    found = texts(before, reading(WordGate("jane@")))
    assert found["row:1/note/row:1/email"] == "jane@x.org"
    after = rewritten(before, [Edit("row:1/note/row:1", DropPart())], "jane")
    outer = _rows(after)
    assert _rows(outer[0]["note"]) == [_row(2, "bob")]
    assert outer[1] == _row(8, "eve")


def _sized(before: bytes, rows: list[bytes]) -> bytes:
    """The file's header with one block of these rows, uncompressed."""
    sync = before[-16:]
    head = before[: before.index(sync) + 16]
    body = b"".join(rows)
    return head + number_bytes(len(rows)) + number_bytes(len(body)) + body + sync


def _string(text: str) -> bytes:
    return number_bytes(len(text)) + text.encode()


def test_lists_that_say_how_many_bytes_they_take_say_it_anew() -> None:
    schema = {"type": "record", "name": "R", "fields": [{"name": "m", "type": {"type": "array", "items": {"type": "array", "items": "string"}}}]}

    def listed(*items: bytes) -> bytes:
        body = b"".join(items)
        return number_bytes(-len(items)) + number_bytes(len(body)) + body + number_bytes(0)

    row = listed(listed(_string("a"), _string("jane")), listed(_string("b")))
    before = _sized(_file([{"m": []}], "null", schema), [row, row])
    after = rewritten(before, [Edit("row:2/m[0][1]", RedactSpans())], "jane")
    assert _rows(after) == [{"m": [["a", "jane"], ["b"]]}, {"m": [["a", MARK], ["b"]]}]
    grown = len(MARK) - len("jane")
    inner = number_at(after, after.rindex(_string("a") + _string(MARK)) - 1)[0]
    assert inner == len(_string("a") + _string("jane")) + grown


def test_damage_costs_its_block_and_is_told() -> None:
    rows = [_row(number, "jane" if number in (5, 95) else "bob") for number in range(100)]
    before = _file(rows, "null", sync_interval=1000)
    sync = before[-16:]
    at = before.index(sync, before.index(sync) + 1) + 16
    broken = before[: at + 3] + b"\xff" * 40 + before[at + 43 :]
    found = read(broken, reading(WordGate("jane@")))
    assert "avro.damaged" in gaps(broken, reading(WordGate("jane@")))
    assert {unit.inside for unit in found if isinstance(unit, Unit)} >= {"row:6", "row:96"}
    cut = before[: before.index(b"jane@") + 8]
    assert any("jane@" in unit.text for unit in units(cut, reading(WordGate("jane@"))))
    with pytest.raises(NotSupported):
        rewritten(cut, [Edit("row:96", DropPart())])


@pytest.mark.parametrize(
    "rows",
    [
        [number_bytes(2**62)],
        [number_bytes(-(2**40)) + number_bytes(3)],
        [b"\xff" * 12],
    ],
)
def test_absurd_counts_end_as_a_gap(rows: list[bytes]) -> None:
    schema = {"type": "array", "items": "null"}
    broken = _sized(_file([], "null", schema) or b"", rows)
    assert gaps(broken)


def test_a_chain_deeper_than_any_data_is_a_gap() -> None:
    schema = {"type": "record", "name": "L", "fields": [{"name": "t", "type": "string"}, {"name": "n", "type": ["null", "L"]}]}
    row = (_string("jane") + number_bytes(1)) * 5000 + _string("end") + number_bytes(0)
    before = _sized(_file([], "null", schema), [row])
    assert gaps(before, reading(WordGate("jane"))) == ["avro.too_deep"]
    assert units(before, reading(WordGate("jane")))


def test_a_bomb_is_not_unpacked() -> None:
    before = _file([_row(1, "bob", note=b"\0" * 40_000_000)], "deflate")
    how = Reading("files", WordGate("jane"), limits=Limits(bomb_floor=1_000_000))
    assert "archive.bomb" in gaps(before, how)


@pytest.mark.parametrize(
    "change", [lambda data: data[:30], lambda data: data.replace(b"deflate", b"deflatf"), lambda data: data.replace(b'"long"', b'"lung"')]
)
def test_a_header_that_cannot_be_understood_is_a_gap(change: Callable[[bytes], bytes]) -> None:
    assert gaps(change(_file([_row(1, "jane")])))


@given(st.binary(max_size=300), st.integers(0, 2000), st.sampled_from(_CODECS))
@settings(deadline=None)
def test_no_damage_raises(noise: bytes, at: int, codec: str) -> None:
    before = _file([_row(1, "jane"), _row(2, "bob")], codec)
    at %= len(before)
    found = read(before[:at] + noise + before[at + len(noise) :])
    assert found


words = st.sampled_from(("jane", "bob", "", "grüße", "xjanex", "12"))
rows = st.builds(
    lambda number, email, tags, extra, note, friend: _row(number, "n", email=email, tags=tags, extra=extra, note=note.encode(), friend=friend),
    st.integers(-(2**63), 2**63 - 1),
    st.none() | words,
    st.lists(words, max_size=4),
    st.dictionaries(st.sampled_from(("k", "l", "jane", "mm")), st.none() | words | st.integers(-5, 5), max_size=3),
    words,
    st.none() | words.map(lambda word: _row(9, word)),
)


@given(st.lists(rows, max_size=6), st.sampled_from(_CODECS), st.sets(st.integers(0, 5)))
@settings(deadline=None, max_examples=60)
def test_after_a_rewrite_fastavro_reads_everything_but_the_person(before_rows: list[dict[str, Any]], codec: str, dropped: set[int]) -> None:
    schema = _SCHEMA | {"doc": ""}
    before = _file(before_rows, codec, schema, sync_interval=300)
    dropped = {index for index in dropped if index < len(before_rows)}
    found = [unit.place for unit in units(before, reading(WordGate("jane"))) if "jane" in unit.text]
    edits = [Edit(f"row:{index + 1}", DropPart()) for index in dropped]
    edits += [Edit(place, RedactSpans()) for place in found if int(place.split("/")[0][4:]) - 1 not in dropped]
    after = rewritten(before, edits, "jane")
    assert _rows(after) == [_without(row, "jane") for index, row in enumerate(_rows(before)) if index not in dropped]
    assert not units(after, reading(WordGate("jane")))


@given(st.binary(max_size=2000).map(lambda data: data * 50))
def test_what_is_snapped_is_read_back(data: bytes) -> None:
    assert unsnapped(snapped(data), len(data)) == data


def test_snappy_copies_of_all_kinds_are_followed() -> None:
    copies = bytes((1 | 1 << 2, 5)) + bytes((2 | 6 << 2,)) + struct.pack("<H", 1) + bytes((3 | 2 << 2,)) + struct.pack("<I", 5)
    assert unsnapped(bytes((20, 4 << 2)) + b"janeX" + copies, 100) == b"janeX" + b"janeX" + b"XXXXXXX" + b"XXX"


def test_a_file_that_hadoop_compressed_with_snappy_is_read_and_rewritten() -> None:
    plain = _file([_row(1, "jane"), _row(2, "bob")], "null")
    sync = plain[-16:]
    head, body = plain[: plain.index(sync) + 16], plain[plain.index(sync) + 16 : -16]
    count, at = number_at(body, 0)
    _, at = number_at(body, at)
    content = body[at:]
    stored = snapped(content) + struct.pack(">I", zlib.crc32(content))
    before = head.replace(b"\x08null", number_bytes(6) + b"snappy") + number_bytes(count) + number_bytes(len(stored)) + stored + sync
    assert texts(before, reading(WordGate("jane@")))["row:1/email"] == "jane@x.org"
    after = rewritten(before, [Edit("row:1/email", RedactSpans())], "jane")
    assert texts(after, reading(WordGate("erased")))["row:1/email"] == f"{MARK}@x.org"
    assert "archive.damaged" in gaps(before.replace(b"jane@", b"june@"))


def test_rows_before_the_damage_of_their_block_are_found() -> None:
    schema = {"type": "record", "name": "R", "fields": [{"name": "s", "type": "string"}]}
    broken = _sized(_file([], "null", schema), [_string("jane"), _string("bob"), b"\xff\xff\xff"])
    assert gaps(broken) == ["avro.damaged"]
    assert any("jane" in unit.text for unit in units(broken, reading(WordGate("jane"))))
