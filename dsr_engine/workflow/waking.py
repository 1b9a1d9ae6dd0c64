"""Somebody wants a case to be tried again now: the worker takes it up at its next look, instead of when its wait would have ended."""

import secrets
from dataclasses import replace

from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.errors import Conflict
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.verify_identity import NOT_IDENTIFIED

WOKEN = "case.woken"
#: Waits that end on a day of their own: ending one earlier would end the case of somebody who still has time.
_ON_ITS_DAY = frozenset({NOT_IDENTIFIED})


def wake(house: House, case_id: str, by: str) -> Case:
    """Lets the worker look at the case now; gives it as it then stands. Raises `Conflict` for a closed one, and for one that waits for its
    requester until a day.

    A wait for a person ends by that alone only where the person has done what was needed; else the case waits again.
    """
    with house.store.transaction() as tx:
        case = tx.cases.locked(case_id)
        if case.stage is Stage.CLOSED:
            raise Conflict("the case is closed", code="case.closed", hint="open a new one if more has to be done")
        if case.wait is not None and case.wait.code in _ON_ITS_DAY:
            raise Conflict(
                "the case waits for its requester until its last day, and then ends by itself",
                code="case.waits_for_requester",
                hint="enter what they gave, or verify them, and it goes on at once",
            )
        key = f"{case_id}:{secrets.token_hex(8)}"
        tx.ledger.append(leaf(house.clock, WOKEN, key, case=case_id, stage=case.stage.value, by=tx.people.id_of(by)))
        return woken(tx, house, case)


def woken(tx: Transaction, house: House, case: Case) -> Case:
    """The case, to be looked at now, in the caller's transaction; one that does not wait stays as it is."""
    if case.wait is None or case.wait.code in _ON_ITS_DAY:
        return case
    after = replace(case, wait=replace(case.wait, wake_at=house.clock.now()))
    tx.cases.save(after)
    return after
