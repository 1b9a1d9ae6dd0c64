"""What a bucket allows and can do, tried on a scratch key: clones differ from Amazon's S3 and do not say so.

Ceph RGW refuses a PUT with the right If-Match and ignores If-Match on DELETE; others accept the header and do nothing with it.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dsr_engine.domain.errors import Conflict, NotAllowed, NotSupported
from dsr_engine.drivers.driver import Problem
from dsr_engine.drivers.objectstore.s3_bucket import Bucket
from dsr_engine.drivers.objectstore.s3_errors import answer_or_nothing, asking

#: The scratch key's name below the prefix; what a killed probe leaves is recognised by it.
SCRATCH = ".dsr-probe-"
_WRONG_TAG = '"00000000000000000000000000000000"'


@dataclass(frozen=True, slots=True)
class Ability:
    """Whether a PUT and a DELETE with If-Match are refused by the store itself when the object moved on."""

    puts_if_match: bool = False
    deletes_if_match: bool = False


def probe(bucket: Bucket) -> Ability:
    """Tries both on a scratch key and removes it. Raises `NotAllowed` where the credential may not write or delete.

    Killed on the way, it leaves an object of five bytes named `.dsr-probe-…`.
    """
    client, where = bucket.client, {"Bucket": bucket.place.bucket, "Key": f"{bucket.folder}{SCRATCH}{secrets.token_hex(8)}"}
    with asking("write an object"):
        tag = client.put_object(Body=b"probe", **where)["ETag"]
    try:
        puts = _is_accepted(lambda: client.put_object(Body=b"probe", IfMatch=tag, **where)) and _is_refused(
            lambda: client.put_object(Body=b"wrong", IfMatch=_WRONG_TAG, **where)
        )
        deletes = _is_refused(lambda: client.delete_object(IfMatch=_WRONG_TAG, **where))
    finally:
        _remove_all(bucket, where["Key"])
    return Ability(puts, deletes)


def _is_accepted(request: Callable[[], Any]) -> bool:
    try:
        with asking("write conditionally"):
            request()
    except (Conflict, NotSupported):
        return False
    return True


def _is_refused(request: Callable[[], Any]) -> bool:
    try:
        with asking("write conditionally"):
            request()
    except Conflict as error:
        return error.code == "s3.changed"
    except NotSupported:
        return False
    return False


def _remove_all(bucket: Bucket, key: str) -> None:
    for stored in bucket.versions(key):
        with asking("delete an object"):
            bucket.client.delete_object(**bucket.where(stored))


def configured(bucket: Bucket) -> Iterator[Problem]:
    """What the bucket's own settings mean for an erasure. A setting that may not be read is a warning of its own."""
    for setting, look in (("versioning", _second_factor), ("replication", _replication), ("locks", _locks)):
        try:
            yield from look(bucket)
        except NotAllowed as error:
            yield Problem(f"s3.{setting}_unread", error.message, error.hint, is_fatal=False)


def _second_factor(bucket: Bucket) -> Iterator[Problem]:
    name = bucket.place.bucket
    if answer_or_nothing(lambda: bucket.client.get_bucket_versioning(Bucket=name), "read the bucket's versioning").get("MFADelete") == "Enabled":
        yield Problem("s3.mfa_delete", "versions can be deleted with a second factor only", "a person with the device must delete them")


def _replication(bucket: Bucket) -> Iterator[Problem]:
    name = bucket.place.bucket
    if answer_or_nothing(lambda: bucket.client.get_bucket_replication(Bucket=name), "read the bucket's replication").get("ReplicationConfiguration"):
        hint = "connect every target bucket as a system of its own"
        yield Problem("s3.replication", "the bucket is replicated, and deletions of versions are not", hint, is_fatal=False)


def _locks(bucket: Bucket) -> Iterator[Problem]:
    if lock_configuration(bucket):
        yield Problem("s3.object_lock", "the bucket can lock versions; locked ones stay until their date and are reported", is_fatal=False)


def lock_configuration(bucket: Bucket) -> Mapping[str, Any]:
    """The bucket's Object Lock configuration; empty where it has none. Raises `NotAllowed` where that may not be read."""
    name = bucket.place.bucket
    answer = answer_or_nothing(lambda: bucket.client.get_object_lock_configuration(Bucket=name), "read the bucket's Object Lock")
    found: Mapping[str, Any] = answer.get("ObjectLockConfiguration", {})
    return found if found.get("ObjectLockEnabled") == "Enabled" else {}
