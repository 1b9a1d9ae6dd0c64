"""What happened to each record of a plan; kept when the plan's records were shredded, because it names none of them.

Records of an item that came to the same end stand in one row, from a position on: what a sweep of a million leaves behind is a thousand rows.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from sqlalchemy import Connection, delete, func, insert, select

from dsr_engine.domain.plan import Result, ResultState
from dsr_engine.store.tables import results

#: State and code of one record.
_End = tuple[str, str]


class Results:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, plan_id: str, made: Sequence[Result]) -> None:
        """Writes the results, replacing earlier ones of the same item and position."""
        ends: dict[str, dict[int, _End]] = defaultdict(dict)
        for one in made:
            ends[one.item][one.position] = (one.state, one.code)
        rows = []
        for item, fresh in ends.items():
            known = self._ends(plan_id, item)
            if known:
                self._connection.execute(delete(results).where(results.c.plan_id == plan_id, results.c.item_id == item))
            place = {"plan_id": plan_id, "item_id": item}
            rows += [
                {**place, "position": position, "count": count, "state": state, "code": code}
                for position, count, (state, code) in _runs(sorted({**known, **fresh}.items()))
            ]
        if rows:
            self._connection.execute(insert(results), rows)

    def of(self, plan_id: str) -> tuple[Result, ...]:
        """One result for each record, by item and position."""
        wanted = select(results).where(results.c.plan_id == plan_id).order_by(results.c.item_id, results.c.position)
        return tuple(
            Result(row.item_id, position, ResultState(row.state), row.code)
            for row in self._connection.execute(wanted)
            for position in range(row.position, row.position + row._mapping["count"])
        )

    def tally(self, plan_id: str) -> Mapping[tuple[str, ResultState], int]:
        """How many records of each item came to which state."""
        by = (results.c.item_id, results.c.state)
        wanted = select(*by, func.sum(results.c["count"])).where(results.c.plan_id == plan_id)
        rows = self._connection.execute(wanted.group_by(*by).order_by(*by))
        return {(item, ResultState(state)): int(count) for item, state, count in rows}

    def _ends(self, plan_id: str, item: str) -> dict[int, _End]:
        wanted = select(results).where(results.c.plan_id == plan_id, results.c.item_id == item)
        return {
            position: (row.state, row.code)
            for row in self._connection.execute(wanted)
            for position in range(row.position, row.position + row._mapping["count"])
        }


def _runs(ends: Iterable[tuple[int, _End]]) -> Iterator[tuple[int, int, _End]]:
    """First position, length and end of each run of neighbours that came to the same end; `ends` comes in the order of the positions."""
    for (_, end), group in groupby(enumerate(ends), key=lambda entry: (entry[1][0] - entry[0], entry[1][1])):
        positions = [position for _, (position, _) in group]
        yield positions[0], len(positions), end
