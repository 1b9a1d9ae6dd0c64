"""A store on 127.0.0.1 that speaks as much of Google Cloud Storage's JSON API as the engine asks of it, after its reference.

Generations, metagenerations, conditions, versioning, holds, retention and soft delete. There is no emulator by Google that can be installed from a
registry, so nothing here proves what Google's own servers do.
"""

import itertools
import json
import re
import threading
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import google_crc32c
import pytest

_numbers = itertools.count(1_700_000_000_000_001)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass
class Generation:
    """One generation of one object. `resource` is what the API says of it."""

    data: bytes
    resource: dict[str, Any]

    @property
    def is_live(self) -> bool:
        return "timeDeleted" not in self.resource


@dataclass
class Bucket:
    """`kept` are softly deleted generations."""

    name: str
    is_versioned: bool = False
    soft_delete: int = 0
    is_uniform: bool = True
    objects: dict[str, list[Generation]] = field(default_factory=dict)
    kept: list[Generation] = field(default_factory=list)

    def resource(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "versioning": {"enabled": self.is_versioned},
            "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": self.is_uniform}},
            "softDeletePolicy": {"retentionDurationSeconds": str(self.soft_delete)},
        }

    def live(self, name: str) -> Generation | None:
        return next((one for one in self.objects.get(name, ()) if one.is_live), None)

    def put(self, name: str, data: bytes, **metadata: Any) -> Generation:
        now = _now()
        resource = {"name": name, "bucket": self.name, "generation": str(next(_numbers)), "metageneration": "1", "updated": now, "timeCreated": now}
        checksum = b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()
        resource |= {"size": str(len(data)), "crc32c": checksum, "storageClass": "STANDARD", **metadata}
        before = self.live(name)
        if before is not None:
            self.retire(before)
        made = Generation(data, resource)
        self.objects.setdefault(name, []).append(made)
        return made

    def retire(self, one: Generation) -> None:
        """The live generation gives way: noncurrent where the bucket keeps versions, else gone."""
        if self.is_versioned:
            one.resource["timeDeleted"] = _now()
        else:
            self.remove(one)

    def remove(self, one: Generation) -> None:
        self.objects[one.resource["name"]].remove(one)
        if self.soft_delete:
            self.kept.append(one)


@dataclass
class GcsServer:
    """`uploads` are sessions that were begun: name, resource and conditions."""

    endpoint: str = ""
    buckets: dict[str, Bucket] = field(default_factory=dict)
    uploads: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = field(default_factory=dict)


class _Refused(Exception):
    def __init__(self, status: int) -> None:
        self.status = status


def _handler(server: GcsServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65_536

        def do_GET(self) -> None:  # http.server's name
            self._answered(self._get)

        def do_DELETE(self) -> None:  # http.server's name
            self._answered(self._delete)

        def do_POST(self) -> None:  # http.server's name
            self._answered(self._post)

        def do_PUT(self) -> None:  # http.server's name
            self._answered(self._put)

        def _answered(self, answer: Any) -> None:
            parts = urlsplit(self.path)
            self.words = {name: values[0] for name, values in parse_qs(parts.query).items()}
            found = re.fullmatch(r"(?:/upload|/download)?/storage/v1/b/([^/]+)(?:/o(?:/([^/]+)(?:/copyTo/b/[^/]+/o/([^/]+))?)?)?/?", parts.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                bucket = server.buckets.get(unquote(found[1])) if found else None
                if found is None or bucket is None:
                    raise _Refused(404)
                answer(bucket, unquote(found[2] or ""), parts.path, body)
            except _Refused as refused:
                self._say({"error": {"code": refused.status, "message": "refused"}}, refused.status)

        def _say(self, said: dict[str, Any] | bytes, status: int = 200, **headers: str) -> None:
            data = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/octet-stream" if isinstance(said, bytes) else "application/json")
            self.send_header("Content-Length", str(len(data)))
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(data)

        def _one(self, bucket: Bucket, name: str) -> Generation:
            wanted = self.words.get("generation")
            for one in bucket.objects.get(name, ()):
                if one.resource["generation"] == wanted or (wanted is None and one.is_live):
                    if self.words.get("ifMetagenerationMatch", one.resource["metageneration"]) != one.resource["metageneration"]:
                        raise _Refused(412)
                    return one
            raise _Refused(404)

        def _get(self, bucket: Bucket, name: str, path: str, body: bytes) -> None:
            if path.startswith("/download"):
                self._download(self._one(bucket, name))
            elif name:
                self._say(self._one(bucket, name).resource)
            elif path.rstrip("/").endswith("/o"):
                self._say(self._listed(bucket))
            else:
                self._say(bucket.resource())

        def _download(self, one: Generation) -> None:
            found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if not found:
                self._say(one.data)
                return
            start, end = int(found[1]), int(found[2]) if found[2] else len(one.data) - 1
            piece = one.data[start : end + 1]
            self._say(piece, 206, Content_Range=f"bytes {start}-{start + len(piece) - 1}/{len(one.data)}")

        def _listed(self, bucket: Bucket) -> dict[str, Any]:
            words = self.words
            known = [one for _, all_ in sorted(bucket.objects.items(), key=lambda item: item[0].encode()) for one in all_]
            chosen = bucket.kept if words.get("softDeleted", "").lower() == "true" else known
            items: list[dict[str, Any]] = []
            prefixes: list[str] = []
            for one in chosen:
                name = one.resource["name"]
                prefix = words.get("prefix", "")
                is_wanted = one.is_live or words.get("versions", "").lower() == "true" or words.get("softDeleted", "").lower() == "true"
                if not is_wanted or not name.startswith(prefix) or name.encode() < words.get("startOffset", "").encode():
                    continue
                rest = name[len(prefix) :]
                if "delimiter" in words and words["delimiter"] in rest:
                    prefixes.append(prefix + rest.split(words["delimiter"])[0] + words["delimiter"])
                else:
                    items.append(one.resource)
            start = int(words.get("pageToken", "0"))
            page = items[start : start + 3]
            more = {"nextPageToken": str(start + 3)} if start + 3 < len(items) else {}
            return {"items": page, "prefixes": sorted(set(prefixes)) if start == 0 else [], **more}

        def _delete(self, bucket: Bucket, name: str, path: str, body: bytes) -> None:
            one = self._one(bucket, name)
            self._insist_free(one)
            if "generation" in self.words:
                bucket.remove(one)
            else:
                bucket.retire(one)
            self._say(b"", 204)

        def _insist_free(self, one: Generation) -> None:
            if one.resource.get("temporaryHold") or one.resource.get("eventBasedHold"):
                raise _Refused(403)

        def _insist_matching(self, bucket: Bucket, name: str, words: dict[str, str]) -> None:
            live = bucket.live(name)
            if "ifGenerationMatch" in words and words["ifGenerationMatch"] != (live.resource["generation"] if live else "0"):
                raise _Refused(412)
            if "ifMetagenerationMatch" in words and (live is None or words["ifMetagenerationMatch"] != live.resource["metageneration"]):
                raise _Refused(412)
            if live is not None:
                self._insist_free(live)

        def _post(self, bucket: Bucket, name: str, path: str, body: bytes) -> None:
            if "/copyTo/" in path:
                words = {"generation": self.words["sourceGeneration"]}
                source = next(one for one in bucket.objects[name] if one.resource["generation"] == words["generation"])
                self._insist_matching(bucket, name, self.words)
                kept = {key: value for key, value in source.resource.items() if key in ("metadata", "contentType", "storageClass")}
                self._say(bucket.put(name, source.data, **kept).resource)
            elif self.words.get("uploadType") == "resumable":
                session = str(next(_numbers))
                resource = {"contentType": self.headers["X-Upload-Content-Type"], **json.loads(body)}
                server.uploads[session] = (resource["name"], resource, dict(self.words))
                self._say(b"", 200, Location=f"{server.endpoint}/upload/storage/v1/b/{bucket.name}/o?upload_id={session}")
            else:
                boundary = b"--" + re.sub(r'.*boundary="?([^"]+)"?', r"\1", self.headers["Content-Type"]).strip("'").encode()
                _, described, content, _ = body.split(boundary)
                told, data = (part.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n") for part in (described, content))
                typed = re.search(rb"(?i)content-type: *([^\r]+)", content.split(b"\r\n\r\n", 1)[0])
                self._stored(bucket, {"contentType": typed[1].decode() if typed else "", **json.loads(told)}, data, self.words)

        def _put(self, bucket: Bucket, name: str, path: str, body: bytes) -> None:
            found = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", self.headers["Content-Range"])
            assert found
            object_name, resource, words = server.uploads[self.words["upload_id"]]
            data = resource.pop("_data", b"") + body
            if found[3] == "*" or len(data) < int(found[3]):
                resource["_data"] = data
                self._say(b"", 308, Range=f"bytes=0-{len(data) - 1}")
                return
            self._stored(bucket, {**resource, "name": object_name}, data, words)

        def _stored(self, bucket: Bucket, resource: dict[str, Any], data: bytes, words: dict[str, str]) -> None:
            name = resource.pop("name")
            self._insist_matching(bucket, name, words)
            self._say(bucket.put(name, data, **resource).resource)

        def log_message(self, format: str, *args: object) -> None:
            """Tests need no log."""

    return Handler


@pytest.fixture(scope="session")
def gcs() -> Iterator[GcsServer]:
    server = GcsServer()
    listening = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    server.endpoint = f"http://127.0.0.1:{listening.server_address[1]}"
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    yield server
    listening.shutdown()
    listening.server_close()
    thread.join()
