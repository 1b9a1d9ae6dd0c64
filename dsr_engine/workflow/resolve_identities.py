"""Follows what systems know the person by: e-mail → customer 17 → device 9. Each hop is recorded, and the chain is bounded.

Only records that the person owns, by a verified and strong selector, give further keys; a key learnt this way is scoped to its field.
An identifier that leads to two different people waits for a human (11 CCR 7060; design: over-erasure is the worst bug).
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from dsr_engine.domain.case import Case, Stage, Wait
from dsr_engine.domain.errors import DsrError, Unreachable
from dsr_engine.domain.finding import Confidence, Finding, Match
from dsr_engine.domain.record import Record
from dsr_engine.domain.selector import CARRIED, Scope, Secret, Selector
from dsr_engine.domain.system import FieldMap, System
from dsr_engine.drivers.driver import AboutSubjects
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.discover import FOUND, reader_of
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.looking import person_search
from dsr_engine.workflow.step import TRY_AGAIN_AFTER, Advance, Stand, Step
from dsr_engine.workflow.turn import Turn

MOST_HOPS = 5
SAME_PERSON = "same_person"


@dataclass(frozen=True, slots=True)
class _Learnt:
    """A key found in a record, and the selector through which the record was found."""

    selector: Selector
    record: tuple[str, ...]


def resolve_identities(case: Case, turn: Turn, house: House) -> Step:
    """Closes the set of selectors; stands when a system is down or when one identifier leads to several people."""
    with turn.transaction() as tx:
        known = list(tx.selectors.of(case.id))
        may_share = any(approval.manner == SAME_PERSON for approval in tx.approvals.of(case.id))
    learnt: list[Selector] = []
    try:
        for _ in range(MOST_HOPS):
            fresh = [entry for entry in _hop(case, known, house) if not _is_known(entry.selector, known)]
            shared = _shared(fresh, frozenset(entry.id for entry in known if entry.scope is None))
            if shared and not may_share:
                return Stand(_shared_wait(case, shared, house))
            if not fresh:
                break
            known += [entry.selector for entry in _once(fresh)]
            learnt += [entry.selector for entry in _once(fresh)]
    except Unreachable as error:
        now = house.clock.now()
        return Stand(Wait("system_down", f"a system does not answer: {error.message}", "the system has to answer again", now, now + TRY_AGAIN_AFTER))

    def write(tx: Transaction) -> None:
        for selector in learnt:
            tx.selectors.add(case.id, selector)
        tx.ledger.append(leaf(house.clock, "case.identities", case.id, case=case.id, learnt=len(learnt), selectors=len(known)))

    return Advance(Stage.DISCOVER, write)


def _hop(case: Case, known: list[Selector], house: House) -> Iterator[_Learnt]:
    for name in case.systems:
        system = house.system_named(name)
        if system.is_disabled or not _identifying(system):
            continue
        try:
            yield from _keys_in(case, known, system, house)
        except Unreachable:
            raise
        except DsrError:
            continue  # `discover` meets the same refusal and turns it into coverage


def _identifying(system: System) -> dict[str, tuple[FieldMap, ...]]:
    """The collections of a system whose fields know the person by a key, or lead to what the record carries, with those fields."""
    maps = {entry.name: tuple(field for field in entry.fields if field.identifies or field.carries) for entry in system.manifest.collections}
    return {name: fields for name, fields in maps.items() if fields}


def _keys_in(case: Case, known: list[Selector], system: System, house: House) -> Iterator[_Learnt]:
    fields = _identifying(system)
    search = person_search({case.id: tuple(known)}, {})
    assert isinstance(search.query, AboutSubjects)
    driver = reader_of(system, FOUND, house)
    try:
        for part in driver.slices(search.query):
            for event in driver.find(search.query, part) if part.collection in fields else ():
                if isinstance(event, Record):
                    yield from _keys_of(event, search.judge(event), system, fields[part.collection])
    finally:
        driver.close()


def _keys_of(record: Record, findings: tuple[Finding, ...], system: System, fields: tuple[FieldMap, ...]) -> Iterator[_Learnt]:
    for finding in findings:
        if finding.match is not Match.OWNS or finding.confidence is Confidence.POSSIBLE:
            continue
        via = max(finding.hits, key=lambda hit: hit.confidence.rank).selector
        for field in fields:
            value = record.identifying.get(field.name)
            if value:
                kind, scope = _meaning(field, system.name, record.locator.collection)
                yield _Learnt(Selector(secrets.token_hex(6), kind, Secret(value), verified=True, scope=scope, via=via), record.locator.key)


def _meaning(field: FieldMap, system: str, collection: str) -> tuple[str, Scope]:
    """What a key in this field is: one that the person is known by here, or the address of a record that goes the person's way."""
    if field.carries and field.references is not None:
        return CARRIED, Scope(system, *field.references)
    return field.selects or field.name, Scope(system, collection, field.name)


def _same(one: Selector, other: Selector) -> bool:
    return one.scope == other.scope and one.kind == other.kind and one.value.reveal() == other.value.reveal()


def _is_known(selector: Selector, known: list[Selector]) -> bool:
    return any(_same(selector, entry) for entry in known)


def _once(learnt: list[_Learnt]) -> list[_Learnt]:
    kept: list[_Learnt] = []
    for entry in learnt:
        if not _is_known(entry.selector, [other.selector for other in kept]):
            kept.append(entry)
    return kept


def _shared(learnt: list[_Learnt], given: frozenset[str]) -> list[_Learnt]:
    """Keys of one field that the same given identifier led to although they stand in different records: two accounts, perhaps two people.

    A key learnt on the way may lead to many records: one customer has several devices.
    """
    records: dict[tuple[Scope | None, str | None], set[tuple[str, ...]]] = {}
    identifying = [entry for entry in learnt if entry.selector.kind != CARRIED and entry.selector.via in given]
    for entry in identifying:
        records.setdefault((entry.selector.scope, entry.selector.via), set()).add(entry.record)
    return [entry for entry in identifying if len(records[entry.selector.scope, entry.selector.via]) > 1]


def _shared_wait(case: Case, shared: list[_Learnt], house: House) -> Wait:
    scope = shared[0].selector.scope
    where = f"{scope.system}.{scope.collection}" if scope else "a system"
    return Wait(
        "identity_shared",
        f"one identifier leads to {len({entry.record for entry in shared})} different records in {where}: they may be different people",
        f"`dsr case decide {case.id} --same-person` if all of them are the requester; else refuse the case, or open one with a narrower identifier",
        house.clock.now(),
    )
