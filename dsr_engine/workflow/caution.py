"""When a sweep must not approve itself: it would hit three times its usual count, or more than the allowed share of a collection."""

from collections import Counter
from statistics import median

from dsr_engine.domain.case import Case
from dsr_engine.domain.plan import Plan
from dsr_engine.domain.policy import Policy, SweepTerms
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House

UNUSUAL = 3
#: Below this many records "three times as usual" is noise.
FEW = 10


def caution(tx: Transaction, case: Case, plan: Plan, policy: Policy, terms: SweepTerms, house: House) -> str | None:
    """Why a person has to approve this sweep, in one sentence; None if nothing is unusual."""
    return _unusual(tx, case, plan, policy) or _large_share(plan, terms, house)


def _unusual(tx: Transaction, case: Case, plan: Plan, policy: Policy) -> str | None:
    counts: Counter[str] = Counter()
    for item in plan.items:
        if item.effect is not None and item.reasons:
            counts[item.reasons[0].rule] += len(item.records)
    for rule, count in sorted(counts.items()):
        past = [run.found for run in tx.sweeps.history(policy.name) if run.rule == rule and run.at < case.opened_at]
        if count > FEW and past and count > UNUSUAL * median(past):
            return f"rule “{rule}” would hit {count} records, more than three times its usual {median(past):g}"
    return None


def _large_share(plan: Plan, terms: SweepTerms, house: House) -> str | None:
    affected: Counter[tuple[str, str]] = Counter()
    for item in plan.items:
        if item.effect is not None:
            affected[item.system, item.collection] += len(item.records)
    for system in sorted({name for name, _ in affected}):
        driver = house.open_driver(house.system_named(system), read_only=True)
        try:
            totals = {entry.name: entry.count for entry in driver.describe()}
        finally:
            driver.close()
        for (name, collection), count in sorted(affected.items()):
            total = totals.get(collection)
            if name != system or terms.max_share >= 1:
                continue
            if total is None:
                return f"{count} records of {system}.{collection} would go, of a number that the system does not tell: see that it is no large share"
            if count > max(1, terms.max_share * total):
                return f"{count} of about {total} records of {system}.{collection} would go, more than the allowed share of {terms.max_share:.0%}"
    return None
