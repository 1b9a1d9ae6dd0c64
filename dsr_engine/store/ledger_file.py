"""The ledger as a file for others, and the check of the ledger against itself."""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import TextIO

from sqlalchemy import Connection, select

from dsr_engine.domain.errors import NotVerified
from dsr_engine.domain.evidence import leaf_hash, node_hash
from dsr_engine.domain.note import LogKey, opened
from dsr_engine.store import log_key, tables
from dsr_engine.store.ledger import rfc3339
from dsr_engine.store.pages import paged
from dsr_engine.store.store import Store
from dsr_engine.store.transaction import Transaction

FORMAT = "dsr-ledger/1"


def export(store: Store, target: Path | TextIO) -> None:
    """Writes JSON lines: a head with format, signed checkpoint and vkey; then index and data of every leaf that the checkpoint covers.

    Makes a checkpoint first if there are leaves without one. A file appears whole or not at all.
    """
    if isinstance(target, Path):
        with _whole(target) as file:
            _export(store, file)
    else:
        _export(store, target)


def check(store: Store, known: str = "") -> None:
    """Recomputes every node from the leaves, and compares head and every checkpoint. Raises `NotVerified` that says what does not hold.

    Whoever rewrites all of the database can make it agree with itself; so `known` takes a checkpoint that was kept elsewhere,
    and the ledger must contain that tree.
    """
    key, _ = store.log_key()
    with store.snapshot() as tx:
        size = tx.ledger.size()
        _check_nodes(tx.connection, size)
        root = tx.ledger.root(size)
        if tx.connection.scalars(select(tables.head.c.root)).one() != root:
            raise _broken(f"the head's root is not the root of its {size} leaves")
        for row in paged(tx.connection, select(tables.checkpoint), tables.checkpoint.c.size):
            _check_checkpoint(tx, key, row.note, size, f"the checkpoint of size {row.size}", row.size)
        if known:
            _check_checkpoint(tx, key, known, size, "the checkpoint that was kept elsewhere")


def _export(store: Store, file: TextIO) -> None:
    key, _ = store.log_key()
    with store.transaction() as tx:
        note = tx.ledger.checkpoint()
    size = opened(note, key, log_key.holds).size
    with store.snapshot() as tx:
        file.write(json.dumps({"format": FORMAT, "checkpoint": note, "vkey": str(key)}) + "\n")
        for index, data in tx.ledger.entries(size):
            file.write(json.dumps({"index": index, "data": data.decode()}, ensure_ascii=False) + "\n")


@contextlib.contextmanager
def _whole(target: Path) -> Iterator[TextIO]:
    """A draft beside the target that takes its place at the end."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=target.parent, prefix=f".{target.name}.", delete=False) as draft:
        try:
            yield draft  # type: ignore[misc]  # typeshed's wrapper has all methods of TextIO
            draft.flush()
            os.fsync(draft.fileno())
            Path(draft.name).replace(target)
        finally:
            Path(draft.name).unlink(missing_ok=True)


def _check_nodes(connection: Connection, size: int) -> None:
    """Level by level, each against the one below, so that memory does not grow with the ledger."""
    _compare(0, size, _leaf_hashes(connection), _nodes(connection, 0))
    level = 0
    while size >> level:
        level += 1
        _compare(level, size, _pairs(_nodes(connection, level - 1)), _nodes(connection, level))
    beyond = connection.scalar(select(tables.node.c.level).where(tables.node.c.level > level).limit(1))
    if beyond is not None:
        raise _broken(f"there is a node at level {beyond}, which {size} leaves do not have")


def _compare(level: int, size: int, expected: Iterator[tuple[int, bytes]], stored: Iterator[tuple[int, bytes]]) -> None:
    what = "leaf" if level == 0 else f"node of level {level}"
    count = 0
    for right, found in zip_longest(expected, stored):
        if right is None or found is None or right[0] != found[0] or right[0] != count:
            raise _broken(f"{what} {count} is missing, or one too many is there")
        if right[1] != found[1]:
            raise _broken(f"{what} {count} was altered: its hash does not hold")
        count += 1
    if count != size >> level:
        raise _broken(f"there are {count} of {what}, and the head says {size >> level}")


def _leaf_hashes(connection: Connection) -> Iterator[tuple[int, bytes]]:
    """The hashes of the leaves. What a leaf is found by (kind, case, time) repeats its data, and must not hide it."""
    leaf = tables.leaf.c
    for row in paged(connection, select(leaf.position, leaf.data, leaf.kind, leaf.about_case, leaf.at), leaf.position):
        said = _said(row.data)
        if (row.kind, row.about_case, rfc3339(row.at)) != (said.get("kind"), said.get("case"), said.get("at")):
            raise _broken(f"leaf {row.position} was altered: it is found under another kind, case or time than its data says")
        yield row.position, leaf_hash(row.data)


def _said(data: bytes) -> dict[str, object]:
    try:
        said = json.loads(data)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _nodes(connection: Connection, level: int) -> Iterator[tuple[int, bytes]]:
    wanted = select(tables.node.c.position, tables.node.c.hash).where(tables.node.c.level == level)
    for row in paged(connection, wanted, tables.node.c.position):
        yield row.position, row.hash


def _pairs(below: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Parents of complete pairs; a last one alone has none yet."""
    for (position, left), (_, right) in zip(below, below, strict=False):
        yield position >> 1, node_hash(left, right)


def _check_checkpoint(tx: Transaction, key: LogKey, note: str, size: int, what: str, stated: int | None = None) -> None:
    try:
        seen = opened(note, key, log_key.holds)
    except NotVerified as error:
        raise _broken(f"{what}: {error.message}") from None
    if stated is not None and seen.size != stated:
        raise _broken(f"{what} speaks of {seen.size} leaves")
    if seen.size > size:
        raise _broken(f"{what} speaks of {seen.size} leaves, but the ledger has {size}: it was cut")
    if tx.ledger.root(seen.size) != seen.root:
        raise _broken(f"{what} has another root than the ledger had at that size: the ledger was rewritten")


def _broken(sentence: str) -> NotVerified:
    return NotVerified(f"the ledger does not hold: {sentence}", code="ledger.broken", hint="keep it as it is, and compare with an export or a backup")
