"""Somebody who received personal data: an HTTPS server on 127.0.0.1 with an authority of its own, which answers as a test says."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """`pause`: seconds between two bytes of the body. `length`: what the header says instead of the truth."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    pause: float = 0.0
    length: int | None = None
    garbage: bytes = b""


Answering = Callable[[Asked], Reply]


def _accept(_: Asked) -> Reply:
    return Reply(202)


class RecipientServer:
    """`ca_file` vouches for it. `asked` are the requests of this test, in order; `answering` decides what comes back."""

    def __init__(self, folder: Path, ca_file: Path) -> None:
        self.ca_file = ca_file
        self.asked: list[Asked] = []
        self.answering: Answering = _accept
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem")
        self._server = _TlsServer(("127.0.0.1", 0), _handler(self))
        self._server.tls = context
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def domain(self) -> str:
        return f"localhost:{self.port}"

    def reset(self) -> None:
        self.asked.clear()
        self.answering = _accept

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _TlsServer(ThreadingHTTPServer):
    """Shakes hands in the connection's own thread, so that a client that hangs up in it disturbs nobody."""

    daemon_threads = True
    tls: ssl.SSLContext

    def finish_request(self, request: Any, client_address: Any) -> None:
        try:
            with self.tls.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)
        except OSError:
            return  # the client gave up


def _handler(server: RecipientServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 20

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            asked = Asked(self.command, self.path, {key.lower(): value for key, value in self.headers.items()}, self.rfile.read(length))
            server.asked.append(asked)
            reply = server.answering(asked)
            try:
                self._write(reply)
            except OSError:  # the client had enough of it
                self.close_connection = True

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def do_DELETE(self) -> None:
            self._answer()

        def _write(self, reply: Reply) -> None:
            if reply.garbage:
                self.wfile.write(reply.garbage)
                return
            self.send_response(reply.status)
            for key, value in reply.headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(reply.body) if reply.length is None else reply.length))
            self.end_headers()
            if not reply.pause:
                self.wfile.write(reply.body)
                return
            for byte in reply.body:
                self.wfile.write(bytes([byte]))
                time.sleep(reply.pause)

        def log_message(self, format: str, *args: object) -> None: ...

    return Handler


def make_authority(folder: Path, name: str = "The Recipients' Authority") -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """An authority; its certificate is written to `ca.pem` in the folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        _begun(subject, subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_usage(is_authority=True), critical=True)
        .sign(key, SHA256())
    )
    (folder / "ca.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    return certificate, key


def make_certificate(
    folder: Path, name: str, ca: x509.Certificate, ca_key: ec.EllipticCurvePrivateKey, key: ec.EllipticCurvePrivateKey | None = None
) -> Path:
    """A certificate for a host, with its key in one PEM file."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    names: list[x509.GeneralName] = [x509.DNSName(name)]
    if name == "localhost":
        names.append(x509.IPAddress(IPv4Address("127.0.0.1")))
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        _begun(subject, ca.subject, key.public_key())
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .add_extension(_usage(is_authority=False), critical=True)
        .sign(ca_key, SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM))
    return path


def _begun(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
    )


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


@pytest.fixture(scope="session")
def _recipient_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecipientServer]:
    folder = tmp_path_factory.mktemp("recipient")
    ca, ca_key = make_authority(folder)
    make_certificate(folder, "localhost", ca, ca_key)
    server = RecipientServer(folder, folder / "ca.pem")
    yield server
    server.stop()


@pytest.fixture
def recipient_server(_recipient_server: RecipientServer) -> RecipientServer:
    """A recipient that accepts everything, until the test says otherwise."""
    _recipient_server.reset()
    return _recipient_server
