"""An appeal to the controller itself against a refusal, with a clock of its own (Va. Code § 59.1-577(C) and its sisters, DPA 2018 s. 164A).

Refusing a case forgets its identifiers. So a granted appeal opens a new case, with what the person gives again, that names the old one.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import date, datetime, time

from dsr_engine.domain.case import Case, Outcome
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.regime import Appeal
from dsr_engine.store.appeals import Appealed, Decision
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import Request, drafted, opened
from dsr_engine.workflow.leaves import leaf

#: What somebody can appeal against: what was not done, in whole or in part.
_APPEALABLE = (Outcome.REFUSED, Outcome.FULFILLED_WITH_EXCEPTIONS)


@dataclass(frozen=True, slots=True)
class AppealDue:
    """When an appeal has to be answered, and which regime says so. `authority` is to whom the person may turn after it."""

    day: date
    set_by: str
    authority: str


def appeal(house: House, case_id: str, received: date, by: str) -> tuple[AppealDue, str]:
    """Records an appeal; gives when it is due, and a remark where it came after the time that a regime leaves for it (else empty).

    Raises `InputWrong` where no regime of the case has an appeal, `Conflict` for a case that was not refused or has an open appeal.
    """
    today = house.calendar.day_of(house.clock.now())
    with house.store.transaction() as tx:
        case = tx.cases.locked(case_id)
        found = _appeals_of(house, case)
        _refuse_bad(house, tx, case, received, today)
        if not found:
            hint = "the person turns to the authority or to a court; if you were wrong, open a new case"
            raise InputWrong(f"{', '.join(case.regimes)} knows no appeal to the controller", code="appeal.unknown", hint=hint)
        person = tx.people.id_of(by)
        entry = Appealed(secrets.token_hex(8), case_id, received, person, house.clock.now())
        tx.appeals.add(entry.id, case_id, received, person, entry.at)
        tx.ledger.append(leaf(house.clock, "appeal.received", entry.id, case=case_id, appeal=entry.id, received=received.isoformat(), by=person))
        _note(tx, case, "open")
    due = appeal_due(house, case, entry)
    assert due is not None
    return due, _remark(house, case, received, found)


def appeal_due(house: House, case: Case, entry: Appealed) -> AppealDue | None:
    """When this appeal is due: the earliest of the regimes that know one. Where it was extended, of those that know an extension."""
    days = []
    for name, terms in _appeals_of(house, case):
        limit = terms.extended if entry.extended_on and terms.extended else terms.answer
        days.append(AppealDue(limit.last_day(entry.received, house.calendar), name, terms.authority))
    return min(days, key=lambda due: due.day, default=None)


def extend_appeal(house: House, case_id: str, notified: date, by: str) -> AppealDue:
    """Records that the answer to an appeal takes longer and that the person was told so on the day `notified`.

    Raises `InputWrong` where a regime knows no such extension or the notice came too late, `Conflict` where there is no open appeal.
    """
    today = house.calendar.day_of(house.clock.now())
    with house.store.transaction() as tx:
        case = tx.cases.locked(case_id)
        entry = _open(tx, case_id)
        rigid = [name for name, terms in _appeals_of(house, case) if terms.extended is None]
        due = appeal_due(house, case, entry)
        assert due is not None
        if rigid:
            raise InputWrong(f"{', '.join(rigid)} knows no extension of an appeal", code="extension.unknown", hint=f"answer it by {due.day}")
        if entry.extended_on is not None:
            raise Conflict("the appeal is extended already, and that is possible once", code="extension.twice")
        if not entry.received <= notified <= min(today, due.day):
            message = f"the notice of {notified} does not lie between the appeal of {entry.received} and its limit of {due.day}, up to today"
            raise InputWrong(message, code="extension.late", hint="answer the appeal at once, and say why it is late")
        person = tx.people.id_of(by)
        tx.appeals.extend(entry.id, notified)
        tx.ledger.append(leaf(house.clock, "appeal.extended", entry.id, case=case_id, appeal=entry.id, notified=notified.isoformat(), by=person))
    after = appeal_due(house, case, replace(entry, extended_on=notified))
    assert after is not None
    return after


def deny_appeal(house: House, case_id: str, on: date, by: str) -> AppealDue:
    """Records that the appeal was denied and the person told so on this day. Gives when it was due. Raises `Conflict` where there is none."""
    with house.store.transaction() as tx:
        case = tx.cases.locked(case_id)
        entry = _open(tx, case_id)
        return _decide(tx, house, case, entry, Decision.DENIED, on, tx.people.id_of(by), "")


def grant_appeal(house: House, case_id: str, request: Request, on: date) -> tuple[Case, AppealDue]:
    """Grants the appeal: opens a new case for what the person asks again, counted from the day of the appeal. Gives it, and when it was due.

    Raises `Conflict` where there is no open appeal, `InputWrong` for a request that cannot be worked on.
    """
    with house.store.snapshot() as tx:
        case = tx.cases.get(case_id)
        entry = _open(tx, case_id)
    received = datetime.combine(entry.received, time(12), house.calendar.zone)
    request = replace(request, regimes=case.regimes, received_at=received, right=case.right)
    draft = drafted(house, request)
    with house.store.transaction() as tx:
        entry = _open(tx, case_id)
        person = tx.people.id_of(request.opened_by)
        made = opened(tx, house, replace(draft, opened_by=person), request)
        return made, _decide(tx, house, case, entry, Decision.GRANTED, on, person, made.id)


def _decide(tx: Transaction, house: House, case: Case, entry: Appealed, decision: Decision, on: date, person: str, new_case: str) -> AppealDue:
    due = appeal_due(house, case, entry)
    assert due is not None
    if not entry.received <= on <= house.calendar.day_of(house.clock.now()):
        raise InputWrong(f"the appeal came on {entry.received}: {on} cannot be the day of its answer", code="appeal.day")
    late = max(0, (on - due.day).days)
    tx.appeals.decide(entry.id, decision, on, person, new_case)
    facts = {"decision": decision.value, "on": on.isoformat(), "late_days": late, "new_case": new_case}
    tx.ledger.append(leaf(house.clock, "appeal.decided", entry.id, case=case.id, appeal=entry.id, by=person, **facts))
    _note(tx, case, decision.value)
    return due


def _appeals_of(house: House, case: Case) -> tuple[tuple[str, Appeal], ...]:
    return tuple((regime.name, regime.appeal) for regime in house.regimes_of(case) if regime.appeal is not None)


def _open(tx: Transaction, case_id: str) -> Appealed:
    found = next((entry for entry in tx.appeals.of(case_id) if entry.decision is None), None)
    if found is None:
        raise Conflict("the case has no open appeal", code="appeal.none", hint=f"`dsr case appeal {case_id} --received DATE` records one")
    return found


def _refuse_bad(house: House, tx: Transaction, case: Case, received: date, today: date) -> None:
    if case.outcome not in _APPEALABLE or case.closed_at is None:
        raise Conflict("only a request that was refused, in whole or in part, can be appealed against", code="appeal.outcome")
    refused = house.calendar.day_of(case.closed_at)
    if not refused <= received <= today:
        message = f"the case was closed on {refused}, and today is {today}: {received} lies outside"
        raise InputWrong(message, code="appeal.day", hint="name the day on which the appeal arrived")
    if any(entry.decision is None for entry in tx.appeals.of(case.id)):
        hint = f"decide it: `dsr case grant-appeal {case.id} …` or `dsr case deny-appeal {case.id} …`"
        raise Conflict("the case has an open appeal already", code="appeal.open", hint=hint)


def _remark(house: House, case: Case, received: date, found: tuple[tuple[str, Appeal], ...]) -> str:
    """Says where an appeal came later than a regime leaves time for; it is recorded all the same."""
    assert case.closed_at is not None
    refused = house.calendar.day_of(case.closed_at)
    ends = [(terms.window.last_day(refused, house.calendar), name) for name, terms in found if terms.window is not None]
    late = [f"{name} leaves time until {day}" for day, name in ends if received > day]
    return f"it came late: {', '.join(late)}; you need not grant it for that reason, and you have to answer it" if late else ""


def _note(tx: Transaction, case: Case, state: str) -> None:
    """What became of appeals belongs into the request log (4 CCR 904-3, Rule 6.11)."""
    entry = tx.request_log.of(case.id)
    if entry is not None:
        tx.request_log.put(replace(entry, appeal=state))
