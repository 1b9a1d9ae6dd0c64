"""A case comes back as it was written; who works on it is not part of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from dsr_engine.domain.case import Case, CaseKind, Outcome, Stage, Wait
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import Conflict, DsrError, InputWrong
from dsr_engine.store.store import Store
from tests.store.samples import NOON, a_case

WAIT = Wait("discover.unreachable", "the system shop did not answer", "the system is up again", NOON, NOON + timedelta(hours=1))


@pytest.mark.parametrize(
    "case",
    [
        a_case(),
        a_case(kind=CaseKind.SWEEP, stage=Stage.CLOSED, outcome=Outcome.FULFILLED, closed_at=NOON, received_at=NOON, opened_by="person-1"),
        a_case(wait=WAIT, round=3, identity="vouched_by_operator", digests={"regime": "ab", "data_map": "cd"}),
        a_case(wait=replace(WAIT, wake_at=None), systems=()),
    ],
)
def test_a_case_comes_back_as_it_was_written(store: Store, case: Case) -> None:
    with store.transaction() as tx:
        tx.cases.add(case)
    with store.transaction() as tx:
        assert tx.cases.get(case.id) == case


def test_saving_replaces_every_field(store: Store) -> None:
    later = a_case(stage=Stage.PLAN, round=2, wait=WAIT, systems=("shop",), digests={"policy": "ef"})
    with store.transaction() as tx:
        tx.cases.add(a_case(wait=WAIT))
        tx.cases.save(later)
        assert tx.cases.get("case-1") == later
        tx.cases.save(a_case())
        assert tx.cases.get("case-1") == a_case()


def test_saving_one_case_leaves_the_others_as_they_are(store: Store) -> None:
    with store.transaction() as tx:
        tx.cases.add(a_case("case-1"))
        tx.cases.add(a_case("case-2"))
        tx.cases.save(a_case("case-1", stage=Stage.CLOSED))
        assert tx.cases.get("case-2") == a_case("case-2")


def test_cases_are_listed_by_age_and_closed_ones_can_be_left_out(store: Store) -> None:
    with store.transaction() as tx:
        tx.cases.add(a_case("new", opened_at=NOON + timedelta(days=1)))
        tx.cases.add(a_case("old"))
        tx.cases.add(a_case("closed", stage=Stage.CLOSED, opened_at=NOON - timedelta(days=1)))
        assert [case.id for case in tx.cases.list()] == ["closed", "old", "new"]
        assert [case.id for case in tx.cases.list(open_only=True)] == ["old", "new"]


def test_an_unknown_case_is_wrong_input(store: Store) -> None:
    with store.transaction() as tx:
        with pytest.raises(InputWrong) as refused:
            tx.cases.get("nobody")
        with pytest.raises(InputWrong, match="nobody"):
            tx.cases.save(a_case("nobody"))
    assert refused.value.code == "case.unknown"
    with pytest.raises(InputWrong, match="nobody"):
        store.claim("nobody", "worker")


def test_a_case_cannot_be_added_twice_and_the_first_one_stays(store: Store) -> None:
    with store.transaction() as tx:
        tx.cases.add(a_case())
    with pytest.raises(Conflict) as refused, store.transaction() as tx:
        tx.cases.add(a_case(stage=Stage.CLOSED))
    assert refused.value.code == "store.integrity"
    with store.transaction() as tx:
        assert tx.cases.get("case-1") == a_case()


def test_times_are_kept_to_the_microsecond_and_come_back_in_utc(store: Store) -> None:
    in_vienna = datetime(2026, 7, 1, 0, 30, 0, 123_456, tzinfo=timezone(timedelta(hours=2)))
    with store.transaction() as tx:
        tx.cases.add(a_case(received_at=in_vienna))
        received = tx.cases.get("case-1").received_at
    assert received == in_vienna
    assert received is not None
    assert received.tzinfo == UTC


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(InputWrong) as refused, store.transaction() as tx:
        tx.cases.add(a_case(received_at=datetime(2026, 7, 1)))  # noqa: DTZ001  # that is the point
    assert refused.value.code == "store.naive_time"


def test_a_block_that_raises_leaves_nothing_behind(store: Store) -> None:
    def interrupted() -> None:
        with store.transaction() as tx:
            tx.cases.add(a_case())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        interrupted()
    with store.transaction() as tx:
        assert tx.cases.list() == ()


def test_an_error_of_the_database_carries_no_value(store: Store) -> None:
    with store.transaction() as tx:
        tx.cases.add(a_case("jane@example.org"))
    with pytest.raises(DsrError) as refused, store.transaction() as tx:
        tx.cases.add(a_case("jane@example.org"))
    assert "jane" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_snapshot_sees_one_moment_and_refuses_to_write(store: Store, clock: FixedClock) -> None:
    with store.snapshot() as before:
        assert before.cases.list() == ()
        with store.transaction() as tx:
            tx.cases.add(a_case())
        assert before.cases.list() == ()
    with store.snapshot() as after:
        assert after.cases.list() == (a_case(),)
    with pytest.raises(DsrError), store.snapshot() as tx:
        tx.cases.add(a_case("case-2"))
    with store.transaction() as tx:
        assert [case.id for case in tx.cases.list()] == ["case-1"]
