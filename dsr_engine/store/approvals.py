"""Who approved which plan: an approval is of a digest, so a plan that changed afterwards has none."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from dsr_engine.store.tables import approvals


@dataclass(frozen=True, slots=True)
class Approval:
    """`by` is the random id of a person, or names the policy that approves by itself. `manner` says how (`console`, `automatic`, …)."""

    case: str
    plan_digest: str
    by: str
    at: datetime
    manner: str


class Approvals:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, case: str, plan_digest: str, by: str, at: datetime, manner: str) -> None:
        """Adds the approval. A person who approves the same plan twice in the same manner approved it once: the first one stays."""
        same = (approvals.c.case_id == case, approvals.c.plan_digest == plan_digest, approvals.c.approved_by == by, approvals.c.manner == manner)
        if self._connection.scalar(select(approvals.c.id).where(*same)) is None:
            row = {"case_id": case, "plan_digest": plan_digest, "approved_by": by, "at": at, "manner": manner}
            self._connection.execute(insert(approvals), row)

    def cases(self, manner: str) -> frozenset[str]:
        """The cases about which somebody said this."""
        return frozenset(self._connection.scalars(select(approvals.c.case_id).where(approvals.c.manner == manner)))

    def of(self, case: str) -> tuple[Approval, ...]:
        """All approvals of the case, of every plan that it ever had, oldest first."""
        rows = self._connection.execute(select(approvals).where(approvals.c.case_id == case).order_by(approvals.c.at, approvals.c.id))
        return tuple(Approval(row.case_id, row.plan_digest, row.approved_by, row.at, row.manner) for row in rows)
