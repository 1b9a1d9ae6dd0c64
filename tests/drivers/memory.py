"""A driver over a dictionary, for tests of other rooms: it passes the same conformance suite as the real ones."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from dsr_engine.content.rewriter import Rewriter
from dsr_engine.domain.anonymize import FieldFacts
from dsr_engine.domain.errors import Unreachable
from dsr_engine.domain.plan import Delete, Edit, Effect, RedactSpans, Rewrite, SetValue
from dsr_engine.domain.record import Gap, Locator, Record, Unit
from dsr_engine.domain.system import System
from dsr_engine.drivers.counting import counted
from dsr_engine.drivers.driver import (
    AboutSubjects,
    Absent,
    Change,
    CollectionFacts,
    Counted,
    Done,
    Drifted,
    Failed,
    Foreseen,
    Looked,
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

Row = dict[str, str]


@dataclass(slots=True)
class Memory:
    """What one system holds: collection → key → fields. `is_down` makes every look fail as an unreachable system does."""

    collections: dict[str, dict[str, Row]] = field(default_factory=dict)
    server: str = "memory:1"
    is_down: bool = False


class MemoryDriver:
    """One connection to a `Memory`."""

    traits = Traits()

    def __init__(self, system: System, memory: Memory) -> None:
        self._system = system
        self._memory = memory

    def _reach(self) -> None:
        if self._memory.is_down:
            raise Unreachable("the system does not answer", code="memory.down")

    def _row(self, locator: Locator) -> Row | None:
        return self._memory.collections.get(locator.collection, {}).get(locator.key[0])

    def check(self) -> Sequence[Problem]:
        self._reach()
        return ()

    def describe(self) -> Sequence[CollectionFacts]:
        self._reach()
        return tuple(CollectionFacts(name, key=("id",), count=len(rows)) for name, rows in self._memory.collections.items())

    def slices(self, query: Query) -> Iterator[Slice]:
        self._reach()
        for name in self._memory.collections:
            if not isinstance(query, OlderThan) or query.collection == name:
                yield Slice(self._system.name, name)

    def find(self, query: Query, part: Slice) -> Iterator[Record | Gap | Looked]:
        self._reach()
        rows = self._memory.collections[part.collection]
        for key, row in list(rows.items()):
            if _is_asked_for(query, row):
                yield self._record(query, Locator(self._system.name, part.collection, (key,)), row)
        yield Looked(part.collection, len(rows))

    def _record(self, query: Query, locator: Locator, row: Row) -> Record:
        known = self._system.manifest.collection_named(locator.collection)
        fields = {name: known.field_named(name) if known else None for name in row}
        units = tuple(Unit(name, text, field=fields[name], is_value=True) for name, text in row.items())
        wanted = query.facts.get(locator.collection, ()) if isinstance(query, AboutSubjects) else tuple(row)
        return Record(
            locator,
            units,
            self._memory.server,
            created=datetime(2026, 1, 1, tzinfo=UTC),
            facts={name: row.get(name) for name in wanted},
            identifying={name: row[name] for name, entry in fields.items() if entry and entry.identifies},
        )

    def count(self, collection: str, queries: Sequence[OlderThan]) -> Counted:
        return counted(self, collection, queries)

    def observe(self, watched: Sequence[Watched]) -> Sequence[Observation]:
        self._reach()
        return tuple(self._observed(one) for one in watched)

    def _observed(self, one: Watched) -> Observation:
        row = self._row(one.locator)
        return Absent(self._memory.server) if row is None else Present(self._memory.server, _state(row, one.fields))

    def foresee(self, changes: Sequence[Change], rewriter: Rewriter) -> Sequence[Foreseen]:
        self._reach()
        return tuple(self._foreseen(change, rewriter) for change in changes)

    def _foreseen(self, change: Change, rewriter: Rewriter) -> Foreseen:
        row = self._row(change.locator)
        if row is None:
            return Foreseen(None, None, change.effect, self._memory.server)
        after = _after(row, change.effect, rewriter)
        becomes = None if after is None else _state(after, change.fields)
        return Foreseen(_state(row, change.fields), becomes, change.effect, self._memory.server)

    def change(self, changes: Sequence[Change], rewriter: Rewriter) -> Sequence[Outcome]:
        self._reach()
        return tuple(self._changed(change, rewriter) for change in changes)

    def _changed(self, change: Change, rewriter: Rewriter) -> Outcome:
        row = self._row(change.locator)
        if change.server != self._memory.server:
            return Drifted("server")
        if row is None:
            return Drifted("absent")
        if _state(row, change.fields) != change.expect:
            return Drifted("changed")
        after = _after(row, change.effect, rewriter)
        if after is None:
            del self._memory.collections[change.locator.collection][change.locator.key[0]]
            return Done(None)
        if not set(after) <= set(row):
            return Failed("memory.field", "there is no such field")
        row.update(after)
        return Done(_state(row, change.fields))

    def close(self) -> None:
        """There is nothing to give back."""


def _is_asked_for(query: Query, row: Row) -> bool:
    if isinstance(query, AboutSubjects):
        return any(query.gate.passes_text(text) for text in row.values())
    if isinstance(query, OlderThan):
        return _is_due(query, row)
    return True


def _is_due(query: OlderThan, row: Row) -> bool:
    if any(row.get(name) in values for name, values in query.while_not.items()):
        return False
    dates = sorted(row[name] for name in query.start.fields if row.get(name))
    if query.unknown or not dates:
        return query.unknown and not dates
    return dates[-1 if query.start.pick == "latest" else 0] <= query.cutoff.isoformat()


def _state(row: Mapping[str, str], fields: Sequence[str]) -> bytes:
    return hashlib.sha256(repr(sorted((name, text) for name, text in row.items() if not fields or name in fields)).encode()).digest()


def _after(row: Row, effect: Effect, rewriter: Rewriter) -> Row | None:
    if isinstance(effect, Delete):
        return None
    assert isinstance(effect, Rewrite)
    return {**row, **{edit.place: _edited(row.get(edit.place, ""), edit, rewriter) for edit in effect.edits}}


def _edited(text: str, edit: Edit, rewriter: Rewriter) -> str:
    if isinstance(edit.how, RedactSpans):
        return rewriter.redacted(text)
    assert isinstance(edit.how, SetValue)
    return str(rewriter.replaced(edit.how, text, FieldFacts(edit.place)))
