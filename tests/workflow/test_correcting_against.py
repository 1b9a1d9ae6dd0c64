"""No correction ever makes more go: not by a new name of a record, a second officer, a race, a rule of the policy, or a cap that fits at last."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from dsr_engine.domain.anonymize import Method, MethodName
from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.correction import Correction, Kind
from dsr_engine.domain.errors import Conflict
from dsr_engine.domain.finding import Confidence, Finding, Hit, Match
from dsr_engine.domain.policy import Policy, Rule, Then, Treatment, When
from dsr_engine.domain.record import Locator
from dsr_engine.workflow.correcting.correct import Targets, exclude, move, undo
from dsr_engine.workflow.correcting.permitting import Permits, Wanted
from dsr_engine.workflow.disposal import Part
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from dsr_engine.workflow.judgement import judge
from tests.workflow.company import EMAIL, SHOP, SHOP_CONNECTOR, Company, founded
from tests.workflow.journeys import NOON, WORKER, approved, carried_through, opened_for, plan_of, planned, waits_for, working
from tests.workflow.test_correcting import _CHOICES

_TICKETS = Targets(collections=("shop.tickets",))
_ORDERS = Targets(collections=("shop.orders",))


def _others(company: Company) -> Mapping[str, bytes]:
    """What is somebody else's, as it stands on the disk."""
    names = ("customers 18", "orders 181", "tickets 2")
    return {name: value for name, value in company.everything().items() if name in names}


def _taken_out(house: House, targets: Targets) -> Case:
    case = planned(house)
    exclude(house, case.id, targets, "unclear", "corrector")
    return run_case(house, case.id, WORKER)


def _drifts(company: Company) -> None:
    """Something else of the person changes, so that a second round begins."""
    company.sql(f"UPDATE customers SET full_name = 'Ida L.' WHERE email = '{EMAIL}'")


# --- records under another name ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE tickets SET id = 77 WHERE id = 1",
        "CREATE TABLE old_tickets (id INTEGER PRIMARY KEY, body TEXT NOT NULL);"
        "INSERT INTO old_tickets SELECT * FROM tickets WHERE id = 1; DELETE FROM tickets WHERE id = 1",
    ],
)
def test_a_record_that_stays_and_has_another_name_in_the_next_round_stops_the_plan(shop: Company, change: str) -> None:
    others = _others(shop)
    with working(shop) as house:
        case = _taken_out(house, _TICKETS)
        approved(house, case)
        _drifts(shop)
        for statement in change.split(";"):
            shop.sql(statement)
        case = carried_through(house, case)
        assert (case.round, waits_for(case)) == (2, "correction.lost")
        with pytest.raises(Conflict):
            approved(house, case)
    tables = [name for (name,) in shop.rows("SELECT name FROM sqlite_master WHERE name LIKE '%tickets'")]
    assert any(EMAIL in body for name in tables for (body,) in shop.rows(f"SELECT body FROM {name}"))  # names of tables, not values
    assert _others(shop) == others


def test_a_record_that_stays_and_that_its_owner_deleted_stops_nothing(shop: Company) -> None:
    others = _others(shop)
    with working(shop) as house:
        case = _taken_out(house, _TICKETS)
        approved(house, case)
        _drifts(shop)
        shop.sql("DELETE FROM tickets WHERE id = 1")
        case = carried_through(house, case)
        assert (case.round, case.stage) == (2, Stage.CLOSED)
    assert _others(shop) == others


def _files_taken_out(house: House) -> Case:
    case = planned(house)
    names = {f"files.{item.collection}" for item in plan_of(house, case).items if item.system == "files"}
    exclude(house, case.id, Targets(collections=tuple(names)), "unclear", "corrector")
    case = run_case(house, case.id, WORKER)
    approved(house, case)
    return case


def test_a_file_that_stays_and_was_renamed_stops_the_plan(empty_home: Path, tmp_path: Path) -> None:
    company = founded(empty_home, tmp_path / "company", ("shop", "files"))
    body = (company.files / "people.csv").read_bytes()
    with working(company) as house:
        case = _files_taken_out(house)
        _drifts(company)
        (company.files / "people.csv").rename(company.files / "clients.csv")
        case = carried_through(house, case)
        assert (case.round, waits_for(case)) == (2, "correction.lost")
    assert (company.files / "clients.csv").read_bytes() == body


def test_a_file_that_stays_and_was_written_anew_still_stays(empty_home: Path, tmp_path: Path) -> None:
    company = founded(empty_home, tmp_path / "company", ("shop", "files"))
    with working(company) as house:
        case = _files_taken_out(house)
        _drifts(company)
        body = (company.files / "people.csv").read_bytes() + f"19,{EMAIL}\n".encode()
        (company.files / "people.csv").write_bytes(body)
        case = carried_through(house, case)
        assert (case.round, case.stage) == (2, Stage.CLOSED)
    assert (company.files / "people.csv").read_bytes() == body
    assert company.rows("SELECT count(*) FROM customers WHERE id = 17") == [(0,)]


# --- what other records take along --------------------------------------------------------------------------------------------------------


def test_no_cascade_reaches_a_grandchild_that_stays(shop: Company) -> None:
    shop.shop.unlink()
    shop.add_shop(
        SHOP.replace("REFERENCES customers (id)", "REFERENCES customers (id) ON DELETE CASCADE")
        + "CREATE TABLE lines (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE, note TEXT);"
        f"INSERT INTO lines VALUES (1, 171, 'for {EMAIL}'), (2, 181, 'for Bob');",
        SHOP_CONNECTOR.replace("references: customers.id}", "references: customers.id}\n      note: {category: user.content}"),
    )
    before = shop.everything()
    with working(shop) as house:
        case = _taken_out(house, Targets(collections=("shop.lines",)))
        case = carried_through(house, case)
        assert case.stage is Stage.CLOSED
    after = shop.everything()
    kept = ("lines 1", "lines 2", *_others(shop))
    assert {name: after.get(name) for name in kept} == {name: before[name] for name in kept}
    assert EMAIL not in str(shop.rows("SELECT * FROM customers"))


def test_a_record_that_stays_goes_on_pointing_where_it_pointed(shop: Company) -> None:
    shop.sql("ALTER TABLE tickets ADD COLUMN customer_id INTEGER REFERENCES customers (id) ON DELETE SET NULL")
    shop.sql("UPDATE tickets SET customer_id = 17 WHERE id = 1")
    before = shop.everything()
    with working(shop) as house:
        case = carried_through(house, _taken_out(house, _TICKETS))
        assert case.stage is Stage.CLOSED
    after = shop.everything()
    assert after["tickets 1"] == before["tickets 1"]
    assert EMAIL not in str(shop.rows("SELECT * FROM customers"))


# --- people at the same time ------------------------------------------------------------------------------------------------------------


def test_of_two_corrections_of_the_same_records_the_gentler_one_counts(shop: Company) -> None:
    shop.policy(_CHOICES)
    others = _others(shop)
    with working(shop) as house:
        case = planned(house)
        customers = next(item for item in plan_of(house, case).items if item.collection == "customers")
        move(house, case.id, Targets(items=(customers.id,)), Treatment.ANONYMIZE, "corrector")
        with house.store.transaction() as tx:  # as somebody at the same moment, who had not seen the first one
            second = Correction("second", case.id, Kind.EXCLUDE, Treatment.RETAIN, "unclear", "shop", "customers", 1, tx.people.id_of("other"), NOON)
            tx.corrections.add(second, [planned.locator for planned in customers.records])
        case = run_case(house, case.id, WORKER)
        (item,) = [entry for entry in plan_of(house, case).items if entry.collection == "customers"]
        assert item.effect is None
        undo(house, case.id, "second", "other")
        case = run_case(house, case.id, WORKER)
        (item,) = [entry for entry in plan_of(house, case).items if entry.collection == "customers"]
        assert item.treatment is Treatment.ANONYMIZE
        carried_through(house, case)
    assert shop.rows("SELECT count(*) FROM customers WHERE id = 17") == [(1,)]
    assert _others(shop) == others


def test_a_worker_that_went_on_before_it_saw_the_correction_does_nothing(shop: Company) -> None:
    before = shop.everything()
    with working(shop) as house:
        case = planned(house)
        digest = plan_of(house, case).digest()
        exclude(house, case.id, _TICKETS, "unclear", "corrector")
        with house.store.transaction() as tx:
            tx.approvals.add(case.id, digest, tx.people.id_of("approver"), NOON, "approved")
            tx.cases.save(replace(case, stage=Stage.EXECUTE, wait=None))
        assert waits_for(run_case(house, case.id, WORKER)) == "approval.missing"
        assert shop.everything() == before
        carried_through(house, case)
    assert shop.everything()["tickets 1"] == before["tickets 1"]


def test_nothing_is_corrected_while_it_is_carried_out(shop: Company) -> None:
    with working(shop) as house:
        case = planned(house)
        approved(house, case)
        with house.store.transaction() as tx:
            tx.stops.stop("shop", tx.people.id_of("somebody"), NOON)
        case = run_case(house, case.id, WORKER)
        assert (case.stage, waits_for(case)) == (Stage.EXECUTE, "stopped")
        for act in (lambda: exclude(house, case.id, _TICKETS, "unclear", "corrector"), lambda: undo(house, case.id, "none", "corrector")):
            with pytest.raises(Conflict) as refused:
                act()
            assert refused.value.code == "case.stage"


# --- who approves -----------------------------------------------------------------------------------------------------------------------


def test_nobody_gets_below_the_cap_by_taking_records_out(shop: Company) -> None:
    shop.request("approval: automatic, max_affected: 2, superseded: delete")
    others = _others(shop)
    with working(shop) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        assert waits_for(case) == "approval.over_cap"
        exclude(house, case.id, _TICKETS, "unclear", "corrector")
        case = run_case(house, case.id, WORKER)
        assert plan_of(house, case).affected == 2
        assert waits_for(case) == "approval.missing"
        assert carried_through(house, case).stage is Stage.CLOSED
    assert EMAIL in shop.rows("SELECT body FROM tickets WHERE id = 1")[0][0]
    assert _others(shop) == others


# --- a treatment that only seems gentler ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "is_moved"), [(MethodName.TRUNCATE, False), (MethodName.GENERALIZE, False), (MethodName.PSEUDONYM, False), (MethodName.NULL, True)]
)
def test_what_a_rule_leaves_of_a_value_is_not_cut_out_instead(method: MethodName, is_moved: bool) -> None:
    rules = (
        Rule("soft", When(category="user.contact.email", collection="shop.customers"), Then(Treatment.ANONYMIZE, {"user": Method(method, "4")})),
        Rule("cut", When(category="user"), Then(Treatment.REDACT)),
    )
    policy = Policy("p", rules)
    hit = Hit("email", "user.contact.email", "s", "email", "plain", Confidence.CERTAIN, "email")
    finding = Finding("c", Locator("shop", "customers", ("1",)), Match.OWNS, Confidence.CERTAIN, (hit,), "server")
    part = Part("f", finding, Match.OWNS, judge(finding, Match.OWNS, policy, NOON.date()))
    assert [entry.then.treatment for entry in part.judgement.judged if entry.hit] == [Treatment.ANONYMIZE]
    after = Permits(policy, lambda _, collection: collection).corrected(part, Wanted(Kind.MOVE, Treatment.REDACT))
    assert after is not None
    expected = Treatment.REDACT if is_moved else Treatment.ANONYMIZE
    assert [entry.then.treatment for entry in after.judgement.judged if entry.hit] == [expected]
