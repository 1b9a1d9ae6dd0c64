"""The stored tree is the tree of RFC 9162, whatever its size; each effect has one leaf, also under many writers."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import Conflict, DsrError, InputWrong
from dsr_engine.domain.evidence import EMPTY_ROOT, LedgerLeaf, is_consistent, is_included, leaf_hash, node_hash
from dsr_engine.domain.note import opened, parse_proof, proof_text
from dsr_engine.store import log_key
from dsr_engine.store.ledger import leaf_of
from dsr_engine.store.store import Store
from tests.store.samples import NOON


def leaves(count: int, start: int = 0) -> list[LedgerLeaf]:
    return [leaf_of("effect.done", f"effect-{number}", NOON, number=number) for number in range(start, start + count)]


def root_by_definition(data: list[bytes]) -> bytes:
    """RFC 9162 § 2.1.1, word for word."""
    if not data:
        return EMPTY_ROOT
    if len(data) == 1:
        return leaf_hash(data[0])
    split = 1
    while split * 2 < len(data):
        split *= 2
    return node_hash(root_by_definition(data[:split]), root_by_definition(data[split:]))


@given(batches=st.lists(st.tuples(st.integers(1, 20), st.booleans()), min_size=1, max_size=5), shares=st.tuples(*[st.floats(0, 1)] * 3))
@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_roots_and_proofs_are_those_of_the_definition(store: Store, batches: list[tuple[int, bool]], shares: tuple[float, float, float]) -> None:
    with store.transaction() as tx:  # the ledger grows from example to example
        for size, with_checkpoint in batches:
            tx.ledger.append_all(leaves(size, tx.ledger.size()))
            if with_checkpoint:
                tx.ledger.checkpoint()
        tx.ledger.checkpoint()
        total = tx.ledger.size()
        contents = [tx.ledger.data(index) for index in range(total)]
        assert contents == [leaf.data for leaf in leaves(total)]
        new = round(shares[0] * total)
        old = round(shares[1] * new)
        assert tx.ledger.root(new) == root_by_definition(contents[:new])
        assert is_consistent(old, new, tx.ledger.consistency(old, new), root_by_definition(contents[:old]), root_by_definition(contents[:new]))
        index = round(shares[2] * (total - 1))
        proof = tx.ledger.proof(index)
        assert (proof.size, proof.data) == (total, contents[index])
        assert is_included(leaf_hash(proof.data), index, proof.size, proof.path, root_by_definition(contents))


def test_leaves_appended_one_by_one_and_together_make_the_same_tree(store: Store) -> None:
    with store.transaction() as tx:
        indexes = [tx.ledger.append(leaf) for leaf in leaves(13)]
        assert indexes == list(range(13))
        root = tx.ledger.root(13)
    assert root == root_by_definition([leaf.data for leaf in leaves(13)])


def test_the_same_effect_has_one_leaf(store: Store) -> None:
    with store.transaction() as tx:
        tx.ledger.append_all(leaves(3))
    with store.transaction() as tx:
        assert tx.ledger.append(leaves(3)[1]) == 1
        assert tx.ledger.append_all([leaves(3)[2], *leaves(2, 3), *leaves(1, 3)]) == (2, 3, 4, 3)
        assert tx.ledger.size() == 5


def test_the_same_effect_with_other_facts_is_a_conflict_and_writes_nothing(store: Store) -> None:
    with store.transaction() as tx:
        tx.ledger.append_all(leaves(3))
    with pytest.raises(Conflict) as refused, store.transaction() as tx:
        tx.ledger.append_all([*leaves(1, 3), leaf_of("effect.done", "effect-1", NOON, number=99)])
    assert refused.value.code == "ledger.conflict"
    with store.transaction() as tx:
        assert tx.ledger.size() == 3


def test_leaves_of_a_rolled_back_transaction_never_were(store: Store) -> None:
    def interrupted() -> None:
        with store.transaction() as tx:
            tx.ledger.append_all(leaves(5))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        interrupted()
    with store.transaction() as tx:
        assert (tx.ledger.size(), tx.ledger.root(0)) == (0, EMPTY_ROOT)
        assert tx.ledger.append_all(leaves(2)) == (0, 1)


def test_many_writers_make_one_log_without_gaps(store: Store) -> None:
    def write(worker: int) -> None:
        for number in range(10):
            with store.transaction() as tx:
                tx.ledger.append(leaf_of("effect.done", f"{worker}/{number}", NOON))
                tx.ledger.append(leaf_of("effect.done", f"shared/{number}", NOON))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    with store.transaction() as tx:
        contents = [data for _, data in tx.ledger.entries(tx.ledger.size())]
        assert len(contents) == 50
        assert tx.ledger.root(50) == root_by_definition(contents)


def test_a_checkpoint_is_signed_and_says_when(store: Store, keys: Path) -> None:
    key, _ = log_key.load(keys)
    with store.transaction() as tx:
        assert tx.ledger.latest_checkpoint() is None
        tx.ledger.append_all(leaves(5))
        note = tx.ledger.checkpoint()
        root = tx.ledger.root(5)
        assert tx.ledger.latest_checkpoint() == note
    seen = opened(note, key, log_key.holds)
    assert (seen.origin, seen.size, seen.root, seen.extensions) == ("dsr.example.org/ledger", 5, root, ("2026-03-02T12:00:00Z",))


def test_an_unchanged_ledger_keeps_its_checkpoint(store: Store, clock: FixedClock) -> None:
    with store.transaction() as tx:
        tx.ledger.append_all(leaves(2))
        first = tx.ledger.checkpoint()
    clock.at = NOON.replace(year=2027)
    with store.transaction() as tx:
        assert tx.ledger.checkpoint() == first
        tx.ledger.append_all(leaves(1, 2))
        assert tx.ledger.checkpoint() != first


def test_a_proof_comes_with_the_newest_checkpoint_that_covers_it(store: Store) -> None:
    with store.transaction() as tx:
        tx.ledger.append_all(leaves(3))
        early = tx.ledger.checkpoint()
        tx.ledger.append_all(leaves(4, 3))
        late = tx.ledger.checkpoint()
        tx.ledger.append_all(leaves(2, 7))
        assert (tx.ledger.proof(1).checkpoint, tx.ledger.proof(1).size) == (late, 7)
        assert tx.ledger.proof(1, 9).checkpoint == late
        assert (tx.ledger.proof(1, 5).checkpoint, tx.ledger.proof(1, 5).size) == (early, 3)
        with pytest.raises(Conflict) as refused:
            tx.ledger.proof(8)
        assert refused.value.code == "ledger.no_checkpoint"
        proof = tx.ledger.proof(1)
    assert parse_proof(proof_text(proof)) == proof


@pytest.mark.parametrize("index", [-1, 3, 10**12])
def test_a_leaf_that_is_not_there_is_wrong_input(store: Store, index: int) -> None:
    with store.transaction() as tx:
        tx.ledger.append_all(leaves(3))
        tx.ledger.checkpoint()
        for ask in (tx.ledger.data, tx.ledger.proof):
            with pytest.raises(InputWrong):
                ask(index)
        with pytest.raises(InputWrong):
            tx.ledger.root(index + 1 if index > 0 else -1)
        with pytest.raises(InputWrong):
            tx.ledger.consistency(2, 1)


@pytest.mark.parametrize("data", [b"", b"[1]", b"\xff", b"plain", b'"text"'])
def test_data_that_is_not_a_json_object_is_refused(store: Store, data: bytes) -> None:
    with pytest.raises(InputWrong) as refused, store.transaction() as tx:
        tx.ledger.append(LedgerLeaf("effect.done", "x", data, NOON))
    assert refused.value.code == "ledger.data"


def test_the_data_of_a_leaf_is_canonical(store: Store) -> None:
    assert leaf_of("é", "x", NOON, b=1, a=None).data == '{"a":null,"at":"2026-03-02T12:00:00Z","b":1,"kind":"é"}'.encode()


def test_leaves_are_found_by_kind_and_facts(store: Store) -> None:
    with store.transaction() as tx:
        tx.ledger.append(leaf_of("a", "1", NOON, case="c-1", state="done"))
        tx.ledger.append(leaf_of("b", "2", NOON, case="c-1", state="done"))
        tx.ledger.append(leaf_of("a", "3", NOON, case="c-2", state="done"))
        tx.ledger.append(leaf_of("a", "4", NOON, case="c-1", state="drifted"))
        assert [index for index, _ in tx.ledger.find("a")] == [0, 2, 3]
        assert [index for index, _ in tx.ledger.find("a", case="c-1")] == [0, 3]
        assert tx.ledger.find("a", case="c-1", state="done") == ((0, json.loads(tx.ledger.data(0))),)
        assert tx.ledger.find("a", colour="red") == ()


def test_without_a_log_key_a_checkpoint_is_refused_with_what_to_do(store: Store, keys: Path) -> None:
    (keys / "log.key").unlink()
    with pytest.raises(DsrError) as refused, store.transaction() as tx:
        tx.ledger.checkpoint()
    assert (refused.value.code, "dsr init" in refused.value.hint) == ("log_key.missing", True)
