"""A bucket of Google Cloud Storage as it is read: its objects in all generations, and what only a listing shows. It writes nothing."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from google.auth.credentials import AnonymousCredentials

from dsr_engine.domain.errors import Conflict, DsrError, InputWrong
from dsr_engine.domain.record import Gap
from dsr_engine.domain.system import System
from dsr_engine.drivers.objectstore.gcs_errors import asking
from dsr_engine.drivers.objectstore.ranged import RangedFile
from dsr_engine.drivers.objectstore.scope import Scope
from dsr_engine.drivers.objectstore.shelf import WHOLE, Labels, Stored, Stretch

#: Metadata that names the generation which this engine rewrote.
REPLACES = "dsr-replaces"
#: Nothing is tried twice here: `wrapped` does that, and only for reading. Seconds.
ONCE: Mapping[str, Any] = {"retry": None, "timeout": 60}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a bucket is. `base` is empty, ends with `/`, or is one object's name or a folder without its slash."""

    bucket: str
    base: str
    endpoint: str

    @classmethod
    def of(cls, system: System) -> "Place":
        """Reads `url` (`gs://bucket/prefix`) and `endpoint_url`. Raises `InputWrong` (`gcs.settings`)."""
        parts = urlsplit(system.setting("url"))
        if not parts.netloc:
            raise InputWrong(f"{system.name} names no bucket", code="gcs.settings", hint="set url: gs://bucket/prefix")
        return cls(parts.netloc, system.setting("prefix") or parts.path.lstrip("/"), system.setting("endpoint_url").rstrip("/"))


class GcsBucket:
    """The reading half of the protocol for one bucket and prefix.

    Without `endpoint_url` the account is that of the machine (GOOGLE_APPLICATION_CREDENTIALS); with it, an emulator's, which asks for none.
    """

    def __init__(self, system: System) -> None:
        self.place = Place.of(system)
        self.scope = Scope(self.place.base)

    @cached_property
    def client(self) -> Any:
        storage = import_module("google.cloud.storage")
        with asking("connect"):
            if self.place.endpoint:
                return storage.Client("-", credentials=AnonymousCredentials(), client_options={"api_endpoint": self.place.endpoint})
            return storage.Client()

    @property
    def bucket(self) -> Any:
        return self.client.bucket(self.place.bucket)

    @cached_property
    def settings(self) -> Any:
        """The bucket's own settings. Raises `InputWrong` where there is no such bucket."""
        bucket = self.bucket
        try:
            with asking("read the bucket's settings"):
                bucket.reload(**ONCE)
        except Conflict:
            raise InputWrong("there is no such bucket here", code="gcs.no_bucket", hint="check the bucket and endpoint_url") from None
        return bucket

    @property
    def server(self) -> str:
        """Endpoint and bucket; names of buckets are unique in the world."""
        return f"{self.place.endpoint or 'https://storage.googleapis.com'}/{self.place.bucket}"

    def segments(self) -> Iterator[str]:
        kinds: list[dict[str, bool]] = [{"versions": True}]
        if self.keeps_deleted:
            kinds.append({"soft_deleted": True})
        for kind in kinds:
            with asking("list the bucket"):
                for page in self.client.list_blobs(self.place.bucket, prefix=self.scope.folder, delimiter="/", **kind, **ONCE).pages:
                    for prefix in page.prefixes:
                        yield prefix[len(self.scope.folder) :].split("/", 1)[0]

    def listing(self, prefix: str, *, is_deep: bool, within: Stretch = WHOLE) -> Iterator[Stored | Gap]:
        for stored in self._listed(self.scope.folder + prefix, within.after):
            if within.is_behind(stored.key):
                break
            if (is_deep or "/" not in stored.path) and within.holds(stored.key):
                yield stored
        if not prefix and self.scope.may_be_one_object and within.holds(self.place.base):
            yield from self.versions(self.place.base)
        if within.is_first:
            yield from self._soft_deleted(self.scope.folder + prefix, is_deep=is_deep)

    def versions(self, key: str) -> tuple[Stored, ...]:
        if self.scope.path_of(key) is None:
            raise Conflict("an object lies outside the system's prefix", code="gcs.out_of_scope", hint="was the prefix changed since the search?")
        found = []
        for stored in self._listed(key, key):
            if stored.key != key:
                break
            found.append(stored)
        return tuple(found)

    def _listed(self, prefix: str, start: str = "") -> Iterator[Stored]:
        more = {"start_offset": start} if start else {}
        try:
            with asking("list the bucket"):
                for blob in self.client.list_blobs(self.place.bucket, prefix=prefix, versions=True, **more, **ONCE):
                    path = self.scope.path_of(blob.name)
                    if path is not None:
                        yield _stored(blob, path)
        except Conflict:
            raise InputWrong("there is no such bucket here", code="gcs.no_bucket", hint="check the bucket and endpoint_url") from None

    def _soft_deleted(self, prefix: str, *, is_deep: bool) -> Iterator[Gap]:
        """What the bucket keeps of deleted objects: it can be restored by whoever may, and read by nobody."""
        if not self.keeps_deleted:
            return
        try:
            with asking("list what is softly deleted"):
                for blob in self.client.list_blobs(self.place.bucket, prefix=prefix, soft_deleted=True, **ONCE):
                    path = self.scope.path_of(blob.name) or blob.name
                    if is_deep or "/" not in path:
                        yield Gap(
                            path, "gcs.soft_deleted", "a deleted object is kept by soft delete and cannot be read; it is gone when its period ends"
                        )
        except DsrError as error:
            yield Gap(prefix, "gcs.soft_deleted_unlisted", f"what soft delete keeps could not be listed: {error.message}")

    @property
    def keeps_deleted(self) -> int:
        """For how many seconds soft delete keeps what is deleted; 0 for not at all."""
        policy = self.settings.soft_delete_policy
        return int(policy.retention_duration_seconds or 0) if policy is not None else 0

    def blob(self, stored: Stored) -> Any:
        """This very generation."""
        return self.bucket.blob(stored.key, generation=int(stored.version or 0))

    def properties(self, stored: Stored) -> Any:
        """What the store says of this generation beside its bytes."""
        blob = self.blob(stored)
        with asking("read an object's labels"):
            blob.reload(if_metageneration_match=int(stored.tag), **ONCE)
        return blob

    def labels(self, stored: Stored) -> Labels:
        found = self.properties(stored)
        metadata = dict(found.metadata or {})
        replaces = metadata.pop(REPLACES, "")
        headers = {name: getattr(found, name) for name in KEPT if getattr(found, name)}
        if found.custom_time:
            headers["custom_time"] = found.custom_time.isoformat()
        notes = {"content-disposition": found.content_disposition} if found.content_disposition else {}
        return Labels(found.content_type or "", metadata, {}, headers, replaces, notes)

    def open(self, stored: Stored) -> BinaryIO:
        """One generation as it is stored: what is stored compressed is not unpacked on the way (`raw_download`)."""
        blob = self.blob(stored)

        def fetch(start: int, end: int) -> bytes:
            with asking("read an object"):
                return bytes(blob.download_as_bytes(start=start, end=end - 1, raw_download=True, checksum=None, **ONCE))

        return io.BufferedReader(RangedFile(stored.size, fetch), buffer_size=64 * 1024)

    def close(self) -> None:
        if "client" in self.__dict__:
            self.client.close()


#: Headers that a rewrite keeps, by the names of the library.
KEPT = ("cache_control", "content_encoding", "content_language", "storage_class", "kms_key_name")


def _stored(blob: Any, path: str) -> Stored:
    return Stored(blob.name, str(blob.generation), path, int(blob.size or 0), blob.updated, str(blob.metageneration), blob.time_deleted is None)
