"""What the page of a case shows: its story so far, as plain data. Places are masked, values are not there at all.

All of it is counted by the store without unsealing a finding, so that a case of a hundred thousand records is told as fast as one of three.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dsr_engine.domain.case import Case, CaseKind, Outcome, Stage
from dsr_engine.domain.errors import DsrError
from dsr_engine.domain.finding import Coverage, Extent
from dsr_engine.domain.request import Right
from dsr_engine.domain.request_log import LogEntry
from dsr_engine.store.transaction import Transaction
from dsr_engine.web.clicks import AGAIN, BY_ITSELF, Click, click_of
from dsr_engine.workflow.correcting.showing import ENDS, Stay, show_plan
from dsr_engine.workflow.discover import FOUND, VERIFIED
from dsr_engine.workflow.house import House
from dsr_engine.workflow.law.attention import Urgency, urgency
from dsr_engine.workflow.law.entitling import stated_grounds
from dsr_engine.workflow.law.passing import past_of
from dsr_engine.workflow.law.standing import standing
from dsr_engine.workflow.letters.letterbox import letter_rows, worries_of
from dsr_engine.workflow.masking import Mask, mask_of
from dsr_engine.workflow.report import case_row, coverage_row, due_row, unread_rows, verified_row
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
#: Every stage in a word or two, as lists show it.
STAGE_NAMES: Mapping[Stage, str] = {**{stage: name for stage, name, _ in STAGES}, Stage.PUBLISH: "Certificate is checked", Stage.CLOSED: "Closed"}
#: How a case may end without anything having been done in a system.
_WITHOUT_EFFECT = (Outcome.REFUSED, Outcome.WITHDRAWN, Outcome.CANNOT_IDENTIFY)
#: Stages that only a case of a person has.
_OF_A_PERSON = (Stage.VERIFY_IDENTITY, Stage.RESOLVE_IDENTITIES)
#: A plan of more batches is told on its own page only: it has to be unsealed to say what stays.
MOST_ITEMS = 500
#: Lines of what stays, on the page of a case; the plan has all of them.
_MOST_STAYS = 12
#: The certificate is checked in a stage of its own, which takes a moment: people are shown one step.
_ORDER = {**{stage: number for number, (stage, _, _) in enumerate(STAGES)}, Stage.PUBLISH: len(STAGES) - 1, Stage.CLOSED: len(STAGES)}


@dataclass(frozen=True, slots=True)
class StepMark:
    """One stage in the row of steps. `state` is `past`, `here`, `held` (it waits there) or empty for what is to come."""

    name: str
    about: str
    state: str


def steps_of(case: Case) -> tuple[StepMark, ...]:
    """The stages of the case with where it stands; none for a request that people answer, and for a case that ended without effect."""
    if case.right is not Right.ERASURE or case.outcome in _WITHOUT_EFFECT:
        return ()
    here = _ORDER[case.stage]
    marks = []
    for number, (stage, name, about) in enumerate(STAGES):
        if stage in _OF_A_PERSON and not case.kind.is_of_a_person:
            continue
        state = "past" if number < here else ""
        if number == here:
            state = "held" if case.wait is not None else "here"
        marks.append(StepMark(name, about, state))
    return tuple(marks)


@dataclass(frozen=True, slots=True)
class Short:
    """A plan in a few lines. `ends` are records by what becomes of them; `more` lines of what stays are on the plan's own page.

    `ends` is empty for a plan that is long or forgotten: then there are digest and round only. `is_idle`: it changes nothing, so nobody approves it.
    """

    digest: str
    round: int
    ends: tuple[tuple[str, int], ...] = ()
    affected: int = 0
    taken: int = 0
    stays: tuple[Stay, ...] = ()
    more: int = 0
    is_idle: bool = False


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
    entry = tx.request_log.of(case.id)
    return {
        **case_row(case),
        "stand": stand_of(case),
        "steps": steps_of(case),
        "due": due_row(tx, house, case),
        "tones": _tones(tx, house, case),
        **past_of(tx, house, case),
        "grounds": _grounds(tx, house, case),
        "verifications": _verifications(tx, case),
        "coverage": _by_system(coverage, findings),
        "gaps": [coverage_row(row, mask) for row in _gaps(coverage)],
        "unread": unread_rows(tx, case, FOUND, mask),
        "looked": _looked(coverage),
        "findings": findings,
        "found": sum(int(str(row["count"])) for row in findings),
        "categories": tx.case_lists.categories(case.id, case.round, FOUND),
        "undecided": tx.case_lists.undecided(case.id, case.round, FOUND) if case.stage is not Stage.CLOSED else 0,
        "plan": _plan(tx, house, case, mask),
        "end": _end(case, entry),
        "answered": entry.answered if entry is not None else None,
        "is_answerable": entry is not None and entry.answered is None and (case.right is not Right.ERASURE or entry.decision is not None),
        "is_of_a_person": case.kind.is_of_a_person,
        "is_asked": case.kind in (CaseKind.REQUEST, CaseKind.SUPERVISORY_ORDER),
        "approvals": _approvals(tx, case),
        "results": _results(tx, case, mask),
        "verified": _looked(tx.coverage.of(case.id, case.round, VERIFIED)),
        "verified_gaps": [coverage_row(row, mask) for row in _gaps(tx.coverage.of(case.id, case.round, VERIFIED))],
        "verified_unread": unread_rows(tx, case, VERIFIED, mask),
        "notices": tx.notices.of(case.id),
        "letters": letter_rows(tx, case.id),
        "messages": (len(tx.portal.kinds_of(case.id)), tx.portal.count_unread(case.id)),
        "worries": worries_of(tx, house, case.id),
        "tasks": tx.tasks.of(case.id),
        "papers": len(tx.verifications.shown(case.id)),
        "holds": [hold for hold in tx.holds.list() if hold.case == case.id],
        "incidents": tx.incidents.of(case.id),
        "certificate": issued if case.stage is Stage.CLOSED else None,
        "withdrawn": tx.withdrawals.of(issued.id) if issued is not None else None,
        "after": aftercare_report(tx, house, case),
        "followups": tx.followups.of(case.id),
        "opened_by": named(tx, case.opened_by),
        "order_due": tx.orders.due(case.id),
        "is_forgotten": tx.contacts.is_case_forgotten(case.id),
    }


def _plan(tx: Transaction, house: House, case: Case, mask: Mask) -> Short | None:
    """The case's last plan; None where there is none, or none any more."""
    known = tx.case_lists.plan_of(case.id)
    if known is None:
        return None
    short = Short(*known)
    if sum(share.total or 0 for share in tx.case_lists.changed(case.id, short.round)) > MOST_ITEMS:
        return short
    try:
        shown = show_plan(tx, house, case, mask)
    except DsrError:
        return short  # its key is destroyed already
    counts = shown.ends
    return replace(
        short,
        ends=tuple((end, counts[end]) for end in ENDS if counts[end]),
        affected=shown.affected,
        taken=shown.taken,
        stays=shown.stays[:_MOST_STAYS],
        more=max(0, len(shown.stays) - _MOST_STAYS),
        is_idle=shown.affected == 0,
    )


def _end(case: Case, entry: LogEntry | None) -> Row:
    """How a case ended that had no effect, and on which grounds; empty for every other."""
    if case.outcome is None or case.outcome not in _WITHOUT_EFFECT:
        return {}
    return {"outcome": case.outcome.value, "because": ", ".join(entry.basis) if entry is not None else ""}


def _tones(tx: Transaction, house: House, case: Case) -> dict[str, str]:
    """How near each limit is, as the tone of its day; nothing for one that is far, or that nobody can miss any more."""
    found = standing(tx, house, case)
    if found is None:
        return {}
    today = house.calendar.day_of(house.clock.now())
    words = {Urgency.OVERDUE: "wrong", Urgency.TODAY: "wrong", Urgency.SOON: "wait"}
    tones = {}
    for name in ("acknowledge", "erase", "answer"):
        day, last = found.limits.alarm_of(name), getattr(found.limits, name)
        if day is not None and last is not None:
            tones[name] = words.get(urgency(day, today, last), "")
    return tones


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
