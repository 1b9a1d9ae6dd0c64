"""What a person who decides about possible findings is shown: how many wait, and where, a page of them, and whether all is one person."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from dsr_engine.domain.case import Case, Stage
from dsr_engine.store.access import Group, Possible
from dsr_engine.workflow.access.bounds import is_released
from dsr_engine.workflow.discover import FOUND
from dsr_engine.workflow.house import House
from dsr_engine.workflow.masking import Mask, mask_of

#: The wait of a case in which one identifier leads to several records (`resolve_identities`).
SHARED = "identity_shared"
#: Findings on one page.
PAGE = 50

_DECIDABLE = frozenset({Stage.DISCOVER, Stage.PLAN, Stage.APPROVE})


@dataclass(frozen=True, slots=True)
class Deciding:
    """What a person decides about in a case's present round. `found` is one page of it; `after` asks for the next one (empty: there is none).

    Collections may be called after the person (their mailbox, a folder): `mask` hides them.
    """

    case: Case
    groups: tuple[Group, ...]
    found: Sequence[Possible]
    after: str = ""
    is_released: bool = False
    mask: Mask = field(default_factory=lambda: Mask(()))

    @property
    def waiting(self) -> int:
        return sum(group.waiting for group in self.groups)

    @property
    def total(self) -> int:
        return sum(group.total for group in self.groups)

    @property
    def may_decide(self) -> bool:
        """False once a plan is being carried out or a copy released, and before anything was searched."""
        return self.case.stage in _DECIDABLE and not self.is_released

    @property
    def is_shared(self) -> bool:
        return self.case.wait is not None and self.case.wait.code == SHARED


def deciding(house: House, case_id: str, *, place: int | None = None, is_decided: bool = False, after: str = "", most: int = PAGE) -> Deciding:
    """A page of what waits, or of one of its groups (`place` counts them); only the question about shared identifiers where nothing was searched."""
    with house.store.snapshot() as tx:
        case = tx.cases.get(case_id)
        if case.stage is Stage.CLOSED:
            return Deciding(case, (), ())
        groups = tx.reviews.groups(case_id, case.round, FOUND)
        is_out, mask = is_released(tx, case, house.clock.now()), mask_of(tx, case)
        where = (groups[place].system, groups[place].collection) if place is not None and place < len(groups) else None
        found = tx.reviews.page(case_id, case.round, FOUND, place=where, is_decided=is_decided, after=after, most=most + 1) if groups else ()
    return Deciding(case, groups, found[:most], found[most - 1].id if len(found) > most else "", is_out, mask)
