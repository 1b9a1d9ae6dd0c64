"""What other erasure tools get wrong, one test each: rows that are missed, rows that are taken too many, runs that stop half way."""

from datetime import timedelta

import psycopg
import pytest

from dsr_engine.cli.entry import main
from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.finding import Extent
from dsr_engine.workflow.decide import NOT_THEIRS, STAYS, decide_findings, possible_findings
from dsr_engine.workflow.discover import FOUND
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import open_case
from dsr_engine.workflow.resolve_identities import SAME_PERSON
from dsr_engine.workflow.settling import settle
from tests.servers.postgres import PostgresServer
from tests.workflow.company import BOB, EMAIL, NAME, PHONE, POLICY, SHOP, SHOP_CONNECTOR, Company
from tests.workflow.journeys import (
    WORKER,
    approved,
    carried_through,
    journey,
    opened_for,
    plan_of,
    planned,
    request_of,
    statement_of,
    waits_for,
    working,
)

_LEFT = {"customers 18", "orders 181", "tickets 1", "tickets 2"}


def _possible(house: House, case: Case) -> list[str]:
    with house.store.snapshot() as tx:
        return [id_ for id_, _ in possible_findings(tx, case, FOUND)]


# --- rows that are missed ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", [EMAIL.upper(), EMAIL.title(), f"  {EMAIL} "])
def test_an_address_is_found_however_the_request_writes_it(shop: Company, written: str) -> None:
    assert journey(shop, ("email", written)).outcome is Outcome.FULFILLED
    assert set(shop.everything()) == _LEFT
    assert EMAIL not in shop.everything()["tickets 1"].decode()


@pytest.mark.parametrize(
    "written", ["IDA.LINDQVIST@EXAMPLE.ORG", "Ida.Lindqvist@Example.org", " ida.lindqvist@example.org  ", "ida.lindqvist@example.org\n"]
)
def test_an_address_is_found_however_the_data_write_it(shop: Company, written: str) -> None:
    shop.sql(f"UPDATE customers SET email = '{written}' WHERE id = 17; UPDATE tickets SET body = 'Call {written}!' WHERE id = 1")
    assert journey(shop).outcome is Outcome.FULFILLED
    assert set(shop.everything()) == _LEFT
    assert "lindqvist" not in str(shop.everything()).lower()


def test_an_address_with_a_tag_is_cut_out_and_its_record_is_not_taken(shop: Company) -> None:
    """It is hers in all likelihood, but the account that goes by it may be another one."""
    shop.sql(f"INSERT INTO customers VALUES (19, '{EMAIL.replace('@', '+news@')}', 'Somebody')")
    assert journey(shop).outcome is Outcome.FULFILLED
    assert shop.rows("SELECT id, full_name FROM customers") == [(18, "Bob Marsh"), (19, "Somebody")]
    assert "lindqvist" not in str(shop.everything())


def test_a_declared_table_that_no_key_leads_to_is_searched_all_the_same(shop: Company) -> None:
    shop.sql(f"CREATE TABLE newsletter (id INTEGER PRIMARY KEY, address TEXT); INSERT INTO newsletter VALUES (1, '{EMAIL}'), (2, '{BOB}')")
    shop.connector(
        SHOP_CONNECTOR.replace(
            "discover: rest", "  newsletter: {key: [id], fields: {address: {category: user.contact.email, selects: email}}}\ndiscover: none"
        )
    )
    journey(shop)
    assert shop.rows("SELECT address FROM newsletter") == [(BOB,)]


def test_a_table_that_nobody_declared_is_searched_and_what_is_not_known_of_it_is_told(shop: Company) -> None:
    shop.sql(f"CREATE TABLE notes (id INTEGER PRIMARY KEY, a TEXT, b TEXT); INSERT INTO notes VALUES (1, 'x', 'ask {EMAIL}, or {BOB}')")
    with working(shop) as house:
        case = carried_through(house, opened_for(house))
        assert case.outcome is Outcome.FULFILLED_WITH_EXCEPTIONS
        assert ["notes" in text for text in statement_of(house, case).exceptions] == [True]
    assert shop.rows("SELECT * FROM notes") == [(1, "x", f"ask [redacted], or {BOB}")]


def test_the_same_request_again_after_one_that_failed_still_reaches_the_children(shop: Company) -> None:
    shop.sql("CREATE TRIGGER never BEFORE DELETE ON orders BEGIN SELECT RAISE(ABORT, 'no'); END")
    with working(shop) as house:
        first = carried_through(house, opened_for(house))
        assert first.stage is not Stage.CLOSED
        assert shop.rows("SELECT id FROM customers WHERE id = 17") == [(17,)]
        shop.sql("DROP TRIGGER never")
        second = carried_through(house, opened_for(house))
        assert (second.stage, second.outcome) == (Stage.CLOSED, Outcome.FULFILLED)
    assert set(shop.everything()) == _LEFT


def test_a_disabled_system_is_a_gap_and_its_case_is_never_simply_fulfilled(company: Company) -> None:
    before = company.everything()
    company.declare("mail", company.systems["mail"] + ", disabled: true")
    with working(company) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        assert (case.stage, waits_for(case)) == (Stage.APPROVE, "coverage.gap")
        approved(house, case, accept_gaps=True)
        case = run_case(house, case.id, WORKER)
        assert (case.stage, case.outcome) == (Stage.CLOSED, Outcome.FULFILLED_WITH_EXCEPTIONS)
        assert any("mail" in text and "disabled" in text for text in statement_of(house, case).exceptions)
    mails = {place: data for place, data in before.items() if place.startswith("mail/")}
    assert mails.items() <= company.everything().items()


def test_what_became_readable_is_looked_at_when_the_case_is_run_again(company: Company) -> None:
    entry = company.systems["files"]
    company.declare("files", entry.replace("/files", "/elsewhere"))
    with working(company) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        assert (case.stage, waits_for(case)) == (Stage.APPROVE, "coverage.gap")
    company.declare("files", entry)
    with working(company) as house:
        case = carried_through(house, case)
        assert (case.stage, case.outcome) == (Stage.CLOSED, Outcome.FULFILLED)
    assert EMAIL.encode() not in b"".join(company.everything().values())


def test_a_mistyped_field_is_an_error_of_the_file_and_of_the_case(shop: Company, capsys: pytest.CaptureFixture[str]) -> None:
    before = shop.everything()
    shop.connector(SHOP_CONNECTOR.replace("email:   ", "e_mail:  "))
    with pytest.raises(SystemExit) as left:
        main(["--home", str(shop.home), "check", "--allow-gaps"])
    assert left.value.code == 2
    assert "e_mail" in capsys.readouterr().out
    with working(shop) as house:
        case = carried_through(house, opened_for(house))
        assert case.stage is not Stage.CLOSED
        with house.store.snapshot() as tx:
            assert {row.extent for row in tx.coverage.of(case.id, 1, FOUND)} != {Extent.FULL}
    assert shop.everything() == before


# --- rows that are taken too many ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "value"), [("name", NAME), ("phone", PHONE)])
def test_a_weak_identifier_alone_never_erases(shop: Company, kind: str, value: str) -> None:
    shop.sql(f"ALTER TABLE customers ADD COLUMN phone TEXT; UPDATE customers SET phone = '{PHONE}'")
    shop.connector(
        SHOP_CONNECTOR.replace(
            "{category: user.name}", "{category: user.name, selects: name}\n      phone:     {category: user.contact.phone_number, selects: phone}"
        )
    )
    before = shop.everything()
    with working(shop) as house:
        case = run_case(house, opened_for(house, (kind, value)).id, WORKER)
        assert (case.stage, waits_for(case)) == (Stage.APPROVE, "finding.undecided")
        assert plan_of(house, case).affected == 0
        with pytest.raises(Conflict) as caught:
            approved(house, case)
        assert caught.value.code == "finding.undecided"
        decide_findings(house, case.id, [(id_, NOT_THEIRS) for id_ in _possible(house, case)], "officer")
        assert carried_through(house, case).stage is Stage.CLOSED
    assert shop.everything() == before


@pytest.fixture
def couple(shop: Company) -> Company:
    """Two customers with one address."""
    shop.sql(
        "PRAGMA legacy_alter_table = ON; ALTER TABLE customers RENAME TO old;"
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, full_name TEXT);"
        f"INSERT INTO customers SELECT * FROM old; INSERT INTO customers VALUES (20, '{EMAIL}', 'Otto Lindqvist'); DROP TABLE old;"
    )
    return shop


def test_an_identifier_that_two_people_share_makes_the_case_wait(couple: Company) -> None:
    before = couple.everything()
    with working(couple) as house:
        case = carried_through(house, opened_for(house))
        assert (case.stage, waits_for(case)) == (Stage.RESOLVE_IDENTITIES, "identity_shared")
        assert couple.everything() == before
        settle(house, case.id, SAME_PERSON, "officer")
        assert carried_through(house, case).stage is Stage.CLOSED
    assert couple.rows("SELECT id FROM customers") == [(18,)]


def test_the_rows_of_somebody_with_the_same_number_elsewhere_stay(shop: Company) -> None:
    """17 is her key among the customers; among the parcels it is a number like any other."""
    shop.sql(
        "CREATE TABLE parcels (id INTEGER PRIMARY KEY, customer_id INTEGER, weight INTEGER); INSERT INTO parcels VALUES (17, 18, 17), (3, 18, 17)"
    )
    before = {place: data for place, data in shop.everything().items() if place.startswith("parcels")}
    assert journey(shop).stage is Stage.CLOSED
    assert before.items() <= shop.everything().items()


# --- runs that stop half way ---------------------------------------------------------------------------------------------


def test_a_column_that_cannot_be_null_is_refused_before_the_first_write(shop: Company) -> None:
    shop.policy(POLICY.replace("then: delete", "then: {anonymize: {user.name: null}}"))
    before = shop.everything()
    with working(shop) as house:
        case = carried_through(house, opened_for(house))
        assert case.stage is Stage.APPROVE
        assert "NOT NULL" in (case.wait.reason if case.wait else "")
        with pytest.raises(Conflict):
            approved(house, case)
    assert shop.everything() == before


def test_a_mention_in_a_table_without_a_key_is_refused_before_the_first_write(shop: Company) -> None:
    shop.sql(f"CREATE TABLE log (line TEXT); INSERT INTO log VALUES ('{EMAIL} was here'), ('nothing')")
    before = shop.everything()
    with working(shop) as house:
        case = carried_through(house, opened_for(house))
        assert (case.stage, waits_for(case)) == (Stage.APPROVE, "sql.no_key")
    assert shop.everything() == before


def test_an_account_that_may_only_read_is_refused_by_check_and_before_the_first_write(
    shop: Company, postgres_server: PostgresServer, postgres_database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(postgres_server.url(postgres_database), autocommit=True) as connection:
        connection.execute(SHOP.encode())
        connection.execute(b"DROP ROLE IF EXISTS reader")
        connection.execute(b"CREATE ROLE reader LOGIN")
        connection.execute(b"GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
        shop.declare("shop", f'connector: shop, owner: shop@example.com, url: "{postgres_server.url(postgres_database, "reader")}"')
        with pytest.raises(SystemExit) as left:
            main(["--home", str(shop.home), "check", "--allow-gaps"])
        assert left.value.code == 3
        assert "DELETE" in capsys.readouterr().out
        with working(shop) as house:
            case = carried_through(house, opened_for(house))
            assert case.stage is Stage.APPROVE
            assert "sql." in waits_for(case)
            with pytest.raises(Conflict):
                approved(house, case)
        counts = connection.execute(
            b"SELECT (SELECT count(*) FROM customers), (SELECT count(*) FROM orders), (SELECT count(*) FROM tickets)"
        ).fetchone()
        assert counts == (2, 2, 2)
        connection.execute(b"DROP OWNED BY reader")
        connection.execute(b"DROP ROLE reader")


# --- approvals that are none -------------------------------------------------------------------------------------------------


def test_a_found_field_that_no_rule_covers_blocks_the_approval(shop: Company) -> None:
    shop.policy(POLICY.replace("  - name: mentions\n    when: {category: user, match: mentions}\n    then: redact\n", ""))
    with working(shop) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        assert (case.stage, waits_for(case)) == (Stage.APPROVE, "rule.missing")
        with pytest.raises(Conflict) as caught:
            approved(house, case)
        assert caught.value.code == "rule.missing"


def test_an_automatic_approval_goes_up_to_its_cap_and_not_further(shop: Company) -> None:
    shop.request("approval: automatic, max_affected: 2")
    with working(shop) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        assert (case.stage, waits_for(case)) == (Stage.APPROVE, "approval.over_cap")
        approved(house, case)
        assert run_case(house, case.id, WORKER).stage is Stage.CLOSED


def test_an_automatic_approval_under_its_cap_is_told_as_what_it_is(shop: Company) -> None:
    shop.request("approval: automatic, max_affected: 3")
    with working(shop) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        assert case.outcome is Outcome.FULFILLED
        assert [(entry["by"], entry["manner"]) for entry in statement_of(house, case).approvals] == [("policy", "automatic")]


def test_who_opened_a_case_cannot_approve_it(shop: Company) -> None:
    with working(shop) as house:
        case = planned(house)
        with pytest.raises(InputWrong) as caught:
            approved(house, case, by="officer")
        assert caught.value.code == "approve.own_case"
        assert waits_for(run_case(house, case.id, WORKER)) == "approval.missing"


def test_two_approvals_are_those_of_two_people(shop: Company, clock: FixedClock) -> None:
    shop.request("approval: two_people")
    with working(shop, clock) as house:
        case = planned(house)
        approved(house, case, by="anna")
        clock.at += timedelta(hours=1)
        approved(house, case, by="anna")
        case = run_case(house, case.id, WORKER)
        assert (case.stage, waits_for(case)) == (Stage.APPROVE, "approval.missing")
        approved(house, case, by="ben")
        assert run_case(house, case.id, WORKER).stage is Stage.CLOSED


def test_an_approval_holds_for_the_plan_that_was_seen_and_for_no_other(shop: Company) -> None:
    with working(shop) as house:
        case = planned(house)
        seen = plan_of(house, case)
        with house.store.snapshot() as tx:
            findings = [id_ for id_, finding in tx.findings.of(case.id, 1, FOUND) if finding.locator.collection == "tickets"]
        approved(house, case)
        decide_findings(house, case.id, [(id_, NOT_THEIRS) for id_ in findings], "officer")
        case = run_case(house, case.id, WORKER)
        assert (case.stage, waits_for(case)) == (Stage.APPROVE, "approval.missing")
        assert plan_of(house, case).digest() != seen.digest()


def test_who_decides_may_change_their_mind(shop: Company, clock: FixedClock) -> None:
    with working(shop, clock) as house:
        case = run_case(house, opened_for(house, ("name", NAME), ("email", EMAIL)).id, WORKER)
        with house.store.snapshot() as tx:
            findings = [id_ for id_, finding in tx.findings.of(case.id, 1, FOUND) if finding.locator.collection == "tickets"]
        for verdict in (NOT_THEIRS, STAYS, NOT_THEIRS):
            clock.at += timedelta(hours=1)
            decide_findings(house, case.id, [(id_, verdict) for id_ in findings], "officer")
        assert carried_through(house, case).stage is Stage.CLOSED
    assert EMAIL in shop.everything()["tickets 1"].decode()


def test_nothing_is_touched_before_the_cooling_off_is_over(shop: Company, clock: FixedClock) -> None:
    shop.request("approval: one_person, cool_off: 3 days")
    before = shop.everything()
    with working(shop, clock) as house:
        case = planned(house)
        approved(house, case)
        for hours in (0, 71):
            clock.at += timedelta(hours=hours)
            case = run_case(house, case.id, WORKER)
            assert (case.stage, waits_for(case)) == (Stage.APPROVE, "cooling_off")
            assert shop.everything() == before
        assert case.wait is not None
        assert case.wait.wake_at is not None
        clock.at = case.wait.wake_at
        assert run_case(house, case.id, WORKER).stage is Stage.CLOSED


def test_a_request_that_cannot_be_worked_on_opens_no_case(shop: Company) -> None:
    with working(shop) as house:
        for claims in ((("email", " "),), tuple(("email", f"{number}@example.org") for number in range(201))):
            with pytest.raises(InputWrong):
                open_case(house, request_of(house, *claims))
        with house.store.snapshot() as tx:
            assert tx.cases.list() == ()
