"""The search of a sweep: one page after the other in the order of the keys, until a tranche is full.

A page's findings, its coverage and the mark behind its last key are committed together. Killed before that: the page is searched again. Killed
after: the search goes on behind the mark. Later rounds and the fresh look go over the same stretch and no further, so what a tranche touched is what
it looks at again. Memory and the control store hold one tranche at most, however much is due.

Children come before parents, collection by collection: a parent whose children go with an earlier tranche is free of them when its turn comes.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain

from dsr_engine.domain.case import Case, Wait
from dsr_engine.domain.errors import DsrError, Unreachable
from dsr_engine.domain.finding import Coverage, Extent, Finding, Match, Sharing
from dsr_engine.domain.policy import Policy, SweepTerms
from dsr_engine.domain.record import Gap, Record
from dsr_engine.domain.system import System
from dsr_engine.drivers.counting import page_of, place_of
from dsr_engine.drivers.driver import Driver, Looked, OlderThan
from dsr_engine.store.sweep_marks import BEGIN, SweepMark
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.holds.protecting import people_in
from dsr_engine.workflow.house import House
from dsr_engine.workflow.judgement import Judge
from dsr_engine.workflow.looking import FOUND, aged_finding, covered, merged
from dsr_engine.workflow.pacing import admit, wait_of
from dsr_engine.workflow.sweeps.ageing import Ageing, ageings
from dsr_engine.workflow.turn import Turn

#: Records of one page; a page is one transaction in the system and one in the store.
PAGE = 5_000
#: The code of coverage that is partial because a tranche is: no gap, for another tranche of the same sweep has the rest.
TRANCHE = "sweep.tranche"

OpenReader = Callable[[System], Driver]
_Marks = Mapping[tuple[str, str], SweepMark]


@dataclass(frozen=True, slots=True)
class _Walk:
    """One look of one case: where each collection begins and, if the stretch is fixed already, where it ends."""

    case: Case
    turn: Turn
    phase: str
    house: House
    judge: Judge
    begins: _Marks
    ends: _Marks
    found: Mapping[tuple[str, str], Coverage]
    size: int

    @property
    def is_first(self) -> bool:
        """True for the look that decides how far this tranche goes."""
        return (self.phase, self.case.round) == (FOUND, 1)


def search_tranche(case: Case, turn: Turn, phase: str, house: House, open_reader: OpenReader) -> list[Wait]:
    """Searches what this tranche is about. Gives the waits of systems that did not answer; what refuses for good becomes a coverage row."""
    policy = house.policy_of(case)
    with turn.transaction() as tx:
        begins = tx.sweep_marks.of(case.id, 1, BEGIN)
        ends = stretches(tx, case, case.round - 1 if phase == FOUND else case.round)
        found = {(row.system, row.collection): row for row in tx.coverage.of(case.id, max(1, case.round - (phase == FOUND)), FOUND)}
    size = (policy.sweep or SweepTerms()).tranche
    walk = _Walk(case, turn, phase, house, Judge(policy, day_of(case), is_sweep=True, origin=house.origin_of), begins, ends, found, size)
    waits = []
    for name in case.systems:
        try:
            _search_system(walk, house.system_named(name), policy, open_reader)
        except Unreachable as error:
            waits.append(wait_of(error, house, [house.system_named(name)]))
    return waits


def _search_system(walk: _Walk, system: System, policy: Policy, open_reader: OpenReader) -> None:
    wanted = list(ageings(policy, system, day_of(walk.case)))
    if system.is_disabled:
        _note(walk, Coverage(system.name, "*", Extent.NONE, "the system is disabled in systems.yaml", "system.disabled"))
    if system.is_disabled or not wanted:
        return
    try:
        driver = open_reader(system)
    except Unreachable:
        raise
    except DsrError as error:
        _note(walk, Coverage(system.name, "*", Extent.NONE, str(error), error.code))
        return
    what = f"{system.name}: looking"
    walk.house.progress.begin(what, None)
    try:
        ranks = _ranks(driver)
        for ageing in sorted(wanted, key=lambda entry: ranks.get(entry.collection, 0)):
            _search_collection(walk, driver, system.name, ageing, what)
    finally:
        driver.close()
        walk.house.progress.end(what)


def _ranks(driver: Driver) -> Mapping[str, int]:
    """The order of the collections; none where the system does not tell, which the search itself will then say."""
    try:
        return {entry.name: entry.rank for entry in driver.describe()}
    except Unreachable:
        raise
    except DsrError:
        return {}


def _search_collection(walk: _Walk, driver: Driver, system: str, ageing: Ageing, what: str) -> None:
    place = (system, ageing.collection)
    begin, end = walk.begins.get(place, SweepMark(*place)), walk.ends.get(place)
    if begin.is_over:
        _note(walk, Coverage(*place, Extent.NONE, "an earlier tranche of this sweep looked here", TRANCHE))
        return
    if end is None and not _is_open(walk, place):
        _note(walk, walk.found[place])
        return
    upto = end.key if end is not None and not end.is_over else None
    while (mark := _next(walk, begin, end)) is not None:
        admit(walk.house.system_named(system), walk.house.clock.now())
        query = replace(ageing.due, after=mark.key, upto=upto, most=min(PAGE, _room(walk)) if end is None else PAGE)
        try:
            page = _page(walk, driver, system, query)
        except Unreachable:
            raise
        except DsrError as error:
            _note(walk, Coverage(*place, Extent.NONE, str(error), error.code))
            return
        _keep(walk, begin, mark, page, is_stretch=upto is not None)
        walk.house.progress.advance(what, len(page.findings))


def _is_open(walk: _Walk, place: tuple[str, str]) -> bool:
    """True if nothing says yet how far this tranche goes here: it is the first look, or an earlier one was refused and may be granted by now."""
    row = walk.found.get(place)
    return walk.is_first or row is None or (walk.phase == FOUND and row.code != TRANCHE)


def _next(walk: _Walk, begin: SweepMark, end: SweepMark | None) -> SweepMark | None:
    """The mark behind which the next page begins; None when this look is done with the collection."""
    place = (begin.system, begin.collection)
    with walk.turn.transaction() as tx:
        mark = tx.sweep_marks.of(walk.case.id, walk.case.round, walk.phase).get(place)
    if mark is not None and mark.is_over:
        return None
    if end is not None or _room(walk) > 0:
        return mark or replace(begin, pages=0, found=0)
    if mark is None:
        _note(walk, Coverage(*place, Extent.NONE, "the next tranche of this sweep looks here", TRANCHE))
    return None


def _room(walk: _Walk) -> int:
    """How many more records this tranche takes."""
    with walk.turn.transaction() as tx:
        return walk.size - sum(entry.found for entry in tx.sweep_marks.of(walk.case.id, walk.case.round, walk.phase).values())


@dataclass(frozen=True, slots=True)
class _Page:
    """What one page gave. `last` is the key of its last record, due or not."""

    coverage: Coverage
    findings: list[Finding]
    last: tuple[str, ...]
    is_cut: bool


def _page(walk: _Walk, driver: Driver, system: str, query: OlderThan) -> _Page:
    findings: list[Finding] = []
    gaps: list[Gap] = []
    shared = Sharing()
    last = query.after
    looked = Looked(query.collection, 0, Extent.NONE, "the search ended without a last word")
    for event in _events(driver, query):
        if isinstance(event, Record):
            last = place_of(event, query)
            finding = aged_finding(walk.case, event)
            judgement = walk.judge(finding, Match.OWNS)
            if judgement.is_outlived:
                findings.append(shared(replace(finding, people=people_in(walk.house.store.holding, event))))
            gaps += event.gaps
        elif isinstance(event, Gap):
            gaps.append(event)
        else:
            looked = event
    return _Page(covered(system, query.collection, looked, gaps), findings, last, looked.is_cut and last != query.after)


def _events(driver: Driver, query: OlderThan) -> Iterable[Record | Gap | Looked]:
    """The page as the system cuts it out, or as it is cut out of everything where the system has no order of its own."""
    if driver.traits.in_key_order:
        return chain.from_iterable(driver.find(query, part) for part in driver.slices(query))
    plain = replace(query, after=(), upto=None, most=None)
    return page_of(chain.from_iterable(driver.find(plain, part) for part in driver.slices(plain)), query)


def _keep(walk: _Walk, begin: SweepMark, mark: SweepMark, page: _Page, *, is_stretch: bool) -> None:
    case, place = walk.case, (mark.system, mark.collection)
    is_over = not page.is_cut
    after = SweepMark(*place, page.last, is_over, mark.pages + 1, mark.found + len(page.findings))
    with walk.turn.transaction() as tx:
        tx.findings.put_slice(case.id, case.round, walk.phase, json.dumps([*place, f"{mark.pages:08}"]), page.findings)
        known = {(row.system, row.collection): row for row in tx.coverage.of(case.id, case.round, walk.phase)}.get(place)
        coverage = merged(_without_note(known), page.coverage) if mark.pages and known is not None else page.coverage
        tx.coverage.put(case.id, case.round, walk.phase, _noted(coverage, is_first=not begin.key, is_last=is_over and not is_stretch))
        tx.sweep_marks.put(case.id, case.round, walk.phase, after)


def _without_note(row: Coverage) -> Coverage:
    return Coverage(row.system, row.collection, Extent.FULL, looked=row.looked) if row.code == TRANCHE else row


def _noted(row: Coverage, *, is_first: bool, is_last: bool) -> Coverage:
    if row.extent is not Extent.FULL or (is_first and is_last):
        return row
    parts = [] if is_first else ["an earlier tranche of this sweep looked at what comes before"]
    parts += [] if is_last else ["more is due: the next tranche of this sweep goes on"]
    return replace(row, extent=Extent.PARTIAL, reason="; ".join(parts), code=TRANCHE)


def _note(walk: _Walk, row: Coverage) -> None:
    with walk.turn.transaction() as tx:
        tx.coverage.put(walk.case.id, walk.case.round, walk.phase, row)


def day_of(case: Case) -> date:
    """The day that decides what is due: the one on which the whole sweep began, so that every look of every tranche means the same."""
    return (case.tranche.begun if case.tranche is not None else case.opened_at).date()


def stretches(tx: Transaction, case: Case, rounds: int) -> dict[tuple[str, str], SweepMark]:
    """How far this tranche goes in each collection: as far as the first look came that was not refused."""
    ends: dict[tuple[str, str], SweepMark] = {}
    for number in range(rounds, 0, -1):
        ends |= tx.sweep_marks.of(case.id, number, FOUND)
    return ends


def rest_of(tx: Transaction, case: Case, policy: Policy, systems: Iterable[System]) -> tuple[SweepMark, ...]:
    """Where the next tranche begins in each collection; empty if nothing is left to be looked at.

    A collection that this tranche did not come to is left only if something was due there when the whole was counted, and one that refuses to be read
    is no reason for another tranche.
    """
    assert case.tranche is not None
    begins, ends = tx.sweep_marks.of(case.id, 1, BEGIN), stretches(tx, case, case.round)
    due = {(entry.system, entry.collection) for entry in tx.sweep_counts.of(case.tranche.sweep) if entry.due != 0}
    waiting = {(row.system, row.collection) for row in tx.coverage.of(case.id, case.round, FOUND) if row.code == TRANCHE}
    marks, is_more = [], False
    for system in systems:
        for ageing in ageings(policy, system, day_of(case)) if not system.is_disabled else ():
            place = (system.name, ageing.collection)
            mark = ends.get(place, begins.get(place, SweepMark(*place)))
            marks.append(mark)
            is_more = is_more or (not mark.is_over and place in waiting and (place in ends or place in due))
    return tuple(marks) if is_more else ()
