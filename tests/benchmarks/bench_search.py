"""How a database that nobody prepared is searched: `pytest -m benchmark tests/benchmarks/bench_search.py`.

Each number is a ratio of two things that are measured one after the other on the same server, as fast as the best of three.

* Every column of two million rows, against a plain COPY of the same columns through the same connector (at most 1.2 times as long), and against
  `~*` over them for one address, in one process of the server like the search (at least ten times as fast).
* Ten thousand people in one pass, against one (at most five times as long). Compiling their identifiers is told apart.
* A thousand people in five tables, found and erased, against a SELECT and a DELETE for each person and table by `lower(email)`, which no index serves
  (at least 300 times).
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import psycopg
import pytest
import sqlalchemy as sa

from dsr_engine.domain.plan import Delete
from dsr_engine.domain.record import Locator, Record
from dsr_engine.domain.selector import Secret, Selector
from dsr_engine.drivers.driver import Change, Done, Looked, Present, Watched
from dsr_engine.drivers.sql.driver import SqlDriver
from dsr_engine.workflow.looking import Search, person_search
from tests.benchmarks.bench_scan import subjects
from tests.drivers.sql_database import REWRITER, SqlDatabase
from tests.servers.postgres import PostgresServer

ROWS = 2_000_000
COLUMNS = ("id::text", "email", "first_name", "last_name", "street", "city", "note", "phone", "joined::text", "balance::text")
PEOPLE = 1000
TABLES = ("customers", "orders", "tickets", "letters", "visits")
ROWS_EACH = 1_000_000
#: So many of the people are erased one by one; the rest would take as long each.
SAMPLE = 5
BATCH = 1000


@pytest.fixture
def database(postgres_server: PostgresServer, postgres_database: str) -> Iterator[SqlDatabase]:
    url = postgres_server.url(postgres_database)
    made = SqlDatabase("postgres", url, sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.pool.NullPool))
    yield made
    made.close()


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def looked(driver: SqlDriver, search: Search) -> int:
    return sum(event.count for part in driver.slices(search.query) for event in driver.find(search.query, part) if isinstance(event, Looked))


def copied(url: str) -> None:
    with (
        psycopg.connect(url) as connection,
        connection.cursor() as cursor,
        cursor.copy(f"COPY (SELECT {', '.join(COLUMNS)} FROM people) TO STDOUT") as rows,
    ):
        for _ in rows:
            pass


def queried(url: str, query: str) -> None:
    """Runs a query as the search runs: in one process of the server."""
    with psycopg.connect(url) as connection:
        connection.execute("SET max_parallel_workers_per_gather = 0")
        connection.execute(query).fetchall()


def matching(pattern: str) -> str:
    """What somebody would write by hand."""
    return "SELECT * FROM people WHERE " + " OR ".join(f"{name} ~* '{pattern}'" for name in COLUMNS)


@pytest.mark.benchmark
def test_a_table_is_searched_at_the_speed_of_a_copy(database: SqlDatabase, capsys: pytest.CaptureFixture[str]) -> None:
    database.run(
        "CREATE TABLE people (id BIGINT PRIMARY KEY, email TEXT, first_name TEXT, last_name TEXT, street TEXT, city TEXT, note TEXT, phone TEXT,"
        " joined TIMESTAMPTZ, balance NUMERIC(10, 2))",
        "INSERT INTO people SELECT n, 'person' || n || '@example' || (n % 97) || '.com', 'First' || (n % 5003), 'Last' || (n % 9973),"
        " (n % 300) || ' Long Street', 'Town ' || (n % 500), CASE WHEN n % 3 = 0 THEN 'called about order ' || n || ', wants a new label' END,"
        " '+49 30 ' || (1000000 + n % 8999999), TIMESTAMPTZ '2020-01-01' + n * INTERVAL '1 minute', (n % 100000) / 100.0"
        f" FROM generate_series(1, {ROWS}) n",
    )
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE people")
    driver = database.driver()
    driver.describe()
    one, many = person_search(subjects(1), {}), person_search(subjects(10_000), {})
    assert looked(driver, one) == ROWS
    rounds = [(seconds(lambda: copied(database.url)), seconds(lambda: looked(driver, one)), seconds(lambda: looked(driver, many))) for _ in range(3)]
    copy, single, crowd = (min(taken) for taken in zip(*rounds, strict=True))
    (known,) = subjects(1).values()
    identifiers = "|".join(re.escape(selector.value.reveal()).replace("'", "''") for selector in known)
    regular, same = (seconds(partial(queried, database.url, matching(pattern))) for pattern in (r"jane\.doe@example\.org", identifiers))
    with capsys.disabled():
        print(
            f"\nPostgreSQL, {ROWS:,} rows, {len(COLUMNS)} columns: COPY {copy:.2f} s; search {single:.2f} s = {single / copy:.2f} × COPY (target 1.2)"
        )
        print(f"~* over the same columns, one process, for one address {regular:.1f} s = {regular / single:.1f} × the search (target 10)")
        print(f"~* for the {len(known)} identifiers that the search looks for {same:.1f} s = {same / single:.0f} ×")
        print(f"10,000 people in one pass {crowd:.2f} s = {crowd / single:.1f} × one (target 5)")
    assert rounds


def found(driver: SqlDriver, search: Search) -> list[Locator]:
    """The records of the people, as the matcher decides."""
    events = (event for part in driver.slices(search.query) for event in driver.find(search.query, part))
    return [finding.locator for event in events if isinstance(event, Record) for finding in search.judge(event)]


def erased(driver: SqlDriver, wheres: Sequence[Locator]) -> int:
    done = 0
    for table in TABLES:
        rows = [where for where in wheres if where.collection == table]
        for start in range(0, len(rows), BATCH):
            seen = zip(rows[start : start + BATCH], driver.observe([Watched(where) for where in rows[start : start + BATCH]]), strict=True)
            changes = [Change(where, Delete(), (), one.state, one.server) for where, one in seen if isinstance(one, Present)]
            done += sum(isinstance(outcome, Done) for outcome in driver.change(changes, REWRITER))
    return done


def one_by_one(url: str, emails: Sequence[str]) -> None:
    with psycopg.connect(url) as connection:
        for email in emails:
            for table in TABLES:
                assert connection.execute(f"SELECT * FROM {table} WHERE lower(email) = %s", (email,)).fetchall()
                connection.execute(f"DELETE FROM {table} WHERE lower(email) = %s", (email,))
            connection.commit()


def people() -> Mapping[str, tuple[Selector, ...]]:
    return {f"case-{number}": (Selector(f"s{number}", "email", Secret(f"person{number}@example.com"), verified=True),) for number in range(PEOPLE)}


@pytest.mark.benchmark
def test_a_thousand_people_are_found_and_erased_in_five_tables(database: SqlDatabase, capsys: pytest.CaptureFixture[str]) -> None:
    for table in TABLES:
        database.run(
            f"CREATE TABLE {table} (id BIGINT PRIMARY KEY, email TEXT)",
            f"INSERT INTO {table} SELECT n, 'Person' || n || '@example.com' FROM generate_series(0, {ROWS_EACH - 1}) n",
        )
    database.run("ANALYZE")
    driver = database.driver()
    driver.describe()

    def whole() -> None:
        wheres = found(driver, person_search(people(), {}))
        assert len(wheres) == PEOPLE * len(TABLES)
        assert erased(driver, wheres) == PEOPLE * len(TABLES)

    sample = [f"person{number}@example.com" for number in range(PEOPLE, PEOPLE + SAMPLE)]
    plain = seconds(lambda: one_by_one(database.url, sample)) * PEOPLE / SAMPLE
    engine = seconds(whole)
    left = [database.rows(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES]
    with capsys.disabled():
        print(f"\n{PEOPLE:,} people in {len(TABLES)} tables of {ROWS_EACH:,} rows: {engine:.2f} s")
        print(f"one by one {plain:.0f} s = {plain / engine:.0f} × (target 300)")
    assert left == [ROWS_EACH - PEOPLE - SAMPLE] * len(TABLES)
