"""Circles, triggers that copy, and materialized views, as whole cases on PostgreSQL and MariaDB."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from dsr_engine.domain.case import Outcome, Stage
from dsr_engine.domain.plan import Delete
from tests.servers.postgres import PostgresServer
from tests.workflow.company import EMAIL, Company
from tests.workflow.journeys import carried_through, opened_for, plan_of, planned, working
from tests.workflow.test_keys import AUDITED_CONNECTOR, CIRCLE_CONNECTOR

BOB = "bob@example.net"


@dataclass(frozen=True)
class Server:
    kind: str
    url: str
    engine: sa.Engine

    def run(self, *statements: str) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]


@pytest.fixture(params=["postgres", "mariadb"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    url = request.getfixturevalue(f"{request.param}_server").url(request.getfixturevalue(f"{request.param}_database"))
    connector = url.replace("postgresql://", "postgresql+psycopg://").replace("mysql://", "mysql+pymysql://")
    engine = sa.create_engine(connector, poolclass=sa.pool.NullPool)
    yield Server(request.param, url, engine)
    engine.dispose()


def connected(company: Company, server: Server, connector: str) -> Company:
    company.shop.unlink()
    company.connector(connector)
    url = sa.make_url(server.url)
    secret = company.folder / "password"
    secret.write_text(url.password or "", encoding="utf-8")
    secret.chmod(0o600)
    more = f', password: "file:{secret}"' if url.password else ""
    company.declare("shop", f'connector: shop, owner: shop@example.com, url: "{server.url.replace(f":{url.password}@", "@")}"{more}')
    return company


def test_a_circle_goes_in_one_transaction(shop: Company, server: Server) -> None:
    server.run(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, email VARCHAR(80) NOT NULL, default_id INTEGER)",
        "CREATE TABLE addresses (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, street VARCHAR(40), "
        "FOREIGN KEY (customer_id) REFERENCES customers (id))",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, address_id INTEGER NOT NULL, "
        "FOREIGN KEY (address_id) REFERENCES addresses (id))",
        f"INSERT INTO customers VALUES (17, '{EMAIL}', NULL), (18, '{BOB}', NULL)",
        "INSERT INTO addresses VALUES (171, 17, 'Tea Lane'), (172, 17, 'Rose Way'), (181, 18, 'Oak Street')",
        "INSERT INTO orders VALUES (1, 17, 171), (2, 18, 181)",
        "UPDATE customers SET default_id = 171 WHERE id = 17",
        "UPDATE customers SET default_id = 181 WHERE id = 18",
        "ALTER TABLE customers ADD FOREIGN KEY (default_id) REFERENCES addresses (id)",
    )
    with working(connected(shop, server, CIRCLE_CONNECTOR)) as house:
        case = carried_through(house, opened_for(house))
        assert (case.stage, case.outcome, case.round) == (Stage.CLOSED, Outcome.FULFILLED, 1)
        together = {item.together for item in plan_of(house, case).items if isinstance(item.effect, Delete) and item.collection != "orders"}
        assert len(together) == 1
        assert together != {""}
    assert server.rows("SELECT * FROM customers") == [(18, BOB, 181)]
    assert server.rows("SELECT * FROM addresses") == [(181, 18, "Oak Street")]
    assert server.rows("SELECT * FROM orders") == [(2, 18, 181)]


def test_what_a_trigger_copied_is_erased_in_a_further_round(shop: Company, server: Server) -> None:
    number = "SERIAL PRIMARY KEY" if server.kind == "postgres" else "INTEGER AUTO_INCREMENT PRIMARY KEY"
    body = "INSERT INTO audit (what) VALUES (concat('gone: ', OLD.email))"
    trigger = (
        [
            f"CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN OLD; END $$",
            "CREATE TRIGGER keep BEFORE DELETE ON customers FOR EACH ROW EXECUTE FUNCTION keep()",
        ]
        if server.kind == "postgres"
        else [f"CREATE TRIGGER keep BEFORE DELETE ON customers FOR EACH ROW {body}"]
    )
    server.run(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, email VARCHAR(80))",
        f"CREATE TABLE audit (id {number}, what TEXT)",
        f"INSERT INTO customers VALUES (17, '{EMAIL}'), (18, '{BOB}')",
        "INSERT INTO audit (what) VALUES ('gone: eve@example.net')",
        *trigger,
    )
    with working(connected(shop, server, AUDITED_CONNECTOR)) as house:
        case = planned(house)
        assert {entry.code for entry in plan_of(house, case).notices} == {"sql.trigger_copies"}
        case = carried_through(house, case)
        assert (case.stage, case.outcome, case.round) == (Stage.CLOSED, Outcome.FULFILLED, 2)
    assert server.rows("SELECT * FROM customers") == [(18, BOB)]
    assert server.rows("SELECT what FROM audit ORDER BY id") == [("gone: eve@example.net",), ("gone: [redacted]",)]


def test_a_materialized_view_is_refreshed_after_what_it_is_made_from(shop: Company, postgres_server: PostgresServer, postgres_database: str) -> None:
    url = postgres_server.url(postgres_database)
    server = Server("postgres", url, sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.pool.NullPool))
    server.run(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, email VARCHAR(80))",
        f"INSERT INTO customers VALUES (17, '{EMAIL}'), (18, '{BOB}')",
        "CREATE MATERIALIZED VIEW a_copy AS SELECT email FROM customers",
        "CREATE MATERIALIZED VIEW a_copy_of_it AS SELECT email FROM a_copy",
    )
    connector = "connector: shop\ndriver: sql\ncollections:\n" + "".join(
        f"  {name}:\n    fields:\n      email: {{category: user.contact.email, selects: email}}\n" for name in ("customers", "a_copy", "a_copy_of_it")
    )
    with working(connected(shop, server, connector)) as house:
        case = carried_through(house, opened_for(house))
        assert (case.stage, case.outcome, case.round) == (Stage.CLOSED, Outcome.FULFILLED, 1)
        items = plan_of(house, case).items
        assert [item.collection for item in items] == ["customers", "a_copy", "a_copy_of_it"]
    for name in ("a_copy", "a_copy_of_it"):
        assert server.rows(f"SELECT email FROM {name}") == [(BOB,)]
    server.engine.dispose()
