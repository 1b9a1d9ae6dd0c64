"""When it went wrong: what was lost, who must be told until when, and which certificate must not be relied on any more.

The engine opens an incident by itself where it sees that an effect was not what was approved, or where a later look finds what a certificate calls
erased. A person opens one when they learn that the wrong data went. Nothing is ever closed by itself.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from dsr_engine.certificate.statement import from_bytes
from dsr_engine.domain.case import Case
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.incident import Incident, IncidentKind, Risk, Told
from dsr_engine.domain.plan import ResultState
from dsr_engine.domain.policy import KEEPING
from dsr_engine.store.aftercare import root_of
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.masking import mask_of
from dsr_engine.workflow.staying_erased.suppressing import WRONG, leave_alone

ENGINE = "engine"
#: Why an incident may be closed.
CLOSINGS = ("restored", "told_and_mended", "no_loss", "risk_unlikely")
_GONE = frozenset({ResultState.DONE, ResultState.ABSENT_AFTER_INTERRUPTION, ResultState.ACCEPTED})


@dataclass(frozen=True, slots=True)
class Recovery:
    """A copy that may still hold what was lost: where, and until which day at the latest."""

    system: str
    what: str
    until: date


def open_incident(house: House, kind: IncidentKind, case_id: str, aware_at: datetime, by: str) -> Incident:
    """Opens an incident about what a case did, as a person learnt of it. Raises `InputWrong` for a moment that lies ahead."""
    if aware_at > house.clock.now():
        raise InputWrong("nobody can have become aware of it in the future", code="incident.aware", hint="name when somebody first knew of it")
    with house.store.transaction() as tx:
        case = tx.cases.get(case_id)
        person = tx.people.id_of(by)
        if kind is IncidentKind.WRONG_PERSON:
            _leave_alone(tx, house, case, person)
        return _opened(tx, house, case, kind, _effects_of(tx, case) if kind.is_breach else {}, aware_at=aware_at, by=person)


def _leave_alone(tx: Transaction, house: House, case: Case, by: str) -> None:
    """What is brought back of the wrong person from a backup must neither be erased again nor kept out of imports."""
    origins = tx.sequels.origins()
    root = root_of(origins, case.id)
    for entry in tx.cases.list():
        if root_of(origins, entry.id) == root:
            leave_alone(tx, house, entry.id, WRONG, by)


def report_lost(tx: Transaction, house: House, case: Case, lost: Mapping[str, int]) -> Incident | None:
    """The engine saw that records are gone or changed which the plan did not speak of. None where just that was reported before."""
    known = any(entry.kind is IncidentKind.OUTSIDE_PLAN and entry.lost == lost for entry in tx.incidents.of(case.id))
    return None if known else _opened(tx, house, case, IncidentKind.OUTSIDE_PLAN, lost)


def report_residue(tx: Transaction, house: House, case: Case, found: int, follow_up: str = "") -> Incident:
    """A later look found what the certificate of this case calls erased: it is withdrawn, and the person is owed the truth.

    `follow_up` is the case that erases what was found; its certificate supersedes the withdrawn one.
    """
    issued = tx.certificates.of(case.id)
    if issued is not None:
        withdraw(tx, house, issued.id, "residue")
        if follow_up:
            tx.withdrawals.replace(issued.id, follow_up)
    return _opened(tx, house, case, IncidentKind.RESIDUE, {"found again": found})


def withdraw(tx: Transaction, house: House, certificate: str, reason: str) -> None:
    """Withdraws a certificate: from now on a verifier that knows the ledger says so. May be repeated."""
    if tx.withdrawals.of(certificate) is None:
        tx.withdrawals.add(certificate, house.clock.now(), reason)
        tx.ledger.append(leaf(house.clock, "certificate.withdrawn", certificate, certificate=certificate, reason=reason))


def supersede(tx: Transaction, house: House, case: Case, by: str) -> None:
    """The certificate of this case, now issued as `by`, takes the place of the one that it was to replace, if there is one."""
    replaced = tx.withdrawals.replaced_by(case.id)
    if replaced is not None:
        tx.withdrawals.supersede(replaced, by)
        tx.ledger.append(leaf(house.clock, "certificate.superseded", replaced, certificate=replaced, by=by))


def judge_risk(house: House, incident_id: str, risk: Risk, by: str) -> Incident:
    """Records how a person judges the risk; it decides who must be told."""
    return _changed(house, incident_id, by, f"incident.risk_{risk.value}", lambda entry, _: replace(entry, risk=risk))


def record_told(house: House, incident_id: str, who: Told, at: datetime, by: str) -> Incident:
    """Records that somebody was told. Raises `InputWrong` for a moment that lies ahead, or before the controller knew itself."""

    def told(entry: Incident, _: str) -> Incident:
        if at > house.clock.now() or house.calendar.day_of(at) < house.calendar.day_of(entry.aware_at):
            raise InputWrong("that is not between becoming aware and now", code="incident.told", hint="name the day on which it was sent")
        return replace(entry, told={**entry.told, who: at})

    return _changed(house, incident_id, by, f"incident.told_{who.value}", told)


def close_incident(house: House, incident_id: str, closing: str, by: str) -> Incident:
    """Closes it. Raises `Conflict` while somebody still has to be told, or nobody judged the risk."""

    def closed(entry: Incident, person: str) -> Incident:
        if closing not in CLOSINGS:
            raise InputWrong(f"no such reason: {closing}", code="incident.closing", hint=f"one of {', '.join(CLOSINGS)}")
        if entry.kind.is_breach and entry.risk is Risk.NOT_JUDGED:
            raise Conflict("nobody judged the risk yet", code="incident.risk", hint=f"`dsr incident judge {entry.id} --risk …`")
        if entry.owed:
            who = " and ".join(told.value for told in entry.owed)
            raise Conflict(f"not told yet: {who}", code="incident.owed", hint=f"tell them, then `dsr incident told {entry.id} {entry.owed[0].value}`")
        return replace(entry, closed_at=house.clock.now(), closed_by=person, closing=closing)

    return _changed(house, incident_id, by, "incident.closed", closed)


def recoveries(house: House, incident: Incident) -> tuple[Recovery, ...]:
    """Which declared backups may still hold what was lost, the one that is gone first first: as long as they last it can be brought back."""
    if not incident.kind.is_breach:
        return ()
    named = {place.partition(".")[0] for place in incident.lost}
    today = house.calendar.day_of(house.clock.now())
    found = [
        Recovery(name, residual.what, until)
        for name in sorted(named & set(house.systems))
        for residual in house.systems[name].manifest.residuals
        if residual.gone_after is not None and (until := residual.gone_after.after(house.calendar.day_of(incident.opened_at))) >= today
    ]
    return tuple(sorted(found, key=lambda entry: (entry.until, entry.system, entry.what)))


def _opened(
    tx: Transaction, house: House, case: Case, kind: IncidentKind, lost: Mapping[str, int], *, aware_at: datetime | None = None, by: str = ENGINE
) -> Incident:
    now = house.clock.now()
    incident = Incident(secrets.token_hex(6), kind, case.id, aware_at or now, now, by, dict(lost))
    tx.incidents.put(incident)
    tx.ledger.append(leaf(house.clock, "incident.opened", incident.id, case=case.id, incident=incident.id, kind_of=kind.value, by=by))
    if kind.is_breach and (issued := tx.certificates.of(case.id)) is not None:
        withdraw(tx, house, issued.id, kind.value)
    return incident


def _changed(house: House, incident_id: str, by: str, kind: str, change: Callable[[Incident, str], Incident]) -> Incident:
    with house.store.transaction() as tx:
        person = tx.people.id_of(by)
        before = tx.incidents.get(incident_id)
        if before.closed_at is not None:
            raise Conflict("the incident is closed", code="incident.closed", hint="open a new one")
        after = change(before, person)
        tx.incidents.put(after)
        tx.ledger.append(leaf(house.clock, kind, f"{incident_id}:{secrets.token_hex(8)}", incident=incident_id, case=before.case, by=person))
    return after


def _effects_of(tx: Transaction, case: Case) -> dict[str, int]:
    """How many records the case changed or deleted, by place: where the wrong person was erased, that is what was lost.

    Told by its certificate where there is one: what a plan says is forgotten with the case.
    """
    issued = tx.certificates.of(case.id)
    counts: Counter[str] = Counter()
    if issued is not None:
        for system in from_bytes(issued.statement).systems:
            for row in system.done:
                counts[f"{system.name}.{row.get('collection', '')}"] += int(row.get("records", 0))
        return dict(sorted(counts.items()))
    mask = mask_of(tx, case)
    for number in range(1, case.round + 1):
        plan = tx.plans.of(case.id, number)
        items = {item.id: item for item in plan.items} if plan is not None else {}
        for result in tx.results.of(plan.id) if plan is not None else ():
            item = items[result.item]
            if result.state in _GONE and item.treatment not in KEEPING:
                counts[f"{item.system}.{mask.text(item.collection)}"] += 1
    return dict(sorted(counts.items()))
