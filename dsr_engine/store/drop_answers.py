"""What the platform was told, in which file, and how often it was asked."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from dsr_engine.domain.drop import Access
from dsr_engine.store.drop_tables import drop_accesses, drop_answers

#: The two ways in which the platform takes answers.
UPLOAD, AMEND = "upload", "amend"


@dataclass(frozen=True, slots=True)
class Answer:
    """A file of answers. `content` is empty once the platform has it. `sent_at` None: it is not known to be there."""

    name: str
    manner: str
    batch: str
    rows: int
    sha256: str
    made_at: datetime
    sent_at: datetime | None = None
    by_hand: bool = False
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class Accessed:
    """One attempt to fetch lists. `code` says what it met, if it failed."""

    at: datetime
    outcome: Access
    code: str = ""
    by_hand: bool = False


class DropAnswers:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(self, answer: Answer) -> None:
        """Writes a file down before it is sent."""
        row = {name: getattr(answer, name) for name in ("name", "manner", "rows", "sha256", "made_at", "sent_at", "by_hand", "content")}
        self._connection.execute(insert(drop_answers), {**row, "batch_id": answer.batch})

    def try_now(self, name: str, manner: str, at: datetime) -> bool:
        """Notes that the file is about to be sent; True if that was noted before, so that it may be there already."""
        chosen = (drop_answers.c.name == name, drop_answers.c.manner == manner)
        before = self._connection.scalar(select(drop_answers.c.tried_at).where(*chosen))
        self._connection.execute(update(drop_answers).where(*chosen).values(tried_at=at))
        return before is not None

    def sent(self, name: str, manner: str, at: datetime) -> None:
        """The platform has the file; what was in it is kept as statuses of the items and nowhere else."""
        chosen = (drop_answers.c.name == name, drop_answers.c.manner == manner)
        self._connection.execute(update(drop_answers).where(*chosen).values(sent_at=at, content=None))

    def of(self, batch: str) -> tuple[Answer, ...]:
        """The files of a batch in the order in which they were made."""
        wanted = select(drop_answers).where(drop_answers.c.batch_id == batch).order_by(drop_answers.c.made_at, drop_answers.c.name)
        return tuple(
            Answer(row.name, row.manner, row.batch_id, row.rows, row.sha256, row.made_at, row.sent_at, bool(row.by_hand), row.content or b"")
            for row in self._connection.execute(wanted)
        )

    def unsent(self, batch: str) -> tuple[Answer, ...]:
        """Files that were written down and are not known to be with the platform."""
        return tuple(answer for answer in self.of(batch) if answer.sent_at is None)

    def accessed(self, access: Accessed) -> None:
        row = {"at": access.at, "outcome": access.outcome.value, "code": access.code, "by_hand": access.by_hand}
        self._connection.execute(insert(drop_accesses), row)

    def accesses(self) -> tuple[Accessed, ...]:
        """Every attempt, the latest first."""
        wanted = select(drop_accesses).order_by(drop_accesses.c.at.desc(), drop_accesses.c.id.desc())
        return tuple(Accessed(row.at, Access(row.outcome), row.code, bool(row.by_hand)) for row in self._connection.execute(wanted))
