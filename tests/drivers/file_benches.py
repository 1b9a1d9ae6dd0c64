"""Benches for folders and buckets."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
from botocore.config import Config

from dsr_engine.domain.selector import Secret
from dsr_engine.domain.system import Manifest, System
from dsr_engine.drivers.objectstore.driver import ObjectstoreDriver
from tests.servers.s3_server import S3Server


def content(email: str) -> bytes:
    """A small text file about somebody."""
    return f"Order 17\nfrom {email}, by post\nThank you.\n".encode()


def file_system(manifest: Manifest | None = None, **settings: str) -> System:
    return System("lake", manifest or Manifest("s3", "objectstore"), {name: Secret(value) for name, value in settings.items() if value})


class FolderBench:
    """A folder with two subfolders."""

    can_rewrite = True

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("orders", "notes"):
            (root / name).mkdir()

    def driver(self) -> ObjectstoreDriver:
        return ObjectstoreDriver(file_system(url=f"folder:{self.root}"))

    def path(self, name: str) -> Path:
        return self.root / ("notes" if name.startswith("n") else "orders") / f"{name}.txt"

    def put(self, name: str, email: str) -> None:
        self.path(name).write_bytes(content(email))

    def spoil(self, name: str) -> None:
        with self.path(name).open("ab") as file:
            file.write(b"one more line\n")

    def _files(self) -> list[str]:
        return [str(file.relative_to(self.root)) for file in sorted(self.root.rglob("*")) if file.is_file()]

    def dump(self) -> Mapping[str, bytes]:
        return {Path(file).stem: (self.root / file).read_bytes() for file in self._files()}

    def close(self) -> None:
        """The folder is pytest's."""


class BucketBench:
    """A bucket of its own on a running server."""

    can_rewrite = True

    def __init__(self, server: S3Server, *, versions: bool, locks: bool = False) -> None:
        self.server = server
        self.bucket = f"lake-{uuid4().hex[:12]}"
        self.client: Any = boto3.client(
            "s3",
            endpoint_url=server.endpoint,
            aws_access_key_id=server.access_key,
            aws_secret_access_key=server.secret_key,
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}),
        )
        self.client.create_bucket(Bucket=self.bucket, ObjectLockEnabledForBucket=locks)
        if versions:
            self.client.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})

    def driver(self, prefix: str = "", manifest: Manifest | None = None, *, is_reader: bool = False) -> ObjectstoreDriver:
        return ObjectstoreDriver(
            file_system(
                manifest,
                url=f"s3://{self.bucket}/{prefix}",
                endpoint_url=self.server.endpoint,
                region="us-east-1",
                access_key=self.server.reader_key if is_reader else self.server.access_key,
                secret_key=self.server.reader_secret if is_reader else self.server.secret_key,
            )
        )

    def _key(self, name: str) -> str:
        return f"{'notes' if name.startswith('n') else 'orders'}/{name}.txt"

    def put(self, name: str, email: str) -> None:
        self.write(self._key(name), content(email))

    def write(self, key: str, data: bytes, **more: Any) -> str:
        return str(self.client.put_object(Bucket=self.bucket, Key=key, Body=data, **more).get("VersionId", ""))

    def read(self, key: str, version: str = "") -> bytes:
        where = {"VersionId": version} if version else {}
        return bytes(self.client.get_object(Bucket=self.bucket, Key=key, **where)["Body"].read())

    def spoil(self, name: str) -> None:
        self.client.put_object_tagging(Bucket=self.bucket, Key=self._key(name), Tagging={"TagSet": [{"Key": "seen", "Value": "yes"}]})

    def history(self) -> list[tuple[str, str, bool, bool]]:
        """(key, version, is the current one, is a marker) of everything in the bucket."""
        found: list[tuple[str, str, bool, bool]] = []
        for page in self.client.get_paginator("list_object_versions").paginate(Bucket=self.bucket):
            found += [(one["Key"], one["VersionId"], one["IsLatest"], False) for one in page.get("Versions", ())]
            found += [(one["Key"], one["VersionId"], one["IsLatest"], True) for one in page.get("DeleteMarkers", ())]
        return sorted(found)

    def dump(self) -> Mapping[str, bytes]:
        """Current and older versions; the name is the key's stem, and that of older ones has their version."""
        return {
            Path(key).stem if is_current else f"{Path(key).stem} {version}": self._whole(key, version, is_marker=is_marker)
            for key, version, is_current, is_marker in self.history()
        }

    def _whole(self, key: str, version: str, *, is_marker: bool) -> bytes:
        if is_marker:
            return b"marker"
        where = {"VersionId": version} if version != "null" else {}
        head = self.client.head_object(Bucket=self.bucket, Key=key, **where)
        tags = self.client.get_object_tagging(Bucket=self.bucket, Key=key, **where)["TagSet"]
        return self.read(key, where.get("VersionId", "")) + repr((head["ContentType"], head["Metadata"], tags)).encode()

    def close(self) -> None:
        self.client.close()
