"""The connections of one pass over one system. Each slice has one to itself; the next slice takes over a connection that is idle.

A new connection reads the system's catalogue anew, and a database has as many slices as tables: with one for each slice, the catalogue would be read
as often as there are tables. A connection on which anything went wrong is not used again.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Self

from dsr_engine.drivers.driver import Driver


class Readers(AbstractContextManager["Readers"]):
    """Shared between the threads of one pass; closes what it opened. `admit` is asked before each slice, and raises where none may begin now."""

    def __init__(self, open_driver: Callable[[], Driver], admit: Callable[[], None]) -> None:
        self._open, self._admit = open_driver, admit
        self._idle: deque[Driver] = deque()
        self._is_closed = False

    @contextmanager
    def lent(self) -> Iterator[Driver]:
        """A connection for one slice. Raises the families of `domain/errors.py` where there is none to be had."""
        self._admit()
        try:
            driver = self._idle.pop()
        except IndexError:
            driver = self._open()
        is_sound = False
        try:
            yield driver
            is_sound = not self._is_closed  # the pass may have been given up while this slice was still being searched
        finally:
            self._idle.append(driver) if is_sound else driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._is_closed = True
        self._close_idle()

    def _close_idle(self) -> None:
        while True:
            try:
                driver = self._idle.pop()
            except IndexError:
                return
            driver.close()
