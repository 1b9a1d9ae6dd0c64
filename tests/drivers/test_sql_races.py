"""Two sessions that want the same rows: a deadlock ends for one of them with nothing changed, and a try again does what is left."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from dsr_engine.domain.errors import Conflict
from dsr_engine.drivers.driver import Done, Drifted, Outcome
from dsr_engine.drivers.sql.driver import SqlDriver
from dsr_engine.workflow.pacing import in_spite_of_races
from tests.drivers.sql_database import REWRITER, SqlDatabase, locator, planned


def paired(database: SqlDatabase) -> None:
    for name in ("left_rows", "right_rows"):
        database.run(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, note VARCHAR(20))", f"INSERT INTO {name} VALUES (1, 'x'), (2, 'y')")


def test_a_deadlock_changes_nothing_and_a_further_try_does_the_rest(sql_database: SqlDatabase) -> None:
    """A stranger locks the right table first and then wants the left one, while we hold the left one and want the right one."""
    if sql_database.kind == "sqlite":
        pytest.skip("SQLite lets one session write at a time")
    paired(sql_database)
    driver = sql_database.driver()
    changes, _ = planned(driver, [locator("left_rows", 1), locator("right_rows", 1)])
    we_hold_left, stranger_holds_right, meets = threading.Event(), threading.Event(), [True]

    def stranger() -> None:
        with sql_database.engine.connect() as connection:
            connection.exec_driver_sql("UPDATE right_rows SET note = note WHERE id = 1")
            stranger_holds_right.set()
            we_hold_left.wait(20)
            try:
                connection.exec_driver_sql("UPDATE left_rows SET note = note WHERE id = 1")
            except sa.exc.OperationalError as error:  # whichever of the two the server picks
                lost.append(type(error).__name__)
            connection.rollback()

    def before(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if meets[0] and "right_rows" in statement and "FOR UPDATE" in statement:
            meets[0] = False
            we_hold_left.set()

    lost: list[str] = []
    event.listen(driver._database.engine, "before_cursor_execute", before)
    thread = threading.Thread(target=stranger)
    thread.start()
    stranger_holds_right.wait(20)
    tries: list[str] = []

    def attempt() -> object:
        try:
            return driver.change(changes, REWRITER)
        except Conflict as error:
            tries.append(error.code)
            assert len(sql_database.rows("SELECT id FROM left_rows")) == 2
            raise

    outcomes = in_spite_of_races(attempt, sleep=lambda _: None)
    thread.join(30)
    assert outcomes == [Done(None), Done(None)]
    assert tries == ["sql.locked"] * len(tries)
    assert bool(tries) or bool(lost)
    assert sql_database.rows("SELECT id, note FROM left_rows") == sql_database.rows("SELECT id, note FROM right_rows") == [(2, "y")]


@contextmanager
def counting(driver: SqlDriver) -> Iterator[list[str]]:
    """The statements that the driver sends meanwhile."""
    seen: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(driver._database.engine, "before_cursor_execute", count)
    yield seen
    event.remove(driver._database.engine, "before_cursor_execute", count)


def test_a_thousand_circles_take_as_many_statements_as_one(sql_database: SqlDatabase) -> None:
    sql_database.run(
        "CREATE TABLE one (id INTEGER PRIMARY KEY, other_id INTEGER)",
        "CREATE TABLE other (id INTEGER PRIMARY KEY, one_id INTEGER, FOREIGN KEY (one_id) REFERENCES one (id))",
    )
    if sql_database.kind == "sqlite":
        sql_database.run("DROP TABLE one", "CREATE TABLE one (id INTEGER PRIMARY KEY, other_id INTEGER REFERENCES other (id))")
    else:
        sql_database.run("ALTER TABLE one ADD FOREIGN KEY (other_id) REFERENCES other (id)")
    sql_database.insert("one", [{"id": number, "other_id": None} for number in range(600)])
    sql_database.insert("other", [{"id": number, "one_id": number} for number in range(600)])
    sql_database.run("UPDATE one SET other_id = id")
    driver = sql_database.driver()
    counts: list[int] = []
    for numbers in (range(1), range(1, 451)):
        changes, foreseen = planned(driver, [locator(name, number) for name in ("one", "other") for number in numbers])
        assert len({one.together for one in foreseen}) == len(numbers)
        with counting(driver) as seen:
            assert set(driver.change(changes, REWRITER)) == {Done(None)}
        counts.append(len(seen))
    assert counts[1] == counts[0]
    assert len(sql_database.dump("one")) == len(sql_database.dump("other")) == 149


def test_two_workers_with_the_same_circle_do_not_do_it_twice(sql_database: SqlDatabase) -> None:
    paired(sql_database)
    first, second = sql_database.driver(), sql_database.driver()
    wheres = [locator("left_rows", 1), locator("right_rows", 1)]
    changes, _ = planned(first, wheres)
    planned(second, wheres)
    outcomes: list[Outcome] = []
    threads = [
        threading.Thread(target=lambda driver=driver: outcomes.extend(in_spite_of_races(lambda: driver.change(changes, REWRITER))))
        for driver in (first, second)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (outcomes.count(Done(None)), outcomes.count(Drifted("absent"))) == (2, 2)
    assert sql_database.rows("SELECT id FROM left_rows") == [(2,)]
