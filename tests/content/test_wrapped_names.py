"""Names over two lines of a quotation, and in two columns: found as one, with the gate and by both engines; those of others beside them are not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.automaton import ENGINES
from dsr_engine.content.match import Matcher
from dsr_engine.content.rewriter import CaseRewriter
from dsr_engine.domain.selector import Secret, Selector
from tests.content.people import JANE

MATCHERS = {engine: Matcher({"case": JANE}, engine) for engine in ENGINES}
_LONG = Matcher({"case": (Selector("n", "name", Secret("Anna-Maria von der Höhe"), verified=True),)})

QUOTED = (
    "> Jane\n> Doe",
    "> Jane\r\n> Doe",
    ">Jane\n>Doe",
    "> > Jane\n> > Doe",
    ">> Jane \n>> Doe",
    "> >> Jane\n> >> Doe",
    "| Jane\n| Doe",
    "|> Jane\n|> Doe",
    "  > said Jane\n  > Doe and left",
    "> Doe,\n> Jane",
    "> see 221B Baker\n> Street, London",
)
COLUMNS = (
    "Doe;Jane",
    "Jane;Doe",
    "17;Doe;Jane;Berlin",
    "17; Doe; Jane; Berlin",
    "Doe\tJane",
    "17\tDoe\tJane\tBerlin",
    "Doe|Jane",
    "| Doe | Jane | Berlin |",
    "<tr><td>Doe</td><td>Jane</td></tr>",
    "<tr><td>17</td>\n  <td class='x'>Jane</td>\r\n<td>Doe</td><td>Berlin</td></tr>",
    "<TH>Doe</TH><TH>Jane</TH>",
)
OTHERS = (
    "> Jane\n> Smith",
    "> Janet\n> Doe",
    "> Jane\n> Doering",
    "> Mary-Jane\n> Doe-Smith",
    "bye, Jane\n> Doe wrote this",
    "Jane\n\n> > Doe",
    "> Jane\n> \n> Doe",
    "Janet;Doe",
    "Doe;Janet",
    "John Doe;Jane Smith",
    "John Doe; Jane Smith",
    "john doe; jane smith",
    "| John Doe | Jane Smith |",
    "Jane Smith;John Doe",
    "17;Doe;John;Jane",
    "<td>John Doe</td><td>Jane Smith</td>",
    "<td>Doe</td><td>Janet</td>",
    "<td>Jane</td></tr><tr><td>Doe</td>",
)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("text", [*QUOTED, *COLUMNS])
@pytest.mark.parametrize("frame", ["{}", "On Monday:\n{}\nbye", "a\r\n{}\r\n> b"])
def test_a_name_over_two_quoted_lines_or_in_two_columns_is_found(engine: str, text: str, frame: str) -> None:
    whole = frame.format(text)
    spans = MATCHERS[engine].spans(whole)
    assert len(spans) == 1
    assert MATCHERS[engine].gate.passes_text(whole)
    assert MATCHERS[engine].gate.passes(whole.encode())


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("text", OTHERS)
@pytest.mark.parametrize("frame", ["{}", "On Monday:\n{}\nbye"])
def test_names_of_others_that_come_close_are_not(engine: str, text: str, frame: str) -> None:
    assert MATCHERS[engine].spans(frame.format(text)) == ()


def test_a_name_that_is_cut_out_of_a_quotation_takes_no_word_of_others() -> None:
    text = "On Monday Bob wrote:\n> I met Jane\n> Doe and Janet\n> Smith.\nBye\n"
    after = CaseRewriter(MATCHERS["hyperscan"], "case", b"k" * 32).redacted(text)
    assert after == "On Monday Bob wrote:\n> I met [redacted] and Janet\n> Smith.\nBye\n"


_MARKS = st.lists(st.sampled_from((">", "|", "> ", " >", ">  ")), min_size=1, max_size=5).map("".join)
_WORDS = st.lists(st.sampled_from(("tea", "Bob", "lorem", "and", "Janet", "Dover", "x@y.example")), max_size=8)


@given(_MARKS, _WORDS, _WORDS, st.sampled_from(("\n", "\r\n")), st.integers(8, 40), st.sampled_from(sorted(MATCHERS)))
@settings(deadline=None, max_examples=200)
def test_a_quotation_may_be_wrapped_at_any_width(marks: str, before: list[str], after: list[str], newline: str, width: int, engine: str) -> None:
    lines = [""]
    for word in (*before, "Jane", "Doe", *after):
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    text = newline.join(f"{marks} {line}" for line in lines)
    spans = [span for span in MATCHERS[engine].spans(text) if span.kind == "name"]
    assert MATCHERS[engine].gate.passes_text(text)
    assert ["".join(text[span.start : span.end].replace(marks, "").split()) for span in spans] == ["JaneDoe"]


@given(st.sampled_from(("\n> ", "\r\n>> ", "; ", "|", "</td><td>")), st.integers(0, 3))
def test_a_name_of_many_words_may_be_cut_between_any_two(gap: str, where: int) -> None:
    words = ["> Anna", "Maria", "von", "der", "Höhe"]
    text = " ".join(words[: where + 1]) + gap + " ".join(words[where + 1 :])
    if "\n" in gap:
        assert _LONG.spans(text)
    assert not _LONG.spans(text) or _LONG.gate.passes_text(text)
