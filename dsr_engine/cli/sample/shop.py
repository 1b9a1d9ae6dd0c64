"""The sample company's shop: a SQLite database with foreign keys, a table that no manifest lists, a JSON column, and free text."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

from dsr_engine.cli.sample.people import HOUSEHOLD, NAMESAKE, SUBJECT, Person

_SCHEMA = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, full_name TEXT NOT NULL, date_of_birth DATE, phone TEXT,
                        created_at DATE NOT NULL, blocked BOOLEAN NOT NULL DEFAULT 0);
CREATE TABLE addresses (id INTEGER PRIMARY KEY, street TEXT, postcode TEXT, city TEXT, created_at DATE);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (id), approved_by TEXT,
                     ship_to INTEGER REFERENCES addresses (id), note TEXT, status TEXT NOT NULL, created_at DATE NOT NULL);
CREATE TABLE order_items (order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE, sku TEXT NOT NULL, quantity INTEGER NOT NULL,
                          PRIMARY KEY (order_id, sku));
CREATE TABLE invoices (number TEXT PRIMARY KEY, customer_id INTEGER REFERENCES customers (id), billed_to TEXT NOT NULL, issued_on DATE NOT NULL,
                       blocked BOOLEAN NOT NULL DEFAULT 0);
CREATE TABLE leads (id INTEGER PRIMARY KEY, email TEXT, full_name TEXT, last_contact_at DATE, last_mail_at DATE);
CREATE TABLE tickets (id INTEGER PRIMARY KEY, opened_by TEXT, body TEXT);
CREATE TABLE sessions (token TEXT PRIMARY KEY, data JSON NOT NULL);
"""


def build_shop(path: Path, people: Sequence[Person], today: date) -> None:
    """Makes the database. The subject is a customer with an order, an open invoice of last year, a lead in upper case, and is named by others."""
    with closing(sqlite3.connect(path)) as shop, shop:
        shop.executescript(_SCHEMA)
        for person in people:
            _add_customer(shop, person, today)
        shop.execute("INSERT INTO leads VALUES (1, ?, ?, ?, NULL)", (SUBJECT.email.upper(), SUBJECT.name, str(today - timedelta(days=90))))
        shop.execute("INSERT INTO leads VALUES (2, ?, ?, ?, NULL)", (NAMESAKE.email, NAMESAKE.name, str(today - timedelta(days=30))))
        body = f"My neighbour ({SUBJECT.email.replace('@', '+shop@')}) has the same problem, please write to her as well.\nThank you, Jonas"
        shop.execute("INSERT INTO tickets VALUES (1, ?, ?)", (HOUSEHOLD.email, body))
        shop.execute("INSERT INTO tickets VALUES (2, ?, ?)", (people[5].email, f"The parcel came late. {SUBJECT.name} told me to write to you."))
        for index, person in enumerate((SUBJECT, NAMESAKE, people[4])):
            data = {"cart": [index], "login": {"email": person.email, "seen": str(today)}}
            shop.execute("INSERT INTO sessions VALUES (?, ?)", (f"s{index}", json.dumps(data)))


def _add_customer(shop: sqlite3.Connection, person: Person, today: date) -> None:
    number = person.number
    since = today - timedelta(days=400 + number)
    shop.execute(
        "INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?, 0)", (number, person.email, person.name, str(person.born), person.phone, str(since))
    )
    shop.execute("INSERT INTO addresses VALUES (?, ?, ?, ?, ?)", (number, person.street, person.postcode, person.city, str(since)))
    note = f"Leave it with {SUBJECT.name}, {SUBJECT.phone}." if person is HOUSEHOLD else None
    shop.execute("INSERT INTO orders VALUES (?, ?, 'sales@example.com', ?, ?, 'closed', ?)", (1000 + number, number, number, note, str(since)))
    shop.execute("INSERT INTO order_items VALUES (?, 'TEA-01', 2), (?, 'CUP-07', 1)", (1000 + number, 1000 + number))
    billed = f"{person.name}, {person.street}, {person.postcode} {person.city}"
    shop.execute("INSERT INTO invoices VALUES (?, ?, ?, ?, 0)", (f"R-{1000 + number}", number, billed, str(since)))


def rows_of_shop(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every row as (place, its values in one line each); the place is the table and the row's key."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as shop:
        tables = [name for (name,) in shop.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
        for table in tables:
            for values in shop.execute(f'SELECT * FROM "{table}"'):  # noqa: S608  # names of our own schema
                key = " ".join(str(value) for value in values[: 2 if table == "order_items" else 1])
                yield f"shop.{table} {key}", "\n".join(str(value) for value in values).encode()
