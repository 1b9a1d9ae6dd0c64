"""Later looks: whoever comes back after the certificate is seen, whoever stays lawfully is not, and nobody is erased without a person's word."""

from datetime import timedelta

from dsr_engine.domain.case import Case, CaseKind, Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.workflow.chores import do_chores
from dsr_engine.workflow.decide import decide_findings, possible_findings
from dsr_engine.workflow.discover import FOUND
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from dsr_engine.workflow.staying_erased.aftercare import aftercare_report
from tests.workflow.company import EMAIL, NAME, POLICY, SHOP_CONNECTOR, Company
from tests.workflow.journeys import NOON, approved, carried_through, journey, opened_for, statement_of, waits_for, working

_AGAIN = f"INSERT INTO customers VALUES (17, '{EMAIL}', '{NAME}')"


def _chores(company: Company, days: float) -> list[str]:
    with working(company, FixedClock(NOON + timedelta(days=days))) as house:
        return list(do_chores(house))


def _leaves(house: House, kind: str) -> list[dict[str, object]]:
    with house.store.snapshot() as tx:
        return [data for _, data in tx.ledger.find(kind)]


def _sequel(house: House, case: Case) -> Case:
    with house.store.snapshot() as tx:
        (sequel,) = tx.sequels.after(case.id)
        return tx.cases.get(sequel.case)


def test_a_person_who_stays_away_is_looked_for_three_times_and_forgotten(shop: Company) -> None:
    journey(shop)
    for day in (1.1, 7.1, 29.0):
        _chores(shop, day)
    with working(shop, FixedClock(NOON + timedelta(days=31))) as house:
        said = list(do_chores(house))
        assert [entry["look"] for entry in _leaves(house, "rescan.clean")] == ["1", "7", "30"]
        assert _leaves(house, "rescan.found") == []
    assert len([line for line in said if "forgotten" in line]) == 1


def test_a_row_that_a_late_import_brought_back_is_seen_and_erased_when_somebody_approves(shop: Company) -> None:
    case = journey(shop)
    before = shop.everything()
    shop.sql(_AGAIN)
    said = _chores(shop, 1.1)
    assert any("found 1 record(s)" in line for line in said)
    with working(shop, FixedClock(NOON + timedelta(days=1.2))) as house:
        again = _sequel(house, case)
        assert (again.kind, again.identity, again.regimes, again.systems) == (CaseKind.REPLAY, "carried_over", case.regimes, case.systems)
        again = carried_through(house, again)
        assert again.stage is Stage.CLOSED
        said_of = statement_of(house, again).case
        assert (said_of["repeats"], said_of["because"]) == (case.id, "a later look found records of the person")
    assert shop.everything() == before


def test_no_policy_approves_by_itself_what_a_later_look_found(shop: Company) -> None:
    shop.request("approval: automatic, superseded: delete")
    case = journey(shop)
    shop.sql(_AGAIN)
    _chores(shop, 1.1)
    with working(shop, FixedClock(NOON + timedelta(days=1.2))) as house:
        again = run_case(house, _sequel(house, case).id, "worker")
        assert waits_for(again) == "approval.missing"
        approved(house, again)
        assert run_case(house, again.id, "worker").stage is Stage.CLOSED


def test_a_number_that_was_given_anew_is_a_question_and_no_residue(shop: Company) -> None:
    case = journey(shop)
    shop.sql("INSERT INTO customers VALUES (17, 'new.customer@example.net', 'New Customer'); INSERT INTO orders VALUES (172, 17, 'mine')")
    before = shop.everything()
    _chores(shop, 1.1)
    with working(shop, FixedClock(NOON + timedelta(days=1.2))) as house:
        (found,) = _leaves(house, "rescan.found")
        assert found["counts"] == {"residue": 0, "arrived": 0, "doubtful": 2, "gaps": 0}
        assert _leaves(house, "incident.opened") == []
        again = carried_through(house, _sequel(house, case))
        assert waits_for(again) == "finding.undecided"
    assert shop.everything() == before


def test_a_second_look_opens_no_second_case_while_the_first_is_open(shop: Company) -> None:
    case = journey(shop)
    shop.sql(_AGAIN)
    _chores(shop, 1.1)
    assert any("still finds" in line for line in _chores(shop, 7.1))
    with working(shop) as house:
        assert _sequel(house, case).stage is Stage.RESOLVE_IDENTITIES


_INVOICES = """\
  - name: invoices are kept for tax
    when: {collection: shop.invoices}
    keep: {for: 8 years, from: issued_on, to_year_end: true, because: legal_obligation, law: "§ 147 AO"}
    then: delete
"""
_INVOICE_FIELDS = """\
  invoices:
    key: [number]
    fields:
      customer_id: {category: user.unique_id, selects: customer_id, references: customers.id}
      issued_on:   {starts: retention}
discover:"""


def test_what_was_kept_by_law_and_what_was_decided_to_stay_is_no_residue(shop: Company) -> None:
    shop.connector(SHOP_CONNECTOR.replace("discover:", _INVOICE_FIELDS))
    shop.sql("CREATE TABLE invoices (number TEXT PRIMARY KEY, customer_id INTEGER, issued_on DATE)")
    shop.sql(f"INSERT INTO invoices VALUES ('R-1', 17, '{NOON:%Y}-01-05'); INSERT INTO tickets VALUES (3, 'Call {NAME} back.')")
    shop.policy(POLICY.replace("rules:\n", f"rules:\n{_INVOICES}"))
    with working(shop) as house:
        case = carried_through(house, opened_for(house, ("email", EMAIL), ("name", NAME)))
        with house.store.snapshot() as tx:
            found = [id_ for id_, _ in possible_findings(tx, tx.cases.get(case.id), FOUND)]
        decide_findings(house, case.id, [(id_, "stays") for id_ in found], "officer")
        assert carried_through(house, case).stage is Stage.CLOSED
    assert shop.rows("SELECT count(*) FROM invoices") == [(1,)]
    _chores(shop, 1.1)
    with working(shop) as house:
        assert (len(_leaves(house, "rescan.clean")), _leaves(house, "rescan.found")) == (1, [])


def test_a_look_that_meets_a_silent_system_waits_and_is_made_later(shop: Company) -> None:
    journey(shop)
    shop.shop.rename(shop.folder / "away.db")
    said = _chores(shop, 1.1)
    (shop.folder / "away.db").rename(shop.shop)
    with working(shop, FixedClock(NOON + timedelta(days=2))) as house:
        list(do_chores(house))
        assert [entry["look"] for entry in _leaves(house, "rescan.clean") + _leaves(house, "rescan.incomplete")] == ["1"]
    assert said


def test_the_page_of_a_case_tells_what_comes_after_it(shop: Company) -> None:
    case = journey(shop)
    with working(shop) as house, house.store.snapshot() as tx:
        assert [entry["look"] for entry in aftercare_report(tx, house, case)["looks"]] == ["1", "7", "30"]  # type: ignore[attr-defined]  # a list of rows


def test_all_systems_are_looked_at_in_one_pass_for_all_people(company: Company) -> None:
    with working(company) as house:
        first = carried_through(house, opened_for(house))
    assert first.stage is Stage.CLOSED
    company.deliver(f"From: {EMAIL}\nTo: shop@example.com\nSubject: Late\n\nhello\n", "9.late.host")
    company.put("late.csv", f"number,email\n17,{EMAIL}\n")
    _chores(company, 1.1)
    with working(company) as house:
        (found,) = _leaves(house, "rescan.found")
        assert found["counts"]["residue"] + found["counts"]["arrived"] == 2  # type: ignore[index]  # counts by name
