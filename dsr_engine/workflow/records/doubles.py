"""Points out a request that is here already: the same person, asking for the same right, in a case that is still open (R37)."""

from collections.abc import Iterable

from dsr_engine.domain.case import Case
from dsr_engine.domain.commitment import canonical
from dsr_engine.domain.request import Right
from dsr_engine.domain.selector import WEAK_KINDS
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import Claim

_Known = frozenset[tuple[str, str]]


def open_doubles(house: House, claims: Iterable[Claim], right: Right) -> tuple[Case, ...]:
    """The open requests for this right that share an identifier that one person has alone, or all of those that many share; oldest first."""
    asked = frozenset((claim.kind, canonical(claim.kind, claim.value.reveal())) for claim in claims)
    with house.store.snapshot() as tx:
        return tuple(
            case
            for case in tx.cases.list(open_only=True)
            if case.kind.is_of_a_person
            and case.right is right
            and _are_one(
                asked,
                frozenset((entry.kind, canonical(entry.kind, entry.value.reveal())) for entry in tx.selectors.of(case.id) if entry.scope is None),
            )
        )


def _are_one(one: _Known, other: _Known) -> bool:
    shared = one & other
    return bool(shared) and (one == other or any(kind not in WEAK_KINDS for kind, _ in shared))
