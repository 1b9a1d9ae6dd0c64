"""What a driver can tell and do about copies that outlive an erasure in the system's own storage. Not every driver can: `registry.open_upkeep`.

This is beside the `Driver` protocol on purpose: finding and changing records need none of it, and it may need another credential.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from dsr_engine.domain.residue import Assessment, Work


class Upkeep(Protocol):
    """One connection to one system, for the administrator's side of an erasure."""

    def assess(self, collections: Sequence[str], since: datetime, marks: Mapping[str, str]) -> Assessment:
        """Every channel of this kind of system with its state now.

        `collections` are those in which something was erased or rewritten, `since` a moment before the first effect, `marks` what the assessment
        before gave (empty at the first one). Changes nothing. Raises the families of `domain/errors.py`.
        """

    def maintain(self, works: Sequence[Work]) -> None:
        """Carries out the commands, each by itself; may lock as each of them says. Raises `NotAllowed` where the account may not."""

    def close(self) -> None:
        """Gives connections back; may be called twice."""
