"""California's Delete Request and Opt-out Platform (Civ. Code § 1798.99.86): its lists, its work items, and what is answered to each."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum, StrEnum

from dsr_engine.domain.selector import Secret


class DropList(StrEnum):
    """A consumer deletion list, named as the platform names it. NDZ: name, date of birth and ZIP; CTVID: a television that is on the network."""

    NDZ = "NDZ"
    EMAIL = "Email"
    PHONE = "Phone"
    MAID = "MAID"
    NAME_VIN = "NameVIN"
    CTVID = "CTVID"


class DropStatus(IntEnum):
    """What is answered to a work item; 0 and 1 are unused (DROP, Technical specifications, Reference)."""

    EXEMPTED = 2
    DELETED = 3
    OPTED_OUT = 4
    NOT_FOUND = 5


@dataclass(frozen=True, slots=True, repr=False)
class Listed:
    """One row of a list as it was downloaded. `hash` is the platform's own, unsalted, and so personal data: it is never stored or shown."""

    id: str
    list: DropList
    hash: str

    def __repr__(self) -> str:
        return f"Listed({self.list.value} •••)"


@dataclass(frozen=True, slots=True)
class Batch:
    """One download. `name` is the archive's; `rules` the version of the hash rules under which it was last compared, empty before.

    `complete_at`: when every item of it had been answered.
    """

    id: str
    name: str
    received_at: datetime
    by_hand: bool
    items: int
    removed: int
    rules: str = ""
    matched_at: datetime | None = None
    complete_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One consumer's identifier on one list. `id` is the platform's and permanent.

    `case` is the case that a match of it opened, `status` what holds now (None: open), `reported` what the platform was told last.
    `looked_at`: when all systems were last compared with it. `is_removed`: the consumer cancelled.
    """

    id: str
    list: DropList
    batch: str
    case: str = ""
    status: DropStatus | None = None
    reported: DropStatus | None = None
    looked_at: datetime | None = None
    is_removed: bool = False


class Access(StrEnum):
    """How an attempt to fetch lists ended. NOTICED is none: the agency was told in writing that fetching fails."""

    RECEIVED = "received"
    NOTHING_NEW = "nothing_new"
    PREPARING = "preparing"
    UNFINISHED = "unfinished"
    FAILED = "failed"
    NOTICED = "noticed"

    @property
    def counts(self) -> bool:
        """True if the platform was accessed in the sense of § 1798.99.86(c): what was there to be had was had."""
        return self in (Access.RECEIVED, Access.NOTHING_NEW)


@dataclass(frozen=True, slots=True)
class Cadence:
    """When the platform has to be accessed again. `by` is the last day; `warn` and `alarm` are the days from which people are told."""

    last: date | None
    warn: date
    alarm: date
    by: date

    def is_warning(self, today: date) -> bool:
        return today >= self.warn

    def is_alarm(self, today: date) -> bool:
        return today >= self.alarm


#: Days before the last one on which the alarm begins, and the warning: 40 and 30 of 45.
_ALARM, _WARN = 5, 15
#: From this day on brokers have to access the platform (Civ. Code § 1798.99.86(c)).
FIRST_DAY = date(2026, 8, 1)


def cadence(last: date | None, every_days: int, first: date) -> Cadence:
    """The next days that matter after an access; before the first one it counts from `first`, the first day of the duty or of this installation."""
    begin = last or first
    by = begin + timedelta(days=every_days)
    return Cadence(last, by - timedelta(days=min(_WARN, every_days)), by - timedelta(days=min(_ALARM, every_days)), by)


@dataclass(frozen=True, slots=True, repr=False)
class DropSettings:
    """How the platform is reached, and how its requests are worked on.

    `broker` is the number under which the platform knows the controller (empty: not compared with archives). `policy` and `regime` are those of the
    cases. `since` is the first day of the duty here. `ca` is a PEM file with the platform's authority, for rehearsals (empty: those of the machine).
    """

    key: Secret | None = None
    url: str = "https://api.drop.privacy.ca.gov"
    broker: str = ""
    every_days: int = 45
    policy: str = ""
    regime: str = "ca-delete-act"
    since: date = FIRST_DAY
    ca: str = ""
