"""Reads versions of files again whose keys are known: of each file only what passes the gate, for a file is full of other people."""

from collections.abc import Iterator, Sequence

from dsr_engine.content.files import read_file
from dsr_engine.content.format import Reading
from dsr_engine.content.gate import Gate
from dsr_engine.domain.errors import Conflict, NotAllowed, NotSupported
from dsr_engine.domain.record import Gap, Locator, Record, Unit
from dsr_engine.domain.system import System
from dsr_engine.drivers.objectstore.catalogue import Catalogue
from dsr_engine.drivers.objectstore.labels import label_units
from dsr_engine.drivers.objectstore.shelf import Stored
from dsr_engine.drivers.objectstore.shelves import shelf_of
from dsr_engine.drivers.objectstore.states import States
from dsr_engine.drivers.reading import Bounds, Gathering, Reread

#: How often a file that changes while it is read is begun again.
_ATTEMPTS = 3


class ObjectstoreReader:
    """One bucket prefix or one folder."""

    def __init__(self, system: System) -> None:
        self._shelf = shelf_of(system)
        self._catalogue = Catalogue(system.manifest)
        self._states = States(self._shelf)

    def read(self, locators: Sequence[Locator], gate: Gate, bounds: Bounds) -> Iterator[Reread]:
        for locator in locators:
            yield Reread(locator, self._record(locator, gate, bounds))

    def close(self) -> None:
        self._shelf.close()

    def _record(self, locator: Locator, gate: Gate, bounds: Bounds) -> Record | None:
        for _ in range(_ATTEMPTS):
            stored = self._states.at(locator)
            if stored is None:
                return None
            gathering = Gathering(locator.collection, bounds)
            try:
                self._gather(gathering, stored, gate)
            except Conflict:
                continue
            return Record(locator, tuple(gathering.units), self._shelf.server, created=stored.modified, gaps=tuple(gathering.gaps))
        gap = Gap(locator.collection, "objectstore.restless", "a file changed every time that it was read")
        return Record(locator, (), self._shelf.server, gaps=(gap,))

    def _gather(self, gathering: Gathering, stored: Stored, gate: Gate) -> None:
        try:
            known = self._catalogue.map_of(gathering.collection)
            key = (Unit("key", stored.key, is_opaque=True),) if gate.passes_text(stored.key) else ()
            is_whole = gathering.take((*key, *label_units(self._shelf.labels(stored), gate, known)))
            if is_whole and stored.bare is None:
                reading = Reading(gathering.collection, gate, known, name=stored.path.rsplit("/", 1)[-1])
                gathering.take(read_file(gathering.timed(lambda: self._shelf.open(stored)), reading))
        except (NotAllowed, NotSupported) as error:
            gathering.gaps.append(Gap(gathering.collection, error.code, error.message))
