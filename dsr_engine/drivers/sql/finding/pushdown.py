"""What the server itself is asked for: keys that only equality finds, and identifiers that an index finds at once in their own form.

A scoped key (`customer_id = 17`) is compared in the columns that hold that very key, because a number means nothing in text. Where all that is looked
for are such keys, nothing is streamed. An identifier in a column that the manifest selects by is asked for as it is written, and lower-cased where an
index holds it so; that only brings the row earlier, for every other written form is found by streaming.

Values are bound parameters. A server that writes its statements into a log would keep them there all the same: then texts are not asked for.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from dsr_engine.domain.anonymize import ValueType
from dsr_engine.domain.selector import Selector
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Table
from dsr_engine.drivers.sql.schema.columns import AsIs, Column
from dsr_engine.drivers.sql.values.rows import BATCH

_FORMS = {
    ValueType.INTEGER: re.compile(r"-?\d{1,18}"),
    ValueType.NUMBER: re.compile(r"-?\d{1,18}(\.\d{1,9})?"),
    ValueType.UUID: re.compile(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}"),
}
#: Types whose values say little about anybody outside this database.
_KEYS = frozenset(_FORMS)
_COMPARED = frozenset({ValueType.TEXT, ValueType.UUID, ValueType.NUMBER})


@dataclass(frozen=True, slots=True)
class Asked:
    """What one table is asked for. `is_enough`: nothing else in it could be what is looked for, so it need not be streamed."""

    conditions: tuple[ColumnElement[bool], ...]
    is_enough: bool


class Pushdown:
    """One query on one table of `system`. `is_logged`: the server keeps statements with their values."""

    def __init__(self, system: str, catalogue: Catalogue, table: Table, *, is_logged: bool) -> None:
        self._system, self._catalogue, self._table, self._is_logged = system, catalogue, table, is_logged
        self._is_enough = True
        self._equal: dict[str, set[str]] = {}
        self._lowered: dict[str, set[str]] = {}

    def asked(self, selectors: Iterable[Selector]) -> Asked:
        for selector in set(selectors):
            if selector.scope is not None:
                self._scoped(selector)
            else:
                self._is_enough = False
                self._plain(selector)
        return Asked(tuple(self._conditions()), self._is_enough)

    def _scoped(self, selector: Selector) -> None:
        assert selector.scope is not None
        names = self._catalogue.names_of(selector.scope, self._system)
        for column in self._table.readable:
            if (self._table.collection, column.name) not in names:
                continue
            # A list of keys is no key, and a value that holds bytes is read as a file: those are streamed.
            if column.is_json or column.type is ValueType.BINARY or self._would_log(column):
                self._is_enough = False
            else:
                self._equal.setdefault(column.name, set()).add(selector.value.reveal())

    def _plain(self, selector: Selector) -> None:
        for column in self._table.readable:
            if column.field is None or column.field.selects != selector.kind:
                continue
            if column.type in _FORMS or (column.is_indexed and column.type is ValueType.TEXT and not self._is_logged):
                self._equal.setdefault(column.name, set()).add(selector.value.reveal())
            if column.is_indexed_lowered and not self._is_logged:
                self._lowered.setdefault(column.name, set()).add(selector.value.reveal().lower())

    def _would_log(self, column: Column) -> bool:
        return self._is_logged and column.type not in _KEYS

    def _conditions(self) -> Iterator[ColumnElement[bool]]:
        for name, values in self._equal.items():
            column = self._table.columns[name]
            for some in _batches(value for value in values if fits(column, value)):
                yield equals_any(column, some)
        for name, values in self._lowered.items():
            for some in _batches(values):
                yield sa.func.lower(self._table.columns[name].element).in_([sa.literal(value, AsIs()) for value in some])


def _batches(values: Iterable[str]) -> Iterator[list[str]]:
    known = sorted(values)
    for start in range(0, len(known), BATCH):
        yield known[start : start + BATCH]


def fits(column: Column, value: str) -> bool:
    """True if the text can be a value of the column at all; what cannot, equals nothing in it."""
    form = _FORMS.get(column.type)
    return "\0" not in value and (form is None or form.fullmatch(value) is not None)


def equals_any(column: Column, values: list[str]) -> ColumnElement[bool]:
    """True for rows whose column equals one of the texts, in a way that an index can serve where the type allows it."""
    if column.type is ValueType.INTEGER:
        return column.element.in_([sa.literal(int(value), AsIs()) for value in values])
    if column.type in _COMPARED:
        return column.element.in_([sa.literal(value, AsIs()) for value in values])
    return sa.cast(column.read, sa.Text).in_(values)
