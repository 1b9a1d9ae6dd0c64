"""What the server is asked for by equality, and that this neither misses nor widens anything."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from dsr_engine.content.match import Matcher
from dsr_engine.domain.finding import Confidence, Finding, Match
from dsr_engine.domain.selector import Scope, Secret, Selector
from dsr_engine.domain.system import CollectionMap, FieldMap
from dsr_engine.drivers.driver import AboutSubjects
from dsr_engine.drivers.sql.driver import SqlDriver
from dsr_engine.drivers.sql.finding.pushdown import Pushdown
from tests.drivers.sql_database import JANE, SqlDatabase, about, mapped, search, selector

MAPPED = mapped("people", FieldMap("email", category="user.contact.email", selects="email"))


def _found(driver: SqlDriver, *selectors: Selector) -> list[Finding]:
    matcher = Matcher({"case": selectors})
    query = AboutSubjects({"case": selectors}, matcher.gate)
    return [finding for record in search(driver, query).records for finding in matcher.findings(record)]


def _keys(findings: list[Finding]) -> set[tuple[str, str]]:
    return {(finding.locator.collection, finding.locator.key[0]) for finding in findings}


def test_nothing_is_streamed_where_only_keys_are_looked_for(sql_database: SqlDatabase) -> None:
    sql_database.run(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER)", "CREATE TABLE other (id INTEGER PRIMARY KEY, what VARCHAR(20))"
    )
    sql_database.insert("orders", [{"id": number, "customer_id": number % 50} for number in range(500)])
    sql_database.insert("other", [{"id": number, "what": "17"} for number in range(500)])
    orders = mapped("orders", FieldMap("customer_id", selects="customer_id", references=("customers", "id")))
    driver = sql_database.driver(orders, mapped("other", FieldMap("what")))
    found = search(driver, about(selector("17", "customer_id", Scope("shop", "customers", "id"))))
    assert found.keys == {("orders", (str(number),)) for number in range(17, 500, 50)}
    assert {looked.collection: looked.count for looked in found.looked} == {"orders": 10, "other": 0}


def test_a_key_in_a_list_is_found_although_no_equality_finds_it(sql_database: SqlDatabase) -> None:
    sql_database.run("CREATE TABLE carts (id INTEGER PRIMARY KEY, customers VARCHAR(99))")
    if sql_database.kind == "postgres":
        sql_database.run("ALTER TABLE carts ALTER customers TYPE JSONB USING customers::jsonb")
    if sql_database.kind == "mariadb":
        sql_database.run("ALTER TABLE carts MODIFY customers JSON")
    if sql_database.kind == "sqlite":
        sql_database.run("DROP TABLE carts", "CREATE TABLE carts (id INTEGER PRIMARY KEY, customers JSON)")
    sql_database.run("INSERT INTO carts VALUES (1, '[16, 17]'), (2, '[170]'), (3, '[\"x\"]')")
    driver = sql_database.driver(mapped("carts", FieldMap("customers", selects="customer_id", references=("customers", "id"))))
    key = Selector("s", "customer_id", Secret("17"), verified=True, scope=Scope("shop", "customers", "id"))
    assert _keys(_found(driver, key)) == {("carts", "1")}


def test_a_key_of_another_system_is_looked_for_only_where_the_connector_says_so(sql_database: SqlDatabase) -> None:
    sql_database.run("CREATE TABLE people (id INTEGER PRIMARY KEY, crm_id VARCHAR(20), customer_id VARCHAR(20))")
    sql_database.insert("people", [{"id": 1, "crm_id": "17", "customer_id": "x"}, {"id": 2, "crm_id": "x", "customer_id": "17"}])
    driver = sql_database.driver(mapped("people", FieldMap("crm_id", selects="crm", same_as=("crm.people.customer_id",)), FieldMap("customer_id")))
    key = Selector("s", "crm", Secret("17"), verified=True, scope=Scope("crm", "people", "customer_id"))
    assert _keys(_found(driver, key)) == {("people", "1")}


def test_other_written_forms_in_a_mapped_and_indexed_column_are_still_found(sql_database: SqlDatabase) -> None:
    sql_database.run("CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(200))", "CREATE INDEX by_email ON people (email)")
    spellings = [JANE, JANE.upper(), f" {JANE} ", "jane.doe%40example.com", "ｊane.doe@example.com", "mailto:" + JANE, "jane.doe+shop@example.com"]
    sql_database.insert("people", [{"id": number, "email": text} for number, text in enumerate([*spellings, "john@example.com"])])
    driver = sql_database.driver(MAPPED)
    assert _keys(_found(driver, selector())) == {("people", str(number)) for number in range(len(spellings))}
    assert driver._catalogue().table("people").columns["email"].is_indexed


def test_a_row_comes_once_and_first_where_an_index_finds_it(sql_database: SqlDatabase) -> None:
    sql_database.run("CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(200))", "CREATE INDEX by_email ON people (email)")
    rows = [{"id": number, "email": JANE if number == 4000 else f"Jane.Doe@example.com {number}"} for number in range(4001)]
    sql_database.insert("people", rows)
    records = search(sql_database.driver(MAPPED), about()).records
    assert records[0].locator.key == ("4000",)
    assert len({record.locator for record in records}) == len(records) == 4001


@pytest.mark.parametrize("sql_database", ["postgres"], indirect=True)
@pytest.mark.parametrize("column", ["email", "E-Mail"])
@pytest.mark.parametrize("type_", ["TEXT", "VARCHAR(200)"])
def test_an_index_on_the_lower_cased_form_is_used(sql_database: SqlDatabase, column: str, type_: str) -> None:
    sql_database.run(f'CREATE TABLE people (id INTEGER PRIMARY KEY, "{column}" {type_}, n INTEGER)', f'CREATE INDEX ON people (lower("{column}"))')
    sql_database.insert("people", [{"id": number, column: f"Person{number}@Example.com", "n": 1} for number in range(3000)])
    sql_database.run("ANALYZE people")
    driver = sql_database.driver(mapped("people", FieldMap(column, selects="email")))
    catalogue = driver._catalogue()
    wanted = selector("person17@example.com")
    (condition,) = Pushdown("shop", catalogue, catalogue.table("people"), is_logged=False).asked([wanted]).conditions
    query = sa.select(catalogue.table("people").columns["id"].element).where(condition)
    with sql_database.engine.connect() as connection:
        compiled = query.compile(connection)
        shown = str(compiled)
        assert [tuple(row) for row in connection.execute(query)] == [(17,)]
        plan = "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {shown}", dict(compiled.params)))
    assert "people_lower_idx" in plan
    assert "person17" not in shown


@pytest.mark.parametrize("sql_database", ["postgres"], indirect=True)
@pytest.mark.parametrize(
    "index", ["(email) WHERE n > 5", "USING gin (to_tsvector('simple', email))", "((lower(email) || 'x'))", "(n, email)", "USING brin (email)"]
)
def test_an_index_that_does_not_serve_the_question_counts_for_nothing(sql_database: SqlDatabase, index: str) -> None:
    sql_database.run("CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT, n INTEGER)", f"CREATE INDEX ON people {index}")
    column = sql_database.driver(MAPPED)._catalogue().table("people").columns["email"]
    assert not column.is_indexed
    assert not column.is_indexed_lowered


@pytest.fixture
def logging_mariadb(sql_database: SqlDatabase) -> Iterator[SqlDatabase]:
    sql_database.run("SET GLOBAL log_output = 'TABLE'", "SET GLOBAL general_log = ON")
    yield sql_database
    sql_database.run("SET GLOBAL general_log = OFF", "TRUNCATE mysql.general_log")


@pytest.mark.parametrize("sql_database", ["mariadb"], indirect=True)
def test_no_value_is_sent_to_a_server_that_logs_statements_with_their_values(logging_mariadb: SqlDatabase) -> None:
    logging_mariadb.run(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(200), device VARCHAR(50))", "CREATE INDEX by_email ON people (email)"
    )
    logging_mariadb.run("SET GLOBAL general_log = OFF")
    logging_mariadb.insert("people", [{"id": 1, "email": JANE, "device": "d-4711"}, {"id": 2, "email": "x", "device": "y"}])
    logging_mariadb.run("SET GLOBAL general_log = ON")
    driver = logging_mariadb.driver(mapped("people", FieldMap("email", selects="email"), FieldMap("device", selects="device", identifies=True)))
    device = Selector("d", "device", Secret("d-4711"), verified=True, scope=Scope("shop", "people", "device"))
    assert _keys(_found(driver, selector())) == {("people", "1")}
    assert _keys(_found(driver, device)) == {("people", "1")}
    logged = "\n".join(str(row[0]) for row in logging_mariadb.rows("SELECT argument FROM mysql.general_log"))
    assert "people" in logged
    assert JANE not in logged
    assert "d-4711" not in logged


@pytest.mark.parametrize("sql_database", ["postgres"], indirect=True)
@pytest.mark.parametrize(("setting", "value"), [("log_statement", "all"), ("log_min_duration_statement", "0"), ("log_duration", "on")])
def test_a_server_that_logs_parameters_is_known(sql_database: SqlDatabase, setting: str, value: str) -> None:
    sql_database.run("CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT UNIQUE)", f"INSERT INTO people VALUES (1, '{JANE}')")
    before, after = sql_database.driver(MAPPED), sql_database.driver(MAPPED)
    name = sql_database.rows("SELECT current_database()")[0][0]
    for driver, is_logged in ((before, False), (after, True)):
        with driver._database.reading("asking") as connection:
            assert driver._database.dialect.logs_values(connection) is is_logged
        assert _keys(_found(driver, selector())) == {("people", "1")}
        sql_database.run(f"ALTER DATABASE {name} SET {setting} = '{value}'")


ACCENTS = ("Jose", "José", "JOSE", "jose", "Josè", "Jose ")
CASELESS = {
    "mariadb": ("VARCHAR(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",),
    "postgres": ("TEXT COLLATE accentless", "CITEXT"),
    "sqlite": ("TEXT COLLATE NOCASE",),
}


def _customers(database: SqlDatabase, type_: str) -> CollectionMap:
    if database.kind == "postgres":
        database.run(
            "CREATE EXTENSION citext",
            "CREATE COLLATION accentless (provider = icu, locale = 'und-u-ks-level1', deterministic = false)",
        )
    database.run(f"CREATE TABLE customers (id INTEGER PRIMARY KEY, code {type_})", "CREATE INDEX by_code ON customers (code)")
    database.insert("customers", [{"id": number, "code": code} for number, code in enumerate(ACCENTS)])
    return mapped("customers", FieldMap("code", selects="code", identifies=True))


@pytest.mark.parametrize(("sql_database", "type_"), [(kind, type_) for kind, types in CASELESS.items() for type_ in types], indirect=["sql_database"])
@pytest.mark.parametrize(("code", "own"), [("Jose", {"0", "2", "3", "5"}), ("José", {"1"})])
@pytest.mark.parametrize("scope", [None, Scope("shop", "customers", "code")])
def test_a_collation_never_widens_a_match(sql_database: SqlDatabase, type_: str, code: str, own: set[str], scope: Scope | None) -> None:
    driver = sql_database.driver(_customers(sql_database, type_))
    found = _found(driver, Selector("s", "code", Secret(code), verified=True, scope=scope))
    owned = {finding.locator.key[0] for finding in found if finding.match is Match.OWNS and finding.confidence is not Confidence.POSSIBLE}
    assert owned <= own
    assert str(ACCENTS.index(code)) in owned
