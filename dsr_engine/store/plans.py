"""Plans and their items: one row per item, up to 1,000 records sealed in it, so that a plan of 10,000 records is eleven rows."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, exists, insert, select, update

from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.outline import PlanOutline, outlined
from dsr_engine.domain.plan import ItemState, Plan, PlanItem
from dsr_engine.store.case_key import CaseKey
from dsr_engine.store.plan_text import read, read_outline, read_remarks, written, written_remarks
from dsr_engine.store.tables import plan_items, plans


class Plans:
    def __init__(self, connection: Connection, key_of: Callable[[str], CaseKey]) -> None:
        self._connection = connection
        self._key_of = key_of

    def add(self, plan: Plan) -> None:
        """Adds the plan; one of the same round that nobody began is replaced. Raises `Conflict` if that one was begun."""
        self._remove_earlier(plan)
        key = self._key_of(plan.case)
        sealed = key.seal(written_remarks(plan.obstacles, plan.notices, plan.items), purpose="plan", row=plan.id)
        row = {
            "id": plan.id,
            "case_id": plan.case,
            "round": plan.round,
            "policy_digest": plan.policy_digest,
            "digest": plan.digest(),
            "sealed": sealed,
        }
        self._connection.execute(insert(plans), row)
        if plan.items:
            items = [_written(plan.id, position, item, key) for position, item in enumerate(plan.items)]
            self._connection.execute(insert(plan_items), items)

    def of(self, case: str, round: int) -> Plan | None:
        """The plan of this round with all its items."""
        return self._one(select(plans).where(plans.c.case_id == case, plans.c.round == round))

    def latest(self, case: str) -> Plan | None:
        """The plan of the last round that has one."""
        return self._one(_of_last_round(select(plans), case))

    def outline(self, case: str) -> PlanOutline | None:
        """The plan of the last round that has one, without its records: as fast for a million of them as for ten."""
        row = self._connection.execute(_of_last_round(select(plans), case)).one_or_none()
        if row is None:
            return None
        plain = self._key_of(row.case_id).unseal(row.sealed, purpose="plan", row=row.id)
        items = read_outline(plain)
        if items is None:
            plan = self.latest(case)
            return outlined(plan, row.digest) if plan is not None else None
        return PlanOutline(row.id, row.case_id, row.round, row.policy_digest, row.digest, items, *read_remarks(plain))

    def item(self, case: str, item_id: str) -> PlanItem | None:
        """One item of the plan of the last round that has one; None where that plan has no such item."""
        last = _of_last_round(select(plans.c.id), case).scalar_subquery()
        row = self._connection.execute(select(plan_items).where(plan_items.c.id == item_id, plan_items.c.plan_id == last)).one_or_none()
        return _read(row, self._key_of(case)) if row is not None else None

    def states(self, plan_id: str) -> Mapping[str, ItemState]:
        """Item id → state, in the plan's order; works without the key."""
        wanted = select(plan_items.c.id, plan_items.c.state).where(plan_items.c.plan_id == plan_id).order_by(plan_items.c.position)
        return {row.id: ItemState(row.state) for row in self._connection.execute(wanted)}

    def set_state(self, item_id: str, state: ItemState) -> None:
        if self._connection.execute(update(plan_items).where(plan_items.c.id == item_id).values(state=state)).rowcount != 1:
            raise InputWrong(f"there is no plan item {item_id}", code="plan.unknown_item", hint="the plan may have been replaced; read it again")

    def intended(self, system: str | None = None) -> tuple[tuple[str, PlanItem], ...]:
        """Case and item of every effect that may be under way, in any case. A hold that was just placed waits until there is none."""
        wanted = select(plan_items, plans.c.case_id).join(plans, plans.c.id == plan_items.c.plan_id).where(plan_items.c.state == ItemState.INTENDED)
        if system is not None:
            wanted = wanted.where(plan_items.c.system == system)
        rows = self._connection.execute(wanted.order_by(plans.c.case_id, plan_items.c.position)).all()
        keys = {case: self._key_of(case) for case in sorted({row.case_id for row in rows})}
        return tuple((row.case_id, _read(row, keys[row.case_id])) for row in rows)

    def _one(self, wanted: Select[Any]) -> Plan | None:
        row = self._connection.execute(wanted).one_or_none()
        if row is None:
            return None
        key = self._key_of(row.case_id)
        obstacles, notices = read_remarks(key.unseal(row.sealed, purpose="plan", row=row.id))
        rows = self._connection.execute(select(plan_items).where(plan_items.c.plan_id == row.id).order_by(plan_items.c.position))
        plan = Plan(row.id, row.case_id, row.round, row.policy_digest, tuple(_read(item, key) for item in rows), obstacles, notices)
        if plan.digest() != row.digest:
            raise Conflict(
                f"the plan of case {plan.case}, round {plan.round}, is not what was stored: items are missing or were added",
                code="plan.altered",
                hint="restore the store from a backup and find out who writes to it",
            )
        return plan

    def _remove_earlier(self, plan: Plan) -> None:
        earlier = self._connection.scalar(select(plans.c.id).where(plans.c.case_id == plan.case, plans.c.round == plan.round))
        if earlier is None:
            return
        begun = (plan_items.c.plan_id == earlier, plan_items.c.state.in_((ItemState.INTENDED, ItemState.DONE)))
        if self._connection.scalar(select(exists().where(*begun))):
            raise Conflict(
                f"the plan of round {plan.round} of case {plan.case} was begun already", code="plan.begun", hint="what is left needs a new round"
            )
        self._connection.execute(delete(plans).where(plans.c.id == earlier))


def _of_last_round(wanted: Select[Any], case: str) -> Select[Any]:
    return wanted.where(plans.c.case_id == case).order_by(plans.c.round.desc()).limit(1)


def _written(plan_id: str, position: int, item: PlanItem, key: CaseKey) -> dict[str, object]:
    return {
        "id": item.id,
        "plan_id": plan_id,
        "position": position,
        "system": item.system,
        "collection": item.collection,
        "treatment": item.treatment,
        "state": ItemState.PLANNED,
        "sealed": key.seal(written(item), purpose="plan-item", row=item.id),
    }


def _read(row: Row[Any], key: CaseKey) -> PlanItem:
    plain = key.unseal(row.sealed, purpose="plan-item", row=row.id)
    return read(plain, item_id=row.id, system=row.system, collection=row.collection, treatment=row.treatment)
