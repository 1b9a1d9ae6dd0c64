"""What a surveyor tells of a database: samples, whose keys a field holds, who shares what, who stands beside a record. Reads only."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from dsr_engine.domain.errors import DsrError, InputWrong, ManifestWrong, NotSupported
from dsr_engine.domain.record import Locator
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.system import CollectionMap, FieldMap, Manifest, System
from dsr_engine.drivers.driver import Link
from dsr_engine.drivers.sql.asking.surveying import SqlSurveyor
from dsr_engine.drivers.survey import Containment, Copying, Sharing
from tests.drivers.sql_database import BLOB, JSON, SqlDatabase
from tests.servers.postgres import PostgresServer


def _surveyor(database: SqlDatabase, *collections: CollectionMap, **settings_: str) -> SqlSurveyor:
    given_ = {"url": database.url, **settings_}
    return SqlSurveyor(System("shop", Manifest("shop", "sql", collections=collections), {name: Secret(value) for name, value in given_.items()}))


@pytest.fixture
def shop(sql_database: SqlDatabase) -> SqlDatabase:
    """Ten customers with an address each, but two who share one; orders of three of them with two lines each."""
    sql_database.run(
        "CREATE TABLE addresses (id INTEGER PRIMARY KEY, street VARCHAR(80))",
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, email VARCHAR(120) UNIQUE, address_id INTEGER, note TEXT,"
        " FOREIGN KEY (address_id) REFERENCES addresses (id))",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, total INTEGER,"
        " FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE)",
        "CREATE TABLE order_lines (order_id INTEGER NOT NULL, line INTEGER NOT NULL, sku VARCHAR(20), PRIMARY KEY (order_id, line),"
        " FOREIGN KEY (order_id) REFERENCES orders (id))",
        "CREATE TABLE visits (customer_no INTEGER, page VARCHAR(40))",
    )
    sql_database.insert("addresses", ({"id": n, "street": f"{n} Road"} for n in range(1, 11)))
    sql_database.insert(
        "customers",
        ({"id": n, "email": f"c{n}@example.org", "address_id": n if n != 10 else 9, "note": None if n > 5 else "regular"} for n in range(1, 11)),
    )
    sql_database.insert("orders", ({"id": 100 + n, "customer_id": 1 + n % 3, "total": n} for n in range(6)))
    sql_database.insert("order_lines", ({"order_id": 100 + n // 2, "line": n % 2, "sku": f"s{n}"} for n in range(12)))
    sql_database.insert("visits", ({"customer_no": n, "page": "/"} for n in (1, 2, 2, 11)))
    return sql_database


@pytest.fixture
def surveyor(shop: SqlDatabase) -> Iterator[SqlSurveyor]:
    made = _surveyor(shop)
    yield made
    made.close()


def test_a_sample_holds_distinct_values_and_counts_what_is_empty(surveyor: SqlSurveyor) -> None:
    sample = surveyor.sample("customers", 50)
    assert sample.rows == 10
    assert sample.is_whole
    assert set(sample.values["email"]) == {f"c{n}@example.org" for n in range(1, 11)}
    assert sample.values["note"] == ("regular",)
    assert sample.nulls["note"] == 5
    assert (sample.distinct["email"], sample.distinct["address_id"], sample.distinct["note"]) == (10, 9, 1)


def test_a_sample_of_many_rows_is_bounded_and_takes_both_ends(surveyor: SqlSurveyor, shop: SqlDatabase) -> None:
    shop.insert("addresses", ({"id": n, "street": f"{n} Road"} for n in range(11, 1001)))
    sample = surveyor.sample("addresses", 20)
    assert sample.rows == 100
    assert not sample.is_whole
    assert len(sample.values["street"]) == 20
    assert sample.distinct["street"] == 100
    ends = surveyor.sample("addresses", 150)
    assert not ends.is_whole
    assert ends.distinct["id"] == 750
    few = surveyor.sample("addresses", 10)
    assert few.rows == 50


def test_a_sample_says_nothing_when_it_is_printed(surveyor: SqlSurveyor) -> None:
    assert "example.org" not in repr(surveyor.sample("customers", 50))


def test_binary_values_are_not_read_and_long_texts_are_cut(shop: SqlDatabase) -> None:
    shop.run(f"CREATE TABLE papers (id INTEGER PRIMARY KEY, body TEXT, scan {BLOB[shop.kind]}, extra {JSON[shop.kind]})")
    shop.insert("papers", [{"id": 1, "body": "x" * 50_000, "scan": b"%PDF", "extra": '{"a": 1}'}])
    surveyor = _surveyor(shop)
    sample = surveyor.sample("papers", 10)
    surveyor.close()
    assert "scan" not in sample.values
    assert len(sample.values["body"][0]) == 2000
    assert sample.values["extra"][0].replace(" ", "") == '{"a":1}'


def test_containment_counts_values_that_exist_at_the_target(surveyor: SqlSurveyor) -> None:
    assert surveyor.containment("orders", Link(("customer_id",), "customers", ("id",)), 50) == Containment(3, 3, 10)
    assert surveyor.containment("visits", Link(("customer_no",), "customers", ("id",)), 50) == Containment(3, 2, 10)
    both = surveyor.containment("order_lines", Link(("order_id", "line"), "orders", ("id", "total")), 50)
    assert both.sampled == 12
    assert both.contained == 2


def test_containment_of_nothing_is_nothing_and_not_agreement(surveyor: SqlSurveyor, shop: SqlDatabase) -> None:
    shop.run("DELETE FROM visits")
    assert surveyor.containment("visits", Link(("customer_no",), "customers", ("id",)), 50) == Containment(0, 0, 10)


def test_values_of_another_type_are_refused_or_found_not_there_but_never_taken_for_equal(surveyor: SqlSurveyor, shop: SqlDatabase) -> None:
    link = Link(("page",), "customers", ("id",))
    if shop.kind == "postgres":
        with pytest.raises(DsrError, match="comparing visits with customers"):
            surveyor.containment("visits", link, 50)
    else:
        assert surveyor.containment("visits", link, 50).contained == 0


def test_sharing_counts_how_many_point_at_one(surveyor: SqlSurveyor) -> None:
    assert surveyor.sharing("customers", Link(("address_id",), "addresses", ("id",)), 50) == Sharing(9, 1, 2)
    assert surveyor.sharing("orders", Link(("customer_id",), "customers", ("id",)), 50) == Sharing(3, 3, 2)


def test_a_field_that_is_not_there_is_the_callers_mistake(surveyor: SqlSurveyor) -> None:
    with pytest.raises(ManifestWrong):
        surveyor.containment("orders", Link(("nobody",), "customers", ("id",)), 5)
    with pytest.raises(ManifestWrong):
        surveyor.sample("nowhere", 5)


def test_views_are_left_out_and_the_manifest_is_not_believed(shop: SqlDatabase) -> None:
    shop.run("CREATE VIEW regulars AS SELECT id, email FROM customers WHERE note = 'regular'")
    wrong = CollectionMap("customers", fields=(FieldMap("no_such_field", "user.name"),))
    surveyor = _surveyor(shop, wrong)
    names = {entry.name for entry in surveyor.describe()}
    surveyor.close()
    assert names == {"addresses", "customers", "orders", "order_lines", "visits"}


def test_what_points_at_a_record_and_what_it_points_at_are_counted_by_link(surveyor: SqlSurveyor) -> None:
    found = {
        (each.collection, each.is_dependent, each.via.fields): each.count for each in surveyor.neighbours([Locator("shop", "customers", ("1",))])
    }
    assert found == {("orders", True, ("customer_id",)): 2, ("addresses", False, ("address_id",)): 1}
    shared = surveyor.neighbours([Locator("shop", "customers", ("9",)), Locator("shop", "customers", ("10",))])
    assert [(each.collection, each.count) for each in shared] == [("addresses", 1)]


def test_records_of_the_person_are_not_their_own_neighbours(surveyor: SqlSurveyor) -> None:
    hers = [Locator("shop", "customers", ("1",)), Locator("shop", "orders", ("100",)), Locator("shop", "orders", ("103",))]
    found = {(each.collection, each.is_dependent): each.count for each in surveyor.neighbours(hers)}
    assert found == {("addresses", False): 1, ("order_lines", True): 4}


def test_links_that_only_the_manifest_knows_count_as_well(shop: SqlDatabase) -> None:
    surveyor = _surveyor(shop, CollectionMap("visits", fields=(FieldMap("customer_no", references=("customers", "id")),)))
    found = {each.collection: each.count for each in surveyor.neighbours([Locator("shop", "customers", ("2",))])}
    surveyor.close()
    assert found["visits"] == 2  # also rows that nothing names


def test_a_table_without_a_key_and_a_row_that_is_gone_have_no_neighbours(surveyor: SqlSurveyor) -> None:
    assert surveyor.neighbours([Locator("shop", "visits", ("row:00",)), Locator("shop", "customers", ("4711",))]) == ()


def test_surveying_changes_nothing(surveyor: SqlSurveyor, shop: SqlDatabase) -> None:
    tables = ("addresses", "customers", "orders")
    before = {table: shop.dump(table) for table in tables}
    surveyor.describe()
    surveyor.sample("customers", 10)
    surveyor.sharing("customers", Link(("address_id",), "addresses", ("id",)), 5)
    surveyor.neighbours([Locator("shop", "customers", ("1",))])
    assert {table: shop.dump(table) for table in tables} == before


def test_triggers_that_copy_are_told(shop: SqlDatabase) -> None:
    shop.run("CREATE TABLE customers_audit (id INTEGER, email VARCHAR(120))")
    match shop.kind:
        case "postgres":
            shop.run(
                "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.customers_audit VALUES (OLD.id, OLD.email);"
                " RETURN NEW; END $$",
                "CREATE TRIGGER kept BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION keep()",
            )
        case "mariadb":
            shop.run("CREATE TRIGGER kept BEFORE UPDATE ON customers FOR EACH ROW INSERT INTO `customers_audit` VALUES (OLD.id, OLD.email)")
        case _:
            shop.run(
                "CREATE TRIGGER kept BEFORE UPDATE ON customers BEGIN INSERT INTO customers_audit VALUES (OLD.id, OLD.email); END",
            )
    surveyor = _surveyor(shop)
    told = surveyor.copies()
    surveyor.close()
    assert told == (Copying("customers", "customers_audit"),)


def test_what_may_not_be_read_is_refused_and_not_empty(postgres_server: PostgresServer, postgres_database: str) -> None:
    with psycopg.connect(postgres_server.url(postgres_database), autocommit=True) as connection:
        connection.execute("CREATE TABLE secrets (id int PRIMARY KEY, body text)")
        connection.execute("DROP ROLE IF EXISTS surveyor_guest")
        connection.execute("CREATE ROLE surveyor_guest LOGIN")
    manifest = Manifest("shop", "sql")
    surveyor = SqlSurveyor(System("shop", manifest, {"url": Secret(postgres_server.url(postgres_database, "surveyor_guest"))}))
    with pytest.raises(NotSupported):
        surveyor.sample("secrets", 5)
    surveyor.close()


def test_a_replica_is_asked_where_there_is_one_and_no_stranger(shop: SqlDatabase, tmp_path: Path) -> None:
    same = System("shop", Manifest("shop", "sql"), {"url": Secret(shop.url)}, read_from=Secret(shop.url))
    surveyor = SqlSurveyor(same)
    assert surveyor.sample("customers", 5).rows == 10
    surveyor.close()
    sqlite3.connect(tmp_path / "other.db").close()
    stranger = SqlSurveyor(replace(same, read_from=Secret(f"sqlite:///{tmp_path / 'other.db'}")))
    with pytest.raises(InputWrong, match="no copy of the server"):
        stranger.describe()
    stranger.close()


def test_rows_are_counted_as_the_server_estimates_them_and_a_snapshot_names_what_it_is_made_from(
    postgres_server: PostgresServer, postgres_database: str
) -> None:
    with psycopg.connect(postgres_server.url(postgres_database), autocommit=True) as connection:
        connection.execute("CREATE TABLE people (id int PRIMARY KEY, email text)")
        connection.execute("INSERT INTO people SELECT n, 'p' || n FROM generate_series(1, 500) n")
        connection.execute("CREATE MATERIALIZED VIEW letters AS SELECT left(email, 1) AS letter FROM people")
        connection.execute("CREATE VIEW shown AS SELECT id FROM people")
        connection.execute("ANALYZE")
    surveyor = SqlSurveyor(System("shop", Manifest("shop", "sql"), {"url": Secret(postgres_server.url(postgres_database))}))
    found = {facts.name: facts for facts in surveyor.describe()}
    surveyor.close()
    assert found["people"].count == 500
    assert found["letters"].made_from == ("people",)
    assert set(found) == {"people", "letters"}


def test_a_url_that_cannot_be_used_is_refused_at_once() -> None:
    with pytest.raises(InputWrong):
        SqlSurveyor(System("shop", Manifest("shop", "sql"), {"url": Secret("nothing")}))


def test_odd_names_are_only_names(sql_database: SqlDatabase) -> None:
    quote = "`" if sql_database.kind == "mariadb" else '"'
    table, column = "Robert); --% :x ü", "per%cent :bind é"
    first, second = f"{quote}{table}{quote}", f"{quote}{column}{quote}"
    sql_database.run(
        f"CREATE TABLE {first} (id INTEGER PRIMARY KEY, {second} VARCHAR(90) UNIQUE)",
        f"CREATE TABLE notes (id INTEGER PRIMARY KEY, {second} INTEGER, FOREIGN KEY ({second}) REFERENCES {first} (id))",
        f"INSERT INTO {first} VALUES (1, 'a%b'), (2, 'c')",
        "INSERT INTO notes VALUES (1, 2), (2, 2), (3, NULL)",
    )
    surveyor = _surveyor(sql_database)
    link = Link((column,), table, ("id",))
    assert {facts.name for facts in surveyor.describe()} == {table, "notes"}
    assert set(surveyor.sample(table, 10).values[column]) == {"a%b", "c"}
    assert surveyor.containment("notes", link, 10) == Containment(1, 1, 2)
    assert surveyor.sharing("notes", link, 10) == Sharing(1, 1, 2)
    assert [(each.collection, each.count) for each in surveyor.neighbours([Locator("shop", table, ("2",))])] == [("notes", 2)]
    assert [(each.collection, each.count) for each in surveyor.neighbours([Locator("shop", "notes", ("1",))])] == [(table, 1)]
    surveyor.close()


def test_the_widest_table_and_values_without_an_end_are_sampled(postgres_server: PostgresServer, postgres_database: str) -> None:
    with psycopg.connect(postgres_server.url(postgres_database), autocommit=True) as connection:
        wide = ", ".join(f"c{number} varchar(60)" for number in range(1, 1600))
        connection.execute(f"CREATE TABLE wide (id integer PRIMARY KEY, {wide})".encode())
        connection.execute("INSERT INTO wide (id, c5) VALUES (1, 'x'), (2, 'y')")
        connection.execute(
            "CREATE TABLE odd (id numeric PRIMARY KEY, seen timestamptz, born date, score float8, at tsrange, tags text[], body jsonb)"
        )
        connection.execute("INSERT INTO odd VALUES ('NaN', 'infinity', '0044-03-15 BC', 'NaN', 'empty', '{a,b}', '{\"a\": [1]}')")
        connection.execute("INSERT INTO odd (id) VALUES (2)")
    surveyor = SqlSurveyor(System("shop", Manifest("shop", "sql"), {"url": Secret(postgres_server.url(postgres_database))}))
    assert surveyor.sample("wide", 10).values["c5"] == ("x", "y")
    odd = surveyor.sample("odd", 10)
    assert (odd.rows, odd.values["seen"], odd.values["tags"]) == (2, ("infinity",), ('["a", "b"]',))
    surveyor.close()
