"""Correcting a plan before it is approved: an officer takes records out of it, moves them to a gentler treatment, or takes a correction back.

Each is a row of the case; in the same transaction the case goes back to planning, so the plan is made anew with it and earlier approvals are void.
Whoever corrected has prepared the plan and cannot approve it. Killed anywhere: the correction is there and the plan is made with it, or neither.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.correction import GRAVITY, NOT_THEIRS, REASONS, Correction, Kind
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.finding import Finding
from dsr_engine.domain.policy import Treatment
from dsr_engine.domain.record import Locator
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.correcting.permitting import Permits, Wanted
from dsr_engine.workflow.correcting.reasons import check_reason
from dsr_engine.workflow.decide import decide_findings
from dsr_engine.workflow.discover import FOUND
from dsr_engine.workflow.disposal import Part
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.make_plan import decided, parts_of

Parts = Mapping[Locator, Sequence[Part]]
_STAYING = (Treatment.RETAIN, Treatment.RESTRICT)


@dataclass(frozen=True, slots=True)
class Targets:
    """Which records are meant: items of the plan as it stands, records by the ids of their findings, whole collections (`system.collection`)."""

    items: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a correction came to: its rows, one for each collection, and how many records they name."""

    corrections: tuple[str, ...]
    records: int


def exclude(house: House, case_id: str, targets: Targets, reason: str, by: str, *, law: str = "", hold: str = "") -> Corrected:
    """Takes the records out of the plan: nothing is done to them, and they are told as kept for this reason.

    `reason` is one of `REASONS` or a ground of every law of the case, with its citation `law` where they ask for one; `legal_hold` names the hold.
    What is `not_theirs` is decided to be somebody else's as well, so it is told to nobody as kept; the correction is what later cases know of it.
    """
    return _corrected(house, case_id, targets, Wanted(Kind.EXCLUDE, Treatment.RETAIN, reason, law), hold, by)


def move(house: House, case_id: str, targets: Targets, treatment: Treatment, by: str, *, ground: str = "", law: str = "") -> Corrected:
    """Moves the records to a gentler treatment: one that a rule of the policy names for them, or `restrict` and `retain` on a ground of every law."""
    if treatment not in GRAVITY or treatment is Treatment.DELETE:
        raise InputWrong(
            f"nothing is moved to `{treatment.value}` by hand: a correction only takes less away",
            code="correction.treatment",
            hint=f"one of {', '.join(one.value for one in GRAVITY if one is not Treatment.DELETE)}; whatever goes further needs a rule of the policy",
        )
    if ground and (treatment not in _STAYING or ground in REASONS):
        raise InputWrong(
            "a ground is named only where data stay by an exemption of the law",
            code="correction.ground",
            hint="`retain` or `restrict` with a ground of the laws; for the other reasons take the records out (`exclude`)",
        )
    return _corrected(house, case_id, targets, Wanted(Kind.MOVE, treatment, ground, law), "", by)


def undo(house: House, case_id: str, correction_id: str, by: str) -> None:
    """Takes a correction back: the records fall under their rules again, in a plan that is made and approved anew."""
    with house.store.transaction() as tx:
        case, person = _correctable(tx.cases.locked(case_id)), tx.people.id_of(by)
        tx.corrections.undo(case_id, correction_id, person, house.clock.now())
        tx.ledger.append(leaf(house.clock, "plan.correction_undone", f"{correction_id}:undone", case=case_id, correction=correction_id, by=person))
        _plan_anew(tx, case)


def is_correctable(case: Case) -> bool:
    """True while the plan of the case can be corrected."""
    return case.kind.is_of_a_person and case.stage in (Stage.PLAN, Stage.APPROVE)


def _corrected(house: House, case_id: str, targets: Targets, wanted: Wanted, hold: str, by: str) -> Corrected:
    with house.store.snapshot() as tx:
        case = _correctable(tx.cases.get(case_id))
        check_reason(tx, house.regimes_of(case), wanted, hold)
        named = _named(tx, case, targets)
        where = {(place.system, place.collection) for place in named} | {_split(name) for name in targets.collections}
        parts, _, _ = parts_of(case, _findings(tx, house, case, named, targets.collections), decided(tx, case), house.policy_of(case), house)
        places = _chosen(tuple(named), targets.collections, parts)
        earlier = [entry for entry in tx.corrections.of(case_id) if entry.is_in_force and (entry.system, entry.collection) in where]
        taken = {place for entry in earlier for place in tx.corrections.places(entry)}
    meant = _changed([place for place in places if place not in taken], parts, wanted, Permits(house.policy_of(case), house.origin_of))
    done = _written(house, case, meant, wanted, hold, by)
    if wanted.because == NOT_THEIRS:
        decide_findings(house, case_id, ((part.id, NOT_THEIRS) for place in meant for part in parts[place]), by)
    return done


def _written(house: House, case: Case, meant: Sequence[Locator], wanted: Wanted, hold: str, by: str) -> Corrected:
    groups: dict[tuple[str, str], list[Locator]] = {}
    for place in meant:
        groups.setdefault((place.system, place.collection), []).append(place)
    ids = []
    with house.store.transaction() as tx:
        now = _correctable(tx.cases.locked(case.id))
        if now.round != case.round:
            raise Conflict("the case has begun another round meanwhile", code="case.changed", hint="look at its plan again")
        person = tx.people.id_of(by)
        for (system, collection), places in sorted(groups.items()):
            id_ = secrets.token_hex(6)
            at, count = house.clock.now(), len(places)
            entry = Correction(id_, case.id, wanted.kind, wanted.treatment, wanted.because, system, collection, count, person, at, wanted.law, hold)
            tx.corrections.add(entry, places)
            facts = {"did": wanted.kind.value, "treatment": wanted.treatment.value, "reason": wanted.because, "hold": hold, "records": count}
            tx.ledger.append(leaf(house.clock, "plan.corrected", id_, case=case.id, correction=id_, by=person, **facts))
            ids.append(id_)
        _plan_anew(tx, now)
    return Corrected(tuple(ids), len(meant))


def _plan_anew(tx: Transaction, case: Case) -> None:
    """Sends the case back to planning; a plan that is being made at this moment notices by itself."""
    if case.stage is Stage.APPROVE:
        tx.cases.save(replace(case, stage=Stage.PLAN, wait=None))


def _correctable(case: Case) -> Case:
    if not case.kind.is_of_a_person:
        raise Conflict(
            "the plan of a sweep is not corrected record by record: the next sweep would take what was left",
            code="correction.sweep",
            hint="place a legal hold on what has to stay, or change the rule",
        )
    if case.stage not in (Stage.PLAN, Stage.APPROVE):
        raise Conflict(
            f"the case is at {case.stage.value}: its plan cannot be corrected",
            code="case.stage",
            hint="a plan is corrected when it is made and before anything is done; `dsr case show` tells what happened",
        )
    return case


def _named(tx: Transaction, case: Case, targets: Targets) -> dict[Locator, str]:
    """The records of items and findings, with a finding of each. Raises `Conflict` for a strange item, `InputWrong` for a strange finding."""
    named: dict[Locator, str] = {}
    for id_ in targets.items:
        item = tx.plans.item(case.id, id_)
        if item is None:
            raise Conflict("the plan was made anew meanwhile and has no such item", code="plan.changed", hint="look at the plan again")
        named |= {planned.locator: planned.finding for planned in item.records}
    found = tx.reviews.chosen(case.id, targets.findings)
    if set(targets.findings) - found.keys():
        raise InputWrong("the case has no such finding", code="finding.unknown", hint="it may have been found anew under another id")
    return named | {finding.locator.whole: id_ for id_, finding in found.items()}


def _findings(tx: Transaction, house: House, case: Case, named: Mapping[Locator, str], collections: Sequence[str]) -> Iterator[tuple[str, Finding]]:
    """What was found in these records. A row has one finding, which the plan knows; of a file, or a whole collection, everything is read."""
    wholly = {_split(name) for name in collections}
    rows = []
    for place, id_ in named.items():
        if id_ and place.system in house.systems and house.systems[place.system].manifest.driver == "sql":
            rows.append(id_)
        else:
            wholly.add((place.system, place.collection))
    for where in sorted(wholly):
        yield from tx.findings.of(case.id, case.round, FOUND, place=where)
    yield from tx.reviews.chosen(case.id, rows).items()


def _split(name: str) -> tuple[str, str]:
    system, _, collection = name.partition(".")
    return system, collection


def _chosen(named: Sequence[Locator], collections: Sequence[str], parts: Parts) -> tuple[Locator, ...]:
    if any(place not in parts for place in named):
        raise InputWrong(
            "no rule has decided about some of these records yet",
            code="correction.undecided",
            hint="decide about possible findings first; then the plan is made with them",
        )
    chosen = dict.fromkeys(named)
    for name in collections:
        found = [place for place in parts if (place.system, place.collection) == _split(name)]
        if not found:
            raise InputWrong("the plan has nothing in that collection", code="correction.collection", hint="name it as `system.collection`")
        chosen |= dict.fromkeys(found)
    return tuple(chosen)


def _changed(places: Sequence[Locator], parts: Parts, wanted: Wanted, permits: Permits) -> tuple[Locator, ...]:
    """Those of the records that the correction changes. Raises `InputWrong` if the policy does not permit it, or nothing would change."""
    meant, permitted = [], set[Treatment]()
    for place in places:
        before = list(parts[place])
        after = [permits.corrected(part, wanted) for part in before]
        if None in after:
            permitted = set(permits.choices(before))
            raise InputWrong(
                f"no rule of the policy names `{wanted.treatment.value}` for all that is in these records",
                code="correction.not_permitted",
                hint=f"permitted are {', '.join(sorted(permitted)) or 'no others'}; data may stay on a ground of the law (retain, restrict)",
            )
        if any(new is not old for new, old in zip(after, before, strict=True)):
            meant.append(place)
    if not meant:
        raise InputWrong(
            "nothing would change: these records stay or are treated as gently already, or they are corrected already",
            code="correction.nothing",
            hint="take a correction back before you make another one of the same records",
        )
    return tuple(meant)
