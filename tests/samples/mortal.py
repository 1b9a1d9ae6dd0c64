"""A PostgreSQL that is killed in the middle of its work and started again on the same data. Unlike that of the other tests it writes for good."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.servers.lifecycle import as_user, free_port, program, server_folder, stop, wait_until

_INSTALL = "apt-get install postgresql"


@dataclass
class MortalServer:
    """`url` reaches its only database."""

    folder: Path
    port: int
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"postgresql://test@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        postgres = _program("postgres")
        log = self.folder / "server.log"
        options = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=30"]
        with log.open("ab") as sink:
            process = subprocess.Popen(
                [*as_user("postgres"), postgres, "-D", str(self.folder / "data"), "-p", str(self.port), *options],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
            )
        self._running.append(process)
        wait_until(self._answers, process, log)

    def kill(self) -> None:
        """As power goes: no process of the server gets a word."""
        process = self._running.pop()
        process.send_signal(signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for process in self._running:
            stop(process, signal.SIGINT)

    def _answers(self) -> bool:
        with psycopg.connect(self.url, connect_timeout=2) as connection:
            return connection.execute("SELECT 1").fetchone() is not None


@contextmanager
def mortal_server() -> Iterator[MortalServer]:
    with server_folder("postgres") as folder:
        made = subprocess.run(
            [
                *as_user("postgres"),
                _program("initdb"),
                "-D",
                str(folder / "data"),
                "-U",
                "test",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "-N",
            ],
            cwd="/",
            capture_output=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr.decode()[-2000:]
        server = MortalServer(folder, free_port())
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _program(name: str) -> str:
    return program(name, install=_INSTALL, extra=(f"/usr/lib/postgresql/*/bin/{name}",))
