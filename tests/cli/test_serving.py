"""`dsr serve` as a service is run: its log is read by programs, and SIGTERM ends it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from tests.servers.lifecycle import free_port

_CANARY = "canary.bird@example.org"


@contextmanager
def _serving(home: Path, port: int, log: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [str(Path(sys.executable).with_name("dsr")), "--home", str(home), "serve", "--listen", f"127.0.0.1:{port}", *arguments]
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out, env=dict(os.environ)) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def _status(port: int, path: str, headers: dict[str, str] | None = None) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers=headers or {})
        return connection.getresponse().status
    finally:
        connection.close()


def _wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert process.poll() is None
        try:
            if _status(port, "/readyz") == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError("the server never got ready")


def test_the_log_of_a_server_is_json_line_by_line_and_names_nobody(home: Path, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    with _serving(home, port, log, "--log-format", "json") as process:
        _wait_until_ready(port, process)
        assert _status(port, f"/api/v1/cases?email={_CANARY}", {"Authorization": f"Bearer {_CANARY}", "User-Agent": _CANARY}) == 401
        assert _status(port, f"/{_CANARY}") == 404
    assert process.returncode == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    calls = [(line["route"], line["status"]) for line in lines if line["logger"] == "dsr.calls"]
    assert ("/api/v1/cases", 401) in calls
    assert ("(none)", 404) in calls
    assert any(line["message"] == f"open http://127.0.0.1:{port}" for line in lines)
    assert "canary" not in log.read_text()


def test_the_log_of_a_worker_is_json_line_by_line(home: Path, tmp_path: Path) -> None:
    dsr = [str(Path(sys.executable).with_name("dsr")), "--home", str(home)]
    (tmp_path / "secret").write_text("0123456789abcdef0123456789abcdef")
    hook = f'{{url: "https://localhost:1/x", secret: "file:{tmp_path}/secret", events: [case], internal: true}}'
    (home / "partners.yaml").write_text(f"webhooks:\n  tickets: {hook}\n")
    opening = ["case", "open", "--email", _CANARY, "--right", "access", "--by", "officer"]
    for command in (["worker", "--once"], opening):
        subprocess.run([*dsr, *command], check=True, capture_output=True)
    done = subprocess.run([*dsr, "worker", "--once", "--log-format", "json"], check=True, capture_output=True, text=True)
    said = [json.loads(line)["message"] for line in (done.stdout + done.stderr).splitlines()]
    assert any(line.startswith("subscriber tickets: localhost cannot be reached") for line in said), said
    assert "canary" not in "".join(said)


def test_a_server_in_words_says_where_it_is_and_nothing_of_calls(home: Path, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    with _serving(home, port, log, "--no-worker") as process:
        _wait_until_ready(port, process)
        _status(port, f"/{_CANARY}")
    said = log.read_text()
    assert f"open http://127.0.0.1:{port}" in said
    assert "canary" not in said
    assert "404" not in said
