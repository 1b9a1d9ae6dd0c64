"""A private MariaDB for the whole test run; every test gets a database of its own in it."""

import contextlib
import getpass
import itertools
import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pymysql
import pytest

from tests.servers.lifecycle import as_user, free_port, program, server_folder, stop, wait_until

_INSTALL = "apt-get install mariadb-server"


@dataclass(frozen=True, slots=True)
class MariadbServer:
    """The account `test` with the password `test` may do everything."""

    port: int

    def url(self, database: str, user: str = "test") -> str:
        return f"mysql://{user}:test@127.0.0.1:{self.port}/{database}"

    def run(self, statement: str) -> None:
        with (
            pymysql.connect(host="127.0.0.1", port=self.port, user="test", password="test", autocommit=True) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariadbServer]:
    with running_mariadb("skip-log-bin") as server:
        yield server


@contextlib.contextmanager
def running_mariadb(*options: str) -> Iterator[MariadbServer]:
    """A private server with these further lines in its configuration."""
    install = program("mariadb-install-db", install=_INSTALL)
    mariadbd = program("mariadbd", install=_INSTALL, extra=("/usr/sbin/mariadbd",))
    with server_folder("mysql") as folder:
        port, log = free_port(), folder / "server.log"
        configuration = folder / "my.cnf"
        configuration.write_text(_configuration(folder, port, options))
        made = subprocess.run(
            [install, f"--defaults-file={configuration}", "--skip-test-db", "--auth-root-authentication-method=normal"],
            capture_output=True,
            check=False,
        )
        assert made.returncode == 0, made.stdout.decode()[-2000:]
        accounts = folder / "accounts.sql"
        accounts.write_text("CREATE USER 'test'@'127.0.0.1' IDENTIFIED BY 'test';\nGRANT ALL ON *.* TO 'test'@'127.0.0.1' WITH GRANT OPTION;\n")
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [*as_user("mysql"), mariadbd, f"--defaults-file={configuration}", f"--init-file={accounts}"],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
            )
        server = MariadbServer(port)
        try:
            wait_until(lambda: _is_ours(server, folder / "data"), process, log)
            yield server
        finally:
            stop(process)


def _configuration(folder: Path, port: int, options: Sequence[str]) -> str:
    user = "mysql" if os.geteuid() == 0 else getpass.getuser()
    lines = {
        "datadir": folder / "data",
        "socket": folder / "s",
        "pid-file": folder / "pid",
        "port": port,
        "bind-address": "127.0.0.1",
        "user": user,
        "innodb-flush-log-at-trx-commit": 0,
        "innodb-flush-method": "nosync",
        "innodb-log-file-size": "16M",
        "innodb-buffer-pool-size": "64M",
        "aria-pagecache-buffer-size": "8M",
        "performance-schema": "OFF",
        "character-set-server": "utf8mb4",
        "default-time-zone": "-05:00",  # not UTC on purpose: a driver that trusts the server's zone shows
    }
    return "\n".join(("[mariadbd]", "skip-name-resolve", *options, "")) + "".join(f"{name}={value}\n" for name, value in lines.items())


def _is_ours(server: MariadbServer, data: Path) -> bool:
    with (
        pymysql.connect(host="127.0.0.1", port=server.port, user="test", password="test", connect_timeout=2) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT @@datadir")
        row = cursor.fetchone()
    return row is not None and Path(row[0]) == data


_numbers = itertools.count(1)


@pytest.fixture
def mariadb_database(mariadb_server: MariadbServer) -> Iterator[str]:
    """The name of an empty database, dropped after the test."""
    name = f"test_{next(_numbers)}"
    mariadb_server.run(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    yield name
    mariadb_server.run(f"DROP DATABASE {name}")
