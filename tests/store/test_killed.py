"""Killed at any point, the store is as before the transaction or as after it, never between."""

import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from dsr_engine.domain.case import Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.plan import ItemState
from dsr_engine.store import ledger_file
from dsr_engine.store.store import Store
from tests.store.samples import NOON, a_case, finding, plan

_STEP = '''
import sys
import time
from pathlib import Path
from dsr_engine.domain.clock import SystemClock
from dsr_engine.domain.plan import ItemState, Result, ResultState
from dsr_engine.store.ledger import leaf_of
from dsr_engine.store.store import Store
from tests.store.samples import NOON, a_case, finding

store = Store(sys.argv[1], Path(sys.argv[2]), SystemClock())

def step(tx, number):
    """One step of a case with all that belongs to it: output, state, leaf."""
    tx.findings.put_slice("case-1", 1, "discover", f"slice-{number}", [finding(1), finding(2)])
    tx.slices.done("case-1", 1, "discover", f"slice-{number}")
    tx.ledger.append(leaf_of("slice.done", f"case-1/{number}", NOON, number=number))
    tx.cases.save(a_case(digests={"steps": str(number + 1)}))
'''

_IN_THE_MIDDLE = """
with store.transaction(store.claim("case-1", "child", 1)) as tx:
    step(tx, 0)
    tx.plans.set_state("item-0", ItemState.INTENDED)
    tx.results.put("plan-1", [Result("item-0", 0, ResultState.DONE)])
    tx.ledger.checkpoint()
    store.vault.create(tx, "case-2")
    print("ready", flush=True)
    time.sleep(600)
"""

_ON_AND_ON = """
print("ready", flush=True)
for number in range(100_000):
    with store.transaction() as tx:
        step(tx, number)
"""

_SHREDDING = """
with store.transaction() as tx:
    store.vault.shred(tx, "case-1")
    print("ready", flush=True)
    time.sleep(600)
"""


def _killed(url: str, keys: Path, program: str, after: float = 0) -> None:
    """Starts the program in a child and kills it so long after it says that it is ready."""
    root = Path(__file__).resolve().parents[2]
    child = subprocess.Popen([sys.executable, "-c", _STEP + program, url, str(keys)], cwd=root, stdout=subprocess.PIPE)
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == b"ready\n"
        time.sleep(after)
        assert child.poll() is None
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()


@pytest.fixture
def planned(store: Store, case: str) -> Store:
    with store.transaction() as tx:
        tx.plans.add(plan())
    return store


def test_a_worker_killed_in_the_middle_of_a_transaction_leaves_no_trace(planned: Store, url: str, keys: Path) -> None:
    _killed(url, keys, _IN_THE_MIDDLE)
    with planned.transaction() as tx:
        assert tx.cases.get("case-1") == a_case()
        assert list(tx.findings.of("case-1", 1, "discover")) == []
        assert tx.slices.all_done("case-1", 1, "discover") == frozenset()
        assert set(tx.plans.states("plan-1").values()) == {ItemState.PLANNED}
        assert tx.results.of("plan-1") == ()
        assert (tx.ledger.size(), tx.ledger.latest_checkpoint()) == (0, None)
        planned.vault.create(tx, "case-2")
    ledger_file.check(planned)


def test_the_case_of_a_killed_worker_is_taken_over_when_its_lease_has_ended(planned: Store, clock: FixedClock, url: str, keys: Path) -> None:
    _killed(url, keys, _IN_THE_MIDDLE)
    clock.at = NOON + timedelta(days=36_500)  # the child goes by the real clock
    lease = planned.claim("case-1", "next")
    assert lease is not None
    with planned.transaction(lease) as tx:
        tx.cases.save(a_case(stage=Stage.EXECUTE))
    assert lease.fence == 2


@pytest.mark.parametrize("after", [0.03, 0.2])
def test_a_worker_killed_at_any_moment_leaves_whole_steps_only(store: Store, case: str, url: str, keys: Path, after: float) -> None:
    _killed(url, keys, _ON_AND_ON, after)
    with store.transaction() as tx:
        steps = int(tx.cases.get(case).digests.get("steps", "0"))
        assert tx.ledger.size() == steps
        assert tx.slices.all_done(case, 1, "discover") == {f"slice-{number}" for number in range(steps)}
        assert [found for _, found in tx.findings.of(case, 1, "discover")] == [finding(1), finding(2)] * steps
    ledger_file.check(store)


def test_a_worker_killed_while_shredding_has_shredded_nothing(store: Store, case: str, url: str, keys: Path) -> None:
    sealed = store.vault.seal(case, b"plain", purpose="note")
    _killed(url, keys, _SHREDDING)
    store.scrub()
    fresh = Store(url, keys, FixedClock(NOON))
    assert fresh.vault.unseal(case, sealed, purpose="note") == b"plain"
    fresh.close()
