"""`rclone serve s3` knows no tags, and takes a request to write them for a new content: nothing is done there, and that is said."""

import pytest

from dsr_engine.domain.errors import Unreachable
from tests.drivers.conformance import records
from tests.drivers.file_benches import BucketBench
from tests.drivers.people import NEIGHBOURS, PERSON
from tests.servers.s3_server import S3Server


@pytest.fixture
def bench(rclone_s3: S3Server) -> BucketBench:
    return BucketBench(rclone_s3, versions=False)


def test_a_store_that_fails_when_it_is_asked_for_tags_is_not_searched_as_if_it_had_none(bench: BucketBench) -> None:
    stored = {f"orders/{number}.txt": f"for {who}".encode() for number, who in enumerate((PERSON, *NEIGHBOURS))}
    for key, data in stored.items():
        bench.write(key, data)
    with pytest.raises(Unreachable, match="tags"):
        records(bench.driver())
    assert {key: bench.read(key) for key in stored} == stored


def test_a_tag_would_be_the_new_content_there(bench: BucketBench) -> None:
    bench.put("a", PERSON)
    before = bench.read("orders/a.txt")
    bench.spoil("a")
    assert bench.read("orders/a.txt") != before
