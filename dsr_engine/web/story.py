"""What the page of a case shows: its story so far, as plain data. Places are masked, values are not there at all.

All of it is counted by the store without unsealing a finding, so that a case of a hundred thousand records is told as fast as one of three.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.finding import Confidence, Coverage, Extent
from dsr_engine.domain.request import Right
from dsr_engine.store.transaction import Transaction
from dsr_engine.web.clicks import AGAIN, BY_ITSELF, Click, click_of
from dsr_engine.workflow.discover import FOUND, VERIFIED
from dsr_engine.workflow.house import House
from dsr_engine.workflow.law.entitling import stated_grounds
from dsr_engine.workflow.law.passing import past_of
from dsr_engine.workflow.letters.letterbox import letter_rows, worries_of
from dsr_engine.workflow.masking import Mask, mask_of
from dsr_engine.workflow.report import case_row, coverage_row, due_row, verified_row
from dsr_engine.workflow.staying_erased.aftercare import aftercare_report
from dsr_engine.workflow.sweeps.tranche import TRANCHE

Row = dict[str, str | int | bool | None]
#: The stages in words, in their order, and what happens at each.
STAGES: tuple[tuple[Stage, str, str], ...] = (
    (Stage.INTAKE, "Received", "The request was taken in."),
    (Stage.VERIFY_IDENTITY, "Who asks", "It is found out whether the requester is the person."),
    (Stage.RESOLVE_IDENTITIES, "Known by", "The keys are collected by which systems know the person."),
    (Stage.DISCOVER, "Search", "Every system is searched, and each place says how far it was looked at."),
    (Stage.PLAN, "Plan", "The policy says of each record what is to happen to it, and why."),
    (Stage.APPROVE, "Approval", "Somebody else looks at the plan and approves exactly that."),
    (Stage.EXECUTE, "Effect", "The plan is carried out, in small batches."),
    (Stage.VERIFY_ABSENCE, "Fresh look", "Everything is looked for again, through new connections."),
    (Stage.NOTIFY, "Recipients", "Those who had received the data are told."),
    (Stage.CERTIFY, "Certificate", "What was done is signed, entered into the ledger and checked; then the case is closed."),
)
#: The certificate is checked in a stage of its own, which takes a moment: people are shown one step.
_ORDER = {**{stage: number for number, (stage, _, _) in enumerate(STAGES)}, Stage.PUBLISH: len(STAGES) - 1, Stage.CLOSED: len(STAGES)}


@dataclass(frozen=True, slots=True)
class StepMark:
    """One stage in the row of steps. `state` is `past`, `here`, `held` (it waits there) or empty for what is to come."""

    name: str
    about: str
    state: str


def steps_of(case: Case) -> tuple[StepMark, ...]:
    """The stages of the case with where it stands; none for a request that people answer."""
    if case.right is not Right.ERASURE:
        return ()
    is_ended = case.outcome in (Outcome.REFUSED, Outcome.WITHDRAWN, Outcome.CANNOT_IDENTIFY)
    here = _ORDER[case.stage]
    marks = []
    for number, (_, name, about) in enumerate(STAGES):
        state = "past" if number < here and not is_ended else ""
        if number == here:
            state = "held" if case.wait is not None else "here"
        marks.append(StepMark(name, about, state))
    return tuple(marks)


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a case stands, in a word and a tone; its wait with the next click."""

    word: str
    tone: str
    click: Click
    is_by_itself: bool
    can_run: bool


def stand_of(case: Case) -> Stand:
    """What a list or a page says of a case at first sight."""
    click = click_of(case)
    if case.stage is Stage.CLOSED:
        outcome = case.outcome.value if case.outcome else "closed"
        tone = {"fulfilled": "good", "fulfilled_with_exceptions": "wait"}.get(outcome, "quiet")
        return Stand(outcome, tone, click, is_by_itself=True, can_run=False)
    if case.wait is None:
        return Stand("at work", "info", click, is_by_itself=True, can_run=False)
    is_by_itself = case.wait.code in BY_ITSELF
    return Stand("waits" if is_by_itself else "waits for somebody", "wait", click, is_by_itself=is_by_itself, can_run=case.wait.code in AGAIN)


def story(tx: Transaction, house: House, case: Case) -> dict[str, object]:
    """Everything that the page of this case shows."""
    mask = mask_of(tx, case)
    issued = tx.certificates.of(case.id)
    coverage = tx.coverage.of(case.id, case.round, FOUND)
    findings = _findings(tx, case, mask)
    return {
        **case_row(case),
        "stand": stand_of(case),
        "steps": steps_of(case),
        "due": due_row(tx, house, case),
        **past_of(tx, house, case),
        "grounds": _grounds(tx, house, case),
        "verifications": _verifications(tx, case),
        "coverage": _by_system(coverage, findings),
        "gaps": [coverage_row(row, mask) for row in _gaps(coverage)],
        "looked": _looked(coverage),
        "findings": findings,
        "found": sum(int(str(row["count"])) for row in findings),
        "categories": tx.case_lists.categories(case.id, case.round, FOUND),
        "undecided": tx.case_lists.undecided(case.id, case.round, FOUND, Confidence.POSSIBLE) if case.stage is not Stage.CLOSED else 0,
        "plan": tx.case_lists.plan_of(case.id),
        "approvals": _approvals(tx, case),
        "results": _results(tx, case, mask),
        "verified": _looked(tx.coverage.of(case.id, case.round, VERIFIED)),
        "verified_gaps": [coverage_row(row, mask) for row in _gaps(tx.coverage.of(case.id, case.round, VERIFIED))],
        "notices": tx.notices.of(case.id),
        "letters": letter_rows(tx, case.id),
        "worries": worries_of(tx, house, case.id),
        "tasks": tx.tasks.of(case.id),
        "papers": len(tx.verifications.shown(case.id)),
        "incidents": tx.incidents.of(case.id),
        "certificate": issued,
        "withdrawn": tx.withdrawals.of(issued.id) if issued is not None else None,
        "after": aftercare_report(tx, house, case),
        "followups": tx.followups.of(case.id),
        "opened_by": named(tx, case.opened_by),
        "order_due": tx.orders.due(case.id),
        "is_forgotten": tx.contacts.is_case_forgotten(case.id),
    }


def named(tx: Transaction, person_id: str) -> str:
    """Who that is; the random id where the name was forgotten, and nothing for nobody."""
    return (tx.people.name_of(person_id) or person_id) if person_id else ""


def _verifications(tx: Transaction, case: Case) -> list[Row]:
    return [{**verified_row(entry), "by": named(tx, entry.by)} for entry in tx.verifications.of(case.id)]


def _grounds(tx: Transaction, house: House, case: Case) -> list[Row]:
    return [{**row, "by": named(tx, row["by"])} for row in stated_grounds(tx, house, case)]


def _approvals(tx: Transaction, case: Case) -> list[Row]:
    found = tx.approvals.of(case.id)
    return [{"by": named(tx, entry.by), "manner": entry.manner, "at": entry.at.isoformat(), "digest": entry.plan_digest[:16]} for entry in found]


def _findings(tx: Transaction, case: Case, mask: Mask) -> list[Row]:
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for (system, collection, match, confidence), count in tx.findings.counts(case.id, case.round, FOUND).items():
        counts[system, mask.text(collection), match.value, confidence.value] += count
    return [
        {"system": system, "collection": collection, "match": match, "confidence": confidence, "count": count}
        for (system, collection, match, confidence), count in sorted(counts.items())
    ]


def _results(tx: Transaction, case: Case, mask: Mask) -> list[Row]:
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for (system, collection, treatment, state), count in tx.case_lists.ends(case.id, case.round).items():
        counts[system, mask.text(collection), treatment, state] += count
    return [
        {"system": system, "collection": collection, "treatment": treatment, "state": state, "count": count}
        for (system, collection, treatment, state), count in sorted(counts.items())
    ]


def _gaps(rows: Sequence[Coverage]) -> Iterator[Coverage]:
    """What was not looked at in full though it should have been; what another tranche looks at is no gap of this one."""
    return (row for row in rows if row.extent is not Extent.FULL and row.code != TRANCHE)


def _looked(rows: Sequence[Coverage]) -> tuple[int, int]:
    """How many collections were looked at in full, and how many there are."""
    mine = [row for row in rows if row.code != TRANCHE]
    return sum(row.extent is Extent.FULL for row in mine), len(mine)


def _by_system(rows: Sequence[Coverage], findings: Sequence[Row]) -> list[dict[str, object]]:
    """One entry for each system: how far it was looked at, and what was found where."""
    systems = dict.fromkeys([*(row.system for row in rows), *(str(row["system"]) for row in findings)])
    return [
        {
            "system": system,
            "full": sum(row.extent is Extent.FULL for row in rows if row.system == system and row.code != TRANCHE),
            "all": sum(row.code != TRANCHE for row in rows if row.system == system),
            "found": [row for row in findings if row["system"] == system],
            "count": sum(int(str(row["count"])) for row in findings if row["system"] == system),
        }
        for system in systems
    ]
