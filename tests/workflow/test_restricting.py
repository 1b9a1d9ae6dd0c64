"""Restricted data on real databases: it survives an erasure, nobody meets it by default, and it goes when its time has come."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from dsr_engine.certificate.keys import rotate
from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import Conflict
from dsr_engine.domain.hold import Hold
from dsr_engine.drivers.registry import open_access
from dsr_engine.workflow.holds.placing import place_hold
from dsr_engine.workflow.holds.restricting import lift_restriction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.sweeps.sweep import sweep
from tests.workflow.company import EMAIL, POLICY, Company, founded
from tests.workflow.journeys import WORKER, carried_through, opened_for, statement_of, working

REQUESTED = datetime(2026, 5, 5, 9, tzinfo=UTC)
LAST_DAY = datetime(2032, 12, 31, 12, tzinfo=UTC)
NEXT_DAY = datetime(2033, 1, 1, 3, tzinfo=UTC)

_CONNECTOR = """\
connector: shop
driver: sql
collections:
  customers:
    key: [id]
    fields:
      id:    {{category: user.unique_id, selects: customer_id, identifies: true}}
      email: {{category: user.contact.email, selects: email}}
  invoices:
    key: [number]
    fields:
      customer_id: {{category: user.unique_id, selects: customer_id, references: customers.id}}
      email:       {{category: user.contact.email, selects: email}}
      issued_on:   {{starts: retention}}
    restrict: {restrict}
discover: rest
"""
_POLICY = (
    POLICY.replace(
        "rules:\n",
        "rules:\n  - name: invoices are kept for tax\n    when: {collection: shop.invoices}\n"
        '    keep: {for: 8 years, from: issued_on, to_year_end: true, because: legal_obligation, law: "§ 147 AO"}\n    then: delete\n',
    )
    + 'sweep: {schedule: "0 3 * * *", approval: automatic, max_affected: 100, max_share: 100%, first_runs_dry: 0}\n'
)
_FENCES = {"flag": "{set: {restricted: 1}, lift: {restricted: 0}}", "move": "{move: kept_invoices}"}


@dataclass
class Books:
    """The books of a company on one kind of server, read without the engine."""

    company: Company
    kind: str
    fence: str
    engine: sa.Engine
    hidden: list[str] = field(default_factory=list)

    def run(self, *statements: str) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement.replace("%", "%%") if self.kind != "sqlite" else statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]

    def invoices(self) -> dict[str, str]:
        """Number → table, of every invoice wherever it is."""
        found = {number: "invoices" for (number,) in self.rows("SELECT number FROM invoices")}
        return found | {number: "kept_invoices" for (number,) in self.rows("SELECT number FROM kept_invoices")}

    def others(self) -> list[tuple[Any, ...]]:
        return self.rows("SELECT * FROM invoices WHERE customer_id = 18 ORDER BY number") + self.rows("SELECT * FROM customers WHERE id = 18")


@pytest.fixture(params=["sqlite", "postgres", "mariadb"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["flag", "move"])
def books(request: pytest.FixtureRequest, kind: str, older_home: Path, tmp_path: Path) -> Iterator[Books]:
    company = founded(older_home, tmp_path / "books", ())
    url = f"sqlite:///{company.shop}"
    if kind != "sqlite":
        url = request.getfixturevalue(f"{kind}_server").url(request.getfixturevalue(f"{kind}_database"))
    connector = url.replace("postgresql://", "postgresql+psycopg://").replace("mysql://", "mysql+pymysql://")
    engine = sa.create_engine(connector, poolclass=sa.pool.NullPool)
    found = Books(company, kind, request.param, engine)
    body = "number VARCHAR(20) PRIMARY KEY, customer_id INTEGER, email VARCHAR(100), issued_on DATE, restricted INTEGER DEFAULT 0"
    found.run(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, email VARCHAR(100))",
        f"CREATE TABLE invoices ({body})",
        f"CREATE TABLE kept_invoices ({body})",
        f"INSERT INTO customers VALUES (17, '{EMAIL}'), (18, 'bob@example.net')",
        f"INSERT INTO invoices VALUES ('R-1', 17, '{EMAIL}', '2024-03-05', 0), ('R-0', 17, '{EMAIL}', '2015-03-05', 0)",
        "INSERT INTO invoices VALUES ('R-2', 18, 'bob@example.net', '2026-03-05', 0)",
    )
    company.connector(_CONNECTOR.format(restrict=_FENCES[found.fence]))
    secret = sa.make_url(url).password
    if secret:
        (company.folder / "password").write_text(secret, encoding="utf-8")
        (company.folder / "password").chmod(0o600)
    more = f', password: "file:{company.folder / "password"}"' if secret else ""
    company.declare("shop", f'connector: shop, owner: shop@example.com, url: "{url.replace(f":{secret}@", "@")}"{more}')
    company.policy(_POLICY)
    yield found
    engine.dispose()


def _erased(books: Books) -> Case:
    with working(books.company, FixedClock(REQUESTED)) as house:
        case = carried_through(house, opened_for(house))
        assert (case.stage, case.outcome) == (Stage.CLOSED, Outcome.FULFILLED_WITH_EXCEPTIONS), case.wait
    return case


def _swept(books: Books, at: datetime) -> None:
    with working(books.company, FixedClock(at)) as house:
        swept = sweep(house, house.policies["ours"], by="officer", worker=WORKER)
        assert swept.case.stage is Stage.CLOSED, swept.case.wait


def _kept(house: House) -> list[tuple[str, int, str, str]]:
    with house.store.snapshot() as tx:
        return [(entry.collection, entry.records, entry.fence, str(entry.until)) for entry in tx.kept.list()]


def test_an_invoice_survives_the_erasure_is_kept_apart_and_goes_on_the_first_of_january_after_its_years(books: Books) -> None:
    others = books.others()
    case = _erased(books)
    place = "invoices" if books.fence == "flag" else "kept_invoices"
    assert books.invoices() == {"R-1": place, "R-2": "invoices"}
    assert books.rows(f"SELECT number, email, restricted FROM {place} WHERE number = 'R-1'") == [("R-1", EMAIL, int(books.fence == "flag"))]
    assert books.others() == others
    with working(books.company, FixedClock(REQUESTED)) as house:
        fence = "flag" if books.fence == "flag" else "moved to kept_invoices"
        assert _kept(house) == [("invoices", 1, fence, "2032-12-31")]
        (row,) = [row for row in statement_of(house, case).systems[0].kept if row["because"] == "legal_obligation"]
        assert (row["treatment"], row["records"], row["until"]) == ("restrict", 1, "2032-12-31")
        assert row["use"] == "only for: legal obligation (§ 147 AO)"
        rotate(house.paper.folder.parent / "keys", "Example Ltd", FixedClock(LAST_DAY))
    _swept(books, LAST_DAY)
    assert books.invoices() == {"R-1": place, "R-2": "invoices"}
    _swept(books, NEXT_DAY)
    assert books.invoices() == {"R-2": "invoices"}
    assert books.others() == others
    with working(books.company, FixedClock(NEXT_DAY)) as house:
        assert _kept(house) == []


def test_a_second_request_finds_the_restricted_record_under_the_same_rule_and_leaves_it(books: Books) -> None:
    _erased(books)
    before = books.rows("SELECT * FROM invoices ORDER BY number") + books.rows("SELECT * FROM kept_invoices")
    case = _erased(books)
    assert case.round == 1
    assert books.rows("SELECT * FROM invoices ORDER BY number") + books.rows("SELECT * FROM kept_invoices") == before
    with working(books.company, FixedClock(REQUESTED)) as house:
        (row,) = [row for row in statement_of(house, case).systems[0].kept if row["because"] == "legal_obligation"]
        assert (row["treatment"], row["records"]) == ("restrict", 1)


def _hidden(books: Books, house: House) -> str:
    """Runs what `dsr grants --for hide` prints; gives what the marketing's query reads from."""
    access = open_access(house.systems["shop"])
    assert access is not None
    try:
        statements = [grant.statement for grant in access.grants("dsr") if grant.purpose == "hide" and grant.statement]
    finally:
        access.close()
    if books.kind == "postgres":
        statements = ["CREATE ROLE dsr", *statements]
    books.run(*statements)
    return "invoices" if books.fence == "move" or books.kind == "postgres" else "invoices_usable"


def _as_marketing(books: Books, query: str) -> list[tuple[Any, ...]]:
    if books.kind != "postgres":
        return books.rows(query)
    url = books.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE marketing")
        try:
            connection.execute("GRANT SELECT ON customers, invoices TO marketing")
            connection.execute("SET ROLE marketing")
            found = connection.execute(query.encode()).fetchall()
            connection.execute("RESET ROLE")
        finally:
            connection.execute("DROP OWNED BY marketing")
            connection.execute("DROP ROLE marketing")
    return found


def test_the_marketings_query_does_not_meet_restricted_rows_and_the_engine_does(books: Books) -> None:
    _erased(books)
    with working(books.company, FixedClock(REQUESTED)) as house:
        where = _hidden(books, house)
        try:
            assert _as_marketing(books, f"SELECT number FROM {where} ORDER BY number") == [("R-2",)]
            case = carried_through(house, opened_for(house))
            (row,) = [row for row in statement_of(house, case).systems[0].kept if row["because"] == "legal_obligation"]
            assert row["records"] == 1
        finally:
            if books.kind == "postgres":
                books.run("DROP OWNED BY dsr, dsr_restricted_readers", "DROP ROLE dsr, dsr_restricted_readers")


def test_a_hold_that_is_placed_first_keeps_a_record_from_being_restricted_or_swept(books: Books) -> None:
    before = books.rows("SELECT * FROM invoices ORDER BY number")
    with working(books.company, FixedClock(REQUESTED)) as house:
        place_hold(house, Hold("hold-1", "M-17", "person-x", REQUESTED, collection="shop.*invoices"))
    _erased(books)
    _swept(books, REQUESTED)
    assert books.rows("SELECT * FROM invoices ORDER BY number") == before
    with working(books.company, FixedClock(REQUESTED)) as house, house.store.snapshot() as tx:
        assert tx.kept.cases_of_hold("hold-1") != ()


def test_a_restriction_is_lifted_only_after_the_person_was_told_and_then_all_is_as_before(books: Books) -> None:
    before = books.rows("SELECT * FROM invoices WHERE number <> 'R-0' ORDER BY number")
    case = _erased(books)
    with working(books.company, FixedClock(REQUESTED)) as house:
        with pytest.raises(Conflict) as refused:
            lift_restriction(house, case.id, "officer", WORKER)
        assert refused.value.code == "restriction.untold"
        assert "dsr letter" in refused.value.hint
        with house.store.transaction() as tx:
            tx.ledger.append(leaf(house.clock, "letter.sent", "letter-1", case=case.id, letter="restriction_lifted"))
        freed = lift_restriction(house, case.id, "officer", WORKER)
        assert (freed.records, freed.left) == (1, 0)
        assert books.rows("SELECT * FROM invoices ORDER BY number") == before
        assert books.rows("SELECT * FROM kept_invoices") == []
        freed = lift_restriction(house, case.id, "officer", WORKER)
        assert (freed.records, freed.left) == (0, 1)
        assert books.rows("SELECT * FROM invoices ORDER BY number") == before
