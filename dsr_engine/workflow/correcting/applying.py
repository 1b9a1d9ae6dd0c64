"""A plan with its corrections: which of the found records each correction means today, and what the plan says of it. Reads, never writes.

A correction names whole records: a row, a message, a file. So a file of which one row is to stay stays as it is, for a rewrite that is refused could
still end in the removal of the file. In a later round, or in the case that repeats this one, a record may lie elsewhere; a correction whose records
cannot be told from others blocks the plan until a person says what to do, instead of letting them go.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dsr_engine.domain.case import Case
from dsr_engine.domain.correction import NOT_THEIRS, NOTE, REASONS, Correction, Kind, note_of
from dsr_engine.domain.outline import PlanOutline
from dsr_engine.domain.plan import Notice, Obstacle, Plan
from dsr_engine.domain.policy import Policy
from dsr_engine.domain.record import Locator
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import Absent, Driver, Moved, Watched
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.correcting.permitting import Permits, Wanted
from dsr_engine.workflow.discover import FOUND
from dsr_engine.workflow.disposal import Part
from dsr_engine.workflow.house import House

LOST, FORGOTTEN, IMPOSSIBLE = "correction.lost", "correction.forgotten", "correction.impossible"
STALE = "plan.stale"
#: Drivers whose objects keep their name when they get a new version.
_NAMED = "objectstore"

Placed = tuple[Correction, tuple[Locator, ...]]
Records = dict[Locator, list[Part]]


@dataclass(frozen=True, slots=True)
class Known:
    """All corrections of a case, those in force with their records, and what earlier rounds of the case had found where these are.

    In the first round of a case that was corrected itself everything was there when it was corrected: `is_all_seen`.
    """

    entries: tuple[Correction, ...] = ()
    placed: tuple[Placed, ...] = ()
    seen: frozenset[Locator] = frozenset()
    is_all_seen: bool = True

    def is_new(self, place: Locator) -> bool:
        """True where nobody who corrected can have known of this record."""
        return not self.is_all_seen and place not in self.seen


def corrections_of(tx: Transaction, case: Case) -> Known:
    """What the store holds of the corrections of the case."""
    entries = tx.corrections.of(case.id)
    placed = tuple((entry, tx.corrections.places(entry)) for entry in entries if entry.is_in_force)
    systems = {entry.system for entry, _ in placed}
    rounds = range(1, case.round if systems else 1)
    seen = frozenset(
        finding.locator.whole for number in rounds for _, finding in tx.findings.of(case.id, number, FOUND) if finding.locator.system in systems
    )
    return Known(entries, placed, seen, case.round == 1 and not any(entry.carried_from for entry, _ in placed))


def stale_obstacle(tx: Transaction, case: Case, plan: Plan | PlanOutline) -> Obstacle | None:
    """What stands in the way of a plan that people corrected since it was made: it has to be made anew, whoever approved it."""
    told = next((entry for entry in plan.notices if entry.code == NOTE), None)
    return Obstacle(STALE, "people corrected the plan since it was made") if told != note_of(tx.corrections.of(case.id)) else None


def is_corrected_here(tx: Transaction, case: Case) -> bool:
    """True where people corrected this very case, or took back what it had from an earlier one."""
    return any(not entry.carried_from or not entry.is_in_force for entry in tx.corrections.of(case.id))


@dataclass(slots=True)
class Correcting:
    """The corrections of one case, as a plan is made with them."""

    known: Known
    permits: Permits
    obstacles: list[Obstacle] = field(default_factory=list)
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    @classmethod
    def of(cls, known: Known, policy: Policy, house: House) -> "Correcting":
        return cls(known, Permits(policy, house.origin_of))

    def spared(self, system: System) -> frozenset[str]:
        """The collections of which corrections keep records: no cascade takes anything there."""
        found = {entry.collection for entry, _ in self.known.placed if entry.system == system.name}
        return frozenset(found | {system.manifest.origin_of(name) for name in found})

    def applied(self, records: Records, system: System, driver: Driver) -> Records:
        """The records of one system under their corrections."""
        own = [placed for placed in self.known.placed if placed[0].system == system.name]
        if not own:
            return records
        corrected = dict(records)
        for entry, places in own:
            meant = list(self._meant(entry, places, corrected, system, driver))
            impossible = 0
            for locator in meant:
                moved = [part for old in corrected[locator] if (part := self.permits.corrected(old, Wanted.of(entry))) is not None]
                if len(moved) == len(corrected[locator]):
                    corrected[locator] = moved
                else:
                    impossible += 1
            if impossible:
                text = f"the policy does not permit `{entry.treatment.value}` for all that is in these records any more (correction {entry.id})"
                self.obstacles.append(Obstacle(IMPOSSIBLE, text, entry.system, entry.collection, impossible))
            if meant:  # none of what was said to be another person's: that is no record of this plan
                self.counts[entry.system, entry.collection, _told(entry)] += len(meant)
        return corrected

    def notices(self) -> Iterator[Notice]:
        """What whoever approves has to know of the corrections."""
        note = note_of(self.known.entries)
        if note is not None:
            yield note
        for (system, collection, what), count in sorted(self.counts.items()):
            yield Notice("plan.correction", f"{count} record(s) {what}", system, collection)

    def _meant(
        self, entry: Correction, places: Sequence[Locator], records: Mapping[Locator, object], system: System, driver: Driver
    ) -> Iterable[Locator]:
        if not places:
            text = f"{entry.count} record(s) stayed by a person's decision whose places are forgotten (correction {entry.id})"
            self.obstacles.append(Obstacle(FORGOTTEN, text, entry.system, entry.collection, entry.count))
        if system.manifest.driver == _NAMED:
            names = {place.key[0] for place in places}
            here = [locator for locator in records if locator.collection == entry.collection and locator.key[0] in names]
            found = {locator.key[0] for locator in here}
            missing = [place for place in places if place.key[0] not in found]
        else:
            here = [place for place in places if place in records]
            missing = [place for place in places if place not in records]
        return [*here, *self._followed(entry, missing, records, system, driver)]

    def _followed(
        self, entry: Correction, missing: Sequence[Locator], records: Mapping[Locator, object], system: System, driver: Driver
    ) -> Iterator[Locator]:
        """Where records are now that were not found where they were.

        What is gone under a name of its own is gone, unless the system holds something that nobody had seen: that may be the record under another
        name (a new key, another table). A message, or a row without a key, may lie anywhere.
        """
        if not missing:
            return
        has_new = any(self.known.is_new(place) for place in records)
        lost = 0
        for place, now in zip(missing, driver.observe([Watched(place) for place in missing]), strict=True):
            if isinstance(now, Moved) and now.to.whole in records:
                yield now.to.whole
            elif isinstance(now, Absent) and (has_new or not _has_own_name(place, system)):
                lost += 1
        if lost:
            text = f"{lost} record(s) that were to stay are not where they were, and may be among what was found (correction {entry.id})"
            self.obstacles.append(Obstacle(LOST, text, entry.system, entry.collection, lost))


def _has_own_name(place: Locator, system: System) -> bool:
    return system.manifest.driver == _NAMED or (system.manifest.driver == "sql" and not place.key[0].startswith("row:"))


def _told(entry: Correction) -> str:
    law = f", {entry.law}" if entry.law else f", hold {entry.hold}" if entry.hold else ""
    why = f": {entry.reason.replace('_', ' ')}{law}" if entry.reason else ", as a rule of the policy permits"
    if entry.reason in REASONS and entry.reason != NOT_THEIRS and not entry.hold:
        why += " (no exemption of a law: the answer is one in part)"
    return f"were taken out before approval{why}" if entry.kind is Kind.EXCLUDE else f"were moved to `{entry.treatment.value}` before approval{why}"
