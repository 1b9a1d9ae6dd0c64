"""What a bucket allows, how it is paged, and what stands in the way."""

import datetime
from collections.abc import Iterator
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsr_engine.domain.clock import SystemClock
from dsr_engine.domain.errors import Conflict, InputWrong, ManifestWrong, NotAllowed, Unreachable
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.plan import Rewrite
from dsr_engine.domain.policy import Start
from dsr_engine.domain.record import Gap, Locator, Record
from dsr_engine.domain.system import CollectionMap, Discover, Manifest
from dsr_engine.drivers.driver import Done, Drifted, Failed, Looked, OlderThan, Watched
from dsr_engine.drivers.objectstore.driver import ObjectstoreDriver
from dsr_engine.drivers.objectstore.s3 import S3Shelf
from dsr_engine.drivers.objectstore.s3_bucket import Bucket
from dsr_engine.drivers.objectstore.s3_probe import SCRATCH, Ability, probe
from tests.drivers.conformance import answers, foreseen, only, records
from tests.drivers.file_benches import BucketBench, content, file_system
from tests.drivers.objectstore_cases import DELETE, change_of, changed, rewriting
from tests.drivers.people import PERSON, about
from tests.servers.lifecycle import free_port
from tests.servers.s3_server import S3Server


@pytest.fixture
def plain(moto_s3: S3Server) -> Iterator[BucketBench]:
    bench = BucketBench(moto_s3, versions=False)
    yield bench
    bench.close()


@pytest.fixture
def locked(seaweedfs: S3Server) -> Iterator[BucketBench]:
    bench = BucketBench(seaweedfs, versions=True, locks=True)
    yield bench
    bench.close()


def bucket_of(bench: BucketBench) -> Bucket:
    server = bench.server
    return Bucket(
        file_system(
            url=f"s3://{bench.bucket}", endpoint_url=server.endpoint, region="us-east-1", access_key=server.access_key, secret_key=server.secret_key
        )
    )


# ── settings and scope ──


def test_a_system_without_a_bucket_is_an_input_error() -> None:
    with pytest.raises(InputWrong):
        ObjectstoreDriver(file_system(url="s3://"))


def test_bucket_and_prefix_may_be_given_apart(plain: BucketBench) -> None:
    plain.write("in/a.txt", content(PERSON))
    plain.write("out/a.txt", content(PERSON))
    server = plain.server
    driver = ObjectstoreDriver(
        file_system(
            bucket=plain.bucket,
            prefix="in/",
            endpoint_url=server.endpoint,
            region="us-east-1",
            access_key=server.access_key,
            secret_key=server.secret_key,
        )
    )
    assert only(records(driver)).locator.key == ("in/a.txt", "")


def test_a_prefix_without_its_slash_is_a_folder_and_not_its_namesakes(plain: BucketBench) -> None:
    for key in ("in/a.txt", "in-old/a.txt", "inner"):
        plain.write(key, content(PERSON))
    assert [record.locator.key[0] for record in records(plain.driver("in"))] == ["in/a.txt"]


def test_a_prefix_may_name_one_object(plain: BucketBench) -> None:
    plain.write("in/a.txt", content(PERSON))
    plain.write("in/a.txt.bak", content(PERSON))
    assert [record.locator.key[0] for record in records(plain.driver("in/a.txt"))] == ["in/a.txt"]


def test_a_locator_outside_the_prefix_is_refused_and_never_absent(plain: BucketBench) -> None:
    plain.write("out/a.txt", content(PERSON))
    with pytest.raises(Conflict):
        plain.driver("in/").observe([Watched(Locator("lake", "out", ("out/a.txt", "")))])


def test_a_bucket_that_does_not_exist_is_not_an_empty_one(plain: BucketBench) -> None:
    driver = plain.driver()
    plain.client.delete_bucket(Bucket=plain.bucket)
    with pytest.raises(InputWrong):
        answers(driver, about())


def test_a_store_that_does_not_answer_is_unreachable() -> None:
    driver = ObjectstoreDriver(
        file_system(url="s3://lake", endpoint_url=f"http://127.0.0.1:{free_port()}", region="us-east-1", access_key="a", secret_key="b")
    )
    with pytest.raises(Unreachable):
        answers(driver, about())


# ── collections ──


def test_the_manifests_globs_win_over_the_first_path_part(plain: BucketBench) -> None:
    manifest = Manifest("s3", "objectstore", collections=(CollectionMap("*.csv"), CollectionMap("mail")))
    for key in ("exports/a.csv", "exports/a.txt", "mail/deep/a.txt", "a.txt", "/odd.txt", "7000001/a.txt", f"{PERSON}/a.txt"):
        plain.write(key, content(PERSON))
    found = {record.locator.key[0]: record.locator.collection for record in records(plain.driver(manifest=manifest))}
    assert found == {
        "exports/a.csv": "*.csv",
        "exports/a.txt": "exports",
        "mail/deep/a.txt": "mail",
        "a.txt": ".",
        "/odd.txt": ".",
        "7000001/a.txt": "*",
        f"{PERSON}/a.txt": "*",
    }


def test_without_discovery_only_the_manifests_collections_are_in_scope(plain: BucketBench) -> None:
    manifest = Manifest("s3", "objectstore", collections=(CollectionMap("mail"),), discover=Discover.NONE)
    plain.write("mail/a.txt", content(PERSON))
    plain.write("rest/a.txt", content(PERSON))
    driver = plain.driver(manifest=manifest)
    assert {facts.name for facts in driver.describe()} == {"mail"}
    assert [record.locator.key[0] for record in records(driver)] == ["mail/a.txt"]


# ── dates ──


def test_files_not_changed_since_a_day_are_due(plain: BucketBench) -> None:
    plain.write("logs/a.txt", b"x")
    driver = plain.driver()
    today = SystemClock().now().date()
    start = Start(("last_modified",))
    tomorrow, yesterday = today + datetime.timedelta(days=1), today - datetime.timedelta(days=1)
    assert [record.locator.key[0] for record in records(driver, OlderThan("logs", start, tomorrow))] == ["logs/a.txt"]
    assert records(driver, OlderThan("logs", start, yesterday)) == ()
    assert records(driver, OlderThan("logs", start, tomorrow, unknown=True)) == ()
    record = only(records(driver, OlderThan("logs", start, tomorrow)))
    assert str(record.facts["last_modified"]).startswith(("2", "1"))


@pytest.mark.parametrize(
    "query", [OlderThan("logs", Start(("placed_on",)), datetime.date.max), OlderThan("other", Start(("last_modified",)), datetime.date.max)]
)
def test_a_date_or_collection_that_files_do_not_have_is_a_wrong_manifest(plain: BucketBench, query: OlderThan) -> None:
    plain.write("logs/a.txt", b"x")
    with pytest.raises(ManifestWrong):
        answers(plain.driver(), query)


# ── permissions and abilities ──


def test_a_credential_that_may_only_read_is_a_fatal_problem_and_writes_nothing(seaweedfs: S3Server) -> None:
    bench = BucketBench(seaweedfs, versions=True)
    bench.write("orders/a.txt", content(PERSON))
    before = bench.dump()
    driver = bench.driver(is_reader=True)
    assert [problem.code for problem in driver.check() if problem.is_fatal] == ["s3.read_only"]
    record = only(records(driver))
    (outcome,) = changed(driver, change_of(driver, record, DELETE))
    assert isinstance(outcome, Failed)
    assert bench.dump() == before


def test_a_wrong_credential_is_not_an_empty_bucket(seaweedfs: S3Server) -> None:
    bench = BucketBench(seaweedfs, versions=False)
    driver = ObjectstoreDriver(
        file_system(url=f"s3://{bench.bucket}", endpoint_url=seaweedfs.endpoint, region="us-east-1", access_key="nobody", secret_key="nothing")
    )
    with pytest.raises(NotAllowed):
        answers(driver, about())


@pytest.mark.parametrize("versions", [False, True])
def test_the_probe_leaves_nothing_behind(seaweedfs: S3Server, versions: bool) -> None:
    bench = BucketBench(seaweedfs, versions=versions)
    ability = probe(bucket_of(bench))
    assert isinstance(ability, Ability)
    assert [key for key, _, _, _ in bench.history() if SCRATCH in key] == []
    assert bench.client.list_multipart_uploads(Bucket=bench.bucket).get("Uploads", []) == []


def test_an_upload_that_a_killed_probe_left_is_given_up_and_one_that_goes_on_is_not(seaweedfs: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = BucketBench(seaweedfs, versions=False)
    for key in (f"{SCRATCH}1", "orders/a.txt"):
        plain.client.create_multipart_upload(Bucket=plain.bucket, Key=key)
    probe(bucket_of(plain))
    assert len(plain.client.list_multipart_uploads(Bucket=plain.bucket)["Uploads"]) == 2
    monkeypatch.setattr("dsr_engine.drivers.objectstore.s3_probe._PROBE_LASTS", datetime.timedelta(seconds=-60))
    probe(bucket_of(plain))
    assert [one["Key"] for one in plain.client.list_multipart_uploads(Bucket=plain.bucket)["Uploads"]] == ["orders/a.txt"]


def test_a_store_that_refuses_wrong_etags_is_known_for_it(seaweedfs: S3Server) -> None:
    bench = BucketBench(seaweedfs, versions=False)
    driver = bench.driver()
    assert driver.check() is not None
    assert driver.traits.conditional_change


def test_an_empty_prefix_is_a_warning(plain: BucketBench) -> None:
    assert [(problem.code, problem.is_fatal) for problem in plain.driver("typo/").check()] == [("s3.empty", False)]


# ── locks ──


def test_a_locked_version_stays_and_the_date_is_told(locked: BucketBench) -> None:
    until = SystemClock().now() + datetime.timedelta(days=400)
    locked.write("orders/a.txt", content(PERSON), ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until, ChecksumAlgorithm="CRC32")
    driver = locked.driver()
    record = only(records(driver))
    before = locked.dump()
    for effect in (DELETE, rewriting(record)):
        change = change_of(driver, record, effect)
        refusal = foreseen(driver, change).refusal
        assert refusal is not None
        assert refusal.code == "s3.locked"
        assert until.date().isoformat() in refusal.message
        (outcome,) = changed(driver, change)
        assert outcome == Failed("s3.locked", refusal.message)
    assert locked.dump() == before


def test_a_legal_hold_is_respected(locked: BucketBench) -> None:
    version = locked.write("orders/a.txt", content(PERSON))
    locked.client.put_object_legal_hold(Bucket=locked.bucket, Key="orders/a.txt", VersionId=version, LegalHold={"Status": "ON"})
    driver = locked.driver()
    change = change_of(driver, only(records(driver)), DELETE)
    refusal = foreseen(driver, change).refusal
    assert refusal is not None
    assert refusal.code == "s3.locked"
    locked.client.put_object_legal_hold(Bucket=locked.bucket, Key="orders/a.txt", VersionId=version, LegalHold={"Status": "OFF"})
    assert changed(driver, change) == (Done(None),)


def test_an_unlocked_version_in_a_bucket_with_locks_can_go(locked: BucketBench) -> None:
    locked.write("orders/a.txt", content(PERSON))
    driver = locked.driver()
    assert "s3.object_lock" in [problem.code for problem in driver.check()]
    assert changed(driver, change_of(driver, only(records(driver)), DELETE)) == (Done(None),)
    assert locked.history() == []


# ── in the way ──


def test_an_archived_object_is_a_gap_and_is_still_found_by_its_name(plain: BucketBench) -> None:
    plain.write("cold/a.txt", content(PERSON), StorageClass="GLACIER")
    plain.write(f"cold/{PERSON}.txt", content(PERSON), StorageClass="GLACIER")
    found = answers(plain.driver(), about())
    assert [gap.code for gap in found if isinstance(gap, Gap)] == ["s3.archived"]
    record = only(one for one in found if isinstance(one, Record))
    assert [gap.code for gap in record.gaps] == ["s3.archived"]
    assert [one.extent for one in found if isinstance(one, Looked) and one.collection == "cold"] == [Extent.PARTIAL]
    driver = plain.driver()
    assert changed(driver, change_of(driver, record, DELETE)) == (Done(None),)


def test_an_object_under_a_customers_key_is_a_gap(seaweedfs: S3Server) -> None:
    bench = BucketBench(seaweedfs, versions=True)
    bench.write("orders/a.txt", content(PERSON), SSECustomerAlgorithm="AES256", SSECustomerKey="k" * 32)
    found = answers(bench.driver(), about())
    assert [one.code for one in found if isinstance(one, Gap)] == ["s3.refused"]
    assert [one.extent for one in found if isinstance(one, Looked) and one.collection == "orders"] == [Extent.PARTIAL]


def test_an_object_that_is_granted_to_others_is_not_rewritten(plain: BucketBench) -> None:
    plain.write("orders/a.txt", content(PERSON), ACL="public-read")
    driver = plain.driver()
    record = only(records(driver))
    change = change_of(driver, record, rewriting(record))
    refusal = foreseen(driver, change).refusal
    assert refusal is not None
    assert refusal.code == "s3.grants"
    assert foreseen(driver, change_of(driver, record, DELETE)).refusal is None
    assert changed(driver, change) == (Failed("s3.grants", refusal.message),)


def test_a_rewrite_without_versions_is_in_place(plain: BucketBench) -> None:
    plain.write("orders/a.txt", content(PERSON), Metadata={"shop": "north"})
    driver = plain.driver()
    record = only(records(driver))
    change = change_of(driver, record, rewriting(record))
    becomes = foreseen(driver, change).becomes
    assert changed(driver, change) == (Done(becomes),)
    assert PERSON.encode() not in plain.read("orders/a.txt")
    assert plain.client.head_object(Bucket=plain.bucket, Key="orders/a.txt")["Metadata"] == {"shop": "north"}


def test_the_same_file_twice_in_one_call_is_refused(plain: BucketBench) -> None:
    plain.write("orders/a.txt", content(PERSON))
    driver = plain.driver()
    change = change_of(driver, only(records(driver)), DELETE)
    outcomes = changed(driver, change, change)
    assert [type(one) for one in outcomes] == [Failed, Failed]
    assert plain.read("orders/a.txt") == content(PERSON)


def test_deleting_a_part_of_a_file_never_deletes_the_file(plain: BucketBench) -> None:
    plain.write("orders/a.txt", content(PERSON))
    driver = plain.driver()
    change = change_of(driver, only(records(driver)), DELETE)
    part = type(change)(Locator("lake", "orders", change.locator.key, "row:2"), change.effect, (), change.expect, change.server)
    (outcome,) = changed(driver, part)
    assert isinstance(outcome, Failed)
    assert plain.read("orders/a.txt") == content(PERSON)


def test_with_versioning_suspended_a_rewrite_never_overwrites_another_version(seaweedfs: S3Server) -> None:
    bench = BucketBench(seaweedfs, versions=False)
    bench.write("orders/a.txt", b"before versions")
    bench.client.put_bucket_versioning(Bucket=bench.bucket, VersioningConfiguration={"Status": "Enabled"})
    bench.write("orders/a.txt", content(PERSON))
    bench.client.put_bucket_versioning(Bucket=bench.bucket, VersioningConfiguration={"Status": "Suspended"})
    driver = bench.driver()
    record = only(records(driver))
    refusal = foreseen(driver, change_of(driver, record, rewriting(record))).refusal
    assert refusal is not None
    assert refusal.code == "s3.suspended"


def test_a_locator_from_before_versioning_still_leads_to_the_object(plain: BucketBench) -> None:
    plain.write("orders/a.txt", content(PERSON))
    driver = plain.driver()
    change = change_of(driver, only(records(driver)), DELETE)
    plain.client.put_bucket_versioning(Bucket=plain.bucket, VersioningConfiguration={"Status": "Enabled"})
    assert changed(plain.driver(), change) == (Done(None),)
    assert plain.history() == []


def test_a_drifted_object_is_not_rewritten(plain: BucketBench) -> None:
    plain.write("orders/a.txt", content(PERSON))
    driver = plain.driver()
    record = only(records(driver))
    change = change_of(driver, record, rewriting(record))
    plain.write("orders/a.txt", content(PERSON) + b"and more\n")
    assert changed(driver, change) == (Drifted("changed"),)
    assert plain.read("orders/a.txt") == content(PERSON) + b"and more\n"


# ── reading ──


def test_an_object_that_changes_between_two_blocks_is_a_conflict(plain: BucketBench) -> None:
    plain.write("a", b"x" * 100)
    bucket = bucket_of(plain)
    (stored,) = bucket.versions("a")
    plain.write("a", b"y" * 100)
    with pytest.raises(Conflict):
        bucket.open(stored).read(1)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 330), st.integers(0, 120)), max_size=6))
def test_an_object_reads_like_a_local_file(plain: BucketBench, steps: list[tuple[int, int]]) -> None:
    data = bytes(range(256)) + b"tail" * 11
    plain.write("a", data)
    bucket = Bucket(plain.driver()._system)
    (stored,) = bucket.versions("a")
    reader = bucket.open(stored)
    for position, count in steps:
        reader.seek(position)
        assert reader.read(count) == data[position : position + count]
    reader.seek(-4, 2)
    assert reader.read() == b"tail"


def test_an_empty_rewrite_changes_nothing(plain: BucketBench) -> None:
    plain.write("orders/a.txt", content(PERSON))
    driver = plain.driver()
    change = change_of(driver, only(records(driver)), Rewrite(()))
    assert changed(driver, change) == (Done(change.expect),)


def test_a_bucket_that_asks_for_a_second_factor_is_told_and_left_to_a_human(moto_s3: S3Server) -> None:
    bench = BucketBench(moto_s3, versions=True)
    bench.write("orders/a.txt", content(PERSON))
    driver = bench.driver()
    client = cast("S3Shelf", driver._shelf)._bucket.client  # no server that can be had here keeps the setting, so its answer is completed on the way
    client.meta.events.register("after-call.s3.GetBucketVersioning", lambda parsed, **_: parsed.update(MFADelete="Enabled"))
    assert ("s3.mfa_delete", True) in [(problem.code, problem.is_fatal) for problem in driver.check()]
    record = only(records(driver))
    for effect in (DELETE, rewriting(record)):
        refusal = foreseen(driver, change_of(driver, record, effect)).refusal
        assert refusal is not None
        assert refusal.code == "s3.mfa_delete"


def test_an_archived_object_says_where_it_lies_and_what_to_do_and_a_restored_one_is_read(plain: BucketBench) -> None:
    plain.write("cold/a.txt", content(PERSON), StorageClass="DEEP_ARCHIVE")
    (gap,) = (one for one in answers(plain.driver(), about()) if isinstance(one, Gap))
    assert gap.code == "s3.archived"
    assert "restore it" in gap.reason
    plain.client.restore_object(Bucket=plain.bucket, Key="cold/a.txt", RestoreRequest={"Days": 2})
    assert [unit.place for unit in only(records(plain.driver())).units] == ["line:2"]


def test_an_archived_object_that_is_known_by_its_labels_can_be_deleted_and_not_rewritten(plain: BucketBench) -> None:
    plain.write("cold/a.txt", content(PERSON), StorageClass="GLACIER", Metadata={"from": PERSON})
    driver = plain.driver()
    record = only(records(driver))
    assert ([unit.place for unit in record.units], [gap.code for gap in record.gaps]) == (["metadata:from"], ["s3.archived"])
    refusal = foreseen(driver, change_of(driver, record, rewriting(record))).refusal
    assert refusal is not None
    assert refusal.code == "s3.archived"
    assert changed(driver, change_of(driver, record, DELETE)) == (Done(None),)
    assert plain.client.list_objects_v2(Bucket=plain.bucket).get("Contents", []) == []
