"""A law as data (`policies/regimes/`): what a case under it may rely on, when its answer is due, who must be told, and what is kept of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from dsr_engine.domain.deadline import Clocks, Limit
from dsr_engine.domain.letter import LetterKind
from dsr_engine.domain.source import NOWHERE, Source


@dataclass(frozen=True, slots=True)
class Ground:
    """An exemption that lets data stay although its person asked. `needs_law` says that a rule must cite a statute.

    `never` are patterns (RE2) of citations that do not count under this ground: a tax rule of another country is no obligation under
    Art. 17(3)(b) GDPR.
    """

    name: str
    cite: str
    about: str = ""
    needs_law: bool = True
    never: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entitlement:
    """Why data have to go (GDPR Art. 17(1)(a) to (f), or the regime's own): "the person asked" is one only where the law says so.

    `absolute`: nothing is weighed against it and nothing lets it wait (an objection to direct marketing, Art. 21(3) GDPR).
    """

    name: str
    cite: str
    about: str = ""
    absolute: bool = False


class Assurance(StrEnum):
    """How sure one must be that the requester is the person (11 CCR § 7062)."""

    REASONABLE = "reasonable"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Verification:
    """How a requester is verified. `points` are the data points that must match at each level; `declared` the levels that need a signed declaration.

    `sensitive` are the categories whose wrongful deletion would hurt most: a case that holds them needs HIGH. `reauthenticate`: who has an account
    logs in again. `permission`: an agent shows the person's signed permission; `confirm`: the person may be asked to confirm an agent;
    `attorney`: a power of attorney stands instead of both. `only_on_doubt`: more is asked for on reasonable doubts only (Art. 12(6) GDPR).
    `guardian_below`: for children under this age a parent or guardian acts, from it on the child itself (11 CCR § 7070, 7071); None: no age is set.
    `unverified` are the rights for which nobody may be asked to verify themselves (11 CCR § 7060(b)).
    """

    points: Mapping[Assurance, int] = field(default_factory=dict)
    declared: frozenset[Assurance] = frozenset()
    sensitive: tuple[str, ...] = ()
    reauthenticate: bool = True
    permission: bool = True
    confirm: bool = True
    attorney: bool = True
    only_on_doubt: bool = False
    guardian_below: int | None = None
    unverified: frozenset[str] = frozenset()
    cite: str = ""


class Duty(StrEnum):
    """Whether a kind of recipient must be told. UNLESS_DISPROPORTIONATE needs reasons in detail when it is not done."""

    REQUIRED = "required"
    UNLESS_DISPROPORTIONATE = "unless_disproportionate"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Notify:
    """Who must be told of an erasure. `public`: other controllers, where the data were made public (Art. 17(2)).

    `names`: the person may ask who was told, by name (Art. 19).
    """

    processors: Duty = Duty.REQUIRED
    recipients: Duty = Duty.UNLESS_DISPROPORTIONATE
    public: Duty = Duty.NONE
    names: bool = False
    cite: str = ""


@dataclass(frozen=True, slots=True)
class Appeal:
    """How a refusal is appealed against to the controller itself. `window` is how long after the refusal; None: a reasonable time."""

    answer: Limit
    window: Limit | None = None
    extended: Limit | None = None
    authority: str = ""
    cite: str = ""


class PauseWhy(StrEnum):
    IDENTITY = "identity"
    CLARIFICATION = "clarification"
    FEE = "fee"


class PauseEffect(StrEnum):
    """STARTS: the clock starts when the pause ends (UK relevant time). ADDS: its days do not count. SHOWN: a second date is shown, alarms stay."""

    STARTS = "starts"
    ADDS = "adds"
    SHOWN = "shown"


@dataclass(frozen=True, slots=True)
class Pause:
    """What stops the clock. `rights` are the rights to which it applies; empty: all. A regime that names no pause knows none."""

    why: PauseWhy
    effect: PauseEffect
    rights: tuple[str, ...] = ()
    cite: str = ""


@dataclass(frozen=True, slots=True)
class StayErased:
    """Whether a person who was erased is kept from being taken in again, and on which basis.

    `by_default`: a minimal record for that is made for every erased person, for `months`; else only for what a restored backup could bring back.
    `every_days`: the erasure is done anew at least that often (Delete Act: 45).
    """

    by_default: bool = False
    months: int = 0
    every_days: int | None = None
    cite: str = ""


@dataclass(frozen=True, slots=True)
class Backups:
    """`may_wait`: until the backup is restored or next used. `most_days`: at the latest then (RCW 19.373.040: six months); None: no number."""

    may_wait: bool = False
    most_days: int | None = None
    cite: str = ""


@dataclass(frozen=True, slots=True)
class Metrics:
    """Figures that must be published: on which day of the year (`07-01`), from how many people on."""

    publish_on: str = ""
    from_people: int = 0
    cite: str = ""


@dataclass(frozen=True, slots=True)
class Regime:
    """`version`, `valid_from` and the file's digest are stored on every case that is opened under it. `clocks` None: the file sets no limit.

    `letters` names what each letter must say: element → where the law demands it. `entitlements` empty: that the person asked is enough.
    `scope` is what the law reaches: `all`, `obtained_about`, `from_the_person`. A request's record is kept for `log_keep_months`, counted from its
    closing, or from the end of that year (`log_to_year_end`). `to_check` is what nobody has held against the text of the law yet,
    `own_measures` are numbers that the controller chose because the law names none (`clock.erase`).
    """

    name: str
    title: str
    version: str
    valid_from: date
    checked_on: date
    sources: tuple[str, ...]
    grounds: tuple[Ground, ...]
    log_keep_months: int
    letters: Mapping[LetterKind, Mapping[str, str]] = field(default_factory=dict)
    clocks: Clocks | None = None
    entitlements: tuple[Entitlement, ...] = ()
    pauses: tuple[Pause, ...] = ()
    verification: Verification = Verification()
    notify: Notify = Notify()
    appeal: Appeal | None = None
    stay_erased: StayErased = StayErased()
    backups: Backups = Backups()
    metrics: Metrics | None = None
    scope: str = "all"
    valid_to: date | None = None
    log_to_year_end: bool = False
    to_check: tuple[str, ...] = ()
    own_measures: frozenset[str] = frozenset()
    source: Source = NOWHERE

    def ground_named(self, name: str) -> Ground | None:
        return next((ground for ground in self.grounds if ground.name == name), None)

    def entitlement_named(self, name: str) -> Entitlement | None:
        return next((entry for entry in self.entitlements if entry.name == name), None)
