"""Reads an exported ledger: recomputes its root, and tells what became of a certificate later.

The export is JSON lines: `{"format":"dsr-ledger/1","checkpoint":…,"vkey":…}`, then `{"index":n,"data":"…"}` for each leaf, without a gap.
The key in the file is never trusted; it only has to be the one that the bundle names.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dsr_engine.domain.errors import InputWrong, NotVerified
from dsr_engine.domain.evidence import leaf_hash, node_hash, root_of
from dsr_engine.domain.note import Checkpoint

FORMAT = "dsr-ledger/1"
#: What later leaves can say of a certificate, the gravest first.
LATER = ("withdrawn", "superseded", "completed")


@dataclass(frozen=True, slots=True)
class Export:
    """A ledger as it was exported. `leaves` are hashes; `later` is what its entries say of the certificate, in their order."""

    checkpoint: str
    vkey: str
    leaves: tuple[bytes, ...]
    later: tuple[str, ...]


def read_export(path: Path, certificate: str) -> Export:
    """Reads the file line by line; keeps a hash of each leaf. Raises `InputWrong` if it cannot be read, `NotVerified` if it is malformed."""
    try:
        with path.open(encoding="utf-8") as lines:
            head = _object(next(lines, ""))
            leaves: list[bytes] = []
            later: list[str] = []
            for number, line in enumerate(lines):
                data = _leaf(_object(line), number)
                leaves.append(leaf_hash(data.encode()))
                later += _said(data, certificate)
    except OSError as error:
        raise InputWrong(f"{path} cannot be read: {error.strerror}", code="ledger.unreadable") from None
    except UnicodeDecodeError:
        raise _malformed("it is not UTF-8") from None
    checkpoint, vkey = head.get("checkpoint"), head.get("vkey")
    if head.get("format") != FORMAT or not isinstance(checkpoint, str) or not isinstance(vkey, str):
        raise _malformed(f"its first line is not that of {FORMAT}")
    return Export(checkpoint, vkey, tuple(leaves), tuple(later))


def require_consistent(export: Export, head: Checkpoint, older: Checkpoint) -> None:
    """Raises `NotVerified` unless the leaves give the root of `head`, and their beginning that of `older`, the certificate's own checkpoint."""
    if older.size > head.size or older.size > len(export.leaves):
        raise NotVerified("the ledger is shorter than it was when the certificate was made", code="ledger.shorter")
    if head.size > len(export.leaves):
        raise NotVerified("the ledger file holds fewer entries than its checkpoint says", code="ledger.shorter")
    levels = _levels(export.leaves)
    if root_of(head.size, lambda level, index: levels[level][index]) != head.root:
        raise NotVerified("the ledger's entries do not give the root that was signed", code="ledger.root")
    if root_of(older.size, lambda level, index: levels[level][index]) != older.root:
        raise NotVerified("the ledger is not the one that the certificate was entered in", code="ledger.other")
    if len(export.leaves) != head.size:
        raise NotVerified("the ledger file holds entries that no checkpoint covers", code="ledger.uncovered")


def _levels(leaves: tuple[bytes, ...]) -> list[tuple[bytes, ...]]:
    """The perfect subtrees of each level, from the left."""
    levels = [leaves]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append(tuple(node_hash(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)))
    return levels


def _object(line: str) -> Mapping[str, object]:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        raise _malformed("a line is not JSON") from None
    if not isinstance(document, dict):
        raise _malformed("a line is not an object")
    return document


def _leaf(entry: Mapping[str, object], number: int) -> str:
    data = entry.get("data")
    if entry.get("index") != number or not isinstance(data, str):
        raise _malformed(f"entry {number} is missing or out of its place")
    return data


def _said(data: str, certificate: str) -> Iterator[str]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return
    if isinstance(document, dict) and document.get("certificate") == certificate:
        verb = str(document.get("kind")).removeprefix("certificate.")
        if verb in LATER and document.get("kind") == f"certificate.{verb}":
            yield verb


def _malformed(why: str) -> NotVerified:
    return NotVerified(f"the ledger file cannot be used: {why}", code="ledger.malformed")
