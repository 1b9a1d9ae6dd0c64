"""Finds the person in every system in scope, and says of every collection how far it looked.

Search is shared: reading a mail store is the dear part, so one pass serves all cases that wait for the same system. Work is cut into slices;
a slice's findings, its coverage and the fact that it is done are committed together. Killed before that: the slice is searched again.
Killed after: nobody asks again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, replace

from dsr_engine.domain.case import Case, CaseKind, Stage, Wait
from dsr_engine.domain.errors import Conflict, DsrError, Unreachable
from dsr_engine.domain.finding import Coverage, Extent
from dsr_engine.domain.system import PRIMARY, System
from dsr_engine.drivers.driver import AboutSubjects, Driver, Query
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.looking import FOUND, VERIFIED, Look, Search, facts_wanted, keep_look, person_search, slice_key
from dsr_engine.workflow.mailboxes import note_search, title_of
from dsr_engine.workflow.marking import known_by, noting
from dsr_engine.workflow.pacing import admit, wait_of
from dsr_engine.workflow.readers import Readers
from dsr_engine.workflow.step import Advance, Stand, Step
from dsr_engine.workflow.sweeps.census import take_census
from dsr_engine.workflow.sweeps.tranche import TRANCHE, search_tranche
from dsr_engine.workflow.turn import Turn
from dsr_engine.workflow.turnstile import limited

__all__ = ["FOUND", "VERIFIED", "Seeker", "coverage_gaps", "discover", "reader_of", "search_systems"]


@dataclass(frozen=True, slots=True)
class Seeker:
    """One case that a pass serves, and the turn under which its rows are written."""

    case: Case
    turn: Turn


def discover(case: Case, turn: Turn, house: House) -> Step:
    """Searches all systems of the case; goes on when each was searched or is a gap with a reason. Stands while one does not answer."""
    wait = take_census(case, turn, house, lambda system: reader_of(system, FOUND, house)) if case.kind is CaseKind.SWEEP else None
    if wait is not None:
        return Stand(wait)
    with ExitStack() as stack:
        seekers = (Seeker(case, turn), *_companions(case, house, stack))
        waits = search_systems(seekers, FOUND, house)
    return Stand(waits[0]) if waits else Advance(Stage.PLAN)


def search_systems(seekers: Sequence[Seeker], phase: str, house: House) -> list[Wait]:
    """Searches every system of the first case, for all seekers that have it in scope. Gives the waits of systems that did not answer."""
    first = seekers[0]
    if first.case.kind is CaseKind.SWEEP:
        return search_tranche(first.case, first.turn, phase, house, lambda system: reader_of(system, phase, house))
    waits = []
    for name in first.case.systems:
        served = tuple(seeker for seeker in seekers if name in seeker.case.systems)
        wait = _search_system(served, house.system_named(name), phase, house)
        if wait is not None:
            waits.append(wait)
    return waits


def _companions(case: Case, house: House, stack: ExitStack) -> Iterator[Seeker]:
    """Other requests that wait for the same systems and that nobody works on: they share this pass."""
    if not case.kind.is_of_a_person:
        return
    with house.store.transaction() as tx:
        others = [other for other in tx.cases.list(open_only=True) if _shares(case, other)]
    for other in others:
        try:
            turn = stack.enter_context(Turn.take(house.store, other.id, f"shared-{case.id}"))
        except DsrError:
            continue  # somebody else works on it, and will find what it needs by itself
        with house.store.transaction() as tx:
            current = tx.cases.get(other.id)
        if _shares(case, current):
            yield Seeker(current, turn)


def _shares(case: Case, other: Case) -> bool:
    is_looking = other.stage is Stage.DISCOVER and (other.wait is None or not other.wait.code.startswith("copy_"))
    return other.id != case.id and other.kind.is_of_a_person and is_looking and bool(set(other.systems) & set(case.systems))


def _search_system(seekers: Sequence[Seeker], system: System, phase: str, house: House) -> Wait | None:
    if system.is_disabled:
        _note_unread(seekers, system, phase, "the system is disabled in systems.yaml", "system.disabled")
        return None
    try:
        _search_slices(seekers, system, phase, house, _search(seekers, system, phase, house))
    except Unreachable as error:
        return wait_of(error, house, [system])
    except DsrError as error:
        _note_unread(seekers, system, phase, str(error), error.code)
    return None


def _search(seekers: Sequence[Seeker], system: System, phase: str, house: House) -> Search:
    read = as_read(system, phase)
    with house.store.transaction() as tx:
        subjects = {seeker.case.id: tx.selectors.of(seeker.case.id) for seeker in seekers}
    facts: dict[str, tuple[str, ...]] = {}
    for seeker in seekers:
        for collection, names in facts_wanted(house.policy_of(seeker.case), system).items():
            facts[collection] = tuple(sorted({*facts.get(collection, ()), *names}))
    if phase == VERIFIED:
        with house.store.transaction() as tx:
            return person_search(subjects, facts, noting=noting(tx, seekers[0].case.id, read) if len(seekers) == 1 else None)
    # A further round follows a verification, which found the rest of the person: what it found clean is read again where it changed.
    return person_search(subjects, facts, known=known_by(house, read, {seeker.case.id: seeker.case.round - 1 for seeker in seekers}))


def reader_of(system: System, phase: str, house: House) -> Driver:
    """A fresh connection for looking (see `as_read`). Raises `Unreachable` outside the system's hours."""
    admit(system, house.clock.now())
    return house.open_driver(as_read(system, phase), read_only=True)


def as_read(system: System, phase: str) -> System:
    """The system as it is looked at: on the replica when finding, with the other credential when verifying."""
    if phase == VERIFIED and system.verify_as:
        return replace(system, settings={**system.settings, **system.verify_as})
    if phase == FOUND and system.read_from is not None:
        return replace(system, settings={**system.settings, "url": system.read_from, PRIMARY: system.settings["url"]})
    return system


def _search_slices(seekers: Sequence[Seeker], system: System, phase: str, house: House, search: Search) -> None:
    with Readers(lambda: reader_of(system, phase, house), lambda: admit(system, house.clock.now())) as readers:
        with readers.lent() as driver:
            parts = list(driver.slices(_with_history(seekers, system, phase, search.query)))
        _note_begin(seekers, system, phase, len(parts), house)
        done = _done(seekers, phase)
        todo = [part for part in parts if slice_key(part) not in done]
        what = title_of(system, parts)
        house.progress.begin(what, len(parts))
        house.progress.advance(what, len(parts) - len(todo))
        errors: list[Unreachable] = []
        with ExitStack() as ended:
            ended.callback(house.progress.end, what)
            hand = limited(system, ended.enter_context(house.searchers.over(as_read(system, phase), search, readers)))
            for wave in ([part for part in todo if not part.is_late], [part for part in todo if part.is_late]):
                for look in _looks([hand(part) for part in wave] if not errors else ()):
                    if look.error is not None:
                        errors.append(look.error)
                        continue
                    _keep(seekers, phase, look)
                    house.progress.advance(what)
    if errors:
        raise errors[0]


def _looks(orders: Sequence[Future[Look]]) -> Iterator[Look]:
    """The looks as they come. Whoever stops listening gives up those that have not begun."""
    try:
        yield from (order.result() for order in as_completed(orders))
    finally:
        for order in orders:
            order.cancel()


def _note_begin(seekers: Sequence[Seeker], system: System, phase: str, total: int, house: House) -> None:
    """Writes down how much there is to search, for whoever looks on from another process; in the ledger, why other people's mail is searched."""

    def begin(tx: Transaction, case: Case) -> bool:
        tx.case_lists.begin_pass(case.id, case.round, phase, system.name, total)
        note_search(tx, case, phase, system, house)
        return True

    for seeker in seekers:
        _in_turn(seekers, seeker, begin)


def _with_history(seekers: Sequence[Seeker], system: System, phase: str, query: Query) -> Query:
    """The query that a fresh look asks for slices: what was read before the effects must not go out of the search unseen."""
    if phase != VERIFIED or not isinstance(query, AboutSubjects):
        return query
    first = seekers[0]
    with first.turn.transaction() as tx:
        rows = tx.coverage.of(first.case.id, first.case.round, FOUND)
    return replace(query, before=frozenset(row.collection for row in rows if row.system == system.name and row.extent is not Extent.NONE))


def _done(seekers: Sequence[Seeker], phase: str) -> frozenset[str]:
    """The slices that every seeker has; a companion that went away has all."""
    done: list[frozenset[str]] = []

    def note(tx: Transaction, case: Case) -> bool:
        done.append(tx.slices.all_done(case.id, case.round, phase))
        return True

    for seeker in seekers:
        _in_turn(seekers, seeker, note)
    return frozenset.intersection(*done)


def _keep(seekers: Sequence[Seeker], phase: str, look: Look) -> None:
    def keep(tx: Transaction, case: Case) -> bool:
        if not tx.slices.is_done(case.id, case.round, phase, slice_key(look.part)):
            keep_look(tx, case.id, case.round, phase, look)
        return True

    for seeker in seekers:
        _in_turn(seekers, seeker, keep)


def _in_turn(seekers: Sequence[Seeker], seeker: Seeker, work: Callable[[Transaction, Case], bool]) -> bool:
    """Works on the rows of one case. A companion that was withdrawn or taken over meanwhile is passed over, and does not hold up the others."""
    try:
        with seeker.turn.transaction() as tx:
            return work(tx, seeker.case)
    except Conflict:
        if seeker is seekers[0]:
            raise
        return True


def _note_unread(seekers: Sequence[Seeker], system: System, phase: str, reason: str, code: str) -> None:
    """A system that cannot be read as a whole is one coverage row, never silence."""
    for seeker in seekers:
        with seeker.turn.transaction() as tx:
            tx.coverage.put(seeker.case.id, seeker.case.round, phase, Coverage(system.name, "*", Extent.NONE, reason, code))


def coverage_gaps(rows: Sequence[Coverage]) -> Mapping[tuple[str, str], Coverage]:
    """The collections that were not looked at in full, though they should have been: what another tranche looks at is no gap of this one."""
    return {(row.system, row.collection): row for row in rows if row.extent is not Extent.FULL and row.code != TRANCHE}
