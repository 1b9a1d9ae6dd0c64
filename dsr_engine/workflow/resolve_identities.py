"""Follows what systems know the person by: e-mail → customer 17 → device 9. Each hop is recorded, and the chain is bounded.

Only records that the person owns, by a verified and strong selector, give further keys; a key learnt this way is scoped to its field.
Each hop asks with what the hop before has learnt, and keys are looked up by equality, so only the first one reads whole collections.
An identifier that leads to two different people waits for a human (11 CCR 7060; design: over-erasure is the worst bug).
"""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from dsr_engine.domain.case import Case, Stage, Wait
from dsr_engine.domain.errors import DsrError, Unreachable
from dsr_engine.domain.finding import Confidence, Finding, Hit, Match
from dsr_engine.domain.record import Record, is_split
from dsr_engine.domain.selector import CARRIED, HOUSEHOLD, Scope, Secret, Selector
from dsr_engine.domain.system import FieldMap, System
from dsr_engine.drivers.driver import AboutSubjects
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.discover import FOUND, reader_of
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.looking import person_search
from dsr_engine.workflow.masking import Mask
from dsr_engine.workflow.pacing import wait_of
from dsr_engine.workflow.step import Advance, Stand, Step
from dsr_engine.workflow.turn import Turn

MOST_HOPS = 5
SAME_PERSON = "same_person"
#: Written forms that many people share (`content.match`): they prove nothing.
_LOOSE = frozenset({"initials", "transliterated"})


@dataclass(frozen=True, slots=True)
class _Learnt:
    """A key found in a record, the selector through which the record was found, and the kinds of identifiers that the record holds as its own."""

    selector: Selector
    record: tuple[str, ...]
    agreeing: frozenset[str] = frozenset()


def resolve_identities(case: Case, turn: Turn, house: House) -> Step:
    """Closes the set of selectors; stands when a system is down or when one identifier leads to several people."""
    with turn.transaction() as tx:
        given = tx.selectors.of(case.id)
        may_share = any(approval.manner == SAME_PERSON for approval in tx.approvals.of(case.id))
    # A key that an earlier case learnt counts only once the systems tell it anew: the same number may have been given to somebody else.
    old = [entry for entry in given if entry.scope is not None and not entry.verified]
    known = [entry for entry in given if entry not in old]
    learnt: list[Selector] = []
    asked = known
    try:
        for _ in range(MOST_HOPS):
            fresh = [entry for entry in _hop(case, asked, house) if not _is_known(entry.selector, known)]
            shared = _shared(fresh, frozenset(entry.id for entry in known if entry.scope is None))
            if shared and not may_share:
                return Stand(_shared_wait(case, shared, known, house))
            if not fresh:
                break
            asked = [entry.selector for entry in _once(fresh)]
            known = known + asked
            learnt += asked
    except Unreachable as error:
        return Stand(wait_of(error, house, [house.system_named(name) for name in case.systems]))

    def write(tx: Transaction) -> None:
        for selector in learnt:
            same = next((entry.id for entry in old if is_same_key(entry, selector)), selector.id)
            tx.selectors.add(case.id, replace(selector, id=same))
        tx.ledger.append(leaf(house.clock, "case.identities", case.id, case=case.id, learnt=len(learnt), selectors=len(known)))

    return Advance(Stage.DISCOVER, write)


def _hop(case: Case, asked: list[Selector], house: House) -> Iterator[_Learnt]:
    for name in case.systems:
        system = house.system_named(name)
        if system.is_disabled or not identifying(system):
            continue
        try:
            yield from _keys_in(case, asked, system, house)
        except Unreachable:
            raise
        except DsrError:
            continue  # `discover` meets the same refusal and turns it into coverage


def identifying(system: System) -> dict[str, tuple[FieldMap, ...]]:
    """The collections of a system whose fields know the person by a key, or lead to what the record carries, with those fields."""
    maps = {entry.name: tuple(field for field in entry.fields if field.identifies or field.carries) for entry in system.manifest.collections}
    return {name: fields for name, fields in maps.items() if fields}


def _keys_in(case: Case, asked: list[Selector], system: System, house: House) -> Iterator[_Learnt]:
    fields = identifying(system)
    search = person_search({case.id: tuple(asked)}, {})
    verified = frozenset(selector.id for selector in asked if selector.verified)
    assert isinstance(search.query, AboutSubjects)
    driver = reader_of(system, FOUND, house)
    try:
        for part in driver.slices(search.query):
            for event in driver.find(search.query, part) if part.collection in fields else ():
                if isinstance(event, Record):
                    yield from keys_of(event, search.judge(event), system, fields[part.collection], verified)
    finally:
        driver.close()


def keys_of(
    record: Record, findings: tuple[Finding, ...], system: System, fields: tuple[FieldMap, ...], verified: frozenset[str]
) -> Iterator[_Learnt]:
    """The keys that a record of the person's own, surely found, gives by these fields."""
    for finding in findings:
        if finding.match is not Match.OWNS or finding.confidence is Confidence.POSSIBLE:
            continue
        via = max(finding.hits, key=lambda hit: hit.confidence.rank).selector
        agreeing = frozenset(hit.kind for hit in finding.hits if hit.selector in verified and _is_own(hit, system, record.locator.collection))
        for field in fields:
            value = record.identifying.get(field.name) or ""
            for kind, scope in meanings(field, system.name, record.locator.collection) if value else ():
                yield _Learnt(Selector(secrets.token_hex(6), kind, Secret(value), verified=True, scope=scope, via=via), record.locator.key, agreeing)


def meanings(field: FieldMap, system: str, collection: str) -> Iterator[tuple[str, Scope]]:
    """What a key in this field is: one that the person is known by, here or in the record that it points at; or where a record is that goes along."""
    target = Scope(system, *field.references) if field.references is not None else None
    if field.carries and target is not None:
        yield CARRIED, target
    if field.identifies or not field.carries:
        own = Scope(system, collection, field.name)
        yield field.selects or field.name, own if field.carries or target is None else target


def _is_own(hit: Hit, system: System, collection: str) -> bool:
    """True if the hit is the identifier itself, in the field that holds it, and not a word in a text."""
    map_ = system.manifest.collection_named(collection)
    field = map_.field_named(hit.field) if map_ else None
    return hit.form not in _LOOSE and (is_split(hit.place) or (field is not None and field.selects == hit.kind))


def is_same_key(one: Selector, other: Selector) -> bool:
    return one.scope == other.scope and one.kind == other.kind and one.value.reveal() == other.value.reveal()


def _is_known(selector: Selector, known: list[Selector]) -> bool:
    return any(is_same_key(selector, entry) for entry in known)


def _once(learnt: list[_Learnt]) -> list[_Learnt]:
    kept: list[_Learnt] = []
    for entry in learnt:
        if not _is_known(entry.selector, [other.selector for other in kept]):
            kept.append(entry)
    return kept


def _shared(learnt: list[_Learnt], given: frozenset[str]) -> list[_Learnt]:
    """Keys of one field that the same given identifier led to although they stand in different records: two accounts, perhaps two people.

    A key learnt on the way may lead to many records: one customer has several devices. Records that all hold two verified identifiers of the person,
    not both of a household, are one person's without asking.
    """
    records: dict[tuple[Scope | None, str | None], dict[tuple[str, ...], frozenset[str]]] = {}
    identifying = [entry for entry in learnt if entry.selector.kind != CARRIED and entry.selector.via in given]
    for entry in identifying:
        records.setdefault((entry.selector.scope, entry.selector.via), {})[entry.record] = entry.agreeing
    doubtful = {where for where, found in records.items() if len(found) > 1 and not _is_one_person(found.values())}
    return [entry for entry in identifying if (entry.selector.scope, entry.selector.via) in doubtful]


def _is_one_person(agreeing: Iterable[frozenset[str]]) -> bool:
    return len(frozenset.intersection(*agreeing) - HOUSEHOLD) > 1


def _shared_wait(case: Case, shared: list[_Learnt], selectors: list[Selector], house: House) -> Wait:
    scope = shared[0].selector.scope
    where = Mask(selectors).place(scope.system, scope.collection) if scope else "a system"
    return Wait(
        "identity_shared",
        f"one identifier leads to {len({entry.record for entry in shared})} different records in {where}: they may be different people",
        f"`dsr case decide {case.id} --same-person` if all of them are the requester; else refuse the case, or open one with a narrower identifier",
        house.clock.now(),
    )
