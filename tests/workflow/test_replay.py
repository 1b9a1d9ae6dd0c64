"""A restored backup: the system is not ready until everyone who was erased since is erased again, and nobody else is touched."""

import shutil
import subprocess
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from dsr_engine.domain.case import Case, CaseKind, Outcome, Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import Conflict
from dsr_engine.workflow.chores import do_chores
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from dsr_engine.workflow.staying_erased.replaying import Readiness, note_restore, open_replays, readiness
from dsr_engine.workflow.staying_erased.suppressing import destroy_keys
from tests.servers.lifecycle import program
from tests.servers.postgres import PostgresServer
from tests.workflow.company import BOB, EMAIL, NAME, Company, of_any_case
from tests.workflow.journeys import NOON, carried_through, journey, opened_for, statement_of, working

_PEOPLE = (EMAIL, "kim.sato@example.com", "o'neil+shop@example.org")
_CONTROLS = ("bob.marsh@example.net", "eve.ray@example.com")
_TABLES = ("customers", "orders", "tickets")
_SCRIPT = f"""\
CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, full_name TEXT NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), note TEXT);
CREATE TABLE tickets (id INTEGER PRIMARY KEY, body TEXT NOT NULL);
INSERT INTO customers VALUES (17, '{EMAIL}', '{NAME}'), (18, '{BOB}', 'Bob Marsh'), (19, 'kim.sato@example.com', 'Kim Sato'),
  (20, 'o''neil+shop@example.org', 'Sean O''Neil'), (21, 'eve.ray@example.com', 'Eve Ray');
INSERT INTO orders VALUES (171, 17, 'leave it at the door'), (181, 18, 'ring twice'), (191, 19, 'x'), (201, 20, 'y'), (211, 21, 'z');
INSERT INTO tickets VALUES (1, 'Please call {EMAIL} about tea.'), (2, 'The lamp of eve.ray@example.com is broken.');
"""
_EARLIER = NOON - timedelta(hours=1)


@dataclass(frozen=True)
class Shop:
    """A shop in PostgreSQL with three people who go and two who stay."""

    company: Company
    url: str
    folder: Path

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        with psycopg.connect(self.url) as connection:
            return {table: connection.execute(f"SELECT * FROM {table} ORDER BY id".encode()).fetchall() for table in _TABLES}

    def dump(self) -> None:
        self._call("pg_dump", "--clean", "--if-exists", "-f", str(self.folder / "shop.sql"), self.url)

    def restore(self) -> None:
        self._call("psql", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-f", str(self.folder / "shop.sql"), self.url)

    def _call(self, name: str, *arguments: str) -> None:
        path = program(name, install="apt-get install postgresql-client", extra=(f"/usr/lib/postgresql/*/bin/{name}",))
        done = subprocess.run([path, *arguments], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def pg_shop(shop: Company, postgres_server: PostgresServer, postgres_database: str, tmp_path: Path) -> Shop:
    url = postgres_server.url(postgres_database)
    with psycopg.connect(url) as connection:
        connection.execute(_SCRIPT.encode())
    shop.declare("shop", f'connector: shop, owner: shop@example.com, url: "{url}"')
    return Shop(shop, url, tmp_path)


def _erase_all(company: Company) -> list[Case]:
    cases = []
    for person in _PEOPLE:
        with working(company) as house:
            cases.append(carried_through(house, opened_for(house, ("email", person))))
    assert all(case.stage is Stage.CLOSED for case in cases)
    return cases


def _replayed(house: House, as_of: datetime = _EARLIER, system: str = "shop", *, accept: bool = False) -> tuple[list[Case], list[str]]:
    done = open_replays(house, note_restore(house, system, as_of, "officer"), accept_unknown=accept)
    with house.store.snapshot() as tx:
        cases = [tx.cases.get(case) for case in done.cases]
    return [carried_through(house, case) for case in cases], done.missing


def _ready(company: Company, days: float = 0, *, look: bool = True) -> Readiness:
    with working(company, FixedClock(NOON + timedelta(days=days))) as house:
        return readiness(house, "shop", look=look)


def _forget(company: Company, days: float) -> None:
    for day in (1.1, 7.1, days):
        with working(company, FixedClock(NOON + timedelta(days=day))) as house:
            list(do_chores(house))


def test_whoever_was_erased_since_the_backup_is_erased_again_and_nobody_else(pg_shop: Shop) -> None:
    pg_shop.dump()
    erased = _erase_all(pg_shop.company)
    after = pg_shop.rows()
    assert len(after["customers"]) == 2
    assert _ready(pg_shop.company).is_ready

    pg_shop.restore()
    assert len(pg_shop.rows()["customers"]) == 5
    unready = _ready(pg_shop.company)
    assert (unready.is_ready, "3 person(s)" in unready.missing[0]) == (False, True)

    with working(pg_shop.company) as house:
        cases, missing = _replayed(house)
        assert missing == []
        assert {case.outcome for case in cases} == {Outcome.FULFILLED}
        assert {case.kind for case in cases} == {CaseKind.REPLAY}
        told = {statement_of(house, case).case["repeats"] for case in cases}
        assert told == {case.id for case in erased}
        assert statement_of(house, cases[0]).case["because"] == "a backup was restored"
    assert pg_shop.rows() == after
    assert _ready(pg_shop.company).is_ready
    with working(pg_shop.company) as house, house.store.snapshot() as tx:
        assert tx.restores.open() == ()
        assert len(tx.ledger.find("restore.replayed")) == 1


@pytest.mark.slow
def test_people_whose_cases_are_forgotten_are_found_by_their_digests(pg_shop: Shop) -> None:
    pg_shop.dump()
    _erase_all(pg_shop.company)
    after = pg_shop.rows()
    _forget(pg_shop.company, 31)
    with working(pg_shop.company) as house, house.store.snapshot() as tx:
        assert len(tx.ledger.find("case.forgotten")) == 3
    pg_shop.restore()
    unready = _ready(pg_shop.company, 32)
    assert any("3 person(s) whose cases are forgotten" in text for text in unready.missing)
    with working(pg_shop.company, FixedClock(NOON + timedelta(days=32))) as house:
        cases, missing = _replayed(house)
        assert missing == []
        assert [case.stage for case in cases] == [Stage.CLOSED] * 3
    assert pg_shop.rows() == after
    assert _ready(pg_shop.company, 32).is_ready


def test_a_restore_that_is_noted_keeps_the_system_closed_until_all_its_cases_are_done(pg_shop: Shop) -> None:
    pg_shop.dump()
    journey(pg_shop.company)
    pg_shop.restore()
    with working(pg_shop.company) as house:
        note_restore(house, "shop", _EARLIER, "officer")
        assert not readiness(house, "shop", look=False).is_ready
        done = open_replays(house, note_restore(house, "shop", _EARLIER, "officer"))
        assert len(done.cases) == 1
        assert not readiness(house, "shop", look=False).is_ready
        with house.store.snapshot() as tx:
            case = tx.cases.get(done.cases[0])
        carried_through(house, case)
        assert readiness(house, "shop", look=False).is_ready


def test_opening_the_replays_twice_opens_each_case_once(shop: Company) -> None:
    journey(shop)
    with working(shop) as house:
        first = open_replays(house, note_restore(house, "shop", _EARLIER, "officer"))
        again = open_replays(house, note_restore(house, "shop", _EARLIER, "officer"))
        assert (len(first.cases), first.cases) == (1, again.cases)


def test_whoever_was_erased_before_the_backup_was_made_is_left_alone(shop: Company) -> None:
    journey(shop)
    with working(shop, FixedClock(NOON + timedelta(hours=2))) as house:
        assert _replayed(house, NOON + timedelta(hours=1)) == ([], [])


def test_the_policy_may_approve_a_replay_by_itself(pg_shop: Shop) -> None:
    pg_shop.company.request("approval: automatic, superseded: delete")
    pg_shop.dump()
    journey(pg_shop.company)
    after = pg_shop.rows()
    pg_shop.restore()
    with working(pg_shop.company) as house:
        done = open_replays(house, note_restore(house, "shop", _EARLIER, "officer"))
        assert run_case(house, done.cases[0], "worker").stage is Stage.CLOSED
    assert pg_shop.rows() == after


def test_a_backup_that_outlives_all_digests_is_said_and_a_person_has_to_answer_for_it(shop: Company) -> None:
    copy = shop.folder / "backup.db"
    shutil.copy(shop.shop, copy)
    journey(shop)
    _forget(shop, 100)
    shutil.copy(copy, shop.shop)
    with working(shop, FixedClock(NOON + timedelta(days=101))) as house:
        cases, missing = _replayed(house)
        assert cases == []
        assert ["left no digest" in text for text in missing] == [True]
        assert not readiness(house, "shop").is_ready
        assert _replayed(house, accept=True) == ([], [])
        assert readiness(house, "shop").is_ready


def test_the_digests_are_not_given_up_while_a_restore_is_open(shop: Company) -> None:
    journey(shop)
    with working(shop) as house:
        note_restore(house, "shop", _EARLIER, "officer")
        with pytest.raises(Conflict) as refused:
            destroy_keys(house, "officer")
        assert refused.value.code == "suppression.needed"


def test_a_store_that_is_older_than_its_certificates_is_not_ready(shop: Company) -> None:
    journey(shop)
    shutil.copy(shop.home / "certificates" / "certificate-000001.pdf", shop.home / "certificates" / "certificate-000007.pdf")
    assert ["own store was restored" in text for text in _ready(shop).missing] == [True]


def _copied(source: Path, target: Path) -> None:
    shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)


@pytest.mark.slow
@pytest.mark.parametrize("days", [0, 32])
def test_files_mails_and_objects_that_were_copied_back_go_again(company: Company, days: int) -> None:
    """Everything is restored by copying: the database file, the Maildir, the folder, and the object in the bucket."""
    kept = company.folder / "kept"
    kept.mkdir()
    for path in (company.shop, company.mail, company.files):
        _copied(path, kept / path.name)
    body = company.client.get_object(Bucket=company.bucket, Key="people.csv")["Body"].read().decode()
    assert journey(company).stage is Stage.CLOSED
    after = _left(company)
    if days:
        _forget(company, 31)
    for path in (company.mail, company.files):
        shutil.rmtree(path)
    for path in (company.shop, company.mail, company.files):
        _copied(kept / path.name, path)
    company.put("people.csv", body)
    shutil.rmtree(kept)
    with working(company, FixedClock(NOON + timedelta(days=days))) as house:
        for system in ("shop", "mail", "files", "bucket"):
            assert not readiness(house, system).is_ready, system
        for system in ("shop", "mail", "files", "bucket"):
            cases, missing = _replayed(house, system=system)
            assert missing == []
            assert [case.stage for case in cases] == [Stage.CLOSED], (system, cases)
            assert readiness(house, system).is_ready, readiness(house, system)
    assert _left(company) == after


def _left(company: Company) -> dict[str, bytes]:
    """What is there beside the object, whose restored version is another one."""
    return {name: of_any_case(data) for name, data in company.everything().items() if not name.startswith("object people.csv")}


def test_a_number_alone_that_was_somebodys_waits_for_a_person(shop: Company) -> None:
    """An order is back and its customer is not: the number may be the person's, or have been given to somebody else."""
    journey(shop)
    shop.sql("INSERT INTO orders VALUES (172, 17, 'from an old dump')")
    with working(shop) as house:
        cases, missing = _replayed(house)
        assert (missing, [entry.wait.code for entry in cases if entry.wait]) == ([], ["finding.undecided"])
    assert (172, 17, "from an old dump") in shop.rows("SELECT * FROM orders")
