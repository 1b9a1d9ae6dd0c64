"""How the tests start private servers on 127.0.0.1 and end them by the pid that they wrote themselves.

A server that is not installed is a visible skip with the command that installs it; with DSR_REQUIRE_SERVERS=1 (as in CI) it is a failure.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


def missing(server: str, install: str) -> None:
    """Skips the test, or fails it where servers are required."""
    sentence = f"{server} is not installed: {install}"
    if os.environ.get("DSR_REQUIRE_SERVERS") == "1":
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)


def program(name: str, *, install: str, extra: tuple[str, ...] = ()) -> str:
    """The path of an installed program, looked for on PATH and in `extra` (globs allowed)."""
    found = shutil.which(name)
    if found:
        return found
    for pattern in extra:
        hits = sorted(Path("/").glob(pattern.lstrip("/")))
        if hits:
            return str(hits[-1])
    missing(name, install)
    raise AssertionError


def free_port() -> int:
    """A port that was free a moment ago; whoever uses it checks that the server that answers is its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def server_folder(owner: str | None = None) -> Iterator[Path]:
    """A short-named folder that an unprivileged server account may enter (pytest's are 0700, and sockets allow 107 bytes)."""
    folder = Path(tempfile.mkdtemp(prefix="dsr-"))
    folder.chmod(0o755)
    if owner and os.geteuid() == 0:
        shutil.chown(folder, owner)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def as_user(user: str) -> list[str]:
    """A command prefix that drops root, which PostgreSQL and MariaDB refuse; empty for everybody else."""
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"] if os.geteuid() == 0 else []


def wait_until(is_ready: Callable[[], bool], process: "subprocess.Popen[bytes]", log: Path, seconds: float = 30) -> None:
    """Polls every 50 ms; fails with the end of the server's log when it dies or never gets ready."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        with contextlib.suppress(Exception):
            if is_ready():
                return
        time.sleep(0.05)
    pytest.fail(f"server did not start:\n{log.read_text(errors='replace')[-2000:]}", pytrace=False)


def stop(process: "subprocess.Popen[bytes]", how: signal.Signals = signal.SIGTERM, seconds: float = 10) -> None:
    """Ends one server that a test started."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
