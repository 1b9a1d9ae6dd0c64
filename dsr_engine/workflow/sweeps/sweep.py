"""Retention without a request (GDPR Art. 5(1)(e)): what has outlived its period is erased, by the same stages and with the same proof as a case.

A sweep is done in tranches, each a case of its own with plan, approval and certificate: nothing grows with the number of records but the number of
tranches. The next one is opened in the transaction that closes the one before, and whoever runs the policy's sweep again goes on with the one that
is open. The first runs of a policy are dry, whatever is asked for; a run that would hit unusually much stops and asks (`caution.py`).
"""

from dataclasses import dataclass, replace

from dsr_engine.domain.case import Case, CaseKind, Stage
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.plan import Plan
from dsr_engine.domain.policy import Policy
from dsr_engine.store.sweep_counts import SweepCount
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import Request, drafted, opened
from dsr_engine.workflow.publish import forget_due


@dataclass(frozen=True, slots=True)
class Carried:
    """One tranche that was carried through. `affected` counts the records that its plan changed; `certificate` is the name of its file."""

    number: int
    case: str
    affected: int
    certificate: str


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep came to: its last case and that one's plan. `is_dry` with `forced_dry` when the policy's first runs have to be dry.

    `counts` is what the whole had before it, and what it found with an unknown start; `carried` are the tranches that were closed by this call.
    """

    case: Case
    plan: Plan | None
    is_dry: bool
    forced_dry: bool
    counts: tuple[SweepCount, ...] = ()
    carried: tuple[Carried, ...] = ()


def sweep(house: House, policy: Policy, *, by: str, worker: str, dry_run: bool = False) -> Swept:
    """Runs the sweep of a policy as far as it goes by itself: the one that is open, else a new one. A dry run makes the plan and closes the case.

    Raises `Conflict` (`case.busy`) while another worker has it. Killed anywhere, it goes on when it is called again.
    """
    _refuse_without_sweep(policy)
    _forget(house)
    case, forced = _begun(house, policy, by, dry_run=dry_run)
    assert case.tranche is not None
    carried: list[Carried] = []
    what = f"sweep of {policy.name}"
    case, total = _counted(house, case, worker)
    house.progress.begin(what, total)
    house.progress.advance(what, case.tranche.before if case.tranche is not None else 0)
    try:
        while True:
            case, plan = _carry(house, case, worker)
            done = _carried(house, case, plan)
            if done is None:
                break
            carried.append(done)
            house.progress.advance(what, done.affected)
            following = _following(house, case)
            if following is None:
                break
            _forget(house)
            case = following
    finally:
        house.progress.end(what)
    with house.store.snapshot() as tx:
        counts = tx.sweep_counts.of(case.tranche.sweep) if case.tranche is not None else ()
    return Swept(case, plan, case.is_dry, forced, counts, tuple(carried))


def begin_sweep(house: House, policy: Policy, *, by: str, dry_run: bool = False) -> tuple[Case, bool]:
    """The open sweep of this policy, else a new one, for the worker to carry out; True beside it where it is dry because first runs have to be.

    Raises `InputWrong` (`sweep.none`).
    """
    _refuse_without_sweep(policy)
    return _begun(house, policy, by, dry_run=dry_run)


def _refuse_without_sweep(policy: Policy) -> None:
    if policy.sweep is None:
        raise InputWrong(f"policy {policy.name} has no `sweep`", code="sweep.none", hint="add `sweep: {…}` to it (policies/README.md)")


def _begun(house: House, policy: Policy, by: str, *, dry_run: bool) -> tuple[Case, bool]:
    """The open sweep of this policy, as it was begun; a new one where there is none. Two that begin at once come to the same case."""
    draft = drafted(house, Request((), policy, by, kind=CaseKind.SWEEP))
    assert policy.sweep is not None
    assert draft.tranche is not None
    with house.store.transaction() as tx:
        tx.sweeps.lock()
        is_forced = not dry_run and dry_runs(tx, policy) < policy.sweep.first_runs_dry
        is_dry = dry_run or is_forced
        for case in tx.cases.list(open_only=True):
            if _is_of(case, policy) and case.is_dry == is_dry:
                return case, is_forced
        case = replace(draft, opened_by=tx.people.id_of(by), tranche=replace(draft.tranche, is_dry=is_dry))
        return opened(tx, house, case), is_forced


def _is_of(case: Case, policy: Policy) -> bool:
    return case.kind is CaseKind.SWEEP and (case.policy, case.digests.get("policy")) == (policy.name, policy.source.digest)


def dry_runs(tx: Transaction, policy: Policy) -> int:
    """How many dry runs the policy has had."""
    return len({run.at for run in tx.sweeps.history(policy.name) if run.is_dry})


def _counted(house: House, case: Case, worker: str) -> tuple[Case, int | None]:
    """The case, brought to where the whole is counted, and how many records that is; None if a system does not answer yet."""
    if case.stage is Stage.DISCOVER:
        case = run_case(house, case.id, worker, until=Stage.PLAN)
    assert case.tranche is not None
    with house.store.snapshot() as tx:
        counts = tx.sweep_counts.of(case.tranche.sweep)
    return case, sum(entry.due or 0 for entry in counts) if counts else None


def _carry(house: House, case: Case, worker: str) -> tuple[Case, Plan | None]:
    """Runs one tranche. Its plan is read before it ends: a dry run's is forgotten then."""
    case = run_case(house, case.id, worker, until=Stage.APPROVE)
    with house.store.snapshot() as tx:
        plan = tx.plans.latest(case.id)
    return (run_case(house, case.id, worker) if case.stage is Stage.APPROVE else case), plan


def _carried(house: House, case: Case, plan: Plan | None) -> Carried | None:
    """What a closed tranche came to; None for one that waits, and for one that ended without effect."""
    assert case.tranche is not None
    with house.store.snapshot() as tx:
        issued = tx.certificates.of(case.id)
    if case.stage is not Stage.CLOSED or issued is None:
        return None
    return Carried(case.tranche.number, case.id, plan.affected if plan is not None else 0, issued.path)


def _following(house: House, case: Case) -> Case | None:
    assert case.tranche is not None
    with house.store.snapshot() as tx:
        later = (entry for entry in tx.cases.of_sweep(case.tranche.sweep) if entry.stage is not Stage.CLOSED)
        return next(later, None)


def _forget(house: House) -> None:
    """Shreds what is due: the records of a tranche are needed no longer when it was certified. Later is soon enough while the store is busy."""
    try:
        forget_due(house)
    except Conflict as error:
        if error.code != "store.busy":
            raise
