"""The identifiers of a case's subject, sealed: only the case and a random id are readable in the store."""

import json
from collections.abc import Callable

from sqlalchemy import Connection, func, select

from dsr_engine.domain.selector import Scope, Secret, Selector
from dsr_engine.store.case_key import CaseKey
from dsr_engine.store.tables import selectors
from dsr_engine.store.upsert import upsert


class Selectors:
    def __init__(self, connection: Connection, key_of: Callable[[str], CaseKey]) -> None:
        self._connection = connection
        self._key_of = key_of

    def add(self, case: str, selector: Selector) -> None:
        """Adds the selector, or replaces the one with its id (when it was verified, for instance)."""
        scope = selector.scope
        body = {
            "kind": selector.kind,
            "value": selector.value.reveal(),
            "verified": selector.verified,
            "scope": [scope.system, scope.collection, scope.field] if scope else None,
            "via": selector.via,
        }
        sealed = self._key_of(case).seal(json.dumps(body).encode(), purpose="selector", row=selector.id)
        known = select(selectors.c.position).where(selectors.c.case_id == case, selectors.c.id == selector.id)
        position = self._connection.scalar(known)
        row = {"case_id": case, "id": selector.id, "position": self.count(case) if position is None else position, "sealed": sealed}
        upsert(self._connection, selectors, [row])

    def of(self, case: str) -> tuple[Selector, ...]:
        """The selectors in the order in which they were added. Raises `Conflict` once the case was shredded."""
        key = self._key_of(case)
        rows = self._connection.execute(select(selectors).where(selectors.c.case_id == case).order_by(selectors.c.position))
        return tuple(_read(row.id, key.unseal(row.sealed, purpose="selector", row=row.id)) for row in rows)

    def count(self, case: str) -> int:
        """How many there are; works without the key."""
        return int(self._connection.scalar(select(func.count()).where(selectors.c.case_id == case)) or 0)


def _read(selector_id: str, plain: bytes) -> Selector:
    body = json.loads(plain)
    scope = Scope(*body["scope"]) if body["scope"] else None
    return Selector(selector_id, body["kind"], Secret(body["value"]), body["verified"], scope, body["via"])
