"""Methods that replace a value, as pure functions: same key, method, category, value and counter give the same result.

That purity is what makes a killed run harmless: what a value *becomes* is known before anything is written.
Pseudonyms are keyed by the case's key; when that key is shredded nobody can recompute them (GDPR Art. 4(5): until then they are personal data).
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class MethodName(StrEnum):
    NULL = "null"
    TOMBSTONE = "tombstone"
    TEXT = "text"
    PSEUDONYM = "pseudonym"
    GENERALIZE = "generalize"
    TRUNCATE = "truncate"
    REDACT = "redact"
    FAKE = "fake"


@dataclass(frozen=True, slots=True)
class Method:
    """A method and its argument: `text` → the text, `generalize` → year, month, decade, postcode3, ip24; `truncate` → a length."""

    name: MethodName
    argument: str = ""


class ValueType(StrEnum):
    """The shapes of value that a method must respect."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    UUID = "uuid"
    JSON = "json"
    BINARY = "binary"
    ENUM = "enum"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """What the live system says about a field. `max_length` counts characters; None: no limit."""

    name: str
    type: ValueType = ValueType.TEXT
    is_nullable: bool = True
    is_unique: bool = False
    is_key: bool = False
    max_length: int | None = None


class Misfit(Exception):
    """The method cannot give a value that the field accepts. The text says why, without the value."""


TOMBSTONE = "[erased]"


def anonymized(method: Method, value: object, facts: FieldFacts, *, key: bytes, category: str, counter: int = 0) -> object:
    """The value that replaces `value` in a field with these facts. Raises `Misfit` where none fits.

    NULL stays NULL for every method: there is nothing to hide. `counter` makes a value unique where the field must be;
    the plan chooses it against the live values.
    """
    if value is None:
        return None
    if method.name is MethodName.NULL:
        if not facts.is_nullable:
            raise Misfit(f"{facts.name} is NOT NULL and cannot become null (use tombstone or fake)")
        return None
    replaced = _METHODS[method.name](method.argument, value, facts, _Stream(key, category, str(value), counter), counter)
    if isinstance(replaced, str) and facts.max_length is not None and len(replaced) > facts.max_length:
        return _shortened(replaced, facts)
    return replaced


class _Stream:
    """Bytes derived from the case's key and the value; the same for the same inputs."""

    def __init__(self, key: bytes, category: str, value: str, counter: int) -> None:
        message = "\0".join((category, " ".join(value.split()).casefold(), str(counter))).encode()
        self._seed = hmac.new(key, message, hashlib.sha256).digest()

    def hex(self, length: int) -> str:
        return self._seed.hex()[:length]

    def byte(self, index: int) -> int:
        block = hashlib.sha256(self._seed + (index // 32).to_bytes(4, "big")).digest()
        return block[index % 32]


def _shortened(text: str, facts: FieldFacts) -> str:
    """A replacement cut to the field. A unique one keeps its end, where the keyed part is."""
    length = facts.max_length or 0
    return text[-length:] if facts.is_unique and length else text[:length]


def _tombstone(argument: str, value: object, facts: FieldFacts, stream: _Stream, counter: int) -> object:
    if facts.type is ValueType.TEXT:
        return f"{TOMBSTONE[:-1]} {stream.hex(12)}]" if facts.is_unique else argument or TOMBSTONE
    if facts.type is ValueType.JSON:
        return "null" if not facts.is_unique else f'"{stream.hex(12)}"'
    if facts.type in (ValueType.DATE, ValueType.TIMESTAMP):
        if facts.is_unique:
            raise Misfit(f"{facts.name} is a unique {facts.type.value} and has no neutral value")
        return date(1900, 1, 1) if facts.type is ValueType.DATE else datetime(1900, 1, 1)  # noqa: DTZ001 - a column without a zone; a zoned one takes UTC
    if facts.type in (ValueType.INTEGER, ValueType.NUMBER, ValueType.BOOLEAN) and not facts.is_unique:
        return False if facts.type is ValueType.BOOLEAN else 0
    if facts.type is ValueType.BINARY:
        return b"" if not facts.is_unique else bytes.fromhex(stream.hex(24))
    return _fake(argument, value, facts, stream, counter)


def _text(argument: str, value: object, facts: FieldFacts, stream: _Stream, counter: int) -> object:
    if facts.type is not ValueType.TEXT:
        raise Misfit(f"{facts.name} is of type {facts.type.value} and cannot hold a text")
    return f"{argument} {stream.hex(12)}" if facts.is_unique else argument


def _pseudonym(argument: str, value: object, facts: FieldFacts, stream: _Stream, counter: int) -> object:
    if facts.type is ValueType.TEXT:
        token = "p-" + stream.hex(24)
        return f"{token}@pseudonym.invalid" if "@" in str(value) else token
    if facts.type is ValueType.UUID:
        digits = stream.hex(32)
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"
    raise Misfit(f"{facts.name} is of type {facts.type.value}; a pseudonym needs a text or a UUID")


def _generalize(argument: str, value: object, facts: FieldFacts, stream: _Stream, counter: int) -> object:
    if facts.is_unique:
        raise Misfit(f"{facts.name} is unique; a generalized value would not be")
    if argument in ("year", "month", "decade"):
        return _generalized_date(argument, value, facts)
    text = str(value)
    if argument == "postcode3":
        kept = "".join(text.split())
        return kept[:3] if facts.type is ValueType.TEXT else TOMBSTONE
    if argument == "ip24" and facts.type is ValueType.TEXT:
        return ".".join([*text.split(".")[:3], "0"]) if text.count(".") == 3 else ":".join([*text.split(":")[:3], ":"])
    raise Misfit(f"{facts.name} cannot be generalized to {argument or 'nothing'} (year, month, decade, postcode3 or ip24)")


def _generalized_date(argument: str, value: object, facts: FieldFacts) -> object:
    if isinstance(value, str):
        try:
            whole = date.fromisoformat(value[:10])
        except ValueError:
            raise Misfit(f"{facts.name} holds a value that is not an ISO date") from None
    elif isinstance(value, date):
        whole = value
    else:
        raise Misfit(f"{facts.name} is of type {facts.type.value} and is not a date")
    year = whole.year - whole.year % 10 if argument == "decade" else whole.year
    coarse = date(year, whole.month if argument == "month" else 1, 1)
    if isinstance(value, str):
        return coarse.isoformat()
    return datetime(coarse.year, coarse.month, 1, tzinfo=value.tzinfo) if isinstance(value, datetime) else coarse


def _truncate(argument: str, value: object, facts: FieldFacts, stream: _Stream, counter: int) -> object:
    if facts.type is not ValueType.TEXT or facts.is_unique:
        raise Misfit(f"{facts.name} cannot be truncated: that needs a text that need not be unique")
    return str(value)[: int(argument)]


def _fake(argument: str, value: object, facts: FieldFacts, stream: _Stream, counter: int) -> object:
    """Same shape: digits become digits, letters letters, the rest stays; an e-mail address gets a domain that cannot exist."""
    if facts.type is ValueType.INTEGER:
        return int.from_bytes(bytes(stream.byte(i) for i in range(4)), "big") % 2**31
    if facts.type is ValueType.UUID:
        return _pseudonym(argument, value, facts, stream, counter)
    if facts.type is not ValueType.TEXT:
        raise Misfit(f"{facts.name} is of type {facts.type.value}; there is no fake value for it")
    text = str(value)
    if "@" in text:
        return f"{stream.hex(16)}@example.invalid"
    return "".join(_fake_character(character, stream.byte(index)) for index, character in enumerate(text))


def _fake_character(character: str, byte: int) -> str:
    if character.isdigit():
        return str(byte % 10)
    if character.isalpha():
        letter = chr(ord("a") + byte % 26)
        return letter.upper() if character.isupper() else letter
    return character


def _redact(argument: str, value: object, facts: FieldFacts, stream: _Stream, counter: int) -> object:
    raise Misfit(f"{facts.name}: `redact` cuts spans and needs the person's selectors; it is not a replacement of the whole value")


_METHODS = {
    MethodName.TOMBSTONE: _tombstone,
    MethodName.TEXT: _text,
    MethodName.PSEUDONYM: _pseudonym,
    MethodName.GENERALIZE: _generalize,
    MethodName.TRUNCATE: _truncate,
    MethodName.FAKE: _fake,
    MethodName.REDACT: _redact,
}
