"""HTML as it is found: soup, scripts, references, charsets. Every character is in some text, and a rewrite changes texts only."""

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.format import Limits, Reading
from dsr_engine.domain.plan import Edit, RedactSpans
from tests.content.plain_words import WordGate, gaps, reading, rewritten, texts, units


def _all_redacted(data: bytes, *words: str) -> bytes:
    return rewritten(data, [Edit(unit.place, RedactSpans()) for unit in units(data, reading(name="a.html"))], *words, name="a.html")


@pytest.mark.parametrize(
    "soup",
    [
        "<p>ja<b>ne</b>",
        "<p>ja<b>n<i>e</b></i>",
        "<b><p>ja</b>ne</p>",
        "<p>ja<!-- x -->ne",
        "<p>ja<wbr>ne",
        "<p>j&#97;n&#x65;",
        "<p>j&#97ne",
        "<p>ja<span\nclass='a>b'>ne",
        "<P>ja</FONT>ne",
        "<p title=jane>",
        "<p title='jane'>",
        '<p title="j&#97;ne">',
        "<p jane>",
        "<jane@x.org>",
        "<!-- jane",
        "<!-- jane -->",
        "<!jane>",
        "<?jane?>",
        "<script>var a = 'jane'</script>",
        "<script>if (a < b) jane",
        "<style>.jane{}</style>",
        "<textarea>j&#97;ne</textarea>",
        "<title>jane",
        "<plaintext>jane<b>",
        "< jane",
        "a < b jane",
        "<p>x</p>jane",
        "<td>jane<td>bob",
        '<img alt="jane">',
        '<meta name="author" content="jane">',
        '<p data-user="jane">',
        '<iframe srcdoc="<p>jane</p>">',
        "<ruby>x<rt>ja</rt>y<rt>ne</rt></ruby>",
        "<p>ja<del>x</del><ins>ne</ins>",
        "<a href='mailto:jane'>",
        "<p>jane<a b='",
        "</p jane>",
        "<noscript>jane",
        "<template>ja<b>ne</template>",
        "<p>JA<b>jane</B>",
    ],
)
def test_the_person_is_found_and_gone_in_any_soup(soup: str) -> None:
    before = f"<!DOCTYPE html>\n<p>bob</p>{soup}".encode()
    found = units(before, reading(WordGate("jane")))
    assert any("jane" in unit.text for unit in found)
    after = rewritten(before, [Edit(unit.place, RedactSpans()) for unit in found], "jane")
    assert not units(after, reading(WordGate("jane")))
    assert after.startswith(b"<!DOCTYPE html>\n<p>bob</p>")


def test_blocks_part_texts_and_formatting_does_not() -> None:
    said = list(texts(b"<html><div>ja<p>ne</p>b<b>o</b>b</div><ul><li>a<li>b</ul>x   y\n z").values())
    assert {"ne", "a", "b"} <= set(said)
    assert "ja\nbob" in said
    assert any("x y z" in text for text in said)
    assert not any("jane" in text for text in said)


@pytest.mark.parametrize(
    ("charset", "declared"),
    [
        ("utf-8", ""),
        ("utf-8", "utf-8"),
        ("cp1252", "windows-1252"),
        ("cp1252", ""),
        ("iso8859-2", "iso-8859-2"),
        ("utf-16", ""),
        ("gbk", "gb2312"),
        ("shift_jis", "shift_jis"),
    ],
)
def test_the_charset_is_what_the_file_says_or_what_it_is(charset: str, declared: str) -> None:
    name = {"gbk": "张伟", "shift_jis": "山田", "iso8859-2": "Łukasz"}.get(charset, "Jäne")
    meta = f'<meta http-equiv="Content-Type" content="text/html; charset={declared}">' if declared else ""
    before = f"<!DOCTYPE html>{meta}<p>dear {name}<p>bob".encode(charset)
    assert f"dear {name}" in texts(before, reading(WordGate(name))).values()
    assert _all_redacted(before, name) == before.replace(
        name.encode(charset.replace("16", "16-le")), "[erased]".encode(charset.replace("16", "16-le"))
    )


def test_what_the_charset_lacks_is_written_as_a_reference() -> None:
    before = "<meta charset=windows-1252><p>Jäne".encode("cp1252")
    found = next(unit for unit in units(before, reading(name="a.html")) if unit.text == "Jäne")
    assert found.place == "p:1"
    assert rewritten(before, [Edit("p:1", RedactSpans())], "J", name="a.html") == before.replace(b"J", b"[erased]")


def test_a_comment_beyond_the_limit_is_searched_as_bytes() -> None:
    before = b"<!DOCTYPE html><!--" + b"x " * 3_000_000 + b"jane -->"
    how = Reading("files", WordGate("jane"), limits=Limits(line_bytes=1024 * 1024))
    assert gaps(before, how) == ["html.token_too_long"]
    assert any("jane" in unit.text for unit in units(before, how))


_piece = st.sampled_from(
    (
        "<p>",
        "</p>",
        "<b>",
        "</b>",
        "<div class=x",
        ">",
        "jane",
        "ja",
        "ne",
        "<!--",
        "-->",
        "<script>",
        "</script>",
        "&amp",
        ";",
        "<",
        '"',
        "'",
        "=",
        " ",
        "é",
        "<br/>",
        "<td>",
        "</",
        "<textarea>",
        "</textarea>",
        "&#97",
        "<a href='x'>",
        "\n",
    )
)


@given(st.lists(_piece, max_size=20).map("".join))
@settings(deadline=None, max_examples=400)
def test_every_character_of_any_soup_is_somewhere_and_goes_where_it_is_redacted(soup: str) -> None:
    before = f"<!DOCTYPE html><p>{soup}".encode()
    assert rewritten(before, [], name="a.html") == before
    after = _all_redacted(before, "jane")
    assert b"jane" not in after
    assert not units(after, reading(WordGate("jane"), "a.html"))


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.said += [value for _, value in attrs if value]


_word = st.sampled_from(("bob", "a & b", "x < y", "é", '"q"'))


@given(st.lists(st.tuples(_word, st.booleans()), min_size=1, max_size=6))
@settings(deadline=None, max_examples=100)
def test_what_another_parser_reads_beside_the_person_stays(words: list[tuple[str, bool]]) -> None:
    def escaped(text: str) -> str:
        return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")

    body = "".join(f'<p title="{escaped(word)}">{"ja<b>ne</b>" if has_jane else ""} {escaped(word)}</p>' for word, has_jane in words)
    seen = _Seen()
    seen.feed(_all_redacted(f"<!DOCTYPE html>{body}".encode(), "jane").decode())
    seen.close()
    assert [text for text in "|".join(seen.said).replace("[erased]", "").split("|") if text.strip()] == [
        text for word, _ in words for text in (word, f" {word}")
    ]


_MIXED = "<p>für j<b>ä</b>ne</p>\n".encode() + "<p>für j<b>ä</b>ne — größer</p>\n".encode("cp1252")


@pytest.mark.parametrize("says", [b"", b"<meta charset=utf-8>", b"<meta charset=windows-1252>"])
def test_a_page_in_mixed_charsets_shows_a_name_in_both(says: bytes) -> None:
    before = b"<!DOCTYPE html>" + says + _MIXED + "<p>größte</p>".encode()
    found = texts(before, reading(WordGate("jäne")))
    assert sorted(found.values()) == ["für jäne", "für jäne — größer"]
    assert gaps(before, reading(WordGate("jäne"))) == []
    after = rewritten(before, [Edit(place, RedactSpans()) for place in found], "jäne")
    assert after == before.replace("j<b>ä</b>ne".encode(), b"[erased]<b></b>").replace("j<b>ä</b>ne".encode("cp1252"), b"[erased]<b></b>")


def test_what_is_western_and_happens_to_be_utf_8_is_told_and_not_rewritten() -> None:
    before = "<html><p>»FRAU BÖ«</p><p>größer</p>".encode("cp1252")
    found = units(before, reading(WordGate("BÖ")))
    assert [(unit.text, unit.is_opaque) for unit in found] == [("»FRAU BÖ«", True)]
    assert units(before, reading(WordGate("FRAU")))[0].is_opaque is False


def test_utf_8_in_a_page_of_another_charset_is_told_and_not_rewritten() -> None:
    before = "<html><meta charset=koi8-r><p>привет мир</p>".encode("koi8-r") + "<p>Пётр</p>".encode()
    assert [(unit.text, unit.is_opaque) for unit in units(before, reading(WordGate("Пётр")))] == [("Пётр", True)]
    assert [(unit.text, unit.is_opaque) for unit in units(before, reading(WordGate("мир")))] == [("привет мир", False)]


def test_a_charset_that_a_long_page_is_not_in_is_not_believed() -> None:
    before = b"<html><meta charset=koi8-r><style>" + b"a{} " * 20_000 + "</style><p>jäne</p>".encode()
    assert [unit.text for unit in units(before, reading(WordGate("jäne")))] == ["jäne"]


@given(st.lists(st.tuples(st.sampled_from(["grüße", "jäne", "a<b>ü</b>", "&amp;", " \n", "»Ö«", "é"]), st.booleans()), max_size=8))
@settings(deadline=None, max_examples=80)
def test_bytes_of_a_mixed_page_that_no_edit_concerns_stay(pieces: list[tuple[str, bool]]) -> None:
    page = b"".join(text.encode("utf-8" if is_utf8 else "cp1252") for text, is_utf8 in pieces)
    before = b"<html>\xfc " + page
    assert _all_redacted(before, "nobody") == before
    after = _all_redacted(before, "jäne")
    assert after.count(b"[erased]") == sum(text == "jäne" for text, _ in pieces)
    assert after == before.replace("jäne".encode(), b"[erased]").replace("jäne".encode("cp1252"), b"[erased]")


@pytest.mark.parametrize(
    "piece", ["<b>jane</b>@x.org", "<i>hallo <b>jane@</b>x.org</i>", "<span>ja</span>ne<font>@x.org</font>", "a <x-y>jane</x-y>@x.org"]
)
def test_a_piece_of_a_page_is_joined_across_what_formats_it(piece: str) -> None:
    assert any("jane@x.org" in text for text in texts(piece.encode(), reading(name="a.html")).values())
    assert b"jane" not in _all_redacted(piece.encode(), "jane@x.org")


class TestRowsOfATable:
    """A first and a last name in two cells are nobody's in either of them."""

    JANE = ("Jane, Doe", "Doe, Jane")

    @pytest.mark.parametrize(
        "cells",
        [
            "<tr><td>Jane</td><td>Doe</td></tr>",
            "<TR><TH>Doe<TD>Jane<TD>x",
            "<tr>\n  <td> Jane </td>\n  <td>&nbsp;</td>\n  <td><p>\n<b>D</b>oe\n</p></td>\n</tr>",
            "<tr><td>7</td><td><p class=x>Jane</p></td><td><p>Doe</p></td><td>paid</td></tr>",
            "<tr><td><table><tr><td>Jane</td><td>Doe</td></tr></table></td><td>x</td></tr>",
        ],
    )
    def test_what_neighbours_say_together_is_seen_and_cut_out_of_each(self, cells: str) -> None:
        page = f"<table><tr><td>Jane</td><td>Roe</td></tr>{cells}<tr><td>Jane</td></tr><tr><td>Doe</td></tr></table><p>Jane</p>".encode()
        found = units(page, reading(WordGate(*self.JANE), name="a.html"))
        assert [unit.text for unit in found if unit.place.startswith("row:")] in (["Jane, Doe"], ["Doe, Jane"])
        now = rewritten(page, [Edit(unit.place, RedactSpans()) for unit in found], *self.JANE, name="a.html")
        assert now.count(b"Jane") == 3
        assert now.count(b"Roe") == 1
        assert not units(now, reading(WordGate(*self.JANE), name="a.html"))

    @pytest.mark.parametrize(
        "apart",
        [
            "<tr><td>Jane</td></tr><tr><td>Doe</td></tr>",
            "<tr><td>Jane</td><td>Mary</td><td>Doe</td></tr>",
            f"<tr><td>Jane</td><td>{'x' * 300}</td><td>Doe</td></tr>",
            "<tr><td>Jane</td><td><table><tr><td>Doe</td></tr></table></td></tr>",
        ],
    )
    def test_cells_that_are_no_neighbours_say_nothing(self, apart: str) -> None:
        assert not units(f"<table>{apart}</table>".encode(), reading(WordGate(*self.JANE), name="a.html"))

    def test_a_row_of_thousands_of_cells_is_read_in_pieces(self) -> None:
        cells = "".join(f"<td>c{number}</td>" for number in range(998)) + "<td>Jane</td><td>Doe</td><td>Doe</td>" + "<td>y</td>" * 1500
        page = f"<table><tr>{cells}</table>".encode()
        found = units(page, reading(WordGate(*self.JANE), name="a.html"))
        assert {unit.text for unit in found} == {"Jane, Doe"}
        now = rewritten(page, [Edit(unit.place, RedactSpans()) for unit in found], *self.JANE, name="a.html")
        assert not units(now, reading(WordGate(*self.JANE), name="a.html"))

    @pytest.mark.parametrize(
        "document",
        [
            '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:tbl><w:tr>'
            "<w:tc><w:p><w:r><w:t>Jane</w:t></w:r></w:p></w:tc><w:tc><w:tcPr/><w:p><w:r><w:t>Doe</w:t></w:r></w:p></w:tc></w:tr></w:tbl></w:document>",
            '<a:tbl xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><a:tr>'
            "<a:tc><a:p><a:t>Jane</a:t></a:p></a:tc><a:tc><a:p><a:t>Doe</a:t></a:p></a:tc></a:tr></a:tbl>",
            '<t:table xmlns:t="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:x="urn:oasis:names:tc:opendocument:xmlns:text:1.0">'
            "<t:table-row><t:table-cell><x:p>Jane</x:p></t:table-cell><t:table-cell><x:p>Doe</x:p></t:table-cell></t:table-row></t:table>",
        ],
        ids=["word", "slides", "odt"],
    )
    def test_tables_of_documents_are_read_so_too(self, document: str) -> None:
        found = units(document.encode(), reading(WordGate(*self.JANE), name="a.xml"))
        assert [(unit.place, unit.text) for unit in found] == [("row:1/1-2", "Jane, Doe")]
        now = rewritten(document.encode(), [Edit(unit.place, RedactSpans()) for unit in found], *self.JANE, name="a.xml")
        assert now.count(b"[erased]") == 1
        assert not units(now, reading(WordGate("Jane", "Doe"), name="a.xml"))
