"""What a system is and what its manifest says about it (`connectors/README.md` is the reference)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from dsr_engine.domain.period import Period
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.source import NOWHERE, Source

#: By what a mail is the person's own where the connector says nothing.
OWN_MAIL = ("sender", "sole_recipient")
#: The setting of a system that is read through a replica: the url of the server that the replica must be a copy of.
PRIMARY = "primary"

#: The setting of a system whose traffic is limited by the day: the folder in which it is counted.
COUNTED_IN = "counted_in"


class Discover(StrEnum):
    """Which collections are searched beside those that the manifest lists."""

    NONE = "none"
    REST = "rest"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class FieldMap:
    """What a manifest knows about one field.

    `selects`: the field equals a selector of this kind when the record belongs to the person. `identifies`: its value is a further
    selector of the person, scoped to this field. `is_actor`: it only names somebody who acted; such a record is not theirs.
    `references`: (collection, field) that it points at. `carries`: what it points at goes the person's way while nobody else points there.
    `neutral`: the key of a neutral record that a link which may not be empty is pointed at when the person's own target is not to be seen any more.
    """

    name: str
    category: str | None = None
    selects: str | None = None
    identifies: bool = False
    is_actor: bool = False
    references: tuple[str, str] | None = None
    carries: bool = False
    search_text: bool = False
    starts_retention: bool = False
    same_as: tuple[str, ...] = ()
    neutral: str | int | None = None
    source: Source = NOWHERE


@dataclass(frozen=True, slots=True)
class CollectionMap:
    """What a manifest knows about one collection. `name` may be a glob for buckets and folders (`exports/*.csv`).

    `fence` is what `restrict` sets ({field: value}), `move_to` the collection that it moves records to; without either, restricted data is
    *retained, not fenced*. `unfence` is what the fields of `fence` are in a record that is not restricted. `moved_from`: this is
    where the restricted records of that collection are, under the same rules.
    """

    name: str
    key: tuple[str, ...] = ()
    fields: tuple[FieldMap, ...] = ()
    fence: tuple[tuple[str, str | int | bool], ...] = ()
    source: Source = NOWHERE
    unfence: tuple[tuple[str, str | int | bool], ...] = ()
    move_to: str = ""
    moved_from: str = ""

    @property
    def origin(self) -> str:
        """The collection whose rules count here: its own name, or that of the collection from which records were moved here."""
        return self.moved_from or self.name

    def field_named(self, name: str) -> FieldMap | None:
        return next((entry for entry in self.fields if entry.name == name), None)


@dataclass(frozen=True, slots=True)
class Residual:
    """Something that an erasure cannot reach, and when it is gone by itself (None: never, or nobody knows)."""

    what: str
    gone_after: Period | None = None


@dataclass(frozen=True, slots=True)
class ManualTask:
    """What a person has to do in a system that no driver reaches."""

    instructions: str
    owner: str
    due: Period


@dataclass(frozen=True, slots=True)
class Manifest:
    """A *kind* of system: which driver speaks to it and where personal data sits in it.

    `own_domains`: mail domains of the controller, which count as one side of a correspondence. `own_mail`: by what a mail is the person's own
    (`sender`, `sole_recipient`, `mailbox`).
    """

    name: str
    driver: str
    about: str = ""
    collections: tuple[CollectionMap, ...] = ()
    discover: Discover = Discover.ALL
    residuals: tuple[Residual, ...] = ()
    task: ManualTask | None = None
    source: Source = NOWHERE
    own_domains: tuple[str, ...] = ()
    own_mail: tuple[str, ...] = OWN_MAIL

    def collection_named(self, name: str) -> CollectionMap | None:
        return next((entry for entry in self.collections if entry.name == name), None)

    def origin_of(self, name: str) -> str:
        """The collection whose rules count for records of this one."""
        known = self.collection_named(name)
        return known.origin if known else name


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of the day in which something may happen: from `start` to `end` minutes after midnight; `end` before `start` runs over midnight.

    They are hours of the clocks in `zone` (tz database), which follow that zone's summer time.
    """

    start: int
    end: int
    zone: str = "UTC"

    def is_open(self, minute: int) -> bool:
        """True if the window is open at this minute of the zone's day."""
        if self.start <= self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end

    def is_open_at(self, moment: datetime) -> bool:
        """True if the window is open at this moment, which has a time zone."""
        local = moment.astimezone(ZoneInfo(self.zone))
        return self.is_open(local.hour * 60 + local.minute)

    def opens(self, after: datetime) -> datetime:
        """The moment itself where the window is open, else when it opens next; in the time zone of `after`.

        Found by whole minutes of real time, so that an hour which a clock skips or repeats needs no rule of its own.
        """
        if self.is_open_at(after):
            return after
        moment = after.replace(second=0, microsecond=0)
        for _ in range(2 * 24 * 60):
            moment += timedelta(minutes=1)
            if self.is_open_at(moment):
                break
        return moment

    def __str__(self) -> str:
        return f"{self.start // 60:02}:{self.start % 60:02}-{self.end // 60:02}:{self.end % 60:02} {self.zone}"


@dataclass(frozen=True, slots=True)
class Pace:
    """How gently a system is searched. None: no limit.

    `bytes_per_second` is for one connection. `longest_snapshot` (seconds) bounds one transaction of a search: a longer slice is cut and goes on in a
    new one. A search pauses while a replica lags more than `replication_lag` seconds, or while another session waits for a lock that ours holds.
    """

    window: Window | None = None
    bytes_per_second: int | None = None
    longest_snapshot: float | None = None
    replication_lag: float | None = None
    yields_to_locks: bool = False


@dataclass(frozen=True, slots=True)
class System:
    """One connected place that holds data.

    `settings` are the driver's connection settings as text (`url`, `user`, `password`, `bucket`, `prefix`, `endpoint_url`, `folders`, …);
    all are secrets, because a URL may hold a password. `verify_as` overrides settings for the fresh look; empty means *self-check*.
    `level` is the claim level that erasures here must reach (C0, C1). `maintenance` is `print` (an administrator runs the commands) or `run` (the
    engine does, with `maintain_as`, inside `pace.window`; for mail with `maintenance_command`, a program and its words). `label` is what our sessions
    are called at the server (`dsr/CASE`); it names no person.
    `disabled` systems are never searched and always show as a gap. `because` is why other people's mailboxes may be searched.
    """

    name: str
    manifest: Manifest
    settings: Mapping[str, Secret] = field(default_factory=dict)
    verify_as: Mapping[str, Secret] = field(default_factory=dict)
    read_from: Secret | None = None
    owner: str = ""
    level: str = "C0"
    is_disabled: bool = False
    source: Source = NOWHERE
    pace: Pace = Pace()
    maintenance: str = "print"
    maintain_as: Mapping[str, Secret] = field(default_factory=dict)
    maintenance_command: tuple[str, ...] = ()
    label: str = ""
    because: str = ""

    def setting(self, name: str, default: str = "") -> str:
        """The plain value of a connection setting; for drivers only."""
        secret = self.settings.get(name)
        return default if secret is None else secret.reveal()
