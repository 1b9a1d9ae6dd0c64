"""How far the copy of a case is, and what somebody decided about single records of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from dsr_engine.store.access_tables import copies, copy_records
from dsr_engine.store.tables import findings
from dsr_engine.store.upsert import upsert

_CHUNK = 500
_NOTHING_DECIDED = {"treatment": "", "reason": "", "decided_by": None, "decided_at": None}


@dataclass(frozen=True, slots=True)
class CopyState:
    """`surveyed_at`: every record was read once. `released_at`: an officer let the copy go, for this `round` only. `fetched` counts downloads."""

    round: int
    surveyed_at: datetime | None = None
    released_at: datetime | None = None
    released_by: str = ""
    fetched: int = 0
    fetched_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CopyRecord:
    """One record of which more is known: a digest of what the officer decided about, that it may name other people, and how it is treated.

    `treatment` empty: as the finding says.
    """

    finding: str
    seen: bytes | None = None
    names_others: bool = False
    treatment: str = ""
    reason: str = ""


class Copies:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, case: str) -> CopyState | None:
        row = self._connection.execute(select(copies).where(copies.c.case_id == case)).one_or_none()
        if row is None:
            return None
        return CopyState(row.round, row.surveyed_at, row.released_at, row.released_by or "", row.fetched, row.fetched_at)

    def surveyed(self, case: str, round: int, at: datetime) -> None:
        """The records of this round were read. An earlier release does not count for it."""
        row = {"case_id": case, "round": round, "surveyed_at": at, "released_at": None, "released_by": None, "fetched": 0, "fetched_at": None}
        upsert(self._connection, copies, [row])

    def release(self, case: str, by: str, at: datetime) -> None:
        """Lets the copy go; `by` is a person's random id."""
        self._connection.execute(update(copies).where(copies.c.case_id == case).values(released_at=at, released_by=by))

    def take_back(self, case: str) -> bool:
        """Holds the copy back again; False if it was not released."""
        held = update(copies).where(copies.c.case_id == case, copies.c.released_at.is_not(None)).values(released_at=None, released_by=None)
        return self._connection.execute(held).rowcount > 0

    def fetch(self, case: str, at: datetime) -> int:
        """Counts one more download; gives how many there were."""
        self._connection.execute(update(copies).where(copies.c.case_id == case).values(fetched=copies.c.fetched + 1, fetched_at=at))
        return int(self._connection.scalar(select(copies.c.fetched).where(copies.c.case_id == case)) or 0)

    def put(self, case: str, records: Sequence[CopyRecord]) -> None:
        """Writes what the survey found about records; what somebody decided about one of them stays."""
        known = self.records(case, [entry.finding for entry in records])
        fresh = [
            {"case_id": case, "finding_id": entry.finding, "seen": entry.seen, "names_others": entry.names_others, **_NOTHING_DECIDED}
            for entry in records
            if entry.finding not in known
        ]
        for start in range(0, len(fresh), _CHUNK):
            self._connection.execute(insert(copy_records), fresh[start : start + _CHUNK])
        for entry in records:
            if entry.finding in known and (entry.seen, entry.names_others) != (known[entry.finding].seen, known[entry.finding].names_others):
                again = update(copy_records).where(copy_records.c.case_id == case, copy_records.c.finding_id == entry.finding)
                self._connection.execute(again.values(seen=entry.seen, names_others=entry.names_others))

    def treat(self, case: str, finding: str, treatment: str, reason: str, by: str, at: datetime) -> None:
        """Records how a record is treated (empty: as its finding says), why (a code), and who said so."""
        known = self.records(case, [finding]).get(finding, CopyRecord(finding))
        row = {
            "case_id": case,
            "finding_id": finding,
            "seen": known.seen,
            "names_others": known.names_others,
            "treatment": treatment,
            "reason": reason,
            "decided_by": by,
            "decided_at": at,
        }
        upsert(self._connection, copy_records, [row])

    def forget_records(self, case: str) -> None:
        """Drops what is known of single records: a new round finds them anew, under other ids."""
        self._connection.execute(delete(copy_records).where(copy_records.c.case_id == case))

    def records(self, case: str, ids: Iterable[str]) -> Mapping[str, CopyRecord]:
        """What is known of these records; most have nothing special."""
        wanted = tuple(ids)
        found: dict[str, CopyRecord] = {}
        for start in range(0, len(wanted), _CHUNK):
            query = select(copy_records).where(copy_records.c.case_id == case, copy_records.c.finding_id.in_(wanted[start : start + _CHUNK]))
            found |= {
                row.finding_id: CopyRecord(row.finding_id, row.seen, row.names_others, row.treatment, row.reason)
                for row in self._connection.execute(query)
            }
        return found

    def naming_others(self, case: str, after: str = "", most: int = 50) -> tuple[str, ...]:
        """Ids of records that may name other people, after this one, in the order of their ids."""
        wanted = select(copy_records.c.finding_id).where(
            copy_records.c.case_id == case, copy_records.c.names_others, copy_records.c.finding_id > after
        )
        return tuple(self._connection.scalars(wanted.order_by(copy_records.c.finding_id).limit(most)))

    def naming_others_count(self, case: str) -> tuple[int, int]:
        """How many records may name other people, and how many of them somebody decided about."""
        query = select(func.count(), func.count(copy_records.c.decided_at)).where(copy_records.c.case_id == case, copy_records.c.names_others)
        row = self._connection.execute(query).one()
        return int(row[0]), int(row[1])

    def treated(self, case: str) -> Mapping[str, int]:
        """Treatment → how many records."""
        query = select(copy_records.c.treatment, func.count()).where(copy_records.c.case_id == case, copy_records.c.treatment != "")
        rows = self._connection.execute(query.group_by(copy_records.c.treatment))
        return {str(row[0]): int(row[1]) for row in rows}

    def undecided(self, case: str, round: int, phase: str) -> int:
        """How many possible findings nobody decided about."""
        wanted = (findings.c.case_id == case, findings.c.round == round, findings.c.phase == phase)
        query = select(func.count()).where(*wanted, findings.c.confidence == "possible", findings.c.verdict.is_(None))
        return int(self._connection.scalar(query) or 0)
