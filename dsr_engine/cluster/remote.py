"""What happens on a worker: one slice is searched, and nothing of it stays.

A worker keeps connections and the compiled search of a pass in memory until the pass ends or another takes its place. It is told the identifiers that
are looked for, so it has to be one that writes nothing of what is in its memory to a disk.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

from dsr_engine.domain.clock import SystemClock
from dsr_engine.domain.errors import DsrError, Unreachable
from dsr_engine.domain.finding import Coverage, Extent
from dsr_engine.domain.selector import Selector
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import Slice
from dsr_engine.drivers.registry import open_driver
from dsr_engine.drivers.wrapped import translating
from dsr_engine.shipped import software
from dsr_engine.workflow.looking import Look, Search, look_at, person_search
from dsr_engine.workflow.pacing import admit
from dsr_engine.workflow.readers import Readers

#: Passes whose connections a worker keeps at the same time.
_MOST = 4


@dataclass(frozen=True, slots=True, repr=False)
class Order:
    """One slice to be searched. `software` is the version of the engine that gives the order, which has to be the worker's own."""

    pass_id: str
    software: str
    system: System
    subjects: Mapping[str, tuple[Selector, ...]]
    facts: Mapping[str, tuple[str, ...]]
    part: Slice

    def __repr__(self) -> str:
        return f"Order({self.system.name} •••)"


class _Passes:
    """The passes that this worker serves. The one that was used longest ago gives way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[Readers, Search]] = OrderedDict()

    def of(self, order: Order) -> tuple[Readers, Search]:
        with self._lock:
            found = self._known.get(order.pass_id)
            if found is None:
                readers = Readers(lambda: open_driver(order.system, read_only=True), lambda: admit(order.system, SystemClock().now()))
                found = self._known[order.pass_id] = (readers, person_search(order.subjects, order.facts))
            self._known.move_to_end(order.pass_id)
            gone = [self._known.popitem(last=False)[1] for _ in range(len(self._known) - _MOST)]
        _close(gone)
        return found

    def forget(self, pass_id: str) -> None:
        with self._lock:
            gone = [self._known.pop(pass_id)] if pass_id in self._known else []
        _close(gone)


def _close(passes: list[tuple[Readers, Search]]) -> None:
    for readers, _ in passes:
        readers.__exit__(None, None, None)


_PASSES = _Passes()


def look(order: Order) -> Look:
    """Searches the slice. What goes wrong is in the look: an exception would travel with its text, and be written to logs."""
    answer = Look(order.part)
    try:
        with translating("search a slice"):
            _insist(order)
            readers, search = _PASSES.of(order)
            return look_at(readers.lent, search, order.part)
    except Unreachable as error:
        answer.error = error
    except DsrError as error:
        answer.coverage = Coverage(order.part.system, order.part.collection, Extent.NONE, str(error), error.code)
    return answer


def forget(pass_id: str) -> None:
    """Closes what a pass had open here."""
    _PASSES.forget(pass_id)


def _insist(order: Order) -> None:
    """Raises `Unreachable` on a worker that this engine cannot trust with the order."""
    if software() != order.software:
        raise Unreachable(
            "a worker of the cluster has another version of the engine", code="cluster.version", hint="install the same version everywhere"
        )
    configured = import_module("dask").config.get
    if configured("distributed.worker.memory.spill", True) or configured("distributed.worker.memory.target", True):
        raise Unreachable(
            "a worker of the cluster may write what is in its memory to a disk", code="cluster.spills", hint="start workers by `dsr cluster worker`"
        )
