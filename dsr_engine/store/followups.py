"""Dates that keep a case's key alive: re-scans, open recipients, retained items, the last backup's expiry."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from dsr_engine.store.tables import followups
from dsr_engine.store.upsert import upsert


@dataclass(frozen=True, slots=True)
class Followup:
    """`what` names the reason once per case (`rescan:7`, `backup:shop`)."""

    case: str
    what: str
    due: datetime


class Followups:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, case: str, what: str, due: datetime) -> None:
        """Sets the date, or moves it."""
        upsert(self._connection, followups, [{"case_id": case, "what": what, "due": due}])

    def of(self, case: str) -> tuple[Followup, ...]:
        """The case's dates, the next one first."""
        rows = self._connection.execute(select(followups).where(followups.c.case_id == case).order_by(followups.c.due, followups.c.what))
        return tuple(Followup(row.case_id, row.what, row.due) for row in rows)

    def due(self, now: datetime) -> tuple[Followup, ...]:
        """Dates of any case that have come, the oldest first."""
        rows = self._connection.execute(select(followups).where(followups.c.due <= now).order_by(followups.c.due, followups.c.case_id))
        return tuple(Followup(row.case_id, row.what, row.due) for row in rows)

    def dates(self, what: str) -> tuple[datetime, ...]:
        """The dates of this kind of every case, the next one first."""
        return tuple(self._connection.scalars(select(followups.c.due).where(followups.c.what == what).order_by(followups.c.due)))

    def drop(self, case: str, what: str) -> None:
        """Removes a date that is over; may be repeated."""
        self._connection.execute(delete(followups).where(followups.c.case_id == case, followups.c.what == what))
