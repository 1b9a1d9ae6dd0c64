"""The grounds that officers named: one row for each category and entitlement."""

from sqlalchemy import Connection, delete, select

from dsr_engine.domain.entitled import Entitled
from dsr_engine.store.upsert import upsert
from dsr_engine.store.verification_tables import case_grounds


class CaseGrounds:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, case: str, entry: Entitled) -> None:
        """Names the ground, anew if it was named before."""
        row = {
            "case_id": case,
            "category": entry.category,
            "entitlement": entry.entitlement,
            "reason": entry.reason,
            "named_by": entry.by,
            "at": entry.at,
        }
        upsert(self._connection, case_grounds, [row])

    def drop(self, case: str, category: str, entitlement: str | None = None) -> None:
        """Takes back this ground for exactly this category, or every one."""
        terms = [case_grounds.c.case_id == case, case_grounds.c.category == category]
        terms += [case_grounds.c.entitlement == entitlement] if entitlement is not None else []
        self._connection.execute(delete(case_grounds).where(*terms))

    def of(self, case: str) -> tuple[Entitled, ...]:
        """The grounds of the case, by category."""
        wanted = select(case_grounds).where(case_grounds.c.case_id == case).order_by(case_grounds.c.category, case_grounds.c.entitlement)
        return tuple(Entitled(row.category, row.entitlement, row.reason, row.named_by, row.at) for row in self._connection.execute(wanted))
