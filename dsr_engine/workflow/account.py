"""What a certificate says, drawn from the rows of a case: coverage, effects, what was kept. No key and no name of a person."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from dsr_engine.domain.case import Case, Outcome
from dsr_engine.domain.certificate import SystemStatement
from dsr_engine.domain.finding import Coverage, Extent
from dsr_engine.domain.plan import HELD, Plan, PlanItem, Reason, ResultState
from dsr_engine.domain.policy import KEEPING, Treatment
from dsr_engine.domain.system import System
from dsr_engine.store.tasks import Task
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.decide import STAYS
from dsr_engine.workflow.discover import VERIFIED
from dsr_engine.workflow.errands import held_errands, is_errand
from dsr_engine.workflow.holds.restricting import purpose_of
from dsr_engine.workflow.mailboxes import REASON, counted, reason_of
from dsr_engine.workflow.masking import Mask
from dsr_engine.workflow.notices.recipients import recipient_exceptions
from dsr_engine.workflow.survivals import assessed_statement, lower_levels, lowest_level
from dsr_engine.workflow.sweeps.tranche import TRANCHE

Row = Mapping[str, str | int]

#: What certificates never claim; printed on each (NIST SP 800-88r2: a row deletion is neither clear nor purge).
DISCLAIMERS = (
    "It does not state that data are unrecoverable from storage media: a deletion through an application is neither clear, purge nor destroy.",
    "It speaks only of the systems, collections and times that are listed; what is not listed was not looked at.",
    "Pseudonymised or de-identified data are not counted as erased.",
)
#: What a deletion through a database or an interface reaches by itself (`README.md`, LIMITS). `upkeep.py` makes and shows more where it is asked for.
LEVEL = "C0"
_GONE = frozenset({ResultState.DONE, ResultState.ALREADY_ABSENT, ResultState.ABSENT_AFTER_INTERRUPTION, ResultState.ACCEPTED})


@dataclass(frozen=True, slots=True)
class Account:
    """The parts of a statement that depend on what happened, and the outcome that they add up to."""

    systems: tuple[SystemStatement, ...]
    exceptions: tuple[str, ...]
    claims: tuple[str, ...]
    outcome: Outcome
    level: str


@dataclass(frozen=True, slots=True)
class _Effect:
    """One result of one item, with its count."""

    plan: Plan
    item: PlanItem
    state: ResultState
    code: str
    count: int


def account_of(tx: Transaction, case: Case, systems: Iterable[System], mask: Mask) -> Account:
    """The account of all rounds of the case, as its rows stand now."""
    plans = [plan for number in range(1, case.round + 1) if (plan := tx.plans.of(case.id, number)) is not None]
    effects = [effect for plan in plans for effect in _effects(tx, plan)]
    systems = tuple(systems)
    errands = {system.name for system in systems if is_errand(system)}
    coverage = [row for row in tx.coverage.of(case.id, case.round, VERIFIED) if row.system not in errands]
    tasks, untold = {task.system: task for task in tx.tasks.of(case.id)}, held_errands(tx, case)
    stored = {name: entry.assessment for name, entry in tx.assessments.of(case.id, case.round).items()}
    statements = tuple(
        _errand(system, tasks.get(system.name), untold.get(system.name, ""))
        if system.name in errands
        else _with_reason(assessed_statement(_system(case, system, effects, coverage, mask), system, stored.get(system.name), mask), system, mask)
        for system in systems
    )
    exceptions = (*_exceptions(case, effects, coverage, mask, _stays(tx, case)), *_unmapped(systems, effects, mask), *_arrived(tx, case))
    exceptions = (*exceptions, *(f"{mask.text(name)}: nobody was told to erase anything there, because of a legal hold." for name in sorted(untold)))
    exceptions = (*exceptions, *lower_levels(tx, case, systems, stored, mask), *recipient_exceptions(tx, case))
    outcome = Outcome.FULFILLED_WITH_EXCEPTIONS if exceptions else Outcome.FULFILLED
    return Account(statements, exceptions, _claims(statements), outcome, lowest_level(statements))


def _effects(tx: Transaction, plan: Plan) -> Iterable[_Effect]:
    items = {item.id: item for item in plan.items}
    counts = Counter((result.item, result.state, result.code) for result in tx.results.of(plan.id))
    for (item, state, code), count in sorted(counts.items(), key=repr):
        yield _Effect(plan, items[item], state, code, count)


def _unmapped(systems: Iterable[System], effects: Iterable[_Effect], mask: Mask) -> Iterable[str]:
    """Rows that were only redacted, in tables of which nobody said what is in them: their other fields may be about the person as well."""
    tables = {system.name: system for system in systems if system.manifest.driver == "sql"}
    rows: Counter[tuple[str, str]] = Counter()
    for effect in effects:
        item = effect.item
        known = tables[item.system].manifest.collection_named(item.collection) if item.system in tables else None
        if item.system in tables and known is None and item.treatment is Treatment.REDACT and effect.state is ResultState.DONE:
            rows[item.system, item.collection] += effect.count
    for (system, collection), count in sorted(rows.items()):
        yield (
            f"{mask.place(system, collection)} is in no connector: in {count} row(s) only the identifiers of the case were cut out; "
            "other fields of these rows were not judged."
        )


def _stays(tx: Transaction, case: Case) -> int:
    return sum(1 for verdict in tx.findings.verdicts(case.id).values() if verdict == STAYS)


def _arrived(tx: Transaction, case: Case) -> Iterable[str]:
    for _, checked in tx.ledger.find("absence.checked", case=case.id, round=case.round):
        counts = checked["counts"]
        if isinstance(counts, Mapping) and counts["arrived"]:
            yield f"{counts['arrived']} record(s) arrived after the case was opened; they were found and left, for no plan speaks of them."


def _is_last(effect: _Effect, case: Case) -> bool:
    return effect.plan.round == case.round


def _system(case: Case, system: System, effects: Iterable[_Effect], coverage: Iterable[Coverage], mask: Mask) -> SystemStatement:
    own = [effect for effect in effects if effect.item.system == system.name]
    return SystemStatement(
        name=mask.text(system.name),
        kind=system.manifest.name,
        owner=system.owner,
        coverage=tuple(_covered(row, mask) for row in counted(system, (row for row in coverage if row.system == system.name))),
        done=tuple(_done(own, mask)),
        kept=tuple(_kept(case, system, own, mask)),
        residuals=tuple(
            {"what": entry.what, "gone_after": str(entry.gone_after) if entry.gone_after else "unknown"} for entry in system.manifest.residuals
        ),
        verification="other_credential" if system.verify_as else "self_check",
        level=LEVEL,
    )


def _with_reason(statement: SystemStatement, system: System, mask: Mask) -> SystemStatement:
    reason = reason_of(system)
    return replace(statement, server={**statement.server, REASON: mask.text(reason)}) if reason else statement


def _errand(system: System, task: Task | None, hold: str) -> SystemStatement:
    """A system in which a person acted: their word and a digest of what shows it, never a search of ours."""
    done: tuple[Row, ...] = ()
    if task is not None and task.done_at is not None:
        at = task.done_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        done = ({"what": "task done by a person", "by": task.done_by or "", "at": at, "evidence_sha256": task.evidence_digest or ""},)
    residuals = tuple({"what": entry.what, "gone_after": str(entry.gone_after or "unknown")} for entry in system.manifest.residuals)
    kept: tuple[Row, ...] = ()
    if hold:
        kept = ({"collection": "*", "treatment": "retain", "rule": "legal hold", "because": "legal_hold", "law": hold, "until": "lifted"},)
    return SystemStatement(system.name, system.manifest.name, system.owner, (), done, kept, residuals, "none", LEVEL)


def _covered(row: Coverage, mask: Mask) -> Row:
    return {"collection": mask.text(row.collection), "extent": row.extent.value, "searched": row.looked, "reason": mask.text(row.reason)}


def _done(effects: Iterable[_Effect], mask: Mask) -> Iterable[Row]:
    counts: Counter[tuple[str, str, str, str, str]] = Counter()
    for effect in effects:
        item = effect.item
        if item.effect is None or effect.state not in _GONE:
            continue
        rules = "; ".join(dict.fromkeys(reason.rule for reason in item.reasons))
        places = "; ".join(dict.fromkeys(str(reason.source) for reason in item.reasons))
        counts[mask.text(item.collection), item.treatment.value, effect.state.value, rules, places] += effect.count
        if effect.state is ResultState.DONE:
            for dep in item.dependents:
                if dep.on_delete == "cascade":
                    counts[mask.text(dep.collection), "delete", "done with its parent (cascade)", rules, places] += dep.count
    for (collection, treatment, state, rule, source), count in sorted(counts.items()):
        yield {"collection": collection, "treatment": treatment, "result": state, "records": count, "rule": rule, "source": source}


def _keeping(item: PlanItem) -> tuple[Reason, ...]:
    return tuple(reason for reason in item.reasons if reason.treatment in KEEPING)


def _kept(case: Case, system: System, effects: Iterable[_Effect], mask: Mask) -> Iterable[Row]:
    """What stays: by a rule, by a hold. Only the last round counts: what an earlier one kept was looked at again."""
    counts: Counter[tuple[str, ...]] = Counter()
    for effect in effects:
        if not _is_last(effect, case):
            continue
        collection, item = mask.text(effect.item.collection), effect.item
        if effect.code == HELD:
            counts[collection, "retain", "legal hold", "", "legal_hold", "", "lifted"] += effect.count
        elif effect.state in (ResultState.KEPT, ResultState.DONE):
            is_apart = system.manifest.origin_of(item.collection) != item.collection
            for reason in _keeping(item):
                until = reason.until.isoformat() if reason.until else "not known"
                how = _fenced(item, reason, is_apart=is_apart)
                counts[collection, how, reason.rule, str(reason.source), reason.because, reason.law, until] += effect.count
    for (collection, treatment, rule, source, because, law, until), count in sorted(counts.items()):
        row: dict[str, str | int] = {"collection": collection, "treatment": treatment, "records": count, "rule": rule, "until": until}
        use = purpose_of(because, law) if because else ""
        row |= {key: text for key, text in (("source", source), ("because", because), ("law", law), ("use", use)) if text}
        yield row


def _fenced(item: PlanItem, reason: Reason, *, is_apart: bool) -> str:
    """`restrict` is only said where something fences the record; else the truth is *retained, not fenced*."""
    if reason.treatment is Treatment.RESTRICT and item.effect is None and not is_apart:
        return "retained, not fenced"
    return reason.treatment.value


def _exceptions(case: Case, effects: Iterable[_Effect], coverage: Iterable[Coverage], mask: Mask, stays: int) -> tuple[str, ...]:
    found = []
    for row in coverage:
        if row.extent is not Extent.FULL and row.code != TRANCHE:
            how = "was not searched" if row.extent is Extent.NONE else "was searched in part only"
            found.append(f"{mask.place(row.system, row.collection)} {how}: {mask.text(row.reason)}")
    last = [effect for effect in effects if _is_last(effect, case)]
    kept = sum(
        effect.count for effect in last if effect.code == HELD or (_keeping(effect.item) and effect.state in (ResultState.KEPT, ResultState.DONE))
    )
    if kept:
        found.append(f"{kept} record(s) stay, in whole or in part, for the reasons listed under their system.")
    for state, words in _LEFT.items():
        count = sum(effect.count for effect in last if effect.state is state)
        if count:
            found.append(f"{count} record(s) {words}.")
    if stays:
        found.append(f"{stays} finding(s) stay by a named person's decision.")
    shells = sum(effect.count for effect in effects if effect.item.treatment is Treatment.ANONYMIZE and effect.state is ResultState.DONE)
    if shells:
        found.append(f"{shells} record(s) were de-identified in place; without a stored assessment that does not count as erased.")
    return tuple(found)


_LEFT = {
    ResultState.DRIFTED: "had changed since the plan and were left untouched; the fresh look found nothing of the person in them",
    ResultState.FAILED: "could not be changed",
    ResultState.ACCEPTED: "were accepted for deletion; the system has not carried it out yet",
}


def _claims(systems: Iterable[SystemStatement]) -> tuple[str, ...]:
    names = [entry.name for entry in systems]
    return (
        f"Every system listed ({len(names)}) was searched for the identifiers of the case before and after the effects, the second time afresh.",
        "Each effect listed was made under the approved plan whose digest stands here, and is recorded once in the ledger.",
        "After the last effect the fresh search found nothing of the person in what was searched, except what is listed as kept or as an exception.",
    )
