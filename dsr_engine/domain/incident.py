"""When it went wrong: data were lost that should not have been, or what a certificate calls erased is still there.

Loss by accident is a personal-data breach (GDPR Art. 4(12)): the authority is told within 72 hours of becoming aware, unless a risk is unlikely
(Art. 33(1)), the people themselves where it is high (Art. 34), and all of it is written down either way (Art. 33(5)).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

#: Art. 33(1) GDPR. Regulation 1182/71 Art. 3(5) would lengthen it over a weekend; the alarm does not count on that.
TELL_AUTHORITY_WITHIN = timedelta(hours=72)


class IncidentKind(StrEnum):
    """WRONG_PERSON: somebody else's data were erased. OUTSIDE_PLAN: an effect went beyond what was approved. RESIDUE: an erasure was not complete."""

    WRONG_PERSON = "wrong_person"
    OUTSIDE_PLAN = "outside_plan"
    RESIDUE = "residue"

    @property
    def is_breach(self) -> bool:
        """True where data were lost; a residue is a promise that was not kept, and no loss."""
        return self is not IncidentKind.RESIDUE


class Risk(StrEnum):
    """The risk to the rights and freedoms of the people concerned, as a person judged it."""

    NOT_JUDGED = "not_judged"
    UNLIKELY = "unlikely"
    LIKELY = "likely"
    HIGH = "high"


class Told(StrEnum):
    """Who can be told of an incident. CONTROLLER: by a processor (Art. 33(2))."""

    AUTHORITY = "authority"
    PEOPLE = "people"
    CONTROLLER = "controller"


@dataclass(frozen=True, slots=True)
class Incident:
    """`lost` counts records by `system.collection`. `told` holds when each was told. `opened_by` is a person's random id, or `engine`.

    `aware_at` is when the controller became aware: the clock runs from then. `closing` is the code of the reason for which it was closed.
    """

    id: str
    kind: IncidentKind
    case: str
    aware_at: datetime
    opened_at: datetime
    opened_by: str
    lost: Mapping[str, int] = field(default_factory=dict)
    risk: Risk = Risk.NOT_JUDGED
    told: Mapping[Told, datetime] = field(default_factory=dict)
    closed_at: datetime | None = None
    closed_by: str = ""
    closing: str = ""

    @property
    def tell_authority_by(self) -> datetime | None:
        """Until when the authority is to be told; None where that is not owed, was done, or the incident is closed."""
        if not self.kind.is_breach or self.risk is Risk.UNLIKELY or Told.AUTHORITY in self.told or self.closed_at is not None:
            return None
        return self.aware_at + TELL_AUTHORITY_WITHIN

    @property
    def owed(self) -> tuple[Told, ...]:
        """Who still has to be told. While nobody judged the risk, the authority is owed and the people are not yet."""
        if self.closed_at is not None:
            return ()
        owed = [Told.AUTHORITY] if self.tell_authority_by is not None else []
        is_owed_to_people = self.kind is IncidentKind.RESIDUE or self.risk is Risk.HIGH
        return (*owed, *([Told.PEOPLE] if is_owed_to_people and Told.PEOPLE not in self.told else []))
