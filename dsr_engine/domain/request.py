"""What somebody asks for, how the request came in, and where its answer goes."""

from dataclasses import dataclass
from enum import StrEnum

from dsr_engine.domain.selector import Secret


class Right(StrEnum):
    """Which right a request rests on. The engine carries out ERASURE and records the others with their clocks."""

    ERASURE = "erasure"
    ACCESS = "access"
    CORRECTION = "correction"
    RESTRICTION = "restriction"
    OBJECTION = "objection"
    PORTABILITY = "portability"
    OPT_OUT = "opt_out"
    LIMIT = "limit"


class Manner(StrEnum):
    """How a request came in. Any way counts as receipt (GDPR Art. 12(2), 11 CCR § 7020(e))."""

    EMAIL = "email"
    POST = "post"
    PHONE = "phone"
    IN_PERSON = "in_person"
    WEB = "web"
    AUTHORITY = "authority"
    DROP = "drop"
    INTERFACE = "interface"
    NOT_RECORDED = "not_recorded"


@dataclass(frozen=True, slots=True, repr=False)
class Contact:
    """Where the requester is answered: an e-mail address, and the language in which they are written to (empty: the controller's)."""

    email: Secret
    language: str = ""
