"""What people have to do in systems that no driver reaches, and that they did it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.store.tables import tasks


@dataclass(frozen=True, slots=True)
class Task:
    """`done_by` is a person's random id. `evidence_digest` is the SHA-256 (hex) of what shows that it was done; the evidence stays outside."""

    id: str
    case: str
    system: str
    instructions: str
    owner: str
    due: datetime
    done_by: str | None = None
    done_at: datetime | None = None
    evidence_digest: str | None = None


class Tasks:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, task_id: str, case: str, system: str, instructions: str, owner: str, due: datetime) -> None:
        row = {"id": task_id, "case_id": case, "system": system, "instructions": instructions, "owner": owner, "due": due}
        self._connection.execute(insert(tasks), row)

    def done(self, task_id: str, by: str, at: datetime, evidence_digest: str) -> None:
        """Records that it was done, once. Raises `InputWrong` for an unknown task and `Conflict` for one that is done already."""
        reported = {"done_by": by, "done_at": at, "evidence_digest": evidence_digest}
        if self._connection.execute(update(tasks).where(tasks.c.id == task_id, tasks.c.done_at.is_(None)).values(reported)).rowcount == 1:
            return
        if self._connection.scalar(select(tasks.c.id).where(tasks.c.id == task_id)) is None:
            raise InputWrong(f"there is no task {task_id}", code="task.unknown", hint="dsr case show lists the tasks of a case")
        raise Conflict(f"task {task_id} was reported as done already", code="task.done")

    def of(self, case: str) -> tuple[Task, ...]:
        """The case's tasks, the most urgent first."""
        rows = self._connection.execute(select(tasks).where(tasks.c.case_id == case).order_by(tasks.c.due, tasks.c.id))
        return tuple(
            Task(row.id, row.case_id, row.system, row.instructions, row.owner, row.due, row.done_by, row.done_at, row.evidence_digest) for row in rows
        )
