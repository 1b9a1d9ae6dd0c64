"""Azurite, Microsoft's own emulator of Azure Blob Storage: blobs, snapshots, tags, leases, conditions; no versions or soft delete."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.servers.lifecycle import free_port, program, server_folder, stop, wait_until

#: The account that every Azurite has (learn.microsoft.com, "Use the Azurite emulator").
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclass(frozen=True, slots=True)
class AzureServer:
    """`endpoint` holds the account's name, as emulators do."""

    endpoint: str
    account: str = ACCOUNT
    key: str = KEY


@pytest.fixture(scope="session")
def azurite() -> Iterator[AzureServer]:
    azurite = program("azurite-blob", install="npm install --global azurite")
    with server_folder() as folder:
        port = free_port()
        log = folder / "server.log"
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [
                    azurite,
                    "--blobHost",
                    "127.0.0.1",
                    "--blobPort",
                    str(port),
                    "--location",
                    folder / "data",
                    "--skipApiVersionCheck",
                    "--disableTelemetry",
                ],
                stdout=sink,
                stderr=subprocess.STDOUT,
                cwd=folder,
            )
        try:
            wait_until(lambda: b"successfully listens" in log.read_bytes(), process, log)
            yield AzureServer(f"http://127.0.0.1:{port}/{ACCOUNT}")
        finally:
            stop(process)
