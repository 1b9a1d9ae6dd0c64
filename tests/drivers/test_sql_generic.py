"""A server that the driver was not made for: found, planned and erased by plain SQL, and honest about what it cannot tell."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from dsr_engine.domain.errors import DsrError
from dsr_engine.domain.plan import Edit, Fence, RedactSpans, Rewrite
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.system import Manifest, System
from dsr_engine.drivers.driver import Done, Failed, Link
from dsr_engine.drivers.sql.asking.access import SqlAccess
from tests.drivers.plain_dialect import NAME
from tests.drivers.sql_database import JANE, REWRITER, SqlDatabase, about, erase, locator, planned, search


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[SqlDatabase]:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as file:
        file.executescript(
            f"""
            CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT NOT NULL, state TEXT CHECK (state <> 'jane'), photo BLOB);
            INSERT INTO people VALUES (1, '{JANE}', 'a', x'00'), (2, 'bob@example.net', 'a', NULL);
            CREATE TABLE orders (id INTEGER PRIMARY KEY, person INTEGER REFERENCES people (id), note TEXT);
            INSERT INTO orders VALUES (7, 2, 'call {JANE}'), (8, 2, 'nobody');
            CREATE VIEW mirror AS SELECT * FROM people;
            """
        )
        file.commit()
    database = SqlDatabase("plain", f"{NAME}:///{path}", sa.create_engine(f"sqlite:///{path}", poolclass=sa.pool.NullPool))
    yield database
    database.close()


def test_the_person_is_found_and_erased_and_nobody_else(shop: SqlDatabase) -> None:
    driver = shop.driver()
    assert search(driver, about()).keys == {("people", ("1",)), ("orders", ("7",))}
    assert erase(driver, locator("people", 1)) == [Done(None)]
    changes, _ = planned(driver, [locator("orders", 7)], Rewrite((Edit("note", RedactSpans()),)), ("note",))
    assert isinstance(driver.change(changes, REWRITER)[0], Done)
    assert shop.rows("SELECT * FROM people") == [(2, "bob@example.net", "a", None)]
    assert shop.rows("SELECT * FROM orders ORDER BY id") == [(7, 2, "call [redacted]"), (8, 2, "nobody")]
    assert search(driver, about()).keys == set()


def test_links_and_dependents_are_known(shop: SqlDatabase) -> None:
    driver = shop.driver()
    facts = {entry.name: entry for entry in driver.describe()}
    assert facts["orders"].links == (Link(("person",), "people", ("id",), "restrict"),)
    assert facts["orders"].rank < facts["people"].rank
    outcome = erase(driver, locator("people", 2))
    assert [outcome.code for outcome in outcome if isinstance(outcome, Failed)] == ["sql.restricted"]
    assert len(shop.rows("SELECT * FROM people")) == 2


def test_a_constraint_of_an_unknown_connector_undoes_the_batch_and_says_no_value(shop: SqlDatabase) -> None:
    driver = shop.driver()
    changes, _ = planned(driver, [locator("people", 2)], Rewrite((Edit("state", Fence("jane")),)), ("state",))
    (outcome,) = driver.change(changes, REWRITER)
    assert isinstance(outcome, Failed)
    assert "somebody" not in repr(outcome)
    assert shop.rows("SELECT state FROM people WHERE id = 2") == [("a",)]


def test_an_error_of_an_unknown_connector_is_a_family_of_the_engine_and_says_no_value(shop: SqlDatabase) -> None:
    driver = shop.driver()
    (part, *_) = driver.slices(about())
    shop.run("PRAGMA foreign_keys = OFF", f"DROP TABLE {part.collection}")
    with pytest.raises(DsrError) as caught:
        list(driver.find(about(), part))
    assert "somebody" not in str(caught.value) + repr(caught.value)
    assert caught.value.__cause__ is None


def test_what_it_cannot_tell_is_said(shop: SqlDatabase) -> None:
    assert [(problem.code, problem.is_fatal) for problem in shop.driver().check()] == [("sql.permissions_unknown", False)]
    access = SqlAccess(System("shop", Manifest("shop", "sql"), {"url": Secret(shop.url)}))
    estimates = {entry.collection: (entry.rows, entry.size) for entry in access.estimates()}
    assert estimates == {"people": (None, None), "orders": (None, None)}
    assert any(grant.statement == 'GRANT DELETE ON "main"."people" TO "dsr";' for grant in access.grants("dsr"))
    access.close()
