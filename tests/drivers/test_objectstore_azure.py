"""Azure Blob Storage on Azurite: snapshots, conditions, leases, labels, large blobs."""

from collections.abc import Iterator

import pytest

from dsr_engine.domain.errors import Conflict, InputWrong, NotSupported
from dsr_engine.domain.record import Gap
from dsr_engine.drivers.driver import Done, Drifted, Failed
from dsr_engine.drivers.objectstore.driver import ObjectstoreDriver
from tests.drivers.azure_bench import AzureBench
from tests.drivers.conformance import Bench, Conformance, answers, deletion, foreseen, only, records, redaction, unchanged
from tests.drivers.file_benches import content, file_system
from tests.drivers.objectstore_cases import DELETE, change_of, changed, rewriting
from tests.drivers.people import NEIGHBOURS, PERSON, about
from tests.servers.azurite import AzureServer


@pytest.fixture
def azure(azurite: AzureServer) -> Iterator[AzureBench]:
    bench = AzureBench(azurite)
    yield bench
    bench.close()


class TestAzurite(Conformance):
    @pytest.fixture
    def bench(self, azure: AzureBench) -> Bench:
        return azure


def _stocked(azure: AzureBench) -> AzureBench:
    azure.put("a1", PERSON)
    azure.put("n1", NEIGHBOURS[0])
    return azure


def test_labels_survive_a_rewrite(azure: AzureBench) -> None:
    from azure.storage.blob import ContentSettings  # noqa: PLC0415  # the extra's

    settings = ContentSettings("text/plain", content_language="de", cache_control="no-store", content_disposition="inline")
    blob = azure.write("orders/a.txt", content(PERSON), metadata={"branch": "north"}, tags={"class": "orders"}, content_settings=settings)
    blob.set_standard_blob_tier("Cool")
    driver = azure.driver()
    record = only(records(driver))
    assert changed(driver, change_of(driver, record, rewriting(record))) != []
    after = blob.get_blob_properties()
    assert blob.download_blob().readall() == content(PERSON).replace(PERSON.encode(), b"[erased]")
    assert (after.metadata, blob.get_blob_tags(), after.blob_tier) == ({"branch": "north"}, {"class": "orders"}, "Cool")
    kept = after.content_settings
    assert (kept.content_type, kept.content_language, kept.cache_control, kept.content_disposition) == ("text/plain", "de", "no-store", "inline")


def test_the_person_is_found_in_names_metadata_and_tags(azure: AzureBench) -> None:
    local = PERSON.partition("@")[0]
    azure.write(f"orders/{PERSON}.txt", b"nothing")
    azure.write("orders/m.txt", b"nothing", metadata={"owner": PERSON})
    azure.write("orders/t.txt", b"nothing", tags={"owner": PERSON.replace("@", ".at.") if "@" not in PERSON else "x"}, metadata={"o": local})
    found = {unit.place for record in records(azure.driver()) for unit in record.units}
    assert {"key", "metadata"} <= {place.partition("/")[0].partition(":")[0] for place in found}


def test_a_snapshot_is_a_version_that_can_be_deleted_and_not_rewritten(azure: AzureBench) -> None:
    blob = _stocked(azure).client.get_blob_client("orders/a1.txt")
    blob.create_snapshot()
    blob.upload_blob(b"nothing of hers", overwrite=True)
    before = azure.dump()
    driver = azure.driver()
    record = only(records(driver))
    refused = foreseen(driver, redaction(driver, record)).refusal
    assert refused is not None
    assert refused.code == "azure.noncurrent"
    assert changed(driver, deletion(driver, record)) == (Done(None),)
    gone = [name for name in before if name not in azure.dump()]
    assert len(gone) == 1
    assert " " in gone[0]
    assert unchanged(azure, {name: data for name, data in before.items() if name not in gone})


def test_a_blob_goes_only_with_its_snapshots(azure: AzureBench) -> None:
    blob = _stocked(azure).client.get_blob_client("orders/a1.txt")
    blob.create_snapshot()
    driver = azure.driver()
    both = sorted(records(driver), key=lambda record: record.locator.key[1])
    assert len(both) == 2
    alone = foreseen(driver, change_of(driver, both[0], DELETE)).refusal
    assert alone is not None
    assert alone.code == "azure.snapshots"
    changes = [change_of(driver, record, DELETE) for record in both]
    assert changed(driver, *changes) == (Done(None), Done(None))
    assert set(azure.dump()) == {"n1"}


def test_a_blob_that_was_written_meanwhile_stays(azure: AzureBench) -> None:
    driver = _stocked(azure).driver()
    record = only(records(driver))
    change = change_of(driver, record, rewriting(record))
    azure.write("orders/a1.txt", content(PERSON) + b"more\n")
    before = azure.dump()
    assert changed(driver, change) == (Drifted("changed"),)
    assert unchanged(azure, before)


def test_a_leased_blob_is_refused_in_words(azure: AzureBench) -> None:
    blob = _stocked(azure).client.get_blob_client("orders/a1.txt")
    blob.acquire_lease()
    driver = azure.driver()
    record = only(records(driver))
    (outcome,) = changed(driver, change_of(driver, record, DELETE))
    assert isinstance(outcome, Failed)
    assert "lease" in outcome.reason
    assert set(azure.dump()) == {"a1", "n1"}


def test_an_append_blob_can_be_deleted_and_not_rewritten(azure: AzureBench) -> None:
    azure.write("orders/log.txt", content(PERSON), blob_type="AppendBlob")
    driver = azure.driver()
    record = only(records(driver))
    refused = foreseen(driver, redaction(driver, record)).refusal
    assert refused is not None
    assert refused.code == "azure.blob_type"
    assert changed(driver, change_of(driver, record, DELETE)) == (Done(None),)
    assert azure.dump() == {}


def test_a_blob_of_many_blocks_is_read_and_rewritten(azure: AzureBench) -> None:
    line = b"0123456789abcdef" * 4 + b"\n"
    data = line * 200_000 + content(PERSON) + line * 100_000
    azure.write("orders/large.txt", data)
    driver = azure.driver()
    record = only(records(driver))
    (outcome,) = changed(driver, change_of(driver, record, rewriting(record)))
    assert isinstance(outcome, Done)
    assert azure.client.get_blob_client("orders/large.txt").download_blob().readall() == data.replace(PERSON.encode(), b"[erased]")


def test_a_prefix_is_the_edge_of_the_world(azure: AzureBench) -> None:
    _stocked(azure)
    azure.write("orders-old/b.txt", content(PERSON))
    driver = azure.driver("orders")
    assert [record.locator.key[0] for record in records(driver)] == ["orders/a1.txt"]
    assert not [one for one in answers(driver, about()) if isinstance(one, Gap)]


def test_settings_that_lack_something_are_told() -> None:
    for url, account in (("az://", "account"), ("az://lake", "")):
        with pytest.raises(InputWrong) as refused:
            ObjectstoreDriver(file_system(url=url, access_key=account))
        assert refused.value.code == "azure.settings"


def test_a_container_that_is_not_there_and_a_wrong_key_are_told(azurite: AzureServer) -> None:
    absent = ObjectstoreDriver(file_system(url="az://nowhere", endpoint_url=azurite.endpoint, access_key=azurite.account, secret_key=azurite.key))
    with pytest.raises((InputWrong, NotSupported, Conflict)) as refused:
        records(absent)
    assert refused.value.code == "azure.no_container"
