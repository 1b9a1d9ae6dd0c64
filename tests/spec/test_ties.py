"""Rules that pass never tie, whatever a live system turns out to hold."""

import re
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.domain.correspondence import ROLES, Sort, Whose
from dsr_engine.domain.finding import Match
from dsr_engine.domain.policy import Datum, Rule, Then, Treatment, When, covers, specificity
from dsr_engine.spec.ties import can_tie

_SYSTEMS = st.sampled_from(["a", "ab", "b"])
_COLLECTIONS = st.sampled_from(["x", "xy", "y.x", "yx"])
_PATTERNS = st.text(alphabet="ab.xy*", min_size=1, max_size=5) | st.builds("{}.{}".format, _SYSTEMS, _COLLECTIONS)
_CATEGORIES = st.sampled_from(["user", "user.name", "user.contact", "user.contact.email"])
_KINDS = _CATEGORIES | st.sampled_from(["mail", "mail.sender", "mail.body", "mail.body.quoted"])
_SORTS = st.lists(st.sampled_from(Sort), max_size=3, unique=True).map(tuple)
_FIELDS = st.sampled_from(["f", "g"])
_WHENS = st.builds(
    When,
    st.none() | _SYSTEMS,
    st.none() | _PATTERNS,
    st.none() | _KINDS,
    st.none() | st.sampled_from(Match),
    st.none() | _FIELDS,
    st.just(()) | _SORTS,
    st.none() | st.sampled_from(Whose),
)
_ROWS = st.builds(Datum, _SYSTEMS, _COLLECTIONS, _FIELDS, _CATEGORIES, st.sampled_from(Match))
_MAILS = st.builds(
    Datum,
    _SYSTEMS,
    _COLLECTIONS,
    _FIELDS,
    _CATEGORIES,
    st.sampled_from(Match),
    st.sampled_from(tuple(ROLES)),
    st.sampled_from([sort.value for sort in Sort]),
    st.sampled_from(("", *(whose.value for whose in Whose))),
)
_DATA = _ROWS | _MAILS


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


def test_sorts_of_mail_that_share_one_tie() -> None:
    one, two, three = (Sort.ONE_TO_ONE, Sort.LIST), (Sort.LIST, Sort.THREAD), (Sort.THREAD, Sort.ROUTING)
    assert can_tie(When(message=one), When(message=two))
    assert not can_tie(When(message=one), When(message=three))
    assert not can_tie(When(message=one), When(message=(Sort.LIST,)))


def test_places_in_a_mail_tie_with_themselves_alone() -> None:
    assert can_tie(When(category="mail.body"), When(category="mail.body"))
    assert not can_tie(When(category="mail.body"), When(category="mail.sender"))
    assert not can_tie(When(category="mail.body"), When(category="user.contact"))
    assert not can_tie(When(mailbox=Whose.OWN, category="user"), When(mailbox=Whose.OTHERS, category="user"))


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
