"""Somebody other than who opened the case approves exactly one digest; automatic approval only where the policy says so and within its cap."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time

from dsr_engine.domain.case import Case, CaseKind, Outcome, Stage, Wait
from dsr_engine.domain.errors import Conflict
from dsr_engine.domain.outline import PlanOutline
from dsr_engine.domain.plan import Obstacle, Plan
from dsr_engine.domain.policy import Policy, RequestTerms, SweepTerms
from dsr_engine.store.approvals import Approval
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.correcting.applying import FORGOTTEN, IMPOSSIBLE, LOST, STALE, is_corrected_here, stale_obstacle
from dsr_engine.workflow.correcting.preparing import preparers, refuse_preparer
from dsr_engine.workflow.correcting.returning import given_back, refuse_stale
from dsr_engine.workflow.forgetting import forget
from dsr_engine.workflow.house import House
from dsr_engine.workflow.law.entitling import is_immediate, missing_grounds
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.masking import Mask, mask_of
from dsr_engine.workflow.portal.denial import denied
from dsr_engine.workflow.staying_erased.repeating import wants_a_person
from dsr_engine.workflow.step import Advance, Close, NewRound, Stand, Step
from dsr_engine.workflow.sweeps.caution import caution
from dsr_engine.workflow.sweeps.census import whole_of
from dsr_engine.workflow.turn import Turn
from dsr_engine.workflow.verify_identity import too_weak

APPROVED = "approved"
AUTOMATIC = "automatic"
GAPS_ACCEPTED = "gaps_accepted"
POLICY = "policy"
#: Why a case was closed that ends with its plan.
DRY_RUN = "dry_run"

GAP = "coverage.gap"
_NEEDED = {"automatic": 1, "one_person": 1, "two_people": 2}


def approve(case: Case, turn: Turn, house: House) -> Step:
    """Goes on when the plan is approved, has nothing in its way, and its cooling-off time is over. A dry run ends here."""
    if case.is_dry:
        return _ended_dry(case, house)
    policy = house.policy_of(case)
    with turn.transaction() as tx:
        plan = _plan(tx, case)
        approvals, stale = _counting(tx, case, plan), stale_obstacle(tx, case, plan)
        unready, at_once, terms = _unready(tx, house, case, plan), is_immediate(tx, house, case), _terms(tx, case, policy)
        obstacle, mask = stale or _obstacle(plan, approvals), mask_of(tx, case)
    if obstacle is not None:
        return _stopped(case, plan, obstacle, mask, house)
    if plan.affected == 0 or unready is not None:
        return Stand(unready) if unready is not None else Advance(Stage.EXECUTE)
    yes = [entry for entry in approvals if entry.manner in (APPROVED, AUTOMATIC)]
    affected = plan.affected
    if not yes and isinstance(terms, SweepTerms):
        with turn.transaction() as tx:
            why, affected = caution(tx, case, plan, policy, terms), whole_of(tx, case, plan)
        if why is not None:
            return Stand(Wait("sweep.unusual", why, _approval_needed(case, plan), house.clock.now()))
    if not yes and terms.approval == AUTOMATIC and affected <= terms.max_affected:
        return _automatic(case, plan, house)
    missing = _missing(terms, yes)
    if not any(entry.manner == AUTOMATIC for entry in yes) and missing > 0:
        return Stand(_waiting(case, plan, terms, missing, affected, house))
    return _cooled(case, policy, () if at_once else yes, house)


def _ended_dry(case: Case, house: House) -> Step:
    def write(tx: Transaction) -> None:
        tx.ledger.append(leaf(house.clock, "case.withdrawn", case.id, case=case.id, reason=DRY_RUN, by=case.opened_by))
        forget(tx, house, case.id)

    return Close(Outcome.WITHDRAWN, write)


def give_approval(house: House, case_id: str, digest: str, by: str, *, accept_gaps: bool = False) -> int:
    """Stores a person's approval of this digest; returns how many further people have to approve it.

    Raises `Conflict` if it is not the plan's any more, `InputWrong` if the person prepared it (`correcting/preparing.py`).
    """
    with house.store.transaction() as tx:
        case = tx.cases.locked(case_id)
        if case.stage is not Stage.APPROVE:
            raise Conflict(f"the case is at {case.stage.value}, not at approve", code="case.stage", hint="`dsr case show` tells what it waits for")
        plan = _plan(tx, case)
        if not digest or not plan.digest().startswith(digest) or len(digest) < 8:
            raise Conflict("this is not the digest of the plan", code="plan.other_digest", hint="look at the plan again, then approve what you saw")
        person = tx.people.id_of(by)
        refuse_stale(tx, case, plan)
        refuse_preparer(tx, case, person)
        blocking = [entry for entry in plan.obstacles if entry.code != GAP]
        if blocking:
            raise Conflict(f"the plan cannot be approved: {blocking[0].message}", code=blocking[0].code, hint=NEEDS.get(blocking[0].code, ""))
        unready = _unready(tx, house, case, plan)
        if unready is not None:
            raise Conflict(f"the plan cannot be approved: {unready.reason}", code=unready.code, hint=unready.needs)
        manners = [GAPS_ACCEPTED, APPROVED] if accept_gaps else [APPROVED]
        given = {(entry.by, entry.manner) for entry in tx.approvals.of(case.id) if entry.plan_digest == plan.digest()}
        for manner in manners:
            if (person, manner) in given:
                continue
            tx.approvals.add(case.id, plan.digest(), person, house.clock.now(), manner)
            key = f"{plan.id}:{person}:{manner}"
            tx.ledger.append(leaf(house.clock, "plan.approved", key, case=case.id, digest=plan.digest(), by=person, manner=manner))
        tx.cases.save(replace(case, wait=None))
        approvals = _counting(tx, case, plan)
        return max(0, _missing(_terms(tx, case, house.policy_of(case)), approvals))


def gaps_unaccepted(house: House, case_id: str) -> int:
    """How many collections the plan's approvers have to accept by name because they could not be looked at; 0 once somebody did."""
    with house.store.snapshot() as tx:
        case = tx.cases.get(case_id)
        plan = _plan(tx, case)
        is_accepted = any(entry.manner == GAPS_ACCEPTED for entry in _counting(tx, case, plan))
    return 0 if is_accepted else sum(entry.code == GAP for entry in plan.obstacles)


def needed(tx: Transaction, house: House, case: Case, plan: Plan | PlanOutline) -> tuple[int, int]:
    """How many approvals the plan lacks, and how many it needs in all; (0, …) also where the policy approves by itself and may."""
    terms, given = _terms(tx, case, house.policy_of(case)), _counting(tx, case, plan)
    is_automatic = any(entry.manner == AUTOMATIC for entry in given)
    return 0 if is_automatic else max(0, _missing(terms, given)), _NEEDED[terms.approval]


def _counting(tx: Transaction, case: Case, plan: Plan | PlanOutline) -> list[Approval]:
    """The approvals of exactly this plan by people who did not prepare it."""
    preparing, digest = preparers(tx, case), plan.digest()
    return [entry for entry in tx.approvals.of(case.id) if entry.plan_digest == digest and entry.by not in preparing]


def _missing(terms: RequestTerms | SweepTerms, approvals: Iterable[Approval]) -> int:
    return _NEEDED[terms.approval] - len({entry.by for entry in approvals if entry.manner in (APPROVED, AUTOMATIC)})


def _unready(tx: Transaction, house: House, case: Case, plan: Plan) -> Wait | None:
    """What a person has to do for the request itself before anybody may approve."""
    return denied(tx, house, case) or given_back(tx, house, case, plan) or missing_grounds(tx, house, case, plan) or too_weak(tx, house, case, plan)


def _plan(tx: Transaction, case: Case) -> Plan:
    plan = tx.plans.of(case.id, case.round)
    if plan is None:
        raise Conflict("the case has no plan of this round", code="plan.none", hint="run the case")
    return plan


def _obstacle(plan: Plan, approvals: Iterable[Approval]) -> Obstacle | None:
    """The first thing that stands in the way. Gaps stop standing there when a named person accepted them."""
    are_gaps_accepted = any(entry.manner == GAPS_ACCEPTED for entry in approvals)
    return next((entry for entry in plan.obstacles if entry.code != GAP or not are_gaps_accepted), None)


_EACH = "decide about each (`dsr case show CASE --possible`): `dsr case decide` with erase (it goes as a whole), keep or not_theirs"
_WHOLE = "or open a new case under a policy that lets files go that cannot be rewritten (`request: {unwritable: delete}`)"
_MEND = "mend that, then run the case again: `dsr case run`"
#: Obstacles behind which the records may be others once somebody has acted.
_LOOKED_AT_ANEW = frozenset({GAP, "lake.table"})
#: What a person does about an obstacle. Any other is a system's: it says so itself.
NEEDS = {
    "finding.undecided": "decide about each: `dsr case decide`",
    "finding.asked": "decide about each (`dsr case show CASE --possible`): `dsr case decide` with erase, redact, keep or not_theirs",
    "rule.missing": "add a rule for it to the policy, then withdraw the case and open a new one",
    GAP: "make the rest readable (`dsr case show CASE --unread`) and run the case again, or accept the gaps: `dsr case approve --accept-gaps`",
    "ground.unknown": "give the rule a ground of every law of the case, then withdraw the case and open a new one, or one for each law",
    LOST: "look where they are now and take them out as well (`dsr case exclude`), then take the correction back (`dsr case undo`)",
    FORGOTTEN: "take out anew what has to stay (`dsr case exclude`), then take the correction back (`dsr case undo`)",
    IMPOSSIBLE: "take the correction back (`dsr case undo`)",
    "place.fixed": f"{_EACH}; {_WHOLE}",
    "format.cannot_rewrite": f"{_EACH}; {_WHOLE}",
    "lake.table": "erase the rows with the table's own library and run the case again, or say that they stay: `dsr case decide --verdict stays`",
}


def _stopped(case: Case, plan: Plan, obstacle: Obstacle, mask: Mask, house: House) -> Step:
    """Stands at the obstacle; a plan that was corrected since is made anew.

    Who runs a case again that stood here has mended what is not the engine's to mend: more is readable, so everything is looked at anew; or a right
    is granted, which making the plan asks for. Only what a person decides about in the engine is not asked again.
    """
    if obstacle.code == STALE:
        return Advance(Stage.PLAN)
    if case.wait is not None and case.wait.code == obstacle.code:
        if obstacle.code in _LOOKED_AT_ANEW:
            return NewRound()
        if obstacle.code not in NEEDS:
            return Advance(Stage.PLAN)
    return Stand(_blocked(plan, obstacle, mask, house))


def _blocked(plan: Plan, obstacle: Obstacle, mask: Mask, house: House) -> Wait:
    where = mask.place(obstacle.system, obstacle.collection)
    count = f"{obstacle.count} × " if obstacle.count > 1 else ""
    more = f" (and {len(plan.obstacles) - 1} further obstacles)" if len(plan.obstacles) > 1 else ""
    reason = f"{where + ': ' if where else ''}{count}{obstacle.message}{more}"
    return Wait(obstacle.code, reason, NEEDS.get(obstacle.code, _MEND), house.clock.now())


def _terms(tx: Transaction, case: Case, policy: Policy) -> RequestTerms | SweepTerms:
    """How the plan is approved. What a later look found is never approved automatically: a person who came back is no residue.

    Nor is what people corrected for this case: whoever takes records out until the rest is below the cap would have approved it alone.
    """
    if case.kind is CaseKind.SWEEP and policy.sweep:
        return policy.sweep
    terms = policy.request
    if terms.approval == AUTOMATIC and (wants_a_person(tx, case) or is_corrected_here(tx, case)):
        return replace(terms, approval="one_person")
    return terms


def _waiting(case: Case, plan: Plan, terms: RequestTerms | SweepTerms, missing: int, affected: int, house: House) -> Wait:
    needs = _approval_needed(case, plan)
    if terms.approval == AUTOMATIC:
        reason = f"{affected} records would be affected, more than the policy approves automatically ({terms.max_affected})"
        return Wait("approval.over_cap", reason, needs, house.clock.now())
    if missing < _NEEDED[terms.approval]:
        needs = needs.replace("did not open the case", "neither opened the case nor approved the plan yet")
    return Wait("approval.missing", f"{missing} approval(s) of the plan are missing", needs, house.clock.now())


def _approval_needed(case: Case, plan: Plan) -> str:
    return f"`dsr case approve {case.id} --digest {plan.digest()[:16]}` by somebody who did not open the case"


def _automatic(case: Case, plan: Plan, house: House) -> Step:
    def write(tx: Transaction) -> None:
        tx.approvals.add(case.id, plan.digest(), POLICY, house.clock.now(), AUTOMATIC)
        key = f"{plan.id}:{POLICY}"
        tx.ledger.append(leaf(house.clock, "plan.approved", key, case=case.id, digest=plan.digest(), by=POLICY, manner=AUTOMATIC))

    return Advance(Stage.EXECUTE, write)


def _cooled(case: Case, policy: Policy, approvals: Sequence[Approval], house: House) -> Step:
    """Waits for the policy's cooling-off time after the last of the approvals. `approvals` empty: nothing may let it wait."""
    if policy.request.cool_off is None or case.kind is CaseKind.SWEEP or not approvals:
        return Advance(Stage.EXECUTE)
    last = max(entry.at for entry in approvals)
    until = datetime.combine(policy.request.cool_off.after(last.date()), time(last.hour, last.minute, last.second), UTC)
    now = house.clock.now()
    if now >= until:
        return Advance(Stage.EXECUTE)
    return Stand(Wait("cooling_off", f"approved; the policy lets {policy.request.cool_off} pass first", "time has to pass, or withdraw", now, until))
