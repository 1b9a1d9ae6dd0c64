"""What a controller asked of a requester, and when it came."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, insert, select, update

from dsr_engine.domain.pause import Doubt, Stop
from dsr_engine.domain.regime import PauseWhy
from dsr_engine.store.pause_tables import pauses

#: SQLite takes 32,766 values in a statement.
_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Paused:
    """One stop of one case. `by` is the random id of whoever recorded it."""

    id: str
    case: str
    stop: Stop
    by: str
    at: datetime


class Pauses:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, id_: str, case: str, stop: Stop, by: str, at: datetime) -> None:
        row = {"id": id_, "case_id": case, "why": stop.why, "asked": stop.asked, "ended": stop.ended, "doubt": stop.doubt, "placed_by": by, "at": at}
        self._connection.execute(insert(pauses), row)

    def end(self, id_: str, on: date) -> None:
        self._connection.execute(update(pauses).where(pauses.c.id == id_).values(ended=on))

    def of(self, case: str) -> tuple[Paused, ...]:
        """The stops of this case, oldest first."""
        return self.of_all((case,)).get(case, ())

    def of_all(self, cases: Sequence[str]) -> Mapping[str, tuple[Paused, ...]]:
        """The stops of these cases by case; none for a case that was never stopped."""
        found: dict[str, tuple[Paused, ...]] = {}
        for start in range(0, len(cases), _AT_ONCE):
            some = pauses.c.case_id.in_(cases[start : start + _AT_ONCE])
            for row in self._connection.execute(select(pauses).where(some).order_by(pauses.c.asked, pauses.c.at, pauses.c.id)):
                stop = Stop(PauseWhy(row.why), row.asked, row.ended, Doubt(row.doubt) if row.doubt else None)
                found[row.case_id] = (*found.get(row.case_id, ()), Paused(row.id, row.case_id, stop, row.placed_by, row.at))
        return found
