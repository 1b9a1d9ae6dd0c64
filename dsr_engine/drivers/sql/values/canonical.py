"""One written form for equal data, so that CHAR padding, a numeric's scale or a time zone's rendering never looks like drift."""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from dsr_engine.domain.anonymize import ValueType
from dsr_engine.drivers.sql.schema.columns import Column, Value

_TRUE = frozenset({"t", "true", "1", "yes", "on"})
_FALSE = frozenset({"f", "false", "0", "no", "off"})


def canonical_text(column: Column, text: str) -> str:
    """The form in which two equal values of this column are the same text. What cannot be parsed stays as it is."""
    if column.facts.type is ValueType.TEXT and not column.is_padded and not column.is_array:
        return text
    if column.is_json:
        return _json(text)
    if column.is_padded:
        return text.rstrip(" ")
    return _of_type(column, text)


def _of_type(column: Column, text: str) -> str:
    match column.type:
        case ValueType.OTHER if column.words == "MONEY":
            return _money(text)
        case ValueType.INTEGER | ValueType.NUMBER:
            return _number(text)
        case ValueType.BOOLEAN:
            return "true" if text.lower() in _TRUE else "false" if text.lower() in _FALSE else text
        case ValueType.DATE | ValueType.TIMESTAMP:
            return _moment(text, column.type)
        case ValueType.UUID:
            return text.lower()
    return text


def digest(values: Iterable[tuple[Column, Value]]) -> bytes:
    """SHA-256 over names and canonical values. Every part carries its length, so no two different rows give the same bytes."""
    parts: list[bytes] = []
    for column, value in values:
        name = _named(column.facts.name)
        if value is None:
            parts.append(name + b"n0:")
        elif isinstance(value, bytes):
            parts.append(b"%bb%d:%b" % (name, len(value), value))
        else:
            body = canonical_text(column, value).encode(errors="surrogatepass")
            parts.append(b"%bt%d:%b" % (name, len(body), body))
    return hashlib.sha256(b"".join(parts)).digest()


@lru_cache(maxsize=4096)
def _named(name: str) -> bytes:
    """A column's name with its length, which every row of the table begins with again."""
    encoded = name.encode()
    return b"%d:%b" % (len(encoded), encoded)


def _money(text: str) -> str:
    """In the smallest unit, whatever the server's locale puts around it; `0` in every form is the same."""
    digits = "".join(character for character in text if character in "0123456789").lstrip("0") or "0"
    return f"-{digits}" if digits != "0" and any(sign in text for sign in "-(") else digits


def _number(text: str) -> str:
    if text.isascii() and text.isdigit() and text[0] != "0":
        return text  # nearly all keys, and a Decimal takes its time
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    if not number.is_finite():
        return str(number)
    if abs(number.adjusted()) > 400:
        return str(number)
    plain = f"{number:f}"
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain in ("-0", "") else plain


def _moment(text: str, kind: ValueType) -> str:
    """ISO 8601; with a time zone converted to UTC. A date is written as a date, midnight included."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return moment.date().isoformat() if kind is ValueType.DATE and moment.time() == datetime.min.time() else moment.isoformat()


def _json(text: str) -> str:
    try:
        return json.dumps(json.loads(text, parse_float=_json_number), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        return text


def _json_number(text: str) -> int | float | str:
    """A fraction in one form; as text where a float would lose digits."""
    exact = Decimal(text)
    if exact == exact.to_integral_value() and abs(exact) < 10**18:
        return int(exact)
    return float(text) if Decimal(repr(float(text))) == exact else f"number {exact.normalize()}"
