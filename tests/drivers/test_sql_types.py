"""A value of every type is replaced by one that its column takes, or the method is refused before anything is written."""

import pytest

from dsr_engine.domain.anonymize import Method, MethodName
from dsr_engine.domain.plan import Edit, Fence, Rewrite, SetValue
from dsr_engine.drivers.driver import Done
from tests.drivers.sql_database import REWRITER, SqlDatabase, locator, planned, state

#: Column type → a value in SQL, and what a tombstone makes of it (None: the method is refused).
TYPES: dict[str, dict[str, tuple[str, str | None]]] = {
    "postgres": {
        "TEXT": ("'Jane'", "[erased]"),
        "CHAR(12)": ("'Jane'", "[erased]"),
        "VARCHAR(5)": ("'Jane'", "[eras"),
        "SMALLINT": ("7", "0"),
        "BIGINT": ("7", "0"),
        "NUMERIC(6,2)": ("7.25", "0.00"),
        "DOUBLE PRECISION": ("7.25", "0"),
        "MONEY": ("7.25", "$0.00"),
        "BOOLEAN": ("TRUE", "false"),
        "DATE": ("'1980-05-06'", "1900-01-01"),
        "TIMESTAMP": ("'1980-05-06 01:02:03'", "1900-01-01 00:00:00"),
        "TIMESTAMPTZ": ("'1980-05-06 01:02:03'", "1900-01-01 00:00:00+00"),
        "TIME": ("'01:02:03'", "00:00:00"),
        "TIMETZ": ("'01:02:03+02'", "00:00:00+00"),
        "INTERVAL": ("'3 days'", "00:00:00"),
        "INET": ("'10.1.2.3'", "0.0.0.0/32"),
        "CIDR": ("'10.1.2.0/24'", "0.0.0.0/32"),
        "MACADDR": ("'08:00:2b:01:02:03'", "00:00:00:00:00:00"),
        "BIT(4)": ("B'1010'", "0000"),
        "BYTEA": ("'\\x01'::bytea", "\\x"),
        "JSONB": ("'{\"a\": 1}'", "null"),
        "XML": ("'<a>Jane</a>'", ""),
        "INT4RANGE": ("'[1,5)'", "empty"),
        "DATERANGE": ("'[2020-01-01,2020-02-01)'", "empty"),
        "TEXT[]": ("ARRAY['Jane', 'x']", "{}"),
        "INTEGER[]": ("ARRAY[1, 2]", "{}"),
        "mood": ("'sad'", None),
        "POINT": ("'(1,2)'", "(0,0)"),
        "TSVECTOR": ("'jane'", None),
    },
    "mariadb": {
        "VARCHAR(5)": ("'Jane'", "[eras"),
        "TEXT": ("'Jane'", "[erased]"),
        "CHAR(12)": ("'Jane'", "[erased]"),
        "TINYINT UNSIGNED": ("7", "0"),
        "MEDIUMINT": ("7", "0"),
        "BIGINT UNSIGNED": ("18446744073709551615", "0"),
        "DECIMAL(6,2)": ("7.25", "0.00"),
        "DOUBLE": ("7.25", "0"),
        "DATE": ("'1980-05-06'", "1900-01-01"),
        "DATETIME(3)": ("'1980-05-06 01:02:03.500'", "1900-01-01 00:00:00.000"),
        "TIME": ("'01:02:03'", "00:00:00"),
        "YEAR": ("1980", "1901"),
        "SET('a','b')": ("'a,b'", ""),
        "ENUM('sad','glad')": ("'sad'", None),
        "BINARY(4)": ("X'01020304'", "00000000"),
        "VARBINARY(4)": ("X'0102'", ""),
        "JSON": ("'{\"a\": 1}'", "null"),
    },
    "sqlite": {
        "TEXT": ("'Jane'", "[erased]"),
        "INTEGER": ("7", "0"),
        "NUMERIC": ("7.25", "0"),
        "REAL": ("7.25", "0.0"),
        "DATE": ("'1980-05-06'", "1900-01-01"),
        "BLOB": ("X'01'", ""),
        "BOOLEAN": ("1", "0"),
        "WHATEVER": ("'Jane'", "0"),
    },
}


def read(kind: str, type_: str) -> str:
    """How the value is looked at, whatever the session's time zone is."""
    if type_.startswith(("BINARY", "VARBINARY")):
        return "HEX(v)"
    if type_ == "TIMESTAMPTZ":
        return "v AT TIME ZONE 'UTC' || '+00'"
    return {"postgres": "v::text", "mariadb": "CAST(v AS CHAR)", "sqlite": "CAST(v AS TEXT)"}[kind]


def table(database: SqlDatabase, type_: str, *, terms: str = "") -> None:
    value, _ = TYPES[database.kind][type_]
    if type_ == "mood":
        database.run("CREATE TYPE mood AS ENUM ('sad', 'glad')")
    database.run(f"CREATE TABLE people (id INTEGER PRIMARY KEY, v {type_} {terms})", f"INSERT INTO people VALUES (1, {value})")


def rewritten(database: SqlDatabase, method: Method, type_: str = "TEXT") -> str | None:
    """What becomes of the value; None if the method is refused, and then nothing is written."""
    driver = database.driver()
    before = database.dump("people")
    changes, (seen, *_) = planned(driver, [locator("people", 1)], Rewrite((Edit("v", SetValue(method, "user")),)), ("v",))
    if seen.refusal is not None:
        assert seen.refusal.code in ("sql.misfit", "sql.enum", "sql.generated")
        assert database.dump("people") == before
        return None
    assert driver.change(changes, REWRITER) == [Done(seen.becomes)]
    assert state(driver, locator("people", 1), ("v",)).state == seen.becomes
    after = database.dump("people")
    assert {key: row for key, row in after.items() if key != 1} == {key: row for key, row in before.items() if key != 1}
    return str(database.rows(f"SELECT {read(database.kind, type_)} FROM people WHERE id = 1")[0][0])


@pytest.mark.parametrize("number", range(max(len(types) for types in TYPES.values())))
def test_a_tombstone_is_a_neutral_value_of_its_type(sql_database: SqlDatabase, number: int) -> None:
    types = list(TYPES[sql_database.kind])
    if number >= len(types):
        pytest.skip("this server has fewer types")
    value, expected = TYPES[sql_database.kind][types[number]]
    table(sql_database, types[number], terms="NOT NULL")
    sql_database.run(f"INSERT INTO people VALUES (2, {value})")
    assert rewritten(sql_database, Method(MethodName.TOMBSTONE), types[number]) == expected


def test_null_empties_a_column_of_any_type(sql_database: SqlDatabase) -> None:
    names = {f"c{number}": type_ for number, type_ in enumerate(TYPES[sql_database.kind]) if type_ not in ("mood", "TSVECTOR")}
    values = [TYPES[sql_database.kind][type_][0] for type_ in names.values()]
    columns = ", ".join(f"{name} {type_}" for name, type_ in names.items())
    sql_database.run(f"CREATE TABLE people (id INTEGER PRIMARY KEY, {columns})")
    sql_database.run(*(f"INSERT INTO people VALUES ({number}, {', '.join(values)})" for number in (1, 2)))
    before = sql_database.dump("people")
    driver = sql_database.driver()
    effect = Rewrite(tuple(Edit(name, SetValue(Method(MethodName.NULL), "user")) for name in names))
    changes, (seen,) = planned(driver, [locator("people", 1)], effect, tuple(names))
    assert driver.change(changes, REWRITER) == [Done(seen.becomes)]
    after = sql_database.dump("people")
    assert set(after[1][2:]) == {None}
    assert after[2] == before[2]


@pytest.mark.parametrize("method", [MethodName.TOMBSTONE, MethodName.FAKE])
def test_a_small_number_stays_small_and_unique(sql_database: SqlDatabase, method: MethodName) -> None:
    sql_database.run("CREATE TABLE people (id INTEGER PRIMARY KEY, v SMALLINT NOT NULL UNIQUE, n NUMERIC(4,1) NOT NULL UNIQUE)")
    sql_database.insert("people", [{"id": number, "v": number, "n": number} for number in range(1, 40)])
    before = sql_database.dump("people")
    driver = sql_database.driver()
    effect = Rewrite((Edit("v", SetValue(Method(method), "user")), Edit("n", SetValue(Method(method), "user"))))
    changes, foreseen = planned(driver, [locator("people", number) for number in range(1, 11)], effect, ("v", "n"))
    assert driver.change(changes, REWRITER) == [Done(one.becomes) for one in foreseen]
    after = sql_database.dump("people")
    assert len({row[2] for row in after.values()}) == len({row[3] for row in after.values()}) == 39
    assert all(0 <= row[2] < 2**15 and 0 <= row[3] < 1000 for row in after.values())
    assert {key: row for key, row in after.items() if key > 10} == {key: row for key, row in before.items() if key > 10}


def test_the_same_value_becomes_the_same_in_every_table(sql_database: SqlDatabase) -> None:
    sql_database.run(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, v VARCHAR(80))",
        "CREATE TABLE visits (id INTEGER PRIMARY KEY, v VARCHAR(60) UNIQUE)",
        "INSERT INTO people VALUES (1, 'Jane'), (2, 'Bob')",
        "INSERT INTO visits VALUES (1, 'Jane'), (2, 'Bob')",
    )
    driver = sql_database.driver()
    for name in ("people", "visits"):
        changes, _ = planned(driver, [locator(name, 1)], Rewrite((Edit("v", SetValue(Method(MethodName.PSEUDONYM), "user")),)), ("v",))
        driver.change(changes, REWRITER)
    assert sql_database.rows("SELECT v FROM people WHERE id = 1") == sql_database.rows("SELECT v FROM visits WHERE id = 1")
    assert sql_database.rows("SELECT v FROM people WHERE id = 2") == sql_database.rows("SELECT v FROM visits WHERE id = 2") == [("Bob",)]


@pytest.mark.parametrize("unique", ["(lower(v))", "(v) WHERE id < 10"])
def test_an_index_over_expressions_or_some_rows_gets_values_of_their_own(sql_database: SqlDatabase, unique: str) -> None:
    if sql_database.kind == "mariadb":
        sql_database.run("CREATE TABLE people (id INTEGER PRIMARY KEY, v VARCHAR(40), low VARCHAR(40) GENERATED ALWAYS AS (lower(v)) STORED UNIQUE)")
    else:
        sql_database.run("CREATE TABLE people (id INTEGER PRIMARY KEY, v VARCHAR(40))", f"CREATE UNIQUE INDEX one ON people {unique}")
    sql_database.insert("people", [{"id": number, "v": f"p{number}"} for number in (1, 2, 3)])
    driver = sql_database.driver()
    effect = Rewrite((Edit("v", SetValue(Method(MethodName.TOMBSTONE), "user")),))
    changes, foreseen = planned(driver, [locator("people", 1), locator("people", 2)], effect, ("v",))
    assert driver.change(changes, REWRITER) == [Done(one.becomes) for one in foreseen]
    assert sql_database.rows("SELECT v FROM people WHERE id = 3") == [("p3",)]


def test_an_exclusion_constraint_gets_values_of_their_own(sql_database: SqlDatabase) -> None:
    if sql_database.kind != "postgres":
        pytest.skip("exclusion constraints are PostgreSQL's")
    sql_database.run(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, v VARCHAR(40), EXCLUDE (v WITH =))", "INSERT INTO people VALUES (1, 'a'), (2, 'b'), (3, 'c')"
    )
    driver = sql_database.driver()
    effect = Rewrite((Edit("v", SetValue(Method(MethodName.TOMBSTONE), "user")),))
    changes, foreseen = planned(driver, [locator("people", 1), locator("people", 2)], effect, ("v",))
    assert driver.change(changes, REWRITER) == [Done(one.becomes) for one in foreseen]


@pytest.mark.parametrize(("argument", "expected"), [("glad", "glad"), ("unknown", None)])
def test_a_label_of_an_enum_can_be_chosen(sql_database: SqlDatabase, argument: str, expected: str | None) -> None:
    if sql_database.kind == "sqlite":
        pytest.skip("SQLite has no enums")
    type_ = {"postgres": "mood", "mariadb": "ENUM('sad','glad')"}[sql_database.kind]
    table(sql_database, type_)
    assert rewritten(sql_database, Method(MethodName.TEXT, argument)) == expected


def test_addresses_of_machines_get_keyed_stand_ins(sql_database: SqlDatabase) -> None:
    if sql_database.kind != "postgres":
        pytest.skip("these types are PostgreSQL's")
    for type_, prefix in (("INET", "2001:db8:"), ("MACADDR", "02:")):
        table(sql_database, type_, terms="UNIQUE")
        found = rewritten(sql_database, Method(MethodName.PSEUDONYM))
        assert found is not None
        assert found.startswith(prefix)
        sql_database.run("DROP TABLE people")


def test_a_fence_is_written_in_the_type_of_its_column(sql_database: SqlDatabase) -> None:
    table(sql_database, "DATE")
    driver = sql_database.driver()
    changes, (seen,) = planned(driver, [locator("people", 1)], Rewrite((Edit("v", Fence("2026-01-02")),)), ("v",))
    assert driver.change(changes, REWRITER) == [Done(seen.becomes)]
