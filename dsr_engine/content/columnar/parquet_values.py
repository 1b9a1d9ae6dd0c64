"""What stands in for a value of a Parquet file, as its column stores it: days, milliseconds, unscaled decimals, bytes of fixed length.

Apache Parquet, *LogicalTypes.md* and *parquet.thrift* (`SchemaElement`). What a column cannot hold is refused.
"""

import base64
import math
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from dsr_engine.content.columnar.parquet_footer import SchemaLeaf, number
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import cannot_rewrite
from dsr_engine.domain.anonymize import FieldFacts, Misfit, ValueType
from dsr_engine.domain.plan import DropPart, Fence, How, Point, RedactSpans, SetValue

BOOLEAN, INT32, INT64, INT96, FLOAT, DOUBLE, BYTES, FIXED = range(8)
_DECIMAL, _DATE, _TIME, _TIMESTAMP, _INTEGER, _UUID = 5, 6, 7, 8, 10, 14
_CONVERTED = {5: _DECIMAL, 6: _DATE, 7: _TIME, 8: _TIME, 9: _TIMESTAMP, 10: _TIMESTAMP}
_TYPES = {
    "text": ValueType.TEXT,
    "integer": ValueType.INTEGER,
    "number": ValueType.NUMBER,
    "date": ValueType.DATE,
    "timestamp": ValueType.TIMESTAMP,
    "boolean": ValueType.BOOLEAN,
    "time": ValueType.OTHER,
    "bytes": ValueType.BINARY,
}
_FEW_BITS = {11: (0, 2**8), 12: (0, 2**16), 13: (0, 2**32), 14: (0, 2**64), 15: (-(2**7), 2**7), 16: (-(2**15), 2**15)}
#: The value where nothing changes.
UNCHANGED = object()


def meaning(leaf: SchemaLeaf) -> int:
    """Which logical type the column has (its field in the union `LogicalType`); 0 where it has none."""
    logical = leaf.element.get(10, (0, {}))[1]
    if isinstance(logical, dict) and logical:
        return next(iter(logical))
    return _CONVERTED.get(number(leaf.element, 6, -1), 0)


def changed(leaf: SchemaLeaf, kind: str, name: str, text: str | None, how: How, rewriter: Rewriter) -> Any:
    """What the child is to write in the place of a value: None, a number, a truth value or bytes as base64; `UNCHANGED` where it stays.

    `text` is the value as it was read, None where it is missing. Raises `NotSupported`.
    """
    if isinstance(how, DropPart):
        raise cannot_rewrite("A cell cannot be dropped: drop its row or set its value.")
    if isinstance(how, RedactSpans):
        now: object = rewriter.redacted(text) if text is not None else None
        if now == text:
            return UNCHANGED
        if kind not in ("text", "bytes") or meaning(leaf) == _UUID:
            raise cannot_rewrite(f"A column of kind {kind} holds no text that spans could be cut from.", "replace the whole value, or drop the row")
    elif isinstance(how, SetValue):
        if text is None:
            return UNCHANGED
        now = _replaced(leaf, kind, name, text, how, rewriter)
    else:
        now = how.value if isinstance(how, Fence) else how.to if isinstance(how, Point) else None
    return stored(leaf, kind, now)


def _replaced(leaf: SchemaLeaf, kind: str, name: str, text: str, how: SetValue, rewriter: Rewriter) -> object:
    is_uuid = meaning(leaf) == _UUID
    facts = FieldFacts(
        name, ValueType.UUID if is_uuid else ValueType.TEXT if kind == "bytes" else _TYPES.get(kind, ValueType.OTHER), leaf.is_nullable
    )
    value: object = text
    try:
        if kind == "integer":
            value = int(text)
        elif kind == "number":
            value = float(text)
        elif kind == "boolean":
            value = text == "true"
        elif kind == "date":
            value = date.fromisoformat(text)
        elif kind == "timestamp":
            value = datetime.fromisoformat(text)
        return rewriter.replaced(how, value, facts)
    except Misfit as misfit:
        raise cannot_rewrite(f"A column cannot hold what the method gives: {misfit}.") from None
    except ValueError:
        return rewriter.replaced(how, text, facts)


def stored(leaf: SchemaLeaf, kind: str, now: object) -> Any:
    """The value as the column stores it. Raises `NotSupported` where it cannot."""
    if now is None:
        if not leaf.is_nullable:
            raise cannot_rewrite("A column that must have a value cannot become empty.", "use another method for it")
        return None
    try:
        return _STORED[leaf.physical](leaf, kind, now)
    except (KeyError, ValueError, TypeError, OverflowError, InvalidOperation):
        raise cannot_rewrite(f"A column of kind {kind} cannot hold what the method gives.", "use another method for it") from None


def _boolean(leaf: SchemaLeaf, kind: str, now: object) -> Any:  # noqa: ARG001  # one of several
    if isinstance(now, str):
        return {"true": True, "false": False}[now.casefold()]
    return bool(now)


def _whole(leaf: SchemaLeaf, kind: str, now: object) -> Any:
    found = _unscaled(leaf, kind, now)
    low, high = _range(leaf)
    if not low <= found < high:
        raise ValueError
    return found


def _unscaled(leaf: SchemaLeaf, kind: str, now: object) -> int:
    logical = meaning(leaf)
    if kind == "date":
        day = now if isinstance(now, date) else date.fromisoformat(str(now))
        return date(day.year, day.month, day.day).toordinal() - date(1970, 1, 1).toordinal()
    if kind == "timestamp":
        moment = now if isinstance(now, datetime) else datetime.fromisoformat(str(now))
        since = moment.replace(tzinfo=None) - datetime(1970, 1, 1)  # noqa: DTZ001  # kept without a zone, in UTC
        return (since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds) * 1000 // _nanoseconds(leaf)
    if logical == _DECIMAL:
        return _exact(Decimal(str(now)).scaleb(_scale(leaf)))
    return _exact(Decimal(str(int(now) if isinstance(now, bool) else now)))


def _exact(value: Decimal) -> int:
    if value != value.to_integral_value():
        raise ValueError
    return int(value)


def _nanoseconds(leaf: SchemaLeaf) -> int:
    """Nanoseconds of one unit of a time."""
    logical = leaf.element.get(10, (0, {}))[1]
    union = logical.get(_TIMESTAMP, (0, {}))[1] if isinstance(logical, dict) else {}
    unit = union.get(2, (0, {}))[1] if isinstance(union, dict) else {}
    if isinstance(unit, dict) and unit:
        return {1: 1_000_000, 2: 1000, 3: 1}[next(iter(unit))]
    return {9: 1_000_000, 10: 1000}[number(leaf.element, 6, -1)]


def _scale(leaf: SchemaLeaf) -> int:
    logical = leaf.element.get(10, (0, {}))[1]
    decimal = logical.get(_DECIMAL, (0, {}))[1] if isinstance(logical, dict) else {}
    return number(decimal, 1) if isinstance(decimal, dict) and decimal else number(leaf.element, 7)


def _range(leaf: SchemaLeaf) -> tuple[int, int]:
    """Smallest value, and the one behind the largest."""
    if number(leaf.element, 6, -1) in _FEW_BITS:
        return _FEW_BITS[number(leaf.element, 6)]
    logical = leaf.element.get(10, (0, {}))[1]
    integer = logical.get(_INTEGER, (0, {}))[1] if isinstance(logical, dict) else {}
    bits = number(integer, 1, 0) if isinstance(integer, dict) else 0
    bits = bits or (32 if leaf.physical == INT32 else 64)
    if isinstance(integer, dict) and integer.get(2, (0, True))[1] is False:
        return 0, 2**bits
    return -(2 ** (bits - 1)), 2 ** (bits - 1)


def _float(leaf: SchemaLeaf, kind: str, now: object) -> Any:  # noqa: ARG001  # one of several
    found = float(str(now))
    if not math.isfinite(found):
        raise ValueError
    return found


def _bytes(leaf: SchemaLeaf, kind: str, now: object) -> Any:  # noqa: ARG001  # one of several
    if kind not in ("text", "bytes"):
        raise ValueError
    return _based(now if isinstance(now, bytes) else str(now).encode("utf-8", "surrogateescape"))


def _fixed(leaf: SchemaLeaf, kind: str, now: object) -> Any:
    if meaning(leaf) == _UUID:
        data = bytes.fromhex(str(now).replace("-", ""))
    elif meaning(leaf) == _DECIMAL:
        data = _unscaled(leaf, kind, now).to_bytes(leaf.width, "big", signed=True)
    elif kind == "bytes":
        data = now if isinstance(now, bytes) else str(now).encode()
    else:
        raise ValueError
    if len(data) != leaf.width:
        raise ValueError
    return _based(data)


def _based(data: bytes) -> dict[str, str]:
    return {"bytes": base64.b64encode(data).decode()}


_STORED = {BOOLEAN: _boolean, INT32: _whole, INT64: _whole, FLOAT: _float, DOUBLE: _float, BYTES: _bytes, FIXED: _fixed}
