"""What a person should look at next: open cases by how near their limits are, each with why it stands still and what ends that.

Escalation is before, at and after each limit: `soon` a week ahead, `today`, `overdue`. Confirming receipt, erasing "without undue delay", refusing
and answering are limits of their own, and each has its own alarm; so has an appeal, and a question that nobody answers.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from dsr_engine.domain.case import Case, CaseKind, Stage
from dsr_engine.domain.letter import LetterKind
from dsr_engine.domain.parcel import PostState
from dsr_engine.domain.request import Manner, Right
from dsr_engine.store.pauses import Paused
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.law.appealing import appeal_due
from dsr_engine.workflow.law.deadlines import Due
from dsr_engine.workflow.law.standing import EXTENDED, standings

#: How long before a limit it is called near.
AHEAD = timedelta(days=7)
#: A question that the person has not answered for so long wants a decision: ask again, go on without, or close the case.
PATIENCE = timedelta(days=30)
#: Stages in which nothing was erased yet.
_BEFORE_ERASURE = (Stage.INTAKE, Stage.VERIFY_IDENTITY, Stage.RESOLVE_IDENTITIES, Stage.DISCOVER, Stage.PLAN, Stage.APPROVE, Stage.EXECUTE)
_ACKNOWLEDGEMENT = f"letter:{LetterKind.ACKNOWLEDGEMENT.value}"


class Urgency(StrEnum):
    OVERDUE = "overdue"
    TODAY = "today"
    SOON = "soon"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One limit of one case: `limit` is `answer`, `erase`, `acknowledge`, `refusal`, `question`, `appeal` or `order`. `day` is when it goes off.

    `last` is the limit's last day, which may lie later (UK: one day). `set_by` is the regime whose limit it is; empty where none sets it.
    """

    case: Case
    limit: str
    day: date
    urgency: Urgency
    last: date
    set_by: str = ""

    @property
    def needs(self) -> str:
        """What ends it, in one sentence."""
        id_, wait = self.case.id, self.case.wait
        match self.limit:
            case "acknowledge":
                return f"confirm receipt: `dsr letter {id_} acknowledgement`, or `dsr case acknowledge {id_} --on DATE`"
            case "question":
                return f"ask the requester again, go on without (`dsr case unpause {id_} --on DATE`), or close the case"
            case "appeal":
                return f"`dsr case grant-appeal {id_} …` or `dsr case deny-appeal {id_} --on DATE`"
            case "refusal":
                return f"the answer was extended, saying no was not: `dsr case refuse {id_} …` by then, if you mean to"
            case _:
                return wait.needs if wait else f"dsr case run {id_}"


def alarms(tx: Transaction, house: House) -> tuple[Alarm, ...]:
    """Every limit of an open request that is near or over, and of a case without one the limit that comes next; every open appeal and order.

    The most urgent first. Cases without a limit have none.
    """
    found = [alarm for entries in _by_case(tx, house).values() for alarm in _pressing(entries)]
    return tuple(sorted((*found, *_appeals(tx, house), *_orders(tx, house)), key=lambda alarm: (alarm.day, alarm.case.id, alarm.limit)))


def _pressing(of_one: tuple[Alarm, ...]) -> tuple[Alarm, ...]:
    """An overdue confirmation of receipt must not hide that the answer is due tomorrow, so a case may have several."""
    near = tuple(alarm for alarm in of_one if alarm.urgency is not Urgency.LATER)
    return near or (min(of_one, key=lambda alarm: alarm.day),)


def urgency(day: date, today: date, last: date | None = None) -> Urgency:
    """How near a limit is whose alarm goes off on `day`; it is overdue once its last day is over (the day itself if left out)."""
    if (last or day) < today:
        return Urgency.OVERDUE
    if day <= today:
        return Urgency.TODAY
    return Urgency.SOON if day - today <= AHEAD else Urgency.LATER


def is_acknowledged(tx: Transaction, case: Case) -> bool:
    """True if the requester was told that the request arrived: by a letter that was sent, or as somebody recorded by hand."""
    entry = tx.request_log.of(case.id)
    if entry is not None and (entry.acknowledged is not None or entry.manner is Manner.DROP):  # the platform confirmed it to the consumer
        return True
    return any(posted.purpose == _ACKNOWLEDGEMENT and posted.state is PostState.SENT for posted in tx.outbox.of(case.id))


def _by_case(tx: Transaction, house: House) -> Mapping[str, tuple[Alarm, ...]]:
    today = house.calendar.day_of(house.clock.now())
    cases = tx.cases.list(open_only=True)
    stood = standings(tx, house, cases)
    stops = tx.pauses.of_all(list(stood))
    known = _Known(
        tx.request_log.acknowledged(Manner.DROP) | tx.outbox.cases(_ACKNOWLEDGEMENT, PostState.SENT),
        tx.approvals.cases(EXTENDED),
    )
    return {case.id: tuple(_of_case(known, case, stood[case.id], stops.get(case.id, ()), today)) for case in cases if case.id in stood}


@dataclass(frozen=True, slots=True)
class _Known:
    """What was done for whom, asked once for all open cases: there may be thousands."""

    acknowledged: frozenset[str]
    extended: frozenset[str]


def _of_case(known: _Known, case: Case, due: Due, stops: tuple[Paused, ...], today: date) -> Iterator[Alarm]:
    for limit in _running(known, case, due, today):
        last: date | None = getattr(due.limits, limit)
        day = due.limits.alarm_of(limit)
        if last is not None and day is not None:
            yield Alarm(case, limit, day, urgency(day, today, last), last, due.limits.set_by.get(limit, ""))
    for paused in stops:
        if paused.stop.ended is None:
            day = paused.stop.asked + PATIENCE
            yield Alarm(case, "question", day, urgency(day, today), day)


def _running(known: _Known, case: Case, due: Due, today: date) -> Iterator[str]:
    yield "answer"
    before = case.stage in _BEFORE_ERASURE
    if before and case.right is Right.ERASURE:
        yield "erase"
    if case.id not in known.acknowledged:
        yield "acknowledge"
    if before and today <= due.limits.refusal < due.limits.answer and case.id in known.extended:
        # The answer has more time now, saying no may have not. Once that day is over nothing can be done about it, so the alarm ends.
        yield "refusal"


def _appeals(tx: Transaction, house: House) -> Iterator[Alarm]:
    today = house.calendar.day_of(house.clock.now())
    for entry in tx.appeals.open():
        case = tx.cases.get(entry.case)
        found = appeal_due(house, case, entry)
        if found is not None:
            yield Alarm(case, "appeal", found.day, urgency(found.day, today), found.day, found.set_by)


def _orders(tx: Transaction, house: House) -> Iterator[Alarm]:
    """Orders of authorities have the day that the authority set, and no other limit."""
    today = house.calendar.day_of(house.clock.now())
    for case in tx.cases.list(open_only=True, kind=CaseKind.SUPERVISORY_ORDER):
        day = tx.orders.due(case.id)
        if day is not None:
            yield Alarm(case, "order", day, urgency(day, today), day)
