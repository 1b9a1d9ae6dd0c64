"""Legal holds: on a person, on a period, in the middle of a run; two people for each step; and nothing without a review."""

import json
import secrets
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.hold import Hold, HoldState
from dsr_engine.domain.selector import Secret
from dsr_engine.workflow.chores import do_chores
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.holds.placing import InFlight, ask_lift, confirm_hold, lift_hold, of_person, place_hold, refuse_lift
from dsr_engine.workflow.holds.reviewing import attest
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import Claim
from dsr_engine.workflow.report import case_report
from dsr_engine.workflow.sweeps.sweep import sweep
from tests.workflow.company import BOB, EMAIL, SHOP, SHOP_CONNECTOR, Company, founded
from tests.workflow.journeys import NOON, WORKER, approved, carried_through, ledger_of, opened_for, planned, statement_of, waits_for, working
from tests.workflow.meddling import meddled

MATTER = "Lindqvist versus Example"
#: Orders with a date, and lines that the server takes with their order.
_DATED = SHOP.replace("note TEXT);", "note TEXT, placed DATE);").replace("'leave it at the door')", "'leave it at the door', '2021-03-01')").replace(
    "'ring twice')", "'ring twice', '2021-03-01')"
) + (
    "INSERT INTO orders VALUES (172, 17, 'second', '2024-05-01'), (173, 17, 'third', NULL);"
    "CREATE TABLE lines (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE, what TEXT);"
    "INSERT INTO lines VALUES (1, 171, 'tea'), (2, 172, 'cup'), (3, 181, 'lamp');"
)
_DATED_CONNECTOR = SHOP_CONNECTOR.replace(
    "references: customers.id}\n", "references: customers.id}\n      placed: {starts: retention}\n      note: {category: user.content}\n"
)


@pytest.fixture
def dated(shop: Company) -> Company:
    shop.shop.unlink()
    shop.add_shop(_DATED, _DATED_CONNECTOR)
    return shop


def _placed(house: House, *claims: tuple[str, str], **parts: Any) -> tuple[Hold, tuple[InFlight, ...]]:
    with house.store.transaction() as tx:
        person = tx.people.id_of("counsel")
    hold = Hold(secrets.token_hex(6), "M-17", person, house.clock.now(), **{"matter": MATTER, **parts})
    people: Any = {}
    if claims:
        hold, people = of_person(house, hold, tuple(Claim(kind, Secret(value)) for kind, value in claims))
    return hold, place_hold(house, hold, people, patience_seconds=0.2, sleep=lambda _: None)


def _lifted(house: House, hold: Hold) -> None:
    ask_lift(house, hold.id, "counsel", "it was settled")
    lift_hold(house, hold.id, "head of legal")


def _holds(house: House, *, active_only: bool = True) -> tuple[Hold, ...]:
    with house.store.snapshot() as tx:
        return tx.holds.list(active_only)


def _leaves(house: House, kind: str, **equals: object) -> list[dict[str, object]]:
    with house.store.snapshot() as tx:
        return [data for _, data in tx.ledger.find(kind, **equals)]


def _others(company: Company) -> dict[str, bytes]:
    return {place: row for place, row in company.everything().items() if place in ("customers 18", "orders 181", "tickets 2", "lines 3")}


# --- a review first ------------------------------------------------------------------------------------------------------------


def test_nothing_is_erased_until_somebody_has_reviewed_the_holds_and_the_certificate_says_who(shop: Company) -> None:
    before = shop.everything()
    with working(shop, are_holds_reviewed=False) as house:
        case = carried_through(house, opened_for(house))
        assert (case.stage, waits_for(case)) == (Stage.EXECUTE, "holds.unreviewed")
        assert shop.everything() == before
        assert _leaves(house, "effect.intended") == []
        review = attest(house, "counsel", "the list of disputes")
        case = carried_through(house, case)
        assert case.outcome is Outcome.FULFILLED
        holds = statement_of(house, case).holds
        assert (holds["by"], holds["reviewed"][:10], holds["in_force"]) == (review.by, NOON.date().isoformat(), "0")
        assert [leaf["by"] for leaf in _leaves(house, "holds.reviewed")] == [review.by]
    assert shop.rows("SELECT id FROM customers") == [(18,)]


def test_a_review_lapses_before_the_next_batch_and_what_was_begun_is_finished(shop: Company) -> None:
    clock = FixedClock(NOON)

    def time_passes(system: str, what: str) -> None:
        if what == "before change":
            clock.at = NOON + timedelta(days=91)

    with working(shop, clock, drivers=meddled(time_passes)) as house:
        case = planned(house)
        approved(house, case)
        case = run_case(house, case.id, WORKER)
        assert (case.stage, waits_for(case)) == (Stage.EXECUTE, "holds.unreviewed")
        assert len(_leaves(house, "effect.intended")) == len(_leaves(house, "effect.done")) == 1
        attest(house, "counsel", "the list of disputes")
        case = carried_through(house, case)
        assert case.outcome is Outcome.FULFILLED


def test_a_review_that_names_nothing_is_none(shop: Company) -> None:
    with working(shop, are_holds_reviewed=False) as house, pytest.raises(InputWrong) as refused:
        attest(house, "counsel", "  ")
    assert refused.value.code == "holds.unsaid"


def test_a_person_who_erases_by_hand_is_told_to_only_after_a_review_and_never_what_a_hold_covers(shop: Company) -> None:
    (shop.home / "connectors" / "paper.yaml").write_text(
        "connector: paper\ndriver: manual\ntask:\n  instructions: Shred the folder.\n  owner: archive@example.com\n  due: 10 days\n", encoding="utf-8"
    )
    shop.declare("paper", "connector: paper, owner: archive@example.com")
    with working(shop, are_holds_reviewed=False) as house:
        case = carried_through(house, opened_for(house))
        assert waits_for(case) == "holds.unreviewed"
        assert _leaves(house, "task.opened") == []
        attest(house, "counsel", "the list of disputes")
        hold, _ = _placed(house, system="paper")
        case = carried_through(house, case)
        assert (case.stage, case.outcome) == (Stage.CLOSED, Outcome.FULFILLED_WITH_EXCEPTIONS)
        assert _leaves(house, "task.opened") == []
        (paper,) = [system for system in statement_of(house, case).systems if system.name == "paper"]
        assert [(row["because"], row["law"]) for row in paper.kept] == [("legal_hold", hold.id)]


# --- whom and what ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [("email", EMAIL.upper()), ("customer_id", "17")])
def test_a_hold_on_a_person_keeps_their_case_also_by_what_was_learnt_and_nobody_elses(shop: Company, known: tuple[str, str]) -> None:
    before = shop.everything()
    with working(shop) as house:
        hold, _ = _placed(house, known)
        case = carried_through(house, opened_for(house))
        assert case.outcome is Outcome.FULFILLED_WITH_EXCEPTIONS
        assert shop.everything() == before
        assert statement_of(house, case).holds["kept_something"] == hold.id
        case = carried_through(house, opened_for(house, ("email", BOB)))
        assert case.outcome is Outcome.FULFILLED
        assert shop.rows("SELECT id FROM customers") == [(17,)]
        _lifted(house, hold)
        assert carried_through(house, opened_for(house)).outcome is Outcome.FULFILLED
    assert shop.rows("SELECT id FROM customers") == []


def test_a_hold_on_a_person_that_is_placed_after_the_approval_wins(shop: Company) -> None:
    before = shop.everything()
    with working(shop) as house:
        case = planned(house)
        approved(house, case)
        hold, in_flight = _placed(house, ("email", EMAIL))
        assert in_flight == ()
        case = carried_through(house, case)
        assert shop.everything() == before
        assert case.outcome is Outcome.FULFILLED_WITH_EXCEPTIONS
        assert {leaf["hold"] for leaf in _leaves(house, "effect.held", case=case.id)} == {hold.id}
        assert statement_of(house, case).holds["kept_something"] == hold.id


def test_a_hold_in_the_middle_of_a_run_lists_what_was_in_flight_and_keeps_the_rest(shop: Company) -> None:
    before = shop.everything()
    placed: list[tuple[Hold, tuple[InFlight, ...]]] = []
    houses: list[House] = []

    def somebody_sues(system: str, what: str) -> None:
        if what == "before change" and not placed:
            placed.append(_placed(houses[0], ("email", EMAIL)))

    with working(shop, drivers=meddled(somebody_sues)) as house:
        houses.append(house)
        case = planned(house)
        approved(house, case)
        case = run_case(house, case.id, WORKER)
        (_, in_flight), *_ = placed
        assert [(entry.case, entry.is_over) for entry in in_flight] == [(case.id, False)]
        first = in_flight[0].collection
        case = carried_through(house, case)
        assert case.outcome is Outcome.FULFILLED_WITH_EXCEPTIONS
    gone = {place.split()[0] for place in before if before[place] != shop.everything().get(place)}
    assert gone == {first}


def test_a_hold_on_a_period_keeps_single_records_of_a_batch_and_those_without_a_date(dated: Company) -> None:
    others = _others(dated)
    with working(dated) as house:
        case = planned(house)
        approved(house, case)
        hold, _ = _placed(house, collection="shop.orders", since=date(2021, 1, 1), until=date(2021, 12, 31))
        case = run_case(house, case.id, WORKER)
        assert dated.rows("SELECT id FROM orders ORDER BY id") == [(171,), (173,), (181,)]
        case = carried_through(house, case)
        assert case.outcome is Outcome.FULFILLED_WITH_EXCEPTIONS
        assert {(leaf["hold"], leaf["records"]) for leaf in _leaves(house, "effect.held", case=case.id)} == {(hold.id, 2)}
        kept = [row for row in statement_of(house, case).systems[0].kept if row["because"] == "legal_hold"]
        assert {(row["collection"], row["records"]) for row in kept} == {("orders", 2)}
        assert dated.rows("SELECT id, email FROM customers WHERE id = 17") != []  # two of its orders point at it, so it stays as a shell
        assert EMAIL not in str(dated.rows("SELECT * FROM customers"))
    assert _others(dated) == others


@pytest.mark.parametrize("is_early", [True, False])
def test_a_cascade_does_not_get_around_a_hold(dated: Company, is_early: bool) -> None:
    before = dated.everything()
    with working(dated) as house:
        if is_early:
            _placed(house, collection="shop.lines")
        case = planned(house)
        approved(house, case)
        if not is_early:
            _placed(house, collection="shop.lines")
        case = carried_through(house, case)
        assert case.stage is Stage.CLOSED, case.wait
    after = dated.everything()
    assert {place: row for place, row in after.items() if place.startswith("lines")} == {
        place: row for place, row in before.items() if place.startswith("lines")
    }
    assert _others(dated) == {place: before[place] for place in _others(dated)}


# --- two people ---------------------------------------------------------------------------------------------------------------------


def test_placing_protects_at_once_and_takes_a_second_person_to_be_confirmed(shop: Company) -> None:
    with working(shop) as house:
        hold, _ = _placed(house, system="shop")
        assert [entry.state for entry in _holds(house)] == [HoldState.PLACED]
        with pytest.raises(InputWrong) as refused:
            confirm_hold(house, hold.id, "counsel")
        assert refused.value.code == "hold.same_person"
        confirm_hold(house, hold.id, "head of legal")
        assert [entry.state for entry in _holds(house)] == [HoldState.CONFIRMED]
        with pytest.raises(Conflict):
            confirm_hold(house, hold.id, "somebody else")


def test_lifting_takes_two_people_a_reason_and_protects_until_the_second_agrees(shop: Company) -> None:
    before = shop.everything()
    with working(shop) as house:
        hold, _ = _placed(house, ("email", EMAIL))
        with pytest.raises(Conflict):
            lift_hold(house, hold.id, "head of legal")
        with pytest.raises(InputWrong):
            ask_lift(house, hold.id, "counsel", " ")
        ask_lift(house, hold.id, "counsel", "it was settled")
        with pytest.raises(InputWrong) as refused:
            lift_hold(house, hold.id, "counsel")
        assert refused.value.code == "hold.same_person"
        case = carried_through(house, opened_for(house))
        assert shop.everything() == before
        refuse_lift(house, hold.id, "head of legal")
        assert [entry.state for entry in _holds(house)] == [HoldState.PLACED]
        _lifted(house, hold)
        assert _holds(house) == ()
        (ended,) = _holds(house, active_only=False)
        assert (ended.state, ended.people) == (HoldState.LIFTED, frozenset())
        assert case.outcome is Outcome.FULFILLED_WITH_EXCEPTIONS


def test_a_hold_that_nobody_confirms_stays_in_force_and_is_told_of_once(shop: Company) -> None:
    clock = FixedClock(NOON)
    with working(shop, clock) as house:
        hold, _ = _placed(house, system="shop")
        assert [line for line in do_chores(house) if hold.id in line] == []
        clock.at = NOON + timedelta(days=3)
        (line,) = [line for line in do_chores(house) if hold.id in line]
        assert f"dsr hold confirm {hold.id}" in line
        assert [line for line in do_chores(house) if hold.id in line] == []
        assert _holds(house) != ()


# --- nothing that it knows goes out -----------------------------------------------------------------------------------------------------


def test_neither_the_matter_nor_the_person_leaves_the_store(shop: Company) -> None:
    with working(shop) as house:
        hold, _ = _placed(house, ("email", EMAIL), ("name", "Ida Lindqvist"))
        case = carried_through(house, opened_for(house))
        told = json.dumps(case_report(house, case.id), default=str) + str(ledger_of(house)) + str(statement_of(house, case))
        assert hold.id in told
        assert MATTER not in told
        with house.store.snapshot() as tx:
            ledger = b"".join(data for _, data in tx.ledger.entries(tx.ledger.size()))
    assert MATTER.encode() not in ledger
    for path in (path for path in Path(shop.home).rglob("*") if path.is_file()):
        assert EMAIL.encode() not in path.read_bytes()
        assert path.name.startswith("dsr.db") or MATTER.encode() not in path.read_bytes()


def test_an_item_that_was_intended_before_the_hold_and_interrupted_keeps_what_is_still_there(dated: Company) -> None:
    """Only the part of a batch that the hold covers is left; the rest of it is finished."""
    failures: list[str] = []
    houses: list[House] = []

    def power_cut(system: str, what: str) -> None:
        if what == "before change" and not failures:
            with houses[0].store.snapshot() as tx:
                if "orders" in {item.collection for _, item in tx.plans.intended()}:
                    failures.append(what)
                    raise KeyboardInterrupt

    with working(dated, drivers=meddled(power_cut)) as house:
        houses.append(house)
        case: Case = planned(house)
        approved(house, case)
        with pytest.raises(KeyboardInterrupt):
            run_case(house, case.id, WORKER)
        _, in_flight = _placed(house, collection="shop.orders", since=date(2021, 1, 1), until=date(2021, 12, 31))
        assert [entry.is_over for entry in in_flight] == [False]
        case = carried_through(house, case)
        assert case.stage is Stage.CLOSED, case.wait
        assert (171,) in dated.rows("SELECT id FROM orders")
        assert (172,) not in dated.rows("SELECT id FROM orders")


# --- sweeps -----------------------------------------------------------------------------------------------------------------------------

_TODAY = datetime(2026, 5, 5, 3, tzinfo=UTC)
_LEADS_CONNECTOR = """\
connector: shop
driver: sql
collections:
  leads:
    key: [id]
    fields:
      email: {category: user.contact.email, selects: email}
      seen:  {starts: retention}
discover: none
"""
_LEADS_POLICY = """\
policy: ours
owner: privacy@example.com
regimes: [gdpr]
rules:
  - name: leads
    when: {collection: shop.leads}
    keep: {for: 2 years, from: seen}
    then: delete
sweep: {schedule: "0 3 * * *", approval: one_person, max_affected: 100, max_share: 100%, first_runs_dry: 0}
"""


@pytest.fixture
def leads(older_home: Path, tmp_path: Path) -> Company:
    """Three leads that are due, and one that is not."""
    company = founded(older_home, tmp_path / "leads", ())
    rows = "(1, 'Ann@example.org', '2001-01-01'), (2, 'bob@example.net', '2002-01-01'), (3, 'eve@example.net', '2003-01-01')"
    table = "CREATE TABLE leads (id INTEGER PRIMARY KEY, email TEXT, seen DATE);"
    company.add_shop(f"{table} INSERT INTO leads VALUES {rows}, (4, 'ann@example.org', '2026-01-01');", _LEADS_CONNECTOR)
    company.policy(_LEADS_POLICY)
    return company


_PARTS: list[tuple[tuple[tuple[str, str], ...], dict[str, Any], list[int]]] = [
    ((("email", "ann@example.org"),), {}, [1, 4]),
    ((), {"since": date(2002, 1, 1), "until": date(2002, 12, 31)}, [2, 4]),
    ((("email", "bob@example.net"),), {"until": date(2001, 12, 31)}, [4]),
]


@pytest.mark.parametrize("is_early", [True, False])
@pytest.mark.parametrize(("claims", "parts", "left"), _PARTS, ids=["a person", "a period", "a person and another period"])
def test_a_sweep_keeps_whom_and_what_a_hold_protects_until_it_is_lifted(
    leads: Company, is_early: bool, claims: tuple[tuple[str, str], ...], parts: dict[str, Any], left: list[int]
) -> None:
    with working(leads, FixedClock(_TODAY)) as house:
        hold = _placed(house, *claims, **parts)[0] if is_early else None
        case = sweep(house, house.policies["ours"], by="officer", worker=WORKER).case
        assert waits_for(case) == "approval.missing"
        approved(house, case)
        hold = hold or _placed(house, *claims, **parts)[0]
        assert carried_through(house, case).stage is Stage.CLOSED
        assert [number for (number,) in leads.rows("SELECT id FROM leads ORDER BY id")] == left
        _lifted(house, hold)
        again = sweep(house, house.policies["ours"], by="officer", worker=WORKER).case
        carried_through(house, again)
        assert leads.rows("SELECT id FROM leads") == [(4,)]
