"""What is sealed opens only as what it was, and nothing opens after the key was shredded."""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, func, select, text

from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.correction import Correction, Kind
from dsr_engine.domain.errors import Conflict, NotVerified
from dsr_engine.domain.finding import Unread
from dsr_engine.domain.policy import Treatment
from dsr_engine.domain.record import Locator
from dsr_engine.store import tables
from dsr_engine.store.case_key import CaseKey
from dsr_engine.store.store import Store
from dsr_engine.store.sweep_marks import SweepMark
from tests.store.samples import NOON, a_case, finding, plan, selectors

KEY = CaseKey("case-1", bytes(range(32)))


@given(st.binary(max_size=300), st.text(max_size=10), st.text(max_size=10))
@settings(deadline=None)
def test_what_is_sealed_opens_again(plain: bytes, purpose: str, row: str) -> None:
    sealed = KEY.seal(plain, purpose=purpose, row=row)
    assert KEY.unseal(sealed, purpose=purpose, row=row) == plain
    assert KEY.seal(plain, purpose=purpose, row=row) != sealed


@given(st.binary(max_size=60), st.data())
@settings(deadline=None)
def test_a_sealed_blob_with_any_change_is_refused(plain: bytes, data: st.DataObject) -> None:
    sealed = bytearray(KEY.seal(plain, purpose="selector"))
    at = data.draw(st.integers(0, len(sealed) - 1))
    altered = data.draw(
        st.sampled_from([bytes(sealed[:at]), bytes(sealed) + b"\0", bytes([*sealed[:at], sealed[at] ^ (1 << at % 8), *sealed[at + 1 :]])])
    )
    with pytest.raises(NotVerified) as refused:
        KEY.unseal(altered, purpose="selector")
    assert refused.value.code == "vault.tampered"


@pytest.mark.parametrize(
    ("key", "purpose", "row"),
    [(CaseKey("case-2", bytes(range(32))), "a", "1"), (CaseKey("case-1", bytes(32)), "a", "1"), (KEY, "b", "1"), (KEY, "a", "2"), (KEY, "a", "")],
)
def test_a_sealed_blob_of_another_case_key_purpose_or_row_is_refused(key: CaseKey, purpose: str, row: str) -> None:
    sealed = KEY.seal(b"plain", purpose="a", row="1")
    with pytest.raises(NotVerified):
        key.unseal(sealed, purpose=purpose, row=row)


def test_keyed_digests_differ_by_case_and_purpose(store: Store, case: str) -> None:
    with store.transaction() as tx:
        store.vault.create(tx, "case-2")
    vault = store.vault
    digests = {vault.mac(name, b"data", purpose=purpose) for name in (case, "case-2") for purpose in ("locator", "state")}
    keys = {vault.key(name, purpose) for name in (case, "case-2") for purpose in ("locator", "state")}
    assert len(digests | keys) == 8
    assert {len(entry) for entry in digests | keys} == {32}
    assert vault.mac(case, b"data", purpose="locator") in digests


def test_the_vault_gives_the_same_answers_inside_and_outside_of_a_transaction(store: Store) -> None:
    with store.transaction() as tx:
        tx.cases.add(a_case())
        store.vault.create(tx, "case-1")
        sealed = store.vault.seal("case-1", b"plain", purpose="note")
        digest = store.vault.mac("case-1", b"data", purpose="note")
        tx.selectors.add("case-1", selectors()[0])
    assert store.vault.unseal("case-1", sealed, purpose="note") == b"plain"
    assert store.vault.mac("case-1", b"data", purpose="note") == digest
    with store.transaction() as tx:
        assert tx.selectors.of("case-1") == selectors()[:1]


def test_another_process_reads_what_this_one_sealed(store: Store, case: str, url: str, keys: Path, clock: FixedClock) -> None:
    sealed = store.vault.seal(case, b"plain", purpose="note")
    other = Store(url, keys, clock)
    assert other.vault.unseal(case, sealed, purpose="note") == b"plain"
    other.close()


def test_a_key_whose_transaction_was_rolled_back_never_was(store: Store) -> None:
    def interrupted() -> None:
        with store.transaction() as tx:
            store.vault.create(tx, "case-1")
            store.vault.seal("case-1", b"plain", purpose="note")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        interrupted()
    with pytest.raises(Conflict) as refused:
        store.vault.seal("case-1", b"plain", purpose="note")
    assert refused.value.code == "vault.no_key"


def test_a_case_gets_one_key_only(store: Store, case: str) -> None:
    before = store.vault.key(case, "x")
    with pytest.raises(Conflict) as refused, store.transaction() as tx:
        store.vault.create(tx, case)
    assert refused.value.code == "vault.exists"
    assert store.vault.key(case, "x") == before


def test_after_shredding_every_use_is_refused_and_no_sealed_row_is_left(store: Store, case: str, url: str) -> None:
    with store.transaction() as tx:
        tx.cases.add(a_case("case-2"))
        store.vault.create(tx, "case-2")
        for name in (case, "case-2"):
            tx.selectors.add(name, selectors()[0])
            tx.findings.put_slice(name, 1, "discover", "s", [finding(1, case=name)])
        tx.plans.add(plan())
    sealed = store.vault.seal(case, b"plain", purpose="note")
    with store.transaction() as tx:
        store.vault.shred(tx, case)
        store.vault.shred(tx, case)
    vault = store.vault
    uses: tuple[Callable[[], bytes], ...] = (
        lambda: vault.seal(case, b"x", purpose="note"),
        lambda: vault.unseal(case, sealed, purpose="note"),
        lambda: vault.mac(case, b"x", purpose="note"),
        lambda: vault.key(case, "note"),
    )
    for use in uses:
        with pytest.raises(Conflict) as refused:
            use()
        assert refused.value.code == "vault.shredded"
    with pytest.raises(Conflict, match="shredded"), store.transaction() as tx:
        tx.selectors.of(case)
    with pytest.raises(Conflict, match="shredded"), store.transaction() as tx:
        store.vault.create(tx, case)
    with store.transaction() as tx:
        assert tx.selectors.count(case) == 0
        assert tx.plans.latest(case) is None
        assert tx.selectors.of("case-2") == selectors()[:1]
        assert [found for _, found in tx.findings.of("case-2", 1, "discover")] == [finding(1, case="case-2")]


#: Sealed under keys that end at another time: the correspondence and the request log outlive their case's identifiers, an archive is of no case,
#: and what nobody confirmed yet opens with a secret of the requester's.
_OTHER_KEYS = frozenset({"outbox", "contacts", "request_log", "drop_archives", "portal_requests", "portal_notes", "portal_letters"})


def test_shredding_empties_every_table_that_has_sealed_columns(store: Store, case: str, url: str) -> None:
    sealed = [table for table in tables.metadata.tables.values() if "sealed" in table.c and table.name not in _OTHER_KEYS]
    with store.transaction() as tx:
        tx.selectors.add(case, selectors()[0])
        tx.findings.put_slice(case, 1, "discover", "s", [finding()])
        tx.plans.add(plan())
        tx.sweep_marks.put(case, 1, "found", SweepMark("shop", "customers", ("17",)))
        tx.clean_records.put(case, 1, "s", [b"m" * 16])
        tx.unread.put(case, 1, "found", "s", [Unread("files", "hr", "zip.encrypted", "it is locked", ("hr/17.zip", ""))])
        tx.verifications.show(case, b"identity card", "sender_unknown", "person-1", NOON)
        tx.orders.add(case, "file 17", NOON.date())
        correction = Correction("c1", case, Kind.EXCLUDE, Treatment.RETAIN, "unclear", "shop", "customers", 1, "person-1", NOON)
        tx.corrections.add(correction, [Locator("shop", "customers", ("17",))])
    engine = create_engine(url)
    with engine.connect() as connection:
        assert [table.name for table in sealed if not connection.scalar(select(func.count()).select_from(table))] == []
    with store.transaction() as tx:
        store.vault.shred(tx, case)
    with engine.connect() as connection:
        assert [table.name for table in sealed if connection.scalar(select(func.count()).select_from(table))] == []
    engine.dispose()


def test_shredding_that_is_rolled_back_forgets_nothing(store: Store, case: str) -> None:
    def interrupted() -> None:
        with store.transaction() as tx:
            store.vault.shred(tx, case)
            raise ZeroDivisionError

    sealed = store.vault.seal(case, b"plain", purpose="note")
    with pytest.raises(ZeroDivisionError):
        interrupted()
    assert store.vault.unseal(case, sealed, purpose="note") == b"plain"


def _epochs(keys: Path) -> list[str]:
    return sorted(path.name for path in (keys / "epochs").iterdir())


def test_an_epoch_key_dies_with_its_last_case(store: Store, keys: Path, clock: FixedClock, case: str) -> None:
    with store.transaction() as tx:
        store.vault.create(tx, "case-2")
    [first] = _epochs(keys)
    clock.at = NOON + timedelta(days=1)
    with store.transaction() as tx:
        store.vault.create(tx, "case-3")
    with store.transaction() as tx:
        store.vault.shred(tx, case)
    assert first in _epochs(keys)
    with store.transaction() as tx:
        store.vault.shred(tx, "case-2")
    assert len(_epochs(keys)) == 1
    assert first not in _epochs(keys)
    assert len(store.vault.key("case-3", "x")) == 32


def test_a_new_case_on_the_day_of_a_dead_epoch_gets_a_new_one(store: Store, keys: Path, case: str) -> None:
    [dead] = _epochs(keys)
    with store.transaction() as tx:
        store.vault.shred(tx, case)
    with store.transaction() as tx:
        store.vault.create(tx, "case-2")
    assert _epochs(keys) != [dead]
    assert len(store.vault.key("case-2", "x")) == 32


def test_a_backup_from_before_the_shredding_opens_no_more(store: Store, case: str, url: str, keys: Path, clock: FixedClock) -> None:
    with store.transaction() as tx:
        tx.selectors.add(case, selectors()[0])
    engine = create_engine(url)
    kept = (tables.epochs, tables.case_keys, tables.selectors)
    with engine.connect() as connection:
        backup = {table: [dict(row) for row in connection.execute(select(table)).mappings()] for table in kept}
    with store.transaction() as tx:
        store.vault.shred(tx, case)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM shredded"))
        for table in kept:
            connection.execute(table.insert(), backup[table])
    engine.dispose()
    restored = Store(url, keys, clock)
    with pytest.raises(Conflict) as refused, restored.transaction() as tx:
        tx.selectors.of(case)
    assert refused.value.code == "vault.epoch_gone"
    restored.close()


def test_the_epoch_keys_of_another_store_in_the_same_folder_are_left_alone(
    store: Store, case: str, keys: Path, clock: FixedClock, tmp_path: Path
) -> None:
    other = Store(f"sqlite:///{tmp_path / 'other.db'}", keys, clock)
    other.migrate()
    with other.transaction() as tx:
        other.vault.create(tx, "case-9")
    with other.transaction() as tx:
        other.vault.shred(tx, "case-9")
    other.scrub()
    other.close()
    assert len(store.vault.key(case, "x")) == 32


def test_destroying_that_was_interrupted_is_finished_by_the_next_scrub(store: Store, case: str, url: str, keys: Path) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:  # what a worker leaves that was killed between the commit and the destruction
        connection.execute(text("DELETE FROM case_keys"))
        connection.execute(tables.shredded.insert(), {"case_id": case, "at": NOON})
    engine.dispose()
    store.scrub()
    assert _epochs(keys) == []


def test_key_files_are_for_their_owner_only(store: Store, case: str, keys: Path) -> None:
    with store.transaction() as tx:
        tx.suppression.digest("email", "jane@example.org")
    modes = {path.name.split("-")[0]: path.stat().st_mode & 0o777 for path in keys.rglob("*")}
    assert modes == {"epochs": 0o700, "2026": 0o600, "log.key": 0o600, "log.vkey": 0o600, "suppression.key": 0o600}


def test_a_wrapped_key_that_was_altered_is_refused(store: Store, url: str, keys: Path, clock: FixedClock, case: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(tables.case_keys.update().values(wrapped=os.urandom(60)))
    engine.dispose()
    fresh = Store(url, keys, clock)
    with pytest.raises(NotVerified) as refused:
        fresh.vault.key(case, "x")
    assert refused.value.code == "vault.tampered"
    fresh.close()


def test_a_sealed_row_that_was_swapped_with_another_is_refused(store: Store, case: str, url: str) -> None:
    with store.transaction() as tx:
        for selector in selectors():
            tx.selectors.add(case, selector)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE selectors SET sealed = (SELECT sealed FROM selectors WHERE id = 'sel-1') WHERE id = 'sel-2'"))
    engine.dispose()
    with pytest.raises(NotVerified), store.transaction() as tx:
        tx.selectors.of(case)


def test_what_is_written_while_the_case_is_shredded_is_shredded_with_it(store: Store, case: str) -> None:
    has_key = threading.Event()

    def shred() -> None:
        has_key.wait()
        with store.transaction() as tx:
            store.vault.shred(tx, case)

    with ThreadPoolExecutor(1) as pool:
        with store.transaction() as tx:
            tx.selectors.add(case, selectors()[0])
            shredding = pool.submit(shred)
            has_key.set()
            time.sleep(0.1)  # lets the other get as far as it can
            tx.findings.put_slice(case, 1, "discover", "s", [finding()])
        shredding.result()
    with store.transaction() as tx:
        assert tx.selectors.count(case) == 0
        assert tx.findings.counts(case, 1, "discover") == {}


def test_a_snapshot_unseals_too(store: Store, case: str) -> None:
    with store.transaction() as tx:
        tx.selectors.add(case, selectors()[0])
    with store.snapshot() as tx:
        assert tx.selectors.of(case) == selectors()[:1]
        assert tx.holds.list() == ()
