"""Looks for people of whom nothing is known but keyed digests: values pass by, each is asked about, and only theirs stay.

A digest equals nothing but the same normalised value. So it finds an identifier that fills a field (a column, a cell, an address in a header), and
neither a name nor a mention in a text; whoever is found is then searched for in full, by the value that the system itself holds.
"""

import secrets
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dsr_engine.content.canonical import addresses_of, canonical, key_text
from dsr_engine.content.digest_gate import DigestGate, OpenGate
from dsr_engine.content.gate import Gate
from dsr_engine.domain.errors import DsrError, Unreachable
from dsr_engine.domain.record import Gap, Locator, Record, Unit
from dsr_engine.domain.selector import Scope, Secret, Selector
from dsr_engine.domain.suppression import KEY_OF, Basis, Suppressed
from dsr_engine.domain.system import FieldMap, System
from dsr_engine.drivers.driver import AboutSubjects, Driver, Slice
from dsr_engine.store.suppression import SuppressionKey
from dsr_engine.workflow.discover import reader_of
from dsr_engine.workflow.errands import is_errand
from dsr_engine.workflow.house import House
from dsr_engine.workflow.masking import Mask
from dsr_engine.workflow.pacing import wait_of
from dsr_engine.workflow.staying_erased.lookback import LOOKED_BACK
from dsr_engine.workflow.staying_erased.suppressing import kind_of_key

EMAIL = "email"


class Roll:
    """Digests held in memory, so that many values can be compared. It answers about a value and can list nothing."""

    def __init__(self, keys: SuppressionKey, entries: Iterable[Suppressed]) -> None:
        self._keys = keys
        self._known: dict[tuple[str, bytes], list[Suppressed]] = {}
        for entry in entries:
            self._known.setdefault((entry.kind, entry.digest), []).append(entry)
        self._names = tuple({entry.key for found in self._known.values() for entry in found})
        self.kinds = frozenset(kind for kind, _ in self._known)
        self.cases = frozenset(entry.case for found in self._known.values() for entry in found)

    def of(self, kind: str, text: str) -> Sequence[Suppressed]:
        """The entries of a canonical text; empty for one that nobody asked about."""
        if not text or kind not in self.kinds:
            return ()
        return [entry for name in self._names for entry in self._known.get((kind, self._keys.digest(kind, text, name)), ())]

    def has_address(self, address: str) -> bool:
        """True for an address, however it is written, that is on the roll."""
        return bool(self.of(EMAIL, canonical(EMAIL, address)))


@dataclass(slots=True)
class Sightings:
    """Who was seen: for each case the identifiers as the systems hold them. `gaps` says of (system, collection) why it was not looked at in full;
    the collection `*` is the whole system. `until`: a silent system is asked again then.

    Those of `by_key_only` were seen by a number only that systems knew them by: it may have been given to somebody else meanwhile.
    """

    selectors: dict[str, dict[tuple[str, Scope | None, str], Selector]] = field(default_factory=dict)
    gaps: dict[tuple[str, str], str] = field(default_factory=dict)
    until: datetime | None = None

    @property
    def by_key_only(self) -> frozenset[str]:
        return frozenset(case for case, found in self.selectors.items() if all(selector.scope is not None for selector in found.values()))

    def unseen(self, mask: Mask, accepted: Container[tuple[str, str]] = ()) -> Iterator[str]:
        """The gaps that nobody accepted before, in words; a folder may be called after anybody who is looked for."""
        for (system, collection), reason in self.gaps.items():
            if (system, collection) not in accepted and (system, "*") not in accepted:
                yield f"{mask.place(system, '' if collection == '*' else collection)}: {mask.text(reason)}"

    def add(self, case: str, kind: str, value: str, scope: Scope | None = None) -> None:
        selector = Selector(secrets.token_hex(6), kind, Secret(value), verified=scope is None, scope=scope)
        self.selectors.setdefault(case, {}).setdefault((kind, scope, value), selector)


def search_by_digest(house: House, roll: Roll, systems: Iterable[str]) -> Sightings:
    """Everybody on the roll who is seen in these systems. One pass for each system, in memory that does not grow with it."""
    seen = Sightings()
    for name in systems if roll.kinds else ():
        system = house.systems.get(name)
        if system is None or system.is_disabled or is_errand(system):
            seen.gaps[name, "*"] = "it cannot be searched"
            continue
        try:
            _search_system(house, system, roll, seen)
        except Unreachable as error:
            wait = wait_of(error, house, [system])
            seen.until = max(filter(None, (seen.until, wait.wake_at or house.clock.now())))
            seen.gaps[name, "*"] = error.message
        except DsrError as error:
            seen.gaps[name, "*"] = error.message
    return seen


def _search_system(house: House, system: System, roll: Roll, seen: Sightings) -> None:
    # A selector of nobody: without any, a database would have nothing that it has to stream for.
    nobody = {"": (Selector("", "nobody", Secret(secrets.token_hex(32)), verified=False),)}
    narrow, wide = (AboutSubjects(nobody, gate) for gate in _gates(roll))
    driver = reader_of(system, LOOKED_BACK, house)
    what = f"{system.name}: looking for who was erased"
    try:
        parts = list(driver.slices(narrow))
        house.progress.begin(what, len(parts))
        for part in parts:
            try:
                _search_slice(driver, wide if _is_wide(system, part.collection, roll) else narrow, part, system, roll, seen)
            except Unreachable:
                raise
            except DsrError as error:
                seen.gaps[system.name, part.collection] = error.message
            house.progress.advance(what)
    finally:
        house.progress.end(what)
        driver.close()


def _gates(roll: Roll) -> tuple[Gate, Gate]:
    return DigestGate(roll.has_address), OpenGate()


def _is_wide(system: System, collection: str, roll: Roll) -> bool:
    """True where fields hold identifiers without a shape of their own, of kinds that are on the roll: there every record is asked about."""
    known = system.manifest.collection_named(collection)
    fields = known.fields if known is not None else ()
    wanted = roll.kinds - {EMAIL}
    return any(entry.selects in wanted or wanted & _key_kinds(entry.name, entry, system.name, collection).keys() for entry in fields)


def _search_slice(driver: Driver, query: AboutSubjects, part: Slice, system: System, roll: Roll, seen: Sightings) -> None:
    for event in driver.find(query, part):
        if isinstance(event, Record):
            for gap in event.gaps:
                seen.gaps.setdefault((system.name, part.collection), gap.reason)
            for unit in event.units:
                _ask(unit, event.locator, system, roll, seen)
        elif isinstance(event, Gap):
            seen.gaps.setdefault((system.name, part.collection), event.reason)


def _ask(unit: Unit, place: Locator, system: System, roll: Roll, seen: Sightings) -> None:
    if not unit.is_value or unit.is_opaque or (unit.field is not None and unit.field.is_actor):
        return
    kind = EMAIL if unit.field is None or unit.field.selects is None else unit.field.selects
    for text in addresses_of(unit.text) if kind == EMAIL else (unit.text,):
        for entry in roll.of(kind, canonical(kind, text)):
            seen.add(entry.case, kind, text.strip())
    if unit.field is None:
        return
    for name, scope in _key_kinds(unit.field.name, unit.field, system.name, place.collection).items():
        for entry in roll.of(name, key_text(unit.text)):
            seen.add(entry.case, unit.field.selects or unit.field.name, unit.text.strip(), scope)


def _key_kinds(name: str, entry: FieldMap, system: str, collection: str) -> Mapping[str, Scope]:
    """The keys that a value of this field may be: of the field itself, of the one that it refers to, of those that it is the same as."""
    scopes = [Scope(system, collection, name)]
    if entry.references is not None:
        scopes.append(Scope(system, *entry.references))
    for same in entry.same_as:
        parts = same.split(".")
        scopes.append(Scope(*parts) if len(parts) == 3 else Scope(system, *parts[:2]))
    return {kind_of_key(scope): scope for scope in scopes}


def forgotten(entries: Iterable[Suppressed], living: frozenset[str]) -> Iterator[Suppressed]:
    """The entries of people whose case cannot be read any more: of the others the identifiers are known. Who opted out was never erased."""
    return (entry for entry in entries if entry.case not in living and entry.basis is not Basis.OPT_OUT)


def is_key(kind: str) -> bool:
    return kind.startswith(KEY_OF)
