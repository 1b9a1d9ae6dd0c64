"""Placing, confirming and lifting legal holds. A hold wins from the next batch on; what was in flight is told.

Whoever places a hold protects at once; a second person confirms it. Lifting takes two as well, and until the second agrees the hold protects. So one
person alone, also a mistaken or a coerced one, can never unprotect anything (law: separation of duties, GDPR Art. 32).
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.hold import Hold, HoldState
from dsr_engine.domain.plan import PlanItem
from dsr_engine.domain.system import System
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.holds.protecting import digests_of, held_positions, people_of
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import Claim
from dsr_engine.workflow.leaves import leaf

POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class InFlight:
    """A batch that was being made when the hold was placed: `is_over` False if it still was when the patience ended."""

    case: str
    item: str
    system: str
    collection: str
    is_over: bool = False


def of_person(house: House, hold: Hold, claims: tuple[Claim, ...]) -> tuple[Hold, Mapping[str, tuple[str, ...]]]:
    """The hold as one of the person with these identifiers, and their keyed digests by kind. The values are not kept."""
    people: dict[str, tuple[str, ...]] = {}
    for claim in claims:
        people[claim.kind] = (*people.get(claim.kind, ()), *digests_of(house.store.holding, claim.kind, claim.value.reveal()))
    return replace(hold, is_of_person=True, people=frozenset(text for texts in people.values() for text in texts)), people


def place_hold(
    house: House,
    hold: Hold,
    people: Mapping[str, tuple[str, ...]] | None = None,
    *,
    patience_seconds: float = 60,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[InFlight, ...]:
    """Places the hold, then waits until nothing that it covers is in flight. Gives the batches that were.

    It commits first: from then on no record that it covers is begun. A batch that a dead worker left INTENDED stays listed when the patience is over.
    """
    with house.store.transaction() as tx:
        tx.holds.add(hold, people)
        tx.ledger.append(leaf(house.clock, "hold.placed", hold.id, hold=hold.id, by=hold.placed_by))
        found = _in_flight(tx, house, hold)
    waited = 0.0
    while (open_ := _still_open(house, hold, found)) and waited < patience_seconds:
        sleep(POLL_SECONDS)
        waited += POLL_SECONDS
    return tuple(replace(entry, is_over=entry.item not in open_) for entry in found)


def confirm_hold(house: House, hold_id: str, by: str) -> None:
    """A second person says that the hold is right. Raises `InputWrong` for the one who placed it, `Conflict` where there is nothing to confirm."""
    with house.store.transaction() as tx:
        hold, person = tx.holds.get(hold_id), tx.people.id_of(by)
        if hold.lifted_at is not None or hold.confirmed_at is not None:
            state = "lifted" if hold.lifted_at is not None else "confirmed already"
            raise Conflict(f"hold {hold_id} is {state}", code="hold.state", hint="`dsr hold list --all` shows every hold")
        if person == hold.placed_by:
            raise InputWrong("who placed a hold cannot confirm it", code="hold.same_person", hint="somebody else has to; it protects all the same")
        tx.holds.confirm(hold_id, person, house.clock.now())
        tx.ledger.append(leaf(house.clock, "hold.confirmed", f"{hold_id}:confirmed", hold=hold_id, by=person))


def ask_lift(house: House, hold_id: str, by: str, reason: str) -> None:
    """One person wants the hold lifted. It protects until a second person agrees (`lift_hold`)."""
    if not reason.strip():
        raise InputWrong("no reason was given", code="hold.reason", hint='say why it is no longer needed: --reason "M-17 was settled"')
    with house.store.transaction() as tx:
        hold, person = tx.holds.get(hold_id), tx.people.id_of(by)
        if hold.state in (HoldState.LIFTING, HoldState.LIFTED):
            state = "lifted" if hold.state is HoldState.LIFTED else "waiting for a second person to agree to its lifting"
            raise Conflict(f"hold {hold_id} is {state} already", code="hold.state", hint="`dsr hold list --all` shows every hold")
        now = house.clock.now()
        tx.holds.ask_lift(hold_id, person, now, reason.strip())
        tx.ledger.append(leaf(house.clock, "hold.lift_asked", f"{hold_id}:asked:{now.isoformat()}", hold=hold_id, by=person))


def refuse_lift(house: House, hold_id: str, by: str) -> None:
    """The hold stays: whoever wanted it lifted was refused, or thought better of it."""
    with house.store.transaction() as tx:
        person = tx.people.id_of(by)
        _refuse_unasked(tx.holds.get(hold_id))
        tx.holds.keep(hold_id)
        key = f"{hold_id}:kept:{house.clock.now().isoformat()}"
        tx.ledger.append(leaf(house.clock, "hold.kept", key, hold=hold_id, by=person))


def lift_hold(house: House, hold_id: str, by: str) -> tuple[str, ...]:
    """Lifts a hold that somebody else wanted lifted, and forgets whom it was about. Gives the cases that kept something back for it.

    What it protected falls under its rules again at the next round or sweep; a case that is closed is not opened again by itself.
    """
    with house.store.transaction() as tx:
        hold, person = tx.holds.get(hold_id), tx.people.id_of(by)
        _refuse_unasked(hold)
        if person == hold.lift_asked_by:
            raise InputWrong("who asked for the lifting cannot agree to it", code="hold.same_person", hint="somebody else has to")
        tx.holds.lift(hold_id, person, house.clock.now())
        tx.ledger.append(leaf(house.clock, "hold.lifted", f"{hold_id}:lifted", hold=hold_id, by=person))
        return tx.kept.cases_of_hold(hold_id)


def _refuse_unasked(hold: Hold) -> None:
    if hold.state is not HoldState.LIFTING:
        state = "is lifted already" if hold.state is HoldState.LIFTED else "is not to be lifted: nobody asked for that yet"
        raise Conflict(f"hold {hold.id} {state}", code="hold.state", hint='first one person asks: `dsr hold lift HOLD --reason "…"`')


def _in_flight(tx: Transaction, house: House, hold: Hold) -> tuple[InFlight, ...]:
    """What may be under way of what the hold covers. Read in the transaction that places it, so what is intended later knows of it."""
    found = []
    people: dict[str, frozenset[str]] = {}
    for case, item in tx.plans.intended(hold.system):
        if case not in people:
            people[case] = people_of(house.store.holding, tx.selectors.of(case)) if hold.is_of_person else frozenset()
        if _is_covered(house, hold, case, people[case], item):
            found.append(InFlight(case, item.id, item.system, item.collection))
    return tuple(found)


def _is_covered(house: House, hold: Hold, case: str, people: frozenset[str], item: PlanItem) -> bool:
    system: System | None = house.systems.get(item.system)
    if system is None:  # named on the command line of another process: what points at its records cannot be told here
        return hold.concerns(case=case, system=item.system, collection=item.collection, categories=item.categories)
    return bool(held_positions((hold,), case, people, item, system))


def _still_open(house: House, hold: Hold, found: tuple[InFlight, ...]) -> frozenset[str]:
    if not found:
        return frozenset()
    with house.store.transaction() as tx:
        intended = {item.id for _, item in tx.plans.intended(hold.system)}
    return frozenset(entry.item for entry in found if entry.item in intended)
