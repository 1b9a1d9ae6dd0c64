"""Why what a person asks for is due: an officer names the ground, per category, with how they came to see it (GDPR Art. 17(1)).

"The person asked" is no ground where the law lists its grounds. Where it lists none (Cal. Civ. Code § 1798.105(a)), none is named.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from dsr_engine.domain.case import Case, CaseKind, Stage, Wait
from dsr_engine.domain.entitled import EVERYTHING, REASONINGS, Entitled, absolute, without_ground
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.plan import Plan
from dsr_engine.domain.regime import Regime
from dsr_engine.spec.categories import categories
from dsr_engine.spec.nearest import did_you_mean
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf

ASSESSED = "assessed"
_BEFORE_APPROVAL = frozenset({Stage.INTAKE, Stage.VERIFY_IDENTITY, Stage.RESOLVE_IDENTITIES, Stage.DISCOVER, Stage.PLAN, Stage.APPROVE})


def check_grounds(regimes: Sequence[Regime], grounds: Mapping[str, str], reason: str = ASSESSED) -> None:
    """Raises `InputWrong` for a ground that no regime of the case knows, and for a category or a reasoning that there is not."""
    if reason not in REASONINGS:
        raise InputWrong(f"no such reasoning: {reason}", code="ground.reason", hint=f"one of {', '.join(REASONINGS)}")
    listing = {entry.name: entry for regime in regimes for entry in regime.entitlements}
    for category, name in grounds.items():
        if category not in categories() or not (category == EVERYTHING or category.startswith(f"{EVERYTHING}.")):
            raise InputWrong(
                f"no such category: {category}{did_you_mean(category, categories())}",
                code="ground.category",
                hint="`user` stands for all that is personal; `dsr catalog categories` lists them",
            )
        if not listing:
            names = ", ".join(regime.name for regime in regimes) or "no regime"
            raise InputWrong(f"{names}: this law asks for no ground", code="ground.not_asked", hint="leave --ground out")
        if name not in listing:
            known = "; ".join(f"{entry.name} ({entry.cite})" for entry in listing.values())
            raise InputWrong(f"no such ground: {name}{did_you_mean(name, listing)}", code="ground.name", hint=f"known are {known}")


def keep_grounds(tx: Transaction, house: House, case: Case, grounds: Mapping[str, str], reason: str, by: str) -> None:
    """Writes the grounds with their leaves; each takes the place of what was named for the category before under the same law.

    `by` is a person's random id.
    """
    regimes = house.regimes_of(case) if grounds else ()
    for category, name in sorted(grounds.items()):
        for earlier in tx.case_grounds.of(case.id):
            if earlier.category == category and any(law.entitlement_named(name) and law.entitlement_named(earlier.entitlement) for law in regimes):
                tx.case_grounds.drop(case.id, category, earlier.entitlement)
        tx.case_grounds.put(case.id, Entitled(category, name, reason, by, house.clock.now()))
        key = f"{case.id}:{secrets.token_hex(8)}"  # who names a ground anew names it twice
        tx.ledger.append(leaf(house.clock, "case.ground", key, case=case.id, category=category, ground=name, reason=reason, by=by))


def name_grounds(house: House, case_id: str, grounds: Mapping[str, str], by: str, reason: str = ASSESSED, take_back: Iterable[str] = ()) -> None:
    """Names grounds of an open case, or takes back those of some categories. Raises `Conflict` once somebody approved the plan that rests on them."""
    with house.store.transaction() as tx:
        case = tx.cases.locked(case_id)
        _refuse_late(tx, case)
        check_grounds(house.regimes_of(case), grounds, reason)
        person = tx.people.id_of(by)
        for category in take_back:
            tx.case_grounds.drop(case_id, category)
            key = f"{case_id}:{secrets.token_hex(8)}"
            tx.ledger.append(leaf(house.clock, "case.ground_taken_back", key, case=case_id, category=category, by=person))
        keep_grounds(tx, house, case, grounds, reason, person)
        if case.wait is not None and case.wait.code == "ground.missing":
            tx.cases.save(replace(case, wait=None))


def name_further(house: House, case_id: str, grounds: Mapping[str, str], by: str, reason: str = ASSESSED) -> None:
    """Names those of the grounds that the case does not have yet: a command that is repeated says them again."""
    with house.store.snapshot() as tx:
        known = {(entry.category, entry.entitlement) for entry in tx.case_grounds.of(case_id)}
    further = {category: name for category, name in grounds.items() if (category, name) not in known}
    if further:
        name_grounds(house, case_id, further, by, reason)


def _refuse_late(tx: Transaction, case: Case) -> None:
    if case.kind is not CaseKind.REQUEST:
        raise Conflict(f"a case of kind {case.kind.value.replace('_', ' ')} rests on no ground of a person", code="ground.kind")
    plan = tx.plans.of(case.id, case.round) if case.stage is Stage.APPROVE else None
    digest = plan.digest() if plan is not None else ""
    if case.stage not in _BEFORE_APPROVAL or any(entry.plan_digest == digest for entry in tx.approvals.of(case.id) if digest):
        raise Conflict(
            "the plan was approved on the grounds that were named",
            code="ground.approved",
            hint="withdraw the case and open a new one if they were wrong",
        )


def missing_grounds(tx: Transaction, house: House, case: Case, plan: Plan) -> Wait | None:
    """Why the plan may not be approved yet: some of its data have no ground to be erased on. None where all have one, or none is needed."""
    if case.kind is not CaseKind.REQUEST or plan.affected == 0:
        return None
    named = tx.case_grounds.of(case.id)
    open_ = without_ground(house.regimes_of(case), named, _categories(plan))
    if not open_:
        return None
    regime = open_[0][0]
    lacking = sorted({category for name, category in open_ if name == regime})
    which = "all of it" if lacking == [EVERYTHING] or not named else ", ".join(lacking)
    return Wait(
        "ground.missing",
        f"nobody has named the ground on which the data have to go ({regime}: {which}); that the person asked is none",
        f"`dsr case ground {case.id} --ground NAME` for all, or --ground CATEGORY=NAME; known are {_known(house, case, regime)}",
        house.clock.now(),
    )


def _categories(plan: Plan) -> tuple[str, ...]:
    """What is to be erased, by category; data that nobody put into a category counts as personal as such."""
    found = {category for item in plan.items if item.effect is not None for category in item.categories or (EVERYTHING,)}
    personal = {category if category.partition(".")[0] == EVERYTHING else EVERYTHING for category in found}
    return (EVERYTHING,) if EVERYTHING in personal else tuple(sorted(personal))


def _known(house: House, case: Case, name: str) -> str:
    regime = next(entry for entry in house.regimes_of(case) if entry.name == name)
    return ", ".join(entry.name for entry in regime.entitlements)


def is_immediate(tx: Transaction, house: House, case: Case) -> bool:
    """True where a ground lets nothing wait: an objection to direct marketing (Art. 21(3) GDPR)."""
    return absolute(house.regimes_of(case), tx.case_grounds.of(case.id)) is not None


def stated_grounds(tx: Transaction, house: House, case: Case) -> tuple[dict[str, str], ...]:
    """The grounds as a certificate and the case page tell them; one row for each law that knows the ground."""
    return tuple(
        {
            "category": entry.category,
            "ground": entry.entitlement,
            "law": known.cite,
            "reason": entry.reason,
            "by": entry.by,
            "at": entry.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        for entry in tx.case_grounds.of(case.id)
        for regime in house.regimes_of(case)
        if (known := regime.entitlement_named(entry.entitlement)) is not None
    )
