"""Orders of authorities: the reference, which may name people, is sealed under the key of its case; the last day is not."""

from collections.abc import Callable
from datetime import date

from sqlalchemy import Connection, insert, select

from dsr_engine.store.case_key import CaseKey
from dsr_engine.store.verification_tables import orders

_PURPOSE = "order"


class Orders:
    def __init__(self, connection: Connection, key_of: Callable[[str], CaseKey]) -> None:
        self._connection = connection
        self._key_of = key_of

    def add(self, case: str, reference: str, due: date) -> None:
        sealed = self._key_of(case).seal(reference.encode(), purpose=_PURPOSE, row=case)
        self._connection.execute(insert(orders), {"case_id": case, "due": due, "sealed": sealed})

    def due(self, case: str) -> date | None:
        """The last day that the authority set; None where nothing was ordered. Works without the key."""
        return self._connection.scalar(select(orders.c.due).where(orders.c.case_id == case))

    def reference(self, case: str) -> str:
        """The authority's reference; empty where nothing was ordered. Raises `Conflict` once the case was shredded."""
        sealed = self._connection.scalar(select(orders.c.sealed).where(orders.c.case_id == case))
        return "" if sealed is None else self._key_of(case).unseal(sealed, purpose=_PURPOSE, row=case).decode()
