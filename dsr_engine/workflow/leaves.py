"""Ledger entries: what the engine did, as canonical JSON without personal data.

The `dedup_key` is made of ids that a rerun makes again, so that each effect stands in the ledger exactly once however often it was tried.
"""

import json
from collections.abc import Mapping

from dsr_engine.domain.clock import Clock
from dsr_engine.domain.evidence import LedgerLeaf

Entry = str | int | bool | None | list[str] | Mapping[str, int] | Mapping[str, str]


def leaf(clock: Clock, kind: str, dedup_key: str, **entries: Entry) -> LedgerLeaf:
    """A leaf of this kind. Times are whole seconds, UTC; they are part of the data of the first try only (see `Ledger.append`)."""
    at = clock.now().replace(microsecond=0)
    data = {"kind": kind, "key": dedup_key, "at": at.isoformat().replace("+00:00", "Z"), **entries}
    return LedgerLeaf(kind, f"{kind}:{dedup_key}", json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(), at)
