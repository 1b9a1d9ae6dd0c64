"""Questions that take long, asked from a page: answered in a few threads of the server, the answer kept as a row that every page can show.

A page never waits for a system: it asks, and shows what is known. A process that is stopped in the middle leaves a row without an end, which counts
as broken off after half an hour; whoever wants to know asks again.
"""

import logging
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import datetime
from typing import Any

from dsr_engine.domain.errors import Conflict, DsrError, place_of
from dsr_engine.store.inquiries import Inquiry
from dsr_engine.workflow.house import House

_log = logging.getLogger(__name__)

#: How many inquiries one process works on at once (a server that hangs holds one for a minute), and how many wait behind them.
THREADS = 4
WAITING = 200

_BROKEN_OFF = {"code": "inquiry.broken_off", "message": "the server was stopped meanwhile", "hint": "ask again"}

#: Tells how far an inquiry is, in a few words without anything of a person.
Tell = Callable[[str], None]
#: What an inquiry does, and what it finds out.
Question = Callable[[Tell], Mapping[str, Any]]


class Bench:
    """The threads of one process that answer. Safe to call from many threads."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="inquiry")
        self._open: dict[Future[None], tuple[House, Inquiry]] = {}
        self._lock = threading.Lock()

    def ask(self, house: House, kind: str, name: str, question: Question) -> None:
        """Begins to answer. Raises `Conflict` while the same is being asked, or too much else is."""
        asked_at = house.clock.now()
        with self._lock:
            self._open = {future: asked for future, asked in self._open.items() if not future.done()}
            if len(self._open) >= THREADS + WAITING:
                raise Conflict("too much is being asked at once", code="inquiry.busy", hint="wait until some of it is answered, then ask again")
            with house.store.transaction() as tx:
                known = tx.inquiries.get(kind, name)
                if known is not None and known.is_going_on(asked_at):
                    raise Conflict("that is being asked already", code="inquiry.running", hint="look again in a moment")
                tx.inquiries.begin(kind, name, asked_at)
            future = self._pool.submit(_answer, house, kind, name, asked_at, question)
            self._open[future] = (house, Inquiry(kind, name, asked_at))

    def rest(self) -> None:
        """Waits until everything that was asked is answered."""
        with self._lock:
            open_ = {future for future in self._open if not future.cancelled()}
        wait(open_)

    def end(self) -> None:
        """The server stops: what waits is not begun any more, and everything that is open is said to be broken off, so that it can be asked again."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            for future, (house, asked) in self._open.items():
                if future.cancelled() or not future.done():
                    with house.store.transaction() as tx:
                        tx.inquiries.finish(replace(asked, finished_at=house.clock.now(), problem=_BROKEN_OFF))


def _answer(house: House, kind: str, name: str, asked_at: datetime, question: Question) -> None:
    """A mistake is in the log before its future is done. The text of an error may hold what was worked on: its kind and place must do."""
    try:
        _write_answer(house, kind, name, asked_at, question)
    finally:
        if (cause := sys.exc_info()[1]) is not None:
            _log.error("mistake of the engine: %s at %s, while answering an inquiry", type(cause).__name__, place_of(cause))


def _write_answer(house: House, kind: str, name: str, asked_at: datetime, question: Question) -> None:
    answer: Mapping[str, Any] | None = None
    problem = {"code": "engine.mistake", "message": "a mistake of the engine itself", "hint": "whoever runs this server finds the place in its log"}

    def tell(step: str) -> None:
        with house.store.transaction() as tx:
            tx.inquiries.tell(kind, name, asked_at, step)

    try:
        answer = question(tell)
    except DsrError as error:
        problem = {"code": error.code, "message": error.message, "hint": error.hint}
    finally:
        with house.store.transaction() as tx:
            tx.inquiries.finish(Inquiry(kind, name, asked_at, house.clock.now(), "", answer, None if answer is not None else problem))


class Steps:
    """Progress (`house.Progress`) as the step of an inquiry; told at most about a hundred times for each piece of work."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._totals: dict[str, int | None] = {}
        self._done: dict[str, int] = {}

    def begin(self, what: str, total: int | None) -> None:
        self._totals[what], self._done[what] = total, 0
        self._tell(what)

    def advance(self, what: str, steps: int = 1) -> None:
        before = self._done.get(what, 0)
        self._done[what] = before + steps
        total = self._totals.get(what)
        if total and before * 100 // total != self._done[what] * 100 // total:
            self._tell(f"{what}: {self._done[what]} of {total}")

    def end(self, what: str) -> None:
        self._done.pop(what, None)


def state_of(inquiry: Inquiry | None, now: datetime) -> str:
    """`never`, `running`, `broken_off`, `failed` or `answered`."""
    if inquiry is None:
        return "never"
    if inquiry.finished_at is None:
        return "running" if inquiry.is_going_on(now) else "broken_off"
    return "answered" if inquiry.problem is None else "failed"
