"""What connecting an account to a system takes and costs: the least privileges, and the load of a first full search."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Grant:
    """One statement that an administrator runs. `purpose` is `find`, `erase`, `verify`, `maintain` or `hide`."""

    purpose: str
    statement: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a full search of one collection would read: `rows` and `size` (bytes) as the server estimates them, None where it does not know."""

    collection: str
    rows: int | None
    size: int | None
    slices: int
    reason: str = ""


class Access(Protocol):
    """One connection to one system, for the questions before it is used."""

    def grants(self, account: str) -> Sequence[Grant]:
        """The least privileges of an account for each purpose, from the live catalogue and the manifest. Changes nothing."""

    def estimates(self) -> Sequence[Estimate]:
        """One estimate for each collection that a search would cover. Reads statistics only."""

    def throughput(self) -> float:
        """Bytes a second that this connection reads right now, measured on a small bounded sample of real rows; 0 where there is nothing to read."""

    def close(self) -> None:
        """Gives connections back; may be called twice."""
