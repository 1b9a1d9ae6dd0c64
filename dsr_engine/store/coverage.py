"""How far each collection was searched: one row per system and collection, so that nothing is missed silently."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from dsr_engine.domain.finding import Coverage, Extent
from dsr_engine.store.tables import cases, coverage
from dsr_engine.store.upsert import upsert


class Coverages:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, case: str, round: int, phase: str, seen: Coverage) -> None:
        """Writes the row of this system and collection, or replaces it. `reason` holds nothing personal."""
        row = {
            "case_id": case,
            "round": round,
            "phase": phase,
            "system": seen.system,
            "collection": seen.collection,
            "extent": seen.extent,
            "reason": seen.reason,
            "code": seen.code,
            "is_transient": seen.is_transient,
            "looked": seen.looked,
        }
        upsert(self._connection, coverage, [row])

    def of(self, case: str, round: int, phase: str) -> tuple[Coverage, ...]:
        """The rows by system and collection."""
        those = (coverage.c.case_id == case, coverage.c.round == round, coverage.c.phase == phase)
        rows = self._connection.execute(select(coverage).where(*those).order_by(coverage.c.system, coverage.c.collection))
        return tuple(_row(row) for row in rows)

    def collections(self, case: str) -> tuple[str, ...]:
        """The names of all collections that the case knows, in any round."""
        return tuple(
            self._connection.scalars(select(coverage.c.collection).where(coverage.c.case_id == case).distinct().order_by(coverage.c.collection))
        )

    def rename(self, case: str, names: Mapping[str, str]) -> None:
        """Gives collections other names in all rows of the case; no name of them is there already."""
        for old, new in names.items():
            self._connection.execute(update(coverage).where(coverage.c.case_id == case, coverage.c.collection == old).values(collection=new))

    def one(self, case: str, round: int, phase: str, system: str, collection: str) -> Coverage | None:
        """The row of one collection; a search of thousands of mailboxes asks once for each of its slices."""
        whole = (coverage.c.case_id == case, coverage.c.round == round, coverage.c.phase == phase)
        found = self._connection.execute(select(coverage).where(*whole, coverage.c.system == system, coverage.c.collection == collection)).first()
        return None if found is None else _row(found)

    def gaps(self, case: str, system: str, most: int) -> tuple[Coverage, ...]:
        """What the case's first search could not read there, wholly or in part, by collection; at most so many rows."""
        those = (coverage.c.case_id == case, coverage.c.round == 1, coverage.c.phase == "found", coverage.c.system == system)
        wanted = select(coverage).where(*those, coverage.c.extent != Extent.FULL).order_by(coverage.c.collection).limit(most)
        rows = self._connection.execute(wanted)
        return tuple(_row(row) for row in rows)

    def summary(self, most: int) -> Iterator[tuple[str, datetime, str, str, int]]:
        """Of the last `most` cases: case, when it was opened, system, extent, and how many collections have that extent in its first search."""
        last = select(cases.c.id, cases.c.opened_at).order_by(cases.c.opened_at.desc(), cases.c.id).limit(most).subquery()
        wanted = (
            select(last.c.id, last.c.opened_at, coverage.c.system, coverage.c.extent, func.count())
            .join(coverage, coverage.c.case_id == last.c.id)
            .where(coverage.c.round == 1, coverage.c.phase == "found")
            .group_by(last.c.id, last.c.opened_at, coverage.c.system, coverage.c.extent)
        )
        for row in self._connection.execute(wanted):
            yield row[0], row[1], row[2], row[3], row[4]


def _row(row: Row[Any]) -> Coverage:
    return Coverage(row.system, row.collection, Extent(row.extent), row.reason, row.code, row.is_transient, row.looked)
