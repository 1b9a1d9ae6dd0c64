"""The mathematics of the ledger: RFC 9162 Merkle trees over SHA-256, inclusion and consistency proofs, as pure functions.

Leaf = SHA-256(0x00 ‖ data), node = SHA-256(0x01 ‖ left ‖ right) (RFC 9162 § 2.1.1). A proof is a tuple of 32-byte hashes, lowest level first.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


#: Gives the root of the perfect subtree `(level, index)`: level 0 is the leaves, index counts subtrees of that level from the left.
Subtree = Callable[[int, int], bytes]


def root_of(size: int, subtree: Subtree) -> bytes:
    """The root of the first `size` leaves. `EMPTY_ROOT` for none."""
    return _range_root(0, size, subtree) if size else EMPTY_ROOT


def _split(size: int) -> int:
    """The largest power of two smaller than `size` (RFC 9162 § 2.1.1)."""
    return 1 << ((size - 1).bit_length() - 1)


def _range_root(start: int, end: int, subtree: Subtree) -> bytes:
    size = end - start
    if size & (size - 1) == 0 and start % size == 0:
        level = size.bit_length() - 1
        return subtree(level, start >> level)
    middle = start + _split(size)
    return node_hash(_range_root(start, middle, subtree), _range_root(middle, end, subtree))


def inclusion_proof(index: int, size: int, subtree: Subtree) -> tuple[bytes, ...]:
    """The path from leaf `index` to the root of the first `size` leaves (RFC 9162 § 2.1.3.1)."""
    if not 0 <= index < size:
        raise IndexError(f"leaf {index} is not among the first {size}")
    return tuple(_inclusion(index, 0, size, subtree))


def _inclusion(index: int, start: int, end: int, subtree: Subtree) -> list[bytes]:
    if end - start == 1:
        return []
    middle = start + _split(end - start)
    if index < middle:
        return [*_inclusion(index, start, middle, subtree), _range_root(middle, end, subtree)]
    return [*_inclusion(index, middle, end, subtree), _range_root(start, middle, subtree)]


def consistency_proof(old: int, new: int, subtree: Subtree) -> tuple[bytes, ...]:
    """The proof that the tree of `old` leaves is the beginning of the tree of `new` leaves (RFC 9162 § 2.1.4.1)."""
    if not 0 <= old <= new:
        raise IndexError(f"a tree of {old} leaves is not the beginning of one of {new}")
    return tuple(_consistency(old, 0, new, True, subtree)) if 0 < old < new else ()


def _consistency(old: int, start: int, end: int, is_whole: bool, subtree: Subtree) -> list[bytes]:
    if old == end:
        return [] if is_whole else [_range_root(start, end, subtree)]
    middle = start + _split(end - start)
    if old <= middle:
        return [*_consistency(old, start, middle, is_whole, subtree), _range_root(middle, end, subtree)]
    return [*_consistency(old, middle, end, False, subtree), _range_root(start, middle, subtree)]


def is_included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """True if the proof leads from this leaf hash at this index to this root (RFC 9162 § 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    here, last, current = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if here & 1 or here == last:
            current = node_hash(sibling, current)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            current = node_hash(current, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and current == root


def is_consistent(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """True if the proof shows that the old tree is the beginning of the new one (RFC 9162 § 2.1.4.2)."""
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    if old == new:
        return not proof and old_root == new_root
    if not 0 < old < new or not proof:
        return False
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    return _roots_of(old, new, path) == (old_root, new_root)


def _roots_of(old: int, new: int, path: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """The two roots that a consistency path leads to; None if it does not fit the sizes."""
    here, last = old - 1, new - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            return None
        if here & 1 or here == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        here, last = here >> 1, last >> 1
    return (first, second) if last == 0 else None


@dataclass(frozen=True, slots=True)
class LedgerLeaf:
    """One entry of the ledger. `data` is canonical JSON without personal data; `dedup_key` makes the effect that it records appear once."""

    kind: str
    dedup_key: str
    data: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That `data` is leaf `index` of the tree that the signed `checkpoint` (a C2SP signed note) describes."""

    data: bytes
    index: int
    size: int
    path: tuple[bytes, ...]
    checkpoint: str
