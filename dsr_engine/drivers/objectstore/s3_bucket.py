"""A bucket as it is read: its versions, their labels and what only a listing of its own shows. It writes nothing."""

import contextlib
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BufferedReader
from typing import Any, BinaryIO, Literal
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from dsr_engine.domain.errors import Conflict, DsrError, InputWrong, NotAllowed, NotSupported, Unreachable
from dsr_engine.domain.record import Gap
from dsr_engine.domain.system import System
from dsr_engine.drivers.objectstore.labels import encoded
from dsr_engine.drivers.objectstore.ranged import RangedFile
from dsr_engine.drivers.objectstore.s3_errors import asking, translated
from dsr_engine.drivers.objectstore.scope import Scope
from dsr_engine.drivers.objectstore.shelf import MARKER, UPLOAD, UPLOAD_VERSION, WHOLE, Labels, Stored, Stretch

#: User metadata that names the version which this engine rewrote: the only sure link from a version that is gone to its successor.
REPLACES = "dsr-replaces"
#: What the scratch keys of probes begin with; an upload of such a name holds nothing, and the next probe gives it up.
PROBES = ".dsr-probe-"
_PROBE = re.compile(re.escape(PROBES) + "[0-9a-f]{16}")
#: What pages of listings hold, versions before the markers of the same key.
_LISTED = ("Versions", "Contents", "DeleteMarkers")

_KEPT_HEADERS = (
    "CacheControl",
    "ContentEncoding",
    "ContentLanguage",
    "Expires",
    "ServerSideEncryption",
    "SSEKMSKeyId",
    "BucketKeyEnabled",
    "StorageClass",
)
#: Headers in which people write what they like: the name under which they are searched, and the parameter that sets them.
NOTES = {"content-disposition": "ContentDisposition", "redirect": "WebsiteRedirectLocation"}
#: Checksums that are made without further libraries; an object that has one gets one again.
_CHECKSUMS = ("CRC32", "SHA1", "SHA256")


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
        self.scope = Scope(self.place.base)
        self._access_key = system.setting("access_key")
        self._secret_key = system.setting("secret_key")
        self.is_ordered = True

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

    @cached_property
    def needs_second_factor(self) -> bool:
        """True if versions can be deleted with a device only; where that may not be read, the store itself says so."""
        try:
            with asking("read the bucket's versioning"):
                return str(self.client.get_bucket_versioning(Bucket=self.place.bucket).get("MFADelete")) == "Enabled"
        except (NotAllowed, NotSupported):
            return False

    @property
    def server(self) -> str:
        """Endpoint and bucket. Neither account nor creation date: what a credential may not read must not make another server of it."""
        return f"{self.place.endpoint.rstrip('/') or 'https://s3.amazonaws.com'}/{self.place.bucket}"

    @property
    def is_versioned(self) -> bool:
        return self.versioning in ("Enabled", "Suspended")

    def segments(self) -> Iterator[str]:
        for page in self._pages(self.scope.folder, is_deep=False):
            for common in page.get("CommonPrefixes", ()):
                yield common["Prefix"][len(self.scope.folder) :].split("/", 1)[0]
        for upload in self._uploads(quietly=True):
            path = self.scope.path_of(upload["Key"])
            if path is not None and "/" in path:
                yield path.split("/", 1)[0]

    def listing(self, prefix: str, *, is_deep: bool, within: Stretch = WHOLE) -> Iterator[Stored | Gap]:
        full = self.scope.folder + prefix
        if not within.is_behind(full):
            yield from self._within(full, is_deep, within)
        if not prefix and self.scope.may_be_one_object and within.holds(self.place.base):
            yield from self.versions(self.place.base)
        if not within.is_first:
            return
        try:
            uploads = tuple(self._uploads(prefix=full))
        except NotAllowed as error:
            yield Gap(prefix, "s3.multipart_unlisted", error.message)
            return
        for upload in uploads:
            path = self.scope.path_of(upload["Key"])
            if path and (is_deep or "/" not in path) and not _PROBE.fullmatch(path):
                yield self._begun(upload, path)

    def _within(self, prefix: str, is_deep: bool, within: Stretch) -> Iterator[Stored]:
        for page in self._pages(prefix, is_deep=is_deep, after=within.after):
            for stored in self._stored(page):
                if within.is_behind(stored.key) and self.is_ordered:
                    return
                if within.holds(stored.key):
                    yield stored

    def _begun(self, upload: Mapping[str, Any], path: str, parts: bytes = b"") -> Stored:
        version = f"{UPLOAD_VERSION}{upload['UploadId']}"
        return Stored(upload["Key"], version, path, 0, upload["Initiated"], version, is_current=False, bare=UPLOAD + parts)

    def begun(self, prefix: str = "") -> Iterator[Mapping[str, Any]]:
        """All uploads in scope, below the prefix, that never ended. Raises `NotAllowed` where they may not be listed."""
        return (upload for upload in self._uploads(self.scope.folder + prefix) if self.scope.path_of(upload["Key"]) is not None)

    def uploads(self, key: str) -> tuple[Stored, ...]:
        """What was begun under this very key and not ended, with a digest of the parts that came."""
        path = self.scope.path_of(key)
        if path is None:
            raise Conflict("an object lies outside the system's prefix", code="s3.out_of_scope", hint="was the prefix changed since the search?")
        found = []
        for upload in self._uploads(prefix=key):
            if upload["Key"] == key:
                with contextlib.suppress(Conflict):  # ended or given up meanwhile
                    found.append(self._begun(upload, path, self._parts_of(upload)))
        return tuple(found)

    def _parts_of(self, upload: Mapping[str, Any]) -> bytes:
        digest = hashlib.sha256(str(upload["Initiated"]).encode())
        scope = {"Bucket": self.place.bucket, "Key": upload["Key"], "UploadId": upload["UploadId"]}
        with asking("list the parts of an upload"):
            for page in self.client.get_paginator("list_parts").paginate(**scope):
                for part in page.get("Parts", ()):
                    digest.update(f"{part['PartNumber']} {part['ETag']} {part['Size']}\n".encode())
        return b" " + digest.digest()

    def versions(self, key: str) -> tuple[Stored, ...]:
        if self.scope.path_of(key) is None:
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

        def fetch(start: int, end: int) -> bytes:
            with asking("read an object"):
                answer = self.client.get_object(Range=f"bytes={start}-{end - 1}", **pinned)
                try:
                    block = bytes(answer["Body"].read())
                except (HTTPError, OSError):
                    raise Unreachable("the store broke off while an object was read", code="s3.broken_off") from None
            if len(block) != end - start:
                raise Unreachable("the store gave fewer bytes than the object has", code="s3.short_read")
            return block

        return BufferedReader(RangedFile(stored.size, fetch), buffer_size=64 * 1024)

    def labels(self, stored: Stored) -> Labels:
        if stored.bare is not None:
            return Labels()
        with asking("read an object's labels"):
            head: Mapping[str, Any] = self.client.head_object(**self.where(stored), ChecksumMode="ENABLED")
        metadata = {name: encoded(value) for name, value in head.get("Metadata", {}).items()}
        headers = {name: head[name] for name in _KEPT_HEADERS if head.get(name)}
        if encoding := ",".join(word for word in headers.pop("ContentEncoding", "").replace(" ", "").split(",") if word not in ("", "aws-chunked")):
            headers["ContentEncoding"] = encoding
        if checksum := next((name for name in _CHECKSUMS if head.get(f"Checksum{name}")), ""):
            headers["ChecksumAlgorithm"] = checksum
        if "ExpiresString" in head and "Expires" in headers:
            headers["Expires"] = head["ExpiresString"]
        replaces = metadata.pop(REPLACES, "")
        notes = {name: str(head[parameter]) for name, parameter in NOTES.items() if head.get(parameter)}
        return Labels(str(head.get("ContentType", "")), metadata, self._tags(stored), headers, replaces, notes)

    def _tags(self, stored: Stored) -> dict[str, str]:
        try:
            with asking("read an object's tags"):
                answer = self.client.get_object_tagging(**self.where(stored))
        except NotSupported:
            return {}
        return {tag["Key"]: tag["Value"] for tag in answer.get("TagSet", [])}

    def _pages(self, prefix: str, *, is_deep: bool, after: str = "") -> Iterator[Mapping[str, Any]]:
        verb = "list_object_versions" if self.is_versioned else "list_objects_v2"
        scope = {"Bucket": self.place.bucket, "Prefix": prefix, **({} if is_deep else {"Delimiter": "/"})}
        if after:
            scope["KeyMarker" if self.is_versioned else "StartAfter"] = after
        pages = self.client.get_paginator(verb).paginate(**scope)
        last = dict.fromkeys(_LISTED, "")
        try:
            for page in pages:
                for kind in _LISTED:
                    for entry in page.get(kind, ()):
                        if entry["Key"].encode() < last[kind].encode():
                            self._note_disorder(after)
                        last[kind] = entry["Key"]
                yield page
        except (BotoCoreError, ClientError) as error:
            raise translated(error, "list the bucket") from None

    def _note_disorder(self, after: str) -> None:
        """A store that lists in another order than S3 says cannot be searched in ranges."""
        self.is_ordered = False
        if after:
            raise Unreachable("the store listed its keys in another order than before", code="s3.order", hint="it is cut anew at the next try")

    def _stored(self, page: Mapping[str, Any]) -> Iterator[Stored]:
        """What one page lists, in the order of its keys, markers after the versions of the same key."""
        entries: Sequence[Mapping[str, Any]] = [entry for kind in _LISTED for entry in page.get(kind, ())]
        for entry in sorted(entries, key=lambda one: str(one["Key"]).encode()):
            path = self.scope.path_of(entry["Key"])
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

    def _uploads(self, prefix: str | None = None, *, quietly: bool = False) -> Iterator[Mapping[str, Any]]:
        """The uploads that were begun and not ended. A store without such uploads has none."""
        pages = self.client.get_paginator("list_multipart_uploads").paginate(
            Bucket=self.place.bucket, Prefix=self.scope.folder if prefix is None else prefix
        )
        try:
            for page in pages:
                yield from page.get("Uploads", ())
        except (BotoCoreError, ClientError) as error:
            problem: DsrError = translated(error, "list uploads in parts")
            if not isinstance(problem, NotSupported) and not (quietly and isinstance(problem, NotAllowed)):
                raise problem from None

    def close(self) -> None:
        with contextlib.suppress(BotoCoreError):
            if "client" in self.__dict__:
                self.client.close()
