"""Inquiries as rows: asked, going on, answered. Every process that serves pages sees the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from dsr_engine.store.inquiry_tables import inquiries
from dsr_engine.store.upsert import upsert

#: After this time without a word an inquiry is taken for dead: its process was stopped.
PATIENCE = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Inquiry:
    """`step` says how far it is. `answer` is what came out, `problem` (`code`, `message`, `hint`) why nothing did; both None while it goes on."""

    kind: str
    name: str
    asked_at: datetime
    finished_at: datetime | None = None
    step: str = ""
    answer: Mapping[str, Any] | None = None
    problem: Mapping[str, str] | None = None

    def is_going_on(self, now: datetime) -> bool:
        """True while somebody is at work on it."""
        return self.finished_at is None and now - self.asked_at < PATIENCE


class Inquiries:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self, kind: str, name: str, at: datetime) -> None:
        """Asks, or asks anew: what was answered before is gone."""
        row = {"kind": kind, "name": name, "asked_at": at, "finished_at": None, "step": "", "answer": None, "problem": None}
        upsert(self._connection, inquiries, [row])

    def tell(self, kind: str, name: str, asked_at: datetime, step: str) -> None:
        """How far it is; nothing where it was asked anew meanwhile."""
        self._set(kind, name, asked_at, step=step)

    def finish(self, asked: Inquiry) -> None:
        """What came of it; nothing where it was asked anew meanwhile."""
        self._set(asked.kind, asked.name, asked.asked_at, finished_at=asked.finished_at, answer=asked.answer, problem=asked.problem)

    def keep(self, kind: str, name: str, at: datetime, answer: Mapping[str, Any]) -> None:
        """Something that is known at once."""
        row = {"kind": kind, "name": name, "asked_at": at, "finished_at": at, "step": "", "answer": dict(answer), "problem": None}
        upsert(self._connection, inquiries, [row])

    def get(self, kind: str, name: str) -> Inquiry | None:
        """The last of this kind about this; None where nobody asked."""
        row = self._connection.execute(select(inquiries).where(inquiries.c.kind == kind, inquiries.c.name == name)).one_or_none()
        return None if row is None else _read(row)

    def of_kind(self, kind: str) -> Mapping[str, Inquiry]:
        """The last inquiry of this kind by what it is about."""
        found = map(_read, self._connection.execute(select(inquiries).where(inquiries.c.kind == kind).order_by(inquiries.c.name)))
        return {entry.name: entry for entry in found}

    def drop(self, kind: str, name: str) -> None:
        self._connection.execute(delete(inquiries).where(inquiries.c.kind == kind, inquiries.c.name == name))

    def _set(self, kind: str, name: str, asked_at: datetime, **values: object) -> None:
        those = (inquiries.c.kind == kind, inquiries.c.name == name, inquiries.c.asked_at == asked_at)
        self._connection.execute(update(inquiries).where(*those).values(values))


def _read(row: Row[Any]) -> Inquiry:
    return Inquiry(row.kind, row.name, row.asked_at, row.finished_at, row.step, row.answer, row.problem)
