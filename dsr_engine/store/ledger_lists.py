"""The ledger for whoever leafs through it: a page of leaves at a time, by kind, case and period, and the list of checkpoints."""

import builtins
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Row, Select, func, select, tuple_

from dsr_engine.store.tables import checkpoint, leaf

_LEAVES: Select[Any] = select(leaf.c.position, leaf.c.kind, leaf.c.data, leaf.c.at, leaf.c.about_case)


@dataclass(frozen=True, slots=True)
class Entry:
    """One leaf as it is stored. `case` None: it is about no case."""

    index: int
    kind: str
    data: bytes
    at: datetime
    case: str | None


@dataclass(frozen=True, slots=True)
class Signed:
    """One checkpoint: how many leaves it covers, the signed note, and when it was made."""

    size: int
    note: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Filter:
    """Which leaves are wanted; what is empty filters nothing. `start` is the first moment that counts, `end` the first that does not any more."""

    kind: str = ""
    case: str = ""
    start: datetime | None = None
    end: datetime | None = None


class LedgerLists:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def leaves(self, wanted: Filter, count: int, *, before: int | None = None, after: int | None = None) -> builtins.list[Entry]:
        """At most so many leaves, the newest first: those before leaf `before`, or the ones next after leaf `after`.

        Within a period the order is that of time, which differs from that of the ledger only where a clock was put back.
        """
        found = _LEAVES
        if wanted.kind:
            found = found.where(leaf.c.kind == wanted.kind)
        if wanted.case:
            found = found.where(leaf.c.about_case == wanted.case)
        if wanted.start is not None:
            found = found.where(leaf.c.at >= wanted.start)
        if wanted.end is not None:
            found = found.where(leaf.c.at < wanted.end)
        in_time = wanted.start is not None or wanted.end is not None
        order: tuple[Column[Any], ...] = (leaf.c.at, leaf.c.position) if in_time else (leaf.c.position,)
        border = self._border(before if before is not None else after, order)
        if border is None:
            rows = self._connection.execute(found.order_by(*(column.desc() for column in order)).limit(count)).all()
        elif before is not None:
            older = found.where(tuple_(*order) < border).order_by(*(column.desc() for column in order))
            rows = self._connection.execute(older.limit(count)).all()
        else:
            newer = found.where(tuple_(*order) > border).order_by(*order)
            rows = list(reversed(self._connection.execute(newer.limit(count)).all()))
        return [_read(row) for row in rows]

    def leaf(self, index: int) -> Entry | None:
        row = self._connection.execute(_LEAVES.where(leaf.c.position == index)).one_or_none()
        return None if row is None else _read(row)

    def data_of(self, indexes: Iterable[int]) -> dict[int, bytes]:
        """The data of these leaves by index, of those that are there."""
        wanted = select(leaf.c.position, leaf.c.data).where(leaf.c.position.in_(list(indexes)))
        return {row.position: row.data for row in self._connection.execute(wanted)}

    def of_case(self, case: str, limit: int) -> builtins.list[Entry]:
        """The leaves about a case, oldest first."""
        wanted = _LEAVES.where(leaf.c.about_case == case)
        return [_read(row) for row in self._connection.execute(wanted.order_by(leaf.c.position).limit(limit))]

    def kinds(self) -> builtins.list[str]:
        """Every kind of leaf that there is. Asked one after the other, each by a look into the index: there are few kinds and many leaves."""
        found: builtins.list[str] = []
        kind = self._connection.scalar(select(func.min(leaf.c.kind)))
        while kind is not None:
            found.append(str(kind))
            kind = self._connection.scalar(select(func.min(leaf.c.kind)).where(leaf.c.kind > kind))
        return found

    def count(self, kind: str, start: datetime | None = None, end: datetime | None = None) -> int:
        """How many leaves of this kind were written from `start` up to, not including, `end`."""
        wanted = select(func.count()).select_from(leaf).where(leaf.c.kind == kind)
        if start is not None:
            wanted = wanted.where(leaf.c.at >= start)
        if end is not None:
            wanted = wanted.where(leaf.c.at < end)
        return int(self._connection.scalars(wanted).one())

    def last(self, kind: str) -> Entry | None:
        """The newest leaf of a kind."""
        return next(iter(self.leaves(Filter(kind=kind), 1)), None)

    def checkpoints(self, count: int, *, before: int | None = None, after: int | None = None) -> builtins.list[Signed]:
        """At most so many checkpoints, the largest first: smaller than `before`, or the ones next above `after`."""
        if after is not None and before is None:
            newer = select(checkpoint).where(checkpoint.c.size > after).order_by(checkpoint.c.size).limit(count)
            return [Signed(row.size, row.note, row.at) for row in reversed(self._connection.execute(newer).all())]
        wanted = select(checkpoint).order_by(checkpoint.c.size.desc()).limit(count)
        if before is not None:
            wanted = wanted.where(checkpoint.c.size < before)
        return [Signed(row.size, row.note, row.at) for row in self._connection.execute(wanted)]

    def checkpoint(self, size: int) -> Signed | None:
        """The checkpoint of exactly so many leaves."""
        row = self._connection.execute(select(checkpoint).where(checkpoint.c.size == size)).one_or_none()
        return None if row is None else Signed(row.size, row.note, row.at)

    def _border(self, index: int | None, order: tuple[Column[Any], ...]) -> tuple[Any, ...] | None:
        """Where in this order leaf `index` stands; None for none, and for a leaf that is not there."""
        if index is None:
            return None
        if len(order) == 1:
            return (index,)
        row = self._connection.execute(select(*order).where(leaf.c.position == index)).one_or_none()
        return None if row is None else tuple(row)


def _read(row: Row[Any]) -> Entry:
    return Entry(row.position, row.kind, row.data, row.at, row.about_case)
