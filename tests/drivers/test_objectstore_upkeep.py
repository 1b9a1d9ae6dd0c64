"""What a certificate says of copies and traces that an erasure in a bucket or a folder does not reach."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from dsr_engine.domain.clock import SystemClock
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.residue import Assessment, Channel, ResidueState, Work
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.system import Manifest, System
from dsr_engine.drivers.registry import open_upkeep
from tests.drivers.file_benches import BucketBench, content, file_system
from tests.drivers.people import PERSON
from tests.servers.s3_server import S3Server


def system_of(bench: BucketBench, *, is_reader: bool = False) -> System:
    server = bench.server
    return file_system(
        Manifest("s3", "objectstore"),
        url=f"s3://{bench.bucket}",
        endpoint_url=server.endpoint,
        region="us-east-1",
        access_key=server.reader_key if is_reader else server.access_key,
        secret_key=server.reader_secret if is_reader else server.secret_key,
    )


def assessed(system: System) -> Assessment:
    upkeep = open_upkeep(system)
    assert upkeep is not None
    try:
        return upkeep.assess(("orders",), SystemClock().now(), {})
    finally:
        upkeep.close()


def channels(system: System) -> Mapping[str, Channel]:
    seen = assessed(system)
    assert len({channel.code for channel in seen.channels}) == len(seen.channels)
    return {channel.code: channel for channel in seen.channels}


def states(system: System) -> dict[str, str]:
    return {code: channel.state.value for code, channel in channels(system).items()}


def test_a_bucket_without_further_settings_has_few_open_channels(moto_s3: S3Server) -> None:
    bench = BucketBench(moto_s3, versions=True)
    assert states(system_of(bench)) == {
        "s3.media": "outside-control",
        "s3.uploads": "verified-absent",
        "s3.replication": "verified-absent",
        "s3.lifecycle": "verified-absent",
        "s3.inventory": "verified-absent",
        "s3.access_logs": "verified-absent",
        "s3.notifications": "verified-absent",
        "s3.object_lock": "verified-absent",
        "s3.caches": "not-assessed",
        "s3.backups": "not-assessed",
    }


def test_replicas_archives_inventories_and_logs_are_told(moto_s3: S3Server) -> None:
    bench, target = BucketBench(moto_s3, versions=True), BucketBench(moto_s3, versions=True)
    name = {"Bucket": bench.bucket}
    arn = f"arn:aws:s3:::{target.bucket}"
    rule = {"Status": "Enabled", "Prefix": "", "Destination": {"Bucket": arn}}
    bench.client.put_bucket_replication(**name, ReplicationConfiguration={"Role": "arn:aws:iam::123456789012:role/r", "Rules": [rule]})
    moved = {"ID": "cold", "Status": "Enabled", "Filter": {"Prefix": ""}, "Transitions": [{"Days": 30, "StorageClass": "DEEP_ARCHIVE"}]}
    ended = {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "a"}, "NoncurrentVersionExpiration": {"NoncurrentDays": 40}}
    bench.client.put_bucket_lifecycle_configuration(**name, LifecycleConfiguration={"Rules": [moved, ended]})
    destination = {"S3BucketDestination": {"Bucket": arn, "Format": "CSV", "Prefix": "inventory"}}
    bench.client.put_bucket_inventory_configuration(
        **name,
        Id="all",
        InventoryConfiguration={
            "Destination": destination, "IsEnabled": True, "Id": "all", "IncludedObjectVersions": "All", "Schedule": {"Frequency": "Daily"},
        },
    )  # fmt: skip
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"{arn}/*",
    }
    target.client.put_bucket_policy(Bucket=target.bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}))
    bench.client.put_bucket_logging(**name, BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": target.bucket, "TargetPrefix": "log/"}})
    found = channels(system_of(bench))
    assert {code for code, channel in found.items() if channel.state is ResidueState.OUTSIDE_CONTROL} == {
        "s3.media", "s3.replication", "s3.lifecycle", "s3.inventory", "s3.access_logs",
    }  # fmt: skip
    assert target.bucket in found["s3.replication"].detail
    assert target.bucket in found["s3.access_logs"].detail
    assert "DEEP_ARCHIVE" in found["s3.lifecycle"].detail
    assert "after 40 days" in found["s3.lifecycle"].detail


@pytest.mark.parametrize("name", ["moto_s3", "seaweedfs"])
def test_abandoned_uploads_are_counted_and_their_names_are_not_told(name: str, request: pytest.FixtureRequest) -> None:
    bench = BucketBench(request.getfixturevalue(name), versions=False)
    for key in (f"orders/{PERSON}", "b"):
        bench.client.create_multipart_upload(Bucket=bench.bucket, Key=key)
    uploads = channels(system_of(bench))["s3.uploads"]
    assert uploads.state is ResidueState.OUTSIDE_CONTROL
    assert uploads.detail.startswith("2, the oldest of 2")
    assert PERSON not in repr(uploads)
    assert uploads.level == "C1"


def test_a_bucket_that_can_lock_says_so(seaweedfs: S3Server) -> None:
    bench = BucketBench(seaweedfs, versions=True, locks=True)
    assert channels(system_of(bench))["s3.object_lock"].state is ResidueState.RETAINED


def test_a_setting_that_an_account_may_not_read_is_not_assessed_and_never_absent(seaweedfs: S3Server) -> None:
    bench = BucketBench(seaweedfs, versions=True, locks=True)
    bench.write("orders/a.txt", content(PERSON))
    found = channels(file_system(url=f"s3://{bench.bucket}", endpoint_url=seaweedfs.endpoint, access_key="no", secret_key="no", region="us-east-1"))
    settings = {code: channel.state for code, channel in found.items() if code not in ("s3.media",)}
    assert set(settings.values()) == {ResidueState.NOT_ASSESSED}


def test_a_folder_tells_what_no_program_can_see(tmp_path: Path) -> None:
    seen = assessed(System("lake", Manifest("folder", "objectstore"), {"url": Secret(f"folder:{tmp_path}")}))
    assert seen.server.identity.startswith(f"folder:{tmp_path}")
    assert {channel.code: channel.level for channel in seen.channels} == {
        "folder.free_blocks": "C1",
        "folder.journal": "C2",
        "folder.snapshots": "C3",
        "folder.backups": "C3",
    }


def test_nothing_is_run_in_a_store_of_files(tmp_path: Path) -> None:
    upkeep = open_upkeep(System("lake", Manifest("folder", "objectstore"), {"url": Secret(f"folder:{tmp_path}")}))
    assert upkeep is not None
    upkeep.maintain(())
    with pytest.raises(NotSupported):
        upkeep.maintain((Work("rm", (), ""),))
