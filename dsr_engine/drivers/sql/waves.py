"""In which order rows of a collection that points at itself are deleted: those that point first, then those that they pointed at."""

from collections.abc import Iterator, Sequence

from dsr_engine.drivers.sql.canonical import canonical_text
from dsr_engine.drivers.sql.catalogue import Table
from dsr_engine.drivers.sql.columns import Value
from dsr_engine.drivers.sql.rows import Row


def waves(table: Table, rows: Sequence[Row]) -> Iterator[list[Row]]:
    """The rows in groups to delete one after the other; one group where nothing points inside the collection. Rows in a circle go together, last."""
    left = list(rows)
    links = [link for link in table.links if link.to_collection == table.collection]
    while left:
        targets = {_values(table, link.fields, row) for row in left for link in links if not _is_itself(table, row, link.fields, link.to_fields)}
        free = [row for row in left if not any(_values(table, link.to_fields, row) in targets for link in links)]
        wave = free or left
        yield wave
        gone = {id(row) for row in wave}
        left = [row for row in left if id(row) not in gone]


def _values(table: Table, names: Sequence[str], row: Row) -> tuple[Value, ...]:
    return tuple(canonical_text(table.columns[name], value) if isinstance(value := row.values[name], str) else value for name in names)


def _is_itself(table: Table, row: Row, fields: Sequence[str], to_fields: Sequence[str]) -> bool:
    return _values(table, fields, row) == _values(table, to_fields, row)
