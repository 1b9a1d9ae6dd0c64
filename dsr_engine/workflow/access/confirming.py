"""Whether the keys that the search learnt on its way still are the person's: a customer number may have been given to somebody else since.

A key leads to records that do not name the person at all. So before anything is handed out, the records that it was learnt from are read once more,
hop by hop, as `resolve_identities` read them; a key that none of them gives any more finds nothing for the copy.
"""

from collections.abc import Iterable, Iterator, Sequence

from dsr_engine.content.match import Matcher
from dsr_engine.domain.case import Case
from dsr_engine.domain.finding import Match
from dsr_engine.domain.selector import Selector
from dsr_engine.workflow.access.reading import PORTION, Place, Wanted, answers, wanted_of
from dsr_engine.workflow.house import House
from dsr_engine.workflow.resolve_identities import MOST_HOPS, identifying, is_same_key, keys_of


def confirmed(house: House, case: Case, selectors: Sequence[Selector], places: Sequence[Place]) -> tuple[Selector, ...]:
    """The selectors that hold today: those that were given, and the keys that their records still lead to. Reads these records again."""
    held = [selector for selector in selectors if selector.scope is None]
    open_ones = [selector for selector in selectors if selector.scope is not None]
    asked = {selector.id for selector in held}
    anchors = {place.id: place for place in places if _is_anchor(house, place)}
    for _ in range(MOST_HOPS):
        led = [one.id for one in _wanted(house, case, anchors.values()) if any(hit.selector in asked for hit in one.finding.hits)]
        told = list(_told(house, case, held, [anchors.pop(id_) for id_ in led]))
        fresh = [selector for selector in open_ones if any(is_same_key(selector, other) for other in told)]
        if not fresh:
            break
        open_ones = [selector for selector in open_ones if selector not in fresh]
        held += fresh
        asked = {selector.id for selector in fresh}
    return tuple(held)


def _is_anchor(house: House, place: Place) -> bool:
    """True for a record of the person's own from which keys may be learnt."""
    locator = place.locator
    return place.match is Match.OWNS and locator.system in house.systems and locator.collection in identifying(house.systems[locator.system])


def _wanted(house: House, case: Case, places: Iterable[Place]) -> Iterator[Wanted]:
    entries = tuple(places)
    for start in range(0, len(entries), PORTION):
        yield from wanted_of(house, case, entries[start : start + PORTION])


def _told(house: House, case: Case, held: Sequence[Selector], anchors: Sequence[Place]) -> Iterator[Selector]:
    """The keys that these records give today, judged by what is known to hold."""
    matcher = Matcher({case.id: tuple(held)})
    verified = frozenset(selector.id for selector in held if selector.verified)
    for answer in answers(house, case, anchors, matcher):
        if answer.record is not None:
            name, collection = answer.collection
            system = house.system_named(name)
            fields = identifying(system)[collection]
            yield from (learnt.selector for learnt in keys_of(answer.record, matcher.findings(answer.record), system, fields, verified))
