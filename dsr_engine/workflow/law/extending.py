"""An extension is a decision: a person makes it, for a reason that the law knows, and the requester is told before the first limit is over.

Nothing is ever extended by itself (GDPR Art. 12(3), 11 CCR § 7021(b)). A refusal is not moved by it where the regime says so (GDPR Art. 12(4)).
"""

from datetime import date

from dsr_engine.domain.case import Case
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.law.standing import EXTENDED, is_extended, standing
from dsr_engine.workflow.leaves import leaf

#: Why an answer may take longer: Art. 12(3) GDPR takes account of both, California of either.
REASONS = ("complexity", "number_of_requests", "complexity_and_number")


def extend(house: House, case_id: str, reason: str, notified: date, by: str) -> None:
    """Records that the limit is extended and that the requester was told so, with the reason, on the day `notified`.

    Raises `InputWrong` where the regime knows no extension or the notice was not sent in time, `Conflict` for a case that is closed or was extended.
    """
    today = house.calendar.day_of(house.clock.now())
    with house.store.transaction() as tx:
        case = tx.cases.locked(case_id)
        _refuse(house, tx, case, reason, notified, today)
        person = tx.people.id_of(by)
        tx.approvals.add(case_id, reason, person, house.clock.now(), EXTENDED)
        tx.ledger.append(
            leaf(house.clock, "case.extended", f"{case_id}:extended", case=case_id, reason=reason, notified=notified.isoformat(), by=person)
        )


def _refuse(house: House, tx: Transaction, case: Case, reason: str, notified: date, today: date) -> None:
    regimes = [regime for regime in house.regimes_of(case) if regime.clocks is not None]
    if reason not in REASONS:
        raise InputWrong(f"no such reason: {reason}", code="extension.reason", hint=f"one of {', '.join(REASONS)}")
    rigid = [regime.name for regime in regimes if regime.clocks is not None and regime.clocks.for_right(case.right).extended is None]
    if rigid or not regimes:
        who = ", ".join(rigid) or "no regime of the case"
        raise InputWrong(f"{who} knows no extension", code="extension.unknown", hint="answer within the first limit")
    if case.outcome is not None:
        raise Conflict("the case is closed", code="case.closed")
    if is_extended(tx.approvals.of(case.id)):
        raise Conflict("the case is extended already, and that is possible once", code="extension.twice")
    stood = standing(tx, house, case)
    if stood is None:
        raise InputWrong("no limit runs for this case", code="extension.unknown", hint="only requests have limits")
    first = stood.limits.answer
    if notified > today:
        raise InputWrong("the notice lies in the future", code="extension.notice", hint="send it first, then record the day on which it went out")
    if notified > first:
        raise InputWrong(
            f"the notice of {notified} came after the first limit of {first}: the answer is overdue",
            code="extension.late",
            hint="answer at once, and say why it is late",
        )
