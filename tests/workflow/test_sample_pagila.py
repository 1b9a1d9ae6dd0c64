"""Erasures in a DVD rental on PostgreSQL, with the exact rows that are left. Every row that is not named here must be as it was."""

from pathlib import Path
from typing import Any

import pytest

from tests.samples import pagila
from tests.samples.carrying import POLICY, assert_closed, assert_forgotten, carry, company_of
from tests.samples.picture import ANYTHING, Database, Outcome, assert_pictures
from tests.servers.postgres import PostgresServer


@pytest.fixture
def rental_shop(postgres_server: PostgresServer, postgres_database: str) -> Database:
    database = Database("postgres", postgres_server.url(postgres_database))
    pagila.build(database)
    return database


def test_a_customer_goes_with_payments_rentals_and_address_and_nothing_else(empty_home: Path, tmp_path: Path, rental_shop: Database) -> None:
    company = company_of(empty_home, tmp_path / "company", "pagila", rental_shop, pagila.CONNECTOR)
    carried = carry(company, rental_shop, ("email", pagila.ANN), accept_gaps=True)
    assert_closed(carried)
    mine = pagila.rentals_of(7)
    gone: dict[str, list[Any]] = {"customer": ["7"], "address": ["7"], "rental": [str(number) for number in mine]}
    expected = Outcome(gone | pagila.payments_by_table(mine)).of(carried.before)
    assert_pictures(carried.after, expected)
    assert_forgotten(company, pagila.TRACES)


_KEPT = """\
rules:
  - name: payments are kept for tax
    when: {collection: pagila.payment}
    keep: {for: 10 years, from: payment_date, to_year_end: true, because: legal_obligation, law: "§ 147 AO"}
    then: delete
  - name: rentals prove payments
    when: {collection: pagila.rental}
    keep: {for: 10 years, from: rental_date, to_year_end: true, because: legal_obligation, law: "§ 147 AO"}
    then: delete
"""


def test_payments_that_the_law_keeps_leave_an_anonymous_customer_and_no_address(empty_home: Path, tmp_path: Path, rental_shop: Database) -> None:
    company = company_of(empty_home, tmp_path / "company", "pagila", rental_shop, pagila.CONNECTOR, POLICY.replace("rules:\n", _KEPT))
    carried = carry(company, rental_shop, ("email", pagila.ANN), accept_gaps=True)
    assert_closed(carried)
    expected = Outcome(
        became={
            "customer": {"7": {"first_name": "[erased]", "last_name": "[erased]", "email": None, "last_update": ANYTHING}},
            "address": {"7": {"address": "[erased]", "postal_code": None, "phone": "[erased]", "last_update": ANYTHING}},
        }
    ).of(carried.before)
    assert_pictures(carried.after, expected)


def test_an_address_that_others_share_stays(empty_home: Path, tmp_path: Path, rental_shop: Database) -> None:
    company = company_of(empty_home, tmp_path / "company", "pagila", rental_shop, pagila.CONNECTOR)
    email = rental_shop.rows("SELECT email FROM customer WHERE customer_id = 10")[0][0]
    carried = carry(company, rental_shop, ("email", email), accept_gaps=True)
    assert_closed(carried)
    mine = pagila.rentals_of(10)
    gone: dict[str, list[Any]] = {"customer": ["10"], "rental": [str(number) for number in mine]}
    assert_pictures(carried.after, Outcome(gone | pagila.payments_by_table(mine)).of(carried.before))


@pytest.mark.slow
def test_a_film_whose_words_are_indexed_loses_the_person_and_keeps_the_rest(empty_home: Path, tmp_path: Path, rental_shop: Database) -> None:
    rental_shop.run(f"UPDATE film SET description = 'A drama about {pagila.ANN} and a lamp' WHERE film_id = 1")
    company = company_of(empty_home, tmp_path / "company", "pagila", rental_shop, pagila.CONNECTOR)
    carried = carry(company, rental_shop, ("email", pagila.ANN), accept_gaps=True)
    assert_closed(carried)
    assert carried.after["film"]["1"]["description"] == "A drama about [redacted] and a lamp"
    assert pagila.ANN not in carried.after["film"]["1"]["fulltext"]


def test_without_a_map_nothing_is_anybodys_and_the_person_is_found(empty_home: Path, tmp_path: Path, rental_shop: Database) -> None:
    company = company_of(empty_home, tmp_path / "company", "pagila", rental_shop, "connector: bare\ndriver: sql\ndiscover: all\n")
    carried = carry(company, rental_shop, ("email", pagila.ANN), ("name", "Ann Rowe"), accept_gaps=True)
    assert_closed(carried)
    assert carried.found == {("customer", ("7",)): ("mentions", "certain"), ("customer", ("9",)): ("mentions", "possible")}
    nameless = {"first_name": "[redacted]", "last_name": "[redacted]", "email": "[redacted]", "last_update": ANYTHING}
    assert_pictures(carried.after, Outcome(became={"customer": {"7": nameless}}).of(carried.before))
