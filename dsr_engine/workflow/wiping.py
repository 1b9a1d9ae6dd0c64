"""What was forgotten also leaves the store's own files; in one place, because an act that is done must not be answered as one that failed."""

from dsr_engine.domain.errors import Conflict
from dsr_engine.workflow.house import House


def wipe(house: House) -> None:
    """Takes deleted bytes out of the store's log now. Where somebody reads it at this moment the next who wipes does: they are sealed, and without a
    key."""
    try:
        house.store.scrub()
    except Conflict as error:
        if error.code != "store.busy":
            raise
