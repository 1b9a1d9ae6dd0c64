"""Whose plan it is. Whoever opened a case, said whose a record is, or corrected the plan has made it what it is, and cannot approve it."""

from collections.abc import Mapping

from dsr_engine.domain.case import Case
from dsr_engine.domain.errors import InputWrong
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.resolve_identities import SAME_PERSON

OPENED, DECIDED, CORRECTED = "own_case", "decided", "corrected"
#: What somebody did, as it is told to them: "you …".
DID: Mapping[str, str] = {
    OPENED: "opened the case",
    DECIDED: "decided whose a record is",
    CORRECTED: "corrected the plan",
}


def preparers(tx: Transaction, case: Case) -> Mapping[str, str]:
    """Random id of each person who prepared the plan of the case, and what they did (`DID`). What was taken back counts as well."""
    joined = [entry.by for entry in tx.approvals.of(case.id) if entry.manner == SAME_PERSON]
    return {
        **dict.fromkeys([*tx.findings.deciders(case.id), *joined], DECIDED),
        **dict.fromkeys(tx.corrections.people(case.id), CORRECTED),
        case.opened_by: OPENED,
    }


def refuse_preparer(tx: Transaction, case: Case, person: str) -> None:
    """Raises `InputWrong` (`approve.own_case`, `approve.decided`, `approve.corrected`) for somebody who prepared the plan."""
    did = preparers(tx, case).get(person)
    if did is not None:
        raise InputWrong(f"who {DID[did]} cannot approve it", code=f"approve.{did}", hint="somebody else has to")
