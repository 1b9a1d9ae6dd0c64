"""What a requester gives later: further identifiers, with which a case goes on that could not tell whose data they are (GDPR Art. 11(2))."""

import secrets
from collections.abc import Sequence
from dataclasses import replace

from dsr_engine.domain.case import Stage
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.selector import Selector
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import MOST_SELECTORS, Claim
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.verify_identity import open_question


def add_claims(house: House, case_id: str, claims: Sequence[Claim], by: str) -> int:
    """Adds those of the identifiers that the case does not have yet, unverified; gives how many. The case goes on where it waited for more.

    Raises `Conflict` once it is settled who asked: another identifier might be another person's.
    """
    with house.store.transaction() as tx:
        case = open_question(tx, case_id)
        if case.stage is Stage.APPROVE:
            raise Conflict("the person was looked for already", code="case.stage", hint="open a case of its own for what they give now")
        known = {(selector.kind, selector.value.reveal()) for selector in tx.selectors.of(case_id)}
        fresh = [claim for claim in dict.fromkeys(claims) if (claim.kind, claim.value.reveal()) not in known]
        if len(known) + len(fresh) > MOST_SELECTORS:
            raise InputWrong(f"more than {MOST_SELECTORS} identifiers for one person", code="case.too_many_selectors", hint="open several cases")
        for claim in fresh:
            tx.selectors.add(case_id, Selector(secrets.token_hex(6), claim.kind, claim.value))
        tx.cases.save(replace(case, wait=None))
        person = tx.people.id_of(by)
        key = f"{case_id}:{secrets.token_hex(8)}"
        tx.ledger.append(leaf(house.clock, "case.more_given", key, case=case_id, selectors=len(fresh), by=person))
    return len(fresh)
