"""Legal holds. Reading them and placing one exclude each other until the commit, so none is overlooked by an effect that is being intended."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.hold import Hold, Review
from dsr_engine.store.hold_tables import hold_people, hold_reviews
from dsr_engine.store.tables import holds
from dsr_engine.store.work import HOLDS, lock


class Holds:
    """Whoever intends an effect lists the holds in that same transaction: either it sees the hold, or the hold sees the item INTENDED."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, hold: Hold, people: Mapping[str, tuple[str, ...]] | None = None) -> None:
        """Places the hold. `people`: kind of identifier → its digests (hex), for one that is of a person."""
        lock(self._connection, HOLDS)
        row = {
            "id": hold.id,
            "reason": hold.reason,
            "placed_by": hold.placed_by,
            "placed_at": hold.placed_at,
            "case_id": hold.case,
            "system": hold.system,
            "collection": hold.collection,
            "category": hold.category,
            "matter": hold.matter,
            "since": hold.since,
            "until": hold.until,
            "is_of_person": hold.is_of_person,
            "confirmed_by": hold.confirmed_by,
            "confirmed_at": hold.confirmed_at,
            "lift_asked_by": hold.lift_asked_by,
            "lift_asked_at": hold.lift_asked_at,
            "lift_reason": hold.lift_reason,
            "lifted_at": hold.lifted_at,
        }
        self._connection.execute(insert(holds), row)
        rows = [{"hold_id": hold.id, "kind": kind, "digest": bytes.fromhex(text)} for kind, texts in (people or {}).items() for text in texts]
        if rows:
            self._connection.execute(insert(hold_people), rows)

    def confirm(self, hold_id: str, by: str, at: datetime) -> None:
        """A second person says that the hold is right; one that was confirmed keeps its first date."""
        self._set(hold_id, holds.c.confirmed_at.is_(None), confirmed_by=by, confirmed_at=at)

    def ask_lift(self, hold_id: str, by: str, at: datetime, reason: str) -> None:
        """One person wants it lifted; until a second agrees it protects as before."""
        self._set(hold_id, holds.c.lift_asked_at.is_(None), lift_asked_by=by, lift_asked_at=at, lift_reason=reason)

    def keep(self, hold_id: str) -> None:
        """Whoever wanted it lifted was refused, or thought better of it."""
        self._set(hold_id, holds.c.lift_asked_at.is_not(None), lift_asked_by=None, lift_asked_at=None, lift_reason="")

    def lift(self, hold_id: str, by: str, at: datetime) -> None:
        """Ends the hold, and with it what it knew of a person; one that was lifted keeps its first date. Raises `InputWrong` if there is none."""
        self._set(hold_id, holds.c.lifted_at.is_(None), lifted_by=by, lifted_at=at)
        self._connection.execute(delete(hold_people).where(hold_people.c.hold_id == hold_id))

    def get(self, hold_id: str) -> Hold:
        row = self._connection.execute(select(holds).where(holds.c.id == hold_id)).one_or_none()
        if row is None:
            raise InputWrong(f"there is no hold {hold_id}", code="hold.unknown", hint="dsr hold list shows them")
        return _read(row, self._people())

    def list(self, active_only: bool = True) -> tuple[Hold, ...]:
        """The holds, oldest first; waits for one that is just being placed."""
        lock(self._connection, HOLDS, shared=True)
        wanted = select(holds).order_by(holds.c.placed_at, holds.c.id)
        if active_only:
            wanted = wanted.where(holds.c.lifted_at.is_(None))
        people = self._people()
        return tuple(_read(row, people) for row in self._connection.execute(wanted))

    def add_review(self, review: Review) -> None:
        row = {"id": review.id, "by": review.by, "at": review.at, "looked_at": review.looked_at, "in_force": review.in_force}
        self._connection.execute(insert(hold_reviews), row)

    def reviews(self) -> tuple[Review, ...]:
        """Every time that somebody reviewed the holds, the newest first."""
        wanted = select(hold_reviews).order_by(hold_reviews.c.at.desc(), hold_reviews.c.id)
        return tuple(Review(row.id, row.by, row.at, row.looked_at, row.in_force) for row in self._connection.execute(wanted))

    def last_review(self) -> Review | None:
        """The newest; None where nobody ever did."""
        row = self._connection.execute(select(hold_reviews).order_by(hold_reviews.c.at.desc(), hold_reviews.c.id).limit(1)).one_or_none()
        return Review(row.id, row.by, row.at, row.looked_at, row.in_force) if row is not None else None

    def _set(self, hold_id: str, condition: Any, **values: object) -> None:
        lock(self._connection, HOLDS)
        self.get(hold_id)
        self._connection.execute(update(holds).where(holds.c.id == hold_id, condition).values(values))

    def _people(self) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        for row in self._connection.execute(select(hold_people.c.hold_id, hold_people.c.digest)):
            found.setdefault(row.hold_id, set()).add(row.digest.hex())
        return {hold_id: frozenset(digests) for hold_id, digests in found.items()}


def _read(row: Row[Any], people: Mapping[str, frozenset[str]]) -> Hold:
    return Hold(
        id=row.id,
        reason=row.reason,
        placed_by=row.placed_by,
        placed_at=row.placed_at,
        case=row.case_id,
        system=row.system,
        collection=row.collection,
        category=row.category,
        matter=row.matter or "",
        since=row.since,
        until=row.until,
        people=people.get(row.id, frozenset()),
        is_of_person=row.is_of_person,
        confirmed_by=row.confirmed_by,
        confirmed_at=row.confirmed_at,
        lift_asked_by=row.lift_asked_by,
        lift_asked_at=row.lift_asked_at,
        lift_reason=row.lift_reason or "",
        lifted_by=row.lifted_by,
        lifted_at=row.lifted_at,
    )
