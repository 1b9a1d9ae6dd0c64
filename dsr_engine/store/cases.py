"""Cases as rows: one row, changed in place; who works on it is in `leases.py`."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Connection, Row, String, insert, select, type_coerce, update

from dsr_engine.domain.case import Case, CaseKind, Outcome, Stage, Tranche, Wait
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.request import Right
from dsr_engine.store.tables import cases


class Cases:
    def __init__(self, connection: Connection, *, is_snapshot: bool = False) -> None:
        self._connection = connection
        self._is_snapshot = is_snapshot

    def add(self, case: Case) -> None:
        self._connection.execute(insert(cases), _written(case))

    def get(self, case_id: str) -> Case:
        """The case. Raises `InputWrong` if there is none."""
        row = self._connection.execute(select(cases).where(cases.c.id == case_id)).one_or_none()
        if row is None:
            raise unknown(case_id)
        return read_case(row)

    def locked(self, case_id: str) -> Case:
        """The case, which nobody else changes until the transaction ends: for whoever writes on the strength of its stage, or saves it.

        A case that was read without the lock and is saved brings back what somebody did meanwhile: a refusal would be lost. A snapshot needs no lock.
        """
        wanted = select(cases).where(cases.c.id == case_id)
        row = self._connection.execute(wanted if self._is_snapshot else wanted.with_for_update(key_share=True)).one_or_none()
        if row is None:
            raise unknown(case_id)
        return read_case(row)

    def list(self, *, open_only: bool = False, kind: CaseKind | None = None) -> tuple[Case, ...]:
        """All cases, or those of a kind, oldest first."""
        wanted = select(*_AS_TEXT).order_by(cases.c.opened_at, cases.c.id)
        if open_only:
            wanted = wanted.where(cases.c.stage != Stage.CLOSED)
        if kind is not None:
            wanted = wanted.where(cases.c.kind == kind)
        decode = _Decoded()
        return tuple(read_case(row, decode) for row in self._connection.execute(wanted))

    def of_sweep(self, sweep: str) -> tuple[Case, ...]:
        """The tranches of one sweep, by number."""
        wanted = select(cases).where(cases.c.kind == CaseKind.SWEEP, cases.c.tranche["sweep"].as_string() == sweep)
        found = (read_case(row) for row in self._connection.execute(wanted))
        return tuple(sorted(found, key=lambda case: case.tranche.number if case.tranche else 0))

    def sweeps_of(self, policy: str, most: int, *, open_only: bool = False) -> tuple[Case, ...]:
        """The last tranches of sweeps under this policy, newest first."""
        wanted = select(cases).where(cases.c.kind == CaseKind.SWEEP, cases.c.policy == policy)
        if open_only:
            wanted = wanted.where(cases.c.stage != Stage.CLOSED)
        return tuple(read_case(row) for row in self._connection.execute(wanted.order_by(cases.c.opened_at.desc(), cases.c.id).limit(most)))

    def save(self, case: Case) -> None:
        """Writes every field; the lease stays as it is. Raises `InputWrong` if there is no such case."""
        done = self._connection.execute(update(cases).where(cases.c.id == case.id).values(_written(case)))
        if done.rowcount != 1:
            raise unknown(case.id)


def unknown(case_id: str) -> InputWrong:
    return InputWrong(f"there is no case {case_id}", code="case.unknown", hint="dsr case list shows them")


def _written(case: Case) -> dict[str, Any]:
    wait = case.wait
    return {
        "id": case.id,
        "subject_ref": case.subject_ref,
        "kind": case.kind,
        "policy": case.policy,
        "regimes": list(case.regimes),
        "stage": case.stage,
        "opened_at": case.opened_at,
        "opened_by": case.opened_by,
        "received_at": case.received_at,
        "closed_at": case.closed_at,
        "systems": list(case.systems),
        "round": case.round,
        "identity": case.identity,
        "outcome": case.outcome,
        "digests": dict(case.digests),
        "wait_code": wait.code if wait else None,
        "wait_reason": wait.reason if wait else None,
        "wait_needs": wait.needs if wait else None,
        "wait_since": wait.since if wait else None,
        "wait_wake_at": wait.wake_at if wait else None,
        "tranche": _written_tranche(case.tranche),
        "right_asked": case.right,
    }


def _written_tranche(tranche: Tranche | None) -> dict[str, Any] | None:
    if tranche is None:
        return None
    return {
        "sweep": tranche.sweep,
        "number": tranche.number,
        "begun": tranche.begun.isoformat(),
        "is_dry": tranche.is_dry,
        "before": tranche.before,
    }


def _read_tranche(written: dict[str, Any] | None) -> Tranche | None:
    if written is None:
        return None
    return Tranche(written["sweep"], written["number"], datetime.fromisoformat(written["begun"]), written["is_dry"], written["before"])


class _Decoded:
    """Lists and mappings out of their text. Thousands of cases have the same few; decoding each anew would take longer than reading them."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}

    def __call__(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value  # PostgreSQL's driver has decoded it
        if value not in self._known:
            self._known[value] = json.loads(value)
        return self._known[value]


def _as_it_is(value: Any) -> Any:
    return value


#: Every column, lists and mappings as the text that they are stored as.
_AS_TEXT = tuple(type_coerce(column, String).label(column.name) if isinstance(column.type, JSON) else column for column in cases.c)


def read_case(row: Row[Any], decode: Callable[[Any], Any] = _as_it_is) -> Case:
    """The case in a row of all columns."""
    return Case(
        id=row.id,
        subject_ref=row.subject_ref,
        kind=CaseKind(row.kind),
        policy=row.policy,
        regimes=tuple(decode(row.regimes)),
        stage=Stage(row.stage),
        opened_at=row.opened_at,
        systems=tuple(decode(row.systems)),
        round=row.round,
        identity=row.identity,
        wait=None if row.wait_code is None else Wait(row.wait_code, row.wait_reason, row.wait_needs, row.wait_since, row.wait_wake_at),
        outcome=None if row.outcome is None else Outcome(row.outcome),
        opened_by=row.opened_by,
        received_at=row.received_at,
        closed_at=row.closed_at,
        digests=dict(decode(row.digests)),
        tranche=_read_tranche(decode(row.tranche)),
        right=Right(row.right_asked),
    )
