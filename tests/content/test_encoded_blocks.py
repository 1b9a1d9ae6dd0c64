"""Base64 pasted into a text or lying in unknown bytes: whoever stands in it is found, however long the block is and wherever in it."""

import base64
import io
from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.format import Format, Reading
from dsr_engine.content.match import Matcher
from dsr_engine.content.opaque import opaque_bytes
from dsr_engine.content.rewriter import CaseRewriter
from dsr_engine.content.text import PlainText
from dsr_engine.domain.plan import Edit, RedactSpans
from dsr_engine.domain.record import Locator, Record, Unit
from tests.content.people import EMAIL, JANE

_MATCHER = Matcher({"case": JANE})
_READING = Reading("notes", _MATCHER.gate)
_WORDS = "lorem ipsum d\u00f6lor sit amet\n"


def _block(before: int, behind: int, width: int, newline: bytes) -> bytes:
    said = f"{(_WORDS * (before // 20 + 1))[:before]} {EMAIL} {(_WORDS * (behind // 20 + 1))[:behind]}"
    digits = base64.b64encode(said.encode())
    return newline.join(digits[at : at + width] for at in range(0, len(digits), width))


def _places(units: Iterator[object]) -> set[str]:
    given_units = tuple(unit for unit in units if isinstance(unit, Unit))
    return {hit.place for finding in _MATCHER.findings(Record(Locator("files", "notes", ("1",)), given_units, "server")) for hit in finding.hits}


@given(
    st.sampled_from((0, 7, 300, 5_000, 40_000)),
    st.sampled_from((0, 7, 300, 5_000, 40_000)),
    st.sampled_from((40, 61, 64, 76, 1_000_000)),
    st.sampled_from((b"\n", b"\r\n", b"\n ")),
    st.integers(0, 30),
)
@settings(deadline=None, max_examples=60)
def test_an_address_anywhere_in_a_block_is_found(before: int, behind: int, width: int, newline: bytes, lines: int) -> None:
    data = b"some text\n" * lines + b"data:\n" + _block(before, behind, width, newline) + b"\nbye\n"
    assert _places(PlainText().read(partial(io.BytesIO, data), _READING))
    assert _places(opaque_bytes(partial(io.BytesIO, b"\0\xff\x81" + data + b"\0\xfe"), "x", _READING))


@pytest.mark.parametrize("behind", [0, 300, 5_000])
def test_the_lines_that_hold_somebody_go_and_all_others_stay(behind: int) -> None:
    data = b"some text\n" + _block(5_000, behind, 76, b"\n") + b"\nbob@example.org\n"
    text: Format = PlainText()
    places = _places(text.read(partial(io.BytesIO, data), _READING))
    sink = io.BytesIO()
    edits = [Edit(place, RedactSpans()) for place in sorted(places)]
    text.prepare(partial(io.BytesIO, data), edits, CaseRewriter(_MATCHER, "case", b"k" * 32), _READING)(sink)
    before, after = data.splitlines(), sink.getvalue().splitlines()
    gone = [line for line in before if line not in after]
    assert 1 <= len(gone) <= 2
    assert not _places(text.read(partial(io.BytesIO, sink.getvalue()), _READING))


def test_hits_are_within_reach_of_what_they_are_about() -> None:
    data = _block(20_000, 20_000, 1_000_000, b"\n")
    whole = base64.b64decode(data)
    place = whole.index(EMAIL.encode()) * 4 // 3
    assert any(abs(hit - place) <= _MATCHER.gate.reach for hit in _MATCHER.gate.hits(data))


def test_a_run_behind_a_long_line_and_a_short_one_is_whole() -> None:
    """The lines before a sign belong to its block only if nothing but a line end is between them."""
    digits = base64.b64encode(f"{EMAIL}, Ok".encode())
    for between in (b"\r\n<\r\n", b"\r\n", b"\r\n=\r\n", b'\r\n"\r\n'):
        assert _MATCHER.gate.passes(b"short" * 11 + between + digits + b"\r\nbye"), between


_VALUES = st.sampled_from((EMAIL, "bob@example.org", "tea", "lorem ipsum dolor"))
_PLAIN = st.sampled_from(("Janet", "Bob was here", "a", "", "-", "42"))


@given(st.lists(st.tuples(st.integers(0, 40), _VALUES, st.booleans()), min_size=1, max_size=5), _PLAIN, st.sampled_from(("\n", "\r\n")))
@settings(deadline=None, max_examples=150)
def test_of_values_in_base64_one_in_a_line_those_of_others_stay(values: list[tuple[int, str, bool]], last: str, newline: str) -> None:
    """Padding before a line end looks like the soft line break of quoted-printable, and a full line like one that was wrapped."""
    lines = [(base64.b64encode(f"{'x' * before} {said} {'y' * 12}".encode()).decode(), said) for before, said, _ in values]
    lines = [(line.rstrip("=") if is_bare else line, said) for (line, said), (_, _, is_bare) in zip(lines, values, strict=True)]
    text = newline.join([*(line for line, _ in lines), last])
    after = CaseRewriter(_MATCHER, "case", b"k" * 32).redacted(text)
    assert after == newline.join([*("[redacted]" if said == EMAIL else line for line, said in lines), last])


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_word_behind_a_padded_value_stays(newline: str) -> None:
    value = base64.b64encode(f" mail {EMAIL}".encode()).decode()
    assert value.endswith("=")
    for word in ("Janet was here", "Bob", base64.b64encode(b"bob@example.org likes tea").decode()):
        after = CaseRewriter(_MATCHER, "case", b"k" * 32).redacted(f"token {value}{newline}{word}{newline}end")
        assert after == f"token [redacted]{newline}{word}{newline}end"


@given(st.integers(0, 90), st.sampled_from((60, 75, 76)), st.sampled_from(("\n", "\r\n")))
@settings(deadline=None, max_examples=60)
def test_base64_over_soft_line_breaks_is_read_across_them(before: int, width: int, newline: str) -> None:
    digits = base64.b64encode(f"{_WORDS * 4}"[:before].encode() + f" {EMAIL} {_WORDS * 3}".encode()).decode().replace("=", "=3D")
    text = f"={newline}".join(digits[at : at + width] for at in range(0, len(digits), width)) + " end"
    rewriter = CaseRewriter(_MATCHER, "case", b"k" * 32)
    after = rewriter.redacted(text)
    assert after != text
    assert after.endswith(" end")
    assert rewriter.redacted(after) == after
