"""A container of Azure Blob Storage as a shelf: what is written, in which order, and why being killed in between is harmless.

Without versions a blob is overwritten in place (If-Match); its snapshots are versions of their own and stay until they are deleted. With versions an
overwritten blob becomes an older version, which is deleted by its id afterwards; `dsr_replaces` on the new one leads from the old to it. A blob
can only be deleted when its snapshots go with it. What soft delete keeps nobody can remove before its period ends: it is told, each time.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, BinaryIO

from azure.core import MatchConditions
from azure.storage.blob import ContentSettings, StandardBlobTier

from dsr_engine.content.stream import opened
from dsr_engine.domain.clock import SystemClock
from dsr_engine.domain.errors import Conflict, DsrError, NotAllowed, NotSupported
from dsr_engine.domain.plan import Delete, Effect
from dsr_engine.domain.record import Gap
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import Problem, Traits
from dsr_engine.drivers.objectstore.azure_container import REPLACES, SNAPSHOT, VERSION, Container
from dsr_engine.drivers.objectstore.azure_errors import asking
from dsr_engine.drivers.objectstore.composed import Composed
from dsr_engine.drivers.objectstore.shelf import WHOLE, Labels, Sameness, Stored, Stretch

#: Bytes; Azure's limit for all metadata of a blob.
_METADATA_LIMIT = 8192


class AzureShelf:
    """One container and prefix."""

    def __init__(self, system: System) -> None:
        self._container = Container(system)
        self.traits = Traits(conditional_change=True)

    @property
    def server(self) -> str:
        return self._container.server

    @property
    def is_ordered(self) -> bool:
        return self._container.is_ordered

    def segments(self) -> Iterator[str]:
        return self._container.segments()

    def listing(self, prefix: str, *, is_deep: bool = True, within: Stretch = WHOLE) -> Iterator[Stored | Gap]:
        return self._container.listing(prefix, is_deep=is_deep, within=within)

    def versions(self, key: str) -> Sequence[Stored]:
        return self._container.versions(key)

    def uploads(self, key: str) -> Sequence[Stored]:  # noqa: ARG002  # blocks that nobody put together vanish after a week, and cannot be read
        return ()

    def open(self, stored: Stored) -> BinaryIO:
        return self._container.open(stored)

    def labels(self, stored: Stored) -> Labels:
        return self._container.labels(stored)

    def sameness(self, stored: Stored) -> Sameness | None:
        """The ETag, which every write changes, appended blocks and written pages too."""
        return Sameness(stored.tag, stored.modified) if stored.tag else None

    def close(self) -> None:
        self._container.close()

    def check(self) -> Sequence[Problem]:
        problems: list[Problem] = []
        first = next((one for one in self.listing("") if isinstance(one, Stored)), None)
        if first is None:
            problems.append(Problem("azure.empty", "nothing lies under the prefix", "check container and prefix", is_fatal=False))
        else:
            try:
                self.open(first).read(1)
            except DsrError as error:
                problems.append(Problem(error.code, error.message, error.hint, is_fatal=isinstance(error, NotAllowed)))
        if kept := self._soft_delete:
            problems.append(kept)
        return problems

    @cached_property
    def _soft_delete(self) -> Problem | None:
        """How long the account keeps what is deleted, where that may be read."""
        try:
            with asking("read how long deleted blobs are kept"):
                policy: Any = self._container.service.get_service_properties()["delete_retention_policy"]
        except DsrError:
            hint = "whoever runs the account can tell: Data protection, Soft delete"
            return Problem("azure.soft_delete_unknown", "it cannot be read whether deleted blobs are kept (soft delete)", hint, is_fatal=False)
        if not policy.enabled:
            return None
        said = f"soft delete keeps deleted and overwritten blobs for {policy.days} days, and nobody can remove them earlier"
        return Problem("azure.soft_delete", said, "certificates should name it: residuals of the connector", is_fatal=False)

    def refusal(self, stored: Stored, effect: Effect, going: frozenset[str | None]) -> Problem | None:
        try:
            found = self._container.properties(stored)
        except Conflict:
            return None  # gone meanwhile: drift, which is told elsewhere
        if lock := _lock_on(found):
            return lock
        if isinstance(effect, Delete):
            staying = [one for one in self.versions(stored.key) if (one.version or "").startswith(SNAPSHOT) and one.version not in going]
            if stored.is_current and staying:
                return Problem("azure.snapshots", "a blob cannot be deleted while snapshots of it stay", "delete its snapshots too")
            return None
        return _rewrite_refusal(stored, found)

    def delete(self, stored: Stored) -> None:
        blob = self._container.blob(stored)
        if stored.is_current:
            # With versions this makes the blob an older version of itself, which goes next.
            with asking("delete a blob"):
                self._container.client.get_blob_client(stored.key).delete_blob(etag=f'"{stored.tag}"', match_condition=MatchConditions.IfNotModified)
            if not (stored.version or "").startswith(VERSION):
                self._insist_gone(stored)
                return
        with asking("delete an older version of a blob"):
            blob.delete_blob()
        self._insist_gone(stored)

    def _insist_gone(self, stored: Stored) -> None:
        if any((one.version, one.tag) == (stored.version, stored.tag) for one in self.versions(stored.key)):
            raise NotSupported("the store said that a blob is deleted, and it is still there", code="azure.not_deleted", hint="is it locked?")

    def successor(self, stored: Stored) -> Stored | None:
        others = [one for one in self.versions(stored.key) if one.version != stored.version]
        return next((one for one in others if stored.version and self.labels(one).replaces == stored.version), None)

    def replace(self, stored: Stored, labels: Labels, content: Composed) -> Stored:
        kept = {name: labels.headers[name] for name in ("content_encoding", "content_language", "cache_control") if name in labels.headers}
        settings = ContentSettings(content_type=labels.content_type or None, content_disposition=labels.notes.get("content-disposition"), **kept)
        more: dict[str, Any] = {"tags": dict(labels.tags)} if labels.tags else {}
        if "tier" in labels.headers:
            more["standard_blob_tier"] = StandardBlobTier(labels.headers["tier"])
        if "encryption_scope" in labels.headers:
            more["encryption_scope"] = labels.headers["encryption_scope"]
        metadata = dict(labels.metadata) | ({REPLACES: stored.version} if stored.version else {})
        with asking("write a blob"), opened(content.read_from) as data:
            self._container.client.get_blob_client(stored.key).upload_blob(
                data,
                length=content.size,
                overwrite=True,
                metadata=metadata,
                content_settings=settings,
                etag=f'"{stored.tag}"',
                match_condition=MatchConditions.IfNotModified,
                **more,
            )
        current = next((one for one in self.versions(stored.key) if one.is_current), None)
        if current is None or current.tag == stored.tag:
            raise Conflict("the blob changed while it was rewritten", code="azure.changed")
        return current

    def withdraw(self, successor: Stored, stored: Stored) -> None:
        """What was overwritten in place cannot be taken back; with versions the older one is made the current one again."""
        if (stored.version or "").startswith(VERSION):
            with asking("take a blob back"):
                self._container.client.get_blob_client(stored.key).start_copy_from_url(self._container.blob(stored).url, requires_sync=True)
            with asking("delete an older version of a blob"):
                self._container.blob(successor).delete_blob()


def _lock_on(found: Any) -> Problem | None:
    """An immutability policy or a legal hold on this version. Neither is ever circumvented."""
    until = found.immutability_policy.expiry_time if found.immutability_policy is not None else None
    if until is not None and until > SystemClock().now():
        return Problem("azure.locked", f"the blob is immutable until {until.date().isoformat()}", "wait for that day")
    if found.has_legal_hold:
        return Problem("azure.locked", "a legal hold lies on the blob, without a date", "whoever placed the hold must lift it")
    return None


def _rewrite_refusal(stored: Stored, found: Any) -> Problem | None:
    if not stored.is_current:
        hint = "the policy may delete superseded versions (request: superseded: delete)"
        return Problem("azure.noncurrent", "a snapshot or an old version cannot be rewritten in place", hint)
    if str(found.blob_type) not in ("BlobType.BLOCKBLOB", "BlockBlob"):
        return Problem("azure.blob_type", "append and page blobs cannot be rewritten at once", "delete the blob instead")
    if sum(len(name) + len(value) for name, value in (found.metadata or {}).items()) > _METADATA_LIMIT - 100:
        return Problem("azure.metadata_full", "the blob's metadata leaves no room for the link to its successor", "delete the blob instead")
    return None
