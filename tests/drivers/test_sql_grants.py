"""The least privileges: a fresh account that was given exactly what is printed can work, and misses whatever is left out."""

import itertools
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace

import pytest
import sqlalchemy as sa

from dsr_engine.domain.errors import NotAllowed
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.plan import Edit, RedactSpans, Rewrite
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.system import CollectionMap, Discover, FieldMap, Manifest, System
from dsr_engine.drivers.driver import Done, Problem
from dsr_engine.drivers.sql.asking.access import SqlAccess
from dsr_engine.drivers.sql.driver import SqlDriver
from tests.drivers.sql_database import JANE, REWRITER, SqlDatabase, about, erase, locator, planned, search, state
from tests.servers.mariadb import MariadbServer
from tests.servers.postgres import PostgresServer

_numbers = itertools.count(1)

#: Names as people really give them, and one that would break out of quotes that are not escaped.
ODD = "we\"ird ta'ble 100%"
#: A name that only a quoted account can have.
ACCOUNT = 'dsr "x" {}'


@dataclass(frozen=True, slots=True)
class Accounts:
    """A database with an administrator, and fresh accounts that may log in and nothing else."""

    database: SqlDatabase
    server: PostgresServer | MariadbServer

    @property
    def quote(self) -> str:
        return '"' if self.database.kind == "postgres" else "`"

    def odd(self, name: str) -> str:
        return self.quote + name.replace(self.quote, self.quote * 2) + self.quote

    def run(self, statement: str) -> None:
        """As the administrator types it: no parameter marks, no doubled percent signs."""
        with self.database.engine.begin() as connection, closing(connection.connection.cursor()) as cursor:
            cursor.execute(statement)

    def fresh(self) -> tuple[str, str]:
        """(account as grants name it, url to log in with)."""
        name = ACCOUNT.format(next(_numbers))
        base = sa.make_url(self.database.url)
        if self.database.kind == "postgres":
            self.run(f"CREATE ROLE {self.odd(name)} LOGIN")
            return name, base.set(username=name).render_as_string(hide_password=False)
        self.run(f"CREATE USER '{name}'@'127.0.0.1' IDENTIFIED BY 'test'")
        return f"{name}@127.0.0.1", base.set(username=name).render_as_string(hide_password=False)

    def engine(self, url: str) -> sa.Engine:
        return sa.create_engine(sa.make_url(url).set(drivername=self.database.engine.url.drivername), poolclass=sa.pool.NullPool)

    def system(self, url: str = "", *collections: CollectionMap, discover: Discover = Discover.ALL) -> System:
        return System("shop", Manifest("shop", "sql", collections=collections, discover=discover), {"url": Secret(url or self.database.url)})

    def grants(self, account: str, *purposes: str, system: System | None = None) -> list[str]:
        access = SqlAccess(system or self.system())
        try:
            return [entry.statement for entry in access.grants(account) if entry.purpose in purposes and not entry.statement.startswith("--")]
        finally:
            access.close()

    def driver(self, url: str, *collections: CollectionMap, discover: Discover = Discover.ALL) -> SqlDriver:
        driver = SqlDriver(self.system(url, *collections, discover=discover))
        self.database.drivers.append(driver)
        return driver


@pytest.fixture(params=["postgres", "mariadb"])
def accounts(request: pytest.FixtureRequest) -> Iterator[Accounts]:
    server = request.getfixturevalue(f"{request.param}_server")
    url = server.url(request.getfixturevalue(f"{request.param}_database"))
    connector = url.replace("postgresql://", "postgresql+psycopg://").replace("mysql://", "mysql+pymysql://")
    database = SqlDatabase(request.param, url, sa.create_engine(connector, poolclass=sa.pool.NullPool))
    accounts = Accounts(database, server)
    if request.param == "postgres":
        accounts.run(f"REVOKE CONNECT, TEMPORARY ON DATABASE {sa.make_url(url).database} FROM PUBLIC")
        accounts.run("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    _fill(accounts)
    yield accounts
    database.close()
    _drop_roles(accounts)


def _fill(accounts: Accounts) -> None:
    odd = accounts.odd(ODD)
    accounts.run(f"CREATE TABLE {odd} (id INTEGER PRIMARY KEY, {accounts.odd('e-mail 100%')} VARCHAR(100), born DATE)")
    accounts.run(f"INSERT INTO {odd} VALUES (1, '{JANE}', '1980-01-01'), (2, 'bob@example.net', '1980-01-01')")
    columns = "id INTEGER PRIMARY KEY, person INTEGER, amount INTEGER, note TEXT, doc JSON"
    accounts.run(f"CREATE TABLE orders ({columns}, FOREIGN KEY (person) REFERENCES {odd} (id))")
    accounts.run(f"INSERT INTO orders VALUES (7, 2, 10, 'call {JANE}', '{{\"b\": 1, \"a\": [2]}}'), (8, 2, 10, 'nobody', NULL)")
    accounts.run("CREATE TABLE pairs (a INTEGER, b INTEGER, PRIMARY KEY (a, b))")
    accounts.run("INSERT INTO pairs VALUES (1, 2)")


def _drop_roles(accounts: Accounts) -> None:
    if accounts.database.kind == "mariadb":
        with accounts.database.engine.begin() as connection:
            for row in connection.exec_driver_sql("SELECT User, Host FROM mysql.user WHERE User LIKE 'dsr \"x\" %%'").all():
                connection.exec_driver_sql(f"DROP USER '{row.User}'@'{row.Host}'")
        return
    with accounts.database.engine.begin() as connection:
        for name in connection.exec_driver_sql("SELECT rolname FROM pg_roles WHERE rolname LIKE 'dsr \"x\" %%'").scalars().all():
            connection.exec_driver_sql(f"DROP OWNED BY {accounts.odd(name)}")
            connection.exec_driver_sql(f"DROP ROLE {accounts.odd(name)}")


def _serious(problems: list[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.is_fatal or problem.code in ("sql.missing_update", "sql.limited", "sql.unseen")]


def test_an_account_with_exactly_the_printed_privileges_finds_and_erases(accounts: Accounts) -> None:
    account, url = accounts.fresh()
    for statement in accounts.grants(account, "find", "erase"):
        accounts.run(statement)
    driver = accounts.driver(url)
    assert _serious(list(driver.check())) == []
    assert search(driver, about()).keys == {(ODD, ("1",)), ("orders", ("7",))}
    assert all(looked.extent is Extent.FULL for looked in search(driver, about()).looked)
    assert erase(driver, locator(ODD, 1)) == [Done(None)]
    changes, _ = planned(driver, [locator("orders", 7)], Rewrite((Edit("note", RedactSpans()),)), ("note",))
    assert isinstance(driver.change(changes, REWRITER)[0], Done)
    assert accounts.database.rows("SELECT id, amount, note FROM orders ORDER BY id") == [(7, 10, "call [redacted]"), (8, 10, "nobody")]
    assert len(accounts.database.rows(f"SELECT id FROM {accounts.odd(ODD)}".replace("%", "%%"))) == 1
    assert erase(driver, locator("pairs", 1, 2)) == [Done(None)]


def test_the_account_of_the_fresh_look_sees_everything_as_it_is_and_can_change_nothing(accounts: Accounts) -> None:
    account, url = accounts.fresh()
    for statement in accounts.grants(account, "verify"):
        accounts.run(statement)
    driver = accounts.driver(url)
    assert search(driver, about()).keys == {(ODD, ("1",)), ("orders", ("7",))}
    for where in (locator(ODD, 1), locator("orders", 7), locator("pairs", 1, 2)):
        assert state(driver, where) == state(accounts.driver(accounts.database.url), where)
    changes, _ = planned(accounts.driver(accounts.database.url), [locator("pairs", 1, 2)])
    with pytest.raises(NotAllowed):
        driver.change(changes, REWRITER)
    with accounts.engine(url).connect() as connection:
        for statement in ("DELETE FROM pairs", "UPDATE orders SET note = ''", "INSERT INTO pairs VALUES (3, 4)", "CREATE TABLE mine (a INTEGER)"):
            with pytest.raises(sa.exc.DBAPIError):
                connection.exec_driver_sql(statement)
            connection.rollback()
    assert accounts.database.rows("SELECT a, b FROM pairs") == [(1, 2)]


def test_checking_tells_what_the_account_of_the_fresh_look_may_not_see(accounts: Accounts) -> None:
    account, url = accounts.fresh()
    for statement in accounts.grants(account, "verify"):
        accounts.run(statement)
    name = sa.make_url(accounts.database.url).database
    settings = {"user": Secret(str(sa.make_url(url).username)), "password": Secret("test")}
    driver = SqlDriver(replace(accounts.system(), verify_as=settings))
    accounts.database.drivers.append(driver)
    assert [problem for problem in driver.check() if "verify_as" in problem.message] == []
    if accounts.database.kind == "postgres":
        accounts.run(f"REVOKE SELECT ON orders FROM {accounts.odd(account)}")
    else:
        accounts.run(f"REVOKE SELECT ON `{str(name).replace('_', chr(92) + '_')}`.* FROM '{account.rpartition('@')[0]}'@'127.0.0.1'")
    blind = [problem for problem in driver.check() if problem.message.startswith("verify_as: ") and problem.is_fatal]
    # A MariaDB account without any privilege in a database is not even let in.
    assert [problem.code for problem in blind] == ["sql.verifier_blind" if accounts.database.kind == "postgres" else "sql.denied"]


def test_every_statement_that_is_left_out_is_missed_by_name(accounts: Accounts) -> None:
    statements = accounts.grants("x@127.0.0.1" if accounts.database.kind == "mariadb" else "x", "find", "erase")
    for left_out in range(len(statements)):
        account, url = accounts.fresh()
        for number, statement in enumerate(accounts.grants(account, "find", "erase")):
            if number != left_out:
                accounts.run(statement)
        privilege = statements[left_out].split()[1]
        try:
            said = " ".join(f"{problem.message} {problem.hint}" for problem in _serious(list(accounts.driver(url).check())))
        except NotAllowed as error:
            said = f"{error.message} {error.hint}"
        assert privilege in said, statements[left_out]


@pytest.mark.parametrize("accounts", ["postgres"], indirect=True)
def test_large_objects_can_be_searched_with_what_is_printed(accounts: Accounts) -> None:
    accounts.run(f"SELECT lo_from_bytea(0, '{JANE}')")
    account, url = accounts.fresh()
    for statement in accounts.grants(account, "find"):
        accounts.run(statement)
    found = search(accounts.driver(url), about())
    assert "pg_largeobject" in {record.locator.collection for record in found.records}
    assert {looked.extent for looked in found.looked} == {Extent.FULL}


@pytest.mark.parametrize("accounts", ["mariadb"], indirect=True)
def test_tables_that_a_server_hides_are_a_gap_and_not_silence(accounts: Accounts) -> None:
    account, url = accounts.fresh()
    name = account.rpartition("@")[0]
    accounts.run(f"GRANT SELECT ON pairs TO '{name}'@'127.0.0.1'")
    found = search(accounts.driver(url), about())
    assert {looked.collection: looked.extent for looked in found.looked} == {"pairs": Extent.FULL, "*": Extent.NONE}
    assert [gap.code for gap in found.gaps] == ["sql.unseen"]
    assert "sql.unseen" in {problem.code for problem in accounts.driver(url).check()}


@pytest.mark.parametrize("accounts", ["mariadb"], indirect=True)
def test_privileges_that_come_with_a_role_count(accounts: Accounts) -> None:
    account, url = accounts.fresh()
    name, role = account.rpartition("@")[0], f"readers_{sa.make_url(accounts.database.url).database}"
    accounts.run(f"CREATE ROLE {role}")
    accounts.run(f"GRANT SELECT ON *.* TO {role}")
    accounts.run(f"GRANT {role} TO '{name}'@'127.0.0.1'")
    accounts.run(f"SET DEFAULT ROLE {role} FOR '{name}'@'127.0.0.1'")
    found = search(accounts.driver(url), about())
    assert found.keys == {(ODD, ("1",)), ("orders", ("7",))}
    assert found.gaps == ()
    accounts.run(f"DROP ROLE {role}")


def test_only_what_can_be_written_may_be_updated(accounts: Accounts) -> None:
    account, url = accounts.fresh()
    for statement in accounts.grants(account, "find", "erase"):
        accounts.run(statement)
    with accounts.engine(url).connect() as connection:
        for forbidden in ("UPDATE orders SET amount = 0", "UPDATE orders SET id = 99 WHERE id = 8", "INSERT INTO pairs VALUES (3, 4)"):
            with pytest.raises(sa.exc.DBAPIError):
                connection.exec_driver_sql(forbidden)
            connection.rollback()


def test_a_connector_that_lists_its_tables_opens_no_other_but_those_that_point_at_them(accounts: Accounts) -> None:
    people = CollectionMap(ODD, ("id",), (FieldMap("e-mail 100%", category="user.contact.email"), FieldMap("born", category="user")))
    accounts.run("CREATE TABLE salaries (id INTEGER PRIMARY KEY, email VARCHAR(100))")
    account, url = accounts.fresh()
    system = accounts.system("", people, discover=Discover.NONE)
    for statement in accounts.grants(account, "find", "erase", system=system):
        accounts.run(statement)
    driver = accounts.driver(url, people, discover=Discover.NONE)
    assert search(driver, about()).keys == {(ODD, ("1",))}
    assert erase(driver, locator(ODD, 1)) == [Done(None)]
    with accounts.engine(url).connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM orders").scalar() == 2
        with pytest.raises(sa.exc.DBAPIError):
            connection.exec_driver_sql("SELECT * FROM salaries")


def test_a_rewrite_of_a_column_that_may_not_be_updated_is_refused_before_anybody_approves(accounts: Accounts) -> None:
    account, url = accounts.fresh()
    for statement in accounts.grants(account, "find", "erase"):
        if "note" not in statement:
            accounts.run(statement)
    name = accounts.odd("person")
    table = "orders" if accounts.database.kind == "postgres" else f"{sa.make_url(accounts.database.url).database}.orders"
    to = accounts.odd(account) if accounts.database.kind == "postgres" else "'{}'@'127.0.0.1'".format(account.rpartition("@")[0])
    accounts.run(f"GRANT UPDATE ({name}) ON {table} TO {to}")
    driver = accounts.driver(url)
    _, (seen,) = planned(driver, [locator("orders", 7)], Rewrite((Edit("note", RedactSpans()),)), ("note",))
    assert seen.refusal is not None
    assert (seen.refusal.code, "note" in seen.refusal.message) == ("sql.missing_update", True)
    assert any("note" in problem.message for problem in driver.check() if problem.code == "sql.missing_update")


@pytest.mark.parametrize("accounts", ["postgres"], indirect=True)
def test_row_level_security_takes_a_right_that_is_named(accounts: Accounts) -> None:
    accounts.run("ALTER TABLE orders ENABLE ROW LEVEL SECURITY")
    account, url = accounts.fresh()
    statements = accounts.grants(account, "find")
    assert [statement for statement in statements if "BYPASSRLS" in statement] == [f"ALTER ROLE {accounts.odd(account)} BYPASSRLS;"]
    for statement in statements:
        accounts.run(statement)
    assert search(accounts.driver(url), about()).keys == {(ODD, ("1",)), ("orders", ("7",))}


@pytest.mark.parametrize("accounts", ["postgres"], indirect=True)
def test_a_materialized_view_takes_its_owner_and_that_is_left_to_a_human(accounts: Accounts) -> None:
    accounts.run("CREATE MATERIALIZED VIEW copies AS SELECT * FROM orders")
    access = SqlAccess(accounts.system())
    (grant,) = [entry for entry in access.grants("x") if entry.purpose == "erase" and "copies" in entry.statement + entry.why]
    access.close()
    assert grant.statement.startswith("-- GRANT ") or "MAINTAIN" in grant.statement
    account, url = accounts.fresh()
    for statement in accounts.grants(account, "find", "erase"):
        accounts.run(statement)
    assert {record.locator.collection for record in search(accounts.driver(url), about()).records} == {ODD, "orders", "copies"}


def test_a_maintainer_may_rewrite_tables(accounts: Accounts) -> None:
    account, url = accounts.fresh()
    for statement in accounts.grants(account, "maintain"):
        accounts.run(statement)
    is_postgres = accounts.database.kind == "postgres"
    # PostgreSQL only warns whoever may not rewrite a table, and leaves it in the file where it was.
    table = "information_schema.INNODB_SYS_TABLES WHERE NAME = CONCAT(DATABASE(), '/orders')"
    place = "SELECT pg_relation_filenode('orders')" if is_postgres else f"SELECT TABLE_ID FROM {table}"
    before = accounts.database.rows(place)
    engine = accounts.engine(url).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("VACUUM FULL orders" if is_postgres else "ALTER TABLE orders FORCE")
    assert len(before) == 1
    assert accounts.database.rows(place) != before
    assert accounts.database.rows("SELECT id FROM orders ORDER BY id") == [(7,), (8,)]
