"""Which other treatment the policy lets an officer choose for a record, and what its judgement is then. Pure.

A correction only ever takes less away. A treatment is permitted for a field if a rule of the case's policy that covers this field names it, or if it
leaves the data (`restrict`, `retain`) and an exemption is named that every law of the case knows. What a rule keeps stays kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dsr_engine.domain.anonymize import MethodName
from dsr_engine.domain.correction import GRAVITY, Correction, Kind
from dsr_engine.domain.finding import Match
from dsr_engine.domain.plan import Reason
from dsr_engine.domain.policy import KEEPING, Datum, Policy, Rule, Then, Treatment, governing
from dsr_engine.workflow.disposal import Part, method_for
from dsr_engine.workflow.judgement import Judged, Judgement, Origin, datum_of

#: What a corrected reason says after the name of the rule that decided before.
EXCLUDED, MOVED = "taken out before approval", "moved before approval"
#: Methods that leave something of a value, or tell equal ones from others.
_LEAVING = (MethodName.GENERALIZE, MethodName.TRUNCATE, MethodName.PSEUDONYM)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants for records instead of what their rules say; `because` empty: a rule of the policy has to allow it."""

    kind: Kind
    treatment: Treatment
    because: str = ""
    law: str = ""

    @classmethod
    def of(cls, entry: Correction) -> "Wanted":
        return cls(entry.kind, entry.treatment, entry.reason, entry.hold if entry.hold else entry.law)


class Permits:
    """What the policy permits. Keep one for many records: judgements of the same shape give the same object again, as the judge's own do."""

    def __init__(self, policy: Policy, origin: Origin) -> None:
        self._policy, self._origin = policy, origin
        self._rules: dict[Datum, tuple[Rule, ...]] = {}
        self._known: dict[tuple[int, str, str, str, Wanted], tuple[Judgement, Judgement | None]] = {}

    def corrected(self, part: Part, wanted: Wanted) -> Part | None:
        """The part under the corrected judgement; itself where nothing in it has to change, None where the policy does not permit it."""
        place = part.finding.locator
        shape = (id(part.judgement), place.system, place.collection, part.match.value, wanted)
        if shape not in self._known:  # beside the answer the judgement itself, so that nothing else ever has its id
            self._known[shape] = (part.judgement, self._judged(part, wanted))
        judgement = self._known[shape][1]
        if judgement is None:
            return None
        return part if judgement is part.judgement else replace(part, judgement=judgement)

    def choices(self, parts: Sequence[Part]) -> tuple[Treatment, ...]:
        """The gentler treatments that rules of the policy permit for all of these parts and that would change something, the gravest first."""
        return tuple(
            treatment
            for treatment in sorted(GRAVITY, key=lambda one: -GRAVITY[one])
            if (moved := [self.corrected(part, Wanted(Kind.MOVE, treatment)) for part in parts]) and None not in moved and moved != list(parts)
        )

    def _judged(self, part: Part, wanted: Wanted) -> Judgement | None:
        judged = []
        for entry in part.judgement.judged:
            moved = self._moved(part, entry, wanted)
            if moved is None:
                return None
            judged.append(moved)
        if tuple(judged) == part.judgement.judged:
            return part.judgement
        return Judgement(tuple(judged), part.judgement.uncovered)

    def _moved(self, part: Part, entry: Judged, wanted: Wanted) -> Judged | None:
        own = entry.then.treatment
        if entry.is_kept or own not in GRAVITY or GRAVITY[own] <= GRAVITY[wanted.treatment]:
            return entry
        if wanted.treatment is Treatment.RESTRICT and part.match is Match.MENTIONS:
            return None  # a mark of restriction would be set in somebody else's record
        if wanted.treatment is Treatment.REDACT and _leaves_more_than_cutting(entry):
            return entry
        if wanted.because:
            word = EXCLUDED if wanted.kind is Kind.EXCLUDE else MOVED
            reason = Reason(wanted.treatment, f"{entry.reason.rule} ({word})", entry.reason.source, wanted.because, wanted.law)
            return replace(entry, then=Then(wanted.treatment), reason=reason)
        rule = next((rule for rule in self._covering(part, entry) if rule.then.treatment is wanted.treatment), None)
        return None if rule is None else replace(entry, then=rule.then, reason=_chosen(rule))

    def _covering(self, part: Part, entry: Judged) -> tuple[Rule, ...]:
        place = part.finding.locator
        datum = datum_of(part.finding, self._origin(place.system, place.collection), part.match, entry.field, entry.category, entry.hit)
        if datum not in self._rules:
            self._rules[datum] = governing(self._policy, datum)
        return self._rules[datum]


def _leaves_more_than_cutting(entry: Judged) -> bool:
    """True where the person stands in this place and its rule leaves something of it: a year of a date, a town of an address, a code for a name."""
    method = method_for(entry.category, entry.then) if entry.then.treatment is Treatment.ANONYMIZE and entry.hit is not None else None
    return method is not None and method.name in _LEAVING


def _chosen(rule: Rule) -> Reason:
    keep = rule.keep if rule.then.treatment in KEEPING and rule.keep is not None and not rule.keep.is_purpose else None
    because, law = (keep.because, keep.law) if keep is not None else ("", "")
    return Reason(rule.then.treatment, f"{rule.name} ({MOVED})", rule.source, because, law)
