"""Redaction takes the person out, all of her and nothing else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.match import Matcher
from dsr_engine.content.rewriter import CaseRewriter
from dsr_engine.domain.anonymize import FieldFacts, Method, MethodName, Misfit, ValueType
from dsr_engine.domain.plan import SetValue
from tests.content.people import EMAIL, JANE, STRANGERS, selector
from tests.content.planted import planted

MARK = "[redacted]"
MATCHER = Matcher({"jane": JANE, "john": (selector("email", "john@example.com"),)})
REWRITER = CaseRewriter(MATCHER, "jane", b"key")


@given(st.lists(planted, min_size=1, max_size=3))
@settings(deadline=None, max_examples=200)
def test_a_redacted_text_no_longer_matches(parts: list[tuple[str, str, str]]) -> None:
    text = "".join("".join(part) for part in parts)
    redacted = REWRITER.redacted(text)
    assert MARK in redacted
    assert MATCHER.spans(redacted) == ()
    assert REWRITER.redacted(redacted) == redacted


@given(planted)
@settings(deadline=None, max_examples=200)
def test_everything_outside_the_spans_is_unchanged(parts: tuple[str, str, str]) -> None:
    before, value, after = parts
    redacted = REWRITER.redacted(before + value + after)
    assert redacted.startswith(before)
    assert redacted.endswith(after)


@given(st.text(max_size=300))
@settings(deadline=None)
def test_a_text_about_nobody_stays_as_it_is(text: str) -> None:
    if not MATCHER.spans(text):
        assert REWRITER.redacted(text) == text


def test_other_people_stay() -> None:
    text = f"cc: john@example.com; {EMAIL}; " + "; ".join(STRANGERS[:8])
    assert REWRITER.redacted(text) == text.replace(f"; {EMAIL};", f"; {MARK};")


def test_a_neighbour_in_an_encoded_path_stays() -> None:
    assert REWRITER.redacted("/open/track/amFuZS5kb2VAZXhhbXBsZS5jb20=?x=1") == f"/open/track/{MARK}?x=1"


def test_a_neighbour_in_an_encoded_word_stays() -> None:
    assert REWRITER.redacted("=?utf-8?Q?Bob_and_Jane_Doe_=26_Al?=") == f"=?utf-8?Q?Bob_and_{MARK}_=26_Al?="


def test_a_value_is_replaced_by_the_keyed_method() -> None:
    how = SetValue(Method(MethodName.PSEUDONYM), "user.contact.email")
    first, second = (CaseRewriter(MATCHER, "jane", key).replaced(how, EMAIL, FieldFacts("email")) for key in (b"a", b"b"))
    assert first == CaseRewriter(MATCHER, "jane", b"a").replaced(how, EMAIL, FieldFacts("email"))
    assert first != second != EMAIL


def test_a_value_that_fits_nowhere_is_refused() -> None:
    with pytest.raises(Misfit):
        REWRITER.replaced(SetValue(Method(MethodName.TEXT, "gone"), "user"), 5, FieldFacts("age", ValueType.INTEGER))
