"""Placing and lifting legal holds, and the hand brake. A hold wins from the next batch on; what was in flight is told."""

import time
from collections.abc import Callable

from dsr_engine.domain.hold import Hold
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf

POLL_SECONDS = 0.2


def place_hold(house: House, hold: Hold, *, patience_seconds: float = 60, sleep: Callable[[float], None] = time.sleep) -> tuple[str, ...]:
    """Places the hold, then waits until nothing that it covers is in flight. Gives the items that were.

    It commits first: from then on no batch that it covers is begun. A batch that a dead worker left INTENDED stays listed after the patience is over.
    """
    with house.store.transaction() as tx:
        tx.holds.add(hold)
        tx.ledger.append(leaf(house.clock, "hold.placed", hold.id, hold=hold.id, by=hold.placed_by))
    in_flight = _in_flight(house, hold)
    waited = 0.0
    while _in_flight(house, hold) and waited < patience_seconds:
        sleep(POLL_SECONDS)
        waited += POLL_SECONDS
    return in_flight


def lift_hold(house: House, hold_id: str, by: str) -> None:
    """Lifts the hold; what it protected falls under its rules again at the next round or sweep."""
    with house.store.transaction() as tx:
        person = tx.people.id_of(by)
        tx.holds.lift(hold_id, person, house.clock.now())
        tx.ledger.append(leaf(house.clock, "hold.lifted", f"{hold_id}:lifted", hold=hold_id, by=person))


def _in_flight(house: House, hold: Hold) -> tuple[str, ...]:
    with house.store.transaction() as tx:
        return tuple(
            item.id
            for case, item in tx.plans.intended(hold.system)
            if hold.covers(case=case, system=item.system, collection=item.collection, categories=item.categories)
        )
