"""Getting in: permissions, what cannot be seen, catalogues, and errors that tell nothing about anybody."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from dsr_engine.domain.anonymize import ValueType
from dsr_engine.domain.errors import DsrError, InputWrong, NotAllowed, Unreachable
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.plan import Delete, Edit, Fence, Rewrite
from dsr_engine.drivers.driver import Change, Done, Drifted, Link
from tests.drivers.sql_database import JANE, REWRITER, SqlDatabase, about, erase, locator, planned, search, state
from tests.servers.lifecycle import free_port
from tests.servers.mariadb import MariadbServer
from tests.servers.postgres import PostgresServer

PEOPLE = ("CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(100))", f"INSERT INTO people VALUES (1, '{JANE}'), (2, 'x')")


@pytest.fixture
def postgres(postgres_server: PostgresServer, postgres_database: str) -> Iterator[SqlDatabase]:
    url = postgres_server.url(postgres_database)
    database = SqlDatabase("postgres", url, sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.pool.NullPool))
    yield database
    database.close()


@pytest.fixture
def clerk(postgres_server: PostgresServer, postgres: SqlDatabase) -> Iterator[str]:
    """A role without any right, and the url to log in with it."""
    name = f"clerk_{sa.make_url(postgres.url).database}"
    postgres_server.run(f"CREATE ROLE {name} LOGIN")
    yield name
    postgres.run(f"DROP OWNED BY {name}")
    postgres_server.run(f"DROP ROLE {name}")


def as_role(database: SqlDatabase, role: str) -> str:
    return database.url.replace("test@", f"{role}@")


def read_only_url(database: SqlDatabase, request: pytest.FixtureRequest) -> str:
    if database.kind == "sqlite":
        return database.url + "?mode=ro"
    if database.kind == "postgres":
        return database.url + "?options=-cdefault_transaction_read_only%3Don"
    server: MariadbServer = request.getfixturevalue("mariadb_server")
    name = str(sa.make_url(database.url).database)
    server.run(f"CREATE OR REPLACE USER 'reader_{name}'@'127.0.0.1' IDENTIFIED BY 'test'")
    server.run(f"GRANT SELECT ON {name}.* TO 'reader_{name}'@'127.0.0.1'")
    return server.url(name, f"reader_{name}")


def test_a_healthy_database_has_no_problem(sql_database: SqlDatabase) -> None:
    sql_database.run(*PEOPLE)
    assert [problem for problem in sql_database.driver().check() if problem.is_fatal] == []


def test_an_account_that_may_only_read_is_named_before_anything_is_written(sql_database: SqlDatabase, request: pytest.FixtureRequest) -> None:
    sql_database.run(*PEOPLE)
    driver = sql_database.driver(url=read_only_url(sql_database, request))
    problems = driver.check()
    assert problems
    assert all(problem.is_fatal for problem in problems)
    assert {problem.code for problem in problems} <= {"sql.read_only", "sql.missing_update", "sql.missing_delete"}
    assert search(driver, about()).keys == {("people", ("1",))}
    with pytest.raises(NotAllowed):
        driver.change(
            [Change(locator("people", 1), Delete(), (), state(driver, locator("people", 1)).state, state(driver, locator("people", 1)).server)],
            REWRITER,
        )
    assert len(sql_database.dump("people")) == 2


def test_checking_changes_nothing(sql_database: SqlDatabase) -> None:
    sql_database.run(*PEOPLE)
    before = sql_database.dump("people")
    sql_database.driver().check()
    assert sql_database.dump("people") == before


def test_the_catalogue_tells_keys_types_links_and_the_order_of_deletions(sql_database: SqlDatabase) -> None:
    sql_database.run(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, email VARCHAR(80) NOT NULL UNIQUE, born DATE)",
        "CREATE TABLE orders (shop VARCHAR(10), no INTEGER, customer_id INTEGER, PRIMARY KEY (shop, no), "
        "FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE SET NULL)",
        "CREATE TABLE items (id INTEGER PRIMARY KEY, shop VARCHAR(10), no INTEGER, "
        "FOREIGN KEY (shop, no) REFERENCES orders (shop, no) ON DELETE CASCADE)",
        "CREATE VIEW everybody AS SELECT * FROM customers",
    )
    facts = {one.name: one for one in sql_database.driver().describe()}
    assert facts["items"].rank < facts["orders"].rank < facts["customers"].rank
    assert facts["orders"].key == ("shop", "no")
    assert facts["orders"].links == (Link(("customer_id",), "customers", ("id",), "set_null"),)
    assert facts["items"].links == (Link(("shop", "no"), "orders", ("shop", "no"), "cascade"),)
    fields = {field.name: field for field in facts["customers"].fields}
    assert (fields["id"].is_key, fields["id"].is_unique, fields["id"].type) == (True, True, ValueType.INTEGER)
    assert fields["email"] == replace(fields["email"], is_unique=True, is_nullable=False, max_length=80, type=ValueType.TEXT)
    assert (fields["born"].type, fields["born"].is_unique) == (ValueType.DATE, False)
    assert not facts["everybody"].is_searchable
    assert "view" in facts["everybody"].reason


def test_a_table_without_rights_is_a_gap_and_not_an_empty_answer(postgres: SqlDatabase, clerk: str) -> None:
    postgres.run(*PEOPLE, "CREATE TABLE open_one (id INTEGER PRIMARY KEY, email TEXT)", f"GRANT SELECT ON open_one TO {clerk}")
    driver = postgres.driver(url=as_role(postgres, clerk))
    found = search(driver, about())
    assert {looked.collection: looked.extent for looked in found.looked} == {"people": Extent.NONE, "open_one": Extent.FULL}
    assert [gap.collection for gap in found.gaps] == ["people"]


def test_a_column_without_rights_makes_the_search_partial(postgres: SqlDatabase, clerk: str) -> None:
    postgres.run("CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT, secret TEXT)", f"INSERT INTO people VALUES (1, '{JANE}', '{JANE}')")
    postgres.run(f"GRANT SELECT (id, email) ON people TO {clerk}")
    found = search(postgres.driver(url=as_role(postgres, clerk)), about())
    assert found.keys == {("people", ("1",))}
    assert found.looked[0].extent is Extent.PARTIAL


def test_rows_that_a_policy_hides_are_a_gap(postgres: SqlDatabase, clerk: str) -> None:
    postgres.run(
        *PEOPLE, "ALTER TABLE people ENABLE ROW LEVEL SECURITY", "CREATE POLICY mine ON people USING (id = 2)", f"GRANT ALL ON people TO {clerk}"
    )
    found = search(postgres.driver(url=as_role(postgres, clerk)), about())
    assert found.looked[0].extent is Extent.NONE
    assert "row level security" in found.looked[0].reason


def test_a_materialized_view_is_searched_and_nothing_but_refreshed(postgres: SqlDatabase) -> None:
    postgres.run(
        *PEOPLE, "CREATE MATERIALIZED VIEW copies AS SELECT * FROM people", "CREATE MATERIALIZED VIEW hollow AS SELECT * FROM people WITH NO DATA"
    )
    driver = postgres.driver()
    found = search(driver, about())
    assert {looked.collection: looked.extent for looked in found.looked} == {"people": Extent.FULL, "copies": Extent.FULL, "hollow": Extent.NONE}
    (copy,) = [record for record in found.records if record.locator.collection == "copies"]
    _, (seen,) = planned(driver, [copy.locator])
    assert [problem.code for problem in seen.warnings] == ["sql.snapshot"]
    assert (seen.refusal, seen.becomes) == (None, None)


def test_other_schemas_are_searched_under_their_name_and_partitions_as_one_table(postgres: SqlDatabase) -> None:
    postgres.run(
        "CREATE SCHEMA crm",
        "CREATE TABLE crm.leads (id INTEGER PRIMARY KEY, email TEXT)",
        f"INSERT INTO crm.leads VALUES (1, '{JANE}')",
        "CREATE TABLE visits (id INTEGER, email TEXT, PRIMARY KEY (id)) PARTITION BY RANGE (id)",
        "CREATE TABLE visits_1 PARTITION OF visits FOR VALUES FROM (0) TO (100)",
        f"INSERT INTO visits VALUES (7, '{JANE}')",
    )
    driver = postgres.driver()
    assert search(driver, about()).keys == {("crm.leads", ("1",)), ("visits", ("7",))}
    assert erase(driver, locator("crm.leads", 1), locator("visits", 7)) == [Done(None)] * 2
    assert search(postgres.driver(schema="crm"), about()).looked[0].collection == "leads"


def test_enums_arrays_and_domains_are_written_in_their_own_types(postgres: SqlDatabase) -> None:
    postgres.run(
        "CREATE TYPE mood AS ENUM ('calm', 'hidden')",
        "CREATE DOMAIN mail AS VARCHAR(40)",
        "CREATE TABLE people (id UUID PRIMARY KEY, mood mood, mail mail, tags VARCHAR(40)[], n BIGINT)",
        "INSERT INTO people VALUES ('00000000-0000-4000-8000-000000000001', 'calm', 'a', ARRAY['x', 'y \"z\" \\'], 1), "
        "('00000000-0000-4000-8000-000000000002', 'calm', 'b', NULL, 2)",
    )
    driver = postgres.driver()
    wheres = [locator("people", f"00000000-0000-4000-8000-00000000000{number}") for number in (1, 2)]
    effect = Rewrite((Edit("mood", Fence("hidden")), Edit("mail", Fence("gone")), Edit("n", Fence(0))))
    changes, foreseen = planned(driver, wheres, effect, ("mood", "mail", "n"))
    assert driver.change(changes, REWRITER) == [Done(one.becomes) for one in foreseen]
    assert postgres.rows("SELECT DISTINCT mood::text, mail, n FROM people") == [("hidden", "gone", 0)]
    _, (refused, _) = planned(driver, wheres, Rewrite((Edit("mood", Fence("unheard of")),)))
    assert refused.refusal is not None
    assert refused.refusal.code == "sql.enum"


def test_a_table_that_cannot_roll_back_is_not_changed(mariadb_server: MariadbServer, mariadb_database: str) -> None:
    url = mariadb_server.url(mariadb_database)
    database = SqlDatabase("mariadb", url, sa.create_engine(url.replace("mysql:", "mysql+pymysql:"), poolclass=sa.pool.NullPool))
    database.run("CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(100)) ENGINE=MyISAM", f"INSERT INTO people VALUES (1, '{JANE}')")
    driver = database.driver()
    assert search(driver, about()).keys == {("people", ("1",))}
    _, (seen,) = planned(driver, [locator("people", 1)])
    assert seen.refusal is not None
    assert erase(driver, locator("people", 1)) != [Done(None)]
    assert len(database.dump("people")) == 1
    database.close()


def test_two_files_with_equal_content_are_two_servers(tmp_path: Path) -> None:
    servers = []
    for name in ("one.db", "two.db"):
        url = f"sqlite:///{tmp_path / name}"
        database = SqlDatabase("sqlite", url, sa.create_engine(url, poolclass=sa.pool.NullPool))
        database.run(*PEOPLE)
        driver = database.driver()
        servers.append(state(driver, locator("people", 1)).server)
        database.close()
    assert len(set(servers)) == 2


def test_two_databases_of_one_server_are_told_apart(postgres_server: PostgresServer, postgres: SqlDatabase) -> None:
    postgres.run(*PEOPLE)
    driver = postgres.driver()
    changes, _ = planned(driver, [locator("people", 1)])
    twin = f"{sa.make_url(postgres.url).database}_twin"
    driver.close()
    postgres_server.run(f"CREATE DATABASE {twin} TEMPLATE {sa.make_url(postgres.url).database}")
    other = postgres.driver(url=postgres_server.url(twin))
    assert other.change(changes, REWRITER) == [Drifted("server")]
    other.close()
    postgres_server.run(f"DROP DATABASE {twin} WITH (FORCE)")


def test_a_missing_file_is_not_created(tmp_path: Path) -> None:
    path = tmp_path / "missing.db"
    database = SqlDatabase("sqlite", f"sqlite:///{path}", sa.create_engine("sqlite://"))
    with pytest.raises(Unreachable):
        database.driver().check()
    database.close()
    assert not path.exists()


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_a_server_that_is_down_is_unreachable_and_the_message_has_no_password(scheme: str) -> None:
    database = SqlDatabase("", f"{scheme}://jane:geheim@127.0.0.1:{free_port()}/shop", sa.create_engine("sqlite://"))
    with pytest.raises(Unreachable) as caught:
        database.driver().check()
    database.close()
    assert "geheim" not in repr(caught.value) + str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("url", ["", "nonsense", "oracle+nothing://x/y", "mysql://u@h", "sqlite://"])
def test_a_url_that_cannot_be_used_is_wrong_input(url: str) -> None:
    database = SqlDatabase("", url, sa.create_engine("sqlite://"))
    with pytest.raises(InputWrong):
        database.driver(url=url or " ")
    database.close()


def test_an_error_of_the_server_shows_no_value(sql_database: SqlDatabase) -> None:
    sql_database.run(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, state VARCHAR(40), CONSTRAINT c CHECK (state <> 'jane'))", "INSERT INTO people VALUES (1, 'a')"
    )
    driver = sql_database.driver()
    changes, _ = planned(driver, [locator("people", 1)], Rewrite((Edit("state", Fence("jane")),)), ("state",))
    assert "jane" not in repr(driver.change(changes, REWRITER))
    sql_database.run("DROP TABLE people")
    with pytest.raises(DsrError) as caught:
        driver.change(changes, REWRITER)
    assert "jane" not in repr(caught.value) + str(caught.value)
