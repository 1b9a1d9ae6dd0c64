"""A bucket of Google Cloud Storage as a shelf: what is written, in which order, and why being killed in between is harmless.

Every write makes a new generation, under the condition that the one which was read is still the live one (ifGenerationMatch). With versioning
the old one stays as a noncurrent generation until it is deleted by its number; without, it is gone at once. `dsr-replaces` leads from old to new.
What soft delete keeps nobody can remove before its period ends (seven days, unless the bucket says otherwise): it is told, each time.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, BinaryIO

from dsr_engine.content.stream import opened
from dsr_engine.domain.clock import SystemClock
from dsr_engine.domain.errors import Conflict, DsrError, NotAllowed, NotSupported
from dsr_engine.domain.plan import Delete, Effect
from dsr_engine.domain.record import Gap
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import Problem, Traits
from dsr_engine.drivers.objectstore.composed import Composed
from dsr_engine.drivers.objectstore.gcs_bucket import KEPT, ONCE, REPLACES, GcsBucket
from dsr_engine.drivers.objectstore.gcs_errors import asking
from dsr_engine.drivers.objectstore.shelf import WHOLE, Labels, Sameness, Stored, Stretch

#: Bytes; the limit for all custom metadata of an object.
_METADATA_LIMIT = 8192


class GcsShelf:
    """One bucket and prefix."""

    #: Names come in the order of their UTF-8 bytes (cloud.google.com/storage, "Object listing").
    is_ordered = True

    def __init__(self, system: System) -> None:
        self._bucket = GcsBucket(system)
        self.traits = Traits(conditional_change=True)

    @property
    def server(self) -> str:
        return self._bucket.server

    def segments(self) -> Iterator[str]:
        return self._bucket.segments()

    def listing(self, prefix: str, *, is_deep: bool = True, within: Stretch = WHOLE) -> Iterator[Stored | Gap]:
        return self._bucket.listing(prefix, is_deep=is_deep, within=within)

    def versions(self, key: str) -> Sequence[Stored]:
        return self._bucket.versions(key)

    def uploads(self, key: str) -> Sequence[Stored]:  # noqa: ARG002  # resumable uploads are listed nowhere and vanish after a week
        return ()

    def open(self, stored: Stored) -> BinaryIO:
        return self._bucket.open(stored)

    def labels(self, stored: Stored) -> Labels:
        return self._bucket.labels(stored)

    def sameness(self, stored: Stored) -> Sameness | None:
        """The generation: its bytes never change (Cloud Storage documentation, *Object Versioning*)."""
        return Sameness(str(stored.version), stored.modified) if stored.version else None

    def close(self) -> None:
        self._bucket.close()

    def check(self) -> Sequence[Problem]:
        problems: list[Problem] = []
        first = next((one for one in self.listing("") if isinstance(one, Stored)), None)
        if first is None:
            problems.append(Problem("gcs.empty", "nothing lies under the prefix", "check bucket and prefix", is_fatal=False))
        else:
            try:
                self.open(first).read(1)
            except DsrError as error:
                problems.append(Problem(error.code, error.message, error.hint, is_fatal=isinstance(error, NotAllowed)))
        if days := -(-self._bucket.keeps_deleted // 86_400):
            said = f"soft delete keeps deleted and overwritten objects for {days} days, and nobody can remove them earlier"
            problems.append(Problem("gcs.soft_delete", said, "certificates should name it: residuals of the connector", is_fatal=False))
        return problems

    def refusal(self, stored: Stored, effect: Effect, going: frozenset[str | None]) -> Problem | None:  # noqa: ARG002  # generations stand alone
        try:
            found = self._bucket.properties(stored)
        except Conflict:
            return None  # gone meanwhile: drift, which is told elsewhere
        if lock := _lock_on(found):
            return lock
        return None if isinstance(effect, Delete) else self._rewrite_refusal(stored, found)

    def _rewrite_refusal(self, stored: Stored, found: Any) -> Problem | None:
        if not stored.is_current:
            hint = "the policy may delete superseded versions (request: superseded: delete)"
            return Problem("gcs.noncurrent", "an old generation cannot be rewritten in place", hint)
        if sum(len(name) + len(value) for name, value in (found.metadata or {}).items()) > _METADATA_LIMIT - 100:
            return Problem("gcs.metadata_full", "the object's metadata leaves no room for the link to its successor", "delete the object instead")
        if not self._bucket.settings.iam_configuration.uniform_bucket_level_access_enabled:
            return Problem(
                "gcs.acl",
                "the bucket grants objects one by one, and a rewrite would lose that",
                "use uniform bucket-level access, or delete the object",
            )
        return None

    def delete(self, stored: Stored) -> None:
        """Deleting a generation by its number removes it and makes no other one live. Without versioning its successor has taken its place."""
        try:
            with asking("delete an object"):
                self._bucket.blob(stored).delete(if_metageneration_match=int(stored.tag), **ONCE)
        except Conflict as error:
            if error.code != "gcs.gone" or self.successor(stored) is None:
                raise
        if any(one.version == stored.version for one in self.versions(stored.key)):
            raise NotSupported("the store said that an object is deleted, and it is still there", code="gcs.not_deleted", hint="is it held?")

    def successor(self, stored: Stored) -> Stored | None:
        others = [one for one in self.versions(stored.key) if one.version != stored.version]
        return next((one for one in others if self.labels(one).replaces == stored.version), None)

    def replace(self, stored: Stored, labels: Labels, content: Composed) -> Stored:
        blob = self._bucket.bucket.blob(stored.key, kms_key_name=labels.headers.get("kms_key_name"))
        blob.metadata = {**labels.metadata, REPLACES: stored.version or ""}
        blob.content_disposition = labels.notes.get("content-disposition")
        for name in KEPT:
            if name in labels.headers and name != "kms_key_name":
                setattr(blob, name, labels.headers[name])
        if "custom_time" in labels.headers:
            blob.custom_time = datetime.fromisoformat(labels.headers["custom_time"])
        conditions = {"if_generation_match": int(stored.version or 0), "if_metageneration_match": int(stored.tag)}
        with asking("write an object"), opened(content.read_from) as data:
            blob.upload_from_file(data, size=content.size, content_type=labels.content_type or None, **conditions, **ONCE)
        current = [one for one in self.versions(stored.key) if one.is_current]
        if not current or current[0].version != str(blob.generation):
            raise Conflict("the object changed while it was rewritten", code="gcs.changed")
        return current[0]

    def withdraw(self, successor: Stored, stored: Stored) -> None:
        """With versioning the old generation is copied over the successor, which then goes; without, nothing stands behind it."""
        if all(one.version != stored.version for one in self.versions(stored.key)):
            return
        conditions = {"if_generation_match": int(successor.version or 0), "source_generation": int(stored.version or 0)}
        with asking("take an object back"):
            bucket = self._bucket.bucket
            bucket.copy_blob(self._bucket.blob(stored), bucket, stored.key, **conditions, **ONCE)
        self.delete(successor)


def _lock_on(found: Any) -> Problem | None:
    """A retention or a hold on this generation. Neither is ever circumvented."""
    own = found.retention.retain_until_time if found.retention is not None else None
    until = max(filter(None, (found.retention_expiration_time, own)), default=None)
    if until is not None and until > SystemClock().now():
        return Problem("gcs.locked", f"the object is retained until {until.date().isoformat()}", "wait for that day")
    if found.temporary_hold or found.event_based_hold:
        return Problem("gcs.locked", "a hold lies on the object, without a date", "whoever placed the hold must release it")
    return None
