"""Somebody else writes at the worst moment: theirs stands, ours is taken back, on stores that help with that and on stores that do not."""

from collections.abc import Callable, Iterator
from typing import cast

import pytest

from dsr_engine.domain.record import Record
from dsr_engine.drivers.driver import Absent, Change, Done, Drifted, Failed, Watched
from dsr_engine.drivers.objectstore.driver import ObjectstoreDriver
from dsr_engine.drivers.objectstore.s3 import S3Shelf
from dsr_engine.drivers.objectstore.s3_probe import Ability, probe, shortcomings
from tests.drivers.conformance import foreseen, only, records
from tests.drivers.file_benches import BucketBench, content
from tests.drivers.objectstore_cases import DELETE, change_of, changed, rewriting
from tests.drivers.people import NEIGHBOURS, PERSON
from tests.servers.s3_server import S3Server

KEY = "orders/x.txt"
THEIRS = content(NEIGHBOURS[0])


@pytest.fixture(params=["moto_s3", "seaweedfs"])
def server(request: pytest.FixtureRequest) -> S3Server:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, S3Server)
    return found


@pytest.fixture
def bench(server: S3Server) -> Iterator[BucketBench]:
    bench = BucketBench(server, versions=True)
    bench.write(KEY, content(PERSON))
    yield bench
    bench.close()


def shelf_of(driver: ObjectstoreDriver) -> S3Shelf:
    return cast("S3Shelf", driver._shelf)


def before(driver: ObjectstoreDriver, verb: str, act: Callable[[dict[str, object]], object]) -> None:
    """Does something right before the driver's next request of this kind."""
    waiting = [act]

    def once(params: dict[str, object], **_: object) -> None:
        if waiting:
            waiting.pop()(params)

    shelf_of(driver)._bucket.client.meta.events.register(f"before-parameter-build.s3.{verb}", once)


def prepared(bench: BucketBench, ability: Ability, how: Callable[[Record], object]) -> tuple[ObjectstoreDriver, Change]:
    driver = bench.driver()
    shelf_of(driver).__dict__["_ability"] = ability
    record = only(records(driver))
    effect = how(record)
    return driver, change_of(driver, record, effect)  # type: ignore[arg-type]  # a rewrite or a deletion


@pytest.mark.parametrize("can_refuse", [True, False], ids=["if-match", "roll back"])
def test_a_version_that_comes_right_before_the_rewrite_stands(bench: BucketBench, can_refuse: bool) -> None:
    driver, change = prepared(bench, Ability(can_refuse, can_refuse), rewriting)
    before(driver, "PutObject", lambda _: bench.write(KEY, THEIRS))
    assert changed(driver, change) == (Drifted("changed"),)
    assert bench.read(KEY) == THEIRS
    kept = [bench.read(key, version) for key, version, _, _ in bench.history()]
    assert sorted(kept) == sorted([content(PERSON), THEIRS])


def test_a_marker_that_comes_right_before_the_rewrite_stands(bench: BucketBench) -> None:
    driver, change = prepared(bench, Ability(), rewriting)
    before(driver, "PutObject", lambda _: bench.client.delete_object(Bucket=bench.bucket, Key=KEY))
    assert changed(driver, change) == (Drifted("changed"),)
    assert [is_marker for _, _, is_current, is_marker in bench.history() if is_current] == [True]
    assert [bench.read(key, version) for key, version, _, is_marker in bench.history() if not is_marker] == [content(PERSON)]


@pytest.mark.parametrize("can_refuse", [True, False], ids=["if-match", "look"])
def test_without_versions_an_object_that_was_overwritten_is_not_deleted(server: S3Server, can_refuse: bool) -> None:
    bench = BucketBench(server, versions=False)
    bench.write(KEY, content(PERSON))
    able = can_refuse and probe(shelf_of(bench.driver())._bucket).deletes_if_match
    driver, change = prepared(bench, Ability(able, able), lambda _: DELETE)
    before(driver, "DeleteObject" if able else "GetObjectTagging", lambda _: bench.write(KEY, THEIRS))
    assert changed(driver, change) == (Drifted("changed"),)
    assert bench.read(KEY) == THEIRS


def test_what_the_store_spoils_is_taken_back(bench: BucketBench) -> None:
    """The store loses a line of what is written; that shows when it is read back."""
    driver, change = prepared(bench, Ability(), rewriting)
    becomes = foreseen(driver, change).becomes
    before(driver, "PutObject", lambda params: params.update(Body=b"spoilt"))
    (outcome,) = changed(driver, change)
    assert isinstance(outcome, Failed)
    assert outcome.code == "objectstore.successor"
    assert bench.read(KEY) == content(PERSON)
    assert len(bench.history()) == 1
    assert changed(bench.driver(), change) == (Done(becomes),)


def test_labels_are_written_with_the_object_and_never_by_a_request_of_their_own(bench: BucketBench) -> None:
    """One known server takes a request for tags as a new, empty object."""
    bench.write(KEY, content(PERSON), Metadata={"from": PERSON}, Tagging="team=a")
    driver = bench.driver()
    record = next(record for record in records(driver) if any(unit.place == "metadata:from" for unit in record.units))
    asked: list[str] = []
    shelf_of(driver)._bucket.client.meta.events.register("before-parameter-build.s3", lambda model, **_: asked.append(model.name))
    driver.check()
    (outcome,) = changed(driver, change_of(driver, record, rewriting(record)))
    assert isinstance(outcome, Done)
    assert "PutObject" in asked
    assert not [name for name in asked if name.startswith("Put") and name != "PutObject"]


def test_a_store_that_loses_tags_is_known_for_it(bench: BucketBench) -> None:
    bucket = shelf_of(bench.driver())._bucket
    bucket.client.meta.events.register("before-parameter-build.s3.PutObject", lambda params, **_: void(params.pop("Tagging", None)))
    ability = probe(bucket)
    assert not ability.keeps_labels
    assert "s3.labels_lost" in [problem.code for problem in shortcomings(ability)]


def void(_: object) -> None:
    """Makes a statement of an expression."""


def test_what_a_real_store_does_is_probed(bench: BucketBench) -> None:
    ability = probe(shelf_of(bench.driver())._bucket)
    assert ability.copies_ranges
    assert ability.keeps_labels
    assert [key for key, _, _, _ in bench.history()] == [KEY]


def test_a_store_without_conditions_is_a_warning() -> None:
    assert [(problem.code, problem.is_fatal) for problem in shortcomings(Ability(copies_ranges=True))] == [("s3.no_if_match", False)]


def test_an_erased_version_is_absent_also_where_nothing_is_left(bench: BucketBench) -> None:
    driver, change = prepared(bench, Ability(), lambda _: DELETE)
    assert changed(driver, change) == (Done(None),)
    assert isinstance(bench.driver().observe([Watched(change.locator)])[0], Absent)
    assert bench.history() == []
