"""Whether it is known who asked: how a requester can be verified, what a case's laws want of it, and whether what was done is enough.

What was shown as proof is no part of this: of data points that matched only the kinds are known, of a signed paper a keyed digest and its day
(GDPR Art. 12(6), 11 CCR § 7060 to § 7063).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from dsr_engine.domain.policy import category_covers
from dsr_engine.domain.regime import Assurance, Regime

VOUCHED = "vouched_by_operator"
ACCOUNT = "reauthenticated_account"
CODE = "code_to_known_address"
POINTS = "data_points_matched"
NAMED = "code_to_named_address"
DECLARATION = "signed_declaration"
PERMISSION = "agent_with_permission"
CONFIRMED = "person_confirmed_agent"
ATTORNEY = "agent_with_power_of_attorney"
GUARDIAN = "guardian"
#: What a case is said to be verified by where matching points and a declaration were needed together, or an agent and the person's own word.
POINTS_DECLARED = "data_points_and_declaration"
AGENT_CONFIRMED = "agent_confirmed_by_person"

#: What can be done to verify a requester, in words.
METHODS: Mapping[str, str] = {
    VOUCHED: "identity not verified by the engine: the operator vouched for it",
    ACCOUNT: "the person logged in again",
    CODE: "a code was sent to an address that was already on file",
    NAMED: "a code was sent to an address that the requester named; by itself that shows nothing of who they are",
    POINTS: "data points that were already on file matched",
    DECLARATION: "the person signed a declaration",
    PERMISSION: "an agent showed a signed permission",
    CONFIRMED: "the person confirmed the agent",
    ATTORNEY: "an agent showed a power of attorney",
    GUARDIAN: "a parent or guardian of the child acted for it",
}
#: Methods that rest on a signed paper.
ON_PAPER = frozenset({DECLARATION, PERMISSION, ATTORNEY, GUARDIAN})
#: How many points must match where the law names no number.
_USUAL = {Assurance.REASONABLE: 2, Assurance.HIGH: 3}


@dataclass(frozen=True, slots=True)
class Verified:
    """One thing that was done to verify the requester. `kinds` are the kinds of data that matched. `by` is a person's random id."""

    method: str
    by: str
    at: datetime
    kinds: tuple[str, ...] = ()
    signed_on: date | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """What the laws of a case want together: of each demand the strictest. `account`, `permission`, `attorney`: whether that method counts."""

    level: Assurance
    points: int
    is_declared: bool
    account: bool = True
    permission: bool = True
    attorney: bool = True
    confirm: bool = True


def need_of(regimes: Iterable[Regime], categories: Iterable[str]) -> Need:
    """What must be done before data of these categories are erased: HIGH as soon as one law calls one of them sensitive."""
    laws = tuple(regime.verification for regime in regimes)
    categories = tuple(categories)
    level = Assurance.HIGH if any(is_sensitive(law.sensitive, categories) for law in laws) else Assurance.REASONABLE
    return Need(
        level,
        max((law.points.get(level, _USUAL[level]) for law in laws), default=_USUAL[level]),
        any(level in law.declared for law in laws),
        account=all(law.reauthenticate for law in laws),
        permission=all(law.permission for law in laws),
        attorney=all(law.attorney for law in laws),
        confirm=all(law.confirm for law in laws),
    )


def is_sensitive(sensitive: Iterable[str], categories: Iterable[str]) -> bool:
    """True if one of the categories is a sensitive one or lies below one."""
    categories = tuple(categories)
    return any(category_covers(one, category) for one in sensitive for category in categories)


def identity_of(need: Need, done: Iterable[Verified]) -> str:
    """The word that says how the requester was verified, once that is enough; empty until then."""
    done = tuple(done)
    methods = {entry.method for entry in done}
    alone = ((VOUCHED, True), (ACCOUNT, need.account), (ATTORNEY, need.attorney), (GUARDIAN, True))
    for method, counts in alone:
        if method in methods and counts:
            return method
    if PERMISSION in methods and CONFIRMED in methods and need.permission:
        return AGENT_CONFIRMED
    if most_kinds(done) >= need.points and (DECLARATION in methods or not need.is_declared):
        return POINTS_DECLARED if need.is_declared else POINTS
    if need.level is Assurance.REASONABLE:
        return next((method for method, counts in ((CODE, True), (PERMISSION, need.permission)) if method in methods and counts), "")
    return ""


def most_kinds(done: Iterable[Verified]) -> int:
    """How many kinds of data matched at once. Two looks are not added up: they may have been about two people."""
    return max((len(set(entry.kinds)) for entry in done if entry.method == POINTS), default=0)


def lacking(need: Need, done: Iterable[Verified]) -> str:
    """What is still needed, in one sentence that names every way."""
    done = tuple(done)
    methods = {entry.method for entry in done}
    matched = most_kinds(done)
    told = f"{need.points} matching kinds of data" + (f" ({matched} matched so far)" if matched else "")
    if need.is_declared:
        told += " and a signed declaration" + (" (there is one)" if DECLARATION in methods else "")
    ways = [told]
    if need.level is Assurance.REASONABLE:
        ways.append("a code to an address that is on file")
    if need.account:
        ways.append("a new login to the person's account")
    if need.permission:
        ways.append("an agent's signed permission" + (" that the person confirms" if need.level is Assurance.HIGH else ""))
    if need.attorney:
        ways.append("a power of attorney")
    return ", or ".join(ways)
