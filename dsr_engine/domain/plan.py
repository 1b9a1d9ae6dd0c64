"""The frozen list of what will happen to which record, under which rule. What is approved is its digest."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from dsr_engine.domain.anonymize import Method
from dsr_engine.domain.hold import NOTHING_KNOWN, Bearing
from dsr_engine.domain.policy import Treatment
from dsr_engine.domain.record import Locator
from dsr_engine.domain.source import Source


@dataclass(frozen=True, slots=True)
class SetValue:
    """Replace the whole value of a field by `method`; `counter` makes it unique and is chosen when the plan is made."""

    method: Method
    category: str
    counter: int = 0


@dataclass(frozen=True, slots=True)
class RedactSpans:
    """Cut the subject's spans out of the text and leave everything else as it is, byte for byte."""


@dataclass(frozen=True, slots=True)
class DropPart:
    """Remove a sub-record of a file: a row, a line, an attachment."""


@dataclass(frozen=True, slots=True)
class Fence:
    """Set a field to the value by which the manifest marks restricted data."""

    value: str | int | bool


@dataclass(frozen=True, slots=True)
class Point:
    """Point a link at the neutral record with this key; nothing shows any more whom it pointed at."""

    to: str | int


How = SetValue | RedactSpans | DropPart | Fence | Point


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit of a record: `place` is a field, or a path into a file (for `DropPart` the sub-record's `inside`)."""

    place: str
    how: How


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove the record as a whole."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Keep the record and change only these places."""

    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Relocate(Rewrite):
    """Keep the record, with these changes, in another collection of the same system: where restricted data is kept apart."""

    to: str = ""


Effect = Delete | Rewrite


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something happens or stays: the rule, where it stands, and the citation if it is a legal ground.

    `until` is the day on which a kept datum falls due; None where it has no end that is known today.
    """

    treatment: Treatment
    rule: str
    source: Source
    because: str = ""
    law: str = ""
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Dependent:
    """Records that point at a record that is to go. `on_delete` is what the system does by itself: cascade, set_null, restrict, none."""

    collection: str
    on_delete: str
    count: int


@dataclass(frozen=True, slots=True)
class Planned:
    """One record of an item. `expect` and `becomes` are keyed fingerprints (HMAC under the case's key); `becomes` None means absent.

    `dependents` are the records that point at this one and that the plan knows of. `bearing` is what a legal hold may ask of it.
    """

    locator: Locator
    expect: bytes
    becomes: bytes | None
    finding: str = ""
    dependents: tuple[Dependent, ...] = ()
    bearing: Bearing = NOTHING_KNOWN


class ItemState(StrEnum):
    PLANNED = "planned"
    INTENDED = "intended"
    DONE = "done"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class PlanItem:
    """A batch: up to 1,000 records of one collection that get the same effect, or one object with all its edits.

    `fields` are the fields that the fingerprints cover. `after` names items that must have ended first. `effect` None: nothing is
    done, the records stay for `reasons`. `server` is the server that the plan was made against; another one is refused.
    `categories` are those of the data in the records, for legal holds. `together`: items of one system with the same name are executed in one
    transaction, because their records point at each other; empty: the item stands alone.
    """

    id: str
    system: str
    collection: str
    treatment: Treatment
    effect: Effect | None
    reasons: tuple[Reason, ...]
    records: tuple[Planned, ...]
    fields: tuple[str, ...]
    server: str
    after: tuple[str, ...] = ()
    dependents: tuple[Dependent, ...] = ()
    categories: tuple[str, ...] = ()
    together: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """What an approver should know although nothing has to be mended first: a trigger that copies rows, a missing index, a long transaction.

    `code` is stable, `message` names tables and columns only. `today` is what it looked like when the plan was made (an age, an estimate); it
    changes by itself and is therefore not part of what is approved.
    """

    code: str
    message: str
    system: str = ""
    collection: str = ""
    today: str = ""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a plan cannot be approved as it is. `code` is stable; `count` is how many records it concerns."""

    code: str
    message: str
    system: str = ""
    collection: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True)
class Plan:
    id: str
    case: str
    round: int
    policy_digest: str
    items: tuple[PlanItem, ...]
    obstacles: tuple[Obstacle, ...] = ()
    notices: tuple[Notice, ...] = ()

    @property
    def affected(self) -> int:
        """How many records would change or go, dependents that a cascade takes included."""
        return affected((item.effect, len(item.records), item.dependents) for item in self.items)

    def digest(self) -> str:
        """SHA-256 (hex) over everything that an approver approves. The same plan has the same digest, whatever its random ids are."""
        lines = sorted(_item_line(item) for item in self.items)
        told = sorted([entry.system, entry.collection, entry.code, entry.message] for entry in self.notices)
        body = json.dumps([self.case, self.round, self.policy_digest, lines, told], sort_keys=True)
        return hashlib.sha256(body.encode()).hexdigest()


def affected(items: Iterable[tuple[Effect | None, int, tuple[Dependent, ...]]]) -> int:
    """Records that change or go, of items given as (effect, number of records, dependents); what a cascade takes along counts."""
    return sum((count if effect is not None else 0) + sum(dep.count for dep in deps if dep.on_delete == "cascade") for effect, count, deps in items)


def _item_line(item: PlanItem) -> str:
    records = sorted(planned.expect.hex() + (planned.becomes.hex() if planned.becomes else "-") for planned in item.records)
    return json.dumps(
        [
            item.system,
            item.collection,
            item.treatment,
            repr(item.effect),
            [str(r) for r in item.reasons],
            records,
            item.server,
            [[d.collection, d.on_delete, d.count] for d in item.dependents],
            item.together,
        ]
    )


#: The code of a result whose record a legal hold kept, although the plan would have changed it.
HELD = "hold"


class ResultState(StrEnum):
    """What happened to one record. ACCEPTED: the system took the order and will act later."""

    DONE = "done"
    ALREADY_ABSENT = "already_absent"
    ABSENT_AFTER_INTERRUPTION = "absent_after_interruption"
    ACCEPTED = "accepted"
    DRIFTED = "drifted"
    FAILED = "failed"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Result:
    item: str
    position: int
    state: ResultState
    code: str = ""
