"""The engine's own erasure of what it keeps about requests: when the period of a record is over, its row goes, and then what is left of its case.

Certificates outlive both: the PDF proves itself, its leaf stays in the ledger, and its serial number stays accounted for. But with the row goes the
salt, and nobody can link the certificate to a person any more.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, time

from dsr_engine.domain.case import Case
from dsr_engine.domain.errors import DsrError
from dsr_engine.domain.request_log import kept_until
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.records.logbook import LOGGED, kept_for
from dsr_engine.workflow.records.own_data import forget_officers
from dsr_engine.workflow.records.replying import LOG, note_answers, note_closed


def keep_records(house: House) -> Iterator[str]:
    """Brings the request log up to date, and erases records and cases whose period is over."""
    with house.store.transaction() as tx:
        note_answers(tx, house)
        for case_id in tx.remains.unlisted(LOG):
            _give_an_end(tx, house, tx.cases.get(case_id))
    with house.store.snapshot() as tx:
        due = [entry.case for entry in tx.followups.due(house.clock.now()) if entry.what == LOG]
        plans = _plans(tx) if due else {}
    is_erased = False
    for case_id in due:
        with house.store.transaction() as tx:
            lines = list(_ended(tx, house, case_id, plans.get(case_id, ())))
        is_erased = is_erased or bool(lines)
        yield from lines
    if is_erased:
        with house.store.transaction() as tx:
            names = forget_officers(tx, house)
        if names:
            yield f"{names} names of officers are forgotten: nothing names them any more"
        house.store.scrub()


def _give_an_end(tx: Transaction, house: House, case: Case) -> None:
    """Sets the day on which the record of a closed case ends. A law that is gone by now is taken for the longest."""
    try:
        months, to_year_end = kept_for(house.regimes_of(case))
        if case.kind in LOGGED:
            note_closed(tx, house, case)
            return
    except DsrError:
        months, to_year_end = kept_for(house.regimes.values())
    closed = house.calendar.day_of(case.closed_at or case.opened_at)
    last = kept_until(closed, months, to_year_end=to_year_end)
    tx.followups.put(case.id, LOG, datetime.combine(last, time.max, house.calendar.zone))


def _ended(tx: Transaction, house: House, case_id: str, plans: tuple[str, ...]) -> Iterator[str]:
    """Ends what may end of this case now; the rest is tried again at the next round."""
    if not tx.remains.take(case_id):
        return
    entry = tx.request_log.of(case_id)
    if entry is not None and not tx.remains.disputes(case_id):
        tx.request_log.end([case_id])
        regimes = [name for name, _ in entry.regimes]
        tx.ledger.append(leaf(house.clock, "log.ended", f"{case_id}:log", case=case_id, received=entry.received.year, regimes=regimes))
        yield f"case {case_id}: its record is over and erased; nobody can link its certificate to a person any more"
    if tx.remains.duties(case_id, house.clock.now(), LOG):
        return
    tx.certificates.spend(case_id, house.clock.now())
    tx.remains.erase(case_id, plans)
    tx.ledger.append(leaf(house.clock, "case.erased", f"{case_id}:erased", case=case_id))
    yield f"case {case_id}: its rows are erased; its certificate stays good"


def _plans(tx: Transaction) -> Mapping[str, tuple[str, ...]]:
    """Case → the ids of its plans, which the ledger still knows when the plans themselves are forgotten."""
    found: dict[str, tuple[str, ...]] = {}
    for _, data in tx.ledger.find("plan.made"):
        found[str(data["case"])] = (*found.get(str(data["case"]), ()), str(data["key"]))
    return found
