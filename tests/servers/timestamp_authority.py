"""A timestamp authority (RFC 3161): `openssl ts` behind a small web server on 127.0.0.1."""

import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.servers.lifecycle import program, server_folder

_EXTENSIONS = """basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=critical,timeStamping
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
"""
_SETTINGS = """[tsa]
default_tsa = unit
[unit]
serial = {folder}/serial
signer_cert = {folder}/unit.crt
certs = {folder}/root.crt
signer_key = {folder}/unit.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
clock_precision_digits = 3
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@dataclass(frozen=True, slots=True)
class TimestampAuthority:
    """`root` is the PEM file of the certificate that verifiers trust."""

    url: str
    root: Path


@pytest.fixture(scope="session")
def timestamp_authority() -> Iterator[TimestampAuthority]:
    openssl = program("openssl", install="apt install openssl")
    with server_folder() as folder:
        _make_keys(openssl, folder)
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(openssl, folder))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield TimestampAuthority(f"http://127.0.0.1:{server.server_address[1]}/", folder / "root.crt")
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def _make_keys(openssl: str, folder: Path) -> None:
    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], cwd=folder, check=True, capture_output=True)

    (folder / "extensions").write_text(_EXTENSIONS)
    (folder / "settings").write_text(_SETTINGS.format(folder=folder))
    (folder / "serial").write_text("01\n")
    new_key = ("-newkey", "rsa:2048", "-nodes")
    run("req", "-x509", *new_key, "-keyout", "root.key", "-out", "root.crt", "-days", "3650", "-subj", "/CN=Test timestamps, root")
    run("req", *new_key, "-keyout", "unit.key", "-out", "unit.csr", "-subj", "/CN=Test timestamps, unit")
    signing = ("-CA", "root.crt", "-CAkey", "root.key", "-CAcreateserial", "-days", "1800")
    run("x509", "-req", "-in", "unit.csr", *signing, "-extfile", "extensions", "-out", "unit.crt")


def _handler(openssl: str, folder: Path) -> type[BaseHTTPRequestHandler]:
    one_at_a_time = threading.Lock()  # openssl does not lock its file of serial numbers

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            with one_at_a_time:
                (folder / "query").write_bytes(query)
                command = [openssl, "ts", "-reply", "-config", "settings", "-section", "unit", "-queryfile", "query", "-out", "reply"]
                done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
                reply = (folder / "reply").read_bytes() if done.returncode == 0 else b""
            self.send_response(200 if reply else 500)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, format: str, *args: object) -> None:
            """Keeps the output of the tests clean."""

    return Handler
