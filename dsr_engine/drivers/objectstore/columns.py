"""Reads a few fields of all records in files: rows of tables, lines and objects of JSON, in folders and buckets, old versions included."""

from collections.abc import Iterator, Sequence

from dsr_engine.content.files import read_file
from dsr_engine.content.format import Reading
from dsr_engine.domain.errors import Conflict, ManifestWrong, NotAllowed, NotSupported
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.record import Gap, Locator, Unit
from dsr_engine.domain.system import System
from dsr_engine.drivers.columns import Page, Row
from dsr_engine.drivers.driver import Looked
from dsr_engine.drivers.objectstore.catalogue import Catalogue
from dsr_engine.drivers.objectstore.shelf import Stored
from dsr_engine.drivers.objectstore.shelves import shelf_of
from dsr_engine.drivers.objectstore.states import States

#: Rows that go in one page.
_PAGE = 1000
#: How often a file that changes while it is read is begun again.
_ATTEMPTS = 3


class ObjectstoreColumns:
    """One bucket prefix or one folder."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._shelf = shelf_of(system)
        self._catalogue = Catalogue(system.manifest)
        self._states = States(self._shelf)

    def fields(self, collection: str, among: Sequence[str]) -> tuple[str, ...]:
        if self._catalogue.map_of(collection) is None:
            raise ManifestWrong(f"{self._system.name} has no such collection", code="objectstore.collection", hint="its connector has to declare it")
        return tuple(among)

    def read(self, collection: str, fields: Sequence[str]) -> Iterator[Page | Gap | Looked]:
        self.fields(collection, fields)
        looked, is_partial = 0, False
        for found in self._catalogue.files(self._shelf, collection):
            for event in iter((found,)) if isinstance(found, Gap) else self._file(collection, found, fields):
                is_partial = is_partial or isinstance(event, Gap)
                looked += len(event.rows) if isinstance(event, Page) else 0
                yield event
        yield Looked(collection, looked, Extent.PARTIAL if is_partial else Extent.FULL, "some files could not be read" if is_partial else "")

    def close(self) -> None:
        self._shelf.close()

    def _file(self, collection: str, stored: Stored, fields: Sequence[str]) -> Iterator[Page | Gap]:
        """The rows of one file. Begun again when the file changes while it is read; one that vanishes is not there."""
        fresh: Stored | None = stored
        for _ in range(_ATTEMPTS):
            if fresh is None or fresh.bare is not None:
                return
            try:
                yield from self._rows(collection, fresh, fields)
            except Conflict:
                fresh = self._states.at(Locator(self._system.name, collection, stored.locator_key))
                continue
            except (NotAllowed, NotSupported) as error:
                yield Gap(collection, error.code, error.message)
            return
        yield Gap(collection, "objectstore.restless", "a file changed every time that it was read")

    def _rows(self, collection: str, stored: Stored, fields: Sequence[str]) -> Iterator[Page | Gap]:
        reading = Reading(collection, None, self._catalogue.map_of(collection), name=stored.path.rsplit("/", 1)[-1])
        gathered = _Gathered(fields)
        for unit in read_file(lambda: self._shelf.open(stored), reading):
            if isinstance(unit, Gap):
                yield unit
                continue
            gathered.take(unit)
            if len(gathered.rows) >= _PAGE:
                yield Page(gathered.taken())
        gathered.end()
        if gathered.rows:
            yield Page(gathered.taken())


class _Gathered:
    """Puts the values of one record together as they come. A second value of a field is a row of its own, beside the first ones of the others."""

    def __init__(self, fields: Sequence[str]) -> None:
        self._at = {name: number for number, name in enumerate(fields)}
        self._record = ""
        self._values: list[list[str]] = [[] for _ in fields]
        self.rows: list[Row] = []

    def take(self, unit: Unit) -> None:
        number = self._at.get(unit.field.name) if unit.field is not None and unit.is_value else None
        if number is None or not unit.text:
            return
        if unit.inside != self._record:
            self.end()
            self._record = unit.inside
        self._values[number].append(unit.text)

    def end(self) -> None:
        """The record is over."""
        for number in range(max(map(len, self._values), default=0)):
            if number == 0:
                self.rows.append(tuple(values[0] if values else None for values in self._values))
                continue
            for place, values in enumerate(self._values):
                if number < len(values):
                    self.rows.append(tuple(values[number] if at == place else (other[0] if other else None) for at, other in enumerate(self._values)))
        for values in self._values:
            values.clear()

    def taken(self) -> tuple[Row, ...]:
        rows, self.rows = tuple(self.rows), []
        return rows
