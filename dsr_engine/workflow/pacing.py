"""When a system may be searched, how its refusals to be hurried become waits, and how often a batch that lost a race is tried again."""

import random
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from dsr_engine.domain.case import Wait
from dsr_engine.domain.errors import Conflict, DsrError, Unreachable
from dsr_engine.domain.system import System
from dsr_engine.workflow.house import House
from dsr_engine.workflow.step import TRY_AGAIN_AFTER

T = TypeVar("T")

#: The reasons to stand still that this module makes; `Wait.code`, explained in the README.
CLOSED = "window.closed"
BUSY = "system.busy"
DAILY_LIMIT = "mail.daily_limit"
LOCKED = "sql.locked"
TOO_SLOW = "sql.too_slow"
DOWN = "system_down"

#: Lost races: somebody else holds the rows, a deadlock was broken, two transactions could not be put in an order, a statement took too long.
_LOST = frozenset({LOCKED, TOO_SLOW})
#: Seconds before each further try of a batch, before chance; a deadlock's two sides must not meet again.
_PAUSES = (0.2, 1.0, 3.0)


def admit(system: System, now: datetime) -> None:
    """Raises `Unreachable` where the system may not be searched at this time of the day."""
    window = system.pace.window
    if window is not None and not window.is_open_at(now):
        raise Unreachable(f"{system.name} may be searched from {window} only", code=CLOSED, hint="the window has to open")


def wait_of(error: DsrError, house: House, systems: Sequence[System] = ()) -> Wait:
    """What a case waits for after this error, and when it is tried again: at the next opening of the windows, in a while, or never by itself."""
    now = house.clock.now()
    if error.code == CLOSED:
        opens = [window.opens(now) for system in systems if (window := system.pace.window) is not None and not window.is_open_at(now)]
        return Wait(CLOSED, error.message, error.hint, now, min(opens, default=now))
    is_transient = isinstance(error, Unreachable) or error.code in _LOST
    needs = error.hint or ("the system has to answer again" if is_transient else "somebody has to mend it, then run the case again")
    if isinstance(error, Unreachable) and error.code not in (BUSY, DAILY_LIMIT, *_LOST) and not error.code.startswith("store."):
        return Wait(DOWN, f"a system does not answer: {error.message}", needs, now, now + TRY_AGAIN_AFTER)
    return Wait(error.code, error.message, needs, now, now + TRY_AGAIN_AFTER if is_transient else None)


def in_spite_of_races(act: Callable[[], T], *, sleep: Callable[[float], None] = time.sleep) -> T:
    """Acts, and again after a lost race; the last one comes out as it is. `act` must look before it acts, as every try of a batch does."""
    for pause in _PAUSES:
        try:
            return act()
        except Conflict as error:
            if error.code not in _LOST:
                raise
        sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  # no secret
    return act()
