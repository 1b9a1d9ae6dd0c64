"""Two workers never write to one case: one wins, and whoever slept too long is fenced off."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from dsr_engine.domain.case import Stage, Wait
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import Conflict
from dsr_engine.store.leases import Lease
from dsr_engine.store.store import Store
from tests.store.samples import NOON, a_case


def _claimed(store: Store, worker: str = "one", seconds: int = 60) -> Lease:
    lease = store.claim("case-1", worker, seconds)
    assert lease is not None
    return lease


def test_a_claimed_case_is_refused_to_others_until_the_lease_ends(store: Store, clock: FixedClock, case: str) -> None:
    assert _claimed(store) == Lease(case, "one", 1, NOON + timedelta(seconds=60))
    clock.at = NOON + timedelta(seconds=59)
    assert store.claim(case, "two") is None
    clock.at = NOON + timedelta(seconds=60)
    assert store.claim(case, "two") == Lease(case, "two", 2, NOON + timedelta(seconds=120))


def test_of_many_workers_that_claim_at_once_one_wins(store: Store, case: str) -> None:
    start = threading.Barrier(8)

    def claim(number: int) -> Lease | None:
        start.wait()
        return store.claim(case, f"worker-{number}")

    with ThreadPoolExecutor(8) as pool:
        leases = [lease for lease in pool.map(claim, range(8)) if lease]
    assert len(leases) == 1
    assert leases[0].fence == 1


def test_a_worker_that_was_fenced_off_cannot_write(store: Store, clock: FixedClock, case: str) -> None:
    late = _claimed(store)
    clock.at = NOON + timedelta(minutes=2)
    _claimed(store, "two")
    with pytest.raises(Conflict) as refused, store.transaction(late) as tx:
        tx.cases.save(a_case(stage=Stage.CLOSED))
    assert refused.value.code == "store.lease_lost"
    with pytest.raises(Conflict, match="no longer"):
        store.renew(late)
    with store.transaction() as tx:
        assert tx.cases.get(case).stage is Stage.INTAKE


def test_a_worker_whose_lease_ran_out_may_go_on_while_nobody_took_the_case(store: Store, clock: FixedClock, case: str) -> None:
    lease = _claimed(store)
    clock.at = NOON + timedelta(hours=1)
    with store.transaction(lease) as tx:
        tx.cases.save(a_case(stage=Stage.PLAN))
    renewed = store.renew(lease)
    assert renewed == Lease(case, "one", 1, NOON + timedelta(hours=1, seconds=60))
    assert store.claim(case, "two") is None


def test_a_released_case_is_free_at_once_and_the_old_lease_is_worthless(store: Store, case: str) -> None:
    lease = _claimed(store)
    store.release(lease)
    with pytest.raises(Conflict, match="no longer"), store.transaction(lease):
        pass
    assert _claimed(store, "two").fence == 2


def test_releasing_a_lost_lease_does_not_take_the_case_from_the_other(store: Store, clock: FixedClock, case: str) -> None:
    lost = _claimed(store)
    clock.at = NOON + timedelta(minutes=2)
    held = _claimed(store, "two")
    store.release(lost)
    assert store.claim(case, "three") is None
    with store.transaction(held) as tx:
        tx.cases.save(a_case(stage=Stage.PLAN))
    with store.transaction() as tx:
        assert tx.cases.get(case).stage is Stage.PLAN


def test_a_worker_that_starts_again_takes_its_own_case_back_and_fences_its_former_self_off(store: Store, case: str) -> None:
    former = _claimed(store)
    assert _claimed(store).fence == 2
    with pytest.raises(Conflict, match="no longer"), store.transaction(former):
        pass


def test_a_case_cannot_be_taken_while_its_owner_is_writing(store: Store, clock: FixedClock, case: str, url: str) -> None:
    lease = _claimed(store)
    clock.at = NOON + timedelta(hours=1)
    with ThreadPoolExecutor(1) as pool:
        with store.transaction(lease) as tx:
            attempt = pool.submit(store.claim, case, "two")
            tx.cases.save(a_case(stage=Stage.PLAN))
            if url.startswith("postgresql"):  # skips the locked row; SQLite lets it wait for the end of the transaction
                assert attempt.result() is None
            else:
                assert not attempt.done()
        taken = attempt.result()
    assert taken is None or taken.fence == 2
    with store.transaction() as tx:
        assert tx.cases.get(case).stage is Stage.PLAN


def test_saving_a_case_does_not_touch_its_lease(store: Store, case: str) -> None:
    lease = _claimed(store)
    with store.transaction(lease) as tx:
        tx.cases.save(a_case(stage=Stage.PLAN))
    assert store.claim(case, "two") is None
    with store.transaction(lease):
        pass


def test_only_open_cases_with_something_to_do_can_be_claimed(store: Store, clock: FixedClock) -> None:
    waits = Wait("x", "reason", "needs", NOON, NOON + timedelta(hours=1))
    for_a_person = Wait("x", "reason", "needs", NOON)
    with store.transaction() as tx:
        tx.cases.add(a_case("ready", opened_at=NOON + timedelta(seconds=1)))
        tx.cases.add(a_case("taken"))
        tx.cases.add(a_case("sleeps", wait=waits))
        tx.cases.add(a_case("needs-a-person", wait=for_a_person))
        tx.cases.add(a_case("closed", stage=Stage.CLOSED))
    assert store.claim("taken", "one", 7200) is not None
    assert store.claimable(NOON) == ("ready",)
    assert store.claimable(NOON + timedelta(hours=1)) == ("sleeps", "ready")
    assert store.claimable(NOON + timedelta(hours=2)) == ("sleeps", "taken", "ready")


def test_what_two_people_do_to_a_case_at_once_is_done_one_after_the_other(store: Store, case: str) -> None:
    start = threading.Barrier(6)

    def act(_: int) -> None:
        start.wait()
        with store.transaction() as tx:
            now = tx.cases.locked(case)
            tx.cases.save(replace(now, round=now.round + 1))

    with store.snapshot() as tx:
        before = tx.cases.locked(case).round
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(act, range(6)))
    with store.snapshot() as tx:
        assert tx.cases.get(case).round == before + 6
