"""What an officer takes out of a plan, or moves to a gentler treatment, before it is approved. Codes and counts; where the records are is sealed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from dsr_engine.domain.plan import Notice
from dsr_engine.domain.policy import Treatment

#: Why records stay for a reason that no law of the case names; a ground of every law of the case may stand beside them.
RIGHTS_OF_OTHERS, LEGAL_HOLD, UNCLEAR, NOT_THEIRS = "rights_of_others", "legal_hold", "unclear", "not_theirs"
REASONS: Mapping[str, str] = MappingProxyType(
    {
        RIGHTS_OF_OTHERS: "other people's data cannot be separated from it",
        LEGAL_HOLD: "a legal hold wants it kept, although its terms do not name it",
        UNCLEAR: "whose it is, or whether it is still needed, has to be found out first",
        NOT_THEIRS: "it is another person's",
    }
)
#: Why somebody does not approve a plan.
RETURNS: Mapping[str, str] = MappingProxyType(
    {
        "too_much": "it would erase more than it should",
        "too_little": "it leaves more than it should",
        "wrong_person": "some of it is not this person's",
        "ground_doubtful": "what stays, or what goes, has no sound ground",
        "gaps": "too much was not looked at",
        "ask_me": "it has to be talked about first",
    }
)
#: What each treatment takes away, from nothing to all. The others change who may use data, or only claim to erase it: nobody chooses them by hand.
GRAVITY: Mapping[Treatment, int] = MappingProxyType(
    {Treatment.RETAIN: 0, Treatment.RESTRICT: 1, Treatment.REDACT: 2, Treatment.ANONYMIZE: 3, Treatment.DELETE: 4}
)
#: A citation has a number and no address: `Art. 6(1)(c) GDPR`, `§ 147 AO`, `26 CFR 1.6001-1`.
CITATION = re.compile(r"(?=.*\d)[\w§.,:;()/ \-–]{2,80}")
NOTE = "plan.corrected"


class Kind(StrEnum):
    EXCLUDE = "exclude"
    MOVE = "move"


@dataclass(frozen=True, slots=True)
class Correction:
    """One correction of records of one collection. `treatment` is what they get instead of what their rules say; `exclude` retains.

    `reason` is a code of `REASONS` or a ground of every law of the case; empty where a rule of the policy allows the treatment. `law` is the citation
    for a ground, `hold` the id of a legal hold. `count` is how many records were named. `carried_from` is the
    correction of an earlier case that this one repeats.
    """

    id: str
    case: str
    kind: Kind
    treatment: Treatment
    reason: str
    system: str
    collection: str
    count: int
    placed_by: str
    at: datetime
    law: str = ""
    hold: str = ""
    carried_from: str = ""
    undone_by: str | None = None
    undone_at: datetime | None = None

    @property
    def is_in_force(self) -> bool:
        return self.undone_at is None


@dataclass(frozen=True, slots=True)
class Return:
    """Somebody looked at the plan with this digest and did not approve it. `answered_at`: the officers have handed it in again as it is."""

    id: str
    case: str
    plan_digest: str
    reason: str
    returned_by: str
    at: datetime
    answered_by: str | None = None
    answered_at: datetime | None = None


def note_of(entries: tuple[Correction, ...]) -> Notice | None:
    """What a plan says of the corrections that it was made with; None where nobody corrected it.

    It counts what was taken back as well: a plan that was corrected and corrected back is another one than it was, and wants its approvals anew.
    """
    if not entries:
        return None
    undone = sum(not entry.is_in_force for entry in entries)
    more = f", {undone} taken back" if undone else ""
    return Notice(NOTE, f"people corrected this plan before approval: {len(entries) - undone} correction(s) in force{more}")
