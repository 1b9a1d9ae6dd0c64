"""The person says that an agent does not act for them: nothing is erased and nothing is handed out before somebody has cleared that up.

An officer may have accepted a forged permission before the person spoke; what the person says counts also then, as long as nothing was done.
"""

from dataclasses import replace

from dsr_engine.domain.case import Case, Wait
from dsr_engine.domain.errors import Conflict
from dsr_engine.domain.portal import NoteKind
from dsr_engine.domain.selector import Secret
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf

DENIED = "agent.denied"
_WORDS = (NoteKind.AGENT_DENIED, NoteKind.AGENT_CLEARED)


def is_denied(tx: Transaction, case_id: str) -> bool:
    """True if the person denied the agent, and nobody has cleared that up since."""
    said = [kind for kind in tx.portal.kinds_of(case_id) if kind in _WORDS]
    return said[-1:] == [NoteKind.AGENT_DENIED]


def denied(tx: Transaction, house: House, case: Case) -> Wait | None:
    """The wait of a case whose agent was denied."""
    if not is_denied(tx, case.id):
        return None
    return Wait(
        DENIED,
        "whoever reads the person's address says that nobody acts for them",
        f"ask the person by another way; then refuse the request, or say that it is cleared up (/cases/{case.id}/messages)",
        house.clock.now(),
    )


def clear_denial(house: House, case_id: str, by: str) -> None:
    """Records that somebody found out that the agent acts for the person after all. Raises `Conflict` (`agent.not_denied`)."""
    with house.store.transaction() as tx:
        case = tx.cases.locked(case_id)
        if not is_denied(tx, case.id):
            raise Conflict("nobody denied an agent in this case", code="agent.not_denied", hint="`dsr case show` tells what it waits for")
        note = tx.portal.add_note(case.id, NoteKind.AGENT_CLEARED, Secret(""), house.clock.now(), is_read=True)
        if case.wait is not None and case.wait.code == DENIED:
            tx.cases.save(replace(case, wait=None))
        tx.ledger.append(leaf(house.clock, "portal.agent_cleared", note, case=case.id, by=tx.people.id_of(by)))
