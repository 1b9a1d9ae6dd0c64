"""What subscribers are told, in the order in which it happened: first written down, then sent, so that nothing is lost or doubled."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from dsr_engine.store.api_tables import webhook_cursors, webhook_events
from dsr_engine.store.upsert import insert_if_absent


class EventState(StrEnum):
    """WAITING to go out, SENT, or DEAD: given up after days of trying, until somebody sends it again."""

    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Event:
    """One event for one subscriber. `body` is JSON without anything of a person; `code` says how the last try ended."""

    id: str
    subscriber: str
    number: int
    kind: str
    body: str
    state: EventState
    made_at: datetime
    tries: int = 0
    next_try: datetime | None = None
    code: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before it has its place in the queue. `cause` is the same however often it is made."""

    id: str
    cause: str
    kind: str
    body: str


class Webhooks:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self, subscriber: str, next_leaf: int) -> tuple[int, datetime | None]:
        """The first leaf that the subscriber was not told of, and when its limits were looked at last. One that is new begins at `next_leaf`.

        Nobody else moves the cursor before this transaction ends.
        """
        insert_if_absent(self._connection, webhook_cursors, {"subscriber": subscriber, "next_leaf": next_leaf, "alarms_at": None})
        row = self._connection.execute(select(webhook_cursors).where(webhook_cursors.c.subscriber == subscriber).with_for_update()).one()
        return row.next_leaf, row.alarms_at

    def move(self, subscriber: str, next_leaf: int, alarms_at: datetime | None) -> None:
        """Everything before `next_leaf` is written down."""
        mine = webhook_cursors.c.subscriber == subscriber
        self._connection.execute(update(webhook_cursors).where(mine).values(next_leaf=next_leaf, alarms_at=alarms_at))

    def add(self, subscriber: str, drafts: Iterable[Draft], now: datetime) -> int:
        """Queues what is not there yet, by its cause; gives how many. Call it after `begin`."""
        mine = webhook_events.c.subscriber == subscriber
        number = int(self._connection.scalar(select(func.max(webhook_events.c.number)).where(mine)) or 0)
        added = 0
        for draft in drafts:
            if self._connection.scalar(select(webhook_events.c.id).where(mine, webhook_events.c.cause == draft.cause)) is not None:
                continue
            number, added = number + 1, added + 1
            row = {"id": draft.id, "subscriber": subscriber, "number": number, "cause": draft.cause, "kind": draft.kind, "body": draft.body}
            state = {"state": EventState.WAITING.value, "made_at": now, "tries": 0, "next_try": now, "settled_at": None, "code": ""}
            self._connection.execute(insert(webhook_events), {**row, **state})
        return added

    def head(self, subscriber: str) -> Event | None:
        """The event that has to go out next; None where nothing waits."""
        waiting = (webhook_events.c.subscriber == subscriber, webhook_events.c.state == EventState.WAITING.value)
        row = self._connection.execute(select(webhook_events).where(*waiting).order_by(webhook_events.c.number).limit(1)).one_or_none()
        return None if row is None else _read(row)

    def claim(self, event: Event, until: datetime) -> bool:
        """Counts a try and keeps others from the event until then. False if somebody else was faster."""
        same = (webhook_events.c.id == event.id, webhook_events.c.state == EventState.WAITING.value, webhook_events.c.tries == event.tries)
        return self._connection.execute(update(webhook_events).where(*same).values(tries=event.tries + 1, next_try=until)).rowcount == 1

    def settle(self, event_id: str, state: EventState, code: str, now: datetime, next_try: datetime | None = None) -> None:
        """Writes down how the last try ended."""
        values: dict[str, Any] = {"state": state.value, "code": code, "next_try": next_try}
        if state is not EventState.WAITING:
            values["settled_at"] = now
        self._connection.execute(update(webhook_events).where(webhook_events.c.id == event_id).values(**values))

    def revive(self, subscriber: str, now: datetime) -> int:
        """Lets everything that was given up go out again, in its order; gives how many."""
        dead = (webhook_events.c.subscriber == subscriber, webhook_events.c.state == EventState.DEAD.value)
        values = {"state": EventState.WAITING.value, "tries": 0, "made_at": now, "next_try": now, "settled_at": None}
        return self._connection.execute(update(webhook_events).where(*dead).values(**values)).rowcount

    def list(self, *states: EventState, limit: int = 200) -> tuple[Event, ...]:
        """Events in these states, the oldest first."""
        wanted = select(webhook_events).where(webhook_events.c.state.in_([state.value for state in states or tuple(EventState)]))
        rows = self._connection.execute(wanted.order_by(webhook_events.c.subscriber, webhook_events.c.number).limit(limit))
        return tuple(_read(row) for row in rows)

    def counts(self) -> dict[tuple[str, str], int]:
        """(Subscriber, state) → how many events."""
        by = (webhook_events.c.subscriber, webhook_events.c.state)
        rows = self._connection.execute(select(*by, func.count()).group_by(*by))
        return {(subscriber, state): count for subscriber, state, count in rows}

    def end_old(self, before: datetime) -> int:
        """Forgets what was sent before this moment; gives how many."""
        sent = (webhook_events.c.state == EventState.SENT.value, webhook_events.c.settled_at < before)
        return self._connection.execute(delete(webhook_events).where(*sent)).rowcount

    def keep_only(self, subscribers: Iterable[str]) -> None:
        """Forgets what was to be told to those who are subscribers no longer."""
        known = list(subscribers)
        for table in (webhook_events, webhook_cursors):
            self._connection.execute(delete(table).where(table.c.subscriber.not_in(known)))


def _read(row: Row[Any]) -> Event:
    return Event(row.id, row.subscriber, row.number, row.kind, row.body, EventState(row.state), row.made_at, row.tries, row.next_try, row.code)
