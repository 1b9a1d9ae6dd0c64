"""A rewrite knows which of its bytes are copies, and the store is sent the others only."""

import io
import zipfile
from typing import BinaryIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.stream import Splice, spliced
from dsr_engine.drivers.driver import Done
from dsr_engine.drivers.objectstore.composed import Composed, Piece, copied
from dsr_engine.drivers.objectstore.driver import ObjectstoreDriver
from dsr_engine.drivers.objectstore.s3 import S3Shelf
from dsr_engine.drivers.objectstore.s3_writing import WHOLE, parts_of
from tests.drivers.conformance import foreseen, only, records
from tests.drivers.file_benches import BucketBench, content
from tests.drivers.objectstore_cases import change_of, changed, rewriting
from tests.drivers.people import MARK, PERSON
from tests.servers.s3_server import S3Server

_MIB = 1024 * 1024


class Counted:
    """Requests of a driver by verb, with the bytes that each sent."""

    def __init__(self, driver: ObjectstoreDriver) -> None:
        self.sent: dict[str, int] = {}
        self.calls: dict[str, int] = {}
        shelf = cast("S3Shelf", driver._shelf)
        shelf._bucket.client.meta.events.register("before-parameter-build.s3", self._note)

    def _note(self, params: dict[str, object], model: object, **_: object) -> None:
        name = str(getattr(model, "name", ""))
        self.calls[name] = self.calls.get(name, 0) + 1
        body = params.get("Body", b"")
        self.sent[name] = self.sent.get(name, 0) + (len(body) if isinstance(body, bytes) else 0)


@pytest.mark.slow
@pytest.mark.parametrize("versions", [True, False])
def test_a_large_object_is_put_together_from_what_the_store_has(seaweedfs: S3Server, versions: bool) -> None:
    bench = BucketBench(seaweedfs, versions=versions)
    lines = b"".join(b"%07d %s\n" % (number, b"neighbour " * 99) for number in range(70_000))
    half = len(lines) // 2
    bench.write("orders/a.txt", content(PERSON) + lines[:half] + content(PERSON) + lines[half:], Metadata={"shop": "north"}, Tagging="team=a")
    driver = bench.driver()
    record = only(records(driver))
    change = change_of(driver, record, rewriting(record))
    becomes = foreseen(driver, change).becomes
    counted = Counted(driver)
    assert changed(driver, change) == (Done(becomes),)
    redacted = content(PERSON).replace(PERSON.encode(), MARK.encode())
    assert bench.read("orders/a.txt") == redacted + lines[:half] + redacted + lines[half:]
    head = bench.client.head_object(Bucket=bench.bucket, Key="orders/a.txt")
    assert head["ContentLength"] > WHOLE
    assert head["Metadata"]["shop"] == "north"
    assert "-" in head["ETag"]
    assert bench.client.get_object_tagging(Bucket=bench.bucket, Key="orders/a.txt")["TagSet"] == [{"Key": "team", "Value": "a"}]
    assert counted.calls["UploadPartCopy"] >= 3  # the probe's, and two halves
    assert counted.sent["UploadPart"] < 12 * _MIB
    assert bench.client.list_multipart_uploads(Bucket=bench.bucket).get("Uploads", []) == []


# ── which bytes are copies ──


def _composed(data: bytes, splices: list[Splice]) -> Composed:
    def open_file() -> BinaryIO:
        return io.BytesIO(data)

    sink = Composed(open_file)
    spliced(open_file, splices)(cast("BinaryIO", sink))
    return sink


@st.composite
def _edits(draw: st.DrawFn) -> tuple[bytes, list[Splice]]:
    data = draw(st.binary(max_size=400))
    ends = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8, unique=True)))
    return data, [Splice(start, end, draw(st.binary(max_size=20))) for start, end in zip(ends[::2], ends[1::2], strict=False)]


@settings(deadline=None)
@given(_edits())
def test_what_is_composed_is_what_a_plain_file_would_be(given_: tuple[bytes, list[Splice]]) -> None:
    data, splices = given_
    plain = io.BytesIO()
    spliced(lambda: io.BytesIO(data), splices)(plain)
    with _composed(data, splices) as sink:
        assert sink.read_from().read() == plain.getvalue()
        assert sink.size == len(plain.getvalue())
        new = sum(len(cast("bytes", splice.content)) for splice in splices)
        assert sum(piece.size for piece in sink.pieces if not piece.is_copy) == new
        with copy_of(plain.getvalue()) as same:
            assert same.digest() == sink.digest()


def copy_of(data: bytes) -> Composed:
    sink = Composed(lambda: io.BytesIO(data))
    copied(sink.original, sink)
    return sink


def test_a_format_that_goes_back_in_its_sink_gets_a_plain_file() -> None:
    with copy_of(b"0123456789") as sink:
        assert sink.seek(3) == 3
        assert sink.write(b"abc") == 3
        assert sink.tell() == 6
        assert sink.seek(0, io.SEEK_END) == 10
        sink.copy(b"!", 0)
        assert sink.read_from().read() == b"012abc6789!"
        assert sink.pieces == (Piece(0, 11, is_copy=False),)
        plain = copy_of(b"012abc6789!")
        assert sink.digest() == plain.digest()
        assert sink.truncate(4) == 4
        assert sink.read_from().read() == b"012a"


def test_an_archive_written_by_the_standard_library_is_a_good_one() -> None:
    with Composed(lambda: io.BytesIO(b"")) as sink:
        with zipfile.ZipFile(cast("BinaryIO", sink), "w") as archive:
            archive.writestr("a.txt", "hello")
            archive.writestr("b.txt", "world")
        with zipfile.ZipFile(io.BytesIO(sink.read_from().read())) as again:
            assert again.read("b.txt") == b"world"


# ── parts ──


@settings(deadline=None)
@given(sizes=st.lists(st.tuples(st.integers(1, 300), st.booleans()), max_size=30), part=st.integers(16, 40), copies=st.booleans())
def test_parts_are_the_pieces_in_order_and_none_but_the_last_is_too_short(sizes: list[tuple[int, bool]], part: int, copies: bool) -> None:
    shortest = part // 3
    pieces, at = [], 0
    for size, is_copy in sizes:
        pieces.append(Piece(at, at + size, is_copy))
        at += size
    parts = list(parts_of(pieces, part, shortest, copies=copies))
    covered = [(number, piece.is_copy) for one in parts for piece in one.pieces for number in range(piece.start, piece.end)]
    assert covered == [(number, piece.is_copy) for piece in pieces for number in range(piece.start, piece.end)]
    assert all(one.size >= shortest for one in parts[:-1])
    assert all(one.size <= part + shortest for one in parts if not one.is_copy)
    assert not any(one.is_copy for one in parts) or copies
    assert all(len(one.pieces) == 1 and one.pieces[0].is_copy for one in parts if one.is_copy)


def test_a_range_is_copied_in_pieces_that_a_store_finishes() -> None:
    gib = 1024**3
    parts = list(parts_of([Piece(0, 2 * gib, is_copy=True)], 16 * _MIB))
    assert [one.is_copy for one in parts] == [True] * 4
    assert sum(one.size for one in parts) == 2 * gib
