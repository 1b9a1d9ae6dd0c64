"""Rules that pass never tie, whatever a live system turns out to hold."""

import re
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.domain.finding import Match
from dsr_engine.domain.policy import Datum, Rule, Then, Treatment, When, covers, specificity
from dsr_engine.spec.ties import can_tie

_SYSTEMS = st.sampled_from(["a", "ab", "b"])
_COLLECTIONS = st.sampled_from(["x", "xy", "y.x", "yx"])
_PATTERNS = st.text(alphabet="ab.xy*", min_size=1, max_size=5) | st.builds("{}.{}".format, _SYSTEMS, _COLLECTIONS)
_CATEGORIES = st.sampled_from(["user", "user.name", "user.contact", "user.contact.email"])
_FIELDS = st.sampled_from(["f", "g"])
_WHENS = st.builds(
    When, st.none() | _SYSTEMS, st.none() | _PATTERNS, st.none() | _CATEGORIES, st.none() | st.sampled_from(Match), st.none() | _FIELDS
)
_DATA = st.builds(Datum, _SYSTEMS, _COLLECTIONS, _FIELDS, _CATEGORIES, st.sampled_from(Match))


def _rule(when: When) -> Rule:
    return Rule("a", when, Then(Treatment.DELETE))


@given(_WHENS, _WHENS, st.lists(_DATA, min_size=10, max_size=40))
@settings(deadline=None, max_examples=400)
def test_rules_that_cannot_tie_never_cover_one_datum_with_the_same_specificity(first: When, second: When, data: list[Datum]) -> None:
    for datum in data:
        if covers(_rule(first), datum) and covers(_rule(second), datum) and specificity(first) == specificity(second):
            assert can_tie(first, second)


@given(_WHENS)
@settings(deadline=None)
def test_a_rule_ties_with_its_twin(when: When) -> None:
    datum_exists = when.system is None or when.collection is None or when.collection.split("*")[0].startswith(when.system + ".")
    assert can_tie(when, when) or not datum_exists


def test_patterns_that_share_no_name_do_not_tie() -> None:
    assert not can_tie(When(collection="shop.*"), When(collection="blog.*"))
    assert not can_tie(When(system="shop", category="user"), When(system="blog", category="user"))
    assert not can_tie(When(category="user.name"), When(category="user.contact"))


def test_patterns_that_share_a_name_tie() -> None:
    assert can_tie(When(collection="shop.*_old"), When(collection="shop.*_old*"))
    assert can_tie(When(collection="shop.a*z"), When(collection="shop.a*y*"))


@given(st.text(alphabet="ab.*", min_size=1, max_size=6), st.text(alphabet="ab.*", min_size=1, max_size=6))
@settings(deadline=None, max_examples=300)
def test_two_patterns_tie_exactly_where_one_name_fits_both(first: str, second: str) -> None:
    names = ("".join(letters) for length in range(8) for letters in product("ab.", repeat=length))
    fits_both = any(all(re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), name) for pattern in (first, second)) for name in names)
    whens = When(collection=first), When(collection=second)
    if specificity(whens[0]) == specificity(whens[1]):
        # A name may need as many letters as both patterns together; the search goes to seven.
        assert can_tie(*whens) >= fits_both
        assert can_tie(*whens) == fits_both or len(first.replace("*", "")) + len(second.replace("*", "")) > 7
