"""What a hold covers, held against a second way of saying it."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dsr_engine.domain.hold import NOTHING_KNOWN, Bearing, Hold, HoldState, Review

NOW = datetime(2026, 5, 5, 3, tzinfo=UTC)
_DAYS = st.dates(date(2000, 1, 1), date(2030, 12, 31))


def _hold(**parts: object) -> Hold:
    return Hold("h", "why", "person-1", NOW, **parts)  # type: ignore[arg-type]  # names and values of any part


@given(since=st.none() | _DAYS, until=st.none() | _DAYS, one=_DAYS, other=_DAYS)
@settings(deadline=None)
def test_a_period_holds_what_has_a_day_in_it(since: date | None, until: date | None, one: date, other: date) -> None:
    assume(since is None or until is None or since <= until)
    first, last = min(one, other), max(one, other)
    has_day = any(
        (since is None or day >= since) and (until is None or day <= until)
        for day in (first + timedelta(days=number) for number in range((last - first).days + 1))
    )
    hold = _hold(since=since, until=until)
    assert hold.holds(Bearing(first, last)) == has_day
    assert hold.holds(NOTHING_KNOWN)


def test_a_hold_on_a_person_holds_nobody_else() -> None:
    hold = _hold(is_of_person=True, people=frozenset({"a1", "b2"}))
    assert hold.holds(NOTHING_KNOWN, {"b2", "zz"})
    assert hold.holds(Bearing(people=("a1",)))
    assert not hold.holds(Bearing(people=("c3",)), {"d4"})
    assert not hold.holds(NOTHING_KNOWN)


def test_a_hold_on_a_person_whose_digests_are_gone_holds_nobody_rather_than_everybody() -> None:
    assert not _hold(is_of_person=True).holds(NOTHING_KNOWN, {"a1"})


def test_a_category_is_held_with_what_is_below_it_and_where_the_word_is_too_general_to_tell() -> None:
    hold = _hold(category="user.contact")

    def concerns(*categories: str) -> bool:
        return hold.concerns(case="c", system="s", collection="t", categories=categories)

    assert concerns("user.contact.email")
    assert concerns("user")
    assert not concerns("user.contacts")
    assert not concerns("user.name")
    assert hold.concerns(case="c", system="s", collection="t", categories=None)


def test_every_state_but_the_last_protects() -> None:
    steps: list[dict[str, object]] = [{}, {"confirmed_at": NOW}, {"confirmed_at": NOW, "lift_asked_at": NOW}]
    holds = [_hold(**step) for step in steps]
    assert [hold.state for hold in holds] == [HoldState.PLACED, HoldState.CONFIRMED, HoldState.LIFTING]
    assert all(hold.concerns(case="c", system="s", collection="t", categories=()) for hold in holds)
    lifted = _hold(lift_asked_at=NOW, lifted_at=NOW)
    assert lifted.state is HoldState.LIFTED
    assert not lifted.concerns(case="c", system="s", collection="t", categories=())


def test_the_digests_of_a_person_are_not_shown() -> None:
    assert "a1b2" not in repr(_hold(is_of_person=True, people=frozenset({"a1b2"})))


def test_a_review_counts_for_ninety_days_and_not_a_moment_longer() -> None:
    review = Review("r", "person-1", NOW, "the list", 0)
    assert review.is_valid(NOW + timedelta(days=90) - timedelta(microseconds=1))
    assert not review.is_valid(NOW + timedelta(days=90))
