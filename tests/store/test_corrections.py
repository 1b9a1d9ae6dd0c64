"""Corrections come back with their records, and nobody else changes a case while somebody writes on the strength of its stage."""

import threading
from dataclasses import replace

from dsr_engine.domain.case import Stage
from dsr_engine.domain.correction import Correction, Kind
from dsr_engine.domain.outline import outlined
from dsr_engine.domain.policy import Treatment
from dsr_engine.domain.record import Locator
from dsr_engine.store.plan_text import read_outline
from dsr_engine.store.store import Store
from tests.store.samples import NOON, item, plan


def test_many_records_of_a_correction_come_back_in_their_order(store: Store, case: str) -> None:
    places = tuple(Locator("shop", "orders", (str(number), "b")) for number in range(2_500))
    entry = Correction("one", case, Kind.EXCLUDE, Treatment.RETAIN, "unclear", "shop", "orders", len(places), "person-1", NOON)
    with store.transaction() as tx:
        tx.corrections.add(entry, places)
    with store.snapshot() as tx:
        assert tx.corrections.of(case) == (entry,)
        assert tx.corrections.places(entry) == places


def test_whoever_locks_a_case_sees_what_was_written_before(store: Store, case: str) -> None:
    """Else a correction could be made of a plan that a worker has just begun to carry out."""
    seen: list[Stage] = []

    def looks() -> None:
        with store.transaction() as tx:
            seen.append(tx.cases.locked(case).stage)

    with store.transaction() as tx:
        tx.cases.save(replace(tx.cases.locked(case), stage=Stage.EXECUTE))
        other = threading.Thread(target=looks)
        other.start()
        other.join(timeout=0.3)
        assert seen == []
    other.join()
    assert seen == [Stage.EXECUTE]


def test_an_outline_says_of_a_plan_what_the_plan_says_but_which_records(store: Store, case: str) -> None:
    made = plan(items=5)
    with store.transaction() as tx:
        assert tx.plans.outline(case) is None
        tx.plans.add(made)
    with store.snapshot() as tx:
        outline = tx.plans.outline(case)
        assert outline == outlined(made, made.digest())
        assert outline is not None
        assert (outline.digest(), outline.affected) == (made.digest(), made.affected)
        assert tx.plans.item(case, "item-3") == made.items[3]
        assert tx.plans.item(case, "other") is None


def test_a_plan_of_an_earlier_version_has_no_outline_of_its_own() -> None:
    assert read_outline(b'{"obstacles": [], "notices": []}') is None


def test_an_item_of_an_earlier_round_is_no_item_of_the_plan(store: Store, case: str) -> None:
    with store.transaction() as tx:
        tx.plans.add(plan())
        tx.plans.add(replace(plan(plan_id="plan-2", round_=2), items=(replace(item(1), id="other"),)))
        assert tx.plans.item(case, "other") is not None
        assert tx.plans.item(case, "item-1") is None
