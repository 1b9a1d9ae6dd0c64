"""What a person may see of a case: plain data for pages, terminals and JSON. Places are masked, values are not there at all."""

from collections import Counter
from collections.abc import Iterable

from dsr_engine.domain.case import Case
from dsr_engine.domain.errors import DsrError
from dsr_engine.domain.finding import Coverage, Finding
from dsr_engine.domain.plan import Delete, Plan, PlanItem, Reason, Relocate
from dsr_engine.domain.record import Locator
from dsr_engine.domain.request import Right
from dsr_engine.domain.selector import Selector
from dsr_engine.domain.verification import METHODS, Verified
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.discover import FOUND, VERIFIED
from dsr_engine.workflow.house import House
from dsr_engine.workflow.law.attention import is_acknowledged
from dsr_engine.workflow.law.entitling import stated_grounds
from dsr_engine.workflow.law.exempting import approvers_of, exemption_rows
from dsr_engine.workflow.law.passing import past_of
from dsr_engine.workflow.law.standing import is_extended, standing
from dsr_engine.workflow.letters.letterbox import letter_rows, worries_of, worry_row
from dsr_engine.workflow.mail_places import mail_place
from dsr_engine.workflow.masking import Mask, mask_of
from dsr_engine.workflow.staying_erased.aftercare import aftercare_report

Row = dict[str, str | int | bool | None]


def case_row(case: Case) -> Row:
    """One line of `dsr case list`."""
    return {
        "case": case.id,
        "kind": case.kind.value,
        "right": case.right.value,
        "stage": case.stage.value,
        "round": case.round,
        "outcome": case.outcome.value if case.outcome else None,
        "waits_for": case.wait.code if case.wait else None,
        "opened_at": case.opened_at.isoformat(timespec="seconds"),
        "policy": case.policy,
        "regime": ", ".join(case.regimes),
    }


def due_row(tx: Transaction, house: House, case: Case) -> Row:
    """When what is due; empty where no limit runs. `days_left` is negative once the answer is overdue."""
    found = standing(tx, house, case)
    if found is None:
        return {}
    limits = found.limits
    erase = limits.erase if case.right is Right.ERASURE else None
    acknowledge = None if is_acknowledged(tx, case) else limits.acknowledge
    days = {"acknowledge": acknowledge, "erase": erase, "answer": limits.answer, "refusal": limits.refusal, "extended": limits.extended}
    return {
        **{name: day.isoformat() for name, day in days.items() if day is not None},
        **{f"{name}_by": limits.set_by[name] for name, day in days.items() if day is not None},
        "days_left": found.days_left,
        "is_extended": is_extended(tx.approvals.of(case.id)),
        "is_moving": found.is_moving,
        "shown": found.shown.isoformat() if found.shown else None,
    }


def case_report(house: House, case_id: str) -> dict[str, object]:
    """The whole story of a case so far."""
    with house.store.snapshot() as tx:
        case = tx.cases.get(case_id)
        mask = mask_of(tx, case)
        plan = tx.plans.latest(case.id)
        issued = tx.certificates.of(case.id)
        return {
            **case_row(case),
            "wait": {"code": case.wait.code, "reason": case.wait.reason, "needs": case.wait.needs} if case.wait else None,
            "due": due_row(tx, house, case),
            **past_of(tx, house, case),
            "identity": case.identity,
            "after": aftercare_report(tx, house, case),
            "grounds": list(stated_grounds(tx, house, case)),
            "letters": letter_rows(tx, case.id),
            "letters_wanting": [worry_row(worry) for worry in worries_of(tx, house, case.id)],
            "verifications": [verified_row(entry) for entry in tx.verifications.of(case.id)],
            "order": _order_row(tx, case, mask),
            "systems": list(case.systems),
            "identities": _identities(tx, case, mask),
            "coverage": [coverage_row(row, mask) for row in tx.coverage.of(case.id, case.round, FOUND)],
            "findings": _finding_counts(tx, case, mask),
            "plan": plan_report(plan, mask) if plan else None,
            "exemptions": exemption_rows(house.regimes_of(case), plan.items, mask, approvers_of(tx, case, plan)) if plan else [],
            "results": _results(tx, plan, mask) if plan else [],
            "verified": [coverage_row(row, mask) for row in tx.coverage.of(case.id, case.round, VERIFIED)],
            "approvals": [{"by": entry.by, "manner": entry.manner, "at": entry.at.isoformat()} for entry in tx.approvals.of(case.id)],
            "certificate": str(house.paper.folder / issued.path) if issued else None,
            "withdrawn": issued is not None and tx.withdrawals.of(issued.id) is not None,
        }


def verified_row(entry: Verified) -> Row:
    """One thing that was done to know who asked: kinds of data only."""
    day = entry.at.isoformat(timespec="seconds")
    return {"method": METHODS[entry.method], "matched": ", ".join(entry.kinds), "by": entry.by, "at": day}


def _order_row(tx: Transaction, case: Case, mask: Mask) -> Row:
    """What an authority ordered; empty where nothing was. The reference goes with the case's key."""
    day = tx.orders.due(case.id)
    if day is None:
        return {}
    try:
        reference = mask.text(tx.orders.reference(case.id))
    except DsrError:
        reference = ""  # forgotten
    return {"reference": reference, "due": day.isoformat()}


def coverage_row(row: Coverage, mask: Mask) -> Row:
    return {"system": row.system, "collection": mask.text(row.collection), "extent": row.extent.value, "reason": mask.text(row.reason)}


def unread_rows(tx: Transaction, case: Case, phase: str, mask: Mask) -> list[Row]:
    """Examples of records that the present round could not read wholly, so that somebody can go and look; none once the case was forgotten."""
    try:
        unread = tx.unread.of(case.id, case.round, phase)
    except DsrError:
        return []
    return [
        {
            "system": one.system,
            "collection": mask.text(one.collection),
            "locator": locator_text(Locator(one.system, one.collection, one.key), mask),
            "reason": mask.text(one.reason),
            "code": one.code,
        }
        for one in unread
    ]


def _identities(tx: Transaction, case: Case, mask: Mask) -> list[Row]:
    """The keys that the person is known by, each with the identifier that led to it; never a value."""
    try:
        known = {selector.id: selector for selector in tx.selectors.of(case.id)}
    except DsrError:
        return []  # forgotten
    found = [selector for selector in known.values() if selector.scope is not None]
    return [{"kind": each.kind, "where": _known_from(each, mask), "via": _known_from(known.get(each.via or ""), mask)} for each in found]


def _known_from(selector: Selector | None, mask: Mask) -> str:
    if selector is None:
        return ""
    scope = selector.scope
    return f"{scope.system}.{mask.text(scope.collection)}.{scope.field}" if scope else selector.kind


def locator_text(locator: Locator, mask: Mask, finding: Finding | None = None) -> str:
    """Where a record is, readable and without the person. The finding, where there is one, says whether it is a mail, and when it came."""
    mail = mail_place(locator, finding)
    parts = [mail] if mail else [mask.key(part) for part in locator.key if part]
    return "/".join(parts + ([mask.text(locator.inside)] if locator.inside else []))


def finding_row(finding: Finding, mask: Mask) -> dict[str, object]:
    """One finding, in the form of `dsr find --json`. `selector` is the kind of the surest hit."""
    best = max(finding.hits, key=lambda hit: hit.confidence.rank, default=None)
    return {
        "system": finding.locator.system,
        "collection": mask.text(finding.locator.collection),
        "locator": locator_text(finding.locator, mask, finding),
        "categories": list(finding.categories),
        "selector": best.kind if best else "",
        "match": finding.match.value,
        "confidence": finding.confidence.value,
        "message": finding.message,
        "roles": list(finding.roles),
    }


def _finding_counts(tx: Transaction, case: Case, mask: Mask) -> list[Row]:
    try:
        findings = [finding for _, finding in tx.findings.of(case.id, case.round, FOUND)]
    except DsrError:
        return []  # forgotten: the counts went with the case's key
    counts = Counter((f.locator.system, mask.text(f.locator.collection), f.match.value, f.confidence.value) for f in findings)
    return [
        {"system": system, "collection": collection, "match": match, "confidence": confidence, "count": count}
        for (system, collection, match, confidence), count in sorted(counts.items())
    ]


def plan_report(plan: Plan, mask: Mask) -> dict[str, object]:
    """The plan as an approver sees it: what, how, why (file:line), until when; and what stands in its way."""
    return {
        "digest": plan.digest(),
        "round": plan.round,
        "affected": plan.affected,
        "items": _grouped(plan.items, mask),
        "obstacles": [
            {
                "code": entry.code,
                "where": mask.place(entry.system, entry.collection),
                "count": entry.count,
                "message": mask.text(entry.message),
            }
            for entry in plan.obstacles
        ],
        "notices": [
            {
                "code": entry.code,
                "where": mask.place(entry.system, entry.collection),
                "message": mask.text(f"{entry.message} ({entry.today})" if entry.today else entry.message),
            }
            for entry in plan.notices
        ],
    }


def _grouped(items: Iterable[PlanItem], mask: Mask) -> list[Row]:
    counts: Counter[tuple[str, ...]] = Counter()
    for item in items:
        where = (item.system, mask.text(item.collection))
        key = (*where, _how(item), *_why(item.reasons))
        counts[key] += len(item.records)
        for dep in item.dependents:
            counts[item.system, mask.text(dep.collection), f"goes with {where[1]} (cascade)", *_why(item.reasons)] += dep.count
    return [
        {"system": system, "collection": collection, "how": how, "records": count, "rule": rule, "why": why, "ground": ground, "until": until}
        for (system, collection, how, rule, why, ground, until), count in sorted(counts.items())
    ]


def _how(item: PlanItem) -> str:
    if item.effect is None:
        return "stays"
    if isinstance(item.effect, Delete):
        return "delete"
    words = {"SetValue": "anonymize", "RedactSpans": "redact", "DropPart": "delete parts", "Fence": "fence", "Point": "point at the neutral record"}
    moved = [f"move to {item.effect.to}"] if isinstance(item.effect, Relocate) else []
    return " + ".join(dict.fromkeys([*(words[type(edit.how).__name__] for edit in item.effect.edits), *moved]))


def _why(reasons: Iterable[Reason]) -> tuple[str, str, str, str]:
    reasons = tuple(reasons)
    ends = [reason.until.isoformat() for reason in reasons if reason.until]
    grounds = dict.fromkeys(" ".join(part for part in (reason.because, reason.law) if part) for reason in reasons if reason.because)
    return (
        "; ".join(dict.fromkeys(reason.rule for reason in reasons)),
        "; ".join(dict.fromkeys(str(reason.source) for reason in reasons)),
        "; ".join(grounds),
        max(ends, default=""),
    )


def _results(tx: Transaction, plan: Plan, mask: Mask) -> list[Row]:
    items = {item.id: item for item in plan.items}
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for (item_id, state), count in tx.results.tally(plan.id).items():
        item = items[item_id]
        counts[item.system, mask.text(item.collection), _how(item), state.value] += count
    return [
        {"system": system, "collection": collection, "how": how, "result": result, "records": count}
        for (system, collection, how, result), count in sorted(counts.items())
    ]
