"""When something was last done that is done now and then, so that several workers do it no more often than one."""

from datetime import datetime

from sqlalchemy import Connection, delete, select

from dsr_engine.store.outbox_tables import post_marks
from dsr_engine.store.upsert import upsert


class PostMarks:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def at(self, what: str) -> datetime | None:
        """When it was done last; None: never, or so long ago that it was forgotten."""
        found: datetime | None = self._connection.scalar(select(post_marks.c.at).where(post_marks.c.what == what))
        return found

    def put(self, what: str, at: datetime) -> None:
        """Remembers that it is done now."""
        upsert(self._connection, post_marks, [{"what": what, "at": at}])

    def forget_before(self, moment: datetime) -> None:
        """Forgets what is older."""
        self._connection.execute(delete(post_marks).where(post_marks.c.at < moment))
