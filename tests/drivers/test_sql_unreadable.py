"""What cannot be read is a coverage row with a reason; the search of everything else goes on."""

from contextlib import nullcontext
from pathlib import Path

import psycopg
import pytest

from dsr_engine.domain.finding import Coverage, Extent
from dsr_engine.domain.selector import Secret, Selector
from dsr_engine.drivers.sql.driver import SqlDriver
from dsr_engine.workflow.looking import look_at, person_search
from tests.drivers.sql_database import JANE, SqlDatabase
from tests.servers.postgres import PostgresServer

on_postgresql = pytest.mark.parametrize("sql_database", ["postgres"], indirect=True)
SEARCH = person_search({"case": (Selector("s", "email", Secret(JANE), verified=True),)}, {})


def _looked(driver: SqlDriver) -> dict[str, tuple[Coverage | None, int]]:
    """Collection → how far it was looked at, and how many findings there were."""
    looks = [look_at(lambda: nullcontext(driver), SEARCH, part) for part in driver.slices(SEARCH.query)]
    return {look.part.collection: (look.coverage, sum(map(len, look.findings.values()))) for look in looks}


def _extents(driver: SqlDriver) -> dict[str, tuple[Extent, int]]:
    return {name: (coverage.extent, found) for name, (coverage, found) in _looked(driver).items() if coverage is not None}


@on_postgresql
def test_a_damaged_page_is_told_of_its_table_alone(sql_database: SqlDatabase, postgres_server: PostgresServer) -> None:
    for table in ("bad", "good"):
        sql_database.run(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, a TEXT)", f"INSERT INTO {table} VALUES (1, '{JANE}')")
    name = sql_database.url.rpartition("/")[2]
    path = sql_database.rows("SELECT pg_relation_filepath('bad'), current_setting('data_directory')")[0]
    postgres_server.run(f"CREATE DATABASE damaged TEMPLATE {name} STRATEGY file_copy")
    with psycopg.connect(postgres_server.url("postgres")) as connection:
        oid = connection.execute("SELECT oid FROM pg_database WHERE datname = 'damaged'").fetchone()
    assert oid is not None
    file = Path(path[1]) / "base" / str(oid[0]) / Path(path[0]).name
    file.write_bytes(b"\xff" * len(file.read_bytes()))
    driver = sql_database.driver(url=postgres_server.url("damaged"))
    try:
        assert _extents(driver) == {"bad": (Extent.NONE, 0), "good": (Extent.FULL, 1)}
    finally:
        driver.close()
        postgres_server.run("DROP DATABASE damaged WITH (FORCE)")


def test_a_table_that_is_dropped_during_the_search_is_told_of_alone(sql_database: SqlDatabase) -> None:
    for table in ("bad", "good"):
        sql_database.run(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, a VARCHAR(90))", f"INSERT INTO {table} VALUES (1, '{JANE}')")
    driver = sql_database.driver()
    assert _extents(driver) == {"bad": (Extent.FULL, 1), "good": (Extent.FULL, 1)}
    sql_database.run("DROP TABLE bad")
    assert _extents(driver) == {"bad": (Extent.NONE, 0), "good": (Extent.FULL, 1)}


@on_postgresql
def test_a_lock_that_is_not_given_makes_its_table_wait_and_no_other(sql_database: SqlDatabase) -> None:
    for table in ("bad", "good"):
        sql_database.run(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, a TEXT)", f"INSERT INTO {table} VALUES (1, '{JANE}')")
    driver = sql_database.driver()
    parts = {part.collection: part for part in driver.slices(SEARCH.query)}
    with sql_database.engine.connect() as other:
        other.exec_driver_sql("LOCK TABLE bad IN ACCESS EXCLUSIVE MODE")
        with driver._database.engine.connect() as own:  # the pool's next session, with less patience
            own.exec_driver_sql("SET lock_timeout = '200ms'")
            own.commit()
        looks = {name: look_at(lambda: nullcontext(driver), SEARCH, part) for name, part in parts.items()}
    assert looks["bad"].error is not None
    assert looks["bad"].error.code == "sql.locked"
    assert len(looks["good"].findings["case"]) == 1


@on_postgresql
def test_a_value_that_no_cast_turns_into_text_is_told_of_its_table_alone(sql_database: SqlDatabase) -> None:
    sql_database.run(
        "CREATE TABLE secrets (id INTEGER PRIMARY KEY, a TEXT, twice TEXT GENERATED ALWAYS AS (a) STORED)",
        "CREATE FUNCTION refuse(v TEXT) RETURNS TEXT LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE EXCEPTION 'no'; END $$",
        "CREATE VIEW broken AS SELECT id, refuse(a) AS a FROM secrets",
        f"INSERT INTO secrets (id, a) VALUES (1, '{JANE}')",
        "CREATE MATERIALIZED VIEW never AS SELECT * FROM broken WITH NO DATA",
    )
    extents = _extents(sql_database.driver())
    assert extents == {"secrets": (Extent.FULL, 1), "never": (Extent.NONE, 0)}
