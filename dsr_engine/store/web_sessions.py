"""Who is signed in. A session is a row: it ends when the row goes, whatever cookie a browser still has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from dsr_engine.store.user_tables import web_sessions


@dataclass(frozen=True, slots=True)
class WebSession:
    """`digest` is SHA-256 of the browser's secret; `confirmed_at` when a second factor was last proved in it.

    `is_half`: somebody whose password was right and whose second factor is still to come.
    """

    digest: bytes
    user: str
    created_at: datetime
    seen_at: datetime
    ends_at: datetime
    confirmed_at: datetime | None = None
    is_half: bool = False


class WebSessions:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, session: WebSession) -> None:
        row = {"digest": session.digest, "user_id": session.user, "created_at": session.created_at, "seen_at": session.seen_at}
        until = {"ends_at": session.ends_at, "confirmed_at": session.confirmed_at, "is_half": session.is_half}
        self._connection.execute(insert(web_sessions), row | until)

    def get(self, digest: bytes) -> WebSession | None:
        row = self._connection.execute(select(web_sessions).where(web_sessions.c.digest == digest)).one_or_none()
        return None if row is None else _session(row)

    def of(self, user: str, now: datetime, seen_after: datetime) -> Sequence[WebSession]:
        """The sessions of this user whose life is not over, with a click after `seen_after`; the one that was used last first."""
        mine = select(web_sessions).where(web_sessions.c.user_id == user, web_sessions.c.is_half.is_(False))
        live = mine.where(web_sessions.c.ends_at > now, web_sessions.c.seen_at > seen_after)
        return [_session(row) for row in self._connection.execute(live.order_by(web_sessions.c.seen_at.desc(), web_sessions.c.digest))]

    def renew(self, old: bytes, digest: bytes, seen_at: datetime) -> None:
        """The session goes on under another secret."""
        self._connection.execute(update(web_sessions).where(web_sessions.c.digest == old).values(digest=digest, seen_at=seen_at))

    def confirm(self, digest: bytes, at: datetime) -> None:
        """A second factor was proved in this session."""
        self._connection.execute(update(web_sessions).where(web_sessions.c.digest == digest).values(confirmed_at=at))

    def touch(self, digest: bytes, at: datetime) -> None:
        self._connection.execute(update(web_sessions).where(web_sessions.c.digest == digest).values(seen_at=at))

    def end(self, digest: bytes) -> None:
        self._connection.execute(delete(web_sessions).where(web_sessions.c.digest == digest))

    def end_all(self, user: str, but: bytes = b"") -> None:
        """Ends every session of this user, except perhaps the one in which they ask for it."""
        self._connection.execute(delete(web_sessions).where(web_sessions.c.user_id == user, web_sessions.c.digest != but))

    def end_old(self, before: datetime) -> int:
        """Takes away what has ended by itself; gives how many."""
        return self._connection.execute(delete(web_sessions).where(web_sessions.c.ends_at <= before)).rowcount


def _session(row: Any) -> WebSession:
    return WebSession(row.digest, row.user_id, row.created_at, row.seen_at, row.ends_at, row.confirmed_at, row.is_half)
