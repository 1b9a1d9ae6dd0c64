"""What a policy says is what happens: grounds that keep, children that a cascade would take, mentions, and sweeps by age."""

import os
import signal
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from dsr_engine.workflow.report import case_report
from dsr_engine.workflow.sweeps.sweep import Swept, sweep
from tests.workflow.company import BOB, EMAIL, NAME, POLICY, SHOP, Company, founded
from tests.workflow.journeys import NOON, WORKER, approved, carried_through, opened_for, plan_of, planned, statement_of, waits_for, working
from tests.workflow.killing import BorderedStore, Borders, in_child
from tests.workflow.meddling import meddled

_CONNECTOR = """\
connector: shop
driver: sql
collections:
  customers:
    key: [id]
    fields:
      id:        {category: user.unique_id, selects: customer_id, identifies: true}
      email:     {category: user.contact.email, selects: email}
      full_name: {category: user.name}
  orders:
    key: [id]
    fields:
      customer_id: {category: user.unique_id, selects: customer_id, references: customers.id}
  invoices:
    key: [number]
    fields:
      customer_id: {category: user.unique_id, selects: customer_id, references: customers.id}
      billed_to:   {category: user.contact.address}
      issued_on:   {starts: retention}
    restrict: {set: {blocked: true}}
  leads:
    key: [id]
    fields:
      email:           {category: user.contact.email, selects: email}
      last_contact_at: {starts: retention}
  tickets:
    key: [id]
    fields:
      body: {category: user.content, search: text}
discover: rest
"""
_TABLES = f"""\
{SHOP}
CREATE TABLE invoices (
  number TEXT PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), billed_to TEXT, issued_on DATE, blocked BOOLEAN DEFAULT 0
);
CREATE TABLE leads (id INTEGER PRIMARY KEY, email TEXT, last_contact_at DATE);
"""
_INVOICES = """\
  - name: invoices are kept for tax
    when: {collection: shop.invoices}
    keep: {for: 8 years, from: issued_on, to_year_end: true, because: legal_obligation, law: "§ 147 AO"}
    then: delete
"""
_LEADS = """\
  - name: leads
    when: {collection: shop.leads}
    keep: {for: 2 years, from: last_contact_at}
    then: delete
"""
_SWEEP = 'sweep: {schedule: "0 3 * * *", approval: automatic, max_share: 100%, first_runs_dry: 0}\n'


@pytest.fixture
def accounts(shop: Company) -> Company:
    """The shop with invoices and leads, and rules that keep both for a while."""
    return _with_accounts(shop)


@pytest.fixture
def aged(older_home: Path, tmp_path: Path) -> Company:
    """The same, for sweeps between June 2023 and May 2028."""
    return _with_accounts(founded(older_home, tmp_path / "aged"))


def _with_accounts(company: Company) -> Company:
    company.shop.unlink()
    company.add_shop(_TABLES, _CONNECTOR)
    company.policy(POLICY.replace("rules:\n", f"rules:\n{_INVOICES}{_LEADS}") + _SWEEP)
    return company


def _invoice(company: Company, number: str, issued_on: str, customer: int = 17) -> None:
    company.sql(f"INSERT INTO invoices VALUES ('{number}', {customer}, 'Lake Road 1', '{issued_on}', 0)")


def _kept(house: House, case: Case) -> list[Mapping[str, str | int]]:
    return [row for system in statement_of(house, case).systems for row in system.kept]


# --- grounds ----------------------------------------------------------------------------------------------------------------


def test_an_invoice_within_its_period_is_fenced_and_kept_with_its_end_and_its_customer_becomes_a_shell(accounts: Company) -> None:
    year = NOON.year - 3
    _invoice(accounts, "R-1", f"{year}-03-05")
    _invoice(accounts, "R-2", f"{year}-03-05", customer=18)
    before = accounts.everything()
    with working(accounts) as house:
        case = carried_through(house, opened_for(house))
        assert (case.stage, case.outcome) == (Stage.CLOSED, Outcome.FULFILLED_WITH_EXCEPTIONS)
        kept = [row for row in _kept(house, case) if row["collection"] == "invoices"]
        assert [(row["treatment"], row["records"], row["until"], row["law"]) for row in kept] == [("restrict", 1, f"{year + 8}-12-31", "§ 147 AO")]
        assert statement_of(house, case).exceptions
    assert accounts.rows("SELECT * FROM invoices") == [
        ("R-1", 17, "Lake Road 1", f"{year}-03-05", 1),
        ("R-2", 18, "Lake Road 1", f"{year}-03-05", 0),
    ]
    ((id_, email, name),) = accounts.rows("SELECT * FROM customers WHERE id = 17")
    assert (id_, EMAIL in email, NAME in name) == (17, False, False)
    assert accounts.rows("SELECT id FROM orders") == [(181,)]
    assert {place: data for place, data in accounts.everything().items() if place.endswith(("18", "181", " 2"))} == {
        place: data for place, data in before.items() if place.endswith(("18", "181", " 2"))
    }


def test_where_nothing_fences_a_kept_record_the_certificate_says_so(accounts: Company) -> None:
    accounts.connector(_CONNECTOR.replace("    restrict: {set: {blocked: true}}\n", ""))
    _invoice(accounts, "R-1", f"{NOON.year}-01-05")
    before = accounts.rows("SELECT * FROM invoices")
    with working(accounts) as house:
        case = carried_through(house, opened_for(house))
        assert [row["treatment"] for row in _kept(house, case) if row["collection"] == "invoices"] == ["retained, not fenced"]
    assert accounts.rows("SELECT * FROM invoices") == before


def test_an_invoice_whose_period_is_over_goes_with_its_customer(accounts: Company) -> None:
    _invoice(accounts, "R-1", f"{NOON.year - 10}-03-05")
    with working(accounts) as house:
        case = carried_through(house, opened_for(house))
        assert (case.stage, case.outcome) == (Stage.CLOSED, Outcome.FULFILLED)
    assert accounts.rows("SELECT * FROM invoices") == []
    assert accounts.rows("SELECT id FROM customers") == [(18,)]


def test_a_request_ends_a_purpose_before_its_time(accounts: Company) -> None:
    """Leads are kept for two years without a legal ground; who asks to be erased does not wait for that."""
    accounts.sql(f"INSERT INTO leads VALUES (1, '{EMAIL}', '{NOON.date()}'), (2, '{BOB}', '{NOON.date()}')")
    with working(accounts) as house:
        assert carried_through(house, opened_for(house)).outcome is Outcome.FULFILLED
    assert accounts.rows("SELECT id FROM leads") == [(2,)]


# --- cascades and mentions -----------------------------------------------------------------------------------------------


def test_what_a_cascade_takes_is_listed_and_counted_before_it_goes(accounts: Company) -> None:
    accounts.sql(
        "CREATE TABLE lines (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders (id) ON DELETE CASCADE, what TEXT);"
        "INSERT INTO lines VALUES (1, 171, 'tea'), (2, 171, 'cups'), (3, 181, 'tea')"
    )
    with working(accounts) as house:
        case = planned(house)
        assert plan_of(house, case).affected == 5  # customer, order, ticket, two lines
        report = case_report(house, case.id)["plan"]
        assert isinstance(report, dict)
        assert [(row["collection"], row["records"]) for row in report["items"] if "cascade" in row["how"]] == [("lines", 2)]
        case = carried_through(house, case)
        done = {(row["collection"], row["result"]): row["records"] for row in statement_of(house, case).systems[0].done}
        assert done["lines", "done with its parent (cascade)"] == 2
    assert accounts.rows("SELECT id FROM lines") == [(3,)]


def test_a_cascade_never_takes_what_a_rule_keeps(accounts: Company) -> None:
    accounts.sql(
        "DROP TABLE invoices; CREATE TABLE invoices (number TEXT PRIMARY KEY, customer_id INTEGER REFERENCES customers (id) ON DELETE CASCADE,"
        " billed_to TEXT, issued_on DATE, blocked BOOLEAN)"
    )
    _invoice(accounts, "R-1", f"{NOON.year}-01-05")
    with working(accounts) as house:
        case = carried_through(house, opened_for(house))
        assert case.stage is Stage.CLOSED
    assert accounts.rows("SELECT number FROM invoices") == [("R-1",)]
    assert accounts.rows("SELECT count(*) FROM customers") == [(2,)]
    assert EMAIL not in str(accounts.everything())


def test_a_mention_is_cut_out_and_everything_else_in_its_row_is_unchanged(accounts: Company) -> None:
    accounts.sql("CREATE TABLE odd (id INTEGER PRIMARY KEY, body TEXT, more TEXT, number REAL, big INTEGER, bytes BLOB, none TEXT, day TEXT)")
    accounts.sql(
        "INSERT INTO odd VALUES "
        f"(1, '  Ça va?\r\n{EMAIL}\t– “tea” \U0001f375 ', 'x ' || char(9), 0.1, 9007199254740993, x'00ff10', NULL, '0000-00-00')"
    )
    (before,) = accounts.rows("SELECT * FROM odd")
    with working(accounts) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        approved(house, case, accept_gaps=True)  # nobody can tell what the bytes are
        assert run_case(house, case.id, WORKER).stage is Stage.CLOSED
    (after,) = accounts.rows("SELECT * FROM odd")
    assert after[1] == before[1].replace(EMAIL, "[redacted]")
    assert (after[:1], after[2:]) == (before[:1], before[2:])


# --- sweeps -------------------------------------------------------------------------------------------------------------------


def _swept(company: Company, day: date, *, dry_run: bool = False) -> Swept:
    with working(company, FixedClock(datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=3))) as house:
        return sweep(house, house.policies["ours"], by="officer", worker=WORKER, dry_run=dry_run)


@pytest.mark.parametrize(
    ("start", "last_kept"),
    [
        ("2024-01-15", "2026-01-15"),
        ("2024-02-28", "2026-02-28"),
        ("2024-02-29", "2026-02-28"),
        ("2022-02-28", "2024-02-28"),
        ("2023-12-31", "2025-12-31"),
        ("2024-01-01", "2026-01-01"),
        ("2024-06-01 23:59:59", "2026-06-01"),
    ],
)
def test_a_sweep_erases_on_the_day_after_the_last_day_and_not_before(aged: Company, start: str, last_kept: str) -> None:
    aged.sql(f"INSERT INTO leads VALUES (1, '{EMAIL}', '{start}'), (2, '{BOB}', '2026-12-31')")
    day = date.fromisoformat(last_kept)
    assert _swept(aged, day).case.outcome is Outcome.FULFILLED
    assert aged.rows("SELECT id FROM leads") == [(1,), (2,)]
    assert _swept(aged, day + timedelta(days=1)).case.outcome is Outcome.FULFILLED
    assert aged.rows("SELECT id FROM leads") == [(2,)]


@pytest.mark.parametrize(("issued_on", "last_kept"), [("2017-01-01", "2025-12-31"), ("2017-12-31", "2025-12-31"), ("2016-02-29", "2024-12-31")])
def test_a_period_that_begins_at_the_end_of_the_year_ends_at_the_end_of_a_year(aged: Company, issued_on: str, last_kept: str) -> None:
    _invoice(aged, "R-1", issued_on)
    _invoice(aged, "R-2", f"{int(issued_on[:4]) + 1}-01-01")
    day = date.fromisoformat(last_kept)
    _swept(aged, day)
    assert len(aged.rows("SELECT number FROM invoices")) == 2
    _swept(aged, day + timedelta(days=1))
    assert aged.rows("SELECT number FROM invoices") == [("R-2",)]


@pytest.mark.parametrize("start", ["NULL", "''", "'yesterday'", "'01.02.2003'", "'0000-00-00'", "20030201"])
def test_what_began_at_an_unknown_time_is_never_erased_by_a_sweep(aged: Company, start: str) -> None:
    aged.sql(f"INSERT INTO leads VALUES (1, '{EMAIL}', {start}), (2, '{BOB}', '2001-01-01')")
    assert _swept(aged, date(2026, 1, 1)).case.stage is Stage.CLOSED
    assert aged.rows("SELECT id FROM leads") == [(1,)]


def test_a_record_that_a_more_specific_rule_keeps_longer_outlives_the_sweep_of_the_general_one(aged: Company) -> None:
    general = "  - name: everything\n    when: {system: shop}\n    keep: {for: 1 year, from: issued_on}\n    then: delete\n"
    invoices = _CONNECTOR[_CONNECTOR.index("  invoices:") : _CONNECTOR.index("  leads:")]
    aged.connector(f"connector: shop\ndriver: sql\ncollections:\n{invoices}discover: rest\n")
    aged.policy(POLICY[: POLICY.index("rules:")] + f"rules:\n{_INVOICES}{general}{_SWEEP}")
    _invoice(aged, "R-1", "2020-05-05")
    _invoice(aged, "R-2", "2010-05-05")
    swept = _swept(aged, date(2026, 1, 1))
    assert aged.rows("SELECT number FROM invoices") == [("R-1",)]
    assert swept.case.stage is Stage.CLOSED, swept.case.wait


def test_the_first_sweeps_of_a_policy_are_dry_whatever_is_asked_for(aged: Company) -> None:
    text = (aged.home / "policies" / "ours.yaml").read_text()
    aged.policy(text.replace("first_runs_dry: 0", "first_runs_dry: 2"))
    aged.sql(f"INSERT INTO leads VALUES (1, '{EMAIL}', '2001-01-01')")
    before = aged.everything()
    for day in (1, 2):
        swept = _swept(aged, date(2026, 1, day))
        assert (swept.is_dry, swept.forced_dry, swept.case.stage, swept.case.outcome) == (True, True, Stage.CLOSED, Outcome.WITHDRAWN)
        assert swept.plan is not None
        assert swept.plan.affected == 1
        assert aged.everything() == before
    swept = _swept(aged, date(2026, 1, 3))
    assert (swept.is_dry, swept.case.outcome) == (False, Outcome.FULFILLED)
    assert aged.rows("SELECT * FROM leads") == []


class _KilledAt(Borders):
    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def cross(self, name: str) -> None:
        if name == self._name:
            os.kill(os.getpid(), signal.SIGKILL)


def test_a_dry_sweep_that_was_killed_never_becomes_a_real_one_in_the_hands_of_a_worker(aged: Company) -> None:
    aged.sql(f"INSERT INTO leads VALUES (1, '{EMAIL}', '2001-01-01')")
    before = aged.everything()

    def work() -> None:
        with working(aged) as house:
            bordered = replace(house, store=BorderedStore(house.store, _KilledAt("after a release")))
            sweep(bordered, house.policies["ours"], by="officer", worker=WORKER, dry_run=True)

    assert in_child(work) == -signal.SIGKILL
    with working(aged) as house:
        (case_id,) = house.store.claimable(house.clock.now())
        case = run_case(house, case_id, "next")
        assert (case.stage, case.outcome) == (Stage.CLOSED, Outcome.WITHDRAWN)
    assert aged.everything() == before


def test_a_sweep_that_would_hit_three_times_its_usual_count_asks_a_person(aged: Company) -> None:
    for day in (1, 2, 3):
        aged.sql(f"INSERT INTO leads (email, last_contact_at) VALUES ('{day}@example.org', '2001-01-01'), ('{day}b@example.org', '2001-01-01')")
        assert _swept(aged, date(2026, 1, day)).case.stage is Stage.CLOSED
    many = ", ".join(f"('{number}@example.net', '2001-01-01')" for number in range(30))
    aged.sql(f"INSERT INTO leads (email, last_contact_at) VALUES {many}")
    swept = _swept(aged, date(2026, 1, 4))
    assert (swept.case.stage, waits_for(swept.case)) == (Stage.APPROVE, "sweep.unusual")
    assert aged.rows("SELECT count(*) FROM leads") == [(30,)]
    with working(aged) as house:
        approved(house, swept.case)
        assert run_case(house, swept.case.id, WORKER).stage is Stage.CLOSED
    assert aged.rows("SELECT count(*) FROM leads") == [(0,)]


def test_a_sweep_that_would_take_more_than_its_share_of_a_collection_asks_a_person(aged: Company) -> None:
    text = (aged.home / "policies" / "ours.yaml").read_text()
    aged.policy(text.replace("max_share: 100%", "max_share: 10%"))
    rows = ", ".join(f"('{number}@example.net', '{2001 if number < 3 else 2025}-06-01')" for number in range(20))
    aged.sql(f"INSERT INTO leads (email, last_contact_at) VALUES {rows}")
    swept = _swept(aged, date(2026, 1, 1))
    assert (swept.case.stage, waits_for(swept.case)) == (Stage.APPROVE, "sweep.unusual")
    assert aged.rows("SELECT count(*) FROM leads") == [(20,)]


# --- shared work -----------------------------------------------------------------------------------------------------------------


def test_two_cases_that_wait_for_a_system_are_served_by_one_pass(accounts: Company) -> None:
    calls: Counter[str] = Counter()
    with working(accounts, drivers=meddled(lambda _, point: calls.update([point]))) as house:
        ida, bob = (run_case(house, opened_for(house, ("email", email)).id, WORKER, until=Stage.DISCOVER) for email in (EMAIL, BOB))
        calls.clear()
        ida = run_case(house, ida.id, WORKER)
        passes = calls["before find"]
        assert passes == len(accounts.rows("SELECT 1 FROM sqlite_schema WHERE type = 'table'"))
        bob = run_case(house, bob.id, WORKER)
        assert calls["before find"] == passes
        assert [waits_for(case) for case in (ida, bob)] == ["approval.missing"] * 2
        approved(house, ida)
        run_case(house, ida.id, WORKER)
        assert accounts.rows("SELECT email FROM customers") == [(BOB,)]
        approved(house, bob)
        assert run_case(house, bob.id, WORKER).stage is Stage.CLOSED
    assert accounts.rows("SELECT * FROM customers") == []
