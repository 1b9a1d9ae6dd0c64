"""The request log, and the end of everything that is left of a case, on both databases."""

import threading
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import insert, select, text

from dsr_engine.domain.case import CaseKind, Outcome, Stage
from dsr_engine.domain.errors import Conflict
from dsr_engine.domain.hold import Hold
from dsr_engine.domain.plan import Result, ResultState
from dsr_engine.domain.request import Manner, Right
from dsr_engine.domain.request_log import Decision, LogEntry
from dsr_engine.store import tables
from dsr_engine.store.store import Store
from tests.store.samples import NOON, a_case, finding, plan, selectors

_ENTRY = LogEntry(
    case="case-1",
    subject_ref="subject-of-case-1",
    kind=CaseKind.REQUEST,
    right=Right.ERASURE,
    manner=Manner.PHONE,
    regimes=(("gdpr", "2026.1"), ("ccpa", "2026.1")),
    received=date(2026, 3, 2),
    keep_months=36,
    to_year_end=True,
)
_CLOSED = replace(
    _ENTRY,
    decision=Decision.PARTLY,
    decided=date(2026, 3, 9),
    answered=date(2026, 3, 10),
    answer="partial",
    basis=("legal_obligation",),
    certificate="certificate-1",
    acknowledged=date(2026, 3, 3),
    limits={"answer": "2026-04-02"},
    keep_until=date(2029, 12, 31),
)
_STATEMENT = b'{"case":{"kind":"request"},"issued_at":"2026-03-09T12:00:00Z","policy":{"name":"ours"},"systems":[{"name":"shop"}]}'


def test_a_row_comes_back_as_it_was_written_and_is_changed_in_place(store: Store) -> None:
    for entry in (_ENTRY, _CLOSED):
        with store.transaction() as tx:
            tx.request_log.put(entry)
        with store.snapshot() as tx:
            assert (tx.request_log.of("case-1"), tx.request_log.of("case-2")) == (entry, None)


def test_rows_are_listed_by_day_of_receipt(store: Store) -> None:
    days = {"case-3": date(2026, 1, 1), "case-1": date(2026, 12, 31), "case-2": date(2027, 1, 1)}
    with store.transaction() as tx:
        for case, day in days.items():
            tx.request_log.put(replace(_ENTRY, case=case, received=day))
        assert [entry.case for entry in tx.request_log.list()] == ["case-3", "case-1", "case-2"]
        assert [entry.case for entry in tx.request_log.list(date(2026, 1, 1), date(2026, 12, 31))] == ["case-3", "case-1"]


def test_the_salt_is_sealed_stays_with_the_row_and_ends_with_it(store: Store, url: str) -> None:
    salt = bytes(range(100, 116))
    with store.transaction() as tx:
        tx.request_log.put(_ENTRY)
        assert tx.request_log.salt("case-1") is None
        tx.request_log.keep_salt("case-1", salt)
        tx.request_log.put(_CLOSED)
        tx.request_log.keep_salt("case-1", salt)
    with store.snapshot() as tx:
        assert tx.request_log.salt("case-1") == salt
        (sealed,) = tx.connection.scalars(text("SELECT sealed FROM request_log")).all()
        assert salt not in bytes(sealed)
    for _ in range(2):
        with store.transaction() as tx:
            tx.request_log.end(["case-1"])
    with store.transaction() as tx:
        assert (tx.request_log.of("case-1"), tx.request_log.salt("case-1")) == (None, None)
        tx.request_log.put(_ENTRY)
        with pytest.raises(Conflict) as shredded:
            tx.request_log.keep_salt("case-1", salt)
    assert shredded.value.code == "vault.shredded"


def test_a_row_that_was_moved_to_another_case_does_not_open(store: Store) -> None:
    with store.transaction() as tx:
        for case in ("case-1", "case-2"):
            tx.request_log.put(replace(_ENTRY, case=case))
            tx.request_log.keep_salt(case, case.encode() * 3)
        tx.connection.execute(
            text("UPDATE request_log SET sealed = (SELECT sealed FROM request_log WHERE case_id = 'case-1') WHERE case_id = 'case-2'")
        )
        with pytest.raises(Exception, match="not what the engine wrote"):
            tx.request_log.salt("case-2")


def _filled(store: Store, case: str) -> None:
    """A closed case with a row in nearly every table."""
    with store.transaction() as tx:
        tx.cases.add(a_case(case, stage=Stage.CLOSED, outcome=Outcome.FULFILLED, closed_at=NOON, opened_by=tx.people.id_of("Ann")))
        store.vault.create(tx, case)
        for selector in selectors():
            tx.selectors.add(case, selector)
        tx.findings.put_slice(case, 1, "discover", "s", [finding(case=case)])
        tx.plans.add(replace(plan(plan_id=f"plan-of-{case}"), case=case))
        tx.results.put(f"plan-of-{case}", [Result("item-0", 0, ResultState.DONE)])
        tx.approvals.add(case, "digest", tx.people.id_of("Bea"), NOON, "console")
        tx.tasks.add(f"task-of-{case}", case, "shop", "do it", "shop@example.com", NOON)
        tx.followups.put(case, "log", NOON)
        serial = tx.certificates.next_serial()
        tx.certificates.add(f"certificate-of-{case}", case, serial, _STATEMENT, b"{}", 0, f"certificate-{serial:06d}.pdf")
        tx.request_log.put(replace(_CLOSED, case=case))
        tx.request_log.keep_salt(case, b"0123456789abcdef")
    with store.transaction() as tx:
        store.vault.shred(tx, case)


def _rows(store: Store) -> dict[str, int]:
    with store.snapshot() as tx:
        return {
            table.name: len(tx.connection.execute(select(table)).all())
            for table in tables.metadata.sorted_tables
            if table.name not in ("head", "people", "epochs")
        }


def test_the_rest_of_a_case_goes_with_all_its_rows_and_no_row_of_another(store: Store) -> None:
    _filled(store, "case-2")
    before = _rows(store)
    _filled(store, "case-1")
    with store.transaction() as tx:
        assert tx.remains.duties("case-1", NOON, "log") == ()
        tx.request_log.end(["case-1"])
        tx.certificates.spend("case-1", NOON)
        tx.remains.erase("case-1", ["plan-of-case-1"])
    after = _rows(store)
    assert {name: (count, before[name]) for name, count in after.items() if count != before[name]} == {"spent_serials": (1, 0)}
    with store.transaction() as tx:
        assert tx.certificates.next_serial() == 3
        assert [(each.serial, each.id, each.issued_at.date()) for each in tx.certificates.spent()] == [(2, "certificate-of-case-1", date(2026, 3, 9))]


def test_what_still_needs_a_case_is_named(store: Store) -> None:
    _filled(store, "case-1")
    with store.transaction() as tx:
        tx.cases.add(a_case("case-3"))
        store.vault.create(tx, "case-3")
        tx.followups.put("case-1", "rescan:30", NOON)
        assert tx.remains.duties("case-1", NOON, "log") == ("follow_up",)
        assert tx.remains.duties("case-3", NOON, "log") == ("not_forgotten",)
        tx.holds.add(Hold("hold-1", "a dispute", "person-1", NOON, case="case-1"))
        assert tx.remains.disputes("case-1") == ("legal_hold",)
        assert tx.remains.duties("case-1", NOON, "log") == ("legal_hold", "follow_up")
        tx.holds.lift("hold-1", "person-2", NOON)
        assert tx.remains.disputes("case-1") == ()
        assert (tx.remains.unlisted("log"), tx.remains.unlisted("forget")) == ((), ("case-1",))


def test_an_officer_is_needed_by_what_is_in_force_only(store: Store) -> None:
    _filled(store, "case-1")
    with store.transaction() as tx:
        ann, idle = tx.people.id_of("Ann"), tx.people.id_of("Idle")
        assert (tx.own_rows.needed_in(ann), tx.own_rows.named_in(ann)) == ((), ("cases",))
        assert tx.own_rows.unnamed() == (idle,)
        tx.cases.add(a_case("case-3", opened_by=ann))
        tx.connection.execute(insert(tables.stops), {"system": "shop", "stopped_by": ann, "at": NOON})
        assert tx.own_rows.needed_in(ann) == ("cases", "stops")
        tx.people.hold(idle)
        assert (tx.people.known("Idle"), tx.people.known("Nobody")) == (idle, None)
        assert tx.own_rows.acted_since([ann, idle], NOON - timedelta(days=1)) == frozenset()


def test_two_workers_that_end_the_same_case_end_it_once(store: Store) -> None:
    _filled(store, "case-1")
    taken, order = threading.Event(), []

    def second() -> None:
        taken.wait(10)
        with store.transaction() as tx:
            order.append(("second", tx.remains.take("case-1")))

    worker = threading.Thread(target=second)
    worker.start()
    with store.transaction() as tx:
        order.append(("first", tx.remains.take("case-1")))
        taken.set()
        tx.request_log.end(["case-1"])
        tx.certificates.spend("case-1", NOON)
        tx.remains.erase("case-1", ["plan-of-case-1"])
    worker.join(30)
    assert order == [("first", True), ("second", False)]


def test_whoever_reads_a_row_to_change_it_is_not_overtaken(store: Store) -> None:
    with store.transaction() as tx:
        tx.request_log.put(_ENTRY)
    read = threading.Event()

    def second() -> None:
        read.wait(10)
        with store.transaction() as tx:
            entry = tx.request_log.of("case-1")
            assert entry is not None
            tx.request_log.put(replace(entry, acknowledged=date(2026, 3, 3)))

    worker = threading.Thread(target=second)
    worker.start()
    with store.transaction() as tx:
        entry = tx.request_log.of("case-1")
        assert entry is not None
        read.set()
        tx.request_log.put(replace(entry, answered=date(2026, 3, 4)))
    worker.join(30)
    with store.snapshot() as tx:
        found = tx.request_log.of("case-1")
    assert found is not None
    assert (found.acknowledged, found.answered) == (date(2026, 3, 3), date(2026, 3, 4))
