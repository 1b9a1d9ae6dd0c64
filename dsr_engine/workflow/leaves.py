"""Ledger entries: what the engine did, as canonical JSON without personal data.

The `dedup_key` is made of ids that a rerun makes again, so that each effect stands in the ledger exactly once however often it was tried.
"""

from collections.abc import Mapping

from dsr_engine.domain.clock import Clock
from dsr_engine.domain.evidence import LedgerLeaf
from dsr_engine.store.ledger import leaf_of

Entry = str | int | bool | None | list[str] | Mapping[str, int] | Mapping[str, str]


def leaf(clock: Clock, kind: str, dedup_key: str, **entries: Entry) -> LedgerLeaf:
    """A leaf of this kind, as of now. Its time is part of its data, so only the first try of an effect may append it (see `Ledger.append`)."""
    return leaf_of(kind, f"{kind}:{dedup_key}", clock.now(), key=dedup_key, **entries)
