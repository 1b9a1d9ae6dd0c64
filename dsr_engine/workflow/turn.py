"""One worker's turn at one case: a lease that is kept alive while the work goes on, and transactions that only its holder can commit."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from dsr_engine.domain.errors import Conflict, DsrError
from dsr_engine.store.leases import Lease
from dsr_engine.store.store import Store
from dsr_engine.store.transaction import Transaction

LEASE_SECONDS = 60


class Turn:
    """Holds the lease of a case; renews it every third of its length until it is left.

    Losing the lease is not noticed here but where it matters: `transaction` raises `Conflict` before anything is written.
    """

    def __init__(self, store: Store, lease: Lease) -> None:
        self._store = store
        self._lease = lease
        self._is_over = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name=f"lease-{lease.case[:8]}", daemon=True)

    @classmethod
    def take(cls, store: Store, case: str, worker: str) -> "Turn":
        """Claims the case; raises `Conflict` if another worker has it."""
        lease = store.claim(case, worker, LEASE_SECONDS)
        if lease is None:
            raise Conflict("another worker has this case", code="case.busy", hint="wait until it is done, or until its lease of a minute ran out")
        return cls(store, lease)

    def __enter__(self) -> Self:
        self._keeper.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._is_over.set()
        self._keeper.join()
        self._store.release(self._lease)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction that commits only while the lease is ours."""
        with self._store.transaction(self._lease) as tx:
            yield tx

    def _keep(self) -> None:
        while not self._is_over.wait(LEASE_SECONDS / 3):
            try:
                self._lease = self._store.renew(self._lease)
            except DsrError:
                return
