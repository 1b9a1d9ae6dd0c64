"""Messages on their way: what is in one is sealed until it was sent, how it fares stays.

Several workers may look at the same time: `claim` gives a message to one of them until a moment; one who was killed meanwhile leaves it to the next.
"""

import json
import secrets
from base64 import b64decode, b64encode
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from dsr_engine.domain.clock import Clock
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.parcel import Enclosure, Parcel, Posted, PostState
from dsr_engine.domain.selector import Secret
from dsr_engine.store.contacts import is_ended
from dsr_engine.store.outbox_tables import outbox
from dsr_engine.store.post_key import PostKeys

_PURPOSE = "parcel"
#: How the purpose of a message begins that is about a request which is no case yet.
BEFORE_CASE = "portal:"
#: In these states a message may still be sent, so its content is kept.
_UNSENT = (PostState.WAITING, PostState.QUEUED, PostState.FAILED)
#: What is read of a message to tell how it fares: not what is in it.
_STATE = tuple(column for column in outbox.c if column.name not in ("sealed", "plain"))
_EMPTY = {"sealed": None, "plain": None}


class Outbox:
    def __init__(self, connection: Connection, clock: Clock, keys: PostKeys) -> None:
        self._connection = connection
        self._clock = clock
        self._keys = keys

    def add(self, case_id: str, purpose: str, parcel: Parcel, *, is_held: bool = False) -> None:
        """Takes the message to be sent; one with its id that is there already stays as it is. `is_held`: a person has to send it (`release`).

        `case_id` empty: it is about no case, and then it must hold nothing of anybody, unless its purpose begins with `portal:`: it is about a
        request that is no case yet, and sealed under a key of that name, which `end` destroys. Raises `Conflict` (`post.over`) for a case whose
        correspondence was forgotten.
        """
        if self._connection.scalar(select(outbox.c.id).where(outbox.c.id == parcel.id)) is not None:
            return
        now = self._clock.now()
        body = _to_bytes(parcel)
        key = case_id or (purpose if purpose.startswith(BEFORE_CASE) else "")
        row = {
            "id": parcel.id,
            "case_id": case_id or None,
            "purpose": purpose,
            "state": (PostState.WAITING if is_held else PostState.QUEUED).value,
            "queued_at": now,
            "tries": 0,
            "next_try": None if is_held else now,
            "code": "",
            "digest": "",
            "sealed": self._keys.made(key).seal(body, purpose=_PURPOSE, row=parcel.id) if key else None,
            "plain": None if key else body,
        }
        self._connection.execute(insert(outbox), row)

    def find(self, parcel_id: str) -> Posted | None:
        """How the message fares; None if there is no such message."""
        return next(iter(self._where(outbox.c.id == parcel_id)), None)

    def get(self, parcel_id: str) -> Posted:
        """As `find`, for one that must be there. Raises `InputWrong` (`post.unknown`)."""
        found = self.find(parcel_id)
        if found is None:
            raise InputWrong("there is no such message", code="post.unknown", hint="`dsr post list` shows them")
        return found

    def of(self, case_id: str) -> tuple[Posted, ...]:
        """Every message about the case, the oldest first."""
        return self._where(outbox.c.case_id == (case_id or None))

    def record(self, case_id: str, purpose: str, sent_at: datetime, code: str) -> str:
        """Writes down that a message went out by other means than this engine; gives its id."""
        row = {"id": secrets.token_hex(16), "case_id": case_id, "purpose": purpose, "state": PostState.SENT.value, "queued_at": self._clock.now()}
        self._connection.execute(insert(outbox), {**row, "tries": 0, "sent_at": sent_at, "code": code, "digest": ""})
        return str(row["id"])

    def list(self, *states: PostState) -> tuple[Posted, ...]:
        """Messages in these states, or all; the oldest first."""
        return self._where(outbox.c.state.in_([state.value for state in states or tuple(PostState)]))

    def cases(self, purpose: str, state: PostState) -> frozenset[str]:
        """The cases of which a message of this purpose is in this state."""
        wanted = select(outbox.c.case_id).where(outbox.c.purpose == purpose, outbox.c.state == state.value, outbox.c.case_id.is_not(None))
        return frozenset(self._connection.scalars(wanted))

    def due(self, now: datetime) -> tuple[Posted, ...]:
        """Messages that are to be sent by now, the oldest first."""
        return self._where(outbox.c.state == PostState.QUEUED.value, outbox.c.next_try <= now)

    def parcel(self, parcel_id: str) -> Parcel:
        """What is to be sent. Raises `Conflict` (`post.empty`) once it was sent or forgotten."""
        row = self._connection.execute(select(outbox).where(outbox.c.id == parcel_id)).one_or_none()
        if row is None or (row.sealed is None and row.plain is None):
            raise Conflict("what was in this message is forgotten", code="post.empty", hint="write it anew with `dsr letter`")
        return _from_bytes(row.plain) if row.sealed is None else self.unsealed(row.case_id or row.purpose, parcel_id, row.sealed)

    def unsealed(self, key: str, parcel_id: str, sealed: bytes) -> Parcel:
        """A message as it lay here, under the key of its case."""
        return _from_bytes(self._keys.of(key).unseal(sealed, purpose=_PURPOSE, row=parcel_id))

    def before_case(self, purpose: str) -> tuple[Posted, ...]:
        """Every message of this purpose, which begins with `portal:`."""
        return self._where(outbox.c.case_id.is_(None), outbox.c.purpose == purpose)

    def end(self, purpose: str) -> None:
        """Deletes every message of this purpose, which begins with `portal:`, and the key under which they lay; may be repeated."""
        self._connection.execute(delete(outbox).where(outbox.c.case_id.is_(None), outbox.c.purpose == purpose))
        self._keys.forget(purpose, is_gone=True)

    def claim(self, posted: Posted, until: datetime) -> bool:
        """Counts a try and keeps others from the message until then. False if somebody else took it, sent it or dropped it meanwhile.

        While it is tried it has no code: by that, `release` knows it.
        """
        same = (outbox.c.id == posted.id, outbox.c.state == PostState.QUEUED.value, outbox.c.tries == posted.tries)
        taken = self._connection.execute(update(outbox).where(*same).values(tries=posted.tries + 1, next_try=until, code=""))
        return taken.rowcount == 1

    def settle(self, parcel_id: str, state: PostState, code: str = "", *, next_try: datetime | None = None, digest: str = "") -> None:
        """Writes down how the last try ended. What is in a message is emptied as soon as it was sent."""
        values: dict[str, Any] = {"state": state.value, "code": code, "next_try": next_try}
        if state not in _UNSENT:
            values |= _EMPTY
        if state is PostState.SENT:
            values |= {"sent_at": self._clock.now(), "digest": digest}
        self._connection.execute(update(outbox).where(outbox.c.id == parcel_id).values(**values))

    def release(self, parcel_id: str) -> None:
        """Lets a message that waits or failed be sent next. Raises `Conflict` (`post.empty` where nothing of it is left, `post.under_way`)."""
        self.parcel(parcel_id)
        posted = self.get(parcel_id)
        if posted.state is PostState.QUEUED and posted.tries and not posted.code and posted.next_try and posted.next_try > self._clock.now():
            # Released again, it would go out twice.
            raise Conflict("somebody is sending this message at this moment", code="post.under_way", hint="look again in some minutes")
        values = {"state": PostState.QUEUED.value, "tries": 0, "next_try": self._clock.now(), "code": ""}
        self._connection.execute(update(outbox).where(outbox.c.id == parcel_id).values(**values))

    def drop(self, parcel_id: str, code: str = "dropped") -> None:
        """Gives up a message that was not sent, and empties it; one that was sent stays as it is."""
        mine = (outbox.c.id == parcel_id, outbox.c.state.in_([state.value for state in _UNSENT]))
        self._connection.execute(update(outbox).where(*mine).values(state=PostState.FAILED.value, code=code, next_try=None, **_EMPTY))

    def counts(self) -> dict[str, int]:
        """How many messages are in each state."""
        rows = self._connection.execute(select(outbox.c.state, func.count()).group_by(outbox.c.state))
        return {str(state): int(count) for state, count in rows}

    def last_sent(self) -> datetime | None:
        """When a message last went out."""
        found: datetime | None = self._connection.scalar(select(func.max(outbox.c.sent_at)))
        return found

    def of_ended_cases(self, before: datetime) -> tuple[str, ...]:
        """The cases whose own key was shredded, or that were closed before that moment, and of which some message still holds its content."""
        wanted = select(outbox.c.case_id).where(outbox.c.sealed.is_not(None), is_ended(outbox.c.case_id, before)).distinct()
        return tuple(self._connection.scalars(wanted.order_by(outbox.c.case_id)))

    def forget(self, case_id: str) -> None:
        """Empties every message about the case; those that were not sent have failed."""
        for posted in self.of(case_id):
            self.drop(posted.id, "forgotten")
        self._keys.forget(case_id)

    def _where(self, *terms: Any) -> tuple[Posted, ...]:
        rows = self._connection.execute(select(*_STATE).where(*terms).order_by(outbox.c.queued_at, outbox.c.id))
        return tuple(_posted(row) for row in rows)


def _posted(row: Row[Any]) -> Posted:
    return Posted(
        row.id,
        row.case_id or "",
        row.purpose,
        PostState(row.state),
        row.queued_at,
        row.tries,
        row.next_try,
        row.sent_at,
        row.code,
        row.digest,
    )


def _to_bytes(parcel: Parcel) -> bytes:
    enclosed = [{"name": each.name, "media_type": each.media_type, "data": b64encode(each.data).decode()} for each in parcel.enclosures]
    body = {"id": parcel.id, "to": parcel.to.reveal(), "subject": parcel.subject, "text": parcel.text, "enclosures": enclosed}
    return json.dumps(body).encode()


def _from_bytes(body: bytes) -> Parcel:
    read = json.loads(body)
    enclosed = tuple(Enclosure(each["name"], each["media_type"], b64decode(each["data"])) for each in read["enclosures"])
    return Parcel(read["id"], Secret(read["to"]), read["subject"], read["text"], enclosed)
