"""Every kind of column that can hold a text is searched: one planted value in each."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from dsr_engine.content.match import Matcher
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.selector import Secret, Selector
from dsr_engine.drivers.driver import AboutSubjects
from tests.drivers.sql_database import JANE, SqlDatabase, about, search
from tests.servers.postgres import PostgresServer

#: Column type → an expression whose value holds Jane.
TEXTS = {
    "CHAR(60)": f"'{JANE}'",
    "NAME": f"'{JANE}'",
    "CITEXT": "'Jane.Doe@Example.com'",
    "JSON": f"""'["{JANE}"]'""",
    "JSONB": f"""'{{"a": {{"b": ["{JANE}"]}}}}'""",
    "XML": f"'<a mail=\"{JANE}\"/>'",
    "HSTORE": f"""hstore('mail', '{JANE}')""",
    "LTREE": "'jane.doe.example.com'",
    "TEXT[]": f"ARRAY['x', '{JANE}']",
    "TEXT[][]": f"ARRAY[ARRAY['x', '{JANE}']]",
    "VARCHAR(99)[]": f"ARRAY['{JANE}']",
    "CITEXT[]": f"ARRAY['{JANE}']::citext[]",
    "HSTORE[]": f"ARRAY[hstore('mail', '{JANE}')]",
    "JSONB[]": f"""ARRAY['{{"a": "{JANE}"}}'::jsonb]""",
    "mood": f"'{JANE}'",
    "mood[]": f"ARRAY['{JANE}']::mood[]",
    "mail": f"'{JANE}'",
    "mails": f"ARRAY['{JANE}']",
    "mail[]": f"ARRAY['{JANE}']::mail[]",
    "person": f"ROW('Jane', '{JANE}')",
    "person[]": f"ARRAY[ROW('Jane', '{JANE}')::person]",
    "known_person": f"ROW('Jane', '{JANE}')",
    "textrange": f"textrange('{JANE}', 'k')",
    "textmultirange": f"textmultirange(textrange('{JANE}', 'k'))",
    "TSVECTOR": f"to_tsvector('simple', 'write to {JANE}')",
    "TSQUERY": f"to_tsquery('simple', '{JANE}')",
    "JSONPATH": f"""'$.a ? (@ == "{JANE}")'""",
    "BYTEA": f"'{JANE}'::bytea",
    "BYTEA[]": f"ARRAY['{JANE}'::bytea]",
    "blob": f"'{JANE}'::bytea",
    "domain_of_domain": f"'{JANE}'",
}
#: Column type → (kind, identifier, expression).
NUMBERS = {
    "INET": ("ip", "203.0.113.77", "'203.0.113.77/32'"),
    "CIDR": ("ip", "203.0.113.77", "'203.0.113.77/32'"),
    "MACADDR": ("device", "08:00:2b:01:02:03", "'08:00:2b:01:02:03'"),
    "MONEY": ("amount", "711.25", "'711.25'"),
    "DATE": ("date_of_birth", "1984-05-06", "'1984-05-06'"),
    "DATERANGE": ("date_of_birth", "1984-05-06", "'[1984-05-06,1984-06-01)'"),
    "TIMESTAMPTZ": ("date_of_birth", "1984-05-06", "'1984-05-06 00:00:00+00'"),
    "INT8RANGE": ("member", "47110815", "'[47110815,47110820)'"),
    "BIGINT[]": ("member", "47110815", "ARRAY[1, 47110815]"),
    "NUMERIC": ("member", "47110815", "47110815"),
    "DOUBLE PRECISION": ("member", "47110815", "47110815"),
    "UUID": ("device", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'"),
    "BIT VARYING(40)": ("code", "0101100110011", "B'0101100110011'"),
}
_TYPES = (
    "CREATE EXTENSION citext",
    "CREATE EXTENSION hstore",
    "CREATE EXTENSION ltree",
    f"CREATE TYPE mood AS ENUM ('glad', '{JANE}')",
    "CREATE DOMAIN mail AS text CHECK (VALUE LIKE '%@%')",
    "CREATE DOMAIN mails AS text[]",
    "CREATE DOMAIN blob AS bytea",
    "CREATE DOMAIN domain_of_domain AS mail",
    "CREATE TYPE person AS (first_name text, mail text)",
    "CREATE DOMAIN known_person AS person",
    "CREATE TYPE textrange AS RANGE (subtype = text, multirange_type_name = textmultirange)",
)


@pytest.fixture(scope="module")
def typed(postgres_server: PostgresServer) -> Iterator[SqlDatabase]:
    """A database with one table for each type, two rows in each: Jane's and one without a value."""
    postgres_server.run("CREATE DATABASE typed")
    url = postgres_server.url("typed")
    database = SqlDatabase("postgres", url, sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.pool.NullPool))
    database.run(*_TYPES)
    for number, (type_, value) in enumerate([*TEXTS.items(), *((name, case[2]) for name, case in NUMBERS.items())]):
        database.run(f"CREATE TABLE t{number} (id INTEGER PRIMARY KEY, v {type_})", f"INSERT INTO t{number} VALUES (1, {value}), (2, NULL)")
    yield database
    database.close()
    postgres_server.run("DROP DATABASE typed WITH (FORCE)")


def _search(*selectors: tuple[str, str]) -> tuple[AboutSubjects, Matcher]:
    people = {"case": tuple(Selector(f"s{number}", kind, Secret(value), verified=True) for number, (kind, value) in enumerate(selectors))}
    matcher = Matcher(people)
    return AboutSubjects(people, matcher.gate), matcher


def test_every_type_that_can_hold_a_text_is_searched(typed: SqlDatabase) -> None:
    query, matcher = _search(("email", JANE), ("domain", "jane.doe.example.com"))
    found = search(typed.driver(), query)
    seen = {finding.locator for record in found.records for finding in matcher.findings(record)}
    assert {where.collection for where in seen} == {f"t{number}" for number in range(len(TEXTS))}
    assert {where.key for where in seen} == {("1",)}
    assert found.gaps == ()
    assert all(looked.extent is Extent.FULL for looked in found.looked)


def test_every_type_whose_written_form_can_be_an_identifier_is_searched(typed: SqlDatabase) -> None:
    query, matcher = _search(*dict.fromkeys((kind, value) for kind, value, _ in NUMBERS.values()))
    records = search(typed.driver(), query).records
    seen = {finding.locator.collection for record in records for finding in matcher.findings(record)}
    assert seen == {f"t{number}" for number in range(len(TEXTS), len(TEXTS) + len(NUMBERS))}


@pytest.mark.parametrize("sql_database", ["postgres"], indirect=True)
def test_generated_columns_are_searched(sql_database: SqlDatabase) -> None:
    sql_database.run(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, local TEXT, mail TEXT GENERATED ALWAYS AS (local || '@example.com') STORED)",
        "INSERT INTO t (id, local) VALUES (1, 'jane.doe'), (2, 'john')",
    )
    assert search(sql_database.driver(), about()).keys == {("t", ("1",))}


@pytest.mark.parametrize("sql_database", ["sqlite"], indirect=True)
def test_tables_of_every_kind_that_sqlite_has_are_searched(sql_database: SqlDatabase) -> None:
    sql_database.run(
        "CREATE TABLE bare (mail TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID",
        "CREATE TABLE strict (id INTEGER PRIMARY KEY, v ANY) STRICT",
        "CREATE TABLE made (id INTEGER PRIMARY KEY, local TEXT, mail TEXT AS (local || '@example.com') VIRTUAL, kept TEXT AS (local || '@x') STORED)",
        "CREATE VIRTUAL TABLE ft USING fts5(body)",
        "CREATE VIRTUAL TABLE wordless USING fts5(body, content='')",
        f"INSERT INTO bare VALUES ('{JANE}', 1), ('x', 2)",
        f"INSERT INTO strict VALUES (1, '{JANE}'), (2, x'00ff')",
        "INSERT INTO made (id, local) VALUES (1, 'jane.doe'), (2, 'x')",
        f"INSERT INTO ft (body) VALUES ('write to {JANE}'), ('no')",
        f"INSERT INTO wordless (rowid, body) VALUES (1, 'write to {JANE}')",
    )
    found = search(sql_database.driver(), about())
    named = [record.locator for record in found.records if any(JANE in unit.text for unit in record.units)]
    assert sorted((where.collection, where.key) for where in named) == [("bare", (JANE,)), ("ft", named[1].key), ("made", ("1",)), ("strict", ("1",))]
    assert {looked.collection for looked in found.looked} == {"bare", "strict", "made", "ft", "wordless"}
    assert [(gap.collection, gap.code) for gap in found.gaps] == [("wordless", "sql.unsearchable")]


@pytest.mark.parametrize("sql_database", ["mariadb"], indirect=True)
def test_every_type_of_mariadb_that_can_hold_a_text_is_searched(sql_database: SqlDatabase) -> None:
    types = (
        *("CHAR(60)", "VARCHAR(60)", "TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT", "TEXT COMPRESSED", f"ENUM('x', '{JANE}')", f"SET('x', '{JANE}')"),
        *("TINYBLOB", "BLOB", "LONGBLOB", "VARBINARY(60)", "BINARY(60)", "VARCHAR(60) CHARACTER SET latin1", "VARCHAR(60) CHARACTER SET utf16"),
    )
    for number, type_ in enumerate(types):
        sql_database.run(f"CREATE TABLE t{number} (id INT PRIMARY KEY, v {type_})", f"INSERT INTO t{number} VALUES (1, '{JANE}'), (2, NULL)")
    sql_database.run(
        "CREATE TABLE j (id INT PRIMARY KEY, v JSON, w VARCHAR(90) AS (JSON_VALUE(v, '$.a')) VIRTUAL)",
        f"""INSERT INTO j (id, v) VALUES (1, '{{"a": "{JANE}"}}')""",
    )
    found = search(sql_database.driver(), about())
    assert found.keys == {(f"t{number}", ("1",)) for number in range(len(types))} | {("j", ("1",))}
    assert found.gaps == ()
