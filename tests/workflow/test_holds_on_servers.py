"""A hold against a worker in another process: with store and data in PostgreSQL, nothing that it covers is begun after it returned."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.clock import SystemClock
from dsr_engine.domain.hold import Hold
from dsr_engine.domain.selector import Secret
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.holds.placing import InFlight, of_person, place_hold
from dsr_engine.workflow.intake import Claim
from tests.servers.postgres import PostgresServer
from tests.workflow.company import EMAIL, SHOP_CONNECTOR, Company
from tests.workflow.journeys import WORKER, approved, carried_through, opened_for, working

DSR = Path(sys.executable).with_name("dsr")
#: A deletion of an order tells that it has begun by taking a lock that others see, and then waits as long as the gate is closed.
_SHOP = f"""
CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, full_name TEXT NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), note TEXT, placed DATE);
CREATE TABLE tickets (id INTEGER PRIMARY KEY, body TEXT NOT NULL);
INSERT INTO customers VALUES (17, '{EMAIL}', 'Ida'), (18, 'bob@example.net', 'Bob');
INSERT INTO orders SELECT n, 17, 'tea', DATE '2021-01-01' + n FROM generate_series(1, 4) n;
INSERT INTO orders VALUES (181, 18, 'ring twice', '2021-03-01');
INSERT INTO tickets VALUES (1, 'Please call {EMAIL}.'), (2, 'The lamp is broken.');
CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_advisory_xact_lock_shared(4711);
WHILE EXISTS (SELECT FROM gate) LOOP PERFORM pg_sleep(0.02); END LOOP; RETURN OLD; END $$;
CREATE TABLE gate (id INTEGER); INSERT INTO gate VALUES (1);
CREATE TRIGGER slowly BEFORE DELETE ON orders FOR EACH ROW EXECUTE FUNCTION dawdle();
"""
_CONNECTOR = SHOP_CONNECTOR.replace(
    "references: customers.id}\n", "references: customers.id}\n      placed: {starts: retention}\n      note: {category: user.content}\n"
)


@pytest.fixture
def served(shop: Company, postgres_server: PostgresServer, postgres_database: str) -> Iterator[tuple[Company, psycopg.Connection[Any]]]:
    """The store and the shop in one PostgreSQL, in databases of their own; batches of one record."""
    url = postgres_server.url(postgres_database)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {postgres_database}_control".encode())
        connection.execute(_SHOP.encode())
        shop.connector(_CONNECTOR)
        shop.request("approval: one_person, first_batch: 2")
        shop.declare("shop", f'connector: shop, owner: shop@example.com, url: "{url}"')
        shop.keep_store_in(postgres_server.url(f"{postgres_database}_control"))
        yield shop, connection


@contextmanager
def _worker(company: Company) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [DSR, "--home", company.home, "worker", "--once"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ}
    )
    try:
        yield process
        assert process.wait(timeout=60) == 0, process.stdout.read() if process.stdout else ""
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def _until_deleting(connection: psycopg.Connection[Any], worker: subprocess.Popen[str]) -> None:
    """Returns while the worker is deleting an order."""
    while worker.poll() is None:
        if connection.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711").fetchone():
            return
        time.sleep(0.02)
    raise AssertionError(f"the worker deleted nothing: {worker.stdout.read() if worker.stdout else ''}")


def _until_placed(company: Company) -> None:
    """Returns when the hold is in force."""
    with working(company, SystemClock()) as house:
        while True:
            with house.store.snapshot() as tx:
                if tx.holds.list():
                    return
            time.sleep(0.02)


def _approved_case(company: Company) -> Case:
    with working(company, SystemClock()) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        assert case.stage is Stage.APPROVE, case.wait
        approved(house, case)
    return case


def _placed(company: Company, *claims: tuple[str, str], **parts: Any) -> tuple[InFlight, ...]:
    with working(company, SystemClock()) as house:
        hold = Hold("hold-1", "M-17", "person-x", house.clock.now(), **parts)
        if not claims:
            return place_hold(house, hold)
        return place_hold(house, *of_person(house, hold, tuple(Claim(kind, Secret(value)) for kind, value in claims)))


@pytest.mark.parametrize(
    ("claims", "parts"),
    [
        ((("customer_id", "17"),), {}),
        pytest.param((), {"since": date(2021, 1, 1), "until": date(2021, 12, 31)}, marks=pytest.mark.slow),
        ((), {"system": "shop"}),
    ],
    ids=["a person", "a period", "a system"],
)
def test_when_placing_returns_nothing_that_it_covers_is_in_flight_and_nothing_more_is_begun(
    served: tuple[Company, psycopg.Connection[Any]], claims: tuple[tuple[str, str], ...], parts: dict[str, Any]
) -> None:
    company, connection = served
    case = _approved_case(company)
    others = "SELECT * FROM orders WHERE customer_id = 18"
    before = connection.execute(others).fetchall()
    with _worker(company) as worker:
        _until_deleting(connection, worker)
        with ThreadPoolExecutor(1) as others_desk:
            placing = others_desk.submit(_placed, company, *claims, **parts)
            _until_placed(company)
            assert not placing.done()  # it waits for what is in flight
            connection.execute("DELETE FROM gate")
            in_flight = placing.result(timeout=120)
        left = connection.execute("SELECT id FROM orders WHERE customer_id = 17 ORDER BY id").fetchall()
        rows = connection.execute("SELECT count(*) FROM customers").fetchone()
    assert [(entry.case, entry.collection, entry.is_over) for entry in in_flight] == [(case.id, "orders", True)]
    assert len(left) == 2  # the first batch was on its way, the rest was not begun
    assert connection.execute("SELECT id FROM orders WHERE customer_id = 17 ORDER BY id").fetchall() == left
    assert connection.execute("SELECT count(*) FROM customers").fetchone() == rows == (2,)
    assert connection.execute(others).fetchall() == before
    with working(company, SystemClock()) as house:
        case = carried_through(house, case)
        assert (case.stage, case.outcome) == (Stage.CLOSED, Outcome.FULFILLED_WITH_EXCEPTIONS), case.wait
    assert connection.execute("SELECT id FROM orders WHERE customer_id = 17 ORDER BY id").fetchall() == left
