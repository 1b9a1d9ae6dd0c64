"""Which records a legal hold protects: the one answer for plans, for the transaction that records an intention, and for what is in flight.

A person is known by keyed digests of normalised identifiers (`store/hold_key.py`). A case is about a person who is held if one of its selectors is,
also one that was learnt on the way. A sweep is about nobody, so there each record is asked: what its fields with `selects` say, and from when it is.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

from dsr_engine.content.forms import normalised
from dsr_engine.domain.finding import Finding
from dsr_engine.domain.hold import NOTHING_KNOWN, Bearing, Hold
from dsr_engine.domain.plan import PlanItem
from dsr_engine.domain.record import Locator, Record
from dsr_engine.domain.selector import Secret, Selector
from dsr_engine.domain.system import System
from dsr_engine.store.hold_key import HoldKey


def digests_of(key: HoldKey, kind: str, value: str) -> tuple[str, ...]:
    """The keyed digests of one identifier, one for each way of normalising it: two are the same identifier if they share one."""
    texts = normalised(Selector("", kind, Secret(value)))
    return tuple(dict.fromkeys(key.digest(kind, text) for text in texts if text))


def people_of(key: HoldKey, selectors: Iterable[Selector]) -> frozenset[str]:
    """The digests of everybody whom these selectors mean, scoped keys included."""
    return frozenset(digest for entry in selectors for digest in digests_of(key, entry.kind, entry.value.reveal()))


def people_in(key: HoldKey, record: Record) -> tuple[str, ...]:
    """The digests of what a record's own fields say about whose it is; for records that were found by their age."""
    found = (
        (unit.field.selects, unit.text)
        for unit in record.units
        if unit.field is not None and unit.field.selects and not unit.field.search_text and unit.text
    )
    return tuple(sorted({digest for kind, text in found for digest in digests_of(key, kind, text)}))


def bearing_of(findings: Iterable[Finding]) -> Bearing:
    """From when a record is, and whose, by everything that was found in it.

    Its dates are those that the connector marks (`starts: retention`) or that the policy asked for, and when the system says that it came to be.
    """
    dates: list[date] = []
    people: set[str] = set()
    for finding in findings:
        people.update(finding.people)
        dates += [found for text in finding.facts.values() if (found := _date(text)) is not None]
        dates += [finding.created.date()] if finding.created is not None else []
    if not dates:
        return Bearing(people=tuple(sorted(people))) if people else NOTHING_KNOWN
    return Bearing(min(dates), max(dates), tuple(sorted(people)))


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError:
        return None


def categories_in(system: System, collection: str) -> frozenset[str] | None:
    """The categories of data in a collection, as far as its connector tells; None where nobody said, so that any may be there."""
    known = system.manifest.collection_named(collection)
    found = frozenset(entry.category for entry in known.fields if entry.category) if known else frozenset()
    return found or None


def first_holding(
    holds: Iterable[Hold],
    case: str,
    locator: Locator,
    categories: Collection[str],
    bearing: Bearing,
    people: Collection[str],
) -> Hold | None:
    """The first hold that protects this record in this case; None if it is free."""
    return next(
        (
            hold
            for hold in holds
            if hold.concerns(case=case, system=locator.system, collection=locator.collection, categories=categories) and hold.holds(bearing, people)
        ),
        None,
    )


def held_positions(holds: Sequence[Hold], case: str, people: Collection[str], item: PlanItem, system: System) -> Mapping[int, str]:
    """Position → id of the hold, for every record of the item that may not be changed: itself is held, or what would go with it may be.

    Empty for items that nothing is done to.
    """
    if item.effect is None:
        return {}
    held: dict[int, str] = {}
    for hold in holds:
        if hold.concerns(case=case, system=item.system, collection=item.collection, categories=item.categories):
            for position, planned in enumerate(item.records):
                if hold.holds(planned.bearing, people):
                    held.setdefault(position, hold.id)
        for position, planned in enumerate(item.records):
            if position not in held and any(_may_hold(hold, case, people, planned.bearing, system, dep.collection) for dep in planned.dependents):
                held[position] = hold.id
    return held


def _may_hold(hold: Hold, case: str, people: Collection[str], parent: Bearing, system: System, collection: str) -> bool:
    """True if the hold may protect what points at a record. Its dates are unknown; whose it is, is told by the record that it points at."""
    return may_concern(hold, case, system, collection) and hold.holds(Bearing(people=parent.people), people)


def may_concern(hold: Hold, case: str, system: System, collection: str) -> bool:
    """True if records of this collection may be held, as far as the connector tells what is in them."""
    return hold.concerns(case=case, system=system.name, collection=collection, categories=categories_in(system, collection))
