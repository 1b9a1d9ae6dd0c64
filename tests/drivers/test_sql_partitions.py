"""Tables that are made of tables: each row is found once, in one collection, and only that row is changed."""

import pytest

from dsr_engine.domain.finding import Extent
from dsr_engine.domain.plan import Edit, RedactSpans, Rewrite
from dsr_engine.drivers.driver import Done, Link
from tests.drivers.sql_database import JANE, REWRITER, SqlDatabase, about, erase, locator, planned, search

on_postgresql = pytest.mark.parametrize("sql_database", ["postgres"], indirect=True)


def _visits(database: SqlDatabase) -> None:
    database.run(
        "CREATE TABLE shops (id INTEGER PRIMARY KEY)",
        "CREATE TABLE people (id INTEGER PRIMARY KEY)",
        "CREATE TABLE visits (id INTEGER, day DATE, email TEXT, shop_id INTEGER, person_id INTEGER REFERENCES people (id)) PARTITION BY RANGE (day)",
        "CREATE TABLE visits_a PARTITION OF visits FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')",
        "CREATE TABLE visits_b PARTITION OF visits FOR VALUES FROM ('2021-01-01') TO ('2022-01-01') PARTITION BY LIST (shop_id)",
        "CREATE UNLOGGED TABLE visits_b1 PARTITION OF visits_b FOR VALUES IN (1)",
        "CREATE TABLE visits_rest PARTITION OF visits DEFAULT",
        "CREATE TABLE old_visits (LIKE visits)",
        "ALTER TABLE visits ATTACH PARTITION old_visits FOR VALUES FROM ('2010-01-01') TO ('2011-01-01')",
        "ALTER TABLE visits DETACH PARTITION old_visits",
        "CREATE SCHEMA archive",
        "CREATE TABLE archive.visits (id INTEGER PRIMARY KEY, email TEXT)",
        "CREATE TABLE archive.visits_c PARTITION OF visits FOR VALUES FROM ('2022-01-01') TO ('2023-01-01')",
        "ALTER TABLE visits_b1 ADD FOREIGN KEY (shop_id) REFERENCES shops (id) ON DELETE CASCADE",
        "ALTER TABLE visits_a ADD PRIMARY KEY (id)",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, visit_id INTEGER REFERENCES visits_a (id))",
        "INSERT INTO shops VALUES (1)",
        "INSERT INTO visits SELECT id, day::date, 'x', 1, NULL FROM"
        " (VALUES (1, '2020-05-05'), (2, '2021-05-05'), (3, '2030-01-01'), (4, '2022-05-05')) AS v (id, day)",
        "INSERT INTO old_visits VALUES (9, '2010-05-05', 'x', 1, NULL)",
        "INSERT INTO archive.visits VALUES (7, 'x')",
        "INSERT INTO notes VALUES (1, 1)",
    )
    for table in ("visits", "old_visits", "archive.visits"):
        database.run(f"UPDATE {table} SET email = '{JANE}'")


@on_postgresql
def test_a_partitioned_table_is_searched_once_whatever_its_partitions_are(sql_database: SqlDatabase) -> None:
    _visits(sql_database)
    found = search(sql_database.driver(), about())
    assert sorted(looked.collection for looked in found.looked) == ["archive.visits", "notes", "old_visits", "people", "shops", "visits"]
    assert {looked.collection: looked.count for looked in found.looked if looked.count} == {
        "visits": 4,
        "old_visits": 1,
        "archive.visits": 1,
        "shops": 1,
        "notes": 1,
    }
    assert sorted(record.locator.collection for record in found.records) == ["archive.visits", "old_visits", *["visits"] * 4]
    assert all(looked.extent is Extent.FULL for looked in found.looked)


@on_postgresql
def test_links_of_and_to_a_partition_count_as_its_tables(sql_database: SqlDatabase) -> None:
    _visits(sql_database)
    facts = {entry.name: entry for entry in sql_database.driver().describe()}
    assert set(facts["visits"].links) == {Link(("person_id",), "people", ("id",), "restrict"), Link(("shop_id",), "shops", ("id",), "cascade")}
    assert facts["notes"].links == (Link(("visit_id",), "visits", ("id",), "restrict"),)
    assert facts["notes"].rank < facts["visits"].rank < facts["shops"].rank


@on_postgresql
def test_deleting_a_partitions_parent_row_sees_what_would_follow(sql_database: SqlDatabase) -> None:
    _visits(sql_database)
    _, (seen,) = planned(sql_database.driver(), [locator("shops", 1)])
    assert [(dependent.collection, dependent.count) for dependent in seen.dependents] == [("visits", 4)]


@on_postgresql
def test_rows_of_a_table_that_inherits_are_its_own_and_only_they_change(sql_database: SqlDatabase) -> None:
    sql_database.run(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT)",
        "CREATE TABLE staff (office TEXT, PRIMARY KEY (id)) INHERITS (people)",
        f"INSERT INTO people VALUES (1, '{JANE}'), (2, '{JANE}'), (3, 'x')",
        f"INSERT INTO staff VALUES (1, 'bob@example.com', 'a'), (2, '{JANE}', 'b'), (5, '{JANE}', 'c')",
    )
    found = search(sql_database.driver(), about())
    assert sorted((record.locator.collection, *record.locator.key) for record in found.records) == [
        ("people", "1"),
        ("people", "2"),
        ("staff", "2"),
        ("staff", "5"),
    ]
    assert {looked.collection: looked.count for looked in found.looked} == {"people": 3, "staff": 3}
    assert erase(sql_database.driver(), locator("people", 1)) == [Done(None)]
    assert sql_database.rows("SELECT id, email FROM ONLY staff ORDER BY id") == [(1, "bob@example.com"), (2, JANE), (5, JANE)]
    driver = sql_database.driver()
    changes, _ = planned(driver, [locator("people", 2)], Rewrite((Edit("email", RedactSpans()),)))
    assert isinstance(driver.change(changes, REWRITER)[0], Done)
    assert sql_database.rows("SELECT id, email FROM ONLY people ORDER BY id") == [(2, "[redacted]"), (3, "x")]
    assert sql_database.rows("SELECT id, email FROM ONLY staff ORDER BY id") == [(1, "bob@example.com"), (2, JANE), (5, JANE)]


@on_postgresql
def test_twins_temporary_tables_and_views_are_told_apart(sql_database: SqlDatabase) -> None:
    sql_database.run(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, email TEXT)",
        'CREATE SCHEMA "Odd: %s"',
        'CREATE TABLE "Odd: %s".t (id INTEGER PRIMARY KEY, email TEXT)',
        "CREATE VIEW v AS SELECT * FROM t",
        f"INSERT INTO t VALUES (1, '{JANE}')",
        f"""INSERT INTO "Odd: %s".t VALUES (2, '{JANE}')""",
    )
    with sql_database.engine.connect() as other:
        other.exec_driver_sql("CREATE TEMPORARY TABLE mine (id INTEGER PRIMARY KEY, email TEXT)")
        other.commit()
        found = search(sql_database.driver(), about())
    assert found.keys == {("t", ("1",)), ("Odd: %s.t", ("2",))}
    assert {looked.collection for looked in found.looked} == {"t", "Odd: %s.t"}


@pytest.mark.parametrize("sql_database", ["mariadb"], indirect=True)
def test_a_partitioned_table_of_mariadb_is_searched_once(sql_database: SqlDatabase) -> None:
    sql_database.run(
        "CREATE TABLE visits (id INT, year INT, email VARCHAR(90), PRIMARY KEY (id, year)) PARTITION BY RANGE (year)"
        " (PARTITION a VALUES LESS THAN (2000), PARTITION b VALUES LESS THAN MAXVALUE)",
        f"INSERT INTO visits VALUES (1, 1999, '{JANE}'), (2, 2010, '{JANE}'), (3, 2011, 'x')",
    )
    found = search(sql_database.driver(), about())
    assert found.keys == {("visits", ("1", "1999")), ("visits", ("2", "2010"))}
    assert sum(looked.count for looked in found.looked) == 3
