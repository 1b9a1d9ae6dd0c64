"""Materialized views: a refresh rids them of somebody, and nothing but a look says that it did."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from dsr_engine.drivers.driver import Done, Failed
from tests.drivers.sql_database import JANE, REWRITER, SqlDatabase, about, erase, locator, planned, search
from tests.servers.postgres import PostgresServer


@pytest.fixture
def database(postgres_server: PostgresServer, postgres_database: str) -> Iterator[SqlDatabase]:
    url = postgres_server.url(postgres_database)
    found = SqlDatabase("postgres", url, sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.pool.NullPool))
    found.run(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT)",
        "CREATE VIEW shown AS SELECT id, email FROM people",
        'CREATE MATERIALIZED VIEW "by: mail?" AS SELECT email, count(*) AS many FROM shown GROUP BY email',
        f"INSERT INTO people VALUES (1, '{JANE}'), (2, 'bob@example.com')",
        'REFRESH MATERIALIZED VIEW "by: mail?"',
    )
    yield found
    found.close()


VIEW = "by: mail?"


@pytest.mark.parametrize("is_unique", [False, True])
def test_a_refresh_takes_the_person_out_and_leaves_the_others(database: SqlDatabase, is_unique: bool) -> None:
    if is_unique:
        database.run(f'CREATE UNIQUE INDEX ON "{VIEW}" (email)')
    driver = database.driver()
    records = [record for record in search(driver, about()).records if record.locator.collection == VIEW]
    (copy,) = [record.locator for record in records]
    changes, (seen,) = planned(driver, [copy])
    assert (seen.refusal, seen.becomes) == (None, None)
    assert ("CONCURRENTLY" in seen.warnings[0].message) == is_unique
    assert erase(driver, locator("people", 1)) == [Done(None)]
    assert driver.change(changes, REWRITER) == [Done(None)]
    assert database.rows(f'SELECT email, many FROM "{VIEW}"') == [("bob@example.com", 1)]


def test_a_copy_of_what_is_still_there_is_not_called_erased(database: SqlDatabase) -> None:
    driver = database.driver()
    (copy,) = [record.locator for record in search(driver, about()).records if record.locator.collection == VIEW]
    changes, _ = planned(driver, [copy])
    (outcome,) = driver.change(changes, REWRITER)
    assert isinstance(outcome, Failed)
    assert outcome.code == "sql.snapshot_still"
    assert len(database.rows(f'SELECT * FROM "{VIEW}"')) == 2


def test_the_order_of_a_plan_knows_what_a_view_is_made_from(database: SqlDatabase) -> None:
    database.run(f'CREATE MATERIALIZED VIEW further AS SELECT many FROM "{VIEW}"')
    known = {entry.name: entry.made_from for entry in database.driver().describe()}
    assert known == {"people": (), "shown": (), VIEW: ("people",), "further": (VIEW, "people")}


def test_who_may_not_refresh_is_told_what_to_run(database: SqlDatabase) -> None:
    role = f"reader_{abs(hash(database.url)) % 10**8}"
    database.run(
        f"CREATE ROLE {role} LOGIN PASSWORD 'x'", f"GRANT USAGE ON SCHEMA public TO {role}", f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}"
    )
    driver = database.driver(user=role, password="x")
    (copy,) = [record.locator for record in search(driver, about()).records if record.locator.collection == VIEW]
    _, (seen,) = planned(driver, [copy])
    driver.close()
    database.run(f"DROP OWNED BY {role}", f"DROP ROLE {role}")
    assert seen.refusal is not None
    assert seen.refusal.code == "sql.snapshot_owner"
    assert f'REFRESH MATERIALIZED VIEW public."{VIEW}"' in seen.refusal.hint
