"""Google Cloud Storage, on a server of the tests that speaks its API: generations, conditions, holds, retention, soft delete."""

import gzip
from datetime import UTC, datetime, timedelta

import pytest

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.record import Gap
from dsr_engine.drivers.driver import Done, Drifted
from dsr_engine.drivers.objectstore.driver import ObjectstoreDriver
from tests.drivers.conformance import Bench, Conformance, answers, deletion, foreseen, only, records, redaction, unchanged
from tests.drivers.file_benches import content, file_system
from tests.drivers.gcs_bench import GcsBench
from tests.drivers.objectstore_cases import DELETE, change_of, changed, rewriting
from tests.drivers.people import MARK, NEIGHBOURS, PERSON, about
from tests.servers.gcs import GcsServer

_CLEAN = content(PERSON).replace(PERSON.encode(), MARK.encode())


class TestGcsPlain(Conformance):
    @pytest.fixture
    def bench(self, gcs: GcsServer) -> Bench:
        return GcsBench(gcs)


class TestGcsVersions(Conformance):
    @pytest.fixture
    def bench(self, gcs: GcsServer) -> Bench:
        return GcsBench(gcs, versions=True)


@pytest.fixture
def bench(gcs: GcsServer) -> GcsBench:
    stocked = GcsBench(gcs, versions=True)
    stocked.put("a1", PERSON)
    stocked.put("n1", NEIGHBOURS[0])
    return stocked


def test_labels_survive_a_rewrite(bench: GcsBench) -> None:
    labels = {"metadata": {"branch": "north"}, "cacheControl": "no-store", "contentDisposition": "inline", "storageClass": "NEARLINE"}
    bench.write("orders/a1.txt", content(PERSON), **labels)
    driver = bench.driver("orders")
    record = max(records(driver), key=lambda one: int(one.locator.key[1]))
    (outcome,) = changed(driver, change_of(driver, record, rewriting(record)))
    assert isinstance(outcome, Done)
    live = bench.bucket.live("orders/a1.txt")
    assert live is not None
    assert live.data == _CLEAN
    assert {name: live.resource[name] for name in labels} == {**labels, "metadata": {"branch": "north", "dsr-replaces": record.locator.key[1]}}


def test_an_old_generation_can_be_deleted_and_not_rewritten(bench: GcsBench) -> None:
    bench.write("orders/a1.txt", b"nothing of hers")
    before = bench.dump()
    driver = bench.driver()
    record = only(records(driver))
    refused = foreseen(driver, redaction(driver, record)).refusal
    assert refused is not None
    assert refused.code == "gcs.noncurrent"
    assert changed(driver, deletion(driver, record)) == (Done(None),)
    (gone,) = [name for name in before if name not in bench.dump()]
    assert record.locator.key[1] in gone
    assert unchanged(bench, {name: data for name, data in before.items() if name != gone})


def test_deleting_the_live_generation_brings_no_older_one_back(bench: GcsBench) -> None:
    bench.write("orders/a1.txt", content(PERSON) + b"again\n")
    driver = bench.driver()
    newest = max(records(driver), key=lambda one: int(one.locator.key[1]))
    assert changed(driver, change_of(driver, newest, DELETE)) == (Done(None),)
    assert bench.bucket.live("orders/a1.txt") is None
    assert len(bench.bucket.objects["orders/a1.txt"]) == 1


@pytest.mark.parametrize("hold", ["temporaryHold", "eventBasedHold"])
def test_a_hold_is_refused_and_nothing_is_touched(bench: GcsBench, hold: str) -> None:
    bench.write("orders/a2.txt", content(PERSON), **{hold: True})
    before = bench.dump()
    driver = bench.driver("orders/a2.txt")
    refused = foreseen(driver, deletion(driver, only(records(driver)))).refusal
    assert refused is not None
    assert (refused.code, "hold" in refused.message) == ("gcs.locked", True)
    assert unchanged(bench, before)


def test_a_retention_is_refused_with_its_day(bench: GcsBench) -> None:
    until = datetime.now(UTC) + timedelta(days=40)
    bench.write("orders/a2.txt", content(PERSON), retentionExpirationTime=until.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    driver = bench.driver("orders/a2.txt")
    refused = foreseen(driver, deletion(driver, only(records(driver)))).refusal
    assert refused is not None
    assert until.date().isoformat() in refused.message


def test_what_soft_delete_keeps_is_told_each_time(gcs: GcsServer) -> None:
    bench = GcsBench(gcs, soft_delete=7 * 86_400)
    bench.put("a1", PERSON)
    driver = bench.driver()
    assert changed(driver, deletion(driver, only(records(driver)))) == (Done(None),)
    assert [one.code for one in answers(driver, about()) if isinstance(one, Gap)] == ["gcs.soft_deleted"]
    assert "7 days" in next(problem.message for problem in driver.check() if problem.code == "gcs.soft_delete")


def test_what_was_written_meanwhile_stays(bench: GcsBench) -> None:
    driver = bench.driver()
    record = only(records(driver))
    change = change_of(driver, record, rewriting(record))
    bench.write("orders/a1.txt", content(PERSON) + b"more\n")
    before = bench.dump()
    (outcome,) = changed(driver, change)
    assert isinstance(outcome, Drifted)
    assert unchanged(bench, before)


def test_an_object_that_is_stored_compressed_is_read_as_it_is_stored(bench: GcsBench) -> None:
    bench.write("orders/a3.txt", gzip.compress(content(PERSON)), contentEncoding="gzip")
    driver = bench.driver("orders/a3.txt")
    record = only(records(driver))
    (outcome,) = changed(driver, change_of(driver, record, rewriting(record)))
    assert isinstance(outcome, Done)
    live = bench.bucket.live("orders/a3.txt")
    assert live is not None
    assert gzip.decompress(live.data) == _CLEAN
    assert live.resource["contentEncoding"] == "gzip"


def test_a_large_object_is_written_in_a_session(bench: GcsBench) -> None:
    line = b"0123456789abcdef" * 4 + b"\n"
    data = line * 100_000 + content(PERSON) + line * 100_000
    bench.write("orders/large.txt", data)
    driver = bench.driver("orders/large.txt")
    record = only(records(driver))
    (outcome,) = changed(driver, change_of(driver, record, rewriting(record)))
    assert isinstance(outcome, Done)
    live = bench.bucket.live("orders/large.txt")
    assert live is not None
    assert live.data == data.replace(PERSON.encode(), MARK.encode())


def test_objects_that_are_granted_one_by_one_are_not_rewritten(bench: GcsBench) -> None:
    bench.bucket.is_uniform = False
    driver = bench.driver()
    refused = foreseen(driver, redaction(driver, only(records(driver)))).refusal
    assert refused is not None
    assert refused.code == "gcs.acl"


def test_a_bucket_that_is_not_there_is_told(gcs: GcsServer) -> None:
    with pytest.raises(InputWrong) as refused:
        records(ObjectstoreDriver(file_system(url="gs://nowhere", endpoint_url=gcs.endpoint)))
    assert refused.value.code == "gcs.no_bucket"
