"""What the approver sees of single records: masked samples, before and after, read at that moment; and what is said of a record's fate."""

import pytest

from dsr_engine.domain.case import Case
from dsr_engine.domain.outline import ItemOutline
from dsr_engine.domain.plan import Delete, DropPart, Edit, Effect, Fence, RedactSpans, Rewrite
from dsr_engine.domain.policy import Treatment
from dsr_engine.domain.user import Role
from dsr_engine.workflow.correcting.rules_in_words import effect_in_words
from dsr_engine.workflow.correcting.showing import end_of
from tests.web.conftest import Doors
from tests.workflow.company import EMAIL, NAME
from tests.workflow.journeys import plan_of, planned


def _path(case: Case) -> str:
    return f"/cases/{case.id}/plan"


def _item(doors: Doors, case: Case, collection: str) -> str:
    return next(item.id for item in plan_of(doors.house, case).items if item.collection == collection)


def test_samples_are_masked_and_noted(doors: Doors) -> None:
    case = planned(doors.house)
    approver = doors.signed_in(Role.APPROVER).go(f"{_path(case)}/items/{_item(doors, case, 'customers')}")
    approver.send("Show 1 sample")
    assert approver.status == 200
    assert "<td>gone</td>" in approver.text
    assert EMAIL not in approver.text
    assert NAME not in approver.text
    with doors.house.store.snapshot() as tx:
        ((_, leaf),) = tx.ledger.find("case.previewed", case=case.id)
    assert leaf["records"] == 1


def test_one_sample_of_each_thing_that_would_happen_stands_before_and_after_on_the_plan(doors: Doors) -> None:
    case = planned(doors.house)
    approver = doors.signed_in(Role.APPROVER).go(_path(case))
    approver.send("Show masked samples, before and after")
    assert approver.status == 200
    for text in ("<del>", "<td>gone</td>", "what is marked is cut out", "Approve this plan"):
        assert text in approver.text
    for value in (EMAIL, NAME, "leave it at the door"):
        assert value not in approver.text
    assert "<del>" not in approver.go(_path(case)).text
    with doors.house.store.snapshot() as tx:
        ((_, leaf),) = tx.ledger.find("case.previewed", case=case.id)
    assert leaf["records"] == 3


def test_who_approves_beside_the_samples_is_led_from_the_second_factor_back_to_the_plan(doors: Doors) -> None:
    case = planned(doors.house)
    approver = doors.signed_in(Role.APPROVER, is_confirmed=False).go(_path(case)).send("Show masked samples, before and after")
    assert approver.path == f"{_path(case)}/samples"  # which only answers a form
    approver.send("Approve this plan")
    assert approver.path == f"/account/confirm?next={_path(case)}"


def test_samples_of_a_plan_whose_system_is_away_say_so(doors: Doors) -> None:
    case = planned(doors.house)
    doors.company.shop.rename(doors.company.shop.with_suffix(".away"))
    approver = doors.signed_in(Role.APPROVER).go(_path(case)).send("Show masked samples, before and after")
    assert approver.status == 200
    assert "It cannot be shown now" in approver.text


@pytest.mark.parametrize(
    ("treatment", "effect", "end", "words"),
    [
        (Treatment.RETAIN, None, "kept", "stays as it is"),
        (Treatment.RETAIN, Rewrite((Edit("note", RedactSpans()),)), "partly", "stays in part: some of it goes"),
        (Treatment.DELETE, Rewrite((Edit("row:2", DropPart()),)), "cut", "stays; the person's entries are removed from it"),
        (Treatment.DELETE, Delete(), "gone", "is deleted"),
        (Treatment.RESTRICT, Rewrite((Edit("blocked", Fence(1)),)), "restricted", "stays, marked as not to be used"),
    ],
)
def test_what_becomes_of_a_record_is_never_told_gentler_than_it_is(treatment: Treatment, effect: Effect | None, end: str, words: str) -> None:
    item = ItemOutline("i", "shop", "orders", treatment, effect, (), (), (), 1)
    assert (end_of(item), effect_in_words(effect, treatment)) == (end, words)


def test_an_auditor_sees_no_samples(doors: Doors) -> None:
    case = planned(doors.house)
    assert "Show 1 sample" not in doors.signed_in(Role.AUDITOR).go(f"{_path(case)}/items/{_item(doors, case, 'customers')}").text
