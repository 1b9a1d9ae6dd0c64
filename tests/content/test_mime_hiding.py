"""Places of a mail that are neither value nor text and hold somebody: the line of an mbox, delimiters, names of headers, folded digits."""

import base64
import io
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.format import Reading
from dsr_engine.content.match import Matcher
from dsr_engine.content.rewriter import CaseRewriter
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.finding import Hit
from dsr_engine.domain.plan import Edit, RedactSpans
from dsr_engine.domain.record import Locator, Record, Unit
from dsr_engine.drivers.mailstore.marks import place_of
from dsr_engine.drivers.mailstore.message import read_message, write_message
from tests.content.people import EMAIL, JANE

_MATCHER = Matcher({"case": JANE})
_HEAD = b"From: bob@example.org\nTo: eve@example.net\n"


def _hits(data: bytes) -> tuple[Hit, ...]:
    got = read_message(partial(io.BytesIO, data), Reading("mail", _MATCHER.gate))
    record = Record(Locator("mail", "INBOX", ("1",)), tuple(unit for unit in got if isinstance(unit, Unit)), "server")
    return tuple(hit for finding in _MATCHER.findings(record) for hit in finding.hits)


def _erased(data: bytes) -> bytes:
    sink = io.BytesIO()
    edits = [Edit(hit.place, RedactSpans()) for hit in _hits(data)]
    write_message(partial(io.BytesIO, data), sink, edits, CaseRewriter(_MATCHER, "case", b"k" * 32), Reading("mail", None))
    return sink.getvalue()


@pytest.mark.parametrize("sign", [b"", b">"])
def test_the_line_of_an_mbox_before_the_headers_names_its_sender(sign: bytes) -> None:
    line = sign + b"From jane.doe@example.com Mon Jun  1 10:00:00 2026\n"
    rest = _HEAD + b"Subject: x\n\nhello\n"
    assert _erased(line + rest) == line.replace(EMAIL.encode(), b"[redacted]") + rest


def test_the_mark_of_a_rewrite_goes_behind_the_headers_of_a_mail_with_such_a_line() -> None:
    line = b"From jane.doe@example.com Mon Jun  1 10:00:00 2026\n"
    assert place_of(line + _HEAD + b"\nhello\n", "abc").at == len(line + _HEAD)
    assert place_of(line + b"\nhello\n", "abc").at == len(line)


@pytest.mark.parametrize("boundary", [EMAIL, base64.b64encode(EMAIL.encode()).decode()])
def test_a_boundary_with_the_person_is_not_cut_because_the_parts_would_be_lost(boundary: str) -> None:
    delimiter = f"--{boundary}".encode()
    parts = delimiter + b"\nContent-Transfer-Encoding: base64\n\naGVsbG8=\n" + delimiter + b"--\n"
    data = _HEAD + f'Content-Type: multipart/mixed; boundary="{boundary}"\n\n'.encode() + parts
    assert _hits(data)
    with pytest.raises(NotSupported) as caught:
        _erased(data)
    assert caught.value.code == "format.cannot_rewrite"


def test_the_other_parameters_of_a_multipart_lose_the_person_and_its_parts_stay() -> None:
    data = _HEAD + b'Content-Type: multipart/mixed; boundary=x; owner="jane.doe@example.com"\n\n--x\n\nhello\n--x--\n'
    assert _erased(data) == data.replace(EMAIL.encode(), b"[redacted]")


@pytest.mark.parametrize("line", [b"--jane.doe@example.com", b"--Jane Doe"])
def test_a_delimiter_that_no_header_names_is_a_text(line: bytes) -> None:
    hits = _hits(_HEAD + b"Content-Type: multipart/mixed\n\nhello\n\n" + line + b"\n\nbye\n")
    assert [hit.is_rewritable for hit in hits] == [False]


def test_a_line_that_is_taken_for_a_header_is_searched_with_its_name() -> None:
    (hit,) = _hits(_HEAD + b"jane.doe@example.com: please call\n")
    assert not hit.is_rewritable


@given(st.integers(0, 120), st.integers(4, 60), st.sampled_from((64, 70, 76)), st.sampled_from((b"\n ", b"\r\n ", b"\n\t")))
@settings(deadline=None, max_examples=60)
def test_digits_that_are_folded_anywhere_say_who_they_are_about(before: int, behind: int, width: int, fold: bytes) -> None:
    key = bytes(range(128, 248))[:before] + b"\xb4\x1f<jane.doe@example.com>\x88" + bytes(range(128, 248))[:behind]
    digits = base64.b64encode(key)
    folded = fold.join(digits[at : at + width] for at in range(0, len(digits), width))
    data = _HEAD.replace(b"\n", fold[:-1]) + b"Autocrypt: addr=bob@example.org; keydata=" + fold + folded + fold[:-1] * 2 + b"hello" + fold[:-1]
    assert _hits(data)
    now = _erased(data)
    assert not _hits(now)
    assert now.startswith(_HEAD.replace(b"\n", fold[:-1]) + b"Autocrypt: addr=bob@example.org; keydata=")
