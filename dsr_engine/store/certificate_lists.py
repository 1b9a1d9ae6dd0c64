"""The register of certificates a page at a time, by date, system, policy, kind and state; and the numbers that are missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Case, Connection, Row, Select, case, func, literal, select, union_all

from dsr_engine.store.certificate_tables import certificate_facts, certificate_systems
from dsr_engine.store.incident_tables import withdrawals
from dsr_engine.store.request_log_tables import spent_serials
from dsr_engine.store.tables import certificates

ISSUED, WITHDRAWN, SUPERSEDED, RECORD_ERASED = "issued", "withdrawn", "superseded", "record_erased"


@dataclass(frozen=True, slots=True)
class Listed:
    """One certificate of the register. `kind` and `policy` are empty where the record of the request is erased."""

    serial: int
    id: str
    issued_at: datetime
    kind: str
    policy: str
    state: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which certificates are listed; what is empty filters nothing. `start` is the first moment that counts, `end` the first that does not."""

    start: datetime | None = None
    end: datetime | None = None
    system: str = ""
    policy: str = ""
    kind: str = ""
    state: str = ""


class CertificateLists:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(self, wanted: Wanted, count: int, *, before: int | None = None, after: int | None = None) -> tuple[Listed, ...]:
        """At most so many certificates, the highest number first: lower than `before`, or the ones next above `after`."""
        rows: list[Listed] = []
        for found, serial in self._sources(wanted):
            if after is not None and before is None:
                query = found.where(serial > after).order_by(serial)
            else:
                query = (found if before is None else found.where(serial < before)).order_by(serial.desc())
            rows += [
                Listed(row.serial, row.id, row.issued_at, row.kind, row.policy, row.state) for row in self._connection.execute(query.limit(count))
            ]
        is_upward = after is not None and before is None
        kept = sorted(rows, key=lambda row: row.serial, reverse=not is_upward)[:count]
        return tuple(sorted(kept, key=lambda row: -row.serial))

    def get(self, certificate: str) -> Listed | None:
        for found, _ in self._sources(Wanted()):
            names = found.selected_columns
            row = self._connection.execute(found.where(names.id == certificate)).one_or_none()
            if row is not None:
                return _read(row)
        return None

    def papers(self, listed: Sequence[Listed]) -> dict[int, tuple[str, int | None]]:
        """Of each of these certificates, by number, its file in the folder of certificates (empty: nobody knows it) and its place in the ledger."""
        serials = [each.serial for each in listed]
        there = select(certificates.c.serial, certificates.c.path, certificates.c.leaf_index).where(certificates.c.serial.in_(serials))
        gone = select(spent_serials.c.serial, spent_serials.c.path).where(spent_serials.c.serial.in_(serials))
        found = {row.serial: (row.path or "", None) for row in self._connection.execute(gone)}
        return found | {row.serial: (row.path or "", row.leaf_index) for row in self._connection.execute(there)}

    def id_of(self, serial: int) -> str | None:
        """The certificate with this number."""
        for table in (certificate_facts, spent_serials):
            found = self._connection.scalar(select(table.c.certificate_id).where(table.c.serial == serial))
            if found is not None:
                return str(found)
        return None

    def numbers(self, start: datetime, end: datetime) -> tuple[int, int] | None:
        """The lowest and the highest number that was issued from `start` up to, not including, `end`; None where none was."""
        ends: list[int] = []
        for table in (certificate_facts, spent_serials):
            serial, at = table.c.serial, table.c.issued_at
            row = self._connection.execute(select(func.min(serial), func.max(serial)).where(at >= start, at < end)).one()
            ends += [each for each in row if each is not None]
        return (min(ends), max(ends)) if ends else None

    def highest(self) -> int:
        return max(int(self._connection.scalar(select(func.max(table.c.serial))) or 0) for table in (certificate_facts, spent_serials))

    def missing(self, upto: int, limit: int) -> tuple[int, ...]:
        """The numbers from 1 to `upto` that nobody knows, at most so many of them."""
        tables = (certificate_facts, spent_serials)
        if sum(int(self._connection.scalar(select(func.count()).select_from(table)) or 0) for table in tables) >= upto:
            return ()
        known = union_all(*(select(table.c.serial) for table in tables), select(literal(upto + 1).label("serial"))).subquery()
        before = func.coalesce(func.lag(known.c.serial).over(order_by=known.c.serial), 0).label("before")
        steps = select(known.c.serial, before).subquery()
        gaps = select(steps.c.before, steps.c.serial).where(steps.c.serial - steps.c.before > 1).order_by(steps.c.serial).limit(limit)
        numbers = (number for low, high in self._connection.execute(gaps) for number in range(low + 1, high))
        return tuple(number for number, _ in zip(numbers, range(limit), strict=False))

    def choices(self) -> dict[str, tuple[str, ...]]:
        """The systems, policies and kinds that certificates name."""
        columns = {"system": certificate_systems.c.system, "policy": certificate_facts.c.policy, "kind": certificate_facts.c.kind}
        return {name: tuple(self._connection.scalars(select(column).distinct().order_by(column))) for name, column in columns.items()}

    def _sources(self, wanted: Wanted) -> "list[tuple[Select[Any], Any]]":
        """Where certificates are listed: those whose case is there, and those whose number is all that is left."""
        sources: list[tuple[Select[Any], Any]] = []
        if wanted.state != RECORD_ERASED:
            sources.append((self._there(wanted), certificate_facts.c.serial))
        if wanted.state in ("", RECORD_ERASED) and not (wanted.system or wanted.policy or wanted.kind):
            spent = spent_serials.c
            gone = select(spent.serial, spent.certificate_id.label("id"), spent.issued_at, literal("").label("kind"), literal("").label("policy"))
            sources.append((_within(gone.add_columns(literal(RECORD_ERASED).label("state")), spent.issued_at, wanted), spent.serial))
        return sources

    def _there(self, wanted: Wanted) -> Select[Any]:
        facts, gone = certificate_facts.c, withdrawals.c
        found = select(facts.serial, facts.certificate_id.label("id"), facts.issued_at, facts.kind, facts.policy, _state().label("state"))
        found = found.outerjoin(withdrawals, gone.certificate_id == facts.certificate_id)
        for column, value in ((facts.policy, wanted.policy), (facts.kind, wanted.kind)):
            if value:
                found = found.where(column == value)
        if wanted.system:
            named = select(certificate_systems.c.serial).where(certificate_systems.c.system == wanted.system)
            found = found.where(facts.serial.in_(named))
        if wanted.state:
            found = found.where(_state() == wanted.state)
        return _within(found, facts.issued_at, wanted)


def _read(row: Row[Any]) -> Listed:
    return Listed(row.serial, row.id, row.issued_at, row.kind, row.policy, row.state)


def _state() -> "Case[str]":
    gone = withdrawals.c
    return case((gone.certificate_id.is_(None), ISSUED), (gone.superseded_by.is_(None), WITHDRAWN), else_=SUPERSEDED)


def _within(found: Select[Any], at: Any, wanted: Wanted) -> Select[Any]:
    if wanted.start is not None:
        found = found.where(at >= wanted.start)
    return found if wanted.end is None else found.where(at < wanted.end)
