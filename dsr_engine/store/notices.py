"""Notices as rows: one for each recipient of a case, changed in place."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, or_, select, tuple_, update

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.recipient import REMINDERS, Awaits, Channel, Notice, NoticeState, Role
from dsr_engine.domain.regime import Duty
from dsr_engine.store.notice_tables import notices
from dsr_engine.store.upsert import insert_if_absent


class Notices:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, notice: Notice) -> None:
        """Adds the notice; one of this case to this recipient that is there already stays as it is."""
        insert_if_absent(self._connection, notices, _written(notice))

    def save(self, notice: Notice) -> None:
        self._connection.execute(update(notices).where(notices.c.id == notice.id).values(_written(notice)))

    def of(self, case: str) -> tuple[Notice, ...]:
        """The notices of the case, by recipient."""
        rows = self._connection.execute(select(notices).where(notices.c.case_id == case).order_by(notices.c.recipient))
        return tuple(map(_read, rows))

    def get(self, case: str, recipient: str) -> Notice:
        """The notice to this recipient. Raises `InputWrong` (`recipient.unknown`)."""
        row = self._connection.execute(select(notices).where(notices.c.case_id == case, notices.c.recipient == recipient)).one_or_none()
        if row is None:
            raise InputWrong(
                f"the case has no notice to {recipient}",
                code="recipient.unknown",
                hint=f"`dsr recipients show {case}` lists them",
            )
        return _read(row)

    def listed(self, *, open_only: bool, before: tuple[datetime, str] | None = None, most: int = 50) -> tuple[Notice, ...]:
        """Notices of all cases, the newest first; `before` is `(made_at, id)` of the last one of the page before."""
        wanted = select(notices).order_by(notices.c.made_at.desc(), notices.c.id.desc()).limit(most)
        if open_only:
            wanted = wanted.where(_is_open())
        if before is not None:
            wanted = wanted.where(tuple_(notices.c.made_at, notices.c.id) < before)
        return tuple(map(_read, self._connection.execute(wanted)))

    def cases_with_work(self, now: datetime) -> tuple[str, ...]:
        """The cases of which some notice has to be sent, asked about or reminded of by now, or nearly: callers look closer. By id."""
        state, next_try = notices.c.state, notices.c.next_try
        is_to_send = and_(state == NoticeState.PENDING.value, or_(next_try.is_(None), next_try <= now))
        is_to_ask = and_(state.in_((NoticeState.SENT.value, NoticeState.ACKNOWLEDGED.value)), next_try <= now)
        is_silent = _is_silent()
        is_to_remind = and_(is_silent, next_try.is_(None), notices.c.reminded < len(REMINDERS), notices.c.sent_at <= now - REMINDERS[0])
        is_ours = notices.c.channel != Channel.MANUAL.value
        wanted = select(notices.c.case_id).where(is_ours, or_(is_to_send, is_to_ask, is_to_remind)).group_by(notices.c.case_id)
        return tuple(self._connection.scalars(wanted.order_by(notices.c.case_id)))


def _is_silent() -> ColumnElement[bool]:
    """It went out, and what is awaited has not come."""
    state, awaits = notices.c.state, notices.c.awaits
    return or_(
        and_(state == NoticeState.SENT.value, awaits != Awaits.NOTHING.value),
        and_(state == NoticeState.ACKNOWLEDGED.value, awaits == Awaits.DELETION.value),
    )


def _is_open() -> ColumnElement[bool]:
    """The same as `Notice.is_open`."""
    return or_(notices.c.state.in_((NoticeState.PENDING.value, NoticeState.FAILED.value)), _is_silent())


def _written(notice: Notice) -> dict[str, Any]:
    row = asdict(notice)
    row["case_id"] = row.pop("case")
    return row


def _read(row: Row[Any]) -> Notice:
    values = dict(row._mapping)
    values["case"] = values.pop("case_id")
    kinds = {"role": Role, "channel": Channel, "awaits": Awaits, "duty": Duty, "state": NoticeState}
    return Notice(**{**values, **{key: kind(values[key]) for key, kind in kinds.items()}})
