"""A mail server on 127.0.0.1 that speaks SMTP with TLS, keeps what it is given, and answers by the name of the addressee.

`bounce…` is refused for good (550 5.1.1), `later…` for now (451 4.3.0), `full…` after the data (552 5.2.2), `greylisted…` the first time only;
with `dropped…` the connection ends after the data without an answer, once, although the mail was taken.
"""

import base64
import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.servers.lifecycle import program, server_folder

USER, PASSWORD = "privacy", "pw-privacy"


@dataclass(frozen=True, slots=True)
class Taken:
    """One mail as it was handed over."""

    sender: str
    recipient: str
    data: bytes
    is_encrypted: bool
    user: str
    options: str


@dataclass
class SmtpServer:
    """`url` is encrypted from the first byte, `starttls_url` by STARTTLS, `clear_url` never. `lines` are all commands that ever came in the clear."""

    ca: Path
    url: str = ""
    starttls_url: str = ""
    clear_url: str = ""
    mails: list[Taken] = field(default_factory=list)
    clear_lines: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def to(self, name: str) -> list[Taken]:
        """The mails for an addressee whose address begins so."""
        return [mail for mail in self.mails if mail.recipient.startswith(name)]


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, kept: SmtpServer, context: ssl.SSLContext, how: str) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.kept, self.context, self.how = kept, context, how

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is nothing to tell of."""


class _Conversation(socketserver.BaseRequestHandler):
    server: _Server
    request: socket.socket

    def handle(self) -> None:
        self.is_encrypted = self.server.how == "implicit"
        if self.is_encrypted:
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        self.file = self.request.makefile("rb")
        self.user = self.sender = self.recipient = self.options = ""
        self._say("220 test ESMTP")
        while line := self._line():
            if not self.is_encrypted:
                self.server.kept.clear_lines.append(line)
            if not self._answer(line):
                break
        self.file.close()
        self.request.close()

    def _line(self) -> str:
        return self.file.readline(10_000).decode("utf-8", "replace").rstrip("\r\n")

    def _say(self, line: str) -> None:
        self.request.sendall(f"{line}\r\n".encode())

    def _answer(self, line: str) -> bool:
        verb = line.partition(" ")[0].upper()
        if verb == "EHLO":
            offered = ["test", "SIZE 10000000", "ENHANCEDSTATUSCODES", "8BITMIME", "DSN"]
            offered += ["AUTH PLAIN", "SMTPUTF8"] if self.is_encrypted else ["STARTTLS"] if self.server.how == "starttls" else ["AUTH PLAIN"]
            for entry in offered[:-1]:
                self._say(f"250-{entry}")
            self._say(f"250 {offered[-1]}")
        elif verb == "STARTTLS":
            self._say("220 2.0.0 go on")
            self.file.close()
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
            self.file = self.request.makefile("rb")
            self.is_encrypted = True
        elif verb == "AUTH":
            _, user, password = base64.b64decode(line.split(" ")[2]).decode().split("\0")
            is_right = (user, password) == (USER, PASSWORD)
            self.user = user if is_right else ""
            self._say("235 2.7.0 welcome" if is_right else f"535 5.7.8 {user} is wrong")
        elif verb == "DATA":
            return self._take()
        elif verb == "QUIT":
            self._say("221 2.0.0 bye")
            return False
        else:
            self._say(self._envelope(verb, line))
        return True

    def _envelope(self, verb: str, line: str) -> str:
        if verb == "MAIL":
            if not self.user:
                return "530 5.7.0 log in first"
            self.sender, self.options = line.partition("<")[2].split(">")[0], line.partition(">")[2]
        elif verb == "RCPT":
            recipient = line.partition("<")[2].split(">")[0]
            if recipient.startswith("bounce"):
                return f"550 5.1.1 <{recipient}> is unknown here"
            if recipient.startswith("later") or (recipient.startswith("greylisted") and recipient not in self.server.kept.seen):
                self.server.kept.seen.add(recipient)
                return f"451 4.3.0 <{recipient}> try later"
            self.recipient = recipient
        return "250 2.1.0 fine"

    def _take(self) -> bool:
        self._say("354 go on")
        lines = []
        while (line := self.file.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        if self.recipient.startswith("full"):
            self._say("552 5.2.2 mailbox full")
            return True
        kept = self.server.kept
        kept.mails.append(Taken(self.sender, self.recipient, b"".join(lines), self.is_encrypted, self.user, self.options))
        if self.recipient.startswith("dropped") and self.recipient not in kept.seen:
            kept.seen.add(self.recipient)
            return False
        self._say("250 2.0.0 queued")
        return True


def _certificate(folder: Path) -> ssl.SSLContext:
    openssl = program("openssl", install="apt-get install openssl")
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    files = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(folder / "tls.key"), "-out", str(folder / "tls.crt")]
    subprocess.run([*command, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    return context


@pytest.fixture(scope="session")
def _smtp_tls() -> Iterator[tuple[Path, ssl.SSLContext]]:
    with server_folder() as folder:
        yield folder / "tls.crt", _certificate(folder)


@pytest.fixture
def smtp_server(_smtp_tls: tuple[Path, ssl.SSLContext]) -> Iterator[SmtpServer]:
    """A server of the test's own, at three doors. Its certificate is for `localhost`, not for 127.0.0.1."""
    ca, context = _smtp_tls
    kept = SmtpServer(ca)
    doors = [_Server(kept, context, how) for how in ("implicit", "starttls", "clear")]
    kept.url = f"smtps://localhost:{doors[0].server_address[1]}"
    kept.starttls_url = f"smtp://localhost:{doors[1].server_address[1]}"
    kept.clear_url = f"smtp://localhost:{doors[2].server_address[1]}"
    threads = [threading.Thread(target=door.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True) for door in doors]
    for thread in threads:
        thread.start()
    try:
        yield kept
    finally:
        for door, thread in zip(doors, threads, strict=True):
            with closing(door.socket):
                door.shutdown()
                thread.join()
                door.server_close()
