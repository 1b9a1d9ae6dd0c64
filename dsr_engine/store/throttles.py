"""How often something was tried lately, counted in the store so that several processes count together and a restart forgets nothing."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, update

from dsr_engine.store.upsert import insert_if_absent
from dsr_engine.store.user_tables import throttles


class Throttles:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def count(self, digest: bytes, now: datetime, window: timedelta) -> int:
        """Counts one more try and gives how many there were in this window, which begins with the first of them."""
        self._connection.execute(delete(throttles).where(throttles.c.digest == digest, throttles.c.ends_at <= now))
        insert_if_absent(self._connection, throttles, {"digest": digest, "begun_at": now, "ends_at": now + window, "count": 0})
        self._connection.execute(update(throttles).where(throttles.c.digest == digest).values(count=throttles.c.count + 1))
        return int(self._connection.scalars(select(throttles.c.count).where(throttles.c.digest == digest)).one())

    def seen(self, digest: bytes, now: datetime) -> tuple[int, datetime] | None:
        """How many tries there were in the window that is open, and when it ends; None if none is."""
        known = select(throttles.c.count, throttles.c.ends_at).where(throttles.c.digest == digest, throttles.c.ends_at > now)
        row = self._connection.execute(known).one_or_none()
        return None if row is None else (row[0], row[1])

    def forgive(self, digest: bytes) -> None:
        """Begins to count anew."""
        self._connection.execute(delete(throttles).where(throttles.c.digest == digest))

    def end_old(self, before: datetime) -> int:
        """Takes away windows that are over; gives how many."""
        return self._connection.execute(delete(throttles).where(throttles.c.ends_at <= before)).rowcount
