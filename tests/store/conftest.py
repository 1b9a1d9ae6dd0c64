"""Every test of the store runs on both databases: a file of SQLite, and a database of its own on a real PostgreSQL."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dsr_engine.domain.clock import FixedClock
from dsr_engine.store import log_key
from dsr_engine.store.store import Store
from tests.servers.postgres import PostgresServer
from tests.store.samples import NOON, a_case


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    log_key.create(folder, "dsr.example.org/ledger")
    return folder


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database in which nothing is yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'dsr.db'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return _psycopg(server.url(request.getfixturevalue("postgres_database")))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with the schema, copied from one that was migrated once."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "dsr.db")
        return f"sqlite:///{tmp_path / 'dsr.db'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name, migrated = request.getfixturevalue("postgres_database"), request.getfixturevalue("migrated_database")
    server.run(f"DROP DATABASE {name}")
    server.run(f"CREATE DATABASE {name} TEMPLATE {migrated}")
    return _psycopg(server.url(name))


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("migrated")
    _migrate(f"sqlite:///{folder / 'dsr.db'}", folder)
    return folder / "dsr.db"


@pytest.fixture(scope="session")
def migrated_database(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    postgres_server.run("CREATE DATABASE migrated_store")
    _migrate(_psycopg(postgres_server.url("migrated_store")), tmp_path_factory.mktemp("migrated"))
    return "migrated_store"


def _migrate(url: str, keys: Path) -> None:
    store = Store(url, keys, FixedClock(NOON))
    store.migrate()
    store.close()


def _psycopg(url: str) -> str:
    return url.replace("postgresql:", "postgresql+psycopg:")


@pytest.fixture
def store(url: str, keys: Path, clock: FixedClock) -> Iterator[Store]:
    opened = Store(url, keys, clock)
    yield opened
    opened.close()


@pytest.fixture
def case(store: Store) -> str:
    """A case with a key."""
    with store.transaction() as tx:
        tx.cases.add(a_case())
        store.vault.create(tx, "case-1")
    return "case-1"
