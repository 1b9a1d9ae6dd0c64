"""Drafts of databases that nobody here made: who is asked about, who only acted, what goes along and what stays."""

from pathlib import Path

import pytest

from dsr_engine.workflow.drafting.draft import Draft, Role, Standing
from dsr_engine.workflow.drafting.yaml_text import yaml_of
from tests.samples import adventureworks, crm, northwind, pagila
from tests.samples.picture import Database
from tests.servers.postgres import PostgresServer
from tests.workflow.drafting_samples import build
from tests.workflow.drafts import drafted, followed, link, loaded, reason, suggested, written

NAMES = ("sakila", "chinook", "northwind", "adventureworks", "employees")


@pytest.fixture(scope="module")
def drafts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Draft]:
    folder = tmp_path_factory.mktemp("samples")
    return {name: drafted(build(name, folder)) for name in NAMES}


def _role(draft: Draft, collection: str) -> Role:
    entry = draft.collection_named(collection)
    assert entry is not None
    return entry.role


@pytest.mark.parametrize("name", NAMES)
def test_a_draft_loads_as_it_stands_and_with_every_suggestion_followed(drafts: dict[str, Draft], name: str) -> None:
    text = yaml_of(drafts[name])
    assert loaded(text).name == name
    bold = loaded(followed(text))
    assert {entry.name for entry in loaded(text).collections} <= {entry.name for entry in bold.collections}


@pytest.mark.parametrize("name", NAMES)
def test_the_same_database_gives_the_same_text(drafts: dict[str, Draft], tmp_path: Path, name: str) -> None:
    assert yaml_of(drafted(build(name, tmp_path))) == yaml_of(drafts[name])


# Sakila: a rental shop. The customer rents; the staff serves; addresses are kept for customers, staff and stores alike.


def test_in_sakila_the_customer_is_asked_about_and_the_staff_is_not(drafts: dict[str, Draft]) -> None:
    draft = drafts["sakila"]
    assert _role(draft, "customer") is Role.SUBJECT
    assert _role(draft, "staff") is Role.EMPLOYEE
    assert written(draft, "customer", "customer_id") == {"category": "user.unique_id", "selects": "customer_id", "identifies": "true"}
    assert written(draft, "customer", "email")["selects"] == "email"
    assert "selects" not in written(draft, "staff", "email")
    assert any(words.get("selects") == "email" for words in suggested(draft, "staff", "email"))


def test_in_sakila_rentals_are_the_customers_and_name_the_staff_as_actor(drafts: dict[str, Draft]) -> None:
    draft = drafts["sakila"]
    assert written(draft, "rental", "customer_id")["selects"] == "customer_id"
    assert written(draft, "rental", "staff_id")["role"] == "actor"
    assert written(draft, "store", "manager_staff_id")["role"] == "actor"
    inventory = link(draft, "rental", "inventory_id")
    assert inventory is not None
    assert inventory.standing is Standing.PARENT


def test_in_sakila_payments_without_any_constraint_are_found_by_name_and_values(drafts: dict[str, Draft]) -> None:
    draft = drafts["sakila"]
    to_customer, to_staff, to_rental = (link(draft, "payment", name) for name in ("customer_id", "staff_id", "rental_id"))
    assert to_customer is not None
    assert to_staff is not None
    assert to_rental is not None
    assert (to_customer.is_declared, to_customer.link.to_collection, to_customer.standing) == (False, "customer", Standing.OWNED)
    assert (to_staff.link.to_collection, to_staff.standing) == ("staff", Standing.ACTOR)
    assert to_rental.link.to_collection == "rental"
    assert "60 of 60" in to_customer.evidence
    assert written(draft, "payment", "customer_id") == {"category": "user.unique_id", "selects": "customer_id", "references": "customer.customer_id"}
    assert written(draft, "payment", "staff_id")["role"] == "actor"
    assert link(draft, "payment", "payment_id") is None


def test_in_sakila_the_address_is_a_suggestion_because_others_point_there_too(drafts: dict[str, Draft]) -> None:
    draft = drafts["sakila"]
    assert "carries" not in written(draft, "customer", "address_id")
    assert {"references": "address.address_id", "carries": "true"} in suggested(draft, "customer", "address_id")
    why = reason(draft, "customer", "address_id", "carries")
    assert "60 records of address were looked at" in why
    assert "staff.address_id points there as well" in why
    assert "store.address_id points there as well" in why
    for collection in ("staff", "store"):
        assert not suggested(draft, collection, "address_id")


def test_in_sakila_film_actors_are_known_by_name_only_and_own_no_film(drafts: dict[str, Draft]) -> None:
    draft = drafts["sakila"]
    assert _role(draft, "actor") is Role.UNCLEAR
    assert "selects" not in written(draft, "actor", "actor_id")
    assert "selects" not in written(draft, "film_actor", "actor_id")


# Chinook: a music shop.


def test_in_chinook_the_support_rep_only_acted_and_invoices_go_with_their_lines(drafts: dict[str, Draft]) -> None:
    draft = drafts["chinook"]
    assert _role(draft, "Customer") is Role.SUBJECT
    assert _role(draft, "Employee") is Role.EMPLOYEE
    assert written(draft, "Customer", "SupportRepId") == {"category": "user.unique_id", "role": "actor", "references": "Employee.EmployeeId"}
    assert written(draft, "Employee", "ReportsTo")["role"] == "actor"
    assert written(draft, "Invoice", "CustomerId")["selects"] == "customer_id"
    assert written(draft, "Invoice", "InvoiceId") == {"category": "user.unique_id", "identifies": "true"}
    assert written(draft, "InvoiceLine", "InvoiceId") == {"category": "user.unique_id", "selects": "invoice_id", "references": "Invoice.InvoiceId"}
    track = link(draft, "InvoiceLine", "TrackId")
    assert track is not None
    assert track.standing is Standing.PARENT
    assert not written(draft, "InvoiceLine", "TrackId")
    assert not written(draft, "Artist", "ArtistId").get("selects")


# Northwind: companies that buy, and contacts in them.


def test_in_northwind_orders_are_the_customers_and_name_the_employee_as_actor(drafts: dict[str, Draft]) -> None:
    draft = drafts["northwind"]
    assert _role(draft, "customers") is Role.SUBJECT
    assert _role(draft, "employees") is Role.EMPLOYEE
    assert written(draft, "orders", "customer_id")["selects"] == "customer_id"
    assert written(draft, "orders", "employee_id")["role"] == "actor"
    assert written(draft, "employees", "reports_to")["role"] == "actor"
    assert written(draft, "order_details", "order_id")["selects"] == "order_id"
    assert "selects" not in written(draft, "employee_territories", "employee_id")
    assert written(draft, "employees", "notes")["search"] == "text"


def test_in_northwind_products_do_not_belong_to_the_contact_of_their_supplier(drafts: dict[str, Draft]) -> None:
    draft = drafts["northwind"]
    assert _role(draft, "suppliers") is Role.ORGANISATION
    assert not written(draft, "products", "supplier_id")
    assert not suggested(draft, "products", "supplier_id")
    shipper = link(draft, "orders", "ship_via")
    assert shipper is not None
    assert shipper.standing is Standing.PARENT


def test_in_northwind_periods_run_from_the_order_and_not_from_what_was_required(drafts: dict[str, Draft]) -> None:
    draft = drafts["northwind"]
    assert written(draft, "orders", "order_date")["starts"] == "retention"
    assert "the one to prefer" in reason(draft, "orders", "order_date", "starts")
    assert "42 of 300" in reason(draft, "orders", "shipped_date", "starts")
    assert "starts" not in written(draft, "orders", "required_date")
    assert "starts" not in written(draft, "employees", "birth_date")


# AdventureWorks: one person in many tables under one number.


def test_in_adventureworks_a_persons_addresses_lead_to_the_person(drafts: dict[str, Draft]) -> None:
    draft = drafts["adventureworks"]
    assert _role(draft, "person") is Role.SUBJECT
    person = written(draft, "person", "businessentityid")
    assert (person["selects"], person["identifies"], person["same_as"]) == ("person_id", "true", "adventureworks.emailaddress.businessentityid")
    address = written(draft, "emailaddress", "businessentityid")
    assert (address["selects"], address["identifies"], address["references"]) == ("person_id", "true", "person.businessentityid")
    assert written(draft, "emailaddress", "emailaddress")["selects"] == "email"
    assert written(draft, "personphone", "businessentityid")["selects"] == "person_id"
    assert "selects" not in written(draft, "personphone", "phonenumber")


def test_in_adventureworks_a_link_table_of_addresses_is_for_a_human(drafts: dict[str, Draft]) -> None:
    draft = drafts["adventureworks"]
    assert not written(draft, "businessentityaddress", "businessentityid")
    owner = {"category": "user.unique_id", "selects": "person_id", "references": "person.businessentityid"}
    assert owner in suggested(draft, "businessentityaddress", "businessentityid")
    assert {"references": "address.addressid", "carries": "true"} in suggested(draft, "businessentityaddress", "addressid")
    addresstype = link(draft, "businessentityaddress", "addresstypeid")
    assert addresstype is not None
    assert not suggested(draft, "businessentityaddress", "addresstypeid")


def test_in_adventureworks_sales_people_only_acted_and_order_lines_go_by_cascade(drafts: dict[str, Draft]) -> None:
    draft = drafts["adventureworks"]
    assert _role(draft, "employee") is Role.EMPLOYEE
    assert _role(draft, "salesperson") is Role.EMPLOYEE
    assert written(draft, "salesorderheader", "salespersonid")["role"] == "actor"
    assert written(draft, "store", "salespersonid")["role"] == "actor"
    assert written(draft, "salesorderheader", "customerid")["selects"] == "customer_id"
    assert "ON DELETE CASCADE" in reason(draft, "salesorderdetail", "salesorderid", "selects")
    assert "selects" not in written(draft, "customer", "personid")
    assert any(words.get("references") == "person.businessentityid" for words in suggested(draft, "customer", "personid"))
    assert "starts" not in written(draft, "person", "modifieddate")


# Employees: nobody but employees, so they are who may ask.


def test_in_employees_the_employees_are_asked_about_and_who_managed_is_for_a_human(drafts: dict[str, Draft]) -> None:
    draft = drafts["employees"]
    assert _role(draft, "employees") is Role.SUBJECT
    assert written(draft, "employees", "emp_no")["identifies"] == "true"
    for collection in ("salaries", "dept_emp"):
        assert written(draft, collection, "emp_no") == {"category": "user.unique_id", "selects": "employee_id", "references": "employees.emp_no"}
    assert "selects" not in written(draft, "dept_manager", "emp_no")
    assert any(words.get("selects") == "employee_id" for words in suggested(draft, "dept_manager", "emp_no"))
    department = link(draft, "dept_emp", "dept_no")
    assert department is not None
    assert department.standing is Standing.PARENT


# Against connectors that somebody wrote by hand.

BY_HAND = {"pagila": pagila, "northwind": northwind, "adventureworks": adventureworks, "crm": crm}


@pytest.mark.parametrize("name", sorted(BY_HAND))
def test_a_draft_is_never_bolder_than_a_connector_by_hand(name: str, postgres_server: PostgresServer, postgres_database: str) -> None:
    url = postgres_server.url(postgres_database)
    BY_HAND[name].build(Database("postgres", url))
    draft = drafted(url)
    hand = {(entry.name, field.name): field for entry in loaded(BY_HAND[name].CONNECTOR).collections for field in entry.fields}
    parts = {(entry.name, found.link.fields[0]) for entry in draft.collections for found in entry.links if found.standing is Standing.PART}
    fields = {(entry.name, field.name): field.written for entry in draft.collections for field in entry.fields}
    owning = {place for place, words in fields.items() if "selects" in words}
    assert {place for place in owning - parts if place not in hand or not hand[place].selects} == set()
    assert {place for place, words in fields.items() if "carries" in words and not (place in hand and hand[place].carries)} == set()
    actors = {place for place, field in hand.items() if field.is_actor}
    assert not actors & owning
    # Nor is it timid: most of what the other one says is written or suggested.
    said = {place for place, field in hand.items() if field.selects or field.is_actor}
    told = {
        (entry.name, field.name)
        for entry in draft.collections
        for field in entry.fields
        if any({"selects", "role"} & set(proposal.words) for proposal in field.proposals)
    }
    assert len(said & told) >= 0.6 * len(said)
