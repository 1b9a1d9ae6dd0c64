"""A bucket as a shelf: what is written, in which order, and why being killed in between is harmless.

Rewrite in a bucket with versions: 1. PUT the successor (If-Match), 2. read it back, 3. DELETE the old version by its id.
Killed between 1 and 3: the old version is still there, `successor` finds the new one by its `dsr-replaces` label, and only 3 is done.
After 3: the old locator is gone and the label leads to where it moved. Without versions the PUT replaces in place.

Delete of a current version whose older ones stay: 1. put a delete marker, 2. DELETE the version.
Killed in between: readers already see nothing, and 2 is done again. The other way round an older version would be read in the meantime.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, BinaryIO

from dsr_engine.domain.errors import Conflict, NotAllowed, NotSupported
from dsr_engine.domain.plan import Delete, Effect
from dsr_engine.domain.record import Gap
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import Problem, Traits
from dsr_engine.drivers.objectstore.composed import Composed
from dsr_engine.drivers.objectstore.s3_bucket import Bucket
from dsr_engine.drivers.objectstore.s3_errors import asking
from dsr_engine.drivers.objectstore.s3_grants import grants_of, same_grants
from dsr_engine.drivers.objectstore.s3_locks import lock_on
from dsr_engine.drivers.objectstore.s3_probe import Ability, configured, lock_configuration, probe, shortcomings
from dsr_engine.drivers.objectstore.s3_writing import Writing
from dsr_engine.drivers.objectstore.shelf import UPLOAD_VERSION, WHOLE, Labels, Sameness, Stored, Stretch

#: Bytes; S3's limit for all user metadata of an object.
_METADATA_LIMIT = 2048


class S3Shelf:
    """One bucket and prefix."""

    def __init__(self, system: System) -> None:
        self._bucket = Bucket(system)
        self.traits = Traits(conditional_change=False)

    @property
    def server(self) -> str:
        return self._bucket.server

    def segments(self) -> Iterator[str]:
        return self._bucket.segments()

    @property
    def is_ordered(self) -> bool:
        return self._bucket.is_ordered

    def listing(self, prefix: str, *, is_deep: bool = True, within: Stretch = WHOLE) -> Iterator[Stored | Gap]:
        return self._bucket.listing(prefix, is_deep=is_deep, within=within)

    def uploads(self, key: str) -> Sequence[Stored]:
        return self._bucket.uploads(key)

    def versions(self, key: str) -> Sequence[Stored]:
        return self._bucket.versions(key)

    def open(self, stored: Stored) -> BinaryIO:
        return self._bucket.open(stored)

    def labels(self, stored: Stored) -> Labels:
        return self._bucket.labels(stored)

    def sameness(self, stored: Stored) -> Sameness | None:
        """The ETag, which every write changes; not all compatible stores give one."""
        return Sameness(stored.tag, stored.modified) if stored.tag.strip('"') else None

    def close(self) -> None:
        self._bucket.close()

    def check(self) -> Sequence[Problem]:
        problems = list(configured(self._bucket))
        first = next((one for one in self._bucket.listing("", is_deep=True) if isinstance(one, Stored)), None)
        if first is None:
            problems.append(Problem("s3.empty", "nothing lies under the prefix", "check bucket and prefix", is_fatal=False))
        elif first.bare is None:
            problems += _denied(lambda: self.open(first).read(1), "s3.get_denied")
        return (*problems, *self._write_problems())

    def _write_problems(self) -> list[Problem]:
        if self._locks_new_objects:
            return [Problem("s3.write_untested", "new objects are locked by default, so writing was not tried", is_fatal=False)]
        return _denied(lambda: self._ability, "s3.read_only") or list(shortcomings(self._ability))

    @cached_property
    def _ability(self) -> Ability:
        """Found out on a scratch key at the first use. Where new objects are locked by default nothing is tried and nothing is relied on."""
        ability = Ability() if self._locks_new_objects else probe(self._bucket)
        self.traits = Traits(conditional_change=ability.puts_if_match and ability.deletes_if_match, keeps_versions=self._bucket.is_versioned)
        return ability

    @cached_property
    def _locks(self) -> Mapping[str, Any]:
        """The Object Lock configuration. Where it may not be read, the store itself refuses to delete what is locked."""
        try:
            return lock_configuration(self._bucket)
        except NotAllowed:
            return {}

    @property
    def _locks_new_objects(self) -> bool:
        return "Rule" in self._locks

    def refusal(self, stored: Stored, effect: Effect, going: frozenset[str | None]) -> Problem | None:
        if stored.is_upload:
            return None if isinstance(effect, Delete) else Problem("s3.upload", "an upload that never ended cannot be rewritten", "delete it")
        if self._bucket.needs_second_factor:
            return Problem("s3.mfa_delete", "versions here can be deleted with a second factor only", "whoever has the device must delete them")
        if stored.is_marker:
            return self._marker_refusal(stored, effect, going)
        if self._locks and (lock := lock_on(self._bucket, stored)):
            return lock
        return None if isinstance(effect, Delete) else self._rewrite_refusal(stored)

    def _marker_refusal(self, stored: Stored, effect: Effect, going: frozenset[str | None]) -> Problem | None:
        if not isinstance(effect, Delete):
            return Problem("objectstore.name", "a delete marker has no content to rewrite", "delete the marker")
        staying = [one for one in self.versions(stored.key) if not one.is_marker and one.version not in going]
        if stored.is_current and staying:
            return Problem("s3.would_resurface", "without this delete marker an older version would be read again", "delete the older versions too")
        return None

    def _rewrite_refusal(self, stored: Stored) -> Problem | None:
        if not stored.is_current:
            return Problem(
                "s3.noncurrent",
                "an old version cannot be rewritten in place",
                "the policy may delete superseded versions (request: superseded: delete)",
            )
        others = {one.version for one in self.versions(stored.key)} - {stored.version}
        if self._bucket.versioning == "Suspended" and stored.version != "null" and "null" in others:
            return Problem("s3.suspended", "with versioning suspended a rewrite would overwrite another version", "enable versioning again")
        labels = self.labels(stored)
        if sum(len(name) + len(value.encode()) for name, value in labels.metadata.items()) > _METADATA_LIMIT - 100:
            return Problem("s3.metadata_full", "the object's metadata leaves no room for the link to its successor", "delete the object instead")
        if not self._bucket.is_versioned and grants_of(self._bucket, stored):
            return Problem(
                "s3.grants",
                "the object is granted to others, and without versions a rewrite that loses that cannot be taken back",
                "delete the object, or remove its ACL grants first",
            )
        return None

    def delete(self, stored: Stored) -> None:
        if stored.is_upload:
            self._abort(stored)
            return
        if not self._bucket.is_versioned:
            self._delete_in_place(stored)
            return
        now = self.versions(stored.key)
        older = [one for one in now if not one.is_marker and one.version != stored.version]
        is_current = any(one.is_current and one.version == stored.version for one in now)
        if is_current and older and stored.is_marker:
            raise NotSupported("without this delete marker an older version would be read again", code="s3.would_resurface")
        if is_current and older:
            condition = {"IfMatch": stored.tag} if self._ability.deletes_if_match else {}
            with asking("put a delete marker"):
                self._bucket.client.delete_object(Bucket=self._bucket.place.bucket, Key=stored.key, **condition)
        self._delete_version(stored)
        self._sweep_markers(stored.key)

    def _abort(self, stored: Stored) -> None:
        """A part that was under way may arrive after the first try (Amazon S3 API, *AbortMultipartUpload*), so it is looked for."""
        named = {"Bucket": self._bucket.place.bucket, "Key": stored.key, "UploadId": str(stored.version).removeprefix(UPLOAD_VERSION)}
        with asking("give up an upload in parts"):
            self._bucket.client.abort_multipart_upload(**named)
        if any(one.version == stored.version for one in self.uploads(stored.key)):
            raise NotSupported("parts of an upload came while it was given up", code="s3.upload_goes_on", hint="who writes it must stop first")

    def _delete_in_place(self, stored: Stored) -> None:
        condition = {"IfMatch": stored.tag} if self._ability.deletes_if_match else {}
        if not condition and stored.tag not in [one.tag for one in self.versions(stored.key)]:
            raise Conflict("the object changed before it was deleted", code="s3.changed")
        with asking("delete an object"):
            self._bucket.client.delete_object(Bucket=self._bucket.place.bucket, Key=stored.key, **condition)
        self._insist_gone(stored)

    def _delete_version(self, stored: Stored) -> None:
        with asking("delete a version"):
            self._bucket.client.delete_object(**self._bucket.where(stored))
        self._insist_gone(stored)

    def _insist_gone(self, stored: Stored) -> None:
        """A DELETE answers 204 also where nothing went; only a look afterwards says."""
        if any((one.version, one.tag) == (stored.version, stored.tag) for one in self.versions(stored.key)):
            raise NotSupported("the store said that a version is deleted, and it is still there", code="s3.not_deleted", hint="is it locked?")

    def _sweep_markers(self, key: str) -> None:
        """Removes the delete markers of a key of which nothing else is left: all they hold is its name."""
        left = self.versions(key)
        if left and all(one.is_marker for one in left):
            for marker in left:
                self._delete_version(marker)

    def successor(self, stored: Stored) -> Stored | None:
        others = [one for one in self.versions(stored.key) if one.bare is None and one.version != stored.version]
        return next((one for one in others if stored.version and self.labels(one).replaces == stored.version), None)

    def replace(self, stored: Stored, labels: Labels, content: Composed) -> Stored:
        before = {one.version for one in self.versions(stored.key)}
        condition = {"IfMatch": stored.tag} if self._ability.puts_if_match else {}
        if not condition:
            self._insist_current(stored)
        grants = grants_of(self._bucket, stored)
        version = Writing(self._bucket, stored, can_copy=self._ability.copies_ranges).put(labels, content, {**condition, **grants})
        after = self.versions(stored.key)
        if self._bucket.versioning == "Enabled" and {one.version for one in after} - before != {version}:
            self._roll_back(stored.key, version)
        current = [one for one in after if one.is_current and one.bare is None]
        if not current or (version and current[0].version != version):
            raise Conflict("the object changed while it was rewritten", code="s3.changed")
        if grants and not same_grants(self._bucket, stored, current[0]):
            self.withdraw(current[0], stored)
            raise NotSupported("the store did not keep the grants of a rewritten object", code="s3.grants", hint="remove its ACL grants first")
        return current[0]

    def withdraw(self, successor: Stored, stored: Stored) -> None:
        if successor.version and successor.version != stored.version:
            self._delete_version(successor)

    def _insist_current(self, stored: Stored) -> None:
        """The nearest that a store without If-Match allows: a look right before the write."""
        if (stored.version, stored.tag) not in [(one.version, one.tag) for one in self.versions(stored.key) if one.is_current]:
            raise Conflict("the object changed before it was rewritten", code="s3.changed")

    def _roll_back(self, key: str, version: str) -> None:
        """Takes the successor away again: somebody else wrote or deleted at the same time, and theirs must stand."""
        written = [one for one in self.versions(key) if one.version == version]
        for one in written:
            self._delete_version(one)
        raise Conflict("somebody else wrote the object at the same time", code="s3.changed")


def _denied(attempt: Callable[[], object], code: str) -> list[Problem]:
    """The problem that an attempt shows when it is refused."""
    try:
        attempt()
    except (NotAllowed, NotSupported) as error:
        return [Problem(code, error.message, error.hint, is_fatal=isinstance(error, NotAllowed))]
    return []
