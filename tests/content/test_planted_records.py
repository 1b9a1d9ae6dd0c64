"""A made-up person is planted in rows, mails, cards, entries and pictures in many written forms; after a rewrite nobody sees them.

What is another person's is what it was: `fastavro`, `sqlite3`, `mailbox` and our own reader of a file without the person tell.
"""

import io
import sqlite3
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.files import read_file, rewrite_file
from dsr_engine.content.format import Reading
from dsr_engine.content.match import Matcher
from dsr_engine.content.rewriter import CaseRewriter
from dsr_engine.domain.finding import Hit
from dsr_engine.domain.plan import Edit, RedactSpans
from dsr_engine.domain.record import Locator, Record, Unit
from tests.content.people import JANE, STRANGERS
from tests.content.plain_words import opener
from tests.content.test_image_file import jpeg, png, tiff
from tests.content.test_planted_files import cell, written

_MATCHER = Matcher({"case": JANE})
_REWRITER = CaseRewriter(_MATCHER, "case", b"k" * 32)
Cells = Sequence[tuple[str, str]]


def _avro(cells: Cells) -> bytes:
    values: Any = {"type": "map", "values": ["null", "string"]}
    fields = [
        {"name": "first", "type": ["null", "string"]},
        {"name": "more", "type": {"type": "array", "items": values}},
        {"name": "raw", "type": "bytes"},
    ]
    sink = io.BytesIO()
    rows = [{"first": one, "more": [{"k": other}], "raw": one.encode()} for one, other in cells]
    fastavro.writer(sink, {"type": "record", "name": "R", "fields": fields}, rows, codec="zstandard", sync_interval=200)
    return sink.getvalue()


def _sqlite(cells: Cells) -> bytes:
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.executescript("CREATE TABLE t(a, b); CREATE INDEX i ON t(b)")
    database.executemany("INSERT INTO t VALUES (?, ?)", cells)
    data = database.serialize()
    database.close()
    return data


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace(",", "\\,").replace(";", "\\;")


def _cards(cells: Cells) -> bytes:
    return "".join(f"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:{_escaped(one)}\r\nNOTE:x {_escaped(other)}\r\nEND:VCARD\r\n" for one, other in cells).encode()


def _calendar(cells: Cells) -> bytes:
    entries = (f"BEGIN:VEVENT\r\nSUMMARY:{_escaped(one)}\r\nDESCRIPTION:x {_escaped(other)}\r\nEND:VEVENT\r\n" for one, other in cells)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{''.join(entries)}END:VCALENDAR\r\n".encode()


def _mbox(cells: Cells) -> bytes:
    out = b""
    for one, other in cells:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "bob@x.org", "eve@x.org", "about"
        message.set_content(f"{one}\n--\n{other}\n", cte="base64")
        out += b"From bob@x.org Thu Jan  1 00:00:00 2026\n" + message.as_bytes() + b"\n"
    return out


def _jpeg(cells: Cells) -> bytes:
    words = [(0x010E, 2, one.encode() + b"\0") for one, _ in cells[:1]] + [
        (0x9286, 7, b"UNICODE\0" + other.encode("utf-16-le")) for _, other in cells[:1]
    ]
    return jpeg((0xE1, b"Exif\0\0" + tiff(words)), *((0xFE, f"{one} | {other}".encode()) for one, other in cells))


def _png(cells: Cells) -> bytes:
    return png(*((b"iTXt", b"Comment\0\0\0\0\0" + f"{one} | {other}".encode()) for one, other in cells))


_KINDS: dict[str, Callable[[Cells], bytes]] = {
    "avro": _avro, "sqlite": _sqlite, "vcf": _cards, "ics": _calendar, "mbox": _mbox, "jpg": _jpeg, "png": _png,
}  # fmt: skip


def _units(data: bytes) -> list[Unit]:
    return [got for got in read_file(opener(data), Reading("files", _MATCHER.gate)) if isinstance(got, Unit)]


def _hits(data: bytes) -> list[Hit]:
    return [hit for finding in _MATCHER.findings(Record(Locator("s", "files", ("x",)), tuple(_units(data)), "server")) for hit in finding.hits]


def _rewritten(data: bytes) -> bytes:
    places = dict.fromkeys(hit.place for hit in _hits(data) if hit.is_rewritable)
    sink = io.BytesIO()
    rewrite_file(opener(data), sink, [Edit(place, RedactSpans()) for place in places], _REWRITER, Reading("files", _MATCHER.gate))
    return sink.getvalue()


def _all(data: bytes) -> list[str]:
    return [got.text for got in read_file(opener(data), Reading("files", None)) if isinstance(got, Unit) and not got.is_opaque]


@pytest.mark.parametrize("kind", _KINDS)
@given(st.lists(st.tuples(cell, cell), min_size=1, max_size=3), written)
@settings(deadline=None, max_examples=12)
def test_after_a_rewrite_nobody_sees_the_person_and_all_else_is_as_it_was(kind: str, cells: list[tuple[str, str]], person: str) -> None:
    cells = [*cells, (person, STRANGERS[0]), (STRANGERS[1], f"- {person} .")]
    before = _KINDS[kind](cells)
    assert _hits(before)
    after = _rewritten(before)
    assert not _hits(after)
    for was, now in zip(_all(before), _all(after), strict=True):
        assert was == now or (_MATCHER.spans(was) and "[redacted]" in now)


@pytest.mark.parametrize("kind", _KINDS)
def test_a_file_without_the_person_is_copied_as_it_is(kind: str) -> None:
    before = _KINDS[kind]([(STRANGERS[2], STRANGERS[3]), (STRANGERS[4], "x")])
    assert not _hits(before)
    assert _rewritten(before) == before


def test_a_number_that_is_the_person_is_found_in_rows() -> None:
    sink = io.BytesIO()
    fastavro.writer(
        sink, {"type": "record", "name": "R", "fields": [{"name": "phone", "type": ["null", "long"]}]}, [{"phone": 491701234567}, {"phone": 5}]
    )
    assert [hit.place for hit in _hits(sink.getvalue())] == ["row:1/phone"]
    after = list(fastavro.reader(io.BytesIO(_rewritten(sink.getvalue()))))
    assert after == [{"phone": None}, {"phone": 5}]
