"""Finding: every kind of column that can hold a text, and nothing missed silently."""

import json
from datetime import date

import pytest
import sqlalchemy as sa

from dsr_engine.domain.errors import ManifestWrong
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.policy import Pick, Start
from dsr_engine.domain.selector import Scope
from dsr_engine.domain.system import Discover, FieldMap
from dsr_engine.drivers.driver import Everything, OlderThan
from tests.drivers.sql_database import BLOB, JANE, JSON, MOMENT, SqlDatabase, about, mapped, search, selector
from tests.servers.postgres import PostgresServer

PEOPLE = "CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(200), note TEXT)"


def test_a_row_is_found_by_any_of_its_text_columns_in_any_letter_case(sql_database: SqlDatabase) -> None:
    sql_database.run("CREATE TABLE people (id INTEGER PRIMARY KEY, a VARCHAR(200), b TEXT, c CHAR(40))")
    empty = {"a": None, "b": None, "c": None}
    sql_database.insert(
        "people", [{"id": 1, **empty, "a": JANE}, {"id": 2, **empty, "b": "call JANE.DOE@Example.com"}, {"id": 3, **empty, "c": JANE}]
    )
    sql_database.insert("people", [{"id": 4, **empty, "a": "john@example.com"}, {"id": 5, **empty}])
    found = search(sql_database.driver(), about())
    assert found.keys == {("people", ("1",)), ("people", ("2",)), ("people", ("3",))}
    assert found.looked[0].count == 5
    assert found.looked[0].extent is Extent.FULL
    assert found.gaps == ()


def test_a_whole_row_comes_with_all_its_units_and_null_is_no_unit(sql_database: SqlDatabase) -> None:
    sql_database.run(PEOPLE)
    sql_database.insert("people", [{"id": 7, "email": JANE, "note": None}])
    (record,) = search(sql_database.driver(), about()).records
    assert {(unit.place, unit.text, unit.is_value) for unit in record.units} == {("id", "7", True), ("email", JANE, True)}


def test_text_with_tabs_newlines_and_backslashes_arrives_unchanged(sql_database: SqlDatabase) -> None:
    sql_database.run(PEOPLE)
    note = f"a\tb\nc\\d \\N {JANE}\r\n'quoted' \"twice\" %s ☃"
    sql_database.insert("people", [{"id": 1, "email": "x", "note": note}])
    assert search(sql_database.driver(), about()).texts()["note"] == note


def test_every_scalar_inside_json_is_a_unit_of_its_own(sql_database: SqlDatabase) -> None:
    sql_database.run(f"CREATE TABLE people (id INTEGER PRIMARY KEY, profile {JSON[sql_database.kind]})")
    sql_database.run("INSERT INTO people VALUES (1, '" + json.dumps({"mail": [JANE], "age": 40, JANE: "x"}) + "'), (2, '{\"mail\": 1}')")
    (record,) = search(sql_database.driver(), about()).records
    units = {(unit.place, unit.text, unit.is_value) for unit in record.units}
    assert ("profile/$.mail[0]", JANE, True) in units
    assert ("profile/$.age", "40", True) in units
    assert ("profile/$", JANE, False) in units
    assert not any(JANE in unit.place for unit in record.units)


def test_a_csv_file_in_a_blob_is_read_as_a_file(sql_database: SqlDatabase) -> None:
    sql_database.run(f"CREATE TABLE exports (id INTEGER PRIMARY KEY, content {BLOB[sql_database.kind]})")
    csv = f"id,email\n1,{JANE}\n2,john@example.com\n".encode()
    sql_database.insert("exports", [{"id": 1, "content": csv}, {"id": 2, "content": b"id,email\n3,other@example.com\n"}, {"id": 3, "content": None}])
    (record,) = search(sql_database.driver(), about()).records
    assert record.locator.key == ("1",)
    places = [unit.place for unit in record.units if unit.text == JANE]
    assert places
    assert all(place.startswith("content/") for place in places)


def test_a_row_in_a_table_without_a_key_is_found_and_named_by_a_digest(sql_database: SqlDatabase) -> None:
    sql_database.run("CREATE TABLE log (who VARCHAR(100), what TEXT)")
    sql_database.insert("log", [{"who": JANE, "what": "login"}, {"who": JANE, "what": "login"}, {"who": "john@example.com", "what": "login"}])
    (record,) = search(sql_database.driver(), about()).records
    assert record.locator.key[0].startswith("row:")
    assert JANE not in record.locator.key[0]


def test_a_composite_key_names_a_row(sql_database: SqlDatabase) -> None:
    sql_database.run("CREATE TABLE seats (plane VARCHAR(10), row_no INTEGER, who VARCHAR(100), PRIMARY KEY (plane, row_no))")
    sql_database.insert("seats", [{"plane": "A", "row_no": 1, "who": JANE}, {"plane": "A", "row_no": 2, "who": "x"}])
    assert search(sql_database.driver(), about()).keys == {("seats", ("A", "1"))}


def test_a_scoped_key_is_found_by_equality_in_fields_that_reference_it_and_nowhere_else(sql_database: SqlDatabase) -> None:
    sql_database.run(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, email VARCHAR(100))",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, amount INTEGER, FOREIGN KEY (customer_id) REFERENCES customers (id))",
        "CREATE TABLE visits (id INTEGER PRIMARY KEY, cid VARCHAR(20), hits INTEGER)",
    )
    sql_database.insert("customers", [{"id": 17, "email": "x"}, {"id": 18, "email": "y"}])
    sql_database.insert("orders", [{"id": 1, "customer_id": 17, "amount": 5}, {"id": 2, "customer_id": 18, "amount": 17}])
    sql_database.insert("visits", [{"id": 1, "cid": "17", "hits": 3}, {"id": 2, "cid": "170", "hits": 17}])
    driver = sql_database.driver(mapped("visits", FieldMap("cid", same_as=("customers.id",))), discover=Discover.REST)
    found = search(driver, about(selector("17", "customer_id", Scope("shop", "customers", "id"))))
    assert found.keys == {("customers", ("17",)), ("orders", ("1",)), ("visits", ("1",))}


def test_a_number_column_that_selects_a_kind_is_compared_by_the_server(sql_database: SqlDatabase) -> None:
    sql_database.run("CREATE TABLE people (id INTEGER PRIMARY KEY, member_no BIGINT)")
    sql_database.insert("people", [{"id": 1, "member_no": 4711}, {"id": 2, "member_no": 47110}])
    driver = sql_database.driver(mapped("people", FieldMap("member_no", selects="member", identifies=True)))
    query = about(selector("4711", "member"))
    (record,) = [one for one in search(driver, query).records if one.locator.key == ("1",)]
    assert record.identifying == {"member_no": "4711"}


def test_facts_come_with_the_latest_and_earliest_date_of_a_linked_collection(sql_database: SqlDatabase) -> None:
    moment = MOMENT[sql_database.kind]
    sql_database.run(
        f"CREATE TABLE customers (id INTEGER PRIMARY KEY, email VARCHAR(100), state VARCHAR(10), joined {moment})",
        f"CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, created_at {moment})",
        f"INSERT INTO customers VALUES (1, '{JANE}', 'open', '2020-01-02 03:04:05')",
        "INSERT INTO orders VALUES (1, 1, '2021-05-06 00:00:00'), (2, 1, '2019-05-06 00:00:00'), (3, 2, '2024-01-01 00:00:00')",
    )
    zone = "-05:00" if sql_database.kind == "postgres" else ""
    driver = sql_database.driver(mapped("customers"), mapped("orders", FieldMap("customer_id", references=("customers", "id"))))
    (record,) = search(driver, about(facts={"customers": ("joined", "state", "orders.created_at")})).records
    assert set(record.facts) == {"joined", "state", "orders.created_at:latest", "orders.created_at:earliest"}
    assert record.facts["state"] == "open"
    assert str(record.facts["orders.created_at:latest"]).startswith("2021-05-06")
    assert str(record.facts["orders.created_at:earliest"]).startswith("2019-05-06")
    assert record.facts["joined"] == ("2020-01-02T08:04:05" if zone else "2020-01-02T03:04:05")


def _ages(database: SqlDatabase) -> None:
    moment = MOMENT[database.kind]
    database.run(
        f"CREATE TABLE leads (id INTEGER PRIMARY KEY, mailed {moment}, called {moment}, state VARCHAR(10))",
        "INSERT INTO leads VALUES (1, '2020-01-01 12:00:00', NULL, 'new'), (2, '2020-01-01 12:00:00', '2022-01-01 12:00:00', 'new'), "
        "(3, NULL, NULL, 'new'), (4, '2020-01-02 12:00:00', NULL, NULL), "
        "(5, '2020-01-03 12:00:00', NULL, 'new'), (6, '2019-01-01 12:00:00', NULL, 'open')",
    )


def _old(database: SqlDatabase, pick: Pick, *, unknown: bool = False) -> set[str]:
    query = OlderThan("leads", Start(("mailed", "called"), pick), date(2020, 1, 2), {"state": ("open", "shipped")}, unknown)
    return {record.locator.key[0] for record in search(database.driver(mapped("leads")), query).records}


def test_records_are_old_by_their_latest_date_including_the_cutoff_itself(sql_database: SqlDatabase) -> None:
    _ages(sql_database)
    assert _old(sql_database, Pick.LATEST) == {"1", "4"}


def test_records_are_old_by_their_earliest_date(sql_database: SqlDatabase) -> None:
    _ages(sql_database)
    assert _old(sql_database, Pick.EARLIEST) == {"1", "2", "4"}


def test_records_without_any_date_are_given_only_when_asked_for(sql_database: SqlDatabase) -> None:
    _ages(sql_database)
    assert _old(sql_database, Pick.LATEST, unknown=True) == {"3"}


def test_a_linked_collections_date_makes_a_record_young(sql_database: SqlDatabase) -> None:
    moment = MOMENT[sql_database.kind]
    sql_database.run(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, email VARCHAR(100))",
        f"CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, created_at {moment})",
        "INSERT INTO customers VALUES (1, 'a'), (2, 'b'), (3, 'c')",
        "INSERT INTO orders VALUES (1, 1, '2010-05-06 00:00:00'), (2, 1, '2024-05-06 00:00:00'), (3, 2, '2010-01-01 00:00:00')",
    )
    driver = sql_database.driver(mapped("customers"), mapped("orders", FieldMap("customer_id", references=("customers", "id"))))
    found = search(driver, OlderThan("customers", Start(("orders.created_at",)), date(2020, 1, 1)))
    assert found.keys == {("customers", ("2",))}
    assert found.records[0].facts["orders.created_at:latest"] == "2010-01-01T00:00:00" or sql_database.kind == "postgres"


def test_a_date_that_is_no_date_never_makes_a_record_old(sql_database: SqlDatabase) -> None:
    if sql_database.kind == "sqlite":
        sql_database.run(
            "CREATE TABLE leads (id INTEGER PRIMARY KEY, mailed DATE)",
            "INSERT INTO leads VALUES (1, 1577836800), (2, '01.02.1999'), (3, '1999-02-01')",
        )
        found = search(sql_database.driver(mapped("leads")), OlderThan("leads", Start(("mailed",)), date(2020, 1, 1)))
        assert found.keys == {("leads", ("3",))}
        return
    sql_database.run("CREATE TABLE leads (id INTEGER PRIMARY KEY, mailed VARCHAR(20))")
    with pytest.raises(ManifestWrong, match="is no date"):
        search(sql_database.driver(mapped("leads")), OlderThan("leads", Start(("mailed",)), date(2020, 1, 1)))


def test_everything_is_every_record(sql_database: SqlDatabase) -> None:
    sql_database.run(PEOPLE, "CREATE TABLE empty_one (id INTEGER PRIMARY KEY)")
    sql_database.insert("people", [{"id": number, "email": "x", "note": None} for number in range(2500)])
    found = search(sql_database.driver(), Everything())
    assert len(found.keys) == 2500
    assert {looked.collection: looked.count for looked in found.looked} == {"people": 2500, "empty_one": 0}


def test_slices_of_a_long_table_cover_every_row_once(sql_database: SqlDatabase) -> None:
    sql_database.run("CREATE TABLE people (id BIGINT PRIMARY KEY, email VARCHAR(100))")
    ids = [-3, 0, 499_999, 500_000, 500_001, 1_000_000, 7_654_321]
    sql_database.insert("people", [{"id": number, "email": JANE} for number in ids])
    driver = sql_database.driver()
    assert len(list(driver.slices(about()))) > 3
    found = search(driver, about())
    assert [record.locator.key[0] for record in found.records] == [str(number) for number in ids]


def test_a_table_or_field_that_only_the_manifest_knows_is_an_error_and_not_silence(sql_database: SqlDatabase) -> None:
    sql_database.run(PEOPLE)
    driver = sql_database.driver(mapped("people", FieldMap("phone")), mapped("payments"))
    assert {problem.code for problem in driver.check()} == {"sql.unknown_field", "sql.unknown_collection"}
    for part in driver.slices(about()):
        with pytest.raises(ManifestWrong):
            list(driver.find(about(), part))


def test_only_listed_collections_are_searched_where_the_manifest_says_so(sql_database: SqlDatabase) -> None:
    sql_database.run(PEOPLE, "CREATE TABLE other (id INTEGER PRIMARY KEY, email VARCHAR(100))")
    driver = sql_database.driver(mapped("people"), discover=Discover.NONE)
    assert [part.collection for part in driver.slices(about())] == ["people"]


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("JSONB", f'{{"a": "{JANE}"}}'),
        ("XML", f"<a>{JANE}</a>"),
        ("TEXT[]", f"{{{JANE},other}}"),
        ("VARCHAR(99)[]", f"{{{JANE}}}"),
        ("CHAR(60)", JANE),
        ("JSON", f'["{JANE}"]'),
        ("BYTEA", JANE),
    ],
)
def test_postgresql_types_that_can_hold_a_text_are_searched(postgres_server: PostgresServer, postgres_database: str, type_: str, value: str) -> None:
    url = postgres_server.url(postgres_database)
    database = SqlDatabase("postgres", url, sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.pool.NullPool))
    database.run(f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {type_})", f"INSERT INTO t VALUES (1, '{value}'), (2, NULL)")
    found = search(database.driver(), about())
    database.close()
    assert found.keys == {("t", ("1",))}
    assert found.gaps == ()
