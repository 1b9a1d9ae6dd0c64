"""What is found in texts about people whom nobody named, what is not, that both engines agree, and that no text takes long."""

import importlib
import re
import string
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.discovery import telephone_traces, trace_kinds, tracing
from dsr_engine.content.discovery.discovering import CLEAR, ENGINES, LEAST, discovered, stretches, tallied
from dsr_engine.content.discovery.tracing import Trace
from dsr_engine.spec.categories import categories

_MARKED = re.compile(r"\[\[([^|\]]+)\|([^\]]+)\]\]")


def labelled() -> list[tuple[str, list[tuple[str, str]]]]:
    """Each text, and kind and value of what stands in it."""
    lines = Path(__file__).with_name("labelled_texts.txt").read_text(encoding="utf-8").splitlines()
    return [(_MARKED.sub(r"\2", line), _MARKED.findall(line)) for line in lines if line and not line.startswith("#")]


def told(text: str, least: float = LEAST) -> list[tuple[str, str]]:
    return [(found.kind, text[found.start : found.end]) for found in discovered(text) if found.confidence >= least]


@pytest.mark.parametrize(("text", "wanted"), labelled(), ids=lambda part: part[:40] if isinstance(part, str) else "")
def test_what_stands_in_a_labelled_text_is_found_and_nothing_else(text: str, wanted: list[tuple[str, str]]) -> None:
    assert told(text) == wanted or sorted(told(text)) == sorted(wanted)


def test_the_labelled_texts_are_found_with_confidence() -> None:
    wanted = [(text, kind, value) for text, several in labelled() for kind, value in several]
    clear = sum((kind, value) in told(text, CLEAR) for text, kind, value in wanted)
    assert len(wanted) >= 70
    assert clear >= len(wanted) * 0.95


def test_every_category_is_one_of_the_catalogue() -> None:
    known = categories()
    for text, _ in labelled():
        assert all(found.category in known for found in discovered(text))


def confidence(text: str) -> float:
    return max((found.confidence for found in discovered(text)), default=0.0)


@pytest.mark.parametrize(
    ("plain", "with_word", "against"),
    [
        ("see 943 476 5919 there", "see NHS 943 476 5919 there", "see order 943 476 5919"),
        ("on 1.2.3.4 today", "IP 1.2.3.4 today", "version 1.2.3.4 today"),
        ("with 44051401359 so", "with PESEL 44051401359 so", "with order number 44051401359"),
        ("it is 212-555-0187 x", "phone 212-555-0187 x", "invoice 212-555-0187 x"),
    ],
)
def test_words_near_raise_and_lower_the_confidence(plain: str, with_word: str, against: str) -> None:
    assert confidence(against) < confidence(plain) < confidence(with_word)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("card 4111 1111 1111 1111", "card 4111 1111 1111 1112"),
        ("it is 4111 1111 1111 1111", "it is 4111 1111 1111 1112"),
        ("IBAN DE89370400440532013000", "IBAN DE89370400440532013001"),
        ("to DE89370400440532013000", "to DE89370400440532013001"),
        ("PESEL 44051401359", "PESEL 44051401358"),
        ("DNI 12345678Z", "DNI 12345678A"),
        ("resident id 11010519491231002X", "resident id 110105194912310021"),
    ],
)
def test_a_wrong_check_digit_lowers_the_confidence_and_does_not_hide_the_finding(right: str, wrong: str) -> None:
    assert 0 < confidence(wrong) < confidence(right)
    assert [found.kind for found in discovered(wrong)] == [found.kind for found in discovered(right)]


def test_offsets_are_those_of_the_text_whatever_stands_before() -> None:
    text = "日本語のテキスト😀 İstanbul'dan " * 400 + "ann@example.com" + " ünd" * 300 + " bob@example.org"
    assert told(text) == [("email", "ann@example.com"), ("email", "bob@example.org")]


def test_nothing_is_lost_where_a_long_text_is_taken_in_shares() -> None:
    text = " ".join(f"user{number}@example.com" for number in range(120_000))
    found = discovered(text)
    assert [text[one.start : one.end] for one in found] == text.split(" ")


def test_a_trace_holds_no_value() -> None:
    assert set(Trace.__slots__) == {"start", "end", "kind", "category", "confidence"}


def test_tallies_count_what_is_found() -> None:
    counts = tallied(b"ann@example.com, bob@example.com and 203.0.113.7")
    assert {kind: len(several) for (kind, _), several in counts.items()} == {"email": 2, "ip": 1}


_PIECES = st.sampled_from([*(text for text, _ in labelled()), "\n", " ", "@", "1", "12 ", "::", ".", "é", "😀", "\\n", "İ"])


@settings(max_examples=60, deadline=None)
@given(st.lists(_PIECES, max_size=12).map("".join))
def test_both_engines_find_the_same(text: str) -> None:
    found = {engine: discovered(text, engine) for engine in ENGINES}
    assert len(set(found.values())) == 1


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=string.printable + "éß年月日١\ud800\u202f", max_size=400) | st.binary(max_size=400).map(lambda data: data.decode("latin-1")))
def test_no_text_makes_it_raise_and_places_lie_inside_and_apart(text: str) -> None:
    end = 0
    for found in discovered(text):
        assert end <= found.start < found.end <= len(text)
        end = found.end


@pytest.mark.parametrize(
    "piece",
    [
        "1",
        "1 ",
        "1-",
        "a@",
        "@",
        "a.",
        "a@a.",
        "1.",
        ":",
        "ab:",
        "+1",
        "(1",
        "A1",
        "DE12 ",
        "Aa 1 St ",
        "1 A ",
        "rue ",
        "1 rue A ",
        "via a ",
        "born 1",
        "-",
        "1/1/",
        "\u00e9@",
    ],
)
def test_texts_that_repeat_what_patterns_begin_with_come_to_an_end(piece: str) -> None:
    """A quarter of a million characters each: what went back over the text for each of them would not be through today."""
    text = piece * (240_000 // len(piece))
    assert all(0 <= found.start < found.end <= len(text) for found in discovered(text))


@pytest.mark.parametrize("module", [tracing, telephone_traces, trace_kinds], ids=lambda module: module.__name__.rpartition(".")[2])
def test_no_pattern_that_runs_over_texts_matches_without_a_bound(module: ModuleType) -> None:
    """With a bound on what one match can read, the time is linear in the text. Those left out see single numbers only, which are bounded."""
    of_numbers = {"_NOT_DIALLED", "_EXTENSION", "_WRITTEN"}
    patterns = {name: found for name, found in vars(module).items() if isinstance(found, re.Pattern) and name not in of_numbers}
    patterns |= {kind.name: kind.words for kind in getattr(module, "NUMBER_KINDS", ())}
    assert patterns
    for name, found in patterns.items():
        assert _widest(found) < 700, name


def _widest(pattern: re.Pattern[str]) -> int:
    parser = importlib.import_module("re._parser")  # the standard library's own reading of a pattern
    return int(parser.parse(pattern.pattern, pattern.flags).getwidth()[1])


def test_stretches_are_cut_between_characters() -> None:
    data = ("é" * 500 + " ann@example.com " + "ü" * 500).encode()
    assert all(data[found.start : found.end].decode() for found in stretches(data))
