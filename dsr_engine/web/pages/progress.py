"""How far a case is while the engine works on it, as it happens (server-sent events).

What is told is read from the store each time: the worker may be another process. Each stream holds a thread of the server for as long as somebody
looks, so there are only so many, none lives long, and pages that nobody sees have none; who finds no stream free asks again by itself every few
seconds (`progress.js`), and without scripts by reloading. Looking on keeps no session from ending, and a session that ends ends its streams.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

from flask import Blueprint, Response, current_app, session
from flask.blueprints import BlueprintSetupState

from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.errors import DsrError
from dsr_engine.domain.user import Permission
from dsr_engine.store.case_lists import Share
from dsr_engine.store.transaction import Transaction
from dsr_engine.web.guard import SECRET, house, needs, unattended
from dsr_engine.web.story import STAGES, stand_of
from dsr_engine.workflow.discover import FOUND, VERIFIED
from dsr_engine.workflow.house import House
from dsr_engine.workflow.users.signing_in import session_of

blueprint = Blueprint("progress", __name__, url_prefix="/cases")
#: How many streams one process serves at a time: half of the threads of `dsr serve`, so that as many are left for pages.
MOST_STREAMS = 8
#: Seconds between two looks, and after which a stream ends by itself; the browser opens a new one after `RETRY` milliseconds.
PAUSE, LONGEST, RETRY = 1.0, 30.0, 1000
#: Under which name the places of those who look on stand among an app's extensions.
STREAMS = "dsr-streams"


@blueprint.record
def _count_streams(state: BlueprintSetupState) -> None:
    """Each application has so many streams, whatever others there are in the same process."""
    state.app.extensions[STREAMS] = threading.BoundedSemaphore(MOST_STREAMS)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the stage is. `shares` are its parts (systems), `is_resting`: nothing will change before a person, a system or time does something."""

    stage: str
    name: str
    round: int
    word: str
    is_resting: bool
    done: int
    total: int | None
    shares: tuple[Share, ...]


def progress_of(tx: Transaction, case: Case) -> Progress:
    """How far the case is, by what its rows say now."""
    shares: tuple[Share, ...] = ()
    if case.stage is Stage.DISCOVER:
        shares = tx.case_lists.searched(case.id, case.round, FOUND)
    elif case.stage is Stage.EXECUTE:
        shares = tx.case_lists.changed(case.id, case.round)
    elif case.stage is Stage.VERIFY_ABSENCE:
        shares = tx.case_lists.searched(case.id, case.round, VERIFIED)
    totals = [share.total for share in shares]
    total = None if not totals or None in totals else sum(each or 0 for each in totals)
    name = next((name for stage, name, _ in STAGES if stage is case.stage), "Certificate")
    is_resting = case.wait is not None or case.stage is Stage.CLOSED
    return Progress(case.stage.value, name, case.round, stand_of(case).word, is_resting, sum(share.done for share in shares), total, shares)


@blueprint.get("/<case_id>/progress")
@needs(Permission.CASE_READ)
@unattended
def now(case_id: str) -> Response:
    """One look, for who found no stream free."""
    return Response(json.dumps(asdict(_look(house(), case_id))), mimetype="application/json")


@blueprint.get("/<case_id>/events")
@needs(Permission.CASE_READ)
@unattended
def events(case_id: str) -> Response:
    """A stream of looks until the case rests; status 503 where too many look on at this moment."""
    at, secret = house(), str(session[SECRET])
    first = _look(at, case_id)
    streams: threading.BoundedSemaphore = current_app.extensions[STREAMS]
    if not streams.acquire(blocking=False):
        return Response("too many look on at this moment; ask again by yourself\n", 503, mimetype="text/plain", headers={"Retry-After": "5"})
    answer = Response(
        _told(at, case_id, first, lambda: _is_still_there(at, secret)), mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )
    answer.call_on_close(_Seat(streams).leave)
    return answer


class _Seat:
    """The place of one who looks on; given back once, however often and by whom an answer is closed."""

    def __init__(self, streams: threading.BoundedSemaphore) -> None:
        self._streams = streams
        self._lock = threading.Lock()
        self._is_taken = True

    def leave(self) -> None:
        with self._lock:
            if self._is_taken:
                self._is_taken = False
                self._streams.release()


def _is_still_there(at: House, secret: str) -> bool:
    """False once who looks on is signed out, or may not look on any more."""
    found = session_of(at, secret, is_click=False)
    return found is not None and found.user.may(Permission.CASE_READ)


def _told(at: House, case_id: str, first: Progress, is_still_there: Callable[[], bool]) -> Iterator[str]:
    """Each change as one event. A comment goes out where nothing changed, so that a browser that left is noticed."""
    until, last = time.monotonic() + LONGEST, first
    yield f"retry: {RETRY}\n\n{_event('progress', last)}"
    while not last.is_resting and time.monotonic() < until:
        time.sleep(PAUSE)
        try:
            if not is_still_there():
                return
            current = _look(at, case_id)
        except DsrError:
            return
        if current != last:
            yield _event("progress", current)
        else:
            yield ": still at it\n\n"
        last = current
    if last.is_resting:
        yield _event("rest", last)


def _look(at: House, case_id: str) -> Progress:
    with at.store.snapshot() as tx:
        return progress_of(tx, tx.cases.get(case_id))


def _event(name: str, progress: Progress) -> str:
    return f"event: {name}\ndata: {json.dumps(asdict(progress))}\n\n"
