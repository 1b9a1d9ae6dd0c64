"""`dsr grants`: a script that an administrator can read and run as it is printed."""

import json
from pathlib import Path

import psycopg
import pytest

from tests.cli.company import Company
from tests.cli.conftest import Dsr
from tests.servers.postgres import PostgresServer


@pytest.fixture
def shop(postgres_server: PostgresServer, postgres_database: str) -> str:
    url = postgres_server.url(postgres_database)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE people (id int PRIMARY KEY, email text)")
        connection.execute('CREATE TABLE "Odd\n-- name" (id int PRIMARY KEY, note text)')
        connection.execute('ALTER TABLE "Odd\n-- name" ENABLE ROW LEVEL SECURITY')
    return url


def test_what_is_printed_runs_as_it_is(dsr: Dsr, shop: str, postgres_server: PostgresServer) -> None:
    script = dsr("grants", "--in", shop, "--account", "clerk of 'shop'").out
    for name in ("find", "erase", "verify"):
        assert f"-- {name}: " in script
    postgres_server.run("CREATE ROLE \"clerk of 'shop'\" LOGIN")
    try:
        with psycopg.connect(shop, autocommit=True) as connection:
            connection.execute(script.encode())
            held = connection.execute(
                "SELECT has_table_privilege(rolname, 'people', 'SELECT, DELETE'), has_column_privilege(rolname, 'people', 'id', 'UPDATE'),"
                " rolbypassrls"
                " FROM pg_roles WHERE rolname LIKE 'clerk%'"
            ).fetchone()
            assert held == (True, False, True)
            connection.execute("DROP OWNED BY \"clerk of 'shop'\"")
    finally:
        postgres_server.run("DROP ROLE \"clerk of 'shop'\"")


def test_the_accounts_are_those_of_the_systems_file(dsr: Dsr, home: Path, shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PW", "geheim")
    entry = f'connector: postgresql, url: "{shop}", user: searcher, verify_as: {{user: looker, password: "${{PW}}"}}'
    (home / "systems.yaml").write_text(f"systems:\n  shop: {{{entry}}}\n", encoding="utf-8")
    said = dsr("--home", home, "grants", "shop", "--in", shop, "--json")
    assert said.code == 0, said.all
    granted = json.loads(said.out)
    assert {(row["purpose"], row["account"]) for row in granted["grants"]} == {("find", "searcher"), ("erase", "searcher"), ("verify", "looker")}
    assert all('"searcher"' in row["statement"] or '"looker"' in row["statement"] for row in granted["grants"])
    assert "geheim" not in said.all


def test_one_purpose_can_be_asked_for(dsr: Dsr, shop: str) -> None:
    printed = dsr("grants", "--in", shop, "--for", "verify").out
    assert "dsr_verify" in printed
    assert "DELETE" not in printed


def test_a_file_has_permissions_instead_and_the_words_are_comments(dsr: Dsr, company: Company) -> None:
    said = dsr("grants", "--in", f"sqlite:///{company.shop}")
    assert said.code == 0
    assert str(company.shop) in said.out.replace("\n-- ", " ")
    assert all(line.startswith("-- ") for line in said.out.splitlines() if line.strip())


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        ((), 2, "exactly one database is needed"),
        (("--in", "sqlite:///{shop}", "--in", "sqlite:///{shop}"), 2, "exactly one database is needed"),
        (("--in", "{files}"), 3, "is no database"),
        (("--in", "sqlite:///{shop}", "--account", "a\nb"), 2, "--account was given no name"),
        (("--in", "postgresql://127.0.0.1:1/x"), 3, "the database refused"),
    ],
)
def test_what_cannot_be_answered_is_said(dsr: Dsr, company: Company, arguments: tuple[str, ...], code: int, expected: str) -> None:
    said = dsr("grants", *(argument.format(shop=company.shop, files=company.files) for argument in arguments))
    assert (said.code, expected in said.err) == (code, True), said.all
