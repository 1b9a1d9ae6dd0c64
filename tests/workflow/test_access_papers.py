"""The pages of a copy hold whatever a value says, and run nothing; passages hide others, also where they are cut; looks never show a value."""

from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.match import Matcher
from dsr_engine.content.veiling import around, matched, shape
from dsr_engine.domain.finding import Confidence, Finding, Match
from dsr_engine.domain.record import Locator, Record, Unit
from dsr_engine.domain.request import Right
from dsr_engine.domain.selector import Secret, Selector
from dsr_engine.settings import Settings
from dsr_engine.store.copies import CopyRecord
from dsr_engine.workflow.access.choosing import Choice, Chosen, Field, Kind, choose
from dsr_engine.workflow.access.paper import Part, part_html
from dsr_engine.workflow.access.wording import copy_words
from tests.workflow.company import BOB, EMAIL

_TAGS = {"html", "head", "meta", "title", "style", "body", "p", "a", "h1", "section", "h2", "table", "thead", "tbody", "tr", "th", "td", "span"}
_NASTY = st.one_of(
    st.text(max_size=200),
    st.sampled_from(['"><script>x</script>', "</td></table><img src=x onerror=y>", "\x00<b", "&lt;", "javascript:alert(1)", "\u202e<svg/onload=z>"]),
)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


@settings(deadline=None)
@given(_NASTY, _NASTY, st.sampled_from(["", "user.contact.email"]))
def test_no_value_and_no_name_becomes_markup(name: str, value: str, category: str) -> None:
    words = copy_words(Settings(Path("nowhere"), ""), "en")
    part = Part(name, name, "data/x/0001", 1)
    html = part_html(part, [Chosen(Kind.OWN, (Field(name, category, value),), files=(name,))], words)
    page = _Page()
    page.feed(html)
    assert page.tags <= _TAGS
    assert page.names <= {"lang", "charset", "http-equiv", "content", "name", "href", "download", "scope", "class", "dir"}
    visible = [character for character in value if character.isprintable() and not character.isspace()]
    assert not visible or visible[0] in page.text


def _choice() -> Choice:
    selector = Selector("s", "email", Secret(EMAIL), verified=True)
    return Choice(Matcher({"c": (selector,)}), Right.ACCESS, "[other]", "[secret]")


def _passage(text: str) -> str:
    choice = _choice()
    locator = Locator("shop", "tickets", ("1",))
    record = Record(locator, (Unit("body", text),), "server")
    (finding,) = choice.matcher.findings(record)
    chosen = choose(choice, finding, "", CopyRecord("f"), record, b"")
    assert isinstance(chosen, Chosen)
    return chosen.fields[0].value


@pytest.mark.parametrize("distance", range(280, 342, 6))
def test_a_name_at_the_border_of_a_passage_is_hidden_as_a_whole(distance: int) -> None:
    for other in (BOB, "Peter Schmidtbauer", "+49 30 1234567"):
        for text in (f"{'.' * 50} {other}{' ' * distance}{EMAIL}", f"{EMAIL}{' ' * distance}{other} {'.' * 400}"):
            shown = _passage(text)
            assert EMAIL in shown
            assert not any(part in shown for part in ("marsh", "chmidt", "4567", "auer", "+49"))


def test_a_record_without_any_hit_left_is_left_out() -> None:
    locator = Locator("shop", "tickets", ("1",))
    finding = Finding("c", locator, Match.OWNS, Confidence.CERTAIN, (), "server")
    left = choose(_choice(), finding, "", CopyRecord("f"), Record(locator, (Unit("body", "nobody"),), "server"), b"")
    assert not isinstance(left, Chosen)


@settings(deadline=None)
@given(st.text(min_size=6, max_size=40).filter(lambda text: len(text.strip()) > 5 and len(set(text)) > 3))
def test_a_masked_value_never_is_the_value(text: str) -> None:
    plain = text.strip()
    if plain.isalnum() or "@" in plain:
        assert matched(plain) != plain
        assert shape(plain) != plain
        assert plain not in "".join(piece.text for piece in around(plain, [(0, len(plain))]))
