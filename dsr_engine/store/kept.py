"""What stays when a case is over: where, how many, on which ground, until when and for what it may be used. Places and counts, never a record."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from dsr_engine.store.hold_tables import kept


@dataclass(frozen=True, slots=True)
class Kept:
    """Records of one case that stay for one reason. `fence` says how they are kept apart: `flag`, `moved to X`, or empty (not at all).

    `purpose` is all that they may still be used for. `until` None: no end is known. `lifted_at`: when they were freed for use again.
    """

    case: str
    position: int
    subject_ref: str
    at: datetime
    system: str
    collection: str
    records: int
    fence: str
    ground: str
    law: str
    rule: str
    hold: str
    purpose: str
    until: date | None = None
    lifted_by: str | None = None
    lifted_at: datetime | None = None


class KeptRecords:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, case: str, entries: Iterable[Kept]) -> None:
        """Replaces what was written of this case."""
        self._connection.execute(delete(kept).where(kept.c.case_id == case))
        rows = [_row(entry) for entry in entries]
        if rows:
            self._connection.execute(insert(kept), rows)

    def of(self, case: str) -> tuple[Kept, ...]:
        return self._read(kept.c.case_id == case)

    def list(self) -> tuple[Kept, ...]:
        """Everything that stays, what ends first before the rest."""
        return self._read()

    def cases_of_hold(self, hold_id: str) -> tuple[str, ...]:
        """The cases that kept something back because of this hold."""
        return tuple(self._connection.scalars(select(kept.c.case_id).where(kept.c.hold_id == hold_id).distinct().order_by(kept.c.case_id)))

    def counts_of_hold(self, hold_id: str) -> tuple[tuple[str, str, int, int], ...]:
        """System, collection, cases and records that stayed because of this hold, and were not freed since."""
        those = (kept.c.hold_id == hold_id, kept.c.lifted_at.is_(None))
        counted = (func.count(kept.c.case_id.distinct()), func.sum(kept.c.records))
        wanted = select(kept.c.system, kept.c.collection, *counted).where(*those).group_by(kept.c.system, kept.c.collection)
        rows = self._connection.execute(wanted.order_by(kept.c.system, kept.c.collection))
        return tuple((row[0], row[1], int(row[2]), int(row[3])) for row in rows)

    def lift(self, case: str, position: int, by: str, at: datetime) -> None:
        """The restriction of these records was lifted; what was lifted already keeps its first date."""
        open_ = (kept.c.case_id == case, kept.c.position == position, kept.c.lifted_at.is_(None))
        self._connection.execute(update(kept).where(*open_).values(lifted_by=by, lifted_at=at))

    def end(self, case: str, position: int) -> None:
        """The records are gone."""
        self._connection.execute(delete(kept).where(kept.c.case_id == case, kept.c.position == position))

    def _read(self, *conditions: Any) -> tuple[Kept, ...]:
        wanted = select(kept).where(*conditions).order_by(kept.c.until.is_(None), kept.c.until, kept.c.case_id, kept.c.position)
        return tuple(_kept(row) for row in self._connection.execute(wanted))


def _row(entry: Kept) -> dict[str, object]:
    return {
        "case_id": entry.case,
        "position": entry.position,
        "subject_ref": entry.subject_ref,
        "at": entry.at,
        "system": entry.system,
        "collection": entry.collection,
        "records": entry.records,
        "fence": entry.fence,
        "ground": entry.ground,
        "law": entry.law,
        "rule": entry.rule,
        "hold_id": entry.hold,
        "purpose": entry.purpose,
        "until": entry.until,
        "lifted_by": entry.lifted_by,
        "lifted_at": entry.lifted_at,
    }


def _kept(row: Row[Any]) -> Kept:
    return Kept(
        case=row.case_id,
        position=row.position,
        subject_ref=row.subject_ref,
        at=row.at,
        system=row.system,
        collection=row.collection,
        records=row.records,
        fence=row.fence,
        ground=row.ground,
        law=row.law,
        rule=row.rule,
        hold=row.hold_id,
        purpose=row.purpose,
        until=row.until,
        lifted_by=row.lifted_by,
        lifted_at=row.lifted_at,
    )
