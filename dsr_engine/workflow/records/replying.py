"""How requests end, as the request log keeps it: the decision, its grounds, the day of the answer, and which limits were met.

Erasure is carried out by the engine, and its decision is what the engine did. Other rights are answered by people: such a case stands at INTAKE until
somebody records the answer (`replied`), so nothing is ever searched or erased for it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time

from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.letter import LetterKind
from dsr_engine.domain.parcel import PostState
from dsr_engine.domain.policy import KEEPING
from dsr_engine.domain.request import Manner, Right
from dsr_engine.domain.request_log import DECISIONS, DENIALS, Decision, LogEntry, kept_until, last_days
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.forgetting import forget
from dsr_engine.workflow.house import House
from dsr_engine.workflow.law.standing import standings
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.records.logbook import LOGGED, first_entry

#: Letters that are the answer to a request.
_ANSWERS = (LetterKind.COMPLETION, LetterKind.PARTIAL, LetterKind.REFUSAL, LetterKind.CANNOT_IDENTIFY)
BY_HAND = "by_hand"
#: When the log row of a case ends, and with it what is left of the case: a date among the case's follow-ups.
LOG = "log"
#: Why a date of receipt was wrong.
RECEIPT_REASONS = ("arrived_elsewhere_first", "typing_error", "postmark", "sent_to_wrong_address", "out_of_hours")


def note_closed(tx: Transaction, house: House, case: Case, *, basis: Iterable[str] = ()) -> None:
    """Fills the row of a request that is closed, in the transaction that closes it; nothing for an open one or one that is no request."""
    if case.outcome is None or case.kind not in LOGGED:
        return
    entry = tx.request_log.of(case.id) or first_entry(house, case, Manner.NOT_RECORDED)
    day = house.calendar.day_of(case.closed_at or house.clock.now())
    issued = tx.certificates.of(case.id)
    entry = replace(
        entry,
        decision=DECISIONS[case.outcome],
        decided=day,
        basis=tuple(dict.fromkeys((*basis, *_unidentified(case), *_kept_under(tx, case)))),
        certificate=issued.id if issued is not None else "",
        limits=_limits(tx, house, (case,)).get(case.id, {}),
        keep_until=kept_until(day, entry.keep_months, to_year_end=entry.to_year_end),
    )
    tx.request_log.put(_with_letters(tx, house, entry))
    assert entry.keep_until is not None
    tx.followups.put(case.id, LOG, datetime.combine(entry.keep_until, time.max, house.calendar.zone))


def note_answers(tx: Transaction, house: House) -> None:
    """Takes the days on which acknowledgements and answers were sent from the outbox into the log."""
    for case in _told(tx):
        entry = tx.request_log.of(case)
        if entry is not None:
            tx.request_log.put(_with_letters(tx, house, entry))


def _told(tx: Transaction) -> tuple[str, ...]:
    """The cases with a letter that went out and that their row does not know of yet."""
    return tx.remains.told_of(f"letter:{LetterKind.ACKNOWLEDGEMENT.value}", [f"letter:{kind.value}" for kind in _ANSWERS])


def entries(tx: Transaction, house: House, start: date | None = None, end: date | None = None) -> tuple[LogEntry, ...]:
    """The rows of requests that were received in these days; those of open ones with the limits that run today."""
    return as_of_today(tx, house, tx.request_log.list(start, end))


def answered_by_now(tx: Transaction, house: House, kept: Sequence[LogEntry]) -> tuple[LogEntry, ...]:
    """The rows with letters that went out since the worker last entered them; what limits run for open ones is not looked up."""
    told = frozenset(_told(tx)) if kept else frozenset()
    return tuple(_with_letters(tx, house, entry) if entry.case in told else entry for entry in kept)


def as_of_today(tx: Transaction, house: House, kept: Sequence[LogEntry]) -> tuple[LogEntry, ...]:
    """The rows with letters that went out since the worker last entered them, and, of those that are open, with the limits that run today."""
    found = answered_by_now(tx, house, kept)
    running = tx.case_lists.those([entry.case for entry in found if entry.decision is None])
    limits = _limits(tx, house, running)
    return tuple(replace(entry, limits=limits.get(entry.case, {})) if entry.decision is None else entry for entry in found)


@dataclass(frozen=True, slots=True)
class Reply:
    """What somebody answered to a request, and when. `because` is a code: free text may name people."""

    decision: Decision
    on: date
    because: str = ""


def replied(house: House, case_id: str, reply: Reply, by: str) -> LogEntry:
    """Records the answer to a request. Closes a case about another right than erasure; of one about erasure it records the day of the answer only.

    Raises `InputWrong` for an answer that cannot be, `Conflict` for a case that is not ready for it.
    """
    with house.store.transaction() as tx:
        case = tx.cases.locked(case_id)
        entry = tx.request_log.of(case_id)
        if entry is None:
            raise Conflict("the case has no row in the request log", code="log.none", hint="only requests have one, until their period is over")
        _refuse_bad(house, case, entry, reply)
        person = tx.people.id_of(by)
        entry = _answered_later(case, entry, reply) if case.right is Right.ERASURE else _close(tx, house, case, reply)
        entry = replace(entry, answered=reply.on, answer=entry.answer or BY_HAND)
        tx.request_log.put(entry)
        facts = {"outcome": str(reply.decision), "on": reply.on.isoformat(), "reason": reply.because}
        key = f"{case_id}:answered:{tx.ledger.size()}"  # a correction is an entry of its own
        tx.ledger.append(leaf(house.clock, "case.answered", key, case=case_id, by=person, **facts))
    return entry


def correct_receipt(house: House, case_id: str, on: date, reason: str, by: str) -> None:
    """Moves the date of receipt of an open request, on which every limit depends; the ledger keeps both dates, the reason and who did it.

    Raises `InputWrong` for a reason or a day that cannot be, `Conflict` for a closed case.
    """
    if reason not in RECEIPT_REASONS:
        raise InputWrong(f"no such reason: {reason}", code="receipt.reason", hint=f"one of {', '.join(RECEIPT_REASONS)}")
    if on > house.calendar.day_of(house.clock.now()):
        raise InputWrong("the day of receipt lies in the future", code="receipt.future", hint="name the day on which the request arrived")
    with house.store.transaction() as tx:
        case = tx.cases.locked(case_id)
        if case.outcome is not None:
            raise Conflict("the case is closed: its limits were judged by the date that it had", code="case.closed")
        before = house.calendar.day_of(case.received_at or case.opened_at)
        person = tx.people.id_of(by)
        tx.cases.save(replace(case, received_at=datetime.combine(on, time(), house.calendar.zone)))
        entry = tx.request_log.of(case_id)
        if entry is not None:
            tx.request_log.put(replace(entry, received=on))
        key = f"{case_id}:received:{tx.ledger.size()}"
        facts = {"before": before.isoformat(), "now": on.isoformat(), "reason": reason}
        tx.ledger.append(leaf(house.clock, "case.received", key, case=case_id, by=person, **facts))


def _refuse_bad(house: House, case: Case, entry: LogEntry, reply: Reply) -> None:
    if reply.on > house.calendar.day_of(house.clock.now()):
        raise InputWrong("the answer lies in the future", code="answer.day", hint="send it first, then record the day on which it went out")
    if reply.on < entry.received:
        raise InputWrong(
            f"the answer of {reply.on} lies before the request of {entry.received}",
            code="answer.day",
            hint="mend the day of receipt with `dsr case received`, or name another day",
        )
    known = tuple(dict.fromkeys((*DENIALS, *(ground.name for regime in house.regimes_of(case) for ground in regime.grounds))))
    if reply.because and reply.because not in known:
        raise InputWrong(f"no such ground: {reply.because}", code="answer.because", hint=f"one of {', '.join(known)}")
    if reply.decision is not Decision.FULFILLED and not reply.because and case.right is not Right.ERASURE:
        raise InputWrong(f"{reply.decision.value} needs a ground", code="answer.because", hint=f"--because with one of {', '.join(known)}")
    if reply.decision is Decision.FULFILLED and reply.because:
        raise InputWrong("what was fulfilled needs no ground", code="answer.because", hint="leave --because out, or say `partly`")


def _answered_later(case: Case, entry: LogEntry, reply: Reply) -> LogEntry:
    if entry.decision is None:
        raise Conflict(
            "the engine has not carried out this erasure yet: only what was done can be answered",
            code="answer.early",
            hint=f"dsr case run {case.id}, or refuse it with `dsr case refuse`",
        )
    if reply.decision is not entry.decision:
        raise Conflict(
            f"the case ended as {entry.decision.value}, so that is what the person has to be told", code="answer.other", hint=entry.decision.value
        )
    return entry


def _close(tx: Transaction, house: House, case: Case, reply: Reply) -> LogEntry:
    """Closes a case that people answered, and forgets its identifiers."""
    if case.outcome is not None:
        raise Conflict("the case is closed already", code="case.closed")
    outcome = next(outcome for outcome, decision in DECISIONS.items() if decision is reply.decision)
    after = replace(case, stage=Stage.CLOSED, wait=None, outcome=outcome, closed_at=house.clock.now())
    tx.cases.save(after)
    note_closed(tx, house, after, basis=(reply.because,) if reply.because else ())
    forget(tx, house, case.id)
    entry = tx.request_log.of(case.id)
    assert entry is not None
    return entry


def _unidentified(case: Case) -> tuple[str, ...]:
    return (case.outcome.value,) if case.outcome is Outcome.CANNOT_IDENTIFY else ()


def _kept_under(tx: Transaction, case: Case) -> Iterable[str]:
    """The grounds on which the last plan lets something stay. None for a case whose plan was shredded: it had no effect."""
    plan = tx.plans.of(case.id, case.round) if case.outcome is Outcome.FULFILLED_WITH_EXCEPTIONS else None
    for item in plan.items if plan is not None else ():
        if item.treatment in KEEPING:
            yield from sorted({reason.because for reason in item.reasons if reason.treatment in KEEPING and reason.because})


def _limits(tx: Transaction, house: House, cases: Iterable[Case]) -> dict[str, dict[str, str]]:
    """The limits that ran for each of these cases until it was closed. Only erasure has one for erasing."""
    running = {case.id: replace(case, outcome=None) for case in cases}
    found = {}
    for case_id, due in standings(tx, house, running.values()).items():
        days = last_days(due.limits)
        found[case_id] = {limit: day for limit, day in days.items() if limit != "erase" or running[case_id].right is Right.ERASURE}
    return found


def _with_letters(tx: Transaction, house: House, entry: LogEntry) -> LogEntry:
    """The row with the days of the letters that were sent; what a person recorded stays."""
    sent = {
        posted.purpose.removeprefix("letter:"): house.calendar.day_of(posted.sent_at)
        for posted in reversed(tx.outbox.of(entry.case))
        if posted.sent_at is not None and posted.state in (PostState.SENT, PostState.BOUNCED) and posted.purpose.startswith("letter:")
    }
    if entry.acknowledged is None:
        entry = replace(entry, acknowledged=sent.get(LetterKind.ACKNOWLEDGEMENT.value))
    kind = next((kind.value for kind in _ANSWERS if kind.value in sent), "")
    if entry.answered is None and kind and entry.decision is not None:
        entry = replace(entry, answered=sent[kind], answer=kind)
    return entry
