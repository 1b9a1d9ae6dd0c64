"""Content streams and CMaps of PDFs: cut into operations without a byte lost, and read without a byte trusted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.pdf.cmap import cmap_of
from dsr_engine.content.pdf.strings import text_bytes, text_of
from dsr_engine.content.pdf.tokens import hex_string, literal_string, operations


def _said(data: bytes) -> list[tuple[bytes, list[bytes]]]:
    return [(found.operator, [token.raw for token in found.operands]) for found in operations(data)]


def test_operations_are_told_with_their_operands_and_drawing_is_passed_over() -> None:
    content = b"q 1 0 0 1 5 5 cm\n0 0 m 9.5 -.3 l S % (no) Tj\nBT /F1 12 Tf [(a(b)\\)) -3 <41 4>] TJ (x)' ET"
    assert _said(content) == [
        (b"q", []),
        (b"cm", [b"1", b"0", b"0", b"1", b"5", b"5"]),
        (b"BT", []),
        (b"Tf", [b"/F1", b"12"]),
        (b"TJ", [b"[", b"(a(b)\\))", b"-3", b"<41 4>", b"]"]),
        (b"'", [b"(x)"]),
        (b"ET", []),
    ]


def test_an_inline_image_is_one_operation_whatever_its_bytes_look_like() -> None:
    content = b"BI /W 2 /H 2 ID \x01(\xff EI\x02 Tj\nEI Q (a) Tj"
    assert [operator for operator, _ in _said(content)] == [b"BI", b"EI", b"Q", b"Tj"]


@pytest.mark.parametrize(
    ("raw", "said"),
    [(b"(a\\(b)", b"a(b"), (b"(\\101\\7z\\\n.)", b"A\x07z."), (b"(a\r\nb\rc)", b"a\nb\nc"), (b"(\\r\\q)", b"\rq"), (b"(open", b"open")],
)
def test_strings_are_read_as_the_specification_says(raw: bytes, said: bytes) -> None:
    assert literal_string(raw) == said


def test_an_odd_hexadecimal_string_ends_with_a_zero() -> None:
    assert hex_string(b"<4 1\n4>") == b"A@"


@given(st.binary(max_size=300))
def test_whatever_the_bytes_are_operations_lie_in_their_order_and_keep_to_the_data(data: bytes) -> None:
    at = 0
    for found in operations(data):
        assert at <= found.start < found.end <= len(data)
        assert all(data[token.start : token.end] == token.raw for token in found.operands)
        at = found.end


@given(st.binary(max_size=200))
def test_any_string_is_a_text_and_its_bytes_again(data: bytes) -> None:
    text, codec = text_of(data)
    again, _ = text_of(text_bytes(text, codec))
    assert again == text


@given(st.text(st.characters(blacklist_categories=["Cs"]), max_size=40))
def test_any_text_has_a_place_in_a_string_whatever_its_codec_was(text: str) -> None:
    for codec in ("pdfdoc", "utf-8", "utf-8:mark", "utf-16-be", "utf-16-be:mark", "utf-16-le:mark"):
        assert text_of(text_bytes(text, codec))[0] == text


def test_a_cmap_gives_the_text_of_codes_and_ranges() -> None:
    cmap = cmap_of(
        b"1 begincodespacerange <00> <ffff> endcodespacerange 2 beginbfchar <01> <0041> <02> <00660069> endbfchar "
        b"2 beginbfrange <10> <12> <0061> <20> <21> [<0078> <D83DDE00>] endbfrange 1 begincidrange <0005> <0007> 100 endcidrange"
    )
    assert cmap.texts == {(1, 1): "A", (2, 1): "fi", (16, 1): "a", (17, 1): "b", (18, 1): "c", (32, 1): "x", (33, 1): "😀"}
    assert cmap.glyphs == {(5, 2): 100, (6, 2): 101, (7, 2): 102}


@given(
    st.lists(
        st.sampled_from((b"<41>", b"<0041>", b"<zz>", b"9", b"beginbfrange", b"endbfrange", b"begincidchar", b"endcidchar", b"[", b"]", b"(a)", b"%"))
    )
)
@settings(max_examples=200)
def test_a_broken_cmap_gives_what_makes_sense_in_it(words: list[bytes]) -> None:
    for (code, length), text in cmap_of(b" ".join(words)).texts.items():
        assert code < 256**length
        assert text
