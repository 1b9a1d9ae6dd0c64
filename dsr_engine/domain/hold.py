"""Legal holds: what they protect. A hold beats every rule (GDPR Art. 17(3)(e); FRCP 37(e))."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase

from dsr_engine.domain.policy import category_covers

#: How long somebody's word counts that the holds were reviewed.
REVIEW_LASTS = timedelta(days=90)
#: How long before its end that is told.
REVIEW_ENDS_SOON = timedelta(days=14)
#: How long a hold may wait for its second person before that is told.
CONFIRM_WITHIN = timedelta(days=3)


class HoldState(StrEnum):
    """PLACED by one person, CONFIRMED by a second; LIFTING when one person wants it lifted, LIFTED when a second agreed. All but the last protect."""

    PLACED = "placed"
    CONFIRMED = "confirmed"
    LIFTING = "lifting"
    LIFTED = "lifted"


@dataclass(frozen=True, slots=True)
class Bearing:
    """What a hold may ask of a record beside its place: from when it is, and whose.

    `first` and `last` are its earliest and latest date that is known (None: no date is known). `people` are keyed digests of the identifiers that
    it holds in fields that say whose it is; empty where that cannot be told.
    """

    first: date | None = None
    last: date | None = None
    people: tuple[str, ...] = ()


NOTHING_KNOWN = Bearing()


@dataclass(frozen=True, slots=True)
class Hold:
    """Every part that is given must match for a record to be held; a hold with none protects everything.

    `matter` names the dispute or the inquiry and never leaves the store: elsewhere the hold is its id. `people` are keyed digests of one person's
    identifiers, of which one is enough. `since` and `until` are the first and the last day of a period; a record without a known date lies in it.
    """

    id: str
    reason: str
    placed_by: str
    placed_at: datetime
    case: str | None = None
    system: str | None = None
    collection: str | None = None
    category: str | None = None
    matter: str = ""
    since: date | None = None
    until: date | None = None
    people: frozenset[str] = field(default=frozenset(), repr=False)
    is_of_person: bool = False
    confirmed_by: str | None = None
    confirmed_at: datetime | None = None
    lift_asked_by: str | None = None
    lift_asked_at: datetime | None = None
    lift_reason: str = ""
    lifted_by: str | None = None
    lifted_at: datetime | None = None

    @property
    def state(self) -> HoldState:
        if self.lifted_at is not None:
            return HoldState.LIFTED
        if self.lift_asked_at is not None:
            return HoldState.LIFTING
        return HoldState.PLACED if self.confirmed_at is None else HoldState.CONFIRMED

    @property
    def asks_of_records(self) -> bool:
        """True if records of one collection may differ in whether they are held."""
        return self.is_of_person or self.since is not None or self.until is not None

    def concerns(self, *, case: str, system: str, collection: str, categories: Collection[str] | None) -> bool:
        """True if records there, with data of these categories, may be held. `categories` None: nobody knows what is in them, so it may be this."""
        return (
            self.lifted_at is None
            and self.case in (None, case)
            and self.system in (None, system)
            and (self.collection is None or fnmatchcase(f"{system}.{collection}", self.collection))
            and (self.category is None or categories is None or any(_overlap(self.category, entry) for entry in categories))
        )

    def holds(self, bearing: Bearing, people: Collection[str] = ()) -> bool:
        """True if such a record is held, wherever it is. `people` are digests of whoever the case is about: each of its records is about them."""
        return self._is_theirs(bearing, people) and self._is_from_then(bearing)

    def _is_theirs(self, bearing: Bearing, people: Collection[str]) -> bool:
        return not self.is_of_person or not self.people.isdisjoint(people) or not self.people.isdisjoint(bearing.people)

    def _is_from_then(self, bearing: Bearing) -> bool:
        if bearing.first is None or bearing.last is None:
            return True
        return (self.since is None or bearing.last >= self.since) and (self.until is None or bearing.first <= self.until)


def _overlap(held: str, found: str) -> bool:
    """True if the category that is held is the one that was found, or lies above it or below it: a general word may mean the special one."""
    return category_covers(held, found) or category_covers(found, held)


@dataclass(frozen=True, slots=True)
class Review:
    """Somebody's word that the holds were reviewed. `looked_at` says in their words what was looked at, and stays in the store.

    `in_force` counts the holds of that moment.
    """

    id: str
    by: str
    at: datetime
    looked_at: str
    in_force: int

    @property
    def until(self) -> datetime:
        return self.at + REVIEW_LASTS

    def is_valid(self, now: datetime) -> bool:
        """False from the moment on at which it lapses."""
        return now < self.until
