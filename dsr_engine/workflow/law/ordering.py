"""Orders of supervisory authorities as cases: the authority named the person and the day, so nobody is verified and nothing is weighed.

Such a case is carried out. It ends otherwise only when the authority takes its order back or a court annuls it, and that has to be shown.
"""

import hashlib

from dsr_engine.domain.case import CaseKind, Outcome
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.workflow.decide import close_unfulfilled
from dsr_engine.workflow.house import House

#: Why an order need not be carried out any more.
ENDINGS = ("taken_back_by_authority", "annulled_by_court", "suspended_by_court")


def end_order(house: House, case_id: str, reason: str, evidence: bytes, by: str) -> None:
    """Closes the case of an order that does not bind any more. Of what shows that only the SHA-256 is kept."""
    if reason not in ENDINGS:
        raise InputWrong(f"no such reason: {reason}", code="order.reason", hint=f"one of {', '.join(ENDINGS)}")
    with house.store.snapshot() as tx:
        if tx.cases.get(case_id).kind is not CaseKind.SUPERVISORY_ORDER:
            raise Conflict("this case carries out no order", code="order.none", hint="dsr case refuse or dsr case withdraw")
    close_unfulfilled(house, case_id, Outcome.WITHDRAWN, reason, by, evidence=hashlib.sha256(evidence).hexdigest())
