"""A record that holds the subject, and how much was looked at. Never a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from dsr_engine.domain.record import Locator

#: The form of a hit by a key that was learnt on the way: equal in a field that means it, never a text.
KEY = "key"


class Match(StrEnum):
    OWNS = "owns"
    MENTIONS = "mentions"


class Confidence(StrEnum):
    """How sure the engine is. Only CERTAIN and LIKELY may be treated without a human."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"

    @property
    def rank(self) -> int:
        return ("possible", "likely", "certain").index(self.value)


class Extent(StrEnum):
    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Hit:
    """One place in a record where a selector was found, and in which written form (`plain`, `base64`, `phone`, …).

    `role` is where in a mail the place is (`domain.correspondence`); empty outside of mail.
    """

    place: str
    category: str
    selector: str
    kind: str
    form: str
    confidence: Confidence
    field: str = ""
    is_rewritable: bool = True
    role: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A record, or a part of a file that is a record of its own, that holds the subject of one case.

    `fields` are all fields of the record with a category (name → category), also those without a hit: an owned row's birth date belongs
    to the person too. `facts` are the dates and states that policies asked for. `created` is when the system says that the record came to be.
    `people` are keyed digests of whose it is, for legal holds; only where nobody in particular was looked for.
    `message` is the sort of a mail as seen from the person, `mailbox` whether it lies in their own; both empty outside of mail and where unknown.
    """

    case: str
    locator: Locator
    match: Match
    confidence: Confidence
    hits: tuple[Hit, ...]
    server: str
    fields: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str | None] = field(default_factory=dict)
    created: datetime | None = None
    people: tuple[str, ...] = ()
    message: str = ""
    mailbox: str = ""

    @property
    def roles(self) -> tuple[str, ...]:
        """Where in a mail the person stands."""
        return tuple(sorted({hit.role for hit in self.hits if hit.role}))

    @property
    def categories(self) -> tuple[str, ...]:
        return tuple(sorted({hit.category for hit in self.hits} | set(self.fields.values())))


class Sharing:
    """Lets findings of the same shape hold one object for equal hits and fields: a hundred thousand rows have few shapes."""

    def __init__(self) -> None:
        self._hits: dict[tuple[Hit, ...], tuple[Hit, ...]] = {}
        self._fields: dict[tuple[tuple[str, str], ...], Mapping[str, str]] = {}

    def __call__(self, finding: Finding) -> Finding:
        hits = self._hits.setdefault(finding.hits, finding.hits)
        fields = self._fields.setdefault(tuple(finding.fields.items()), finding.fields)
        return replace(finding, hits=hits, fields=fields, facts=finding.facts or _NO_FACTS)


_NO_FACTS: Mapping[str, str | None] = {}


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far one collection was searched for one case, and why not further. `looked` counts records (0 when unknown)."""

    system: str
    collection: str
    extent: Extent
    reason: str = ""
    code: str = ""
    is_transient: bool = False
    looked: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class Unread:
    """A record that was not read, or not wholly: an example of the reasons in a coverage row, so that somebody can go and look.

    `key` is the system's own (see `Locator.key`) and may be personal: it is stored sealed, and shown masked.
    """

    system: str
    collection: str
    code: str
    reason: str
    key: tuple[str, ...]
