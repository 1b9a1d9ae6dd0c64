"""What silently survives an erasure in the storage of a system, channel by channel, and what an administrator can do about it.

A certificate prints every channel with exactly one state: nothing may be left out silently, and "not assessed" is an answer too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class ResidueState(StrEnum):
    """What is known of one channel (NIST SP 800-88r2 speaks of media; these words speak of what a database server shows).

    VERIFIED_ABSENT: looked at, and it holds nothing of the erased records. ERASED: something was done that removes it, and that was checked.
    EXPIRES_ON: it goes by itself, at the latest on the day named. OUTSIDE_CONTROL: it exists, or may, where this engine cannot reach.
    RETAINED: it stays on purpose. NOT_ASSESSED: nobody looked, and the detail says why.
    """

    VERIFIED_ABSENT = "verified-absent"
    ERASED = "erased"
    EXPIRES_ON = "expires-on"
    OUTSIDE_CONTROL = "outside-control"
    RETAINED = "retained"
    NOT_ASSESSED = "not-assessed"


@dataclass(frozen=True, slots=True)
class Channel:
    """One way by which bytes outlive their deletion.

    `code` is stable (`pg.dead_tuples`), `what` and `detail` are plain words without personal data.
    `until` belongs to EXPIRES_ON only. `level` is the claim level that this channel stands in the way of (C0 what is returned at all, C1 primary
    storage, C2 logs, WAL, replicas and caches, C3 backups).
    """

    code: str
    what: str
    state: ResidueState
    detail: str = ""
    until: date | None = None
    level: str = "C1"


@dataclass(frozen=True, slots=True)
class Work:
    """One command for the administrator: the statement, which channels it closes, and what it locks meanwhile.

    `needs_owner` names the right that it takes (`owner of the table`, `superuser`). Statements hold names from the live catalogue and no values.
    `harms` says what else it would take away; such a work is for a human to judge and is never run by the engine.
    """

    statement: str
    closes: tuple[str, ...]
    locks: str
    needs_owner: str = ""
    harms: str = ""


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """Who was asked: `identity` as in the plan, `product` with version, `role` of the session, and whether that role may be shown less than there is.

    The role is an account's name: a certificate may print it, so it should not be a person's. `erased_as` is the account that made the changes;
    both are empty where the system knows no accounts (a file).
    """

    identity: str
    product: str
    role: str
    may_hide_rows: bool
    detail: str = ""
    erased_as: str = ""

    @property
    def is_other_role(self) -> bool:
        """True if who looked afresh is another account than who erased."""
        return bool(self.role) and self.role != self.erased_as


@dataclass(frozen=True, slots=True)
class Assessment:
    """What one system answered about itself after the effects.

    `marks` is what the next assessment of the same case compares with (a table's file number, say); it holds no personal data.
    """

    server: ServerFacts
    channels: tuple[Channel, ...]
    works: tuple[Work, ...] = ()
    marks: Mapping[str, str] = field(default_factory=dict)

    @property
    def open_c1(self) -> tuple[Channel, ...]:
        """The channels that stand in the way of level C1: no copy of what was erased in primary storage, live or dead."""
        return tuple(channel for channel in self.channels if channel.level in _UP_TO_C1 and channel.state not in _CLEAN)


_UP_TO_C1 = ("C0", "C1")
_CLEAN = frozenset({ResidueState.VERIFIED_ABSENT, ResidueState.ERASED})
