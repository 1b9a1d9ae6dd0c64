"""`dsr find --estimate`: what a search will cost, before it is made; nobody is looked for and nothing is locked."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.cli.company import Company
from tests.cli.conftest import Dsr
from tests.servers.mariadb import MariadbServer
from tests.servers.postgres import PostgresServer

ROWS = 4000


@pytest.fixture(params=["postgres", "mariadb", "sqlite"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The url of a database with one table of some size, an empty one, and a view."""
    statements = [
        "CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(100), note VARCHAR(500))",
        "CREATE TABLE nobody (id INTEGER PRIMARY KEY, email VARCHAR(100))",
        "CREATE VIEW mirror AS SELECT * FROM people",
    ]
    values = ", ".join(f"({number}, 'p{number}@example.net', '{'x' * 400}')" for number in range(1, ROWS + 1))
    statements.append(f"INSERT INTO people VALUES {values}")
    if request.param == "sqlite":
        with closing(sqlite3.connect(tmp_path / "estimate.db")) as file:
            for statement in statements:
                file.execute(statement)
            file.commit()
        return f"sqlite:///{tmp_path / 'estimate.db'}"
    name = request.getfixturevalue(f"{request.param}_database")
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with psycopg.connect(server.url(name), autocommit=True) as connection:
            for statement in [*statements, "ANALYZE"]:
                connection.execute(statement.encode())
        return server.url(name)
    mariadb: MariadbServer = request.getfixturevalue("mariadb_server")
    for statement in statements:
        mariadb.run(
            statement.replace("TABLE ", f"TABLE {name}.")
            .replace("INTO ", f"INTO {name}.")
            .replace("VIEW ", f"VIEW {name}.")
            .replace("FROM ", f"FROM {name}.")
        )
    mariadb.run(f"ANALYZE TABLE {name}.people, {name}.nobody")
    return mariadb.url(name)


def test_tables_rows_bytes_time_and_load_are_told(dsr: Dsr, shop: str) -> None:
    said = dsr("find", "--estimate", "--in", shop, "--json")
    assert said.code == 0, said.all
    (system,) = json.loads(said.out)["systems"]
    collections = {row["collection"]: row for row in system["collections"]}
    assert set(collections) == {"people", "nobody"}
    assert ROWS * 0.8 <= collections["people"]["rows"] <= ROWS * 1.2
    assert ROWS * 400 * 0.8 <= collections["people"]["bytes"] <= ROWS * 400 * 4
    assert collections["people"]["slices"] == collections["nobody"]["slices"] == 1
    assert system["bytes_per_second"] > 0
    assert system["seconds"] >= 0
    assert system["connections"] == 4
    assert system["windows"] == 0


def test_it_reads_well_and_names_no_value(dsr: Dsr, shop: str) -> None:
    said = dsr("find", "--estimate", "--in", shop)
    assert said.code == 0, said.all
    for word in ("people", "together", "time", "load", "MB", "connections", "longest transaction"):
        assert word in said.out
    assert "p17@example.net" not in said.all


def test_the_limits_of_the_systems_file_count(dsr: Dsr, home: Path, shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connector = {"p": "postgresql", "m": "mariadb", "s": "sqlite"}[shop[0]]
    monkeypatch.setenv("SHOP", shop)
    limits = 'window: "22:00-22:01", max_bytes_per_s: 5 kB, max_snapshot: 2 s'
    (home / "systems.yaml").write_text(f'systems: {{shop: {{connector: {connector}, url: "${{SHOP}}", {limits}}}}}\n', encoding="utf-8")
    (system,) = json.loads(dsr("--home", home, "find", "--estimate", "--json", "--workers", 1).out)["systems"]
    assert system["bytes_per_second"] == 5000
    assert system["seconds"] == pytest.approx(system["bytes"] / 5000, rel=0.01)
    assert system["windows"] == -int(-system["seconds"] // 60)
    assert system["longest_transaction_seconds"] == 2
    assert "the limit of systems.yaml" in dsr("--home", home, "find", "--estimate", "--workers", 1).out


def test_what_cannot_be_estimated_says_so_and_the_others_are(dsr: Dsr, company: Company) -> None:
    said = dsr("find", "--estimate", "--in", company.files, "--in", "postgresql://127.0.0.1:1/x", "--in", f"sqlite:///{company.shop}", "--json")
    assert said.code == 3
    files, down, shop = json.loads(said.out)["systems"]
    assert "cannot tell before it looks" in files["reason"]
    assert "refused" in down["reason"]
    assert (shop["reason"], shop["rows"] > 0) == ("", True)


def test_partitions_are_added_up(dsr: Dsr, postgres_server: PostgresServer, postgres_database: str) -> None:
    with psycopg.connect(postgres_server.url(postgres_database), autocommit=True) as connection:
        connection.execute("CREATE TABLE visits (id int, note text, PRIMARY KEY (id)) PARTITION BY RANGE (id)")
        for number in range(3):
            connection.execute(
                f"CREATE TABLE visits_{number} PARTITION OF visits FOR VALUES FROM ({number * 100}) TO ({number * 100 + 100})".encode()
            )
        connection.execute("INSERT INTO visits SELECT n, repeat(md5(n::text), 100) FROM generate_series(0, 299) n")
        connection.execute("ANALYZE")
    (system,) = json.loads(dsr("find", "--estimate", "--in", postgres_server.url(postgres_database), "--json").out)["systems"]
    (visits,) = system["collections"]
    assert (visits["collection"], visits["rows"]) == ("visits", 300)
    assert visits["bytes"] >= 3 * 8192
