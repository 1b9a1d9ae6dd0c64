"""Compares everything that is kept of the lists, old and new, with the records of all declared systems, and does what follows for each item.

What matched is known in memory only, until cases hold it sealed. The order of writing makes a kill harmless: cases first, and only then that
everybody was compared; an item counts as *not found* only if it was compared and has no case.
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dsr_engine.content.drop_hash import RULES, self_test
from dsr_engine.domain.drop import DropList, WorkItem
from dsr_engine.store.drop import DropGap
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.dropping.comparing import Compared, Findings, OpenColumns, Sieve, compare_system
from dsr_engine.workflow.dropping.consumers import are_several, consumers, is_vague
from dsr_engine.workflow.dropping.opening import open_cases, opt_out
from dsr_engine.workflow.dropping.pulling import drop_settings
from dsr_engine.workflow.dropping.settling import has_kept, settle
from dsr_engine.workflow.dropping.sharing import shared_marks
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.staying_erased.suppressing import LIFTED, WRONG

#: Days before the law's interval is over in which what a case kept is judged anew.
MARGIN = 10


@dataclass(frozen=True, slots=True)
class Matched:
    """What a comparison came to. Counts are work items; `cases` are those that were opened.

    `unread` are lists with which no collection can be compared: everybody on them is not found.
    """

    compared: tuple[Compared, ...]
    gaps: tuple[DropGap, ...]
    cases: tuple[str, ...]
    matched: int
    opted_out: int
    not_found: int
    unread: tuple[DropList, ...]


def match(house: House, open_columns: OpenColumns, *, by: str) -> Matched:
    """Compares, opens cases for consumers who were found, opts out those who share an identifier. May be killed and repeated at any time.

    `by` is the name of whoever does this. Raises `NotVerified` (`drop.self_test`) before anything is read, `Unreachable` where a system does not
    answer: then nobody counts as compared.
    """
    self_test()
    drop_settings(house)
    settle(house)
    began = house.clock.now()
    with house.store.snapshot() as tx:
        sieve, lists = Sieve(tx.drop.digests()), tx.drop.lists()
        busy = {item for items in tx.drop.with_open_case().values() for item in items}
    found = Findings()
    for system in house.systems.values():
        compare_system(system, house, open_columns, sieve, lists, found)
    with house.store.snapshot() as tx:
        items = tx.drop.with_digests(found.traces)
        busy |= _resting(tx, house, (item for listed in items.values() for item in listed))
    hits = [([item for item in items[digest] if item.id not in busy], traces) for digest, traces in found.traces.items() if digest in items]
    marks = shared_marks(house, open_columns, [trace for mine, traces in hits if mine for trace in traces.found], items)
    several = [(mine, traces) for mine, traces in hits if mine and (are_several(traces) or is_vague(traces, marks))]
    single = [([item.id for item in mine], traces) for mine, traces in hits if mine and not (are_several(traces) or is_vague(traces, marks))]
    cases = open_cases(house, consumers(single, marks), by=by, shared=marks)
    opted_out = opt_out(house, several, marks)
    matched = sum(len(items[digest]) for digest in found.traces if digest in items)
    gaps, unknown = _finished(house, found, began, {"matched": matched, "cases": len(cases), "opted_out": opted_out})
    unread = tuple(entry for entry in lists if not any(entry in place.lists for place in found.compared))
    return Matched(tuple(found.compared), gaps, cases, matched, opted_out, unknown, unread)


def _resting(tx: Transaction, house: House, items: Iterable[WorkItem]) -> set[str]:
    """Items whose case kept something lawfully and ended within the law's interval: what is kept is found each time, and judged once in it.

    And for good those whose case erased the wrong person.
    """
    since = house.clock.now() - timedelta(days=drop_settings(house).every_days - MARGIN)
    kept: dict[str, bool] = {}
    resting = set()
    for item in items:
        if item.case and item.case not in kept:
            kept[item.case] = has_kept(tx, item.case, since) or _was_wrong(tx, item.case)
        if item.case and kept[item.case]:
            resting.add(item.id)
    return resting


def _was_wrong(tx: Transaction, case: str) -> bool:
    """True if somebody found that the case erased the wrong person: what was brought back of them must stay."""
    return any(data.get("reason") == WRONG for _, data in tx.ledger.find(LIFTED, case=case))


def _finished(house: House, found: Findings, began: datetime, counts: Mapping[str, int]) -> tuple[tuple[DropGap, ...], int]:
    """Everybody who was listed when this began counts as compared. Who has no case then is *not found*, if nothing was left unread."""
    with house.store.transaction() as tx:
        accepted = {(gap.system, gap.collection, gap.code): gap.accepted_by for gap in tx.drop.gaps()}
        gaps = tuple(replace(gap, accepted_by=accepted.get((gap.system, gap.collection, gap.code), "")) for gap in found.gaps)
        tx.drop.put_gaps(gaps)
        tx.drop.looked(house.clock.now(), RULES, until=began)
        unknown = tx.drop.settle_unmatched() if all(gap.accepted_by for gap in gaps) else 0
        records = sum(place.records for place in found.compared)
        facts = {**counts, "records": records, "gaps": len(gaps), "not_found": unknown}
        tx.ledger.append(leaf(house.clock, "drop.matched", secrets.token_hex(8), rules=RULES, counts=facts))
    return gaps, unknown


def accept_gaps(house: House, by: str) -> int:
    """A named person answers for what could not be compared. Gives how many items are *not found* by that."""
    with house.store.transaction() as tx:
        gaps = tx.drop.gaps()
        person = tx.people.id_of(by)
        fresh = [gap for gap in gaps if not gap.accepted_by]
        tx.drop.put_gaps([replace(gap, accepted_by=gap.accepted_by or person) for gap in gaps])
        for gap in fresh:
            key = f"{gap.system}:{gap.collection}:{gap.at.isoformat()}"
            tx.ledger.append(leaf(house.clock, "drop.gap_accepted", key, system=gap.system, collection=gap.collection, code=gap.code, by=person))
        return tx.drop.settle_unmatched()
