"""Requests that people send in themselves: who asks for whom, what they gave, and the private link by which they follow their case."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from dsr_engine.domain.request import Right
from dsr_engine.domain.selector import Secret

_NOTHING = Secret("")


class Who(StrEnum):
    """Who asks: the person, an agent whom the person authorised (11 CCR § 7063), or a parent or guardian (§ 7070)."""

    SELF = "self"
    AGENT = "agent"
    GUARDIAN = "guardian"


class Part(StrEnum):
    """Whose a private link is: who asked and follows the case, or the person who is asked whether an agent acts for them."""

    REQUESTER = "requester"
    PERSON = "person"


class NoteKind(StrEnum):
    """What a requester wrote to the officer, what the portal has to tell the officer about the request, and what an officer answered."""

    ASKED = "asked"
    ACTS_FOR = "acts_for"
    MORE = "more"
    OBJECTION = "objection"
    AGENT_CONFIRMED = "agent_confirmed"
    AGENT_DENIED = "agent_denied"
    AGENT_CLEARED = "agent_cleared"
    LAW_LEFT_OUT = "law_left_out"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True, repr=False)
class Asked:
    """A request as the form gave it. `email` to `more` are the person's; `own_name` and `own_email` those of an agent or a guardian.

    `place` is a code of where the person lives (`eu`, `us-ca`; empty: not said), `language` the one of the pages.
    """

    right: Right
    who: Who
    language: str
    place: str = ""
    email: Secret = _NOTHING
    phone: Secret = _NOTHING
    name: Secret = _NOTHING
    number: Secret = _NOTHING
    more: Secret = _NOTHING
    own_name: Secret = _NOTHING
    own_email: Secret = _NOTHING

    @property
    def answer_to(self) -> Secret:
        """The address to which codes and letters go: that of whoever asks."""
        return self.email if self.who is Who.SELF else self.own_email

    @property
    def identifiers(self) -> tuple[tuple[str, Secret], ...]:
        """What was given of the person to look for, by kind of selector."""
        given = (("email", self.email), ("phone", self.phone), ("name", self.name), ("customer_id", self.number))
        return tuple((kind, value) for kind, value in given if value.reveal())


@dataclass(frozen=True, slots=True)
class Link:
    """A private link to a case. `digest` is SHA-256 of its secret. `made_at`: when it was made or prolonged.

    `confirmed_at`: when a code proved the address that it was sent to.

    `judged` says in a word what a look into the systems made of that address (`on_file`, `not_on_file`, `shared`; empty: nobody has looked).
    """

    digest: bytes
    case: str
    part: Part
    made_at: datetime
    confirmed_at: datetime | None = None
    judged: str = ""


@dataclass(frozen=True, slots=True)
class SentCode:
    """A code that can be answered until then; `tries` counts wrong answers, `sent` how often one was sent."""

    digest: bytes
    until: datetime
    tries: int
    sent: int


@dataclass(frozen=True, slots=True, repr=False)
class Pending:
    """A request whose code nobody answered yet. `id` names its mails; `sealed` opens with the secret that only the requester's browser has."""

    digest: bytes
    id: str
    received_at: datetime
    ends_at: datetime
    sealed: bytes
    code: SentCode | None


@dataclass(frozen=True, slots=True, repr=False)
class Note:
    """Something that an officer should read about a request. `text` is sealed in the store. `read_at` None: nobody has read it."""

    id: str
    case: str
    kind: NoteKind
    at: datetime
    text: Secret = field(default=_NOTHING)
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeptLetter:
    """A letter that went out and can be downloaded by its requester. `purpose` as the outbox has it (`letter:completion`)."""

    id: str
    case: str
    purpose: str
    sent_at: datetime
