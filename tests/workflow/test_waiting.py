"""What keeps a case from going on, and how it goes on: other workers, silent and other servers, holds, the brake, people who decide meanwhile."""

import secrets
import shutil
from datetime import timedelta

import pytest

from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import Conflict, NotAllowed
from dsr_engine.domain.hold import Hold
from dsr_engine.domain.plan import ResultState
from dsr_engine.workflow.decide import NOT_THEIRS, close_unfulfilled, decide_findings
from dsr_engine.workflow.discover import FOUND
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.holds.placing import InFlight, ask_lift, lift_hold, place_hold
from dsr_engine.workflow.house import House
from tests.workflow.company import BOB, EMAIL, Company
from tests.workflow.journeys import (
    NOON,
    WORKER,
    approved,
    carried_through,
    ledger_of,
    opened_for,
    plan_of,
    planned,
    results_of,
    statement_of,
    waits_for,
    working,
)
from tests.workflow.meddling import Once, meddled, silence


def _states(house: House, case: Case) -> set[ResultState]:
    return {result.state for result in results_of(house, case)}


def _ends_well(house: House, case: Case) -> Case:
    case = carried_through(house, case)
    assert case.stage is Stage.CLOSED, case.wait
    statement_of(house, case)
    return case


def _executed(house: House, case: Case) -> Case:
    approved(house, case)
    return run_case(house, case.id, WORKER)


# --- workers -----------------------------------------------------------------------------------------------------------


def test_of_two_workers_on_one_case_one_wins(shop: Company) -> None:
    refused: list[str] = []

    def another() -> None:
        with pytest.raises(Conflict) as caught:
            run_case(house, case.id, "another")
        refused.append(caught.value.code)

    with working(shop, drivers=meddled(Once("shop", "before change", another))) as house:
        case = planned(house)
        case = _executed(house, case)
        assert refused == ["case.busy"]
        assert (case.stage, case.outcome) == (Stage.CLOSED, Outcome.FULFILLED)


@pytest.mark.parametrize("point", ["before change", "after change"])
def test_a_worker_that_slept_through_its_lease_writes_nothing_more(shop: Company, clock: FixedClock, point: str) -> None:
    """The other one does the work to its end while the first one sleeps in the middle of an effect."""
    seen: list[dict[str, bytes]] = []

    def sleep() -> None:
        clock.at += timedelta(minutes=2)
        with working(shop, clock) as other:
            assert run_case(other, case.id, "another").stage is Stage.CLOSED
        seen.append(shop.everything())

    with working(shop, clock, drivers=meddled(Once("shop", point, sleep))) as house:
        case = planned(house)
        approved(house, case)
        with pytest.raises(Conflict) as caught:
            run_case(house, case.id, "sleeper")
        assert caught.value.code == "store.lease_lost"
        assert [shop.everything()] == seen
        items = [item.id for item in plan_of(house, case).items]
        for kind in ("effect.intended", "effect.done"):
            assert sorted(str(data["item"]) for name, data in ledger_of(house) if name == kind) == sorted(items)


# --- silent and other servers --------------------------------------------------------------------------------------------

#: Calls at which the system falls silent: verb → the first and a later time, as often as a journey through the shop makes it.
_CALLS = {"slices": (1, 3), "find": (1, 4, 8), "describe": (1,), "observe": (1, 3), "foresee": (1,), "change": (1, 3)}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("verb", "time"), [(verb, time) for verb, times in _CALLS.items() for time in times])
def test_a_system_that_falls_silent_is_a_wait_and_never_a_smaller_list_and_then_it_goes_on(shop: Company, when: str, verb: str, time: int) -> None:
    meddle = Once("shop", f"{when} {verb}", silence, time=time)
    with working(shop, drivers=meddled(meddle)) as house:
        case = carried_through(house, opened_for(house))
        assert meddle.has_happened
        assert case.stage is not Stage.CLOSED
        assert waits_for(case) == "system_down"
        assert case.wait is not None
        assert case.wait.wake_at is not None
        assert "does not answer" in case.wait.reason
        assert statement_count(house) == 0
        case = carried_through(house, case)
        assert (case.stage, case.outcome, case.round) == (Stage.CLOSED, Outcome.FULFILLED, 1)
    assert set(shop.everything()) == {"customers 18", "orders 181", "tickets 1", "tickets 2"}


def statement_count(house: House) -> int:
    with house.store.snapshot() as tx:
        return len(tx.certificates.list())


def test_a_system_that_refuses_the_fresh_look_gets_no_certificate(shop: Company) -> None:
    """It let itself be searched before; that somebody accepted gaps is no answer to one that opened since."""

    def refuse() -> None:
        raise NotAllowed("the account may not read any more", code="test.refused")

    with working(shop, drivers=meddled(Once("shop", "before slices", refuse, time=4))) as house:
        case = _executed(house, planned(house))
        assert (case.stage, waits_for(case)) == (Stage.VERIFY_ABSENCE, "absence.unseen")
        assert statement_count(house) == 0
        case = _ends_well(house, case)
        assert (case.outcome, case.round) == (Outcome.FULFILLED, 2)


def test_a_plan_made_against_one_server_refuses_another(shop: Company) -> None:
    with working(shop) as house:
        case = planned(house)
        twin = shop.shop.with_name("twin.db")
        shutil.copy(shop.shop, twin)
        twin.replace(shop.shop)
        before = shop.everything()
        case = _executed(house, case)
        assert (case.stage, waits_for(case)) == (Stage.EXECUTE, "server.changed")
        assert shop.everything() == before


# --- holds and the brake ---------------------------------------------------------------------------------------------------


def test_the_brake_stops_before_the_next_batch_and_released_it_goes_on(shop: Company) -> None:
    with working(shop) as house:
        case = planned(house)
        with house.store.transaction() as tx:
            tx.stops.stop("shop", tx.people.id_of("officer"), NOON)
        before = shop.everything()
        case = _executed(house, case)
        assert (case.stage, waits_for(case)) == (Stage.EXECUTE, "stopped")
        assert shop.everything() == before
        with house.store.transaction() as tx:
            tx.stops.resume("shop")
        assert _ends_well(house, case).outcome is Outcome.FULFILLED


def _hold(house: House, collection: str, sleeps: list[float] | None = None) -> tuple[InFlight, ...]:
    with house.store.transaction() as tx:
        person = tx.people.id_of("counsel")
    hold = Hold(secrets.token_hex(6), "matter-7", person, house.clock.now(), collection=collection)
    return place_hold(house, hold, patience_seconds=1, sleep=(sleeps if sleeps is not None else []).append)


def test_a_hold_placed_between_approval_and_execution_keeps_the_data_and_the_certificate_counts_it(shop: Company) -> None:
    before = shop.everything()
    with working(shop) as house:
        case = planned(house)
        approved(house, case)
        assert _hold(house, "shop.customers") == ()
        case = carried_through(house, case)
        assert (case.stage, case.outcome, case.round) == (Stage.CLOSED, Outcome.FULFILLED_WITH_EXCEPTIONS, 1)
        assert shop.everything()["customers 17"] == before["customers 17"]
        statement = statement_of(house, case)
        kept = [row for row in statement.systems[0].kept if row["collection"] == "customers"]
        assert [(row["because"], row["records"], row["until"]) for row in kept] == [("legal_hold", 1, "lifted")]
        assert any(text.startswith("1 record(s) stay") for text in statement.exceptions)


def test_data_under_a_hold_is_planned_to_stay_and_goes_when_the_hold_was_lifted(shop: Company) -> None:
    with working(shop) as house:
        _hold(house, "shop.*")
        before = shop.everything()
        case = run_case(house, opened_for(house).id, WORKER)
        assert (case.stage, case.outcome) == (Stage.CLOSED, Outcome.FULFILLED_WITH_EXCEPTIONS)
        assert shop.everything() == before
        with house.store.snapshot() as tx:
            (hold,) = tx.holds.list()
        ask_lift(house, hold.id, "counsel", "matter-7 was settled")
        lift_hold(house, hold.id, "head of legal")
        assert _ends_well(house, opened_for(house)).outcome is Outcome.FULFILLED
        assert shop.rows("SELECT id FROM customers") == [(18,)]


def test_a_hold_on_what_an_interrupted_try_changed_already_tells_what_is_gone(shop: Company) -> None:
    """The server carried the deletion out, the answer was lost, and then somebody placed a hold on what is no longer there."""
    meddle = Once("shop", "after change", silence, time=3)
    with working(shop, drivers=meddled(meddle)) as house:
        case = _executed(house, planned(house))
        assert waits_for(case) == "system_down"
        rows = {"customers": shop.rows("SELECT id FROM customers"), "orders": shop.rows("SELECT id FROM orders")}
        assert rows == {"customers": [(18,)], "orders": [(181,)]}
        sleeps: list[float] = []
        assert len(_hold(house, "shop.customers", sleeps)) == 1
        assert sleeps
        case = carried_through(house, case)
        assert case.stage is Stage.CLOSED
        done = {(row["collection"], row["result"]) for row in statement_of(house, case).systems[0].done}
        assert ("customers", "absent_after_interruption") in done
        assert not statement_of(house, case).systems[0].kept


# --- people and workers ------------------------------------------------------------------------------------------------------


def test_a_case_that_had_effects_cannot_be_withdrawn_as_if_it_had_none(shop: Company) -> None:
    with working(shop) as house:
        case = planned(house)
        shop.sql("UPDATE customers SET full_name = 'Ida Marsh' WHERE id = 17")
        case = _executed(house, case)
        assert case.round == 2
        with pytest.raises(Conflict) as caught:
            close_unfulfilled(house, case.id, Outcome.WITHDRAWN, "withdrawn", "officer")
        assert caught.value.code == "case.had_effect"
        _ends_well(house, case)


@pytest.mark.parametrize("point", ["after find", "after describe"])
def test_a_case_that_is_withdrawn_while_a_worker_has_it_stays_withdrawn(shop: Company, point: str) -> None:
    before = shop.everything()

    def withdraw() -> None:
        close_unfulfilled(house, opened.id, Outcome.WITHDRAWN, "withdrawn", "officer")

    with working(shop, drivers=meddled(Once("shop", point, withdraw))) as house:
        opened = opened_for(house)
        case = run_case(house, opened.id, WORKER)
        assert (case.stage, case.outcome) == (Stage.CLOSED, Outcome.WITHDRAWN)
    assert shop.everything() == before


def test_a_case_that_is_withdrawn_while_another_one_searches_for_it_does_not_hold_that_one_up(shop: Company) -> None:
    meddle = Once("shop", "after find", lambda: close_unfulfilled(house, bob.id, Outcome.WITHDRAWN, "withdrawn", "officer"), time=5)
    with working(shop, drivers=meddled(meddle)) as house:
        ida = run_case(house, opened_for(house).id, WORKER, until=Stage.DISCOVER)
        bob = run_case(house, opened_for(house, ("email", BOB)).id, WORKER, until=Stage.DISCOVER)
        ida = carried_through(house, ida)
        assert meddle.has_happened
        assert (ida.stage, ida.outcome) == (Stage.CLOSED, Outcome.FULFILLED)
        assert run_case(house, bob.id, WORKER).outcome is Outcome.WITHDRAWN
    assert shop.rows("SELECT id FROM customers") == [(18,)]


def test_a_verdict_that_is_given_while_the_plan_is_made_counts_in_the_plan(shop: Company) -> None:
    """She says that the ticket is not about her, at the very moment when the plan that would redact it is made."""

    def decide() -> None:
        with house.store.snapshot() as tx:
            findings = list(tx.findings.of(opened.id, 1, FOUND))
        decide_findings(house, opened.id, [(id_, NOT_THEIRS) for id_, finding in findings if finding.locator.collection == "tickets"], "officer")

    with working(shop, drivers=meddled(Once("shop", "after foresee", decide))) as house:
        opened = opened_for(house)
        case = run_case(house, opened.id, WORKER)
        assert {item.collection for item in plan_of(house, case).items} == {"customers", "orders"}
        assert _ends_well(house, case).stage is Stage.CLOSED
    assert EMAIL in shop.everything()["tickets 1"].decode()
