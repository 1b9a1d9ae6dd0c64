"""One search of one slice, and what it means for coverage. `discover` and `verify_absence` look in the same way."""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from dsr_engine.content.match import Matcher
from dsr_engine.domain.case import Case
from dsr_engine.domain.errors import DsrError, Unreachable
from dsr_engine.domain.finding import Confidence, Coverage, Extent, Finding, Match, Sharing
from dsr_engine.domain.policy import Policy, Rule, concerns
from dsr_engine.domain.record import Gap, Record
from dsr_engine.domain.selector import Selector
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import AboutSubjects, Driver, Looked, Query, Slice
from dsr_engine.store.transaction import Transaction

#: The two phases of looking: before the plan, and after the effects.
FOUND = "found"
VERIFIED = "verified"

#: How many different reasons a coverage row names before it only counts them.
MOST_REASONS = 5


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for: a query, and who decides what a record that it brings means."""

    query: Query
    judge: Callable[[Record], tuple[Finding, ...]]


def person_search(subjects: Mapping[str, tuple[Selector, ...]], facts: Mapping[str, tuple[str, ...]]) -> Search:
    """A search for people, all cases in one pass; `content.match` decides."""
    matcher = Matcher(subjects)
    return Search(AboutSubjects(subjects, matcher.gate, facts), matcher.findings)


def aged_finding(case: Case, record: Record) -> Finding:
    """A record that a search by age brought: it belongs to whom it belongs, and nobody in particular was looked for."""
    return Finding(
        case=case.id,
        locator=record.locator,
        match=Match.OWNS,
        confidence=Confidence.CERTAIN,
        hits=(),
        server=record.server,
        fields={unit.field.name: unit.field.category for unit in record.units if unit.field is not None and unit.field.category},
        facts=record.facts,
        created=record.created,
    )


@dataclass(slots=True)
class Look:
    """What one slice gave. `findings` by case; `coverage` of its collection; `error` if it could not be looked at for now."""

    part: Slice
    findings: dict[str, list[Finding]] = field(default_factory=dict)
    coverage: Coverage | None = None
    error: Unreachable | None = None


def slice_key(part: Slice) -> str:
    """A stable name of a slice. It holds no personal data: `Slice.part` must not."""
    return json.dumps([part.system, part.collection, *part.part])


def look_at(lent: Callable[[], AbstractContextManager[Driver]], search: Search, part: Slice) -> Look:
    """Searches one slice with a connection of its own meanwhile. A permanent refusal becomes coverage *none*, a transient one the look's error."""
    look = Look(part)
    gaps: list[Gap] = []
    shared = Sharing()
    looked = Looked(part.collection, 0, Extent.NONE, "the search ended without a last word")
    try:
        with lent() as driver:
            for event in driver.find(search.query, part):
                if isinstance(event, Record):
                    gaps += event.gaps
                    for finding in search.judge(event):
                        look.findings.setdefault(finding.case, []).append(shared(finding))
                elif isinstance(event, Gap):
                    gaps.append(event)
                else:
                    looked = event
    except Unreachable as error:
        look.error = error
        return look
    except DsrError as error:
        look.coverage = Coverage(part.system, part.collection, Extent.NONE, str(error), error.code)
        return look
    look.coverage = covered(part.system, part.collection, looked, gaps)
    return look


def covered(system: str, collection: str, looked: Looked, gaps: Iterable[Gap]) -> Coverage:
    """What a search that ended with this last word, and left these gaps, says of the collection."""
    reasons: dict[str, int] = {}
    code = ""
    for gap in gaps:
        reasons[gap.reason] = reasons.get(gap.reason, 0) + 1
        code = code or gap.code
    if looked.extent is Extent.FULL and not reasons:
        return Coverage(system, collection, Extent.FULL, looked=looked.count)
    extent = Extent.NONE if looked.extent is Extent.NONE else Extent.PARTIAL
    named = [f"{reason} ({count} times)" if count > 1 else reason for reason, count in reasons.items()]
    if looked.reason and looked.reason not in reasons:
        named.insert(0, looked.reason)
    if len(named) > MOST_REASONS:
        named = [*named[:MOST_REASONS], f"{len(named) - MOST_REASONS} further reasons"]
    return Coverage(system, collection, extent, "; ".join(named), code or "search.incomplete", looked=looked.count)


def merged(before: Coverage | None, after: Coverage) -> Coverage:
    """The coverage of a collection after one more of its slices: the worse extent, both reasons, the sum of records."""
    if before is None:
        return after
    if before.extent is after.extent is Extent.FULL:
        extent = Extent.FULL
    elif before.extent is after.extent is Extent.NONE:
        extent = Extent.NONE
    else:
        extent = Extent.PARTIAL
    reasons = [reason for reason in (before.reason, after.reason) if reason]
    reason = reasons[0] if len(set(reasons)) == 1 else "; ".join(reasons)
    return Coverage(after.system, after.collection, extent, reason[:1000], before.code or after.code, looked=before.looked + after.looked)


def keep_look(tx: Transaction, case: str, round_: int, phase: str, look: Look) -> None:
    """Writes a slice's findings, its coverage and that it is done, for one case, in one transaction."""
    key = slice_key(look.part)
    tx.findings.put_slice(case, round_, phase, key, look.findings.get(case, []))
    if look.coverage is not None:
        known = {(row.system, row.collection): row for row in tx.coverage.of(case, round_, phase)}
        tx.coverage.put(case, round_, phase, merged(known.get((look.part.system, look.part.collection)), look.coverage))
    tx.slices.done(case, round_, phase, key)


def facts_wanted(policy: Policy, system: System) -> Mapping[str, tuple[str, ...]]:
    """The fields, by collection, whose values the policy's periods and states need from this system, and the dates by which a legal hold asks."""
    wanted: dict[str, set[str]] = {}
    for collection in system.manifest.collections:
        marked = {entry.name for entry in collection.fields if entry.starts_retention}
        if marked:
            wanted.setdefault(collection.name, set()).update(marked)
        for rule in policy.rules:
            for name in _fields_of(rule) if concerns(rule, system.name, collection.origin) else ():
                wanted.setdefault(collection.name, set()).update(_as_seen_from(collection.origin, name))
    return {collection: tuple(sorted(names)) for collection, names in wanted.items()}


def _fields_of(rule: Rule) -> tuple[str, ...]:
    if rule.keep is None:
        return ()
    return (*(rule.keep.start.fields if rule.keep.start else ()), *rule.keep.while_)


def _as_seen_from(collection: str, name: str) -> set[str]:
    """`orders.created_at` is `created_at` in orders itself and a linked date elsewhere."""
    head, dot, tail = name.partition(".")
    return {tail} if dot and head == collection else {name}
