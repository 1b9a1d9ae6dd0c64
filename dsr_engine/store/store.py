"""The store: the only place where the engine keeps rows, in one SQLite file or in PostgreSQL.

The clock is the caller's, so leases of several hosts need hosts whose clocks agree within a few seconds; a wrong clock costs
time, never safety: what protects a case's rows is the fence, not the lease's end.
"""

import contextlib
import functools
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine

from dsr_engine.domain.clock import Clock
from dsr_engine.domain.errors import Conflict
from dsr_engine.domain.note import LogKey, Sign
from dsr_engine.store import log_key, schema
from dsr_engine.store.database import WAIT_FOR_LOCK, connect, reading
from dsr_engine.store.drop_key import DropKey
from dsr_engine.store.epoch_keys import EpochKeys
from dsr_engine.store.failures import translated
from dsr_engine.store.hold_key import HoldKey
from dsr_engine.store.leases import Lease, Leases
from dsr_engine.store.suppression import SuppressionKey
from dsr_engine.store.transaction import Transaction
from dsr_engine.store.vault import Vault
from dsr_engine.store.web_key import WebKey


class Store:
    """One store. Safe to share between threads; a new process opens its own.

    `url` is `sqlite:///path` or `postgresql+psycopg://…`. `keys` is a folder outside of the database's backups: `epochs/`, the log key and
    the suppression key. Raises `Unreachable` (`store.busy`, `store.unreachable`) from any method when the database does not answer.
    """

    def __init__(self, url: str, keys: Path, clock: Clock) -> None:
        self._engine: Engine = connect(url)
        self._keys = keys
        self._clock = clock
        self._suppressing = SuppressionKey(keys)
        self.holding = HoldKey(keys)
        self.dropping = DropKey(keys)
        self.web_key = WebKey(keys)
        self._signer = functools.cache(functools.partial(log_key.load, keys))
        self.vault = Vault(self._engine, EpochKeys(keys / "epochs"))

    @property
    def keys(self) -> Path:
        """The folder of the keys."""
        return self._keys

    def migrate(self) -> None:
        """Creates or upgrades the tables; refuses a store that a newer version wrote (`InputWrong`, `store.newer`)."""
        with translated():
            schema.migrate(self._engine)

    def is_current(self) -> bool:
        """True if the tables are those of this version and the keys can be read. Raises as `snapshot` does where the database does not answer."""
        with translated(), reading(self._engine) as connection:
            if not schema.is_current(connection):
                return False
        self.log_key()
        return len(self.web_key.secret("readiness")) > 0

    @contextlib.contextmanager
    def transaction(self, lease: Lease | None = None) -> Iterator[Transaction]:
        """A transaction that commits when the block ends and rolls back when it raises.

        With a lease, the case's row is locked first; raises `Conflict` (`store.lease_lost`) if the lease is not the newest any more.
        """
        with translated():
            tx: Transaction | None = None
            is_committed = False
            try:
                with self._engine.begin() as connection:
                    tx = self._transaction(connection)
                    if lease is not None:
                        Leases(connection, self._clock).verify(lease)
                    yield tx
                is_committed = True
            finally:
                if tx is not None:
                    tx.ended(is_committed=is_committed)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Transaction]:
        """A transaction for reading: it sees one moment, keeps nobody from writing, and the database refuses to write in it."""
        with translated(), reading(self._engine) as connection:
            yield self._transaction(connection, is_snapshot=True)

    def claim(self, case: str, worker: str, seconds: int = 60) -> Lease | None:
        """Takes the case for this worker, which is named uniquely; None while another's lease is alive. Raises the fence."""
        with self._leases() as leases:
            return leases.claim(case, worker, seconds)

    def renew(self, lease: Lease, seconds: int = 60) -> Lease:
        """The lease from now on; raises `Conflict` (`store.lease_lost`) if another worker took the case."""
        with self._leases() as leases:
            return leases.renew(lease, seconds)

    def release(self, lease: Lease) -> None:
        """Gives the case back; nothing happens if another worker took it."""
        with self._leases() as leases:
            leases.release(lease)

    def claimable(self, now: datetime) -> tuple[str, ...]:
        """Open cases without a live lease that do not wait, or whose `wake_at` has come; oldest first."""
        with translated(), reading(self._engine) as connection:
            return Leases(connection, self._clock).claimable(now)

    def log_key(self) -> tuple[LogKey, Sign]:
        """The key that signs checkpoints; raises `InputWrong` (`log_key.missing`) where none was made."""
        return self._signer()

    def scrub(self) -> None:
        """Finishes what shredding began: no deleted byte stays in SQLite's log, no epoch key without a case stays on the disk.

        Raises `Conflict` (`store.busy`) while another process reads or writes. On PostgreSQL deleted rows stay in dead tuples and in the WAL
        until it vacuums and recycles; they are sealed under a key whose wrapping key is gone as soon as its epoch's last case is shredded.
        """
        self.vault.destroy_dead_epochs()
        if self._engine.dialect.name == "sqlite":
            with translated():
                _truncate_log(self._engine)

    def close(self) -> None:
        """Closes all connections; may be called twice."""
        self._engine.dispose()

    def _transaction(self, connection: Connection, *, is_snapshot: bool = False) -> Transaction:
        return Transaction(connection, self._clock, self.vault, self._signer, self._suppressing, is_snapshot=is_snapshot)

    @contextlib.contextmanager
    def _leases(self) -> Iterator[Leases]:
        with translated(), self._engine.begin() as connection:
            yield Leases(connection, self._clock)


def _truncate_log(engine: Engine) -> None:
    """`wal_checkpoint(TRUNCATE)`, and a look at its answer: it reports a busy reader in a row, not as an error."""
    with engine.connect().execution_options(dsr_begin="") as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 1000")  # a reader that stays longer is reported, not waited for
        try:
            is_busy, _, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {WAIT_FOR_LOCK}")
    if is_busy:
        raise Conflict(
            "the store's write-ahead log could not be emptied: somebody is reading or writing",
            code="store.busy",
            hint="deleted bytes may still stand in the file that ends in -wal; scrub again when the others are done",
        )
