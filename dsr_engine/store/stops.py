"""The brake: systems in which nothing may be changed for now. It is asked before every batch."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from dsr_engine.store.tables import stops
from dsr_engine.store.upsert import insert_if_absent


@dataclass(frozen=True, slots=True)
class Stop:
    """Who pulled the brake, when, and the code of why (empty: nobody said). `by` is the random id of a person."""

    system: str
    by: str
    at: datetime
    reason: str


class Stops:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def stop(self, system: str, by: str, at: datetime, reason: str = "") -> None:
        """Stops one system, or all of them (`*`); may be repeated: the first stop stays as it was."""
        insert_if_absent(self._connection, stops, {"system": system, "stopped_by": by, "at": at, "reason": reason})

    def resume(self, system: str) -> None:
        """Takes back exactly this stop: a `*` stays when one system is resumed."""
        self._connection.execute(delete(stops).where(stops.c.system == system))

    def active(self) -> frozenset[str]:
        """The stopped systems; `*` among them stands for all."""
        return frozenset(self._connection.scalars(select(stops.c.system)))

    def list(self) -> tuple[Stop, ...]:
        """Every stop, by system."""
        return tuple(
            Stop(row.system, row.stopped_by, row.at, row.reason or "") for row in self._connection.execute(select(stops).order_by(stops.c.system))
        )
