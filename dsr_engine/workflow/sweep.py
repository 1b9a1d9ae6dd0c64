"""Retention without a request (GDPR Art. 5(1)(e)): what has outlived its period is erased, by the same stages and with the same proof as a case.

The first runs of a policy are dry, whatever is asked for; a run that would hit unusually much stops and asks (`caution.py`).
"""

from collections import Counter
from dataclasses import dataclass

from dsr_engine.domain.case import Case, CaseKind, Stage
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.plan import Plan
from dsr_engine.domain.policy import Policy
from dsr_engine.workflow.approve import DRY_RUN
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import Request, open_case


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep came to. `is_dry` with `forced_dry` when the policy's first runs have to be dry."""

    case: Case
    plan: Plan | None
    is_dry: bool
    forced_dry: bool


def sweep(house: House, policy: Policy, *, by: str, worker: str, dry_run: bool = False) -> Swept:
    """Runs the sweep of a policy as far as it goes by itself. A dry run makes the plan and closes the case without effect.

    Killed before its numbers are remembered, a dry run does not count, so there is one more; killed after, any worker ends it as what it is.
    """
    if policy.sweep is None:
        raise InputWrong(f"policy {policy.name} has no `sweep`", code="sweep.none", hint="add `sweep: {…}` to it (policies/README.md)")
    forced = not dry_run and _dry_runs(house, policy) < policy.sweep.first_runs_dry
    is_dry = dry_run or forced
    case = open_case(house, Request((), policy, by, kind=CaseKind.SWEEP, vouched=False, digests={DRY_RUN: "yes"} if is_dry else {}))
    case = run_case(house, case.id, worker, until=Stage.APPROVE)
    with house.store.snapshot() as tx:
        plan = tx.plans.latest(case.id)
    if case.stage is not Stage.APPROVE or plan is None:
        return Swept(case, plan, is_dry, forced)
    _remember(house, policy, plan, is_dry=is_dry)
    run_case(house, case.id, worker)
    with house.store.snapshot() as tx:
        return Swept(tx.cases.get(case.id), plan, is_dry, forced)


def _dry_runs(house: House, policy: Policy) -> int:
    with house.store.snapshot() as tx:
        return len({run.at for run in tx.sweeps.history(policy.name) if run.is_dry})


def _remember(house: House, policy: Policy, plan: Plan, *, is_dry: bool) -> None:
    counts: Counter[str] = Counter({rule.name: 0 for rule in policy.rules if rule.keep is not None})
    for item in plan.items:
        if item.effect is not None and item.reasons:
            counts[item.reasons[0].rule] += len(item.records)
    now = house.clock.now()
    with house.store.transaction() as tx:
        for rule, count in sorted(counts.items()):
            tx.sweeps.record(policy.name, now, rule, found=count, affected=0 if is_dry else count, is_dry=is_dry)
