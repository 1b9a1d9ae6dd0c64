"""What is enough to know who asked: of several laws the strictest counts, and doing more never undoes what was enough."""

from dataclasses import replace
from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from dsr_engine.domain.regime import Assurance, Regime, Verification
from dsr_engine.domain.verification import METHODS, POINTS, Need, Verified, identity_of, lacking, need_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LAW = Regime("law", "A law", "1", date(2026, 1, 1), date(2026, 1, 1), ("a text",), (), 24)
_KINDS = ("email", "name", "postcode", "phone", "order_id")
_CATEGORIES = ("user.health_and_medical", "user.financial", "user.financial.account_number", "user.name", "user")

_laws = st.lists(
    st.builds(
        Verification,
        points=st.fixed_dictionaries({level: st.integers(1, 5) for level in Assurance}),
        declared=st.frozensets(st.sampled_from(Assurance)),
        sensitive=st.lists(st.sampled_from(_CATEGORIES[:2]), unique=True).map(tuple),
        reauthenticate=st.booleans(),
        permission=st.booleans(),
        attorney=st.booleans(),
    ).map(lambda verification: replace(LAW, verification=verification)),
    min_size=1,
    max_size=3,
)
_done = st.lists(
    st.builds(
        Verified, method=st.sampled_from(list(METHODS)), by=st.just("person-1"), at=st.just(NOON), kinds=st.sets(st.sampled_from(_KINDS)).map(tuple)
    ),
    max_size=4,
)
_categories = st.sets(st.sampled_from(_CATEGORIES))


@given(_laws, _categories, _done)
def test_what_is_enough_for_all_laws_is_enough_for_each(laws: list[Regime], categories: set[str], done: list[Verified]) -> None:
    if identity_of(need_of(laws, categories), done):
        assert all(identity_of(need_of([law], categories), done) for law in laws)


@given(_laws, _categories, _done, _done)
def test_doing_more_never_undoes_what_was_enough(laws: list[Regime], categories: set[str], done: list[Verified], more: list[Verified]) -> None:
    need = need_of(laws, categories)
    assert not identity_of(need, done) or identity_of(need, [*done, *more])


@given(_laws, _done)
def test_what_is_enough_for_sensitive_data_is_never_a_code_or_a_permission_alone(laws: list[Regime], done: list[Verified]) -> None:
    need = replace(need_of(laws, ()), level=Assurance.HIGH)
    assert identity_of(need, done) not in ("code_to_known_address", "agent_with_permission")


@given(_laws, _categories)
def test_nothing_done_is_never_enough_and_it_is_said_what_would_be(laws: list[Regime], categories: set[str]) -> None:
    need = need_of(laws, categories)
    assert identity_of(need, ()) == ""
    assert f"{need.points} matching kinds of data" in lacking(need, ())


def test_a_category_below_a_sensitive_one_is_sensitive_and_one_above_is_not() -> None:
    law = replace(LAW, verification=Verification(sensitive=("user.financial",)))
    levels = {category: need_of([law], [category]).level for category in _CATEGORIES}
    assert [category for category, level in levels.items() if level is Assurance.HIGH] == ["user.financial", "user.financial.account_number"]


def test_the_same_kind_twice_is_one_kind() -> None:
    need = Need(Assurance.REASONABLE, 2, is_declared=False)
    assert identity_of(need, [Verified(POINTS, "person-1", NOON, ("email", "email"))]) == ""
    assert identity_of(need, [Verified(POINTS, "person-1", NOON, ("email", "name"))]) == POINTS
