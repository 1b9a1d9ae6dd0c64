"""A physical standby of the tests' PostgreSQL, made by pg_basebackup, for what is read from a replica."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.servers.lifecycle import as_user, free_port, program, server_folder, stop, wait_until
from tests.servers.postgres import PostgresServer

_INSTALL = "apt-get install postgresql"
_BINARIES = "/usr/lib/postgresql/*/bin/{}"


@dataclass(frozen=True, slots=True)
class PostgresStandby:
    """Replays what its primary does, some milliseconds later, until it is told to pause."""

    primary: PostgresServer
    port: int

    def url(self, database: str, user: str = "test") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def run(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def catch_up(self) -> None:
        """Waits until everything that the primary has committed can be read here."""
        with psycopg.connect(self.primary.url("postgres"), autocommit=True) as connection:
            (wanted,) = connection.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone() or ("",)
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            while not (connection.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", (wanted,)).fetchone() or (True,))[0]:
                connection.execute("SELECT pg_sleep(0.02)")

    def pause(self) -> None:
        """Stops replaying; the server does so only when it meets the next record."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute("SELECT pg_wal_replay_pause()")
            while connection.execute("SELECT pg_get_wal_replay_pause_state()").fetchone() != ("paused",):
                self.primary.run("SELECT pg_logical_emit_message(true, 'tests', 'a record')")
                connection.execute("SELECT pg_sleep(0.02)")

    def resume(self) -> None:
        self.run("SELECT pg_wal_replay_resume()")


@pytest.fixture(scope="session")
def postgres_standby(postgres_server: PostgresServer) -> Iterator[PostgresStandby]:
    backup = program("pg_basebackup", install=_INSTALL, extra=(_BINARIES.format("pg_basebackup"),))
    postgres = program("postgres", install=_INSTALL, extra=(_BINARIES.format("postgres"),))
    with server_folder("postgres") as folder:
        data, log = folder / "standby", folder / "server.log"
        made = subprocess.run(
            [*as_user("postgres"), backup, "-d", postgres_server.url("postgres"), "-D", str(data), "-R", "-X", "stream", "-c", "fast"],
            cwd="/",
            capture_output=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr.decode()[-2000:]
        port = free_port()
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off", "max_connections": "60", "hot_standby": "on"}
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [*as_user("postgres"), postgres, "-D", str(data), "-p", str(port), *words],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
            )
        standby = PostgresStandby(postgres_server, port)
        try:
            wait_until(lambda: _is_ours(standby, data), process, log)
            yield standby
        finally:
            stop(process, signal.SIGINT)
            shutil.rmtree(data, ignore_errors=True)


def _is_ours(standby: PostgresStandby, data: Path) -> bool:
    with psycopg.connect(standby.url("postgres"), connect_timeout=2) as connection:
        row = connection.execute("SELECT current_setting('data_directory'), pg_is_in_recovery()").fetchone()
    return row is not None and row == (str(data), True)
