"""PDFs that are broken, or built to do harm: they end as gaps within their bounds, and what can be read in them is read."""

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.format import Reading
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import Edit, RedactSpans
from dsr_engine.domain.record import Gap, Unit
from tests.content.pdfs import form, letter, one_page, stream, written
from tests.content.plain_words import WordGate, read, rewritten

_JANE = "jane.doe@example.com"
_READING = Reading("files", WordGate(_JANE))
_NOTE = {9: f"<< /Note ({_JANE}) >>".encode()}


def _bomb(levels: int) -> bytes:
    data = bytes(32 * 1024 * 1024)
    for _ in range(levels):
        data = zlib.compress(data, 9)
    return data


def _deep_pages(depth: int) -> dict[int, bytes]:
    objects = one_page(form(_JANE), _NOTE)
    for number in range(10, 10 + depth):
        objects[number] = b"<< /Type /Pages /Kids [%d 0 R] /Count 1 /Parent %d 0 R >>" % (number + 1, number - 1)
    objects[2] = b"<< /Type /Pages /Kids [10 0 R 3 0 R] /Count 2 >>"
    objects[10 + depth] = b"<< /Type /Page /Parent %d 0 R >>" % (9 + depth)
    return objects


def _chain(data: bytes, count: int) -> bytes:
    return b"<< /Length %d /Filter [%b] >>\nstream\n%b\nendstream" % (len(data), b"/FlateDecode " * count, data)


def _cyclic_form() -> dict[int, bytes]:
    itself = stream(b"/X9 Do " + form(_JANE), b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X9 6 0 R >> >> ")
    page = b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /XObject << /X9 6 0 R >> /Font << /F9 5 0 R >> >> >>"
    return {**one_page(b"/X9 Do", _NOTE), 3: page, 6: itself}


def _wide_font() -> dict[int, bytes]:
    ranges = b"".join(b"<%04x> <ffff> <0041>\n" % number for number in range(2000))
    cmap = stream(b"1 begincodespacerange <0000> <ffff> endcodespacerange\n100 beginbfrange\n" + ranges + b"endbfrange")
    font = (
        b"<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /ToUnicode 6 0 R /DescendantFonts [<< /Type /Font /Subtype /CIDFontType2 "
        b"/BaseFont /X /W [" + b"0 65535 500 " * 5000 + b"] >>] >>"
    )
    return {**one_page(b"BT /F9 12 Tf (aaaa) Tj ET", _NOTE), 5: font, 6: cmap}


HOSTILE: dict[str, bytes] = {
    "deep page tree": written(_deep_pages(3000)),
    "cyclic page tree": written({**one_page(form(_JANE), _NOTE), 2: b"<< /Type /Pages /Kids [3 0 R 2 0 R 3 0 R] /Count 3 /Parent 2 0 R >>"}),
    "cyclic form": written(_cyclic_form()),
    "cyclic outline": written(
        one_page(form(_JANE), {6: b"<< /Title (t) /Next 6 0 R /First 6 0 R /Parent 6 0 R >>", **_NOTE}, catalog=b"/Outlines 6 0 R ")
    ),
    "wide font": written(_wide_font()),
    "deep array": written(one_page(form(_JANE), {6: b"[" * 5000 + b"]" * 5000, **_NOTE})),
    "deep states": written(one_page(b"q " * 100_000 + form(_JANE), _NOTE)),
    "nested strings": written(one_page(b"(" * 100_000 + form(_JANE), _NOTE)),
    "bad picture": written(
        one_page(
            b"/I Do " + form(_JANE),
            {6: stream(b"\xff\x4f\xff\x51" * 99, b"/Type /XObject /Subtype /Image /Width 9 /Height 9 /Filter /JPXDecode "), **_NOTE},
        )
    ),
    "bad JBIG2": written(
        one_page(form(_JANE), {6: stream(bytes(range(256)), b"/Type /XObject /Subtype /Image /Width 9 /Height 9 /Filter /JBIG2Decode "), **_NOTE})
    ),
    "no tables": letter(_JANE).replace(b"xref", b"xxxx").replace(b"trailer", b"xxxxxxx") + f"\n{_JANE}\n".encode(),
    "cut off": written(one_page(form(_JANE), _NOTE))[:-150],
    "huge tables": written(one_page(form(_JANE), _NOTE)).replace(b"/Size 10", b"/Size 2147483640"),
    "page bomb": written({**one_page(form(_JANE), _NOTE), 4: _chain(_bomb(2), 2)}),
    "attachment bomb": written(
        one_page(
            form(_JANE),
            {6: b"<< /Type /Filespec /F (a) /EF << /F 7 0 R >> >>", 7: _chain(_bomb(3), 3), **_NOTE},
            catalog=b"/AF [6 0 R] ",
        )
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_end_within_their_bounds_and_what_can_be_read_is(name: str) -> None:
    found = read(HOSTILE[name], _READING)
    assert [got for got in found if isinstance(got, Unit)]
    for gap in (got for got in found if isinstance(got, Gap)):
        assert "jane" not in gap.reason


_WHOLE = written(one_page(form(_JANE), {6: stream(b"x" * 300, packed=True), **_NOTE}, catalog=b"/Lang (en) /X 6 0 R "))


@given(st.data())
@settings(deadline=None, max_examples=40)
def test_damaged_files_are_found_in_or_told(data: st.DataObject) -> None:
    broken = bytearray(_WHOLE)
    for _ in range(data.draw(st.integers(1, 6))):
        broken[data.draw(st.integers(5, len(broken) - 1))] = data.draw(st.integers(0, 255))
    before = bytes(broken[: data.draw(st.integers(30, len(broken)))])
    found = read(before, _READING)
    places = [got.place for got in found if isinstance(got, Unit) and not got.is_opaque]
    gaps = [got for got in found if isinstance(got, Gap)]
    assert found or _JANE.encode() not in before
    try:
        after = rewritten(before, [Edit(place, RedactSpans()) for place in places], _JANE)
    except NotSupported:
        return
    if places and not gaps:
        assert not [got for got in read(after, _READING) if isinstance(got, Unit)]
