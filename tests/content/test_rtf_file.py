"""RTF: characters in all their writings, destinations apart, corrections both ways, what is embedded, and what is hostile."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import Edit, RedactSpans
from tests.content.document_samples import docx, w_runs
from tests.content.plain_words import WordGate, gaps, reading, rewritten, texts, units


def _rtf(body: str | bytes) -> bytes:
    return b"{\\rtf1\\ansi\\ansicpg1252 " + (body.encode("ascii") if isinstance(body, str) else body) + b"\\par and bob}"


@pytest.mark.parametrize(
    "body",
    [
        "jane",
        "ja{\\b ne}",
        "ja\r\nne",
        "ja\\'6ee",
        "ja\\u110?e",
        "\\uc0 ja\\u110 e",
        "\\uc2 ja\\u110??e",
        "ja\\u110\\'6ee",
        "\\b\\'6aane",
        "{\\v jane}",
        "{\\header ja{\\i ne}}",
        "{\\footnote jane}",
        "{\\*\\atnauthor jane}{\\*\\annotation x}",
        "{\\*\\unknown jane}",
        "{\\info{\\author jane}{\\title x}}",
        "{\\*\\revtbl{Unknown;}{jane;}}",
        '{\\field{\\*\\fldinst{HYPERLINK "mailto:ja}{\\b ne"}}{\\fldrslt x}}',
        "{\\shp{\\*\\shpinst{\\shptxt ja{\\b ne}\\par}}}",
        "{\\*\\bkmkstart jane}",
        "{\\*\\userprops{\\propname client}\\proptype30{\\staticval jane}}",
        "ja{\\footnote x}ne",
        "{\\revised ja}{\\deleted xx}{\\revised ne}",
        "ja{\\revised xx}{\\deleted ne}",
        "\\cell jane\\row",
        "{{{{jane",
        "\\fs20jane",
        "ja\\-ne",
        "\\bin3 }{}jane",
    ],
)
def test_the_person_is_found_in_any_writing_and_gone(body: str) -> None:
    before = _rtf(body)
    found = units(before, reading(WordGate("jane")))
    assert any("jane" in unit.text for unit in found)
    after = rewritten(before, [Edit(unit.place, RedactSpans()) for unit in found if not unit.is_opaque], "jane")
    assert not units(after, reading(WordGate("jane")))
    assert "and bob" in texts(after).values()
    assert after.count(b"{") - after.count(b"}") == before.count(b"{") - before.count(b"}")


@pytest.mark.parametrize(
    ("charset", "codec", "name"),
    [(204, "cp1251", "Жанна"), (128, "cp932", "山田"), (134, "gbk", "张伟"), (238, "cp1250", "Łukasz"), (161, "cp1253", "Γιάννα")],
)
def test_bytes_are_in_the_charset_of_their_font(charset: int, codec: str, name: str) -> None:
    digits = b"".join(b"\\'%02x" % byte for byte in name.encode(codec))
    before = b"{\\rtf1\\ansi{\\fonttbl{\\f0 A;}{\\f1\\fcharset%d B;}}{\\f1 " % charset + digits + b" x} y}"
    found = next(unit for unit in units(before, reading(WordGate(name))) if name in unit.text)
    assert rewritten(before, [Edit(found.place, RedactSpans())], name) == before.replace(digits, b"[erased]")


def test_characters_beyond_sixteen_bits_and_beyond_the_charset_are_read_and_written() -> None:
    before = _rtf("a\\u-10179?\\u-8704?b")
    assert "a\U0001f600b" in texts(before).values()
    assert texts(rewritten(before, [Edit("p:1", RedactSpans())], "\U0001f600"))["p:1"] == "a[erased]b"


def test_what_is_embedded_is_read_by_its_own_format_and_not_rewritten() -> None:
    inner = docx(w_runs("ja", "ne"))
    header = bytes.fromhex("01050000 02000000 05000000") + b"Word\0" + bytes(8) + len(inner).to_bytes(4, "little")
    before = _rtf("{\\object\\objemb{\\*\\objdata " + (header + inner).hex("\n", 64) + "}{\\result x}}")
    found = [unit for unit in units(before, reading(WordGate("jane"))) if unit.text == "jane"]
    assert [(unit.place, unit.inside) for unit in found] == [("data:1/member:2/p:1", "")]
    with pytest.raises(NotSupported):
        rewritten(before, [Edit(found[0].place, RedactSpans())], "jane")


def test_too_many_groups_are_a_gap_and_the_rest_is_searched_as_bytes() -> None:
    before = b"{\\rtf1 " + b"{" * 5000 + b"jane"
    assert gaps(before, reading(WordGate("jane"))) == ["rtf.too_deep"]
    assert any("jane" in unit.text for unit in units(before, reading(WordGate("jane"))))


_letter = st.sampled_from("abü€я😀 {}\\")


def _written(text: str, ways: list[int]) -> str:
    def one(character: str, way: int) -> str:
        units = character.encode("utf-16-be")
        numbers = [int.from_bytes(units[at : at + 2], "big", signed=True) for at in range(0, len(units), 2)]
        if character in "{}\\":
            return f"\\{character}" if way % 2 else f"\\'{ord(character):02x}"
        if character.isascii() and way % 3:
            return character
        return f"\\'{ord(character):02x}" if character.isascii() else "".join(f"\\u{number}?" for number in numbers)

    return "".join(one(character, way) for character, way in zip(text, ways, strict=False))


@given(st.text(_letter, min_size=1, max_size=12).filter(str.strip), st.lists(st.integers(0, 5), min_size=12, max_size=12), st.data())
@settings(deadline=None, max_examples=200)
def test_any_characters_are_read_and_any_of_them_can_go(text: str, ways: list[int], data: st.DataObject) -> None:
    before = b"{\\rtf1\\ansi\\b" + _written(f"\\{text}", [1, *ways]).encode("ascii") + b"\\par x}"
    assert texts(before)["p:1"] == f"\\{text}"
    gone = data.draw(st.sampled_from(sorted(set(text))))
    after = rewritten(before, [Edit("p:1", RedactSpans())], gone)
    assert texts(after)["p:1"] == f"\\{text}".replace(gone, "[erased]")
    assert texts(after)["p:2"] == "x"


@given(
    st.lists(
        st.sampled_from(
            ("{", "}", "\\", "\\b", "jane", "\\'6", "\\u", "\\u-1", "\\bin9 ", "\\pict ", "0a", "\\*", "\\par", " ", "\n", "\\uc", "\\f1", "é")
        ),
        max_size=20,
    )
)
@settings(deadline=None, max_examples=300)
def test_any_soup_is_read_without_failing_and_copied_without_edits(pieces: list[str]) -> None:
    before = b"{\\rtf1 " + "".join(pieces).encode("cp1252")
    units(before, reading(WordGate("jane")))
    assert rewritten(before, []) == before
