"""What the engine itself holds of people, and how it is asked to let go of it before its time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from dsr_engine.domain.case import Case
from dsr_engine.domain.commitment import canonical
from dsr_engine.domain.errors import Conflict, DsrError, InputWrong
from dsr_engine.domain.own_data import KINDS, OwnKind
from dsr_engine.domain.period import Period, PeriodUnit
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.forgetting import forget
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import Claim
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.publish import FORGET
from dsr_engine.workflow.records.replying import LOG

#: How long after their last act the name of an officer whom no row names any more is kept: as long as most request logs.
OFFICERS = Period(36, PeriodUnit.MONTHS)
#: What keeps a requester's identifiers although somebody wants them gone.
_NEEDED = ("incident_open", "legal_hold", "appeal_open", "data_kept", "backup")


@dataclass(frozen=True, slots=True)
class Holding:
    """How much the engine holds of one kind. `first` and `last` are the days on which the first and the last of it go, as far as days are set."""

    kind: OwnKind
    counts: Mapping[str, int]
    first: date | None = None
    last: date | None = None

    @property
    def count(self) -> int:
        return sum(self.counts.values())


def holdings(tx: Transaction, house: House) -> tuple[Holding, ...]:
    """Everything that the engine holds of people, by kind."""
    found = []
    for kind in KINDS:
        days = _days(tx, house, kind)
        found.append(Holding(kind, tx.own_rows.counts(kind.tables), min(days, default=None), max(days, default=None)))
    return tuple(found)


def _days(tx: Transaction, house: House, kind: OwnKind) -> list[date]:
    if kind.name == "requests":
        return [house.calendar.day_of(due) for due in tx.followups.dates(FORGET)]
    if kind.name == "request_log":
        return [house.calendar.day_of(due) for due in tx.followups.dates(LOG)]
    if kind.name == "suppression":
        return [house.calendar.day_of(moment) for moment in tx.own_rows.span("suppression", "until") if moment is not None]
    return []


@dataclass(frozen=True, slots=True)
class Trace:
    """That a case holds identifiers of a requester. `until` None: it is open, or nobody has set a day."""

    case: Case
    until: date | None


def traces(house: House, claims: Iterable[Claim]) -> tuple[Trace, ...]:
    """The cases whose sealed identifiers are those of this requester. What was forgotten is found by nobody."""
    wanted = {(claim.kind, canonical(claim.kind, claim.value.reveal())) for claim in claims}
    found = []
    with house.store.snapshot() as tx:
        for case in tx.cases.list():
            if case.kind.is_of_a_person and wanted & _known(tx, case):
                due = next((entry.due for entry in tx.followups.of(case.id) if entry.what == FORGET), None)
                found.append(Trace(case, house.calendar.day_of(due) if due is not None else None))
    return tuple(found)


def _known(tx: Transaction, case: Case) -> set[tuple[str, str]]:
    try:
        return {(entry.kind, canonical(entry.kind, entry.value.reveal())) for entry in tx.selectors.of(case.id) if entry.scope is None}
    except DsrError:
        return set()  # forgotten


def erase_requester(house: House, claims: Iterable[Claim], by: str) -> tuple[str, ...]:
    """Forgets at once what closed cases hold of this requester; gives their ids. Their records in the log hold nothing of the person and stay.

    Raises `Conflict` for an open case, and for one that still answers for data that were kept, or for a dispute; then nothing is done.
    """
    found = traces(house, claims)
    with house.store.transaction() as tx:
        person = tx.people.id_of(by)
        for trace in found:
            _refuse_needed(tx, house, trace.case)
        for trace in found:
            case_id = trace.case.id
            forget(tx, house, case_id)
            tx.contacts.forget(case_id)
            tx.outbox.forget(case_id)
            tx.followups.drop(case_id, FORGET)
            tx.ledger.append(leaf(house.clock, "case.forgotten", f"{case_id}:forgotten", case=case_id, by=person))
    if found:
        house.store.scrub()
    return tuple(trace.case.id for trace in found)


def _refuse_needed(tx: Transaction, house: House, case: Case) -> None:
    if case.outcome is None:
        raise Conflict(
            f"case {case.id} is open: without these identifiers it could not be carried out",
            code="own.open_case",
            hint=f"carry it through, or `dsr case withdraw {case.id}`, which forgets them",
        )
    needed = [reason for reason in tx.remains.duties(case.id, house.clock.now(), LOG) if reason in _NEEDED]
    if needed:
        raise Conflict(
            f"case {case.id} still needs them: {', '.join(reason.replace('_', ' ') for reason in needed)}",
            code="own.needed",
            hint="they go by themselves when that is over; `dsr own-data show` has the day",
        )


def erase_officer(house: House, name: str, by: str) -> str:
    """Replaces the name of an officer by nothing: the random id stays in rows, ledger and certificates, where it means nobody. Gives the id.

    Raises `InputWrong` for a name that is not there, `Conflict` while an open case or a rule in force still needs two people told apart.
    """
    with house.store.transaction() as tx:
        person = tx.people.known(name)
        if person is None:
            raise InputWrong("no officer of this name has acted here", code="own.unknown", hint="names are compared as they were written in --by")
        tx.people.hold(person)
        needed = tx.own_rows.needed_in(person)
        if needed:
            raise Conflict(
                f"rows in force name this person: {', '.join(needed)}",
                code="own.officer_needed",
                hint="somebody who comes back under a new id could approve what they opened; close those first",
            )
        actor = person if by == name else tx.people.id_of(by)
        tx.people.forget(person)
        tx.ledger.append(leaf(house.clock, "person.forgotten", f"{person}:forgotten:{tx.ledger.size()}", person=person, by=actor))
    house.store.scrub()
    return person


def forget_officers(tx: Transaction, house: House) -> int:
    """Forgets the names that no row needs any more and that nobody acted under for long; gives how many. For whoever just erased rows."""
    since = house.clock.now() - timedelta(days=OFFICERS.count * 31)
    idle = tx.own_rows.unnamed()
    forgotten = 0
    for person in sorted(set(idle) - tx.own_rows.acted_since(idle, since)):
        tx.people.hold(person)
        if not tx.own_rows.named_in(person):
            tx.people.forget(person)
            tx.ledger.append(leaf(house.clock, "person.forgotten", f"{person}:forgotten:{tx.ledger.size()}", person=person, by="engine"))
            forgotten += 1
    return forgotten
