"""The brake of a person: nothing more is begun in a system, or anywhere, until somebody lets it go on."""

import secrets

from dsr_engine.domain.errors import InputWrong
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf

#: Stands for every system.
EVERYWHERE = "*"
#: Why the brake may be pulled: codes, because a reason in words could name somebody.
REASONS = ("something_looks_wrong", "incident", "maintenance", "migration", "other")


def pull_brake(house: House, system: str, by: str, reason: str = "") -> None:
    """Stops all effects there before the next batch; one that is being made is finished. `system` may be `EVERYWHERE`.

    Raises `InputWrong` for an unknown system or reason. May be repeated: the first reason stays.
    """
    if reason and reason not in REASONS:
        raise InputWrong("there is no such reason", code="stop.reason", hint=f"one of {', '.join(REASONS)}")
    _refuse_unknown(house, system)
    with house.store.transaction() as tx:
        person = tx.people.id_of(by)
        tx.stops.stop(system, person, house.clock.now(), reason)
        facts = {"reason": reason} if reason else {}
        tx.ledger.append(leaf(house.clock, "stop.pulled", f"stop.pulled:{secrets.token_hex(8)}", system=system, by=person, **facts))


def release_brake(house: House, system: str, by: str) -> None:
    """Lets effects go on there. Exactly this stop ends: a system stays stopped while all are. Raises `InputWrong` for an unknown system."""
    _refuse_unknown(house, system)
    with house.store.transaction() as tx:
        person = tx.people.id_of(by)
        tx.stops.resume(system)
        tx.ledger.append(leaf(house.clock, "stop.released", f"stop.released:{secrets.token_hex(8)}", system=system, by=person))


def _refuse_unknown(house: House, system: str) -> None:
    if system != EVERYWHERE:
        house.system_named(system)
