"""Which parts of a search are done; written in the transaction that writes their findings."""

from sqlalchemy import Connection, delete, exists, select

from dsr_engine.store.tables import slices
from dsr_engine.store.upsert import insert_if_absent


class Slices:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def done(self, case: str, round: int, phase: str, slice: str) -> None:
        """Marks the slice as done; may be repeated."""
        insert_if_absent(self._connection, slices, {"case_id": case, "round": round, "phase": phase, "slice": slice})

    def is_done(self, case: str, round: int, phase: str, slice: str) -> bool:
        one = (slices.c.case_id == case, slices.c.round == round, slices.c.phase == phase, slices.c.slice == slice)
        return bool(self._connection.scalar(select(exists().where(*one))))

    def all_done(self, case: str, round: int, phase: str) -> frozenset[str]:
        """All slices of this search that are done, in one statement."""
        those = (slices.c.case_id == case, slices.c.round == round, slices.c.phase == phase)
        return frozenset(self._connection.scalars(select(slices.c.slice).where(*those)))

    def forget(self, case: str, round: int, phase: str) -> None:
        """Marks nothing of this search as done, so that all of it is done again."""
        those = (slices.c.case_id == case, slices.c.round == round, slices.c.phase == phase)
        self._connection.execute(delete(slices).where(*those))
