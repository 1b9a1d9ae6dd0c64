"""How many records each rule found in earlier sweeps, so that one that suddenly finds three times as many can be stopped."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from dsr_engine.store.tables import sweeps
from dsr_engine.store.work import SWEEPS, lock


@dataclass(frozen=True, slots=True)
class SweepRun:
    """One rule in one sweep. `found` and `affected` count records; a dry run affects none."""

    policy: str
    at: datetime
    rule: str
    found: int
    affected: int
    is_dry: bool


class Sweeps:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock(self) -> None:
        """Until the transaction ends nobody else begins a sweep."""
        lock(self._connection, SWEEPS)

    def record(self, policy: str, at: datetime, rule: str, *, found: int, affected: int = 0, is_dry: bool = False) -> None:
        row = {"policy": policy, "at": at, "rule": rule, "found": found, "affected": affected, "is_dry": is_dry}
        self._connection.execute(insert(sweeps), row)

    def history(self, policy: str) -> tuple[SweepRun, ...]:
        """Every rule of every sweep under this policy, newest first."""
        rows = self._connection.execute(select(sweeps).where(sweeps.c.policy == policy).order_by(sweeps.c.at.desc(), sweeps.c.id.desc()))
        return tuple(SweepRun(row.policy, row.at, row.rule, row.found, row.affected, row.is_dry) for row in rows)
