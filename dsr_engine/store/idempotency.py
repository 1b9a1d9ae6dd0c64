"""Calls of the API that may be sent twice and are done once: what was asked under a key, and what was answered. No identifier is in either."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from dsr_engine.store.api_tables import api_answers
from dsr_engine.store.upsert import insert_if_absent


@dataclass(frozen=True, slots=True)
class Kept:
    """A call that came before under this key. `status` None: it was begun, and nobody knows yet how it ended."""

    fingerprint: bytes
    begun_at: datetime
    status: int | None
    answer: bytes | None


class Idempotency:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self, digest: bytes, fingerprint: bytes, now: datetime, until: datetime) -> Kept | None:
        """Takes the key; None if it is this caller's now, else the call that has it."""
        self._connection.execute(delete(api_answers).where(api_answers.c.digest == digest, api_answers.c.ends_at <= now))
        row = {"digest": digest, "fingerprint": fingerprint, "begun_at": now, "ends_at": until}
        if insert_if_absent(self._connection, api_answers, row):
            return None
        known = self._connection.execute(select(api_answers).where(api_answers.c.digest == digest)).one()
        return Kept(known.fingerprint, known.begun_at, known.status, known.answer)

    def settle(self, digest: bytes, status: int, answer: bytes) -> None:
        """Writes down how the call ended."""
        self._connection.execute(update(api_answers).where(api_answers.c.digest == digest).values(status=status, answer=answer))

    def release(self, digest: bytes) -> None:
        """The call had no effect: the key may be used again."""
        self._connection.execute(delete(api_answers).where(api_answers.c.digest == digest))

    def end_old(self, now: datetime) -> int:
        """Forgets answers whose day is over; gives how many."""
        return self._connection.execute(delete(api_answers).where(api_answers.c.ends_at <= now)).rowcount
