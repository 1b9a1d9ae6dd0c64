"""When a sweep must not approve itself: it would hit three times its usual count, or more than the allowed share of a collection.

The whole sweep is judged, as it was counted before its first tranche; a tranche by itself would always look harmless.
"""

from collections import Counter
from collections.abc import Iterable
from statistics import median

from dsr_engine.domain.case import Case
from dsr_engine.domain.plan import Plan
from dsr_engine.domain.policy import Policy, SweepTerms
from dsr_engine.store.sweep_counts import SweepCount
from dsr_engine.store.transaction import Transaction

UNUSUAL = 3
#: Below this many records "three times as usual" is noise.
FEW = 10


def caution(tx: Transaction, case: Case, plan: Plan, policy: Policy, terms: SweepTerms) -> str | None:
    """Why a person has to approve this tranche of a sweep, in one sentence; None if nothing is unusual."""
    assert case.tranche is not None
    counts = tx.sweep_counts.of(case.tranche.sweep)
    return _unusual(tx, case, counts, policy) or _large_share(counts, plan, terms)


def due_by_rule(counts: Iterable[SweepCount]) -> Counter[str]:
    """How many records are due under each rule that has a period; 0 for those with none."""
    due: Counter[str] = Counter()
    for entry in counts:
        due[entry.rule] += entry.due or 0
    return due


def _unusual(tx: Transaction, case: Case, counts: Iterable[SweepCount], policy: Policy) -> str | None:
    assert case.tranche is not None
    earlier = [run for run in tx.sweeps.history(policy.name) if run.at < case.tranche.begun]
    for rule, count in sorted(due_by_rule(counts).items()):
        past = [run.found for run in earlier if run.rule == rule]
        if count > FEW and past and count > UNUSUAL * median(past):
            return f"rule “{rule}” would hit {count} records, more than three times its usual {median(past):g}"
    return None


def _large_share(counts: Iterable[SweepCount], plan: Plan, terms: SweepTerms) -> str | None:
    """Of a collection that could not be counted, the plan is all that is known."""
    planned: Counter[tuple[str, str]] = Counter()
    for item in plan.items:
        if item.effect is not None:
            planned[item.system, item.collection] += len(item.records)
    due = {(entry.system, entry.collection): entry for entry in counts if entry.due != 0}
    for system, collection in sorted(planned.keys() | due.keys()) if terms.max_share < 1 else ():
        entry = due.get((system, collection))
        count = max(planned[system, collection], (entry.due if entry is not None else None) or 0)
        total = entry.total if entry is not None else None
        if total is None:
            return f"{count} records of {system}.{collection} would go, of a number that the system does not tell: see that it is no large share"
        if count > max(1, terms.max_share * total):
            return f"{count} of {total} records of {system}.{collection} would go, more than the allowed share of {terms.max_share:.0%}"
    return None
