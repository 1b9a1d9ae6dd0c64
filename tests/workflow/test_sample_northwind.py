"""Erasures in a trading company on PostgreSQL, with the exact rows that are left. Every row that is not named here must be as it was."""

from pathlib import Path
from typing import Any

import pytest

from tests.samples import northwind
from tests.samples.carrying import assert_closed, assert_forgotten, carry, company_of
from tests.samples.picture import Database, Outcome, assert_pictures
from tests.servers.postgres import PostgresServer

_REMARK = 'for [redacted], 100% \\ "sure"\nsecond line; call [redacted]'


@pytest.fixture
def trade(postgres_server: PostgresServer, postgres_database: str) -> Database:
    database = Database("postgres", postgres_server.url(postgres_database))
    northwind.build(database)
    return database


def test_a_customer_with_a_padded_key_leaves_orders_that_name_nobody(empty_home: Path, tmp_path: Path, trade: Database) -> None:
    """The lines are nobody's by the map, so the orders stay behind them: without anything of hers, and with the employee who took them."""
    company = company_of(empty_home, tmp_path / "company", "northwind", trade, northwind.CONNECTOR)
    carried = carry(company, trade, ("email", northwind.ZOE), ("name", northwind.NAME), accept_gaps=True)
    assert_closed(carried)
    mine = northwind.orders_of(1)
    expected = Outcome(
        gone={"customer_customer_demo": [("OBRIE", "VIP")], "customers": ["OBRIE"]},
        became={
            "orders": {str(number): {"customer_id": None, "ship_name": None, "ship_address": None} for number in mine},
            "order_details": {("2", "1"): {"remark": _REMARK}},
        },
    ).of(carried.before)
    assert_pictures(carried.after, expected)
    assert_forgotten(company, northwind.TRACES)


def test_where_lines_go_with_their_order_everything_of_hers_goes(empty_home: Path, tmp_path: Path, trade: Database) -> None:
    company = company_of(empty_home, tmp_path / "company", "northwind", trade, northwind.LINES_TOO)
    carried = carry(company, trade, ("email", northwind.ZOE), accept_gaps=True)
    assert_closed(carried)
    mine = northwind.orders_of(1)
    gone: dict[str, list[Any]] = {
        "customer_customer_demo": [("OBRIE", "VIP")],
        "customers": ["OBRIE"],
        "orders": [str(number) for number in mine],
        "order_details": [line for number in mine for line in northwind.lines_of(number)],
    }
    remark = northwind.REMARKS[0]
    assert remark is not None
    became = {"order_details": {("2", "1"): {"remark": remark.replace(northwind.ZOE, "[redacted]")}}}
    assert_pictures(carried.after, Outcome(gone, became).of(carried.before))


def test_a_boss_becomes_nobody_and_keeps_her_people_and_orders(empty_home: Path, tmp_path: Path, trade: Database) -> None:
    company = company_of(empty_home, tmp_path / "company", "northwind", trade, northwind.LINES_TOO)
    carried = carry(company, trade, ("email", "zoe.falk@trade.example"), accept_gaps=True)
    assert_closed(carried)
    shell = {"last_name": "[erased]", "first_name": "[erased]", "birth_date": None, "photo": None, "notes": None, "email": None}
    expected = Outcome(gone={"employee_territories": [("5", "02")]}, became={"employees": {"5": shell}}).of(carried.before)
    assert_pictures(carried.after, expected)
