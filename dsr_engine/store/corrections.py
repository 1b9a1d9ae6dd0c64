"""Corrections of plans, in the order in which they were made, and plans that were given back to the officers."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from dsr_engine.domain.correction import Correction, Kind, Return
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.policy import Treatment
from dsr_engine.domain.record import Locator
from dsr_engine.store.case_key import CaseKey
from dsr_engine.store.correction_tables import corrected_places, corrections, plan_returns

#: Records of one row.
_CHUNK = 1_000
_PURPOSE = "correction"


class Corrections:
    """Readable without the key: what was done to how many records of which collection, why, by whom. Which records is sealed."""

    def __init__(self, connection: Connection, key_of: Callable[[str], CaseKey]) -> None:
        self._connection = connection
        self._key_of = key_of

    def add(self, entry: Correction, places: Sequence[Locator]) -> None:
        """Adds the correction behind those that are there. `places` are whole records of its collection; none where nobody knows them any more."""
        last = self._connection.scalar(select(func.max(corrections.c.position)).where(corrections.c.case_id == entry.case))
        self._connection.execute(insert(corrections), _written(entry, 0 if last is None else last + 1))
        key = self._key_of(entry.case) if places else None
        rows = []
        for number, start in enumerate(range(0, len(places), _CHUNK)):
            plain = json.dumps([place.key for place in places[start : start + _CHUNK]], separators=(",", ":")).encode()
            assert key is not None
            sealed = key.seal(plain, purpose=_PURPOSE, row=f"{entry.id}:{number}")
            rows.append({"correction_id": entry.id, "position": number, "case_id": entry.case, "sealed": sealed})
        if rows:
            self._connection.execute(insert(corrected_places), rows)

    def of(self, case: str) -> tuple[Correction, ...]:
        """All corrections of the case, also those that were taken back, in order."""
        rows = self._connection.execute(select(corrections).where(corrections.c.case_id == case).order_by(corrections.c.position))
        return tuple(_read(row) for row in rows)

    def places(self, entry: Correction) -> tuple[Locator, ...]:
        """The records of a correction; empty once they are forgotten, and where they were forgotten before it was carried over."""
        wanted = select(corrected_places).where(corrected_places.c.correction_id == entry.id).order_by(corrected_places.c.position)
        rows = self._connection.execute(wanted).all()
        key = self._key_of(entry.case) if rows else None
        found: list[Locator] = []
        for row in rows:
            assert key is not None
            plain = key.unseal(row.sealed, purpose=_PURPOSE, row=f"{entry.id}:{row.position}")
            found += [Locator(entry.system, entry.collection, tuple(parts)) for parts in json.loads(plain)]
        return tuple(found)

    def undo(self, case: str, correction_id: str, by: str, at: datetime) -> None:
        """Takes the correction back. Raises `InputWrong` where there is none in force."""
        terms = (corrections.c.id == correction_id, corrections.c.case_id == case, corrections.c.undone_at.is_(None))
        if self._connection.execute(update(corrections).where(*terms).values(undone_by=by, undone_at=at)).rowcount != 1:
            raise InputWrong(
                f"the case has no correction {correction_id} in force", code="correction.unknown", hint=f"`dsr case plan {case}` lists them"
            )

    def people(self, case: str) -> frozenset[str]:
        """Who corrected the plan, or took a correction back: they prepared it and cannot approve it."""
        rows = self._connection.execute(select(corrections.c.placed_by, corrections.c.undone_by).where(corrections.c.case_id == case))
        return frozenset(person for row in rows for person in row if person is not None)

    # --- plans that were given back --------------------------------------------------------------------------------------

    def give_back(self, entry: Return) -> None:
        row = {"id": entry.id, "case_id": entry.case, "plan_digest": entry.plan_digest, "reason": entry.reason}
        self._connection.execute(insert(plan_returns), {**row, "returned_by": entry.returned_by, "at": entry.at})

    def answer(self, case: str, plan_digest: str, by: str, at: datetime) -> int:
        """The officers hand the plan in again as it is; gives how many had given it back."""
        terms = (plan_returns.c.case_id == case, plan_returns.c.plan_digest == plan_digest, plan_returns.c.answered_at.is_(None))
        return self._connection.execute(update(plan_returns).where(*terms).values(answered_by=by, answered_at=at)).rowcount

    def returns(self, case: str) -> tuple[Return, ...]:
        """Every time that a plan of this case was given back, oldest first."""
        rows = self._connection.execute(select(plan_returns).where(plan_returns.c.case_id == case).order_by(plan_returns.c.at, plan_returns.c.id))
        return tuple(
            Return(row.id, row.case_id, row.plan_digest, row.reason, row.returned_by, row.at, row.answered_by, row.answered_at) for row in rows
        )


def _written(entry: Correction, position: int) -> dict[str, object]:
    return {
        "id": entry.id,
        "case_id": entry.case,
        "position": position,
        "kind": entry.kind,
        "treatment": entry.treatment,
        "reason": entry.reason,
        "law": entry.law,
        "hold_id": entry.hold,
        "system": entry.system,
        "collection": entry.collection,
        "records": entry.count,
        "carried_from": entry.carried_from,
        "placed_by": entry.placed_by,
        "at": entry.at,
        "undone_by": entry.undone_by,
        "undone_at": entry.undone_at,
    }


def _read(row: Row[Any]) -> Correction:
    return Correction(
        id=row.id,
        case=row.case_id,
        kind=Kind(row.kind),
        treatment=Treatment(row.treatment),
        reason=row.reason,
        system=row.system,
        collection=row.collection,
        count=row.records,
        placed_by=row.placed_by,
        at=row.at,
        law=row.law,
        hold=row.hold_id,
        carried_from=row.carried_from,
        undone_by=row.undone_by,
        undone_at=row.undone_at,
    )
