"""Where the law has an erasure done anew at intervals (Civ. Code § 1798.99.86(d): every 45 days), a look is made a little earlier each time.

It goes on as long as the person's digests live, also when their case is forgotten long since. What is found is erased by a case of its own, which
the policy may approve. Killed anywhere, the look is made again: it counts only when it is over.
"""

import secrets
from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta

from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.suppression import Suppressed
from dsr_engine.store.aftercare import Why
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.discover import VERIFIED, coverage_gaps
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.masking import Mask
from dsr_engine.workflow.staying_erased.digest_search import Roll, Sightings, is_key, search_by_digest
from dsr_engine.workflow.staying_erased.lookback import Seen, look_back
from dsr_engine.workflow.staying_erased.repeating import ENGINE, is_readable, is_under_way, repeat, selectors_of
from dsr_engine.workflow.staying_erased.suppressing import RETRY

#: How long before its last day a look is made: a system may be silent, and a plan may want an approval.
AHEAD = timedelta(days=5)
#: When a look that could not be made everywhere is tried again.
REST = timedelta(hours=6)


def erase_again(house: House) -> Iterator[str]:
    """Makes the looks that the laws of closed cases ask for; says what was found."""
    now = house.clock.now()
    with house.store.snapshot() as tx:
        due = [tx.cases.get(case) for case in sorted(tx.suppression.due(now + AHEAD)) if not _rests(tx, case)]
        cases = [case for case in due if case.stage is Stage.CLOSED and is_readable(house, case)]
        living = [case for case in cases if selectors_of(tx, case.id) is not None]
        known = {case.id for case in living}
        lost = [case for case in cases if case.id not in known]
        roll = Roll(tx.suppression.keys, _entries(tx, {case.id for case in lost}))
        accepted = {place for case in lost for place in coverage_gaps(tx.coverage.of(case.id, case.round, VERIFIED))}
    if not cases:
        return
    seen = look_back(house, living)
    sighted = search_by_digest(house, roll, sorted({name for case in lost for name in case.systems}))
    for case in living:
        yield from _settled(house, case, seen.get(case.id))
    for case in lost:
        yield from _settled_by_digest(house, case, sighted, accepted)


def _rests(tx: Transaction, case: str) -> bool:
    return any(entry.what == RETRY and entry.due > tx.clock.now() for entry in tx.followups.of(case))


def _entries(tx: Transaction, cases: Collection[str]) -> Sequence[Suppressed]:
    return [entry for entry in tx.suppression.live() if entry.case in cases and not is_key(entry.kind)]


def _settled(house: House, case: Case, seen: Seen | None) -> Iterator[str]:
    with house.store.transaction() as tx:
        if seen is None or seen.gaps or seen.until is not None:
            yield _rest(tx, house, case)
        if seen is None or not seen.found or is_under_way(tx, case):
            _noted(tx, house, case, 0, is_whole=seen is not None and not seen.gaps and seen.until is None)
            return
        selectors = selectors_of(tx, case.id)
        assert selectors is not None  # it was looked for with them
        new = repeat(tx, house, case, Why.AGAIN, _occasion(house), selectors=selectors, systems=case.systems, by=tx.people.id_of(ENGINE))
        _noted(tx, house, case, seen.found, is_whole=not seen.gaps and seen.until is None)
    yield f"case {case.id}: {seen.found} record(s) of the person are there again; case {new.id} erases them"


def _settled_by_digest(house: House, case: Case, sighted: Sightings, accepted: Collection[tuple[str, str]]) -> Iterator[str]:
    found = sighted.selectors.get(case.id, {})
    is_whole = not any(True for _ in sighted.unseen(Mask(()), accepted)) and sighted.until is None
    with house.store.transaction() as tx:
        if not is_whole:
            yield _rest(tx, house, case)
        _noted(tx, house, case, len(found), is_whole=is_whole)
        if not found or is_under_way(tx, case):
            return
        by = tx.people.id_of(ENGINE)
        new = repeat(tx, house, case, Why.AGAIN, _occasion(house), selectors=found.values(), systems=case.systems, by=by)
    yield f"case {case.id}: the person is there again; case {new.id} erases them"


def _occasion(house: House) -> str:
    return f"again:{house.clock.now().date().isoformat()}"


def _rest(tx: Transaction, house: House, case: Case) -> str:
    tx.followups.put(case.id, RETRY, house.clock.now() + REST)
    return f"case {case.id}: the look that the law asks for could not be made everywhere; it is tried again in {REST.seconds // 3600} hours"


def _noted(tx: Transaction, house: House, case: Case, found: int, *, is_whole: bool) -> None:
    if not is_whole:
        return
    tx.suppression.looked([case.id])
    tx.followups.drop(case.id, RETRY)
    key = f"{case.id}:{secrets.token_hex(8)}"
    tx.ledger.append(leaf(house.clock, "erasure.looked_again", key, case=case.id, found=found))
