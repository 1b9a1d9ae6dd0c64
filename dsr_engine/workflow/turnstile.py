"""How many slices of one system are searched at once: its server may allow one user so many connections and no more.

The setting `connections` names the number. It counts in this process, for all cases that are searched for; a slice that may not begin yet waits here
and keeps no thread from the slices of other systems.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from functools import partial
from threading import Lock

from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import Slice
from dsr_engine.workflow.looking import Look
from dsr_engine.workflow.searching import Hand

#: What a system says that its server allows.
SETTING = "connections"


class Turnstile:
    """Lets so many in at a time, in their order."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._inside = 0
        self._queue: deque[tuple[Callable[[], Future[Look]], Future[Look]]] = deque()

    def hand(self, begin: Callable[[], Future[Look]]) -> Future[Look]:
        """The answer of what `begin` hands on, once there is room. Cancelled before, it never begins."""
        answer: Future[Look] = Future()
        with self._lock:
            self._queue.append((begin, answer))
        self._admit()
        return answer

    def _admit(self) -> None:
        while True:
            with self._lock:
                if self._inside >= self._most or not self._queue:
                    return
                begin, answer = self._queue.popleft()
                if not answer.set_running_or_notify_cancel():
                    continue
                self._inside += 1
            try:
                begun = begin()
            except RuntimeError as error:  # the executor was shut down meanwhile
                self._leave()
                answer.set_exception(error)
            else:
                begun.add_done_callback(partial(self._done, answer))

    def _done(self, answer: Future[Look], begun: Future[Look]) -> None:
        self._leave()
        error = CancelledError() if begun.cancelled() else begun.exception()
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(begun.result())
        self._admit()

    def _leave(self) -> None:
        with self._lock:
            self._inside -= 1


_TURNSTILES: dict[tuple[str, int], Turnstile] = {}
_LOCK = Lock()


def limited(system: System, hand: Hand) -> Hand:
    """Hands on as many slices at once as the system allows."""
    most = int(system.setting(SETTING) or 0)
    if not most:
        return hand
    with _LOCK:
        turnstile = _TURNSTILES.setdefault((system.name, most), Turnstile(most))

    def within(part: Slice) -> Future[Look]:
        return turnstile.hand(partial(hand, part))

    return within
