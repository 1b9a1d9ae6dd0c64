"""What one column is: its type class, how it is read as text, and what the manifest says of it."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.util import ClauseAdapter
from sqlalchemy.types import UserDefinedType

from dsr_engine.domain.anonymize import FieldFacts, ValueType
from dsr_engine.domain.system import FieldMap

#: A value as this driver holds it: text in the server's fixed rendering, bytes of a binary column, or NULL.
Value = str | bytes | None


class AsIs(UserDefinedType[Any]):
    """A column type that neither converts values nor adds casts: the server compares a parameter in its column's own type."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return ""


class Declared(UserDefinedType[Any]):
    """A type in the server's own words, as its catalogue gives it, for a cast."""

    cache_ok = True

    def __init__(self, words: str) -> None:
        self.words = words

    def get_col_spec(self, **_: object) -> str:
        return self.words


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `element` names it in SQL, `read` gives its value as text (bytes for binary ones).

    `declared` is the type in the server's own words. `is_padded`: CHAR, whose trailing blanks mean nothing. `is_generated`: computed by the server.
    `labels` are the values that an enum accepts, `words` is the type as SQL writes it.
    `is_in_unique`: part of any unique constraint, also a composite one.
    `is_indexed`: an index over all rows begins with it; `is_indexed_lowered`: one begins with its lower-cased form.
    """

    facts: FieldFacts
    element: ColumnElement[Any]
    read: ColumnElement[Any]
    declared: str = ""
    is_padded: bool = False
    is_array: bool = False
    is_generated: bool = False
    is_readable: bool = True
    is_in_unique: bool = False
    labels: tuple[str, ...] = ()
    words: str = ""
    field: FieldMap | None = None
    is_indexed: bool = False
    is_indexed_lowered: bool = False

    @property
    def name(self) -> str:
        return self.facts.name

    @property
    def type(self) -> ValueType:
        return self.facts.type

    @property
    def is_json(self) -> bool:
        """True if `read` gives JSON text: a JSON column, or an array that is read as one."""
        return self.facts.type is ValueType.JSON or self.is_array

    def read_from(self, source: sa.FromClause) -> ColumnElement[Any]:
        """`read`, of an alias of the column's table: the same rendering, for keys that are read in different ways are not equal."""
        return ClauseAdapter(source).traverse(self.read)

    @property
    def is_derived(self) -> bool:
        """True if the server makes the value out of other columns: a generated column, or words that a trigger or a default gathers (tsvector)."""
        return self.is_generated or self.declared == "tsvector"

    @property
    def is_owning(self) -> bool:
        """True if the value says whose record this is, so that every fingerprint must cover it."""
        return self.field is not None and (self.field.selects is not None or self.field.identifies)


#: Most special class first; the first that fits decides.
_CLASSES: tuple[tuple[type[sa.types.TypeEngine[Any]], ValueType], ...] = (
    (sa.types.Enum, ValueType.ENUM),
    (sa.types.ARRAY, ValueType.OTHER),
    (sa.types.Uuid, ValueType.UUID),
    (postgresql.HSTORE, ValueType.OTHER),
    (sa.types.JSON, ValueType.JSON),
    (sa.types.Boolean, ValueType.BOOLEAN),
    (sa.types.Integer, ValueType.INTEGER),
    (sa.types.Numeric, ValueType.NUMBER),
    (sa.types.Float, ValueType.NUMBER),
    (sa.types.DateTime, ValueType.TIMESTAMP),
    (sa.types.Date, ValueType.DATE),
    (sa.types._Binary, ValueType.BINARY),
    (sa.types.String, ValueType.TEXT),
)


def value_type(kind: sa.types.TypeEngine[Any]) -> ValueType:
    """The type class of a reflected SQL type; a domain counts as what it is made of."""
    if isinstance(kind, postgresql.DOMAIN):
        return value_type(kind.data_type)
    return next((found for known, found in _CLASSES if isinstance(kind, known)), ValueType.OTHER)


def words_of(kind: sa.types.TypeEngine[Any]) -> str:
    """The type as SQL writes it (`SMALLINT UNSIGNED`, `BIT(8)`); a domain counts as what it is made of, an unknown type as empty."""
    if isinstance(kind, postgresql.DOMAIN):
        return words_of(kind.data_type)
    if isinstance(kind, postgresql.BIT | postgresql.TIME):  # their length and zone are left out otherwise
        return str(kind.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
    return "" if isinstance(kind, sa.types.NullType) else str(kind)


def max_length(kind: sa.types.TypeEngine[Any]) -> int | None:
    """How many characters a text column takes; None: no declared limit."""
    if isinstance(kind, postgresql.DOMAIN):
        return max_length(kind.data_type)
    length = getattr(kind, "length", None) if isinstance(kind, sa.types.String) and not isinstance(kind, sa.types.Enum) else None
    return length if isinstance(length, int) else None


def as_value(raw: object) -> Value:
    """What a connector returned, in the one shape that the rest of this driver knows."""
    if raw is None or isinstance(raw, str | bytes):
        return raw
    if isinstance(raw, memoryview | bytearray):
        return bytes(raw)
    if isinstance(raw, float):
        return repr(raw)
    return str(raw)
