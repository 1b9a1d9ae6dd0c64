"""Killed at any border of its store, the way from the list to the statuses ends as if nothing had happened; and one whole list of ten thousand."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from dsr_engine.domain.drop import DropStatus
from dsr_engine.domain.errors import Conflict
from dsr_engine.store import ledger_file
from dsr_engine.workflow.dropping.pulling import take
from dsr_engine.workflow.dropping.standing import standing
from dsr_engine.workflow.house import House
from tests.servers.drop_platform import FakePlatform, archive
from tests.servers.postgres import PostgresServer
from tests.workflow.brokerage import all_closed, brokerage, brokering, email_hash, item, matched, ndz_hash, phone_hash, pulled, reported, run_all
from tests.workflow.company import Company
from tests.workflow.killing import BorderedStore, Borders, in_child

PEOPLE = (
    "INSERT INTO consumers VALUES (17, 'ida@example.org', '415 555 9317', 'Ida', 'Lindqvist', '1985-07-04', '02139'),"
    " (18, 'bob@example.net', '415 555 0001', 'Bob', 'Marsh', '1970-01-31', '91790'),"
    " (19, 'cat@example.net', '415 555 0001', 'Cat', 'Marsh', '1972-02-28', '91790'),"
    " (20, 'dan@example.net', '415 555 0002', 'Dan', 'Olsen', '1972-02-28', '91790');"
)


def _killed_at(company: Company, last: int) -> int | None:
    """Goes from the list to the statuses in a child, up to the border of this number. How many borders there are, if it came to the end."""
    note = company.folder / "borders"

    def way() -> None:
        with brokering(company) as house:
            borders = Borders(last)
            bordered = replace(house, store=BorderedStore(house.store, borders))
            pulled(bordered)
            matched(bordered)
            reported(bordered, partial=True)
            note.write_text(str(len(borders.crossed)), encoding="utf-8")

    return int(note.read_text(encoding="utf-8")) if in_child(way) == 0 else None


@pytest.mark.slow
def test_killed_at_every_border_everybody_gets_the_status_that_is_theirs(empty_home: Path, tmp_path: Path, platform: FakePlatform) -> None:
    ended: int | None = None
    number = 0
    while ended is None:
        wanted = {item(): status for status in DropStatus if status is not DropStatus.EXEMPTED}
        found = dict(zip(wanted.values(), wanted, strict=True))
        lists = {
            "Email": [(found[DropStatus.DELETED], email_hash("ida@example.org")), (found[DropStatus.NOT_FOUND], email_hash("no@example.org"))],
            "Phone": [(found[DropStatus.OPTED_OUT], phone_hash("4155550001"))],
        }
        platform.forget()
        platform.publish(lists)
        company = brokerage(empty_home, tmp_path / f"broker-{number}", platform)
        company.sql(PEOPLE)
        ended = _killed_at(company, number)
        with brokering(company) as house:
            _whatever_arrived(house, lists)
            matched(house)
            assert all_closed(run_all(house))
            reported(house)
            with house.store.snapshot() as tx:
                assert sum(1 for _ in tx.ledger.find("drop.case")) == 1, f"border {number}"
            ledger_file.check(house.store)
        assert platform.current is not None
        assert platform.current.answers == {key: int(status) for key, status in wanted.items()}, f"border {number}"
        assert company.rows("SELECT id FROM consumers ORDER BY id") == [(18,), (19,), (20,)]
        number += 4
    assert ended > 20


def _whatever_arrived(house: House, lists: dict[str, list[tuple[str, str]]]) -> None:
    """Fetches again. An archive that was handed out and never kept is got by hand, as the message says."""
    try:
        pulled(house)
    except Conflict as error:
        if error.code == "drop.lost":
            take(house, "by-hand.zip", archive(lists), by_hand=True)
        elif error.code != "drop.unfinished":
            raise


@pytest.mark.slow
def test_a_list_of_ten_thousand_against_postgresql_leaves_everybody_else_as_they_were(
    empty_home: Path, tmp_path: Path, platform: FakePlatform, postgres_server: PostgresServer, postgres_database: str
) -> None:
    company = brokerage(empty_home, tmp_path / "broker", platform)
    url = postgres_server.url(postgres_database)
    company.declare("shop", f'connector: shop, owner: shop@example.com, url: "{url}"')
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.pool.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE consumers (id INTEGER PRIMARY KEY, email TEXT, phone TEXT, first TEXT, last TEXT, born DATE, zip TEXT);"
            "CREATE TABLE purchases (id INTEGER PRIMARY KEY, consumer_id INTEGER REFERENCES consumers, note TEXT);"
            "CREATE TABLE leads (id INTEGER PRIMARY KEY, name TEXT, phone TEXT);"
            "INSERT INTO consumers SELECT n, 'c' || n || '@example.com', '415' || lpad((n / 2)::text, 7, '0'), 'First' || n, 'Last' || n,"
            " DATE '1950-01-01' + n, lpad(n::text, 5, '0') FROM generate_series(2, 3001) n;"
            "INSERT INTO purchases SELECT n, n, 'thing ' || n FROM generate_series(2, 3001) n"
        )
    by_email, by_name, shared = (100, 200), (300, 400), tuple(range(1001, 1011))
    wanted: dict[str, int] = {}

    def rows(hashes: list[str], status: DropStatus) -> list[tuple[str, str]]:
        ids = [item() for _ in hashes]
        wanted.update(dict.fromkeys(ids, int(status)))
        return list(zip(ids, hashes, strict=True))

    platform.publish(
        {
            "Email": [
                *rows([email_hash(f"C{n}@EXAMPLE.com") for n in by_email], DropStatus.DELETED),
                *rows([email_hash(f"stranger{n}@example.com") for n in range(5_000)], DropStatus.NOT_FOUND),
            ],
            "NDZ": [
                *rows([ndz_hash(f"first{n}", f"Last{n}", _born(n), f"{n:05}") for n in by_name], DropStatus.DELETED),
                *rows([ndz_hash(f"first{n}", "Nobody", "1950-01-01", "90210") for n in range(4_986)], DropStatus.NOT_FOUND),
            ],
            "Phone": rows([phone_hash(f"415{n:07}") for n in shared], DropStatus.OPTED_OUT),
        }
    )
    before = _everybody(engine)
    with brokering(company) as house:
        pulled(house)
        done = matched(house)
        assert (len(wanted), len(done.cases), done.opted_out) == (10_000, 4, 10)
        assert all_closed(run_all(house))
        reported(house)
        assert standing(house).batches[0].batch.complete_at is not None
    gone = {*by_email, *by_name}
    assert _everybody(engine) == {key: row for key, row in before.items() if key[1] not in gone}
    engine.dispose()
    assert platform.current is not None
    assert platform.current.answers == wanted
    with closing(sqlite3.connect(company.home / "dsr.db")) as store:
        written = "\n".join(store.iterdump()).encode() + (company.home / "dsr.db").read_bytes()
    shown = [found for entries in platform.current.lists.values() for _, found in entries if found.encode() in written]
    assert shown == []


def _born(number: int) -> str:
    return (date(1950, 1, 1) + timedelta(days=number)).isoformat()


def _everybody(engine: sa.Engine) -> dict[tuple[str, int], str]:
    with engine.connect() as connection:
        return {
            (table, row[0]): repr(tuple(row))
            for table in ("consumers", "purchases")
            for row in connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY id")
        }
