"""Erasures in a music shop on SQLite, with the exact rows that are left. Every row that is not named here must be as it was."""

from pathlib import Path

import pytest

from tests.samples import chinook
from tests.samples.carrying import POLICY, assert_closed, assert_forgotten, carry, company_of
from tests.samples.picture import Database, Outcome, Picture, assert_pictures

_INVOICES = """\
rules:
  - name: invoices are kept for tax
    when: {collection: chinook.Invoice}
    keep: {for: 8 years, from: InvoiceDate, to_year_end: true, because: legal_obligation, law: "§ 147 AO"}
    then: delete
"""
_INDEX = ("TicketSearch", "TicketSearch_data", "TicketSearch_idx", "TicketSearch_docsize")


@pytest.fixture
def music_shop(tmp_path: Path) -> Database:
    database = Database("sqlite", f"sqlite:///{tmp_path / 'chinook.db'}")
    chinook.build(database)
    return database


def _without_index(picture: Picture) -> Picture:
    """The picture without the pages of full-text indexes, which are the server's own; what they answer is asked instead."""
    return {table: rows for table, rows in picture.items() if table not in _INDEX}


def test_a_customer_whose_invoice_the_law_keeps_becomes_nobody(empty_home: Path, tmp_path: Path, music_shop: Database) -> None:
    company = company_of(empty_home, tmp_path / "company", "chinook", music_shop, chinook.CONNECTOR, POLICY.replace("rules:\n", _INVOICES))
    carried = carry(company, music_shop, ("email", chinook.LUIS), accept_gaps=True)
    assert_closed(carried)
    shell = {"FirstName": "[erased]", "LastName": "[erased]", "Email": "[erased]"} | dict.fromkeys(("Company", "Address", "PostalCode", "Phone"))
    expected = Outcome(
        gone={"Wish": [(4, "Song 1"), (4, "Song 2")]},
        became={
            "Customer": {4: shell},
            "Invoice": {3: {"BillingAddress": None}},  # its period is over; lines that nobody claims hold on to it
            "Ticket": {1: {"Body": "Please call [redacted] back."}},
        },
    ).of(carried.before)
    assert_pictures(_without_index(carried.after), _without_index(expected))
    assert music_shop.rows("SELECT rowid FROM TicketSearch WHERE TicketSearch MATCH 'luis'") == []
    assert music_shop.rows("SELECT rowid FROM TicketSearch WHERE TicketSearch MATCH 'lamp'") == [(3,)]
    music_shop.run("INSERT INTO TicketSearch (TicketSearch, rank) VALUES ('integrity-check', 1)")
    assert_forgotten(company, chinook.TRACES)


def test_an_employee_goes_and_neither_customers_nor_subordinates_go_along(empty_home: Path, tmp_path: Path, music_shop: Database) -> None:
    company = company_of(empty_home, tmp_path / "company", "chinook", music_shop, chinook.CONNECTOR)
    carried = carry(company, music_shop, ("email", chinook.JANE))
    assert_closed(carried)
    shell = {"FirstName": "[erased]", "LastName": "[erased]", "Email": None, "BirthDate": None, "Address": None, "Phone": None}
    expected = Outcome(became={"Employee": {3: shell}, "Ticket": {4: {"Body": "[redacted] is on leave."}}}).of(carried.before)
    assert_pictures(_without_index(carried.after), _without_index(expected))


def test_without_a_map_a_unique_number_is_no_proof(empty_home: Path, tmp_path: Path, music_shop: Database) -> None:
    """A customer number that somebody gave is some other row's key as well."""
    music_shop.run("INSERT INTO Invoice VALUES (100234, 1, '2025-01-01 00:00:00', 'Eichenring 5', 2.5)")
    company = company_of(empty_home, tmp_path / "company", "chinook", music_shop, "connector: bare\ndriver: sql\n")
    carried = carry(company, music_shop, ("customer_id", "100234"))
    assert_pictures(_without_index(carried.after), _without_index(carried.before))
    assert carried.found == {("Invoice", ("100234",)): ("mentions", "possible")}
