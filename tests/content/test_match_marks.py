"""Accents and vowel signs that are characters of their own belong to the letter before them: they go with a name, and nothing else does."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_engine.content.match import Matcher
from dsr_engine.content.rewriter import CaseRewriter
from dsr_engine.domain.finding import Confidence
from tests.content.people import selector

_NAMES = ("Anna José", "René", "Lê Thị Mỹ", "สมหญิง ใจดี", "สมชาย ใจดี้", "राम देवी", "Zoë Müllé")
_MATCHER = Matcher({"case": tuple(selector("name", name) for name in _NAMES)})
_REWRITER = CaseRewriter(_MATCHER, "case", b"k" * 32)


@pytest.mark.parametrize("name", _NAMES)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("after", ["", " and Bob", ", bob", "\u200b.", "'s", "\u00a0x", "\ufeff"])
def test_nothing_of_a_name_is_left_and_nothing_else_is_taken(name: str, form: str, after: str) -> None:
    before = unicodedata.normalize(form, f"e\u0301 to {name}{after}")  # type: ignore[arg-type]  # one of the forms
    rest = unicodedata.normalize(form, f"e\u0301 to |{after}").split("|")  # type: ignore[arg-type]  # one of the forms
    assert _REWRITER.redacted(before) == f"{rest[0]}[redacted]{rest[1]}"


@pytest.mark.parametrize("written", ["Anna Jose\u0301", "Anna Jose&#769;", "Anna Jose=CC=81", "Anna Jose%CC%81", "Anna Jose\\u0301"])
def test_a_mark_that_is_written_as_an_escape_goes_too(written: str) -> None:
    assert _REWRITER.redacted(f"to {written}, bob") == "to [redacted], bob"


def test_a_name_is_as_sure_in_letters_with_marks_as_in_one_character_each() -> None:
    sure = [span.confidence for name in ("Anna José", unicodedata.normalize("NFD", "Anna José")) for span in _MATCHER.spans(f"to {name}.")]
    assert sure == [sure[0]] * 2
    plain = Matcher({"case": (selector("name", "Anna Jose"),)})
    assert [span.confidence for span in plain.spans("to Anna Jose\u0301.")] == [Confidence.POSSIBLE]


@given(st.text("\u0301\u0308\u0e34\u0e49\u093e\u20e3\ufe0f", max_size=4), st.text("\u200b\u200d\u00ad .,\n", max_size=4))
def test_all_marks_behind_the_last_letter_go_and_what_follows_them_stays(marks: str, after: str) -> None:
    assert _REWRITER.redacted(f"to Anna José{marks}{after}") == f"to [redacted]{after}"


@pytest.mark.parametrize("name", ["राम देवी", "सीता शर्मा", "ஆனந்த் குமார்", "অনিতা রায়"])
def test_a_name_with_vowel_signs_is_found_and_a_longer_or_other_one_is_not_taken_for_it(name: str) -> None:
    matcher = Matcher({"case": (selector("name", name),)})
    assert [(span.start, span.end) for span in matcher.spans(f"to {name}.")] == [(3, 3 + len(name))]
    assert matcher.gate.passes(f"to {name}.".encode())
    other = matcher.spans(f"to {name}\u093e.") or matcher.spans(f"to {name}\u0bbe.")
    assert all(span.confidence is Confidence.POSSIBLE for span in other)
    assert matcher.spans(f"to {name}क.") == ()


def test_a_vowel_sign_is_not_left_out_of_a_name() -> None:
    matcher = Matcher({"case": (selector("name", "राम देवी"),)})
    assert [matcher.spans(text) for text in ("रम देवी", "राम देव\u093e", "रोमा देवी", "राम देवीला")] == [()] * 4
    assert [span.confidence for span in matcher.spans("राम दैवी")] == [Confidence.POSSIBLE]
