"""Incidents, and what became of certificates after they were issued."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.incident import Incident, IncidentKind, Risk, Told
from dsr_engine.store.incident_tables import incidents, replacements, withdrawals
from dsr_engine.store.upsert import insert_if_absent, upsert


class Incidents:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, incident: Incident) -> None:
        """Writes the incident, new or as it is now."""
        row = {
            "id": incident.id,
            "kind": incident.kind,
            "case_id": incident.case,
            "aware_at": incident.aware_at,
            "opened_at": incident.opened_at,
            "opened_by": incident.opened_by,
            "lost": dict(incident.lost),
            "risk": incident.risk,
            "told": {who: at.isoformat() for who, at in incident.told.items()},
            "closed_at": incident.closed_at,
            "closed_by": incident.closed_by,
            "closing": incident.closing,
        }
        upsert(self._connection, incidents, [row])

    def get(self, incident_id: str) -> Incident:
        """The incident. Raises `InputWrong` if there is none."""
        row = self._connection.execute(select(incidents).where(incidents.c.id == incident_id)).one_or_none()
        if row is None:
            raise InputWrong(f"there is no incident {incident_id}", code="incident.unknown", hint="dsr incident list shows them")
        return _read(row)

    def list(self, *, open_only: bool = False) -> tuple[Incident, ...]:
        """The incidents, the oldest first."""
        wanted = select(incidents).order_by(incidents.c.opened_at, incidents.c.id)
        if open_only:
            wanted = wanted.where(incidents.c.closed_at.is_(None))
        return tuple(_read(row) for row in self._connection.execute(wanted))

    def of(self, case: str) -> tuple[Incident, ...]:
        """The incidents of a case, the oldest first."""
        wanted = select(incidents).where(incidents.c.case_id == case).order_by(incidents.c.opened_at, incidents.c.id)
        return tuple(_read(row) for row in self._connection.execute(wanted))


def _read(row: Row[Any]) -> Incident:
    return Incident(
        id=row.id,
        kind=IncidentKind(row.kind),
        case=row.case_id,
        aware_at=row.aware_at,
        opened_at=row.opened_at,
        opened_by=row.opened_by,
        lost=dict(row.lost),
        risk=Risk(row.risk),
        told={Told(who): datetime.fromisoformat(at) for who, at in row.told.items()},
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        closing=row.closing,
    )


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A certificate that must not be relied on any more; `superseded_by` is the one that took its place, None until that was issued."""

    certificate: str
    at: datetime
    reason: str
    superseded_by: str | None = None


class Withdrawals:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, certificate: str, at: datetime, reason: str) -> None:
        """Withdraws it; one that was withdrawn keeps its first reason."""
        insert_if_absent(self._connection, withdrawals, {"certificate_id": certificate, "at": at, "reason": reason})

    def of(self, certificate: str) -> Withdrawal | None:
        row = self._connection.execute(select(withdrawals).where(withdrawals.c.certificate_id == certificate)).one_or_none()
        return None if row is None else Withdrawal(row.certificate_id, row.at, row.reason, row.superseded_by)

    def replace(self, certificate: str, case: str) -> None:
        """Says that the certificate of this case will take the place of that one."""
        self._connection.execute(insert(replacements), {"case_id": case, "certificate_id": certificate})

    def replaced_by(self, case: str) -> str | None:
        """The certificate whose place the one of this case takes; None for a case that replaces nothing."""
        found = self._connection.scalar(select(replacements.c.certificate_id).where(replacements.c.case_id == case))
        return None if found is None else str(found)

    def supersede(self, certificate: str, by: str) -> None:
        """Records which certificate took the place of a withdrawn one."""
        self._connection.execute(update(withdrawals).where(withdrawals.c.certificate_id == certificate).values(superseded_by=by))
