"""What a person should look at next: open cases by how near their limits are, each with why it stands still and what ends that.

Escalation is before, at and after each limit: `soon` a week ahead, `today`, `overdue`. Erasing "without undue delay" and answering are two limits,
and each has its own alarm.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.deadline import Deadlines
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.deadlines import due
from dsr_engine.workflow.extending import is_extended
from dsr_engine.workflow.house import House

#: How long before a limit it is called near.
AHEAD = timedelta(days=7)
#: Stages in which nothing was erased yet.
_BEFORE_ERASURE = (Stage.INTAKE, Stage.VERIFY_IDENTITY, Stage.RESOLVE_IDENTITIES, Stage.DISCOVER, Stage.PLAN, Stage.APPROVE, Stage.EXECUTE)


class Urgency(StrEnum):
    OVERDUE = "overdue"
    TODAY = "today"
    SOON = "soon"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One limit of one case: `limit` is `answer` or `erase`, `day` its last day. The wait of the case says what is needed."""

    case: Case
    limit: str
    day: date
    urgency: Urgency


def alarms(tx: Transaction, house: House) -> tuple[Alarm, ...]:
    """One alarm for each open request, that of its most urgent limit; the most urgent first. Cases without a limit have none."""
    today = house.calendar.day_of(house.clock.now())
    found = []
    for case in tx.cases.list(open_only=True):
        standing = due(case, house.regimes_of(case), house.calendar, today, extended=is_extended(tx.approvals.of(case.id)))
        if standing is not None:
            day, limit = min(_running(case, standing.limits))
            found.append(Alarm(case, limit, day, urgency(day, today)))
    return tuple(sorted(found, key=lambda alarm: (alarm.day, alarm.case.id)))


def urgency(day: date, today: date) -> Urgency:
    """How near the last day of a limit is."""
    if day < today:
        return Urgency.OVERDUE
    if day == today:
        return Urgency.TODAY
    return Urgency.SOON if day - today <= AHEAD else Urgency.LATER


def _running(case: Case, limits: Deadlines) -> Iterator[tuple[date, str]]:
    yield limits.answer, "answer"
    if case.stage in _BEFORE_ERASURE:
        yield limits.erase, "erase"
