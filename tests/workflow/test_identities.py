"""How a person's keys are followed through the systems, and when an identifier that leads to two records waits for a human."""

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest

from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import AboutSubjects, Driver, Query, Slice
from dsr_engine.drivers.registry import open_driver
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from dsr_engine.workflow.masking import MASK
from dsr_engine.workflow.report import case_report
from tests.workflow.company import EMAIL, NAME, PHONE, Company
from tests.workflow.journeys import WORKER, carried_through, opened_for, waits_for, working

CONNECTOR = """\
connector: shop
driver: sql
collections:
  customers:
    key: [id]
    fields:
      id:        {category: user.unique_id, selects: customer_id, identifies: true}
      email:     {category: user.contact.email, selects: email}
      full_name: {category: user.name, selects: name}
      phone:     {category: user.contact.phone_number, selects: phone}
  devices:
    key: [id]
    fields:
      serial:   {category: user.device, selects: device, identifies: true}
      customer: {category: user.unique_id, selects: customer_id, references: customers.id}
  pings:
    key: [id]
    fields:
      device: {category: user.device, selects: device, same_as: [shop.devices.serial]}
discover: rest
"""
TABLES = f"""\
DROP TABLE orders; DROP TABLE customers; DROP TABLE tickets;
CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, full_name TEXT, phone TEXT);
CREATE TABLE devices (id INTEGER PRIMARY KEY, serial TEXT, customer INTEGER REFERENCES customers (id));
CREATE TABLE pings (id INTEGER PRIMARY KEY, device TEXT);
INSERT INTO customers VALUES (17, '{EMAIL}', '{NAME}', '{PHONE}'), (18, 'bob@example.net', 'Bob Marsh', NULL);
INSERT INTO devices VALUES (1, 'A-100', 17), (2, 'A-101', 17), (3, 'A-102', 18);
INSERT INTO pings VALUES (1, 'A-100'), (2, 'A-101'), (3, 'A-102'), (4, 'a-100'), (5, 'xA-100');
"""


@pytest.fixture
def chain(shop: Company) -> Company:
    """A shop in which an e-mail address leads to a customer, the customer to two devices, and each device to its pings."""
    (shop.home / "connectors" / "shop.yaml").write_text(CONNECTOR, encoding="utf-8")
    shop.sql(TABLES)
    return shop


class Watching:
    """A driver that notes what it is asked for."""

    def __init__(self, driver: Driver, asked: list[Query]) -> None:
        self._driver, self._asked = driver, asked

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def slices(self, query: Query) -> Iterator[Slice]:
        self._asked.append(query)
        return self._driver.slices(query)


def _resolved(house: House) -> tuple[Case, list[tuple[str, str, str]]]:
    """A case of the person when its identities were followed, and the hops that are shown of it."""
    case = run_case(house, opened_for(house, ("email", EMAIL), ("name", NAME), ("phone", PHONE)).id, WORKER, until=Stage.DISCOVER)
    hops = case_report(house, case.id)["identities"]
    assert isinstance(hops, list)
    return case, [(row["kind"], row["where"], row["via"]) for row in hops]


def test_keys_are_followed_through_references_and_other_names_and_each_hop_is_shown(chain: Company) -> None:
    with working(chain) as house:
        case, hops = _resolved(house)
        assert case.stage is Stage.DISCOVER
        assert ("customer_id", "shop.customers.id", "email") in hops
        assert hops.count(("device", "shop.devices.serial", "shop.customers.id")) == 2
        assert not any(value in json.dumps(hops) for value in (EMAIL, "A-100", NAME))
        assert carried_through(house, case).stage is Stage.CLOSED
    assert chain.rows("SELECT id FROM customers") == [(18,)]
    assert chain.rows("SELECT id FROM devices") == [(3,)]
    assert [row for row in chain.rows("SELECT * FROM pings ORDER BY id") if row[0] in (3, 5)] == [(3, "A-102"), (5, "xA-100")]


def test_a_hop_asks_with_what_the_one_before_has_learnt_and_with_nothing_else(chain: Company) -> None:
    asked: list[Query] = []

    def watching(system: System, *, read_only: bool = False) -> Driver:
        return cast("Driver", Watching(open_driver(system, read_only=read_only), asked))

    with working(chain, drivers=watching) as house:
        _resolved(house)
    groups = [[selector for group in query.subjects.values() for selector in group] for query in asked if isinstance(query, AboutSubjects)]
    assert {selector.kind for selector in groups[0]} == {"email", "name", "phone"}
    assert all(selector.scope is not None for group in groups[1:] for selector in group)
    values = [selector.value.reveal() for group in groups[1:] for selector in group]
    assert sorted(set(values)) == ["17", "A-100", "A-101"]
    assert len(values) == len({(selector.scope, selector.value.reveal()) for group in groups[1:] for selector in group})


@pytest.mark.parametrize(
    ("other", "waits"),
    [
        (("Otto Lindqvist", None), "identity_shared"),
        (("Otto Lindqvist", PHONE), "identity_shared"),
        ((NAME, None), ""),
        ((NAME.upper(), PHONE), ""),
        (("I. Lindqvist", None), "identity_shared"),
    ],
)
def test_two_records_behind_one_address_wait_unless_a_second_identifier_proves_them_one_persons(
    chain: Company, other: tuple[str, str | None], waits: str
) -> None:
    phone = "NULL" if other[1] is None else f"'{other[1]}'"
    chain.sql(f"INSERT INTO customers VALUES (20, '{EMAIL}', '{other[0]}', {phone})")
    with working(chain) as house:
        case, _ = _resolved(house)
        assert waits_for(case) == waits
        if case.wait:
            assert "2 different records in shop.customers" in case.wait.reason
            assert not any(value in case.wait.reason for value in (EMAIL, NAME, "Otto"))


def test_an_odd_spelling_of_the_address_leads_to_its_keys_too(chain: Company) -> None:
    chain.sql(f"UPDATE customers SET email = ' {EMAIL.upper()} ' WHERE id = 17")
    with working(chain) as house:
        _, hops = _resolved(house)
    assert ("customer_id", "shop.customers.id", "email") in hops
    assert ("device", "shop.devices.serial", "shop.customers.id") in hops


def test_a_table_that_is_called_after_the_person_is_masked_where_two_records_wait(shop: Company) -> None:
    connector = CONNECTOR[: CONNECTOR.index("  devices:")].replace("  customers:", f"  '{EMAIL}':")
    (shop.home / "connectors" / "shop.yaml").write_text(connector, encoding="utf-8")
    shop.sql(f'CREATE TABLE "{EMAIL}" (id INTEGER PRIMARY KEY, email TEXT, full_name TEXT, phone TEXT)')
    shop.sql(f"""INSERT INTO "{EMAIL}" VALUES (17, '{EMAIL}', '{NAME}', NULL), (20, '{EMAIL}', 'Otto Lindqvist', NULL)""")
    with working(shop) as house:
        case, _ = _resolved(house)
    assert case.wait is not None
    assert (case.wait.code, f"different records in shop.{MASK}: " in case.wait.reason) == ("identity_shared", True), case.wait.reason
    assert EMAIL not in case.wait.reason
