"""Fresh looks after the certificate, on days 1, 7 and 30 (R29): a late import, a queue or an old file may bring a person back.

A look writes nothing until it is over. What it found, its leaf, the case that erases it and the end of the follow-up are one transaction: killed
before it, the look is made again; killed after it, nobody asks again.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from dsr_engine.domain.case import Case, Stage
from dsr_engine.store.aftercare import Why
from dsr_engine.store.followups import Followup
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.incidents import report_residue
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.letters.corresponding import write_correction
from dsr_engine.workflow.staying_erased.aftercare import PATIENCE, RESCAN
from dsr_engine.workflow.staying_erased.lookback import Seen, look_back
from dsr_engine.workflow.staying_erased.repeating import ENGINE, is_readable, is_under_way, repeat, selectors_of

#: Cases that one pass looks after.
MOST = 500
#: A system that does not answer is asked again after this time at the earliest: most of a look is begun anew.
REST = timedelta(hours=1)


def rescan(house: House) -> Iterator[str]:
    """Makes the looks that are due, all of them in one pass over each system; says what was found."""
    now = house.clock.now()
    due: dict[str, list[Followup]] = {}
    with house.store.snapshot() as tx:
        for entry in tx.followups.due(now):
            if entry.what.startswith(RESCAN):
                due.setdefault(entry.case, []).append(entry)
        cases = [tx.cases.get(case_id) for case_id in list(due)[:MOST]]
    if not cases:
        return
    seen = look_back(house, [case for case in cases if case.stage is Stage.CLOSED and is_readable(house, case)], is_rescan=True)
    for case in cases:
        yield from _settle(house, case, due[case.id], seen.get(case.id), now)


def _settle(house: House, case: Case, due: Iterable[Followup], seen: Seen | None, now: datetime) -> Iterator[str]:
    """Writes what came of the looks that were due for one case; several that were missed are one look."""
    entries = sorted(due, key=lambda entry: entry.due)
    last = entries[-1]
    with house.store.transaction() as tx:
        pending = {entry.what for entry in tx.followups.of(case.id)}
        if last.what not in pending:
            return  # another worker was faster
        if seen is not None and seen.until is not None and now < last.due + PATIENCE:
            tx.followups.put(case.id, last.what, max(seen.until, now + REST))
            yield f"case {case.id}: a later look waits for a system that does not answer, or for its hours"
            return
        for entry in entries:
            tx.followups.drop(case.id, entry.what)
        yield from _noted(tx, house, case, last.what.removeprefix(RESCAN), seen)


def _noted(tx: Transaction, house: House, case: Case, look: str, seen: Seen | None) -> Iterator[str]:
    counts: Mapping[str, int] = {"residue": 0, "arrived": 0, "doubtful": 0}
    if seen is not None:
        counts = {"residue": seen.residue, "arrived": seen.arrived, "doubtful": seen.doubtful, "gaps": len(seen.gaps)}
    is_whole = seen is not None and not seen.gaps and seen.until is None
    kind = "rescan.found" if seen is not None and seen.found else "rescan.clean" if is_whole else "rescan.incomplete"
    tx.ledger.append(leaf(house.clock, kind, f"{case.id}:{look}", case=case.id, look=look, counts=counts))
    if seen is None or not seen.found:
        if not is_whole:
            why = seen.gaps[0] if seen is not None and seen.gaps else "the case or a system could not be read"
            yield f"case {case.id}: the look after {look} day(s) found nobody, but could not look everywhere ({why})"
        return
    new = _erased_again(tx, house, case, look)
    if new is None:
        yield f"case {case.id}: the look after {look} day(s) still finds the person; the case that erases it is open"
        return
    if seen.residue:
        report_residue(tx, house, case, seen.residue, new.id)
        write_correction(tx, house, case)
    yield (
        f"case {case.id}: the look after {look} day(s) found {seen.found} record(s) of the person again; "
        f"case {new.id} is open to erase them, and somebody has to approve its plan"
    )


def _erased_again(tx: Transaction, house: House, case: Case, look: str) -> Case | None:
    """The case that erases what was found; None if an earlier look opened one that is still open."""
    if is_under_way(tx, case):
        return None
    selectors = selectors_of(tx, case.id)
    assert selectors is not None  # it was looked for with them
    systems = [name for name in case.systems if name in house.systems]
    occasion = f"rescan:{look}:{secrets.token_hex(4)}"
    return repeat(tx, house, case, Why.RESCAN, occasion, selectors=selectors, systems=systems, by=tx.people.id_of(ENGINE))
