"""Why a keyed digest of an erased person's identifier is kept, and until when: it is personal data and needs a basis of its own."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Basis(StrEnum):
    """On what a digest is kept.

    REPLAY: until the last backup that may hold the person is gone (GDPR Art. 17(1), 5(2); 11 CCR § 7022(d)). STAY_ERASED: a law lets or makes the
    controller see to it that the data stay erased (11 CCR § 7022(e), Civ. Code § 1798.99.86(d)). OBJECTION: the person objected to marketing
    (Art. 21(3) GDPR). OPT_OUT: the person opted out of sale and sharing, and nobody was erased (Civ. Code § 1798.99.86(c)).
    """

    REPLAY = "replay"
    STAY_ERASED = "stay_erased"
    OBJECTION = "objection"
    OPT_OUT = "opt_out"


#: The kind of a digest over the mailbox behind an address: without its `+tag`, for Gmail also without dots.
MAILBOX = "mailbox"
#: What the kind of a digest begins with that is over a key which systems knew the person by; the field's name follows.
KEY_OF = "key:"


@dataclass(frozen=True, slots=True)
class Suppressed:
    """One digest and what it is kept for. `key` names the key that it was made under, `case` the case that erased the person.

    `erased_at` is when that case ended, `cite` the law, `every_days` how often the erasure is done anew (None: not by itself).
    """

    key: str
    kind: str
    digest: bytes
    basis: Basis
    case: str
    erased_at: datetime
    until: datetime
    cite: str = ""
    every_days: int | None = None
