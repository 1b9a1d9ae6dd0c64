"""Who had received data of a case: whom the law wants told, what certificates say of it, and what the person is told."""

import secrets
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time, timedelta

from dsr_engine.delivery.wording import filled, words_of
from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.plan import Plan, PlanItem, ResultState
from dsr_engine.domain.policy import KEEPING, Treatment
from dsr_engine.domain.recipient import ANY, REMINDERS, Awaits, Channel, Notice, NoticeState, Recipient, Touched, What, duty_of, received
from dsr_engine.domain.regime import Duty, Regime
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.errands import is_errand
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf

Row = Mapping[str, str]

#: The case's key lives so long after a notice was made while that is open, so that it can be sent again.
KEEP_TRYING = REMINDERS[-1] + timedelta(days=30)
#: The beginning of the names of dates that keep a case's key alive for an open notice.
FOLLOWUP = "recipient:"
#: Code of a notice whose mail lies in the outbox.
QUEUED = "queued"
_HAPPENED = frozenset({ResultState.DONE, ResultState.ALREADY_ABSENT, ResultState.ABSENT_AFTER_INTERRUPTION, ResultState.ACCEPTED})
_TOLD = frozenset({NoticeState.SENT, NoticeState.ACKNOWLEDGED, NoticeState.CONFIRMED})
_EXCUSED = frozenset({NoticeState.IMPOSSIBLE, NoticeState.DISPROPORTIONATE})


def make_notices(tx: Transaction, house: House, case: Case) -> None:
    """Makes a notice for every recipient that had received data which are gone or restricted now; each once however often it is called."""
    if not case.kind.is_of_a_person or not house.recipients:
        return
    touched = tuple(touched_by(tx, house, case))
    regimes = house.regimes_of(case)
    known = {notice.recipient for notice in tx.notices.of(case.id)}
    for recipient in house.recipients.values():
        what = received(recipient, touched)
        if what and recipient.name not in known:
            notice = _made(house, case, recipient, what, regimes)
            tx.notices.add(notice)
            facts = {"notice": notice.id, "recipient": notice.recipient, "role": notice.role.value, "state": notice.state.value}
            tx.ledger.append(leaf(house.clock, "notice.made", f"{notice.id}:made", case=case.id, **facts))
            keep_key(tx, notice)


def _made(house: House, case: Case, recipient: Recipient, what: tuple[What, ...], regimes: Iterable[Regime]) -> Notice:
    duty, law = duty_of(recipient.role, regimes)
    now = house.clock.now()
    answer_by = recipient.within.after(house.calendar.day_of(now))
    return Notice(
        id=str(uuid.uuid4()),
        case=case.id,
        recipient=recipient.name,
        title=recipient.title,
        role=recipient.role,
        channel=recipient.channel,
        awaits=recipient.awaits,
        duty=duty,
        law=law,
        what=",".join(what),
        state=NoticeState.NOT_REQUIRED if duty is Duty.NONE else NoticeState.PENDING,
        made_at=now,
        answer_by=datetime.combine(answer_by, time(), UTC),
    )


def touched_by(tx: Transaction, house: House, case: Case) -> Iterable[Touched]:
    """What was erased or restricted in the case, in all its rounds, by a driver or by a person."""
    for number in range(1, case.round + 1):
        plan = tx.plans.of(case.id, number)
        if plan is not None:
            yield from _by_plan(tx, house, plan)
    for task in tx.tasks.of(case.id):
        system = house.systems.get(task.system)
        if task.done_at is not None and system is not None and is_errand(system):
            yield Touched(task.system, ANY, (), What.ERASE)


def _by_plan(tx: Transaction, house: House, plan: Plan) -> Iterable[Touched]:
    happened = {result.item for result in tx.results.of(plan.id) if result.state in _HAPPENED}
    for item in plan.items:
        if item.id not in happened or item.effect is None or (item.treatment in KEEPING and item.treatment is not Treatment.RESTRICT):
            continue
        what = What.RESTRICT if item.treatment is Treatment.RESTRICT else What.ERASE
        yield Touched(item.system, item.collection, item.categories, what)
        for dependent in item.dependents:
            if dependent.on_delete == "cascade":
                yield Touched(item.system, dependent.collection, _categories(house, item, dependent.collection), What.ERASE)


def _categories(house: House, item: PlanItem, collection: str) -> tuple[str, ...]:
    """The categories that the connector knows in a collection of which nothing but a cascade took records."""
    system = house.systems.get(item.system)
    known = system.manifest.collection_named(collection) if system is not None else None
    return tuple(dict.fromkeys(entry.category for entry in known.fields if entry.category)) if known is not None else ()


def keep_key(tx: Transaction, notice: Notice) -> None:
    """Keeps the case's key alive while the notice is open, and no longer."""
    what = f"{FOLLOWUP}{notice.recipient}"
    if notice.is_open:
        tx.followups.put(notice.case, what, notice.made_at + KEEP_TRYING)
    else:
        tx.followups.drop(notice.case, what)


def is_followed_up(tx: Transaction, case_id: str, now: datetime) -> bool:
    """True while a notice of the case is open and may have to be sent again."""
    return any(entry.what.startswith(FOLLOWUP) and entry.due > now for entry in tx.followups.of(case_id))


def changed(tx: Transaction, house: House, before: Notice, after: Notice) -> None:
    """Writes the notice down; a new state is an entry of the ledger."""
    tx.notices.save(after)
    keep_key(tx, after)
    if (before.state, before.closed_at) != (after.state, after.closed_at):
        facts = {"notice": after.id, "recipient": after.recipient, "state": after.state.value, "by": after.decided_by}
        key = f"{after.id}:{secrets.token_hex(8)}"  # one transaction with the change itself: a second leaf for one change cannot be
        tx.ledger.append(leaf(house.clock, "notice.changed", key, case=after.case, closed=after.closed_at is not None, **facts))


# --- what certificates and people read ---------------------------------------------------------------------------------


def recipient_rows(tx: Transaction, case: Case) -> tuple[Row, ...]:
    """One row of a certificate for each recipient. It is named as in the register, which names organisations only."""
    return tuple(_row(notice) for notice in tx.notices.of(case.id))


def _row(notice: Notice) -> Row:
    row = {
        "recipient": notice.recipient,
        "role": notice.role.value,
        "state": STATES[notice.state],
        "sent": _day(notice.sent_at),
        "answered": _day(notice.answered_at),
        "told_by": CHANNELS[notice.channel],
        "law": notice.law,
        "reason": notice.reason if notice.state in _EXCUSED or notice.closed_at is not None else "",
        "evidence_sha256": notice.evidence,
    }
    return {key: value for key, value in row.items() if value}


def _day(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d") if moment is not None else ""


def recipients_unknown(house: House, case: Case) -> tuple[str, ...]:
    """What a certificate says where nobody is registered: silence would look as if there were no recipients."""
    if house.recipients or not case.kind.is_of_a_person:
        return ()
    return ("It does not state to whom the data had been passed on: no recipient is registered here, so nobody else was told.",)


def recipient_exceptions(tx: Transaction, case: Case) -> tuple[str, ...]:
    """A sentence for each recipient of which something is still open."""
    return tuple(f"{notice.recipient} had received the data: {missing(notice)}." for notice in tx.notices.of(case.id) if notice.is_open)


#: How a certificate and a table call the states: receipt and deletion never sound alike.
STATES: Mapping[NoticeState, str] = {
    NoticeState.PENDING: "not told yet",
    NoticeState.SENT: "told, no answer",
    NoticeState.ACKNOWLEDGED: "told, receipt acknowledged (no proof of deletion)",
    NoticeState.CONFIRMED: "told, confirmed as deleted by the recipient",
    NoticeState.FAILED: "could not be told",
    NoticeState.IMPOSSIBLE: "impossible to tell",
    NoticeState.DISPROPORTIONATE: "not told, disproportionate effort",
    NoticeState.NOT_REQUIRED: "no law of the case asks for a notice",
}
CHANNELS: Mapping[Channel, str] = {
    Channel.MAIL: "mail",
    Channel.WEBHOOK: "webhook",
    Channel.OPENDSR: "OpenDSR 2.0",
    Channel.IAB_DDR: "IAB DDR 1.0",
    Channel.MANUAL: "by a person",
}


def missing(notice: Notice) -> str:
    """What is missing from this recipient, in a few words."""
    met = f" ({notice.code})" if notice.code else ""
    match notice.state:
        case NoticeState.PENDING if notice.channel is Channel.MANUAL:
            return "a person has to tell it, and nobody said that it was done"
        case NoticeState.PENDING if notice.code == QUEUED:
            return "a mail to it is written and has not gone out yet (`dsr post send`, or `dsr worker` by itself)"
        case NoticeState.PENDING:
            return f"not told yet{met}"
        case NoticeState.FAILED:
            return f"could not be told{met}"
        case NoticeState.ACKNOWLEDGED:
            return "it acknowledged that the notice arrived, but has not confirmed the deletion"
        case _:
            awaited = "confirmed the deletion" if notice.awaits is Awaits.DELETION else "acknowledged the notice"
            return f"told on {_day(notice.sent_at)}, but it has not {awaited}"


def told(tx: Transaction, case: Case, house: House, language: str) -> str:
    """The sentence of a letter on who was told; empty where nothing is known: no register, or a case that has not come so far."""
    if not house.recipients or case.outcome is None or case.stage is not Stage.CLOSED or tx.certificates.of(case.id) is None:
        return ""
    try:
        words = words_of(language, house.settings.home)["told"]
    except InputWrong:
        return ""  # a home may have letters in a language in which nobody wrote this sentence: the officer says it
    concerned = [notice for notice in tx.notices.of(case.id) if notice.state is not NoticeState.NOT_REQUIRED]
    if not concerned:
        return str(words["nobody"])
    reached = sum(notice.state in _TOLD for notice in concerned)
    excused = sum(notice.state in _EXCUSED for notice in concerned)
    unreached = len(concerned) - reached - excused
    if not excused and not unreached:
        return filled(words["all"], {"count": str(reached)})
    sentence = filled(words["some"], {"count": str(len(concerned)), "told": str(reached)})
    parts = (filled(words[key], {"count": str(count)}) for key, count in (("open", unreached), ("except", excused)) if count)
    return sentence + "".join(parts)


def for_person(tx: Transaction, case: Case, house: House, language: str) -> tuple[str, ...]:
    """By name, who had received the data and whether they were told, for a person who asks (Art. 19 GDPR; CJEU C-154/21)."""
    words = words_of(language, house.settings.home)
    return tuple(f"{notice.title} ({words['roles'][notice.role.value]}): {words['states'][notice.state.value]}" for notice in tx.notices.of(case.id))
