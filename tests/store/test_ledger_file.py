"""A ledger that was touched by anybody but the engine is found out, and its export can be checked without the engine."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from dsr_engine.domain.errors import NotVerified
from dsr_engine.domain.evidence import EMPTY_ROOT
from dsr_engine.domain.note import LogKey, opened, signed
from dsr_engine.store import ledger_file, log_key
from dsr_engine.store.store import Store
from tests.store.test_ledger import leaves, root_by_definition


@pytest.fixture
def filled(store: Store) -> Store:
    """A ledger of 11 leaves with checkpoints of 0, 4 and 11."""
    with store.transaction() as tx:
        tx.ledger.checkpoint()
        tx.ledger.append_all(leaves(4))
        tx.ledger.checkpoint()
        tx.ledger.append_all(leaves(7, 4))
        tx.ledger.checkpoint()
    return store


@pytest.mark.parametrize("count", [0, 1, 2, 3, 8, 13])
def test_an_untouched_ledger_of_any_size_holds(store: Store, count: int) -> None:
    with store.transaction() as tx:
        tx.ledger.append_all(leaves(count))
    ledger_file.check(store)
    with store.transaction() as tx:
        note = tx.ledger.checkpoint()
        tx.ledger.append_all(leaves(5, count))
    ledger_file.check(store, known=note)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE leaf SET data = '{\"number\":9}' WHERE position = 5", "leaf 5 was altered|not bytes"),
        ("UPDATE leaf SET kind = 'other' WHERE position = 5", "leaf 5 was altered"),
        ("UPDATE leaf SET about_case = 'other' WHERE position = 5", "leaf 5 was altered"),
        ("UPDATE leaf SET at = '2020-01-01 00:00:00.000000' WHERE position = 5", "leaf 5 was altered"),
        ("DELETE FROM leaf WHERE position = 5", "leaf 5 is missing"),
        ("DELETE FROM leaf WHERE position = 10", "leaf 10 is missing"),
        ("UPDATE leaf SET position = 20 WHERE position = 10", "leaf 10 is missing"),
        ("INSERT INTO leaf SELECT 11, kind, 'other', data, at, about_case FROM leaf WHERE position = 0", "leaf 11 is missing, or one too many"),
        ("UPDATE node SET hash = (SELECT hash FROM node WHERE level = 0 AND position = 1) WHERE level = 0 AND position = 0", "leaf 0 was altered"),
        (
            "UPDATE node SET hash = (SELECT hash FROM node WHERE level = 0 AND position = 1) WHERE level = 1 AND position = 2",
            "node of level 1 2 was altered",
        ),
        ("DELETE FROM node WHERE level = 2 AND position = 1", "node of level 2 1 is missing"),
        ("INSERT INTO node SELECT 4, 0, hash FROM node WHERE level = 3", "node of level 4 0 is missing, or one too many"),
        ("INSERT INTO node SELECT 9, 0, hash FROM node WHERE level = 3", "node at level 9"),
        ("UPDATE head SET size = 10", "head says 10"),
        ("UPDATE head SET root = (SELECT hash FROM node WHERE level = 0 AND position = 1)", "the head's root"),
        ("UPDATE checkpoint SET note = (SELECT note FROM checkpoint WHERE size = 4) WHERE size = 11", "speaks of 4 leaves"),
        ("UPDATE checkpoint SET note = replace(note, '2026', '2025') WHERE size = 4", "checkpoint of size 4.*signature"),
    ],
)
def test_a_ledger_that_was_touched_is_found_out(filled: Store, url: str, statement: str, reason: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()
    with pytest.raises(NotVerified, match=reason) as refused:
        ledger_file.check(filled)
    assert refused.value.code in ("ledger.broken", "store.damaged")


def _forget_everything_from(url: str, first: int) -> None:
    """Cuts the ledger so that it agrees with itself."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM leaf WHERE position >= :first"), {"first": first})
        connection.execute(text("DELETE FROM node WHERE (position + 1) * (1 << level) > :first"), {"first": first})
        connection.execute(text("DELETE FROM checkpoint WHERE size > :first"), {"first": first})
        root = root_by_definition([leaf.data for leaf in leaves(first)])
        connection.execute(text("UPDATE head SET size = :first, root = :root"), {"first": first, "root": root})
    engine.dispose()


def test_a_ledger_that_was_cut_is_found_out_by_a_checkpoint_that_was_kept_elsewhere(filled: Store, url: str) -> None:
    with filled.transaction() as tx:
        note = tx.ledger.latest_checkpoint()
    assert note is not None
    _forget_everything_from(url, 5)
    ledger_file.check(filled)
    with pytest.raises(NotVerified, match="it was cut"):
        ledger_file.check(filled, known=note)


def test_a_ledger_that_was_rewritten_is_found_out_by_a_checkpoint_that_was_kept_elsewhere(filled: Store, url: str) -> None:
    with filled.transaction() as tx:
        note = tx.ledger.latest_checkpoint()
    assert note is not None
    _forget_everything_from(url, 5)
    with filled.transaction() as tx:
        tx.ledger.append_all(leaves(30, 100))
    with pytest.raises(NotVerified, match="rewritten"):
        ledger_file.check(filled, known=note)


def test_a_checkpoint_of_a_stranger_is_refused(filled: Store, keys: Path, tmp_path: Path) -> None:
    key, _ = log_key.load(keys)
    log_key.create(tmp_path / "strange", key.name)
    strange, sign = log_key.load(tmp_path / "strange")
    with filled.transaction() as tx:
        note = tx.ledger.latest_checkpoint()
    assert note is not None
    with pytest.raises(NotVerified, match="not signed by the trusted log key"):
        ledger_file.check(filled, known=signed(opened(note, key, log_key.holds), strange, sign))


def test_an_honest_signature_under_a_wrong_root_is_found_out(filled: Store, keys: Path) -> None:
    key, sign = log_key.load(keys)
    with filled.transaction() as tx:
        note = tx.ledger.latest_checkpoint()
    assert note is not None
    forged = signed(replace(opened(note, key, log_key.holds), root=EMPTY_ROOT), key, sign)
    with pytest.raises(NotVerified, match="another root"):
        ledger_file.check(filled, known=forged)


def _checked(lines: list[str]) -> int:
    """What a stranger does with an export: the number of leaves that the signed checkpoint vouches for."""
    head, *rest = [json.loads(line) for line in lines]
    assert head["format"] == "dsr-ledger/1"
    checkpoint = opened(head["checkpoint"], LogKey.parse(head["vkey"]), log_key.holds)
    assert [entry["index"] for entry in rest] == list(range(checkpoint.size))
    assert root_by_definition([entry["data"].encode() for entry in rest]) == checkpoint.root
    return checkpoint.size


@pytest.mark.parametrize("count", [0, 1, 7])
def test_an_export_can_be_checked_without_the_engine(store: Store, count: int) -> None:
    with store.transaction() as tx:
        tx.ledger.append_all(leaves(count))
    out = io.StringIO()
    ledger_file.export(store, out)
    assert _checked(out.getvalue().splitlines()) == count


def test_an_export_to_a_file_replaces_it_as_a_whole(filled: Store, tmp_path: Path) -> None:
    target = tmp_path / "out" / "ledger.jsonl"
    target.parent.mkdir()
    target.write_text("old")
    ledger_file.export(filled, target)
    assert _checked(target.read_text().splitlines()) == 11
    assert list(target.parent.iterdir()) == [target]


def test_an_export_that_fails_leaves_the_old_file(filled: Store, tmp_path: Path, url: str) -> None:
    target = tmp_path / "out" / "ledger.jsonl"
    target.parent.mkdir()
    target.write_text("old")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE leaf")
    engine.dispose()
    with pytest.raises(Exception, match="tables"):
        ledger_file.export(filled, target)
    assert target.read_text() == "old"
    assert list(target.parent.iterdir()) == [target]
