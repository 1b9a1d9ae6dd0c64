"""One person in five tables: what it costs to erase them through the driver, beside the plain statements that somebody would write by hand."""

import statistics
import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from dsr_engine.domain.plan import Delete
from dsr_engine.drivers.driver import Change, Done, Present, Watched
from tests.drivers.sql_database import REWRITER, SqlDatabase, locator
from tests.servers.postgres import PostgresServer

CUSTOMERS = 50_000
SUBJECTS = 40
CHILDREN = ("lines", "orders", "addresses", "tickets")


def _filled(url: str) -> SqlDatabase:
    database = SqlDatabase("postgres", url, sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"), pool_size=1))
    database.run(
        "CREATE TABLE customers (id BIGINT PRIMARY KEY, email TEXT, name TEXT)",
        f"INSERT INTO customers SELECT n, 'p' || n || '@example.com', 'Person ' || n FROM generate_series(1, {CUSTOMERS}) n",
    )
    for name in CHILDREN:
        database.run(
            f"CREATE TABLE {name} (id BIGINT PRIMARY KEY, customer_id BIGINT REFERENCES customers (id), note TEXT)",
            f"INSERT INTO {name} SELECT n, n, repeat('word ', 20) FROM generate_series(1, {CUSTOMERS}) n",
            f"CREATE INDEX ON {name} (customer_id)",
        )
    database.run("ANALYZE")
    return database


def _median(act: Callable[[int], object], numbers: range) -> float:
    """Milliseconds."""
    taken = []
    for number in numbers:
        begin = time.perf_counter()
        act(number)
        taken.append(1000 * (time.perf_counter() - begin))
    return statistics.median(taken)


@pytest.mark.benchmark
def test_one_subject_beside_plain_statements(postgres_server: PostgresServer, postgres_database: str, capsys: pytest.CaptureFixture[str]) -> None:
    database = _filled(postgres_server.url(postgres_database))
    driver = database.driver()
    driver.describe()

    def by_hand(number: int) -> None:
        """Looked up by the e-mail address, as a ticket says it; each table looked at, deleted from and looked at again."""
        with database.engine.begin() as connection:
            connection.exec_driver_sql("SELECT id FROM customers WHERE lower(email) = %s FOR UPDATE", (f"p{number}@example.com",))
            for name, key in (*((name, "customer_id") for name in CHILDREN), ("customers", "id")):
                connection.exec_driver_sql(f"SELECT * FROM {name} WHERE {key} = %s FOR UPDATE", (number,))
                connection.exec_driver_sql(f"DELETE FROM {name} WHERE {key} = %s", (number,))
                connection.exec_driver_sql(f"SELECT count(*) FROM {name} WHERE {key} = %s", (number,))

    def by_driver(number: int) -> None:
        wheres = [locator(name, number) for name in (*CHILDREN, "customers")]
        seen = driver.observe([Watched(where) for where in wheres])
        changes = [Change(where, Delete(), (), one.state, one.server) for where, one in zip(wheres, seen, strict=True) if isinstance(one, Present)]
        assert driver.change(changes, REWRITER) == [Done(None)] * 5
        driver.observe([Watched(where) for where in wheres])

    by_driver(CUSTOMERS)
    by_hand(CUSTOMERS - 1)
    plain, driven = _median(by_hand, range(1, SUBJECTS + 1)), _median(by_driver, range(SUBJECTS + 1, 2 * SUBJECTS + 1))
    left = database.rows("SELECT count(*) FROM customers")
    database.close()
    with capsys.disabled():
        print(f"\nPostgreSQL, one subject in five tables: {driven:.1f} ms through the driver, {plain:.1f} ms by hand, ratio {driven / plain:.2f}")
    assert left == [(CUSTOMERS - 2 * SUBJECTS - 2,)]
