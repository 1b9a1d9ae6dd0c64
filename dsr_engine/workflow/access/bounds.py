"""Which requests end in a copy, how sure one must be who asked before it is handed out, and that nothing is ever erased for one."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.errors import Conflict
from dsr_engine.domain.regime import Assurance, Regime
from dsr_engine.domain.request import Right
from dsr_engine.domain.verification import Need, need_of
from dsr_engine.store.copies import CopyState
from dsr_engine.store.transaction import Transaction

#: The rights whose answer is a copy of the data.
COPYING = frozenset({Right.ACCESS, Right.PORTABILITY})
#: How long a released copy may be fetched. Who comes later asks the officer, who looks whether it still is that person.
LASTS = timedelta(days=30)
#: Until where a case about another right than erasure can ever come.
_LOOKING = frozenset({Stage.INTAKE, Stage.VERIFY_IDENTITY, Stage.RESOLVE_IDENTITIES, Stage.DISCOVER, Stage.CLOSED})


def is_of_copy(case: Case) -> bool:
    """True for a case whose copy the engine makes; one that people answer by hand has no systems."""
    return case.right in COPYING and bool(case.systems)


def ends_at(state: CopyState) -> datetime | None:
    """When the release of this copy ends, or ended; None where it was not released."""
    return state.released_at + LASTS if state.released_at is not None else None


def is_out(state: CopyState, now: datetime) -> bool:
    """True while the release of this copy counts."""
    ends = ends_at(state)
    return ends is not None and now < ends


def is_released(tx: Transaction, case: Case, now: datetime) -> bool:
    """True for a case about a copy while its copy is released. Cheap enough to be asked again and again while one is made."""
    if case.stage is not Stage.DISCOVER or not is_of_copy(case):
        return False
    state = tx.copies.of(case.id)
    return state is not None and state.round == case.round and is_out(state, now)


def refuse_effects(case: Case) -> None:
    """Raises `Conflict` where a case about another right than erasure stands at a stage that leads to an effect."""
    if case.right is not Right.ERASURE and case.stage not in _LOOKING:
        raise Conflict(
            f"the request is for {case.right.value.replace('_', ' ')}: nothing is erased for it",
            code="right.no_erasure",
            hint="report this, with what was done to the case before; nothing was changed",
        )


def copy_need(regimes: Iterable[Regime], categories: Iterable[str]) -> Need:
    """How sure one must be that the requester is the person before they get a copy.

    Whoever gets somebody else's data has them for good. So the high level is asked for wherever a law sets one and lets it be asked for without a
    doubt (11 CCR § 7060(c), § 7062(c): specific pieces of information); elsewhere where sensitive data were found.
    """
    laws = tuple(regimes)
    need = need_of(laws, categories)
    strict = [law.verification for law in laws if Assurance.HIGH in law.verification.points and not law.verification.only_on_doubt]
    if need.level is Assurance.HIGH or not strict:
        return need
    points = max(law.points[Assurance.HIGH] for law in strict)
    return replace(need, level=Assurance.HIGH, points=points, is_declared=any(Assurance.HIGH in law.declared for law in strict))
