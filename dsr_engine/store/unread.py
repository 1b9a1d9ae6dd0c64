"""Examples of what a search could not read, by part of a collection, so that somebody can go and look. They go with the key of the case."""

import json
from collections.abc import Callable, Sequence

from sqlalchemy import ColumnElement, Connection, delete, select

from dsr_engine.domain.finding import Unread
from dsr_engine.store.case_key import CaseKey
from dsr_engine.store.unread_tables import unread_records
from dsr_engine.store.upsert import upsert

_PURPOSE = "unread-records"


class UnreadRecords:
    """A name of a file may be the person's or anybody's, so it is only ever in these rows, sealed."""

    def __init__(self, connection: Connection, key_of: Callable[[str], CaseKey]) -> None:
        self._connection = connection
        self._key_of = key_of

    def put(self, case: str, round: int, phase: str, slice: str, unread: Sequence[Unread]) -> None:
        """Replaces what was said of this part."""
        if not unread:
            self._connection.execute(delete(unread_records).where(*_those(case, round, phase), unread_records.c.slice == slice))
            return
        plain = json.dumps([[one.system, one.collection, one.code, one.reason, list(one.key)] for one in unread]).encode()
        sealed = self._key_of(case).seal(plain, purpose=_PURPOSE, row=_row(round, phase, slice))
        upsert(self._connection, unread_records, [{"case_id": case, "round": round, "phase": phase, "slice": slice, "sealed": sealed}])

    def of(self, case: str, round: int, phase: str) -> tuple[Unread, ...]:
        """All that is named, in the order of the parts. Raises as the vault does where the case was forgotten; nothing is left then."""
        wanted = select(unread_records.c.slice, unread_records.c.sealed).where(*_those(case, round, phase)).order_by(unread_records.c.slice)
        rows = self._connection.execute(wanted).all()
        found: list[Unread] = []
        for row in rows:
            plain = self._key_of(case).unseal(row.sealed, purpose=_PURPOSE, row=_row(round, phase, row.slice))
            found += (Unread(system, collection, code, reason, tuple(key)) for system, collection, code, reason, key in json.loads(plain))
        return tuple(found)


def _those(case: str, round: int, phase: str) -> tuple[ColumnElement[bool], ...]:
    return unread_records.c.case_id == case, unread_records.c.round == round, unread_records.c.phase == phase


def _row(round: int, phase: str, slice: str) -> str:
    return json.dumps([round, phase, slice])
