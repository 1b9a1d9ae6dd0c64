"""Uploads in parts that never ended: told, found by their names, and given up where the policy says so."""

import datetime
from collections.abc import Iterator

import pytest

from dsr_engine.domain.finding import Extent
from dsr_engine.domain.plan import Rewrite
from dsr_engine.domain.policy import Start
from dsr_engine.domain.record import Gap, Record
from dsr_engine.drivers.driver import Absent, Done, Drifted, Everything, Looked, OlderThan, Watched
from tests.drivers.conformance import answers, foreseen, only, records
from tests.drivers.file_benches import BucketBench, content
from tests.drivers.objectstore_cases import DELETE, change_of, changed
from tests.drivers.people import NEIGHBOURS, PERSON, about
from tests.servers.s3_server import S3Server

KEY = f"parts/{PERSON}.bin"
OTHER = f"parts/{NEIGHBOURS[0]}.bin"


@pytest.fixture(params=["moto_s3", "seaweedfs"])
def server(request: pytest.FixtureRequest) -> S3Server:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, S3Server)
    return found


@pytest.fixture(params=[True, False], ids=["versions", "plain"])
def bench(server: S3Server, request: pytest.FixtureRequest) -> Iterator[BucketBench]:
    bench = BucketBench(server, versions=request.param)
    bench.write(OTHER, content(NEIGHBOURS[0]))
    yield bench
    bench.close()


def begun(bench: BucketBench, key: str = KEY) -> str:
    return str(bench.client.create_multipart_upload(Bucket=bench.bucket, Key=key)["UploadId"])


def part(bench: BucketBench, upload: str, number: int = 1) -> None:
    bench.client.upload_part(Bucket=bench.bucket, Key=KEY, UploadId=upload, PartNumber=number, Body=content(PERSON))


def open_uploads(bench: BucketBench) -> list[tuple[str, str]]:
    answer = bench.client.list_multipart_uploads(Bucket=bench.bucket)
    return sorted((one["Key"], one["UploadId"]) for one in answer.get("Uploads", ()))


def test_each_is_a_gap_and_one_that_bears_the_person_is_a_record(bench: BucketBench) -> None:
    upload = begun(bench)
    begun(bench, OTHER)
    found = answers(bench.driver(), about())
    record = only(one for one in found if isinstance(one, Record))
    assert record.locator.key == (KEY, f"upload:{upload}")
    assert [unit.place for unit in record.units] == ["key"]
    assert [gap.code for gap in (*record.gaps, *(one for one in found if isinstance(one, Gap)))] == ["s3.multipart", "s3.multipart"]
    assert [one.extent for one in found if isinstance(one, Looked) and one.collection == "parts"] == [Extent.PARTIAL]


def test_one_can_be_given_up_and_its_neighbours_stay(bench: BucketBench) -> None:
    upload = begun(bench)
    part(bench, upload)
    kept = (OTHER, begun(bench, OTHER))
    before = bench.dump()
    driver = bench.driver()
    change = change_of(driver, only(records(driver)), DELETE)
    seen = foreseen(driver, change)
    assert (seen.refusal, seen.becomes) == (None, None)
    assert changed(driver, change) == (Done(None),)
    assert open_uploads(bench) == [kept]
    assert bench.dump() == before
    assert isinstance(bench.driver().observe([Watched(change.locator)])[0], Absent)
    assert changed(bench.driver(), change) == (Drifted("absent"),)


def test_one_to_which_a_part_came_since_the_plan_is_left_alone(bench: BucketBench) -> None:
    upload = begun(bench)
    driver = bench.driver()
    change = change_of(driver, only(records(driver)), DELETE)
    part(bench, upload)
    assert changed(driver, change) == (Drifted("changed"),)
    assert open_uploads(bench) == [(KEY, upload)]


def test_one_that_was_completed_since_the_plan_is_an_object_and_not_deleted(bench: BucketBench) -> None:
    upload = begun(bench)
    part(bench, upload)
    driver = bench.driver()
    change = change_of(driver, only(records(driver)), DELETE)
    tag = bench.client.list_parts(Bucket=bench.bucket, Key=KEY, UploadId=upload)["Parts"][0]["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": tag}]}
    bench.client.complete_multipart_upload(Bucket=bench.bucket, Key=KEY, UploadId=upload, MultipartUpload=parts)
    assert changed(driver, change) == (Drifted("absent"),)
    assert bench.read(KEY) == content(PERSON)


def test_one_cannot_be_rewritten_and_falls_due_by_no_date(bench: BucketBench) -> None:
    begun(bench)
    driver = bench.driver()
    refusal = foreseen(driver, change_of(driver, only(records(driver)), Rewrite(()))).refusal
    assert refusal is not None
    assert refusal.code == "s3.upload"
    due = records(driver, OlderThan("parts", Start(("last_modified",)), datetime.date.max))
    assert [record.locator.key[0] for record in due] == [OTHER]
    assert KEY in [record.locator.key[0] for record in records(driver, Everything())]


def test_an_object_under_the_same_name_is_a_record_of_its_own(bench: BucketBench) -> None:
    bench.write(KEY, content(PERSON))
    begun(bench)
    driver = bench.driver()
    found = records(driver)
    assert len(found) == 2
    change = change_of(driver, next(record for record in found if not record.locator.key[1].startswith("upload:")), DELETE)
    assert changed(driver, change) == (Done(None),)
    assert len(open_uploads(bench)) == 1
    assert [record.locator.key[1][:7] for record in records(driver)] == ["upload:"]
