"""Compares the records of systems with lists: one pass over each declared collection, whatever the number of lists.

The platform's hashes are made of each record's fields by its own rules, digested under our key, and looked up; a value that is on no list is
forgotten with its page.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Protocol

from dsr_engine.content import drop_hash
from dsr_engine.content.drop_record import Parts, Role, hashes_of, lists_of, role_of
from dsr_engine.domain.drop import DropList
from dsr_engine.domain.errors import DsrError, Unreachable
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.record import Gap
from dsr_engine.domain.selector import WEAK_KINDS, Scope
from dsr_engine.domain.system import CollectionMap, FieldMap, System
from dsr_engine.drivers.columns import Columns, Page, Row
from dsr_engine.store.drop import DropGap
from dsr_engine.store.drop_key import DropKey
from dsr_engine.workflow.dropping.consumers import Key, Mark, Trace, Traces
from dsr_engine.workflow.house import House
from dsr_engine.workflow.pacing import admit

NO_FIELDS = "drop.no_fields"
_NOTHING_TO_READ = "its records have no fields that could be compared (mail, or a system in which people look)"
_NOTHING_DECLARED = "its connector declares no fields that could be compared"


class OpenColumns(Protocol):
    def __call__(self, system: System) -> Columns | None:
        """Who reads a few fields of all records of a system; None where its driver has nobody."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One collection: with which lists its records were compared, and how many there were."""

    system: str
    collection: str
    lists: tuple[DropList, ...]
    records: int


@dataclass(slots=True, repr=False)
class Findings:
    """What one comparison gathers, in memory only."""

    traces: dict[bytes, Traces] = field(default_factory=dict)
    compared: list[Compared] = field(default_factory=list)
    gaps: list[DropGap] = field(default_factory=list)

    def gap(self, house: House, system: str, collection: str, code: str, reason: str) -> None:
        """Notes what could not be compared, the first reason of each collection."""
        if not any((gap.system, gap.collection) == (system, collection) for gap in self.gaps):
            self.gaps.append(DropGap(system, collection, code, reason, house.clock.now()))


class Sieve:
    """The digests of all items, eight bytes of each, in order: tells in under a microsecond that a value is on no list."""

    def __init__(self, digests: Iterable[bytes]) -> None:
        self._starts = array("Q", sorted(int.from_bytes(digest[:8], "big") for digest in digests))

    def __contains__(self, digest: bytes) -> bool:
        start = int.from_bytes(digest[:8], "big")
        at = bisect_left(self._starts, start)
        return at < len(self._starts) and self._starts[at] == start


def compare_system(system: System, house: House, open_columns: OpenColumns, sieve: Sieve, lists: Iterable[DropList], found: Findings) -> None:
    """All declared collections of one system that have fields of these lists. Raises `Unreachable`; what is refused for good is a gap."""
    if system.is_disabled:
        found.gap(house, system.name, "*", "system.disabled", "the system is disabled in systems.yaml")
        return
    maps = [entry for entry in system.manifest.collections if lists_of(_roles(entry).values())]
    columns = open_columns(system) if maps else None
    if columns is None:
        found.gap(house, system.name, "*", NO_FIELDS, _NOTHING_TO_READ if maps or not system.manifest.collections else _NOTHING_DECLARED)
        return
    with closing(columns):
        for entry in maps:
            _compare_collection(Place(system, entry, house.store.dropping, sieve, frozenset(lists)), house, columns, found)


def _compare_collection(place: "Place", house: House, columns: Columns, found: Findings) -> None:
    system, name = place.system.name, place.map.name
    what = f"{system}.{name}: comparing"
    admit(place.system, house.clock.now())
    house.progress.begin(what, None)
    try:
        fields = columns.fields(name, place.wanted())
        missing = sorted(set(place.roles) - set(fields))
        if missing:
            found.gap(house, system, name, "drop.no_field", f"declared and not readable: {', '.join(missing)}")
        _read(place, fields, house, columns, found)
    except Unreachable:
        raise
    except DsrError as error:
        found.gap(house, system, name, error.code, error.message)
    finally:
        house.progress.end(what)


def _read(place: "Place", fields: Sequence[str], house: House, columns: Columns, found: Findings) -> None:
    system, name = place.system.name, place.map.name
    reader = Reader(place, fields)
    if not reader.lists:
        return
    for event in columns.read(name, fields):
        if isinstance(event, Page):
            reader.read(event.rows, found.traces)
            house.progress.advance(f"{system}.{name}: comparing", len(event.rows))
        elif isinstance(event, Gap):
            found.gap(house, system, name, event.code, event.reason)
        else:
            found.compared.append(Compared(system, name, reader.lists, event.count))
            if event.extent is not Extent.FULL:
                found.gap(house, system, name, "search.incomplete", event.reason)


def _roles(entry: CollectionMap) -> dict[str, Role]:
    """The fields of a collection that mean something to the platform."""
    return {field.name: role for field in entry.fields if (role := role_of(field)) is not None}


@dataclass(frozen=True, slots=True)
class Place:
    """One collection and how its records are compared."""

    system: System
    map: CollectionMap
    key: DropKey
    sieve: Sieve
    lists: frozenset[DropList]

    @property
    def roles(self) -> dict[str, Role]:
        return _roles(self.map)

    def wanted(self) -> tuple[str, ...]:
        """The fields to read: those of the lists, those by which the person is known, and the record's key."""
        keys = [field.name for field in self.map.fields if is_key(field)]
        return tuple(dict.fromkeys((*self.roles, *keys, *(self.map.key if len(self.map.key) == 1 else ()))))


class Reader:
    """Turns rows into hashes and keeps those that are on a list."""

    def __init__(self, place: Place, fields: Sequence[str]) -> None:
        self._place = place
        known = {field.name: field for field in place.map.fields}
        self._roles = [(number, role) for number, name in enumerate(fields) if (role := place.roles.get(name)) is not None]
        self._keys = [(number, *_meaning(place, known[name])) for number, name in enumerate(fields) if name in known and is_key(known[name])]
        own = place.map.key[0] if len(place.map.key) == 1 else ""
        self._own = fields.index(own) if own in fields else None
        self._own_scope = Scope(place.system.name, place.map.name, own)
        self.lists = tuple(entry for entry in lists_of(role for _, role in self._roles) if entry in place.lists)

    def read(self, rows: Sequence[Row], traces: dict[bytes, Traces]) -> None:
        sieve, digest, lists = self._place.sieve, self._place.key.digest, self.lists
        for row in rows:
            parts = self._parts(row)
            for entry, hashed in hashes_of(Parts(parts), lists):
                made = digest(entry, hashed)
                if made in sieve:
                    traces.setdefault(made, Traces(entry)).add(self.trace(row, parts))

    def whole(self, row: Row) -> Trace:
        """The record, whether it is on a list or not."""
        return self.trace(row, self._parts(row))

    def marks(self, row: Row) -> Iterator[Mark]:
        """The keys and addresses of a record, without making anything of the rest."""
        yield from ((scope, value) for number, scope, _ in self._keys if (value := row[number]))
        yield from (found for number, role in self._roles if role is Role.EMAIL and (found := drop_hash.email(row[number] or "")))
        if self._own is not None and (value := row[self._own]):
            yield self._own_scope, value

    def _parts(self, row: Row) -> dict[Role, list[str]]:
        parts: dict[Role, list[str]] = {}
        for number, role in self._roles:
            value = row[number]
            if value:
                parts.setdefault(role, []).append(value)
        return parts

    def trace(self, row: Row, parts: Mapping[Role, Sequence[str]]) -> Trace:
        keys = tuple((scope, kind, value) for number, scope, kind in self._keys if (value := row[number]))
        own: Key | None = None
        if self._own is not None and (value := row[self._own]):
            own = (self._own_scope, self._own_scope.field, value)
        return Trace(keys, own, Parts(parts))


def is_key(field: FieldMap) -> bool:
    """True for a field by which a system knows the person whose record it is, and which is nobody's address or name."""
    if field.is_actor or role_of(field) is not None:
        return False
    return field.identifies or (field.selects is not None and field.selects not in WEAK_KINDS)


def _meaning(place: Place, field: FieldMap) -> tuple[Scope, str]:
    """Where a key means something: in the field that it points at, else in its own."""
    system = place.system.name
    scope = Scope(system, *field.references) if field.references is not None else Scope(system, place.map.name, field.name)
    return scope, field.selects or field.name
