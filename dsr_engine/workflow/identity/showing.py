"""Papers that a requester shows, an identity card for instance: sealed while somebody has to look at them, deleted when that is decided.

Where the law lets a controller ask for more on reasonable doubts only (GDPR Art. 12(6)), the doubt is recorded with the paper.
"""

import secrets

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.pause import Doubt
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.verify_identity import open_question

#: Why a paper was asked for. Codes: what made somebody doubt may name people, and is not kept.
DOUBTS = (*(doubt.value for doubt in Doubt), "sent_unasked")
#: Bytes of one paper.
MOST_BYTES = 10_000_000


def show_paper(house: House, case_id: str, paper: bytes, doubt: str, by: str) -> str:
    """Seals a paper under the case's key and gives its id. Raises `InputWrong` where it is too large, or no doubt is named where one is needed."""
    if not paper or len(paper) > MOST_BYTES:
        raise InputWrong(f"the file is empty or larger than {MOST_BYTES // 1_000_000} MB", code="evidence.size", hint="add a smaller scan")
    with house.store.transaction() as tx:
        case = open_question(tx, case_id)
        if not doubt and any(regime.verification.only_on_doubt for regime in house.regimes_of(case)):
            raise InputWrong(
                "a law of this case lets nobody ask for a paper without reasonable doubts",
                code="evidence.no_doubt",
                hint=f"name the doubt with --doubt: {', '.join(DOUBTS)}",
            )
        person = tx.people.id_of(by)
        paper_id = tx.verifications.show(case_id, paper, doubt, person, house.clock.now())
        key = f"{case_id}:{secrets.token_hex(8)}"
        tx.ledger.append(leaf(house.clock, "case.paper_shown", key, case=case_id, doubt=doubt, by=person))
    return paper_id


def paper_of(tx: Transaction, case_id: str, paper_id: str) -> bytes:
    """What was shown. Raises `InputWrong` if it is not there any more."""
    paper = tx.verifications.paper(case_id, paper_id)
    if paper is None:
        raise InputWrong("there is no such paper: it was deleted when the case was decided, or never added", code="evidence.unknown")
    return paper
