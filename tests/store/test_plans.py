"""A plan comes back with the digest that was approved; what was begun is never replaced."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.plan import ItemState, Plan, PlanItem, Result, ResultState
from dsr_engine.store.approvals import Approval
from dsr_engine.store.plan_text import read, written
from dsr_engine.store.store import Store
from tests.store.samples import NOON, item, plan


@given(st.from_type(PlanItem))
@settings(deadline=None)
def test_every_item_survives_its_text(made: PlanItem) -> None:
    assert read(written(made), item_id=made.id, system=made.system, collection=made.collection, treatment=made.treatment) == made


def test_a_plan_comes_back_as_it_was_made(store: Store, case: str) -> None:
    made = plan(items=5)
    with store.transaction() as tx:
        assert tx.plans.of(case, 1) is None
        assert tx.plans.latest(case) is None
        tx.plans.add(made)
    with store.transaction() as tx:
        assert tx.plans.of(case, 1) == made
        assert tx.plans.states("plan-1") == dict.fromkeys([f"item-{number}" for number in range(5)], ItemState.PLANNED)


def test_an_empty_plan_comes_back(store: Store, case: str) -> None:
    with store.transaction() as tx:
        tx.plans.add(Plan("plan-1", case, 1, "digest", ()))
        assert tx.plans.of(case, 1) == Plan("plan-1", case, 1, "digest", ())


def test_the_latest_plan_is_that_of_the_last_round(store: Store, case: str) -> None:
    later = replace(plan(plan_id="plan-2", round_=2), items=(replace(item(1), id="other"),))
    with store.transaction() as tx:
        tx.plans.add(later)
        tx.plans.add(plan())
        assert tx.plans.latest(case) == later


def test_a_plan_that_nobody_began_is_replaced(store: Store, case: str) -> None:
    with store.transaction() as tx:
        tx.plans.add(plan(items=5))
        tx.plans.add(plan(items=2, plan_id="plan-2"))
        assert tx.plans.of(case, 1) == plan(items=2, plan_id="plan-2")
        assert tx.plans.states("plan-1") == {}


@pytest.mark.parametrize("state", [ItemState.INTENDED, ItemState.DONE])
def test_a_plan_that_was_begun_is_not_replaced(store: Store, case: str, state: ItemState) -> None:
    with store.transaction() as tx:
        tx.plans.add(plan())
        tx.plans.set_state("item-1", state)
    with pytest.raises(Conflict) as refused, store.transaction() as tx:
        tx.plans.add(plan(plan_id="plan-2"))
    assert refused.value.code == "plan.begun"
    with store.transaction() as tx:
        assert tx.plans.of(case, 1) == plan()


def test_intended_items_are_found_by_system(store: Store, case: str) -> None:
    with store.transaction() as tx:
        tx.plans.add(plan(items=4))
        assert tx.plans.intended() == ()
        tx.plans.set_state("item-1", ItemState.INTENDED)
        tx.plans.set_state("item-2", ItemState.INTENDED)
        tx.plans.set_state("item-3", ItemState.DONE)
        assert tx.plans.intended() == ((case, item(1)), (case, item(2)))
        assert tx.plans.intended("shop") == ((case, item(1)),)
        assert tx.plans.intended("crm") == ()


def test_an_unknown_item_is_wrong_input(store: Store, case: str) -> None:
    with pytest.raises(InputWrong) as refused, store.transaction() as tx:
        tx.plans.set_state("nothing", ItemState.DONE)
    assert refused.value.code == "plan.unknown_item"


def test_a_plan_that_lost_an_item_is_noticed(store: Store, case: str, url: str) -> None:
    with store.transaction() as tx:
        tx.plans.add(plan())
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM plan_items WHERE id = 'item-1'"))
    engine.dispose()
    with pytest.raises(Conflict) as refused, store.transaction() as tx:
        tx.plans.of(case, 1)
    assert refused.value.code == "plan.altered"


def test_results_are_replaced_by_item_and_position(store: Store, case: str) -> None:
    with store.transaction() as tx:
        tx.results.put("plan-1", [Result("item-1", position, ResultState.FAILED, "sql.locked") for position in range(3)])
        tx.results.put("plan-1", [Result("item-1", 1, ResultState.DONE), Result("item-2", 1, ResultState.DONE)])
        tx.results.put("plan-2", [Result("item-1", 0, ResultState.DRIFTED)])
        tx.results.put("plan-1", [])
        assert tx.results.of("plan-1") == (
            Result("item-1", 0, ResultState.FAILED, "sql.locked"),
            Result("item-1", 1, ResultState.DONE),
            Result("item-1", 2, ResultState.FAILED, "sql.locked"),
            Result("item-2", 1, ResultState.DONE),
        )
        assert tx.results.tally("plan-1") == {
            ("item-1", ResultState.DONE): 1,
            ("item-1", ResultState.FAILED): 2,
            ("item-2", ResultState.DONE): 1,
        }


def test_an_approval_is_of_a_digest_and_counts_once_for_each_person(store: Store, case: str) -> None:
    later = NOON + timedelta(hours=1)
    with store.transaction() as tx:
        tx.approvals.add(case, "digest-1", "person-1", NOON, "console")
        tx.approvals.add(case, "digest-1", "person-1", later, "console")
        tx.approvals.add(case, "digest-1", "person-2", later, "console")
        tx.approvals.add(case, "digest-2", "person-1", later, "automatic")
        assert tx.approvals.of(case) == (
            Approval(case, "digest-1", "person-1", NOON, "console"),
            Approval(case, "digest-1", "person-2", later, "console"),
            Approval(case, "digest-2", "person-1", later, "automatic"),
        )
