"""Whether it is sure enough who asked for a copy, once it is known what was found."""

from dsr_engine.domain.case import Case, Wait
from dsr_engine.domain.verification import VOUCHED, identity_of, lacking
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.access.bounds import copy_need
from dsr_engine.workflow.house import House
from dsr_engine.workflow.looking import FOUND
from dsr_engine.workflow.verify_identity import TOO_WEAK


def weak_identity(tx: Transaction, house: House, case: Case) -> Wait | None:
    """Why the copy may not be handed out yet: what was done does not show well enough who asked. None where it does, or somebody vouched."""
    if not case.identity:
        return _too_weak(house, "nobody has verified yet that the requester is the person", "verify them")
    if case.identity == VOUCHED:
        return None  # the ledger says so, and the officer who releases the copy sees it
    categories = {category for kind in tx.reviews.kinds(case.id, case.round, FOUND) for category in kind.categories}
    need, done = copy_need(house.regimes_of(case), categories), tx.verifications.of(case.id)
    if identity_of(need, done):
        return None
    return _too_weak(house, "a copy of data is for the person only, and more must be done to know who asked", lacking(need, done))


def _too_weak(house: House, reason: str, lacks: str) -> Wait:
    return Wait(TOO_WEAK, reason, f"{lacks}: `dsr case match` or `dsr case verify`; then run the case", house.clock.now())
