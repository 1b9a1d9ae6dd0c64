"""What officers read of requesters who use the portal."""

import secrets

from dsr_engine.domain.case import Case
from dsr_engine.domain.portal import Note
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf


def messages_of(house: House, case_id: str) -> tuple[Case, tuple[Note, ...]]:
    """The case with its messages, the oldest first; none once its correspondence was forgotten."""
    with house.store.snapshot() as tx:
        return tx.cases.get(case_id), tx.portal.notes_of(case_id)


def mark_read(house: House, case_id: str, by: str) -> None:
    """The messages of the case were read by this person."""
    with house.store.transaction() as tx:
        case = tx.cases.get(case_id)
        if tx.portal.count_unread(case.id):
            tx.portal.read_notes(case.id, house.clock.now())
            key = f"{case.id}:{secrets.token_hex(8)}"
            tx.ledger.append(leaf(house.clock, "portal.messages_read", key, case=case.id, by=tx.people.id_of(by)))


def has_links(house: House, case_id: str) -> bool:
    """True if somebody can follow the case by a private link."""
    with house.store.snapshot() as tx:
        return bool(tx.portal.links_of(case_id))
