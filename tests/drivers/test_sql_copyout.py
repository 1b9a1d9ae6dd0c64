"""COPY's text format is read as it was written, and what passes by blocks is what would pass row by row."""

import hashlib
from contextlib import nullcontext

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsr_engine.content.match import Matcher
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.selector import Secret, Selector
from dsr_engine.drivers.driver import AboutSubjects
from dsr_engine.drivers.sql.finding import copyout
from dsr_engine.workflow.looking import look_at, person_search
from tests.drivers.sql_database import JANE, SqlDatabase, Substring, about, search
from tests.servers.postgres import PostgresServer

on_postgresql = pytest.mark.parametrize("sql_database", ["postgres"], indirect=True)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")) | st.text("\\Nntrbfv.\t\n\r\b\f\v\"'", max_size=12)


class Everything(Substring):
    """A gate that lets everything through."""

    def passes_text(self, text: str) -> bool:
        return bool(text)


@on_postgresql
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(st.none() | TEXT, st.none() | TEXT), min_size=1, max_size=8))
def test_every_text_arrives_as_it_is_stored(sql_database: SqlDatabase, rows: list[tuple[str | None, str | None]]) -> None:
    sql_database.run("DROP TABLE IF EXISTS t", "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT)")
    sql_database.insert("t", [{"id": number, "a": a, "b": b} for number, (a, b) in enumerate(rows)])
    driver = sql_database.driver()
    found = search(driver, AboutSubjects({"case": (Selector("s", "x", Secret("x")),)}, Everything()))
    driver.close()
    read = {int(record.locator.key[0]): {unit.place: unit.text for unit in record.units} for record in found.records}
    told = {number: {name: text for name, text in (("a", a), ("b", b)) if text is not None} for number, (a, b) in enumerate(rows)}
    assert read == {number: {"id": str(number), **{name: text for name, text in texts.items() if text != "\x01"}} for number, texts in told.items()}


@given(lines=st.lists(st.text("abj \t\\.", max_size=9) | st.just(JANE), max_size=60))
def test_a_row_passes_in_a_block_as_it_does_alone(lines: list[str]) -> None:
    rows = [line.replace("\\", "\\\\").encode() + b"\n" for line in lines]
    gate = Substring(JANE)
    passed = [line for block in copyout.blocks(rows) for line in copyout.passing(block, gate)]
    assert passed == [row[:-1] for row in rows if gate.passes(row)]


@on_postgresql
def test_digits_at_the_end_of_a_row_do_not_run_on_into_the_next(sql_database: SqlDatabase) -> None:
    matcher = Matcher({"case": (Selector("s", "email", Secret(JANE), verified=True),)})
    sql_database.run("CREATE TABLE t (id INTEGER, code TEXT, digest TEXT, more TEXT)", "CREATE TABLE u (n BIGINT, digest TEXT)")
    digest = hashlib.sha256(JANE.encode()).hexdigest()
    sql_database.insert("t", [{"id": number, "code": "173358", "digest": digest if number == 1 else "f" * 64, "more": "42"} for number in range(3)])
    sql_database.insert("u", [{"n": 173358 + number, "digest": digest if number == 1 else "f" * 64} for number in range(3)])
    records = search(sql_database.driver(), AboutSubjects({"case": (Selector("s", "email", Secret(JANE), verified=True),)}, matcher.gate)).records
    assert sorted(finding.locator.collection for record in records for finding in matcher.findings(record)) == ["t", "u"]


@on_postgresql
def test_a_copy_that_the_server_breaks_off_is_an_error_and_not_silence(sql_database: SqlDatabase) -> None:
    sql_database.run(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)",
        f"INSERT INTO t SELECT n, '{JANE}' FROM generate_series(1, 20000) n",
        "CREATE FUNCTION broken(n INTEGER) RETURNS TEXT LANGUAGE plpgsql IMMUTABLE AS"
        " $$ BEGIN IF n > 15000 THEN RAISE EXCEPTION 'no'; END IF; RETURN n; END $$",
        "CREATE VIEW v AS SELECT id, broken(id) AS b FROM t",
    )
    driver = sql_database.driver()
    with pytest.raises(psycopg.Error), driver._database.engine.connect() as connection:
        for _ in copyout.Copy(connection).blocks("SELECT id, b FROM v", {}):
            pass
    with driver._database.reading("again") as connection:
        assert len(b"".join(copyout.Copy(connection).blocks("SELECT id FROM t WHERE id < %(most)s", {"most": 3}))) == 4


@on_postgresql
def test_a_copy_that_nobody_reads_to_its_end_leaves_a_usable_pool(sql_database: SqlDatabase) -> None:
    sql_database.run("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)", f"INSERT INTO t SELECT n, '{JANE}' FROM generate_series(1, 50000) n")
    driver = sql_database.driver()
    (part,) = driver.slices(about())
    events = driver.find(about(), part)
    assert next(events)
    events.close()  # type: ignore[attr-defined]  # a generator is what every driver gives
    assert len(search(driver, about()).records) == 50_000
    assert sql_database.rows("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND starts_with(query, 'COPY')") == [(0,)]


@on_postgresql
def test_a_table_that_is_dropped_during_the_search_is_a_coverage_row(sql_database: SqlDatabase) -> None:
    sql_database.run(
        "CREATE TABLE bad (id INTEGER PRIMARY KEY, a TEXT)",
        f"INSERT INTO bad VALUES (1, '{JANE}')",
        "CREATE TABLE good (id INTEGER PRIMARY KEY, a TEXT)",
        f"INSERT INTO good VALUES (1, '{JANE}')",
    )
    driver = sql_database.driver()
    looked = {}
    query = person_search({"case": (Selector("s", "email", Secret(JANE), verified=True),)}, {})
    parts = list(driver.slices(query.query))
    sql_database.run("DROP TABLE bad")
    for part in parts:
        looked[part.collection] = look_at(lambda: nullcontext(driver), query, part).coverage
    assert {name: row.extent for name, row in looked.items() if row is not None} == {"good": Extent.FULL, "bad": Extent.NONE}


@on_postgresql
def test_bytes_that_are_no_text_are_searched_like_a_file_where_a_server_keeps_them(
    sql_database: SqlDatabase, postgres_server: PostgresServer
) -> None:
    postgres_server.run("CREATE DATABASE without_encoding ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    try:
        with psycopg.connect(postgres_server.url("without_encoding"), autocommit=True) as connection:
            connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)")
            connection.execute(f"INSERT INTO t VALUES (1, E'M\\xfcller {JANE}'), (2, E'M\\xfcller'), (3, '{JANE}')".encode())
        driver = sql_database.driver(url=postgres_server.url("without_encoding"))
        found = search(driver, about())
        driver.close()
    finally:
        postgres_server.run("DROP DATABASE without_encoding WITH (FORCE)")
    assert found.keys == {("t", ("1",)), ("t", ("3",))}
    assert [(looked.count, looked.extent) for looked in found.looked] == [(3, Extent.FULL)]
