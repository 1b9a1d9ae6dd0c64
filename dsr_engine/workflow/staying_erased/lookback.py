"""What of an erased person is in the systems now, held against what was there when the certificate was made. It writes nothing.

At certification everything that was still found had an excuse: it was kept by law, decided to stay, or had arrived. That is the measure: whatever is
found now and was not found then is there again. One pass over a system serves every case that is looked after.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from dsr_engine.domain.case import Case
from dsr_engine.domain.errors import DsrError, Unreachable
from dsr_engine.domain.finding import Confidence, Extent, Finding
from dsr_engine.domain.record import Locator
from dsr_engine.domain.selector import Selector
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import Slice
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.discover import VERIFIED, as_read, coverage_gaps, reader_of
from dsr_engine.workflow.errands import is_errand
from dsr_engine.workflow.house import House
from dsr_engine.workflow.looking import Look, Search, facts_wanted, nothing_known, person_search
from dsr_engine.workflow.marking import known_by
from dsr_engine.workflow.masking import Mask
from dsr_engine.workflow.pacing import admit, wait_of
from dsr_engine.workflow.readers import Readers
from dsr_engine.workflow.staying_erased.repeating import carried, selectors_of

LOOKED_BACK = "looked back"

_Look = tuple[tuple[str, str, str], ...]


@dataclass(slots=True)
class Seen:
    """What a later look saw of one person. Counts are records.

    `residue` is what certainly or likely is theirs and was there before the certificate; `arrived` what came later; `doubtful` what is only possible.
    `gaps` names what could not be looked at now though it could be then, with everybody masked who was looked for.
    `until` is when a silent system is asked again.
    """

    residue: int = 0
    arrived: int = 0
    doubtful: int = 0
    gaps: list[str] = field(default_factory=list)
    until: datetime | None = None

    @property
    def found(self) -> int:
        return self.residue + self.arrived + self.doubtful


@dataclass(slots=True)
class _Subject:
    """A person who is looked for, and the excuses that were known when the certificate was made: by exact place, and by collection."""

    case: Case
    selectors: tuple[Selector, ...]
    exact: Counter[tuple[Locator, _Look]]
    gaps: frozenset[tuple[str, str]]
    unexcused: list[Finding] = field(default_factory=list)
    unseen: list[tuple[str, str, str]] = field(default_factory=list)
    seen: Seen = field(default_factory=Seen)


def look_back(house: House, cases: Iterable[Case], systems: Sequence[str] | None = None, *, is_rescan: bool = False) -> Mapping[str, Seen]:
    """What is found of the people of these closed cases, in all systems of each or in the named ones. Cases that were forgotten are left out.

    `is_rescan`: what did not change since each of them was verified need not be read again (`marking.py`).
    """
    with house.store.snapshot() as tx:
        subjects = [subject for case in cases if (subject := _subject(tx, case)) is not None]
    names = dict.fromkeys(name for subject in subjects for name in subject.case.systems if systems is None or name in systems)
    for name in names:
        _look_at_system(house, name, [subject for subject in subjects if name in subject.case.systems], is_rescan)
    for subject in subjects:
        _settle(subject)
    _tell_gaps(subjects)
    return {subject.case.id: subject.seen for subject in subjects}


def _subject(tx: Transaction, case: Case) -> _Subject | None:
    selectors = selectors_of(tx, case.id)
    if selectors is None:
        return None
    exact = Counter((finding.locator.whole, _look_of(finding)) for _, finding in tx.findings.of(case.id, case.round, VERIFIED))
    gaps = frozenset(coverage_gaps(tx.coverage.of(case.id, case.round, VERIFIED)))
    return _Subject(case, carried(selectors), exact, gaps)


def _look_of(finding: Finding) -> _Look:
    return tuple(sorted((hit.selector, hit.form, hit.category) for hit in finding.hits))


def _look_at_system(house: House, name: str, subjects: Sequence[_Subject], is_rescan: bool) -> None:
    system = house.systems.get(name)
    if system is not None and is_errand(system):
        return  # a person did what was to be done there, and nothing was looked at by the engine then either
    if system is None or system.is_disabled:
        _note_gap(subjects, name, "*", "it is not searched any more")
        return
    try:
        for look in _looks(house, system, _search(house, system, subjects, is_rescan)):
            for subject in subjects:
                _take(subject, look)
    except Unreachable as error:
        wait = wait_of(error, house, [system])
        for subject in subjects:
            subject.seen.until = max(filter(None, (subject.seen.until, wait.wake_at or house.clock.now())))
    except DsrError as error:
        _note_gap(subjects, name, "*", error.message)


def _search(house: House, system: System, subjects: Sequence[_Subject], is_rescan: bool) -> Search:
    facts: dict[str, tuple[str, ...]] = {}
    for subject in subjects:
        for collection, names in facts_wanted(house.policy_of(subject.case), system).items():
            facts[collection] = tuple(sorted({*facts.get(collection, ()), *names}))
    rounds = {subject.case.id: subject.case.round for subject in subjects}
    known = known_by(house, as_read(system, LOOKED_BACK), rounds) if is_rescan else nothing_known
    return person_search({subject.case.id: subject.selectors for subject in subjects}, facts, known=known)


def _looks(house: House, system: System, search: Search) -> Iterator[Look]:
    """Every slice of the system, searched past the same windows and pace as any search. Raises `Unreachable`."""
    with Readers(lambda: reader_of(system, LOOKED_BACK, house), lambda: admit(system, house.clock.now())) as readers:
        with readers.lent() as driver:
            parts: list[Slice] = list(driver.slices(search.query))
        with house.searchers.over(as_read(system, LOOKED_BACK), search, readers) as hand:
            orders = [hand(part) for part in parts]
            try:
                for order in orders:
                    look = order.result()
                    if look.error is not None:
                        raise look.error
                    yield look
            finally:
                for order in orders:
                    order.cancel()


def _take(subject: _Subject, look: Look) -> None:
    if look.coverage is not None and look.coverage.extent is not Extent.FULL:
        _note_gap([subject], look.coverage.system, look.coverage.collection, look.coverage.reason)
    for finding in look.findings.get(subject.case.id, ()):
        excuse = (finding.locator.whole, _look_of(finding))
        if subject.exact[excuse] > 0:
            subject.exact[excuse] -= 1
        else:
            subject.unexcused.append(finding)


def _note_gap(subjects: Sequence[_Subject], system: str, collection: str, reason: str) -> None:
    for subject in subjects:
        if not {(system, collection), (system, "*")} & subject.gaps:
            subject.unseen.append((system, "" if collection == "*" else collection, reason))


def _tell_gaps(subjects: Sequence[_Subject]) -> None:
    """One pass looks for many people, and a folder that could not be searched for one of them may be called after another."""
    if not any(subject.unseen for subject in subjects):
        return
    mask = Mask([selector for subject in subjects for selector in subject.selectors])
    told = {gap: f"{mask.place(*gap[:2])}: {mask.text(gap[2])}" for subject in subjects for gap in subject.unseen}
    for subject in subjects:
        subject.seen.gaps = [told[gap] for gap in subject.unseen]


def _settle(subject: _Subject) -> None:
    """A record that only moved inside its collection (a mail that was read, a new version of an object) is still the excused one."""
    moved = Counter({(place.system, place.collection, look): 0 for place, look in subject.exact})
    for (place, look), count in subject.exact.items():
        moved[place.system, place.collection, look] += max(count, 0)
    for finding in subject.unexcused:
        excuse = (finding.locator.system, finding.locator.collection, _look_of(finding))
        if moved[excuse] > 0:
            moved[excuse] -= 1
        elif _is_later(finding, subject.case.closed_at):
            subject.seen.arrived += 1
        elif finding.confidence is Confidence.POSSIBLE:
            subject.seen.doubtful += 1
        else:
            subject.seen.residue += 1


def _is_later(finding: Finding, moment: datetime | None) -> bool:
    """True if the record tells that it came to be after the case was closed: by the system's word, or because all its dates lie later."""
    if moment is None:
        return False
    if finding.created is not None:
        return finding.created > moment
    days = [day for value in finding.facts.values() if (day := _day(value)) is not None]
    return bool(days) and min(days) > moment.date()


def _day(value: str | None) -> date | None:
    try:
        return date.fromisoformat((value or "")[:10])
    except ValueError:
        return None
