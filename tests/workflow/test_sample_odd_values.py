"""Values that few schemas expect: very wide rows, very long texts, deep JSON, bytes that are no text, moments without an end."""

from pathlib import Path

import psycopg
import pytest

from dsr_engine.domain.case import Stage
from dsr_engine.workflow.engine import run_case
from tests.samples.carrying import POLICY, assert_closed, carry, company_of
from tests.samples.picture import Database, Outcome, assert_pictures
from tests.servers.mariadb import MariadbServer
from tests.servers.postgres import PostgresServer
from tests.workflow.journeys import WORKER, approved, opened_for, working

ANN = "ann.rowe@mail.example"
BARE = "connector: odd\ndriver: sql\n"


@pytest.fixture
def database(postgres_server: PostgresServer, postgres_database: str) -> Database:
    return Database("postgres", postgres_server.url(postgres_database))


def test_the_widest_row_is_searched_to_its_last_column(empty_home: Path, tmp_path: Path, database: Database) -> None:
    columns = ", ".join(f"c{number} varchar(60)" for number in range(1, 1600))
    database.run(f"CREATE TABLE wide (id integer PRIMARY KEY, {columns})", "INSERT INTO wide (id, c5) VALUES (1, 'x'), (2, 'y')")
    database.run(f"UPDATE wide SET c1599 = 'ask {ANN}', c1 = 'jo{ANN}' WHERE id = 1")
    company = company_of(empty_home, tmp_path / "company", "odd", database, BARE)
    carried = carry(company, database, ("email", ANN))
    assert_closed(carried)
    assert_pictures(carried.after, Outcome(became={"wide": {"1": {"c1599": "ask [redacted]"}}}).of(carried.before))


def test_deep_and_large_json_loses_the_person_and_nothing_else(empty_home: Path, tmp_path: Path, database: Database) -> None:
    deep = '{"a": [' * 150 + f'{{"to": "{ANN}", "n": 1.10, "big": 12345678901234567890.5}}' + "]}" * 150
    database.run("CREATE TABLE doc (id integer PRIMARY KEY, body jsonb, loose json)")
    loose = f'{{"z": 1.0, "a":   "{ANN}"}}'
    database.insert("doc", [{"id": 1, "body": deep, "loose": loose}, {"id": 2, "body": deep.replace("ann", "jo.ann"), "loose": None}])
    company = company_of(empty_home, tmp_path / "company", "odd", database, BARE)
    carried = carry(company, database, ("email", ANN), accept_gaps=True)
    assert_closed(carried)
    before = carried.before["doc"]["1"]
    assert carried.after["doc"]["1"]["body"] == before["body"].replace(ANN, "[redacted]")
    assert carried.after["doc"]["2"] == carried.before["doc"]["2"]
    assert ANN not in carried.after["doc"]["1"]["loose"]


def test_moments_without_an_end_and_numbers_that_are_none_keep_nobody_from_being_erased(empty_home: Path, tmp_path: Path, database: Database) -> None:
    database.run(
        "CREATE TABLE person (id numeric PRIMARY KEY, email text UNIQUE, seen timestamptz, born date, score float8, took interval, at tsrange)",
        f"INSERT INTO person VALUES (1, '{ANN}', 'infinity', '-infinity', 'NaN', '1 mon -2 days', '[2024-01-01,infinity)')",
        "INSERT INTO person VALUES ('NaN', 'bo@mail.example', '-infinity', '0044-03-15 BC', '-Infinity', NULL, 'empty')",
    )
    connector = (
        "connector: odd\ndriver: sql\ncollections:\n  person:\n    fields:\n      email: {category: user.contact.email, selects: email}\n"
        "      seen: {starts: retention}\ndiscover: rest\n"
    )
    kept = "rules:\n  - {name: years, when: {collection: odd.person}, keep: {for: 2 years, from: seen, because: contract}, then: delete}\n"
    company = company_of(empty_home, tmp_path / "company", "odd", database, connector, POLICY.replace("rules:\n", kept))
    carried = carry(company, database, ("email", ANN))
    assert_closed(carried)
    assert_pictures(carried.after, carried.before)  # a ground whose start never comes holds, and nothing is guessed
    company.policy(POLICY)
    again = carry(company, database, ("email", ANN))
    assert_closed(again)
    assert_pictures(again.after, Outcome({"person": ["1"]}).of(again.before))


def test_bytes_that_are_no_text_stay_as_they_are_beside_what_is_erased(empty_home: Path, tmp_path: Path, postgres_server: PostgresServer) -> None:
    """A database in SQL_ASCII takes any bytes for text."""
    postgres_server.run("CREATE DATABASE ascii_only ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    try:
        url = postgres_server.url("ascii_only")
        with psycopg.connect(url, client_encoding="utf8") as connection:
            for table in ("sound", "odd"):
                connection.execute(f"CREATE TABLE {table} (id integer PRIMARY KEY, email text UNIQUE, note text)")
                connection.execute(f"INSERT INTO {table} VALUES (1, '{ANN}', 'plain'), (2, 'bo@mail.example', 'café of {ANN}')")
            connection.execute("INSERT INTO odd VALUES (3, 'x', E'\\xff\\xfe')")
        company = company_of(empty_home, tmp_path / "company", "odd", Database("postgres", url), BARE)
        odd, sound = _raw(url, "odd"), _raw(url, "sound")
        with working(company) as house:
            case = run_case(house, opened_for(house, ("email", ANN)).id, WORKER)
            approved(house, case)
            assert run_case(house, case.id, WORKER).stage is Stage.CLOSED
        mark, cut = ANN.encode().hex().encode(), b"[redacted]".hex().encode()
        for table, before in (("odd", odd), ("sound", sound)):
            assert _raw(url, table) == [(2, before[1][1], before[1][2].replace(mark, cut)), *before[2:]]
    finally:
        postgres_server.run("DROP DATABASE ascii_only WITH (FORCE)")


def _raw(url: str, table: str) -> list[tuple[int, bytes, bytes]]:
    with psycopg.connect(url) as connection:
        return list(connection.execute(f"SELECT id, email, encode(textsend(note), 'hex') FROM {table} ORDER BY id".encode()).fetchall())


def test_old_charsets_are_written_back_as_they_were(empty_home: Path, tmp_path: Path, mariadb_server: MariadbServer, mariadb_database: str) -> None:
    database = Database("mariadb", mariadb_server.url(mariadb_database))
    database.run(
        "CREATE TABLE person (id INT PRIMARY KEY, email VARCHAR(80) CHARACTER SET latin1 UNIQUE, note VARCHAR(200) CHARACTER SET latin1,"
        " old TEXT CHARACTER SET utf16, day DATE)",
        "SET SESSION sql_mode = ''",
        f"INSERT INTO person VALUES (1, '{ANN}', 'é', 'ü', '2024-01-01')",
        f"INSERT INTO person VALUES (2, 'bo@mail.example', 'Café of {ANN} – ñ', 'Grüße an {ANN} 漢', '0000-00-00')",
    )
    company = company_of(empty_home, tmp_path / "company", "odd", database, BARE)
    before = database.rows("SELECT id, email, HEX(note), HEX(old), CAST(day AS CHAR) FROM person ORDER BY id")
    carried = carry(company, database, ("email", ANN))
    assert_closed(carried)
    after = database.rows("SELECT id, email, HEX(note), HEX(old), CAST(day AS CHAR) FROM person ORDER BY id")
    note = before[1][2].replace(ANN.encode("latin-1").hex().upper(), b"[redacted]".hex().upper())
    old = before[1][3].replace(ANN.encode("utf-16-be").hex().upper(), "[redacted]".encode("utf-16-be").hex().upper())
    assert after == [(2, "bo@mail.example", note, old, "0000-00-00")]


def test_a_very_long_text_is_searched_to_its_end(empty_home: Path, tmp_path: Path) -> None:
    database = Database("sqlite", f"sqlite:///{tmp_path / 'large.db'}")
    database.run("CREATE TABLE doc (id INTEGER PRIMARY KEY, body TEXT)")
    filler = "lorem ipsum dolor sit amet\n" * 400_000
    database.insert("doc", [{"id": 1, "body": f"{filler}{ANN}"}, {"id": 2, "body": f"{filler}jo{ANN}"}])
    company = company_of(empty_home, tmp_path / "company", "odd", database, BARE)
    carried = carry(company, database, ("email", ANN))
    assert_closed(carried)
    assert carried.after["doc"][1]["body"] == f"{filler}[redacted]"
    assert carried.after["doc"][2] == carried.before["doc"][2]
