"""Receipt of a request is confirmed soon, by a letter of the engine or by hand (11 CCR § 7021(a))."""

from dataclasses import replace
from datetime import date

from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.letter import LetterKind
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf

BY_HAND = "by_hand"


def acknowledge(house: House, case_id: str, on: date, by: str) -> None:
    """Records that receipt was confirmed outside of the engine on this day. Said again, it puts the day right.

    Raises `InputWrong` for a day that cannot be, `Conflict` for a case that is no request.
    """
    today = house.calendar.day_of(house.clock.now())
    with house.store.transaction() as tx:
        case = tx.cases.get(case_id)
        entry = tx.request_log.of(case_id)
        if entry is None:
            raise Conflict("the case has no row in the request log", code="log.none", hint="only requests have one, until their period is over")
        if not entry.received <= on <= today:
            message = f"the request arrived on {entry.received}, and today is {today}: {on} lies outside"
            raise InputWrong(message, code="acknowledgement.day", hint="name the day on which you confirmed receipt")
        tx.request_log.put(replace(entry, acknowledged=on))
        person = tx.people.id_of(by)
        key = f"{case.id}:{LetterKind.ACKNOWLEDGEMENT.value}:{tx.ledger.size()}"  # a corrected day is an entry of its own
        facts = {"letter": LetterKind.ACKNOWLEDGEMENT.value, "on": on.isoformat(), "way": BY_HAND}
        tx.ledger.append(leaf(house.clock, "letter.sent", key, case=case.id, by=person, **facts))
