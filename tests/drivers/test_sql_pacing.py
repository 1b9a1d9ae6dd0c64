"""A search in short transactions reads what a search in one reads, no faster than it may, and gives way to others."""

import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.domain.errors import Unreachable
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.system import Manifest, Pace, System
from dsr_engine.drivers.sql.driver import SqlDriver
from dsr_engine.drivers.sql.finding import pacing
from dsr_engine.drivers.sql.finding.pacing import Meter
from dsr_engine.drivers.sql.server import sessions
from tests.drivers.sql_database import JANE, SqlDatabase, about, search

BOUNDED = Pace(longest_snapshot=600)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of three rows, so that few rows make many."""
    monkeypatch.setattr(pacing, "FIRST", 3)
    monkeypatch.setattr(pacing, "FEWEST", 3)
    monkeypatch.setattr(pacing, "_LONG", 0.0)


def paced(database: SqlDatabase, pace: Pace = BOUNDED) -> SqlDriver:
    driver = SqlDriver(System("shop", Manifest("shop", "sql"), {"url": Secret(database.url)}, pace=pace))
    database.drivers.append(driver)
    return driver


def transactions(database: SqlDatabase, driver: SqlDriver, table: str) -> int:
    """How many statements of a search read the table."""
    read: list[str] = []
    sa.event.listen(driver._database.engine, "before_cursor_execute", lambda *said: read.append(str(said[2])))
    search(driver, about())
    return sum(1 for statement in read if table in statement and "count" not in statement)


#: Key declarations, and keys as SQL literals in no order at all. Ties under a collation, negative numbers, gaps, words with % and quotes.
KEYS: dict[str, tuple[str, Sequence[str]]] = {
    "number": ("id BIGINT PRIMARY KEY", [str(number) for number in (5, -3, 10**15, 7, 0, 9, -(10**15), 1, 2, 3, 40, 41)]),
    "text": ("id VARCHAR(40) PRIMARY KEY", [f"'{word}'" for word in ("b", "A", "é", "Z", "a b", "%", "''", "ß", "10", "9", "_", "zz")]),
    "day": ("id DATE PRIMARY KEY", [f"'{1990 + number}-02-{number + 1:02}'" for number in (3, 0, 11, 7, 1, 9, 2, 8, 4, 10, 6, 5)]),
}


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("kind", KEYS)
def test_pages_hold_every_row_once(sql_database: SqlDatabase, kind: str) -> None:
    declared, keys = KEYS[kind]
    sql_database.run(f"CREATE TABLE people ({declared}, email VARCHAR(100))")
    for key in keys:
        sql_database.run(f"INSERT INTO people VALUES ({key}, '{JANE}')")
    whole, pages = search(sql_database.driver(), about()), search(paced(sql_database), about())
    assert sorted(map(repr, pages.keys)) == sorted(map(repr, whole.keys))
    assert len(pages.records) == len(whole.records) == len(keys)
    assert sum(looked.count for looked in pages.looked) == len(keys)
    assert {looked.extent for looked in pages.looked} == {Extent.FULL}


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("columns", ["a, b", "b, a"])
def test_pages_of_a_composite_key_hold_every_row_once(sql_database: SqlDatabase, columns: str) -> None:
    sql_database.run(f"CREATE TABLE people (a INTEGER NOT NULL, b INTEGER NOT NULL, email VARCHAR(100), PRIMARY KEY ({columns}))")
    rows = [{"a": a, "b": b, "email": JANE} for a in range(-2, 4) for b in (9, -9, 0, 3)]
    sql_database.insert("people", rows)
    pages = search(paced(sql_database), about())
    assert pages.keys == search(sql_database.driver(), about()).keys
    assert len(pages.records) == len(rows)


@pytest.mark.usefixtures("small_pages")
def test_a_table_is_really_read_in_pages(sql_database: SqlDatabase) -> None:
    sql_database.run("CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(100))")
    sql_database.insert("people", [{"id": number, "email": "x"} for number in range(30)])
    assert transactions(sql_database, paced(sql_database), "people") > transactions(sql_database, sql_database.driver(), "people") + 5


@pytest.mark.usefixtures("small_pages")
@settings(deadline=None, max_examples=15)
@given(
    keys=st.sets(
        st.one_of(st.integers(-(2**62), 2**62), st.text(max_size=4).filter(str.isprintable), st.binary(max_size=4), st.floats(allow_nan=False)),
        max_size=9,
    )
)
def test_whatever_sqlite_keeps_in_a_key_is_found_on_some_page(tmp_path_factory: pytest.TempPathFactory, keys: set[object]) -> None:
    """A key column without a type may hold values of every type, and NULL more than once."""
    url = f"sqlite:///{tmp_path_factory.mktemp('odd') / 'odd.db'}"
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    database = SqlDatabase("sqlite", url, engine)
    database.run("CREATE TABLE people (id INT PRIMARY KEY, email TEXT)")
    stored = [{"id": key, "email": JANE} for key in [*keys, None, None]]
    database.insert("people", stored)
    seen = search(paced(database), about())
    whole = search(database.driver(), about())
    counts = [sum(looked.count for looked in found.looked) for found in (seen, whole)]
    assert counts == [len(database.rows("SELECT * FROM people"))] * 2
    assert seen.keys == whole.keys
    database.close()


def test_a_table_without_a_key_is_cut_off_at_the_longest_snapshot_and_says_so(sql_database: SqlDatabase) -> None:
    sql_database.run("CREATE TABLE notes (note VARCHAR(100))")
    sql_database.insert("notes", [{"note": "x" * 90}] * 3000)
    seen = search(paced(sql_database, Pace(longest_snapshot=0.0)), about())
    assert [looked.extent for looked in seen.looked] == [Extent.PARTIAL]
    assert [gap.code for gap in seen.gaps] == ["sql.unread"]
    assert "max_snapshot" in seen.gaps[0].reason


def test_a_page_that_took_too_long_is_read_again_in_smaller_ones_and_nothing_comes_twice(
    sql_database: SqlDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "FIRST", 2000)
    monkeypatch.setattr(pacing, "FEWEST", 50)
    sql_database.run("CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(100))")
    sql_database.insert("people", [{"id": number, "email": JANE} for number in range(2500)])
    seen = search(paced(sql_database, Pace(longest_snapshot=0.0)), about())
    assert len(seen.records) == len(seen.keys) == 2500
    assert [(looked.count, looked.extent) for looked in seen.looked] == [(2500, Extent.FULL)]


@pytest.mark.parametrize("sql_database", ["postgres", "mariadb"], indirect=True)
def test_somebody_who_wants_the_lock_of_the_table_gets_it_in_the_middle_of_a_search(
    sql_database: SqlDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "POLL", 0.05)
    monkeypatch.setattr(pacing, "FIRST", 3)
    monkeypatch.setattr(pacing, "FEWEST", 3)
    sql_database.run("CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(100))")
    sql_database.insert("people", [{"id": number, "email": JANE} for number in range(60)])
    driver = paced(sql_database, Pace(yields_to_locks=True))
    (part,) = driver.slices(about())
    events = driver.find(about(), part)
    assert next(events)  # the transaction of the first page is open now
    altered = threading.Event()

    def alter() -> None:
        sql_database.run("ALTER TABLE people ADD COLUMN more INTEGER")
        altered.set()

    thread = threading.Thread(target=alter)
    thread.start()
    count = 1 + sum(1 for _ in events)
    thread.join()
    assert altered.is_set()
    assert count == 61


@pytest.mark.parametrize("sql_database", ["postgres"], indirect=True)
def test_a_table_that_stays_locked_gives_the_slice_back(sql_database: SqlDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "POLL", 0.05)
    monkeypatch.setattr(pacing, "PATIENCE", 0.2)
    sql_database.run("CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(100))")
    driver = paced(sql_database, Pace(yields_to_locks=True))
    (part,) = driver.slices(about())
    with sql_database.engine.connect() as other:
        other.exec_driver_sql("LOCK TABLE people IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(Unreachable) as caught:
            list(driver.find(about(), part))
        other.rollback()
    assert (caught.value.code, "people" in caught.value.message) == ("system.busy", True)


def test_what_a_server_does_not_show_is_told_before_it_is_used(sql_database: SqlDatabase) -> None:
    sql_database.run("CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(100))")
    said = {problem.code for problem in paced(sql_database, Pace(replication_lag=30, yields_to_locks=True)).check()}
    assert ("sql.no_lag" in said) == (sql_database.kind != "postgres")
    assert "sql.no_lag" not in {problem.code for problem in sql_database.driver().check()}


def test_a_search_is_no_faster_than_it_may_be(sql_database: SqlDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(pacing.Meter.__init__, "__kwdefaults__", {"now": lambda: sum(slept), "sleep": slept.append})
    sql_database.run("CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(100))")
    sql_database.insert("people", [{"id": number, "email": "x" * 90} for number in range(2000)])
    search(paced(sql_database, Pace(bytes_per_second=10_000)), about())
    assert sum(slept) * 10_000 >= 2000 * 90


@settings(deadline=None)
@given(rate=st.integers(1, 10**6), sizes=st.lists(st.tuples(st.integers(0, 10**6), st.floats(0, 10)), min_size=1))
def test_a_meter_keeps_its_rate_and_saves_nothing_up(rate: int, sizes: list[tuple[int, float]]) -> None:
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    meter = Meter(rate, now=lambda: clock[0], sleep=sleep)
    for size, idle in sizes:
        clock[0] += idle
        began = clock[0]
        meter.took(size)
        assert clock[0] - began >= size / rate - 1e-6 * max(1.0, clock[0])


@pytest.mark.parametrize("sql_database", ["postgres"], indirect=True)
def test_the_time_outs_of_a_paced_session_are_those_of_any_other(sql_database: SqlDatabase) -> None:
    driver = paced(sql_database, replace(BOUNDED, yields_to_locks=True))
    with driver._database.reading("looking") as connection:
        assert connection.scalar(sa.text("SHOW lock_timeout")) == f"{sessions.LOCK_WAIT}s"
