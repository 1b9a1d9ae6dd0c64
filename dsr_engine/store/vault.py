"""Per-case keys, and how they are forgotten: what is sealed under a shredded key is noise, in every backup alike.

A case key is random, stored wrapped by the key of its epoch (`epoch_keys.py`), and deleted when the case needs it no longer.

Write order of `create`: 1 the epoch's key file is on the disk, 2 the row with the wrapped key is committed. Killed between 1 and 2:
a key file that wraps nothing. Of `shred`: 1 the rows are deleted and committed, 2 epoch keys that wrap no case are destroyed, 3 their
rows go. Killed between 1 and 2 or 2 and 3: the next shred or scrub does the rest.
"""

import secrets
import threading
import time
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, exists, insert, select, update

from dsr_engine.domain.errors import Conflict
from dsr_engine.store import tables
from dsr_engine.store.access_tables import copy_records
from dsr_engine.store.case_key import CaseKey
from dsr_engine.store.clean_tables import clean_records
from dsr_engine.store.correction_tables import corrected_places
from dsr_engine.store.database import reading
from dsr_engine.store.epoch_keys import EpochKeys
from dsr_engine.store.failures import translated
from dsr_engine.store.progress_tables import passes
from dsr_engine.store.unread_tables import unread_records
from dsr_engine.store.verification_tables import codes, evidence, orders
from dsr_engine.store.work import EPOCHS, Work, lock

#: Seconds for which a key that was read may be used again without asking the store whether another process shredded it.
_TRUSTED_SECONDS = 5.0


#: What is sealed under the key of a case in the tables that every case has, and how far its searches came, which names collections.
_OF_TABLES = (tables.selectors, tables.findings, tables.plans, tables.sweep_marks, tables.slices, passes)


class Vault:
    """Seals and unseals under case keys. Safe to share between threads.

    The methods without a transaction read the key on a connection of their own, so they work inside and outside of one.
    Raises `Conflict`: `vault.shredded` after `shred`, `vault.no_key` for a case that never had a key, `vault.epoch_gone`
    where the key file that wraps it is missing.
    """

    def __init__(self, engine: Engine, epochs: EpochKeys) -> None:
        self._engine = engine
        self._epochs = epochs
        self._lock = threading.Lock()
        self._pending: dict[str, CaseKey] = {}
        self._recent: dict[str, tuple[CaseKey, float]] = {}

    def create(self, tx: Work, case: str, until: datetime | None = None, *, family: str = "") -> None:
        """Makes the case's key. `until` is when it should be shredded, as far as that is known today. Keys of one `family` share epochs."""
        lock(tx.connection, EPOCHS)
        _refuse_shredded(tx.connection, case)
        if tx.connection.scalar(select(exists().where(tables.case_keys.c.case_id == case))):
            raise Conflict(f"case {case} has a key already", code="vault.exists")
        secret = secrets.token_bytes(32)
        epoch = self._current_epoch(tx, family)
        row = {"case_id": case, "epoch_id": epoch, "wrapped": self._epochs.wrap(epoch, case, secret), "until": until}
        tx.connection.execute(insert(tables.case_keys), row)
        with self._lock:
            self._pending[case] = CaseKey(case, secret)
        tx.after_commit(lambda: self._forget(case))
        tx.after_rollback(lambda: self._forget(case))

    def seal(self, case: str, plain: bytes, *, purpose: str) -> bytes:
        """AES-256-GCM under a key for this case and purpose; both are bound, neither is hidden."""
        return self._key(case).seal(plain, purpose=purpose)

    def unseal(self, case: str, sealed: bytes, *, purpose: str) -> bytes:
        """The plain bytes; raises `NotVerified` if they were altered or sealed for another case or purpose."""
        return self._key(case).unseal(sealed, purpose=purpose)

    def mac(self, case: str, data: bytes, *, purpose: str) -> bytes:
        """HMAC-SHA-256 (32 bytes) under a key for this case and purpose."""
        return self._key(case).mac(data, purpose=purpose)

    def key(self, case: str, purpose: str) -> bytes:
        """32 bytes derived for this case and purpose. For many values, take it once."""
        return self._key(case).key(purpose)

    def within(self, tx: Work, case: str) -> CaseKey:
        """The case's key as this transaction sees it; for repositories. Nobody shreds the case before the transaction ends."""
        with self._lock:
            pending = self._pending.get(case)
        return pending or self._read(tx.connection, case, is_kept=not tx.is_snapshot)

    def shred(self, tx: Work, case: str) -> None:
        """Deletes the wrapped key and every sealed row of the case; may be repeated. Call `Store.scrub` after the commit."""
        lock(tx.connection, EPOCHS)
        tx.connection.execute(delete(tables.case_keys).where(tables.case_keys.c.case_id == case))
        for table in (*_OF_TABLES, clean_records, unread_records, codes, evidence, orders, corrected_places, copy_records):
            tx.connection.execute(delete(table).where(table.c.case_id == case))
        # Commands of maintenance name the mailboxes in which something was found.
        tx.connection.execute(update(tables.assessments).where(tables.assessments.c.case_id == case).values(works=[]))
        if not tx.connection.scalar(select(exists().where(tables.shredded.c.case_id == case))):
            tx.connection.execute(insert(tables.shredded), {"case_id": case, "at": tx.clock.now()})
        self._forget(case)
        tx.after_commit(lambda: self._forget(case))
        tx.after_commit(self.destroy_dead_epochs)

    def destroy_dead_epochs(self) -> None:
        """Destroys the epoch keys that wrap no case. Only epochs that this store opened are touched: a folder may serve several."""
        dead = select(tables.epochs.c.id).where(~exists().where(tables.case_keys.c.epoch_id == tables.epochs.c.id))
        with translated(), self._engine.begin() as connection:
            lock(connection, EPOCHS)
            for epoch in connection.scalars(dead).all():
                self._epochs.destroy(epoch)
                connection.execute(delete(tables.epochs).where(tables.epochs.c.id == epoch))

    def _key(self, case: str) -> CaseKey:
        with self._lock:
            if case in self._pending:
                return self._pending[case]
            key, until = self._recent.get(case, (None, 0.0))
        if key is not None and time.monotonic() < until:
            return key
        with translated(), reading(self._engine) as connection:
            key = self._read(connection, case)
        with self._lock:
            self._recent = {name: entry for name, entry in self._recent.items() if entry[1] > time.monotonic()}
            self._recent[case] = (key, time.monotonic() + _TRUSTED_SECONDS)
        return key

    def _read(self, connection: Connection, case: str, *, is_kept: bool = False) -> CaseKey:
        wanted = select(tables.case_keys).where(tables.case_keys.c.case_id == case)
        row = connection.execute(wanted.with_for_update(read=True, key_share=True) if is_kept else wanted).one_or_none()
        if row is None:
            _refuse_shredded(connection, case)
            raise Conflict(f"case {case} has no key", code="vault.no_key", hint="the case was never opened in this store")
        try:
            return CaseKey(case, self._epochs.unwrap(row.epoch_id, case, row.wrapped))
        except FileNotFoundError:
            raise Conflict(
                f"the key of case {case} cannot be opened: the key file of epoch {row.epoch_id} is gone",
                code="vault.epoch_gone",
                hint="if the keys folder is the right one, the case was shredded after this backup of the store was made, and stays unreadable",
            ) from None

    def _current_epoch(self, tx: Work, family: str) -> str:
        now = tx.clock.now()
        today = tables.epochs.c.id.startswith(f"{family}{now:%Y-%m-%d}-", autoescape=True)
        for epoch in tx.connection.scalars(select(tables.epochs.c.id).where(today)):
            if self._epochs.has(epoch):
                return str(epoch)
        epoch = self._epochs.open_new(now, family)
        tx.connection.execute(insert(tables.epochs), {"id": epoch, "opened_at": now})
        return epoch

    def _forget(self, case: str) -> None:
        with self._lock:
            self._pending.pop(case, None)
            self._recent.pop(case, None)


def _refuse_shredded(connection: Connection, case: str) -> None:
    if connection.scalar(select(exists().where(tables.shredded.c.case_id == case))):
        raise Conflict(
            f"the key of case {case} was shredded: what it sealed is forgotten for good",
            code="vault.shredded",
            hint="open a new case with the person's identifiers",
        )
