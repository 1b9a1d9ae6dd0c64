"""What is left of a case when everything that it was for is over, what still needs it, and how it goes."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Column, Connection, Exists, Table, delete, exists, or_, select

from dsr_engine.domain.case import Stage
from dsr_engine.store import tables
from dsr_engine.store.hold_tables import kept
from dsr_engine.store.incident_tables import incidents
from dsr_engine.store.outbox_tables import outbox
from dsr_engine.store.pause_tables import appeals
from dsr_engine.store.post_key import name_of as post_key_of
from dsr_engine.store.request_log import name_of as log_key_of
from dsr_engine.store.request_log_tables import request_log
from dsr_engine.store.staying_tables import backup_ends, sequels, suppression

#: A row of these stands for itself: an incident, a hold or a digest outlives the case that it came from.
_OWN_LIFE = frozenset({"incidents", "holds", "suppression", "request_log", "drop_items"})


class Remains:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def disputes(self, case: str) -> tuple[str, ...]:
        """Why also the record of the request has to stay: an open incident, a legal hold on the case, an appeal that nobody decided."""
        found = {
            "incident_open": exists().where(incidents.c.case_id == case, incidents.c.closed_at.is_(None)),
            "legal_hold": exists().where(tables.holds.c.case_id == case, tables.holds.c.lifted_at.is_(None)),
            "appeal_open": exists().where(appeals.c.case_id == case, appeals.c.decided_on.is_(None)),
        }
        return self._which(found)

    def duties(self, case: str, now: datetime, but: str) -> tuple[str, ...]:
        """What still needs the rows of the case; its follow-up `but` is not counted."""
        keys = (case, post_key_of(case))
        found = {
            "not_forgotten": exists().where(tables.case_keys.c.case_id.in_(keys)),
            "data_kept": exists().where(kept.c.case_id == case, kept.c.lifted_at.is_(None)),
            "backup": exists().where(backup_ends.c.case_id == case, backup_ends.c.expired_at.is_(None)),
            "suppressed": exists().where(suppression.c.case_id == case, suppression.c.until > now),
            "repeated": exists().where(sequels.c.of_case == case, sequels.c.case_id == tables.cases.c.id, tables.cases.c.stage != Stage.CLOSED),
            "follow_up": exists().where(tables.followups.c.case_id == case, tables.followups.c.what != but),
        }
        return (*self.disputes(case), *self._which(found))

    def unlisted(self, what: str) -> tuple[str, ...]:
        """Closed cases without this follow-up: an earlier version closed them, or a way that knows nothing of it."""
        listed = exists().where(tables.followups.c.case_id == tables.cases.c.id, tables.followups.c.what == what)
        wanted = select(tables.cases.c.id).where(tables.cases.c.stage == Stage.CLOSED, ~listed)
        return tuple(self._connection.scalars(wanted.order_by(tables.cases.c.opened_at, tables.cases.c.id)))

    def told_of(self, acknowledgement: str, answers: Iterable[str]) -> tuple[str, ...]:
        """Cases whose log row does not know yet of a letter that was sent: an acknowledgement or, once they are closed, an answer."""
        unknown = or_(
            (outbox.c.purpose == acknowledgement) & request_log.c.acknowledged.is_(None),
            outbox.c.purpose.in_(list(answers)) & request_log.c.answered.is_(None) & request_log.c.decided.is_not(None),
        )
        wanted = select(request_log.c.case_id).distinct().join(outbox, outbox.c.case_id == request_log.c.case_id)
        return tuple(self._connection.scalars(wanted.where(outbox.c.sent_at.is_not(None), unknown).order_by(request_log.c.case_id)))

    def take(self, case: str) -> bool:
        """Keeps other workers off the case until the commit; False where one of them has erased it already."""
        return self._connection.scalar(select(tables.cases.c.id).where(tables.cases.c.id == case).with_for_update()) is not None

    def erase(self, case: str, plans: Iterable[str]) -> None:
        """Deletes every row of the case but those that stand for themselves. Its certificates must have been spent before."""
        self._connection.execute(delete(tables.results).where(tables.results.c.plan_id.in_(list(plans))))
        keys = (case, post_key_of(case), log_key_of(case))
        self._connection.execute(delete(tables.shredded).where(tables.shredded.c.case_id.in_(keys)))
        for table in reversed(tables.metadata.sorted_tables):
            for column in _of_case(table):
                self._connection.execute(delete(table).where(column == case))
        self._connection.execute(delete(tables.cases).where(tables.cases.c.id == case))

    def _which(self, found: Mapping[str, Exists]) -> tuple[str, ...]:
        return tuple(name for name, term in found.items() if self._connection.scalar(select(term)))


def _of_case(table: Table) -> "list[Column[str]]":
    """The columns of a table that say which case a row belongs to."""
    if table.name in _OWN_LIFE or table is tables.cases:
        return []
    referring = [column for column in table.columns if any(key.column.table is tables.cases for key in column.foreign_keys)]
    return referring or [column for column in table.columns if column.name == "case_id"]
