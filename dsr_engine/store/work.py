"""One database transaction as the vault and the ledger see it: a connection, a clock, and what is to follow its end."""

from collections.abc import Callable

from sqlalchemy import Connection, select
from sqlalchemy.sql.functions import func

from dsr_engine.domain.clock import Clock


class Work:
    """A running transaction. Whatever follows it runs after the connection was given back, in the order in which it was asked for."""

    def __init__(self, connection: Connection, clock: Clock, *, is_snapshot: bool = False) -> None:
        self.connection = connection
        self.clock = clock
        self.is_snapshot = is_snapshot
        self._after_commit: list[Callable[[], None]] = []
        self._after_rollback: list[Callable[[], None]] = []

    def after_commit(self, act: Callable[[], None]) -> None:
        self._after_commit.append(act)

    def after_rollback(self, act: Callable[[], None]) -> None:
        self._after_rollback.append(act)

    def ended(self, *, is_committed: bool) -> None:
        """Does what was asked for; for `Store` only. Killed before: each of these acts is repeated or made good by a later one."""
        for act in self._after_commit if is_committed else self._after_rollback:
            act()


#: Numbers of PostgreSQL's advisory locks. Their meaning lies in this program alone, so they are spelt out once, here.
EPOCHS, HOLDS, SERIALS, SCHEMA, SWEEPS, JOBS = 0x445352_01, 0x445352_02, 0x445352_03, 0x445352_04, 0x445352_05, 0x445352_06


def lock(connection: Connection, number: int, *, shared: bool = False) -> None:
    """Waits for an advisory lock that lasts until the transaction's end.

    On SQLite there is nothing to do: a transaction that may write has the whole file (BEGIN IMMEDIATE).
    """
    if connection.dialect.name == "postgresql":
        take = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
        connection.execute(select(take(number)))
