"""A search in many short transactions instead of a long one, no faster than allowed, with pauses while others are in need (`domain/system.py`, Pace).

Why pages and not time-outs: where a page ends is known before it is read, so each row lies in exactly one page, a page that took too long is read
again in halves, and nothing depends on the order in which rows come. A page is `after < key <= upto` in the server's own order of the key; `upto` is
looked up in the key's index. Rows that arrive fall into a page, as in a search that is cut into slices; a row whose *key* changes meanwhile may move
from one page to another, as it may from one slice to another, and the fresh look sees it.
"""

import logging
import time
from collections.abc import Callable, Sequence

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from dsr_engine.domain.anonymize import ValueType
from dsr_engine.domain.errors import Unreachable
from dsr_engine.domain.system import Pace
from dsr_engine.drivers.sql.finding.waiting import reason
from dsr_engine.drivers.sql.schema.catalogue import Table
from dsr_engine.drivers.sql.schema.columns import AsIs, Column
from dsr_engine.drivers.sql.server.database import Database

#: What people should see although they asked for no log: why nothing seems to happen.
_log = logging.getLogger("dsr_engine.pace")

#: Rows of the first page, and of the smallest that a page is cut down to.
FIRST, FEWEST = 5_000, 100
#: Seconds that a page is to take: while others may wait for a lock, while nobody does, and as a share of the longest snapshot.
_SHORT, _LONG, _SHARE = 1.0, 15.0, 0.25
#: Seconds between two looks at the server, and the longest that a search stands still before it gives its slice back.
POLL, PATIENCE = 1.0, 600.0

#: Types that each server compares in the order in which it sorts them, when it gets back what it gave. Elsewhere a table is not cut.
_ORDERED = {
    "postgresql": frozenset(
        {ValueType.INTEGER, ValueType.TEXT, ValueType.UUID, ValueType.DATE, ValueType.TIMESTAMP, ValueType.BINARY, ValueType.NUMBER, ValueType.ENUM}
    ),
    "mariadb": frozenset({ValueType.INTEGER, ValueType.TEXT, ValueType.DATE, ValueType.TIMESTAMP, ValueType.BINARY}),
    "sqlite": frozenset({ValueType.INTEGER}),
}


class TooLong(Exception):
    """The transaction of a search has to end before it has read all it was to read."""


class Meter:
    """Lets bytes through at a rate, by sleeping after they came. None: as fast as they come."""

    def __init__(self, rate: int | None, *, now: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep) -> None:
        self._rate, self._now, self._sleep = rate, now, sleep
        self._free_at = 0.0

    def took(self, size: int) -> None:
        """`size` bytes came. A pause that nobody used is not saved up."""
        if self._rate is None:
            return
        moment = self._now()
        self._free_at = max(self._free_at, moment) + size / self._rate
        if self._free_at > moment:
            self._sleep(self._free_at - moment)


class Pages:
    """The pages of one part of one table, one after the other. `next` gives the condition of the next page, None after the last.

    `is_short` is asked whether the search is over in a moment anyway (keys that an index serves): then it is not cut.
    """

    def __init__(self, database: Database, table: Table, where: ColumnElement[bool], *, is_short: Callable[[], bool] = lambda: False) -> None:
        self._database, self._table, self._where = database, table, where
        self._pace = database.pace
        self._meter = Meter(self._pace.bytes_per_second)
        self._is_cut = _is_bounded(self._pace) and self._has_order() and not is_short()
        self._todo: list[ColumnElement[bool]] = [] if self._is_cut else [where]
        if self._is_cut and (nowhere := _unkeyed(table)) is not None:
            self._todo.append(sa.and_(where, nowhere))
        self._after: tuple[object, ...] | None = None
        self._is_last = not self._is_cut
        self._size, self._rows = FIRST, 0
        self._began = self._looked = time.monotonic()
        self._page: tuple[object, ...] | None = None

    def next(self) -> ColumnElement[bool] | None:
        """Waits until nobody is in need, then gives the next page. Raises `Unreachable` (`system.busy`) after ten minutes of waiting."""
        self._adapt()
        if self._todo or not self._is_last:
            self._stand_still()
        self._rows = 0
        if self._todo:
            page: ColumnElement[bool] | None = self._todo.pop()
        else:
            page = None if self._is_last else self._cut()
        self._began = time.monotonic()
        return page

    def took(self, size: int) -> None:
        """Bytes of the page came. Sleeps to keep the rate. Raises `TooLong` when the transaction has to end."""
        self._meter.took(size)
        moment = time.monotonic()
        may_end = not self._rows or self._rows > FEWEST
        limit = self._pace.longest_snapshot
        if limit is not None and moment - self._began > limit and may_end:
            raise TooLong("the transaction is as old as `max_snapshot` allows")
        if self._pace.yields_to_locks and may_end and moment - self._looked > POLL:
            self._looked = moment
            if why := self._reason():
                raise TooLong(why)

    def halved(self) -> bool:
        """After `TooLong`: the page is read again, in smaller parts. False: what was cut off cannot be taken up again."""
        if not self._rows:
            return False
        self._size = max(FEWEST, self._rows // 2)
        self._after, self._is_last, self._rows = self._page, False, 0
        return True

    def _adapt(self) -> None:
        """The next page takes about as long as a page should, by what the last one took."""
        if self._rows:
            seconds = max(time.monotonic() - self._began, 0.001)
            self._size = int(max(FEWEST, self._rows * min(4.0, max(0.25, self._wanted() / seconds))))

    def _wanted(self) -> float:
        wanted = _SHORT if self._pace.yields_to_locks else _LONG
        limit = self._pace.longest_snapshot
        return wanted if limit is None else min(wanted, limit * _SHARE)

    def _cut(self) -> ColumnElement[bool]:
        key = self._table.key
        where = [self._where, *(column.element.is_not(None) for column in key if column.facts.is_nullable)]
        if self._after is not None:
            where.append(_later(self._database, key, self._after))
        reads = [_bound_of(self._database.dialect.name, column).label(f"k{number}") for number, column in enumerate(key)]
        query = sa.select(*reads).select_from(self._table.element).where(*where).order_by(*(column.element for column in key))
        with self._database.reading(f"cutting {self._table.collection}") as connection:
            row = connection.execute(query.offset(self._size - 1).limit(1)).first()
        upto = None if row is None or not _is_bound(self._database.dialect.name, row) else tuple(row)
        self._page, self._rows, self._is_last = self._after, self._size, upto is None
        if upto is not None:
            where.append(_upto(self._database, key, upto))
            self._after = upto
        return sa.and_(sa.true(), *where)

    def _has_order(self) -> bool:
        table, kind = self._table, self._database.dialect.name
        known = _ORDERED.get(kind, frozenset())
        if not table.key or any(column.type not in known or column.is_array for column in table.key):
            return False
        if all(column.type is not ValueType.TEXT for column in table.key):
            return True
        with self._database.reading("looking at what is logged") as connection:
            return not self._database.dialect.logs_values(connection)  # a page's border is somebody's key, and would stand in the log

    def _stand_still(self) -> None:
        """Polls while there is a reason to; says so once when it begins and once when it goes on."""
        if self._pace.replication_lag is None and not self._pace.yields_to_locks:
            return
        began = time.monotonic()
        is_said = False
        while why := self._reason():
            if time.monotonic() - began > PATIENCE:
                raise Unreachable(
                    f"{self._database.system}: {why}, for more than {PATIENCE / 60:.0f} minutes", code="system.busy", hint="it is tried again later"
                )
            if not is_said:
                _log.warning("%s: the search of %s stands still: %s", self._database.system, self._table.collection, why)
                is_said = True
            time.sleep(POLL)
        if is_said:
            _log.warning("%s: the search of %s goes on", self._database.system, self._table.collection)

    def _reason(self) -> str:
        with self._database.reading("looking for others in need") as connection:
            return reason(connection, self._database.dialect.name, self._pace, self._table)


def _is_bounded(pace: Pace) -> bool:
    return pace.longest_snapshot is not None or pace.yields_to_locks or pace.replication_lag is not None


def _unkeyed(table: Table) -> ColumnElement[bool] | None:
    """True for rows with NULL in their key, which SQLite allows: no border lies among them."""
    nullable = [column.element.is_(None) for column in table.key if column.facts.is_nullable]
    return sa.or_(*nullable) if nullable else None


def _bound_of(kind: str, column: Column) -> ColumnElement[object]:
    """How a border is read so that it can be given back: PostgreSQL takes its own text in every type, the others what their connector made."""
    return column.read if kind == "postgresql" else column.element


def _is_bound(kind: str, row: Sequence[object]) -> bool:
    """SQLite keeps a value of any type in any column; only numbers are sorted among numbers."""
    return all(value is not None for value in row) and (kind != "sqlite" or all(isinstance(value, int) for value in row))


def _upto(database: Database, key: Sequence[Column], border: Sequence[object]) -> ColumnElement[bool]:
    """True for rows up to the border, and for the one that it is taken from."""
    values = [sa.literal(value, AsIs()) for value in border]
    if len(key) == 1:
        return key[0].element <= values[0]
    if database.dialect.name == "postgresql":
        return sa.tuple_(*(column.element for column in key)) <= sa.tuple_(*values)
    return sa.and_(key[0].element <= values[0], sa.not_(_later(database, key, border)))


def _later(database: Database, key: Sequence[Column], border: Sequence[object]) -> ColumnElement[bool]:
    """True for rows behind the border. Written out where a server uses no index for a comparison of tuples."""
    values = [sa.literal(value, AsIs()) for value in border]
    if len(key) == 1:
        return key[0].element > values[0]
    if database.dialect.name == "postgresql":
        return sa.tuple_(*(column.element for column in key)) > sa.tuple_(*values)
    later: ColumnElement[bool] = key[-1].element > values[-1]
    for column, value in reversed(list(zip(key[:-1], values[:-1], strict=True))):
        later = sa.or_(column.element > value, sa.and_(column.element == value, later))
    return sa.and_(key[0].element >= values[0], later)
