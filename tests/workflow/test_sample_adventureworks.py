"""Erasures in a bicycle maker's database on PostgreSQL, with the exact rows that are left. Every row that is not named here must be as it was."""

from pathlib import Path
from typing import Any

import pytest

from tests.samples import adventureworks
from tests.samples.carrying import assert_closed, assert_forgotten, carry, company_of
from tests.samples.picture import Database, Outcome, assert_pictures
from tests.servers.postgres import PostgresServer


@pytest.fixture
def bicycles(postgres_server: PostgresServer, postgres_database: str) -> Database:
    database = Database("postgres", postgres_server.url(postgres_database))
    adventureworks.build(database)
    return database


def test_a_person_goes_from_all_tables_of_the_supertype(empty_home: Path, tmp_path: Path, bicycles: Database) -> None:
    company = company_of(empty_home, tmp_path / "company", "adventureworks", bicycles, adventureworks.CONNECTOR)
    carried = carry(company, bicycles, ("email", adventureworks.SYED), accept_gaps=True, same_person=True)
    assert_closed(carried)
    mine = adventureworks.orders_of(21)
    expected = Outcome(
        gone={
            "person.businessentity": ["11"],
            "person.person": ["11"],
            "person.emailaddress": [("11", "1"), ("11", "2")],
            "person.personphone": [("11", adventureworks.PHONE, "1")],
            "person.password": ["11"],
            "person.businessentityaddress": [("11", "31", "2"), ("11", "32", "2")],
            "person.businessentitycontact": [("40", "11", "1")],
            "person.address": ["31"],
            "sales.customer": ["21"],
            "sales.personcreditcard": [("11", "11")],
            "sales.creditcard": ["11"],
            "sales.salesorderheader": [str(number) for number in mine],
            "sales.salesorderdetail": [line for number in mine for line in adventureworks.lines_of(number)],
        },
        became={
            "sales.salesorderheader": {"5": {"comment": "Gift for [redacted]"}},
            "humanresources.jobcandidate": {"1": {"resume": "<r><refer>[redacted]</refer><years>5</years></r>"}},
        },
    ).of(carried.before)
    assert_pictures(carried.after, expected)
    assert_forgotten(company, adventureworks.TRACES)


def test_without_a_map_nobodys_row_goes_and_only_the_address_is_cut_out(empty_home: Path, tmp_path: Path, bicycles: Database) -> None:
    company = company_of(empty_home, tmp_path / "company", "bare", bicycles, "connector: bare\ndriver: sql\n")
    carried = carry(company, bicycles, ("email", adventureworks.SYED))
    assert_closed(carried)
    more = carried.before["person.person"]["11"]["additionalcontactinfo"]
    became: dict[str, dict[Any, dict[str, Any]]] = {
        "humanresources.jobcandidate": {"1": {"resume": "<r><refer>[redacted]</refer><years>5</years></r>"}},
        "person.emailaddress": {("11", "1"): {"emailaddress": "[redacted]"}},
        "person.person": {"11": {"additionalcontactinfo": more.replace(adventureworks.SYED, "[redacted]")}},
        "sales.salesorderheader": {"5": {"comment": "Gift for [redacted]"}},
    }
    assert_pictures(carried.after, Outcome(became=became).of(carried.before))
