"""Whether the keys that the search learnt on its way still are the person's: a customer number may have been given to somebody else since.

A key leads to records that do not name the person at all. So before anything is handed out, the records that it was learnt from are read once more,
hop by hop, as `resolve_identities` read them; a key that none of them gives any more finds nothing for the copy.
"""

from collections.abc import Iterator, Sequence

from dsr_engine.content.match import Matcher
from dsr_engine.domain.case import Case
from dsr_engine.domain.finding import Finding, Match
from dsr_engine.domain.selector import Selector
from dsr_engine.workflow.access.reading import Wanted, portions
from dsr_engine.workflow.house import House
from dsr_engine.workflow.resolve_identities import MOST_HOPS, identifying, is_same_key, keys_of


def confirmed(house: House, case: Case, selectors: Sequence[Selector], wanted: Sequence[Wanted]) -> tuple[Selector, ...]:
    """The selectors that hold today: those that were given, and the keys that their records still lead to. Reads these records again."""
    held = [selector for selector in selectors if selector.scope is None]
    open_ones = [selector for selector in selectors if selector.scope is not None]
    asked = {selector.id for selector in held}
    read: set[str] = set()
    for _ in range(MOST_HOPS):
        anchors = [one for one in wanted if one.id not in read and _is_anchor(house, one.finding, asked)]
        read |= {one.id for one in anchors}
        told = list(_told(house, case, held, anchors))
        fresh = [selector for selector in open_ones if any(is_same_key(selector, other) for other in told)]
        if not fresh:
            break
        open_ones = [selector for selector in open_ones if selector not in fresh]
        held += fresh
        asked = {selector.id for selector in fresh}
    return tuple(held)


def _is_anchor(house: House, finding: Finding, asked: set[str]) -> bool:
    """True for a record of the person's own from which keys may be learnt, and that one of these selectors found."""
    place = finding.locator
    if finding.match is not Match.OWNS or place.system not in house.systems or place.collection not in identifying(house.systems[place.system]):
        return False
    return any(hit.selector in asked for hit in finding.hits)


def _told(house: House, case: Case, held: Sequence[Selector], anchors: Sequence[Wanted]) -> Iterator[Selector]:
    """The keys that these records give today, judged by what is known to hold."""
    matcher = Matcher({case.id: tuple(held)})
    verified = frozenset(selector.id for selector in held if selector.verified)
    for portion in portions(house, case, anchors, matcher):
        system = house.system_named(portion.system)
        for record in portion.records.values():
            if record is not None:
                fields = identifying(system)[portion.collection]
                yield from (learnt.selector for learnt in keys_of(record, matcher.findings(record), system, fields, verified))
