"""Which rule decides about which field of a finding, and what it says today. Pure: no system is asked.

Precedence (`policies/README.md`): a ground that holds beats every treatment; then the most specific rule. Of several grounds the latest end wins.
A purpose ends with the person's request; in a sweep it holds like any ground.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from dsr_engine.domain.correspondence import ANY
from dsr_engine.domain.finding import Confidence, Finding, Hit, Match
from dsr_engine.domain.plan import Reason
from dsr_engine.domain.policy import KEEPING, SEVERAL, Datum, Keep, Pick, Policy, Rule, Start, Then, Treatment, governing

_FAR = date.max


@dataclass(frozen=True, slots=True)
class Held:
    """A keep that holds today: until that day, or with no end that is known (None)."""

    until: date | None
    is_unknown: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """One field or place of a finding, with what its rule says. `hit` is set where the person was found in this very place."""

    place: str
    field: str
    category: str
    then: Then
    reason: Reason
    hit: Hit | None = None
    is_start_unknown: bool = False

    @property
    def is_kept(self) -> bool:
        return self.then.treatment in KEEPING

    @property
    def is_asked(self) -> bool:
        """True if the rule leaves it to a person, who has not decided yet."""
        return self.then.treatment is Treatment.ASK


@dataclass(frozen=True, slots=True)
class Judgement:
    """All fields of one finding. `uncovered` are those that no rule decides about: they block approval."""

    judged: tuple[Judged, ...]
    uncovered: tuple[Datum, ...]

    @property
    def is_outlived(self) -> bool:
        """True if a sweep may treat the record: rules decide about it and none of them keeps it."""
        return bool(self.judged) and not any(entry.is_kept or entry.is_asked for entry in self.judged)

    @property
    def is_asked(self) -> bool:
        """True if a rule leaves something of the record to a person."""
        return any(entry.is_asked for entry in self.judged)


#: Whose rules count for a collection of a system.
Origin = Callable[[str, str], str]

#: Judgements that a judge remembers at most.
_MOST_KNOWN = 10_000


class Judge:
    """A policy on a day. For many findings keep one: it remembers what it said of findings of the same shape, and gives the same object again.

    `origin` says whose rules count for a collection (`House.origin_of`).
    """

    def __init__(self, policy: Policy, today: date, *, is_sweep: bool = False, origin: Origin = lambda _, collection: collection) -> None:
        self._policy, self._today, self._is_sweep = policy, today, is_sweep
        self._origin = origin
        self._rules: dict[Datum, tuple[Rule, ...]] = {}
        self._known: dict[object, Judgement] = {}

    def __call__(self, finding: Finding, match: Match) -> Judgement:
        """What the policy says about each field of the finding. `match` may differ from the finding's where a person decided so."""
        place = finding.locator
        facts = tuple(sorted(finding.facts.items()))
        mail = (finding.message, finding.mailbox)
        shape = (place.system, place.collection, place.inside, match, finding.hits, tuple(finding.fields.items()), facts, mail)
        if shape not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[shape] = self._judged(finding, match)
        return self._known[shape]

    def _judged(self, finding: Finding, match: Match) -> Judgement:
        judged, uncovered = [], []
        origin = self._origin(finding.locator.system, finding.locator.collection)
        for place, field, category, hit in _places(finding, match):
            datum = datum_of(finding, origin, match, field, category, hit)
            rules = self._governing(datum)
            if not rules:
                uncovered.append(datum)
                continue
            then, reason, is_unknown = _decided(rules, finding.facts, self._today, self._is_sweep)
            judged.append(Judged(place, field, category, then, reason, hit, is_unknown))
        return Judgement(tuple(judged), tuple(uncovered))

    def _governing(self, datum: Datum) -> tuple[Rule, ...]:
        if datum not in self._rules:
            rules = governing(self._policy, datum)
            self._rules[datum] = _of_nobody(rules) if self._is_sweep else rules
        return self._rules[datum]


def _of_nobody(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """The rules of a sweep. One about a place in a mail or about somebody's mailbox may hold for any mail: it can keep a mail, and lets none go."""
    timed = [rule for rule in rules if rule.keep is not None or rule.then.treatment is Treatment.ASK]
    sure = [rule for rule in timed if not rule.when.is_of_somebody]
    rest = [rule for rule in timed if rule.when.is_of_somebody]
    asking = [rule for rule in rest if rule.then.treatment is Treatment.ASK]
    return tuple(asking + sure + [rule for rule in rest if rule not in asking]) if sure or asking else ()


def datum_of(finding: Finding, origin: str, match: Match, field: str, category: str, hit: Hit | None) -> Datum:
    """One field of a finding as rules see it; `origin` is the collection whose rules count."""
    role = hit.role if hit is not None else ANY if finding.mailbox == ANY else ""
    return Datum(finding.locator.system, origin, field, category, match, role, finding.message, finding.mailbox)


def judge(
    finding: Finding, match: Match, policy: Policy, today: date, *, is_sweep: bool = False, origin: Origin = lambda _, collection: collection
) -> Judgement:
    """What the policy says about each field of one finding."""
    return Judge(policy, today, is_sweep=is_sweep, origin=origin)(finding, match)


def _places(finding: Finding, match: Match) -> tuple[tuple[str, str, str, Hit | None], ...]:
    """What there is to decide: of a mention only the places where the person stands, of an owned record all fields with a category.

    Where a person had to say that it is a mention, and some places are surer than others, the unsure ones are not meant. In a mail nothing is decided
    about places where the person does not stand: the other addresses are other people's.
    """
    hits = tuple((hit.place, hit.field, hit.category, hit) for hit in finding.hits)
    if match is Match.MENTIONS:
        surer = {hit.place for hit in finding.hits if hit.confidence is not Confidence.POSSIBLE}
        return tuple(entry for entry in hits if entry[0] in surer) if surer and finding.confidence is Confidence.POSSIBLE else hits
    if finding.roles:
        return hits
    hit_fields = {hit.field for hit in finding.hits}
    prefix = f"{finding.locator.inside}/" if finding.locator.inside else ""
    rest = tuple((prefix + name, name, category, None) for name, category in sorted(finding.fields.items()) if name not in hit_fields)
    return hits + rest or (("", "", "", None),)  # a record without any categorised field is judged as a whole, by its collection


def _decided(rules: tuple[Rule, ...], facts: Mapping[str, str | None], today: date, is_sweep: bool) -> tuple[Then, Reason, bool]:
    best = rules[0]
    grounds = [(rule, held) for rule in rules if (held := _ground(rule, facts, today, is_sweep)) is not None]
    if grounds:
        rule, held = max(grounds, key=lambda pair: pair[1].until or _FAR)
        treatment = Treatment.RETAIN if best.then.treatment is Treatment.RETAIN else Treatment.RESTRICT
        return Then(treatment), _reason(rule, treatment, held.until), held.is_unknown
    return best.then, _reason(best, best.then.treatment, None), False


def _ground(rule: Rule, facts: Mapping[str, str | None], today: date, is_sweep: bool) -> Held | None:
    if rule.keep is None or (rule.keep.is_purpose and not is_sweep):
        return None
    return held(rule.keep, facts, today)


def held(keep: Keep, facts: Mapping[str, str | None], today: date) -> Held | None:
    """Whether the keep holds today. A start that is unknown holds without end: nothing is erased on a guess."""
    if any(not _states(name, facts).isdisjoint(values) for name, values in keep.while_.items()):
        return Held(None)
    if keep.period is None or keep.start is None:
        return None
    start = _start(keep.start, facts)
    if start is None:
        return Held(None, is_unknown=True)
    if keep.to_year_end:
        start = date(start.year, 12, 31)
    end = keep.period.after(start)
    return Held(end) if today <= end else None


def _states(name: str, facts: Mapping[str, str | None]) -> frozenset[str]:
    """A state among the facts: `status` of the record, which a rule may also call `orders.status`. A mail has several flags at once."""
    state = facts[name] if name in facts else facts.get(name.rpartition(".")[2])
    return frozenset() if state is None else frozenset(state.split(SEVERAL))


def _start(start: Start, facts: Mapping[str, str | None]) -> date | None:
    dates = [found for name in start.fields if (found := _date_of(name, start.pick, facts)) is not None]
    if not dates:
        return None
    return max(dates) if start.pick is Pick.LATEST else min(dates)


def _date_of(name: str, pick: Pick, facts: Mapping[str, str | None]) -> date | None:
    """A date among the facts: the field itself, the linked collection's `orders.created_at:latest`, or the own `created_at` of orders."""
    for key in (name, f"{name}:{pick.value}", name.rpartition(".")[2]):
        text = facts.get(key)
        if text:
            try:
                return date.fromisoformat(text[:10])
            except ValueError:
                return None
    return None


def _reason(rule: Rule, treatment: Treatment, until: date | None) -> Reason:
    keep = rule.keep
    because, law = (keep.because, keep.law) if keep is not None and treatment in KEEPING else ("", "")
    return Reason(treatment, rule.name, rule.source, because, law, until)
