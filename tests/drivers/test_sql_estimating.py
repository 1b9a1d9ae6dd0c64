"""What the server itself knows of its tables: rows and bytes, without reading them."""

import pytest

from dsr_engine.domain.selector import Secret
from dsr_engine.domain.system import Manifest, System
from dsr_engine.drivers.access import Estimate
from dsr_engine.drivers.sql.asking.access import SqlAccess
from tests.drivers.sql_database import BLOB, SqlDatabase

ROWS = 500


def estimates(database: SqlDatabase) -> dict[str, Estimate]:
    access = SqlAccess(System("shop", Manifest("shop", "sql"), {"url": Secret(database.url)}))
    try:
        return {entry.collection: entry for entry in access.estimates()}
    finally:
        access.close()


def fill(database: SqlDatabase) -> None:
    database.run("CREATE TABLE people (id INTEGER PRIMARY KEY, note VARCHAR(300))", "CREATE TABLE pairs (a INTEGER PRIMARY KEY, b VARCHAR(9))")
    database.insert("people", [{"id": number, "note": "x" * 200} for number in range(1, ROWS + 1)])


def test_describing_tells_how_many_rows_there_are_about(sql_database: SqlDatabase) -> None:
    fill(sql_database)
    sql_database.run("ANALYZE TABLE people, pairs" if sql_database.kind == "mariadb" else "ANALYZE")
    facts = {entry.name: entry for entry in sql_database.driver().describe()}
    assert ROWS * 0.8 <= (facts["people"].count or 0) <= ROWS * 1.2
    assert facts["pairs"].count == 0
    if sql_database.kind != "sqlite":
        assert (facts["people"].size or 0) >= ROWS * 200


def test_a_table_that_was_never_analysed_is_estimated_by_its_size(sql_database: SqlDatabase) -> None:
    fill(sql_database)
    if sql_database.kind == "mariadb":  # which always counts, but some seconds later
        sql_database.run("ANALYZE TABLE people")
    people = estimates(sql_database)["people"]
    assert ROWS * 0.5 <= (people.rows or 0) <= ROWS * 2
    assert (people.size or 0) >= ROWS * 200 * 0.8


@pytest.mark.parametrize("sql_database", ["sqlite"], indirect=True)
def test_sqlite_without_statistics_counts_small_tables_and_never_gives_a_row_number(sql_database: SqlDatabase) -> None:
    fill(sql_database)
    sql_database.run("CREATE TABLE bare (k TEXT PRIMARY KEY) WITHOUT ROWID", "INSERT INTO bare VALUES ('a')")
    sql_database.run("CREATE TABLE far (id INTEGER PRIMARY KEY)", "INSERT INTO far VALUES (700001234), (700001299)")
    many = "WITH RECURSIVE n (i) AS (SELECT 700000001 UNION ALL SELECT i + 1 FROM n WHERE i < 700120000)"
    sql_database.run("CREATE TABLE large (id INTEGER PRIMARY KEY)", f"INSERT INTO large {many} SELECT i FROM n")
    sql_database.run("CREATE TABLE keyed (k INTEGER PRIMARY KEY) WITHOUT ROWID", f"INSERT INTO keyed {many} SELECT i FROM n")
    facts = {entry.name: entry.count for entry in sql_database.driver().describe()}
    assert facts == {"people": ROWS, "pairs": 0, "bare": 1, "far": 2, "large": 120_000, "keyed": None}


def test_a_sample_of_files_is_not_read(sql_database: SqlDatabase) -> None:
    """Their bytes say nothing about other tables, and nobody knows how many they are."""
    sql_database.run(f"CREATE TABLE photos (id INTEGER PRIMARY KEY, photo {BLOB[sql_database.kind]})")
    access = SqlAccess(System("shop", Manifest("shop", "sql"), {"url": Secret(sql_database.url)}))
    assert access.throughput() == 0
    access.close()


@pytest.mark.parametrize("sql_database", ["postgres"], indirect=True)
def test_what_will_not_be_searched_has_its_reason_and_no_size(sql_database: SqlDatabase) -> None:
    sql_database.run("CREATE TABLE people (id INTEGER PRIMARY KEY)", "CREATE MATERIALIZED VIEW hollow AS SELECT * FROM people WITH NO DATA")
    hollow = estimates(sql_database)["hollow"]
    assert (hollow.rows, hollow.size, hollow.slices, "never filled" in hollow.reason) == (None, None, 0, True)
