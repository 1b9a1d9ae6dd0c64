"""What stopped a clock, and appeals, come back from the store as they went in, on both databases."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from dsr_engine.domain.pause import Doubt, Stop
from dsr_engine.domain.regime import PauseWhy
from dsr_engine.store.appeals import Appealed, Decision
from dsr_engine.store.pauses import Paused
from dsr_engine.store.store import Store
from tests.store.samples import a_case

_NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)


def test_a_stop_is_kept_with_its_days_and_ends_on_the_day_that_was_said_last(store: Store) -> None:
    stop = Stop(PauseWhy.IDENTITY, date(2026, 3, 2), doubt=Doubt.SENDER_UNKNOWN)
    fee = Stop(PauseWhy.FEE, date(2026, 3, 1))
    with store.transaction() as tx:
        tx.cases.add(a_case())
        tx.pauses.add("one", "case-1", stop, "person-1", _NOW)
        tx.pauses.add("two", "case-1", fee, "person-1", _NOW)
        tx.pauses.end("one", date(2026, 3, 9))
        tx.pauses.end("one", date(2026, 3, 8))
    with store.snapshot() as tx:
        first, second = tx.pauses.of("case-1")
    assert first == Paused("two", "case-1", fee, "person-1", _NOW)  # in the order of asking
    assert second.stop == replace(stop, ended=date(2026, 3, 8))


def test_the_stops_of_very_many_cases_are_asked_for_at_once(store: Store) -> None:
    with store.transaction() as tx:
        tx.cases.add(a_case("last"))
        tx.pauses.add("one", "last", Stop(PauseWhy.FEE, date(2026, 3, 1)), "person-1", _NOW)
    with store.snapshot() as tx:
        found = tx.pauses.of_all([*(f"case-{number}" for number in range(40_000)), "last"])
    assert list(found) == ["last"]


def test_an_appeal_goes_from_open_to_decided_and_names_the_case_that_it_opened(store: Store) -> None:
    with store.transaction() as tx:
        for name in ("old", "other", "new"):
            tx.cases.add(a_case(name))
        tx.appeals.add("one", "old", date(2026, 3, 2), "person-1", _NOW)
        tx.appeals.add("two", "other", date(2026, 3, 1), "person-1", _NOW + timedelta(hours=1))
        assert [entry.id for entry in tx.appeals.open()] == ["two", "one"]
        tx.appeals.extend("one", date(2026, 3, 5))
        tx.appeals.decide("one", Decision.GRANTED, date(2026, 3, 9), "person-2", "new")
        tx.appeals.decide("two", Decision.DENIED, date(2026, 3, 9), "person-2", "")
    with store.snapshot() as tx:
        (first,), (second,) = tx.appeals.of("old"), tx.appeals.of("other")
        assert tx.appeals.open() == ()
        assert tx.appeals.opened_by("new") == first
        assert tx.appeals.opened_by("old") is None
    expected = Appealed("one", "old", date(2026, 3, 2), "person-1", _NOW, date(2026, 3, 5), date(2026, 3, 9), Decision.GRANTED, "person-2", "new")
    assert first == expected
    assert (second.decision, second.new_case, second.extended_on) == (Decision.DENIED, "", None)
