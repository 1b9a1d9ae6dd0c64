"""Somebody who may approve looks at a plan and does not: it goes back to the officers with a reason, and stands until they change it or insist."""

import secrets
from dataclasses import replace

from dsr_engine.domain.case import Case, Stage, Wait
from dsr_engine.domain.correction import RETURNS, Return
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.outline import PlanOutline
from dsr_engine.domain.plan import Plan
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.correcting.applying import stale_obstacle
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf

GIVEN_BACK = "plan.given_back"


def give_back(house: House, case_id: str, digest: str, reason: str, by: str) -> None:
    """Gives the plan with exactly this digest back. Approvals that it has do not count while it stands like that."""
    if reason not in RETURNS:
        raise InputWrong("no such reason to give a plan back", code="plan.reason", hint=f"one of {', '.join(RETURNS)}")
    with house.store.transaction() as tx:
        case, plan = _at_approval(tx, case_id)
        refuse_other(plan, digest)
        if open_return(tx, case, plan) is not None:
            raise Conflict("the plan was given back already", code=GIVEN_BACK, hint="the officers correct it, or hand it in again")
        person, id_, now = tx.people.id_of(by), secrets.token_hex(8), house.clock.now()
        tx.corrections.give_back(Return(id_, case_id, plan.digest(), reason, person, now))
        tx.cases.save(replace(case, wait=None))
        tx.ledger.append(leaf(house.clock, "plan.given_back", id_, case=case_id, digest=plan.digest(), reason=reason, by=person))


def hand_in(house: House, case_id: str, by: str) -> None:
    """Hands a plan in again that was given back, as it is: the approvers decide anew."""
    with house.store.transaction() as tx:
        case, plan = _at_approval(tx, case_id)
        person = tx.people.id_of(by)
        if not tx.corrections.answer(case_id, plan.digest(), person, house.clock.now()):
            raise Conflict("nobody has given this plan back", code="plan.not_given_back", hint="`dsr case show` tells what it waits for")
        tx.cases.save(replace(case, wait=None))
        key = f"{case_id}:{secrets.token_hex(8)}"
        tx.ledger.append(leaf(house.clock, "plan.handed_in", key, case=case_id, digest=plan.digest(), by=person))


def open_return(tx: Transaction, case: Case, plan: Plan | PlanOutline) -> Return | None:
    """Why the plan stands with the officers; None where nobody gave this very plan back, or they have answered."""
    digest = plan.digest()
    return next((entry for entry in tx.corrections.returns(case.id) if entry.plan_digest == digest and entry.answered_at is None), None)


def given_back(tx: Transaction, house: House, case: Case, plan: Plan) -> Wait | None:
    """The wait of a plan that somebody did not want to approve."""
    entry = open_return(tx, case, plan)
    if entry is None:
        return None
    return Wait(
        GIVEN_BACK,
        f"whoever was to approve the plan gave it back: {RETURNS[entry.reason]}",
        f"correct it (`dsr case exclude`, `move`, `decide`), or hand it in as it is: `dsr case hand-in {case.id}`",
        house.clock.now(),
    )


def refuse_stale(tx: Transaction, case: Case, plan: Plan) -> None:
    """Raises `Conflict` where people corrected the plan since it was made."""
    stale = stale_obstacle(tx, case, plan)
    if stale is not None:
        raise Conflict(stale.message, code="plan.other_digest", hint="it is made anew at this moment; look at it again")


def refuse_other(plan: Plan, digest: str) -> None:
    """Raises `Conflict` unless this is the digest of the plan, or at least eight characters of its beginning."""
    if len(digest) < 8 or not plan.digest().startswith(digest):
        raise Conflict("this is not the digest of the plan", code="plan.other_digest", hint="look at the plan again, then decide about what you saw")


def _at_approval(tx: Transaction, case_id: str) -> tuple[Case, Plan]:
    case = tx.cases.locked(case_id)
    plan = tx.plans.of(case_id, case.round) if case.stage is Stage.APPROVE else None
    if plan is None:
        raise Conflict(f"the case is at {case.stage.value}, not at approve", code="case.stage", hint="`dsr case show` tells what it waits for")
    return case, plan
