"""The append-only Merkle log (RFC 9162): a leaf is written in the same transaction as the state change that it records.

Nodes of complete subtrees are stored and never change, so every root and proof of every size can be made from one SELECT.
Appends are serialised by the lock on the head's row, which lasts until the commit: two transactions never take the same index.
"""

import functools
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter

from sqlalchemy import Connection, and_, insert, or_, select, update

from dsr_engine.domain.clock import Clock
from dsr_engine.domain.errors import Conflict, InputWrong, NotVerified
from dsr_engine.domain.evidence import (
    InclusionProof,
    LedgerLeaf,
    Subtree,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
)
from dsr_engine.domain.note import Checkpoint, LogKey, Sign, signed
from dsr_engine.store import tables
from dsr_engine.store.pages import paged

#: Level and position of a complete subtree.
_Place = tuple[int, int]
#: So many nodes are asked for in one statement.
_SOME = 5_000


def rfc3339(at: datetime) -> str:
    """The moment in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def leaf_of(kind: str, dedup_key: str, at: datetime, **facts: object) -> LedgerLeaf:
    """A leaf whose data is canonical JSON: sorted keys, no spaces, with `kind` and the time `at`. `facts` hold nothing personal."""
    data = {**facts, "kind": kind, "at": rfc3339(at)}
    return LedgerLeaf(kind, dedup_key, json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(), at)


class Ledger:
    """The ledger within one transaction."""

    def __init__(self, connection: Connection, clock: Clock, signer: Callable[[], tuple[LogKey, Sign]]) -> None:
        self._connection = connection
        self._clock = clock
        self._signer = signer

    def append(self, leaf: LedgerLeaf) -> int:
        """The leaf's index. The same `dedup_key` with the same data gives the index of the leaf that is there; with other data, `Conflict`."""
        return self.append_all((leaf,))[0]

    def append_all(self, leaves: Sequence[LedgerLeaf]) -> tuple[int, ...]:
        """The indexes of the leaves, in their order; as `append`, in a fixed number of statements."""
        size = self._locked_size()
        known = self._known([leaf.dedup_key for leaf in leaves])
        fresh: list[tuple[LedgerLeaf, str | None]] = []
        for leaf in leaves:
            case = _case_of(leaf)
            if leaf.dedup_key not in known:
                known[leaf.dedup_key] = (size + len(fresh), leaf.data)
                fresh.append((leaf, case))
            elif known[leaf.dedup_key][1] != leaf.data:
                raise Conflict(
                    f"the ledger holds another {leaf.kind} under the same key, as leaf {known[leaf.dedup_key][0]}",
                    code="ledger.conflict",
                    hint="the same effect was recorded twice with different facts; nothing was written",
                )
        self._write(size, fresh)
        return tuple(known[leaf.dedup_key][0] for leaf in leaves)

    def size(self) -> int:
        return int(self._connection.scalars(select(tables.head.c.size)).one())

    def data(self, index: int) -> bytes:
        """The data of one leaf, byte for byte. Raises `InputWrong` if there is none."""
        found: bytes | None = self._connection.scalar(select(tables.leaf.c.data).where(tables.leaf.c.position == index))
        if found is None:
            raise InputWrong(f"the ledger has no leaf {index}", code="ledger.unknown_leaf")
        return found

    def entries(self, size: int, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """Index and data of the leaves from `start` up to, not including, `size`."""
        found = select(tables.leaf.c.position, tables.leaf.c.data).where(tables.leaf.c.position >= start, tables.leaf.c.position < size)
        for row in paged(self._connection, found, tables.leaf.c.position):
            yield row.position, row.data

    def find(self, kind: str, **equals: object) -> tuple[tuple[int, dict[str, object]], ...]:
        """Index and decoded data of the leaves of this kind whose data has all these values, oldest first. Those of a `case` are found by index."""
        found = select(tables.leaf.c.position, tables.leaf.c.data).where(tables.leaf.c.kind == kind)
        if isinstance(case := equals.get("case"), str):
            found = found.where(tables.leaf.c.about_case == case)
        decoded = ((row.position, json.loads(row.data)) for row in paged(self._connection, found, tables.leaf.c.position))
        return tuple((index, data) for index, data in decoded if all(data.get(name) == value for name, value in equals.items()))

    def root(self, size: int) -> bytes:
        """The root of the first `size` leaves."""
        self._refuse_beyond(size)
        return self._with_nodes(lambda subtree: (root_of(size, subtree),))[0]

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """The proof that the tree of `old` leaves is the beginning of the tree of `new` leaves."""
        if not 0 <= old <= new:
            raise InputWrong(f"a tree of {old} leaves is not the beginning of one of {new}", code="ledger.size")
        self._refuse_beyond(new)
        return self._with_nodes(lambda subtree: consistency_proof(old, new, subtree))

    def checkpoint(self) -> str:
        """The ledger as it is now, signed by the log key and stored. An unchanged ledger gives the checkpoint that it has.

        Give it away only after the commit: a checkpoint of leaves that were rolled back would prove against the ledger.
        """
        size = self._locked_size()
        kept = self._connection.scalar(select(tables.checkpoint.c.note).where(tables.checkpoint.c.size == size))
        if kept is not None:
            return str(kept)
        key, sign = self._signer()
        now = self._clock.now()
        note = signed(Checkpoint(key.name, size, self.root(size), (rfc3339(now),)), key, sign)
        self._connection.execute(insert(tables.checkpoint), {"size": size, "note": note, "at": now})
        return note

    def latest_checkpoint(self) -> str | None:
        return self._connection.scalar(select(tables.checkpoint.c.note).order_by(tables.checkpoint.c.size.desc()).limit(1))

    def proof(self, index: int, size: int | None = None) -> InclusionProof:
        """That leaf `index` is in the ledger, against the newest checkpoint that covers it (with `size`: of at most so many leaves).

        Raises `Conflict` if no checkpoint covers it yet.
        """
        covering = select(tables.checkpoint).where(tables.checkpoint.c.size > index)
        if size is not None:
            covering = covering.where(tables.checkpoint.c.size <= size)
        row = self._connection.execute(covering.order_by(tables.checkpoint.c.size.desc()).limit(1)).one_or_none()
        data = self.data(index)
        if row is None:
            raise Conflict(f"no checkpoint covers leaf {index} yet", code="ledger.no_checkpoint", hint="make a checkpoint first")
        path = self._with_nodes(lambda subtree: inclusion_proof(index, row.size, subtree))
        return InclusionProof(data, index, row.size, path, row.note)

    def paths(self, indexes: Sequence[int], size: int) -> dict[int, tuple[bytes, ...]]:
        """The inclusion proofs of many leaves in the tree of the first `size` leaves, by index; their nodes are read together."""
        self._refuse_beyond(size)
        asked = sorted({place for index in indexes for place in _asked_for(functools.partial(inclusion_proof, index, size))})
        nodes: dict[_Place, bytes] = {}
        for start in range(0, len(asked), _SOME):
            nodes |= self._nodes(asked[start : start + _SOME])
        return {index: inclusion_proof(index, size, lambda level, position: nodes[level, position]) for index in indexes}

    def _locked_size(self) -> int:
        return int(self._connection.scalars(select(tables.head.c.size).with_for_update()).one())

    def _known(self, keys: Sequence[str]) -> dict[str, tuple[int, bytes]]:
        found = select(tables.leaf.c.dedup_key, tables.leaf.c.position, tables.leaf.c.data).where(tables.leaf.c.dedup_key.in_(keys))
        return {row.dedup_key: (row.position, row.data) for row in self._connection.execute(found)}

    def _write(self, size: int, fresh: Sequence[tuple[LedgerLeaf, str | None]]) -> None:
        """Inserts leaves and the subtrees that they complete, and moves the head. Needs only the roots of the old right edge."""
        if not fresh:
            return
        edge = self._nodes(_asked_for(lambda subtree: (root_of(size, subtree),)))
        added: dict[_Place, bytes] = {}
        for position, (leaf, _) in enumerate(fresh, start=size):
            level, current = 0, leaf_hash(leaf.data)
            added[level, position] = current
            while position >> level & 1:
                sibling = (level, (position >> level) - 1)
                current = node_hash(added.get(sibling) or edge[sibling], current)
                level += 1
                added[level, position >> level] = current
        rows = [
            {"position": position, "kind": leaf.kind, "dedup_key": leaf.dedup_key, "data": leaf.data, "at": leaf.at, "about_case": case}
            for position, (leaf, case) in enumerate(fresh, start=size)
        ]
        total = size + len(fresh)
        root = root_of(total, lambda level, position: added.get((level, position)) or edge[level, position])
        self._connection.execute(insert(tables.leaf), rows)
        self._connection.execute(insert(tables.node), [{"level": at[0], "position": at[1], "hash": value} for at, value in added.items()])
        self._connection.execute(update(tables.head).values(size=total, root=root))

    def _refuse_beyond(self, size: int) -> None:
        if not 0 <= size <= self.size():
            raise InputWrong(f"the ledger does not have {size} leaves", code="ledger.size")

    def _with_nodes(self, proof: Callable[[Subtree], tuple[bytes, ...]]) -> tuple[bytes, ...]:
        """Runs a pure function on the stored nodes: once to learn which it asks for (that does not depend on their values), once on them."""
        nodes = self._nodes(_asked_for(proof))
        return proof(lambda level, position: nodes[level, position])

    def _nodes(self, places: Sequence[_Place]) -> dict[_Place, bytes]:
        """The stored nodes at these places; raises `NotVerified` if one is missing."""
        if not places:
            return {}
        # SQLite looks for pairs by reading all nodes; level by level both databases use the index.
        levels = [
            and_(tables.node.c.level == level, tables.node.c.position.in_([at for _, at in group]))
            for level, group in groupby(sorted(set(places)), key=itemgetter(0))
        ]
        found = select(tables.node).where(or_(*levels))
        nodes = {(row.level, row.position): row.hash for row in self._connection.execute(found)}
        lost = set(places) - set(nodes)
        if lost:
            raise NotVerified(
                f"the ledger lacks node {min(lost)}", code="ledger.damaged", hint="run dsr ledger check, and restore the store from a backup"
            )
        return nodes


def _asked_for(proof: Callable[[Subtree], tuple[bytes, ...]]) -> list[_Place]:
    places: list[_Place] = []

    def note_down(level: int, position: int) -> bytes:
        places.append((level, position))
        return bytes(32)

    proof(note_down)
    return places


def _case_of(leaf: LedgerLeaf) -> str | None:
    """The case that a leaf says it is about, None for one about no case. Raises `InputWrong` for data that is not a JSON object."""
    try:
        data = json.loads(leaf.data)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise InputWrong(f"the data of a {leaf.kind} leaf is not a JSON object", code="ledger.data")
    case = data.get("case")
    return case if isinstance(case, str) else None
