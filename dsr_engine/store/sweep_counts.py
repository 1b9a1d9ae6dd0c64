"""What a sweep had before it when it began, by collection and rule: the numbers that its caps are held against, and records of unknown start."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, select

from dsr_engine.store.tables import sweep_counts
from dsr_engine.store.upsert import upsert


@dataclass(frozen=True, slots=True)
class SweepCount:
    """`due` records of a collection have outlived every rule; they are counted under the rule that decides, so only one of its rules has them.

    `unknown` records have no start under this very rule. `ground` is what the rule keeps data for (`purpose`, or a ground of the law).
    `total` counts the whole collection. None: the system did not tell.
    """

    system: str
    collection: str
    rule: str
    ground: str
    due: int | None
    unknown: int | None
    total: int | None


class SweepCounts:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, sweep: str, counts: Sequence[SweepCount]) -> None:
        """Writes the counts of a sweep, or replaces them."""
        upsert(self._connection, sweep_counts, [{"sweep": sweep, **asdict(count)} for count in counts])

    def of(self, sweep: str) -> tuple[SweepCount, ...]:
        """The counts by system, collection and rule; empty before they were made."""
        columns = (sweep_counts.c.system, sweep_counts.c.collection, sweep_counts.c.rule)
        rows = self._connection.execute(select(sweep_counts).where(sweep_counts.c.sweep == sweep).order_by(*columns))
        return tuple(SweepCount(row.system, row.collection, row.rule, row.ground, row.due, row.unknown, row.total) for row in rows)
