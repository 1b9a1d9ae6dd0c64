"""What ends by itself at the requesters' door: requests that nobody confirmed, visits, and what belongs to a correspondence that is over."""

from collections.abc import Iterator

from dsr_engine.domain.errors import Conflict
from dsr_engine.store.outbox import BEFORE_CASE
from dsr_engine.workflow.house import House
from dsr_engine.workflow.portal.visiting import STAYS


def tend_portal(house: House) -> Iterator[str]:
    """Deletes what is over, with the keys that it was sealed under. May be repeated."""
    now = house.clock.now()
    with house.store.snapshot() as tx:
        ended, over = tx.portal.ended_requests(now), tx.portal.over(now - STAYS)
    if not ended and not over:
        return
    with house.store.transaction() as tx:
        tx.portal.end_visits(now)
        for digest, id_ in ended:
            tx.portal.end_request(digest)
            tx.outbox.end(f"{BEFORE_CASE}{id_}")
        for case in over:
            tx.portal.forget(case)
            tx.outbox.forget(case)
    if ended:
        yield f"portal: {len(ended)} request(s) that nobody confirmed are deleted"
    for case in over:
        yield f"case {case}: its private link has ended with the correspondence"
    try:
        house.store.scrub()
    except Conflict as error:
        if error.code != "store.busy":
            raise
