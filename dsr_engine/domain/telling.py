"""What is said to one recipient about one case, and what it answers. It exists on the wire and in memory only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from dsr_engine.domain.recipient import NoticeState, What
from dsr_engine.domain.selector import Secret


@dataclass(frozen=True, slots=True, repr=False)
class Identifier:
    """By what the recipient knows the person."""

    kind: str
    value: Secret


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """`id` is the notice's and stays the same however often it is sent. `reference` is the case's public one.

    `regulation` is the name of the first law of the case; `law` cites what obliges the controller to tell. `reminder` is 0 for the first time.
    """

    id: str
    reference: str
    what: tuple[What, ...]
    law: str
    regulation: str
    requested_at: datetime
    answer_by: date
    identifiers: tuple[Identifier, ...]
    controller: Mapping[str, str] = field(default_factory=dict)
    reminder: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a recipient's system said: a state and a word for it, nothing of what it sent. `expected_at` is when it means to be done."""

    state: NoticeState
    code: str
    expected_at: datetime | None = None
