"""What a person took out of a plan is left alone also by the cases that repeat it: after a restored backup, after a later look, at intervals."""

import secrets
from dataclasses import replace

from dsr_engine.domain.case import Case
from dsr_engine.domain.correction import Correction
from dsr_engine.domain.errors import Conflict
from dsr_engine.domain.record import Locator
from dsr_engine.store.aftercare import root_of
from dsr_engine.store.transaction import Transaction

_GONE = ("vault.shredded", "vault.no_key", "vault.epoch_gone")


def carry_corrections(tx: Transaction, case: Case, new: Case) -> None:
    """Gives the new case every correction of the case that it repeats, and of all others that repeat the same one, unless one of them took it back.

    Where the records are forgotten the correction comes without them, and blocks the new plan until somebody says what to do.
    """
    origins = tx.sequels.origins()
    root = root_of(origins, case.id)
    groups: dict[str, list[Correction]] = {}
    for id_ in (root, *sorted(id_ for id_ in origins if id_ != new.id and root_of(origins, id_) == root)):
        for entry in tx.corrections.of(id_):
            groups.setdefault(entry.carried_from or entry.id, []).append(entry)
    for original, entries in groups.items():
        if all(entry.is_in_force for entry in entries):
            places = next((found for entry in entries if (found := _places(tx, entry))), ())
            tx.corrections.add(replace(entries[0], id=secrets.token_hex(6), case=new.id, carried_from=original), places)


def _places(tx: Transaction, entry: Correction) -> tuple[Locator, ...]:
    try:
        return tx.corrections.places(entry)
    except Conflict as error:
        if error.code in _GONE:
            return ()
        raise
