"""What the rules of a policy hit last time: what the last plans say, and what today's text would say of what was found last.

It rests on what is still there. A case that was forgotten has neither plan nor findings, and is counted as such and not as nothing.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from dsr_engine.domain.errors import DsrError
from dsr_engine.domain.policy import Policy
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.judgement import Judge
from dsr_engine.workflow.looking import FOUND
from dsr_engine.workflow.systems.asking import Bench, Tell

#: The kind of the inquiry; its name is the policy's.
HITS = "policy.hits"
#: How many of the last cases are looked through, and how many findings of one are judged.
CASES = 20
MOST_FINDINGS = 50_000

#: Rule → treatment → how many records or places.
Counts = dict[str, dict[str, int]]


def ask_hits(bench: Bench, house: House, policy: Policy) -> None:
    """Begins to count. Raises `Conflict` while that goes on already."""
    bench.ask(house, HITS, policy.name, lambda tell: hits(house, policy, tell))


def hits(house: House, policy: Policy, tell: Tell) -> Mapping[str, Any]:
    """Records by rule in the last plans, and places by rule in a judgement of the last findings under today's text."""
    with house.store.snapshot() as tx:
        cases = tx.policy_uses.last_cases(policy.name, CASES)
    planned: Counts = {}
    counted, forgotten = [], 0
    judged: Mapping[str, Any] | None = None
    for number, case in enumerate(cases):
        tell(f"case {number + 1} of {len(cases)}")
        with house.store.snapshot() as tx:
            if not _plan(tx, case, planned):
                forgotten += 1
                continue
            counted.append(case)
            judged = judged or _judged(tx, case, policy, house.calendar.day_of(house.clock.now()), house)
    return {"cases": counted, "without": forgotten, "planned": planned, "judged": judged, "digest": policy.source.digest}


def _plan(tx: Transaction, case: str, counts: Counts) -> bool:
    """Adds the records of the case's last plan by rule; False where there is no plan, or its key is gone."""
    try:
        plan = tx.plans.latest(case)
    except DsrError:
        return False
    if plan is None:
        return False
    for item in plan.items:
        for rule in dict.fromkeys(reason.rule for reason in item.reasons):
            _add(counts, rule, item.treatment, len(item.records))
    return True


def _judged(tx: Transaction, case: str, policy: Policy, today: date, house: House) -> Mapping[str, Any] | None:
    """What today's text says of each place that was found for this case; None where nothing is left of it."""
    judge, counts, findings, uncovered = Judge(policy, today, origin=house.origin_of), Counts(), 0, 0
    try:
        for _, finding in tx.findings.of(case, 1, FOUND):
            findings += 1
            if findings > MOST_FINDINGS:
                break
            judgement = judge(finding, finding.match)
            uncovered += len(judgement.uncovered)
            for entry in judgement.judged:
                _add(counts, entry.reason.rule, entry.then.treatment, 1)
    except DsrError:
        return None
    if not findings:
        return None
    return {"case": case, "findings": min(findings, MOST_FINDINGS), "is_cut": findings > MOST_FINDINGS, "rules": counts, "uncovered": uncovered}


def _add(counts: Counts, rule: str, treatment: str, count: int) -> None:
    by = counts.setdefault(rule, {})
    by[str(treatment)] = by.get(str(treatment), 0) + count
