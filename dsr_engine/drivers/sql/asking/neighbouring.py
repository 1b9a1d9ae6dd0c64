"""Who stands beside a person's rows: rows that point at them and rows that they point at. Neither is theirs by that alone."""

from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa

from dsr_engine.domain.record import Locator
from dsr_engine.drivers.driver import Link
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Table
from dsr_engine.drivers.sql.schema.columns import Column, as_value
from dsr_engine.drivers.sql.server.dialects import Dialect
from dsr_engine.drivers.sql.values.rows import BATCH, Key, batches, key_of, keyed
from dsr_engine.drivers.survey import Neighbour


def neighbours(dialect: Dialect, connection: sa.Connection, catalogue: Catalogue, locators: Sequence[Locator]) -> tuple[Neighbour, ...]:
    """One for each link that leads to or from these rows, with how many other rows are at its far end. Those among `locators` are not counted.

    A row of a table without a key cannot be addressed, so links of such a row are not followed.
    """
    rows: dict[str, list[Key]] = {}
    for locator in locators:
        rows.setdefault(locator.collection, []).append(locator.key)
    own = {collection: frozenset(keys) for collection, keys in rows.items()}
    found: list[Neighbour] = []
    for collection, keys in sorted(rows.items()):
        table = catalogue.tables.get(collection)
        if table is None or not table.key:
            continue
        for inbound in catalogue.inbound(collection):
            count = _count(dialect, connection, _Step(table, inbound.table, inbound.link, True), keys, own)
            found += [Neighbour(inbound.table.collection, inbound.link, True, count)] if count else []
        for link in table.links:
            target = catalogue.tables.get(link.to_collection)
            count = _count(dialect, connection, _Step(table, target, link, False), keys, own) if target is not None else 0
            found += [Neighbour(link.to_collection, link, False, count)] if count else []
    return tuple(found)


class _Step:
    """One link, seen from the rows that it is followed from."""

    def __init__(self, start: Table, end: Table, link: Link, is_inward: bool) -> None:
        self.start, self.end, self.is_inward = start, end, is_inward
        self.ours, self.theirs = (link.to_fields, link.fields) if is_inward else (link.fields, link.to_fields)

    @property
    def is_readable(self) -> bool:
        """False for an end that this account may not read, or that is no table."""
        return not self.end.relation.reason and all(
            name in table.columns and table.columns[name].is_readable
            for table, names in ((self.start, self.ours), (self.end, self.theirs))
            for name in names
        )

    @property
    def named(self) -> tuple[Column, ...]:
        return self.end.key or self.end.readable


def _count(dialect: Dialect, connection: sa.Connection, step: _Step, keys: Sequence[Key], own: Mapping[str, frozenset[Key]]) -> int:
    if not step.is_readable:
        return 0
    mine = own.get(step.end.collection, frozenset())
    if step.is_inward and not mine:  # there may be millions: the server counts them
        return sum(_counted(dialect, connection, step, batch) for batch in batches(keys))
    return len({key for batch in batches(keys) for key in _far_end(dialect, connection, step, batch) if key not in mine})


def _counted(dialect: Dialect, connection: sa.Connection, step: _Step, batch: Sequence[Key]) -> int:
    near, far = step.start.element.alias("n"), step.end.element.alias("f")
    pointed = sa.exists(sa.select(sa.literal_column("1")).select_from(near).where(_joined(step, near, far), keyed(dialect, step.start, batch, near)))
    return int(connection.scalar(sa.select(sa.func.count()).select_from(far).where(pointed)) or 0)


def _joined(step: _Step, near: sa.FromClause, far: sa.FromClause) -> sa.ColumnElement[bool]:
    return sa.and_(*(near.c[ours] == far.c[theirs] for ours, theirs in zip(step.ours, step.theirs, strict=True)))


def _far_end(dialect: Dialect, connection: sa.Connection, step: _Step, batch: Sequence[Key]) -> Iterator[Key]:
    """The keys of the rows at the far end of the link."""
    near, far = step.start.element.alias("n"), step.end.element.alias("f")
    reads = [column.read_from(far).label(f"k{number}") for number, column in enumerate(step.named)]
    query = sa.select(*reads).select_from(near.join(far, _joined(step, near, far))).where(keyed(dialect, step.start, batch, near))
    for raw in connection.execute(query.execution_options(yield_per=BATCH)):
        key = key_of(step.end, {column.name: as_value(part) for column, part in zip(step.named, raw, strict=True)})
        if key is not None:
            yield key
