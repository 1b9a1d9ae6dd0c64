"""Values that stand in for others in columns of every type, beyond what the methods themselves know: the neutral value of a type, and its bounds.

A method that makes no sense for a type is refused when the plan is made. Keyed values stay keyed: the same person's value gives the same one in every
table of a case, where the types allow it.
"""

import re
from collections.abc import Callable
from dataclasses import replace

from dsr_engine.domain.anonymize import FieldFacts, Method, MethodName, Misfit, ValueType
from dsr_engine.domain.plan import SetValue
from dsr_engine.drivers.sql.schema.columns import Column, Value

#: What one method makes of a value in a field with these facts.
Make = Callable[[SetValue, FieldFacts], object]

_SIZE = re.compile(r"\((\d+)(?:, ?(\d+))?\)")

#: A type's value that says nothing about anybody.
_NEUTRAL = {
    "INET": "0.0.0.0/32",
    "CIDR": "0.0.0.0/32",
    "MACADDR": "00:00:00:00:00:00",
    "MACADDR8": "00:00:00:00:00:00:00:00",
    "INTERVAL": "PT0S",
    "TIME": "00:00:00",
    "TIMETZ": "00:00:00+00",
    "MONEY": "0",
    "YEAR": "1901",
    "HSTORE": "",
    "XML": "",
    "SET": "",
    "POINT": "(0,0)",
    "INT4RANGE": "empty",
    "INT8RANGE": "empty",
    "NUMRANGE": "empty",
    "DATERANGE": "empty",
    "TSRANGE": "empty",
    "TSTZRANGE": "empty",
}

#: Whole numbers that fit, one more than the largest; `UNSIGNED` doubles it.
_BOUNDS = {"TINYINT": 2**7, "SMALLINT": 2**15, "MEDIUMINT": 2**23, "YEAR": 1}


def replaced(column: Column, how: SetValue, make: Make) -> Value | object:
    """The value that stands in for a column's value, which is not NULL. Raises `Misfit`."""
    word = _word(column)
    facts = replace(column.facts, is_unique=column.is_in_unique)
    match how.method.name:
        case MethodName.TOMBSTONE if not facts.is_unique:
            neutral = _neutral(column, word, how.method)
            return make(how, facts) if neutral is None else neutral
        case MethodName.TOMBSTONE | MethodName.FAKE | MethodName.PSEUDONYM if word in ("INET", "MACADDR"):
            return _address(word, _hex(how, make))
        case MethodName.TOMBSTONE | MethodName.FAKE if facts.type in (ValueType.INTEGER, ValueType.NUMBER):
            return _number(column, word, make(how, replace(facts, type=ValueType.INTEGER)))
        case MethodName.TEXT if word in ("ENUM", "SET"):
            return _label(column, how.method)
    return make(how, facts)


def is_set(column: Column, value: str) -> bool:
    """True if the column takes several of its labels at once (MariaDB's SET), or none, and this is such a value."""
    return _word(column) == "SET" and set(filter(None, value.split(","))) <= set(column.labels)


def _word(column: Column) -> str:
    """`TIME WITHOUT TIME ZONE` → `TIME`, `SMALLINT UNSIGNED` → `SMALLINT`, `MYSCHEMA.MOOD` of an enum → `ENUM`."""
    words = (column.words or column.declared).upper()
    if words.startswith("TIME ") and "WITH TIME ZONE" in words:
        return "TIMETZ"
    if column.labels:
        return "SET" if words.startswith("SET") else "ENUM"
    return re.split(r"[ (]", words, maxsplit=1)[0]


def _neutral(column: Column, word: str, method: Method) -> Value:
    """The neutral value of a type that the methods do not know; None: they do."""
    size = _SIZE.search(column.words)
    if word == "BIT" and "VARYING" not in column.words.upper() and column.type is ValueType.OTHER:
        return "0" * int(size[1]) if size else "0"
    if word == "BINARY" and column.type is ValueType.BINARY and size:
        return bytes(int(size[1]))  # a shorter one would be filled up
    if word == "ENUM" and method.argument:
        return _label(column, method)
    return _NEUTRAL.get(word)


def _label(column: Column, method: Method) -> str:
    if method.argument in column.labels or (not method.argument and _word(column) == "SET"):
        return method.argument
    raise Misfit(f"{column.name} accepts a fixed list of values only; name one of them, or use null")


def _hex(how: SetValue, make: Make) -> str:
    """Keyed digits, the same in every column that holds the same value of the same category."""
    token = make(replace(how, method=Method(MethodName.PSEUDONYM)), FieldFacts("keyed", ValueType.TEXT))
    return str(token).removeprefix("p-")[:24]


def _address(word: str, digits: str) -> str:
    """An address that belongs to nobody: 2001:db8::/32 is for documentation (RFC 3849), a second digit 2 is locally administered (IEEE 802)."""
    if word == "INET":
        return "2001:db8:" + ":".join(digits[at : at + 4].lstrip("0") or "0" for at in range(0, 24, 4)) + "/128"
    return "02:" + ":".join(digits[at : at + 2] for at in range(0, 10, 2))


def _number(column: Column, word: str, made: object) -> str:
    """A keyed number that fits into its column."""
    number = int(str(made))
    size = _SIZE.search(column.words)
    if column.type is ValueType.NUMBER and size:
        whole = int(size[1]) - int(size[2] or 0)
        return str(number % 10**whole if whole > 0 else 0)
    bound = _BOUNDS.get(word)
    return str(number if bound is None else number % (bound * 2 if "UNSIGNED" in column.words.upper() else bound))
