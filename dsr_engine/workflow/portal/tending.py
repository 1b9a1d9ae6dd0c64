"""What ends by itself at the requesters' door: requests that nobody confirmed, visits, and what belongs to a correspondence that is over."""

import secrets
from collections.abc import Iterable, Iterator

from dsr_engine.domain.parcel import PostState
from dsr_engine.store.outbox import BEFORE_CASE
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.portal.visiting import STAYS
from dsr_engine.workflow.wiping import wipe

#: The leaf that tells how many requests ended because the mail with their code never left.
UNSENT = "portal.unsent"


def tend_portal(house: House) -> Iterator[str]:
    """Deletes what is over, with the keys that it was sealed under. May be repeated."""
    now = house.clock.now()
    with house.store.snapshot() as tx:
        ended, over = tx.portal.ended_requests(now), tx.portal.over(now - STAYS)
    if not ended and not over:
        return
    with house.store.transaction() as tx:
        tx.portal.end_visits(now)
        unsent = _end(tx, house, ended)
        for case in over:
            tx.portal.forget(case)
            tx.outbox.forget(case)
    if ended:
        yield f"portal: {len(ended)} request(s) that nobody confirmed are deleted"
    if unsent:
        yield f"portal: no code could be sent for {unsent} of them; `dsr check` tells how the mail server is"
    for case in over:
        yield f"case {case}: its private link has ended with the correspondence"
    wipe(house)


def _end(tx: Transaction, house: House, ended: Iterable[tuple[bytes, str]]) -> int:
    """Ends these requests; gives for how many of them no mail ever left, which the ledger keeps."""
    unsent = 0
    for digest, id_ in ended:
        purpose = f"{BEFORE_CASE}{id_}"
        unsent += all(posted.state is not PostState.SENT for posted in tx.outbox.before_case(purpose))
        tx.portal.end_request(digest)
        tx.outbox.end(purpose)
    if unsent:
        tx.ledger.append(leaf(house.clock, UNSENT, secrets.token_hex(16), count=unsent))
    return unsent
