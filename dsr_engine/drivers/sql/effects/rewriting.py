"""What the edits of a plan make of a row's values, or why they cannot be made. Pure: foreseeing and changing share it, so they cannot disagree."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from dsr_engine.content.rewriter import Rewriter
from dsr_engine.domain.anonymize import FieldFacts, MethodName, Misfit, ValueType
from dsr_engine.domain.plan import Edit, Fence, How, Point, RedactSpans, Rewrite, SetValue
from dsr_engine.drivers.driver import Problem
from dsr_engine.drivers.sql.effects.observing import column_of
from dsr_engine.drivers.sql.finding.splitnames import columns_at
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Table
from dsr_engine.drivers.sql.schema.columns import Column, Value
from dsr_engine.drivers.sql.values import blobs, typed
from dsr_engine.drivers.sql.values.jsontext import NotJson, parsed, rewritten, written


class Refused(Exception):
    """A change that cannot be made, and why; found out before anything is written."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.problem = Problem(code, message, hint)


def new_values(catalogue: Catalogue, table: Table, values: Mapping[str, Value], effect: Rewrite, rewriter: Rewriter) -> dict[str, Value]:
    """Column → value after all edits, for every column that an edit names. Raises `Refused`."""
    after: dict[str, Value] = {}
    pointed: set[str] = set()
    for edit in effect.edits:
        if columns_at(table.columns, edit.place) or _follows(table, edit, effect):
            continue
        column = column_of(table, edit.place)
        _refuse_fixed(column)
        pointed |= {column.name} if isinstance(edit.how, Point) else set()
        after[column.name] = _edited(column, edit, after.get(column.name, values[column.name]), rewriter)
    for edit in effect.edits:
        after |= _split(columns_at(table.columns, edit.place), edit, values, after, rewriter)
    for name, value in after.items():
        _refuse_unfit(table.columns[name], value)
        if value != values[name]:
            _refuse_linked(catalogue, table, name, value, is_pointed=name in pointed)
    return after


def _follows(table: Table, edit: Edit, effect: Rewrite) -> bool:
    """True for a cut in a derived column beside one in a column of its own: the server makes the value anew, and the fresh look shows it."""
    others = (column_of(table, other.place) for other in effect.edits if not columns_at(table.columns, other.place))
    return isinstance(edit.how, RedactSpans) and column_of(table, edit.place).is_derived and not all(column.is_derived for column in others)


def _split(columns: Sequence[Column], edit: Edit, values: Mapping[str, Value], after: Mapping[str, Value], rewriter: Rewriter) -> dict[str, Value]:
    """The columns that a name is split over; one that another edit treats by itself is left to that."""
    own = [column for column in columns if column.name not in after]
    for column in own:
        _refuse_fixed(column)
    if isinstance(edit.how, SetValue):
        return {column.name: _replaced(edit.how, values[column.name], column.facts, rewriter) for column in own}
    parts = [value.strip() for column in columns if isinstance(value := values[column.name], str)]
    whole = " ".join(parts)
    redacted = rewriter.redacted(whole)
    mark = _mark(whole, redacted)
    return {column.name: values[column.name] if redacted == whole else mark for column in own}


def _mark(before: str, after: str) -> str:
    """What stands in the place of what was cut."""
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    return after[head : len(after) - tail]


def _common(one: str, other: str) -> int:
    """How many characters both begin with."""
    return next((index for index, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(one), len(other)))


def _refuse_fixed(column: Column) -> None:
    if column.facts.is_key:
        raise Refused("sql.key", f"{column.name} is part of the primary key, which names the record", "delete the record, or leave its key")
    if column.is_derived:
        raise Refused("sql.generated", f"{column.name} is computed by the database", "change the columns that it is computed from")


def _refuse_unfit(column: Column, value: Value) -> None:
    if value is None and not column.facts.is_nullable:
        raise Refused("sql.not_null", f"{column.name} is NOT NULL and cannot become null", "use tombstone or fake")
    if isinstance(value, str) and column.facts.max_length is not None and len(value) > column.facts.max_length:
        raise Refused(
            "sql.too_long", f"the new text does not fit into the {column.facts.max_length} characters of {column.name}", "use a shorter method"
        )
    if isinstance(value, str) and column.labels and value not in column.labels and not typed.is_set(column, value):
        raise Refused("sql.enum", f"{column.name} accepts a fixed list of values only", "use null, or one of the list")


def _refuse_linked(catalogue: Catalogue, table: Table, name: str, value: Value, *, is_pointed: bool) -> None:
    """A key that constraints hold together may only be cut (set to NULL) or pointed at a neutral record, never invented."""
    for link in table.links:
        if name in link.fields and link.on_delete != "none" and value is not None and not (is_pointed and link.fields == (name,)):
            raise Refused("sql.foreign_key", f"{name} must name a row of {link.to_collection}", "use null")
    for inbound in catalogue.inbound(table.collection):
        if name in inbound.link.to_fields and inbound.link.on_delete != "none":
            raise Refused("sql.referenced", f"{inbound.table.collection} points at {name}", "leave it, or treat the rows that point at it first")


def _edited(column: Column, edit: Edit, value: Value, rewriter: Rewriter) -> Value:
    path = edit.place[len(column.name) + 1 :]
    if isinstance(value, bytes) and (path or isinstance(edit.how, RedactSpans)):
        return _file(column, path, edit.how, value, rewriter)
    if path and not column.is_json:
        raise Refused("sql.file", f"{column.name} holds no file that could be rewritten in place", "replace the whole value, or delete the record")
    match edit.how:
        case Fence(value=fence) | Point(to=fence):
            return _fenced(column, fence)
        case SetValue() if not path and column.is_array and value is not None and edit.how.method.name is MethodName.TOMBSTONE:
            return "[]"
        case SetValue() if not path:
            return _typed(column, edit.how, value, rewriter)
        case SetValue() | RedactSpans():
            return _cut(column, path or "$", edit.how, value, rewriter)
    raise Refused("sql.part", f"a part of {column.name} cannot be removed by itself", "redact it, or delete the record")


def _file(column: Column, path: str, how: How, content: bytes, rewriter: Rewriter) -> bytes:
    try:
        return blobs.rewritten(content, path, how, rewriter, column.name)
    except blobs.Unrewritable as refused:
        text = f"the file in {column.name} cannot be rewritten in place: {refused}"
        raise Refused("sql.file", text, "replace the whole value, or delete the record") from None


def _fenced(column: Column, fence: str | int | bool) -> str:
    if column.type is ValueType.BOOLEAN:
        return "true" if fence else "false"
    return str(int(fence)) if isinstance(fence, bool) else str(fence)


def _typed(column: Column, how: SetValue, value: Value, rewriter: Rewriter) -> Value:
    """A column's whole value by a method, as its type takes it."""
    if value is None or how.method.name is MethodName.NULL:
        return _replaced(how, value, column.facts, rewriter)
    try:
        return _as_value(typed.replaced(column, how, lambda method, facts: rewriter.replaced(method, value, facts)))
    except Misfit as misfit:
        raise Refused("sql.misfit", str(misfit), "choose another method for this field") from None


def _replaced(how: SetValue, value: Value, facts: FieldFacts, rewriter: Rewriter) -> Value:
    try:
        new = rewriter.replaced(how, value, facts)
    except Misfit as misfit:
        code = "sql.not_null" if value is not None and "NOT NULL" in str(misfit) else "sql.misfit"
        raise Refused(code, str(misfit), "choose another method for this field") from None
    return _as_value(new)


def _as_value(new: object) -> Value:
    if new is None or isinstance(new, str | bytes):
        return new
    if isinstance(new, bool):
        return "true" if new else "false"
    if isinstance(new, datetime):
        return new.isoformat(sep=" ")
    return new.isoformat() if isinstance(new, date) else str(new)


def _cut(column: Column, path: str, how: How, value: Value, rewriter: Rewriter) -> Value:
    if value is None:
        return None
    if isinstance(value, bytes):
        raise Refused("sql.misfit", f"{column.name} holds bytes that are no text", "replace the whole value")
    if column.is_json:
        return _cut_json(column, path, how, value, rewriter)
    new = rewriter.redacted(value)
    if new != value and column.type not in (ValueType.TEXT, ValueType.ENUM) and column.declared != "xml":
        raise Refused(
            "sql.misfit",
            f"{column.name} is of type {column.declared or column.type.value}; spans can be cut from texts only",
            "replace the whole value",
        )
    return new


def _cut_json(column: Column, path: str, how: How, text: str, rewriter: Rewriter) -> str:
    try:
        document = parsed(text)
    except NotJson:
        raise Refused("sql.misfit", f"{column.name} holds a text that is no JSON", "replace the whole value") from None

    def change(scalar: Any) -> Any:
        if isinstance(how, SetValue):
            return _json_replaced(column, how, scalar, rewriter)
        return rewriter.redacted(scalar) if isinstance(scalar, str) else scalar

    after = rewritten(document, path, change, names=isinstance(how, RedactSpans))
    return text if written(after) == written(document) else written(after)


def _json_replaced(column: Column, how: SetValue, scalar: Any, rewriter: Rewriter) -> Any:
    if scalar is None or isinstance(scalar, bool):
        return scalar
    facts = FieldFacts(column.name, ValueType.TEXT if isinstance(scalar, str) else ValueType.NUMBER)
    new = _replaced(how, scalar if isinstance(scalar, str) else repr(scalar), facts, rewriter)
    return new if new is None or isinstance(scalar, str) else float(str(new))
