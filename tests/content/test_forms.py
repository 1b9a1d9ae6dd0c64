"""The written forms of every kind of selector, and the folds that they rest on."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.fold import Ruler, exact, fold_origin, folded
from dsr_engine.content.forms import Shape, digests, written
from dsr_engine.domain.finding import Confidence
from tests.content.people import EMAIL, KEY_17, selector


def texts(kind: str, value: str) -> set[str]:
    return {form.text for form in written(selector(kind, value))}


def test_a_phone_number_is_written_with_and_without_its_country() -> None:
    assert texts("phone", "+49 (0) 170 1234567") >= {"491701234567", "00491701234567", "4901701234567", "01701234567", "1701234567"}


def test_a_number_with_double_zero_is_the_number_with_plus() -> None:
    assert texts("phone", "0049 170 1234567") == texts("phone", "+49 170 1234567")


def test_a_number_without_a_country_is_never_given_one() -> None:
    assert texts("phone", "0170 1234567") == {"01701234567", "1701234567"}


def test_a_name_is_written_in_both_orders_and_with_an_initial() -> None:
    assert texts("name", "Jane Roe") == {"jane roe", "roe jane", "j roe", "roe j"}


def test_an_apostrophe_may_be_left_out() -> None:
    assert "pat o'brien" in texts("name", "Pat OBrien") & texts("name", "Pat O’Brien")


def test_a_name_with_a_comma_is_put_in_order() -> None:
    assert "jane roe" in texts("name", "Roe, Jane")


def test_an_umlaut_is_also_spelled_out() -> None:
    assert {"jurgen muller", "juergen mueller"} <= texts("name", "Jürgen Müller")


def test_a_gmail_address_is_found_under_both_domains() -> None:
    forms = [form for form in written(selector("email", "jane.q.doe@gmail.com")) if form.shape is Shape.DOTTED]
    assert {form.text for form in forms} == {"janeqdoe@gmail.com", "janeqdoe@googlemail.com"}
    assert {form.grade for form in forms} == {Confidence.LIKELY}


def test_an_international_domain_is_known_in_both_spellings() -> None:
    assert {form.strict for form in written(selector("email", "jane@münchen.example"))} >= {"jane@münchen.example", "jane@xn--mnchen-3ya.example"}


def test_a_scoped_key_has_one_form_only() -> None:
    assert [(form.shape, form.text) for form in written(KEY_17)] == [(Shape.SCOPED, "17")]


def test_digests_are_those_of_the_trimmed_lower_case_address() -> None:
    known = dict.fromkeys(digest for _, digest in digests(selector("email", " Jane.Doe@Example.com ")))
    assert {hashlib.new(name, EMAIL.encode()).digest() for name in ("md5", "sha1", "sha256")} <= set(known)


def test_nobody_is_looked_for_by_the_digest_of_a_name() -> None:
    assert list(digests(selector("name", "Jane Doe"))) == []


@pytest.mark.parametrize(("kind", "value"), [("email", "not an address"), ("email", "@"), ("phone", ""), ("name", " "), ("address", "-"), ("x", "…")])
def test_a_value_of_another_shape_is_no_error(kind: str, value: str) -> None:
    assert all(form.compact for form in written(selector(kind, value)))


@given(st.text())
@settings(deadline=None)
def test_folding_a_piece_gives_the_piece_of_the_folded_text(text: str) -> None:
    middle = len(text) // 2
    assert folded(text) == folded(text[:middle]) + folded(text[middle:])


@given(st.text(), st.data())
@settings(deadline=None)
def test_a_span_of_the_folded_text_leads_to_what_it_came_from(text: str, data: st.DataObject) -> None:
    loose = folded(text)
    if not loose:
        return
    start = data.draw(st.integers(0, len(loose) - 1))
    end = data.draw(st.integers(start + 1, len(loose)))
    first, last = fold_origin(text).span(start, end)
    assert 0 <= first < last <= len(text)
    assert loose[start:end] in folded(text[first:last])


def test_diacritics_count_in_the_strict_fold_only() -> None:
    assert folded("José") == folded("Jose\u0301") == folded("ＪＯＳＥ") == "jose"
    assert exact("JOSÉ") == exact("Jose\u0301") != exact("Jose")


@given(st.text(max_size=50).map(lambda text: text * 60), st.data())
@settings(deadline=None)
def test_offsets_of_a_text_and_of_its_bytes_lead_to_each_other(text: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    ruler = Ruler(text, "surrogatepass")
    assert ruler.byte(offset) == len(text[:offset].encode())
    assert ruler.character(ruler.byte(offset)) == offset
