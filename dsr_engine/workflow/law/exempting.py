"""What stays although its person asked: each exemption with the law that gives it, the rule that uses it, and its end (GDPR Art. 17(3)).

An exemption has to be one of every law that applies to the case: what one of them does not know would be kept against it. Purposes are no exemptions,
for a person's request ends them; holds have reviews of their own.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from dsr_engine.domain.case import Case
from dsr_engine.domain.certificate import SystemStatement
from dsr_engine.domain.correction import REASONS as CORRECTION_REASONS
from dsr_engine.domain.plan import Notice, Obstacle, Plan, PlanItem, Reason
from dsr_engine.domain.policy import KEEPING
from dsr_engine.domain.regime import Regime
from dsr_engine.spec.regime_parts import pattern
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.masking import Mask

Row = dict[str, str | int | bool | None]

#: Reasons that rest on no exemption of a law.
_OTHER = frozenset({"", "purpose", *CORRECTION_REASONS})


def unfounded(regimes: Sequence[Regime], items: Iterable[PlanItem]) -> Iterator[Obstacle]:
    """What would be kept against one of the case's laws: on a ground that it does not know, or by a statute that does not count there."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for item in items:
        for reason in _exemptions(item):
            for regime in regimes:
                why = against(regime, reason)
                if why:
                    counts[item.system, item.collection, why] += len(item.records)
    for (system, collection, why), count in sorted(counts.items()):
        yield Obstacle("ground.unknown", why, system, collection, count)


def against(regime: Regime, reason: Reason) -> str:
    """Why a law of the case does not let data stay for this reason; empty where it does."""
    ground = regime.ground_named(reason.because)
    what = f"rule “{reason.rule}” ({reason.source}) keeps data"
    if ground is None:
        return f"{what} on the ground `{reason.because}`, which {regime.name} does not know"
    if ground.needs_law and not reason.law:
        return f"{what} on the ground `{reason.because}` without the statute that {regime.name} asks for ({ground.cite})"
    if any(pattern(text).search(reason.law) for text in ground.never):
        return f"{what} by a law that does not count as `{reason.because}` under {regime.name} ({ground.cite})"
    return ""


def groundless(items: Iterable[PlanItem]) -> Iterator[Notice]:
    """What a rule lets stay without any ground: an approver should know that no law is named for it."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for item in items:
        for reason in dict.fromkeys(reason for reason in item.reasons if reason.treatment in KEEPING and not reason.because and reason.rule):
            counts[item.system, item.collection, f"rule “{reason.rule}” ({reason.source})"] += len(item.records)
    for (system, collection, rule), count in sorted(counts.items()):
        yield Notice("keeps.without_ground", f"{rule} lets {count} record(s) stay and names no ground of a law for it", system, collection)


def _exemptions(item: PlanItem) -> tuple[Reason, ...]:
    return tuple(dict.fromkeys(reason for reason in item.reasons if reason.treatment in KEEPING and reason.because not in _OTHER))


def provision(regimes: Iterable[Regime], because: str) -> str:
    """Where the laws of the case give this exemption."""
    return "; ".join(dict.fromkeys(ground.cite for regime in regimes if (ground := regime.ground_named(because)) is not None))


def exemption_rows(regimes: Sequence[Regime], items: Iterable[PlanItem], mask: Mask, approvers: Iterable[str]) -> list[Row]:
    """Every exemption of a plan: which data, on which provision, by which statute and rule, until when, and who approved it."""
    by = ", ".join(approvers)
    counts: Counter[tuple[str, ...]] = Counter()
    for item in items:
        for reason in _exemptions(item):
            until = reason.until.isoformat() if reason.until else "not known"
            rule = f"{reason.rule} ({reason.source})"
            key = (item.system, mask.text(item.collection), reason.because, provision(regimes, reason.because), reason.law, rule, until)
            counts[key] += len(item.records)
    names = ("system", "collection", "ground", "provision", "law", "rule", "until")
    return [{**dict(zip(names, key, strict=True)), "records": count, "approved_by": by} for key, count in sorted(counts.items())]


def approvers_of(tx: Transaction, case: Case, plan: Plan) -> tuple[str, ...]:
    """Who approved the plan, and with it every exemption in it; empty before."""
    return tuple(dict.fromkeys(entry.by for entry in tx.approvals.of(case.id) if entry.plan_digest == plan.digest()))


def with_provisions(systems: Iterable[SystemStatement], regimes: Sequence[Regime], approvers: Iterable[str]) -> tuple[SystemStatement, ...]:
    """The statements with the provision beside each exemption that kept something, and who approved it with the plan."""
    by = ", ".join(approvers)

    def cited(row: dict[str, str | int]) -> dict[str, str | int]:
        found = provision(regimes, str(row.get("because", "")))
        return {**row, "provision": found, "approved_by": by} if found else row

    return tuple(replace(system, kept=tuple(cited(dict(row)) for row in system.kept)) for system in systems)
