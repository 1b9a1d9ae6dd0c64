"""All formats through the one way in: told by content, every place is accepted, hostile content ends as a gap, memory is bounded."""

import gzip
import io
import tracemalloc
import zipfile
from typing import BinaryIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.files import FILES, can_rewrite, read_file, rewrite_file
from dsr_engine.content.format import Limits, Reading
from dsr_engine.content.stream import flowing, opened
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, Fence, RedactSpans
from dsr_engine.domain.record import Gap, Unit
from tests.content.arrow_samples import TABLES, TABLES_READ_ONLY
from tests.content.container_samples import CONTAINERS
from tests.content.document_samples import HTML, PACKAGES, RTF, XML
from tests.content.mails import mail, with_attachments
from tests.content.pdf_samples import PDFS
from tests.content.plain_words import OneWay, WordGate, WordRewriter, gaps, opener, read, reading, rewritten, units
from tests.content.record_samples import READ_ONLY, RECORDS
from tests.content.sheet_samples import OLD_SHEETS, SHEETS

_CSV = b"id,name,mail\r\n1,jane,jane@x.org\r\n2,bob,bob@x.org\r\n"
_JSONL = b'{"id": 1, "name": "jane"}\n{"id": 2, "name": "bob"}\n'


def _zipped(*members: tuple[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data)
    return sink.getvalue()


#: One file or more of every format in the registry.
SAMPLES = {
    "text": [b"about jane\nand bob\n", "grüße jane\nund bob\n".encode("utf-16"), b"<a>jane</a>\n<b>bob</b>\n"],
    "csv": [_CSV, _CSV.decode().encode("utf-16-le"), _CSV.replace(b",", b"\t")],
    "json": [b'{"a": [{"n": "jane"}, {"n": "bob"}], "jane": "x"}', b'["jane", "bob"]'],
    "jsonl": [_JSONL],
    "mime": [with_attachments(mail(cte="base64"), ("jane.csv", _CSV), ("a.jsonl.gz", gzip.compress(_JSONL, mtime=0))).as_bytes()],
    "gzip": [gzip.compress(_CSV, mtime=0), gzip.compress(_JSONL, mtime=0) + gzip.compress(_JSONL, mtime=0)],
    "zip": [_zipped(("jane.csv", _CSV), ("b.jsonl", _JSONL), ("c.eml", mail().as_bytes()))],
    "binary": [bytes(range(256)) + b"jane" + bytes(range(256))],
    "xml": list(XML),
    "html": list(HTML),
    "package": list(PACKAGES),
    "rtf": list(RTF),
    **CONTAINERS,
    **PDFS,
    **RECORDS,
    **READ_ONLY,
    **SHEETS,
    **OLD_SHEETS,
    **TABLES,
    **TABLES_READ_ONLY,
}
#: Formats that are read only.
_UNWRITTEN = ("binary", "archive", *READ_ONLY, *OLD_SHEETS, *TABLES_READ_ONLY)
_ALL = [(name, sample) for name, samples in SAMPLES.items() for sample in samples]


def test_every_format_of_the_registry_has_a_sample() -> None:
    assert set(SAMPLES) == set(FILES.formats)
    assert all(found.name == name for name, found in FILES.formats.items())


@pytest.mark.parametrize(("name", "sample"), _ALL)
def test_the_content_tells_the_format_whatever_the_name_says(name: str, sample: bytes) -> None:
    for hint in ("", "misleading.pdf", "x.bin"):
        assert FILES._kind(opener(sample), reading(name=hint))[0] == name


@pytest.mark.parametrize(("name", "sample"), _ALL)
@pytest.mark.parametrize("can_seek", [True, False])
def test_the_person_is_found_in_every_format_and_nobody_else_is(name: str, sample: bytes, can_seek: bool) -> None:
    found = [got for got in read(sample, reading(WordGate("jane")), can_seek=can_seek) if isinstance(got, Unit)]
    assert any("jane" in unit.text for unit in found)
    assert not [got for got in read(sample, reading(WordGate("nobody")), can_seek=can_seek) if isinstance(got, Unit)]


@pytest.mark.parametrize(("name", "sample"), _ALL)
def test_without_edits_the_copy_is_the_file(name: str, sample: bytes) -> None:
    assert rewritten(sample, []) == sample


@pytest.mark.parametrize(("name", "sample"), _ALL)
def test_places_and_sub_records_are_unique_and_say_nothing_about_the_person(name: str, sample: bytes) -> None:
    found = units(sample, reading(WordGate("jane")))
    assert len({unit.place for unit in found}) == len(found)
    assert not [unit for unit in found if "jane" in unit.place or "jane" in unit.inside]
    assert all(unit.place.startswith(unit.inside) for unit in found)


@pytest.mark.parametrize(("name", "sample"), [(name, sample) for name, sample in _ALL if name not in _UNWRITTEN])
@pytest.mark.parametrize("gate", [WordGate("jane"), None])
def test_every_place_that_is_read_is_accepted_and_only_the_person_goes(name: str, sample: bytes, gate: WordGate | None) -> None:
    found = [unit for unit in units(sample, reading(gate)) if not unit.is_opaque]
    after = rewritten(sample, [Edit(unit.place, RedactSpans()) for unit in found], "jane")
    assert not units(after, reading(WordGate("jane")))
    before_others = [unit.text for unit in units(sample) if "jane" not in unit.text]
    after_others = [unit.text for unit in units(after) if "[erased]" not in unit.text]
    assert after_others == before_others


@pytest.mark.parametrize(("name", "sample"), [(name, sample) for name, sample in _ALL if name not in _UNWRITTEN])
def test_every_sub_record_that_is_read_can_be_dropped_and_the_others_stay(name: str, sample: bytes) -> None:
    inside = {unit.inside for unit in units(sample, reading(WordGate("jane"))) if unit.inside}
    gone = [one for one in inside if not any(one.startswith(other + "/") for other in inside)]
    after = rewritten(sample, [Edit(one, DropPart()) for one in gone])
    kept = [unit.text for unit in units(sample) if not any(f"{unit.inside}/".startswith(one + "/") for one in gone)]
    notes = {"[attachment erased]", "text/plain; charset=us-ascii"}
    assert [unit.text for unit in units(after) if unit.text not in notes] == kept


@pytest.mark.parametrize(("name", "sample"), _ALL)
def test_a_refused_rewrite_has_written_nothing(name: str, sample: bytes) -> None:
    sink = io.BytesIO()
    edits = [Edit("no:such/place", RedactSpans())]
    with pytest.raises(NotSupported) as refused:
        rewrite_file(opener(sample), sink, edits, WordRewriter("jane"), reading())
    assert refused.value.code == "format.cannot_rewrite"
    assert sink.getvalue() == b""
    assert not can_rewrite(opener(sample), edits, WordRewriter("jane"), reading())


def test_a_file_of_several_mails_between_unknown_lines_is_a_gap_and_is_copied_and_rewritten_as_text() -> None:
    before = b"From a@x.org some day\nFrom: a@x.org\nTo: jane@x.org\n\nhallo\n\n" * 2
    assert gaps(before) == ["mbox.as_text"]
    assert rewritten(before, []) == before
    assert rewritten(before, [Edit("line:3", RedactSpans())], "jane") == before.replace(b"jane", b"[erased]", 1)


def test_a_field_is_fenced_in_tables_and_json() -> None:
    assert rewritten(_CSV, [Edit("row:2/name", Fence("restricted"))]) == _CSV.replace(b"1,jane", b"1,restricted")
    assert rewritten(_JSONL, [Edit("line:1/$.id", Fence(True))]) == _JSONL.replace(b'"id": 1', b'"id": true')


def test_a_prefix_names_places_inside_an_outer_file() -> None:
    how = Reading("files", WordGate("jane"), prefix="member:7/")
    assert {unit.inside for unit in units(_CSV, how)} == {"member:7/row:2"}
    sink = io.BytesIO()
    rewrite_file(opener(_CSV), sink, [Edit("member:7/row:2", DropPart())], WordRewriter(), how)
    assert sink.getvalue() == _CSV.replace(b"1,jane,jane@x.org\r\n", b"")


@given(st.binary(max_size=400), st.sampled_from(["", "a.csv", "a.json", "a.jsonl", "a.eml", "a.gz", "a.zip"]))
@settings(deadline=None, max_examples=300)
def test_any_bytes_under_any_name_are_read_without_failing_and_copied_without_edits(data: bytes, name: str) -> None:
    read(data, reading(WordGate("a"), name))
    assert rewritten(data, [], name=name) == data


@given(st.sampled_from([sample for name, sample in _ALL]), st.data())
@settings(deadline=None, max_examples=200)
def test_damaged_files_are_read_without_failing(sample: bytes, data: st.DataObject) -> None:
    broken = bytearray(sample)
    for _ in range(data.draw(st.integers(1, 3))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(broken[: data.draw(st.integers(0, len(broken)))])
    for got in read(cut, reading(WordGate("jane"))):
        assert not isinstance(got, Gap) or "jane" not in got.reason


@given(st.text(st.sampled_from('ab,;"{}[]:\n\r\\ü '), max_size=80), st.sampled_from(["a.csv", "a.json", "a.jsonl", "a.txt"]))
@settings(deadline=None, max_examples=300)
def test_any_text_that_is_read_is_rewritten_unchanged_where_nothing_matches(text: str, name: str) -> None:
    before = text.encode()
    found = [unit for unit in units(before, reading(name=name)) if not unit.is_opaque]
    if gaps(before, reading(name=name)):
        return
    assert rewritten(before, [Edit(unit.place, RedactSpans()) for unit in found], "nobody", name=name) == before


class _Long(OneWay):
    """A stream of many megabytes that are never in memory together."""

    def __init__(self, piece: bytes, count: int, end: bytes = b"") -> None:
        super().__init__()
        self._stream = flowing(iter([*[piece] * count, end]))

    def read(self, size: int | None = -1) -> bytes:
        return self._stream.read(-1 if size is None else size)


class _Counting(io.RawIOBase):
    """A sink that keeps nothing."""

    def write(self, data: object) -> int:
        return len(cast(bytes, data))


_LONG = [
    ("a.txt", b"a line that is about nobody at all\n" * 30_000, b""),
    ("a.txt", b"endless " * 130_000, b""),
    ("a.csv", b'1,"nobody ""at all""",x\r\n' * 40_000, b""),
    ("a.csv", b'"never closed ' * 80_000, b""),
    ("a.jsonl", b'{"id": 1, "name": "nobody", "more": {"a": [1, 2, 3]}}\n' * 20_000, b""),
    ("a.json", b'[{"id": 1}, {"a": "' + b"z" * 1_000_000, b""),
    ("a.bin", bytes(range(256)) * 4096, b"jane"),
    ("a.eml", b"From: a@x.org\nTo: b@x.org\n\n" + b"a line of a mail\n" * 60_000, b"jane"),
]


@pytest.mark.parametrize(("name", "piece", "end"), _LONG)
def test_memory_does_not_grow_with_the_file(name: str, piece: bytes, end: bytes) -> None:
    def open_file() -> BinaryIO:
        return cast(BinaryIO, _Long(piece, 40, end))

    how = Reading("files", WordGate("jane"), name=name)
    tracemalloc.start()
    try:
        for _ in read_file(open_file, how):
            pass
        rewrite_file(open_file, cast(BinaryIO, _Counting()), [], WordRewriter(), how)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64 * 1024 * 1024


def test_a_stream_that_cannot_seek_is_read_from_any_offset() -> None:
    data = bytes(range(256)) * 4096
    with opened(opener(data, can_seek=False)) as source:
        for at, size in ((0, 10), (500_000, 300_000), (499_000, 5000), (10, 5), (1_048_000, 9999)):
            source.seek(at)
            assert source.read(size) == data[at : at + size]
        assert source.seek(0, 2) == len(data)
        source.seek(len(data) - 100)
        assert source.read() == data[-100:]


def test_a_nested_bomb_is_bounded_by_one_budget() -> None:
    inner = _zipped(*((f"{number}.txt", b"z" * 1_000_000) for number in range(10)))
    before = _zipped(*((f"{number}.zip", inner) for number in range(10)))
    assert "archive.too_large" in gaps(before, Reading("files", WordGate("jane"), limits=Limits(decoded_bytes=5_000_000, growth=0)))
