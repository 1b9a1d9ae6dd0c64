"""Legal holds. Reading them and placing one exclude each other until the commit, so none is overlooked by an effect that is being intended."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.hold import Hold
from dsr_engine.store.tables import holds
from dsr_engine.store.work import HOLDS, lock


class Holds:
    """Whoever intends an effect lists the holds in that same transaction: either it sees the hold, or the hold sees the item INTENDED."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, hold: Hold) -> None:
        lock(self._connection, HOLDS)
        row = {
            "id": hold.id,
            "reason": hold.reason,
            "placed_by": hold.placed_by,
            "placed_at": hold.placed_at,
            "case_id": hold.case,
            "system": hold.system,
            "collection": hold.collection,
            "category": hold.category,
            "lifted_at": hold.lifted_at,
        }
        self._connection.execute(insert(holds), row)

    def lift(self, hold_id: str, by: str, at: datetime) -> None:
        """Ends the hold; a hold that was lifted already keeps its first date. Raises `InputWrong` if there is none."""
        if self.get(hold_id).lifted_at is None:
            self._connection.execute(update(holds).where(holds.c.id == hold_id).values(lifted_by=by, lifted_at=at))

    def get(self, hold_id: str) -> Hold:
        row = self._connection.execute(select(holds).where(holds.c.id == hold_id)).one_or_none()
        if row is None:
            raise InputWrong(f"there is no hold {hold_id}", code="hold.unknown", hint="dsr hold list shows them")
        return _read(row)

    def list(self, active_only: bool = True) -> tuple[Hold, ...]:
        """The holds, oldest first; waits for one that is just being placed."""
        lock(self._connection, HOLDS, shared=True)
        wanted = select(holds).order_by(holds.c.placed_at, holds.c.id)
        if active_only:
            wanted = wanted.where(holds.c.lifted_at.is_(None))
        return tuple(_read(row) for row in self._connection.execute(wanted))


def _read(row: Row[Any]) -> Hold:
    return Hold(
        id=row.id,
        reason=row.reason,
        placed_by=row.placed_by,
        placed_at=row.placed_at,
        case=row.case_id,
        system=row.system,
        collection=row.collection,
        category=row.category,
        lifted_at=row.lifted_at,
    )
