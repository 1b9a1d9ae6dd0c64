"""A bucket as it is read: its versions, their labels and what only a listing of its own shows. It writes nothing."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BufferedReader
from typing import Any, BinaryIO, Literal
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from dsr_engine.domain.errors import Conflict, DsrError, InputWrong, NotAllowed, NotSupported
from dsr_engine.domain.record import Gap
from dsr_engine.domain.system import System
from dsr_engine.drivers.objectstore.s3_errors import asking, translated
from dsr_engine.drivers.objectstore.s3_reader import BLOCK, ObjectReader
from dsr_engine.drivers.objectstore.shelf import MARKER, Labels, Stored

#: User metadata that names the version which this engine rewrote: the only sure link from a version that is gone to its successor.
REPLACES = "dsr-replaces"

_KEPT_HEADERS = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "Expires",
    "ServerSideEncryption",
    "SSEKMSKeyId",
    "BucketKeyEnabled",
    "StorageClass",
    "WebsiteRedirectLocation",
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a bucket is. `base` is empty, ends with `/`, or is one object's key or a folder without its slash."""

    bucket: str
    base: str
    endpoint: str
    region: str

    @classmethod
    def of(cls, system: System) -> "Place":
        """Reads the settings `url` (`s3://bucket/prefix`) or `bucket` and `prefix`; raises `InputWrong` without a bucket."""
        url = system.setting("url")
        parts = urlsplit(url) if url.startswith("s3://") else None
        bucket = system.setting("bucket") or (parts.netloc if parts else "")
        base = system.setting("prefix") or (url.split("/", 3)[3] if parts and parts.path.strip("/") else "")
        if not bucket:
            raise InputWrong(f"{system.name} names no bucket", code="s3.settings", hint="set url: s3://bucket/prefix, or bucket and prefix")
        return cls(bucket, base.lstrip("/"), system.setting("endpoint_url"), system.setting("region"))


class Bucket:
    """The reading half of the S3 protocol for one bucket and prefix."""

    def __init__(self, system: System) -> None:
        self.place = Place.of(system)
        self._access_key = system.setting("access_key")
        self._secret_key = system.setting("secret_key")

    @cached_property
    def client(self) -> Any:
        """One connection pool, untyped because its requests are put together as mappings.

        Nothing is tried twice here: `wrapped` does that, and only for reading. Clones do not all know the newer checksums.
        """
        checksums: Literal["when_required", "when_supported"] = "when_required" if self.place.endpoint else "when_supported"
        config = Config(
            retries={"total_max_attempts": 1},
            connect_timeout=10,
            read_timeout=60,
            s3={"addressing_style": "path" if self.place.endpoint else "auto"},
            request_checksum_calculation=checksums,
            response_checksum_validation=checksums,
        )
        given = {"aws_access_key_id": self._access_key, "aws_secret_access_key": self._secret_key, "region_name": self.place.region}
        chosen: dict[str, Any] = {name: value for name, value in {**given, "endpoint_url": self.place.endpoint}.items() if value}
        with asking("connect"):
            return boto3.client("s3", config=config, **chosen)

    @cached_property
    def versioning(self) -> str:
        """`Enabled`, `Suspended`, or empty where the bucket never kept versions or the store cannot."""
        try:
            with asking("read the bucket's versioning"):
                return str(self.client.get_bucket_versioning(Bucket=self.place.bucket).get("Status", ""))
        except NotSupported:
            return ""

    @property
    def server(self) -> str:
        """Endpoint and bucket. Neither account nor creation date: what a credential may not read must not make another server of it."""
        return f"{self.place.endpoint.rstrip('/') or 'https://s3.amazonaws.com'}/{self.place.bucket}"

    @property
    def is_versioned(self) -> bool:
        return self.versioning in ("Enabled", "Suspended")

    @property
    def folder(self) -> str:
        """The prefix below which paths begin: empty or with a `/` at its end."""
        base = self.place.base
        return base if not base or base.endswith("/") else base + "/"

    def path_of(self, key: str) -> str | None:
        """The key's path below the prefix; None where the key is out of scope (`exports-old/x` is not in `exports`)."""
        if key.startswith(self.folder):
            return key[len(self.folder) :]
        return key.rsplit("/", 1)[-1] if key == self.place.base else None

    def segments(self) -> Iterator[str]:
        for page in self._pages(self.folder, is_deep=False):
            for common in page.get("CommonPrefixes", ()):
                yield common["Prefix"][len(self.folder) :].split("/", 1)[0]
        for key in self._uploads(quietly=True):
            path = self.path_of(key)
            if path is not None and "/" in path:
                yield path.split("/", 1)[0]

    def listing(self, prefix: str, *, is_deep: bool) -> Iterator[Stored | Gap]:
        for page in self._pages(self.folder + prefix, is_deep=is_deep):
            yield from self._stored(page)
        if not prefix and self.folder != self.place.base:
            yield from self.versions(self.place.base)
        try:
            keys = tuple(self._uploads(prefix=self.folder + prefix))
        except NotAllowed as error:
            yield Gap(prefix, "s3.multipart_unlisted", error.message)
            return
        for path in filter(None, map(self.path_of, keys)):
            if is_deep or "/" not in path:
                yield Gap(path, "s3.multipart", "an upload in parts was begun and never ended; its parts cannot be read")

    def versions(self, key: str) -> tuple[Stored, ...]:
        if self.path_of(key) is None:
            raise Conflict("an object lies outside the system's prefix", code="s3.out_of_scope", hint="was the prefix changed since the search?")
        found: list[Stored] = []
        for page in self._pages(key, is_deep=True):
            stored = tuple(self._stored(page))
            found += [one for one in stored if one.key == key]
            if any(one.key.encode() > key.encode() for one in stored):
                break
        return tuple(found)

    def where(self, stored: Stored) -> dict[str, str]:
        """The parameters that name exactly this version."""
        named = {"Bucket": self.place.bucket, "Key": stored.key}
        return {**named, "VersionId": stored.version} if stored.version else named

    def open(self, stored: Stored) -> BinaryIO:
        pinned = {**self.where(stored), "IfMatch": stored.tag} if stored.tag else self.where(stored)
        return BufferedReader(ObjectReader(self.client, pinned, stored.size), buffer_size=min(BLOCK, 64 * 1024))

    def labels(self, stored: Stored) -> Labels:
        if stored.bare is not None:
            return Labels()
        with asking("read an object's labels"):
            head: Mapping[str, Any] = self.client.head_object(**self.where(stored))
        metadata = dict(head.get("Metadata", {}))
        headers = {name: head[name] for name in _KEPT_HEADERS if head.get(name)}
        if "ExpiresString" in head and "Expires" in headers:
            headers["Expires"] = head["ExpiresString"]
        replaces = metadata.pop(REPLACES, "")
        return Labels(str(head.get("ContentType", "")), metadata, self._tags(stored), headers, replaces)

    def _tags(self, stored: Stored) -> dict[str, str]:
        try:
            with asking("read an object's tags"):
                answer = self.client.get_object_tagging(**self.where(stored))
        except NotSupported:
            return {}
        return {tag["Key"]: tag["Value"] for tag in answer.get("TagSet", [])}

    def _pages(self, prefix: str, *, is_deep: bool) -> Iterator[Mapping[str, Any]]:
        verb = "list_object_versions" if self.is_versioned else "list_objects_v2"
        scope = {"Bucket": self.place.bucket, "Prefix": prefix}
        pages = self.client.get_paginator(verb).paginate(**(scope if is_deep else {**scope, "Delimiter": "/"}))
        try:
            yield from pages
        except (BotoCoreError, ClientError) as error:
            raise translated(error, "list the bucket") from None

    def _stored(self, page: Mapping[str, Any]) -> Iterator[Stored]:
        """What one page lists, in the order of its keys, markers after the versions of the same key."""
        entries: Sequence[Mapping[str, Any]] = [*page.get("Versions", ()), *page.get("Contents", ()), *page.get("DeleteMarkers", ())]
        for entry in sorted(entries, key=lambda one: str(one["Key"]).encode()):
            path = self.path_of(entry["Key"])
            if path is None:
                continue
            yield Stored(
                key=entry["Key"],
                version=entry.get("VersionId", ""),
                path=path,
                size=entry.get("Size", 0),
                modified=entry["LastModified"],
                tag=entry.get("ETag", ""),
                is_current=entry.get("IsLatest", True),
                bare=None if "ETag" in entry or "Size" in entry else MARKER,
            )

    def _uploads(self, prefix: str | None = None, *, quietly: bool = False) -> Iterator[str]:
        """The keys of uploads that were begun and not ended. A store without such uploads has none."""
        pages = self.client.get_paginator("list_multipart_uploads").paginate(
            Bucket=self.place.bucket, Prefix=self.folder if prefix is None else prefix
        )
        try:
            for page in pages:
                yield from (upload["Key"] for upload in page.get("Uploads", ()))
        except (BotoCoreError, ClientError) as error:
            problem: DsrError = translated(error, "list uploads in parts")
            if not isinstance(problem, NotSupported) and not (quietly and isinstance(problem, NotAllowed)):
                raise problem from None

    def close(self) -> None:
        with contextlib.suppress(BotoCoreError):
            if "client" in self.__dict__:
                self.client.close()
