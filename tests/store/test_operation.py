"""What belongs to the running of the engine: holds, stops, people, certificates, dates, tasks, sweeps, suppression."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.hold import Hold
from dsr_engine.domain.plan import ItemState
from dsr_engine.domain.suppression import Basis, Suppressed
from dsr_engine.store.certificates import Issued
from dsr_engine.store.followups import Followup
from dsr_engine.store.store import Store
from dsr_engine.store.sweeps import SweepRun
from dsr_engine.store.tasks import Task
from tests.store.samples import NOON, a_case, plan

HOLD = Hold("hold-1", "litigation", "person-1", NOON, system="shop", collection="shop.*", category="user.contact")


def _statement(verdict: str) -> bytes:
    said = {"issued_at": "2026-03-09T12:00:00Z", "case": {"kind": "request"}, "policy": {"name": "ours"}, "systems": [{"name": "shop"}]}
    return json.dumps({**said, "verdict": verdict}).encode()


def test_a_hold_comes_back_until_it_is_lifted(store: Store) -> None:
    other = Hold("hold-2", "litigation", "person-1", NOON + timedelta(days=1), case="case-7")
    with store.transaction() as tx:
        tx.holds.add(other)
        tx.holds.add(HOLD)
        assert tx.holds.list() == (HOLD, other)
        tx.holds.lift("hold-1", "person-2", NOON + timedelta(days=2))
        tx.holds.lift("hold-1", "person-2", NOON + timedelta(days=3))
        lifted = replace(HOLD, lifted_by="person-2", lifted_at=NOON + timedelta(days=2))
        assert tx.holds.get("hold-1") == lifted
        assert tx.holds.list() == (other,)
        assert tx.holds.list(active_only=False) == (lifted, other)
        with pytest.raises(InputWrong) as refused:
            tx.holds.lift("hold-9", "person-2", NOON)
    assert refused.value.code == "hold.unknown"


def test_a_hold_and_an_intention_never_overlook_each_other(store: Store, case: str) -> None:
    with store.transaction() as tx:
        tx.plans.add(plan())
    has_looked = threading.Event()
    is_placing = threading.Event()

    def place() -> int:
        has_looked.wait()
        is_placing.set()
        with store.transaction() as tx:
            tx.holds.add(HOLD)
        with store.transaction() as tx:
            return len(tx.plans.intended())

    with ThreadPoolExecutor(1) as pool:
        placed = pool.submit(place)
        with store.transaction() as tx:
            assert tx.holds.list() == ()
            has_looked.set()
            is_placing.wait()
            time.sleep(0.1)  # lets the other get as far as it can
            tx.plans.set_state("item-0", ItemState.INTENDED)
        assert placed.result() == 1


def test_a_stop_holds_until_exactly_it_is_taken_back(store: Store) -> None:
    with store.transaction() as tx:
        tx.stops.stop("shop", "person-1", NOON)
        tx.stops.stop("*", "person-1", NOON)
        tx.stops.stop("*", "person-1", NOON)
        tx.stops.resume("shop")
        tx.stops.resume("mail")
        assert tx.stops.active() == {"*"}


def test_a_person_has_one_random_id_and_can_be_forgotten(store: Store) -> None:
    with store.transaction() as tx:
        ann = tx.people.id_of("Ann Officer")
        assert tx.people.id_of("Ann Officer") == ann
        assert tx.people.id_of("Bob") != ann
        assert "Ann" not in ann
        assert tx.people.name_of(ann) == "Ann Officer"
        tx.people.forget(ann)
        assert tx.people.name_of(ann) is None
        assert tx.people.id_of("Ann Officer") != ann


def test_a_name_that_two_workers_meet_at_once_gets_one_id(store: Store) -> None:
    start = threading.Barrier(4)

    def meet(_: int) -> str:
        start.wait()
        with store.transaction() as tx:
            return tx.people.id_of("Ann Officer")

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(meet, range(4)))) == 1


def test_serials_have_no_gaps_and_no_twins(store: Store) -> None:
    with store.transaction() as tx:
        for number in range(8):
            tx.cases.add(a_case(f"case-{number}"))

    def issue(number: int) -> None:
        with store.transaction() as tx:
            serial = tx.certificates.next_serial()
            tx.certificates.add(f"certificate-{number}", f"case-{number}", serial, _statement("Said"), b"{}", None, "")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(issue, range(8)))
    with store.transaction() as tx:
        assert [issued.serial for issued in tx.certificates.list()] == list(range(1, 9))


def test_a_certificate_is_completed_but_never_changed(store: Store, case: str) -> None:
    with store.transaction() as tx:
        assert tx.certificates.of(case) is None
        assert tx.certificates.next_serial() == 1
        tx.certificates.add("c-1", case, 1, _statement("Said"), b"envelope", None, "")
        tx.certificates.add("c-1", case, 1, _statement("Said"), b"envelope", 7, "certificates/c-1.pdf")
        assert tx.certificates.of(case) == Issued("c-1", case, 1, _statement("Said"), b"envelope", 7, "certificates/c-1.pdf")
        with pytest.raises(Conflict) as refused:
            tx.certificates.add("c-1", case, 1, _statement("Said otherwise"), b"envelope", 7, "")
        tx.certificates.add("c-2", case, 2, _statement("Said later"), b"envelope", 8, "certificates/c-2.pdf")
        assert [issued.id for issued in tx.certificates.list()] == ["c-1", "c-2"]
        latest = tx.certificates.of(case)
    assert refused.value.code == "certificate.issued"
    assert latest is not None
    assert latest.id == "c-2"


def test_followups_are_dates_of_a_case(store: Store, case: str) -> None:
    first, second = Followup(case, "rescan:7", NOON + timedelta(days=7)), Followup(case, "backup:shop", NOON + timedelta(days=35))
    with store.transaction() as tx:
        tx.followups.put(case, "backup:shop", NOON)
        tx.followups.put(case, "backup:shop", second.due)
        tx.followups.put(case, "rescan:7", first.due)
        assert tx.followups.of(case) == (first, second)
        assert tx.followups.due(NOON) == ()
        assert tx.followups.due(first.due) == (first,)
        tx.followups.drop(case, "rescan:7")
        tx.followups.drop(case, "rescan:7")
        assert tx.followups.of(case) == (second,)


def test_a_task_is_reported_once(store: Store, case: str) -> None:
    open_task = Task("task-1", case, "paper archive", "Shred the folder.", "records office", NOON + timedelta(days=10))
    with store.transaction() as tx:
        tx.tasks.add(open_task.id, case, open_task.system, open_task.instructions, open_task.owner, open_task.due)
        assert tx.tasks.of(case) == (open_task,)
        tx.tasks.done("task-1", "person-1", NOON, "ab" * 32)
        assert tx.tasks.of(case) == (replace(open_task, done_by="person-1", done_at=NOON, evidence_digest="ab" * 32),)
        with pytest.raises(Conflict) as again:
            tx.tasks.done("task-1", "person-2", NOON, "cd" * 32)
        with pytest.raises(InputWrong) as unknown:
            tx.tasks.done("task-9", "person-2", NOON, "cd" * 32)
    assert (again.value.code, unknown.value.code) == ("task.done", "task.unknown")


def test_sweeps_are_remembered_by_policy_and_rule(store: Store) -> None:
    with store.transaction() as tx:
        tx.sweeps.record("customers", NOON, "old-orders", found=3, is_dry=True)
        tx.sweeps.record("customers", NOON + timedelta(days=1), "old-orders", found=4, affected=4)
        tx.sweeps.record("staff", NOON, "old-orders", found=9)
        assert tx.sweeps.history("customers") == (
            SweepRun("customers", NOON + timedelta(days=1), "old-orders", 4, 4, False),
            SweepRun("customers", NOON, "old-orders", 3, 0, True),
        )


def test_a_suppressed_value_is_recognised_until_its_end(store: Store, clock: FixedClock) -> None:
    with store.transaction() as tx:
        key, digest = tx.suppression.keys.newest(), tx.suppression.digest("email", "jane@example.org")
        tx.suppression.add([Suppressed(key, "email", digest, Basis.REPLAY, "case-1", NOON, NOON + timedelta(days=365))])
    with store.transaction() as tx:
        assert tx.suppression.is_suppressed("email", "jane@example.org")
        assert not tx.suppression.is_suppressed("email", "john@example.org")
        assert not tx.suppression.is_suppressed("phone", "jane@example.org")
        clock.at = NOON + timedelta(days=365)
        assert not tx.suppression.is_suppressed("email", "jane@example.org")
        assert (tx.suppression.remove_ended(), tx.suppression.remove_ended()) == (1, 0)
