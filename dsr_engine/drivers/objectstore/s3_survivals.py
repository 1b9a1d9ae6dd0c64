"""What a bucket's own configuration says of copies and traces that an erasure of objects does not reach.

Each setting that may not be read is a channel that was not assessed; one that the store does not know is one that it does not have.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from dsr_engine.domain.errors import Conflict, NotAllowed, NotSupported
from dsr_engine.domain.residue import Channel, ResidueState
from dsr_engine.drivers.objectstore.s3_bucket import Bucket
from dsr_engine.drivers.objectstore.s3_errors import answer_or_nothing

Answer = Mapping[str, Any]
#: What a configuration means for its channel: state and detail.
Told = tuple[ResidueState, str]

_ABSENT, _BEYOND = ResidueState.VERIFIED_ABSENT, ResidueState.OUTSIDE_CONTROL


def bucket_channels(bucket: Bucket) -> tuple[Channel, ...]:
    """Every channel of a bucket with its state now."""
    return (*_own(bucket), *_configured(bucket), *_elsewhere(bucket))


def _own(bucket: Bucket) -> Iterator[Channel]:
    yield Channel("s3.media", "freed blocks of the store's disks", _BEYOND, "the store overwrites them when it needs them; a client cannot see them")
    yield _asked("s3.uploads", "uploads in parts that never ended", "C1", lambda: _uploads(bucket))


def _uploads(bucket: Bucket) -> Told:
    begun = [upload["Initiated"] for upload in bucket.begun()]
    if not begun:
        return _ABSENT, "there is none below the prefix"
    return _BEYOND, f"{len(begun)}, the oldest of {min(begun).date().isoformat()}; their parts cannot be read, and are freed when they are given up"


def _configured(bucket: Bucket) -> Iterator[Channel]:
    name, client = {"Bucket": bucket.place.bucket}, bucket.client

    def ask(
        code: str, what: str, request: Callable[..., Mapping[str, Any]], meaning: Callable[[Mapping[str, Any]], Told], level: str = "C2"
    ) -> Channel:
        return _asked(code, what, level, lambda: meaning(answer_or_nothing(lambda: request(**name), f"read {what}")))

    yield ask("s3.replication", "copies in buckets to which this one is replicated", client.get_bucket_replication, _replication)
    yield ask("s3.lifecycle", "objects that lifecycle rules moved to an archive class", client.get_bucket_lifecycle_configuration, _lifecycle)
    yield ask("s3.inventory", "inventories, which list names of objects", client.list_bucket_inventory_configurations, _inventory)
    yield ask("s3.access_logs", "server access logs, which hold names of objects", client.get_bucket_logging, _logging)
    yield ask("s3.notifications", "events sent to others, which hold names of objects", client.get_bucket_notification_configuration, _events)
    yield ask("s3.object_lock", "versions that are locked", client.get_object_lock_configuration, _locks, "C1")


def _replication(answer: Answer) -> Told:
    rules = [rule for rule in answer.get("ReplicationConfiguration", {}).get("Rules", ()) if rule.get("Status") != "Disabled"]
    if not rules:
        return _ABSENT, "the bucket is not replicated"
    targets = sorted({str(rule.get("Destination", {}).get("Bucket", "")).rpartition(":")[2] for rule in rules} - {""})
    return _BEYOND, f"deletions of versions are not replicated: connect each target as a system of its own ({', '.join(targets)})"


def _lifecycle(answer: Answer) -> Told:
    rules = [rule for rule in answer.get("Rules", ()) if rule.get("Status") != "Disabled"]
    moves = [move.get("StorageClass", "") for rule in rules for move in (*rule.get("Transitions", ()), *rule.get("NoncurrentVersionTransitions", ()))]
    days = sorted({days for rule in rules if (days := rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays"))})
    ends = f"; noncurrent versions end after {days[0]} days" if days else ""
    archives = sorted({move for move in moves if move in ("GLACIER", "DEEP_ARCHIVE", "INTELLIGENT_TIERING")})
    if archives:
        return _BEYOND, f"objects move to {', '.join(archives)}; what cannot be read there is a gap in coverage{ends}"
    return _ABSENT, f"no rule moves objects where they cannot be read{ends}"


def _inventory(answer: Answer) -> Told:
    count = len([one for one in answer.get("InventoryConfigurationList", ()) if one.get("IsEnabled", True)])
    return (_BEYOND, f"{count} configured; reports of earlier days keep names of what is erased") if count else (_ABSENT, "none is configured")


def _logging(answer: Answer) -> Told:
    target = answer.get("LoggingEnabled", {}).get("TargetBucket", "")
    return (_BEYOND, f"they are written to the bucket {target}: connect it, or let them expire") if target else (_ABSENT, "they are switched off")


def _events(answer: Answer) -> Told:
    count = sum(len(targets) if isinstance(targets, Sequence) else 1 for name, targets in answer.items() if name != "ResponseMetadata")
    return (_BEYOND, f"{count} receiver(s) are told of every change") if count else (_ABSENT, "nobody is told")


def _locks(answer: Answer) -> Told:
    if answer.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") != "Enabled":
        return _ABSENT, "the bucket cannot lock versions"
    return ResidueState.RETAINED, "a version under retention or legal hold stays, and stands with its date among what was refused"


def _elsewhere(bucket: Bucket) -> Iterator[Channel]:
    if not bucket.place.endpoint:
        audit = "CloudTrail keeps names of objects where it records data events; it is another service, and was not asked"
        yield Channel("s3.audit_trail", "audit trails", ResidueState.NOT_ASSESSED, audit, level="C2")
    detail = "a content delivery network, edge and mount caches, until they expire or are invalidated"
    yield Channel("s3.caches", "caches in front of the bucket", ResidueState.NOT_ASSESSED, detail, level="C2")
    yield Channel("s3.backups", "backups and snapshots of the store", ResidueState.NOT_ASSESSED, "a bucket does not show them", level="C3")


def _asked(code: str, what: str, level: str, question: Callable[[], Told]) -> Channel:
    try:
        state, detail = question()
    except NotAllowed:
        return Channel(code, what, ResidueState.NOT_ASSESSED, "this account may not read that", level=level)
    except (Conflict, NotSupported):
        return Channel(code, what, ResidueState.NOT_ASSESSED, "the store does not answer that", level=level)
    return Channel(code, what, state, detail, level=level)
