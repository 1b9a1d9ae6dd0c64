"""What is there now: one statement for up to a thousand records, from the server itself."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import sqlalchemy as sa

from dsr_engine.domain.errors import ManifestWrong
from dsr_engine.drivers.driver import Absent, Moved, Observation, Present, Watched
from dsr_engine.drivers.sql.effects.moving import same_columns, state_there, target_of
from dsr_engine.drivers.sql.finding.splitnames import columns_at
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Table
from dsr_engine.drivers.sql.schema.columns import Column
from dsr_engine.drivers.sql.server.database import Database
from dsr_engine.drivers.sql.values.canonical import digest
from dsr_engine.drivers.sql.values.rows import Key, Row, batches, fetch


def covered(table: Table, fields: Sequence[str]) -> tuple[Column, ...]:
    """The columns that a state covers: key, owning fields, and the watched ones (all where none is named).

    A place inside a column (`profile/$.email`) means the column, a split one (`first_name+last_name`) each of its columns. Generated columns follow
    from others and are left out.
    Raises `ManifestWrong` for a field that is gone.
    """
    if not fields:
        wanted = {column.name for column in table.readable}
    else:
        wanted = {column.name for column in columns_of(table, fields)}
        wanted |= {column.name for column in table.readable if column.is_owning}
    wanted |= {column.name for column in table.key}
    return tuple(column for column in table.readable if column.name in wanted and (column.facts.is_key or not column.is_derived))


def columns_of(table: Table, places: Iterable[str]) -> tuple[Column, ...]:
    """The columns that these places lie in, each once; a split place lies in several."""
    found = (column for place in places for column in columns_at(table.columns, place) or (column_of(table, place),))
    return tuple({column.name: column for column in found}.values())


def column_of(table: Table, place: str) -> Column:
    """The column that a place lies in."""
    name = place if place in table.columns else place.split("/", 1)[0]
    if name not in table.columns:
        raise unknown_field(table, name)
    return table.columns[name]


def unknown_field(table: Table, name: str) -> ManifestWrong:
    return ManifestWrong(f"{table.collection} has no field {name}", code="sql.unknown_field", hint="compare the connector with `dsr map`")


def state_of(columns: Sequence[Column], rows: Sequence[Row]) -> bytes:
    """The state of what one key names. Identical rows of a table without a key are one record, so their number does not matter."""
    return digest((column, rows[0].values[column.name]) for column in columns)


def observe(database: Database, catalogue: Catalogue, watched: Sequence[Watched]) -> Sequence[Observation]:
    """One observation for each, in their order. A part of a record is there while the record is."""
    found: list[Observation | None] = [None] * len(watched)
    groups: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for number, one in enumerate(watched):
        groups.setdefault((one.locator.collection, one.fields), []).append(number)
    with database.reading("observing") as connection:
        server = database.identity(connection)
        for (collection, fields), numbers in groups.items():
            table = catalogue.table(collection)
            columns = covered(table, fields)
            states = _states(database, connection, table, columns, [watched[number].locator.key for number in numbers])
            gone = [watched[number].locator.key for number in numbers if watched[number].locator.key not in states]
            moved = _moved(database, connection, catalogue, table, columns, gone)
            for number in numbers:
                key = watched[number].locator.key
                found[number] = Present(server, states[key]) if key in states else Absent(server)
                if key in moved:
                    to, state = moved[key]
                    found[number] = Moved(server, replace(watched[number].locator, collection=to), state)
    return [one for one in found if one is not None]


def _moved(
    database: Database, connection: sa.Connection, catalogue: Catalogue, table: Table, columns: Sequence[Column], keys: Sequence[Key]
) -> dict[Key, tuple[str, bytes]]:
    """Where rows went that are restricted, with their states there."""
    target = target_of(catalogue, table)
    if target is None or not keys or not target.key:
        return {}
    states = _states(database, connection, target, same_columns(target, columns), keys)
    return {key: (target.collection, state_there(state, target.collection)) for key, state in states.items()}


def _states(database: Database, connection: sa.Connection, table: Table, columns: Sequence[Column], keys: Sequence[Key]) -> dict[Key, bytes]:
    states: dict[Key, bytes] = {}
    for batch in batches(keys):
        rows = fetch(database.dialect, connection, table, batch, columns)
        states |= {key: state_of(columns, same) for key, same in rows.items()}
    return states
