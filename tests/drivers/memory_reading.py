"""The reader of the in-memory driver."""

from collections.abc import Iterator, Sequence

from dsr_engine.content.gate import Gate
from dsr_engine.domain.errors import Unreachable
from dsr_engine.domain.record import Locator, Record, Unit
from dsr_engine.domain.system import System
from dsr_engine.drivers.reading import Bounds, Gathering, Reread
from tests.drivers.memory import Memory, Row


class MemoryReader:
    """One connection to a `Memory`."""

    def __init__(self, system: System, memory: Memory) -> None:
        self._system, self._memory = system, memory

    def read(self, locators: Sequence[Locator], _gate: Gate, bounds: Bounds) -> Iterator[Reread]:
        if self._memory.is_down:
            raise Unreachable("the system does not answer", code="memory.down")
        for locator in locators:
            row = self._memory.collections.get(locator.collection, {}).get(locator.key[0])
            yield Reread(locator, None if row is None else self._record(locator, row, bounds))

    def close(self) -> None:
        """There is nothing to give back."""

    def _record(self, locator: Locator, row: Row, bounds: Bounds) -> Record:
        known = self._system.manifest.collection_named(locator.collection)
        gathering = Gathering(locator.collection, bounds)
        gathering.take(Unit(name, text, field=known.field_named(name) if known else None, is_value=True) for name, text in row.items())
        return Record(locator, tuple(gathering.units), self._memory.server, gaps=tuple(gathering.gaps))
