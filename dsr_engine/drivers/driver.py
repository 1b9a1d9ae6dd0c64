"""The one protocol that every driver speaks, and the words that go through it.

Rules that the conformance suite (`tests/drivers/conformance.py`) holds every driver to:

* Nothing found is an empty iterator; not looked is an exception (`Unreachable`, `NotAllowed`, `NotSupported`, `ManifestWrong`) or,
  for a part of a collection, a `Gap`. "Did not look" and "found nothing" never look alike.
* Drivers bring candidates and never decide: `content.match` says what is a finding, so "found" means one thing everywhere.
* `observe` and `change` read the system itself, no cache. `change` touches only what still equals `expect`, and may be repeated.
* No driver retries, limits its rate or writes a log: `drivers/wrapped.py` does that around any of them.
"""

import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from dsr_engine.content.gate import Gate
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.domain.anonymize import FieldFacts
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.plan import Dependent, Effect
from dsr_engine.domain.policy import Start
from dsr_engine.domain.record import Gap, Locator, Record
from dsr_engine.domain.selector import Selector


@dataclass(frozen=True, slots=True)
class Traits:
    """What a driver, or the server behind it, can do; probed, not assumed.

    `exhaustive_search`: every record can be read, so absence can be shown. `conditional_change`: the system itself refuses a change if the record
    moved on since it was observed. `keeps_versions`: old versions stay readable. `deletes_later`: a deletion is only accepted.
    `set_based`: one statement serves many records. `in_key_order`: records by age come page by page in the order of their keys.
    `has_successors`: a changed record is a new one, put in before the old one goes; which of several equal ones stands for which old one
    a driver knows only of those that it changed or was asked about (`observe`).
    """

    exhaustive_search: bool = True
    conditional_change: bool = True
    keeps_versions: bool = False
    deletes_later: bool = False
    set_based: bool = False
    in_key_order: bool = False
    has_successors: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """What `check` found: a missing permission, a wrong manifest, a risk. `is_fatal` False: the system can be used, with a warning.

    `is_note`: nothing is wrong, and whoever checks wants to know it.
    """

    code: str
    message: str
    hint: str = ""
    is_fatal: bool = True
    is_note: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A reference from one collection's fields to another's. `on_delete`: cascade, set_null, restrict or none (declared in a manifest only).

    `can_wait`: the server can be told to check it at the end of the transaction only (DEFERRABLE).
    """

    fields: tuple[str, ...]
    to_collection: str
    to_fields: tuple[str, ...]
    on_delete: str = "none"
    can_wait: bool = False


@dataclass(frozen=True, slots=True)
class CollectionFacts:
    """What the live system says about one collection.

    `rank` orders deletions: lower ranks first (children before parents). `is_searchable` False comes with the `reason`.
    `count` and `size` (bytes) are estimates, None if unknown. `made_from` are the collections that a materialized view is computed from.
    """

    name: str
    key: tuple[str, ...] = ()
    fields: tuple[FieldFacts, ...] = ()
    links: tuple[Link, ...] = ()
    rank: int = 0
    count: int | None = None
    is_searchable: bool = True
    reason: str = ""
    size: int | None = None
    made_from: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Marking:
    """Digests of records, 16 bytes each, under a key that is of one case, its selectors and everything else that decides how a record is searched.

    `known` are those of records in which the last verification of the case, which read everything, found no sign of the person and left no gap.
    """

    key: bytes
    known: frozenset[bytes] = frozenset()

    def of(self, told: bytes) -> bytes:
        """The digest of what tells a record from all others, and from itself once it changed."""
        return hmac.digest(self.key, told, "sha256")[:16]


@dataclass(frozen=True, slots=True)
class AboutSubjects:
    """Everything that may hold one of these people. `subjects` maps a case's id to its selectors; one pass serves all of them.

    `gate` is run on raw buffers: what it refuses holds none of the selectors. `facts` maps a collection to the fields whose values
    policies need; `other.field` is the date of a linked collection and comes back as `other.field:latest` and `other.field:earliest`.

    `known` is for a re-scan: what all of these markings know, one for each case, need not be read again. Empty, as it always is when absence is
    verified: everything is read. `noting` asks for the marks of what holds none of these people (`Looked.clean`). A driver may pass over both.

    `before` are collections that an earlier search of the same case read, for `slices` only: where it is not the system itself that lists what there
    is, a collection that is not listed any more gets a slice of its own, whose search says so. It must not go out of a search in silence.
    """

    subjects: Mapping[str, tuple[Selector, ...]]
    gate: Gate
    facts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    known: tuple[Marking, ...] = ()
    noting: Marking | None = None
    before: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class OlderThan:
    """Records of one collection whose start, picked among `start.fields`, lies on or before `cutoff`. A record without any start is not among them.

    `while_not`: records in which a field has one of these values are left out. `unknown`: instead, records whose start is unknown.
    `where_any`: the age counts only in records where one of these fields holds something; empty: in all. `also`: ages of the same collection that
    must be over as well, each where it counts; a record in which none counts is not among them. An age without `start.fields` is over at once.

    `after`, `upto` and `most` cut a page out of the collection in the order of its keys: up to `most` records after one key, up to and with another.
    They are only for drivers whose traits say `in_key_order`, and mean something in the query itself, not in `also`.

    `sorting`: a rule asks for the sort of a mail, so the headers of what is old enough are read.
    """

    collection: str
    start: Start
    cutoff: date
    while_not: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unknown: bool = False
    where_any: tuple[str, ...] = ()
    also: tuple["OlderThan", ...] = ()
    after: tuple[str, ...] = ()
    upto: tuple[str, ...] | None = None
    most: int | None = None
    sorting: bool = False

    @property
    def ages(self) -> tuple["OlderThan", ...]:
        """This age and those that must be over as well."""
        return (self, *self.also)


@dataclass(frozen=True, slots=True)
class Everything:
    """Every record of every collection (a whole system ends)."""


Query = AboutSubjects | OlderThan | Everything


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of one collection that is searched in one go. `part` means something to its driver only and holds no personal data.

    `is_late`: it begins when all other slices of the system have ended, because what moves about meanwhile comes to lie in it.
    `kin` is what names it among the slices of another search, whose parts may end elsewhere; empty: its `part` does. Marks are kept under it.
    """

    system: str
    collection: str
    part: tuple[str, ...] = ()
    is_late: bool = False
    kin: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Looked:
    """How far one slice was searched, as its last word: `count` records were read. `find` yields it exactly once, at the end.

    `is_cut`: it was a page of a collection, and more records follow the last one. `clean` are the marks that the query asked for, of records that
    were read to their end. What the query knew counts as read.
    """

    collection: str
    count: int
    extent: Extent = Extent.FULL
    reason: str = ""
    is_cut: bool = False
    clean: frozenset[bytes] = field(default=frozenset(), repr=False)


@dataclass(frozen=True, slots=True)
class Counted:
    """How many records a collection has, and how many of them each query would bring, in the order of the queries."""

    total: int
    found: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Watched:
    """A record to observe, and the fields that its state covers beside key and owning fields. Empty: all of it.

    `becomes` tells of a state whether it is what the plan makes of the record (None: the plan changes nothing in it, or removes it). Where a changed
    record has another place and nothing else ties the two, that is how it is known again.
    """

    locator: Locator
    fields: tuple[str, ...] = ()
    becomes: Callable[[bytes], bool] | None = None


@dataclass(frozen=True, slots=True)
class Absent:
    """The system says that there is no such record."""

    server: str


@dataclass(frozen=True, slots=True)
class Present:
    """The record is there. `state` is a digest of what is watched, in the system's canonical form: equal states mean equal data."""

    server: str
    state: bytes
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """The record is there under another locator (a Maildir rename, a message appended again, a new object version)."""

    server: str
    to: Locator
    state: bytes


Observation = Absent | Present | Moved


@dataclass(frozen=True, slots=True)
class Change:
    """One record and what shall become of it, if its state is still `expect`. `server` is the one that the plan was made against.

    `dependents` are those that the plan knows; one more, counted under the parent's lock, means Drifted.
    """

    locator: Locator
    effect: Effect
    fields: tuple[str, ...]
    expect: bytes
    server: str
    dependents: tuple[Dependent, ...] = ()


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a change would do, found out without doing it.

    `state` is the record's now, `becomes` its state afterwards (None: absent). `effect` is the effect with the counters that make
    unique values unique. `dependents` are records outside the given changes that point here. `refusal` says why the change cannot be made
    (a NOT NULL column, a server that cannot rewrite). `staying` counts those of the dependents that are themselves rewritten by the given changes
    and go on pointing here. Records with the same `together` point at each other and have to go in one call of `change`; empty: it goes alone.
    `warnings` are what whoever approves should know (a trigger that copies rows); `hint` of each is what it looks like today.
    """

    state: bytes | None
    becomes: bytes | None
    effect: Effect
    server: str
    dependents: tuple[Dependent, ...] = ()
    refusal: Problem | None = None
    staying: int = 0
    together: str = ""
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    state: bytes | None


@dataclass(frozen=True, slots=True)
class Drifted:
    """The record was not what was expected and was left untouched. `code` says in what way (`changed`, `absent`, `dependents`, `server`)."""

    code: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The system took the order and will act by itself, at the latest on `until` if it says so."""

    until: date | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The system refused this record. `code` is stable; the reason holds no personal data."""

    code: str
    reason: str


Outcome = Done | Drifted | Accepted | Failed


class Driver(Protocol):
    """One connection to one system. Instances are not shared between threads: each worker makes its own."""

    @property
    def traits(self) -> Traits:
        """What is known so far; a driver that has to ask its server knows it after `check` or the first change."""

    def check(self) -> Sequence[Problem]:
        """Tries the connection and every permission that finding and changing need; changes nothing that stays."""

    def describe(self) -> Sequence[CollectionFacts]:
        """The live catalogue: collections, their fields, keys and links."""

    def slices(self, query: Query) -> Iterator[Slice]:
        """How the search splits; together the slices are everything in scope, also collections that turn out to be unreadable."""

    def find(self, query: Query, part: Slice) -> Iterator[Record | Gap | Looked]:
        """The candidates in one slice, never too few, and one `Looked` at the end."""

    def count(self, collection: str, queries: Sequence[OlderThan]) -> Counted:
        """How many records of the collection there are and how many are due by each query, as of now; pages do not matter."""

    def observe(self, watched: Sequence[Watched]) -> Sequence[Observation]:
        """What is there now, in the order of `watched`."""

    def foresee(self, changes: Sequence[Change], rewriter: Rewriter) -> Sequence[Foreseen]:
        """What the changes, taken together, would do; in their order. Writes nothing. `expect` of the changes is ignored.

        All changes of a plan that concern this system come in one call, so that a dependent which is itself to go is not counted.
        """

    def change(self, changes: Sequence[Change], rewriter: Rewriter) -> Sequence[Outcome]:
        """Makes the changes whose records still equal `expect`, in one transaction where the system has them; in their order.

        Raises `Unreachable` when it is unknown what happened: the caller observes before it tries again.
        """

    def close(self) -> None:
        """Gives connections back; may be called twice."""
