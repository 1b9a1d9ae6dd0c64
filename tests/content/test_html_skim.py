"""A skimmed page gives every text that the reader makes of it, letter by letter."""

import io
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.documents.html_skim import Pages
from dsr_engine.content.documents.html_stream import HtmlStream
from dsr_engine.content.documents.markup_blocks import Blocks
from dsr_engine.content.documents.xml_runs import Written

_LIMIT = 8 * 1024 * 1024
_APART = "\n\n \n\n"
#: Several breaks in a row are one break: nobody is parted by one and joined by the other.
_BREAKS = re.compile("[ \n]*\n[ \n]*")
_TOKENS = (
    "<p>", "</p>", "<p>Doe</p>", '<p class="x">Roe &amp;</p> ', "<div>a\n b</div>", '<div class="x">', "</div>", "<b>", "</b>", "<br>", "<br/>",
    "text",
    "Jane", "@", ".", " ", "\n", "&nbsp;", "&amp;", "&copy", "&#64;", "<!-- c -->", "<td>", "</td>", "<tr>", "</tr>", "<table>", "</table>", "<li>",
    "</li>", "<ul>", "</ul>", '<a href="mailto:x&amp;y">', "</a>", "<o:p/>", "<o:p></o:p>", "<style>p{}</style>", "<style><!-- p > b --></style>",
    "<title>x &amp; y</title>", '<html xmlns="x">', "<html>", "</html>", "<span/>", "<div/>", "<jane@x.org>", "<img alt='q' src=x>", "<hr>",
    "</span>", "<tr><td>Jane<td>Doe", "<td><p>Doe</p></td>", "<th>x",
    "<span>", "<!DOCTYPE html>", "<![endif]-->", "<!--[if mso]><style>x</style><![endif]-->", "\r\n", "  ", "<textarea>", "</textarea>", "<script>",
    "</script>", '<p id=a"b>', "<!---->", "<del>", "<body>", "</body>",
)  # fmt: skip
_pages = st.lists(st.sampled_from(_TOKENS), min_size=1, max_size=16).map("".join)


def _levelled(text: str) -> str:
    return _BREAKS.sub("\n", text).strip()


def _read(page: str) -> set[str]:
    passages = Blocks(_LIMIT).passages(HtmlStream(io.BytesIO(page.encode()), _LIMIT, Written()).events())
    return {_levelled(passage.text.text) for passage in passages} - {""}


def _skimmed(page: str) -> set[str] | None:
    texts = Pages().texts(page)
    return None if texts is None else {_levelled(piece) for text in texts for piece in text.split(_APART)}


@given(_pages)
@settings(deadline=None, max_examples=3000)
def test_every_text_of_a_page_is_among_those_that_were_skimmed(page: str) -> None:
    skimmed = _skimmed(page)
    assert skimmed is None or _read(page) <= skimmed


def test_text_around_blocks_is_joined_as_the_reader_joins_it() -> None:
    page = "<body>Jane<p>one</p>\n<p>two</p>Doe<div>x<b>y</b></div>end &amp; more</body>"
    skimmed = _skimmed(page)
    assert skimmed is not None
    assert {"Jane\nDoe\nend & more", "one", "two", "xy"} == _read(page) <= skimmed


def test_a_page_that_has_to_be_guessed_at_is_not_skimmed() -> None:
    odd = (
        "<p>a <b",
        "<script>if (a<b) x</script>",
        "<p>a<del>b</del>",
        "<!--> x",
        "<style>p{}",
        "<p>a < b</p>",
        "<plaintext>x",
        '<p title="a>b>',
        "<p>\x02</p>",
    )
    assert [page for page in odd if Pages().texts(page) is not None] == []


def test_an_attribute_of_a_tag_that_was_met_before_is_told_of_each_page() -> None:
    pages = Pages()
    one, other = (pages.texts(f'<body><a title="Jane Doe">{word}</a><a title="Jane Doe">x</a></body>') for word in ("one", "other"))
    assert one is not None
    assert other is not None
    assert "Jane Doe" in one
    assert "Jane Doe" in other
