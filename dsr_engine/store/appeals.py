"""Appeals against how a case ended."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from dsr_engine.store.pause_tables import appeals


class Decision(StrEnum):
    GRANTED = "granted"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Appealed:
    """One appeal. `case` was refused; `new_case` was opened because the appeal was granted. `by` and `decided_by` are random ids of people."""

    id: str
    case: str
    received: date
    by: str
    at: datetime
    extended_on: date | None = None
    decided_on: date | None = None
    decision: Decision | None = None
    decided_by: str = ""
    new_case: str = ""


class Appeals:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, id_: str, case: str, received: date, by: str, at: datetime) -> None:
        self._connection.execute(insert(appeals), {"id": id_, "case_id": case, "received": received, "recorded_by": by, "at": at})

    def extend(self, id_: str, on: date) -> None:
        self._connection.execute(update(appeals).where(appeals.c.id == id_).values(extended_on=on))

    def decide(self, id_: str, decision: Decision, on: date, by: str, new_case: str) -> None:
        values = {"decision": decision, "decided_on": on, "decided_by": by, "new_case_id": new_case or None}
        self._connection.execute(update(appeals).where(appeals.c.id == id_).values(values))

    def of(self, case: str) -> tuple[Appealed, ...]:
        """The appeals against this case, oldest first."""
        return self._read(select(appeals).where(appeals.c.case_id == case))

    def open(self) -> tuple[Appealed, ...]:
        """The appeals that nobody decided yet, oldest first."""
        return self._read(select(appeals).where(appeals.c.decision.is_(None)))

    def opened_by(self, new_case: str) -> Appealed | None:
        """The appeal because of which this case was opened."""
        return next(iter(self._read(select(appeals).where(appeals.c.new_case_id == new_case))), None)

    def _read(self, wanted: Any) -> tuple[Appealed, ...]:
        return tuple(_appealed(row) for row in self._connection.execute(wanted.order_by(appeals.c.received, appeals.c.at, appeals.c.id)))


def _appealed(row: Row[Any]) -> Appealed:
    return Appealed(
        id=row.id,
        case=row.case_id,
        received=row.received,
        by=row.recorded_by,
        at=row.at,
        extended_on=row.extended_on,
        decided_on=row.decided_on,
        decision=Decision(row.decision) if row.decision else None,
        decided_by=row.decided_by or "",
        new_case=row.new_case_id or "",
    )
