"""Rules: which data, how long it is kept and why, and what happens then (`policies/README.md` is the reference)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dsr_engine.domain.anonymize import Method
from dsr_engine.domain.finding import Match
from dsr_engine.domain.period import Period
from dsr_engine.domain.source import NOWHERE, Source


class Treatment(StrEnum):
    """What happens to data. Only DELETE, ANONYMIZE (with an assessment) and REDACT can count as erased."""

    DELETE = "delete"
    ANONYMIZE = "anonymize"
    REDACT = "redact"
    RESTRICT = "restrict"
    RETAIN = "retain"
    VOID = "void"
    ARCHIVE = "archive"


#: Treatments that leave the data where it is: a certificate lists them as kept.
KEEPING = frozenset({Treatment.RESTRICT, Treatment.RETAIN, Treatment.VOID, Treatment.ARCHIVE})


@dataclass(frozen=True, slots=True)
class When:
    """Which data a rule is about. Every part that is given must hold; at least one is given.

    `collection` is `system.collection` and may hold `*`. `category` matches on dot boundaries: `user` covers `user.name`, never `username`.
    """

    system: str | None = None
    collection: str | None = None
    category: str | None = None
    match: Match | None = None
    field: str | None = None


class Pick(StrEnum):
    LATEST = "latest"
    EARLIEST = "earliest"


@dataclass(frozen=True, slots=True)
class Start:
    """The dates from which a period runs: field names, or `collection.field` of a linked collection."""

    fields: tuple[str, ...]
    pick: Pick = Pick.LATEST


@dataclass(frozen=True, slots=True)
class Keep:
    """How long data stays, and on which ground.

    Either `period` + `start`, or `while_` (field → the values under which it stays). `because` is `purpose` (a person's request
    ends it) or a ground of the regime (it does not); `law` is the citation that a legal ground needs. `to_year_end` lets the period
    begin at the end of the start's calendar year (§ 147(4) AO).
    """

    period: Period | None = None
    start: Start | None = None
    while_: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    because: str = "purpose"
    law: str = ""
    to_year_end: bool = False

    @property
    def is_purpose(self) -> bool:
        return self.because == "purpose"


@dataclass(frozen=True, slots=True)
class Then:
    """A treatment, and for `anonymize` the method for each category (empty: the default of each type)."""

    treatment: Treatment
    methods: Mapping[str, Method] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    when: When
    then: Then
    keep: Keep | None = None
    source: Source = NOWHERE


@dataclass(frozen=True, slots=True)
class RequestTerms:
    """How an erasure request under this policy is approved and paced. `approval`: `automatic`, `one_person` or `two_people`.

    `max_affected` counts records; above it an automatic approval stops. `max_drift` is a share (0.05 = 5 %) of drifted records that halts a run.
    `superseded` says what becomes of an old object version that cannot be rewritten in place: `ask` or `delete`.
    """

    approval: str = "one_person"
    max_affected: int = 500
    cool_off: Period | None = None
    first_batch: int = 10
    max_drift: float = 0.05
    superseded: str = "ask"


@dataclass(frozen=True, slots=True)
class SweepTerms:
    """When the retention sweep runs (cron expression) and what stops it. `max_share` is a share of one collection.

    `max_affected` and `max_share` are held against the whole sweep. `tranche` is how many records one case of it treats at most.
    """

    schedule: str = ""
    approval: str = "one_person"
    max_affected: int = 500
    max_share: float = 0.01
    first_runs_dry: int = 3
    tranche: int = 20_000


@dataclass(frozen=True, slots=True)
class Policy:
    name: str
    rules: tuple[Rule, ...]
    about: str = ""
    owner: str = ""
    regimes: tuple[str, ...] = ()
    request: RequestTerms = RequestTerms()
    sweep: SweepTerms | None = None
    source: Source = NOWHERE


@dataclass(frozen=True, slots=True)
class Datum:
    """One field of one found record, as rules see it."""

    system: str
    collection: str
    field: str
    category: str
    match: Match


Specificity = tuple[bool, bool, int, bool, int, bool]


def category_covers(general: str, special: str) -> bool:
    """True if `general` is `special` or a dotted ancestor of it."""
    return special == general or special.startswith(general + ".")


def covers(rule: Rule, datum: Datum) -> bool:
    """True if the rule is about this datum. A rule without `match` is about data that the person owns only."""
    when = rule.when
    return (
        (when.match or Match.OWNS) is datum.match
        and when.system in (None, datum.system)
        and (when.collection is None or glob_covers(when.collection, f"{datum.system}.{datum.collection}"))
        and (when.category is None or category_covers(when.category, datum.category))
        and when.field in (None, datum.field)
    )


def concerns(rule: Rule, system: str, collection: str) -> bool:
    """True if the rule may be about some datum of this collection."""
    when = rule.when
    return when.system in (None, system) and (when.collection is None or glob_covers(when.collection, f"{system}.{collection}"))


def glob_covers(pattern: str, name: str) -> bool:
    """True if `pattern`, in which `*` stands for any run of characters, is `name`. Linear in practice: no backtracking over parts."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == name
    if not name.startswith(first):
        return False
    at = len(first)
    for part in rest[:-1]:
        found = name.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return name.endswith(rest[-1]) and len(name) - len(rest[-1]) >= at


def specificity(when: When) -> Specificity:
    """How specific a rule is; the greater tuple wins: field, exact collection, wildcard prefix, system, category depth, match."""
    is_exact = when.collection is not None and "*" not in when.collection
    prefix = len(when.collection.split("*")[0]) if when.collection and not is_exact else 0
    depth = when.category.count(".") + 1 if when.category else 0
    return (when.field is not None, is_exact, prefix, when.system is not None, depth, when.match is not None)


def governing(policy: Policy, datum: Datum) -> tuple[Rule, ...]:
    """The rules that cover the datum, most specific first. Empty: nobody decided about it, and approval is blocked."""
    rules = [rule for rule in policy.rules if covers(rule, datum)]
    return tuple(sorted(rules, key=lambda rule: specificity(rule.when), reverse=True))
