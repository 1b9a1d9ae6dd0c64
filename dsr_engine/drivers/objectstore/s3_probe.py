"""What a bucket allows and can do, tried on a scratch key: clones differ from Amazon's S3 and do not say so.

Ceph RGW refuses a PUT with the right If-Match and ignores If-Match on DELETE; others accept the header and do nothing with it. One
(`rclone serve s3`) takes a request for tags as a new, empty object: tags are therefore only ever written together with the object, and a store
that does not give them back is told.
"""

import contextlib
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from dsr_engine.domain.clock import SystemClock
from dsr_engine.domain.errors import Conflict, NotAllowed, NotSupported
from dsr_engine.drivers.driver import Problem
from dsr_engine.drivers.objectstore.s3_bucket import PROBES, Bucket
from dsr_engine.drivers.objectstore.s3_errors import answer_or_nothing, asking

#: The scratch key's name below the prefix; what a killed probe leaves is recognised by it.
SCRATCH = PROBES
_PROBE_LASTS = timedelta(hours=1)
_WRONG_TAG = '"00000000000000000000000000000000"'


@dataclass(frozen=True, slots=True)
class Ability:
    """Whether a PUT and a DELETE with If-Match are refused by the store itself when the object moved on.

    `copies_ranges`: a part of an upload can be a range of another object. `keeps_labels`: metadata and tags that are written can be read.
    """

    puts_if_match: bool = False
    deletes_if_match: bool = False
    copies_ranges: bool = False
    keeps_labels: bool = True


def probe(bucket: Bucket) -> Ability:
    """Tries everything on a scratch key and removes it. Raises `NotAllowed` where the credential may not write or delete.

    Killed on the way, it leaves an object of five bytes named `.dsr-probe-…`, and an upload of that name that the next probe gives up.
    """
    client, where = bucket.client, {"Bucket": bucket.place.bucket, "Key": f"{bucket.scope.folder}{SCRATCH}{secrets.token_hex(8)}"}
    with asking("write an object"):
        tag = client.put_object(Body=b"probe", **where)["ETag"]
    _give_up_old_probes(bucket)
    try:
        copies = _copies_ranges(bucket, where)
        puts = _is_accepted(lambda: client.put_object(Body=b"probe", IfMatch=tag, **where)) and _is_refused(
            lambda: client.put_object(Body=b"wrong", IfMatch=_WRONG_TAG, **where)
        )
        deletes = _is_refused(lambda: client.delete_object(IfMatch=_WRONG_TAG, **where))
        keeps = _keeps_labels(bucket, where)
    finally:
        _remove_all(bucket, where["Key"])
    return Ability(puts, deletes, copies, keeps)


def shortcomings(ability: Ability) -> Iterator[Problem]:
    """What the store was seen not to do."""
    if not (ability.puts_if_match and ability.deletes_if_match):
        yield Problem(
            "s3.no_if_match",
            "the store does not refuse a change by itself where an object moved on (If-Match), so a small window stays between look and change",
            "change nothing in the bucket while a case is carried out",
            is_fatal=False,
        )
    if not ability.keeps_labels:
        hint = "objects with metadata or tags are better deleted than rewritten here"
        yield Problem("s3.labels_lost", "the store does not give metadata or tags back as they were written", hint, is_fatal=False)


def _copies_ranges(bucket: Bucket, where: Mapping[str, str]) -> bool:
    """True if a part that is to be three of the scratch object's five bytes has three. It is never put together."""
    client = bucket.client
    try:
        with asking("try an upload in parts"), contextlib.ExitStack() as undo:
            upload = {**where, "UploadId": client.create_multipart_upload(**where)["UploadId"]}
            undo.callback(_give_up, bucket, upload)
            client.upload_part_copy(PartNumber=1, CopySource=dict(where), CopySourceRange="bytes=1-3", **upload)
            return [part["Size"] for part in client.list_parts(**upload).get("Parts", ())] == [3]
    except (Conflict, NotAllowed, NotSupported, KeyError):
        return False


def _give_up(bucket: Bucket, upload: Mapping[str, str]) -> None:
    with contextlib.suppress(Conflict, NotAllowed, NotSupported), asking("give up an upload in parts"):
        bucket.client.abort_multipart_upload(**upload)


def _give_up_old_probes(bucket: Bucket) -> None:
    """Uploads that killed probes left. One that goes on now is younger."""
    with contextlib.suppress(NotAllowed):
        for upload in list(bucket.begun(SCRATCH)):
            if SystemClock().now() - upload["Initiated"] > _PROBE_LASTS:
                _give_up(bucket, {"Bucket": bucket.place.bucket, "Key": upload["Key"], "UploadId": upload["UploadId"]})


def _keeps_labels(bucket: Bucket, where: Mapping[str, str]) -> bool:
    """True if metadata and tags come back. Tags that may not be written or read by this account say nothing of the store."""
    client = bucket.client
    try:
        with asking("write an object with labels"):
            client.put_object(Body=b"probe", Metadata={"dsr-probe": "metadata"}, Tagging="dsr-probe=tag", **where)
        with asking("read an object's labels"):
            head = client.head_object(**where)
            tags = client.get_object_tagging(**where).get("TagSet", [])
    except NotAllowed:
        return True
    except (Conflict, NotSupported):
        return False
    return bool(head.get("Metadata", {}).get("dsr-probe") == "metadata") and tags == [{"Key": "dsr-probe", "Value": "tag"}]


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
