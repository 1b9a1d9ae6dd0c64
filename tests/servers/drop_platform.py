"""A small platform that behaves as the agency describes its own (DROP Data Broker API 1.2.0): a state machine behind real HTTP."""

import io
import json
import re
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "a-key-of-the-tests"
BROKER = "4821"
HEADER = "ID,Hash"
_NAME = re.compile(r"(?P<stem>\d{8}_[A-Za-z0-9]+_[A-Za-z]+)(?:_[A-Za-z0-9]{1,10})?\.csv")


def archive(lists: dict[str, list[tuple[str, str]]], removed: list[tuple[str, str, str]] | None = None, day: str = "20260801") -> bytes:
    """The ZIP that the platform hands out."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as file:
        for name, rows in lists.items():
            file.writestr(f"{day}_{BROKER}_{name}.csv", "".join([f"{HEADER}\r\n", *(f"{item},{found}\r\n" for item, found in rows)]))
        if removed:
            body = "".join(["ID,Hash,ListType\r\n", *(f"{','.join(row)}\r\n" for row in removed)])
            file.writestr(f"{day}_{BROKER}_Removed.csv", body)
    return sink.getvalue()


@dataclass
class Batch:
    """One download: what is in it, and what was answered."""

    day: str
    lists: dict[str, list[tuple[str, str]]]
    removed: list[tuple[str, str, str]]
    is_handed_out: bool = False
    answers: dict[str, int] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)

    @property
    def wanted(self) -> set[str]:
        return {item for rows in self.lists.values() for item, _ in rows}


@dataclass
class FakePlatform:
    """`prepares` downloads answer 202 before the archive is ready, `busy` requests 429; `drops` answers are swallowed after they took effect."""

    url: str = ""
    waiting: list[Batch] = field(default_factory=list)
    current: Batch | None = None
    prepares: int = 0
    busy: int = 0
    drops: int = 0
    refuses: int = 0
    seen: list[str] = field(default_factory=list)
    amended: dict[str, int] = field(default_factory=dict)
    amend_files: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def publish(self, lists: dict[str, list[tuple[str, str]]], removed: list[tuple[str, str, str]] | None = None, day: str = "20260801") -> None:
        self.waiting.append(Batch(day, lists, removed or []))

    def forget(self) -> None:
        """Nothing was ever published."""
        self.waiting, self.current = [], None

    def download(self) -> tuple[int, dict[str, str], bytes]:
        if self.current is not None and self.current.wanted - self.current.answers.keys():
            return _told(409, "Complete the current batch or contact DROP support if a re-download is needed.")
        if not self.waiting:
            return _told(200, "No new consumer request data or removed identifiers are available since your last completed download.")
        if self.prepares:
            self.prepares -= 1
            status, headers, body = _told(202, "No download package is available yet.")
            return status, {**headers, "Retry-After": "1"}, body
        self.current = self.waiting.pop(0)
        name = f"{self.current.day}_{BROKER}_DROP.zip"
        headers = {"Content-Type": "application/zip", "Content-Disposition": f'attachment; filename="{name}"'}
        return 200, headers, archive(self.current.lists, self.current.removed, self.current.day)

    def upload(self, name: str, content: bytes) -> tuple[int, dict[str, str], bytes]:
        batch = self.current
        if batch is None or not batch.wanted - batch.answers.keys():
            return _told(409, "No active download is waiting for responses.")
        why = self._refusal(name, content, batch, batch.files)
        if why:
            return _judged(400, name, content, why)
        batch.files.add(name)
        batch.answers.update(_rows(content))
        return _judged(202, name, content)

    def amend(self, name: str, content: bytes) -> tuple[int, dict[str, str], bytes]:
        why = self._refusal(name, content, None, self.amend_files)
        if why:
            return _judged(400, name, content, why)
        self.amend_files.add(name)
        self.amended.update(_rows(content))
        return _judged(202, name, content)

    def _refusal(self, name: str, content: bytes, batch: Batch | None, taken: set[str]) -> str:
        found = _NAME.fullmatch(name)
        stems = {f"{batch.day}_{BROKER}_{entry}" for entry in batch.lists} if batch is not None else None
        if found is None or (stems is not None and found["stem"] not in stems):
            return "Only CSV files with a downloaded file name are accepted."
        if name in taken:
            return "A file with this name was already uploaded for the current download. Use a unique suffix and try again"
        if not content.startswith(b"Id,Status\r\n"):
            return "Invalid CSV header. Expected: Id,Status."
        if any(status not in (2, 3, 4, 5) for status in _rows(content).values()):
            return "A status is unknown."
        return ""


def _rows(content: bytes) -> dict[str, int]:
    return {line.split(",")[0]: int(line.split(",")[1]) for line in content.decode().splitlines()[1:]}


def _told(status: int, message: str) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/json"}, json.dumps({"message": message}).encode()


def _judged(status: int, name: str, content: bytes, why: str = "") -> tuple[int, dict[str, str], bytes]:
    accepted = [] if why else [{"fileName": name, "fileSizeBytes": len(content)}]
    rejected = [{"fileName": name, "message": why}] if why else []
    body = {"message": "", "acceptedCount": len(accepted), "rejectedCount": len(rejected), "accepted": accepted, "rejected": rejected}
    return status, {"Content-Type": "application/json"}, json.dumps(body).encode()


class _Handler(BaseHTTPRequestHandler):
    platform: FakePlatform

    def do_GET(self) -> None:
        self._answer(self.platform.download if self.path == "/data/download" else None)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        message: Any = message_from_bytes(b"Content-Type: " + self.headers["Content-Type"].encode() + b"\r\n\r\n" + body, policy=policy.HTTP)
        (part,) = message.iter_parts()
        assert part.get_param("name", header="content-disposition") == "files"
        name, content = part.get_filename(), part.get_payload(decode=True)
        take = {"/data/upload": self.platform.upload, "/data/amend": self.platform.amend}.get(self.path)
        self._answer(None if take is None else lambda: take(name, content))

    def _answer(self, act: Any) -> None:
        platform = self.platform
        with platform.lock:
            platform.seen.append(f"{self.command} {self.path}")
            if self.headers.get("X-API-KEY") != KEY:
                status, headers, body = _told(401, "API key is missing or invalid.")
            elif act is None:
                status, headers, body = _told(404, "The requested endpoint was not found.")
            elif platform.refuses:
                platform.refuses -= 1
                status, headers, body = _told(403, "No identifier list preferences are enabled. Select at least one list and try again.")
            elif platform.busy:
                platform.busy -= 1
                status, headers, body = _told(429, "Too many requests.")
                headers = {**headers, "Retry-After": "1"}
            else:
                status, headers, body = act()
                if platform.drops:
                    platform.drops -= 1
                    self.connection.close()
                    return
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Tests read what the engine says, not what the server does."""


@contextmanager
def running() -> Iterator[FakePlatform]:
    """A platform on a free port of this machine."""
    platform = FakePlatform()
    handler = type("Handler", (_Handler,), {"platform": platform})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    platform.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield platform
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
