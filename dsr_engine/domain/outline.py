"""A plan without its records: what a page needs of it, however many records it has. Which records they are stays sealed in the items."""

from dataclasses import dataclass

from dsr_engine.domain.plan import Dependent, Effect, Notice, Obstacle, Plan, PlanItem, Reason, affected
from dsr_engine.domain.policy import Treatment


@dataclass(frozen=True, slots=True)
class ItemOutline:
    """An item with the number of its `records`. Items of the same effect, reasons and so on share these objects."""

    id: str
    system: str
    collection: str
    treatment: Treatment
    effect: Effect | None
    reasons: tuple[Reason, ...]
    fields: tuple[str, ...]
    dependents: tuple[Dependent, ...]
    records: int


@dataclass(frozen=True, slots=True)
class PlanOutline:
    """A plan as it was stored. `stored_digest` is the plan's; whoever approves or executes reads the whole plan, which proves it."""

    id: str
    case: str
    round: int
    policy_digest: str
    stored_digest: str
    items: tuple[ItemOutline, ...]
    obstacles: tuple[Obstacle, ...] = ()
    notices: tuple[Notice, ...] = ()

    @property
    def affected(self) -> int:
        """How many records would change or go, dependents that a cascade takes included."""
        return affected((item.effect, item.records, item.dependents) for item in self.items)

    def digest(self) -> str:
        """SHA-256 (hex) over everything that an approver approves."""
        return self.stored_digest


def outline_of(item: PlanItem) -> ItemOutline:
    """The item without its records."""
    return ItemOutline(
        item.id, item.system, item.collection, item.treatment, item.effect, item.reasons, item.fields, item.dependents, len(item.records)
    )


def outlined(plan: Plan, digest: str) -> PlanOutline:
    """The whole plan without its records."""
    items = tuple(outline_of(item) for item in plan.items)
    return PlanOutline(plan.id, plan.case, plan.round, plan.policy_digest, digest, items, plan.obstacles, plan.notices)
