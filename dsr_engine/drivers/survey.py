"""What the drafting of a manifest asks a system beyond its catalogue: samples, containment, sharing. For `dsr map` and `dsr find`, never for a case.

Values that come through here live in memory only; a draft holds guesses and reasons, never a value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from dsr_engine.domain.anonymize import FieldFacts
from dsr_engine.domain.record import Locator
from dsr_engine.drivers.driver import CollectionFacts, Link


@dataclass(frozen=True, slots=True)
class Traces:
    """Signs of one kind of personal data in one place of files of one format: `row:*/notes`, `part:*/line:*`, `$.customers[*].email`.

    `found` places in `holding` of the `texts` that were looked at, in so many `files`; `confidence` is their mean (0 to 1), `clear` of them are sure
    enough to be believed. `field` is the field of that place, empty where it has none. It holds no value.
    """

    format: str
    place: str
    kind: str
    category: str
    texts: int
    holding: int
    found: int
    clear: int
    confidence: float
    files: int
    field: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Sample:
    """Up to as many distinct values as were asked for of each field, as text.

    `rows` were looked at (`is_whole`: there are no others); `nulls` of them had no value in a field, and the others had `distinct` different ones.
    `fields` are those that only looking inside could tell; `traces` what was seen inside texts; `extent` says in words how much was looked at, `gaps`
    what could not be.
    """

    collection: str
    values: Mapping[str, tuple[str, ...]]
    rows: int
    nulls: Mapping[str, int] = field(default_factory=dict)
    distinct: Mapping[str, int] = field(default_factory=dict)
    is_whole: bool = False
    fields: tuple[FieldFacts, ...] = ()
    traces: tuple[Traces, ...] = ()
    extent: str = ""
    gaps: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Sample({self.collection} •••)"


@dataclass(frozen=True, slots=True)
class Containment:
    """How many of `sampled` distinct values of a link's fields exist at its target, which holds `spread` distinct values (counted up to a bound)."""

    sampled: int
    contained: int
    spread: int


@dataclass(frozen=True, slots=True)
class Sharing:
    """How many records point at one target through a link: `most` at one, `shared` of the `targets` that were looked at have more than one."""

    targets: int
    shared: int
    most: int


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Records beside the person's and not theirs by that alone. `is_dependent`: they point at theirs; else theirs point at them."""

    collection: str
    via: Link
    is_dependent: bool
    count: int


@dataclass(frozen=True, slots=True)
class Copying:
    """A change of `collection` writes into `into` by itself (a trigger): an audit trail, or a table that is kept up to date."""

    collection: str
    into: str


class Surveyor(Protocol):
    """One connection to one system, for questions about its shape. Reads only, a bounded number of rows each."""

    def describe(self) -> Sequence[CollectionFacts]:
        """The live catalogue, as `Driver.describe`."""

    def sample(self, collection: str, most: int) -> Sample:
        """Distinct values of every readable field among a bounded number of rows."""

    def containment(self, collection: str, link: Link, most: int) -> Containment:
        """How far the values of `link.fields` in `collection` exist at the link's target."""

    def sharing(self, collection: str, link: Link, most: int) -> Sharing:
        """How many records of `collection` share a target of the link."""

    def copies(self) -> Sequence[Copying]:
        """Which collections the system itself writes into when others change, as far as can be told."""

    def neighbours(self, locators: Sequence[Locator]) -> Sequence[Neighbour]:
        """Which records of other collections are dependents or parents of these, counted."""

    def close(self) -> None:
        """Gives connections back; may be called twice."""
