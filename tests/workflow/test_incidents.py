"""When it went wrong: what was lost is told, the clock of 72 hours runs, and the certificate is not relied on any more."""

from datetime import timedelta
from pathlib import Path

import pytest

from dsr_engine.bootstrap import BUNDLE
from dsr_engine.certificate.check import check
from dsr_engine.certificate.trust import read_bundle
from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.incident import Incident, IncidentKind, Risk, Told
from dsr_engine.store import ledger_file
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from dsr_engine.workflow.incidents import (
    ENGINE,
    close_incident,
    judge_risk,
    open_incident,
    record_told,
    recoveries,
    report_lost,
    report_residue,
)
from tests.workflow.company import EMAIL, POLICY, SHOP_CONNECTOR, Company
from tests.workflow.journeys import NOON, WORKER, approved, carried_through, journey, opened_for, planned, statement_of, waits_for, working

KEEPS_ORDERS = """\
  - name: orders are kept
    when: {collection: shop.orders}
    keep: {while: {note: ["leave it at the door"]}, because: legal_claims, law: "§ 195 BGB"}
    then: delete
"""


def incidents_of(house: House, case: Case) -> tuple[Incident, ...]:
    with house.store.snapshot() as tx:
        return tx.incidents.of(case.id)


def later_of(house: House, case: Case, tmp_path: Path) -> str:
    """What a stranger with the exported ledger learns of the case's certificate."""
    with house.store.snapshot() as tx:
        issued = tx.certificates.of(case.id)
    assert issued is not None
    with house.store.transaction() as tx:
        tx.ledger.checkpoint()
    export = tmp_path / f"{case.id}.ledger"
    ledger_file.export(house.store, export)
    return check((house.paper.folder / issued.path).read_bytes(), read_bundle(house.paper.folder.parent / BUNDLE), ledger=export).later


def test_the_wrong_person_was_erased_and_what_was_lost_is_told(shop: Company, tmp_path: Path) -> None:
    shop.connector(SHOP_CONNECTOR + "residuals:\n  - {what: nightly backup, gone_after: 35 days}\n  - {what: log files}\n")
    case = journey(shop)
    with working(shop) as house:
        assert later_of(house, case, tmp_path) == "none"
        opened = open_incident(house, IncidentKind.WRONG_PERSON, case.id, NOON - timedelta(hours=1), "officer")
        assert opened.lost == {"shop.customers": 1, "shop.orders": 1, "shop.tickets": 1}
        assert opened.tell_authority_by == NOON + timedelta(hours=71)
        assert [(each.what, each.until) for each in recoveries(house, opened)] == [("nightly backup", (NOON + timedelta(days=35)).date())]
        assert later_of(house, case, tmp_path) == "withdrawn"


def test_what_was_lost_is_known_although_the_case_was_forgotten(shop: Company) -> None:
    case = journey(shop)
    with working(shop) as house:
        with house.store.transaction() as tx:
            house.store.vault.shred(tx, case.id)
        opened = open_incident(house, IncidentKind.WRONG_PERSON, case.id, NOON, "officer")
    assert opened.lost == {"shop.customers": 1, "shop.orders": 1, "shop.tickets": 1}


def test_the_risk_decides_who_is_told_and_nothing_is_closed_before(shop: Company) -> None:
    case = journey(shop)
    with working(shop) as house:
        opened = open_incident(house, IncidentKind.WRONG_PERSON, case.id, NOON, "officer")
        assert opened.owed == (Told.AUTHORITY,)
        with pytest.raises(Conflict, match="nobody judged the risk"):
            close_incident(house, opened.id, "restored", "officer")
        assert judge_risk(house, opened.id, Risk.UNLIKELY, "officer").owed == ()
        assert judge_risk(house, opened.id, Risk.HIGH, "officer").owed == (Told.AUTHORITY, Told.PEOPLE)
        record_told(house, opened.id, Told.AUTHORITY, NOON, "officer")
        with pytest.raises(Conflict, match="not told yet: people"):
            close_incident(house, opened.id, "restored", "officer")
        record_told(house, opened.id, Told.PEOPLE, NOON, "officer")
        closed = close_incident(house, opened.id, "restored", "officer")
        assert (closed.owed, closed.tell_authority_by, closed.closing) == ((), None, "restored")
        with pytest.raises(Conflict, match="closed"):
            judge_risk(house, opened.id, Risk.LIKELY, "officer")


def test_moments_that_cannot_be_are_refused(shop: Company) -> None:
    case = journey(shop)
    with working(shop) as house:
        with pytest.raises(InputWrong, match="future"):
            open_incident(house, IncidentKind.WRONG_PERSON, case.id, NOON + timedelta(seconds=1), "officer")
        opened = open_incident(house, IncidentKind.WRONG_PERSON, case.id, NOON, "officer")
        for at in (NOON - timedelta(days=2), NOON + timedelta(hours=1)):
            with pytest.raises(InputWrong, match="between becoming aware and now"):
                record_told(house, opened.id, Told.AUTHORITY, at, "officer")


def test_an_effect_that_is_not_what_was_approved_opens_an_incident_by_itself_and_only_one(shop: Company) -> None:
    shop.sql("CREATE TRIGGER undead AFTER DELETE ON customers BEGIN INSERT INTO customers VALUES (OLD.id, OLD.email, 'somebody'); END;")
    with working(shop) as house:
        case = planned(house)
        approved(house, case)
        case = run_case(house, case.id, WORKER)
        assert waits_for(case) == "first_batch.failed"
        run_case(house, case.id, WORKER)
        (found,) = incidents_of(house, case)
        assert (found.kind, found.opened_by, found.lost) == (IncidentKind.OUTSIDE_PLAN, ENGINE, {"shop.customers": 1})
        assert found.tell_authority_by == NOON + timedelta(hours=72)
    assert shop.rows("SELECT id, email FROM customers WHERE id = 18") == [(18, "bob.marsh@example.net")]


def test_a_record_that_was_to_stay_and_is_gone_opens_an_incident(shop: Company) -> None:
    shop.policy(POLICY.replace("  - name: what is theirs\n", KEEPS_ORDERS + "  - name: what is theirs\n"))
    shop.sql("CREATE TRIGGER greedy AFTER UPDATE ON tickets BEGIN DELETE FROM orders WHERE id = 171; END;")
    with working(shop) as house:
        case = planned(house)
        approved(house, case)
        case = run_case(house, case.id, WORKER)
        kinds = {(entry.kind, tuple(entry.lost)) for entry in incidents_of(house, case)}
        assert (IncidentKind.OUTSIDE_PLAN, ("shop.orders",)) in kinds
    assert shop.rows("SELECT id FROM orders") == [(181,)]


def test_a_case_that_did_what_was_approved_opens_none(shop: Company) -> None:
    case = journey(shop)
    with working(shop) as house:
        assert case.stage is Stage.CLOSED
        assert incidents_of(house, case) == ()


def test_residue_that_is_found_later_withdraws_the_certificate_until_another_takes_its_place(shop: Company, tmp_path: Path) -> None:
    first = journey(shop)
    shop.sql(f"INSERT INTO tickets VALUES (9, 'again from {EMAIL}')")
    with working(shop, FixedClock(NOON + timedelta(days=7))) as house:
        following = opened_for(house)
        with house.store.transaction() as tx:
            report_residue(tx, house, first, 1, following.id)
        assert later_of(house, first, tmp_path) == "withdrawn"
        with house.store.snapshot() as tx:
            old = tx.certificates.of(first.id)
        assert old is not None
        following = carried_through(house, following)
        assert statement_of(house, following).supersedes == old.id
        with house.store.snapshot() as tx:
            new, withdrawal = tx.certificates.of(following.id), tx.withdrawals.of(old.id)
        assert new is not None
        assert withdrawal is not None
        assert (withdrawal.reason, withdrawal.superseded_by) == ("residue", new.id)
        (entry,) = incidents_of(house, first)
        assert (entry.kind, entry.owed, entry.tell_authority_by) == (IncidentKind.RESIDUE, (Told.PEOPLE,), None)


def test_the_same_loss_is_reported_once_and_another_one_again(shop: Company) -> None:
    case = journey(shop)
    with working(shop) as house, house.store.transaction() as tx:
        assert report_lost(tx, house, case, {"shop.orders": 1}) is not None
        assert report_lost(tx, house, case, {"shop.orders": 1}) is None
        assert report_lost(tx, house, case, {"shop.orders": 2}) is not None
