"""What the end of a case means for the work items that it was opened for, in the platform's four words."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from dsr_engine.certificate.statement import from_bytes
from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.certificate import Statement
from dsr_engine.domain.drop import DropStatus
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.policy import KEEPING
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.decide import close_unfulfilled
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.wiping import wipe

_KEEPING = frozenset(treatment.value for treatment in KEEPING)
#: Cases that end because the consumer took the request back are closed in the name of this.
ENGINE = "engine"


def settle(house: House) -> int:
    """Gives items whose cases have ended their statuses, and ends cases whose consumers cancelled. Gives how many items got one. May be repeated."""
    count = 0
    with house.store.snapshot() as tx:
        waiting = tx.drop.with_open_case()
        cancelled = tx.drop.cancelled_cases()
        ended = [case for case in _cases(tx, waiting) if case.stage is Stage.CLOSED]
    for case in ended:
        with house.store.transaction() as tx:
            status = status_of(tx, case)
            if status is None:
                tx.drop.release(waiting[case.id])
                continue
            tx.drop.settle(waiting[case.id], status)
            tx.ledger.append(leaf(house.clock, "drop.settled", case.id, case=case.id, status=int(status), items=len(waiting[case.id])))
            count += len(waiting[case.id])
    for case_id in sorted(cancelled):
        _cancel(house, case_id)
    return count


def status_of(tx: Transaction, case: Case) -> DropStatus | None:
    """What is reported for a closed case; None where nothing was decided, so that the person has to be compared anew.

    Deleted: something went. Exempted: nothing went and something was kept for a reason of the law. Not found: nothing was there any more.
    """
    if case.outcome is Outcome.REFUSED:
        return DropStatus.EXEMPTED
    issued = tx.certificates.of(case.id)
    if case.outcome not in (Outcome.FULFILLED, Outcome.FULFILLED_WITH_EXCEPTIONS) or issued is None:
        return None
    statement = from_bytes(issued.statement)
    if any(row.get("treatment") not in _KEEPING for system in statement.systems for row in system.done):
        return DropStatus.DELETED
    is_there = _kept(statement) or any(system.done for system in statement.systems)
    return DropStatus.EXEMPTED if is_there else DropStatus.NOT_FOUND


def has_kept(tx: Transaction, case_id: str, since: datetime) -> bool:
    """True if the case ended after that moment and left something of the person where it is, or was refused."""
    case = next(_cases(tx, [case_id]), None)
    if case is None or case.closed_at is None or case.closed_at < since:
        return False
    issued = tx.certificates.of(case_id)
    return case.outcome is Outcome.REFUSED or (issued is not None and _kept(from_bytes(issued.statement)))


def _kept(statement: Statement) -> bool:
    return any(system.kept for system in statement.systems)


def _cases(tx: Transaction, ids: Iterable[str]) -> Iterator[Case]:
    for case_id in ids:
        try:
            yield tx.cases.get(case_id)
        except InputWrong:
            continue  # its record is over and erased; its items keep what they have


def _cancel(house: House, case_id: str) -> None:
    """Ends a case whose consumer took the request back, if nothing was erased yet; one that is under way is carried through."""
    try:
        close_unfulfilled(house, case_id, Outcome.WITHDRAWN, "withdrawn", ENGINE)
    except (Conflict, InputWrong):
        return
    wipe(house)
