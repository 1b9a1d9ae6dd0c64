"""The request log: one row for each request, and the salt that links its certificate to the person who asked.

The salt is sealed under a key of the row's own, whose epochs are those of the log and of nothing else: when the row ends its key is shredded, and the
certificate cannot be linked to anybody any more, also not with an old backup once the epoch's last row has ended.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, Text, cast, delete, select, tuple_, update

from dsr_engine.domain.case import CaseKind
from dsr_engine.domain.errors import Conflict
from dsr_engine.domain.request import Manner, Right
from dsr_engine.domain.request_log import Decision, LogEntry
from dsr_engine.store.pause_tables import appeals
from dsr_engine.store.request_log_tables import request_log
from dsr_engine.store.upsert import upsert
from dsr_engine.store.vault import Vault
from dsr_engine.store.work import Work

#: The epochs of the rows' keys begin with this.
FAMILY = "log-"
_PURPOSE = "salt"


def name_of(case: str) -> str:
    """What the key of a case's row is called in the vault."""
    return f"{case}/log"


class RequestLog:
    def __init__(self, tx: Work, vault: Vault) -> None:
        self._tx = tx
        self._connection: Connection = tx.connection
        self._vault = vault

    def put(self, entry: LogEntry) -> None:
        """Writes the row, new or as it is now; its salt stays."""
        upsert(self._connection, request_log, [_written(entry)])

    def of(self, case: str) -> LogEntry | None:
        """The row of the case; None where it has none, or none any more. Who reads it in order to write it keeps others off until the commit."""
        wanted = select(request_log).where(request_log.c.case_id == case)
        row = self._connection.execute(wanted if self._tx.is_snapshot else wanted.with_for_update()).one_or_none()
        return None if row is None else self._read([row])[0]

    def acknowledged(self, manner: str) -> frozenset[str]:
        """The cases whose receipt was confirmed by hand, or that came in this manner."""
        told = request_log.c.acknowledged.is_not(None) | (request_log.c.manner == manner)
        return frozenset(self._connection.scalars(select(request_log.c.case_id).where(told)))

    def list(self, start: date | None = None, end: date | None = None) -> tuple[LogEntry, ...]:
        """The rows of requests that were received from `start` to `end`, both included, by day of receipt."""
        wanted = select(request_log).order_by(request_log.c.received, request_log.c.case_id)
        if start is not None:
            wanted = wanted.where(request_log.c.received >= start)
        if end is not None:
            wanted = wanted.where(request_log.c.received <= end)
        return self._read(self._connection.execute(wanted).all())

    def laws(self, start: date, end: date) -> frozenset[str]:
        """Under which laws somebody asked in these days, both included. Few sets of laws are named by many rows, so each is read once."""
        named = cast(request_log.c.regimes, Text)
        found = self._connection.scalars(select(named).where(request_log.c.received.between(start, end)).distinct())
        return frozenset(name for text in found for name, _ in json.loads(text))

    def page(
        self, count: int, start: date | None = None, end: date | None = None, *, before: str | None = None, after: str | None = None
    ) -> tuple[LogEntry, ...]:
        """At most so many rows, the latest received first: those before that of a case in this order, or the ones next after it."""
        order = (request_log.c.received, request_log.c.case_id)
        wanted = select(request_log)
        if start is not None:
            wanted = wanted.where(request_log.c.received >= start)
        if end is not None:
            wanted = wanted.where(request_log.c.received <= end)
        border = self._connection.execute(select(*order).where(request_log.c.case_id == (before or after))).one_or_none()
        if border is not None and before is None:
            newer = wanted.where(tuple_(*order) > tuple(border)).order_by(*order).limit(count)
            return self._read([*reversed(self._connection.execute(newer).all())])
        if border is not None:
            wanted = wanted.where(tuple_(*order) < tuple(border))
        return self._read(self._connection.execute(wanted.order_by(*(column.desc() for column in order)).limit(count)).all())

    def keep_salt(self, case: str, salt: bytes) -> None:
        """Seals the salt into the row of the case, which must be there."""
        name = name_of(case)
        try:
            key = self._vault.within(self._tx, name)
        except Conflict as error:
            if error.code != "vault.no_key":
                raise
            self._vault.create(self._tx, name, family=FAMILY)
            key = self._vault.within(self._tx, name)
        sealed = key.seal(salt, purpose=_PURPOSE)
        self._connection.execute(update(request_log).where(request_log.c.case_id == case).values(sealed=sealed))

    def salt(self, case: str) -> bytes | None:
        """The salt of the case's commitment; None where there is none, or none any more."""
        sealed = self._connection.scalar(select(request_log.c.sealed).where(request_log.c.case_id == case))
        return None if sealed is None else self._vault.within(self._tx, name_of(case)).unseal(sealed, purpose=_PURPOSE)

    def end(self, cases: Iterable[str]) -> None:
        """Deletes the rows and shreds their keys; may be repeated. Call `Store.scrub` after the commit."""
        for case in cases:
            self._connection.execute(delete(request_log).where(request_log.c.case_id == case))
            self._vault.shred(self._tx, name_of(case))

    def _read(self, rows: Sequence[Row[Any]]) -> tuple[LogEntry, ...]:
        """The rows with how appeals ended: a case's appeals never go before its record does."""
        wanted = select(appeals.c.case_id, appeals.c.decision, appeals.c.new_case_id).order_by(appeals.c.received, appeals.c.at)
        known = self._connection.execute(wanted).all() if rows else []
        ends = {row.case_id: row.decision or "open" for row in known}
        origins = {row.new_case_id: row.case_id for row in known if row.new_case_id}
        return tuple(_read(row, ends.get(row.case_id, ""), origins.get(row.case_id, "")) for row in rows)


def _written(entry: LogEntry) -> dict[str, Any]:
    return {
        "case_id": entry.case,
        "subject_ref": entry.subject_ref,
        "kind": entry.kind,
        "right_asked": entry.right,
        "manner": entry.manner,
        "regimes": [list(each) for each in entry.regimes],
        "received": entry.received,
        "keep_months": entry.keep_months,
        "to_year_end": entry.to_year_end,
        "decision": entry.decision,
        "decided": entry.decided,
        "answered": entry.answered,
        "answer": entry.answer,
        "basis": list(entry.basis),
        "certificate_id": entry.certificate,
        "acknowledged": entry.acknowledged,
        "limits": dict(entry.limits),
        "keep_until": entry.keep_until,
    }


def _read(row: Row[Any], appeal: str, appeal_of: str) -> LogEntry:
    return LogEntry(
        case=row.case_id,
        subject_ref=row.subject_ref,
        kind=CaseKind(row.kind),
        right=Right(row.right_asked),
        manner=Manner(row.manner),
        regimes=tuple((name, version) for name, version in row.regimes),
        received=row.received,
        keep_months=row.keep_months,
        to_year_end=row.to_year_end,
        decision=None if row.decision is None else Decision(row.decision),
        decided=row.decided,
        answered=row.answered,
        answer=row.answer,
        basis=tuple(row.basis),
        appeal=appeal,
        appeal_of=appeal_of,
        certificate=row.certificate_id,
        acknowledged=row.acknowledged,
        limits=dict(row.limits),
        keep_until=row.keep_until,
    )
