"""A message that leaves the house: a letter to a requester, a notice to a recipient, an alarm to an officer."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from dsr_engine.domain.selector import Secret


@dataclass(frozen=True, slots=True, repr=False)
class Enclosure:
    """A file that goes with a message. `name` holds nothing of the person."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Parcel:
    """`id` is random and is the message's id wherever it goes, so that one that was sent twice is seen to be one.

    `to` is an e-mail address. `subject` names the case's public reference, never the person.
    """

    id: str
    to: Secret
    subject: str
    text: str
    enclosures: tuple[Enclosure, ...] = ()


class PostState(StrEnum):
    """WAITING: written, and a person has to send it. QUEUED: not sent yet, or to be tried again. FAILED: refused for good. BOUNCED: it came back."""

    WAITING = "waiting"
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    BOUNCED = "bounced"


@dataclass(frozen=True, slots=True)
class Posted:
    """How a message fares; nothing of what is in it. `purpose` is `letter:KIND`, `notice:ID`, `code`, or `alarm`. `case` empty: it is about none.

    `code` says in a word what the last try met; `digest` is the SHA-256 (hex) of what was sent, empty until then.
    """

    id: str
    case: str
    purpose: str
    state: PostState
    queued_at: datetime
    tries: int = 0
    next_try: datetime | None = None
    sent_at: datetime | None = None
    code: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Bounce:
    """A delivery report that came back: the id of the parcel that it is about, and its status code (RFC 3463, `5.1.1`)."""

    parcel: str
    status: str = field(default="")
