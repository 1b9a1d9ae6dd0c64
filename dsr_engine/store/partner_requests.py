"""Which case a partner's request became, so that the same request never becomes two, and who is to be told how it stands."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from dsr_engine.store.api_tables import partner_requests


@dataclass(frozen=True, slots=True)
class PartnerRequest:
    """`digest` is a keyed digest of the partner's own id for the request.

    `callbacks` are the addresses that want to be told, `id` what the request is called there (empty without them), `told` the last state they know.
    """

    digest: bytes
    partner: str
    case: str
    received_at: datetime
    id: str = ""
    callbacks: tuple[str, ...] = ()
    told: str = ""


class PartnerRequests:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, request: PartnerRequest) -> None:
        """Adds it; one of the same digest must not be there."""
        row = {"digest": request.digest, "partner": request.partner, "case_id": request.case, "received_at": request.received_at}
        told = {"request_id": request.id, "callbacks": json.dumps(request.callbacks), "told": request.told}
        self._connection.execute(insert(partner_requests), {**row, **told})

    def get(self, digest: bytes) -> PartnerRequest | None:
        """The request; None if there was none."""
        row = self._connection.execute(select(partner_requests).where(partner_requests.c.digest == digest)).one_or_none()
        return None if row is None else _read(row)

    def with_callbacks(self) -> Sequence[PartnerRequest]:
        """Those whose partner wants to be told, oldest first."""
        wanted = select(partner_requests).where(partner_requests.c.callbacks != "[]").order_by(partner_requests.c.received_at)
        return tuple(_read(row) for row in self._connection.execute(wanted))

    def note(self, digest: bytes, told: str, callbacks: Sequence[str]) -> None:
        """Writes down what the partner was told, and whom to tell further; where that is nobody, the partner's id for the request goes."""
        mine = update(partner_requests).where(partner_requests.c.digest == digest)
        self._connection.execute(mine.values(told=told, callbacks=json.dumps(tuple(callbacks)), **({} if callbacks else {"request_id": ""})))


def _read(row: Row[Any]) -> PartnerRequest:
    return PartnerRequest(row.digest, row.partner, row.case_id, row.received_at, row.request_id, tuple(json.loads(row.callbacks)), row.told)
