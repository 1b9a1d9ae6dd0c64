"""Forgets the person of a case: what is sealed loses its key, and names of folders and files that stay in the record are masked before that."""

from dsr_engine.domain.errors import DsrError
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.masking import Mask


def forget(tx: Transaction, house: House, case: str) -> None:
    """Shreds the case's key and all that it sealed. May be repeated. Call `Store.scrub` after the commit."""
    try:
        mask = Mask(tx.selectors.of(case))
    except DsrError:
        mask = Mask(())  # forgotten before, or a sweep
    tx.coverage.rename(case, _masked(tx.coverage.collections(case), mask))
    house.store.vault.shred(tx, case)


def _masked(names: tuple[str, ...], mask: Mask) -> dict[str, str]:
    """The new names of the collections that are called after the person, each another one: the rows of two folders stay two."""
    taken = set(names)
    renamed: dict[str, str] = {}
    for name in names:
        shown = mask.text(name)
        if shown != name:
            fresh = next(other for number in range(1, len(taken) + 2) if (other := shown if number == 1 else f"{shown} ({number})") not in taken)
            taken.add(fresh)
            renamed[name] = fresh
    return renamed
