"""Cases in every stage at the sample company, so that whoever opens the console has something to look at: made by the steps of real ones."""

import secrets
from collections.abc import Iterable
from datetime import timedelta

from dsr_engine.bootstrap import Home, pin_policy
from dsr_engine.cli.sample.company import OTHERS
from dsr_engine.cli.sample.people import Person, everybody
from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.entitled import EVERYTHING
from dsr_engine.domain.policy import Policy
from dsr_engine.domain.request import Manner, Right
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.user import Role
from dsr_engine.workflow.approve import give_approval
from dsr_engine.workflow.decide import MENTIONED, close_unfulfilled, decide_findings, possible_findings
from dsr_engine.workflow.discover import FOUND
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.holds.drawing_up import Wanted, drawn_up
from dsr_engine.workflow.holds.placing import place_hold
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import Claim, Request, open_case
from dsr_engine.workflow.sweeps.sweep import sweep
from dsr_engine.workflow.users.accounts import add_user
from dsr_engine.workflow.verify_identity import confirm_identity

POLICY = "customer-data"
_OFFICER, _APPROVER, _WORKER = "officer", "approver", "demo"
#: The first person after the three of the demo's own story.
_FIRST = 3
_WORDS = (
    "amber",
    "birch",
    "cloud",
    "delta",
    "ember",
    "fjord",
    "grove",
    "harbor",
    "indigo",
    "juniper",
    "kettle",
    "lagoon",
    "meadow",
    "nectar",
    "onyx",
)


def add_accounts(house: House) -> str:
    """An account for each role, called as the role is. Gives the password that they share, made for this folder."""
    password = "-".join(secrets.choice(_WORDS) for _ in range(5))
    for role in Role:
        add_user(house, role.value, [role], "demo", password=password)
    return password


def add_cases(house: House, home: Home) -> int:
    """Brings requests of other people into every stage; gives how many there are."""
    policy = home.declared.policies[POLICY]
    pin_policy(home, policy)
    people = iter(everybody(OTHERS)[_FIRST:])
    made = [
        _opened(house, policy, next(people), days_ago=1),
        _opened(house, policy, next(people), days_ago=36),
        _opened(house, policy, next(people), days_ago=3, right=Right.ACCESS),
        _opened(house, policy, next(people), days_ago=5, right=Right.CORRECTION),
        _ended(house, _opened(house, policy, next(people), days_ago=20), Outcome.REFUSED, "manifestly_unfounded"),
        _ended(house, _opened(house, policy, next(people), days_ago=12), Outcome.WITHDRAWN, "withdrawn"),
        _searched(house, _verified(house, _opened(house, policy, next(people), days_ago=9))),
        _planned(house, _verified(house, _opened(house, policy, next(people), days_ago=14))),
        _carried_through(house, _verified(house, _opened(house, policy, next(people), days_ago=25))),
    ]
    held = next(people)
    hold, keys = drawn_up(house, Wanted("a dispute over a delivery", "lindenstrasse", claims=_claims(held)), "counsel")
    place_hold(house, hold, keys)
    made.append(_carried_through(house, _verified(house, _opened(house, policy, held, days_ago=7))))
    made.append(sweep(house, policy, by=_OFFICER, worker=_WORKER, dry_run=True).case)
    return len(made)


def _claims(person: Person) -> tuple[Claim, ...]:
    return (Claim("email", Secret(person.email)), Claim("name", Secret(person.name)))


def _opened(house: House, policy: Policy, person: Person, *, days_ago: int, right: Right = Right.ERASURE) -> Case:
    known = house.regimes[policy.regimes[0]].entitlements
    grounds = {EVERYTHING: known[0].name} if known and right is Right.ERASURE else {}
    received = house.clock.now() - timedelta(days=days_ago)
    return open_case(house, Request(_claims(person), policy, _OFFICER, received_at=received, right=right, manner=Manner.EMAIL, grounds=grounds))


def _verified(house: House, case: Case) -> Case:
    run_case(house, case.id, _WORKER)
    confirm_identity(house, case.id, "code_to_known_address", _OFFICER)
    return case


def _searched(house: House, case: Case) -> Case:
    """As far as it goes without a person: to a decision about what may be somebody else's, where there is such a thing."""
    return run_case(house, case.id, _WORKER)


def _planned(house: House, case: Case) -> Case:
    """A plan that waits for its approval; what may be somebody else's only mentions the person, says the officer."""
    run_case(house, case.id, _WORKER)
    with house.store.snapshot() as tx:
        waiting = [(id_, MENTIONED) for id_, _ in possible_findings(tx, tx.cases.get(case.id), FOUND)]
    _decide(house, case, waiting)
    return run_case(house, case.id, _WORKER)


def _decide(house: House, case: Case, verdicts: Iterable[tuple[str, str]]) -> None:
    decided = list(verdicts)
    if decided:
        decide_findings(house, case.id, decided, _OFFICER)


def _carried_through(house: House, case: Case) -> Case:
    after = _planned(house, case)
    with house.store.snapshot() as tx:
        plan = tx.plans.latest(case.id)
    if plan is not None and after.stage is Stage.APPROVE:
        give_approval(house, case.id, plan.digest(), _APPROVER)
        after = run_case(house, case.id, _WORKER)
    return after


def _ended(house: House, case: Case, outcome: Outcome, reason: str) -> Case:
    close_unfulfilled(house, case.id, outcome, reason, _OFFICER)
    return case
