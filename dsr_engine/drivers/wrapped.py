"""What goes around every driver, so that no driver does it itself: retry, pace, read-only, log, and the last catch.

From the inside out: `Guarded` turns whatever a driver lets slip into an error of the engine without its text, `Retried` tries reading again,
`Paced` waits between records, `ReadOnly` refuses changes, `Logged` writes what was done and how long it took. None of them says a value.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from dsr_engine.content.gate import Gate
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.domain.errors import DsrError, InputWrong, NotAllowed, NotSupported, Unreachable, place_of
from dsr_engine.domain.record import Gap, Locator, Record
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import (
    Change,
    CollectionFacts,
    Counted,
    Driver,
    Foreseen,
    Looked,
    Observation,
    OlderThan,
    Outcome,
    Problem,
    Query,
    Slice,
    Traits,
    Watched,
)
from dsr_engine.drivers.reading import Bounds, Reader, Reread

T = TypeVar("T")

_log = logging.getLogger("dsr_engine.drivers")

#: The verb that is never tried twice: after a time-out it is unknown what happened, and only a look can tell.
CHANGE = "change"


class Layer:
    """A driver around a driver. A wrapper says in `_call` and `_stream` what happens around each verb."""

    def __init__(self, inner: Driver) -> None:
        self._inner = inner

    @property
    def traits(self) -> Traits:
        return self._inner.traits

    def check(self) -> Sequence[Problem]:
        return self._call("check", "", self._inner.check)

    def describe(self) -> Sequence[CollectionFacts]:
        return self._call("describe", "", self._inner.describe)

    def slices(self, query: Query) -> Iterator[Slice]:
        return self._stream("slices", "", lambda: self._inner.slices(query))

    def find(self, query: Query, part: Slice) -> Iterator[Record | Gap | Looked]:
        return self._stream("find", part.collection, lambda: self._inner.find(query, part))

    def count(self, collection: str, queries: Sequence[OlderThan]) -> Counted:
        return self._call("count", collection, lambda: self._inner.count(collection, queries))

    def observe(self, watched: Sequence[Watched]) -> Sequence[Observation]:
        return self._call("observe", _collections(watched), lambda: self._inner.observe(watched))

    def foresee(self, changes: Sequence[Change], rewriter: Rewriter) -> Sequence[Foreseen]:
        return self._call("foresee", _collections(changes), lambda: self._inner.foresee(changes, rewriter))

    def change(self, changes: Sequence[Change], rewriter: Rewriter) -> Sequence[Outcome]:
        return self._call(CHANGE, _collections(changes), lambda: self._inner.change(changes, rewriter))

    def close(self) -> None:
        self._inner.close()

    def _call(self, _verb: str, _collection: str, answer: Callable[[], T]) -> T:
        return answer()

    def _stream(self, _verb: str, _collection: str, answers: Callable[[], Iterator[T]]) -> Iterator[T]:
        return answers()


def _collections(asked: Sequence[Watched] | Sequence[Change]) -> str:
    return ",".join(sorted({one.locator.collection for one in asked}))


class Guarded(Layer):
    """Lets the engine's own errors through and replaces every other one by a family, named by its type and place only.

    A foreign error's text may hold a value, so it goes nowhere: not into the message and not into `__cause__`.
    """

    def _call(self, verb: str, _collection: str, answer: Callable[[], T]) -> T:
        try:
            return answer()
        except DsrError:
            raise
        except Exception as error:  # noqa: BLE001  # the one place that catches what a driver lets slip
            replacement = replaced(error, verb)
        raise replacement

    def _stream(self, verb: str, _collection: str, answers: Callable[[], Iterator[T]]) -> Iterator[T]:
        try:
            yield from answers()
        except DsrError:
            raise
        except Exception as error:  # noqa: BLE001  # the one place that catches what a driver lets slip
            replacement = replaced(error, verb)
        else:
            return
        raise replacement


@contextmanager
def translating(verb: str) -> Iterator[None]:
    """Does for a block what `Guarded` does for a driver."""
    try:
        yield
    except DsrError:
        raise
    except Exception as error:  # noqa: BLE001  # as in `Guarded`
        replacement = replaced(error, verb)
    else:
        return
    raise replacement


def replaced(error: Exception, verb: str) -> DsrError:
    """The family of an error that no driver translated. During a change it is unknown what happened, which `Unreachable` says."""
    message = f"the driver failed to {verb} ({type(error).__name__} at {place_of(error)})"
    if isinstance(error, PermissionError):
        return NotAllowed(message, code="driver.denied", hint="grant the account that runs the engine this permission")
    if verb == CHANGE or isinstance(error, OSError | TimeoutError):
        return Unreachable(message, code="driver.broken_off")
    return NotSupported(message, code="driver.failed", hint="a fault of the driver: please report the place")


def _may_answer_soon(error: BaseException) -> bool:
    """False for a system that was waited for long enough already."""
    return isinstance(error, Unreachable) and error.code not in ("system.busy", "mail.daily_limit")


class Retried(Layer):
    """Asks again, with growing pauses, when a system did not answer; never for `change`. A stream that has begun is not begun again."""

    def __init__(self, inner: Driver, *, attempts: int = 4, first_pause: float = 0.5, longest_pause: float = 15) -> None:
        super().__init__(inner)
        self._attempts = attempts
        self._pause = wait_random_exponential(multiplier=first_pause, max=longest_pause)

    def _trying(self) -> Retrying:
        return Retrying(retry=retry_if_exception(_may_answer_soon), stop=stop_after_attempt(self._attempts), wait=self._pause, reraise=True)

    def _call(self, verb: str, _collection: str, answer: Callable[[], T]) -> T:
        return answer() if verb == CHANGE else self._trying()(answer)

    def _stream(self, _verb: str, _collection: str, answers: Callable[[], Iterator[T]]) -> Iterator[T]:
        nothing = object()

        def begun() -> tuple[T | object, Iterator[T]]:
            stream = iter(answers())
            return next(stream, nothing), stream

        first, rest = self._trying()(begun)
        if first is not nothing:
            yield first  # type: ignore[misc]  # it is a T where it is not `nothing`
            yield from rest


class Paced(Layer):
    """At most `per_second` records or calls; for systems that other people need meanwhile."""

    def __init__(
        self, inner: Driver, per_second: float, *, now: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        super().__init__(inner)
        self._gap = 1 / per_second
        self._now = now
        self._sleep = sleep
        self._next = now()

    def _wait(self, units: int = 1) -> None:
        moment = self._now()
        if moment < self._next:
            self._sleep(self._next - moment)
        self._next = max(moment, self._next) + self._gap * units

    def _call(self, _verb: str, _collection: str, answer: Callable[[], T]) -> T:
        self._wait()
        return answer()

    def observe(self, watched: Sequence[Watched]) -> Sequence[Observation]:
        self._wait(max(1, len(watched)))
        return self._inner.observe(watched)

    def change(self, changes: Sequence[Change], rewriter: Rewriter) -> Sequence[Outcome]:
        self._wait(max(1, len(changes)))
        return self._inner.change(changes, rewriter)

    def _stream(self, _verb: str, _collection: str, answers: Callable[[], Iterator[T]]) -> Iterator[T]:
        for answer in answers():
            self._wait()
            yield answer


class ReadOnly(Layer):
    """Refuses every change before it reaches the driver."""

    def change(self, changes: Sequence[Change], _rewriter: Rewriter) -> Sequence[Outcome]:
        if not changes:
            return ()
        raise NotAllowed("the system is open for reading only", code="driver.read_only", hint="this command may look and not change")


class Logged(Layer):
    """One line per verb: system, collection, how many, how long, and the error's code if it failed."""

    def __init__(self, inner: Driver, system: str, *, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__(inner)
        self._system = system
        self._now = now

    def _call(self, verb: str, collection: str, answer: Callable[[], T]) -> T:
        begin = self._now()
        try:
            given = answer()
        except DsrError as error:
            self._say(verb, collection, 0, begin, error.code)
            raise
        self._say(verb, collection, len(given) if isinstance(given, Sequence) else 1, begin, "ok")
        return given

    def _stream(self, verb: str, collection: str, answers: Callable[[], Iterator[T]]) -> Iterator[T]:
        begin, count = self._now(), 0
        try:
            for answer in answers():
                count += 1
                yield answer
        except DsrError as error:
            self._say(verb, collection, count, begin, error.code)
            raise
        self._say(verb, collection, count, begin, "ok")

    def _say(self, verb: str, collection: str, count: int, begin: float, how: str) -> None:
        _log.info("%s %s.%s: %d in %.3f s, %s", verb, self._system, collection or "*", count, self._now() - begin, how)


def wrapped(factory: Callable[[System], Driver], system: System, *, read_only: bool = False) -> Driver:
    """Opens the driver and puts all layers around it. The setting `records_per_second` paces it; without one it runs as fast as it can."""
    inner = _opened(factory, system)
    driver: Driver = Retried(Guarded(inner))
    pace = _pace_of(system)
    if pace:
        driver = Paced(driver, pace)
    if read_only:
        driver = ReadOnly(driver)
    return Logged(driver, system.name)


def _opened(factory: Callable[[System], Driver], system: System) -> Driver:
    try:
        return factory(system)
    except DsrError:
        raise
    except Exception as error:  # noqa: BLE001  # as above
        replacement = replaced(error, "open")
    raise replacement


class GuardedReader:
    """A reader whose errors say no value, and whose reads stand in the log as every verb does: how many, how long, never where or what."""

    def __init__(self, inner: Reader, system: str, *, now: Callable[[], float] = time.monotonic) -> None:
        self._inner, self._system, self._now = inner, system, now

    def read(self, locators: Sequence[Locator], gate: Gate, bounds: Bounds) -> Iterator[Reread]:
        begin, count, how = self._now(), 0, "ok"
        try:
            for answer in self._inner.read(locators, gate, bounds):
                count += 1
                yield answer
        except DsrError as error:
            how = error.code
            raise
        except Exception as error:  # noqa: BLE001  # as in `Guarded`
            replacement = replaced(error, "read")
            how = replacement.code
        else:
            return
        finally:
            _log.info("read %s: %d in %.3f s, %s", self._system, count, self._now() - begin, how)
        raise replacement

    def close(self) -> None:
        self._inner.close()


def guarded_reader(factory: Callable[[System], Reader], system: System) -> Reader:
    """Opens a reader (`drivers/reading.py`) with the last catch around it."""
    try:
        return GuardedReader(factory(system), system.name)
    except DsrError:
        raise
    except Exception as error:  # noqa: BLE001  # as above
        replacement = replaced(error, "open")
    raise replacement


def _pace_of(system: System) -> float:
    text = system.setting("records_per_second", "0")
    try:
        pace = float(text)
    except ValueError:
        pace = -1
    if not 0 <= pace < float("inf"):
        raise InputWrong(f"{system.name}: records_per_second is no positive number", code="driver.pace", hint="write records_per_second: 50")
    return pace
