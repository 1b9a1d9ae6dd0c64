"""A plan is corrected before approval: what is taken out stays and is told, what is moved is treated more gently, and nobody approves it alone."""

import json

import pytest

from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.plan import Delete, Plan, PlanItem, Rewrite
from dsr_engine.domain.policy import Treatment
from dsr_engine.domain.record import Locator
from dsr_engine.workflow.approve import give_approval
from dsr_engine.workflow.correcting.correct import Targets, exclude, move, undo
from dsr_engine.workflow.correcting.returning import give_back, hand_in
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from dsr_engine.workflow.report import case_report
from tests.workflow.company import EMAIL, POLICY, SHOP, Company
from tests.workflow.journeys import WORKER, approved, carried_through, ledger_of, plan_of, planned, statement_of, waits_for, working

UNCLEAR = "unclear"
_CHOICES = POLICY.replace(
    "rules:\n",
    """rules:
  - name: customers may be made anonymous
    when: {category: user.contact}
    then: anonymize
  - name: names may be made anonymous
    when: {category: user.name}
    then: anonymize
  - name: numbers may be made anonymous
    when: {category: user.unique_id}
    then: anonymize
  - name: everything of the shop goes
    when: {collection: "shop.*"}
    then: delete
""",
)


def _items(house: House, case: Case, collection: str) -> tuple[PlanItem, ...]:
    return tuple(item for item in plan_of(house, case).items if item.collection == collection)


def _places(plan: Plan) -> list[Locator]:
    return sorted((planned.locator for item in plan.items for planned in item.records), key=lambda place: (place.collection, place.key))


def _taken_out(house: House, case: Case, collection: str, reason: str = UNCLEAR, **more: str) -> Case:
    """The case after everything of this collection was taken out of its plan and the plan was made anew."""
    targets = Targets(items=tuple(item.id for item in _items(house, case, collection)))
    exclude(house, case.id, targets, reason, "corrector", **more)
    return run_case(house, case.id, WORKER)


# --- what is taken out stays ------------------------------------------------------------------------------------------------------------


def test_what_was_taken_out_is_left_as_it_is_and_everything_else_is_done(shop: Company) -> None:
    before = shop.everything()
    with working(shop) as house:
        case = _taken_out(house, planned(house), "tickets")
        assert waits_for(case) == "approval.missing"
        case = carried_through(house, case)
        assert case.outcome is Outcome.FULFILLED_WITH_EXCEPTIONS
        assert case.round == 1
        text = json.dumps([dict(row) for system in statement_of(house, case).systems for row in system.kept])
    assert "unclear" in text
    assert "taken out before approval" in text
    after = shop.everything()
    assert after["tickets 1"] == before["tickets 1"]
    assert "customers 17" not in after
    assert "orders 171" not in after


def test_a_corrected_plan_has_the_same_records_and_another_digest(shop: Company) -> None:
    with working(shop) as house:
        case = planned(house)
        first = plan_of(house, case)
        case = _taken_out(house, case, "orders")
        second = plan_of(house, case)
        assert _places(second) == _places(first)
        assert second.digest() != first.digest()
        assert run_case(house, case.id, WORKER).stage is Stage.APPROVE
        assert plan_of(house, case).digest() == second.digest()


def test_who_is_pointed_at_by_what_was_taken_out_becomes_a_shell(shop: Company) -> None:
    with working(shop) as house:
        case = _taken_out(house, planned(house), "orders")
        (item,) = _items(house, case, "customers")
        assert isinstance(item.effect, Rewrite)
        carried_through(house, case)
    assert shop.rows("SELECT id, customer_id, note FROM orders WHERE id = 171") == [(171, 17, "leave it at the door")]
    ((name, email),) = shop.rows("SELECT full_name, email FROM customers WHERE id = 17")
    assert EMAIL not in email
    assert name != "Ida Lindqvist"


def test_a_cascade_does_not_reach_what_was_taken_out(shop: Company) -> None:
    shop.shop.unlink()
    shop.add_shop(SHOP.replace("REFERENCES customers (id)", "REFERENCES customers (id) ON DELETE CASCADE"))
    with working(shop) as house:
        case = _taken_out(house, planned(house), "orders")
        assert not any(isinstance(item.effect, Delete) for item in _items(house, case, "customers"))
        case = carried_through(house, case)
        assert case.stage is Stage.CLOSED
    assert shop.rows("SELECT id FROM orders WHERE id = 171") == [(171,)]


def test_a_correction_holds_in_later_rounds(shop: Company) -> None:
    with working(shop) as house:
        case = _taken_out(house, planned(house), "tickets")
        shop.sql(f"UPDATE customers SET full_name = 'Ida L.' WHERE email = '{EMAIL}'")  # drifts, so a second round begins
        case = carried_through(house, case)
        assert case.round == 2
        assert case.outcome is Outcome.FULFILLED_WITH_EXCEPTIONS
    assert shop.rows("SELECT count(*) FROM customers WHERE id = 17") == [(0,)]
    assert EMAIL in shop.rows("SELECT body FROM tickets WHERE id = 1")[0][0]


def test_a_single_record_is_taken_out_by_its_finding(shop: Company) -> None:
    shop.sql("INSERT INTO orders VALUES (172, 17, 'second')")
    with working(shop) as house:
        case = planned(house)
        (item,) = [one for one in _items(house, case, "orders") if any(planned.locator.key == ("172",) for planned in one.records)]
        finding = next(planned.finding for planned in item.records if planned.locator.key == ("172",))
        exclude(house, case.id, Targets(findings=(finding,)), UNCLEAR, "corrector")
        carried_through(house, run_case(house, case.id, WORKER))
    assert shop.rows("SELECT id FROM orders WHERE customer_id = 17") == [(172,)]


def test_a_message_and_a_file_and_an_object_stay_when_they_are_taken_out(company: Company) -> None:
    before = company.everything()
    with working(company) as house:
        case = planned(house)
        names = {f"{item.system}.{item.collection}" for item in plan_of(house, case).items if item.system != "shop"}
        exclude(house, case.id, Targets(collections=tuple(names)), UNCLEAR, "corrector")
        case = carried_through(house, run_case(house, case.id, WORKER))
        assert case.outcome is Outcome.FULFILLED_WITH_EXCEPTIONS
    after = company.everything()
    rest = [name for name in before if name.split()[0] not in ("customers", "orders", "tickets")]
    assert {name: after.get(name) for name in rest} == {name: before[name] for name in rest}
    assert "customers 17" not in after


# --- moving -----------------------------------------------------------------------------------------------------------------------------


def test_records_are_moved_to_a_treatment_that_rules_name_for_all_that_is_in_them(shop: Company) -> None:
    shop.policy(_CHOICES)
    with working(shop) as house:
        case = planned(house)
        (item,) = _items(house, case, "customers")
        assert isinstance(item.effect, Delete)
        move(house, case.id, Targets(items=(item.id,)), Treatment.ANONYMIZE, "corrector")
        case = run_case(house, case.id, WORKER)
        (item,) = _items(house, case, "customers")
        assert item.treatment is Treatment.ANONYMIZE
        carried_through(house, case)
    assert shop.rows("SELECT count(*) FROM customers WHERE id = 17") == [(1,)]


def test_a_treatment_that_no_rule_names_is_refused(shop: Company) -> None:
    with working(shop) as house:
        case = planned(house)
        (item,) = _items(house, case, "customers")
        with pytest.raises(InputWrong) as refused:
            move(house, case.id, Targets(items=(item.id,)), Treatment.ANONYMIZE, "corrector")
        assert refused.value.code == "correction.not_permitted"
        with pytest.raises(InputWrong) as refused:
            move(house, case.id, Targets(items=(item.id,)), Treatment.DELETE, "corrector")
        assert refused.value.code == "correction.treatment"


def test_records_stay_on_a_ground_that_every_law_of_the_case_knows(shop: Company) -> None:
    with working(shop) as house:
        case = planned(house)
        targets = Targets(items=tuple(item.id for item in _items(house, case, "orders")))
        for ground, law, code in (
            ("no_such", "", "reason"),
            ("legal_obligation", "", "law"),
            ("legal_obligation", "Ida", "law"),
            (UNCLEAR, "", "ground"),
        ):
            with pytest.raises(InputWrong) as refused:
                move(house, case.id, targets, Treatment.RETAIN, "corrector", ground=ground, law=law)
            assert refused.value.code == f"correction.{code}"
        move(house, case.id, targets, Treatment.RETAIN, "corrector", ground="legal_obligation", law="§ 147 AO")
        case = run_case(house, case.id, WORKER)
        assert case_report(house, case.id)["exemptions"]
        case = carried_through(house, case)
        kept = json.dumps([dict(row) for system in statement_of(house, case).systems for row in system.kept])
    assert "Art. 17(3)(b)" in kept
    assert shop.rows("SELECT id FROM orders WHERE customer_id = 17") == [(171,)]


# --- undoing ----------------------------------------------------------------------------------------------------------------------------


def test_a_correction_is_taken_back_and_the_plan_is_another_one_again(shop: Company) -> None:
    with working(shop) as house:
        case = planned(house)
        digests = {plan_of(house, case).digest()}
        case = _taken_out(house, case, "tickets")
        digests.add(plan_of(house, case).digest())
        with house.store.snapshot() as tx:
            (entry,) = tx.corrections.of(case.id)
        undo(house, case.id, entry.id, "corrector")
        with pytest.raises(InputWrong):
            undo(house, case.id, entry.id, "corrector")
        case = run_case(house, case.id, WORKER)
        digests.add(plan_of(house, case).digest())
        assert len(digests) == 3
        carried_through(house, case)
    assert EMAIL not in shop.rows("SELECT body FROM tickets WHERE id = 1")[0][0]


# --- four eyes --------------------------------------------------------------------------------------------------------------------------


def test_who_corrected_cannot_approve_even_after_taking_it_back(shop: Company) -> None:
    with working(shop) as house:
        case = _taken_out(house, planned(house), "tickets")
        with house.store.snapshot() as tx:
            (entry,) = tx.corrections.of(case.id)
        undo(house, case.id, entry.id, "second corrector")
        case = run_case(house, case.id, WORKER)
        for name in ("corrector", "second corrector", "officer"):
            with pytest.raises(InputWrong) as refused:
                approved(house, case, name)
            assert refused.value.code in ("approve.corrected", "approve.own_case")
        approved(house, case)
        assert run_case(house, case.id, WORKER).stage is Stage.CLOSED


def test_an_approval_from_before_a_correction_is_void(shop: Company) -> None:
    before = shop.everything()
    with working(shop) as house:
        case = planned(house)
        approved(house, case)
        case = _taken_out(house, case, "tickets")
        assert waits_for(case) == "approval.missing"
        with pytest.raises(InputWrong):
            approved(house, case, "corrector")
    assert shop.everything() == before


def test_who_approved_and_then_corrects_has_approved_nothing(shop: Company) -> None:
    with working(shop) as house:
        case = planned(house)
        give_approval(house, case.id, plan_of(house, case).digest(), "corrector")
        case = _taken_out(house, case, "tickets")
        with house.store.snapshot() as tx:
            (entry,) = tx.corrections.of(case.id)
        undo(house, case.id, entry.id, "corrector")
        assert waits_for(run_case(house, case.id, WORKER)) == "approval.missing"


def test_a_correction_that_an_approval_overtook_sends_the_case_back_to_planning(shop: Company) -> None:
    """Two people at once, and a store that lets the later writer of the case win: the plan itself says that it is older than the correction."""
    with working(shop) as house:
        case = planned(house)
        digest = plan_of(house, case).digest()
        exclude(house, case.id, Targets(collections=("shop.tickets",)), UNCLEAR, "corrector")
        with house.store.transaction() as tx:
            tx.cases.save(case)
            tx.approvals.add(case.id, digest, tx.people.id_of("approver"), house.clock.now(), "approved")
        with pytest.raises(Conflict):
            give_approval(house, case.id, digest, "another")
        assert waits_for(run_case(house, case.id, WORKER)) == "approval.missing"
    assert EMAIL in shop.rows("SELECT body FROM tickets WHERE id = 1")[0][0]


# --- giving back ------------------------------------------------------------------------------------------------------------------------


def test_a_plan_that_is_given_back_waits_for_the_officers(shop: Company) -> None:
    with working(shop) as house:
        case = planned(house)
        digest = plan_of(house, case).digest()
        with pytest.raises(InputWrong):
            give_back(house, case.id, digest, "because I say so", "approver")
        with pytest.raises(Conflict):
            give_back(house, case.id, "0" * 64, "too_much", "approver")
        give_back(house, case.id, digest, "too_much", "approver")
        case = run_case(house, case.id, WORKER)
        assert waits_for(case) == "plan.given_back"
        with pytest.raises(Conflict) as refused:
            give_approval(house, case.id, digest, "another")
        assert refused.value.code == "plan.given_back"
        hand_in(house, case.id, "officer")
        case = carried_through(house, run_case(house, case.id, WORKER))
        assert case.stage is Stage.CLOSED


def test_a_correction_answers_a_plan_that_was_given_back(shop: Company) -> None:
    with working(shop) as house:
        case = planned(house)
        give_back(house, case.id, plan_of(house, case).digest(), "too_much", "approver")
        case = _taken_out(house, run_case(house, case.id, WORKER), "tickets")
        assert waits_for(case) == "approval.missing"


# --- what is refused --------------------------------------------------------------------------------------------------------------------


def test_nothing_is_corrected_once_it_was_carried_out(shop: Company) -> None:
    with working(shop) as house:
        case = carried_through(house, planned(house))
        with pytest.raises(Conflict) as refused:
            exclude(house, case.id, Targets(collections=("shop.tickets",)), UNCLEAR, "corrector")
        assert refused.value.code == "case.stage"


def test_what_is_corrected_already_is_not_corrected_again(shop: Company) -> None:
    with working(shop) as house:
        case = _taken_out(house, planned(house), "tickets")
        with pytest.raises(InputWrong) as refused:
            exclude(house, case.id, Targets(collections=("shop.tickets",)), UNCLEAR, "corrector")
        assert refused.value.code == "correction.nothing"


def test_an_item_of_an_older_plan_is_refused(shop: Company) -> None:
    with working(shop) as house:
        case = planned(house)
        old = _items(house, case, "orders")[0].id
        case = _taken_out(house, case, "tickets")
        with pytest.raises(Conflict) as refused:
            exclude(house, case.id, Targets(items=(old,)), UNCLEAR, "corrector")
        assert refused.value.code == "plan.changed"


def test_a_hold_is_named_by_its_id_and_only_with_its_reason(shop: Company) -> None:
    with working(shop) as house:
        case = planned(house)
        for reason, hold in (("legal_hold", ""), ("legal_hold", "abc"), (UNCLEAR, "abc")):
            with pytest.raises(InputWrong) as refused:
                exclude(house, case.id, Targets(collections=("shop.tickets",)), reason, "corrector", hold=hold)
            assert refused.value.code == "correction.hold"


def test_neither_store_nor_ledger_shows_which_record_was_taken_out(shop: Company) -> None:
    with working(shop) as house:
        case = _taken_out(house, planned(house), "customers")
        carried_through(house, case)
        told = str(ledger_of(house))
        with house.store.snapshot() as tx:
            ledger = b"".join(data for _, data in tx.ledger.entries(tx.ledger.size()))
    assert b"plan.corrected" in ledger
    assert EMAIL not in told
    for path in (path for path in shop.home.rglob("*") if path.is_file()):
        assert EMAIL.encode() not in path.read_bytes()
