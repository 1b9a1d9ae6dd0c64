"""Erasures in a grown CRM on PostgreSQL, with the exact rows that are left. Every row that is not named here must be as it was."""

from pathlib import Path

import pytest

from dsr_engine.domain.case import Stage
from dsr_engine.domain.finding import Extent
from dsr_engine.workflow.discover import FOUND
from dsr_engine.workflow.engine import run_case
from tests.samples import crm
from tests.samples.carrying import MENTIONED, NOT_THEIRS, Carried, assert_closed, assert_forgotten, carry, company_of
from tests.samples.picture import Database, Outcome, Picture, assert_pictures
from tests.servers.postgres import PostgresServer
from tests.workflow.journeys import WORKER, opened_for, waits_for, working

_CLAIMS = (("email", crm.EMAIL), ("name", "Ann Rowe"), ("phone", crm.HOUSEHOLD))
#: Ann's record: others point at it, so it stays, and says nothing any more.
_SHELL = {"email": None, "full_name": "[erased]", "phone": None, "details": "null"}


@pytest.fixture
def crm_database(postgres_server: PostgresServer, postgres_database: str) -> Database:
    database = Database("postgres", postgres_server.url(postgres_database))
    crm.build(database, "DROP MATERIALIZED VIEW account_mail")
    return database


def _officer(collection: str, key: tuple[str, ...]) -> str:
    """Ben shares the telephone and names her: his record is his, and her address in it is hers. The other Ann Rowe is another."""
    return MENTIONED if (collection, key) == ("contact", (crm.BEN,)) else NOT_THEIRS


def _events(picture: Picture) -> list[object]:
    return [key for key in picture["event"] if isinstance(key, tuple) and str(key[2]).lower() == crm.EMAIL]


def _expected(carried: Carried) -> Outcome:
    return Outcome(
        gone={
            "contact": [crm.OLD],
            "comment": ["1"],
            "contact_tag": [(crm.ANN, "2")],
            "attachment": ["1"],
            "event": _events(carried.before),
        },
        became={
            "contact": {crm.ANN: _SHELL, crm.BEN: {"details": '{"n": 1.50, "partner": {"email": "[redacted]"}}'}},
            "account": {crm.account_id(2): {"notes": "Talk to [redacted]."}},
            "comment": {"3": {"body": f"Ask <[redacted]> or jo{crm.EMAIL}; 100% sure."}},
            "attachment": {"2": {"title": "About [redacted]"}},
        },
    )


def test_a_contact_goes_from_everything_that_grew_around_it(empty_home: Path, tmp_path: Path, crm_database: Database) -> None:
    company = company_of(empty_home, tmp_path / "company", "crm", crm_database, crm.CONNECTOR)
    carried = carry(company, crm_database, *_CLAIMS, verdict=_officer, same_person=True)
    assert_closed(carried)
    assert carried.found["contact", (crm.BEN,)] == ("owns", "possible")
    assert carried.found["contact", (crm.NAMESAKE,)] == ("mentions", "possible")
    assert_pictures(carried.after, _expected(carried).of(carried.before))
    assert_forgotten(company, crm.TRACES)


def test_what_a_trigger_writes_down_while_the_person_is_erased_goes_as_well(empty_home: Path, tmp_path: Path, crm_database: Database) -> None:
    crm_database.run(crm.AUDIT, f"UPDATE contact SET phone = phone WHERE id IN ('{crm.ANN}', '{crm.JOANN}')")
    company = company_of(empty_home, tmp_path / "company", "crm", crm_database, crm.CONNECTOR)
    carried = carry(company, crm_database, *_CLAIMS, verdict=_officer, same_person=True)
    assert_closed(carried)
    after = {table: rows for table, rows in carried.after.items() if table != "audit_log"}
    before = {table: rows for table, rows in carried.before.items() if table != "audit_log"}
    assert_pictures(after, _expected(carried).of(before))
    left = {str(row["row_id"]): str(row["old_row"]) for row in carried.after["audit_log"].values()}
    assert left.keys() == {crm.JOANN, crm.BEN}
    assert "ann.rowe@mail.example" not in left[crm.BEN]
    assert ("jo" + crm.EMAIL) in left[crm.JOANN]
    assert_forgotten(company, crm.TRACES)


@pytest.mark.slow
def test_a_snapshot_of_the_rows_is_filled_anew_without_the_person(
    empty_home: Path, tmp_path: Path, postgres_server: PostgresServer, postgres_database: str
) -> None:
    database = Database("postgres", postgres_server.url(postgres_database))
    crm.build(database)
    company = company_of(empty_home, tmp_path / "company", "crm", database, crm.CONNECTOR)
    carried = carry(company, database, *_CLAIMS, verdict=_officer, same_person=True)
    assert_closed(carried)
    mails = [row["emails"] for row in carried.after["account_mail"].values()]
    assert not any(mail and crm.EMAIL in [one.lower() for one in mail.split(", ")] for mail in mails)


def test_without_a_map_nobodys_row_goes_and_only_the_address_is_cut_out(empty_home: Path, tmp_path: Path, crm_database: Database) -> None:
    company = company_of(empty_home, tmp_path / "company", "crm", crm_database, "connector: bare\ndriver: sql\n")
    carried = carry(company, crm_database, *_CLAIMS, verdict=_officer, same_person=True, accept_gaps=True)
    assert {kind for kind, _ in carried.found.values()} == {"mentions"}
    assert ("sql.no_key", "event") in carried.obstacles  # a row without a key can go and cannot be changed: an officer has to say whose it is
    assert_pictures(carried.after, carried.before)


def test_rows_that_a_policy_of_the_database_hides_are_said_to_be_unseen(
    empty_home: Path, tmp_path: Path, crm_database: Database, postgres_server: PostgresServer, postgres_database: str
) -> None:
    crm_database.run("CREATE ROLE tenant_reader LOGIN", "GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO tenant_reader")
    try:
        seen = Database("postgres", postgres_server.url(postgres_database, "tenant_reader"))
        company = company_of(empty_home, tmp_path / "company", "crm", seen, crm.CONNECTOR)
        with working(company) as house:
            case = run_case(house, opened_for(house, *_CLAIMS).id, WORKER)
            with house.store.snapshot() as tx:
                unseen = {row.collection for row in tx.coverage.of(case.id, case.round, FOUND) if row.extent is not Extent.FULL}
        assert unseen >= {"contact", "comment"}
        assert case.stage is Stage.APPROVE
        assert waits_for(case) != "approval.missing"
    finally:
        crm_database.run("DROP OWNED BY tenant_reader", "DROP ROLE tenant_reader")
