"""The marks of records in which the last verification of a case found nobody, by part of a collection. They go with the key of the case."""

import json
from collections.abc import Callable, Collection

from sqlalchemy import Connection, delete, select

from dsr_engine.store.case_key import CaseKey
from dsr_engine.store.clean_tables import clean_records
from dsr_engine.store.upsert import upsert

#: Bytes of a mark.
_MARK = 16
_PURPOSE = "clean-records"


class CleanRecords:
    """Marks are keyed digests already; they are sealed so that nobody can put one in, or tell two searches by them."""

    def __init__(self, connection: Connection, key_of: Callable[[str], CaseKey]) -> None:
        self._connection = connection
        self._key_of = key_of

    def key(self, case: str, way: bytes) -> bytes:
        """The key of marks of this case, as long as it is searched for in this way."""
        return self._key_of(case).mac(way, purpose=_PURPOSE)

    def put(self, case: str, round: int, slice: str, marks: Collection[bytes]) -> None:
        """Replaces what any earlier verification said of this part."""
        if not marks:
            those = (clean_records.c.case_id == case, clean_records.c.slice == slice)
            self._connection.execute(delete(clean_records).where(*those))
            return
        sealed = self._key_of(case).seal(b"".join(sorted(marks)), purpose=_PURPOSE, row=_row(round, slice))
        upsert(self._connection, clean_records, [{"case_id": case, "slice": slice, "round": round, "sealed": sealed}])

    def of(self, case: str, round: int, slice: str) -> frozenset[bytes]:
        """The marks that the verification of this very round left; none where it left none, or the case has been verified anew."""
        those = (clean_records.c.case_id == case, clean_records.c.slice == slice, clean_records.c.round == round)
        sealed = self._connection.scalar(select(clean_records.c.sealed).where(*those))
        if sealed is None:
            return frozenset()
        plain = self._key_of(case).unseal(sealed, purpose=_PURPOSE, row=_row(round, slice))
        return frozenset(plain[start : start + _MARK] for start in range(0, len(plain), _MARK))


def _row(round: int, slice: str) -> str:
    return json.dumps([round, slice])
