"""Discovery from a replica: the very same server, only later; never another one by mistake."""

import logging
import time
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
import sqlalchemy as sa

from dsr_engine.domain.errors import InputWrong, Unreachable
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.system import PRIMARY, Manifest, Pace, System
from dsr_engine.drivers.driver import Drifted
from dsr_engine.drivers.sql.driver import SqlDriver
from dsr_engine.drivers.sql.finding import pacing
from tests.drivers.sql_database import JANE, REWRITER, SqlDatabase, about, locator, planned, search, state
from tests.servers.postgres import PostgresServer
from tests.servers.postgres_standby import PostgresStandby


@pytest.fixture
def shop(postgres_server: PostgresServer, postgres_database: str) -> Iterator[SqlDatabase]:
    url = postgres_server.url(postgres_database)
    database = SqlDatabase("postgres", url, sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.pool.NullPool))
    database.run("CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(100))", f"INSERT INTO people VALUES (1, '{JANE}'), (2, 'x')")
    yield database
    database.close()


def name_of(shop: SqlDatabase) -> str:
    return str(sa.make_url(shop.url).database)


def reading(shop: SqlDatabase, url: str, primary: str = "", pace: Pace | None = None) -> SqlDriver:
    """What a case reads with that has `read_from`."""
    settings = {"url": Secret(url), PRIMARY: Secret(primary or shop.url)}
    driver = SqlDriver(System("shop", Manifest("shop", "sql"), settings, pace=pace or Pace()))
    shop.drivers.append(driver)
    return driver


def test_a_standby_is_the_same_server_and_finds_the_same(shop: SqlDatabase, postgres_standby: PostgresStandby) -> None:
    postgres_standby.catch_up()
    driver = reading(shop, postgres_standby.url(name_of(shop)))
    found = search(driver, about())
    assert found.keys == {("people", ("1",))}
    assert {looked.extent for looked in found.looked} == {Extent.FULL}
    assert state(driver, locator("people", 1)) == state(shop.driver(), locator("people", 1))
    driver.close()


def test_a_logical_copy_is_another_server_and_is_refused(shop: SqlDatabase, postgres_server: PostgresServer) -> None:
    twin = f"{name_of(shop)}_copy"
    postgres_server.run(f"CREATE DATABASE {twin} TEMPLATE {name_of(shop)}")
    driver = reading(shop, postgres_server.url(twin))
    with pytest.raises(InputWrong) as caught:
        search(driver, about())
    assert caught.value.code == "replica.other_server"
    changes, _ = planned(driver, [locator("people", 1)])
    assert shop.driver().change(changes, REWRITER) == [Drifted("server")]
    driver.close()
    postgres_server.run(f"DROP DATABASE {twin} WITH (FORCE)")


def test_checking_tells_of_a_replica_that_is_none(shop: SqlDatabase, postgres_server: PostgresServer, postgres_standby: PostgresStandby) -> None:
    system = System("shop", Manifest("shop", "sql"), {"url": Secret(shop.url)})
    postgres_standby.catch_up()
    for url, expected in ((postgres_standby.url(name_of(shop)), False), (postgres_server.url("postgres"), True), (shop.url, False)):
        driver = SqlDriver(replace(system, read_from=Secret(url)))
        assert any(problem.code == "replica.other_server" for problem in driver.check()) == expected
        driver.close()


class Resuming(logging.Handler):
    """Lets the standby go on as soon as the search says that it stands still."""

    def __init__(self, standby: PostgresStandby) -> None:
        super().__init__()
        self._standby = standby
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())
        if "stands still" in record.getMessage():
            self._standby.resume()


def test_a_search_waits_for_a_replica_that_is_behind_and_goes_on_when_it_has_caught_up(
    shop: SqlDatabase, postgres_standby: PostgresStandby, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "POLL", 0.1)
    postgres_standby.catch_up()
    postgres_standby.pause()
    shop.run("INSERT INTO people VALUES (3, 'late')")
    _fall_behind(postgres_standby)
    resuming = Resuming(postgres_standby)
    logging.getLogger("dsr_engine.pace").addHandler(resuming)
    driver = reading(shop, postgres_standby.url(name_of(shop)), pace=Pace(replication_lag=0.2))
    try:
        assert search(driver, about()).keys == {("people", ("1",))}
    finally:
        logging.getLogger("dsr_engine.pace").removeHandler(resuming)
        driver.close()
    assert resuming.said[0].startswith("shop: the search of people stands still: a replica is ")
    assert resuming.said[1:] == ["shop: the search of people goes on"]


def test_a_replica_that_stays_behind_ends_the_wait_with_a_reason(
    shop: SqlDatabase, postgres_standby: PostgresStandby, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "POLL", 0.1)
    monkeypatch.setattr(pacing, "PATIENCE", 0.3)
    postgres_standby.catch_up()
    postgres_standby.pause()
    shop.run("INSERT INTO people VALUES (3, 'late')")
    _fall_behind(postgres_standby)
    driver = reading(shop, postgres_standby.url(name_of(shop)), pace=Pace(replication_lag=0.2))
    try:
        with pytest.raises(Unreachable) as caught:
            search(driver, about())
    finally:
        postgres_standby.resume()
        driver.close()
    assert (caught.value.code, "behind" in caught.value.message) == ("system.busy", True)


def test_the_primary_sees_its_standbys_only_with_the_right_to(
    shop: SqlDatabase, postgres_standby: PostgresStandby, postgres_server: PostgresServer
) -> None:
    postgres_standby.catch_up()
    assert search(paced(shop, Pace(replication_lag=30)), about()).keys == {("people", ("1",))}
    name = f"blind_{name_of(shop)}"
    postgres_server.run(f"CREATE ROLE {name} LOGIN")
    shop.run(f"GRANT SELECT ON people TO {name}")
    driver = SqlDriver(System("shop", Manifest("shop", "sql"), {"url": Secret(shop.url.replace("test@", f"{name}@"))}, pace=Pace(replication_lag=30)))
    assert [problem.hint for problem in driver.check() if problem.code == "sql.hidden_pace"] == ["GRANT pg_read_all_stats"]
    driver.close()
    shop.run(f"DROP OWNED BY {name}")
    postgres_server.run(f"DROP ROLE {name}")


def paced(shop: SqlDatabase, pace: Pace) -> SqlDriver:
    driver = SqlDriver(System("shop", Manifest("shop", "sql"), {"url": Secret(shop.url)}, pace=pace))
    shop.drivers.append(driver)
    return driver


def _fall_behind(standby: PostgresStandby) -> None:
    """Until the standby has received something that it does not replay, and a moment more."""
    with psycopg.connect(standby.url("postgres"), autocommit=True) as connection:
        while not (connection.execute("SELECT pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()").fetchone() or (True,))[0]:
            time.sleep(0.02)
    time.sleep(0.3)
