"""What happened to each record of a plan; kept when the plan's records were shredded, because it names none of them."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, func, select

from dsr_engine.domain.plan import Result, ResultState
from dsr_engine.store.tables import results
from dsr_engine.store.upsert import upsert


class Results:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, plan_id: str, made: Sequence[Result]) -> None:
        """Writes the results, replacing earlier ones of the same item and position."""
        rows = [{"plan_id": plan_id, "item_id": one.item, "position": one.position, "state": one.state, "code": one.code} for one in made]
        upsert(self._connection, results, rows)

    def of(self, plan_id: str) -> tuple[Result, ...]:
        wanted = select(results).where(results.c.plan_id == plan_id).order_by(results.c.item_id, results.c.position)
        return tuple(Result(row.item_id, row.position, ResultState(row.state), row.code) for row in self._connection.execute(wanted))

    def tally(self, plan_id: str) -> Mapping[tuple[str, ResultState], int]:
        """How many records of each item came to which state."""
        by = (results.c.item_id, results.c.state)
        rows = self._connection.execute(select(*by, func.count()).where(results.c.plan_id == plan_id).group_by(*by).order_by(*by))
        return {(item, ResultState(state)): count for item, state, count in rows}
