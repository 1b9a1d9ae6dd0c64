"""Drivers that let a test do something, or let a system fall silent, at any call."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from dsr_engine.domain.errors import Unreachable
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import Driver
from dsr_engine.drivers.registry import open_driver
from dsr_engine.drivers.wrapped import Layer
from dsr_engine.workflow.house import OpenDriver

T = TypeVar("T")

#: Is told the name of the system and what is about to happen, or has just happened: `before change`, `after change`.
Meddle = Callable[[str, str], None]


class _Meddled(Layer):
    def __init__(self, inner: Driver, system: str, meddle: Meddle) -> None:
        super().__init__(inner)
        self._system, self._meddle = system, meddle

    def _call(self, verb: str, _collection: str, answer: Callable[[], T]) -> T:
        self._meddle(self._system, f"before {verb}")
        given = answer()
        self._meddle(self._system, f"after {verb}")
        return given

    def _stream(self, verb: str, _collection: str, answers: Callable[[], Iterator[T]]) -> Iterator[T]:
        self._meddle(self._system, f"before {verb}")
        yield from answers()
        self._meddle(self._system, f"after {verb}")


def meddled(meddle: Meddle) -> OpenDriver:
    def drivers(system: System, *, read_only: bool = False) -> Driver:
        return _Meddled(open_driver(system, read_only=read_only), system.name, meddle)

    return drivers


class Once:
    """Does something the first time that a system comes to this point, or the time of this number."""

    def __init__(self, system: str, point: str, work: Callable[[], object], *, time: int = 1) -> None:
        self._wanted, self._work, self._left = (system, point), work, time

    def __call__(self, system: str, point: str) -> None:
        if (system, point) == self._wanted:
            self._left -= 1
            if self._left == 0:
                self._work()

    @property
    def has_happened(self) -> bool:
        return self._left <= 0


def silence() -> None:
    """What a driver says of a system that does not answer."""
    raise Unreachable("the server does not answer", code="test.silent")
