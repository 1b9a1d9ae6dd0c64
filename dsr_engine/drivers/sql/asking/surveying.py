"""Answers what the drafting of a manifest asks: what columns hold, whose keys they hold, and who stands beside a record.

Every question reads a bounded number of rows, oldest and newest ones, in a transaction that leaves no trace. Values leave this file as a `Sample`
in memory only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from dsr_engine.domain.anonymize import ValueType
from dsr_engine.domain.errors import ManifestWrong, NotSupported
from dsr_engine.domain.record import Locator
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import CollectionFacts, Link
from dsr_engine.drivers.sql.asking.copying import copies
from dsr_engine.drivers.sql.asking.estimating import bulks
from dsr_engine.drivers.sql.asking.neighbouring import neighbours
from dsr_engine.drivers.sql.effects.snapshots import sources
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Table
from dsr_engine.drivers.sql.schema.columns import Column, Value, as_value
from dsr_engine.drivers.sql.schema.reflection import read_catalogue
from dsr_engine.drivers.sql.server.database import Database
from dsr_engine.drivers.sql.server.replicas import reading_side, refuse_stranger
from dsr_engine.drivers.survey import Containment, Copying, Neighbour, Sample, Sharing

#: Rows that are looked at for each distinct value that is asked for, and at most.
_ROWS_EACH = 5
_MOST_ROWS = 20_000
#: Characters of a long text that are read to guess what it is.
_LONGEST = 2_000
#: Rows whose links are counted to see whether targets are shared, for each target that is asked for.
_LINKS_EACH = 50

_CUT = (ValueType.TEXT, ValueType.JSON, ValueType.OTHER)


class SqlSurveyor:
    """One database, read from its replica where it has one. The manifest's collections are not looked at: they may be what is being mended."""

    def __init__(self, system: System) -> None:
        """Connects to nothing yet. Raises `InputWrong` for a url that cannot be used."""
        self._system, self._primary = reading_side(system)
        self._database = Database(self._system)
        self._known: Catalogue | None = None
        self._mapped: Catalogue | None = None

    def describe(self) -> Sequence[CollectionFacts]:
        """The live catalogue without views, which hold nothing of their own; with the server's estimates of rows."""
        catalogue = self._catalogue()
        with self._database.reading("estimating") as connection:
            known = bulks(connection, self._database.dialect.name, catalogue.tables)
            made_from = sources(connection, catalogue)
        entries = [replace(facts, made_from=made_from.get(facts.name, ())) for facts in catalogue.facts()]
        tables = [facts for facts in entries if not catalogue.tables[facts.name].is_plain_view]
        return tuple(
            replace(facts, count=facts.count if extent.rows is None else extent.rows) if (extent := known.get(facts.name)) is not None else facts
            for facts in tables
        )

    def sample(self, collection: str, most: int) -> Sample:
        """Distinct values of every readable field, of the oldest and the newest rows. Binary values are not read.

        Raises `NotSupported` where the collection cannot be read.
        """
        table = self._readable(collection)
        columns = tuple(column for column in table.readable if column.type is not ValueType.BINARY)
        seen: dict[str, dict[str, None]] = {column.name: {} for column in columns}
        hashes: dict[str, set[int]] = {column.name: set() for column in columns}
        nulls = dict.fromkeys(seen, 0)
        rows, bound = 0, min(most * _ROWS_EACH, _MOST_ROWS)
        with self._database.reading(f"sampling {collection}") as connection:
            for raw in _ends(connection, table, columns, bound):
                rows += 1
                for column, value in zip(columns, raw, strict=True):
                    if value is None:
                        nulls[column.name] += 1
                        continue
                    hashes[column.name].add(hash(value))
                    if isinstance(value, str) and len(seen[column.name]) < most:
                        seen[column.name][value[:_LONGEST]] = None
        distinct = {name: len(known) for name, known in hashes.items()}
        return Sample(collection, {name: tuple(values) for name, values in seen.items()}, rows, nulls, distinct, rows < bound - 1)

    def containment(self, collection: str, link: Link, most: int) -> Containment:
        """How far the first `most` distinct values of the link exist at its target. Raises `ManifestWrong` for a field that is not there."""
        own, target = self._ends_of(collection, link)
        inner = sa.select(*(column.element.label(f"v{number}") for number, column in enumerate(own.columns)))
        rows = inner.select_from(own.table.element).where(*_filled(own.columns)).limit(most * _ROWS_EACH).subquery()
        values = sa.select(*rows.c).distinct().limit(most).cte("v")
        asked = sa.select(sa.select(sa.func.count()).select_from(values).scalar_subquery(), _contained(values, target))
        reached = sa.select(*(column.element for column in target.columns)).select_from(target.table.element).where(*_filled(target.columns))
        spread = sa.select(sa.func.count()).select_from(reached.distinct().limit(most * _ROWS_EACH).subquery())
        with self._database.reading(f"comparing {collection} with {link.to_collection}") as connection:
            sampled, contained = connection.execute(asked).one()
            return Containment(int(sampled or 0), int(contained or 0), int(connection.scalar(spread) or 0))

    def sharing(self, collection: str, link: Link, most: int) -> Sharing:
        """How many records share a target, among the first `most` × 50 records with one."""
        own, _ = self._ends_of(collection, link)
        inner = sa.select(*(column.element.label(f"v{number}") for number, column in enumerate(own.columns)))
        rows = inner.select_from(own.table.element).where(*_filled(own.columns)).limit(most * _LINKS_EACH).subquery()
        each = sa.select(sa.func.count().label("n")).select_from(rows).group_by(*rows.c).subquery()
        asked = sa.select(sa.func.count(), sa.func.sum(sa.case((each.c.n > 1, 1), else_=0)), sa.func.max(each.c.n)).select_from(each)
        with self._database.reading(f"counting who shares {link.to_collection}") as connection:
            targets, shared, largest = connection.execute(asked).one()
        return Sharing(int(targets or 0), int(shared or 0), int(largest or 0))

    def neighbours(self, locators: Sequence[Locator]) -> Sequence[Neighbour]:
        """Dependents and parents of these records by every link, those among them left out. Links that the manifest adds count as well."""
        if self._mapped is None:
            self._catalogue()
            with self._database.reading("reading the catalogue") as connection:
                self._mapped = read_catalogue(self._database, connection, self._system.manifest)
        with self._database.reading("counting what stands beside") as connection:
            return neighbours(self._database.dialect, connection, self._mapped, locators)

    def copies(self) -> Sequence[Copying]:
        """Which collections triggers write into when others change, as far as their statements tell."""
        with self._database.reading("reading triggers") as connection:
            return copies(connection, self._catalogue())

    def close(self) -> None:
        self._database.close()

    def _catalogue(self) -> Catalogue:
        if self._known is None:
            if self._primary is not None:
                refuse_stranger(self._system, self._primary)
            with self._database.reading("reading the catalogue") as connection:
                self._known = read_catalogue(self._database, connection, replace(self._system.manifest, collections=()))
        return self._known

    def _readable(self, collection: str) -> Table:
        table = self._catalogue().table(collection)
        if table.relation.reason:
            raise NotSupported(f"{collection}: {table.relation.reason}", code="sql.unsearchable")
        return table

    def _ends_of(self, collection: str, link: Link) -> tuple["_End", "_End"]:
        return _End.of(self._readable(collection), link.fields), _End.of(self._readable(link.to_collection), link.to_fields)


@dataclass(frozen=True, slots=True)
class _End:
    """One end of a link."""

    table: Table
    columns: tuple[Column, ...]

    @classmethod
    def of(cls, table: Table, fields: Sequence[str]) -> "_End":
        missing = [name for name in fields if name not in table.columns or not table.columns[name].is_readable]
        if missing:
            raise ManifestWrong(f"{table.collection} has no field {', '.join(missing)} that may be read", code="sql.unknown_field")
        return cls(table, tuple(table.columns[name] for name in fields))


def _contained(values: sa.CTE, target: _End) -> sa.ScalarSelect[Any]:
    """How many of the values exist at the target. One pass over it will do where no index helps, so the values are asked for as a set."""
    if len(target.columns) == 1:
        (column,) = target.columns
        met = sa.select(column.element).select_from(target.table.element).where(column.element.in_(sa.select(*values.c))).distinct().subquery()
        return sa.select(sa.func.count()).select_from(met).scalar_subquery()
    there = target.table.element.alias("t")
    same = [there.c[column.name] == values.c[f"v{number}"] for number, column in enumerate(target.columns)]
    known = sa.exists(sa.select(sa.literal_column("1")).select_from(there).where(*same))
    return sa.select(sa.func.count()).select_from(values).where(known).scalar_subquery()


def _filled(columns: Sequence[Column]) -> list[ColumnElement[bool]]:
    return [column.element.is_not(None) for column in columns]


def _ends(connection: sa.Connection, table: Table, columns: Sequence[Column], most: int) -> Iterator[tuple[Value, ...]]:
    """Up to `most` rows: half of them from each end of the key, because the oldest rows alone may be long out of use."""
    if not columns:
        return
    query = sa.select(*(_cut(column).label(f"c{number}") for number, column in enumerate(columns))).select_from(table.element)
    keys = [column.element for column in table.key]
    if not keys:
        yield from _values(connection, query.limit(most), len(columns))
        return
    names = [column.read.label(f"k{number}") for number, column in enumerate(table.key)]
    seen: set[tuple[Value, ...]] = set()
    for order in ([key.asc() for key in keys], [key.desc() for key in keys]):
        for raw in _values(connection, query.add_columns(*names).order_by(*order).limit(max(1, most // 2)), len(columns) + len(names)):
            if raw[len(columns) :] not in seen:
                seen.add(raw[len(columns) :])
                yield raw[: len(columns)]


def _cut(column: Column) -> ColumnElement[Any]:
    return sa.func.substr(column.read, 1, _LONGEST) if column.type in _CUT else column.read


def _values(connection: sa.Connection, query: sa.Select[Any], width: int) -> Iterator[tuple[Value, ...]]:
    for raw in connection.execute(query):
        yield tuple(as_value(part) for part in raw[:width])
