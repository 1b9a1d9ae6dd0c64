"""One search of one slice, and what it means for coverage. `discover` and `verify_absence` look in the same way."""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

from dsr_engine.content.match import Matcher
from dsr_engine.domain.case import Case
from dsr_engine.domain.correspondence import ANY, sort_of_anybody
from dsr_engine.domain.errors import DsrError, Unreachable
from dsr_engine.domain.finding import Confidence, Coverage, Extent, Finding, Match, Sharing, Unread
from dsr_engine.domain.policy import Policy, Rule, concerns
from dsr_engine.domain.record import Gap, Record
from dsr_engine.domain.selector import Selector
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import AboutSubjects, Driver, Looked, Marking, Query, Slice
from dsr_engine.drivers.mailstore.ages import ANYWHERE, STATES
from dsr_engine.store.transaction import Transaction

#: The two phases of looking: before the plan, and after the effects.
FOUND = "found"
VERIFIED = "verified"

#: How many different reasons a coverage row names before it only counts them.
MOST_REASONS = 5


#: So many records are named for each reason, and for one slice: an officer looks at examples, and asks whoever runs the system about the rest.
MOST_EXAMPLES, MOST_UNREAD = 5, 50


#: What need not be read again in a slice, one marking for each case that is looked for; nothing, where any of them knows nothing of it.
Known = Callable[[Slice], tuple[Marking, ...]]


def nothing_known(_part: Slice) -> tuple[Marking, ...]:
    """Everything is read."""
    return ()


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for: a query, and who decides what a record that it brings means. `known` is asked as each slice begins, by threads."""

    query: Query
    judge: Callable[[Record], tuple[Finding, ...]]
    known: Known = nothing_known

    def within(self, part: Slice) -> Query:
        """The query for one slice."""
        known = self.known(part)
        return replace(self.query, known=known) if known and isinstance(self.query, AboutSubjects) else self.query


def person_search(
    subjects: Mapping[str, tuple[Selector, ...]],
    facts: Mapping[str, tuple[str, ...]],
    *,
    known: Known = nothing_known,
    noting: Marking | None = None,
) -> Search:
    """A search for people, all cases in one pass; `content.match` decides."""
    matcher = Matcher(subjects)
    return Search(AboutSubjects(subjects, matcher.gate, facts, noting=noting), matcher.findings, known)


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
        message=sort_of_anybody(record.envelope).value if record.envelope is not None else "",
        mailbox=ANY if record.envelope is not None else "",
    )


@dataclass(slots=True)
class Look:
    """What one slice gave. `findings` by case; `coverage` of its collection; `error` if it could not be looked at for now.

    `clean` are the marks of what was read to its end without a sign of the person, where the search asked for them. `unread` names some of the
    records that were not read wholly.
    """

    part: Slice
    findings: dict[str, list[Finding]] = field(default_factory=dict)
    coverage: Coverage | None = None
    error: Unreachable | None = None
    clean: frozenset[bytes] = field(default=frozenset(), repr=False)
    unread: tuple[Unread, ...] = ()


def slice_key(part: Slice) -> str:
    """A stable name of a slice. It holds no personal data: `Slice.part` must not."""
    return json.dumps([part.system, part.collection, *part.part])


def marks_key(part: Slice) -> str:
    """A name of what a slice has in common with those of another search, under which its marks are kept."""
    return json.dumps([part.system, part.collection, *(part.kin or part.part)])


def look_at(lent: Callable[[], AbstractContextManager[Driver]], search: Search, part: Slice) -> Look:
    """Searches one slice with a connection of its own meanwhile. A permanent refusal becomes coverage *none*, a transient one the look's error."""
    look = Look(part)
    gaps: list[Gap] = []
    shared = Sharing()
    looked = Looked(part.collection, 0, Extent.NONE, "the search ended without a last word")
    query = search.within(part)
    try:
        with lent() as driver:
            for event in driver.find(query, part):
                if isinstance(event, Record):
                    gaps += (gap.about(event.locator.key) for gap in event.gaps)
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
    look.clean = looked.clean
    look.unread = examples(part.system, part.collection, gaps)
    return look


def examples(system: str, collection: str, gaps: Iterable[Gap]) -> tuple[Unread, ...]:
    """Some of the records that the gaps are about, a few for each reason."""
    named: dict[str, dict[tuple[str, ...], Unread]] = {}
    for gap in gaps:
        of_reason = named.setdefault(gap.code, {})
        if gap.key and len(of_reason) < MOST_EXAMPLES:
            of_reason[gap.key] = Unread(system, collection, gap.code, gap.reason, gap.key)
    return tuple(unread for of_reason in named.values() for unread in of_reason.values())[:MOST_UNREAD]


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
    """Writes a slice's findings, its coverage and that it is done, for one case, in one transaction; with what a re-scan need not read again."""
    key = slice_key(look.part)
    tx.findings.put_slice(case, round_, phase, key, look.findings.get(case, []))
    if look.coverage is not None:
        known = tx.coverage.one(case, round_, phase, look.part.system, look.part.collection)
        tx.coverage.put(case, round_, phase, merged(known, look.coverage))
    tx.unread.put(case, round_, phase, key, look.unread)
    if phase == VERIFIED:
        tx.clean_records.put(case, round_, marks_key(look.part), look.clean)
    tx.slices.done(case, round_, phase, key)


def facts_wanted(policy: Policy, system: System) -> Mapping[str, tuple[str, ...]]:
    """The fields, by collection, whose values the policy's periods and states need from this system, and the dates by which a legal hold asks.

    Flags and authors every mail has, also in folders that no connector lists (`ages.ANYWHERE`): what a rule keeps by them is kept there as well.
    """
    wanted: dict[str, set[str]] = {}
    if system.manifest.driver == "mailstore":
        states = {name.rpartition(".")[2] for rule in policy.rules if rule.keep is not None for name in rule.keep.while_}
        wanted.update({ANYWHERE: found} if (found := states & set(STATES)) else {})
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
