"""A session says who it is, waits for nobody for ever, and a race that it loses leaves everything as it was."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import sqlalchemy as sa

from dsr_engine.domain.errors import Conflict, Unreachable
from dsr_engine.domain.plan import Delete, Edit, Fence, Rewrite
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.system import Manifest, System
from dsr_engine.drivers.driver import Done
from dsr_engine.drivers.sql.driver import SqlDriver
from dsr_engine.drivers.sql.server import sessions
from dsr_engine.drivers.sql.server.database import Database
from dsr_engine.workflow.pacing import in_spite_of_races
from tests.drivers.sql_database import JANE, REWRITER, SqlDatabase, about, locator, planned, search

PEOPLE = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(100), note VARCHAR(100))",
    f"INSERT INTO people VALUES (1, '{JANE}', ''), (2, 'bob@example.net', ''), (3, 'zoe@example.net', '')",
)


@pytest.fixture(params=["postgres", "mariadb"])
def served(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqlDatabase]:
    """A database on a server, where nobody waits longer than a second."""
    monkeypatch.setattr(sessions, "LOCK_WAIT", 1)
    server = request.getfixturevalue(f"{request.param}_server")
    url = server.url(request.getfixturevalue(f"{request.param}_database"))
    connector = url.replace("postgresql://", "postgresql+psycopg://").replace("mysql://", "mysql+pymysql://")
    database = SqlDatabase(request.param, url, sa.create_engine(connector, poolclass=sa.pool.NullPool))
    database.run(*PEOPLE)
    yield database
    database.close()


@contextmanager
def somebody(database: SqlDatabase, *statements: str) -> Iterator[sa.Connection]:
    """Another session in the middle of its transaction; rolled back at the end."""
    with database.engine.connect() as connection, connection.begin() as transaction:
        for statement in statements:
            connection.exec_driver_sql(statement)
        yield connection
        if transaction.is_active:
            transaction.rollback()


def named(database: SqlDatabase, label: str, url: str = "") -> SqlDriver:
    driver = SqlDriver(System("shop", Manifest("shop", "sql"), {"url": Secret(url or database.url)}, label=label))
    database.drivers.append(driver)
    return driver


@pytest.mark.parametrize("served", ["postgres"], indirect=True)
def test_the_server_shows_for_which_case_a_session_works(served: SqlDatabase) -> None:
    driver = named(served, "dsr/k7f2")
    (part,) = driver.slices(about())
    events = driver.find(about(), part)
    next(events)
    names = {name for (name,) in served.rows("SELECT application_name FROM pg_stat_activity WHERE datname = current_database()")}
    assert "dsr/k7f2" in names
    assert not any(JANE in str(name) for name in names)
    assert list(events)


@pytest.mark.parametrize("served", ["mariadb"], indirect=True)
def test_mariadb_is_told_a_program_name(served: SqlDatabase) -> None:
    database = Database(System("shop", Manifest("shop", "sql"), {"url": Secret(served.url)}, label="dsr/k7f2"))
    with database.reading("looking") as connection:
        attributes = connection.connection.dbapi_connection._connect_attrs  # type: ignore[union-attr]  # PyMySQL keeps what it sends
    database.close()
    assert attributes["program_name"] == "dsr/k7f2"


@pytest.mark.parametrize("served", ["postgres"], indirect=True)
def test_a_url_that_names_its_session_itself_keeps_its_name(served: SqlDatabase) -> None:
    database = Database(System("shop", Manifest("shop", "sql"), {"url": Secret(served.url + "?application_name=mine")}))
    with database.reading("looking") as connection:
        assert connection.scalar(sa.text("SHOW application_name")) == "mine"
    database.close()


def test_a_row_that_somebody_else_holds_is_a_lost_race_and_nothing_is_changed(served: SqlDatabase) -> None:
    driver = served.driver()
    changes, _ = planned(driver, [locator("people", 1), locator("people", 2)])
    before = served.dump("people")
    with somebody(served, "UPDATE people SET note = 'mine' WHERE id = 2"), pytest.raises(Conflict) as caught:
        driver.change(changes, REWRITER)
    assert (caught.value.code, served.dump("people")) == ("sql.locked", before)
    assert driver.change(changes, REWRITER) == [Done(None)] * 2


def test_a_batch_that_lost_a_race_is_made_as_soon_as_it_can_be(served: SqlDatabase) -> None:
    driver = served.driver()
    changes, _ = planned(driver, [locator("people", 1)])
    freed = threading.Event()
    with somebody(served, "SELECT * FROM people WHERE id = 1 FOR UPDATE") as other:

        def free(_: float) -> None:
            other.rollback()
            freed.set()

        assert in_spite_of_races(lambda: driver.change(changes, REWRITER), sleep=free) == [Done(None)]
    assert freed.is_set()


def test_of_two_sessions_in_a_deadlock_ours_comes_through_in_the_end(served: SqlDatabase) -> None:
    driver = served.driver()
    changes, _ = planned(driver, [locator("people", 1), locator("people", 2)], Rewrite((Edit("note", Fence("ours")),)), ("note",))
    with served.engine.connect() as other:
        other.exec_driver_sql("UPDATE people SET email = email WHERE id = 2")
        their_end: list[BaseException] = []

        def cross() -> None:
            try:
                other.exec_driver_sql("UPDATE people SET email = email WHERE id = 1")
            except sa.exc.DBAPIError as error:
                their_end.append(error)
            finally:
                other.rollback()

        thread = threading.Timer(0.3, cross)
        thread.start()
        outcomes = in_spite_of_races(lambda: driver.change(changes, REWRITER))
        thread.join()
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert {row[-1] for key, row in served.dump("people").items() if key in (1, 2)} == {"ours"}


def test_a_table_that_is_being_altered_does_not_answer_instead_of_being_a_gap(served: SqlDatabase) -> None:
    driver = served.driver()
    lock = "LOCK TABLE people IN ACCESS EXCLUSIVE MODE" if served.kind == "postgres" else "LOCK TABLES people WRITE"
    with somebody(served, lock) as other:
        with pytest.raises(Unreachable) as caught:
            search(driver, about())
        if served.kind == "mariadb":
            other.exec_driver_sql("UNLOCK TABLES")
    assert caught.value.code == "sql.locked"
    assert search(driver, about()).keys == {("people", ("1",))}


def test_a_statement_that_takes_too_long_is_ended_and_nothing_is_changed(served: SqlDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "CHANGE_STATEMENT", 1)
    if served.kind == "postgres":
        served.run(
            "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(30); RETURN OLD; END'",
            "CREATE TRIGGER slow BEFORE DELETE ON people FOR EACH ROW EXECUTE FUNCTION dawdle()",
        )
    else:
        served.run("CREATE TRIGGER slow BEFORE DELETE ON people FOR EACH ROW SET @slept = SLEEP(30)")
    driver = served.driver()
    seen = search(driver, about()).records
    changes, _ = planned(driver, [record.locator for record in seen])
    before = served.dump("people")
    with pytest.raises(Conflict) as caught:
        driver.change([replace(change, effect=Delete()) for change in changes], REWRITER)
    assert (caught.value.code, served.dump("people")) == ("sql.too_slow", before)


def test_a_change_leaves_no_time_limit_for_the_searches_after_it(served: SqlDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "CHANGE_STATEMENT", 1)
    database = Database(System("shop", Manifest("shop", "sql"), {"url": Secret(served.url)}))
    with database.writing("changing") as connection:
        connection.execute(sa.text("UPDATE people SET note = 'x' WHERE id = 3"))
    with database.reading("searching") as connection:
        assert connection.execute(sa.text("SELECT pg_sleep(1.2)" if served.kind == "postgres" else "SELECT SLEEP(1.2)")).all()
    database.close()
