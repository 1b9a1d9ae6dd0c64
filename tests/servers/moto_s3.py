"""An S3 server in this process: quick, with versions, without locks that hold (moto lets COMPLIANCE retention be shortened)."""

import logging
from collections.abc import Iterator

import pytest

from tests.servers.s3_server import S3Server


@pytest.fixture(scope="session")
def moto_s3() -> Iterator[S3Server]:
    server = pytest.importorskip("moto.server", reason="moto is not installed: pip install 'moto[s3,server]'").ThreadedMotoServer(
        ip_address="127.0.0.1", port=0
    )
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield S3Server(f"http://{host}:{port}", "testkey", "testsecret")
    finally:
        server.stop()
