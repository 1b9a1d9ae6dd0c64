"""Which numbers and addresses beside a matched identifier are no one person's: a case that looked for them would take strangers' records.

Companies fill fields that must not be empty: `none@none.com`, the shop's own address, the account of all guests. Who is on a list by a telephone is
not the owner of everything that stands beside it. So each such value is held against all records that have it, in one more pass.
"""

from collections.abc import Container, Iterable
from contextlib import closing
from dataclasses import dataclass, field

from dsr_engine.content import drop_hash
from dsr_engine.content.drop_record import Role
from dsr_engine.domain.drop import DropList
from dsr_engine.domain.errors import DsrError, Unreachable
from dsr_engine.domain.selector import Scope
from dsr_engine.domain.system import System
from dsr_engine.drivers.columns import Columns, Page, Row
from dsr_engine.workflow.dropping.comparing import OpenColumns, Place, Reader, Sieve, is_key
from dsr_engine.workflow.dropping.consumers import Mark, Trace
from dsr_engine.workflow.house import House
from dsr_engine.workflow.pacing import admit

#: Addresses in records of one number that no name joins, above which the number is many people's.
_MOST_ADDRESSES = 2


@dataclass(slots=True, repr=False)
class _Holders:
    """What the records say of whose they are in which one value stands; in memory only."""

    keys: dict[Scope, set[str]] = field(default_factory=dict)
    names: set[tuple[str, ...]] = field(default_factory=set)
    phones: set[str] = field(default_factory=set)
    emails: set[str] = field(default_factory=set)
    is_shared: bool = False

    def take(self, trace: Trace, mark: Mark) -> None:
        """A record that agrees in its name is the same person's; one that has another name, or none and other numbers, is somebody else's."""
        names, emails = trace.names(), trace.emails()
        phones = {found for text in trace.parts.of(Role.PHONE) if (found := drop_hash.phone(text))}
        if not self.names & names:
            has_other_key = any(self.keys.get(scope, {value}) != {value} for scope, _, value in trace.keys)
            has_other_phone = bool(self.phones and phones and not self.phones & phones) and not (self.names and names)
            has_other_name = bool(self.names and names)
            is_loose = isinstance(mark, str) and (has_other_key or has_other_phone)
            self.is_shared |= has_other_name or is_loose or len(self.emails | emails) > _MOST_ADDRESSES
        for scope, _, value in trace.keys:
            self.keys.setdefault(scope, set()).add(value)
        self.names |= names
        self.phones |= phones
        self.emails |= emails


def shared_marks(house: House, open_columns: OpenColumns, traces: Iterable[Trace], listed: Container[bytes]) -> frozenset[Mark]:
    """The keys and addresses of these records that stand in records of several people. `listed` are digests: an address on a list is its owner's.

    Raises `Unreachable`.
    """
    marks = {mark for trace in traces for mark in trace.marks()}
    holders = {mark: _Holders() for mark in marks if not (isinstance(mark, str) and _digest(house, mark) in listed)}
    for system in house.systems.values() if holders else ():
        if not system.is_disabled:
            _read_system(system, house, open_columns, holders)
    return frozenset(mark for mark, found in holders.items() if found.is_shared)


def _digest(house: House, address: str) -> bytes:
    return house.store.dropping.digest(DropList.EMAIL, drop_hash.hashed(address))


def _read_system(system: System, house: House, open_columns: OpenColumns, holders: dict[Mark, _Holders]) -> None:
    places = [Place(system, entry, house.store.dropping, Sieve(()), frozenset()) for entry in system.manifest.collections]
    places = [place for place in places if Role.EMAIL in place.roles.values() or any(is_key(entry) for entry in place.map.fields)]
    columns = open_columns(system) if places else None
    if columns is None:
        return
    with closing(columns):
        for place in places:
            admit(system, house.clock.now())
            try:
                _read(place, columns, holders)
            except Unreachable:
                raise
            except DsrError:
                continue  # the comparison has met the same refusal and said so


def _read(place: Place, columns: Columns, holders: dict[Mark, _Holders]) -> None:
    fields = columns.fields(place.map.name, place.wanted())
    reader = Reader(place, fields)
    for event in columns.read(place.map.name, fields) if fields else ():
        if isinstance(event, Page):
            for row in event.rows:
                _take(reader, row, holders)


def _take(reader: Reader, row: Row, holders: dict[Mark, _Holders]) -> None:
    if not any(mark in holders for mark in reader.marks(row)):
        return
    trace = reader.whole(row)
    for mark in trace.marks():
        if (found := holders.get(mark)) is not None and not found.is_shared:
            found.take(trace, mark)
