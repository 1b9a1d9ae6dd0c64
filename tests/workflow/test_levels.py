"""Level C1 from the request to the certificate: what waits, what goes on, what the certificate says, and what lies in the files afterwards."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.certificate import SystemStatement
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from dsr_engine.workflow.sweeps.sweep import sweep
from dsr_engine.workflow.upkeep import accept_level, maintenance_report
from tests.drivers.disk import holding
from tests.drivers.sql_database import SqlDatabase
from tests.servers.mariadb import MariadbServer
from tests.servers.postgres import PostgresServer
from tests.workflow.company import BOB, EMAIL, NAME, SHOP_CONNECTOR, Company, founded
from tests.workflow.journeys import NOON, WORKER, carried_through, ledger_of, opened_for, statement_of, waits_for, working

_POSTGRES_SHOP = (
    "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, full_name TEXT NOT NULL)",
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), note TEXT)",
    "CREATE TABLE tickets (id INTEGER PRIMARY KEY, body TEXT NOT NULL)",
    f"INSERT INTO customers VALUES (17, '{EMAIL}', '{NAME}'), (18, '{BOB}', 'Bob Marsh')",
    "INSERT INTO orders VALUES (171, 17, 'leave it at the door'), (181, 18, 'ring twice')",
    f"INSERT INTO tickets VALUES (1, 'Please call {EMAIL} about tea.'), (2, 'The lamp is broken.')",
    "ANALYZE",
)


@dataclass(frozen=True)
class PostgresShop:
    """The company's shop on PostgreSQL."""

    company: Company
    url: str

    def declare(self, entry: str = "level: C1") -> None:
        self.company.declare("shop", f'connector: shop, owner: shop@example.com, url: "{self.url}", {entry}')

    def run(self, *statements: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return list(connection.execute(query.encode()))

    def others(self) -> dict[str, list[tuple[object, ...]]]:
        return {
            "customers": self.rows("SELECT * FROM customers WHERE id <> 17 ORDER BY id"),
            "orders": self.rows("SELECT * FROM orders WHERE id <> 171 ORDER BY id"),
            "tickets": self.rows("SELECT * FROM tickets WHERE id <> 1 ORDER BY id"),
        }

    def holding(self, text: str) -> list[str]:
        """The files of the database in which the text can be read."""
        self.run("CHECKPOINT")
        root = Path(str(self.rows("SHOW data_directory")[0][0]))
        folder = root / "base" / str(self.rows("SELECT oid FROM pg_database WHERE datname = current_database()")[0][0])
        return sorted(path.name for path in folder.iterdir() if text.encode() in path.read_bytes())


@pytest.fixture
def postgres_shop(empty_home: Path, tmp_path: Path, postgres_server: PostgresServer, postgres_database: str) -> PostgresShop:
    company = founded(empty_home, tmp_path / "company", ())
    company.connector(SHOP_CONNECTOR)
    shop = PostgresShop(company, postgres_server.url(postgres_database))
    shop.run(*_POSTGRES_SHOP)
    shop.declare()
    return shop


def shop_of(house: House, case: Case) -> SystemStatement:
    (found,) = (entry for entry in statement_of(house, case).systems if entry.name == "shop")
    return found


def states(statement: SystemStatement) -> dict[str, str]:
    return {row["channel"]: row["state"] for row in statement.channels}


def works(house: House, case: Case) -> list[str]:
    systems = maintenance_report(house, case.id)["systems"]
    assert isinstance(systems, list)
    return [work["statement"] for entry in systems for work in entry["works"]]


# --- PostgreSQL ----------------------------------------------------------------------------------------------------------


def test_at_level_c0_the_certificate_names_what_stays_and_nobody_has_to_do_anything(postgres_shop: PostgresShop) -> None:
    postgres_shop.declare("level: C0")
    with working(postgres_shop.company) as house:
        case = carried_through(house, opened_for(house))
        statement = statement_of(house, case)
        shop = shop_of(house, case)
    assert (case.stage, statement.level, shop.level, shop.level_asked) == (Stage.CLOSED, "C0", "C0", "C0")
    assert postgres_shop.holding(EMAIL)
    assert states(shop)["dead rows in table files"] == "retained"
    assert states(shop)["write-ahead log"] == "outside-control"
    assert shop.server["product"].startswith("PostgreSQL ")
    assert (shop.server["looked_as"], shop.server["erased_as"], shop.verification) == ("test", "test", "self_check")


def test_at_level_c1_the_case_waits_for_the_administrator_and_goes_on_when_it_was_done(postgres_shop: PostgresShop) -> None:
    others = postgres_shop.others()
    with working(postgres_shop.company) as house:
        case = carried_through(house, opened_for(house))
        assert (case.stage, waits_for(case)) == (Stage.VERIFY_ABSENCE, "maintenance_open")
        assert postgres_shop.holding(EMAIL)
        still = run_case(house, case.id, WORKER)
        assert waits_for(still) == "maintenance_open"
        postgres_shop.run(*works(house, case)[:1])
        assert waits_for(run_case(house, case.id, WORKER)) == "maintenance_open"
        postgres_shop.run(*works(house, case))
        case = run_case(house, case.id, WORKER)
        statement, shop = statement_of(house, case), shop_of(house, case)
    assert (case.outcome, statement.level, shop.level, statement.exceptions) == (Outcome.FULFILLED, "C1", "C1", ())
    assert (postgres_shop.holding(EMAIL), postgres_shop.holding(NAME)) == ([], [])
    assert postgres_shop.others() == others
    assert states(shop)["dead rows in table files"] == "erased"
    assert states(shop)["planner statistics"] == "erased"


def test_a_named_person_may_let_the_certificate_claim_less_and_it_says_so(postgres_shop: PostgresShop) -> None:
    with working(postgres_shop.company) as house:
        case = carried_through(house, opened_for(house))
        with pytest.raises(InputWrong, match="reason"):
            accept_level(house, case.id, "shop", "Ida asked for it", "officer")
        accept_level(house, case.id, "shop", "no_downtime", "officer")
        case = run_case(house, case.id, WORKER)
        statement, shop = statement_of(house, case), shop_of(house, case)
        with house.store.snapshot() as tx:
            people = {entry.by: tx.people.name_of(entry.by) for entry in tx.approvals.of(case.id)}
        with pytest.raises(Conflict):
            accept_level(house, case.id, "shop", "no_downtime", "officer")
    assert (case.outcome, statement.level, shop.level, shop.level_asked) == (Outcome.FULFILLED_WITH_EXCEPTIONS, "C0", "C0", "C1")
    (sentence,) = (text for text in statement.exceptions if "level C1 was asked for" in text)
    assert "no downtime" in sentence
    assert [name for person, name in people.items() if person in sentence] == ["officer"]


def test_with_a_window_the_engine_does_it_by_itself_inside_of_it_and_not_before(postgres_shop: PostgresShop) -> None:
    others = postgres_shop.others()
    opens = NOON + timedelta(hours=3)
    window = f"{opens:%H:%M}-{opens + timedelta(hours=2):%H:%M}"
    account = 'maintain_as: {user: test}, window: "' + window + '"'
    with working(postgres_shop.company) as house:
        case = carried_through(house, opened_for(house))
    assert waits_for(case) == "maintenance_open"
    postgres_shop.declare(f"level: C1, maintenance: run, {account}")
    with working(postgres_shop.company) as house:
        case = run_case(house, case.id, WORKER)
        assert case.wait is not None
        assert case.wait.wake_at is not None
        assert case.wait.wake_at.replace(second=0) == opens.replace(second=0)
        assert postgres_shop.holding(EMAIL)
    with working(postgres_shop.company, FixedClock(opens + timedelta(minutes=5))) as house:
        case = run_case(house, case.id, WORKER)
        statement = statement_of(house, case)
        ran = [data for kind, data in ledger_of(house) if kind == "case.stage" and data["to"] == "closed"]
        with house.store.snapshot() as tx:
            assert len(tx.ledger.find("maintenance.done", case=case.id)) == 1
    assert (case.stage, statement.level, len(ran)) == (Stage.CLOSED, "C1", 1)
    assert postgres_shop.holding(EMAIL) == []
    assert postgres_shop.others() == others


@pytest.mark.slow
def test_a_table_that_somebody_keeps_locked_makes_the_engine_come_again(postgres_shop: PostgresShop) -> None:
    postgres_shop.declare('level: C1, maintenance: run, maintain_as: {user: test}, window: "00:00-23:59"')
    with psycopg.connect(postgres_shop.url) as other, working(postgres_shop.company, FixedClock(NOON.replace(hour=12))) as house:
        case = opened_for(house)
        other.execute("CREATE TEMPORARY TABLE mine (id INTEGER)")
        other.execute("LOCK TABLE tickets IN ACCESS SHARE MODE")
        case = carried_through(house, case)
        assert waits_for(case) == "maintenance_open"
        assert case.wait is not None
        assert case.wait.wake_at is not None
        other.rollback()
        case = run_case(house, case.id, WORKER)
        assert (case.stage, statement_of(house, case).level) == (Stage.CLOSED, "C1")
    assert postgres_shop.holding(EMAIL) == []


def test_another_account_for_the_fresh_look_is_named_with_what_may_be_hidden_from_it(
    postgres_shop: PostgresShop, postgres_server: PostgresServer, postgres_database: str
) -> None:
    name = f"auditor_{postgres_database}"
    postgres_server.run(f"CREATE ROLE {name} LOGIN")
    postgres_shop.run(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}", "CREATE TABLE payroll (id INTEGER)")
    try:
        postgres_shop.declare(f"level: C0, verify_as: {{user: {name}}}")
        postgres_shop.company.connector(SHOP_CONNECTOR.replace("discover: rest", "discover: none"))
        with working(postgres_shop.company) as house:
            shop = shop_of(house, carried_through(house, opened_for(house)))
    finally:
        postgres_shop.run(f"DROP OWNED BY {name}")
        postgres_server.run(f"DROP ROLE {name}")
    assert (shop.server["looked_as"], shop.server["erased_as"], shop.verification) == (name, "test", "other_credential")
    assert "payroll" in shop.server["rows_hidden"]
    assert states(shop)["planner statistics"] == "not-assessed"


# --- MariaDB -------------------------------------------------------------------------------------------------------------


def test_mariadb_is_rebuilt_inside_the_window_and_its_logs_are_told_of(
    empty_home: Path, tmp_path: Path, mariadb_server: MariadbServer, mariadb_database: str
) -> None:
    url = mariadb_server.url(mariadb_database)
    company = founded(empty_home, tmp_path / "company", ())
    company.connector(SHOP_CONNECTOR)
    secret = tmp_path / "password"
    secret.write_text("test")
    settings = f'url: "{url.replace(":test@", "@")}", password: "file:{secret}", maintain_as: {{user: test}}'
    company.declare("shop", f'connector: shop, {settings}, level: C1, maintenance: run, window: "00:00-23:59"')
    database = SqlDatabase("mariadb", url, sa.create_engine(url.replace("mysql://", "mysql+pymysql://"), poolclass=sa.pool.NullPool))
    database.run(
        *(statement.replace("TEXT NOT NULL UNIQUE", "VARCHAR(99) NOT NULL UNIQUE") for statement in _POSTGRES_SHOP if statement != "ANALYZE")
    )
    others = database.rows("SELECT * FROM orders WHERE id <> 171"), database.rows("SELECT * FROM customers WHERE id <> 17")
    assert holding(database, EMAIL) == {"customers.ibd", "tickets.ibd"}
    with working(company, FixedClock(NOON.replace(hour=12))) as house:
        case = carried_through(house, opened_for(house))
        shop = shop_of(house, case)
        assert statement_of(house, case).level == "C1"
    assert holding(database, EMAIL) == set()
    assert (database.rows("SELECT * FROM orders"), database.rows("SELECT * FROM customers")) == others
    assert (states(shop)["free space in table files"], states(shop)["undo log"]) == ("erased", "outside-control")
    assert shop.server["looked_as"] == "test@127.0.0.1"
    database.close()


# --- SQLite ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def careless_shop(shop: Company) -> Company:
    """A shop whose application moved the person's row about without ever overwriting what it left."""
    with closing(sqlite3.connect(shop.shop, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("CREATE TABLE filler (id INTEGER PRIMARY KEY, text TEXT)")
        connection.execute(f"INSERT INTO filler VALUES (1, '{EMAIL} {'x' * 9000}')")
        connection.execute("DROP TABLE filler")
    assert EMAIL.encode() in shop.shop.read_bytes()
    shop.declare("shop", f'connector: shop, owner: shop@example.com, url: "sqlite:///{shop.shop}", level: C1')
    return shop


def test_sqlite_waits_until_the_file_was_written_anew(careless_shop: Company) -> None:
    with working(careless_shop) as house:
        case = carried_through(house, opened_for(house))
        assert waits_for(case) == "maintenance_open"
        assert EMAIL.encode() in careless_shop.shop.read_bytes()
        with closing(sqlite3.connect(careless_shop.shop, isolation_level=None)) as administrator:
            for statement in works(house, case):
                administrator.execute(statement)
        case = run_case(house, case.id, WORKER)
        assert (case.stage, statement_of(house, case).level) == (Stage.CLOSED, "C1")
    assert EMAIL.encode() not in careless_shop.shop.read_bytes()
    assert careless_shop.rows("SELECT id FROM customers") == [(18,)]


def test_the_level_of_the_whole_is_that_of_its_weakest_system(careless_shop: Company) -> None:
    careless_shop.add_files()
    entry = f'connector: shop, owner: shop@example.com, url: "sqlite:///{careless_shop.shop}", level: C1, maintenance: run, window: "00:00-23:59"'
    careless_shop.declare("shop", entry)
    with working(careless_shop, FixedClock(NOON.replace(hour=12))) as house:
        case = carried_through(house, opened_for(house))
        statement = statement_of(house, case)
    assert {entry.name: entry.level for entry in statement.systems} == {"shop": "C1", "files": "C0"}
    assert (statement.level, statement.verdict) == ("C0", "fulfilled")
    assert EMAIL.encode() not in careless_shop.shop.read_bytes()


def test_a_rerun_of_the_paper_says_the_same_again(careless_shop: Company) -> None:
    careless_shop.declare("shop", f'connector: shop, owner: shop@example.com, url: "sqlite:///{careless_shop.shop}"')
    with working(careless_shop) as house:
        case = carried_through(house, opened_for(house))
        first = shop_of(house, case)
        path = next(house.paper.folder.iterdir())
        before = path.read_bytes()
        with house.store.snapshot() as tx:
            stored = tx.assessments.of(case.id, case.round)["shop"].assessment
        assert [row["state"] for row in first.channels] == [channel.state.value for channel in stored.channels]
        assert {row["state"] for row in first.channels} >= {"retained", "verified-absent", "outside-control"}
        assert path.read_bytes() == before


# --- sweeps ------------------------------------------------------------------------------------------------------------------

_LEADS_CONNECTOR = """\
connector: shop
driver: sql
collections:
  leads:
    key: [id]
    fields:
      email: {category: user.contact.email}
      seen:  {starts: retention}
discover: none
"""
_LEADS_POLICY = """\
policy: ours
about: Leads, two years.
owner: privacy@example.com
regimes: [gdpr]
rules:
  - name: leads
    when: {collection: shop.leads}
    keep: {for: 2 years, from: seen}
    then: delete
sweep: {schedule: "0 3 * * *", approval: automatic, max_affected: 9, max_share: "100%", first_runs_dry: 0}
"""


def test_a_sweep_does_not_wait_for_maintenance_and_its_certificate_says_what_stays(empty_home: Path, tmp_path: Path) -> None:
    company = founded(empty_home, tmp_path / "company", ())
    company.sql("PRAGMA secure_delete = OFF; CREATE TABLE filler AS SELECT hex(randomblob(9000)) AS text; DROP TABLE filler")
    company.add_shop("CREATE TABLE leads (id INTEGER PRIMARY KEY, email TEXT, seen DATE)", _LEADS_CONNECTOR)
    company.sql(f"INSERT INTO leads VALUES (1, '{EMAIL}', '2001-01-01'), (2, '{BOB}', '2999-01-01')")
    company.declare("shop", f"{company.systems['shop']}, level: C1")
    company.policy(_LEADS_POLICY)
    with working(company) as house:
        swept = sweep(house, house.policies["ours"], by="officer", worker=WORKER)
        statement, shop = statement_of(house, swept.case), shop_of(house, swept.case)
    assert (swept.case.stage, statement.level, shop.level, shop.level_asked) == (Stage.CLOSED, "C0", "C0", "C1")
    assert any("a sweep does not wait for maintenance" in text for text in statement.exceptions)
    assert states(shop)["free pages and gaps (secure_delete)"] == "retained"
    assert company.rows("SELECT id FROM leads") == [(2,)]
