"""Certificates as they were issued: statement and signed envelope byte for byte, so that a rerun uses the same ones."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select

from dsr_engine.domain.errors import Conflict
from dsr_engine.store.certificate_tables import certificate_facts, certificate_systems
from dsr_engine.store.request_log_tables import spent_serials
from dsr_engine.store.tables import certificates
from dsr_engine.store.upsert import upsert
from dsr_engine.store.work import SERIALS, lock


@dataclass(frozen=True, slots=True)
class Issued:
    """`statement` and `envelope` are what was signed and the DSSE around it. `leaf_index` is its leaf in the ledger, `path` its PDF."""

    id: str
    case: str
    serial: int
    statement: bytes
    envelope: bytes
    leaf_index: int | None
    path: str


@dataclass(frozen=True, slots=True)
class Spent:
    """A certificate whose case was erased with the request log's end. Its PDF, which says everything by itself, may still be at `path`."""

    serial: int
    id: str
    path: str
    issued_at: datetime


class Certificates:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def next_serial(self) -> int:
        """The serial after the last one, from 1; nobody else gets it before this transaction ends, so there are no gaps."""
        lock(self._connection, SERIALS)
        last = [self._connection.scalar(select(func.max(table.c.serial))) or 0 for table in (certificates, spent_serials)]
        return int(max(last)) + 1

    def add(self, certificate_id: str, case: str, serial: int, statement: bytes, envelope: bytes, leaf_index: int | None, path: str) -> None:
        """Adds the certificate, or completes one of this id (leaf, path). Raises `Conflict` where that would change what was stated."""
        known = self._connection.execute(select(certificates).where(certificates.c.id == certificate_id)).one_or_none()
        if known is not None and (known.case_id, known.serial, known.statement) != (case, serial, statement):
            raise Conflict(
                f"certificate {certificate_id} was issued with another statement", code="certificate.issued", hint="issue one that supersedes it"
            )
        row = {
            "id": certificate_id,
            "case_id": case,
            "serial": serial,
            "statement": statement,
            "envelope": envelope,
            "leaf_index": leaf_index,
            "path": path,
        }
        upsert(self._connection, certificates, [row])
        self._list(certificate_id, serial, statement)

    def _list(self, certificate_id: str, serial: int, statement: bytes) -> None:
        """Writes what the register finds the certificate by."""
        said = json.loads(statement)
        facts = {"serial": serial, "certificate_id": certificate_id, "issued_at": datetime.fromisoformat(said["issued_at"])}
        upsert(self._connection, certificate_facts, [{**facts, "kind": said["case"].get("kind", ""), "policy": said["policy"].get("name", "")}])
        names = sorted({str(system["name"]) for system in said["systems"]})
        upsert(self._connection, certificate_systems, [{"system": name, "serial": serial} for name in names])

    def of(self, case: str) -> Issued | None:
        """The last certificate of the case."""
        wanted = select(certificates).where(certificates.c.case_id == case).order_by(certificates.c.serial.desc()).limit(1)
        row = self._connection.execute(wanted).one_or_none()
        return None if row is None else _read(row)

    def of_case(self, case: str) -> tuple[Issued, ...]:
        """The certificates of the case, by serial."""
        wanted = select(certificates).where(certificates.c.case_id == case).order_by(certificates.c.serial)
        return tuple(_read(row) for row in self._connection.execute(wanted))

    def get(self, certificate_id: str) -> Issued | None:
        row = self._connection.execute(select(certificates).where(certificates.c.id == certificate_id)).one_or_none()
        return None if row is None else _read(row)

    def list(self) -> tuple[Issued, ...]:
        """All certificates by serial."""
        return tuple(_read(row) for row in self._connection.execute(select(certificates).order_by(certificates.c.serial)))

    def after(self, serial: int, limit: int) -> tuple[Issued, ...]:
        """The certificates behind this serial number, by serial; at most so many."""
        wanted = select(certificates).where(certificates.c.serial > serial).order_by(certificates.c.serial).limit(limit)
        return tuple(_read(row) for row in self._connection.execute(wanted))

    def spend(self, case: str, at: datetime) -> None:
        """Removes the certificates of a case whose rows go; each leaves its serial number, its id and its file's name behind. May be repeated."""
        for row in self._connection.execute(select(certificates).where(certificates.c.case_id == case)).all():
            issued_at = datetime.fromisoformat(json.loads(row.statement)["issued_at"])
            spent = {"serial": row.serial, "certificate_id": row.id, "path": row.path, "issued_at": issued_at, "erased_at": at}
            upsert(self._connection, spent_serials, [spent])
            for table in (certificate_facts, certificate_systems):
                self._connection.execute(delete(table).where(table.c.serial == row.serial))
        self._connection.execute(delete(certificates).where(certificates.c.case_id == case))

    def spent_path(self, serial: int) -> str:
        """The file of a certificate whose row is gone; empty where there is no such number."""
        found = self._connection.scalar(select(spent_serials.c.path).where(spent_serials.c.serial == serial))
        return "" if found is None else str(found)

    def spent(self) -> tuple[Spent, ...]:
        """The certificates whose rows are gone, by serial."""
        rows = self._connection.execute(select(spent_serials).order_by(spent_serials.c.serial))
        return tuple(Spent(row.serial, row.certificate_id, row.path, row.issued_at) for row in rows)


def _read(row: Row[Any]) -> Issued:
    return Issued(row.id, row.case_id, row.serial, row.statement, row.envelope, row.leaf_index, row.path)
