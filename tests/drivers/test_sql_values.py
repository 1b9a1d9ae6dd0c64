"""Written forms: equal data has one form, different data never the same, and what is written is what is read."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.match import Matcher
from dsr_engine.domain.anonymize import FieldFacts, ValueType
from dsr_engine.drivers.sql.finding.copyout import plain
from dsr_engine.drivers.sql.schema.columns import Column, Value
from dsr_engine.drivers.sql.values.arrays import array_literal
from dsr_engine.drivers.sql.values.canonical import canonical_text, digest
from dsr_engine.drivers.sql.values.jsontext import parsed, rewritten, scalars, written
from tests.drivers.sql_database import JANE, selector

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def column(kind: ValueType, name: str = "c") -> Column:
    return Column(FieldFacts(name, kind), sa.column(name), sa.column(name))


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12), st.integers(0, 5))
def test_a_number_is_the_same_number_at_any_scale(number: Decimal, zeros: int) -> None:
    text = f"{number:f}"
    assert canonical_text(column(ValueType.NUMBER), text + "0" * zeros) == canonical_text(column(ValueType.NUMBER), text)
    assert Decimal(canonical_text(column(ValueType.NUMBER), text)) == number


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False), st.decimals(allow_nan=False, allow_infinity=False))
def test_two_numbers_never_share_a_form(one: Decimal, two: Decimal) -> None:
    same = canonical_text(column(ValueType.NUMBER), str(one)) == canonical_text(column(ValueType.NUMBER), str(two))
    assert not same or one == two


@settings(deadline=None)
@given(st.integers(-60_000_000_000, 200_000_000_000), st.integers(-12, 14))
def test_a_moment_is_the_same_moment_in_any_time_zone(seconds: int, hours: int) -> None:
    moment = datetime.fromtimestamp(seconds, UTC)
    local = moment.astimezone(timezone(timedelta(hours=hours)))
    kind = column(ValueType.TIMESTAMP)
    assert canonical_text(kind, local.isoformat(sep=" ")) == canonical_text(kind, moment.replace(tzinfo=None).isoformat())


VALUES = st.none() | st.text(max_size=6) | st.binary(max_size=6)


@settings(deadline=None)
@given(st.lists(VALUES, max_size=4), st.lists(VALUES, max_size=4))
def test_different_rows_have_different_digests(one: list[Value], two: list[Value]) -> None:
    columns = [column(ValueType.TEXT, f"c{number}") for number in range(4)]
    assert (digest(zip(columns, one, strict=False)) == digest(zip(columns, two, strict=False))) == (one == two)


@settings(deadline=None)
@given(JSON_VALUES)
def test_json_that_nobody_edits_is_written_as_the_same_value(value: Any) -> None:
    text = json.dumps(value)
    assert json.loads(written(parsed(text))) == value
    assert json.loads(written(rewritten(parsed(text), "$", lambda scalar: scalar, names=True))) == value


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=6), JSON_VALUES, min_size=1, max_size=4), st.data())
def test_an_edit_at_a_path_leaves_every_other_scalar_alone(value: dict[str, Any], data: st.DataObject) -> None:
    document = parsed(json.dumps(value))
    found = [(path, text) for path, text, is_value in scalars(document) if is_value]
    if not found:
        return
    chosen, _ = data.draw(st.sampled_from(found))
    after = [(path, text) for path, text, is_value in scalars(rewritten(document, chosen, lambda _: "changed", names=False)) if is_value]
    assert after == [(path, "changed" if path == chosen else text) for path, text in found]


@settings(deadline=None)
@given(st.text(alphabet=st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=30))
def test_a_field_of_copy_is_read_back_as_it_was(text: str) -> None:
    escapes = {"\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}
    copied = "".join(escapes.get(character, character) for character in text)
    assert plain(copied.encode()) == text.encode()


def test_array_elements_cannot_break_out_of_their_quotes() -> None:
    assert array_literal('["a,b", null, "q\\"}\\\\", "NULL", [1, true]]') == '{"a,b",NULL,"q\\"}\\\\","NULL",{"1","true"}}'


PIECES = st.sampled_from(
    ["17", "2020-01-02", "x", "49", "QUJD", "0151", "+", "=", "-", "(", "=3D", "%4", "&#", "\\u00", "<a", '"', "Jane", "Doe", "MTIz", "YQ=="]
)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=3), st.lists(PIECES, max_size=3), st.sampled_from("\n\t"))
def test_a_value_that_passes_the_gate_passes_inside_its_row(before: list[str], after: list[str], separator: str) -> None:
    """Rows are judged joined: nothing that stands beside a value may hide it."""
    values = (("email", JANE), ("phone", "+49 151 23456789"), ("customer_id", "4711"))
    gate = Matcher({"case": tuple(selector(value, kind) for kind, value in values)}).gate
    for held in (JANE, base64.b64encode(f"to {JANE}".encode()).decode(), "0151 23456789", "4711"):
        row = separator.join([*before, held, *after])
        assert gate.passes_text(row)
        assert gate.passes(row.encode())
