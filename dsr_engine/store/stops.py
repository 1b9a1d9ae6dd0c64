"""The brake: systems in which nothing may be changed for now. It is asked before every batch."""

from datetime import datetime

from sqlalchemy import Connection, delete, select

from dsr_engine.store.tables import stops
from dsr_engine.store.upsert import insert_if_absent


class Stops:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def stop(self, system: str, by: str, at: datetime) -> None:
        """Stops one system, or all of them (`*`); may be repeated."""
        insert_if_absent(self._connection, stops, {"system": system, "stopped_by": by, "at": at})

    def resume(self, system: str) -> None:
        """Takes back exactly this stop: a `*` stays when one system is resumed."""
        self._connection.execute(delete(stops).where(stops.c.system == system))

    def active(self) -> frozenset[str]:
        """The stopped systems; `*` among them stands for all."""
        return frozenset(self._connection.scalars(select(stops.c.system)))
