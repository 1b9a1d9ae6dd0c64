"""The steps that people and the engine take with a case, as the tests tell them again and again."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import ParamSpec, TypeVar

from dsr_engine.bootstrap import BUNDLE, opened, pin_policy, read_home
from dsr_engine.certificate.check import check
from dsr_engine.certificate.statement import from_bytes
from dsr_engine.certificate.trust import read_bundle
from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.certificate import Statement
from dsr_engine.domain.clock import Clock, FixedClock
from dsr_engine.domain.plan import Plan, Result
from dsr_engine.domain.policy import Policy
from dsr_engine.domain.selector import Secret
from dsr_engine.drivers.registry import open_driver
from dsr_engine.store import ledger_file
from dsr_engine.workflow.approve import give_approval
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.holds.reviewing import attest, unreviewed
from dsr_engine.workflow.house import House, OpenDriver
from dsr_engine.workflow.intake import Claim, Request, open_case
from tests.workflow.company import EMAIL, Company

P = ParamSpec("P")
T = TypeVar("T")

WORKER = "worker"
#: Files that the tests make are older than this, so nothing counts as arrived after a case was opened.
NOON = (datetime.now(UTC) + timedelta(hours=6)).replace(minute=0, second=0, microsecond=0)


class Serial(Executor):
    """Runs a piece of work when it is handed in, so that everything happens in one order."""

    def submit(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        future.set_result(work(*args, **kwargs))
        return future


@contextmanager
def working(company: Company, clock: Clock | None = None, *, drivers: OpenDriver = open_driver, are_holds_reviewed: bool = True) -> Iterator[House]:
    """The company's house, read anew from its files as every command does. Somebody reviewed the holds, on whatever day the test takes place."""
    home = read_home(company.home, company.environment, allow_gaps=True)
    pin_policy(home, home.declared.policies["ours"])
    with opened(home, clock or FixedClock(NOON), drivers=drivers, executor=Serial()) as house:
        if are_holds_reviewed:
            review_holds(house)
        yield house


def review_holds(house: House) -> None:
    """Somebody says that holds were reviewed, if nobody's word counts today."""
    with house.store.snapshot() as tx:
        is_due = unreviewed(tx, house) is not None
    if is_due:
        attest(house, "counsel", "the list of matters")


def request_of(house: House, *claims: tuple[str, str], vouched: bool = True) -> Request:
    """What the officer opens a case with; the person's e-mail address where nothing else is claimed."""
    policy = house.policies["ours"]
    return Request(
        tuple(Claim(kind, Secret(value)) for kind, value in claims or (("email", EMAIL),)),
        policy,
        "officer",
        vouched=vouched,
        grounds=grounds_of(house, policy),
    )


def grounds_of(house: House, policy: Policy) -> dict[str, str]:
    """The first ground to erase that the policy's law knows, for all data; none where the law asks for none."""
    known = house.regimes[policy.regimes[0]].entitlements
    return {"user": known[0].name} if known else {}


def opened_for(house: House, *claims: tuple[str, str]) -> Case:
    return open_case(house, request_of(house, *claims))


def plan_of(house: House, case: Case) -> Plan:
    with house.store.snapshot() as tx:
        plan = tx.plans.latest(case.id)
    assert plan is not None
    return plan


def results_of(house: House, case: Case) -> tuple[Result, ...]:
    plan = plan_of(house, case)
    with house.store.snapshot() as tx:
        return tx.results.of(plan.id)


def approved(house: House, case: Case, by: str = "approver", *, accept_gaps: bool = False) -> None:
    """Approves the plan of the case as it stands."""
    give_approval(house, case.id, plan_of(house, case).digest(), by, accept_gaps=accept_gaps)


def planned(house: House, *claims: tuple[str, str]) -> Case:
    """A case that waits for its approval."""
    case = run_case(house, opened_for(house, *claims).id, WORKER)
    assert (case.stage, waits_for(case)) == (Stage.APPROVE, "approval.missing")
    return case


def carried_through(house: House, case: Case, worker: str = WORKER) -> Case:
    """Runs the case, and approves whatever it is that waits for nothing but an approval, until it goes no further."""
    case = run_case(house, case.id, worker)
    while waits_for(case) == "approval.missing":
        approved(house, case)
        case = run_case(house, case.id, worker)
    return case


def journey(company: Company, *claims: tuple[str, str]) -> Case:
    """A case from its opening to its end, if nothing keeps it."""
    with working(company) as house:
        return carried_through(house, opened_for(house, *claims))


def waits_for(case: Case) -> str:
    return case.wait.code if case.wait else ""


def statement_of(house: House, case: Case) -> Statement:
    """What the certificate of the case says; its PDF must be genuine by the bundle that the home hands out."""
    with house.store.snapshot() as tx:
        issued = tx.certificates.of(case.id)
    assert issued is not None
    report = check((house.paper.folder / issued.path).read_bytes(), read_bundle(house.paper.folder.parent / BUNDLE))
    assert report.is_genuine, report.status
    return from_bytes(issued.statement)


def ledger_of(house: House) -> list[tuple[str, dict[str, object]]]:
    """Kind and data of every leaf, in order; the ledger must agree with itself."""
    ledger_file.check(house.store)
    kinds = ("case.opened", "case.stage", "plan.made", "plan.approved", "effect.intended", "effect.done", "effect.blocked", "absence.checked")
    with house.store.snapshot() as tx:
        found = [(index, kind, data) for kind in (*kinds, "certificate.issued", "certificate.published") for index, data in tx.ledger.find(kind)]
    return [(kind, data) for _, kind, data in sorted(found, key=lambda entry: entry[0])]
