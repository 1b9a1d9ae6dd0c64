"""Who works on a case: a lease that runs out, and a number that only grows, so that a worker who slept too long is fenced off."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, select, update

from dsr_engine.domain.case import Stage
from dsr_engine.domain.clock import Clock
from dsr_engine.domain.errors import Conflict
from dsr_engine.store.cases import unknown
from dsr_engine.store.tables import cases


@dataclass(frozen=True, slots=True)
class Lease:
    """`worker` may work on `case` until `until`; longer, as long as nobody else has claimed it. `fence` grows with every claim."""

    case: str
    worker: str
    fence: int
    until: datetime


class Leases:
    """The lease columns of the case rows, within one transaction."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def claim(self, case: str, worker: str, seconds: int) -> Lease | None:
        """The lease, or None while another worker's is alive or is just being taken. A worker's own is replaced by a new one."""
        row = self._connection.execute(select(cases).where(cases.c.id == case).with_for_update(skip_locked=True, key_share=True)).one_or_none()
        now = self._clock.now()
        if row is None:
            if self._connection.scalar(select(cases.c.id).where(cases.c.id == case)) is None:
                raise unknown(case)
            return None
        if row.lease_worker not in (None, worker) and row.lease_until > now:
            return None
        lease = Lease(case, worker, row.lease_fence + 1, now + timedelta(seconds=seconds))
        self._write(lease)
        return lease

    def renew(self, lease: Lease, seconds: int) -> Lease:
        """The same lease with a later end, also when it ran out meanwhile; raises `Conflict` if another worker took the case."""
        self.verify(lease)
        longer = replace(lease, until=self._clock.now() + timedelta(seconds=seconds))
        self._write(longer)
        return longer

    def release(self, lease: Lease) -> None:
        """Gives the case back; nothing happens if another worker took it. The fence stays, so the lease is worth nothing afterwards."""
        mine = (cases.c.id == lease.case, cases.c.lease_fence == lease.fence, cases.c.lease_worker == lease.worker)
        self._connection.execute(update(cases).where(*mine).values(lease_worker=None, lease_until=None))

    def verify(self, lease: Lease) -> None:
        """Locks the case's row until the transaction ends; raises `Conflict` unless the lease is the newest one."""
        row = self._connection.execute(
            select(cases.c.lease_fence, cases.c.lease_worker).where(cases.c.id == lease.case).with_for_update(key_share=True)
        ).one_or_none()
        if row is None:
            raise unknown(lease.case)
        if (row.lease_fence, row.lease_worker) != (lease.fence, lease.worker):
            raise Conflict(
                f"case {lease.case} is no longer {lease.worker}'s: another worker took it, or it was released",
                code="store.lease_lost",
                hint="nothing was written; claim the case again and look at it afresh",
            )

    def claimable(self, now: datetime) -> tuple[str, ...]:
        """Open cases that nobody works on and that have something to do, oldest first."""
        is_free = or_(cases.c.lease_until.is_(None), cases.c.lease_until <= now)
        is_awake = or_(cases.c.wait_code.is_(None), cases.c.wait_wake_at <= now)
        wanted = select(cases.c.id).where(cases.c.stage != Stage.CLOSED, is_free, is_awake)
        return tuple(self._connection.scalars(wanted.order_by(cases.c.opened_at, cases.c.id)))

    def _write(self, lease: Lease) -> None:
        held = {"lease_worker": lease.worker, "lease_fence": lease.fence, "lease_until": lease.until}
        self._connection.execute(update(cases).where(cases.c.id == lease.case).values(held))
