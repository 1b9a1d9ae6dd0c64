"""Files in a folder and in a bucket: rows go, their neighbours stay byte for byte."""

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsr_engine.domain.finding import Extent
from dsr_engine.domain.record import Gap, Record
from dsr_engine.drivers.driver import Done, Driver, Looked
from dsr_engine.drivers.objectstore.driver import ObjectstoreDriver
from tests.drivers.conformance import answers, foreseen, only, records
from tests.drivers.file_benches import BucketBench, FolderBench, file_system
from tests.drivers.objectstore_cases import change_of, changed, dropping, rewriting
from tests.drivers.people import MARK, NEIGHBOURS, PERSON, about
from tests.servers.s3_server import S3Server

HEADER = b"id,email,note\r\n"
ROWS = [b'%d,%s,"line one\r\nline two"\r\n' % (number, email.encode()) for number, email in enumerate((*NEIGHBOURS, PERSON, *NEIGHBOURS), start=1)]
TABLE = HEADER + b"".join(ROWS)
WITHOUT = HEADER + b"".join(row for row in ROWS if PERSON.encode() not in row)

Put = Callable[[str, bytes], None]
Get = Callable[[str], bytes]


class Place:
    """A place for files, whatever it is."""

    def __init__(self, driver: Driver, put: Put, get: Get) -> None:
        self.driver = driver
        self.put = put
        self.get = get


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "folder":
        folder = FolderBench(tmp_path)
        return Place(
            folder.driver(),
            lambda name, data: void(folder.root.joinpath(name).write_bytes(data)),
            lambda name: folder.root.joinpath(name).read_bytes(),
        )
    server = request.getfixturevalue("moto_s3")
    assert isinstance(server, S3Server)
    bucket = BucketBench(server, versions=True)
    return Place(bucket.driver(), lambda name, data: void(bucket.write(name, data)), bucket.read)


def void(_: object) -> None:
    """Makes a statement of an expression."""


def zipped(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data)
    return packed.getvalue()


def test_a_row_of_a_table_is_dropped_and_every_other_byte_stays(place: Place) -> None:
    place.put("orders/table.csv", TABLE)
    place.put("orders/control.csv", WITHOUT)
    record = only(records(place.driver))
    change = change_of(place.driver, record, dropping(record))
    becomes = foreseen(place.driver, change).becomes
    assert changed(place.driver, change) == (Done(becomes),)
    assert place.get("orders/table.csv") == WITHOUT
    assert place.get("orders/control.csv") == WITHOUT
    assert records(place.driver) == ()


def test_a_row_inside_a_packed_table_is_dropped(place: Place) -> None:
    place.put("orders/table.csv.gz", gzip.compress(TABLE, mtime=0))
    record = only(records(place.driver))
    change = change_of(place.driver, record, dropping(record))
    becomes = foreseen(place.driver, change).becomes
    assert changed(place.driver, change) == (Done(becomes),)
    assert gzip.decompress(place.get("orders/table.csv.gz")) == WITHOUT


def test_a_row_inside_an_archive_is_dropped_and_its_other_members_stay(place: Place) -> None:
    place.put("orders/all.zip", zipped(**{"a.csv": TABLE, "b.csv": WITHOUT}))
    record = only(records(place.driver))
    change = change_of(place.driver, record, dropping(record))
    becomes = foreseen(place.driver, change).becomes
    assert changed(place.driver, change) == (Done(becomes),)
    with zipfile.ZipFile(io.BytesIO(place.get("orders/all.zip"))) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {"a.csv": WITHOUT, "b.csv": WITHOUT}


def test_a_damaged_archive_is_a_gap_and_no_silence(place: Place) -> None:
    place.put("orders/all.zip", zipped(**{"a.csv": TABLE})[:-30])
    found = answers(place.driver, about())
    assert [one for one in found if isinstance(one, Gap) or (isinstance(one, Record) and one.gaps)]
    assert [one.extent for one in found if isinstance(one, Looked) and one.collection == "orders"] == [Extent.PARTIAL]


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(st.sampled_from([PERSON, *NEIGHBOURS, "nobody", "", "ä ö ü €"]), min_size=1, max_size=12), end=st.sampled_from(["\n", "\r\n"]))
def test_only_the_persons_spans_change_whatever_the_file_says(tmp_path: Path, lines: list[str], end: str) -> None:
    text = end.join(f"from {line}, by post" for line in lines) + end
    folder = tmp_path / "any"
    folder.mkdir(exist_ok=True)
    (folder / "a.txt").write_bytes(text.encode())
    driver = ObjectstoreDriver(file_system(url=str(tmp_path)))
    changes = [change_of(driver, record, rewriting(record)) for record in records(driver)]
    assert all(isinstance(outcome, Done) for outcome in changed(driver, *changes))
    assert (folder / "a.txt").read_bytes() == text.replace(PERSON, MARK).encode()
