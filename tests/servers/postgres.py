"""A private PostgreSQL for the whole test run; every test gets a database of its own in it."""

import itertools
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.servers.lifecycle import as_user, free_port, program, server_folder, stop, wait_until

_INSTALL = "apt-get install postgresql"
_BINARIES = ("/usr/lib/postgresql/*/bin/{}",)
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "60",
    "logging_collector": "off",
    "timezone": "America/New_York",  # not UTC on purpose: a driver that trusts the server's zone shows
}


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """The superuser is `test`; nobody needs a password on 127.0.0.1."""

    port: int

    def url(self, database: str, user: str = "test") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def run(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    initdb = program("initdb", install=_INSTALL, extra=tuple(pattern.format("initdb") for pattern in _BINARIES))
    postgres = program("postgres", install=_INSTALL, extra=tuple(pattern.format("postgres") for pattern in _BINARIES))
    with server_folder("postgres") as folder:
        data, log = folder / "data", folder / "server.log"
        made = subprocess.run(
            [*as_user("postgres"), initdb, "-D", str(data), "-U", "test", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
            cwd="/",
            capture_output=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr.decode()[-2000:]
        port = free_port()
        options = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [*as_user("postgres"), postgres, "-D", str(data), "-p", str(port), *options],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
            )
        server = PostgresServer(port)
        try:
            wait_until(lambda: _is_ours(server, data), process, log)
            yield server
        finally:
            stop(process, signal.SIGINT)


def _is_ours(server: PostgresServer, data: Path) -> bool:
    with psycopg.connect(server.url("postgres"), connect_timeout=2) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    return row is not None and row[0] == str(data)


_numbers = itertools.count(1)


@pytest.fixture
def postgres_database(postgres_server: PostgresServer) -> Iterator[str]:
    """The name of an empty database, dropped after the test."""
    name = f"test_{next(_numbers)}"
    postgres_server.run(f"CREATE DATABASE {name}")
    yield name
    postgres_server.run(f"DROP DATABASE {name} WITH (FORCE)")
