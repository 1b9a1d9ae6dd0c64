"""What a controller asked of a requester, and when it came."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, insert, select, update

from dsr_engine.domain.pause import Doubt, Stop
from dsr_engine.domain.regime import PauseWhy
from dsr_engine.store.pause_tables import pauses

#: So many cases are asked for by name.
_AT_ONCE = 500


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
        wanted, mine = select(pauses).order_by(pauses.c.asked, pauses.c.at, pauses.c.id), frozenset(cases)
        if len(cases) <= _AT_ONCE:  # else all are read: few cases are ever stopped, and naming thousands takes longer
            wanted = wanted.where(pauses.c.case_id.in_(cases))
        for row in self._connection.execute(wanted):
            if row.case_id in mine:
                stop = Stop(PauseWhy(row.why), row.asked, row.ended, Doubt(row.doubt) if row.doubt else None)
                found[row.case_id] = (*found.get(row.case_id, ()), Paused(row.id, row.case_id, stop, row.placed_by, row.at))
        return found
