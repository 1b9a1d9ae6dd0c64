"""What the store keeps of a sweep: its tranches, how far it came, what was due; and results in as few rows as they have ends."""

from datetime import timedelta
from itertools import groupby
from pathlib import Path

from alembic import command
from alembic.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import JSON, MetaData, Table, create_engine, func, select

from dsr_engine.domain.case import CaseKind, Tranche
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.plan import Result, ResultState
from dsr_engine.store import migrations, tables
from dsr_engine.store.store import Store
from dsr_engine.store.sweep_counts import SweepCount
from dsr_engine.store.sweep_marks import BEGIN, SweepMark
from tests.store.samples import CANARY, NOON, a_case


def test_the_tranches_of_a_sweep_come_in_their_order_and_no_other_sweeps(store: Store) -> None:
    with store.transaction() as tx:
        for number in (2, 1, 10):
            tranche = Tranche("sweep-1", number, NOON + timedelta(microseconds=7), is_dry=number == 2, before=number * 3)
            tx.cases.add(a_case(f"case-{number}", kind=CaseKind.SWEEP, tranche=tranche))
        tx.cases.add(a_case("other", kind=CaseKind.SWEEP, tranche=Tranche("sweep-2", 1, NOON)))
        tx.cases.add(a_case("request"))
        found = tx.cases.of_sweep("sweep-1")
        assert [case.id for case in found] == ["case-1", "case-2", "case-10"]
        assert found[1].tranche == Tranche("sweep-1", 2, NOON + timedelta(microseconds=7), True, 6)
        assert [case.is_dry for case in found] == [False, True, False]
        assert tx.cases.get("request").tranche is None


def test_a_mark_is_replaced_and_its_key_is_sealed(store: Store, case: str, url: str) -> None:
    with store.transaction() as tx:
        tx.sweep_marks.put(case, 1, BEGIN, SweepMark("shop", "leads", ("first",)))
        tx.sweep_marks.put(case, 1, BEGIN, SweepMark("shop", "leads", (CANARY, "2"), is_over=True, pages=3, found=17))
        tx.sweep_marks.put(case, 1, "found", SweepMark("shop", "leads"))
        assert tx.sweep_marks.of(case, 1, BEGIN) == {("shop", "leads"): SweepMark("shop", "leads", (CANARY, "2"), is_over=True, pages=3, found=17)}
        assert tx.sweep_marks.of(case, 2, BEGIN) == {}
    assert CANARY not in repr(SweepMark("shop", "leads", (CANARY,)))
    engine = create_engine(url)
    with engine.connect() as connection:
        sealed = connection.scalars(select(tables.sweep_marks.c.sealed)).all()
    engine.dispose()
    assert len(sealed) == 2
    assert not any(CANARY.encode() in blob for blob in sealed)


def test_counts_belong_to_the_sweep_and_say_what_nobody_told(store: Store) -> None:
    counts = (SweepCount("shop", "calls", "calls", "purpose", None, None, None), SweepCount("shop", "leads", "tax", "legal_obligation", 5, 2, 100))
    with store.transaction() as tx:
        tx.sweep_counts.put("sweep-1", counts)
        tx.sweep_counts.put("sweep-1", counts[1:])
        assert tx.sweep_counts.of("sweep-1") == counts
        assert tx.sweep_counts.of("sweep-2") == ()


_End = tuple[ResultState, str]
_ENDS = st.sampled_from([(ResultState.DONE, ""), (ResultState.DRIFTED, "changed"), (ResultState.DRIFTED, "absent"), (ResultState.KEPT, "")])


@given(st.lists(st.dictionaries(st.integers(0, 30), _ENDS, max_size=31), max_size=4))
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_results_read_as_they_were_written_last_however_they_are_packed(
    store: Store, url: str, writes: list[dict[int, tuple[ResultState, str]]]
) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(tables.results.delete())
    merged: dict[int, _End] = {}
    with store.transaction() as tx:
        for write in writes:
            tx.results.put("plan-1", [Result("item-1", position, *end) for position, end in write.items()])
            merged |= write
        assert tx.results.of("plan-1") == tuple(Result("item-1", position, *end) for position, end in sorted(merged.items()))
        assert sum(tx.results.tally("plan-1").values()) == len(merged)
    runs = [list(group) for _, group in groupby(enumerate(sorted(merged)), key=lambda entry: (entry[1] - entry[0], merged[entry[1]]))]
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.results)) == len(runs)
    engine.dispose()


def test_a_sweep_that_an_earlier_version_began_is_a_first_tranche_and_stays_dry(empty_url: str, keys: Path, clock: FixedClock) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    engine = create_engine(empty_url)
    row = {
        "subject_ref": "s",
        "policy": "customers",
        "regime": "gdpr",
        "stage": "approve",
        "opened_at": NOON,
        "opened_by": "person-1",
        "systems": ["shop"],
        "round": 1,
        "identity": "",
    }
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        before = Table("cases", MetaData(), autoload_with=connection)
        before.c.systems.type = before.c.digests.type = JSON()
        for name, kind, digests in (("dry", "sweep", {"dry_run": "yes"}), ("real", "sweep", {}), ("request", "request", {})):
            connection.execute(before.insert(), {**row, "id": name, "kind": kind, "digests": digests})
    engine.dispose()
    store = Store(empty_url, keys, clock)
    store.migrate()
    with store.transaction() as tx:
        assert {case.id: case.is_dry for case in tx.cases.list()} == {"dry": True, "real": False, "request": False}
        assert tx.cases.get("real").tranche == Tranche("real", 1, NOON)
        assert tx.cases.get("request").tranche is None
    store.close()
