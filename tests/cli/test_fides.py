"""A fides dataset file in a home, used for an erasure: what it says is the person's goes, and nothing else."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Dsr
from tests.spec.test_fides_file import SHOP

Rows = dict[str, set[tuple[object, ...]]]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Thirty customers; each has an address of their own but 7 and 8, who share one, and an order of the same product."""
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(
            """
            CREATE TABLE address (id INTEGER PRIMARY KEY, street TEXT, zip TEXT);
            CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, mobile TEXT, address_id INTEGER REFERENCES address (id), created TEXT);
            CREATE TABLE product (id INTEGER PRIMARY KEY, name TEXT);
            CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customer (id));
            CREATE TABLE order_item (
                order_id INTEGER REFERENCES orders (id) ON DELETE CASCADE, product_id INTEGER REFERENCES product (id),
                PRIMARY KEY (order_id, product_id));
            INSERT INTO product VALUES (1, 'tea'), (2, 'a product that one person bought');
            """
        )
        for number in range(1, 31):
            home = 8 if number == 7 else number
            connection.execute("INSERT INTO address VALUES (?, ?, '10115')", (number, f"Main Street {number}"))
            connection.execute("INSERT INTO customer VALUES (?, ?, NULL, ?, '2024-01-01')", (number, f"c{number}@mail.example", home))
            connection.execute("INSERT INTO orders VALUES (?, ?)", (100 + number, number))
            connection.execute("INSERT INTO order_item VALUES (?, ?)", (100 + number, 2 if number == 5 else 1))
    return path


def _rows(path: Path) -> Rows:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: set(connection.execute(f'SELECT * FROM "{table}"')) for table in tables}


def _declare(home: Path, database: Path) -> None:
    (home / "connectors").mkdir(exist_ok=True)
    (home / "connectors" / "shop.yml").write_text(SHOP, encoding="utf-8")
    (home / "systems.yaml").write_text(f'systems:\n  shop: {{connector: web_shop, url: "sqlite:///{database}"}}\n', encoding="utf-8")


def _gone(dsr: Dsr, home: Path, database: Path, email: str) -> dict[str, set[object]]:
    _declare(home, database)
    before = _rows(database)
    said = dsr("--home", home, "erase", "--email", email, "--policy", "one-shot", "--ground", "purpose_over", "--yes")
    assert said.code == 0, said.all
    after = _rows(database)
    assert all(after[table] <= before[table] for table in before)
    return {table: {row[0] for row in rows} for table in before if (rows := before[table] - after[table])}


def test_the_customer_goes_with_orders_and_address_and_a_product_that_nobody_else_bought_stays(dsr: Dsr, home: Path, database: Path) -> None:
    gone = _gone(dsr, home, database, "c5@mail.example")
    assert gone == {"customer": {5}, "address": {5}, "orders": {105}, "order_item": {105}}


def test_an_address_that_somebody_else_lives_at_stays(dsr: Dsr, home: Path, database: Path) -> None:
    gone = _gone(dsr, home, database, "c7@mail.example")
    assert gone == {"customer": {7}, "orders": {107}, "order_item": {107}}


def test_check_accepts_the_home(dsr: Dsr, home: Path, database: Path) -> None:
    _declare(home, database)
    said = dsr("--home", home, "check", "--allow-gaps")
    assert said.code == 0, said.all
