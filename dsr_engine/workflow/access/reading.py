"""The findings of a copy with their records: each record is read from its system at that moment, and let go of before the next one.

A copy may be of hundreds of thousands of records, and one record of tens of megabytes. So of all findings only the places are held, the findings
of a portion, and one record.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import groupby

from dsr_engine.content.gate import Gate
from dsr_engine.content.match import Matcher
from dsr_engine.domain.case import Case
from dsr_engine.domain.errors import DsrError, Unreachable
from dsr_engine.domain.finding import Confidence, Finding, Match
from dsr_engine.domain.record import Locator, Record
from dsr_engine.drivers.reading import Bounds, Original, Reader, Reread
from dsr_engine.store.copies import CopyRecord
from dsr_engine.workflow.house import House
from dsr_engine.workflow.looking import FOUND
from dsr_engine.workflow.pacing import admit
from dsr_engine.workflow.previewing import reading_from

#: Findings that are in memory at once, how much is read of one record, and bytes of what is enclosed with it.
PORTION = 200
BOUNDS = Bounds(characters=8_000_000, seconds=120)
ORIGINALS = 32 * 1024**2


@dataclass(frozen=True, slots=True, repr=False)
class Place:
    """Where one finding of the case is, and what decides early about it: hundreds of thousands of these are held at once."""

    id: str
    locator: Locator
    confidence: Confidence
    match: Match
    verdict: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """One finding of the case, with what people said about it."""

    id: str
    finding: Finding
    verdict: str
    known: CopyRecord


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """A record as it is now (None: gone) with the findings in it. `error` says why it could not be read."""

    wanted: tuple[Wanted, ...]
    record: Record | None = None
    originals: tuple[Original, ...] = ()
    error: str = ""

    @property
    def collection(self) -> tuple[str, str]:
        locator = self.wanted[0].finding.locator
        return locator.system, locator.collection


def places_of(house: House, case: Case) -> list[Place]:
    """Every finding of the case's round by system, collection and key, each record once; where it is in more than one slice, the surest."""
    best: dict[Locator, Place] = {}
    with house.store.snapshot() as tx:
        verdicts = tx.findings.verdicts(case.id)
        for id_, finding in tx.findings.of(case.id, case.round, FOUND):
            other = best.get(finding.locator)
            if other is None or finding.confidence.rank > other.confidence.rank:
                best[finding.locator] = Place(id_, finding.locator, finding.confidence, finding.match, verdicts.get(id_, ""))
    return sorted(best.values(), key=_order)


def wanted_of(house: House, case: Case, places: Iterable[Place]) -> list[Wanted]:
    """The findings at these places; one that was found anew meanwhile is not in the answer."""
    entries = tuple(places)
    ids = [place.id for place in entries]
    with house.store.snapshot() as tx:
        found = tx.reviews.chosen(case.id, ids)
        known = tx.copies.records(case.id, ids)
    return [Wanted(place.id, found[place.id], place.verdict, known.get(place.id, CopyRecord(place.id))) for place in entries if place.id in found]


def answers(house: House, case: Case, places: Sequence[Place], matcher: Matcher, *, with_originals: bool = False) -> Iterator[Answer]:
    """The findings with what their records say now, one record at a time and collection by collection.

    A system that does not answer is an answer with an error for each record, not an end. An answer is to be used before the next one is taken.
    """
    for name, of_system in groupby(places, key=lambda place: place.locator.system):
        with _Source(house, case, name) as source:
            for _, of_collection in groupby(of_system, key=lambda place: place.locator.collection):
                entries = tuple(of_collection)
                for start in range(0, len(entries), PORTION):
                    wanted = wanted_of(house, case, entries[start : start + PORTION])
                    yield from _portion(source, wanted, matcher.gate, with_originals=with_originals)


def _portion(source: "_Source", wanted: Iterable[Wanted], gate: Gate, *, with_originals: bool) -> Iterator[Answer]:
    here: dict[Locator, tuple[Wanted, ...]] = {}
    for one in wanted:
        here[one.finding.locator.whole] = (*here.get(one.finding.locator.whole, ()), one)
    own = [place for place, found in here.items() if with_originals and any(not one.finding.locator.inside for one in found)]
    others = [place for place in here if place not in set(own)]
    for places, bounds in ((own, replace(BOUNDS, originals=ORIGINALS)), (others, BOUNDS)):
        left = dict.fromkeys(places)
        error = "the system gave no answer for it"
        try:
            for answer in source.read(places, gate, bounds):
                left.pop(answer.locator, None)
                yield Answer(here[answer.locator], answer.record, answer.originals)
        except DsrError as refused:
            error = refused.message
        yield from (Answer(here[place], error=error) for place in left)


@dataclass(slots=True)
class _Source:
    """A system that records are read from, over one connection for as long as that holds: whoever fetches a copy may be slow, and it be closed."""

    house: House
    case: Case
    name: str
    _open: ExitStack = field(default_factory=ExitStack)
    _reader: Reader | None = None
    _silent: Unreachable | None = None

    def __enter__(self) -> "_Source":
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def read(self, places: Sequence[Locator], gate: Gate, bounds: Bounds) -> Iterator[Reread]:
        """What the reader says of these places; where a connection that was good before fails, once more over a new one.

        A system that does not answer over a new one either is not asked again: each time would take its whole patience.
        """
        left = dict.fromkeys(places)
        while left:
            was_good = self._reader is not None
            try:
                for answer in self._opened().read(tuple(left), gate, bounds):
                    left.pop(answer.locator, None)
                    yield answer
            except DsrError as error:
                self._close()
                if not was_good:
                    self._silent = error if isinstance(error, Unreachable) else None
                    raise
            else:
                return

    def _opened(self) -> Reader:
        if self._silent is not None:
            raise self._silent
        system = self.house.system_named(self.name)
        if self._reader is None:
            self._reader = self._open.enter_context(reading_from(self.house, system, label=f"dsr/{self.case.id}"))
        else:
            admit(system, self.house.clock.now())
        return self._reader

    def _close(self) -> None:
        self._reader = None
        self._open.close()


def _order(place: Place) -> tuple[object, ...]:
    """Numbers in their order: a longer one is a larger one."""
    locator = place.locator
    return locator.system, locator.collection, [(len(part), part) for part in locator.key], locator.inside
