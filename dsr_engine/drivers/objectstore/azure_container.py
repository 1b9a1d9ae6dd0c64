"""A container of Azure Blob Storage as it is read: its blobs, their snapshots and versions, and what only a listing shows. It writes nothing."""

import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from azure.core import MatchConditions
from azure.storage.blob import BlobServiceClient

from dsr_engine.domain.errors import Conflict, InputWrong, NotAllowed, NotSupported
from dsr_engine.domain.record import Gap
from dsr_engine.domain.system import System
from dsr_engine.drivers.objectstore.azure_errors import asking, optional
from dsr_engine.drivers.objectstore.ranged import BLOCK, RangedFile
from dsr_engine.drivers.objectstore.scope import Scope
from dsr_engine.drivers.objectstore.shelf import WHOLE, Labels, Stored, Stretch

#: Metadata that names the version which this engine rewrote. Names of metadata are names of C# (learn.microsoft.com, "Set Blob Metadata").
REPLACES = "dsr_replaces"
#: What `Stored.version` begins with for a snapshot and for a version; the blob itself has an empty one.
SNAPSHOT, VERSION = "snapshot:", "version:"
_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Place:
    """Where a container is. `base` is empty, ends with `/`, or is one blob's name or a folder without its slash."""

    container: str
    base: str
    endpoint: str

    @classmethod
    def of(cls, system: System) -> "Place":
        """Reads `url` (`az://container/prefix`) and `endpoint_url` (else the account's own). Raises `InputWrong` (`azure.settings`)."""
        parts = urlsplit(system.setting("url"))
        account = system.setting("access_key") or os.environ.get("AZURE_STORAGE_ACCOUNT", "")
        if not parts.netloc:
            raise InputWrong(f"{system.name} names no container", code="azure.settings", hint="set url: az://container/prefix")
        if not account and not system.setting("endpoint_url"):
            raise InputWrong(
                f"{system.name} names no storage account",
                code="azure.settings",
                hint="set access_key to the account's name, or AZURE_STORAGE_ACCOUNT",
            )
        endpoint = system.setting("endpoint_url") or f"https://{account}.blob.core.windows.net"
        return cls(parts.netloc, system.setting("prefix") or parts.path.lstrip("/"), endpoint.rstrip("/"))


class Container:
    """The reading half of the protocol for one container and prefix."""

    is_ordered = False

    def __init__(self, system: System) -> None:
        self.place = Place.of(system)
        self.scope = Scope(self.place.base)
        account = system.setting("access_key") or os.environ.get("AZURE_STORAGE_ACCOUNT", "")
        secret = system.setting("secret_key") or os.environ.get("AZURE_STORAGE_KEY", "") or os.environ.get("AZURE_STORAGE_SAS_TOKEN", "")
        # A key belongs to an account's name; a shared access signature is words of a query, and none is a public container.
        self._credential: Any = {"account_name": account, "account_key": secret} if secret and "sig=" not in secret else secret.lstrip("?") or None

    @cached_property
    def service(self) -> Any:
        """One connection pool. Nothing is tried twice here: `wrapped` does that, and only for reading."""
        sizes = {"max_single_put_size": 2 * BLOCK, "max_block_size": 2 * BLOCK, "max_single_get_size": BLOCK, "max_chunk_get_size": BLOCK}
        patience = {"retry_total": 0, "connection_timeout": 10, "read_timeout": _SECONDS}
        return BlobServiceClient(self.place.endpoint, credential=self._credential, **patience, **sizes)

    @cached_property
    def client(self) -> Any:
        return self.service.get_container_client(self.place.container)

    @property
    def server(self) -> str:
        """Endpoint and container."""
        return f"{self.place.endpoint}/{self.place.container}"

    def segments(self) -> Iterator[str]:
        with asking("list the container"):
            for found in self.client.walk_blobs(name_starts_with=self.scope.folder, delimiter="/"):
                if found.name.endswith("/"):
                    yield found.name[len(self.scope.folder) :].split("/", 1)[0]

    def listing(self, prefix: str, *, is_deep: bool, within: Stretch = WHOLE) -> Iterator[Stored | Gap]:
        for stored in self._listed(self.scope.folder + prefix):
            if isinstance(stored, Gap):
                if within.is_first and (is_deep or "/" not in stored.collection):
                    yield stored
            elif (is_deep or "/" not in stored.path) and within.holds(stored.key):
                yield stored
        if not prefix and self.scope.may_be_one_object and within.holds(self.place.base):
            yield from self.versions(self.place.base)

    def versions(self, key: str) -> tuple[Stored, ...]:
        if self.scope.path_of(key) is None:
            raise Conflict("a blob lies outside the system's prefix", code="azure.out_of_scope", hint="was the prefix changed since the search?")
        return tuple(one for one in self._listed(key, key) if isinstance(one, Stored))

    def _listed(self, prefix: str, only: str = "") -> Iterator[Stored | Gap]:
        with asking("list the container"):
            for blob in self.client.list_blobs(name_starts_with=prefix, include=self._included):
                if only and blob.name != only:
                    if blob.name > only:
                        return
                    continue
                path = self.scope.path_of(blob.name)
                if path is not None:
                    yield self._stored(blob, path)

    @cached_property
    def _included(self) -> Sequence[str]:
        """What listings show besides blobs: as much of it as this account and this server know."""
        for wanted in (["snapshots", "versions", "deleted", "deletedwithversions"], ["snapshots", "deleted"], ["snapshots"]):
            try:
                with asking("list the container"):
                    next(iter(self.client.list_blobs(name_starts_with=self.scope.folder, include=wanted, results_per_page=1)), None)
            except (NotSupported, NotAllowed):
                continue
            return wanted
        return []

    @staticmethod
    def _stored(blob: Any, path: str) -> Stored | Gap:
        if blob.deleted:
            days = blob.remaining_retention_days
            reason = (
                f"a deleted blob is kept by soft delete and cannot be read; it is gone {f'within {days} days' if days else 'when its period ends'}"
            )
            return Gap(path, "azure.soft_deleted", reason)
        version = f"{SNAPSHOT}{blob.snapshot}" if blob.snapshot else f"{VERSION}{blob.version_id}" if blob.version_id else ""
        is_current = not blob.snapshot and (not blob.version_id or bool(blob.is_current_version))
        return Stored(blob.name, version, path, int(blob.size or 0), blob.last_modified, optional(blob.etag).strip('"'), is_current)

    def blob(self, stored: Stored) -> Any:
        """The client of exactly this version."""
        version = stored.version or ""
        if version.startswith(SNAPSHOT):
            return self.client.get_blob_client(stored.key, snapshot=version.removeprefix(SNAPSHOT))
        if version.startswith(VERSION):
            return self.client.get_blob_client(stored.key, version_id=version.removeprefix(VERSION))
        return self.client.get_blob_client(stored.key)

    def open(self, stored: Stored) -> BinaryIO:
        blob, condition = self.blob(stored), matching(stored)

        def fetch(start: int, end: int) -> bytes:
            with asking("read a blob"):
                return bytes(blob.download_blob(start, end - start, **condition).readall())

        return io.BufferedReader(RangedFile(stored.size, fetch), buffer_size=64 * 1024)

    def properties(self, stored: Stored) -> Any:
        """What the store says of this version beside its bytes."""
        with asking("read a blob's labels"):
            return self.blob(stored).get_blob_properties(**matching(stored))

    def labels(self, stored: Stored) -> Labels:
        found = self.properties(stored)
        metadata = dict(found.metadata or {})
        replaces = metadata.pop(REPLACES, "")
        settings = found.content_settings
        headers = {
            "content_encoding": settings.content_encoding,
            "content_language": settings.content_language,
            "cache_control": settings.cache_control,
            "tier": None if found.blob_tier_inferred else found.blob_tier,
            "encryption_scope": found.encryption_scope,
        }
        notes = {"content-disposition": settings.content_disposition} if settings.content_disposition else {}
        kept = {name: str(value) for name, value in headers.items() if value}
        return Labels(optional(settings.content_type), metadata, self._tags(stored), kept, replaces, notes)

    def _tags(self, stored: Stored) -> Mapping[str, str]:
        try:
            with asking("read a blob's tags"):
                return dict(self.blob(stored).get_blob_tags())
        except NotSupported:
            return {}

    def close(self) -> None:
        if "service" in self.__dict__:
            self.service.close()


def matching(stored: Stored) -> dict[str, Any]:
    """The condition that a blob is still the one that was seen. Snapshots and versions do not change."""
    if stored.version or not stored.tag:
        return {}
    return {"etag": f'"{stored.tag}"', "match_condition": MatchConditions.IfNotModified}
