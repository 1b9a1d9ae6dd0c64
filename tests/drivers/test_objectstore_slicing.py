"""A search of many files is cut into parts that together are everything, name nobody, and stay what they are when files come and go."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dsr_engine.domain.errors import Unreachable
from dsr_engine.domain.record import Record
from dsr_engine.domain.system import CollectionMap, Manifest
from dsr_engine.drivers.driver import Everything, Looked, Slice
from dsr_engine.drivers.objectstore.driver import ObjectstoreDriver
from tests.drivers.conformance import records
from tests.drivers.file_benches import BucketBench, file_system
from tests.drivers.people import PERSON
from tests.servers.listing_store import ListingStore, serving
from tests.servers.s3_server import S3Server


def driver_of(store: ListingStore, manifest: Manifest | None = None) -> ObjectstoreDriver:
    return ObjectstoreDriver(
        file_system(manifest, url="s3://lake", endpoint_url=store.endpoint, region="us-east-1", access_key="key", secret_key="secret")
    )


def parts_of(driver: ObjectstoreDriver) -> tuple[Slice, ...]:
    return tuple(driver.slices(Everything()))


def keys_of(driver: ObjectstoreDriver, parts: tuple[Slice, ...]) -> list[str]:
    return [one.locator.key[0] for part in parts for one in driver.find(Everything(), part) if isinstance(one, Record)]


@pytest.mark.slow
def test_a_bucket_of_a_hundred_thousand_keys_is_cut_and_found_with_few_listings() -> None:
    keys = [f"many/{number:06}.txt" for number in range(100_000)]
    with serving(ListingStore([*keys, "root.txt"])) as store:
        driver = driver_of(store)
        parts = parts_of(driver)
        assert 25 < len(parts) < 100
        assert store.listings < 1.2 * len(keys) / 1000
        found = [one for part in parts for one in driver.find(Everything(), part)]
        assert store.listings < 3 * len(keys) / 1000
        assert sorted(one.locator.key[0] for one in found if isinstance(one, Record)) == [*keys, "root.txt"]
        looked = [one.count for one in found if isinstance(one, Looked) and one.collection == "many"]
        assert sum(looked) == len(keys)
        assert max(looked) < len(keys) / 3


@pytest.mark.slow
def test_a_hundred_thousand_first_parts_that_name_people_are_one_listing() -> None:
    keys = [f"{number + 7_000_000}/a.txt" for number in range(12_000)]
    with serving(ListingStore(keys)) as store:
        driver = driver_of(store)
        assert sorted(keys_of(driver, parts_of(driver))) == keys
        assert store.listings < 12 * len(keys) / 1000


def test_a_part_names_no_key() -> None:
    with serving(ListingStore([f"many/{PERSON}-{number:05}" for number in range(5000)])) as store:
        names = [name for part in parts_of(driver_of(store)) for name in part.part]
        assert len(names) > 3
        assert all(re.fullmatch(r"range|[0-9a-f]{24}|", name) for name in names)


def test_other_accounts_name_the_same_borders_otherwise() -> None:
    with serving(ListingStore([f"many/{number:05}" for number in range(9000)])) as store:
        other = ObjectstoreDriver(file_system(url="s3://lake", endpoint_url=store.endpoint, region="us-east-1", access_key="key", secret_key="else"))
        assert not {part.part for part in parts_of(driver_of(store)) if len(set(part.part)) > 2} & {part.part for part in parts_of(other)}


@pytest.mark.slow
def test_keys_that_come_and_go_leave_the_other_parts_as_they_were() -> None:
    keys = [f"many/{number:05}.txt" for number in range(20_000)]
    with serving(ListingStore(keys)) as store:
        before = parts_of(driver_of(store))
        for number in range(40):
            store.add(f"many/{number * 401:05}-new.txt")
        store.keys.remove("many/00001.txt")
        after = parts_of(driver_of(store))
        assert len(set(before) & set(after)) >= len(before) - 3


@pytest.mark.slow
def test_a_part_is_understood_by_a_process_that_did_not_cut() -> None:
    keys = [f"many/{number:05}.txt" for number in range(9_000)]
    with serving(ListingStore(keys)) as store:
        parts = parts_of(driver_of(store))  # with its driver goes what it knew
        assert sorted(keys_of(driver_of(store), parts)) == keys


def test_what_arrives_while_a_search_goes_on_falls_into_a_part() -> None:
    keys = [f"many/{number:05}.txt" for number in range(9_000)]
    with serving(ListingStore(keys)) as store:
        driver = driver_of(store)
        parts = parts_of(driver)
        store.add("many/!first.txt")
        store.add("many/~last.txt")
        assert sorted(keys_of(driver, parts)) == ["many/!first.txt", *keys, "many/~last.txt"]


def test_a_border_that_is_gone_where_nobody_knows_it_is_no_silence() -> None:
    keys = [f"many/{number:05}.txt" for number in range(9_000)]
    with serving(ListingStore(keys)) as store:
        parts = parts_of(driver_of(store))
        store.keys = store.keys[:10]
        driver = driver_of(store)
        with pytest.raises(Unreachable):
            keys_of(driver, parts)


@pytest.mark.slow
def test_a_store_that_lists_in_another_order_is_cut_into_shares() -> None:
    keys = [f"many/{number * 7919 % 3000:04}.txt" for number in range(3_000)]
    with serving(ListingStore(keys, is_ordered=False)) as store:
        driver = driver_of(store)
        parts = parts_of(driver)
        assert {part.part[0] for part in parts if part.collection == "many"} == {str(share) for share in range(16)}
        assert sorted(keys_of(driver, parts)) == sorted(keys)


def test_globs_and_folders_find_every_key_once() -> None:
    keys = [*(f"in/{number:05}.csv" for number in range(3000)), *(f"in/{number:05}.txt" for number in range(3000)), "in.csv", "a/b/c.csv"]
    with serving(ListingStore(keys)) as store:
        driver = driver_of(store, Manifest("s3", "objectstore", collections=(CollectionMap("*.csv"),)))
        assert sorted(keys_of(driver, parts_of(driver))) == sorted(keys)


@pytest.mark.slow
@pytest.mark.parametrize("versions", [True, False])
def test_real_keys_are_all_read_once(seaweedfs: S3Server, versions: bool) -> None:
    bench = BucketBench(seaweedfs, versions=versions)
    odd = ["many/a-b", "many/a/b", "many/a", "many/a.b", "many/ä", "many/a b+c%20", "many/~", "many/Z/1", "many/z", "many-other/a", "many"]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda key: bench.write(key, b""), [*(f"many/{number:04}" for number in range(3001)), *odd]))
    driver = bench.driver()
    parts = parts_of(driver)
    found = keys_of(driver, parts)
    assert len(found) == len(set(found)) == 3001 + len(odd)


def test_a_large_folder_is_cut_into_shares_that_stat_their_own_files_only(tmp_path: Path) -> None:
    for number in range(2500):
        folder = tmp_path / f"d{number % 7}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number}.txt").write_bytes(b"")
    driver = ObjectstoreDriver(file_system(Manifest("folder", "objectstore", collections=(CollectionMap("d*"),)), url=str(tmp_path)))
    parts = tuple(part for part in driver.slices(Everything()) if part.collection == "d*")
    assert len(parts) == 16
    assert len(keys_of(driver, parts)) == 2500
    assert len(records(driver, Everything())) == 2500
