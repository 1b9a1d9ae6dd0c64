"""Codes, papers and orders in the store: nothing of them can be read there, and nothing of them outlives its purpose."""

from datetime import date, timedelta

from sqlalchemy import create_engine, text

from dsr_engine.domain.verification import Verified
from dsr_engine.store.store import Store
from tests.store.samples import NOON, a_case

CODE, PAPER, REFERENCE = "ABCD2345", b"identity card of Jane", "DSB 17/2026 ./. Jane"


def _opened(store: Store, *cases: str) -> None:
    with store.transaction() as tx:
        for case in cases:
            tx.cases.add(a_case(case))
            store.vault.create(tx, case)


def test_nothing_of_a_code_a_paper_or_an_order_can_be_read_in_the_store(store: Store, url: str) -> None:
    _opened(store, "one")
    with store.transaction() as tx:
        tx.verifications.put_code("one", CODE, "sel-1", NOON, NOON + timedelta(hours=1))
        tx.verifications.show("one", PAPER, "sender_unknown", "person-1", NOON)
        tx.verifications.add("one", Verified("agent_with_permission", "person-1", NOON, (), date(2026, 3, 1)), PAPER)
        tx.orders.add("one", REFERENCE, date(2026, 12, 31))
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = [
            repr(row) for table in ("codes", "evidence", "verifications", "orders") for row in connection.execute(text(f"SELECT * FROM {table}"))
        ]  # names from here
    engine.dispose()
    assert len(rows) == 4
    assert not [row for row in rows if CODE in row or "Jane" in row or "17/2026" in row]
    with store.snapshot() as tx:
        assert tx.orders.reference("one") == REFERENCE
        assert tx.verifications.of("one")[0].signed_on == date(2026, 3, 1)


def test_a_code_of_one_case_is_none_of_another_and_wrong_ones_are_counted(store: Store) -> None:
    _opened(store, "one", "two")
    with store.transaction() as tx:
        tx.verifications.put_code("one", CODE, "sel-1", NOON, NOON + timedelta(hours=1))
        tx.verifications.put_code("two", "WXYZ6789", "sel-1", NOON, NOON + timedelta(hours=1))
        assert not tx.verifications.is_code("two", CODE)
        assert not tx.verifications.is_code("one", "")
        assert tx.verifications.is_code("one", CODE)
        codes = [tx.verifications.code_of(case) for case in ("one", "two")]
        assert [code.tries for code in codes if code is not None] == [1, 1]
        tx.verifications.put_code("one", "NEWER234", "sel-1", NOON, NOON + timedelta(hours=1))
        assert not tx.verifications.is_code("one", CODE)
        tx.verifications.drop_code("one")
        assert not tx.verifications.is_code("one", "NEWER234")


def test_papers_are_dropped_case_by_case(store: Store) -> None:
    _opened(store, "one", "two")
    with store.transaction() as tx:
        paper = tx.verifications.show("one", PAPER, "", "person-1", NOON)
        other = tx.verifications.show("two", PAPER, "", "person-1", NOON)
        assert tx.verifications.drop_papers("one") == 1
        assert tx.verifications.drop_papers("one") == 0
        assert tx.verifications.paper("one", paper) is None
        assert tx.verifications.paper("two", paper) is None
        assert tx.verifications.paper("two", other) == PAPER
