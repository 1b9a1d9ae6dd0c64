"""A bucket that keeps versions: each is a record of its own, and none comes back."""

from collections.abc import Iterator

import pytest

from dsr_engine.domain.finding import Extent
from dsr_engine.drivers.driver import Absent, Done, Drifted, Failed, Looked, Moved, Present, Watched
from dsr_engine.drivers.objectstore.s3_bucket import REPLACES
from tests.drivers.conformance import REWRITER, answers, foreseen, only, records
from tests.drivers.file_benches import BucketBench, content
from tests.drivers.objectstore_cases import DELETE, by_version, change_of, changed, rewriting
from tests.drivers.people import MARK, NEIGHBOURS, PERSON, about
from tests.servers.s3_server import S3Server


@pytest.fixture(params=["moto_s3", "seaweedfs"])
def server(request: pytest.FixtureRequest) -> S3Server:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, S3Server)
    return found


@pytest.fixture
def bench(server: S3Server) -> Iterator[BucketBench]:
    bench = BucketBench(server, versions=True)
    bench.write("orders/control.txt", content(NEIGHBOURS[0]))
    yield bench
    bench.close()


def test_older_versions_are_searched_too(bench: BucketBench) -> None:
    old = bench.write("orders/x.txt", content(PERSON))
    bench.write("orders/x.txt", b"nobody")
    assert list(by_version(bench.driver())) == [old]


def test_a_version_under_a_delete_marker_is_searched_too(bench: BucketBench) -> None:
    old = bench.write("orders/x.txt", content(PERSON))
    bench.client.delete_object(Bucket=bench.bucket, Key="orders/x.txt")
    assert list(by_version(bench.driver())) == [old]


def test_deleting_an_old_version_leaves_the_current_one_and_claims_no_move(bench: BucketBench) -> None:
    old = bench.write("orders/x.txt", content(PERSON))
    bench.write("orders/x.txt", b"nobody")
    driver = bench.driver()
    change = change_of(driver, by_version(driver)[old], DELETE)
    before = {name: data for name, data in bench.dump().items() if old not in name}
    assert changed(driver, change) == (Done(None),)
    assert bench.dump() == before
    assert isinstance(driver.observe([Watched(change.locator)])[0], Absent)


def test_deleting_the_current_version_does_not_bring_an_older_one_back(bench: BucketBench) -> None:
    old = bench.write("orders/x.txt", b"an older state about nobody")
    bench.write("orders/x.txt", content(PERSON))
    driver = bench.driver()
    change = change_of(driver, only(records(driver)), DELETE)
    assert foreseen(driver, change).refusal is None
    assert changed(driver, change) == (Done(None),)
    with pytest.raises(bench.client.exceptions.NoSuchKey):
        bench.read("orders/x.txt")
    assert bench.read("orders/x.txt", old) == b"an older state about nobody"


def test_a_key_whose_every_version_goes_leaves_no_marker(bench: BucketBench) -> None:
    bench.write("orders/x.txt", content(PERSON))
    bench.client.delete_object(Bucket=bench.bucket, Key="orders/x.txt")
    bench.write("orders/x.txt", content(PERSON))
    driver = bench.driver()
    changes = [change_of(driver, record, DELETE) for record in records(driver)]
    assert changed(driver, *changes) == (Done(None), Done(None))
    assert [entry[0] for entry in bench.history()] == ["orders/control.txt"]


def test_a_marker_that_hides_a_staying_version_is_not_removed(bench: BucketBench) -> None:
    key = f"orders/{PERSON}.txt"
    bench.write(key, b"about nobody")
    bench.client.delete_object(Bucket=bench.bucket, Key=key)
    driver = bench.driver()
    found = by_version(driver)
    marker = next(version for name, version, _, is_marker in bench.history() if name == key and is_marker)
    change = change_of(driver, found[marker], DELETE)
    refusal = foreseen(driver, change).refusal
    assert refusal is not None
    assert refusal.code == "s3.would_resurface"
    before = bench.history()
    (outcome,) = changed(driver, change)
    assert isinstance(outcome, Failed)
    assert bench.history() == before


def test_marker_and_versions_that_go_together_are_no_problem(bench: BucketBench) -> None:
    key = f"orders/{PERSON}.txt"
    bench.write(key, b"about nobody")
    bench.client.delete_object(Bucket=bench.bucket, Key=key)
    driver = bench.driver()
    changes = [change_of(driver, record, DELETE) for record in records(driver)]
    assert len(changes) == 2
    assert [one.refusal for one in driver.foresee(changes, REWRITER)] == [None, None]
    assert changed(driver, *changes) == (Done(None), Done(None))
    assert [entry[0] for entry in bench.history()] == ["orders/control.txt"]


def test_a_rewrite_leaves_one_version_with_all_its_labels(bench: BucketBench) -> None:
    kept = {"ContentType": "text/x-order", "CacheControl": "max-age=60", "ContentDisposition": "attachment", "Metadata": {"shop": "north"}}
    old = bench.write("orders/x.txt", content(PERSON), Tagging="team=a%20b&year=2026", **kept)
    driver = bench.driver()
    record = only(records(driver))
    change = change_of(driver, record, rewriting(record))
    becomes = foreseen(driver, change).becomes
    assert changed(driver, change) == (Done(becomes),)
    assert len([entry for entry in bench.history() if entry[0] == "orders/x.txt"]) == 1
    head = bench.client.head_object(Bucket=bench.bucket, Key="orders/x.txt")
    tags = bench.client.get_object_tagging(Bucket=bench.bucket, Key="orders/x.txt")["TagSet"]
    assert bench.read("orders/x.txt") == content(PERSON).replace(PERSON.encode(), MARK.encode())
    assert {name: head[name] for name in ("ContentType", "CacheControl", "ContentDisposition")} == {
        name: kept[name] for name in kept if name != "Metadata"
    }
    assert head["Metadata"] == {"shop": "north", REPLACES: old}
    assert sorted((tag["Key"], tag["Value"]) for tag in tags) == [("team", "a b"), ("year", "2026")]


def test_a_rewritten_version_is_followed_to_its_successor(bench: BucketBench) -> None:
    bench.write("orders/x.txt", content(PERSON))
    driver = bench.driver()
    record = only(records(driver))
    change = change_of(driver, record, rewriting(record))
    becomes = foreseen(driver, change).becomes
    changed(driver, change)
    (seen,) = bench.driver().observe([Watched(change.locator)])
    assert isinstance(seen, Moved)
    assert seen.state == becomes
    (there,) = driver.observe([Watched(seen.to)])
    assert isinstance(there, Present)
    assert there.state == becomes


def test_a_rewrite_that_was_killed_before_the_old_version_went_is_finished(bench: BucketBench) -> None:
    old = bench.write("orders/x.txt", content(PERSON))
    driver = bench.driver()
    record = only(records(driver))
    change = change_of(driver, record, rewriting(record))
    becomes = foreseen(driver, change).becomes
    redacted = content(PERSON).replace(PERSON.encode(), MARK.encode())
    new = bench.write(
        "orders/x.txt",
        redacted,
        Metadata={REPLACES: old},
        ContentType=bench.client.head_object(Bucket=bench.bucket, Key="orders/x.txt")["ContentType"],
    )
    assert changed(bench.driver(), change) == (Done(becomes),)
    assert [entry[1] for entry in bench.history() if entry[0] == "orders/x.txt"] == [new]


def test_a_newer_version_of_somebody_else_stops_the_rewrite(bench: BucketBench) -> None:
    bench.write("orders/x.txt", content(PERSON))
    driver = bench.driver()
    record = only(records(driver))
    change = change_of(driver, record, rewriting(record))
    bench.write("orders/x.txt", b"newer, by the shop")
    before = bench.dump()
    assert changed(driver, change) == (Drifted("changed"),)
    assert bench.dump() == before


def test_an_old_version_cannot_be_rewritten_and_says_what_can_be_done(bench: BucketBench) -> None:
    bench.write("orders/x.txt", content(PERSON))
    bench.write("orders/x.txt", b"newer")
    driver = bench.driver()
    record = only(records(driver))
    refusal = foreseen(driver, change_of(driver, record, rewriting(record))).refusal
    assert refusal is not None
    assert refusal.code == "s3.noncurrent"
    assert "superseded" in refusal.hint


def test_an_upload_that_never_ended_is_a_gap(bench: BucketBench) -> None:
    bench.client.create_multipart_upload(Bucket=bench.bucket, Key="parts/big.bin")
    found = answers(bench.driver(), about())
    assert [gap.code for gap in found if hasattr(gap, "code")] == ["s3.multipart"]
    assert [one.collection for one in found if isinstance(one, Looked) and one.extent is Extent.PARTIAL] == ["parts"]
