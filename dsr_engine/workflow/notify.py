"""Tells everybody who had received the data (GDPR Art. 19, 17(2), 28; 11 CCR § 7022(b), (c)), and waits for them; never so long that the person's own
answer would be late. What is open then stands on the certificate by name, and is followed up after the case is closed (`dsr worker`).
"""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from dsr_engine.domain.case import Case, Stage, Wait
from dsr_engine.domain.errors import Conflict
from dsr_engine.domain.recipient import REMINDERS, Notice
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.law.standing import standing
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.notices.recipients import make_notices, missing
from dsr_engine.workflow.notices.telling import attend_notices, is_due, next_moment
from dsr_engine.workflow.step import Advance, Stand, Step
from dsr_engine.workflow.turn import Turn

OPEN = "recipients_open"
#: So many days before the answer to the person is due the case goes on, whoever is silent: letters have to be written and posted.
SPARE = timedelta(days=3)
#: So long a case waits for which no limit runs: until the last reminder has had a week.
PATIENCE = REMINDERS[-1] + timedelta(days=7)


def notify(case: Case, turn: Turn, house: House) -> Step:
    """Goes on to the certificate when every recipient is told and did what is awaited of it, or when the time for waiting is over."""
    with turn.transaction() as tx:
        make_notices(tx, house, case)
    notices = attend_notices(case, house, turn.transaction)
    waited_for = [notice for notice in notices if notice.is_open and notice.closed_at is None]
    with turn.transaction() as tx:
        last = _last_moment(tx, case, house, notices)
    if waited_for and house.clock.now() < last:
        return Stand(_wait(case, waited_for, last, house))
    still_open = [notice.recipient for notice in notices if notice.is_open]

    def write(tx: Transaction) -> None:
        if still_open:
            tx.ledger.append(leaf(house.clock, "recipients.open", f"{case.id}:{case.round}:recipients", case=case.id, recipients=still_open))

    return Advance(Stage.CERTIFY, write)


def _last_moment(tx: Transaction, case: Case, house: House, notices: tuple[Notice, ...]) -> datetime:
    """When waiting ends: some days before the answer to the person is due, and anyway when the last reminder was of no use."""
    patience = max((notice.made_at for notice in notices), default=house.clock.now()) + PATIENCE
    found = standing(tx, house, case)
    if found is None:
        return patience
    day = found.limits.answer - SPARE
    return min(patience, datetime.combine(day, time(), house.calendar.zone).astimezone(UTC))


def _wait(case: Case, notices: list[Notice], last: datetime, house: House) -> Wait:
    named = "; ".join(f"{notice.recipient}: {missing(notice)}" for notice in notices)
    moments = [moment for notice in notices if (moment := next_moment(notice)) is not None]
    needs = (
        f"each says so, or somebody does for it: `dsr recipients show {case.id}`; on {last.date()} the case goes on without them "
        f"(earlier: `dsr recipients close {case.id}`)"
    )
    return Wait(OPEN, f"{len(notices)} recipient(s) of the data are open: {named}", needs, house.clock.now(), min([last, *moments]))


def follow_up_recipients(house: House) -> Iterator[str]:
    """What is due for closed cases whose recipients did not all answer: tells, asks and reminds. For `dsr worker`."""
    now = house.clock.now()
    with house.store.snapshot() as tx:
        cases = [tx.cases.get(case_id) for case_id in tx.notices.cases_with_work(now)]
        waiting = [case for case in cases if case.stage is Stage.CLOSED and any(is_due(notice, now) for notice in tx.notices.of(case.id))]
    for case in waiting:
        yield from _followed_up(case, house)


def _followed_up(case: Case, house: House) -> Iterator[str]:
    with house.store.snapshot() as tx:
        before = {notice.recipient: notice for notice in tx.notices.of(case.id)}
    try:
        with Turn.take(house.store, case.id, f"recipients-{secrets.token_hex(6)}") as turn:
            after = attend_notices(case, house, turn.transaction)
    except Conflict as error:
        if error.code == "case.busy":
            return
        raise
    for notice in after:
        if notice.state is not before[notice.recipient].state:
            yield f"case {case.id}: recipient {notice.recipient} is {notice.state.value}"
