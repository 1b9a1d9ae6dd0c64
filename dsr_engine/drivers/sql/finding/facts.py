"""The dates and states that policies need to know of a record: its own fields, and the latest and earliest date of a linked collection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from dsr_engine.domain.anonymize import ValueType
from dsr_engine.domain.errors import ManifestWrong
from dsr_engine.drivers.sql.finding.units import fact
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Table
from dsr_engine.drivers.sql.schema.columns import Column, Value, as_value
from dsr_engine.drivers.sql.server.dialects import Dialect
from dsr_engine.drivers.sql.values.canonical import canonical_text

Facts = dict[str, str | None]


@dataclass(frozen=True, slots=True)
class LinkedField:
    """A field of another collection and how its rows join ours: `theirs[i]` equals `ours[i]`."""

    table: Table
    column: Column
    theirs: tuple[Column, ...]
    ours: tuple[Column, ...]


def own_field(table: Table, name: str) -> Column | None:
    """The column that `name` means here; None where it means another collection's. Raises `ManifestWrong` where it means nothing."""
    if name in table.columns:
        return table.columns[name]
    collection, dot, field = name.rpartition(".")
    if dot and collection == table.collection and field in table.columns:
        return table.columns[field]
    if dot and collection != table.collection:
        return None
    raise ManifestWrong(f"{table.collection} has no field {name}", code="sql.unknown_field", hint="compare the policy with the connector")


def linked_field(catalogue: Catalogue, table: Table, name: str) -> LinkedField:
    """What `orders.created_at` means, seen from `table`. Raises `ManifestWrong` where no link joins the two collections."""
    collection, _, field = name.rpartition(".")
    other = catalogue.table(collection)
    if field not in other.columns:
        raise ManifestWrong(f"{collection} has no field {field}", code="sql.unknown_field", hint="compare the policy with the connector")
    for inbound in catalogue.inbound(table.collection):
        if inbound.table is other:
            theirs, ours = inbound.link.fields, inbound.link.to_fields
            break
    else:
        link = next((link for link in table.links if link.to_collection == collection), None)
        if link is None:
            raise ManifestWrong(
                f"no link joins {table.collection} and {collection}", code="sql.no_link", hint="declare `references` in the connector"
            )
        theirs, ours = link.to_fields, link.fields
    return LinkedField(other, other.columns[field], tuple(other.columns[one] for one in theirs), tuple(table.columns[one] for one in ours))


def facts_of(
    dialect: Dialect, connection: sa.Connection, catalogue: Catalogue, table: Table, names: Sequence[str], rows: Sequence[Mapping[str, Value]]
) -> list[Facts]:
    """The facts of each row, in their order; one question for each linked field."""
    found: list[Facts] = [{} for _ in rows]
    for name in names:
        column = own_field(table, name)
        if column is not None:
            for facts, values in zip(found, rows, strict=True):
                facts[name] = fact(column, values.get(column.name))
            continue
        linked = linked_field(catalogue, table, name)
        extremes = _extremes(dialect, connection, linked, rows)
        for facts, values in zip(found, rows, strict=True):
            latest, earliest = extremes.get(_join_key(linked.ours, values), (None, None))
            facts[f"{name}:latest"], facts[f"{name}:earliest"] = latest, earliest
    return found


def _join_key(columns: Sequence[Column], values: Mapping[str, Value]) -> tuple[str | bytes | None, ...]:
    return tuple(canonical_text(column, value) if isinstance(value := values.get(column.name), str) else value for column in columns)


def _extremes(
    dialect: Dialect, connection: sa.Connection, linked: LinkedField, rows: Sequence[Mapping[str, Value]]
) -> dict[tuple[str | bytes | None, ...], tuple[str | None, str | None]]:
    wanted = {tuple(values.get(column.name) for column in linked.ours) for values in rows}
    bound = [bound_key(dialect, linked.theirs, key) for key in wanted if None not in key]
    if not bound:
        return {}
    date = dialect.dated(linked.column.element) if linked.column.type in (ValueType.DATE, ValueType.TIMESTAMP) else linked.column.element
    extremes = [dialect.as_text(aggregate(date), linked.column.type, False) for aggregate in (sa.func.max, sa.func.min)]
    query = (
        sa.select(*(column.read.label(f"k{number}") for number, column in enumerate(linked.theirs)), *extremes)
        .select_from(linked.table.element)
        .where(dialect.among([column.element for column in linked.theirs], [column.declared for column in linked.theirs], bound))
        .group_by(*(column.element for column in linked.theirs))
    )
    found = {}
    for raw in connection.execute(query):
        key = _join_key(linked.theirs, {column.name: as_value(part) for column, part in zip(linked.theirs, raw, strict=False)})
        latest, earliest = (fact(linked.column, as_value(part)) for part in raw[len(linked.theirs) :])
        found[key] = (latest, earliest)
    return found


def bound_key(dialect: Dialect, columns: Sequence[Column], key: Sequence[Value]) -> list[object]:
    """The values of a key, read from elsewhere, as they are compared with these columns."""
    return [
        dialect.parameter(column.type, part) if isinstance(part, str) and column.type is not ValueType.BINARY else part
        for column, part in zip(columns, key, strict=True)
    ]
