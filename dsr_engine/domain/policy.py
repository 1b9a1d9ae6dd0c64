"""Rules: which data, how long it is kept and why, and what happens then (`policies/README.md` is the reference)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dsr_engine.domain.anonymize import Method
from dsr_engine.domain.correspondence import ANY, Sort, Whose, is_role
from dsr_engine.domain.finding import Match
from dsr_engine.domain.period import Period
from dsr_engine.domain.source import NOWHERE, Source


class Treatment(StrEnum):
    """What happens to data. Only DELETE, ANONYMIZE (with an assessment) and REDACT can count as erased. ASK: a person decides, record by record."""

    DELETE = "delete"
    ANONYMIZE = "anonymize"
    REDACT = "redact"
    RESTRICT = "restrict"
    RETAIN = "retain"
    VOID = "void"
    ARCHIVE = "archive"
    ASK = "ask"


#: Treatments that leave the data where it is: a certificate lists them as kept.
KEEPING = frozenset({Treatment.RESTRICT, Treatment.RETAIN, Treatment.VOID, Treatment.ARCHIVE})


@dataclass(frozen=True, slots=True)
class When:
    """Which data a rule is about. Every part that is given must hold; at least one is given.

    `collection` is `system.collection` and may hold `*`. `category` matches on dot boundaries: `user` covers `user.name`, never `username`;
    `mail.sender` and its like mean where in a mail the person stands. `message` are sorts of mail, `mailbox` whose mailbox it lies in.
    """

    system: str | None = None
    collection: str | None = None
    category: str | None = None
    match: Match | None = None
    field: str | None = None
    message: tuple[Sort, ...] = ()
    mailbox: Whose | None = None

    @property
    def role(self) -> str | None:
        """The place in a mail that the rule names instead of a category."""
        return self.category if self.category is not None and is_role(self.category) else None

    @property
    def is_of_mail(self) -> bool:
        """True if it can only ever hold for mail."""
        return bool(self.message) or self.is_of_somebody

    @property
    def is_of_somebody(self) -> bool:
        """True if nobody can tell whether it holds for a mail in which nobody in particular was looked for."""
        return self.mailbox is not None or self.role is not None


#: What stands between the values of a field that has several at once (the flags of a mail).
SEVERAL = "\x1f"


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
    `superseded` says what becomes of an old object version that cannot be rewritten in place: `ask` or `delete`; `unwritable` says it of a file in a
    folder or bucket out of which the person cannot be cut: an archive of another program, a picture of unknown kind, a key that names them.
    """

    approval: str = "one_person"
    max_affected: int = 500
    cool_off: Period | None = None
    first_batch: int = 10
    max_drift: float = 0.05
    superseded: str = "ask"
    unwritable: str = "ask"


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
    """One field of one found record, as rules see it. `role`, `message` and `mailbox` are those of a mail, else empty."""

    system: str
    collection: str
    field: str
    category: str
    match: Match
    role: str = ""
    message: str = ""
    mailbox: str = ""


#: See `specificity`.
Specificity = tuple[int, bool, bool, int, bool, bool, int, int, bool]


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
        and when.field in (None, datum.field)
        and (not when.message or datum.message in when.message)
        and (when.mailbox is None or datum.mailbox in (when.mailbox, ANY))
        and _is_of_kind(when, datum)
    )


def _is_of_kind(when: When, datum: Datum) -> bool:
    if when.role is not None:
        return datum.role == ANY or category_covers(when.role, datum.role)
    return when.category is None or category_covers(when.category, datum.category)


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
    """How specific a rule is; the greater tuple wins.

    In this order: sorts of mail (the fewer, the more specific), field, exact collection, wildcard prefix, system, mailbox, depth of the role in a
    mail, category depth, match. So a role is more specific than a category however deep, and nothing else overrules what is said of a sort of mail.
    """
    is_exact = when.collection is not None and "*" not in when.collection
    prefix = len(when.collection.split("*")[0]) if when.collection and not is_exact else 0
    depth = when.category.count(".") + 1 if when.category else 0
    sorts = len(Sort) + 1 - len(when.message) if when.message else 0
    role = depth if when.role is not None else 0
    place = (when.field is not None, is_exact, prefix, when.system is not None, when.mailbox is not None)
    return (sorts, *place, role, depth - role, when.match is not None)


def governing(policy: Policy, datum: Datum) -> tuple[Rule, ...]:
    """The rules that cover the datum, most specific first. Empty: nobody decided about it, and approval is blocked."""
    rules = [rule for rule in policy.rules if covers(rule, datum)]
    return tuple(sorted(rules, key=lambda rule: specificity(rule.when), reverse=True))
