"""Documents are read in pieces: what lies across two of them is found and rewritten."""

import io
from collections.abc import Callable, Iterator
from typing import BinaryIO

import pytest

from dsr_engine.content.files import read_file, rewrite_file
from dsr_engine.content.stream import flowing
from dsr_engine.domain.plan import Edit, RedactSpans
from dsr_engine.domain.record import Unit
from tests.content.plain_words import WordGate, WordRewriter, reading

_SIZE = 1024 * 1024
_CASES = {
    "xml": (
        b'<?xml version="1.0"?><rows>',
        b'<row n="1"><name>bob</name><note>x &amp; y</note></row>\n',
        b"<row><name>ja&#110;e</name></row>",
        b"</rows>",
    ),
    "html": (b"<!DOCTYPE html><body>", b"<p>dear <i>bob</i> &amp; co\n", b"<p>ja<b>n</b>e", b"</body>"),
    "rtf": (b"{\\rtf1\\ansi ", b"dear {\\i bob} and others\\par\r\n", b"ja{\\b n}e\\par ", b"}"),
}


def _document(name: str, padding: int) -> Callable[[], BinaryIO]:
    """The person stands around the border of two pieces, `padding` bytes before it."""
    head, filler, person, tail = _CASES[name]

    def pieces() -> Iterator[bytes]:
        count = (_SIZE - padding - len(head)) // len(filler)
        rest = _SIZE - padding - len(head) - count * len(filler)
        yield head + filler * count + b" " * rest + person
        yield from (filler * 100 for _ in range(2))
        yield tail

    return lambda: flowing(pieces())


@pytest.mark.parametrize("name", _CASES)
@pytest.mark.parametrize("padding", [3, 20])
def test_what_lies_across_two_pieces_is_found_and_cut_out(name: str, padding: int) -> None:
    document = _document(name, padding)
    found = [got for got in read_file(document, reading(WordGate("jane"))) if isinstance(got, Unit)]
    assert "jane" in [unit.text.strip() for unit in found]
    sink = io.BytesIO()
    rewrite_file(document, sink, [Edit(unit.place, RedactSpans()) for unit in found], WordRewriter("jane"), reading())
    with document() as source:
        before = source.read()
    after = sink.getvalue()
    at = _SIZE - padding
    person = _CASES[name][2]
    assert after[:at] == before[:at]
    assert after.endswith(before[at + len(person) :])
    assert after[at:].count(b"[erased]") == 1
