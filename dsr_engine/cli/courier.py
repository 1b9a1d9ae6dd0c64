"""Sends the mails of the portal at once: somebody looks at a page and waits for a code. Everything else goes out with the clock, once a minute."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from dsr_engine.bootstrap import Keeper
from dsr_engine.cli.terminal import print_line
from dsr_engine.domain.errors import DsrError
from dsr_engine.domain.parcel import PostState
from dsr_engine.workflow.house import House
from dsr_engine.workflow.letters.posting import send

#: Seconds between two looks, and after a mail that nobody took.
LOOK, AFTER_FAILURE = 2.0, 60.0
#: How the purposes of the portal's mails begin, before there is a case and after.
_PORTAL = "portal"


@contextmanager
def courier_of(keeper: Keeper, look: float = LOOK) -> Iterator[None]:
    """Carries out what the portal writes, as long as the block lasts. Several processes may have one each: a message is claimed by one of them."""
    stop = threading.Event()
    courier = threading.Thread(target=_carry, args=(keeper, stop, look), name="courier", daemon=True)
    courier.start()
    try:
        yield
    finally:
        stop.set()
        courier.join()


def _carry(keeper: Keeper, stop: threading.Event, look: float) -> None:
    while not stop.is_set():
        try:
            is_well = _round(keeper.house())
        except DsrError:
            is_well = False  # the clock's own round tells of it
        stop.wait(look if is_well else max(look, AFTER_FAILURE))


def _round(house: House) -> bool:
    """False if something was not taken."""
    with house.store.snapshot() as tx:
        due = [posted for posted in tx.outbox.due(house.clock.now()) if posted.purpose.startswith(_PORTAL)]
    if not due:
        return True
    for line in send(house, due):
        print_line(line)
    with house.store.snapshot() as tx:
        return all((found := tx.outbox.find(posted.id)) is None or found.state is PostState.SENT for posted in due)
