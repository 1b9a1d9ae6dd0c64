"""What one row holds, as units: every text-like column, every scalar inside JSON, every text inside a file in a BLOB."""

import io
from collections.abc import Iterable, Iterator, Mapping
from functools import partial

from dsr_engine.content.files import read_file
from dsr_engine.content.format import Reading
from dsr_engine.content.gate import Gate
from dsr_engine.domain.anonymize import ValueType
from dsr_engine.domain.record import Gap, Locator, Record, Unit
from dsr_engine.drivers.sql.finding.splitnames import name_units
from dsr_engine.drivers.sql.schema.catalogue import Table
from dsr_engine.drivers.sql.schema.columns import Column, Value
from dsr_engine.drivers.sql.values.canonical import canonical_text
from dsr_engine.drivers.sql.values.jsontext import NotJson, parsed, scalars


def texts(columns: Iterable[Column], values: Mapping[str, Value]) -> Iterator[Unit]:
    """The units of all columns but the binary ones."""
    for column in columns:
        value = values.get(column.name)
        if isinstance(value, str) and not _is_truth(column, value):
            yield from _json_units(column, value) if column.is_json else (_unit(column, column.name, value),)


def _is_truth(column: Column, value: str) -> bool:
    """True for yes or no, which say nothing about a person. SQLite keeps any text in a column that is called boolean."""
    return column.type is ValueType.BOOLEAN and canonical_text(column, value) in ("true", "false")


def _json_units(column: Column, text: str) -> Iterator[Unit]:
    try:
        document = parsed(text)
    except NotJson:
        yield _unit(column, column.name, text, is_value=False)
        return
    for path, scalar, is_value in scalars(document):
        yield _unit(column, f"{column.name}/{path}", scalar, is_value=is_value, is_whole=False)


def _unit(column: Column, place: str, text: str, *, is_value: bool = True, is_whole: bool = True) -> Unit:
    looks_inside = column.field is not None and column.field.search_text
    return Unit(place, text, field=column.field, is_value=is_value and not looks_inside, is_unique=is_whole and column.facts.is_unique)


def files(table: Table, values: Mapping[str, Value], gate: Gate | None) -> Iterator[Unit | Gap]:
    """The texts in the row's binary values that pass the gate, read as whatever file they are."""
    for column in table.readable:
        value = values.get(column.name)
        if isinstance(value, bytes) and value:
            prefix = f"{column.name}/"
            reading = Reading(collection=table.collection, gate=gate, map=None, prefix=prefix)
            yield from read_file(partial(io.BytesIO, value), reading)


def record(
    system: str,
    server: str,
    table: Table,
    key: tuple[str, ...],
    values: Mapping[str, Value],
    inside: Iterable[Unit | Gap],
    facts: Mapping[str, str | None],
) -> Record:
    """The record of one row. `inside` is what its files held."""
    found = tuple(inside)
    return Record(
        locator=Locator(system, table.collection, key),
        units=(*texts(table.readable, values), *name_units(table.names, values), *(part for part in found if isinstance(part, Unit))),
        server=server,
        facts=facts,
        identifying={
            column.name: text
            for column in table.readable
            if column.field and (column.field.identifies or column.field.carries) and isinstance(text := values.get(column.name), str)
        },
        gaps=tuple(part for part in found if isinstance(part, Gap)),
    )


def fact(column: Column, value: Value) -> str | None:
    """A value as policies read it: dates as ISO 8601 in UTC, states as text."""
    return canonical_text(column, value) if isinstance(value, str) else None
