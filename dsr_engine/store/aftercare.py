"""What comes after a certificate, as rows: cases that repeat others, systems that were restored, the day on which the last backup is gone."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, insert, select, update

from dsr_engine.store.staying_tables import backup_ends, restores, sequels
from dsr_engine.store.upsert import insert_if_absent


class Why(StrEnum):
    """Why a case does again what another one did: a backup was restored, a later look found something, or the law wants it at intervals."""

    RESTORED = "restored"
    RESCAN = "rescan"
    AGAIN = "again"


@dataclass(frozen=True, slots=True)
class Sequel:
    """`occasion` names the restore, the look or the day; there is one case for each occasion."""

    case: str
    of_case: str
    why: Why
    occasion: str


@dataclass(frozen=True, slots=True)
class Restore:
    """A system that was brought back to what it was at `as_of`.

    `opened_at`: every case that has to be repeated was opened. `done_at`: all of them are closed, and a fresh look found nobody.
    """

    id: str
    system: str
    as_of: datetime
    noted_at: datetime
    noted_by: str
    opened_at: datetime | None = None
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BackupEnd:
    """When the last backup that may hold the person is gone, and when the ledger was told that it is."""

    case: str
    due: datetime
    expired_at: datetime | None = None


class Sequels:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, sequel: Sequel) -> None:
        row = {"case_id": sequel.case, "of_case": sequel.of_case, "why": sequel.why, "occasion": sequel.occasion}
        self._connection.execute(insert(sequels), row)

    def of(self, case: str) -> Sequel | None:
        """What this case repeats; None for one that repeats nothing."""
        row = self._connection.execute(select(sequels).where(sequels.c.case_id == case)).one_or_none()
        return None if row is None else Sequel(row.case_id, row.of_case, Why(row.why), row.occasion)

    def on(self, occasion: str) -> tuple[Sequel, ...]:
        """All cases of one occasion."""
        rows = self._connection.execute(select(sequels).where(sequels.c.occasion == occasion).order_by(sequels.c.case_id))
        return tuple(Sequel(row.case_id, row.of_case, Why(row.why), row.occasion) for row in rows)

    def after(self, case: str) -> tuple[Sequel, ...]:
        """The cases that repeat this one."""
        rows = self._connection.execute(select(sequels).where(sequels.c.of_case == case).order_by(sequels.c.case_id))
        return tuple(Sequel(row.case_id, row.of_case, Why(row.why), row.occasion) for row in rows)

    def origins(self) -> dict[str, str]:
        """For each case that repeats another, that other one."""
        return {row.case_id: row.of_case for row in self._connection.execute(select(sequels.c.case_id, sequels.c.of_case))}


def root_of(origins: Mapping[str, str], case: str) -> str:
    """The case that began it: whose repetition, or repetition of a repetition, this one is; itself where it repeats none."""
    while case in origins:
        case = origins[case]
    return case


class Restores:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def note(self, system: str, as_of: datetime, now: datetime, by: str) -> Restore:
        """The restore that is open for this system and moment; a new one where there is none."""
        for known in self.open(system):
            if known.as_of == as_of:
                return known
        found = Restore(secrets.token_hex(8), system, as_of, now, by)
        row = {"id": found.id, "system": system, "as_of": as_of, "noted_at": now, "noted_by": by}
        self._connection.execute(insert(restores), row)
        return found

    def open(self, system: str | None = None) -> tuple[Restore, ...]:
        """The restores that are not over, the oldest first."""
        wanted = select(restores).where(restores.c.done_at.is_(None)).order_by(restores.c.noted_at, restores.c.id)
        if system is not None:
            wanted = wanted.where(restores.c.system == system)
        return tuple(Restore(*row) for row in self._connection.execute(wanted))

    def get(self, id_: str) -> Restore | None:
        row = self._connection.execute(select(restores).where(restores.c.id == id_)).one_or_none()
        return None if row is None else Restore(*row)

    def opened(self, id_: str, now: datetime) -> None:
        self._connection.execute(update(restores).where(restores.c.id == id_).values(opened_at=now))

    def done(self, id_: str, now: datetime) -> None:
        self._connection.execute(update(restores).where(restores.c.id == id_).values(done_at=now))


class BackupEnds:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, case: str, due: datetime) -> None:
        """Notes the day; the first word counts."""
        insert_if_absent(self._connection, backup_ends, {"case_id": case, "due": due})

    def of(self, case: str) -> BackupEnd | None:
        row = self._connection.execute(select(backup_ends).where(backup_ends.c.case_id == case)).one_or_none()
        return None if row is None else BackupEnd(*row)

    def due(self, now: datetime) -> tuple[BackupEnd, ...]:
        """The days that have come and of which the ledger was not told yet."""
        wanted = select(backup_ends).where(backup_ends.c.due <= now, backup_ends.c.expired_at.is_(None)).order_by(backup_ends.c.due)
        return tuple(BackupEnd(*row) for row in self._connection.execute(wanted))

    def expired(self, case: str, now: datetime) -> None:
        self._connection.execute(update(backup_ends).where(backup_ends.c.case_id == case).values(expired_at=now))
