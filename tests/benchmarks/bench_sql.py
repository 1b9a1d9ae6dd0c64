"""How fast PostgreSQL rows are erased: observed, locked, compared, recounted and deleted, in batches of a thousand."""

import time

import pytest
import sqlalchemy as sa

from dsr_engine.domain.plan import Delete
from dsr_engine.drivers.driver import Change, Done, Present, Watched
from tests.drivers.sql_database import REWRITER, SqlDatabase, about, locator, search
from tests.servers.postgres import PostgresServer

ROWS = 10_000
BATCH = 1000


@pytest.mark.benchmark
def test_rows_erased_per_second(postgres_server: PostgresServer, postgres_database: str, capsys: pytest.CaptureFixture[str]) -> None:
    url = postgres_server.url(postgres_database)
    database = SqlDatabase("postgres", url, sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.pool.NullPool))
    database.run(
        "CREATE TABLE customers (id BIGINT PRIMARY KEY, email TEXT UNIQUE, name TEXT)",
        "CREATE TABLE orders (id BIGINT PRIMARY KEY, customer_id BIGINT REFERENCES customers (id))",
        "CREATE INDEX ON orders (customer_id)",
        f"INSERT INTO customers SELECT n, 'p' || n || '@example.com', 'Person ' || n FROM generate_series(1, {2 * ROWS}) n",
        "ANALYZE",
    )
    driver = database.driver()
    driver.describe()
    begin = time.perf_counter()
    for start in range(1, ROWS + 1, BATCH):
        wheres = [locator("customers", number) for number in range(start, start + BATCH)]
        seen = driver.observe([Watched(where) for where in wheres])
        changes = [Change(where, Delete(), (), one.state, one.server) for where, one in zip(wheres, seen, strict=True) if isinstance(one, Present)]
        assert driver.change(changes, REWRITER) == [Done(None)] * BATCH
    erased = ROWS / (time.perf_counter() - begin)
    database.run(
        f"INSERT INTO customers SELECT n, 'q' || n || '@example.com', repeat('word ', 20) FROM generate_series(100000, {100_000 + 20 * ROWS}) n"
    )
    begin = time.perf_counter()
    looked = sum(one.count for one in search(driver, about()).looked)
    searched = looked / (time.perf_counter() - begin)
    database.close()
    with capsys.disabled():
        print(f"\nPostgreSQL: {erased:,.0f} rows/s erased in batches of {BATCH}; {searched:,.0f} rows/s searched")
    assert looked >= 20 * ROWS
