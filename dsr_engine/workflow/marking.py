"""What a re-scan of the same case need not read again: what the last verification, which always reads everything, read and found clean.

Nothing is known to another case, to one whose identifiers changed, or where a system is declared or reached otherwise than it was; then everything is
read. So it is in a pass for many people, where looking up what each of them knows would take longer than it saves.
"""

import json
from collections.abc import Mapping

from dsr_engine.domain.selector import Selector
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import Marking, Slice
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.looking import Known, marks_key, nothing_known

#: Cases of one pass at most.
MOST = 20


def noting(tx: Transaction, case: str, system: System) -> Marking:
    """How a verification of this system marks what it found clean. `system` as it is read."""
    return Marking(tx.clean_records.key(case, _way(system, tx.selectors.of(case))))


def known_by(house: House, system: System, rounds: Mapping[str, int]) -> Known:
    """What the verifications of these rounds know, by case. `system` as it is read now."""
    if len(rounds) > MOST or min(rounds.values()) < 1:
        return nothing_known
    with house.store.snapshot() as tx:
        keys = {case: noting(tx, case, system).key for case in rounds}

    def known(part: Slice) -> tuple[Marking, ...]:
        found = []
        with house.store.snapshot() as tx:
            for case, round_ in rounds.items():
                marks = tx.clean_records.of(case, round_, marks_key(part))
                if not marks:
                    return ()
                found.append(Marking(keys[case], marks))
        return tuple(found)

    return known


def _way(system: System, selectors: tuple[Selector, ...]) -> bytes:
    """Everything that decides how this case is searched for in this system. It goes into a keyed digest and is kept nowhere."""
    people = sorted((entry.id, entry.kind, entry.value.reveal(), entry.verified, entry.via or "", repr(entry.scope)) for entry in selectors)
    settings = sorted((name, value.reveal()) for name, value in system.settings.items())
    return json.dumps([system.name, settings, repr(system.manifest), people]).encode()
