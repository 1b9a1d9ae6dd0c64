"""What the platform listed: batches, work items and what became of each. Nothing here leads back to an address."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, delete, func, insert, or_, select, update

from dsr_engine.domain.drop import Batch, DropList, DropStatus, WorkItem
from dsr_engine.store.drop_answers import DropAnswers
from dsr_engine.store.drop_tables import drop_archives, drop_batches, drop_files, drop_gaps, drop_items
from dsr_engine.store.upsert import upsert

T = TypeVar("T")

#: Values that one statement names.
_MOST = 500


def _batched(values: Iterable[T]) -> Iterator[tuple[T, ...]]:
    left = iter(values)
    while some := tuple(islice(left, _MOST)):
        yield some


@dataclass(frozen=True, slots=True)
class Tally:
    """So many items of one list stand like this: what holds now, what was reported, and whether a case works on them."""

    list: DropList
    status: DropStatus | None
    reported: DropStatus | None
    has_case: bool
    count: int


@dataclass(frozen=True, slots=True)
class DropGap:
    """Where the last comparison could not look. `accepted_by` is a person's random id."""

    system: str
    collection: str
    code: str
    reason: str
    at: datetime
    accepted_by: str = ""


class Drop:
    """Work items by their ids and digests."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.answers = DropAnswers(connection)

    # --- archives on their way ---------------------------------------------------------------------------------------

    def park(self, name: str, sealed: bytes, at: datetime) -> None:
        """Keeps an archive that arrived until it is taken in."""
        upsert(self._connection, drop_archives, [{"name": name, "sealed": sealed, "arrived_at": at}])

    def parked(self) -> tuple[str, bytes] | None:
        """The archive that arrived and was not taken in, with its name."""
        row = self._connection.execute(select(drop_archives).order_by(drop_archives.c.arrived_at).limit(1)).one_or_none()
        return None if row is None else (row.name, row.sealed)

    def unpark(self, name: str) -> None:
        self._connection.execute(delete(drop_archives).where(drop_archives.c.name == name))

    # --- what comes in -----------------------------------------------------------------------------------------------

    def of_archive(self, sha256: str) -> Batch | None:
        """The batch that this very download became; None if it was not taken in before."""
        row = self._connection.execute(select(drop_batches).where(drop_batches.c.archive == sha256)).one_or_none()
        return None if row is None else _batch(row)

    def add(self, batch: Batch, sha256: str, files: Mapping[DropList, str]) -> None:
        """Adds a batch and the names of its files; its items follow."""
        row = {"id": batch.id, "name": batch.name, "archive": sha256, "received_at": batch.received_at, "by_hand": batch.by_hand}
        self._connection.execute(insert(drop_batches), {**row, "items": batch.items, "removed": batch.removed, "rules": "", "complete_at": None})
        if files:
            named = [{"batch_id": batch.id, "list": entry.value, "name": name} for entry, name in files.items()]
            self._connection.execute(insert(drop_files), named)

    def add_items(self, batch: str, rows: Iterable[tuple[str, DropList, bytes]]) -> None:
        """Adds items; one that is there already is to be answered anew in this batch.

        What is known of it stays; but where its consumer had cancelled and asks again, nothing is known yet.
        """
        for some in _batched(rows):
            known = {item.id: item for item in self.get(entry[0] for entry in some)}
            fresh = [_fresh(batch, *entry) for entry in some if entry[0] not in known]
            if fresh:
                self._connection.execute(insert(drop_items), fresh)
            for item, entry, digest in some:
                if item in known:
                    again: dict[str, object] = {"list": entry.value, "digest": digest, "batch_id": batch, "reported": None, "removed_at": None}
                    again |= {"status": None, "case_id": None, "looked_at": None} if known[item].is_removed else {}
                    self._connection.execute(update(drop_items).where(drop_items.c.id == item).values(again))

    def remove(self, ids: Iterable[str], at: datetime) -> frozenset[str]:
        """The consumers cancelled: these are compared with nobody any more. Gives the cases that worked on nothing but them."""
        touched: set[str] = set()
        for some in _batched(ids):
            chosen = (drop_items.c.id.in_(some), drop_items.c.removed_at.is_(None))
            touched.update(self._connection.scalars(select(drop_items.c.case_id).where(*chosen, drop_items.c.case_id.is_not(None))))
            self._connection.execute(update(drop_items).where(*chosen).values(removed_at=at))
        return frozenset(touched) - self._wanted(touched)

    def cancelled_cases(self) -> frozenset[str]:
        """Cases without a status yet, all of whose items were taken back."""
        chosen = (drop_items.c.case_id.is_not(None), drop_items.c.removed_at.is_not(None), drop_items.c.status.is_(None))
        gone = set(self._connection.scalars(select(drop_items.c.case_id).where(*chosen).distinct()))
        return frozenset(gone) - self._wanted(gone)

    def _wanted(self, cases: Iterable[str]) -> frozenset[str]:
        """Those of these cases that still work on a live item."""
        found: set[str] = set()
        for some in _batched(cases):
            chosen = (drop_items.c.case_id.in_(some), drop_items.c.removed_at.is_(None))
            found.update(self._connection.scalars(select(drop_items.c.case_id).where(*chosen)))
        return frozenset(found)

    # --- batches -----------------------------------------------------------------------------------------------------

    def batches(self) -> tuple[Batch, ...]:
        """All of them, the oldest first."""
        rows = self._connection.execute(select(drop_batches).order_by(drop_batches.c.received_at, drop_batches.c.id))
        return tuple(map(_batch, rows))

    def files(self, batch: str) -> Mapping[DropList, str]:
        """The lists of the batch and what their files were called."""
        rows = self._connection.execute(
            select(drop_files.c.list, drop_files.c.name).where(drop_files.c.batch_id == batch).order_by(drop_files.c.list)
        )
        return {DropList(row.list): row.name for row in rows}

    def complete(self, batch: str, at: datetime) -> None:
        self._connection.execute(update(drop_batches).where(drop_batches.c.id == batch, drop_batches.c.complete_at.is_(None)).values(complete_at=at))

    def tallies(self, batch: str | None = None) -> tuple[Tally, ...]:
        """How the live items stand, of one batch or of all."""
        has_case = drop_items.c.case_id.is_not(None)
        columns = (drop_items.c.list, drop_items.c.status, drop_items.c.reported, has_case.label("has_case"))
        wanted = select(*columns, func.count().label("number")).where(drop_items.c.removed_at.is_(None)).group_by(*columns)
        rows = self._connection.execute(wanted if batch is None else wanted.where(drop_items.c.batch_id == batch))
        return tuple(Tally(DropList(row.list), _status(row.status), _status(row.reported), bool(row.has_case), row.number) for row in rows)

    # --- comparing ---------------------------------------------------------------------------------------------------

    def lists(self) -> tuple[DropList, ...]:
        """The lists that live items stand on."""
        found = set(self._connection.scalars(select(drop_items.c.list).where(drop_items.c.removed_at.is_(None)).distinct()))
        return tuple(entry for entry in DropList if entry.value in found)

    def digests(self) -> Iterator[bytes]:
        """The digests of all live items."""
        wanted = select(drop_items.c.digest).where(drop_items.c.removed_at.is_(None))
        for row in self._connection.execute(wanted.execution_options(yield_per=10_000)):
            yield row.digest

    def with_digests(self, digests: Iterable[bytes]) -> Mapping[bytes, tuple[WorkItem, ...]]:
        """The live items behind these digests. Two consumers may have given the same address, so one digest may have several."""
        found: dict[bytes, tuple[WorkItem, ...]] = {}
        for some in _batched(digests):
            chosen = (drop_items.c.digest.in_(some), drop_items.c.removed_at.is_(None))
            for row in self._connection.execute(select(drop_items).where(*chosen).order_by(drop_items.c.id)):
                found[row.digest] = (*found.get(row.digest, ()), _item(row))
        return found

    def get(self, ids: Iterable[str]) -> tuple[WorkItem, ...]:
        """These items, in the order of their ids."""
        rows = [row for some in _batched(ids) for row in self._connection.execute(select(drop_items).where(drop_items.c.id.in_(some)))]
        return tuple(sorted(map(_item, rows), key=lambda item: item.id))

    def looked(self, at: datetime, rules: str, *, until: datetime) -> None:
        """Every live item that was there by `until` was compared with everything, under this version of the rules."""
        batches = select(drop_batches.c.id).where(drop_batches.c.received_at <= until)
        chosen = (drop_items.c.removed_at.is_(None), drop_items.c.batch_id.in_(batches))
        self._connection.execute(update(drop_items).where(*chosen).values(looked_at=at))
        self._connection.execute(update(drop_batches).where(drop_batches.c.received_at <= until).values(matched_at=at, rules=rules))

    def gaps(self) -> tuple[DropGap, ...]:
        """Where the last comparison could not look."""
        rows = self._connection.execute(select(drop_gaps).order_by(drop_gaps.c.system, drop_gaps.c.collection))
        return tuple(DropGap(row.system, row.collection, row.code, row.reason, row.at, row.accepted_by or "") for row in rows)

    def put_gaps(self, gaps: Sequence[DropGap]) -> None:
        """Replaces them by those of this comparison."""
        self._connection.execute(delete(drop_gaps))
        upsert(
            self._connection,
            drop_gaps,
            [
                {
                    "system": gap.system,
                    "collection": gap.collection,
                    "code": gap.code,
                    "reason": gap.reason,
                    "at": gap.at,
                    "accepted_by": gap.accepted_by or None,
                }
                for gap in gaps
            ],
        )

    # --- what becomes of them ----------------------------------------------------------------------------------------

    def take(self, ids: Sequence[str]) -> tuple[WorkItem, ...]:
        """Those of the items that no case works on now and nobody cancelled, kept for this transaction: of two at once the second gets nothing."""
        found: list[WorkItem] = []
        for some in _batched(sorted(ids)):
            is_free = or_(drop_items.c.case_id.is_(None), drop_items.c.status.is_not(None))
            wanted = select(drop_items).where(drop_items.c.id.in_(some), drop_items.c.removed_at.is_(None), is_free).order_by(drop_items.c.id)
            found += map(_item, self._connection.execute(wanted.with_for_update()))
        return tuple(found)

    def open_case(self, ids: Sequence[str], case: str) -> None:
        """A case works on these items now. What was said of them before holds no longer, but for a deletion, which was true when it was said."""
        for some in _batched(ids):
            self._connection.execute(update(drop_items).where(drop_items.c.id.in_(some)).values(case_id=case, status=None))

    def settle(self, ids: Iterable[str], status: DropStatus | None) -> None:
        for some in _batched(ids):
            self._connection.execute(update(drop_items).where(drop_items.c.id.in_(some)).values(status=status))

    def settle_unmatched(self) -> int:
        """Everybody who was compared, has no case and no status yet is *not found*. Gives how many."""
        chosen = (
            drop_items.c.status.is_(None),
            drop_items.c.case_id.is_(None),
            drop_items.c.looked_at.is_not(None),
            drop_items.c.removed_at.is_(None),
        )
        return self._connection.execute(update(drop_items).where(*chosen).values(status=int(DropStatus.NOT_FOUND))).rowcount

    def release(self, ids: Iterable[str]) -> None:
        """No case works on these any more, and nothing was found out: they have to be compared anew."""
        for some in _batched(ids):
            self._connection.execute(update(drop_items).where(drop_items.c.id.in_(some)).values(case_id=None, status=None, looked_at=None))

    def with_open_case(self) -> Mapping[str, tuple[str, ...]]:
        """The cases of live items that have no status yet, with the items of each."""
        chosen = (drop_items.c.status.is_(None), drop_items.c.case_id.is_not(None), drop_items.c.removed_at.is_(None))
        found: dict[str, tuple[str, ...]] = {}
        for row in self._connection.execute(select(drop_items.c.id, drop_items.c.case_id).where(*chosen).order_by(drop_items.c.id)):
            found[row.case_id] = (*found.get(row.case_id, ()), row.id)
        return found

    def cases(self) -> frozenset[str]:
        """Every case that an item was ever tied to and still is."""
        return frozenset(self._connection.scalars(select(drop_items.c.case_id).where(drop_items.c.case_id.is_not(None)).distinct()))

    # --- answering ---------------------------------------------------------------------------------------------------

    def unreported(self, batch: str, entry: DropList) -> Iterator[tuple[str, DropStatus]]:
        """Items of a list with a status that the platform does not have yet, in the order of their ids."""
        yield from self._answers(batch, entry, drop_items.c.reported.is_(None))

    def changed(self, batch: str, entry: DropList) -> Iterator[tuple[str, DropStatus]]:
        """Items whose status is another than the one that was reported."""
        yield from self._answers(batch, entry, drop_items.c.reported.is_not(None), drop_items.c.reported != drop_items.c.status)

    def _answers(self, batch: str, entry: DropList, *more: Any) -> Iterator[tuple[str, DropStatus]]:
        chosen = (
            drop_items.c.batch_id == batch,
            drop_items.c.list == entry.value,
            drop_items.c.status.is_not(None),
            drop_items.c.removed_at.is_(None),
        )
        wanted = select(drop_items.c.id, drop_items.c.status).where(*chosen, *more).order_by(drop_items.c.id)
        for row in self._connection.execute(wanted):
            yield row.id, DropStatus(row.status)

    def reported(self, answers: Iterable[tuple[str, DropStatus]]) -> None:
        """The platform took these answers."""
        by_status: dict[DropStatus, list[str]] = {}
        for item, status in answers:
            by_status.setdefault(status, []).append(item)
        for status, ids in by_status.items():
            for some in _batched(ids):
                self._connection.execute(update(drop_items).where(drop_items.c.id.in_(some)).values(reported=int(status)))


def _fresh(batch: str, item: str, entry: DropList, digest: bytes) -> dict[str, object]:
    return {"id": item, "list": entry.value, "digest": digest, "batch_id": batch}


def _status(number: int | None) -> DropStatus | None:
    return None if number is None else DropStatus(number)


def _batch(row: Row[Any]) -> Batch:
    ends = {"matched_at": row.matched_at, "complete_at": row.complete_at}
    return Batch(row.id, row.name, row.received_at, bool(row.by_hand), row.items, row.removed, rules=row.rules, **ends)


def _item(row: Row[Any]) -> WorkItem:
    return WorkItem(
        row.id,
        DropList(row.list),
        row.batch_id,
        case=row.case_id or "",
        status=_status(row.status),
        reported=_status(row.reported),
        looked_at=row.looked_at,
        is_removed=row.removed_at is not None,
    )
