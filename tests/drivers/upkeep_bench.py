"""What the tests of upkeep share: assess, maintain, and look at one channel."""

import random
from datetime import UTC, datetime
from typing import Any

from dsr_engine.domain.residue import Assessment, Channel
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.system import Manifest, System
from dsr_engine.drivers.sql.upkeep.upkeep import SqlUpkeep
from tests.drivers.sql_database import SqlDatabase

SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def long_text(seed: int) -> str:
    """Text that no server compresses."""
    return "".join(random.Random(seed).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=12_000))


def pieces(text: str) -> tuple[str, ...]:
    """Parts of a long text: whatever pages it was cut into, some of them are in one piece."""
    return tuple(text[at : at + 150] for at in range(0, len(text), 900))


def system(database: SqlDatabase, **changes: Any) -> System:
    return System("shop", Manifest("shop", "sql"), {"url": Secret(database.url)}, **changes)


def assessed(database: SqlDatabase, before: Assessment | None = None, collections: tuple[str, ...] = ("customers",), **changes: Any) -> Assessment:
    upkeep = SqlUpkeep(system(database, **changes))
    try:
        return upkeep.assess(collections, SINCE, before.marks if before else {})
    finally:
        upkeep.close()


def maintained(database: SqlDatabase, seen: Assessment) -> None:
    upkeep = SqlUpkeep(system(database))
    try:
        upkeep.maintain(seen.works)
    finally:
        upkeep.close()


def channel(seen: Assessment, code: str) -> Channel:
    (found,) = (entry for entry in seen.channels if entry.code == code)
    return found
