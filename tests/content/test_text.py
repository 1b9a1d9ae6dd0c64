"""Plain text: lines, charsets, wrapped names, hostile lines; what is not edited stays byte for byte."""

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.format import Limits, Reading
from dsr_engine.content.scan import Lines
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from dsr_engine.domain.record import Unit
from tests.content.plain_words import MARK, FoldedGate, WordGate, gaps, read, reading, rewritten, texts, units

_CODECS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1"]
#: Hypothesis also tries words that stand in the code, such as the one that is looked for.
_LINE = st.text(st.characters(codec="latin-1", exclude_categories=("Cc", "Zl", "Zp")), max_size=30).filter(lambda line: "jane" not in line)
_LINES = st.lists(_LINE, min_size=3, max_size=12)


def test_a_line_is_named_by_its_number_and_keeps_its_text() -> None:
    assert texts(b"one\r\ntwo jane\n\nfour jane", reading(WordGate("jane"))) == {"line:2": "two jane", "line:4": "four jane"}


def test_without_a_gate_every_line_is_given() -> None:
    assert list(texts(b"a\nb\n\nc")) == ["line:1", "line:2", "line:3", "line:4"]


@pytest.mark.parametrize("codec", _CODECS)
def test_a_line_is_found_and_redacted_in_every_charset_and_the_rest_stays(codec: str) -> None:
    before = "Grüße an alle\r\nHallo jane, schöne Grüße\r\nEnde größer\r\n".encode(codec)
    assert texts(before, reading(WordGate("jane"))) == {"line:2": "Hallo jane, schöne Grüße"}
    after = rewritten(before, [Edit("line:2", RedactSpans())], "jane")
    assert after == f"Grüße an alle\r\nHallo {MARK}, schöne Grüße\r\nEnde größer\r\n".encode(codec)


@given(_LINES, st.sampled_from(["\n", "\r\n"]), st.sampled_from(_CODECS), st.data())
@settings(deadline=None, max_examples=60)
def test_a_redacted_line_changes_and_all_others_do_not(lines: list[str], newline: str, codec: str, data: st.DataObject) -> None:
    lines = ["Überschrift dieser Datei", *lines]
    at = data.draw(st.integers(0, len(lines)))
    lines.insert(at, "about jane only")
    before = newline.join(lines).encode(codec)
    place = next(unit.place for unit in units(before, reading(WordGate("jane"), "a.log")))
    after = rewritten(before, [Edit(place, RedactSpans())], "jane", name="a.log")
    assert after == newline.join([*lines[:at], f"about {MARK} only", *lines[at + 1 :]]).encode(codec)


def test_a_name_that_is_wrapped_is_one_unit_of_two_lines() -> None:
    before = b"first\nsigned by jane\ndoe of Rome\nlast\n"
    gate = FoldedGate("jane doe")
    assert texts(before, reading(gate)) == {"line:2-3": "signed by jane\ndoe of Rome"}
    assert rewritten(before, [Edit("line:2-3", RedactSpans())], "jane\ndoe") == b"first\nsigned by [erased] of Rome\nlast\n"


def test_a_name_that_is_wrapped_across_two_buffers_is_found() -> None:
    filler = b"x" * 99 + b"\n"
    before = filler * 10_485 + b"y" * 68 + b" jane\ndoe" + b"\n" + filler * 9
    places = [unit.place for unit in units(before, reading(FoldedGate("jane doe"), "a.txt"))]
    assert "line:10486-10487" in places


def test_a_mixed_file_keeps_the_charset_of_each_line() -> None:
    before = "müde jane\n".encode("cp1252") + "müde jane\n".encode()
    after = rewritten(before, [Edit("line:1", RedactSpans()), Edit("line:2", RedactSpans())], "jane")
    assert after == before.replace(b"jane", b"[erased]")


def test_a_file_with_bare_carriage_returns_has_lines_too() -> None:
    assert texts(b"one\rtwo jane\rthree", reading(WordGate("jane"))) == {"line:2": "two jane"}


def test_an_endless_line_is_searched_as_bytes_and_is_a_gap() -> None:
    limited = Reading("files", WordGate("jane"), name="a.txt", limits=Limits(line_bytes=1024 * 1024))
    before = b"a jane\n" + b"z" * 3_000_000 + b" jane " + b"z" * 1000 + b"\nlast jane\n"
    found = read(before, limited)
    assert [(unit.place, unit.is_opaque) for unit in found if isinstance(unit, Unit)] == [("line:1", False), ("line:2", True), ("line:3", False)]
    assert gaps(before, limited) == ["text.line_too_long"]


def test_bytes_of_unknown_kind_are_searched_and_are_always_a_gap() -> None:
    before = bytes(range(256)) * 20 + b"jane" + bytes(100)
    found = units(before, reading(WordGate("jane")))
    assert len(found) == 1
    assert found[0].is_opaque
    assert "jane" in found[0].text
    assert gaps(before, reading(WordGate("nobody"))) == ["binary.unknown"]


def test_unknown_bytes_are_never_rewritten() -> None:
    with pytest.raises(NotSupported) as refused:
        rewritten(b"\x00\x01\x02jane" * 9, [Edit("bytes:0", RedactSpans())], "jane")
    assert refused.value.code == "format.cannot_rewrite"


@pytest.mark.parametrize("edit", [Edit("line:9", RedactSpans()), Edit("row:1", RedactSpans()), Edit("line:1", DropPart())])
def test_what_cannot_be_done_is_refused(edit: Edit) -> None:
    with pytest.raises(NotSupported):
        rewritten(b"jane\n", [edit], "jane")


def test_a_charset_that_nobody_declared_is_told_by_what_is_written_in_it() -> None:
    before = "客户 jane 住在上海，喜欢喝茶。\n第二行没有她。\n".encode("gbk")
    assert gaps(before, reading(WordGate("jane"))) == []
    assert texts(before, reading(WordGate("jane"))) == {"line:1": "客户 jane 住在上海，喜欢喝茶。"}
    assert rewritten(before, [Edit("line:1", RedactSpans())], "jane") == before.replace(b"jane", b"[erased]")


def test_damaged_utf_16_is_read_and_not_rewritten() -> None:
    before = codecs.BOM_UTF16_LE + "hello jane\nmore text\n".encode("utf-16-le") + b"\x00\xd8\n\x00x"
    assert texts(before, reading(WordGate("jane"))) == {"line:1": "hello jane"}
    with pytest.raises(NotSupported):
        rewritten(before, [Edit("line:1", RedactSpans())], "jane")


@given(
    st.lists(st.sampled_from([b"", b"ab", b"x" * 5000, b"y" * 20_000]), min_size=1, max_size=30),
    st.booleans(),
    st.sets(st.integers(0, 40), min_size=1),
)
@settings(deadline=None, max_examples=100)
def test_lines_are_picked_by_their_index_however_long_they_are(pieces: list[bytes], ends: bool, indices: set[int]) -> None:
    data = b"\n".join(pieces) + (b"\n" if ends else b"")
    spans = list(Lines().spans(data))
    expected = [(index, *spans[index]) for index in sorted(indices) if index < len(spans)]
    assert list(Lines().at(data, sorted(indices))) == expected


@pytest.mark.parametrize(
    "before",
    [
        '{"note": this is a list of things\njane wrote\n',
        "<note>jane wrote\nand never closed it\n",
        "[{ jane }] wrote\n",
        "<jane@x.org> wrote:\n> tea\n",
    ],
)
def test_a_text_that_begins_like_a_language_and_is_none_is_read_wholly_as_a_text(before: str) -> None:
    data = before.encode()
    places = [unit.place for unit in units(data, reading(WordGate("jane")))]
    assert places
    assert all(place.startswith("line:") for place in places)
    assert not gaps(data, reading(WordGate("jane")))
    assert rewritten(data, [Edit(place, RedactSpans()) for place in places], "jane") == data.replace(b"jane", MARK.encode())
