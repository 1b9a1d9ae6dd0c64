"""Whole cases over tables that point at each other, that share what they point at, and that copy what is erased."""

from datetime import timedelta
from pathlib import Path

import pytest

from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.hold import Hold
from dsr_engine.domain.plan import Delete, ResultState
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.holds.placing import place_hold
from dsr_engine.workflow.masking import Mask
from dsr_engine.workflow.report import plan_report
from tests.workflow.company import EMAIL, Company, founded
from tests.workflow.journeys import NOON, WORKER, approved, carried_through, opened_for, plan_of, planned, results_of, statement_of, working
from tests.workflow.killing import borders_of, killed_at

CIRCLE = f"""\
CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT NOT NULL, default_id INTEGER REFERENCES addresses (id));
CREATE TABLE addresses (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), street TEXT);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, address_id INTEGER NOT NULL REFERENCES addresses (id));
INSERT INTO customers VALUES (17, '{EMAIL}', 171), (18, 'bob@example.net', 181);
INSERT INTO addresses VALUES (171, 17, 'Tea Lane'), (172, 17, 'Rose Way'), (181, 18, 'Oak Street');
INSERT INTO orders VALUES (1, 17, 171), (2, 18, 181);
"""
CIRCLE_CONNECTOR = """\
connector: shop
driver: sql
collections:
  customers:
    fields:
      id:    {category: user.unique_id, selects: customer_id, identifies: true}
      email: {category: user.contact.email, selects: email}
  addresses:
    fields:
      customer_id: {category: user.unique_id, selects: customer_id, references: customers.id}
      street:      {category: user.contact.address}
  orders:
    fields:
      customer_id: {category: user.unique_id, selects: customer_id, references: customers.id}
"""


@pytest.fixture
def circle(shop: Company) -> Company:
    return refounded(shop, CIRCLE, CIRCLE_CONNECTOR)


def refounded(company: Company, script: str, connector: str) -> Company:
    """The company with another database."""
    company.shop.unlink()
    company.add_shop(script, connector)
    return company


def ended(case: Case) -> bool:
    return (case.stage, case.outcome) == (Stage.CLOSED, Outcome.FULFILLED)


def test_two_tables_that_point_at_each_other_are_erased_and_others_stay(circle: Company) -> None:
    with working(circle) as house:
        case = carried_through(house, opened_for(house))
        assert ended(case)
        items = [item for item in plan_of(house, case).items if isinstance(item.effect, Delete)]
        together = {item.collection: item.together for item in items}
        assert together["customers"] == together["addresses"] != ""
        assert together["orders"] == ""
        order = [item.collection for item in items]
        assert order.index("orders") < order.index("customers")
        assert {result.state for result in results_of(house, case)} == {ResultState.DONE}
        assert statement_of(house, case).verdict == "fulfilled"
    assert circle.rows("SELECT * FROM customers") == [(18, "bob@example.net", 181)]
    assert circle.rows("SELECT * FROM addresses") == [(181, 18, "Oak Street")]
    assert circle.rows("SELECT * FROM orders") == [(2, 18, 181)]


def test_nothing_waits_for_itself(circle: Company) -> None:
    with working(circle) as house:
        case = planned(house)
        items = plan_of(house, case).items
        seen: set[str] = set()
        for item in items:
            unit = {other.id for other in items if item.together and other.together == item.together} | {item.id}
            assert not unit & set(item.after)
            assert set(item.after) <= seen
            seen |= unit


def test_a_row_of_a_circle_that_changed_keeps_it_back_until_the_next_round(circle: Company) -> None:
    with working(circle) as house:
        case = planned(house)
        circle.sql("UPDATE addresses SET street = 'Moved' WHERE id = 172")
        approved(house, case)
        case = run_case(house, case.id, WORKER)
        assert (case.round, case.wait.code if case.wait else "") == (2, "approval.missing")
        assert {row[0] for row in circle.rows("SELECT id FROM addresses")} == {171, 172, 181}
        assert {row[0] for row in circle.rows("SELECT id FROM customers")} == {17, 18}
        case = carried_through(house, case)
        assert ended(case)
    assert circle.rows("SELECT * FROM customers") == [(18, "bob@example.net", 181)]
    assert circle.rows("SELECT * FROM addresses") == [(181, 18, "Oak Street")]


def test_a_hold_on_one_table_of_a_circle_keeps_all_of_it(circle: Company) -> None:
    with working(circle) as house:
        case = planned(house)
        approved(house, case)
        place_hold(house, Hold("hold-1", "M-17", "counsel", house.clock.now(), collection="shop.addresses"))
        case = run_case(house, case.id, WORKER)
        assert {row[0] for row in circle.rows("SELECT id FROM addresses")} == {171, 172, 181}
        assert circle.rows("SELECT id, email FROM customers") == [(17, EMAIL), (18, "bob@example.net")]
        assert (case.round, case.wait.code if case.wait else "") == (2, "approval.missing")
        case = carried_through(house, case)
        assert case.outcome is Outcome.FULFILLED_WITH_EXCEPTIONS
    assert circle.rows("SELECT * FROM addresses") == [(171, 17, "Tea Lane"), (172, 17, "Rose Way"), (181, 18, "Oak Street")]
    assert circle.rows("SELECT * FROM customers") == [(17, "[erased]", 171), (18, "bob@example.net", 181)]


@pytest.mark.slow
def test_a_circle_that_was_killed_at_any_border_goes_on_to_the_same_end(circle: Company, empty_home: Path, tmp_path: Path) -> None:
    borders = borders_of(circle)
    after = circle.everything()
    chosen = [number for number, border in enumerate(borders) if "change" in border or "commit" in border]
    for number in chosen[:: max(1, len(chosen) // 10)]:
        company = refounded(founded(empty_home, tmp_path / f"killed-{number}"), CIRCLE, CIRCLE_CONNECTOR)
        killed_at(company, number)
        with working(company, FixedClock(NOON + timedelta(minutes=10))) as house:
            with house.store.snapshot() as tx:
                begun = tx.cases.list()
            case = carried_through(house, begun[0] if begun else opened_for(house), worker="next")
            assert ended(case)
            assert {result.state for result in results_of(house, case)} <= {ResultState.DONE, ResultState.ABSENT_AFTER_INTERRUPTION}
        assert company.everything() == after


SHARED = f"""\
CREATE TABLE places (id INTEGER PRIMARY KEY, street TEXT);
CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, place_id INTEGER %s REFERENCES places (id));
CREATE TABLE invoices (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), closed_at TEXT);
INSERT INTO places VALUES (0, 'nowhere'), (1, 'Tea Lane'), (2, 'Rose Way');
INSERT INTO customers VALUES (17, '{EMAIL}', %s), (18, 'bob@example.net', 2);
INSERT INTO invoices VALUES (1, 17, '%s'), (2, 18, '%s');
"""
SHARED_CONNECTOR = """\
connector: shop
driver: sql
collections:
  customers:
    fields:
      id:       {category: user.unique_id, selects: customer_id, identifies: true}
      email:    {category: user.contact.email, selects: email}
      place_id: {references: places.id, carries: true%s}
  places:
    fields:
      street: {category: user.contact.address}
  invoices:
    fields:
      customer_id: {category: user.financial, selects: customer_id, references: customers.id}
      closed_at:   {starts: retention}
"""
KEEPING = """\
policy: ours
about: The tests' policy.
owner: privacy@example.com
regimes: [gdpr]
rules:
  - name: invoices stay
    when: {collection: shop.invoices}
    keep: {for: 8 years, from: closed_at, because: legal_obligation, law: "§ 147 AO"}
    then: delete
  - name: mentions
    when: {category: user, match: mentions}
    then: redact
  - name: what is theirs
    when: {category: user}
    then: delete
request: {approval: one_person}
"""


def shared(company: Company, *, place: int, nullable: bool, neutral: str = "") -> Company:
    company.policy(KEEPING)
    day = f"{NOON.year}-01-05"
    return refounded(company, SHARED % ("" if nullable else "NOT NULL", place, day, day), SHARED_CONNECTOR % neutral)


@pytest.mark.parametrize(
    ("place", "nullable", "neutral", "expected", "places"),
    [
        (1, True, "", None, {0, 2}),
        (2, True, "", None, {0, 1, 2}),
        (1, False, ", neutral: 0", 0, {0, 2}),
        (2, False, ", neutral: 0", 0, {0, 1, 2}),
        (2, False, "", 2, {0, 1, 2}),
        (1, False, "", 1, {0, 1, 2}),
    ],
)
def test_an_anonymous_row_lets_go_of_what_it_carried(
    shop: Company, place: int, nullable: bool, neutral: str, expected: int | None, places: set[int]
) -> None:
    company = shared(shop, place=place, nullable=nullable, neutral=neutral)
    with working(company) as house:
        case = planned(house)
        plan = plan_of(house, case)
        told = {entry.code for entry in plan.notices}
        assert all(code in str(plan_report(plan, Mask(()))["notices"]) for code in told)
        assert ("link.stays" in told) == (not nullable and not neutral)
        assert ("shared.stays" in told) == (place == 2)
        case = carried_through(house, case)
        assert case.stage is Stage.CLOSED
    assert company.rows("SELECT * FROM customers") == [(17, None, expected), (18, "bob@example.net", 2)]
    assert {row[0] for row in company.rows("SELECT id FROM places")} == places | ({1} if place == 2 else set())
    street = dict(company.rows("SELECT id, street FROM places"))
    assert (street[0], street[2]) == ("nowhere", "Rose Way")
    if expected == 1:  # still pointed at by the shell, and by nobody else
        assert street[1] is None
    assert len(company.rows("SELECT * FROM invoices")) == 2


AUDITED_CONNECTOR = """\
connector: shop
driver: sql
collections:
  customers:
    fields:
      email: {category: user.contact.email, selects: email}
  audit:
    fields:
      what: {category: user.content, search: text}
"""
AUDITED = f"""\
CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT);
CREATE TABLE audit (id INTEGER PRIMARY KEY, what TEXT);
CREATE TRIGGER keep AFTER DELETE ON customers BEGIN INSERT INTO audit (what) VALUES ('gone: ' || OLD.email); END;
INSERT INTO customers VALUES (17, '{EMAIL}'), (18, 'bob@example.net');
INSERT INTO audit VALUES (1, 'gone: eve@example.net');
"""


def test_what_a_trigger_copied_is_erased_in_a_further_round(shop: Company) -> None:
    company = refounded(shop, AUDITED, AUDITED_CONNECTOR)
    with working(company) as house:
        case = planned(house)
        assert {entry.code for entry in plan_of(house, case).notices} == {"sql.trigger_copies"}
        case = carried_through(house, case)
        assert ended(case), (case.outcome, case.round, case.stage)
        assert case.round == 2
    assert company.rows("SELECT id FROM customers") == [(18,)]
    assert company.rows("SELECT what FROM audit ORDER BY id") == [("gone: eve@example.net",), ("gone: [redacted]",)]
