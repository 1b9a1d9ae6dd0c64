"""How far the search of a sweep came in each collection, so that a page is searched once and the next tranche goes on where this one ended."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from dsr_engine.store.case_key import CaseKey
from dsr_engine.store.tables import sweep_marks
from dsr_engine.store.upsert import upsert

#: The phase under which a case keeps where it begins, which an earlier tranche told it.
BEGIN = "begin"


@dataclass(frozen=True, slots=True, repr=False)
class SweepMark:
    """Everything up to and with `key` was looked at; `()` is before the first record. `is_over`: to the end. `found` counts what was due."""

    system: str
    collection: str
    key: tuple[str, ...] = ()
    is_over: bool = False
    pages: int = 0
    found: int = 0


class SweepMarks:
    """The key of a record may tell of a person, so it is sealed under the key of the case."""

    def __init__(self, connection: Connection, key_of: Callable[[str], CaseKey]) -> None:
        self._connection = connection
        self._key_of = key_of

    def put(self, case: str, round: int, phase: str, mark: SweepMark) -> None:
        """Writes the mark of this collection, or replaces it."""
        place = {"case_id": case, "round": round, "phase": phase, "system": mark.system, "collection": mark.collection}
        sealed = self._key_of(case).seal(json.dumps(mark.key).encode(), purpose="sweep-mark", row=_row(round, phase, mark.system, mark.collection))
        upsert(self._connection, sweep_marks, [{**place, "is_over": mark.is_over, "pages": mark.pages, "found": mark.found, "sealed": sealed}])

    def of(self, case: str, round: int, phase: str) -> Mapping[tuple[str, str], SweepMark]:
        """The marks by system and collection."""
        those = (sweep_marks.c.case_id == case, sweep_marks.c.round == round, sweep_marks.c.phase == phase)
        key = self._key_of(case)
        found = {}
        for row in self._connection.execute(select(sweep_marks).where(*those)):
            plain = key.unseal(row.sealed, purpose="sweep-mark", row=_row(round, phase, row.system, row.collection))
            found[row.system, row.collection] = SweepMark(row.system, row.collection, tuple(json.loads(plain)), row.is_over, row.pages, row.found)
        return found


def _row(round: int, phase: str, system: str, collection: str) -> str:
    return json.dumps([round, phase, system, collection])
