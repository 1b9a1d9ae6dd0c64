"""The driver for buckets and folders: what a record, a state and a change are, whatever shelf the files lie on.

A record is one version of one file. Its state is the SHA-256 of all its bytes and of its labels (content type, metadata, tags),
so that a record that moved to a new version is known again, and nothing that anybody wrote since goes unnoticed.
"""

from collections.abc import Iterator, Sequence

from dsr_engine.content.files import read_file
from dsr_engine.content.format import Reading
from dsr_engine.content.gate import Gate
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.domain.anonymize import FieldFacts, ValueType
from dsr_engine.domain.errors import Conflict, ManifestWrong, NotAllowed, NotSupported
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.policy import Start
from dsr_engine.domain.record import Gap, Locator, Record, Unit
from dsr_engine.domain.system import System
from dsr_engine.drivers.counting import counted
from dsr_engine.drivers.driver import (
    AboutSubjects,
    Absent,
    Change,
    CollectionFacts,
    Counted,
    Foreseen,
    Looked,
    Moved,
    Observation,
    OlderThan,
    Outcome,
    Present,
    Problem,
    Query,
    Slice,
    Traits,
    Watched,
)
from dsr_engine.drivers.objectstore.catalogue import Catalogue
from dsr_engine.drivers.objectstore.changing import Changing
from dsr_engine.drivers.objectstore.labels import label_units
from dsr_engine.drivers.objectstore.shelf import Stored
from dsr_engine.drivers.objectstore.shelves import shelf_of
from dsr_engine.drivers.objectstore.slicing import Slicing
from dsr_engine.drivers.objectstore.states import States
from dsr_engine.drivers.objectstore.unchanged import Unchanged

#: How often a file that changes while it is read is begun again.
_ATTEMPTS = 3
#: The fields that every file has, for policies and sweeps.
LAST_MODIFIED = "last_modified"


class ObjectstoreDriver:
    """One bucket prefix or one folder (settings: `url`, `bucket`, `prefix`, `endpoint_url`, `region`, `access_key`, `secret_key`)."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._shelf = shelf_of(system)
        self._catalogue = Catalogue(system.manifest)
        self._states = States(self._shelf)
        self._changing = Changing(system.name, self._shelf, self._states, self._catalogue)
        self._slicing = Slicing(self._shelf, self._catalogue, system.setting("secret_key"))

    @property
    def traits(self) -> Traits:
        return self._shelf.traits

    def check(self) -> Sequence[Problem]:
        return self._shelf.check()

    def close(self) -> None:
        self._shelf.close()

    def describe(self) -> Sequence[CollectionFacts]:
        fields = (FieldFacts("key", is_nullable=False, is_key=True), FieldFacts(LAST_MODIFIED, ValueType.TIMESTAMP, is_nullable=False))
        return tuple(CollectionFacts(name, key=("key",), fields=fields) for name in self._catalogue.names(self._shelf))

    def slices(self, query: Query) -> Iterator[Slice]:
        """The collections, each cut into parts of about two thousand files (`slicing.py`)."""
        names = self._catalogue.names(self._shelf)
        if isinstance(query, OlderThan):
            if query.collection not in names:
                raise ManifestWrong(f"{self._system.name} has no such collection", code="objectstore.collection", hint="see `dsr map`")
            names = (query.collection,)
        for name in names:
            yield from (Slice(self._system.name, name, part) for part in self._slicing.parts(name))

    def find(self, query: Query, part: Slice) -> Iterator[Record | Gap | Looked]:
        """The candidates in one part of a collection. A file that vanishes while it is read is not there; one that cannot be read is a gap."""
        if isinstance(query, OlderThan):
            for age in query.ages:
                self._insist_on_file_dates(age.start, tuple(age.while_not))
        looked, is_partial = 0, False
        unchanged = Unchanged(query, self._shelf, part.collection)
        for found in self._catalogue.files(self._shelf, part.collection, self._slicing.stretch(part.collection, part.part)):
            looked += isinstance(found, Stored)
            for answer in self._answers(query, part.collection, found, unchanged):
                is_partial = is_partial or isinstance(answer, Gap) or bool(answer.gaps)
                yield answer
        extent, reason = (Extent.PARTIAL, "some files could not be read") if is_partial else (Extent.FULL, "")
        yield Looked(part.collection, looked, extent, reason, clean=unchanged.clean)

    def _answers(self, query: Query, collection: str, found: Stored | Gap, unchanged: Unchanged) -> Iterator[Record | Gap]:
        if isinstance(found, Gap):
            yield found
        elif isinstance(query, AboutSubjects):
            yield from self._searched(query, collection, found, unchanged)
        elif not isinstance(query, OlderThan) or _is_due(query, found):
            yield self._record(collection, found, self._own_units(collection, found), (), (LAST_MODIFIED,))

    def _insist_on_file_dates(self, start: Start, states: Sequence[str]) -> None:
        unknown = [name for name in (*start.fields, *states) if name != LAST_MODIFIED]
        if unknown:
            raise ManifestWrong(
                f"files of {self._system.name} have no field {unknown[0]}", code="objectstore.field", hint=f"a file's only date is {LAST_MODIFIED}"
            )

    def _searched(self, query: AboutSubjects, collection: str, stored: Stored, unchanged: Unchanged) -> Iterator[Record | Gap]:
        """The record, if anything in it passes the gate, or what hid it. Begun again when the file changes while it is read."""
        fresh: Stored | None = stored
        for _ in range(_ATTEMPTS):
            if fresh is None:
                return
            try:
                units, gaps = self._read(query.gate, collection, fresh, unchanged)
            except Conflict:
                fresh = self._states.at(Locator(self._system.name, collection, stored.locator_key))
                continue
            if units:
                yield self._record(collection, fresh, tuple(units), tuple(gaps), query.facts.get(collection, ()))
            elif gaps:
                yield from (gap.about(stored.locator_key) for gap in gaps)
            else:
                unchanged.note(fresh)
            return
        yield Gap(collection, "objectstore.restless", "a file changed every time that it was read", stored.locator_key)

    def _read(self, gate: Gate, collection: str, stored: Stored, unchanged: Unchanged) -> tuple[list[Unit], list[Gap]]:
        """Key and labels always; the bytes too unless they are known to hold nobody who is looked for, and nothing else says that they might."""
        units = [unit for unit in (_key_unit(stored),) if gate.passes_text(unit.text)]
        gaps: list[Gap] = []
        known = self._catalogue.map_of(collection)
        reading = Reading(collection, gate, known, name=stored.path.rsplit("/", 1)[-1])
        looks = (
            lambda: label_units(self._shelf.labels(stored), gate, known),
            lambda: () if not (units or gaps) and unchanged.is_known(stored) else self._content(stored, reading),
        )
        for look in looks:
            try:
                for found in look():
                    if isinstance(found, Gap):
                        gaps.append(found)
                    else:
                        units.append(found)
            except (NotAllowed, NotSupported) as error:
                if all(gap.code != error.code for gap in gaps):
                    gaps.append(Gap(collection, error.code, error.message))
        return units, gaps

    def _content(self, stored: Stored, reading: Reading) -> Iterator[Unit | Gap]:
        if stored.is_upload:
            return iter((Gap(reading.collection, "s3.multipart", "an upload in parts was begun and never ended; its parts cannot be read"),))
        return read_file(lambda: self._shelf.open(stored), reading) if stored.bare is None else iter(())

    def _own_units(self, collection: str, stored: Stored) -> tuple[Unit, ...]:
        """What a file says of itself without being opened: enough for a sweep, which treats whole files."""
        known = self._catalogue.map_of(collection)
        date = Unit(
            LAST_MODIFIED, stored.modified.isoformat(), field=known.field_named(LAST_MODIFIED) if known else None, is_value=True, is_opaque=True
        )
        return (_key_unit(stored), date)

    def _record(self, collection: str, stored: Stored, units: tuple[Unit, ...], gaps: tuple[Gap, ...], facts: Sequence[str]) -> Record:
        dates = {LAST_MODIFIED: stored.modified.isoformat()}
        return Record(
            Locator(self._system.name, collection, stored.locator_key),
            units,
            self._shelf.server,
            created=stored.modified,
            facts={name: dates.get(name) for name in facts},
            gaps=gaps,
        )

    def count(self, collection: str, queries: Sequence[OlderThan]) -> Counted:
        return counted(self, collection, queries)

    def observe(self, watched: Sequence[Watched]) -> Sequence[Observation]:
        """A file's state always covers all of it. A version that this engine rewrote has moved to its successor."""
        return tuple(self._observed(one.locator.whole) for one in watched)

    def _observed(self, locator: Locator) -> Observation:
        server = self._shelf.server
        seen = self._states.seen(locator)
        if seen is not None:
            return Present(server, seen.state, seen.stored.modified)
        heir = self._states.heir(locator)
        if heir is None:
            return Absent(server)
        return Moved(server, Locator(locator.system, locator.collection, heir.stored.locator_key), heir.state)

    def foresee(self, changes: Sequence[Change], rewriter: Rewriter) -> Sequence[Foreseen]:
        return self._changing.foresee(changes, rewriter)

    def change(self, changes: Sequence[Change], rewriter: Rewriter) -> Sequence[Outcome]:
        return self._changing.change(changes, rewriter)


def _is_due(query: OlderThan, stored: Stored) -> bool:
    """A file's date is always known. Markers, links and empty folders hold no data that could fall due.

    A file is not opened for its age, so an age that counts only where another field holds something counts in none.
    """
    ages = [age for age in query.ages if not age.where_any or LAST_MODIFIED in age.where_any]
    if query.unknown or stored.bare is not None or not ages:
        return False
    return not any(_holds(age, stored) for age in ages)


def _holds(age: OlderThan, stored: Stored) -> bool:
    if stored.modified.isoformat() in age.while_not.get(LAST_MODIFIED, ()):
        return True
    return bool(age.start.fields) and stored.modified.date() > age.cutoff


def _key_unit(stored: Stored) -> Unit:
    return Unit("key", stored.key, is_opaque=True)
